//! Events on the event buses of EventBridge, and those an upgrade of a cluster tells of.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Clock;
use crate::event_rules::BusName;

/// What events of upgrades have as their source.
pub const UPGRADE_SOURCE: &str = "fleetwright.upgrade";
/// Entries of one PutEvents. Source: EventBridge API reference, PutEvents.
pub const MOST_ENTRIES: usize = 10;
/// Bytes of all entries of one PutEvents, and so of a single event as well.
/// Source: EventBridge user guide, "Calculating PutEvents event entry size".
pub const MOST_BYTES: usize = 256 * 1024;
/// Bytes that the time of an entry counts as. Source: the same.
const TIME_BYTES: usize = 14;
/// How often events that were not taken for a reason of the moment are sent in all.
const ATTEMPTS: u32 = 4;
/// Before they are sent for the second time; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What an upgrade tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UpgradeEvent {
    /// An upgrade began.
    UpgradeStarted,
    /// It ended well.
    UpgradeCompleted,
    /// It did not.
    UpgradeFailed,
    /// A phase of it began.
    PhaseStarted,
    /// It ended well.
    PhaseCompleted,
    /// It did not.
    PhaseFailed,
    /// What was validated is as it should be.
    ValidationSuccess,
    /// It is not.
    ValidationFailure,
    /// A way back was taken.
    RollbackTriggered,
    /// It was taken to its end.
    RollbackCompleted,
    /// A share of the traffic goes elsewhere.
    TrafficShifted,
    /// A cluster was made.
    ClusterProvisioned,
    /// A cluster was taken away.
    ClusterDecommissioned,
}

impl UpgradeEvent {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::UpgradeStarted,
        Self::UpgradeCompleted,
        Self::UpgradeFailed,
        Self::PhaseStarted,
        Self::PhaseCompleted,
        Self::PhaseFailed,
        Self::ValidationSuccess,
        Self::ValidationFailure,
        Self::RollbackTriggered,
        Self::RollbackCompleted,
        Self::TrafficShifted,
        Self::ClusterProvisioned,
        Self::ClusterDecommissioned,
    ];

    /// The detail type it has on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpgradeStarted => "upgrade.started",
            Self::UpgradeCompleted => "upgrade.completed",
            Self::UpgradeFailed => "upgrade.failed",
            Self::PhaseStarted => "phase.started",
            Self::PhaseCompleted => "phase.completed",
            Self::PhaseFailed => "phase.failed",
            Self::ValidationSuccess => "validation.success",
            Self::ValidationFailure => "validation.failure",
            Self::RollbackTriggered => "rollback.triggered",
            Self::RollbackCompleted => "rollback.completed",
            Self::TrafficShifted => "traffic.shifted",
            Self::ClusterProvisioned => "cluster.provisioned",
            Self::ClusterDecommissioned => "cluster.decommissioned",
        }
    }

    /// The event of an upgrade of a cluster, with what else there is to say.
    pub fn of(
        self,
        cluster: &str,
        upgrade: &str,
        mut more: Map<String, Value>,
        at: Option<Timestamp>,
    ) -> Event {
        more.insert("cluster".to_owned(), cluster.into());
        more.insert("upgrade".to_owned(), upgrade.into());
        Event {
            source: UPGRADE_SOURCE.into(),
            detail_type: self.as_str().into(),
            detail: more,
            resources: Vec::new(),
            at,
        }
    }
}

impl FromStr for UpgradeEvent {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|event| event.as_str() == word).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("an upgrade tells of {}", known.join(", "))
        })
    }
}

/// An event that is to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who tells of it, for example `fleetwright.upgrade`; `aws.…` is AWS's own.
    pub source: String,
    /// What kind of event it is, up to 128 characters.
    pub detail_type: String,
    /// What there is to say.
    pub detail: Map<String, Value>,
    /// ARNs of what it is about.
    pub resources: Vec<String>,
    /// When it happened; when it is published without.
    pub at: Option<Timestamp>,
}

/// Why an event cannot be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// It has no source, or AWS's.
    #[error("its source {0:?} is none: give one of your own that does not begin with \"aws.\"")]
    Source(String),
    /// It has no detail type, or a long one.
    #[error("its detail type has {0} characters, not 1 to 128")]
    DetailType(usize),
    /// It is too large.
    #[error("it has {0} bytes, more than the {MOST_BYTES} of a call")]
    Bytes(usize),
}

impl Event {
    /// Its detail, as it is sent.
    pub fn detail_text(&self) -> String {
        Value::Object(self.detail.clone()).to_string()
    }

    /// Bytes it counts as in a call.
    pub fn bytes(&self) -> usize {
        let resources: usize = self.resources.iter().map(String::len).sum();
        let time = if self.at.is_some() { TIME_BYTES } else { 0 };
        time + self.source.len() + self.detail_type.len() + self.detail_text().len() + resources
    }

