//! The audit log: what was changed, for whom, on whose word, and what came of it.
//!
//! A log is a list of [`Record`]s, one JSON object a line. Before a call that changes something is
//! sent, an [`Intent`] is on record; when its answer is there, an [`Answer`] that refers to it. An
//! intent without an answer is a call *in doubt*: the process ended before it knew.
//!
//! Every record carries the digest of the one before ([`chain`]), so that an edit, a deletion, another
//! order or an insertion shows ([`verify()`]). What a chain alone cannot show - that it was cut off, or made
//! anew from some place on - shows against a [`SignedHead`] that was kept elsewhere. [`reconcile()`] holds
//! the log against CloudTrail's files, which somebody else wrote.
//!
//! No parameters of calls are recorded, only who is meant: secrets cannot get in.

pub mod bundle;
pub mod chain;
pub mod cloudtrail;
pub mod digest;
pub mod head;
pub mod key;
pub mod reconcile;
pub mod record;
mod scribe;
pub mod verify;

pub use bundle::Bundle;
pub use chain::{Chain, Line};
pub use digest::Digest;
pub use head::{Head, SignedHead};
pub use key::{KeyId, PublicKey, SigningKey};
pub use reconcile::{Reconciliation, reconcile};
pub use record::{Actor, Answer, Approval, CallResult, Entry, Intent, Opening, Record, Writer};
pub use scribe::Scribe;
pub use verify::{Finding, Verdict, verify};
