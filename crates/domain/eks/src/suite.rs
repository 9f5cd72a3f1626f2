//! Test suites of the user's own: CronJobs whose Jobs say whether what runs in a cluster still does what it is for.
//!
//! A Job is made as `kubectl create job --from=cronjob/NAME` makes it, under a name that the same step always gives it: who
//! makes it again finds that it is there. Sources: Kubernetes documentation, "Jobs" and "CronJob"; "Object Names and IDs".

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Characters of a label (RFC 1123), which is what a namespace is called, and of a Job's name: its pods carry it as a label.
const LABEL: usize = 63;
/// Characters of a CronJob's name: eleven are added for the Jobs that it makes itself.
const CRON_JOB: usize = 52;
/// Characters behind the CronJob's name in the name of a Job.
const MARK: usize = 16;
/// Seconds for which a Job that has ended stays at least: whoever waits for it has to see how.
const KEPT_SECONDS: u64 = 3600;

/// A CronJob that a test suite is started from, as `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Suite {
    namespace: String,
    name: String,
}

/// A text that is no test suite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no test suite: {why}; name a CronJob as NAMESPACE/NAME, such as shop/smoke")]
pub struct InvalidSuite {
    text: String,
    why: String,
}

/// Why a text is no DNS label (RFC 1123); none where it is one.
fn flaw(label: &str, longest: usize) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if label.is_empty() {
        Some("a part of it is empty".to_owned())
    } else if label.len() > longest {
        Some(format!("a part of it has more than {longest} characters"))
    } else if !label.chars().all(|c| plain(c) || c == '-') {
        Some("names have small letters, digits and hyphens".to_owned())
    } else if !label.starts_with(plain) || !label.ends_with(plain) {
        Some("names begin and end with a small letter or a digit".to_owned())
    } else {
        None
    }
}

/// The first suite that is named a second time.
pub fn named_twice(suites: &[Suite]) -> Option<&Suite> {
    let mut seen = BTreeSet::new();
    suites.iter().find(|suite| !seen.insert(*suite))
}

impl Suite {
    /// The CronJob's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The CronJob's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the CronJob in the cluster's API.
    pub fn cron_job_path(&self) -> String {
        format!("/apis/batch/v1/namespaces/{}/cronjobs/{}", self.namespace, self.name)
    }

    /// The path of the Jobs beside it.
    pub fn jobs_path(&self) -> String {
        format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace)
    }

    /// The name of the Job that these make: a run, the digest of its plan, a step. 63 characters at most, the same however
    /// often it is asked for, another for everything else.
    pub fn job_name(&self, made_by: &[&str]) -> String {
        let mut hash = Sha256::new();
        for part in made_by.iter().copied().chain([self.namespace.as_str(), self.name.as_str()]) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mark: String = digest.iter().take(MARK / 2).map(|byte| format!("{byte:02x}")).collect();
        let name: String = self.name.replace('.', "-").chars().take(LABEL - MARK - 1).collect();
        format!("{}-{mark}", name.trim_end_matches('-'))
    }

    /// The Job of that name, made of the CronJob as the cluster has it. Where it would be deleted soon after its end, it
    /// stays for an hour.
    ///
    /// # Errors
    /// The CronJob has no template of a Job.
    pub fn job(&self, name: &str, cron_job: &Value) -> Result<Value, NoTemplate> {
        let template = &cron_job["spec"]["jobTemplate"];
        if !template["spec"]["template"].is_object() {
            return Err(NoTemplate(self.clone()));
        }
        let mut annotations = json!({ "cronjob.kubernetes.io/instantiate": "manual" });
        for (key, value) in template["metadata"]["annotations"].as_object().into_iter().flatten() {
            annotations[key] = value.clone();
        }
        let mut spec = template["spec"].clone();
        if spec["ttlSecondsAfterFinished"].as_u64().is_some_and(|seconds| seconds < KEPT_SECONDS) {
            spec["ttlSecondsAfterFinished"] = KEPT_SECONDS.into();
        }
        let mut metadata = json!({
            "name": name, "namespace": self.namespace, "annotations": annotations,
            // Without blockOwnerDeletion, which asks for rights on the CronJob's finalizers.
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": self.name,
                "uid": cron_job["metadata"]["uid"], "controller": true,
            }],
        });
        if template["metadata"]["labels"].is_object() {
            metadata["labels"] = template["metadata"]["labels"].clone();
        }
        Ok(json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec }))
    }
}