    /// What speaks against it, if anything does.
    /// Source: EventBridge API reference, PutEventsRequestEntry.
    pub fn fault(&self) -> Option<EventFault> {
        let kind = self.detail_type.chars().count();
        if self.source.is_empty() || self.source.to_lowercase().starts_with("aws.") {
            return Some(EventFault::Source(self.source.clone()));
        }
        if !(1..=128).contains(&kind) {
            return Some(EventFault::DetailType(kind));
        }
        Some(self.bytes()).filter(|bytes| *bytes > MOST_BYTES).map(EventFault::Bytes)
    }
}

/// Cuts events into calls that are not too large, in order: where each begins and ends.
pub fn batches(events: &[Event]) -> Vec<std::ops::Range<usize>> {
    let mut batches: Vec<std::ops::Range<usize>> = Vec::new();
    let mut room = 0;
    for (index, event) in events.iter().enumerate() {
        let bytes = event.bytes();
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_ENTRIES && bytes <= room => {
                batch.end = index + 1;
                room -= bytes;
            }
            _ => {
                batches.push(index..index + 1);
                room = MOST_BYTES.saturating_sub(bytes);
            }
        }
    }
    batches
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The bus has it, under that id.
    Taken(String),
    /// The bus did not take it.
    Refused(EntryRefusal),
    /// The call failed: it may be there, or not ([`fleetwright_model::ErrorClass::Ambiguous`]), or surely not.
    Failed(Failure),
}

/// Why a bus did not take an event although it took the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRefusal {
    /// The service's code.
    pub code: String,
    /// The service's words. Untrusted text.
    pub message: String,
}

impl EntryRefusal {
    /// Whether it is a matter of the moment. Source: EventBridge API reference, PutEventsResultEntry.
    pub fn is_of_the_moment(&self) -> bool {
        matches!(self.code.as_str(), "ThrottlingException" | "InternalFailure" | "InternalException")
    }
}

impl fmt::Display for EntryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// The event buses of one cell.
#[async_trait]
pub trait Events: Send + Sync {
    /// Puts events, at most as many as one call takes, on a bus; what became of each, in order. Nothing that may be
    /// on the bus is sent again.
    async fn put(&self, cell: &Cell<'_>, bus: &BusName, events: &[Event]) -> Vec<Entry>;
}

/// Publishes events, however many, in order and in as few calls as there may be. Those that the bus did not take for
/// a reason of the moment are sent again; what became of each in the end, in order.
pub async fn publish(
    (bus, clock): (&dyn Events, &dyn Clock),
    cell: &Cell<'_>,
    name: &BusName,
    events: &[Event],
) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(events.len());
    for batch in batches(events) {
        let batch = &events[batch];
        let mut became = bus.put(cell, name, batch).await;
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            let again = |entry: &Entry| matches!(entry, Entry::Refused(why) if why.is_of_the_moment());
            let left: Vec<usize> = (0..became.len()).filter(|index| again(&became[*index])).collect();
            if left.is_empty() {
                break;
            }
            clock.sleep(pause).await;
            pause *= 2;
            let events: Vec<Event> = left.iter().map(|index| batch[*index].clone()).collect();
            for (index, entry) in left.into_iter().zip(bus.put(cell, name, &events).await) {
                became[index] = entry;
            }
        }
        entries.extend(became);
    }
    entries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(text: &str) -> Event {
        let more = json!({ "text": text }).as_object().cloned().unwrap_or_default();
        UpgradeEvent::PhaseStarted.of("shop", "u-1", more, None)
    }

    #[test]
    fn every_event_of_an_upgrade_has_a_name_of_its_own() {
        for kind in UpgradeEvent::ALL {
            assert_eq!(kind.as_str().parse::<UpgradeEvent>(), Ok(kind));
            assert_eq!(event("").fault(), None);
        }
        let wrong = "upgrade.begun".parse::<UpgradeEvent>().expect_err("there is none such");
        assert!(wrong.contains("upgrade.started, upgrade.completed"), "{wrong}");
    }

    #[test]
    fn calls_have_ten_events_and_256_kib_at_most_and_keep_the_order() {
        let small = vec![event("x"); 23];
        assert_eq!(batches(&small), [0..10, 10..20, 20..23]);
        let large: Vec<Event> = (0..5).map(|_| event(&"x".repeat(100 * 1024))).collect();
        assert_eq!(batches(&large), [0..2, 2..4, 4..5]);
        assert!(batches(&[]).is_empty());
    }

    #[test]
    fn an_event_that_no_bus_takes_says_why() {
        let aws = Event { source: "aws.ec2".into(), ..event("x") };
        assert_eq!(aws.fault(), Some(EventFault::Source("aws.ec2".into())));
        let long = Event { detail_type: "x".repeat(129), ..event("x") };
        assert_eq!(long.fault(), Some(EventFault::DetailType(129)));
        assert!(matches!(event(&"x".repeat(MOST_BYTES)).fault(), Some(EventFault::Bytes(_))));
        let at = Event { at: Some(Timestamp::UNIX_EPOCH), ..event("x") };
        assert_eq!(at.bytes(), event("x").bytes() + TIME_BYTES);
    }
}
