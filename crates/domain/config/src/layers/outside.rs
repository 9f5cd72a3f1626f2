//! Reading what variables and flags set.

use fleetwright_model::code;

use super::{Flag, Given};
use crate::error::{ConfigError, Place};
use crate::keys::{self, Found, Key, RESERVED_VARIABLES, Reading, Secrecy, VARIABLE_PREFIX};
use crate::origin::Origin;
use crate::value;

/// Reads the variables that begin with the prefix; those that are no keys are errors, because a
/// misspelt variable would otherwise be no setting.
pub(crate) fn read_variables(variables: &[(String, String)], errors: &mut Vec<ConfigError>) -> Vec<Given> {
    let mut known: Vec<(String, &'static Key)> =
        keys::all().filter_map(|key| key.variable().map(|name| (name, key))).collect();
    known.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut ours: Vec<&(String, String)> = variables
        .iter()
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX) && !RESERVED_VARIABLES.contains(&name.as_str()))
        .collect();
    ours.sort_unstable();
    let mut given = Vec::new();
    for (name, text) in ours {
        let place = Place::Variable { name: name.clone() };
        let Ok(index) = known.binary_search_by(|(known, _)| known.as_str().cmp(name)) else {
            errors.push(unknown_variable(place, name, &known));
            continue;
        };
        let key = known[index].1;
        let origin = Origin::Variable { name: name.clone() };
        given.extend(read_one(key, key.path, Reading::Same, text, place, origin, errors));
    }
    given
}

fn unknown_variable(place: Place, name: &str, known: &[(String, &'static Key)]) -> ConfigError {
    let candidates = known.iter().map(|(name, _)| name.as_str()).chain(RESERVED_VARIABLES.iter().copied());
    let nearest = fleetwright_model::nearest(name, candidates);
    let message = match nearest {
        Some(nearest) => format!("`{name}` sets no key; did you mean `{nearest}`?"),
        None => format!("`{name}` sets no key"),
    };
    ConfigError::new(&code::UNKNOWN_KEY, place, message)
        .hint("Unset it, or use the variable that `fleetwright config explain KEY` names.")
}

/// Reads what the command line sets.
pub(crate) fn read_flags(flags: &[Flag], errors: &mut Vec<ConfigError>) -> Vec<Given> {
    let mut given = Vec::new();
    for flag in flags {
        let place = Place::Flag { name: flag.name.clone() };
        let (key, path, reading) = match keys::find(&flag.key) {
            Some(Found::Current(key)) => (key, flag.key.as_str(), Reading::Same),
            Some(Found::Older(key, older)) => (key, key.path, older.reading),
            None => {
                errors.push(unknown_key(place, &flag.key));
                continue;
            }
        };
        let origin = Origin::Flag { name: flag.name.clone() };
        given.extend(read_one(key, path, reading, &flag.text, place, origin, errors));
    }
    given
}

/// An unknown path, with the key it is nearest to.
pub(crate) fn unknown_key(place: Place, path: &str) -> ConfigError {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let nearest = fleetwright_model::nearest(path, keys::all().map(|key| key.path))
        .map(str::to_owned)
        .or_else(|| keys::suggest_child(section, name));
    let shown = crate::error::shorten(path);
    let message = match nearest {
        Some(nearest) => format!("unknown key `{shown}`; did you mean `{nearest}`?"),
        None => format!("unknown key `{shown}`"),
    };
    ConfigError::new(&code::UNKNOWN_KEY, place, message).key(path)
}

fn read_one(
    key: &'static Key,
    path: &str,
    reading: Reading,
    text: &str,
    place: Place,
    origin: Origin,
    errors: &mut Vec<ConfigError>,
) -> Option<Given> {
    match value::read_outside(key, reading, text) {
        Ok(value) => Some(Given { key, path: path.to_owned(), value, origin }),
        Err(fault) => {
            let mut error =
                ConfigError::new(fault.code, place, format!("`{path}`: {}", fault.message)).key(path);
            error.hint = fault.hint;
            errors.push(if key.secrecy == Secrecy::Secret { error.secret() } else { error.value(text) });
            None
        }
    }
}
