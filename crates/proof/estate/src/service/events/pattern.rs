//! TestEventPattern.

use serde_json::{Value, json};

use super::invalid;
use super::rules::not_a_pattern;
use crate::call::{ApiError, Call, Requirement};
use crate::service::members::{members, missing, text};
use crate::world::World;
use crate::world::events::pattern::Pattern;

/// What an event has to have (API reference, "TestEventPattern").
const MANDATORY: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

/// The action, for which there is no permission on single resources.
pub(super) fn needs(_: &World, _: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource("events:TestEventPattern")]
}

/// Whether an event is as a pattern says.
pub(super) fn test(_: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["EventPattern", "Event"])?;
    let pattern = text(members, "EventPattern")?.ok_or_else(|| missing("EventPattern"))?;
    let pattern = Pattern::parse(pattern).map_err(|error| not_a_pattern(error.to_string()))?;
    let event = text(members, "Event")?.ok_or_else(|| missing("Event"))?;
    let refused = |reason: &str| invalid(format!("Parameter Event is not valid. Reason: {reason}"));
    let event: Value = serde_json::from_str(event).map_err(|_| refused("Event is not valid JSON."))?;
    if let Some(lacking) = MANDATORY.iter().find(|member| event.get(**member).is_none()) {
        return Err(refused(&format!("{lacking} is a required argument.")));
    }
    Ok(json!({ "Result": pattern.matches(&event) }))
}
