//! How an event reaches the targets of the rules that it matches: each once, and in the order of the rules.
//!
//! Functions, queues and topics of the same account and region are reached. What goes elsewhere, and what does
//! not arrive, is kept as [`Undelivered`]. Whether resource policies let EventBridge in is not judged.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use rand::RngExt;
use serde_json::Value;

use super::transform::{self, Matched};
use super::{Bus, DEFAULT_BUS, PutEvent, State, Target, Undelivered};
use crate::service::lambda;
use crate::world::command::uuid;
use crate::world::functions::Queued;
use crate::world::notifications::{Attribute, Draft, Wording};
use crate::world::queues::Outgoing;
use crate::world::timeline::Place;

/// Bytes that a function is told at once, at most (Lambda developer guide, "Lambda quotas").
const MAX_PAYLOAD_BYTES: usize = 1_024 * 1_024;

/// Who sends EventBridge's messages to queues.
const SENDER: &str = "events.amazonaws.com";

/// The id of the event with that number.
pub(crate) fn event_id(place: &Place<'_>, number: u64, at: Timestamp) -> String {
    uuid(place.draws("event of EventBridge", number, at).random())
}

/// A moment as events have it.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A rule that an event has matched, and who is told.
struct Match {
    rule: String,
    targets: Vec<Target>,
}

/// Puts an event on a bus.
pub fn put(place: &mut Place<'_>, bus: &str, event: Value, at: Timestamp) {
    let Some(found) = place.region.events.buses.get(bus) else {
        let undelivered = Undelivered {
            at,
            event: text(&event, "id"),
            bus: bus.to_owned(),
            rule: None,
            target: None,
            payload: Some(event.to_string()),
            reason: format!("there is no event bus {bus}"),
        };
        place.region.events.undelivered.push(undelivered);
        return;
    };
    let matches = matching(found, &event);
    on_its_way(place, bus, matches, event, at);
}

fn matching(bus: &Bus, event: &Value) -> Vec<Match> {
    let enabled = bus.rules.iter().filter(|(_, rule)| rule.state != State::Disabled);
    let fits = enabled.filter(|(_, rule)| rule.pattern.as_ref().is_some_and(|(_, it)| it.matches(event)));
    fits.map(|(name, rule)| Match { rule: name.clone(), targets: rule.targets.values().cloned().collect() })
        .collect()
}

/// Tells the targets of one rule of the default bus of the event that it makes itself.
pub(crate) fn from_schedule(place: &mut Place<'_>, name: &str, event: Value, at: Timestamp) {
    let rule = place.region.events.buses.get(DEFAULT_BUS).and_then(|bus| bus.rules.get(name));
    let targets = rule.map(|rule| rule.targets.values().cloned().collect()).unwrap_or_default();
    on_its_way(place, DEFAULT_BUS, vec![Match { rule: name.to_owned(), targets }], event, at);
}

fn on_its_way(place: &mut Place<'_>, bus: &str, matches: Vec<Match>, event: Value, at: Timestamp) {
    let rules = matches.iter().map(|it| it.rule.clone()).collect();
    place.region.events.put.push(PutEvent { at, bus: bus.to_owned(), event: event.clone(), rules });
    for found in matches {
        for target in &found.targets {
            deliver(place, (bus, &found.rule), target, &event, at);
        }
    }
}

/// The ARN of a rule.
#[must_use]
pub fn rule_arn(region: &str, account: &str, bus: &str, rule: &str) -> String {
    let bus = if bus == DEFAULT_BUS { String::new() } else { format!("{bus}/") };
    format!("arn:aws:events:{region}:{account}:rule/{bus}{rule}")
}

fn deliver(place: &mut Place<'_>, (bus, rule): (&str, &str), target: &Target, event: &Value, at: Timestamp) {
    let arn = rule_arn(place.code, place.account, bus, rule);
    let ingested = to_the_second(at);
    let matched = Matched { arn: &arn, name: rule, ingested: &ingested };
    let payload = transform::payload(&target.members, event, matched);
    let missed = |payload: Option<String>, reason: String| Undelivered {
        at,
        event: text(event, "id"),
        bus: bus.to_owned(),
        rule: Some(rule.to_owned()),
        target: Some(target.arn.clone()),
        payload,
        reason,
    };
    let failed = match payload {
        Err(reason) => Some(missed(None, reason)),
        Ok(payload) => {
            let otherwise = missed(Some(payload.clone()), String::new());
            let sent = send(place, target, payload, &otherwise, at);
            sent.err().map(|reason| Undelivered { reason, ..otherwise })
        }
    };
    if let Some(missed) = failed {
        send_dead_letter(place, target, (&arn, event), &missed);
        place.region.events.undelivered.push(missed);
    }
}

