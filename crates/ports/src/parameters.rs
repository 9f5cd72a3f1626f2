//! Parameters of Systems Manager's Parameter Store.

use std::fmt;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial};
use jiff::Timestamp;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterKind {
    /// One value.
    String,
    /// Texts between commas.
    StringList,
    /// One value, encrypted with a key of KMS.
    SecureString,
}

/// A parameter that is to be put.
#[derive(Clone, PartialEq, Eq)]
pub struct NewParameter {
    /// Its whole name.
    pub name: String,
    /// What it is; of one that is there it cannot change.
    pub kind: ParameterKind,
    /// Its value: up to 4 KiB, up to 8 KiB as an advanced parameter. May be a secret.
    pub value: String,
    /// The key of KMS of a [`ParameterKind::SecureString`]; the account's own without one.
    pub key: Option<String>,
}

/// A parameter as it was read, decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldParameter {
    /// Its whole name.
    pub name: String,
    /// What it is.
    pub kind: ParameterKind,
    /// Its value. May be a secret.
    pub value: String,
    /// From 1.
    pub version: u64,
    /// When that version was put.
    pub at: Option<Timestamp>,
}

/// What was found of some names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    /// Those that are there.
    pub found: Vec<T>,
    /// Names of those that are not.
    pub missing: Vec<String>,
}

/// The parameters of one cell.
#[async_trait]
pub trait Parameters: Send + Sync {
    /// Every parameter below a path, in all its levels, by name.
    async fn below(&self, cell: &Cell<'_>, path: &str) -> Partial<HeldParameter>;

    /// Parameters by their names, as many as are asked for.
    ///
    /// # Errors
    /// The failure of the first call that failed.
    async fn named(&self, cell: &Cell<'_>, names: &[String]) -> Result<Named<HeldParameter>, Failure>;

    /// The versions of a parameter that are kept, the oldest first.
    async fn versions(&self, cell: &Cell<'_>, name: &str) -> Partial<HeldParameter>;

    /// Puts a parameter, new or over one that is there. Gives its version. Doing it twice leaves the same value,
    /// under another version.
    ///
    /// # Errors
    /// The service refuses it ([`fleetwright_model::ErrorClass::Permanent`]), or the reply is lost
    /// ([`fleetwright_model::ErrorClass::Ambiguous`]).
    async fn put(&self, cell: &Cell<'_>, parameter: &NewParameter) -> Result<u64, Failure>;

    /// Gives a parameter tags; tags of the same keys are replaced, others stay.
    ///
    /// # Errors
    /// As [`Parameters::put`]; there is no such parameter.
    async fn tag(&self, cell: &Cell<'_>, name: &str, tags: &[(String, String)]) -> Result<(), Failure>;

    /// The tags of a parameter, by key.
    ///
    /// # Errors
    /// The failure of the call; there is no such parameter.
    async fn tags(&self, cell: &Cell<'_>, name: &str) -> Result<Vec<(String, String)>, Failure>;

    /// Deletes parameters, as many as are named; one that is not there is no error, so that doing it twice is
    /// doing it once. Gives the names of those that were there.
    ///
    /// # Errors
    /// The failure of the first call that failed; what was deleted before it is gone.
    async fn delete(&self, cell: &Cell<'_>, names: &[String]) -> Result<Named<String>, Failure>;
}

/// Shows everything but what may be a secret.
fn shown(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    name: &str,
    kind: ParameterKind,
    value: &str,
) -> fmt::Result {
    let mut shown = f.debug_struct(what);
    shown.field("name", &name).field("kind", &kind);
    match kind {
        ParameterKind::SecureString => shown.finish_non_exhaustive(),
        ParameterKind::String | ParameterKind::StringList => {
            shown.field("value", &value).finish_non_exhaustive()
        }
    }
}

impl fmt::Debug for NewParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(f, "NewParameter", &self.name, self.kind, &self.value)
    }
}

impl fmt::Debug for HeldParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(f, "HeldParameter", &self.name, self.kind, &self.value)
    }
}
