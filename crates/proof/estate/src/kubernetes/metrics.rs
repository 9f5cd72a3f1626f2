//! What the API server tells of itself: its version, and the metrics that upgrades are judged by.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::world::eks::Cluster;

/// `/version`.
pub(super) fn version(cluster: &Cluster) -> Value {
    json!({
        "major": "1",
        "minor": cluster.version.0.to_string(),
        "gitVersion": cluster.version.kubelet(),
        "gitCommit": "0123456789abcdef0123456789abcdef01234567",
        "gitTreeState": "clean",
        "buildDate": "2026-08-01T00:00:00Z",
        "goVersion": "go1.25.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// `/metrics`, in Prometheus' text format.
pub(super) fn text(cluster: &Cluster) -> String {
    let mut out = String::from(
        "# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested, broken \
         out by API group, version, resource, subresource, and removed_release.\n\
         # TYPE apiserver_requested_deprecated_apis gauge\n",
    );
    for (group, version, resource, removed) in &cluster.deprecated_calls {
        writeln!(
            out,
            "apiserver_requested_deprecated_apis{{group=\"{group}\",removed_release=\"{removed}\",\
             resource=\"{resource}\",subresource=\"\",version=\"{version}\"}} 1"
        )
        .expect("a String takes any text");
    }
    out
}
