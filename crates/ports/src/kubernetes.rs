//! The API server of one cluster. One port only reads: what it serves, its objects, its metrics, what the caller may
//! do. The other one changes a few things: objects by patches, pods by evictions, and it makes objects that are named.
//!
//! Sources: Kubernetes documentation, "Kubernetes API Concepts" and "API-initiated Eviction".

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_kubernetes::{ApiVersion, Minor};
pub use fleetwright_kubernetes::{Depth, Resource};
use fleetwright_model::Failure;
use jiff::Timestamp;
use serde_json::Value;

/// A bearer token: never shown, revealed for its one use only.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// A token from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the header `Authorization`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(fleetwright_model::redaction::HIDDEN)
    }
}

/// Makes tokens for one cluster.
#[async_trait]
pub trait KubernetesTokens: Send + Sync {
    /// A fresh token, and until when it is good.
    ///
    /// # Errors
    /// There are no credentials to make one with.
    async fn token(&self) -> Result<(BearerToken, Timestamp), Failure>;
}

/// How a cluster is reached.
#[derive(Clone)]
pub struct Access {
    /// The cluster's name, for messages.
    pub cluster: String,
    /// The address of its API server, which may have a path: `https://….eks.amazonaws.com`.
    pub endpoint: String,
    /// The certificates that its server is trusted by: PEM, or PEM in base64 as `DescribeCluster` gives it. Nothing
    /// else is trusted.
    pub certificate_authority: String,
    /// Who the caller is.
    pub tokens: Arc<dyn KubernetesTokens>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, endpoint, .. } = self;
        f.debug_struct("Access").field("cluster", cluster).field("endpoint", endpoint).finish_non_exhaustive()
    }
}

/// Reaches clusters.
pub trait KubernetesApis: Send + Sync {
    /// The API server of a cluster. Nothing is sent yet.
    ///
    /// # Errors
    /// The address or the certificates cannot be used ([`fleetwright_model::ErrorClass::Permanent`]).
    fn connect(&self, access: &Access) -> Result<Arc<dyn Kubernetes>, Failure>;

    /// The same server, to be changed. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`KubernetesApis::connect`].
    fn connect_for_changes(&self, access: &Access) -> Result<Arc<dyn KubernetesChanges>, Failure>;
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// The minor version.
    pub minor: Minor,
    /// The version in full, such as `v1.33.5-eks-3cfe0ce`; untrusted text.
    pub git_version: String,
}

/// What a server serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovered {
    /// Resources without their subresources, ordered.
    pub resources: Vec<Resource>,
    /// Groups and versions that could not be looked at, such as those of an aggregated API that does not answer.
    pub gaps: Vec<(ApiVersion, Failure)>,
}

/// Takes out of an object what nobody will look at, as soon as it is read.
pub type Trim = fn(&mut Value);

/// Which objects of a resource are listed, and what of them.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// How much of each.
    pub depth: Depth,
    /// The namespace; empty for all.
    pub namespace: &'a str,
    /// A label selector, such as `owner=helm,status=deployed`; empty for all objects.
    pub labels: &'a str,
    /// Objects of a page, at least 1.
    pub page: u16,
    /// What is taken out of each.
    pub trim: Trim,
}

impl Listing<'_> {
    /// All objects, in pages of 500, nothing taken out.
    pub const fn of(depth: Depth) -> Self {
        Self { depth, namespace: "", labels: "", page: 500, trim: |_| {} }
    }
}

/// What somebody might do. Source: Kubernetes API reference, SelfSubjectAccessReview, `resourceAttributes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceAttributes {
    /// `get`, `list`, `create` …
    pub verb: &'static str,
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The plural.
    pub resource: &'static str,
    /// The subresource; empty for the object itself.
    pub subresource: &'static str,
    /// The namespace; empty for all of them, and for what lies in none.
    pub namespace: String,
}

impl fmt::Display for ResourceAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.namespace.is_empty() {
            write!(f, " in {}", self.namespace)?;
        }
        Ok(())
    }
}

/// What was sent to a server and read from it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, each attempt counted.
    pub requests: u64,
    /// Bytes of answers as they came over the wire, without headers.
    pub bytes: u64,
}

/// The API server of one cluster. Every method reads only.
///
/// Failures: refused by authentication or RBAC is [`fleetwright_model::ErrorClass::Denied`], a path that the server
/// does not serve [`fleetwright_model::ErrorClass::NotFound`]; everything else says that nobody could look.
#[async_trait]
pub trait Kubernetes: Send + Sync {
    /// What the server says of itself.
    ///
    /// # Errors
    /// The failure of the request, or an answer that names no version of Kubernetes.
    async fn version(&self) -> Result<ServerVersion, Failure>;

