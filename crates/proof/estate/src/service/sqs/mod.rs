//! SQS: standard queues, their messages, and queues for dead letters.
//!
//! Rules: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>. Queues that keep the
//! order, moving dead letters back, and waiting for messages do not exist: a request that would wait is answered
//! at once. A queue's policy is kept and shown, and not judged: queues of other accounts cannot be reached.

mod batch;
mod messages;
mod queues;
mod receive;

use serde_json::Value;

use super::members::{Members, text};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place};
use crate::world::World;
use crate::world::queues::{Queue, Queues};

/// Every SQS operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateQueue", Mutation, needs_to_create as Needs, queues::create as Does),
        ("GetQueueUrl", Read, on_queue, queues::url_of),
        ("GetQueueAttributes", Read, on_queue, queues::get_attributes),
        ("SetQueueAttributes", Mutation, on_queue, queues::set_attributes),
        ("ListQueues", Read, on_all, queues::list),
        ("DeleteQueue", Mutation, on_queue, queues::delete),
        ("PurgeQueue", Mutation, on_queue, queues::purge),
        ("SendMessage", Mutation, on_queue, messages::send),
        ("SendMessageBatch", Mutation, on_queue, batch::send),
        ("ReceiveMessage", Mutation, on_queue, receive::receive),
        ("DeleteMessage", Mutation, on_queue, receive::delete),
        ("DeleteMessageBatch", Mutation, on_queue, batch::delete),
        ("ChangeMessageVisibility", Mutation, on_queue, receive::change_visibility),
    ];
    actions(Service::Sqs, all)
}

/// An error, with the code that the query protocol had for it.
fn error(code: &'static str, query_code: &str, message: impl Into<String>) -> ApiError {
    let mut error = ApiError::new(400, code, message);
    error.details.push(("QueryError", query_code.to_owned()));
    error
}

/// The same, where both codes are one.
fn refused(code: &'static str, message: impl Into<String>) -> ApiError {
    error(code, code, message)
}

fn bad_value(name: &str, value: &str, reason: &str) -> ApiError {
    let message = format!("Value {value} for parameter {name} is invalid. Reason: {reason}");
    error("InvalidParameterValueException", "InvalidParameterValue", message)
}

fn lacking(name: &str) -> ApiError {
    let message = format!("The request must contain the parameter {name}.");
    error("MissingRequiredParameterException", "MissingParameter", message)
}

fn no_queue() -> ApiError {
    let message = "The specified queue does not exist.";
    error("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", message)
}

fn arn(call: &Call, name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{name}", call.region, call.account)
}

fn url(call: &Call, name: &str) -> String {
    format!("https://sqs.{}.amazonaws.com/{}/{name}", call.region, call.account)
}

/// The account and the name in a queue's URL, whatever host it names.
fn in_url(url: &str) -> Option<(&str, &str)> {
    let (rest, name) = url.rsplit_once('/')?;
    let account = rest.rsplit('/').next()?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !name.is_empty()).then_some((account, name))
}

/// The call's own action on the queue it names; of batches, that of their entries.
fn on_queue(_: &World, call: &Call) -> Vec<Requirement> {
    let document = call.json();
    let by_url = document["QueueUrl"].as_str().and_then(in_url);
    let owner = document["QueueOwnerAWSAccountId"].as_str().unwrap_or(&call.account);
    let (account, name) = by_url.unwrap_or((owner, document["QueueName"].as_str().unwrap_or("*")));
    let action = call.action.strip_suffix("Batch").unwrap_or(&call.action);
    let resource = format!("arn:aws:sqs:{}:{account}:{name}", call.region);
    vec![Requirement { action: format!("sqs:{action}").into(), resource, context: Vec::new() }]
}

/// CreateQueue with its tags.
fn needs_to_create(world: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = on_queue(world, call);
    let tags = call.json()["tags"].as_object().into_iter().flatten();
    let context: Vec<(String, String)> = tags
        .flat_map(|(key, value)| {
            let value = value.as_str().unwrap_or_default().to_owned();
            [(format!("aws:RequestTag/{key}"), value), ("aws:TagKeys".to_owned(), key.clone())]
        })
        .collect();
    if !context.is_empty() {
        needed[0].context.clone_from(&context);
        let resource = needed[0].resource.clone();
        needed.push(Requirement { action: "sqs:TagQueue".into(), resource, context });
    }
    needed
}

/// The call's own action, for which there is no permission on single queues.
fn on_all(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("sqs:{}", call.action))]
}

/// The name of the queue whose URL a request gives.
fn queue_name<'m>(call: &Call, members: &'m Members) -> Result<&'m str, ApiError> {
    let given = text(members, "QueueUrl")?.ok_or_else(|| lacking("QueueUrl"))?;
    let address = || {
        error(
            "InvalidAddress",
            "InvalidAddress",
            format!("The address {given} is not valid for this endpoint."),
        )
    };
    let (account, name) = in_url(given).ok_or_else(address)?;
    match account == call.account {
        true => Ok(name),
        false => Err(error(
            "AccessDeniedException",
            "AccessDenied",
            "Access to the resource is denied: the estate judges no policy of queues.",
        )),
    }
}

fn queues<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Queues, ApiError> {
    Ok(&mut place(world, call)?.region.queues)
}

/// The queue whose URL a request gives, without the messages that were kept long enough.
fn queue<'w>(world: &'w mut World, call: &Call, members: &Members) -> Result<&'w mut Queue, ApiError> {
    let name = queue_name(call, members)?;
    let queue = queues(world, call)?.by_name.get_mut(name).ok_or_else(no_queue)?;
    queue.forget(call.now);
    Ok(queue)
}

/// A member that is a number, as a number or as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A number within bounds, if it is there.
fn within(members: &Members, name: &str, (least, most): (u64, u64)) -> Result<Option<u64>, ApiError> {
    let Some(given) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let fits = number(given).filter(|number| (least..=most).contains(number));
    let refused =
        || bad_value(name, &given.to_string(), &format!("Must be between {least} and {most}, if provided."));
    fits.map(Some).ok_or_else(refused)
}