/// Sends a target what it is told. A function runs after the call; `otherwise` is kept where nothing runs it.
fn send(
    place: &mut Place<'_>,
    target: &Target,
    payload: String,
    otherwise: &Undelivered,
    at: Timestamp,
) -> Result<(), String> {
    let parts: Vec<&str> = target.arn.splitn(6, ':').collect();
    let ["arn", "aws", service, region, account, resource] = parts[..] else {
        return Err("the target's ARN is none that the estate can read".to_owned());
    };
    let here = (region, account) == (place.code, place.account);
    match (service, here) {
        ("lambda" | "sns" | "sqs", false) => {
            Err("the target is in another account or region, where the estate delivers nothing".to_owned())
        }
        ("lambda", true) => {
            if payload.len() > MAX_PAYLOAD_BYTES || serde_json::from_str::<Value>(&payload).is_err() {
                return Err("the function takes JSON of at most 1 MiB".to_owned());
            }
            let functions = &place.region.functions;
            let number = (functions.runs.len() + functions.queued.len()) as u64;
            let id = uuid(place.draws(&format!("delivery to {}", target.arn), number, at).random());
            let started = lambda::event(place, resource, Bytes::from(payload), id, at)?;
            place.region.functions.queued.push(Queued { started, otherwise: otherwise.clone() });
            Ok(())
        }
        ("sns", true) => {
            let attributes = BTreeMap::new();
            let draft = Draft { subject: None, message: payload, wording: Wording::Same, attributes };
            let seed = place.seed.child("message").child(&target.arn);
            let published = place.region.publish(&seed, (&target.arn, resource), draft, at);
            published.map(|_| ()).ok_or_else(|| format!("there is no topic {resource}"))
        }
        ("sqs", true) => {
            let parameters = target.members.get("SqsParameters");
            let group = parameters.and_then(|it| it["MessageGroupId"].as_str()).map(str::to_owned);
            let outgoing =
                Outgoing { body: payload, group, sender: SENDER.to_owned(), ..Outgoing::default() };
            send_to_queue(place, resource, outgoing, at)
        }
        _ => Err(format!("the estate has no {service} for rules to tell")),
    }
}

fn send_to_queue(
    place: &mut Place<'_>,
    queue: &str,
    outgoing: Outgoing,
    at: Timestamp,
) -> Result<(), String> {
    let seed = place.seed.child("message of EventBridge");
    let sent = place.region.queues.send(&seed, queue, outgoing, at);
    sent.map(|_| ()).ok_or_else(|| format!("there is no queue {queue}"))
}

/// Sends the event that a target missed to its queue for dead letters, where it names one that is there (user
/// guide, "Using dead-letter queues to process undelivered events in EventBridge").
fn send_dead_letter(
    place: &mut Place<'_>,
    target: &Target,
    (rule, event): (&str, &Value),
    missed: &Undelivered,
) {
    let arn = target.members.get("DeadLetterConfig").and_then(|it| it["Arn"].as_str());
    let own = format!("arn:aws:sqs:{}:{}:", place.code, place.account);
    let Some(queue) = arn.and_then(|arn| arn.strip_prefix(own.as_str())) else { return };
    let said = [("RULE_ARN", rule), ("TARGET_ARN", &target.arn), ("ERROR_MESSAGE", &missed.reason)];
    let attribute = |(name, value): (&str, &str)| {
        (name.to_owned(), Attribute { data_type: "String".to_owned(), value: value.to_owned() })
    };
    let attributes = said.into_iter().map(attribute).collect();
    let outgoing =
        Outgoing { body: event.to_string(), attributes, sender: SENDER.to_owned(), ..Outgoing::default() };
    // A queue that is not there leaves what was missed where it is kept in any case.
    let _ = send_to_queue(place, queue, outgoing, missed.at);
}

fn text(event: &Value, member: &str) -> String {
    event[member].as_str().unwrap_or_default().to_owned()
}
