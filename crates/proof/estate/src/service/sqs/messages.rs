//! Sending messages, and what SQS says of their texts and attributes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{bad_value, lacking, no_queue, queue, queue_name, queues, refused, within};
use crate::call::{ApiError, Call};
use crate::generate::seed::Seed;
use crate::service::members::{Members, members, object, text, wrong_type};
use crate::world::World;
use crate::world::notifications::Attribute;
use crate::world::queues::Outgoing;

/// Attributes of a message, at most.
const MAX_ATTRIBUTES: usize = 10;

/// Members of a message, whether it is sent alone or with others.
pub(super) const MEMBERS: [&str; 4] = ["MessageBody", "DelaySeconds", "MessageAttributes", "MessageGroupId"];

/// SendMessage.
pub(super) fn send(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let mut known = vec!["QueueUrl"];
    known.extend(MEMBERS);
    let members = members(call, &known)?;
    let most = queue(world, call, members)?.settings.max_bytes;
    let outgoing = outgoing(call, members)?;
    check_size(&outgoing, most)?;
    sent(world, call, queue_name(call, members)?, outgoing)
}

/// What a request brings to be sent.
pub(super) fn outgoing(call: &Call, members: &Members) -> Result<Outgoing, ApiError> {
    let body = text(members, "MessageBody")?.ok_or_else(|| lacking("MessageBody"))?;
    if body.is_empty() {
        return Err(lacking("MessageBody"));
    }
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if !body.chars().all(allowed) {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
                       #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(refused("InvalidMessageContents", message));
    }
    let delay = within(members, "DelaySeconds", (0, 900))?;
    Ok(Outgoing {
        body: body.to_owned(),
        attributes: attributes(members)?,
        group: text(members, "MessageGroupId")?.map(str::to_owned),
        sender: call.principal.clone(),
        delay: delay.map(|seconds| SignedDuration::from_secs(seconds as i64)),
    })
}

/// Bytes of a message with its attributes.
pub(super) fn size_bytes(outgoing: &Outgoing) -> usize {
    let attributes =
        outgoing.attributes.iter().map(|(name, it)| name.len() + it.data_type.len() + it.value.len());
    outgoing.body.len() + attributes.sum::<usize>()
}

pub(super) fn check_size(outgoing: &Outgoing, most: usize) -> Result<(), ApiError> {
    if size_bytes(outgoing) <= most {
        return Ok(());
    }
    let reason = format!("Message must be shorter than {most} bytes.");
    Err(bad_value("MessageBody", "(too long)", &reason))
}

/// Sends a message, and what SQS answers of it.
pub(super) fn sent(
    world: &mut World,
    call: &Call,
    name: &str,
    outgoing: Outgoing,
) -> Result<Value, ApiError> {
    let seed = Seed::root(world.seed).child("message").child(&call.account).child(&call.region);
    let mut answer = json!({ "MD5OfMessageBody": hex::encode(Md5::digest(outgoing.body.as_bytes())) });
    if !outgoing.attributes.is_empty() {
        answer["MD5OfMessageAttributes"] = digest(&outgoing.attributes).into();
    }
    let id = queues(world, call)?.send(&seed, name, outgoing, call.now).ok_or_else(no_queue)?;
    answer["MessageId"] = id.into();
    Ok(answer)
}

fn attributes(members: &Members) -> Result<BTreeMap<String, Attribute>, ApiError> {
    let mut read = BTreeMap::new();
    for (name, given) in object(members, "MessageAttributes")?.into_iter().flatten() {
        let given = given.as_object().ok_or_else(|| wrong_type("MessageAttributes"))?;
        let wrong = |what: &str| {
            let message = format!("The message attribute '{name}' {what}.");
            super::error("InvalidParameterValueException", "InvalidParameterValue", message)
        };
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if name.is_empty() || name.len() > 256 || !plain {
            return Err(wrong("has a name that SQS does not take"));
        }
        let data_type = text(given, "DataType")?.unwrap_or_default();
        let value = match data_type.split('.').next().unwrap_or_default() {
            "String" => text(given, "StringValue")?,
            "Number" => text(given, "StringValue")?.filter(|text| text.parse::<f64>().is_ok()),
            "Binary" => text(given, "BinaryValue")?.filter(|text| STANDARD.decode(text).is_ok()),
            _ => return Err(wrong("has an invalid message attribute type")),
        };
        let value = value.filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| wrong("must contain a non-empty value of its type"))?;
        read.insert(name.clone(), Attribute { data_type: data_type.to_owned(), value: value.to_owned() });
    }
    if read.len() > MAX_ATTRIBUTES {
        let message =
            format!("Number of message attributes [{}] exceeds the allowed maximum [10].", read.len());
        return Err(super::error("InvalidParameterValueException", "InvalidParameterValue", message));
    }
    Ok(read)
}

/// An attribute as messages show it.
pub(super) fn shown(attribute: &Attribute) -> Value {
    let member = if attribute.data_type.starts_with("Binary") { "BinaryValue" } else { "StringValue" };
    json!({ "DataType": attribute.data_type, member: attribute.value })
}

/// The sum of attributes (developer guide, "Amazon SQS message metadata": names, types and values by length, in
/// the order of the names).
pub(super) fn digest(attributes: &BTreeMap<String, Attribute>) -> String {
    let mut sum = Md5::new();
    for (name, attribute) in attributes {
        let binary = attribute.data_type.starts_with("Binary").then(|| STANDARD.decode(&attribute.value));
        let value = binary.and_then(Result::ok).unwrap_or_else(|| attribute.value.clone().into_bytes());
        let kind = if attribute.data_type.starts_with("Binary") { 2_u8 } else { 1 };
        sized(&mut sum, name.as_bytes());
        sized(&mut sum, attribute.data_type.as_bytes());
        sum.update([kind]);
        sized(&mut sum, &value);
    }
    hex::encode(sum.finalize())
}

fn sized(sum: &mut Md5, bytes: &[u8]) {
    sum.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    sum.update(bytes);
}
