//! Reading EC2's parameters as strictly as EC2 does.

use crate::call::{ApiError, Call};
use crate::service::page::{self, Cursor};
use crate::world::World;
use crate::world::ids::{IdFault, InstanceId};
use crate::world::timeline::Place;
use crate::world::{Account, Region};

/// Refuses every parameter that is not in `known`, where `#` stands for a list index.
///
/// # Errors
/// `UnknownParameter`, naming the first of them.
pub(super) fn only(call: &Call, known: &[&str]) -> Result<(), ApiError> {
    for name in call.query().values.keys() {
        let form = numbers_hidden(name);
        if !known.contains(&form.as_str()) && !matches!(form.as_str(), "Action" | "Version" | "DryRun") {
            return Err(ApiError::new(
                400,
                "UnknownParameter",
                format!("The parameter {name} is not recognized"),
            ));
        }
    }
    Ok(())
}

fn numbers_hidden(name: &str) -> String {
    let mut form = String::with_capacity(name.len());
    for (n, part) in name.split('.').enumerate() {
        if n > 0 {
            form.push('.');
        }
        let number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        form.push_str(if number { "#" } else { part });
    }
    form
}

/// A boolean parameter; absent is false.
///
/// # Errors
/// `InvalidParameterValue` for anything but `true` and `false`.
pub(super) fn flag(call: &Call, name: &str) -> Result<bool, ApiError> {
    match call.query().get(name) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(ApiError::new(
            400,
            "InvalidParameterValue",
            format!("Invalid boolean value: {text} for parameter {name}"),
        )),
    }
}

/// `MaxResults` between two bounds, or the operation's own page size.
///
/// # Errors
/// `InvalidParameterValue` in EC2's words.
pub(super) fn max_results(call: &Call, least: usize, most: usize, default: usize) -> Result<usize, ApiError> {
    let Some(text) = call.query().get("MaxResults") else {
        return Ok(default);
    };
    let refuse = |expected: String| {
        Err(ApiError::new(
            400,
            "InvalidParameterValue",
            format!("Value ( {text} ) for parameter maxResults is invalid. Expecting a value {expected}."),
        ))
    };
    match text.parse::<i64>() {
        Err(_) => Err(ApiError::new(
            400,
            "InvalidParameterValue",
            format!("Invalid integer value: {text} for parameter MaxResults"),
        )),
        Ok(number) if number < least as i64 => refuse(format!("greater than {least}")),
        Ok(number) if number > most as i64 => refuse(format!("less than {most}")),
        Ok(number) => Ok(number as usize),
    }
}

/// Where this page begins.
///
/// # Errors
/// `InvalidNextToken` where the token was not given to this request.
pub(super) fn start(call: &Call) -> Result<Cursor, ApiError> {
    match call.query().get("NextToken") {
        None | Some("") => Ok(0),
        Some(token) => page::cursor(call, token)
            .ok_or_else(|| ApiError::new(400, "InvalidNextToken", "The specified NextToken is not valid.")),
    }
}

/// The rows of a page in the order of their ids, and the token of the next page where there is one.
///
/// # Errors
/// `InvalidNextToken` where the token was not given to this request.
pub(super) fn paged<R>(
    call: &Call,
    mut rows: Vec<R>,
    size: usize,
    id: fn(&R) -> Cursor,
) -> Result<(Vec<R>, Option<String>), ApiError> {
    let start = start(call)?;
    rows.retain(|row| id(row) >= start);
    rows.sort_by_key(id);
    let next = rows.get(size).map(|row| page::token(call, id(row)));
    rows.truncate(size);
    Ok((rows, next))
}

/// Refuses ids together with `MaxResults`, where EC2 does.
///
/// # Errors
/// `InvalidParameterCombination`, naming the set as EC2 calls it.
pub(super) fn ids_or_pages(call: &Call, ids: &[&str], set: &str) -> Result<(), ApiError> {
    if ids.is_empty() || call.query().get("MaxResults").is_none() {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "InvalidParameterCombination",
        format!("The parameter {set} cannot be used with the parameter maxResults"),
    ))
}

