//! The key table: one row per setting. The default file, the JSON Schema, the reference, the
//! explanations, the environment variables, the suggestions and the resolver all read it.

mod audit;
mod aws;
mod eligibility;
mod find;
mod itsm;
mod kind;
mod notifications;
mod ordering;
mod output;
mod phases;
mod safety;
mod scan;
mod sections;
mod selection;
mod tags;
mod telemetry;
mod upgrade;
mod waves;
mod windows;

use fleetwright_model::Phase;

pub use find::{Found, find};
pub(crate) use find::{is_section, suggest_child};
pub use kind::{Kind, TextForm};
pub use notifications::NOTICES;
pub(crate) use sections::names_in;
pub use sections::{Names, Section, sections};

/// Prefix of the environment variables that set keys.
pub const VARIABLE_PREFIX: &str = "FLEETWRIGHT_";

/// Variables with the prefix that are no keys and are let pass: `FLEETWRIGHT_BIN` names the binary
/// for those who start it. One that the command line begins to read belongs here; one that nobody
/// reads does not, because it would be ignored silently.
pub const RESERVED_VARIABLES: &[&str] = &["FLEETWRIGHT_BIN", "FLEETWRIGHT_STATE_DIR"];

/// One row of the table.
#[derive(Debug)]
pub struct Key {
    /// Dotted path. A `*` stands for a name the user chooses.
    pub path: &'static str,
    /// What values it takes, with bounds and unit.
    pub kind: Kind,
    /// The default as it would be written in the file; `None` where nothing is set.
    pub default: Option<&'static str>,
    /// What it is for, one paragraph of Markdown.
    pub doc: &'static str,
    /// A value as it would be written in the file.
    pub example: &'static str,
    /// The phases it takes effect in; empty for all of fleetwright.
    pub phases: &'static [Phase],
    /// Spellings of older tools that mean this key.
    pub older: &'static [Older],
    /// Whether the value may be shown.
    pub secrecy: Secrecy,
}

/// Whether a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// It may.
    Open,
    /// It is never shown: not in errors, explanations or reports.
    Secret,
}

/// An older spelling of a key.
#[derive(Debug)]
pub struct Older {
    /// The older dotted path.
    pub path: &'static str,
    /// How the older value is turned into the key's.
    pub reading: Reading,
}

/// How an older value is turned into a current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The same value. Plain numbers for durations are seconds.
    Same,
    /// Plain numbers for durations are minutes.
    Minutes,
    /// A boolean that says the opposite.
    Inverted,
    /// A count of repetitions after the first attempt: one less than the attempts.
    Retries,
    /// A Python logging level in any case; `WARNING` is `warn`, `CRITICAL` is `error`.
    PythonLevel,
}

impl Key {
    const fn new(path: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Self {
        Self { path, kind, default: None, doc, example, phases: &[], older: &[], secrecy: Secrecy::Open }
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn phases(mut self, phases: &'static [Phase]) -> Self {
        self.phases = phases;
        self
    }

    const fn older(mut self, older: &'static [Older]) -> Self {
        self.older = older;
        self
    }

    const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    /// The environment variable that sets the key; `None` for keys with a name in their path.
    pub fn variable(&self) -> Option<String> {
        (!self.path.contains('*'))
            .then(|| format!("{VARIABLE_PREFIX}{}", self.path.to_ascii_uppercase().replace('.', "_")))
    }

    /// Where the key takes effect, as a sentence.
    pub fn effect(&self) -> String {
        let phases: Vec<&str> = self.phases.iter().map(|phase| phase.as_str()).collect();
        match phases.as_slice() {
            [] => "Takes effect in every command.".to_owned(),
            [phase] => format!("Takes effect in phase {phase}."),
            phases => format!("Takes effect in phases {}.", phases.join(", ")),
        }
    }
}

const fn older(path: &'static str, reading: Reading) -> Older {
    Older { path, reading }
}

/// Every key, in the order of the default file.
pub fn all() -> impl Iterator<Item = &'static Key> {
    [
        aws::KEYS,
        selection::KEYS,
        scan::KEYS,
        tags::KEYS,
        eligibility::KEYS,
        output::KEYS,
        telemetry::KEYS,
        audit::KEYS,
        phases::KEYS,
        safety::KEYS,
        waves::KEYS,
        ordering::KEYS,
        windows::KEYS,
        upgrade::KEYS,
        notifications::KEYS,
        itsm::KEYS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::value;

    #[test]
    fn paths_older_spellings_and_variables_are_unique() {
        let (mut paths, mut variables) = (BTreeSet::new(), BTreeSet::new());
        for key in all() {
            assert!(paths.insert(key.path), "{} twice", key.path);
            for older in key.older {
                assert!(paths.insert(older.path), "{} twice", older.path);
            }
            if let Some(variable) = key.variable() {
                assert!(variables.insert(variable.clone()), "{variable} twice");
                assert!(!RESERVED_VARIABLES.contains(&variable.as_str()), "{variable} is reserved");
            }
        }
    }

    #[test]
    fn every_default_and_example_is_a_value_of_its_kind() {
        for key in all() {
            for text in key.default.into_iter().chain([key.example]) {
                value::read_flow(key, text)
                    .unwrap_or_else(|fault| panic!("{}: {text}: {}", key.path, fault.message));
            }
        }
    }

    #[test]
    fn every_key_belongs_to_a_section_or_stands_alone_and_is_documented() {
        for key in all() {
            assert!(key.doc.ends_with('.') && key.doc.len() > 20, "{}", key.path);
            if let Some((section, _)) = key.path.rsplit_once('.') {
                assert!(sections().any(|s| s.path == section), "{section} is not described");
            }
        }
    }

    #[test]
    fn a_key_says_in_which_phases_it_takes_effect() {
        let key = all().find(|key| key.path == "phases.backup.retention_days").expect("exists");
        assert_eq!(key.effect(), "Takes effect in phase backup.");
    }
}
