//! Configurations as parameters of Systems Manager's Parameter Store, and back.
//!
//! [`spread`] makes a parameter of every leaf of a nested value, below a [`Prefix`] of its own; [`gather`]
//! makes the value of the parameters again, the same in every type. Nothing is kept beside the parameters: names
//! and values say all.
//!
//! - *Names.* Each key is a level. Letters, digits, `_` and `-` stand for themselves; every other byte of UTF-8 is
//!   `.` and two hexadecimal digits, an empty key is `.z`, an item of a long list `.n` and its place.
//! - *Values.* A text is itself. What is no text, and a text that could be taken for something else, is written
//!   as JSON. A list of plain texts is a `StringList`, another list is JSON; one that is too long for a parameter is
//!   spread like an object.
//! - *Secrets.* What a key names as a secret (`password`, `api_token`, …: [`fleetwright_model::redaction`]), with
//!   everything below it, becomes a `SecureString`.
//!
//! Bounds are those of Parameter Store (AWS Systems Manager API reference, `PutParameter`; General Reference,
//! Systems Manager quotas): 15 levels, 1,011 characters of a name with its ARN, 4 KiB of a value, 8 KiB with an
//! advanced parameter, no `{{` in values.

mod gathering;
mod name;
mod spreading;
mod text;

use std::fmt;

pub use gathering::{Stored, gather};
pub use name::Prefix;
pub use spreading::spread;

/// Bytes of a value at most, of a standard parameter.
pub const MOST_BYTES: usize = 4 * 1_024;
/// Bytes of a value at most, of an advanced parameter.
pub const MOST_BYTES_ADVANCED: usize = 8 * 1_024;
/// Levels of a name at most.
pub const MOST_LEVELS: usize = 15;
/// Characters of a name at most: 1,011 with the ARN in front of it, for which room is left.
pub const MOST_NAME: usize = 1_011 - 80;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One value.
    String,
    /// Texts between commas.
    StringList,
    /// One value, encrypted with a key of KMS.
    SecureString,
}

impl Kind {
    /// The type as the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// A parameter to be put.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its whole name, for example `/fleetwright/prod/safety/waves`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its value. May be a secret.
    pub value: String,
}

impl Parameter {
    /// Whether it is too long for a standard parameter. An advanced one costs money each month.
    pub fn is_advanced(&self) -> bool {
        self.value.len() > MOST_BYTES
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parameter = f.debug_struct("Parameter");
        parameter.field("name", &self.name).field("kind", &self.kind);
        match self.kind {
            Kind::SecureString => parameter.finish_non_exhaustive(),
            Kind::String | Kind::StringList => parameter.field("value", &self.value).finish(),
        }
    }
}

/// Why a value cannot be spread, or parameters make no value. Values are never in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The prefix is no name of a parameter.
    #[error("`{prefix}` is no prefix: {why}")]
    Prefix {
        /// As it was given.
        prefix: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A value has no room in a parameter.
    #[error("`{name}` has {bytes} bytes, and a parameter takes {MOST_BYTES_ADVANCED}")]
    TooLong {
        /// The parameter.
        name: String,
        /// Bytes of the value.
        bytes: usize,
    },
    /// Keys together are longer than a name may be.
    #[error("`{name}` has {characters} characters, and a name takes {MOST_NAME}")]
    NameTooLong {
        /// The parameter.
        name: String,
        /// Its characters.
        characters: usize,
    },
    /// A parameter below the prefix that [`spread`] does not make.
    #[error("`{name}` is no part of a configuration: {why}")]
    Strange {
        /// The parameter.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}
