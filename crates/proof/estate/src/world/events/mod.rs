//! EventBridge of one region: event buses, their rules, and what was put on them.

pub mod deliver;
pub mod path;
pub mod pattern;
mod schedule;
pub mod transform;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::schedule::Schedule;
use pattern::Pattern;

pub(super) use schedule::apply;
pub use schedule::{Firing, parse as parse_schedule};

/// The bus that every account has.
pub const DEFAULT_BUS: &str = "default";
/// Rules of an event bus, at most (user guide, "Amazon EventBridge quotas"; some regions have fewer).
pub const MAX_RULES: usize = 300;
/// Targets of a rule, at most (the same).
pub const MAX_TARGETS: usize = 5;

/// Buses and events of a region.
#[derive(Debug)]
pub struct Events {
    /// By name; the default one is always there.
    pub buses: BTreeMap<String, Bus>,
    /// Every event that was put or came due, in order.
    pub put: Vec<PutEvent>,
    /// What reached no target, in order.
    pub undelivered: Vec<Undelivered>,
    /// Rules made or changed so far, which tells a rule from one of the same name before it.
    pub revisions: u64,
}

impl Default for Events {
    fn default() -> Self {
        let buses = [(DEFAULT_BUS.to_owned(), Bus::default())].into();
        Self { buses, put: Vec::new(), undelivered: Vec::new(), revisions: 0 }
    }
}

/// An event bus.
#[derive(Debug, Default)]
pub struct Bus {
    /// Its rules by name.
    pub rules: BTreeMap<String, Rule>,
}

/// A rule: which events it is about, and who is told of them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which events, as it was written and as it was read; none where it goes by the clock only.
    pub pattern: Option<(String, Pattern)>,
    /// When it makes an event itself, as it was written and as it was read.
    pub schedule: Option<(String, Schedule)>,
    /// Whether it does anything.
    pub state: State,
    /// What people wrote about it.
    pub description: Option<String>,
    /// ARN of the role that it reaches its targets with.
    pub role: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Who is told, by id.
    pub targets: BTreeMap<String, Target>,
    /// When it was made, which rates count from.
    pub made: Timestamp,
    /// Changes with every change of its schedule.
    pub revision: u64,
}

/// Whether a rule does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Enabled,
    /// The same, also for CloudTrail's events of reading calls, which the estate does not make.
    EnabledWithAllEvents,
    /// It does not.
    Disabled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::EnabledWithAllEvents, Self::Disabled];

    /// EventBridge's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::EnabledWithAllEvents => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Who is told of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The ARN.
    pub arn: String,
    /// The target as it was put, its id and ARN among its members.
    pub members: Map<String, Value>,
}

/// An event on a bus.
#[derive(Clone, Debug, Serialize)]
pub struct PutEvent {
    /// When it was put.
    pub at: Timestamp,
    /// The bus.
    pub bus: String,
    /// The event as targets see it.
    pub event: Value,
    /// Names of the enabled rules that it matched.
    pub rules: Vec<String>,
}

/// Something that reached nobody. Where its target names a queue for dead letters, the event is there as well,
/// but for functions that there is nothing to run with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undelivered {
    /// When.
    pub at: Timestamp,
    /// The event's id.
    pub event: String,
    /// The bus.
    pub bus: String,
    /// The rule; none where there was no bus to have one.
    pub rule: Option<String>,
    /// The target's ARN.
    pub target: Option<String>,
    /// What it would have been told; none where that could not be made.
    pub payload: Option<String>,
    /// Why it was not.
    pub reason: String,
}
