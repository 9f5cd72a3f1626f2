//! Settings that are each valid but cannot both hold.

use std::collections::BTreeMap;

use fleetwright_model::{Code, code};
use fleetwright_window::WindowTag;

use super::{notifications, windows};
use crate::error::{ConfigError, Place};
use crate::resolve::ResolvedValue;
use crate::value::Value;

type Values = BTreeMap<String, ResolvedValue>;

/// Finds contradictions in the values that won.
pub(crate) fn find(values: &Values, errors: &mut Vec<ConfigError>) {
    half_rates(values, errors);
    mixed_regions(values, errors);
    special_endpoints(values, errors);
    unfit_windows(values, errors);
    unknown_default_window(values, errors);
    hooks_and_lists(values, errors);
    unfit_channels(values, errors);
    unknown_channels(values, errors);
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

/// Windows and freezes that are not whole, or whose parts do not fit each other.
fn unfit_windows(values: &Values, errors: &mut Vec<ConfigError>) {
    let plain = || values.iter().map(|(path, resolved)| (path, &resolved.value));
    let windows = windows::by_name(plain(), "windows").into_iter();
    let windows =
        windows.map(|(name, values)| (format!("windows.{name}"), windows::schedules(&values).err()));
    let freezes = windows::by_name(plain(), "freezes").into_iter();
    let freezes =
        freezes.map(|(name, values)| (format!("freezes.{name}"), windows::freeze(&name, &values).err()));
    for (path, unfit) in windows.chain(freezes) {
        let Some(unfit) = unfit else { continue };
        let full = unfit.key.map_or_else(|| path.clone(), |key| format!("{path}.{key}"));
        // Without a key to blame, the first that was given tells where it is.
        let place = values.range(full.clone()..).next().filter(|(given, _)| given.starts_with(&path));
        if let Some((_, resolved)) = place {
            errors.extend(error(unfit.code, &full, resolved, format!("`{full}` {}", unfit.message)));
        }
    }
}

/// Channels and routes that are not whole, and a system of change records that is not.
fn unfit_channels(values: &Values, errors: &mut Vec<ConfigError>) {
    let by_name =
        |section: &str| windows::by_name(values.iter().map(|(path, it)| (path, &it.value)), section);
    let mut unfit = Vec::new();
    for (name, it) in by_name("notifications.channels") {
        unfit.extend(
            notifications::channel(&it).err().map(|why| (format!("notifications.channels.{name}"), why)),
        );
    }
    for (name, it) in by_name("notifications.routes") {
        unfit
            .extend(notifications::route(&it).err().map(|why| (format!("notifications.routes.{name}"), why)));
    }
    let below = |path: &String| path.strip_prefix("itsm.").map(str::to_owned);
    let itsm = values.iter().filter_map(|(path, it)| Some((below(path)?, it.value.clone()))).collect();
    unfit.extend(notifications::itsm(&itsm).err().map(|why| ("itsm".to_owned(), why)));
    for (path, why) in unfit {
        let full = why.key.map_or_else(|| path.clone(), |key| format!("{path}.{key}"));
        let below = format!("{path}.");
        let given = |path: &str| path == full || path.starts_with(&below);
        // Without a key to blame, the first that was given tells where it is.
        let blamed = values.get(&full).filter(|it| it.origin.place().is_some());
        let first = || {
            let mut all = values.iter().filter(|(path, _)| given(path)).map(|(_, it)| it);
            all.find(|it| it.origin.place().is_some())
        };
        if let Some(resolved) = blamed.or_else(first) {
            errors.extend(error(why.code, &full, resolved, format!("`{full}` {}", why.message)));
        }
    }
}

/// A route leads to channels that are described.
fn unknown_channels(values: &Values, errors: &mut Vec<ConfigError>) {
    let known = windows::by_name(values.iter().map(|(path, it)| (path, &it.value)), "notifications.channels");
    for (path, resolved) in
        values.range("notifications.routes.".to_owned().."notifications.routes/".to_owned())
    {
        let Value::Texts(channels) = &resolved.value else { continue };
        let unknown =
            channels.iter().filter(|_| path.ends_with(".channels")).find(|name| !known.contains_key(*name));
        if let Some(name) = unknown {
            let nearest = fleetwright_model::nearest(name, known.keys().map(String::as_str));
            let suggestion = nearest.map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?"));
            let message =
                format!("`{path}`: there is no channel `{}`{suggestion}", crate::error::shorten(name));
            errors.extend(error(&code::UNKNOWN_CHANNEL, path, resolved, message));
        }
    }
}

/// The default window must be one that is described.
fn unknown_default_window(values: &Values, errors: &mut Vec<ConfigError>) {
    const PATH: &str = "safety.window";
    let Some(resolved) = values.get(PATH) else { return };
    let Value::Text(text) = &resolved.value else { return };
    let Ok(WindowTag::Named(name)) = WindowTag::parse(text) else { return };
    let known = windows::by_name(values.iter().map(|(path, resolved)| (path, &resolved.value)), "windows");
    if !known.contains_key(&name) {
        let nearest = fleetwright_model::nearest(&name, known.keys().map(String::as_str));
        let suggestion = nearest.map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?"));
        let message = format!("`{PATH}`: there is no window `{name}`{suggestion}");
        errors.extend(error(&code::UNKNOWN_WINDOW, PATH, resolved, message));
    }
}

/// AWS's document with hooks takes no list of patches, so later waves could not install the first one's.
/// Source: Systems Manager user guide, "SSM Command document for patching:
/// AWS-RunPatchBaselineWithHooks", "No custom patch list support".
fn hooks_and_lists(values: &Values, errors: &mut Vec<ConfigError>) {
    const LIST: &str = "safety.gate.patch_list_bucket";
    const DOCUMENT: &str = "phases.patch.document";
    let given = |path: &str| values.get(path).filter(|resolved| resolved.value != Value::Unset);
    let Some(list) = given(LIST) else { return };
    let with_hooks = |resolved: &&ResolvedValue| match &resolved.value {
        Value::Text(text) => text == "AWS-RunPatchBaselineWithHooks",
        _ => false,
    };
    let document = given(DOCUMENT);
    let hooks = ["pre_install_hook", "post_install_hook", "on_exit_hook"];
    let hook = hooks.iter().map(|hook| format!("phases.patch.{hook}")).find(|path| given(path).is_some());
    let other = match document {
        Some(document) => Some(document).filter(with_hooks).map(|_| DOCUMENT.to_owned()),
        None => hook,
    };
    if let Some(other) = other {
        let message = format!(
            "`{LIST}` cannot hold together with `{other}`: AWS-RunPatchBaselineWithHooks takes no list of patches"
        );
        errors.extend(error(&code::CONFLICTING_KEYS, LIST, list, message));
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
