//! Groups: made, listed, and how long they keep what is in them.

use serde_json::{Value, json};

use super::{checked, exists, group_name, invalid, logs, no_group};
use crate::call::{ApiError, Call};
use crate::service::action::region;
use crate::service::members::{members, number, object, text, text_within};
use crate::service::page;
use crate::world::World;
use crate::world::logs::Group;

/// Days that events can be kept (PutRetentionPolicy, retentionInDays).
const RETENTIONS: [u64; 23] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288,
    3_653, 36_500,
];

/// Groups of a page, at most.
const MAX_PAGE: u64 = 50;

/// CreateLogGroup.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = checked(members(call, &["logGroupName", "kmsKeyId", "tags"]))?;
    let name = group_name(call, members, "logGroupName")?;
    let key = checked(text_within(members, "kmsKeyId", (0, 256)))?.map(str::to_owned);
    let tags = checked(object(members, "tags"))?.into_iter().flatten();
    let tags = tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let groups = &mut logs(world, call)?.groups;
    if groups.contains_key(name) {
        return Err(exists("group"));
    }
    groups.insert(name.to_owned(), Group { key, tags, ..Group::new(call.now) });
    Ok(Value::Null)
}

/// PutRetentionPolicy.
pub(super) fn retain(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = checked(members(call, &["logGroupName", "retentionInDays"]))?;
    let name = group_name(call, members, "logGroupName")?;
    let days = members.get("retentionInDays").and_then(Value::as_u64);
    let Some(days) = days.filter(|days| RETENTIONS.contains(days)) else {
        return Err(invalid(format!(
            "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member must \
             satisfy enum value set: {RETENTIONS:?}",
            members.get("retentionInDays").unwrap_or(&Value::Null)
        )));
    };
    logs(world, call)?.groups.get_mut(name).ok_or_else(no_group)?.retention_days = Some(days);
    Ok(Value::Null)
}

/// DescribeLogGroups, by name.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = ["logGroupNamePrefix", "logGroupNamePattern", "nextToken", "limit"];
    let members = checked(members(call, &known))?;
    let prefix = checked(text(members, "logGroupNamePrefix"))?;
    let part = checked(text(members, "logGroupNamePattern"))?.map(str::to_lowercase);
    if prefix.is_some() && part.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let most = checked(number(members, "limit", 1, MAX_PAGE))?.unwrap_or(MAX_PAGE);
    let from = match checked(text(members, "nextToken"))? {
        None => 0,
        Some(token) => {
            page::cursor(call, token).ok_or_else(|| invalid("The specified nextToken is invalid."))?
        }
    };
    let groups = region(world, call)?.logs.groups.iter();
    let found: Vec<(&String, &Group)> = groups
        .filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)))
        .filter(|(name, _)| part.as_deref().is_none_or(|part| name.to_lowercase().contains(part)))
        .collect();
    let listed = found.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(most as usize);
    let listed: Vec<Value> = listed.map(|(name, group)| shown(call, name, group)).collect();
    let mut answer = json!({ "logGroups": listed });
    if from + most < found.len() as u64 {
        answer["nextToken"] = page::token(call, from + most).into();
    }
    Ok(answer)
}

fn shown(call: &Call, name: &str, group: &Group) -> Value {
    let arn = format!("arn:aws:logs:{}:{}:log-group:{name}", call.region, call.account);
    let events = group.streams.values().flat_map(|stream| &stream.events);
    let mut shown = json!({
        "logGroupName": name,
        "creationTime": group.created.as_millisecond(),
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": events.map(|event| event.message.len() as u64).sum::<u64>(),
        "logGroupClass": "STANDARD",
    });
    if let Some(days) = group.retention_days {
        shown["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.key {
        shown["kmsKeyId"] = key.as_str().into();
    }
    shown
}
