//! Patches and evictions against a scripted server: what is sent, what is sent again, and what answers mean.

use fleetwright_cluster_api::Undelivered;
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::kubernetes::{Created, Eviction, Patched};
use serde_json::{Value, json};

use super::scripted::{Said, Stage, document, refusal, stage};
use super::*;

const NODE: &str = "/api/v1/nodes/ip-10-0-0-1";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
/// A budget that is still being looked at has a server name seconds to wait, too.
const JSON_AND_PAUSE: &[(&str, &str)] = &[("content-type", "application/json"), ("retry-after", "10")];

fn lost() -> Said {
    Said::Lost(Undelivered::Broken("reset".to_owned()))
}

fn pod(uid: &str) -> Said {
    document(json!({ "kind": "Pod", "metadata": { "uid": uid } }))
}

fn no_pod() -> Said {
    let details = json!({ "name": "web-0", "kind": "pods" });
    let status = json!({ "kind": "Status", "message": "pods \"web-0\" not found", "details": details });
    Said::Status(404, JSON, status)
}

/// A budget's refusal, as API servers word it.
fn held() -> Said {
    let message = "The disruption budget web needs 2 healthy pods and has 2 currently";
    let causes = json!([{ "reason": "DisruptionBudget", "message": message }]);
    let status = json!({ "kind": "Status", "reason": "TooManyRequests", "details": { "causes": causes },
        "message": "Cannot evict pod as it would violate the pod's disruption budget." });
    Said::Status(429, JSON_AND_PAUSE, status)
}

fn cannot(causes: Value) -> Said {
    let message = "the server rejected our request due to an error in our request";
    let details = json!({ "causes": causes });
    Said::Status(
        422,
        JSON,
        json!({ "kind": "Status", "reason": "Invalid", "message": message, "details": details }),
    )
}

async fn evict(stage: &Stage) -> Result<Eviction, Failure> {
    stage.changes.evict("shop", "web-0", "u-1").await
}

fn cordon() -> Value {
    json!([
        { "op": "test", "path": "/metadata/uid", "value": "n-1" },
        { "op": "add", "path": "/spec/unschedulable", "value": true },
    ])
}