/// A CronJob that no Job can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CronJob {0} has no template of a Job (spec.jobTemplate.spec.template)")]
pub struct NoTemplate(Suite);

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for Suite {
    type Err = InvalidSuite;

    fn from_str(text: &str) -> Result<Self, InvalidSuite> {
        let refused = |why: String| InvalidSuite { text: text.chars().take(160).collect(), why };
        let Some((namespace, name)) = text.split_once('/') else {
            return Err(refused("it names no namespace".to_owned()));
        };
        // A name is a subdomain: labels with dots between them.
        let too_long = (name.len() > CRON_JOB)
            .then(|| format!("the name of a CronJob has {CRON_JOB} characters at most"));
        let wrong = too_long
            .or_else(|| flaw(namespace, LABEL))
            .or_else(|| name.split('.').find_map(|label| flaw(label, CRON_JOB)));
        match wrong {
            Some(why) => Err(refused(why)),
            None => Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() }),
        }
    }
}

impl TryFrom<String> for Suite {
    type Error = InvalidSuite;

    fn try_from(text: String) -> Result<Self, InvalidSuite> {
        text.parse()
    }
}

impl From<Suite> for String {
    fn from(suite: Suite) -> Self {
        suite.to_string()
    }
}

/// How a Job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStanding {
    /// It goes on.
    Running,
    /// It ended well.
    Complete,
    /// It did not.
    Failed {
        /// The reason and the words of its condition; untrusted text.
        why: String,
    },
}

/// How a Job stands, as its conditions say it. Those that lead up to an end (`SuccessCriteriaMet`, `FailureTarget`) are none.
pub fn standing(job: &Value) -> JobStanding {
    let conditions = || job["status"]["conditions"].as_array().into_iter().flatten();
    let holds = |kind: &str| conditions().find(|it| it["type"] == kind && it["status"] == "True");
    if holds("Complete").is_some() {
        return JobStanding::Complete;
    }
    match holds("Failed") {
        None => JobStanding::Running,
        Some(failed) => {
            let text = |name: &str| failed[name].as_str().unwrap_or_default();
            let why = [text("reason"), text("message")].into_iter().filter(|part| !part.is_empty());
            JobStanding::Failed { why: why.collect::<Vec<_>>().join(": ") }
        }
    }
}

/// The label by whose value the pods of a Job are found: its name.
pub const JOB_LABEL: &str = "batch.kubernetes.io/job-name";

/// How a pod of a suite stands, on a line: what its containers said at their end, or what they wait for. Untrusted text.
pub fn pod_told(pod: &Value) -> String {
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or("Unknown");
    let mut told: Vec<String> = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|list| status[list].as_array().into_iter().flatten())
        .filter_map(container_told)
        .collect();
    // Not placed, or evicted: the pod itself says why.
    if told.is_empty() {
        let conditions = status["conditions"].as_array().into_iter().flatten();
        let unmet = conditions.filter(|it| it["type"] == "PodScheduled" && it["status"] == "False");
        let words = unmet.chain(std::iter::once(status)).filter_map(|it| it["message"].as_str());
        told.extend(words.filter(|words| !words.is_empty()).map(str::to_owned).take(1));
    }
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    match told.as_slice() {
        [] => format!("pod {name} is {phase}"),
        told => format!("pod {name} is {phase}: {}", told.join(", ")),
    }
}

/// What a container says that ended badly or cannot begin; none of one that runs or ended well.
fn container_told(container: &Value) -> Option<String> {
    let name = container["name"].as_str().unwrap_or_default();
    let words = |of: &Value| {
        let parts = ["reason", "message"].into_iter().filter_map(|part| of[part].as_str());
        parts.map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    };
    let state = &container["state"];
    // A container that is to begin again ended before.
    let ended = [&state["terminated"], &container["lastState"]["terminated"]];
    let badly = ended.into_iter().find(|it| it.is_object() && it["exitCode"] != 0);
    match (badly, &state["waiting"]) {
        (Some(ended), _) => {
            Some(format!("container {name} ended with {} ({})", ended["exitCode"], words(ended)))
        }
        (None, waiting) if waiting.is_object() => {
            Some(format!("container {name} waits ({})", words(waiting)))
        }
        _ => None,
    }
}
