//! Reading and writing Systems Manager's JSON documents.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{ApiError, Call};
use crate::service::page::{self, Cursor};
use crate::world::{Region, World};

/// The pattern of a managed node's id, as the service names it in its errors.
pub(super) const NODE_ID_PATTERN: &str = r"(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)";

/// True for the id of an instance or of a hybrid node.
pub(super) fn is_node_id(text: &str) -> bool {
    let word = |rest: &str, lengths: &[usize]| {
        lengths.contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    match text.split_once('-') {
        Some(("i", rest)) => word(rest, &[8, 17]),
        Some(("mi", rest)) => word(rest, &[17]),
        _ => false,
    }
}

/// Reads the request into its type; members nobody asked for are ignored, as the service does.
///
/// # Errors
/// `SerializationException` for a member of the wrong type.
pub(super) fn read<T: DeserializeOwned>(call: &Call) -> Result<T, ApiError> {
    T::deserialize(call.json())
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

/// Writes the answer.
///
/// # Errors
/// Never for the estate's own types; the error is passed on rather than hidden.
pub(super) fn write(answer: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(answer).map_err(|error| {
        ApiError::new(500, "InternalServerError", format!("cannot write the answer: {error}"))
    })
}

/// The service's words for a member that breaks a constraint.
pub(super) fn constraint(value: &str, member: &str, rule: &str) -> ApiError {
    ApiError::new(
        400,
        "ValidationException",
        format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {rule}"
        ),
    )
}

/// A page size between two bounds, or the operation's own.
///
/// # Errors
/// `ValidationException` in the service's words.
pub(super) fn page_size(
    given: Option<i64>,
    least: usize,
    most: usize,
    default: usize,
) -> Result<usize, ApiError> {
    match given {
        None => Ok(default),
        Some(number) if number < least as i64 => Err(constraint(
            &format!("'{number}'"),
            "maxResults",
            &format!("Member must have value greater than or equal to {least}"),
        )),
        Some(number) if number > most as i64 => Err(constraint(
            &format!("'{number}'"),
            "maxResults",
            &format!("Member must have value less than or equal to {most}"),
        )),
        Some(number) => Ok(number as usize),
    }
}

/// Where this page begins.
///
/// # Errors
/// `InvalidNextToken` where the token was not given to this request.
pub(super) fn start(call: &Call, token: Option<&str>) -> Result<Cursor, ApiError> {
    match token {
        None | Some("") => Ok(0),
        Some(token) => page::cursor(call, token)
            .ok_or_else(|| ApiError::new(400, "InvalidNextToken", "The specified token isn't valid.")),
    }
}

/// The region a call is for.
///
/// # Errors
/// `UnrecognizedClientException`, which is what JSON services answer where the account has not
/// enabled the region.
pub(super) fn region<'w>(world: &'w World, call: &Call) -> Result<&'w Region, ApiError> {
    world
        .accounts
        .get(&call.account)
        .and_then(|account| account.regions.get(&call.region))
        .filter(|region| region.enabled)
        .ok_or_else(|| {
            ApiError::new(
                400,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        })
}

/// The ARN of a document that a call names: AWS's own belong to no account.
pub(super) fn arn(call: &Call, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false if name.starts_with("AWS-") => format!("arn:aws:ssm:{}::document/{name}", call.region),
        false => format!("arn:aws:ssm:{}:{}:document/{name}", call.region, call.account),
    }
}

/// A moment as the service writes it: seconds since 1970 with a fraction.
pub(super) fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1_000.0
}

/// A moment as the members of type string write it: to the millisecond.
pub(super) fn text_time(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The service's error for a command it does not know.
pub(super) fn invalid_command(id: &str) -> ApiError {
    ApiError::new(
        400,
        "InvalidCommandId",
        format!("The command ID {id} isn't valid. Verify the ID and try again."),
    )
}

/// The service's error for nodes it cannot send to.
pub(super) fn invalid_instances(ids: &[String], account: &str) -> ApiError {
    let message = format!("Instances [[{}]] not in a valid state for account {account}", ids.join(", "));
    ApiError::new(400, "InvalidInstanceId", message)
}

/// A text cut to so many characters, with the agent's mark where it was longer.
pub(super) fn cut(text: &str, most: usize, mark: &str) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(most.saturating_sub(mark.chars().count())).collect();
            kept + mark
        }
    }
}

/// The mark of a standard output that was cut.
pub(super) const OUTPUT_CUT: &str = "\n---Output truncated---";
/// The mark of a standard error that was cut.
pub(super) const ERROR_CUT: &str = "\n---Error truncated---";
