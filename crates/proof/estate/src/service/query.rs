//! What the awsQuery services of instance fleets (Elastic Load Balancing, Auto Scaling) have in common.

use jiff::Timestamp;

use crate::call::{ApiError, Call, Requirement};
use crate::service::page;
use crate::world::ids::InstanceId;
use crate::world::tags::Tags;
use crate::world::timeline::Place;
use crate::world::{Region, World};

/// The services' word for a request that makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

/// Refuses what the estate would otherwise ignore: every parameter whose first part is not in `known`.
///
/// # Errors
/// `ValidationError` with the parameter.
pub(super) fn only(call: &Call, known: &[&str]) -> Result<(), ApiError> {
    let head = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    match call.query().values.keys().map(|name| head(name)).find(|head| !known.contains(&head.as_str())) {
        None => Ok(()),
        Some(odd) => Err(invalid(format!("{odd}: the estate does not support this parameter"))),
    }
}

/// A parameter that must be there.
///
/// # Errors
/// `ValidationError` as the services word it.
pub(super) fn required<'c>(call: &'c Call, name: &str) -> Result<&'c str, ApiError> {
    call.query().get(name).filter(|value| !value.is_empty()).ok_or_else(|| must_not_be_null(name))
}

/// The words for a member that is missing.
pub(super) fn must_not_be_null(name: &str) -> ApiError {
    let mut member = name.to_owned();
    if let Some(first) = member.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// Instance ids as given, duplicates dropped.
///
/// # Errors
/// What `wrong` makes of one that is none.
pub(super) fn instance_ids(
    given: &[&str],
    wrong: impl Fn(&str) -> ApiError,
) -> Result<Vec<InstanceId>, ApiError> {
    let mut ids = Vec::new();
    for text in given {
        let id = InstanceId::parse(text).map_err(|_| wrong(text))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The region a call is for.
///
/// # Errors
/// `InvalidClientTokenId` where the account has not enabled it.
pub(super) fn region<'w>(world: &'w World, call: &Call) -> Result<&'w Region, ApiError> {
    let account = world.accounts.get(&call.account);
    account.and_then(|account| account.regions.get(&call.region)).ok_or_else(no_region)
}

/// The region a call is for, to be changed.
///
/// # Errors
/// As [`region`].
pub(super) fn place<'w>(world: &'w mut World, call: &Call) -> Result<Place<'w>, ApiError> {
    world.place(&call.account, &call.region).ok_or_else(no_region)
}

fn no_region() -> ApiError {
    ApiError::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

/// What an action needs on a resource with these tags, whose keys the service spells with `prefix`.
pub(super) fn on(
    action: &'static str,
    resource: String,
    prefix: &str,
    tags: Option<&Tags>,
) -> Vec<Requirement> {
    let mut context = Vec::new();
    for (key, value) in tags.into_iter().flat_map(Tags::iter) {
        context.push((format!("{prefix}:ResourceTag/{key}"), value.to_owned()));
        context.push((format!("aws:ResourceTag/{key}"), value.to_owned()));
    }
    vec![Requirement { action: action.into(), resource, context }]
}

/// A page: where it begins, and how many fit.
pub(super) struct Page {
    /// The first entry's number.
    pub(super) from: usize,
    /// Entries at most.
    pub(super) size: usize,
}

impl Page {
    /// Reads a page's parameters: the token's name, the size's name and its bounds.
    ///
    /// # Errors
    /// `ValidationError` for the size, `token_error` for a token that was not given to this request.
    pub(super) fn read(
        call: &Call,
        (token, size): (&str, &str),
        (usual, most): (usize, usize),
        token_error: &'static str,
    ) -> Result<Self, ApiError> {
        let size = match call.query().get(size) {
            None => usual,
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| invalid(format!("{size}: '{text}' must be a number from 1 to {most}")))?,
        };
        let from = match call.query().get(token) {
            None | Some("") => 0,
            Some(text) => page::cursor(call, text)
                .and_then(|at| usize::try_from(at).ok())
                .ok_or_else(|| ApiError::new(400, token_error, "The token provided is not valid."))?,
        };
        Ok(Self { from, size })
    }

    /// The token of the next page; none where this is the last.
    pub(super) fn next(&self, call: &Call, of: usize) -> Option<String> {
        let end = self.from + self.size;
        (end < of).then(|| page::token(call, end as u64))
    }
}

/// A moment as these services write it.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
