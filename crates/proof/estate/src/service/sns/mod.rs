//! SNS: standard topics, subscriptions, and messages that queues get and tests can read.
//!
//! Rules: <https://docs.aws.amazon.com/sns/latest/api/Welcome.html>.

mod publish;
mod subscriptions;
mod topics;

use crate::call::{ApiError, Call, Operation, QueryParams, Requirement};
use crate::service::page;
use crate::world::notifications::{Notifications, Topic};
use crate::world::{Region, World};

/// Every SNS operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(topics::CreateTopic),
        Box::new(topics::ListTopics),
        Box::new(topics::GetTopicAttributes),
        Box::new(topics::DeleteTopic),
        Box::new(subscriptions::Subscribe),
        Box::new(subscriptions::ListSubscriptionsByTopic),
        Box::new(publish::Publish),
    ]
}

/// Entries of a page.
const PAGE: usize = 100;

fn invalid(reason: &str) -> ApiError {
    ApiError::new(400, "InvalidParameter", format!("Invalid parameter: {reason}"))
}

fn no_such_topic() -> ApiError {
    ApiError::new(404, "NotFound", "Topic does not exist")
}

/// Refuses what the estate would otherwise ignore: every parameter whose first part is not in `known`.
fn only(call: &Call, known: &[&str]) -> Result<(), ApiError> {
    let head = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    match call.query().values.keys().map(|name| head(name)).find(|head| !known.contains(&head.as_str())) {
        None => Ok(()),
        Some(odd) => Err(invalid(&format!("{odd} Reason: the estate does not support it"))),
    }
}

/// The members of an awsQuery map: `Attributes.entry.1.key` and `.value`.
fn entries(params: &QueryParams, name: &str) -> Vec<(String, String)> {
    let pair = |entry: QueryParams| Some((entry.get("key")?.to_owned(), entry.get("value")?.to_owned()));
    params.structures(&format!("{name}.entry")).into_iter().filter_map(pair).collect()
}

fn topic_arn(call: &Call, name: &str) -> String {
    format!("arn:aws:sns:{}:{}:{name}", call.region, call.account)
}

fn need(action: &'static str, resource: &str) -> Vec<Requirement> {
    vec![Requirement { action: action.into(), resource: resource.to_owned(), context: Vec::new() }]
}

/// The topic's ARN as it was given.
fn given(call: &Call) -> &str {
    call.query().get("TopicArn").unwrap_or_default()
}

/// The topic's name, out of an ARN of the caller's own account and the region asked. Other accounts'
/// topics would need a policy that lets the caller in, which the estate's have not.
fn name_in<'a>(call: &Call, arn: &'a str) -> Result<&'a str, ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "sns", region, account, name] = parts[..] else {
        let reason = "TopicArn Reason: An ARN must have at least 6 elements, not ";
        return Err(invalid(&format!("{reason}{}", parts.len())));
    };
    if region != call.region {
        return Err(invalid("TopicArn"));
    }
    if account != call.account {
        let message = format!(
            "User: {} is not authorized to perform: SNS:{} on resource: {arn} because no resource-based policy \
             allows the SNS:{} action",
            call.principal, call.action, call.action
        );
        return Err(ApiError::new(403, "AuthorizationError", message));
    }
    Ok(name)
}

fn region<'w>(world: &'w World, call: &Call) -> Result<&'w Region, ApiError> {
    let account = world.accounts.get(&call.account);
    account.and_then(|account| account.regions.get(&call.region)).ok_or_else(no_region)
}

fn region_mut<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Region, ApiError> {
    let account = world.accounts.get_mut(&call.account);
    account.and_then(|account| account.regions.get_mut(&call.region)).ok_or_else(no_region)
}

fn notifications<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Notifications, ApiError> {
    Ok(&mut region_mut(world, call)?.notifications)
}

fn no_region() -> ApiError {
    ApiError::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

fn topic<'w>(world: &'w World, call: &Call) -> Result<&'w Topic, ApiError> {
    let name = name_in(call, given(call))?;
    region(world, call)?.notifications.topics.get(name).ok_or_else(no_such_topic)
}

/// Where this page begins.
fn start(call: &Call) -> Result<usize, ApiError> {
    match call.query().get("NextToken") {
        None | Some("") => Ok(0),
        Some(token) => page::cursor(call, token)
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(|| invalid("NextToken")),
    }
}

/// The token of the next page; none where this is the last.
fn next(call: &Call, from: usize, of: usize) -> Option<String> {
    (from + PAGE < of).then(|| page::token(call, (from + PAGE) as u64))
}
