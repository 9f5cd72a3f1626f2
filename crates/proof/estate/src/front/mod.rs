//! The ways in: TCP for people and foreign clients. In-process callers use
//! [`Estate::call`](crate::estate::Estate::call) directly.

pub mod control;
pub mod tcp;
mod watches;
