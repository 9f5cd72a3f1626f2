//! Parameters of Systems Manager's Parameter Store, with their earlier versions.

use jiff::Timestamp;

use super::tags::Tags;

/// Standard parameters of an account in a region, at most (General Reference, Systems Manager quotas).
pub const MAX_STANDARD: usize = 10_000;
/// Levels of a name, at most.
pub const MAX_LEVELS: usize = 15;
/// Versions that are kept of a parameter.
pub const MAX_VERSIONS: usize = 100;
/// Bytes of the value of a standard parameter, at most.
pub const MAX_STANDARD_BYTES: usize = 4_096;
/// Bytes of the value of an advanced parameter, at most.
pub const MAX_ADVANCED_BYTES: usize = 8_192;

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    String,
    /// Values between commas.
    StringList,
    /// One value, encrypted.
    SecureString,
}

impl Kind {
    /// The type with that name on the wire.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::String, Self::StringList, Self::SecureString].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// What it holds: never changes.
    pub kind: Kind,
    /// Its versions, the newest last; never empty.
    pub versions: Vec<Version>,
    /// Its tags.
    pub tags: Tags,
}

/// A version of a parameter.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1.
    pub number: u64,
    /// The value as it was put.
    pub value: String,
    /// Whether it has the room, and the price, of an advanced parameter.
    pub advanced: bool,
    /// The key it is encrypted with, of a [`Kind::SecureString`].
    pub key: Option<String>,
    /// What people wrote about it.
    pub description: Option<String>,
    /// When it was put.
    pub at: Timestamp,
    /// The principal who put it.
    pub by: String,
}

impl Parameter {
    /// The newest version.
    ///
    /// # Panics
    /// Never: there is one from the beginning.
    #[must_use]
    pub fn newest(&self) -> &Version {
        self.versions.last().expect("there is one from the beginning")
    }
}
