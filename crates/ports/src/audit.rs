//! The audit log of a run: what is written around every call that changes something.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_audit::{Answer, Intent, Opening, PublicKey, SignedHead, Writer};
use jiff::Timestamp;

use crate::{JournalError, RunId};

/// The name of the log that commands outside of runs write to: maintenance windows that are made and
/// deleted. No run has this name.
pub const COMMANDS: &str = "commands";

/// One run's log, as its one writer has it. It is made, and claimed for this process, by the first
/// record.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records that a call is about to be sent, and answers with the record's number. It is durable when
    /// this returns, and only then may the call be sent.
    ///
    /// # Errors
    /// The storage refuses, or another process writes to this log. A log that has failed once takes
    /// nothing more: what cannot be recorded must not be done.
    async fn before(&self, at: Timestamp, intent: Intent) -> Result<u64, JournalError>;

    /// Records what came of a call. It is durable no later than when the next call is recorded or the log is
    /// signed; until then a loss of power, and of the process where the log is far away, leaves the call in doubt.
    ///
    /// # Errors
    /// As [`AuditLog::before`].
    fn after(&self, at: Timestamp, answer: Answer) -> Result<(), JournalError>;

    /// Makes everything durable, signs the end of the log and keeps the head beside it; none where nothing
    /// was ever recorded.
    ///
    /// # Errors
    /// As [`AuditLog::before`], or there is no key to sign with and none can be made.
    async fn sign(&self, at: Timestamp) -> Result<Option<SignedHead>, JournalError>;
}

/// A log and its heads, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditTrail {
    /// The log, byte for byte; empty where nothing was ever recorded.
    pub log: Vec<u8>,
    /// Its heads, one a line.
    pub heads: Vec<u8>,
}

/// The audit logs of a state directory, or of what stands in for it.
#[async_trait]
pub trait AuditLogs: Send + Sync {
    /// The log of that run, or of [`COMMANDS`], to be written. A new one begins with `opening`, and each writer with itself;
    /// nothing is written before the first call.
    fn log(&self, run: &RunId, opening: Opening, writer: Writer) -> Arc<dyn AuditLog>;

    /// A log as it is stored.
    ///
    /// # Errors
    /// No such run, or the storage refuses.
    async fn trail(&self, run: &RunId) -> Result<AuditTrail, JournalError>;

    /// The key that heads are checked with; none where none was ever signed.
    ///
    /// # Errors
    /// The storage refuses, or the key is none.
    async fn public_key(&self) -> Result<Option<PublicKey>, JournalError>;
}
