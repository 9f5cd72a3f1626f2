//! Receiving messages, deleting them, and keeping them from others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::{arn, error, lacking, messages, no_queue, queue, queue_name, queues, refused, within};
use crate::call::{ApiError, Call};
use crate::service::members::{Members, members, text, texts};
use crate::world::World;
use crate::world::queues::{Message, Queue, after};

/// How long a message can be kept from others, in seconds: twelve hours.
const MAX_VISIBILITY: u64 = 43_200;

/// What names a message that was given out, and which time that was.
fn handle(name: &str, message: &Message) -> String {
    STANDARD.encode(format!("{name}/{}/{}", message.id, message.received))
}

/// The id of a message and which time it was given out, from what names it.
fn named(name: &str, handle: &str) -> Option<(String, u64)> {
    let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
    let (id, received) = text.strip_prefix(name)?.strip_prefix('/')?.split_once('/')?;
    Some((id.to_owned(), received.parse().ok()?))
}

fn given_handle<'m>(members: &'m Members, name: &str) -> Result<(&'m str, (String, u64)), ApiError> {
    let given = text(members, "ReceiptHandle")?.ok_or_else(|| lacking("ReceiptHandle"))?;
    let message = format!("The input receipt handle \"{given}\" is not a valid receipt handle.");
    let found = named(name, given).ok_or_else(|| refused("ReceiptHandleIsInvalid", message))?;
    Ok((given, found))
}

/// ReceiveMessage. It never waits.
pub(super) fn receive(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = [
        "QueueUrl",
        "AttributeNames",
        "MessageSystemAttributeNames",
        "MessageAttributeNames",
        "MaxNumberOfMessages",
        "VisibilityTimeout",
        "WaitTimeSeconds",
    ];
    let members = members(call, &known)?;
    let name = queue_name(call, members)?;
    let most = within(members, "MaxNumberOfMessages", (1, 10))?.unwrap_or(1);
    let visibility = within(members, "VisibilityTimeout", (0, MAX_VISIBILITY))?;
    within(members, "WaitTimeSeconds", (0, 20))?;
    let mut system = texts(members, "AttributeNames")?;
    system.extend(texts(members, "MessageSystemAttributeNames")?);
    let attributes = texts(members, "MessageAttributeNames")?;
    let queues = queues(world, call)?;
    if !queues.by_name.contains_key(name) {
        return Err(no_queue());
    }
    let visibility = visibility.map(|seconds| SignedDuration::from_secs(seconds as i64));
    let own = arn(call, name);
    let given = queues.receive((name, &own), most as usize, visibility, call.now);
    let shown: Vec<Value> = given.iter().map(|message| shown(name, message, &system, &attributes)).collect();
    Ok(if shown.is_empty() { json!({}) } else { json!({ "Messages": shown }) })
}

fn shown(name: &str, message: &Message, system: &[&str], wanted: &[&str]) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle(name, message),
        "MD5OfBody": hex::encode(Md5::digest(message.body.as_bytes())),
        "Body": message.body,
    });
    let all = [
        ("SenderId", Some(message.sender.clone())),
        ("SentTimestamp", Some(message.sent.as_millisecond().to_string())),
        ("ApproximateReceiveCount", Some(message.received.to_string())),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.map(|at| at.as_millisecond().to_string()),
        ),
        ("MessageGroupId", message.group.clone()),
        ("DeadLetterQueueSourceArn", message.came_from.clone()),
    ];
    let asked = all.into_iter().filter(|(name, _)| system.contains(&"All") || system.contains(name));
    let found: Map<String, Value> =
        asked.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    if !found.is_empty() {
        shown["Attributes"] = found.into();
    }
    let is_wanted = |name: &str| {
        wanted.iter().any(|asked| match asked.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => *asked == "All" || *asked == name,
        })
    };
    let mut attributes = message.attributes.clone();
    attributes.retain(|name, _| is_wanted(name));
    if !attributes.is_empty() {
        shown["MD5OfMessageAttributes"] = messages::digest(&attributes).into();
        let attributes: Map<String, Value> =
            attributes.iter().map(|(name, it)| (name.clone(), messages::shown(it))).collect();
        shown["MessageAttributes"] = attributes.into();
    }
    shown
}

/// DeleteMessage. A handle from an earlier time than the last deletes nothing, and is no error.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "ReceiptHandle"])?;
    let name = queue_name(call, members)?;
    delete_one(queue(world, call, members)?, name, members)?;
    Ok(Value::Null)
}

pub(super) fn delete_one(queue: &mut Queue, name: &str, members: &Members) -> Result<(), ApiError> {
    let (_, (id, received)) = given_handle(members, name)?;
    queue.messages.retain(|message| message.id != id || message.received != received);
    Ok(())
}

/// ChangeMessageVisibility, of a message that is given out.
pub(super) fn change_visibility(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "ReceiptHandle", "VisibilityTimeout"])?;
    let name = queue_name(call, members)?;
    let seconds = within(members, "VisibilityTimeout", (0, MAX_VISIBILITY))?;
    let seconds = seconds.ok_or_else(|| lacking("VisibilityTimeout"))?;
    let queue = queue(world, call, members)?;
    let (given, (id, received)) = given_handle(members, name)?;
    let found = queue.messages.iter_mut().find(|message| message.id == id && message.received == received);
    let given_out = found.filter(|message| message.visible > call.now).ok_or_else(|| {
        let message = format!("Value {given} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.");
        error("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", message)
    })?;
    given_out.visible = after(call.now, SignedDuration::from_secs(seconds as i64));
    Ok(Value::Null)
}
