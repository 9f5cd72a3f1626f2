//! What is sent, how long is waited, and what is made of answers; time is virtual.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleetwright_clock::VirtualClock;
use fleetwright_cluster_api::{Behalf, Transport, Undelivered};
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::kubernetes::{Depth, Listing, Resource};
use futures::future::join_all;
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;

/// One answer of the script.
pub(super) enum Said {
    Status(u16, &'static [(&'static str, &'static str)], Value),
    Lost(Undelivered),
    /// Nothing, for ever.
    Silence,
}

pub(super) fn document(document: Value) -> Said {
    Said::Status(200, &[("content-type", "application/json")], document)
}

pub(super) fn refusal(status: u16) -> Said {
    let headers = &[("content-type", "application/json")];
    Said::Status(status, headers, json!({ "kind": "Status", "message": "no", "reason": "No" }))
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Said>>,
    /// Path with its query, and token.
    asked: Mutex<Vec<(String, String)>>,
    /// Method, type of the content and document of what was sent with one.
    sent: Mutex<Vec<(String, String, Value)>>,
}

#[async_trait]
impl Transport for Script {
    async fn call(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, Undelivered> {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let token = request.headers()["authorization"].to_str().expect("ASCII").to_owned();
        assert!(request.headers()["authorization"].is_sensitive(), "it is not shown by Debug");
        assert_eq!(request.headers()["user-agent"], AGENT);
        self.asked.lock().expect("not poisoned").push((path, token));
        if let Some(kind) = request.headers().get("content-type") {
            let kind = kind.to_str().expect("ASCII").to_owned();
            let body = serde_json::from_slice(request.body()).expect("JSON");
            let sent = (request.method().to_string(), kind, body);
            self.sent.lock().expect("not poisoned").push(sent);
        }
        let said = self.answers.lock().expect("not poisoned").pop_front().expect("the script goes on");
        match said {
            Said::Status(status, headers, body) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(*name, *value);
                }
                Ok(response.body(Bytes::from(body.to_string())).expect("a response"))
            }
            Said::Lost(why) => Err(why),
            Said::Silence => std::future::pending().await,
        }
    }
}

pub(super) struct Stage {
    script: Arc<Script>,
    clock: Arc<dyn Clock>,
    kubernetes: Arc<dyn Kubernetes>,
    pub(super) changes: Arc<dyn KubernetesChanges>,
}

pub(super) fn stage(answers: impl IntoIterator<Item = Said>) -> Stage {
    stage_of(answers, None)
}

pub(super) fn stage_of(answers: impl IntoIterator<Item = Said>, behalf: Option<Behalf>) -> Stage {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let answers = Mutex::new(answers.into_iter().collect());
    let script = Arc::new(Script { answers, ..Script::default() });
    let apis = apis(&clock).through(Arc::clone(&script) as Arc<dyn Transport>);
    let apis = behalf.map_or_else(|| apis.clone(), |behalf| apis.on_behalf(behalf));
    let endpoint = "https://server.example/base";
    let kubernetes = connect(&apis, endpoint, numbered(&clock));
    let changes = apis.connect_for_changes(&access(endpoint, numbered(&clock))).expect("an address");
    Stage { script, clock, kubernetes, changes }
}

impl Stage {
    pub(super) fn paths(&self) -> Vec<String> {
        self.script.asked.lock().expect("not poisoned").iter().map(|asked| asked.0.clone()).collect()
    }

    fn tokens(&self) -> Vec<String> {
        self.script.asked.lock().expect("not poisoned").iter().map(|asked| asked.1.clone()).collect()
    }

    pub(super) fn sent(&self) -> Vec<(String, String, Value)> {
        self.script.sent.lock().expect("not poisoned").clone()
    }

    pub(super) fn passed(&self) -> SignedDuration {
        self.clock.now().duration_since(start())
    }
}

fn version() -> Said {
    document(json!({ "major": "1", "minor": "33+", "gitVersion": "v1.33.5-eks-3cfe0ce" }))
}

fn pods() -> Resource {
    let api = fleetwright_kubernetes::GroupVersionKind::new("v1", "Pod").expect("an API");
    Resource { api, plural: "pods".to_owned(), namespaced: true, verbs: vec!["list".to_owned()] }
}

