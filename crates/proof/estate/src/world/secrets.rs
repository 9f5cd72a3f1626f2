//! Secrets Manager of one region: secrets, their versions, and what is to be deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

/// The label of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the one before it.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// Versions of a secret, at most; those without a label make room (user guide, "AWS Secrets Manager quotas").
const MAX_VERSIONS: usize = 100;

/// Secrets of a region.
#[derive(Debug, Default)]
pub struct Secrets {
    /// By name.
    pub by_name: BTreeMap<String, Secret>,
    /// Secrets made so far, which the ends of their ARNs derive from.
    pub made: u64,
}

/// A secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The six characters that end its ARN.
    pub suffix: String,
    /// What people wrote about it.
    pub description: Option<String>,
    /// The key it is encrypted with, where it is not the service's own.
    pub key: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its versions, the newest last.
    pub versions: Vec<Version>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// When its value was last read.
    pub accessed: Option<Timestamp>,
    /// When it is deleted; none where it stays.
    pub deletion: Option<Timestamp>,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its id, which the client may choose.
    pub id: String,
    /// Its value.
    pub content: Content,
    /// Its labels.
    pub stages: BTreeSet<String>,
    /// When it was put.
    pub created: Timestamp,
}

/// A value, which shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// A text.
    Text(String),
    /// Bytes, in base64.
    Binary(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Secrets {
    /// Deletes the secrets whose time is over.
    pub fn forget(&mut self, now: Timestamp) {
        self.by_name.retain(|_, secret| secret.deletion.is_none_or(|at| at > now));
    }
}

impl Secret {
    /// The version with a label.
    #[must_use]
    pub fn labelled(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    /// The version with an id.
    #[must_use]
    pub fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// Adds a version and takes its labels from the others. The first one is in use in any case; the one that
    /// was in use before keeps the label of the previous one.
    pub fn put(&mut self, id: String, content: Content, mut stages: BTreeSet<String>, now: Timestamp) {
        if self.versions.is_empty() {
            stages.insert(CURRENT.to_owned());
        }
        let replaces = stages.contains(CURRENT) && !stages.contains(PREVIOUS);
        let before = self.labelled(CURRENT).map(|version| version.id.clone()).filter(|_| replaces);
        for version in &mut self.versions {
            version.stages.retain(|stage| !stages.contains(stage));
            if before.is_some() {
                version.stages.remove(PREVIOUS);
            }
            if before.as_deref() == Some(version.id.as_str()) {
                version.stages.insert(PREVIOUS.to_owned());
            }
        }
        self.versions.push(Version { id, content, stages, created: now });
        self.changed = now;
        while self.versions.len() > MAX_VERSIONS {
            match self.versions.iter().position(|version| version.stages.is_empty()) {
                Some(oldest) => drop(self.versions.remove(oldest)),
                None => return,
            }
        }
    }
}
