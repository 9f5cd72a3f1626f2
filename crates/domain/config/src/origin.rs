//! Where a value came from.

use std::fmt;

use serde::Serialize;

use crate::error::{FilePlace, Place};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// The default of the key table.
    Default,
    /// A configuration file.
    File {
        /// Where the key stands.
        place: FilePlace,
        /// The older spelling it was written in, where it was one.
        older: Option<String>,
    },
    /// The section of the chosen environment in a configuration file.
    Overlay {
        /// The environment.
        environment: String,
        /// Where the key stands.
        place: FilePlace,
        /// The older spelling it was written in, where it was one.
        older: Option<String>,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// The command line.
    Flag {
        /// The flag as typed, e.g. `--output-dir`.
        name: String,
    },
}

impl Origin {
    /// Where that is; `None` for defaults.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Default => None,
            Self::File { place, .. } | Self::Overlay { place, .. } => Some(Place::File(place.clone())),
            Self::Variable { name } => Some(Place::Variable { name: name.clone() }),
            Self::Flag { name } => Some(Place::Flag { name: name.clone() }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { place, older: None } => write!(f, "from {place}"),
            Self::File { place, older: Some(older) } => write!(f, "from {older} (older shape) at {place}"),
            Self::Overlay { environment, place, older: None } => {
                write!(f, "from environment {environment} at {place}")
            }
            Self::Overlay { environment, place, older: Some(older) } => {
                write!(f, "from {older} (older shape) in environment {environment} at {place}")
            }
            Self::Variable { name } => write!(f, "from variable {name}"),
            Self::Flag { name } => write!(f, "from flag {name}"),
        }
    }
}
