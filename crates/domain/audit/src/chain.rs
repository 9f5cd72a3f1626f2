//! Records in a row, each bound to the one before.

use fleetwright_model::Text;
use fleetwright_model::canonical::canonical;
use jiff::Timestamp;
use serde_json::Value;

use crate::digest::Digest;
use crate::record::{Entry, Record};

/// Where a log ends, and so where it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    log: Text,
    last: u64,
    hash: Digest,
}

impl Chain {
    /// A log without records.
    pub fn new(log: &str) -> Self {
        Self { log: log.into(), last: 0, hash: Digest::NONE }
    }

    /// A log that ends with this record.
    pub fn after(record: &Record) -> Self {
        Self { log: record.log.clone(), last: record.sequence, hash: record.hash }
    }

    /// The log's name.
    pub fn log(&self) -> &Text {
        &self.log
    }

    /// The number of the last record; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The digest of the last record.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The next record.
    pub fn push(&mut self, at: Timestamp, entry: Entry) -> Line {
        let sequence = self.last + 1;
        let (log, previous) = (self.log.clone(), self.hash);
        let mut record = Record { sequence, log, at, previous, entry, hash: Digest::NONE };
        let mut value = serde_json::to_value(&record).expect("a record is plain data");
        record.hash = hash_of(&mut value);
        value["hash"] = record.hash.to_string().into();
        (self.last, self.hash) = (sequence, record.hash);
        let mut bytes = canonical(&value);
        bytes.push(b'\n');
        Line { record, bytes }
    }
}

/// A record and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The record.
    pub record: Record,
    /// Its canonical JSON and a line feed.
    pub bytes: Vec<u8>,
}

/// What is wrong with a line by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Not a record.
    #[error("it is no record of an audit log: {0}")]
    Unreadable(String),
    /// Its content is not what its hash says.
    #[error("its content has digest {found}, not {stated}")]
    Changed {
        /// What it states.
        stated: Digest,
        /// What its content has.
        found: Digest,
    },
    /// It says what its hash says, and is not spelled as a log spells it.
    #[error("it is not spelled as it was written")]
    Respelled,
}

/// Reads a line, without its line feed, and holds it against its own hash.
///
/// # Errors
/// [`BadLine`].
pub fn read(line: &[u8]) -> Result<Record, BadLine> {
    let unreadable = |error: serde_json::Error| BadLine::Unreadable(error.to_string());
    let mut value: Value = serde_json::from_slice(line).map_err(unreadable)?;
    let record: Record = serde_json::from_value(value.clone()).map_err(unreadable)?;
    if canonical(&value) != line {
        return Err(BadLine::Respelled);
    }
    let found = hash_of(&mut value);
    match found == record.hash {
        true => Ok(record),
        false => Err(BadLine::Changed { stated: record.hash, found }),
    }
}

/// The digest of everything but the hash.
fn hash_of(value: &mut Value) -> Digest {
    if let Some(members) = value.as_object_mut() {
        members.remove("hash");
    }
    Digest::of(&canonical(value))
}