    /// Everything that it serves, in every version.
    ///
    /// # Errors
    /// The groups could not be listed. A group that cannot be looked at is a gap.
    async fn resources(&self) -> Result<Discovered, Failure>;

    /// The objects of a resource, page by page, all as they were when the first page was made. Where
    /// the server forgets that moment while pages are read, the listing begins once more. Each object says its
    /// `apiVersion` and `kind`, which items of a list need not.
    ///
    /// # Errors
    /// The failure of the request that failed: a part of a list is no list.
    async fn list(&self, resource: &Resource, listing: &Listing<'_>) -> Result<Vec<Value>, Failure>;

    /// One object by its path, such as `/api/v1/nodes/ip-10-0-0-1`; `None` where there is none, or where nobody serves the
    /// path.
    ///
    /// # Errors
    /// The failure of the request, or an answer that is no object.
    async fn object(&self, path: &str) -> Result<Option<Value>, Failure>;

    /// The lines of one metric of the server that answers, in Prometheus' text format. A cluster has several servers,
    /// and each counts for itself.
    ///
    /// # Errors
    /// The failure of the request.
    async fn metric(&self, name: &str) -> Result<Vec<String>, Failure>;

    /// Whether the caller may do that (SelfSubjectAccessReview, which changes nothing).
    ///
    /// # Errors
    /// The failure of the request.
    async fn may(&self, what: &ResourceAttributes) -> Result<bool, Failure>;

    /// What was sent and read so far.
    fn traffic(&self) -> Traffic;
}

/// What came of asking that a pod be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// It will go: it is told to stop, and has its grace period.
    Accepted,
    /// The pod is not there any more; another one may have its name.
    Gone,
    /// A disruption budget does not let it go now, or several are about it, which Kubernetes cannot evict by.
    Refused {
        /// In the server's words; untrusted text.
        reason: String,
    },
}

/// What came of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Patched {
    /// The object as it is now.
    Applied(Value),
    /// A `test` of the patch does not hold, and nothing was changed.
    TestFailed {
        /// Which one, and what is there; untrusted text.
        reason: String,
    },
}

/// What came of making an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// The object as it was made.
    Made(Value),
    /// An object of that name is there already: one that was made before, or somebody else's.
    There,
}

/// Changes a few things in one cluster. Nothing is ever forced: no pod is deleted past its budgets.
///
/// Failures are as those of [`Kubernetes`]. Beside them, [`fleetwright_model::ErrorClass::Ambiguous`] says that the change may
/// have been made though no answer came; who asks finds out by looking.
#[async_trait]
pub trait KubernetesChanges: Send + Sync {
    /// Changes one object, by its path, with a JSON patch (RFC 6902): all of the patch or nothing.
    ///
    /// # Errors
    /// The failure of the request; [`fleetwright_model::ErrorClass::NotFound`] where there is no such object.
    async fn patch(&self, path: &str, operations: &Value) -> Result<Patched, Failure>;

    /// Makes an object, whose name and namespace are in its metadata, among those of a path such as
    /// `/apis/batch/v1/namespaces/shop/jobs`. Asking again for one that is there is no error.
    ///
    /// # Errors
    /// The failure of the request; [`fleetwright_model::ErrorClass::NotFound`] where nobody serves the path, or there is no such
    /// namespace.
    async fn create(&self, path: &str, object: &Value) -> Result<Created, Failure>;

    /// Evicts a pod, only if it still has this uid. Asking again for a pod that goes is no error.
    ///
    /// # Errors
    /// The failure of the request; a server that asks for a pause is [`fleetwright_model::ErrorClass::Throttled`] and no
    /// budget's refusal, a webhook that denies it [`fleetwright_model::ErrorClass::Denied`] or
    /// [`fleetwright_model::ErrorClass::Permanent`].
    async fn evict(&self, namespace: &str, name: &str, uid: &str) -> Result<Eviction, Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = BearerToken::new("k8s-aws-v1.secret");
        assert_eq!((format!("{token:?}").as_str(), token.reveal()), ("(hidden)", "k8s-aws-v1.secret"));
    }

    #[test]
    fn what_somebody_might_do_is_told_in_a_few_words() {
        let evict = ResourceAttributes {
            verb: "create",
            group: "",
            resource: "pods",
            subresource: "eviction",
            namespace: String::new(),
        };
        assert_eq!(evict.to_string(), "create pods/eviction");
        let sets = ResourceAttributes {
            verb: "patch",
            group: "apps",
            resource: "daemonsets",
            subresource: "",
            namespace: "kube-system".to_owned(),
        };
        assert_eq!(sets.to_string(), "patch daemonsets.apps in kube-system");
    }
}