fn page(names: &[&str], more: &str) -> Said {
    let items: Vec<Value> = names.iter().map(|name| json!({ "metadata": { "name": name } })).collect();
    document(json!({ "metadata": { "continue": more }, "items": items }))
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_until_shortly_before_its_end() {
    let stage = stage([version(), version(), version()]);
    stage.kubernetes.version().await.expect("the first");
    stage.clock.sleep(Duration::from_secs(13 * 60)).await;
    stage.kubernetes.version().await.expect("the same token");
    stage.clock.sleep(Duration::from_secs(60)).await;
    stage.kubernetes.version().await.expect("another token");
    assert_eq!(stage.tokens(), ["Bearer token-0", "Bearer token-0", "Bearer token-1"]);
    assert_eq!(stage.paths()[0], "/base/version");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once() {
    let mended = stage([refusal(401), version()]);
    assert_eq!(mended.kubernetes.version().await.map(|of| of.minor.number()), Ok(33));
    assert_eq!(mended.tokens(), ["Bearer token-0", "Bearer token-1"]);
    let refused = stage([refusal(401), refusal(401)]);
    let failure = refused.kubernetes.version().await.expect_err("both are refused");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Denied, code::REJECTED_CREDENTIALS.id));
    assert_eq!(failure.operation, "kubernetes:version");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let busy = Said::Status(429, &[("retry-after", "7")], Value::Null);
    let stage = stage([busy, refusal(503), version()]);
    stage.kubernetes.version().await.expect("the third attempt");
    assert_eq!(stage.passed(), SignedDuration::from_secs(8), "7 s as asked, then 1 s of our own");
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_moment_end_after_six_attempts() {
    let stage = stage((0..6).map(|_| Said::Lost(Undelivered::Broken("reset".to_owned()))));
    let failure = stage.kubernetes.version().await.expect_err("it never answers");
    assert_eq!((failure.class, failure.attempts), (ErrorClass::Transient, 6));
    assert_eq!(failure.message, "cluster shop: reset");
    assert_eq!(stage.passed(), SignedDuration::from_millis(15_500), "0.5, 1, 2, 4 and 8 s");
    assert_eq!(stage.kubernetes.traffic().requests, 6);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_waited_for_a_minute_each_time() {
    let stage = stage((0..6).map(|_| Said::Silence));
    let failure = stage.kubernetes.version().await.expect_err("it never answers");
    assert_eq!((failure.code.id, failure.attempts), (code::CALL_TIMEOUT.id, 5));
    assert_eq!(failure.message, "cluster shop: no answer within 60 s");
    assert_eq!(stage.passed(), SignedDuration::from_millis(307_500), "no attempt begins after 300 s");
}

#[tokio::test(start_paused = true)]
async fn what_trying_again_cannot_help_is_told_at_once() {
    let moved = || Said::Status(302, &[("location", "https://elsewhere.example/")], Value::Null);
    for (said, class, code) in [
        (refusal(403), ErrorClass::Denied, &code::DENIED),
        (refusal(404), ErrorClass::NotFound, &code::NOT_FOUND),
        (moved(), ErrorClass::Permanent, &code::UNEXPECTED_ANSWER),
        (Said::Lost(Undelivered::TooLong), ErrorClass::Permanent, &code::UNEXPECTED_ANSWER),
        (document(json!("x")), ErrorClass::Permanent, &code::UNEXPECTED_ANSWER),
    ] {
        let stage = stage([said]);
        let failure = stage.kubernetes.version().await.expect_err("no version");
        assert_eq!((failure.class, failure.code.id, failure.attempts), (class, code.id, 1), "{failure}");
        assert_eq!(stage.passed(), SignedDuration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_forgotten_begins_once_more() {
    let stage = stage([page(&["a", "b"], "x/1"), refusal(410), page(&["a"], "y"), page(&["c"], "")]);
    let listing = Listing { page: 2, labels: "owner=helm", namespace: "n", ..Listing::of(Depth::Whole) };
    let found = stage.kubernetes.list(&pods(), &listing).await.expect("the second time");
    let names: Vec<_> = found.iter().map(|of| of["metadata"]["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["a", "c"], "nothing of the first time is left");
    assert_eq!((&found[0]["kind"], &found[0]["apiVersion"]), (&json!("Pod"), &json!("v1")));
    let base = "/base/api/v1/namespaces/n/pods?limit=2&labelSelector=owner%3Dhelm";
    assert_eq!(stage.paths()[..2], [base.to_owned(), format!("{base}&continue=x%2F1")]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_forgotten_twice_or_is_none_is_no_list() {
    let list = async |answers: Vec<Said>| {
        let stage = stage(answers);
        stage.kubernetes.list(&pods(), &Listing::of(Depth::Whole)).await.expect_err("no list")
    };
    let twice = list(vec![page(&["a"], "x"), refusal(410), page(&["a"], "y"), refusal(410)]).await;
    assert_eq!((twice.class, twice.code.id), (ErrorClass::Conflict, code::CHANGED_WHILE_LISTING.id));
    let ring = list(vec![page(&["a"], "x"), page(&["b"], "x")]).await;
    assert_eq!(ring.message, "cluster shop: a page names itself as the next one");
    let none = list(vec![document(json!({ "kind": "Pod" }))]).await;
    assert_eq!(none.message, "cluster shop: the answer is no list");
    let odd = list(vec![document(json!({ "items": [1] }))]).await;
    assert_eq!(odd.message, "cluster shop: an item of the list is no object");
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_may_be_null() {
    let stage = stage([document(json!({ "metadata": {}, "items": null }))]);
    assert_eq!(stage.kubernetes.list(&pods(), &Listing::of(Depth::Metadata)).await, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_answer_is_a_gap_and_not_the_end() {
    let groups = json!({ "kind": "APIGroupList", "groups": [
        { "name": "apps", "versions": [{ "version": "v1" }] },
        { "name": "metrics.k8s.io", "versions": [{ "version": "v1beta1" }] },
    ] });
    let pods = json!({ "resources": [
        { "name": "pods", "kind": "Pod", "namespaced": true, "verbs": ["list"] },
        { "name": "pods/eviction", "kind": "Eviction", "namespaced": true, "verbs": ["create"] },
    ] });
    let sets = json!({ "resources": [
        { "name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["list"] },
    ] });
    let mut answers =
        vec![document(json!({ "versions": ["v1"] })), document(pods), document(groups), document(sets)];
    answers.extend((0..6).map(|_| refusal(503)));
    let stage = stage(answers);
    let found = stage.kubernetes.resources().await.expect("the rest");
    let kinds: Vec<_> = found.resources.iter().map(|of| of.api.to_string()).collect();
    assert_eq!(kinds, ["v1 Pod", "apps/v1 Deployment"]);
    let (version, failure) = &found.gaps[0];
    assert_eq!(
        (version.to_string().as_str(), failure.class),
        ("metrics.k8s.io/v1beta1", ErrorClass::Transient)
    );
}

#[tokio::test(start_paused = true)]
async fn an_aggregated_api_that_is_told_as_it_last_was_is_a_gap_too() {
    let core = json!({ "kind": "APIGroupDiscoveryList", "items": [] });
    let kind = json!({ "kind": "NodeMetrics" });
    let entry = json!({ "resource": "nodes", "responseKind": kind, "scope": "Cluster", "verbs": ["list"] });
    let version = json!({ "version": "v1beta1", "freshness": "Stale", "resources": [entry] });
    let rest = json!({ "kind": "APIGroupDiscoveryList",
        "items": [{ "metadata": { "name": "metrics.k8s.io" }, "versions": [version] }] });
    let stage = stage([document(core), document(rest)]);
    let found = stage.kubernetes.resources().await.expect("what it last was");
    assert_eq!(found.resources[0].api.to_string(), "metrics.k8s.io/v1beta1 NodeMetrics");
    assert!(!found.resources[0].namespaced && found.resources[0].is_listed());
    assert!(found.gaps[0].1.message.contains("metrics.k8s.io/v1beta1"), "{:?}", found.gaps);
}

/// Answers after a second, and remembers how many it had to do with at once.
struct Slow(Arc<dyn Clock>, AtomicUsize, AtomicUsize);

#[async_trait]
impl Transport for Slow {
    async fn call(&self, _: Request<Bytes>, _: usize) -> Result<Response<Bytes>, Undelivered> {
        let now = self.1.fetch_add(1, Ordering::SeqCst) + 1;
        self.2.fetch_max(now, Ordering::SeqCst);
        self.0.sleep(Duration::from_secs(1)).await;
        self.1.fetch_sub(1, Ordering::SeqCst);
        Ok(Response::new(Bytes::from(json!({ "gitVersion": "v1.33.5" }).to_string())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_asked_four_things_at_once_at_most() {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let slow = Arc::new(Slow(Arc::clone(&clock), 0.into(), 0.into()));
    let apis = apis(&clock).through(Arc::clone(&slow) as Arc<dyn Transport>);
    let kubernetes = connect(&apis, "https://server.example", numbered(&clock));
    let all = join_all((0..10).map(|_| kubernetes.version())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((slow.2.load(Ordering::SeqCst), clock.now().duration_since(start()).as_secs()), (4, 3));
}

#[test]
fn an_address_or_certificates_that_cannot_be_used_are_told_before_anything_is_sent() {
    let clock: Arc<dyn Clock> = Arc::new(fleetwright_clock::SystemClock);
    let refused = |endpoint: &str| {
        let (cluster, endpoint) = ("shop".to_owned(), endpoint.to_owned());
        let tokens = numbered(&clock);
        let access = Access { cluster, endpoint, certificate_authority: "§".to_owned(), tokens };
        let failure = apis(&clock).connect(&access).err().expect("refused");
        assert_eq!(
            (failure.class, failure.operation.as_str()),
            (ErrorClass::Permanent, "kubernetes:connect")
        );
        failure.message
    };
    assert!(
        refused("http://10.0.0.1").contains("the scheme must be https"),
        "{}",
        refused("http://10.0.0.1")
    );
    assert_eq!(
        refused("https://server.example"),
        "cluster shop: its certificates cannot be used: they are neither PEM nor base64"
    );
}
