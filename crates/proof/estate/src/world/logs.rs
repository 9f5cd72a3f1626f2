//! CloudWatch Logs of one region: groups, streams and what was written to them.

pub mod pattern;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Region;
use super::timeline::Place;
use crate::authorize::role_may;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Log groups of a region.
#[derive(Debug, Default)]
pub struct Logs {
    /// By name.
    pub groups: BTreeMap<String, Group>,
    /// Events written so far, which their ids derive from.
    pub written: u64,
}

/// A log group.
#[derive(Clone, Debug)]
pub struct Group {
    /// When it was made.
    pub created: Timestamp,
    /// How long its events are kept; none for ever.
    pub retention_days: Option<u64>,
    /// The key it is encrypted with, where it is not the service's own.
    pub key: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its streams by name.
    pub streams: BTreeMap<String, Stream>,
}

/// A log stream: events in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// What was written.
    pub events: Vec<Event>,
}

/// An event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number among all of the region, from 1.
    pub number: u64,
    /// When it happened, in milliseconds since 1970, as its writer says.
    pub at_ms: i64,
    /// When it arrived, in milliseconds since 1970.
    pub arrived_ms: i64,
    /// What was written.
    pub message: String,
}

impl Group {
    /// A group without streams, whose events are kept for ever.
    #[must_use]
    pub fn new(created: Timestamp) -> Self {
        Self { created, retention_days: None, key: None, tags: BTreeMap::new(), streams: BTreeMap::new() }
    }

    /// Before that moment, in milliseconds since 1970, events are gone.
    #[must_use]
    pub fn kept_since_ms(&self, now: Timestamp) -> i64 {
        let days = self.retention_days.and_then(|days| i64::try_from(days).ok());
        days.map_or(i64::MIN, |days| now.as_millisecond().saturating_sub(days.saturating_mul(DAY_MS)))
    }
}

impl Logs {
    /// Adds an event to a stream that is there; false where it is not.
    pub fn write(
        &mut self,
        group: &str,
        stream: &str,
        (at_ms, message): (i64, String),
        now: Timestamp,
    ) -> bool {
        let found = self.groups.get_mut(group).and_then(|group| group.streams.get_mut(stream));
        let Some(stream) = found else { return false };
        self.written += 1;
        let arrived_ms = now.as_millisecond();
        stream.events.push(Event { number: self.written, at_ms, arrived_ms, message });
        true
    }
}

/// What a function wrote, on its way to its log group.
#[derive(Clone, Copy, Debug)]
pub struct Written<'w> {
    /// The function's name.
    pub function: &'w str,
    /// The version that ran.
    pub version: &'w str,
    /// Its role's name.
    pub role: &'w str,
    /// What it wrote, line by line.
    pub text: &'w str,
}

/// Lets Lambda write what a function wrote, as far as the function's role may: a line is an event. A group that is
/// not there is made where the role may do that.
///
/// Source: Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs".
pub fn write_of_function(place: &mut Place<'_>, written: &Written<'_>, now: Timestamp) {
    let group = group_of(place.region, written);
    let stream = stream_of(written, now);
    let arn = |stream: &str| stream_arn((place.code, place.account), &group, stream);
    let may = |action: &str, arn: &str| role_may(place, written.role, action, arn, now);
    let is_there = place.region.logs.groups.contains_key(&group);
    let makes_group = !is_there && may("logs:CreateLogGroup", &arn(""));
    let has_stream = place.region.logs.groups.get(&group).is_some_and(|it| it.streams.contains_key(&stream));
    let makes_stream = has_stream || may("logs:CreateLogStream", &arn(&stream));
    let puts = may("logs:PutLogEvents", &arn(&stream));
    if !(is_there || makes_group) || !makes_stream || !puts {
        return;
    }
    let logs = &mut place.region.logs;
    let found = logs.groups.entry(group.clone()).or_insert_with(|| Group::new(now));
    found.streams.entry(stream.clone()).or_default();
    for line in written.text.lines() {
        logs.write(&group, &stream, (now.as_millisecond(), line.to_owned()), now);
    }
}

/// The group that a function writes to: its own, where its configuration names none.
fn group_of(region: &Region, written: &Written<'_>) -> String {
    let function = region.functions.by_name.get(written.function);
    let version = function.and_then(|function| function.version(Some(written.version)));
    let kept = version.and_then(|version| version.configuration.kept.get("LoggingConfig"));
    let named = kept.and_then(|config| config["LogGroup"].as_str());
    named.map_or_else(|| format!("/aws/lambda/{}", written.function), str::to_owned)
}

/// The stream of a function's version of that day.
fn stream_of(written: &Written<'_>, now: Timestamp) -> String {
    let digest = Sha256::digest(format!("{}:{}", written.function, written.version));
    let day = now.strftime("%Y/%m/%d");
    format!("{day}/[{}]{}", written.version, hex::encode(&digest[..16]))
}

/// The ARN that permissions on a stream are judged by; on its group where the stream has no name.
#[must_use]
pub fn stream_arn((region, account): (&str, &str), group: &str, stream: &str) -> String {
    format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}")
}
