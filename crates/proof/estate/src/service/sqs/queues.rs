//! Making, showing, listing, changing, emptying and deleting queues.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{
    arn, bad_value, error, lacking, no_queue, number, queue, queue_name, queues, refused, url, within,
};
use crate::call::{ApiError, Call};
use crate::service::members::{Members, members, object, text, texts, wrong_type};
use crate::service::page;
use crate::world::World;
use crate::world::queues::{MINUTE, Queue, Queues, Redrive, Settings, after};

/// Entries of a page, at most.
const MAX_PAGE: u64 = 1_000;

/// Attributes that are numbers: the name, the least, the most, and what they are without being told.
const NUMBERS: [(&str, u64, u64, u64); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
];

/// Attributes that are texts, kept and shown.
const TEXTS: [&str; 4] = ["KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled"];

/// Attributes that only the service sets.
const COUNTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

fn name(members: &Members) -> Result<&str, ApiError> {
    let name = text(members, "QueueName")?.ok_or_else(|| lacking("QueueName"))?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match plain && (1..=80).contains(&name.len()) {
        true => Ok(name),
        false if name.ends_with(".fifo") => Err(error(
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            "The estate has no first-in-first-out queues; give a name without .fifo",
        )),
        false => Err(bad_value(
            "QueueName",
            name,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
        )),
    }
}

/// The attributes that a request gives, as texts.
fn given(members: &Members) -> Result<BTreeMap<String, String>, ApiError> {
    let mut attributes = BTreeMap::new();
    for (name, value) in object(members, "Attributes")?.into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| wrong_type("Attributes"))?;
        let bounds = NUMBERS.iter().find(|(number, ..)| number == name);
        let fits = match bounds {
            Some((_, least, most, _)) => value.parse().is_ok_and(|it: u64| (*least..=*most).contains(&it)),
            None if TEXTS.contains(&name.as_str()) || name == "RedrivePolicy" => true,
            None => return Err(refused("InvalidAttributeName", format!("Unknown Attribute {name}."))),
        };
        if !fits {
            let message = format!("Invalid value for the parameter {name}.");
            return Err(refused("InvalidAttributeValue", message));
        }
        attributes.insert(name.clone(), value.to_owned());
    }
    Ok(attributes)
}

/// What attributes come to.
fn settings(
    call: &Call,
    queues: &Queues,
    attributes: &BTreeMap<String, String>,
) -> Result<Settings, ApiError> {
    let number = |name: &str| {
        let default = NUMBERS.iter().find(|(known, ..)| *known == name).map_or(0, |(.., default)| *default);
        attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let seconds = |name: &str| SignedDuration::from_secs(number(name) as i64);
    let redrive = attributes.get("RedrivePolicy").filter(|policy| !policy.is_empty());
    Ok(Settings {
        delay: seconds("DelaySeconds"),
        visibility: seconds("VisibilityTimeout"),
        retention: seconds("MessageRetentionPeriod"),
        max_bytes: number("MaximumMessageSize") as usize,
        redrive: redrive.map(|policy| redrive_policy(call, queues, policy)).transpose()?,
    })
}

fn redrive_policy(call: &Call, queues: &Queues, policy: &str) -> Result<Redrive, ApiError> {
    let wrong = |reason: &str| bad_value("RedrivePolicy", policy, reason);
    let document: Value =
        serde_json::from_str(policy).map_err(|_| wrong("Redrive policy is not a valid JSON map."))?;
    let target = document["deadLetterTargetArn"].as_str().unwrap_or_default();
    let own = target.strip_prefix(arn(call, "").as_str());
    let queue = own.filter(|name| queues.by_name.contains_key(*name));
    let queue = queue.ok_or_else(|| wrong("Dead letter target does not exist."))?.to_owned();
    let max_receives = number(&document["maxReceiveCount"])
        .filter(|count| (1..=1_000).contains(count))
        .ok_or_else(|| wrong("Invalid value for maxReceiveCount: must be between 1 and 1000."))?;
    Ok(Redrive { queue, max_receives })
}

/// CreateQueue: makes a queue, or gives the one of that name and these attributes.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueName", "Attributes", "tags"])?;
    let name = name(members)?;
    let attributes = given(members)?;
    let mut tags = BTreeMap::new();
    for (key, value) in object(members, "tags")?.into_iter().flatten() {
        tags.insert(key.clone(), value.as_str().ok_or_else(|| wrong_type("tags"))?.to_owned());
    }
    let queues = queues(world, call)?;
    let answer = json!({ "QueueUrl": url(call, name) });
    if let Some(known) = queues.by_name.get(name) {
        let other =
            attributes.iter().find(|(name, value)| shown(call, "", known, name).as_ref() != Some(*value));
        return match other {
            None => Ok(answer),
            Some((attribute, _)) => Err(error(
                "QueueNameExists",
                "QueueAlreadyExists",
                format!(
                    "A queue already exists with the same name and a different value for attribute {attribute}"
                ),
            )),
        };
    }
    if queues.deleted.get(name).is_some_and(|at| after(*at, MINUTE) > call.now) {
        return Err(error(
            "QueueDeletedRecently",
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ));
    }
    let settings = settings(call, queues, &attributes)?;
    let mut queue = Queue::new(attributes, settings, call.now);
    queue.tags = tags;
    queues.by_name.insert(name.to_owned(), queue);
    Ok(answer)
}

