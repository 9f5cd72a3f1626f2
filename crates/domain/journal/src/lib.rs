//! The record of a run as bytes: what journals keep, whatever they keep it in.
//!
//! Records of one append become a *batch* ([`encode`], [`decode`]), letters of the mailbox one row each
//! ([`encode_mail`], [`decode_mail`]), and every batch is chained to the one before it ([`Link`]), so that damage
//! shows. What is written once is read for ever: a kind of record never changes its number, fields are added at the end.

mod chain;
mod codec;
mod mail;

pub use chain::{Link, sha256};
pub use codec::{FORMAT, Malformed, decode, decode_mail, encode, encode_mail};
pub use mail::{HandOver, Letter, Mail};
