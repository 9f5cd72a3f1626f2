//! The local journal and artefacts: [`SqliteJournal`] and [`FileArtifacts`] under one state
//! directory, [`MemoryJournal`] and [`MemoryArtifacts`] for tests and virtual time.
//!
//! One append is one durable commit (SQLite, WAL, `synchronous=FULL`), conditional on epoch and
//! sequence. [`FileAuditLogs`] keeps what is written around every call that changes something, beside the
//! journal. [`SqliteBudgets`] and [`MemoryBudgets`] keep what the runs of a state directory have out of
//! service in the groups they share. Calls block for the moment they take and are made in place: the drivers run in one
//! thread, and handing work to other threads would let virtual time run on meanwhile.
//!
//! # Format 1.0
//!
//! A run's `journal.db` holds one row for the run (name, creation, plan, the plan's SHA-256), one
//! for its state (epoch, last record, head of the chain), one row per append with its records in a
//! compact form ([`fleetwright_journal`]), and the mailbox. Every append's row carries a checksum over
//! its content and the checksum before it; the state row, written in the same transaction, carries
//! the last one. An edit, a deletion, another order or a missing end therefore shows on loading,
//! and what comes before it is whole. What is lost without a trace is only what the write-ahead log
//! lost at its very end, a whole number of appends: the journal then is what it was before them.
//!
//! Every format ever written is read for ever: samples lie under `testdata/formats/`.

mod artifacts;
mod audit;
mod budgets;
mod error;
mod files;
mod memory;
#[cfg(test)]
mod now;
mod ownership;
mod sqlite;

pub use artifacts::FileArtifacts;
pub use audit::{FileAuditLogs, MemoryAuditLogs, Randomness};
pub use budgets::{MemoryBudgets, SqliteBudgets};
pub use memory::{AppendFault, FaultPoint, MemoryArtifacts, MemoryJournal};
pub use sqlite::SqliteJournal;
