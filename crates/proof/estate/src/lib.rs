//! A simulated AWS that speaks the real wire protocols.
//!
//! It is judged by software nobody here wrote (botocore, the AWS CLI, the official Rust SDK) and
//! depends on nothing of fleetwright, so that it cannot share fleetwright's mistakes.

pub mod call;
pub mod clock;
pub mod fault;
pub mod generate;
pub mod limits;
pub mod policy;
pub mod service;
pub mod wire;
pub mod world;
