//! FilterLogEvents: what a pattern finds in the streams of a group.

use serde_json::{Value, json};

use super::events::MAX_EVENTS;
use super::{checked, group, group_name, invalid, moment};
use crate::call::{ApiError, Call};
use crate::service::members::{members, number, text, text_within, texts};
use crate::service::page;
use crate::world::World;
use crate::world::logs::Event;
use crate::world::logs::pattern::Pattern;

/// Events that are looked at for one page: one that finds nothing among them is empty and goes on.
const LOOKED_AT: usize = 1_000;

/// Streams that a request can name.
const MAX_STREAMS: usize = 100;

/// FilterLogEvents: from old to new, whatever stream they are of.
pub(super) fn filter(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = [
        "logGroupName",
        "logGroupIdentifier",
        "logStreamNames",
        "logStreamNamePrefix",
        "startTime",
        "endTime",
        "filterPattern",
        "nextToken",
        "limit",
        "interleaved",
    ];
    let members = checked(members(call, &known))?;
    let member =
        if members.contains_key("logGroupIdentifier") { "logGroupIdentifier" } else { "logGroupName" };
    let name = group_name(call, members, member)?;
    let streams = checked(texts(members, "logStreamNames"))?;
    let prefix = checked(text_within(members, "logStreamNamePrefix", (1, 512)))?;
    if prefix.is_some() && !streams.is_empty() {
        return Err(invalid("logStreamNames and logStreamNamePrefix cannot be specified together"));
    }
    if streams.len() > MAX_STREAMS {
        return Err(invalid(format!("logStreamNames has more than {MAX_STREAMS} members")));
    }
    let pattern = Pattern::parse(checked(text(members, "filterPattern"))?.unwrap_or_default());
    let pattern = pattern.map_err(|why| invalid(format!("Invalid filter pattern: {why}")))?;
    let (start, end) = (moment(members, "startTime")?.unwrap_or(0), moment(members, "endTime")?);
    let most = checked(number(members, "limit", 1, MAX_EVENTS))?.unwrap_or(MAX_EVENTS) as usize;
    let after = checked(text(members, "nextToken"))?;
    let after = after
        .map(|token| page::cursor(call, token).ok_or_else(|| invalid("The specified nextToken is invalid.")));
    let after = after.transpose()?;

    let group = group(world, call, name)?;
    let kept = group.kept_since_ms(call.now);
    let meant = |stream: &str| {
        (streams.is_empty() || streams.contains(&stream))
            && prefix.is_none_or(|prefix| stream.starts_with(prefix))
    };
    let meant = group.streams.iter().filter(|(stream, _)| meant(stream));
    let mut events: Vec<(&String, &Event)> = meant
        .flat_map(|(stream, it)| it.events.iter().map(move |event| (stream, event)))
        .filter(|(_, event)| event.at_ms >= start.max(kept) && end.is_none_or(|end| event.at_ms <= end))
        .collect();
    events.sort_by_key(|(_, event)| (event.at_ms, event.number));
    let from = after.map_or(0, |after| {
        events.iter().position(|(_, event)| event.number == after).map_or(events.len(), |at| at + 1)
    });
    let mut found = Vec::new();
    let mut last = None;
    for (stream, event) in events.iter().skip(from).take(LOOKED_AT) {
        last = Some(event.number);
        if pattern.takes(&event.message) {
            found.push(shown(stream, event));
        }
        if found.len() == most {
            break;
        }
    }
    let mut answer = json!({ "events": found, "searchedLogStreams": [] });
    let goes_on = last.filter(|last| events.last().is_some_and(|(_, event)| event.number != *last));
    if let Some(last) = goes_on {
        answer["nextToken"] = page::token(call, last).into();
    }
    Ok(answer)
}

fn shown(stream: &str, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": event.at_ms,
        "message": event.message,
        "ingestionTime": event.arrived_ms,
        "eventId": format!("{:056}", event.number),
    })
}
