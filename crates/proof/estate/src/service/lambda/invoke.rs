//! Invoke: admitted here, run by what the embedder provides.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::{arn, invalid, not_found, place, target, with_status};
use crate::call::{ApiError, Call, Reply};
use crate::functions::{Invocation, Mode, Started};
use crate::world::World;
use crate::world::functions::{Functions, Version};
use crate::world::timeline::Place;

/// Bytes of an event that the caller waits for, at most.
const MAX_WAITING_BYTES: usize = 6 * 1_024 * 1_024;
/// Bytes of one that nobody waits for, at most.
const MAX_EVENT_BYTES: usize = 1_024 * 1_024;

/// Invoke.
pub(super) fn invoke(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let request = call.path().ok_or_else(|| invalid("Invoke is a restJson request"))?;
    let tail = match request.header("x-amz-log-type") {
        None | Some("None") => false,
        Some("Tail") => true,
        Some(odd) => return Err(invalid(format!("LogType '{odd}' must be None or Tail"))),
    };
    let mode = match request.header("x-amz-invocation-type") {
        None | Some("RequestResponse") => Some(Mode::Waiting),
        Some("Event") => Some(Mode::Event),
        Some("DryRun") => None,
        Some(odd) => {
            return Err(invalid(format!("InvocationType '{odd}' must be RequestResponse, Event or DryRun")));
        }
    };
    let place = place(world, call)?;
    let arn = arn(call, &target.name);
    let function = place.region.functions.by_name.get(&target.name).ok_or_else(|| not_found(&arn))?;
    let qualifier = target.qualifier.as_deref();
    let version = function
        .version(qualifier)
        .ok_or_else(|| not_found(&format!("{arn}:{}", qualifier.unwrap_or_default())))?;
    if call.now < function.active {
        let message = "The operation cannot be performed at this time. The function is currently in the following state: Pending";
        return Err(ApiError::new(409, "ResourceConflictException", message));
    }
    let Some(mode) = mode else { return Ok(with_status(StatusCode::NO_CONTENT, None)) };
    let payload = payload(&request.body, mode)?;
    let started = Started {
        mode,
        invocation: invocation(
            (&call.account, &call.region),
            &target.name,
            version,
            payload,
            &call.request_id,
            call.now,
        ),
        role: version.configuration.role.clone(),
        tail,
        fault: None,
    };
    if mode == Mode::Waiting {
        admit(&mut place.region.functions, &target.name)?;
    }
    Ok(Reply::Function(Box::new(started)))
}

/// An invocation that no request of Lambda's makes, and that nobody waits for: of the function that an ARN ends
/// with, `function:NAME` or `function:NAME:VERSION`.
///
/// # Errors
/// Why there is nothing to invoke.
pub(crate) fn event(
    place: &Place<'_>,
    resource: &str,
    payload: Bytes,
    request_id: String,
    now: Timestamp,
) -> Result<Started, String> {
    let named = resource.strip_prefix("function:").ok_or("the ARN is none of a function")?;
    let (name, qualifier) = named.split_once(':').map_or((named, None), |(name, rest)| (name, Some(rest)));
    let function = place.region.functions.by_name.get(name);
    let version = function.and_then(|it| it.version(qualifier));
    let version = version.ok_or_else(|| format!("there is no function {named}"))?;
    let owner = (place.account, place.code);
    Ok(Started {
        mode: Mode::Event,
        invocation: invocation(owner, name, version, payload, &request_id, now),
        role: version.configuration.role.clone(),
        tail: false,
        fault: None,
    })
}

/// An invocation that no request of Lambda's makes, and that somebody waits for; its place is taken. None where there is no
/// such function, or no place.
pub(crate) fn waited_for(
    functions: &mut Functions,
    owner: (&str, &str),
    name: &str,
    payload: Bytes,
    request_id: &str,
    now: Timestamp,
) -> Option<Started> {
    let version = functions.by_name.get(name)?.version(None)?;
    let started = Started {
        mode: Mode::Waiting,
        invocation: invocation(owner, name, version, payload, request_id, now),
        role: version.configuration.role.clone(),
        tail: false,
        fault: None,
    };
    admit(functions, name).ok()?;
    Some(started)
}

fn invocation(
    (account, region): (&str, &str),
    name: &str,
    version: &Version,
    payload: Bytes,
    request_id: &str,
    now: Timestamp,
) -> Invocation {
    let configuration = &version.configuration;
    let arn = format!("arn:aws:lambda:{region}:{account}:function:{name}");
    Invocation {
        account: account.to_owned(),
        region: region.to_owned(),
        function: name.to_owned(),
        version: version.name(),
        arn: version.number.map_or_else(|| arn.clone(), |number| format!("{arn}:{number}")),
        handler: configuration.handler.clone(),
        memory_mb: configuration.memory_mb,
        environment: configuration.environment.clone(),
        credentials: None,
        revision: version.revision.clone(),
        payload,
        timeout: Duration::from_secs(configuration.timeout_seconds),
        deadline: now,
        request_id: request_id.to_owned(),
    }
}

fn payload(body: &Bytes, mode: Mode) -> Result<Bytes, ApiError> {
    let most = if mode == Mode::Waiting { MAX_WAITING_BYTES } else { MAX_EVENT_BYTES };
    if body.len() > most {
        return Err(ApiError::new(
            413,
            "RequestTooLargeException",
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
        ));
    }
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => Ok(body.clone()),
        Err(error) => Err(ApiError::new(
            400,
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {error}"),
        )),
    }
}

/// Takes a place among those that run.
///
/// # Errors
/// `TooManyRequestsException`, with the reason.
pub(crate) fn admit(functions: &mut Functions, name: &str) -> Result<(), ApiError> {
    let (unreserved, running) = (functions.unreserved(), functions.running_unreserved());
    let Some(function) = functions.by_name.get_mut(name) else { return Ok(()) };
    let reason = match function.reserved {
        Some(reserved) if function.running >= reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
        None if running >= unreserved => "ConcurrentInvocationLimitExceeded",
        _ => {
            function.running += 1;
            return Ok(());
        }
    };
    let mut error = ApiError::new(429, "TooManyRequestsException", "Rate Exceeded.");
    error.members.insert("Reason".to_owned(), reason.into());
    Err(error)
}
