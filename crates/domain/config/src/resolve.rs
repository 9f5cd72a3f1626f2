//! From layers to settings: the last word wins, and every value remembers who had it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::error::{ConfigError, ConfigErrors};
use crate::keys::{self, Key};
use crate::layers::{FileLayer, Given, Layers, read_file, read_flags, read_variables};
use crate::origin::Origin;
use crate::settings::{self, Settings};
use crate::value::{self, Value};

/// The outcome: typed settings, and where each of them came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The typed settings.
    pub settings: Settings,
    /// Every key with its value and origin, by path.
    pub values: BTreeMap<String, ResolvedValue>,
}

/// The value of one key, and the history of how it came to be that.
#[derive(Clone, Debug)]
pub struct ResolvedValue {
    /// The row of the table.
    pub key: &'static Key,
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
    /// What it won over, the strongest first.
    pub overridden: Vec<Overridden>,
}

/// A value that a stronger source replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overridden {
    /// The value as it would be written in the file; secrets are left out.
    pub value: String,
    /// The value itself.
    #[serde(skip)]
    pub given: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Resolved {
    /// Where the value of a key came from; `None` where there is no such key.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.values.get(path).map(|resolved| &resolved.origin)
    }
}

/// Resolves the settings from all layers.
///
/// # Errors
/// Every fault of every file, variable and flag, and contradictions between settings.
pub fn resolve(layers: &Layers) -> Result<Resolved, ConfigErrors> {
    let mut errors: Vec<ConfigError> = Vec::new();
    let files: Vec<FileLayer> = layers.files.iter().map(|file| read_file(file, &mut errors)).collect();
    let variables = read_variables(&layers.variables, &mut errors);
    let flags = read_flags(&layers.flags, &mut errors);

    let environments: BTreeSet<String> =
        files.iter().flat_map(|file| file.overlays.keys().cloned()).collect();
    let bases = files.iter().flat_map(|file| &file.base);
    let chosen = chosen_environment(bases.clone().chain(&variables).chain(&flags));
    let overlays = files.iter().filter_map(|file| file.overlays.get(chosen.as_deref()?)).flatten();

    let mut values = defaults();
    for given in bases.chain(overlays).chain(&variables).chain(&flags) {
        set(&mut values, given);
    }
    settings::find_contradictions(&values, &mut errors);
    ConfigErrors::check(errors, ())?;
    let settings = settings::build(&values, environments);
    Ok(Resolved { settings, values })
}

fn chosen_environment<'g>(given: impl Iterator<Item = &'g Given>) -> Option<String> {
    given.filter(|given| given.path == "environment").last().and_then(|given| match &given.value {
        Value::Text(name) => Some(name.clone()),
        _ => None,
    })
}

/// The table's defaults; keys with a name in their path have none.
fn defaults() -> BTreeMap<String, ResolvedValue> {
    keys::all()
        .filter(|key| !key.path.contains('*'))
        .map(|key| {
            let value = match key.default {
                Some(text) => value::read_flow(key, text).expect("a test reads every default of the table"),
                None => Value::Unset,
            };
            (
                key.path.to_owned(),
                ResolvedValue { key, value, origin: Origin::Default, overridden: Vec::new() },
            )
        })
        .collect()
}

fn set(values: &mut BTreeMap<String, ResolvedValue>, given: &Given) {
    match values.get_mut(&given.path) {
        Some(resolved) => {
            let value = std::mem::replace(&mut resolved.value, given.value.clone());
            let origin = std::mem::replace(&mut resolved.origin, given.origin.clone());
            resolved.overridden.insert(0, Overridden { value: value.show(), given: value, origin });
        }
        None => {
            let (key, value, origin) = (given.key, given.value.clone(), given.origin.clone());
            values.insert(given.path.clone(), ResolvedValue { key, value, origin, overridden: Vec::new() });
        }
    }
}
