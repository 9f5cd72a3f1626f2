//! Members of the requests of JSON services, with the bounds that the services' models give them, and the
//! errors that these services share.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::call::{ApiError, Call};

/// A request's members.
pub(in crate::service) type Members = Map<String, Value>;

/// The members of a request; refuses what the estate would otherwise ignore: every member that is
/// not in `known`.
pub(in crate::service) fn members<'c>(call: &'c Call, known: &[&str]) -> Result<&'c Members, ApiError> {
    let members = call.json().as_object().ok_or_else(|| wrong_type("The request"))?;
    only(members, known)?;
    Ok(members)
}

/// Refuses members that are not in `known`.
pub(in crate::service) fn only(members: &Members, known: &[&str]) -> Result<(), ApiError> {
    match members.iter().find(|(name, value)| !value.is_null() && !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((odd, _)) => Err(invalid(format!("{odd} is not supported by the estate; leave it out"))),
    }
}

/// The service's error for what makes no sense.
pub(in crate::service) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// The service's error for a member of another type.
pub(in crate::service) fn wrong_type(name: &str) -> ApiError {
    ApiError::new(400, "SerializationException", format!("{name} has a value of the wrong type"))
}

/// The service's words for a member that breaks a constraint of its model.
pub(in crate::service) fn constraint(value: &str, name: &str, rule: &str) -> ApiError {
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
pub(in crate::service) fn missing(name: &str) -> ApiError {
    constraint("null", name, "Member must not be null")
}

fn given<'m>(members: &'m Members, name: &str) -> Option<&'m Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// A text, if it is there.
pub(in crate::service) fn text<'m>(members: &'m Members, name: &str) -> Result<Option<&'m str>, ApiError> {
    given(members, name).map(|value| value.as_str().ok_or_else(|| wrong_type(name))).transpose()
}

/// One of some words, if it is there.
pub(in crate::service) fn word<'m>(
    members: &'m Members,
    name: &str,
    all: &[&str],
) -> Result<Option<&'m str>, ApiError> {
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
pub(in crate::service) fn number(
    members: &Members,
    name: &str,
    least: u64,
    most: u64,
) -> Result<Option<u64>, ApiError> {
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
pub(in crate::service) fn flag(members: &Members, name: &str) -> Result<bool, ApiError> {
    let found = given(members, name).map(|value| value.as_bool().ok_or_else(|| wrong_type(name)));
    found.transpose().map(Option::unwrap_or_default)
}

/// Members by name, if they are there.
pub(in crate::service) fn object<'m>(
    members: &'m Members,
    name: &str,
) -> Result<Option<&'m Members>, ApiError> {
    given(members, name).map(|value| value.as_object().ok_or_else(|| wrong_type(name))).transpose()
}

/// A list, if it is there.
pub(in crate::service) fn list<'m>(
    members: &'m Members,
    name: &str,
) -> Result<Option<&'m Vec<Value>>, ApiError> {
    given(members, name).map(|value| value.as_array().ok_or_else(|| wrong_type(name))).transpose()
}

/// The entries of a list of objects; none where the list is not there.
pub(in crate::service) fn objects<'m>(
    members: &'m Members,
    name: &str,
) -> Result<Vec<&'m Members>, ApiError> {
    let entries = list(members, name)?.into_iter().flatten();
    entries.map(|entry| entry.as_object().ok_or_else(|| wrong_type(name))).collect()
}

/// The texts of a list; none where the list is not there.
pub(in crate::service) fn texts<'m>(members: &'m Members, name: &str) -> Result<Vec<&'m str>, ApiError> {
    let entries = list(members, name)?.into_iter().flatten();
    entries.map(|entry| entry.as_str().ok_or_else(|| wrong_type(name))).collect()
}

/// A text whose length is within bounds, if it is there.
pub(in crate::service) fn text_within<'m>(
    members: &'m Members,
    name: &str,
    (least, most): (usize, usize),
) -> Result<Option<&'m str>, ApiError> {
    let given = text(members, name)?;
    let Some(text) = given else { return Ok(None) };
    let length = text.chars().count();
    let rule = match () {
        () if length < least => format!("Member must have length greater than or equal to {least}"),
        () if length > most => format!("Member must have length less than or equal to {most}"),
        () => return Ok(given),
    };
    Err(constraint("", name, &rule))
}

/// Tags, which lists of `Key` and `Value` give, by key.
pub(in crate::service) fn tags(members: &Members) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in objects(members, "Tags")? {
        let key = text_within(tag, "Key", (1, 128))?.ok_or_else(|| missing("Key"))?;
        let value = text_within(tag, "Value", (0, 256))?.ok_or_else(|| missing("Value"))?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

/// The condition keys of the tags that a request gives.
pub(in crate::service) fn tag_context(
    call: &Call,
    (list, key, value): (&str, &str, &str),
) -> Vec<(String, String)> {
    let tags = call.json()[list].as_array().into_iter().flatten();
    let pairs = tags.filter_map(|tag| Some((tag[key].as_str()?, tag[value].as_str()?)));
    let both = |(key, value): (&str, &str)| {
        [(format!("aws:RequestTag/{key}"), value.to_owned()), ("aws:TagKeys".to_owned(), key.to_owned())]
    };
    pairs.flat_map(both).collect()
}
