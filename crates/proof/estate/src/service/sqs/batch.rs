//! Up to ten messages at once: each succeeds or fails for itself.

use serde_json::{Value, json};

use super::{error, messages, queue, queue_name, receive};
use crate::call::{ApiError, Call};
use crate::service::members::{Members, members, objects, only, text};
use crate::world::World;

/// Entries of a batch, at most.
const MAX_ENTRIES: usize = 10;
/// Bytes of all messages of a batch, at most.
const MAX_BYTES: usize = 1_024 * 1_024;

/// The entries of a batch, each with its id.
fn entries(members: &Members) -> Result<Vec<(&str, &Members)>, ApiError> {
    let given = objects(members, "Entries")?;
    if given.is_empty() {
        let message = "There should be at least one entry in the request.";
        return Err(error("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", message));
    }
    if given.len() > MAX_ENTRIES {
        let message = format!("Maximum number of entries per request are 10. You have sent {}.", given.len());
        let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(error("TooManyEntriesInBatchRequest", code, message));
    }
    let mut entries: Vec<(&str, &Members)> = Vec::new();
    for entry in given {
        let id = text(entry, "Id")?.unwrap_or_default();
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if id.is_empty() || id.len() > 80 || !plain {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
            let code = "AWS.SimpleQueueService.InvalidBatchEntryId";
            return Err(error("InvalidBatchEntryId", code, message));
        }
        if entries.iter().any(|(known, _)| *known == id) {
            let code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
            return Err(error("BatchEntryIdsNotDistinct", code, format!("Id {id} repeated.")));
        }
        entries.push((id, entry));
    }
    Ok(entries)
}

/// What became of the entries, by their ids.
fn answer(outcomes: Vec<(&str, Result<Value, ApiError>)>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, outcome) in outcomes {
        match outcome {
            Ok(mut entry) => {
                entry["Id"] = id.into();
                successful.push(entry);
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "SenderFault": true,
                "Code": error.code,
                "Message": error.message,
            })),
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = failed.into();
    }
    answer
}

/// SendMessageBatch.
pub(super) fn send(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "Entries"])?;
    let name = queue_name(call, members)?;
    let most = queue(world, call, members)?.settings.max_bytes;
    let mut known = vec!["Id"];
    known.extend(messages::MEMBERS);
    let mut outgoing = Vec::new();
    let mut bytes = 0;
    for (id, entry) in entries(members)? {
        only(entry, &known)?;
        let one = messages::outgoing(call, entry).and_then(|it| messages::check_size(&it, most).map(|()| it));
        bytes += one.as_ref().map_or(0, messages::size_bytes);
        outgoing.push((id, one));
    }
    if bytes > MAX_BYTES {
        let message =
            format!("Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {bytes} bytes.");
        return Err(error("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", message));
    }
    let mut outcomes = Vec::new();
    for (id, one) in outgoing {
        outcomes.push((id, one.and_then(|it| messages::sent(world, call, name, it))));
    }
    Ok(answer(outcomes))
}

/// DeleteMessageBatch.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["QueueUrl", "Entries"])?;
    let name = queue_name(call, members)?;
    let queue = queue(world, call, members)?;
    let mut outcomes = Vec::new();
    for (id, entry) in entries(members)? {
        only(entry, &["Id", "ReceiptHandle"])?;
        outcomes.push((id, receive::delete_one(queue, name, entry).map(|()| json!({}))));
    }
    Ok(answer(outcomes))
}
