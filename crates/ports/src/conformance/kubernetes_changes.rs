//! The contract of [`KubernetesChanges`](crate::KubernetesChanges), over a cluster whose pods come back when they are
//! evicted, and that nobody else changes meanwhile.

use fleetwright_model::ErrorClass;
use serde_json::{Value, json};

use super::eventually;
use crate::kubernetes::{Created, Eviction, Patched};
use crate::{Clock, Kubernetes, KubernetesChanges};

/// What the suite works on.
pub struct Expected {
    /// The path of a node, which is not cordoned.
    pub node: String,
    /// A pod that no budget is about: namespace and name.
    pub free: (String, String),
    /// A pod whose budget allows no disruption, and the budget's name.
    pub held: ((String, String), String),
}

/// The cluster by both ports.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What changes it.
    pub changes: &'a dyn KubernetesChanges,
    /// What looks at it.
    pub kubernetes: &'a dyn Kubernetes,
    /// The time that it lives in.
    pub clock: &'a dyn Clock,
}

impl Subject<'_> {
    async fn found(self, path: &str) -> Value {
        let object = self.kubernetes.object(path).await.expect("objects can be read");
        object.unwrap_or_else(|| panic!("{path} is there"))
    }

    /// Whether a pod is the one that it was, and is not told to stop.
    async fn is_untouched(self, path: &str, before: &Value) -> bool {
        let now = self.found(path).await;
        uid(&now) == uid(before) && now["metadata"]["deletionTimestamp"].is_null()
    }
}

fn pod((namespace, name): &(String, String)) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().expect("every object has a uid")
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(subject: Subject<'_>, expected: &Expected) {
    patches(subject, &expected.node).await;
    creations(subject, &expected.free.0).await;
    let (held, budget) = &expected.held;
    refusals(subject, held, budget).await;
    evictions(subject, &expected.free).await;
}

async fn patches(subject: Subject<'_>, path: &str) {
    let before = subject.found(path).await;
    assert_eq!(before["spec"]["unschedulable"], Value::Null, "the suite begins with a node that takes pods");
    let same = json!({ "op": "test", "path": "/metadata/uid", "value": uid(&before) });
    let cordon = json!({ "op": "add", "path": "/spec/unschedulable", "value": true });
    let applied = subject.changes.patch(path, &json!([same, cordon])).await.expect("the node can be patched");
    let Patched::Applied(now) = applied else { panic!("{applied:?}: the test holds") };
    assert_eq!((uid(&now), &now["spec"]["unschedulable"]), (uid(&before), &json!(true)));
    let is_as_it_was = async || {
        let found = subject.found(path).await;
        let part = |of: &Value| (of["spec"]["unschedulable"].clone(), of["metadata"]["labels"].clone());
        part(&found) == part(&now)
    };
    assert!(is_as_it_was().await, "what is answered is what is there");

    let free = json!({ "op": "test", "path": "/spec/unschedulable", "value": null });
    let label = json!({ "op": "add", "path": "/metadata/labels/fleetwright", "value": "x" });
    let refused = subject.changes.patch(path, &json!([same, free, label])).await.expect("an answer");
    let Patched::TestFailed { reason } = refused else { panic!("{refused:?}: it is cordoned") };
    assert!(reason.contains("/spec/unschedulable"), "which test it was: {reason}");
    assert!(is_as_it_was().await, "all of a patch or nothing");
    let absent = json!({ "op": "remove", "path": "/spec/fleetwright" });
    let refused = subject.changes.patch(path, &json!([same, label, absent])).await;
    let refused = refused.expect_err("there is nothing to remove, which is no test");
    assert_eq!(refused.class, ErrorClass::Permanent, "{refused}");
    assert!(is_as_it_was().await, "all of a patch or nothing");

    let taken = json!({ "op": "test", "path": "/spec/unschedulable", "value": true });
    let uncordon = json!({ "op": "remove", "path": "/spec/unschedulable" });
    let applied = subject.changes.patch(path, &json!([taken, uncordon])).await;
    assert!(matches!(applied, Ok(Patched::Applied(_))), "{applied:?}");
    assert_eq!(subject.found(path).await["spec"]["unschedulable"], Value::Null);

    for (path, class) in [
        (format!("{path}-fleetwright-nobody"), ErrorClass::NotFound),
        ("/apis/fleetwright.example/v1/nobodies/a".to_owned(), ErrorClass::NotFound),
        (format!("{path}/../other"), ErrorClass::Permanent),
        (format!("{path}?dryRun=All"), ErrorClass::Permanent),
    ] {
        let refused = subject.changes.patch(&path, &json!([same])).await.expect_err("no such object");
        assert_eq!(refused.class, class, "{path}: {refused}");
    }
}

