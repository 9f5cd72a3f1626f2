//! An API server in memory keeps the contracts of the real ones.

use std::sync::Arc;

use fleetwright_clock::VirtualClock;
use fleetwright_kubernetes::Minor;
use fleetwright_model::ErrorClass;
use fleetwright_ports::conformance::{kubernetes, kubernetes_changes};
use fleetwright_ports::kubernetes::{Eviction, ResourceAttributes};
use fleetwright_ports::{Clock, KubernetesChanges};
use fleetwright_testkit::{FakeKubernetes, Fault};
use serde_json::json;

const NODE: &str = "/api/v1/nodes/a";
const FREE: &str = "/api/v1/namespaces/shop/pods/web-0";
const HELD: &str = "/api/v1/namespaces/shop/pods/db-0";

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::starting_at("2026-11-02T02:00:00Z".parse().expect("a time")))
}

fn server(clock: &Arc<dyn Clock>) -> FakeKubernetes {
    let server = FakeKubernetes::new(Minor::new(34), Arc::clone(clock));
    server.put(NODE, json!({ "metadata": { "labels": { "zone": "a" } }, "spec": {} }));
    for pod in [FREE, HELD] {
        server.put(pod, json!({ "spec": { "containers": [] } }));
    }
    server.hold(HELD, Some("db"));
    server
}

#[tokio::test(start_paused = true)]
async fn a_server_in_memory_is_looked_at_as_a_real_one() {
    let server = server(&clock());
    let evict = ResourceAttributes {
        verb: "create",
        group: "",
        resource: "pods",
        subresource: "eviction",
        namespace: String::new(),
    };
    server.forbid(evict.clone());
    let expected = kubernetes::Expected {
        minor: Minor::new(34),
        pods: 2,
        metric: ("apiserver_request_total", 1),
        forbidden: Some(evict),
    };
    kubernetes::check(&server, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_in_memory_is_changed_as_a_real_one() {
    let clock = clock();
    let server = server(&clock);
    let pod = |name: &str| ("shop".to_owned(), name.to_owned());
    let expected = kubernetes_changes::Expected {
        node: NODE.to_owned(),
        free: pod("web-0"),
        held: (pod("db-0"), "db".to_owned()),
    };
    let subject = kubernetes_changes::Subject { changes: &server, kubernetes: &server, clock: &*clock };
    kubernetes_changes::check(subject, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn an_eviction_whose_reply_is_lost_has_taken_effect() {
    let clock = clock();
    let server = server(&clock);
    let pod = fleetwright_ports::Kubernetes::object(&server, FREE).await.expect("an answer").expect("a pod");
    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    server.fail_next("kubernetes:evict pods", Fault::LostReply);
    let lost = server.evict("shop", "web-0", uid).await.expect_err("nobody knows");
    assert_eq!(lost.class, ErrorClass::Ambiguous);
    assert_eq!(server.evict("shop", "web-0", uid).await, Ok(Eviction::Accepted));
    clock.sleep(std::time::Duration::from_secs(31)).await;
    assert_eq!(server.evict("shop", "web-0", uid).await, Ok(Eviction::Gone));
}
