//! GetCalendarState.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::calendars::{self, Calendar};

/// GetCalendarState: whether change calendars are open, and when that changes.
pub(super) struct GetCalendarState;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    calendar_names: Option<Vec<String>>,
    at_time: Option<String>,
}

/// The name in a name or an ARN.
fn plain(given: &str) -> &str {
    given.rsplit("document/").next().unwrap_or(given)
}

impl Operation for GetCalendarState {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetCalendarState"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let names = call.json()["CalendarNames"].as_array().map(Vec::as_slice).unwrap_or_default();
        let needed = |name: &serde_json::Value| Requirement {
            action: "ssm:GetCalendarState".into(),
            resource: document::arn(call, name.as_str().unwrap_or_default()),
            context: Vec::new(),
        };
        match names.is_empty() {
            true => vec![Requirement::any_resource("ssm:GetCalendarState")],
            false => names.iter().map(needed).collect(),
        }
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let names = input.calendar_names.unwrap_or_default();
        if names.is_empty() {
            return Err(document::constraint("null", "calendarNames", "Member must not be null"));
        }
        let at = match input.at_time.as_deref() {
            None => call.now,
            Some(text) => text.parse::<Timestamp>().map_err(|_| {
                ApiError::new(
                    400,
                    "ValidationException",
                    format!("AtTime {text} is not a valid ISO 8601 time"),
                )
            })?,
        };
        let environment = document::region(world, call)?.hosts.environment();
        let find = |given: &String| {
            let name = plain(given);
            let calendar = environment
                .calendars()
                .iter()
                .find(|it| it.name == name && it.is_in(&call.account, &call.region));
            let missing = || match environment.documents().iter().any(|it| it.name == name) {
                true => ApiError::new(
                    400,
                    "InvalidDocumentType",
                    format!("The document {name} is not a change calendar."),
                ),
                false => ApiError::new(
                    400,
                    "InvalidDocument",
                    format!("Document with name {name} does not exist."),
                ),
            };
            calendar.ok_or_else(missing)
        };
        let all: Vec<&Calendar> = names.iter().map(find).collect::<Result<_, _>>()?;
        let written = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut answer = json!({ "State": calendars::state(&all, at).name(), "AtTime": written(at) });
        if let Some(next) = calendars::next_transition(&all, at) {
            answer["NextTransitionTime"] = written(next).into();
        }
        document::write(&answer)
    }
}
