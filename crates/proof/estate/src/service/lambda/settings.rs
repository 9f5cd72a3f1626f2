//! How many of a function run at once, and its tags.

use http::StatusCode;
use serde_json::{Value, json};

use super::{function, function_mut, invalid, place, region, target, with_status};
use crate::call::{ApiError, Call, Reply};
use crate::world::World;
use crate::world::functions::MIN_UNRESERVED;

/// PutFunctionConcurrency.
pub(super) fn put_concurrency(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let wanted = call.json()["ReservedConcurrentExecutions"]
        .as_u64()
        .ok_or_else(|| invalid("ReservedConcurrentExecutions must be a number from 0"))?;
    let place = place(world, call)?;
    let before = function(place.region, call, &target)?.reserved.unwrap_or(0);
    if (place.region.functions.unreserved() + before).saturating_sub(wanted) < MIN_UNRESERVED {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
             below its minimum value of [{MIN_UNRESERVED}]."
        )));
    }
    function_mut(place.region, call, &target)?.reserved = Some(wanted);
    Ok(with_status(StatusCode::OK, Some(&json!({ "ReservedConcurrentExecutions": wanted }))))
}

/// GetFunctionConcurrency.
pub(super) fn get_concurrency(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let answer = match function(region(world, call)?, call, &target)?.reserved {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    };
    Ok(with_status(StatusCode::OK, Some(&answer)))
}

/// TagResource.
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let tags = call.json()["Tags"].as_object().ok_or_else(|| invalid("Tags must be given"))?;
    let place = place(world, call)?;
    let function = function_mut(place.region, call, &target)?;
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    function.tags.extend(tags.iter().filter_map(text));
    Ok(with_status(StatusCode::NO_CONTENT, None))
}

/// ListTags.
pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let tags = &function(region(world, call)?, call, &target)?.tags;
    Ok(with_status(StatusCode::OK, Some(&json!({ "Tags": tags }))))
}
