//! EventBridge: rules of the default event bus and of those that the embedder makes, their targets, and events.
//!
//! Rules: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html>. Event buses are made by the
//! embedder ([`crate::estate::Estate::create_event_bus`]); archives, replays, endpoints and partners do not exist.
//! Whether the policies of functions, queues and topics let EventBridge in is not judged. A rule by the clock is
//! part of its region's timeline: its event has its own moment, and comes about with the next call to the region
//! or look at the world; functions that it tells run with the next call.

mod pattern;
mod put_events;
mod rules;
mod tags;
mod targets;

use serde_json::Value;

use super::members::{Members, constraint, missing, number, text, text_within};
use super::page;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::world::World;
use crate::world::events::deliver::rule_arn;
use crate::world::events::{Bus, DEFAULT_BUS, Rule};

/// Every EventBridge operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("PutRule", Mutation, rules::needs_to_put as Needs, rules::put as Does),
        ("DescribeRule", Read, on_rule, rules::describe),
        ("ListRules", Read, on_all_rules, rules::list),
        ("DeleteRule", Mutation, on_rule, rules::delete),
        ("EnableRule", Mutation, on_rule, rules::enable),
        ("DisableRule", Mutation, on_rule, rules::disable),
        ("PutTargets", Mutation, targets::needs_to_put, targets::put),
        ("ListTargetsByRule", Read, on_rule, targets::list),
        ("RemoveTargets", Mutation, on_rule, targets::remove),
        ("ListRuleNamesByTarget", Read, on_all_rules, targets::list_rule_names),
        ("TagResource", Mutation, tags::needs, tags::tag),
        ("UntagResource", Mutation, tags::needs, tags::untag),
        ("ListTagsForResource", Read, tags::needs, tags::list),
        ("TestEventPattern", Read, pattern::needs, pattern::test),
        ("PutEvents", Mutation, put_events::needs, put_events::put),
    ];
    actions(Service::EventBridge, all)
}

/// Entries of a page, where the caller does not ask for fewer.
const PAGE: u64 = 100;

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

fn absent(message: String) -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", message)
}

fn too_many(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "LimitExceededException", message)
}

/// Letters, digits, dots, dashes and underscores, 64 at most.
fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    !text.is_empty() && text.len() <= 64 && plain
}

/// A name that has to be there.
fn name<'m>(members: &'m Members, member: &str) -> Result<&'m str, ApiError> {
    let given = text_within(members, member, (1, 64))?.ok_or_else(|| missing(member))?;
    match is_name(given) {
        true => Ok(given),
        false => Err(constraint(
            &format!("'{given}'"),
            member,
            r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+",
        )),
    }
}

/// The bus a request is about, which it names or gives the ARN of; without either the default one.
fn bus_name<'c>(call: &'c Call, given: Option<&'c str>) -> &'c str {
    let given = given.unwrap_or(DEFAULT_BUS);
    let own = format!("arn:aws:events:{}:{}:event-bus/", call.region, call.account);
    given.strip_prefix(own.as_str()).unwrap_or(given)
}

fn bus_of<'c>(call: &'c Call, members: &'c Members) -> Result<&'c str, ApiError> {
    Ok(bus_name(call, text(members, "EventBusName")?))
}

fn no_bus(name: &str) -> ApiError {
    absent(format!("Event bus {name} does not exist."))
}

fn no_rule(rule: &str, bus: &str) -> ApiError {
    absent(format!("Rule {rule} does not exist on EventBus {bus}."))
}

fn bus<'w>(world: &'w World, call: &Call, name: &str) -> Result<&'w Bus, ApiError> {
    region(world, call)?.events.buses.get(name).ok_or_else(|| no_bus(name))
}

fn rule_mut<'w>(world: &'w mut World, call: &Call, bus: &str, rule: &str) -> Result<&'w mut Rule, ApiError> {
    let events = &mut place(world, call)?.region.events;
    let found = events.buses.get_mut(bus).ok_or_else(|| no_bus(bus))?;
    found.rules.get_mut(rule).ok_or_else(|| no_rule(rule, bus))
}

/// The ARN of the rule that a call names.
fn arn(call: &Call, bus: &str, rule: &str) -> String {
    rule_arn(&call.region, &call.account, bus, rule)
}

/// The call's own action on the rule it names, as `Name` or `Rule`.
fn on_rule(_: &World, call: &Call) -> Vec<Requirement> {
    let document = call.json();
    let named = document["Name"].as_str().or_else(|| document["Rule"].as_str()).unwrap_or("*");
    let bus = bus_name(call, document["EventBusName"].as_str());
    let action = format!("events:{}", call.action).into();
    vec![Requirement { action, resource: arn(call, bus, named), context: Vec::new() }]
}

/// The call's own action, for which there is no permission on single rules.
fn on_all_rules(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("events:{}", call.action))]
}

/// Passing a role to EventBridge.
fn pass(role: &str) -> Requirement {
    let context = vec![("iam:PassedToService".to_owned(), "events.amazonaws.com".to_owned())];
    Requirement { action: "iam:PassRole".into(), resource: role.to_owned(), context }
}

/// A page of a listing under `member`, with the token of the next one.
fn page(call: &Call, members: &Members, member: &str, all: Vec<Value>) -> Result<Value, ApiError> {
    let most = number(members, "Limit", 1, 100)?.unwrap_or(PAGE);
    let from = match text(members, "NextToken")? {
        None => 0,
        Some(token) => page::cursor(call, token).ok_or_else(|| invalid("NextToken is not valid"))?,
    };
    let count = all.len() as u64;
    let shown = all.into_iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(most as usize);
    let mut answer = serde_json::json!({ member: shown.collect::<Vec<Value>>() });
    if from + most < count {
        answer["NextToken"] = page::token(call, from + most).into();
    }
    Ok(answer)
}
