//! Which API an object is of: group, version, kind.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A group and a version of it, as `apiVersion` says them: `apps/v1`, or `v1` in the core group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiVersion {
    /// The group; empty for the core group.
    pub group: String,
    /// The version, such as `v1beta1`.
    pub version: String,
}

/// A text that is no `apiVersion`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an apiVersion such as v1 or apps/v1")]
pub struct InvalidApiVersion(String);

/// A kind of object in one version of its group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// Group and version.
    #[serde(rename = "apiVersion")]
    pub api_version: ApiVersion,
    /// The kind, such as `Deployment`.
    pub kind: String,
}

/// How settled a version is, best last: alpha, beta, generally available, each with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// `v1alpha3`: off by default.
    Alpha(u32, u32),
    /// `v1beta2`.
    Beta(u32, u32),
    /// `v1`.
    Stable(u32),
}

impl ApiVersion {
    /// How settled the version is; `None` where it does not follow Kubernetes' pattern.
    pub fn stability(&self) -> Option<Stability> {
        let rest = self.version.strip_prefix('v')?;
        if let Some((major, level)) = rest.split_once("alpha") {
            return Some(Stability::Alpha(major.parse().ok()?, level.parse().ok()?));
        }
        if let Some((major, level)) = rest.split_once("beta") {
            return Some(Stability::Beta(major.parse().ok()?, level.parse().ok()?));
        }
        rest.parse().ok().map(Stability::Stable)
    }
}

impl FromStr for ApiVersion {
    type Err = InvalidApiVersion;

    fn from_str(text: &str) -> Result<Self, InvalidApiVersion> {
        let (group, version) = text.split_once('/').unwrap_or(("", text));
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let valid = text.len() <= 253
            && !version.is_empty()
            && version.chars().all(word)
            && group.chars().all(word)
            && (group.is_empty() != text.contains('/'));
        if valid {
            Ok(Self { group: group.to_owned(), version: version.to_owned() })
        } else {
            Err(InvalidApiVersion(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = InvalidApiVersion;

    fn try_from(text: String) -> Result<Self, InvalidApiVersion> {
        text.parse()
    }
}

impl From<ApiVersion> for String {
    fn from(version: ApiVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            return f.write_str(&self.version);
        }
        write!(f, "{}/{}", self.group, self.version)
    }
}

impl GroupVersionKind {
    /// A kind of an `apiVersion`.
    ///
    /// # Errors
    /// [`InvalidApiVersion`].
    pub fn new(api_version: &str, kind: impl Into<String>) -> Result<Self, InvalidApiVersion> {
        Ok(Self { api_version: api_version.parse()?, kind: kind.into() })
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_version_is_read_and_written_alike() {
        for text in ["v1", "apps/v1", "flowcontrol.apiserver.k8s.io/v1beta3", "karpenter.sh/v1"] {
            assert_eq!(text.parse::<ApiVersion>().map(|version| version.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "/v1", "apps/", "a/b/c", "Apps/v1", "apps/v1 "] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn stable_versions_come_after_betas_and_betas_after_alphas() {
        let of = |text: &str| text.parse::<ApiVersion>().ok().and_then(|version| version.stability());
        let order = ["v1alpha1", "v1alpha3", "v2alpha1", "v1beta1", "v1beta2", "v2beta1", "v1", "v2"];
        assert!(order.windows(2).all(|pair| of(pair[0]).is_some() && of(pair[0]) < of(pair[1])));
        assert_eq!(of("wardle"), None);
    }
}
