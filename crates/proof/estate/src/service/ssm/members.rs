//! Members of requests, with the bounds that the service's model gives them.

use serde_json::{Map, Value};

use super::document;
use crate::call::{ApiError, Call};
use crate::service::page;

/// A request's members.
pub(super) type Members = Map<String, Value>;

/// The members of a request's document.
pub(super) fn members(call: &Call) -> Members {
    call.json().as_object().cloned().unwrap_or_default()
}

/// The wire's spelling of a member in validation messages.
pub(super) fn spelled(name: &str) -> String {
    let mut spelled = name.to_owned();
    if let Some(first) = spelled.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    spelled
}

/// The service's error for a member of another type.
pub(super) fn wrong_type(name: &str) -> ApiError {
    ApiError::new(400, "SerializationException", format!("{name} has a value of the wrong type"))
}

/// The service's error for a member that has to be there.
pub(super) fn missing(name: &str) -> ApiError {
    document::constraint("null", &spelled(name), "Member must not be null")
}

/// A text of so many characters, if it is there.
pub(super) fn text<'m>(
    members: &'m Members,
    name: &str,
    (least, most): (usize, usize),
) -> Result<Option<&'m str>, ApiError> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| wrong_type(name))?;
    let length = text.chars().count();
    let rule = if length < least {
        format!("Member must have length greater than or equal to {least}")
    } else if length > most {
        format!("Member must have length less than or equal to {most}")
    } else {
        return Ok(Some(text));
    };
    Err(document::constraint(&format!("'{text}'"), &spelled(name), &rule))
}

/// A number within bounds, if it is there.
pub(super) fn number(
    members: &Members,
    name: &str,
    (least, most): (i64, i64),
) -> Result<Option<i64>, ApiError> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_i64().ok_or_else(|| wrong_type(name))?;
    let rule = if number < least {
        format!("Member must have value greater than or equal to {least}")
    } else if number > most {
        format!("Member must have value less than or equal to {most}")
    } else {
        return Ok(Some(number));
    };
    Err(document::constraint(&format!("'{number}'"), &spelled(name), &rule))
}

/// One page of entries, under `list`.
pub(super) fn paged(call: &Call, list: &str, all: Vec<Value>, size: usize) -> Result<String, ApiError> {
    let from = document::start(call, call.json()["NextToken"].as_str())? as usize;
    let more = from + size < all.len();
    let page: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut answer = Map::from_iter([(list.to_owned(), Value::Array(page))]);
    if more {
        answer.insert("NextToken".to_owned(), page::token(call, (from + size) as u64).into());
    }
    document::write(&answer)
}
