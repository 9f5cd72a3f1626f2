//! Maintenance windows of Systems Manager, with their targets and tasks.
//!
//! They are kept and scheduled; the estate does not carry out their tasks.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};

use super::schedule::Schedule;
use super::tags::Tags;

/// Windows of an account in a region, at most (General Reference, Systems Manager quotas).
pub const MAX_WINDOWS: usize = 50;
/// Targets of a window, at most.
pub const MAX_TARGETS: usize = 100;
/// Tasks of a window, at most.
pub const MAX_TASKS: usize = 20;

/// When a window opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Its schedule.
    pub schedule: Schedule,
    /// The schedule's time zone.
    pub zone: TimeZone,
    /// Days by which a cron expression's dates are put off, 1 to 6.
    pub offset_days: Option<i64>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// No longer at.
    pub until: Option<Timestamp>,
    /// What rates count from.
    pub anchor: Timestamp,
}

impl Timing {
    /// The first opening after `after`.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let days = self.offset_days.unwrap_or(0).days();
        let put_off = |time: Timestamp, days: jiff::Span| {
            time.to_zoned(self.zone.clone()).checked_add(days).map(|moved| moved.timestamp()).ok()
        };
        // A second earlier, so that the start date itself counts.
        let start = self.from.and_then(|from| from.checked_sub(1.second()).ok()).unwrap_or(after);
        let after = after.max(start);
        let next = self.schedule.next(put_off(after, -days)?, &self.zone, self.anchor)?;
        put_off(next, days).filter(|time| self.until.is_none_or(|until| *time < until))
    }

    /// A moment as Systems Manager writes it: in the schedule's time zone, without seconds where there
    /// are none.
    #[must_use]
    pub fn written(&self, time: Timestamp) -> String {
        let civil = time.to_zoned(self.zone.clone());
        let offset = match civil.offset().seconds() {
            0 => "Z".to_owned(),
            _ => civil.strftime("%:z").to_string(),
        };
        let form = if civil.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
        format!("{}{offset}", civil.strftime(form))
    }
}

/// A maintenance window.
#[derive(Clone, Debug)]
pub struct Window {
    /// What it was made with, members by their names on the wire, the token and the tags left out.
    pub facts: Map<String, Value>,
    /// When it opens.
    pub timing: Timing,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Its targets by id, members by their names on the wire.
    pub targets: BTreeMap<String, Map<String, Value>>,
    /// Its tasks by id, members by their names on the wire.
    pub tasks: BTreeMap<String, Map<String, Value>>,
}

impl Window {
    /// True where a task goes to a target of that id.
    #[must_use]
    pub fn uses(&self, target: &str) -> bool {
        let named = |task: &Map<String, Value>| {
            let targets = task.get("Targets").and_then(Value::as_array);
            targets.into_iter().flatten().any(|it| {
                let values = it["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
                it["Key"] == "WindowTargetIds" && values.iter().any(|value| value == target)
            })
        };
        self.tasks.values().any(named)
    }
}

/// What a client's token was given for, and what came of it.
#[derive(Clone, Debug)]
pub struct Tokened {
    /// The request, the token left out.
    pub request: Value,
    /// The id that was answered.
    pub id: String,
}

/// A region's maintenance windows.
#[derive(Debug, Default)]
pub struct Windows {
    /// Every window by id.
    pub windows: BTreeMap<String, Window>,
    /// Clients' tokens, by action and token.
    pub tokens: BTreeMap<(&'static str, String), Tokened>,
    /// Windows, targets and tasks made so far, which ids are drawn from.
    pub made: usize,
}
