//! Test suites of a scenario's cluster: CronJobs, whose Jobs somebody makes of them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::make::version;
use super::objects::{put_namespace, usual_namespace};
use crate::world::eks::Cluster;
use crate::world::eks::jobs::{FAILS_FROM, SAYS, SECONDS};

/// A test suite: a CronJob that is suspended, and how it goes where a Job is made of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteSection {
    /// The CronJob's name.
    pub name: String,
    /// Its namespace.
    #[serde(default = "usual_namespace")]
    pub namespace: String,
    /// Seconds that its containers run.
    #[serde(default = "usual_seconds")]
    pub seconds: u32,
    /// The version of the control plane from which on it fails; it passes where absent.
    pub fails_from: Option<String>,
    /// What it says where it fails.
    #[serde(default)]
    pub says: String,
    /// Pods that may fail before the Job does.
    #[serde(default)]
    pub backoff_limit: u32,
}

const fn usual_seconds() -> u32 {
    60
}

/// Puts a suite into a cluster.
///
/// # Errors
/// The version from which on it fails is none.
pub(super) fn put_suite(cluster: &mut Cluster, section: &SuiteSection, at: Timestamp) -> Result<(), String> {
    let SuiteSection { name, namespace, seconds, says, backoff_limit, .. } = section;
    let mut annotations = json!({ SECONDS: seconds.to_string(), SAYS: says });
    if let Some(from) = &section.fails_from {
        let from = version(from).map_err(|problem| format!("suites: {name}: {problem}"))?;
        annotations[FAILS_FROM] = from.to_string().into();
    }
    put_namespace(cluster, namespace, at);
    let requests = json!({ "cpu": "50m", "memory": "64Mi" });
    let container = json!({
        "name": name, "image": "registry.example/suite:1", "resources": { "requests": requests },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let labels = json!({ "suite": name });
    let template = json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": { "restartPolicy": "Never", "containers": [container] },
    });
    let job = json!({ "metadata": { "labels": labels }, "spec": { "backoffLimit": backoff_limit, "template": template } });
    let suite = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "schedule": "0 3 * * *", "suspend": true, "concurrencyPolicy": "Allow", "jobTemplate": job },
    });
    cluster.kube.put("batch/cronjobs", suite, at);
    Ok(())
}
