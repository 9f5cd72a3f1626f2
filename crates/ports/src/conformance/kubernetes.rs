//! The contract of [`Kubernetes`](crate::Kubernetes), over a cluster that nobody changes meanwhile.

use std::collections::BTreeSet;

use fleetwright_kubernetes::Minor;
use fleetwright_model::ErrorClass;
use serde_json::Value;

use crate::Kubernetes;
use crate::kubernetes::{Depth, Listing, Resource, ResourceAttributes};

/// What the suite is to find.
pub struct Expected {
    /// The server's version.
    pub minor: Minor,
    /// Pods of the cluster; a few: they are listed in pages of one, too.
    pub pods: usize,
    /// A metric that the server has, and how many lines of it.
    pub metric: (&'static str, usize),
    /// What the caller may not do.
    pub forbidden: Option<ResourceAttributes>,
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(kubernetes: &dyn Kubernetes, expected: &Expected) {
    let version = kubernetes.version().await.expect("the version is for everybody");
    assert_eq!(version.minor, expected.minor);
    assert!(version.git_version.starts_with(&format!("v{}.", expected.minor)), "{version:?}");
    let pods = discovery(kubernetes).await;
    lists(kubernetes, &pods, expected.pods).await;
    objects(kubernetes, &pods).await;
    metrics(kubernetes, expected.metric).await;
    rights(kubernetes, expected.forbidden.as_ref()).await;
    let traffic = kubernetes.traffic();
    assert!(traffic.requests > 0 && traffic.bytes > 0, "requests and bytes are counted: {traffic:?}");
}

async fn discovery(kubernetes: &dyn Kubernetes) -> Resource {
    let found = kubernetes.resources().await.expect("discovery is for everybody");
    assert_eq!(found.gaps, [], "every group answers");
    assert!(found.resources.is_sorted(), "resources are in order");
    assert!(found.resources.iter().all(|of| !of.plural.contains('/')), "subresources are left out");
    let distinct: BTreeSet<_> = found.resources.iter().collect();
    assert_eq!(distinct.len(), found.resources.len(), "each resource is there once");
    let one = |api_version: &str, plural: &str| {
        let is = |of: &&Resource| of.plural == plural && of.api.api_version.to_string() == api_version;
        found.resources.iter().find(is).cloned().unwrap_or_else(|| panic!("{api_version} {plural} is served"))
    };
    let nodes = one("v1", "nodes");
    assert!(!nodes.namespaced && nodes.is_listed() && nodes.api.kind == "Node");
    assert!(!one("authorization.k8s.io/v1", "selfsubjectaccessreviews").is_listed());
    assert!(one("apps/v1", "deployments").namespaced);
    one("v1", "pods")
}

/// Namespaces and names.
fn names(list: &[Value]) -> BTreeSet<(&str, &str)> {
    let mut found = BTreeSet::new();
    for object in list {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().expect("every object has a name");
        found.insert((metadata["namespace"].as_str().unwrap_or_default(), name));
    }
    found
}

async fn lists(kubernetes: &dyn Kubernetes, pods: &Resource, count: usize) {
    let whole = kubernetes.list(pods, &Listing::of(Depth::Whole)).await.expect("pods can be listed");
    let found = names(&whole);
    assert_eq!((whole.len(), found.len()), (count, count), "every pod once, page by page");
    assert!(whole.iter().all(|pod| pod["spec"]["containers"].is_array()), "whole objects have a spec");
    let is_pod = |pod: &Value| pod["kind"] == "Pod" && pod["apiVersion"] == "v1";
    assert!(whole.iter().all(is_pod), "objects say what they are, though items of lists may leave it out");
    let metadata =
        kubernetes.list(pods, &Listing::of(Depth::Metadata)).await.expect("metadata can be listed");
    assert_eq!(names(&metadata), found, "the same objects");
    assert!(metadata.iter().all(|pod| pod["spec"].is_null() && is_pod(pod)), "metadata has no spec");
    let listing = Listing { page: 1, trim: |pod| pod["spec"] = Value::Null, ..Listing::of(Depth::Whole) };
    let trimmed = kubernetes.list(pods, &listing).await.expect("pods can be listed in pages of one");
    assert_eq!(names(&trimmed), found, "however many are in a page");
    assert!(trimmed.iter().all(|pod| pod["spec"].is_null()));
    let none = Listing { labels: "fleetwright.dev/nobody=has-this", ..Listing::of(Depth::Metadata) };
    assert_eq!(kubernetes.list(pods, &none).await, Ok(Vec::new()), "only what the selector finds");
    let elsewhere = Listing { namespace: "fleetwright-nowhere", ..Listing::of(Depth::Metadata) };
    assert_eq!(kubernetes.list(pods, &elsewhere).await, Ok(Vec::new()), "only what lies in the namespace");
    let mut unknown = pods.clone();
    "fleetwrights".clone_into(&mut unknown.plural);
    let refused = kubernetes.list(&unknown, &Listing::of(Depth::Whole)).await.expect_err("nobody serves it");
    assert_eq!(refused.class, ErrorClass::NotFound, "{refused}");
}

async fn objects(kubernetes: &dyn Kubernetes, pods: &Resource) {
    let listed = kubernetes.list(pods, &Listing::of(Depth::Whole)).await.expect("pods can be listed");
    let (namespace, name) = names(&listed).into_iter().next().expect("there is a pod");
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
    let found = kubernetes.object(&path).await.expect("a pod can be read").expect("it is there");
    assert_eq!(
        (&found["kind"], names(std::slice::from_ref(&found))),
        (&"Pod".into(), [(namespace, name)].into())
    );
    for nothing in
        [format!("{path}-fleetwright-nobody"), "/apis/fleetwright.example/v1/nobodies/a".to_owned()]
    {
        assert_eq!(kubernetes.object(&nothing).await, Ok(None), "{nothing}");
    }
    let elsewhere = kubernetes.object("@fleetwright.example/api/v1/nodes/a").await.expect_err("no path");
    assert_eq!(elsewhere.class, ErrorClass::Permanent, "{elsewhere}");
}

async fn metrics(kubernetes: &dyn Kubernetes, (name, count): (&str, usize)) {
    let lines = kubernetes.metric(name).await.expect("metrics can be read");
    assert_eq!(lines.len(), count, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with(name)), "lines of that metric only: {lines:?}");
    let none = kubernetes.metric("fleetwright_no_such_metric").await;
    assert_eq!(none, Ok(Vec::new()), "a metric that is not there has no lines");
}

async fn rights(kubernetes: &dyn Kubernetes, forbidden: Option<&ResourceAttributes>) {
    let list = ResourceAttributes {
        verb: "list",
        group: "",
        resource: "pods",
        subresource: "",
        namespace: String::new(),
    };
    assert_eq!(kubernetes.may(&list).await, Ok(true), "{list}");
    if let Some(forbidden) = forbidden {
        assert_eq!(kubernetes.may(forbidden).await, Ok(false), "{forbidden}");
    }
}
