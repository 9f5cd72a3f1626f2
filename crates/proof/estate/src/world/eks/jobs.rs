//! Jobs: pods that run to an end, and that are tried again a few times where it is a bad one.
//!
//! Rules: Kubernetes documentation, "Jobs": a pod that fails, or that goes before its end, counts as failed; there is another
//! one after 10 s, twice as long each further time, until more have failed than `backoffLimit` says. How long containers run,
//! from which version of the control plane on they fail, and what they say at their end is in annotations of the pod. CronJobs
//! make no Jobs by themselves here.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::version::Minor;
use super::{Cluster, Ground, What};
use crate::world::kube::{Key, PODS, controller, key, pods, seconds};

/// The resource.
pub const JOBS: &str = "batch/jobs";
/// How many seconds a pod's containers run.
pub const SECONDS: &str = "estate/seconds";
/// From which version of the control plane on they fail, such as `1.35`.
pub const FAILS_FROM: &str = "estate/fails-from";
/// What they say when they fail.
pub const SAYS: &str = "estate/says";

/// Seconds that containers run where nothing is said.
const USUAL_SECONDS: i64 = 10;
/// Pods that may fail where nothing is said, and the wait before the second one.
const USUAL_LIMIT: u64 = 6;
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(10);
/// The longest wait between pods.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(6);

/// A Job as the API server keeps it: with what it leaves out, and with labels by which its pods are found.
pub fn completed(job: &mut Value, uid: &str) {
    let name = job["metadata"]["name"].clone();
    let labels = [
        ("batch.kubernetes.io/controller-uid", json!(uid)),
        ("batch.kubernetes.io/job-name", name.clone()),
        ("controller-uid", json!(uid)),
        ("job-name", name),
    ];
    let spec = &mut job["spec"];
    for (member, usual) in [("parallelism", 1), ("completions", 1), ("backoffLimit", USUAL_LIMIT)] {
        if spec[member].is_null() {
            spec[member] = usual.into();
        }
    }
    spec["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    for (label, value) in labels {
        spec["template"]["metadata"]["labels"][label] = value;
    }
}

/// A new Job gets its first pod.
pub fn begin(cluster: &mut Cluster, ground: &mut Ground<'_>, job: &Key) {
    let now = ground.now;
    let uid = cluster.kube.get(JOBS, &job.0, &job.1).map(|it| it["metadata"]["uid"].clone());
    let Some(uid) = uid.as_ref().and_then(Value::as_str) else { return };
    cluster.kube.change(JOBS, job, now, |job| {
        completed(job, uid);
        job["status"] = json!({ "startTime": seconds(now) });
    });
    go_on(cluster, ground, job);
}

/// A Job that is not over gets another pod.
pub(super) fn go_on(cluster: &mut Cluster, ground: &mut Ground<'_>, job: &Key) {
    let found = cluster.kube.get(JOBS, &job.0, &job.1);
    if found.is_none_or(|job| is_over(job) || job["spec"]["suspend"] == true) {
        return;
    }
    cluster.kube.pod_of_job(job, ground.now);
    cluster.kube.change(JOBS, job, ground.now, |job| job["status"]["active"] = 1.into());
    super::running::schedule_pending(cluster, ground);
}

fn is_over(job: &Value) -> bool {
    let mut conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|it| matches!(it["type"].as_str(), Some("Complete" | "Failed")))
}

/// The Job that a pod is of.
fn job_of(pod: &Value) -> Option<Key> {
    let (kind, name) = controller(pod)?;
    (kind == "Job").then(|| (key(pod).0, name.to_owned()))
}

fn annotation<'p>(pod: &'p Value, name: &str) -> Option<&'p str> {
    pod["metadata"]["annotations"][name].as_str()
}

/// The containers of a pod run now; those of a Job's end after a time.
pub(super) fn pod_runs(cluster: &mut Cluster, ground: &mut Ground<'_>, pod: &Key) {
    let Some(found) = cluster.kube.get(PODS, &pod.0, &pod.1).filter(|it| job_of(it).is_some()) else {
        return;
    };
    let seconds = annotation(found, SECONDS).and_then(|text| text.parse().ok()).unwrap_or(USUAL_SECONDS);
    ground.after(SignedDuration::from_secs(seconds), What::PodEnds(pod.clone()));
}

