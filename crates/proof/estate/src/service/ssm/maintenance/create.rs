//! CreateMaintenanceWindow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Members, Token, draw, members, missing, name, number, remember, text, token, too_many, windows};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::world::World;
use crate::world::maintenance::{MAX_WINDOWS, Timing, Window};
use crate::world::schedule::Schedule;
use crate::world::tags::Tags;

/// CreateMaintenanceWindow: a schedule with a duration; once per token.
pub(super) struct CreateMaintenanceWindow;

const ACTION: &str = "CreateMaintenanceWindow";

/// What a window keeps of the request.
const FACTS: [&str; 10] = [
    "Name",
    "Description",
    "StartDate",
    "EndDate",
    "Schedule",
    "ScheduleTimezone",
    "ScheduleOffset",
    "Duration",
    "Cutoff",
    "AllowUnassociatedTargets",
];

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// A moment with its offset, or without in the schedule's time zone.
fn moment(members: &Members, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text(members, name, (1, 64))? else { return Ok(None) };
    let civil = |text: &str| text.parse::<DateTime>().ok().and_then(|civil| zone.to_timestamp(civil).ok());
    let parsed = text.parse::<Timestamp>().ok().or_else(|| civil(text));
    parsed.map(Some).ok_or_else(|| invalid(format!("{name} {text} is not a valid ISO 8601 date and time")))
}

fn timing(members: &Members, now: Timestamp) -> Result<Timing, ApiError> {
    let written = text(members, "Schedule", (1, 256))?.ok_or_else(|| missing("Schedule"))?;
    let schedule = Schedule::parse(written)
        .ok_or_else(|| invalid(format!("Schedule expression {written} is not valid")))?;
    let zone = match text(members, "ScheduleTimezone", (1, 64))? {
        None => TimeZone::UTC,
        Some(zone) => {
            TimeZone::get(zone).map_err(|_| invalid(format!("ScheduleTimezone {zone} is not valid")))?
        }
    };
    let offset_days = number(members, "ScheduleOffset", (1, 6))?;
    if offset_days.is_some() && !matches!(schedule, Schedule::Cron(_)) {
        return Err(invalid("ScheduleOffset can be used with cron expressions only"));
    }
    let (from, until) = (moment(members, "StartDate", &zone)?, moment(members, "EndDate", &zone)?);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(invalid("EndDate must be after StartDate"));
    }
    if until.is_some_and(|until| until <= now) {
        return Err(invalid("EndDate must be in the future"));
    }
    Ok(Timing { schedule, zone, offset_days, from, until, anchor: from.unwrap_or(now) })
}

fn tags(members: &Members) -> Result<Tags, ApiError> {
    let mut tags = Tags::default();
    for tag in members.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) else {
            return Err(missing("Tags"));
        };
        tags.set(key.into(), value.into());
    }
    Ok(tags)
}

impl Operation for CreateMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        ACTION
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = vec![Requirement::any_resource("ssm:CreateMaintenanceWindow")];
        for tag in call.json()["Tags"].as_array().into_iter().flatten() {
            if let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) {
                needed[0].context.push((format!("aws:RequestTag/{key}"), value.to_owned()));
            }
        }
        if !needed[0].context.is_empty() {
            let context = needed[0].context.clone();
            let resource = format!("arn:aws:ssm:{}:{}:maintenancewindow/*", call.region, call.account);
            needed.push(Requirement { action: "ssm:AddTagsToResource".into(), resource, context });
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        name(&members)?.ok_or_else(|| missing("Name"))?;
        text(&members, "Description", (1, 128))?;
        let duration = number(&members, "Duration", (1, 24))?.ok_or_else(|| missing("Duration"))?;
        let cutoff = number(&members, "Cutoff", (0, 23))?.ok_or_else(|| missing("Cutoff"))?;
        if !members.get("AllowUnassociatedTargets").is_some_and(Value::is_boolean) {
            return Err(missing("AllowUnassociatedTargets"));
        }
        let timing = timing(&members, call.now)?;
        if cutoff >= duration {
            return Err(invalid(format!("Cutoff ({cutoff}) must be less than the Duration ({duration})")));
        }
        let tags = tags(&members)?;
        let seed = world.seed;
        let windows = windows(world, call)?;
        if let Token::Known(id) = token(windows, ACTION, &members)? {
            return document::write(&json!({ "WindowId": id }));
        }
        if windows.windows.len() >= MAX_WINDOWS {
            return Err(too_many("maintenance windows", MAX_WINDOWS));
        }
        let id = format!("mw-0{:016x}", draw(seed, call, windows) as u64);
        let mut facts: Members = members
            .iter()
            .filter(|(name, value)| FACTS.contains(&name.as_str()) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        facts.insert("Enabled".to_owned(), true.into());
        remember(windows, ACTION, &members, &id);
        windows.windows.insert(
            id.clone(),
            Window {
                facts,
                timing,
                created_at: call.now,
                tags,
                targets: BTreeMap::new(),
                tasks: BTreeMap::new(),
            },
        );
        document::write(&json!({ "WindowId": id }))
    }
}
