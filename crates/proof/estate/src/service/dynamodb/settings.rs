//! How a table's items expire, and whether it can be restored.

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::members::{flag, invalid, members, missing, number, object, only, table_name, text};
use super::tables::seconds;
use super::{known, not_found, place, region};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::tables::{Status, Table, TimeToLive};
use crate::world::timeline::Place;

/// How long after one change of the time to live there is no other (DynamoDB API reference,
/// "UpdateTimeToLive").
const BETWEEN_CHANGES: SignedDuration = SignedDuration::from_hours(1);

/// How far back a table can be restored.
const RESTORABLE: SignedDuration = SignedDuration::from_hours(35 * 24);

/// A table that can be changed.
fn changeable<'p>(place: &'p mut Place<'_>, call: &Call, name: &str) -> Result<&'p mut Table, ApiError> {
    let table = place.region.tables.get_mut(name, call.now).ok_or_else(|| not_found(name))?;
    match table.status(call.now) {
        Status::Active => Ok(table),
        other => Err(ApiError::new(
            400,
            "ResourceInUseException",
            format!(
                "Attempt to change a resource which is still in use: Table is {}: {name}",
                other.as_str()
            ),
        )),
    }
}

/// UpdateTimeToLive.
pub(super) fn update_time_to_live(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName", "TimeToLiveSpecification"])?;
    let name = table_name(call, members)?;
    let given =
        object(members, "TimeToLiveSpecification")?.ok_or_else(|| missing("TimeToLiveSpecification"))?;
    only(given, &["Enabled", "AttributeName"])?;
    let enabled = flag(given, "Enabled")?;
    let attribute = text(given, "AttributeName")?.ok_or_else(|| missing("AttributeName"))?;
    if attribute.is_empty() {
        return Err(invalid(
            "TimeToLiveSpecification's AttributeName must be between 1 and 255 characters long",
        ));
    }
    let mut place = place(world, call)?;
    let table = changeable(&mut place, call, name)?;
    let now = &table.time_to_live;
    match (&now.attribute, enabled) {
        (Some(_), true) => return Err(invalid("TimeToLive is already enabled")),
        (None, false) => return Err(invalid("TimeToLive is already disabled")),
        (Some(there), false) if there != attribute => {
            return Err(invalid(
                "TimeToLive is active on a different AttributeName: current AttributeName is ".to_owned()
                    + there,
            ));
        }
        _ => {}
    }
    if now.changed.is_some_and(|changed| call.now.duration_since(changed) < BETWEEN_CHANGES) {
        return Err(invalid("Time to live has been modified multiple times within a fixed interval"));
    }
    table.time_to_live =
        TimeToLive { attribute: enabled.then(|| attribute.to_owned()), changed: Some(call.now) };
    place.expire_table(name, call.now);
    Ok(json!({ "TimeToLiveSpecification": { "Enabled": enabled, "AttributeName": attribute } }))
}

/// DescribeTimeToLive.
pub(super) fn describe_time_to_live(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName"])?;
    let table = known(region(world, call)?, call, table_name(call, members)?)?;
    Ok(json!({ "TimeToLiveDescription": match &table.time_to_live.attribute {
        Some(attribute) => json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": attribute }),
        None => json!({ "TimeToLiveStatus": "DISABLED" }),
    }}))
}

/// The same error under the name that backups have for it.
fn no_table(name: &str) -> ApiError {
    ApiError::new(400, "TableNotFoundException", format!("Table not found: {name}"))
}

/// UpdateContinuousBackups.
pub(super) fn update_backups(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName", "PointInTimeRecoverySpecification"])?;
    let name = table_name(call, members)?;
    let member = "PointInTimeRecoverySpecification";
    let given = object(members, member)?.ok_or_else(|| missing(member))?;
    only(given, &["PointInTimeRecoveryEnabled", "RecoveryPeriodInDays"])?;
    number(given, "RecoveryPeriodInDays", 35, 35)?;
    let enabled = flag(given, "PointInTimeRecoveryEnabled")?;
    let mut place = place(world, call)?;
    place.region.tables.get(name, call.now).ok_or_else(|| no_table(name))?;
    let table = changeable(&mut place, call, name)?;
    table.point_in_time = enabled.then(|| table.point_in_time.unwrap_or(call.now));
    Ok(backups(table, call))
}

/// DescribeContinuousBackups.
pub(super) fn describe_backups(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName"])?;
    let name = table_name(call, members)?;
    let table = region(world, call)?.tables.get(name, call.now).ok_or_else(|| no_table(name))?;
    Ok(backups(table, call))
}

fn backups(table: &Table, call: &Call) -> Json {
    let point_in_time = match table.point_in_time {
        None => json!({ "PointInTimeRecoveryStatus": "DISABLED" }),
        Some(since) => {
            let oldest = call.now.checked_sub(RESTORABLE).unwrap_or(since);
            // The last five minutes cannot be restored.
            let newest = call.now.checked_sub(SignedDuration::from_mins(5)).unwrap_or(since);
            json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": 35,
                "EarliestRestorableDateTime": seconds(since.max(oldest)),
                "LatestRestorableDateTime": seconds(newest.max(since)),
            })
        }
    };
    json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": point_in_time,
    }})
}