/// The containers of a Job's pod have come to their end.
pub(super) fn pod_ended(cluster: &mut Cluster, ground: &mut Ground<'_>, pod: &Key) {
    let Some(found) = cluster.kube.get(PODS, &pod.0, &pod.1) else { return };
    let Some(job) = job_of(found).filter(|_| found["status"]["phase"] == "Running") else { return };
    let fails_from = annotation(found, FAILS_FROM).and_then(|text| text.parse::<Minor>().ok());
    let fails = fails_from.is_some_and(|version| cluster.version >= version);
    let says = annotation(found, SAYS).unwrap_or_default().to_owned();
    cluster.kube.change(PODS, pod, ground.now, |pod| end(pod, fails.then_some(says.as_str()), ground.now));
    match fails {
        true => pod_failed(cluster, ground, &job),
        false => succeed(cluster, ground, &job),
    }
}

/// A pod's containers are over: well, or with these words.
fn end(pod: &mut Value, failure: Option<&str>, at: jiff::Timestamp) {
    let (phase, code, reason) = match failure {
        None => ("Succeeded", 0, "Completed"),
        Some(_) => ("Failed", 1, "Error"),
    };
    let status = &mut pod["status"];
    status["phase"] = phase.into();
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        if matches!(condition["type"].as_str(), Some("Ready" | "ContainersReady")) {
            condition["status"] = "False".into();
        }
    }
    for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
        container["ready"] = false.into();
        container["started"] = false.into();
        let mut ended = json!({ "exitCode": code, "reason": reason, "finishedAt": seconds(at) });
        if let Some(words) = failure.filter(|words| !words.is_empty()) {
            ended["message"] = words.into();
        }
        container["state"] = json!({ "terminated": ended });
    }
}

/// A pod that is gone before its end counts as failed.
pub(super) fn pod_lost(cluster: &mut Cluster, ground: &mut Ground<'_>, gone: &Value) {
    if let Some(job) = job_of(gone).filter(|_| !pods::has_ended(gone)) {
        pod_failed(cluster, ground, &job);
    }
}

fn succeed(cluster: &mut Cluster, ground: &Ground<'_>, job: &Key) {
    let now = ground.now;
    cluster.kube.change(JOBS, job, now, |job| {
        let status = &mut job["status"];
        status["active"] = 0.into();
        status["succeeded"] = 1.into();
        status["completionTime"] = seconds(now).into();
        let kinds = ["SuccessCriteriaMet", "Complete"];
        status["conditions"] = kinds
            .map(|kind| {
                condition(kind, "CompletionsReached", "Reached expected number of succeeded pods", now)
            })
            .into();
    });
}

fn pod_failed(cluster: &mut Cluster, ground: &mut Ground<'_>, job: &Key) {
    let Some(found) = cluster.kube.get(JOBS, &job.0, &job.1).filter(|job| !is_over(job)) else { return };
    let failed = found["status"]["failed"].as_u64().unwrap_or(0) + 1;
    let is_last = failed > found["spec"]["backoffLimit"].as_u64().unwrap_or(USUAL_LIMIT);
    let now = ground.now;
    cluster.kube.change(JOBS, job, now, |job| {
        let status = &mut job["status"];
        status["active"] = 0.into();
        status["failed"] = failed.into();
        if is_last {
            let (reason, words) = ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
            status["conditions"] =
                ["FailureTarget", "Failed"].map(|kind| condition(kind, reason, words, now)).into();
        }
    });
    if !is_last {
        let times = i32::try_from(1_u64 << (failed - 1).min(16)).unwrap_or(i32::MAX);
        let wait = FIRST_WAIT.saturating_mul(times).min(LONGEST_WAIT);
        ground.after(wait, What::JobGoesOn(job.clone()));
    }
}

fn condition(kind: &str, reason: &str, message: &str, at: jiff::Timestamp) -> Value {
    json!({ "type": kind, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": seconds(at), "lastTransitionTime": seconds(at) })
}
