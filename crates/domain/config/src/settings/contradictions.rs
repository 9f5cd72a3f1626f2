//! Settings that are each valid but cannot both hold.

use std::collections::BTreeMap;

use fleetwright_model::{Code, code};

use crate::error::{ConfigError, Place};
use crate::resolve::ResolvedValue;
use crate::value::Value;

type Values = BTreeMap<String, ResolvedValue>;

/// Finds contradictions in the values that won.
pub(crate) fn find(values: &Values, errors: &mut Vec<ConfigError>) {
    half_rates(values, errors);
    mixed_regions(values, errors);
    special_endpoints(values, errors);
}

/// A rate needs its size and its refill.
fn half_rates(values: &Values, errors: &mut Vec<ConfigError>) {
    for (path, resolved) in values.range("aws.rates.".to_owned().."aws.rates/".to_owned()) {
        let (rate, given) = path.rsplit_once('.').expect("paths below aws.rates have dots");
        let missing = if given == "burst" { "per_second" } else { "burst" };
        if !values.contains_key(&format!("{rate}.{missing}")) {
            let message = format!("`{rate}` has `{given}` but no `{missing}`");
            errors.extend(error(&code::MISSING_KEY, path, resolved, message));
        }
    }
}

/// `all` names every region already.
fn mixed_regions(values: &Values, errors: &mut Vec<ConfigError>) {
    const PATH: &str = "landing_zones.regions";
    if let Some(resolved) = values.get(PATH)
        && let Value::Texts(regions) = &resolved.value
        && regions.len() > 1
        && regions.iter().any(|region| region == "all")
    {
        let message = format!("`{PATH}` names `all` next to single regions");
        errors.extend(error(&code::CONFLICTING_KEYS, PATH, resolved, message));
    }
}

/// One address for everything leaves nothing to choose an endpoint by.
fn special_endpoints(values: &Values, errors: &mut Vec<ConfigError>) {
    let Some(endpoint) = values.get("aws.endpoint_url").filter(|resolved| resolved.value != Value::Unset)
    else {
        return;
    };
    for path in ["aws.use_fips", "aws.use_dualstack"] {
        if let Some(resolved) = values.get(path).filter(|resolved| resolved.value == Value::Bool(true)) {
            let message =
                format!("`{path}` cannot hold together with `aws.endpoint_url` ({})", endpoint.origin);
            errors.extend(error(&code::CONFLICTING_KEYS, path, resolved, message));
        }
    }
}

/// An error at the place the value came from; defaults never contradict each other.
fn error(code: &'static Code, path: &str, resolved: &ResolvedValue, message: String) -> Option<ConfigError> {
    let place: Place = resolved.origin.place()?;
    Some(ConfigError::new(code, place, message).key(path))
}
