//! Members of requests, with the bounds that the service's model gives them, and its errors.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::call::{ApiError, Call};

/// A request's members.
pub(super) type Members = Map<String, Value>;

/// The members of a request; refuses what the estate would otherwise ignore: every member that is
/// not in `known`.
pub(super) fn members<'c>(call: &'c Call, known: &[&str]) -> Result<&'c Members, ApiError> {
    let members = call.json().as_object().ok_or_else(|| wrong_type("The request"))?;
    only(members, known)?;
    Ok(members)
}

/// Refuses members that are not in `known`.
pub(super) fn only(members: &Members, known: &[&str]) -> Result<(), ApiError> {
    match members.iter().find(|(name, value)| !value.is_null() && !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((odd, _)) => Err(invalid(format!("{odd} is not supported by the estate; leave it out"))),
    }
}

/// The service's error for what makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// The same, in the words for values.
pub(super) fn invalid_values(message: &str) -> ApiError {
    invalid(format!("One or more parameter values were invalid: {message}"))
}

/// The service's error for a member of another type.
pub(super) fn wrong_type(name: &str) -> ApiError {
    ApiError::new(400, "SerializationException", format!("{name} has a value of the wrong type"))
}

/// The service's words for a member that breaks a constraint of its model.
pub(super) fn constraint(value: &str, name: &str, rule: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value {value} at '{}' failed to satisfy constraint: {rule}",
        spelled(name)
    ))
}

/// The wire's spelling of a member in validation messages.
fn spelled(name: &str) -> String {
    let mut spelled = name.to_owned();
    if let Some(first) = spelled.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    spelled
}

/// The service's error for a member that has to be there.
pub(super) fn missing(name: &str) -> ApiError {
    constraint("null", name, "Member must not be null")
}

fn given<'m>(members: &'m Members, name: &str) -> Option<&'m Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// A text, if it is there.
pub(super) fn text<'m>(members: &'m Members, name: &str) -> Result<Option<&'m str>, ApiError> {
    given(members, name).map(|value| value.as_str().ok_or_else(|| wrong_type(name))).transpose()
}

/// One of some words, if it is there.
pub(super) fn word<'m>(members: &'m Members, name: &str, all: &[&str]) -> Result<Option<&'m str>, ApiError> {
    let given = text(members, name)?;
    match given {
        Some(odd) if !all.contains(&odd) => {
            let rule = format!("Member must satisfy enum value set: [{}]", all.join(", "));
            Err(constraint(&format!("'{odd}'"), name, &rule))
        }
        _ => Ok(given),
    }
}

/// A number from `least` up, if it is there.
pub(super) fn number(members: &Members, name: &str, least: u64, most: u64) -> Result<Option<u64>, ApiError> {
    let Some(value) = given(members, name) else { return Ok(None) };
    let number = value.as_i64().ok_or_else(|| wrong_type(name))?;
    let bound = match u64::try_from(number) {
        Ok(fitting) if (least..=most).contains(&fitting) => return Ok(Some(fitting)),
        Ok(large) if large > most => format!("less than or equal to {most}"),
        _ => format!("greater than or equal to {least}"),
    };
    Err(constraint(&format!("'{number}'"), name, &format!("Member must have value {bound}")))
}

/// True or false; false where it is not there.
pub(super) fn flag(members: &Members, name: &str) -> Result<bool, ApiError> {
    let found = given(members, name).map(|value| value.as_bool().ok_or_else(|| wrong_type(name)));
    found.transpose().map(Option::unwrap_or_default)
}

/// Members by name, if they are there.
pub(super) fn object<'m>(members: &'m Members, name: &str) -> Result<Option<&'m Members>, ApiError> {
    given(members, name).map(|value| value.as_object().ok_or_else(|| wrong_type(name))).transpose()
}

/// A list, if it is there.
pub(super) fn list<'m>(members: &'m Members, name: &str) -> Result<Option<&'m Vec<Value>>, ApiError> {
    given(members, name).map(|value| value.as_array().ok_or_else(|| wrong_type(name))).transpose()
}

/// A table's name: itself, or out of its ARN of the caller's account and region.
pub(super) fn table_name<'m>(call: &Call, members: &'m Members) -> Result<&'m str, ApiError> {
    let given = text(members, "TableName")?.ok_or_else(|| missing("TableName"))?;
    checked_table_name(call, given)
}

/// The same of a name from elsewhere.
pub(super) fn checked_table_name<'m>(call: &Call, given: &'m str) -> Result<&'m str, ApiError> {
    let name = given.strip_prefix(&table_arn(call, "")).unwrap_or(given);
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !fits {
        return Err(constraint(
            &format!("'{given}'"),
            "TableName",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ));
    }
    if !(3..=255).contains(&name.len()) {
        return Err(invalid("TableName must be at least 3 characters long and at most 255 characters long"));
    }
    Ok(name)
}

/// The ARN of a table.
pub(super) fn table_arn(call: &Call, name: &str) -> String {
    format!("arn:aws:dynamodb:{}:{}:table/{name}", call.region, call.account)
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