#[tokio::test(start_paused = true)]
async fn a_patch_and_an_eviction_are_sent_as_kubernetes_has_them() {
    let stage = stage([document(json!({ "kind": "Node" })), document(json!({ "kind": "Status" }))]);
    let patched = stage.changes.patch(NODE, &cordon()).await;
    assert_eq!(patched, Ok(Patched::Applied(json!({ "kind": "Node" }))));
    assert_eq!(evict(&stage).await, Ok(Eviction::Accepted));
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "namespace": "shop", "name": "web-0" },
        "deleteOptions": { "preconditions": { "uid": "u-1" } },
    });
    let sent = |method: &str, kind: &str, body: &Value| (method.to_owned(), kind.to_owned(), body.clone());
    let patch = sent("PATCH", "application/json-patch+json", &cordon());
    assert_eq!(stage.sent(), [patch, sent("POST", "application/json", &eviction)]);
    let eviction = "/base/api/v1/namespaces/shop/pods/web-0/eviction".to_owned();
    assert_eq!(stage.paths(), [format!("/base{NODE}"), eviction]);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_refuses_is_told_at_once_and_a_server_that_is_busy_is_waited_for() {
    let refused = stage([held(), pod("u-1")]);
    let reason = "Cannot evict pod as it would violate the pod's disruption budget. \
        The disruption budget web needs 2 healthy pods and has 2 currently"
        .to_owned();
    assert_eq!(evict(&refused).await, Ok(Eviction::Refused { reason }));
    assert_eq!((refused.passed(), refused.paths().len()), (SignedDuration::ZERO, 2));

    let busy = || Said::Status(429, &[("retry-after", "1"), ("content-type", "text/plain")], Value::Null);
    let later = stage([busy(), busy(), document(json!({ "kind": "Status" }))]);
    assert_eq!(evict(&later).await, Ok(Eviction::Accepted));
    assert_eq!(later.passed(), SignedDuration::from_secs(2));
    let never = stage((0..6).map(|_| busy()));
    let failure = evict(&never).await.expect_err("it is busy all the time");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Throttled, code::THROTTLED.id), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_another_pod_of_the_same_name_is_none_of_this_one() {
    for now in [pod("u-2"), no_pod()] {
        assert_eq!(evict(&stage([held(), now])).await, Ok(Eviction::Gone));
    }
    let blind = evict(&stage([held(), refusal(403)])).await;
    assert!(
        matches!(blind, Ok(Eviction::Refused { .. })),
        "who may not look is refused all the same: {blind:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_under_several_budgets_is_refused_though_the_server_calls_it_its_own_fault() {
    let message =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    let several = Said::Status(500, JSON, json!({ "kind": "Status", "message": message }));
    let stage = stage([several, pod("u-1")]);
    assert_eq!(evict(&stage).await, Ok(Eviction::Refused { reason: message.to_owned() }));
    assert_eq!(stage.passed(), SignedDuration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_whose_answer_is_lost_is_asked_for_again() {
    let gone = stage([lost(), no_pod()]);
    assert_eq!(evict(&gone).await, Ok(Eviction::Gone), "the first one did it");
    let stage = stage((0..6).map(|_| lost()));
    let failure = evict(&stage).await.expect_err("nobody knows");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Ambiguous, code::REPLY_LOST.id), "{failure}");
    assert_eq!(failure.attempts, 6);
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_may_have_been_applied_is_not_sent_again() {
    for doubtful in [lost(), Said::Silence, refusal(500), refusal(504), Said::Lost(Undelivered::TooLong)] {
        let stage = stage([doubtful]);
        let failure = stage.changes.patch(NODE, &cordon()).await.expect_err("nobody knows");
        assert_eq!((failure.class, failure.attempts), (ErrorClass::Ambiguous, 1), "{failure}");
        assert_eq!(
            (failure.code.id, failure.operation.as_str()),
            (code::REPLY_LOST.id, "kubernetes:patch nodes")
        );
    }
    let away = Said::Lost(Undelivered::Unreachable("no route".to_owned()));
    let stage = stage([away, refusal(401), refusal(429), document(json!({ "kind": "Node" }))]);
    let patched = stage.changes.patch(NODE, &cordon()).await;
    assert!(matches!(patched, Ok(Patched::Applied(_))), "none of these was applied: {patched:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_leaves_a_patch_in_doubt() {
    let stage = stage([Said::Status(200, JSON, json!([]))]);
    let failure = stage.changes.patch(NODE, &cordon()).await.expect_err("it is no object");
    assert_eq!(failure.class, ErrorClass::Ambiguous, "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_test_that_does_not_hold_is_told_apart_from_what_cannot_be_done() {
    let node = |uid: &str| document(json!({ "kind": "Node", "metadata": { "uid": uid }, "spec": {} }));
    let failed = stage([cannot(json!([])), node("n-2")]);
    let patched = failed.changes.patch(NODE, &cordon()).await;
    let reason = "/metadata/uid is \"n-2\" and not \"n-1\"".to_owned();
    assert_eq!(patched, Ok(Patched::TestFailed { reason }));

    let causes = json!([{ "reason": "FieldValueInvalid", "field": "spec.taints" }]);
    for (answers, class) in [
        (vec![cannot(json!([])), node("n-1")], ErrorClass::Permanent),
        (vec![cannot(causes)], ErrorClass::Permanent),
        (vec![cannot(json!([])), refusal(403)], ErrorClass::Denied),
        (vec![refusal(404)], ErrorClass::NotFound),
        (vec![refusal(409)], ErrorClass::Conflict),
    ] {
        let failure = stage(answers).changes.patch(NODE, &cordon()).await.expect_err("it cannot be done");
        assert_eq!(failure.class, class, "{failure}");
    }
}

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";

fn job() -> Value {
    json!({ "kind": "Job", "metadata": { "name": "smoke-1", "namespace": "shop" } })
}

fn conflict(reason: &str) -> Said {
    let message = "jobs.batch \"smoke-1\" cannot be made";
    Said::Status(409, JSON, json!({ "kind": "Status", "reason": reason, "message": message }))
}

#[tokio::test(start_paused = true)]
async fn what_is_made_is_asked_for_again_where_its_answer_is_lost() {
    let stage = stage([lost(), refusal(500), conflict("AlreadyExists")]);
    assert_eq!(stage.changes.create(JOBS, &job()).await, Ok(Created::There), "the first one did it");
    assert_eq!(stage.paths(), vec![format!("/base{JOBS}"); 3]);
    let sent = ("POST".to_owned(), "application/json".to_owned(), job());
    assert_eq!(stage.sent(), vec![sent; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_told_apart_from_what_is_there() {
    let made = stage([document(job())]).changes.create(JOBS, &job()).await;
    assert_eq!(made, Ok(Created::Made(job())));
    for (said, class) in [
        (conflict("Conflict"), ErrorClass::Conflict),
        (refusal(403), ErrorClass::Denied),
        (refusal(404), ErrorClass::NotFound),
        (cannot(json!([])), ErrorClass::Permanent),
        (Said::Status(201, JSON, json!([])), ErrorClass::Ambiguous),
    ] {
        let failure = stage([said]).changes.create(JOBS, &job()).await.expect_err("it was not made");
        assert_eq!(
            (failure.class, failure.operation.as_str()),
            (class, "kubernetes:create jobs"),
            "{failure}"
        );
    }
    let nameless =
        stage([]).changes.create(JOBS, &json!({ "kind": "Job" })).await.expect_err("it has no name");
    assert_eq!(nameless.class, ErrorClass::Permanent, "{nameless}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_the_uids_or_a_failure() {
    for now in [pod("u-2"), no_pod()] {
        assert_eq!(evict(&stage([refusal(409), now])).await, Ok(Eviction::Gone));
    }
    let failure = evict(&stage([refusal(409), pod("u-1")])).await.expect_err("something else conflicts");
    assert_eq!((failure.class, failure.operation.as_str()), (ErrorClass::Conflict, "kubernetes:evict pods"));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_evict_at_all_is_not_told_that_the_pod_is_gone() {
    for (said, class) in [(refusal(404), ErrorClass::NotFound), (refusal(403), ErrorClass::Denied)] {
        let failure = evict(&stage([said])).await.expect_err("no eviction");
        assert_eq!(failure.class, class, "{failure}");
    }
}
