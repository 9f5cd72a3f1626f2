//! CloudWatch Logs: groups with their retention, streams, events, and what filters find in them.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html>. Subscriptions, metric
//! filters, queries and classes of groups do not exist; a group's key is kept and shown.

mod events;
mod filter;
mod groups;

use serde_json::Value;

use super::members::{Members, missing, text_within};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::world::World;
use crate::world::logs::{Group, Logs, stream_arn};

/// Every operation of CloudWatch Logs in the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateLogGroup", Mutation, on_new_group as Needs, groups::create as Does),
        ("PutRetentionPolicy", Mutation, on_group, groups::retain),
        ("DescribeLogGroups", Read, on_every_group, groups::describe),
        ("CreateLogStream", Mutation, on_stream, events::create_stream),
        ("PutLogEvents", Mutation, on_stream, events::put),
        ("GetLogEvents", Read, on_stream, events::get),
        ("FilterLogEvents", Read, on_group, filter::filter),
    ];
    actions(Service::Logs, all)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}

/// This service's code for what breaks a constraint of its model.
fn checked<T>(read: Result<T, ApiError>) -> Result<T, ApiError> {
    read.map_err(|error| match error.code.as_ref() {
        "ValidationException" => ApiError { code: "InvalidParameterException".into(), ..error },
        _ => error,
    })
}

fn no_group() -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_stream() -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", "The specified log stream does not exist.")
}

fn exists(what: &str) -> ApiError {
    ApiError::new(400, "ResourceAlreadyExistsException", format!("The specified log {what} already exists"))
}

/// The name of the group that a document names, by its name or by its ARN.
fn group_named<'c>(call: &'c Call, given: &'c str) -> &'c str {
    let own = format!("arn:aws:logs:{}:{}:log-group:", call.region, call.account);
    given.strip_prefix(own.as_str()).map_or(given, |name| name.trim_end_matches(":*"))
}

/// The group's name as a request gives it.
fn group_given(call: &Call) -> &str {
    let document = call.json();
    let given = document["logGroupName"].as_str().or_else(|| document["logGroupIdentifier"].as_str());
    group_named(call, given.unwrap_or("*"))
}

fn required(call: &Call, stream: &str) -> Vec<Requirement> {
    let resource = stream_arn((&call.region, &call.account), group_given(call), stream);
    vec![Requirement { action: format!("logs:{}", call.action).into(), resource, context: Vec::new() }]
}

/// The call's own action on a group, which policies see as a stream without a name.
fn on_group(_: &World, call: &Call) -> Vec<Requirement> {
    required(call, "")
}

/// The same of a group that is made with its tags.
fn on_new_group(_: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = required(call, "");
    let tags = call.json()["tags"].as_object().into_iter().flatten();
    let tags =
        tags.filter_map(|(key, value)| Some((format!("aws:RequestTag/{key}"), value.as_str()?.to_owned())));
    let context: Vec<(String, String)> = tags.collect();
    if !context.is_empty() {
        needed[0].context.extend(context.iter().cloned());
        let resource = needed[0].resource.clone();
        needed.push(Requirement { action: "logs:TagResource".into(), resource, context });
    }
    needed
}

/// The call's own action on the stream it names.
fn on_stream(_: &World, call: &Call) -> Vec<Requirement> {
    required(call, call.json()["logStreamName"].as_str().unwrap_or("*"))
}

/// The call's own action on every group, which is the one without a name.
fn on_every_group(_: &World, call: &Call) -> Vec<Requirement> {
    let resource = stream_arn((&call.region, &call.account), "", "");
    vec![Requirement { action: format!("logs:{}", call.action).into(), resource, context: Vec::new() }]
}

/// A name of a group that has to be there and can be one.
fn group_name<'c>(call: &'c Call, members: &'c Members, member: &str) -> Result<&'c str, ApiError> {
    let given = checked(text_within(members, member, (1, 2_048)))?.ok_or_else(|| missing(member));
    let name = group_named(call, checked(given)?);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/#-".contains(&byte);
    if name.is_empty() || name.len() > 512 || !name.bytes().all(plain) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    Ok(name)
}

/// A name of a stream that has to be there and can be one.
fn stream_name(members: &Members) -> Result<&str, ApiError> {
    let member = "logStreamName";
    let name = checked(checked(text_within(members, member, (1, 512)))?.ok_or_else(|| missing(member)))?;
    match name.contains([':', '*']) {
        false => Ok(name),
        true => Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [^:*]*"
        ))),
    }
}

/// The logs of the call's region.
fn logs<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Logs, ApiError> {
    Ok(&mut place(world, call)?.region.logs)
}

/// A group that is there.
fn group<'w>(world: &'w World, call: &Call, name: &str) -> Result<&'w Group, ApiError> {
    region(world, call)?.logs.groups.get(name).ok_or_else(no_group)
}

/// A moment of a request in milliseconds since 1970.
fn moment(members: &Members, name: &str) -> Result<Option<i64>, ApiError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(at) if at >= 0 => Ok(Some(at)),
            _ => Err(invalid(format!(
                "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have value \
                 greater than or equal to 0"
            ))),
        },
    }
}