async fn creations(subject: Subject<'_>, namespace: &str) {
    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
    let container = json!({ "name": "suite", "image": "registry.example/suite:1" });
    let template = json!({ "spec": { "restartPolicy": "Never", "containers": [container] } });
    let named = |name: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "namespace": namespace },
            "spec": { "template": template },
        })
    };
    let job = named("fleetwright-suite");
    let created = subject.changes.create(&path, &job).await.expect("a Job can be made");
    let Created::Made(made) = created else { panic!("{created:?}: there was none of that name") };
    let at = format!("{path}/fleetwright-suite");
    assert_eq!(uid(&subject.found(&at).await), uid(&made), "what is answered is what is there");
    assert_eq!(subject.changes.create(&path, &job).await, Ok(Created::There));
    assert_eq!(uid(&subject.found(&at).await), uid(&made), "it is made once, however often it is asked for");

    let nobody = "/apis/fleetwright.example/v1/nobodies".to_owned();
    for (path, object, class) in
        [(&path, named(""), ErrorClass::Permanent), (&nobody, named("a"), ErrorClass::NotFound)]
    {
        let refused = subject.changes.create(path, &object).await.expect_err("nothing of the kind is made");
        assert_eq!(refused.class, class, "{path}: {refused}");
    }
}

async fn refusals(subject: Subject<'_>, held: &(String, String), budget: &str) {
    let before = subject.found(&pod(held)).await;
    // Asking does not use a budget up.
    for _ in 0..2 {
        let evicted = subject.changes.evict(&held.0, &held.1, uid(&before)).await;
        match evicted {
            Ok(Eviction::Refused { reason }) => {
                assert!(reason.contains(budget), "which budget it was: {reason}");
            }
            other => panic!("{other:?}: the budget {budget} allows no disruption"),
        }
    }
    let other = "00000000-0000-4000-8000-000000000000";
    let gone = subject.changes.evict(&held.0, &held.1, other).await;
    assert_eq!(gone, Ok(Eviction::Gone), "the pod of that uid is gone, whatever budgets say of this one");
    assert!(subject.is_untouched(&pod(held), &before).await, "nothing happened to it");
}

async fn evictions(subject: Subject<'_>, free: &(String, String)) {
    let before = subject.found(&pod(free)).await;
    let other = "00000000-0000-4000-8000-000000000000";
    assert_eq!(subject.changes.evict(&free.0, &free.1, other).await, Ok(Eviction::Gone));
    assert!(subject.is_untouched(&pod(free), &before).await, "another pod's uid does not evict this one");
    let nobody = subject.changes.evict(&free.0, "fleetwright-nobody", uid(&before)).await;
    assert_eq!(nobody, Ok(Eviction::Gone));
    assert_eq!(subject.changes.evict(&free.0, &free.1, uid(&before)).await, Ok(Eviction::Accepted));
    let again =
        subject.changes.evict(&free.0, &free.1, uid(&before)).await.expect("asking again is no error");
    assert!(matches!(again, Eviction::Accepted | Eviction::Gone), "{again:?}");
    eventually(subject.clock, "the pod is gone", async || {
        let now = subject.kubernetes.object(&pod(free)).await.expect("objects can be read");
        now.is_none_or(|now| uid(&now) != uid(&before)).then_some(())
    })
    .await;
    assert_eq!(subject.changes.evict(&free.0, &free.1, uid(&before)).await, Ok(Eviction::Gone));
}
