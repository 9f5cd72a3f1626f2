//! Rules: put, shown, listed, switched and deleted.

use serde_json::{Value, json};

use super::{
    arn, bus, bus_of, invalid, name, no_bus, no_rule, on_rule, page, pass, place, rule_mut, too_many,
};
use crate::call::{ApiError, Call, Requirement};
use crate::service::members::{Members, members, tag_context, tags, text, text_within, word};
use crate::world::World;
use crate::world::events::pattern::{MAX_CHARACTERS, Pattern};
use crate::world::events::{DEFAULT_BUS, MAX_RULES, Rule, State, parse_schedule};
use crate::world::schedule::Schedule;

/// PutRule with what its pattern asks for, its tags and its role.
pub(super) fn needs_to_put(world: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = on_rule(world, call);
    let tags = tag_context(call, ("Tags", "Key", "Value"));
    let pattern = call.json()["EventPattern"].as_str().and_then(|it| serde_json::from_str::<Value>(it).ok());
    let asked = pattern.unwrap_or_default();
    for (member, key) in [("source", "events:source"), ("detail-type", "events:detail-type")] {
        let values = asked[member].as_array().into_iter().flatten().filter_map(Value::as_str);
        needed[0].context.extend(values.map(|value| (key.to_owned(), value.to_owned())));
    }
    if !tags.is_empty() {
        let resource = needed[0].resource.clone();
        needed[0].context.extend(tags.iter().cloned());
        needed.push(Requirement { action: "events:TagResource".into(), resource, context: tags });
    }
    needed.extend(call.json()["RoleArn"].as_str().map(pass));
    needed
}

/// PutRule: what it does not say is as if it had never been said, but for targets and tags.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = [
        "Name",
        "ScheduleExpression",
        "EventPattern",
        "State",
        "Description",
        "RoleArn",
        "Tags",
        "EventBusName",
    ];
    let members = members(call, &known)?;
    let name = name(members, "Name")?;
    let bus = bus_of(call, members)?;
    let pattern = pattern(members)?;
    let schedule = schedule(members, bus)?;
    if pattern.is_none() && schedule.is_none() {
        return Err(invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    let state = word(members, "State", &State::ALL.map(State::as_str))?;
    let state = State::ALL.into_iter().find(|it| Some(it.as_str()) == state).unwrap_or(State::Enabled);
    let description = text_within(members, "Description", (0, 512))?.map(str::to_owned);
    let role = text_within(members, "RoleArn", (1, 1_600))?.map(str::to_owned);
    let tags = tags(members)?;
    let region = place(world, call)?.region;
    region.events.revisions += 1;
    let revision = region.events.revisions;
    let rules = &mut region.events.buses.get_mut(bus).ok_or_else(|| no_bus(bus))?.rules;
    if rules.len() >= MAX_RULES && !rules.contains_key(name) {
        return Err(too_many("The requested resource exceeds the maximum number allowed."));
    }
    let (tags, targets) = match rules.remove(name) {
        Some(known) => (known.tags, known.targets),
        None => (tags, Default::default()),
    };
    let rule = Rule { pattern, schedule, state, description, role, tags, targets, made: call.now, revision };
    rules.insert(name.to_owned(), rule);
    if bus == DEFAULT_BUS {
        region.plan_firing(name, call.now);
    }
    Ok(json!({ "RuleArn": arn(call, bus, name) }))
}

fn pattern(members: &Members) -> Result<Option<(String, Pattern)>, ApiError> {
    let Some(text) = text(members, "EventPattern")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_CHARACTERS {
        return Err(too_many(format!("Event pattern exceeds the maximum of {MAX_CHARACTERS} characters.")));
    }
    let pattern = Pattern::parse(text).map_err(|error| not_a_pattern(error.to_string()))?;
    Ok(Some((text.to_owned(), pattern)))
}

pub(super) fn not_a_pattern(message: String) -> ApiError {
    ApiError::new(400, "InvalidEventPatternException", message)
}

fn schedule(members: &Members, bus: &str) -> Result<Option<(String, Schedule)>, ApiError> {
    let given = text_within(members, "ScheduleExpression", (0, 256))?.filter(|text| !text.is_empty());
    let Some(text) = given else { return Ok(None) };
    if bus != DEFAULT_BUS {
        return Err(invalid("ScheduleExpression is supported only on the default event bus."));
    }
    let read = parse_schedule(text).ok_or_else(|| invalid("Parameter ScheduleExpression is not valid."))?;
    Ok(Some((text.to_owned(), read)))
}

/// A rule as lists show it.
fn shown(call: &Call, bus: &str, name: &str, rule: &Rule) -> Value {
    let mut shown = json!({
        "Name": name,
        "Arn": arn(call, bus, name),
        "State": rule.state.as_str(),
        "EventBusName": bus,
    });
    let more = [
        ("EventPattern", rule.pattern.as_ref().map(|(text, _)| text)),
        ("ScheduleExpression", rule.schedule.as_ref().map(|(text, _)| text)),
        ("Description", rule.description.as_ref()),
        ("RoleArn", rule.role.as_ref()),
    ];
    for (member, text) in more.into_iter().filter_map(|(member, text)| Some((member, text?))) {
        shown[member] = text.as_str().into();
    }
    shown
}

/// DescribeRule.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Name", "EventBusName"])?;
    let (name, bus_name) = (name(members, "Name")?, bus_of(call, members)?);
    let rule = bus(world, call, bus_name)?.rules.get(name).ok_or_else(|| no_rule(name, bus_name))?;
    let mut shown = shown(call, bus_name, name, rule);
    shown["CreatedBy"] = call.account.as_str().into();
    Ok(shown)
}

/// ListRules: those of a bus whose names begin as asked. Those by the clock come due as the module says.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["NamePrefix", "EventBusName", "NextToken", "Limit"])?;
    let prefix = text_within(members, "NamePrefix", (1, 64))?.unwrap_or_default();
    let bus_name = bus_of(call, members)?;
    let rules = &bus(world, call, bus_name)?.rules;
    let listed = rules.iter().filter(|(name, _)| name.starts_with(prefix));
    let listed = listed.map(|(name, rule)| shown(call, bus_name, name, rule)).collect();
    page(call, members, "Rules", listed)
}

/// DeleteRule: not while it has targets; one that is not there is as good as deleted.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Name", "EventBusName", "Force"])?;
    let (name, bus) = (name(members, "Name")?, bus_of(call, members)?);
    let buses = &mut place(world, call)?.region.events.buses;
    let rules = &mut buses.get_mut(bus).ok_or_else(|| no_bus(bus))?.rules;
    if rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
        return Err(invalid("Rule can't be deleted since it has targets."));
    }
    rules.remove(name);
    Ok(Value::Null)
}

/// EnableRule.
pub(super) fn enable(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    switch(world, call, State::Enabled)
}

/// DisableRule.
pub(super) fn disable(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    switch(world, call, State::Disabled)
}

fn switch(world: &mut World, call: &Call, state: State) -> Result<Value, ApiError> {
    let members = members(call, &["Name", "EventBusName"])?;
    let (name, bus) = (name(members, "Name")?, bus_of(call, members)?);
    let revision = place(world, call)?.region.events.revisions + 1;
    let rule = rule_mut(world, call, bus, name)?;
    if rule.state == state {
        return Ok(Value::Null);
    }
    (rule.state, rule.revision) = (state, revision);
    let region = place(world, call)?.region;
    region.events.revisions = revision;
    if bus == DEFAULT_BUS {
        region.plan_firing(name, call.now);
    }
    Ok(Value::Null)
}
