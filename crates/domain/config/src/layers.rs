//! Layers: what each source says, before anything is decided.

mod file;
mod outside;

use std::collections::BTreeMap;
use std::fmt;

pub(crate) use file::read_file;
pub(crate) use outside::{read_flags, read_variables, unknown_key};

use crate::keys::Key;
use crate::origin::Origin;
use crate::value::Value;
use crate::yaml::SourceText;

/// Everything settings are resolved from, weakest first: defaults (built in), files, the chosen
/// environment's section of those files, variables, flags.
/// `Debug` shows no value: the process's environment is full of secrets.
#[derive(Clone, Default)]
pub struct Layers {
    /// Configuration files; a later one wins over an earlier one.
    pub files: Vec<SourceText>,
    /// A snapshot of the process's environment; variables without the prefix `FLEETWRIGHT_` are
    /// passed over.
    pub variables: Vec<(String, String)>,
    /// What the command line sets; a later one wins over an earlier one.
    pub flags: Vec<Flag>,
}

/// A key set on the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Flag {
    /// The flag as typed, e.g. `--output-dir`; errors and origins show it.
    pub name: String,
    /// The key it sets.
    pub key: String,
    /// The value, written as in a variable.
    pub text: String,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Layers")
            .field("files", &self.files)
            .field("variables", &names)
            .field("flags", &self.flags)
            .finish()
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("name", &self.name).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Flag {
    /// A flag that sets a key.
    pub fn new(name: impl Into<String>, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), key: key.into(), text: text.into() }
    }
}

/// One key set by one source.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) key: &'static Key,
    /// The key's path, with names in the place of `*`.
    pub(crate) path: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What a file says: for every environment, and for each one alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileLayer {
    pub(crate) base: Vec<Given>,
    pub(crate) overlays: BTreeMap<String, Vec<Given>>,
}