/// Reads ids in the order given, each once; those in the right form that the estate never issued
/// come back as text.
///
/// # Errors
/// `code` for the first that is not in the form of such an id.
pub(super) fn ids<T: PartialEq>(
    given: &[&str],
    prefix: &str,
    code: &'static str,
    parse: fn(&str) -> Result<T, IdFault>,
) -> Result<(Vec<T>, Vec<String>), ApiError> {
    let mut known = Vec::with_capacity(given.len());
    let mut foreign = Vec::new();
    for text in given {
        match parse(text) {
            Ok(id) => known.push(id),
            Err(IdFault::Foreign) => foreign.push((*text).to_owned()),
            Err(IdFault::Malformed) => {
                let hint = if text.starts_with(prefix) {
                    String::new()
                } else {
                    format!(" (expecting \"{prefix}...\")")
                };
                return Err(ApiError::new(400, code, format!("Invalid id: \"{text}\"{hint}")));
            }
        }
    }
    Ok((known, foreign))
}

/// The account and region a call is for.
///
/// # Errors
/// `AuthFailure`, which is what EC2 answers in a region the account has not enabled.
pub(super) fn place<'w>(world: &'w World, call: &Call) -> Result<(&'w Account, &'w Region), ApiError> {
    world
        .accounts
        .get(&call.account)
        .and_then(|account| Some((account, account.regions.get(&call.region)?)))
        .filter(|(_, region)| region.enabled)
        .ok_or_else(not_enabled)
}

/// What EC2 answers in a region the account has not enabled.
pub(super) fn not_enabled() -> ApiError {
    ApiError::new(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
}

/// The account and region a call is for, to be changed.
///
/// # Errors
/// `AuthFailure`, as for [`place`].
pub(super) fn place_mut<'w>(world: &'w mut World, call: &Call) -> Result<Place<'w>, ApiError> {
    world.place(&call.account, &call.region).filter(|place| place.region.enabled).ok_or_else(not_enabled)
}

/// The value of a parameter that has to be there; `shown` is what EC2 calls it.
///
/// # Errors
/// `MissingParameter`.
pub(super) fn required<'c>(call: &'c Call, name: &str, shown: &str) -> Result<&'c str, ApiError> {
    call.query().get(name).filter(|value| !value.is_empty()).ok_or_else(|| missing(shown))
}

/// What EC2 answers where a parameter is not there.
pub(super) fn missing(parameter: &str) -> ApiError {
    ApiError::new(400, "MissingParameter", format!("The request must contain the parameter {parameter}"))
}

/// What EC2 answers to a value it does not take.
pub(super) fn invalid(message: String) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

/// Reads the id of one thing; `None` for one the estate never issued.
///
/// # Errors
/// `code` where it is not in the form of such an id.
pub(super) fn one_id<T: PartialEq>(
    given: &str,
    prefix: &str,
    code: &'static str,
    parse: fn(&str) -> Result<T, IdFault>,
) -> Result<Option<T>, ApiError> {
    Ok(ids(&[given], prefix, code, parse)?.0.pop())
}

/// The instances that a change names, each once, in the order given; all of them exist.
///
/// # Errors
/// `MissingParameter`, `InvalidInstanceID.Malformed`, or `InvalidInstanceID.NotFound`.
pub(super) fn instances(call: &Call, region: &Region) -> Result<Vec<InstanceId>, ApiError> {
    let given = call.query().list("InstanceId");
    if given.is_empty() {
        return Err(missing("InstanceId"));
    }
    let (ids, mut unknown) =
        self::ids(&given, InstanceId::PREFIX, "InvalidInstanceID.Malformed", InstanceId::parse)?;
    unknown.extend(ids.iter().filter(|id| region.instances.get(**id).is_none()).map(ToString::to_string));
    match unknown.as_slice() {
        [] => Ok(ids),
        [one] => Err(instance_not_found(format!("The instance ID '{one}' does not exist"))),
        many => Err(instance_not_found(format!("The instance IDs '{}' do not exist", many.join(", ")))),
    }
}

/// The one instance that a change names.
///
/// # Errors
/// As for [`instances`].
pub(super) fn instance(call: &Call, region: &Region) -> Result<InstanceId, ApiError> {
    let given = required(call, "InstanceId", "InstanceId")?;
    one_id(given, InstanceId::PREFIX, "InvalidInstanceID.Malformed", InstanceId::parse)?
        .filter(|id| region.instances.get(*id).is_some())
        .ok_or_else(|| instance_not_found(format!("The instance ID '{given}' does not exist")))
}

fn instance_not_found(message: String) -> ApiError {
    ApiError::new(400, "InvalidInstanceID.NotFound", message)
}

/// What EC2 answers to a client token that came with other parameters before.
pub(super) fn token_mismatch() -> ApiError {
    ApiError::new(
        400,
        "IdempotentParameterMismatch",
        "The client token you have provided is associated with a resource that has different parameters than those \
         in the request.",
    )
}
