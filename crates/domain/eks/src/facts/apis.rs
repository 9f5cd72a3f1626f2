//! Who uses which API, and who stands between a request and its object.

use fleetwright_kubernetes::{GroupVersionKind, HelmRelease, Manifests, ObjectRef, UnreadableRelease};
use jiff::Timestamp;

use super::Fact;

/// Uses of APIs by source, webhooks, and aggregated APIs.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiFacts {
    /// Objects, by the version that the server stores or offers them in.
    pub live: Fact<Vec<ApiUse>>,
    /// Versions that field managers wrote with (`managedFields`).
    pub managed_fields: Fact<Vec<ApiUse>>,
    /// Versions in `kubectl.kubernetes.io/last-applied-configuration`.
    pub last_applied: Fact<Vec<ApiUse>>,
    /// Deployed Helm releases.
    pub helm: Fact<HelmFacts>,
    /// Manifests that the user named.
    pub manifests: Fact<Manifests>,
    /// That somebody calls deprecated APIs, as the API server counts (`apiserver_requested_deprecated_apis`).
    pub callers: Fact<Vec<Caller>>,
    /// Who called deprecated APIs in the last 30 days (client statistics of insights).
    pub clients: Fact<Vec<Caller>>,
    /// Custom resources.
    pub custom_resources: Fact<Vec<CustomResource>>,
    /// Versions named by rules of roles and of webhooks.
    pub rules: Fact<Vec<ApiUse>>,
    /// Versions named by policies (`ValidatingAdmissionPolicy`, policy engines).
    pub policies: Fact<Vec<ApiUse>>,
    /// Fields and annotations in use that a version drops.
    pub fields: Fact<Vec<FieldUse>>,
    /// Webhooks of admission.
    pub webhooks: Fact<Vec<Webhook>>,
    /// Aggregated APIs.
    pub api_services: Fact<Vec<ApiService>>,
}

/// An API in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUse {
    /// Which API.
    pub api: GroupVersionKind,
    /// Where it is used, such as an object or a file with its line; untrusted text.
    pub by: String,
}

/// Helm releases as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HelmFacts {
    /// Deployed releases.
    pub releases: Vec<HelmRelease>,
    /// Releases that could not be read.
    pub unreadable: Vec<UnreadableRelease>,
}

/// A caller of a deprecated API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which API.
    pub api: GroupVersionKind,
    /// Its user agent; untrusted text.
    pub user_agent: String,
    /// When it last called; `None` where only a counter is known.
    pub last_request: Option<Timestamp>,
    /// Its requests of the last 30 days; `None` where nobody counts by callers.
    pub requests: Option<u64>,
}

/// A deprecated API that an insight has seen in use. Texts are untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeprecatedUse {
    /// Its path, such as `/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas`.
    pub path: String,
    /// Who called it.
    pub clients: Vec<Client>,
}

/// A client of such an API. Source: EKS API reference, ClientStat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its user agent; untrusted text.
    pub user_agent: String,
    /// Its requests of the last 30 days.
    pub requests: u64,
    /// When it called last.
    pub last_request: Timestamp,
}

/// A custom resource definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResource {
    /// Its name, such as `nodepools.karpenter.sh`.
    pub name: String,
    /// Versions that objects may be stored in (`status.storedVersions`).
    pub stored_versions: Vec<String>,
    /// Versions that are served.
    pub served_versions: Vec<String>,
    /// Ready endpoints of its conversion webhook; `None` where it has none.
    pub conversion_endpoints: Option<usize>,
}

/// A field or an annotation in use that a version drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldUse {
    /// Which.
    pub field: DroppedField,
    /// The object.
    pub object: ObjectRef,
}

/// Fields and annotations that Kubernetes drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DroppedField {
    /// Annotations `seccomp.security.alpha.kubernetes.io/…`: without effect since 1.27.
    SeccompAnnotation,
    /// Annotations `container.apparmor.security.beta.kubernetes.io/…`: deprecated since 1.30.
    AppArmorAnnotation,
    /// Annotation `kubernetes.io/enforce-mountable-secrets`: deprecated since 1.32.
    EnforceMountableSecrets,
    /// Endpoints written or read by hand: deprecated since 1.33.
    Endpoints,
    /// `externalIPs` of a Service: deprecated since 1.36.
    ExternalIps,
}

/// A webhook of admission.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// The configuration it is in.
    pub configuration: ObjectRef,
    /// Its name.
    pub name: String,
    /// A request fails when it does not answer (`failurePolicy: Fail`).
    pub fails_closed: bool,
    /// Resources it is asked about, such as `pods`, `pods/eviction` or `*`.
    pub resources: Vec<String>,
    /// Its namespace selector leaves `kube-system` out.
    pub spares_kube_system: bool,
    /// How long it may take, in seconds.
    pub timeout_seconds: u32,
    /// When the certificate it is trusted by runs out; `None` where the API server's machine decides whom to trust.
    pub ca_expires_at: Fact<Option<Timestamp>>,
    /// Nodes of its ready endpoints, one entry for each; `None` where it is outside the cluster.
    pub endpoint_nodes: Option<Vec<String>>,
}

/// An aggregated API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiService {
    /// Its name, such as `v1beta1.metrics.k8s.io`.
    pub name: String,
    /// It answers.
    pub available: bool,
    /// What its condition says; untrusted text.
    pub message: String,
}
