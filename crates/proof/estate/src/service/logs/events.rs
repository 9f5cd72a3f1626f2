//! Streams: made, written to, and read one by one.

use serde_json::{Value, json};

use super::{checked, exists, group, group_name, invalid, logs, moment, no_group, no_stream, stream_name};
use crate::call::{ApiError, Call};
use crate::service::members::{Members, flag, members, number, objects, text, text_within};
use crate::world::World;
use crate::world::logs::Event;

/// Bytes that an event counts beside its message (PutLogEvents).
const EVENT_OVERHEAD_BYTES: usize = 26;
/// Bytes of a batch, at most.
const MAX_BATCH_BYTES: usize = 1_048_576;
/// Events of a batch or of an answer, at most.
pub(super) const MAX_EVENTS: u64 = 10_000;
const HOUR_MS: i64 = 3_600_000;
/// Events older than this, or than the group keeps them, are not taken.
const OLDEST_MS: i64 = 14 * 24 * HOUR_MS;
/// Events so far in the future are not taken.
const NEWEST_MS: i64 = 2 * HOUR_MS;

/// CreateLogStream.
pub(super) fn create_stream(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = checked(members(call, &["logGroupName", "logStreamName"]))?;
    let (name, stream) = (group_name(call, members, "logGroupName")?, stream_name(members)?);
    let group = logs(world, call)?.groups.get_mut(name).ok_or_else(no_group)?;
    if group.streams.contains_key(stream) {
        return Err(exists("stream"));
    }
    group.streams.insert(stream.to_owned(), Default::default());
    Ok(Value::Null)
}

/// PutLogEvents: what is too old or too new is left out and told.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = ["logGroupName", "logStreamName", "logEvents", "sequenceToken"];
    let members = checked(members(call, &known))?;
    let (name, stream) = (group_name(call, members, "logGroupName")?, stream_name(members)?);
    let events = batch(members)?;
    let logs = logs(world, call)?;
    let group = logs.groups.get(name).ok_or_else(no_group)?;
    if !group.streams.contains_key(stream) {
        return Err(no_stream());
    }
    let (now, kept) = (call.now.as_millisecond(), group.kept_since_ms(call.now));
    let too_old = events.iter().filter(|(at, _)| *at < now - OLDEST_MS).count();
    let expired = events.iter().filter(|(at, _)| *at < kept).count();
    let too_new = events.iter().position(|(at, _)| *at > now + NEWEST_MS);
    let taken = too_old.max(expired)..too_new.unwrap_or(events.len());
    for (at, message) in events.get(taken).unwrap_or_default() {
        logs.write(name, stream, (*at, message.clone()), call.now);
    }
    let mut rejected = serde_json::Map::new();
    if let Some(first) = too_new {
        rejected.insert("tooNewLogEventStartIndex".to_owned(), first.into());
    }
    for (member, end) in [("tooOldLogEventEndIndex", too_old), ("expiredLogEventEndIndex", expired)] {
        if end > 0 {
            rejected.insert(member.to_owned(), end.into());
        }
    }
    let mut answer = json!({ "nextSequenceToken": format!("{:056}", logs.written) });
    if !rejected.is_empty() {
        answer["rejectedLogEventsInfo"] = rejected.into();
    }
    Ok(answer)
}

/// The events of a batch, in the order of their moments.
fn batch(members: &Members) -> Result<Vec<(i64, String)>, ApiError> {
    let given = checked(objects(members, "logEvents"))?;
    if given.is_empty() || given.len() as u64 > MAX_EVENTS {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length \
             from 1 to {MAX_EVENTS}"
        )));
    }
    let mut events: Vec<(i64, String)> = Vec::with_capacity(given.len());
    let mut bytes = 0;
    for event in given {
        let at = moment(event, "timestamp")?.ok_or_else(|| invalid("timestamp must not be null"))?;
        let message = checked(text_within(event, "message", (1, usize::MAX)))?;
        let message = message.ok_or_else(|| invalid("message must not be null"))?;
        bytes += message.len() + EVENT_OVERHEAD_BYTES;
        events.push((at, message.to_owned()));
    }
    if bytes > MAX_BATCH_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {MAX_BATCH_BYTES}")));
    }
    if !events.is_sorted_by_key(|(at, _)| *at) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let span = events.last().zip(events.first()).map_or(0, |(last, first)| last.0 - first.0);
    if span > 24 * HOUR_MS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(events)
}

/// GetLogEvents: a page of one stream, from its end or from its head, with where to go on either way.
pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = [
        "logGroupName",
        "logGroupIdentifier",
        "logStreamName",
        "startTime",
        "endTime",
        "nextToken",
        "limit",
        "startFromHead",
    ];
    let members = checked(members(call, &known))?;
    let member =
        if members.contains_key("logGroupIdentifier") { "logGroupIdentifier" } else { "logGroupName" };
    let (name, stream) = (group_name(call, members, member)?, stream_name(members)?);
    let (start, end) = (moment(members, "startTime")?, moment(members, "endTime")?);
    let most = checked(number(members, "limit", 1, MAX_EVENTS))?.unwrap_or(MAX_EVENTS) as usize;
    let token = checked(text(members, "nextToken"))?.map(cursor).transpose()?;
    let from_head = checked(flag(members, "startFromHead"))?;
    let group = group(world, call, name)?;
    let kept = group.kept_since_ms(call.now);
    let stream = group.streams.get(stream).ok_or_else(no_stream)?;
    let fits = |event: &&Event| {
        event.at_ms >= start.unwrap_or(0).max(kept) && end.is_none_or(|end| event.at_ms < end)
    };
    let mut events: Vec<&Event> = stream.events.iter().filter(fits).collect();
    events.sort_by_key(|event| (event.at_ms, event.number));
    let place_of = |number: u64| events.iter().position(|event| event.number == number);
    let range = match token {
        None if from_head => 0..most.min(events.len()),
        None => events.len().saturating_sub(most)..events.len(),
        Some(Cursor::Forward(after)) => {
            let from = place_of(after).map_or(0, |at| at + 1);
            from..(from + most).min(events.len())
        }
        Some(Cursor::Backward(before)) => {
            let to = place_of(before).unwrap_or(0);
            to.saturating_sub(most)..to
        }
    };
    let page = events.get(range).unwrap_or_default();
    let at = |event: Option<&&Event>, otherwise: u64| event.map_or(otherwise, |event| event.number);
    let given = match token {
        Some(Cursor::Forward(number) | Cursor::Backward(number)) => number,
        None => 0,
    };
    Ok(json!({
        "events": page.iter().map(|event| shown(event)).collect::<Vec<Value>>(),
        "nextForwardToken": format!("f/{:056}", at(page.last(), given)),
        "nextBackwardToken": format!("b/{:056}", at(page.first(), given)),
    }))
}

/// Which way from which event.
#[derive(Clone, Copy)]
enum Cursor {
    Forward(u64),
    Backward(u64),
}

fn cursor(token: &str) -> Result<Cursor, ApiError> {
    let read = |digits: &str| digits.parse().map_err(|_| invalid("The specified nextToken is invalid."));
    match token.split_once('/') {
        Some(("f", digits)) => read(digits).map(Cursor::Forward),
        Some(("b", digits)) => read(digits).map(Cursor::Backward),
        _ => Err(invalid("The specified nextToken is invalid.")),
    }
}

fn shown(event: &Event) -> Value {
    json!({ "timestamp": event.at_ms, "message": event.message, "ingestionTime": event.arrived_ms })
}
