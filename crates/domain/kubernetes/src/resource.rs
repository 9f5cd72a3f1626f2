//! What an API server serves, and how much of it is read.

use crate::api::GroupVersionKind;

/// A resource that a server serves in one version of its group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// Group, version and kind.
    pub api: GroupVersionKind,
    /// The plural, as paths name it: `deployments`.
    pub plural: String,
    /// Its objects are in namespaces.
    pub namespaced: bool,
    /// What can be done with it: `get`, `list` …
    pub verbs: Vec<String>,
}

impl Resource {
    /// Whether its objects can be listed.
    pub fn is_listed(&self) -> bool {
        self.verbs.iter().any(|verb| verb == "list")
    }
}

/// How much of an object is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// All of it.
    Whole,
    /// `metadata` only: `PartialObjectMetadata`.
    Metadata,
}