/// GetQueueUrl.
pub(super) fn url_of(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueName", "QueueOwnerAWSAccountId"])?;
    let name = name(members)?;
    let owner = text(members, "QueueOwnerAWSAccountId")?;
    let own = owner.is_none_or(|account| account == call.account);
    let known = own && queues(world, call)?.by_name.contains_key(name);
    if known { Ok(json!({ "QueueUrl": url(call, name) })) } else { Err(no_queue()) }
}

/// An attribute of a queue, where it has it.
fn shown(call: &Call, name: &str, queue: &Queue, attribute: &str) -> Option<String> {
    let [visible, given_out, delayed] = queue.counts(call.now);
    let default = NUMBERS.iter().find(|(number, ..)| *number == attribute);
    Some(match attribute {
        "ApproximateNumberOfMessages" => visible.to_string(),
        "ApproximateNumberOfMessagesDelayed" => delayed.to_string(),
        "ApproximateNumberOfMessagesNotVisible" => given_out.to_string(),
        "CreatedTimestamp" => queue.created.as_second().to_string(),
        "LastModifiedTimestamp" => queue.changed.as_second().to_string(),
        "QueueArn" => arn(call, name),
        other => match (queue.attributes.get(other), default) {
            (Some(value), _) => value.clone(),
            (None, Some((_, _, _, default))) if other != "KmsDataKeyReusePeriodSeconds" => {
                default.to_string()
            }
            (None, _) if other == "SqsManagedSseEnabled" => "true".to_owned(),
            (None, _) => return None,
        },
    })
}

/// GetQueueAttributes: those that are asked for; without any, none.
pub(super) fn get_attributes(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "AttributeNames"])?;
    let name = queue_name(call, members)?;
    let asked = texts(members, "AttributeNames")?;
    let all = || NUMBERS.iter().map(|(name, ..)| *name).chain(TEXTS).chain(COUNTED).chain(["RedrivePolicy"]);
    if let Some(odd) = asked.iter().find(|asked| **asked != "All" && !all().any(|known| known == **asked)) {
        return Err(refused("InvalidAttributeName", format!("Unknown Attribute {odd}.")));
    }
    let queue = queue(world, call, members)?;
    let wanted = all().filter(|name| asked.contains(&"All") || asked.contains(name));
    let found: Map<String, Value> =
        wanted.filter_map(|it| Some((it.to_owned(), shown(call, name, queue, it)?.into()))).collect();
    Ok(if found.is_empty() { json!({}) } else { json!({ "Attributes": found }) })
}

/// SetQueueAttributes: those that are given; an empty text takes a policy away.
pub(super) fn set_attributes(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "Attributes"])?;
    let name = queue_name(call, members)?;
    let new = given(members)?;
    let queues = queues(world, call)?;
    let mut attributes = queues.by_name.get(name).ok_or_else(no_queue)?.attributes.clone();
    attributes.extend(new);
    attributes.retain(|_, value| !value.is_empty());
    let settings = settings(call, queues, &attributes)?;
    let queue = queue(world, call, members)?;
    (queue.attributes, queue.settings, queue.changed) = (attributes, settings, call.now);
    Ok(Value::Null)
}

/// ListQueues: those whose names begin as asked. Only a request with `MaxResults` gets a token.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueNamePrefix", "MaxResults", "NextToken"])?;
    let prefix = text(members, "QueueNamePrefix")?.unwrap_or_default();
    let most = within(members, "MaxResults", (1, MAX_PAGE))?;
    let from = match text(members, "NextToken")? {
        None => 0,
        Some(token) => page::cursor(call, token)
            .ok_or_else(|| bad_value("NextToken", token, "Invalid or expired next token."))?,
    };
    let queues = queues(world, call)?;
    let found: Vec<&String> = queues.by_name.keys().filter(|name| name.starts_with(prefix)).collect();
    let page = found.iter().skip(usize::try_from(from).unwrap_or(usize::MAX));
    let urls: Vec<String> =
        page.take(most.unwrap_or(MAX_PAGE) as usize).map(|name| url(call, name)).collect();
    let mut answer = if urls.is_empty() { json!({}) } else { json!({ "QueueUrls": urls }) };
    if let Some(most) = most.filter(|most| from + most < found.len() as u64) {
        answer["NextToken"] = page::token(call, from + most).into();
    }
    Ok(answer)
}

/// DeleteQueue, with its messages.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let name = queue_name(call, members(call, &["QueueUrl"])?)?;
    let queues = queues(world, call)?;
    queues.by_name.remove(name).ok_or_else(no_queue)?;
    queues.deleted.insert(name.to_owned(), call.now);
    Ok(Value::Null)
}

/// PurgeQueue: once a minute.
pub(super) fn purge(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl"])?;
    let name = queue_name(call, members)?;
    let queue = queue(world, call, members)?;
    if queue.purged.is_some_and(|at| after(at, MINUTE) > call.now) {
        let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
        let code = "AWS.SimpleQueueService.PurgeQueueInProgress";
        return Err(error("PurgeQueueInProgress", code, message));
    }
    queue.messages.clear();
    queue.purged = Some(call.now);
    Ok(Value::Null)
}
