//! Lambda of one region: functions, their versions, and every run of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::events::Undelivered;
use crate::functions::Started;

/// Functions that run at once in an account's region, at most (Lambda developer guide, "Quotas").
pub const MAX_CONCURRENT: u64 = 1_000;
/// What has to be left of those for functions without a reservation.
pub const MIN_UNRESERVED: u64 = 100;

/// Functions of a region.
#[derive(Debug, Default)]
pub struct Functions {
    /// By name.
    pub by_name: BTreeMap<String, Function>,
    /// Every run so far, in the order of their beginnings.
    pub runs: Vec<Run>,
    /// What runs after the call that caused it, for which nobody waits.
    pub queued: Vec<Queued>,
}

/// An invocation for which nobody waits.
#[derive(Clone, Debug)]
pub struct Queued {
    /// What is run.
    pub started: Started,
    /// What is kept where there is nothing to run it with.
    pub otherwise: Undelivered,
}

/// A function.
#[derive(Debug)]
pub struct Function {
    /// What `$LATEST` is.
    pub latest: Version,
    /// What was published, the oldest first.
    pub published: Vec<Version>,
    /// The number that the next published version gets.
    pub next_number: u64,
    /// How many of it run at once at most, and always can; none where it shares with the others.
    pub reserved: Option<u64>,
    /// How many of it run now.
    pub running: u64,
    /// From when on it can be invoked.
    pub active: Timestamp,
    /// Until when its last update is being made.
    pub updating: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A version of a function: code and configuration.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number; none for `$LATEST`.
    pub number: Option<u64>,
    /// What it is run with.
    pub configuration: Configuration,
    /// What it runs.
    pub code: Code,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Changes with every change, a UUID.
    pub revision: String,
}

/// What a function is run with.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The runtime's name.
    pub runtime: String,
    /// ARN of the role whose credentials it gets.
    pub role: String,
    /// What the runtime is to call.
    pub handler: String,
    /// What people wrote about it.
    pub description: String,
    /// How long it may run.
    pub timeout_seconds: u64,
    /// Its memory.
    pub memory_mb: u64,
    /// Its variables by name.
    pub environment: BTreeMap<String, String>,
    /// The processor it is built for.
    pub architecture: String,
    /// Members that are kept and shown, and change nothing here: VPC, layers, dead letters, keys, tracing.
    pub kept: Map<String, Value>,
}

/// What a function runs, of which only this is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The SHA-256 of the archive.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub size_bytes: usize,
}

impl Version {
    /// The version's name: `$LATEST` or its number.
    #[must_use]
    pub fn name(&self) -> String {
        self.number.map_or_else(|| "$LATEST".to_owned(), |number| number.to_string())
    }
}

impl Function {
    /// The version with that name; none is `$LATEST`.
    #[must_use]
    pub fn version(&self, qualifier: Option<&str>) -> Option<&Version> {
        match qualifier {
            None | Some("$LATEST") => Some(&self.latest),
            Some(name) => self.published.iter().find(|version| version.name() == name),
        }
    }
}

impl Functions {
    /// What is left of the account's concurrency for functions without a reservation.
    #[must_use]
    pub fn unreserved(&self) -> u64 {
        let reserved: u64 = self.by_name.values().filter_map(|function| function.reserved).sum();
        MAX_CONCURRENT.saturating_sub(reserved)
    }

    /// How many functions without a reservation run now.
    #[must_use]
    pub fn running_unreserved(&self) -> u64 {
        self.by_name.values().filter(|it| it.reserved.is_none()).map(|it| it.running).sum()
    }
}

/// One run of a function.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// The function's name.
    pub function: String,
    /// The version's name.
    pub version: String,
    /// The id of the request that it is for; runs of one event share it.
    pub request_id: String,
    /// When it began.
    pub at: Timestamp,
    /// How it ended; none while it goes on.
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// The handler answered.
    Answered,
    /// The handler answered with an error.
    Failed,
    /// The process ended before it answered.
    Crashed,
    /// It took too long.
    TimedOut,
}
