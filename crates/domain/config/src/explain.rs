//! What a key is, what it is set to, and why.

use std::fmt;

use serde::Serialize;

use crate::error::{ConfigErrors, Place};
use crate::keys::{self, Found, Key};
use crate::layers::unknown_key;
use crate::origin::Origin;
use crate::resolve::{Overridden, Resolved};

/// What there is to say about a key. `Display` is the text for people.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The key's path.
    pub key: String,
    /// The older spelling that was asked for, where it was one.
    pub asked_as: Option<String>,
    /// The value as it would be written in the file; secrets are left out.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
    /// The default.
    pub default: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
    /// What values it takes.
    pub kind: String,
    /// A value as it would be written in the file.
    pub example: &'static str,
    /// Where it takes effect.
    pub effect: String,
    /// The variable that sets it.
    pub variable: Option<String>,
    /// Older spellings.
    pub older: Vec<&'static str>,
    /// What the value won over, the strongest first.
    pub overridden: Vec<Overridden>,
}

/// Explains a key, by its current or an older spelling.
///
/// # Errors
/// `FW-C0003` with the nearest key when there is no such key.
pub fn explain(resolved: &Resolved, path: &str) -> Result<Explanation, ConfigErrors> {
    let (key, canonical, asked_as) = match keys::find(path) {
        Some(Found::Current(key)) => (key, path, None),
        Some(Found::Older(key, _)) => (key, key.path, Some(path.to_owned())),
        None => return Err(unknown_key(Place::Flag { name: "KEY".to_owned() }, path).into()),
    };
    let found = resolved.values.get(canonical);
    Ok(Explanation {
        key: canonical.to_owned(),
        asked_as,
        value: found.map_or("(not set)".to_owned(), |found| found.value.show()),
        origin: found.map_or(Origin::Default, |found| found.origin.clone()),
        default: key.default,
        doc: key.doc,
        kind: key.kind.describe(),
        example: key.example,
        effect: key.effect(),
        variable: key.variable(),
        older: older_spellings(key),
        overridden: found.map_or(Vec::new(), |found| found.overridden.clone()),
    })
}

fn older_spellings(key: &Key) -> Vec<&'static str> {
    key.older.iter().map(|older| older.path).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(asked) = &self.asked_as {
            writeln!(f, "{asked} is an older spelling of {}", self.key)?;
        }
        writeln!(f, "{} = {}", self.key, self.value)?;
        writeln!(f, "  {}", self.origin)?;
        for overridden in &self.overridden {
            writeln!(f, "  instead of {} ({})", overridden.value, overridden.origin)?;
        }
        writeln!(f, "\n{}\n{}\n", self.doc, self.effect)?;
        writeln!(f, "Takes     {}", self.kind)?;
        writeln!(f, "Default   {}", self.default.unwrap_or("(not set)"))?;
        writeln!(f, "Example   {}", self.example)?;
        if let Some(variable) = &self.variable {
            writeln!(f, "Variable  {variable}")?;
        }
        if !self.older.is_empty() {
            writeln!(f, "Formerly  {}", self.older.join(", "))?;
        }
        Ok(())
    }
}
