//! The port's contract, with the simulated estate behind the adapter.

use std::net::TcpListener;

use bytes::Bytes;
use fleetwright_clock::{SystemClock, VirtualClock};
use fleetwright_cluster_api::{Transport, Undelivered};
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::estate::{Estate, EstateOptions, Hub};
use fleetwright_estate::front::tcp::Server;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use fleetwright_estate::wire::presigned;
use fleetwright_kubernetes::Minor;
use fleetwright_model::ErrorClass;
use fleetwright_ports::conformance::kubernetes::{Expected, check};
use fleetwright_ports::conformance::kubernetes_changes::{self, Subject};
use fleetwright_ports::kubernetes::{Depth, Listing, ResourceAttributes};
use http::{Request, Response};

use super::*;

const ACCOUNT: &str = "098765432109";
const REGION: &str = "eu-central-1";
/// The deprecated metric of the API server. Source: Kubernetes metrics reference.
const DEPRECATED: &str = "apiserver_requested_deprecated_apis";

/// A cluster of 1.31 with three nodes and four pods, and a user with one of EKS's access policies.
fn estate(policy: &str) -> Arc<Estate> {
    estate_in(policy, ClockMode::Virtual { start: start() })
}

fn estate_in(policy: &str, clock: ClockMode) -> Arc<Estate> {
    let scenario = format!(
        r#"
        name = "cluster"
        start = "2026-08-10T00:00:00Z"
        [[accounts]]
        name = "prod"
        id = "{ACCOUNT}"
        environment = "prod"
        regions = ["{REGION}"]
        instances_per_region = 0
        [limits]
        enforcement = "off"
        [[clusters]]
        name = "shop"
        account = "prod"
        version = "1.31"
        access = [{{ principal = "arn:aws:iam::{ACCOUNT}:user/tester", policies = ["{policy}"] }}]
        node_groups = [{{ name = "n", nodes = 3 }}]
        workloads = [{{ name = "web", replicas = 3 }}, {{ name = "held", min_available = 1 }}]
        "#
    );
    let prepared = ScenarioFile::parse(&scenario, "test").expect("a scenario");
    let prepared = prepared.prepare(&Overrides::default()).expect("a world");
    let mut options = EstateOptions::from_scenario(prepared, clock);
    let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let all = NamedPolicy::parse("work", all).expect("a policy");
    let account = options.world.accounts.get_mut(ACCOUNT).expect("the account");
    account.iam.add_user(&ACCOUNT.to_owned(), "tester", vec![all]);
    let (account, user, region) = (ACCOUNT.to_owned(), "tester".to_owned(), REGION.to_owned());
    options.hub = Hub { account, user, region, roles: [].into() };
    Arc::new(Estate::new(options).expect("an estate"))
}

fn id(estate: &Estate) -> String {
    estate.with_world(|world| world.accounts[ACCOUNT].regions[REGION].clusters.by_name["shop"].id.clone())
}

/// EKS's tokens for the estate's user.
struct Signed(Arc<Estate>);

#[async_trait]
impl KubernetesTokens for Signed {
    async fn token(&self) -> Result<(BearerToken, Timestamp), Failure> {
        let token = presigned::token(self.0.credentials(), REGION, "shop", start());
        Ok((BearerToken::new(token), Timestamp::MAX))
    }
}

/// The estate in this process.
struct Front(Arc<Estate>);

#[async_trait]
impl Transport for Front {
    async fn call(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, Undelivered> {
        let lost = |_| Undelivered::Broken("the estate lost it".to_owned());
        self.0.call(request).await.map_err(lost)
    }
}

/// The apis of the estate in this process, and access to its cluster.
fn reached(estate: &Arc<Estate>, clock: &Arc<dyn Clock>) -> (ClusterApis, Access) {
    let apis = apis(clock).through(Arc::new(Front(Arc::clone(estate))));
    let endpoint = format!("https://{}.gr7.{REGION}.eks.amazonaws.com", id(estate));
    (apis, access(&endpoint, Arc::new(Signed(Arc::clone(estate)))))
}

fn in_process(estate: &Arc<Estate>) -> Arc<dyn Kubernetes> {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let (apis, access) = reached(estate, &clock);
    apis.connect(&access).expect("an address that can be used")
}

/// The path of a node, and the pods of a workload.
fn objects(estate: &Estate, workload: &str) -> (String, Vec<(String, String)>) {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["shop"].kube;
        let ((_, node), _) = kube.list("nodes", None).next().expect("a node");
        let pods = kube.list("pods", None).map(|(key, _)| key.clone());
        (format!("/api/v1/nodes/{node}"), pods.filter(|(_, name)| name.starts_with(workload)).collect())
    })
}

fn pods(estate: &Estate) -> usize {
    estate.with_world(|world| {
        let cluster = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["shop"];
        cluster.kube.list("pods", None).count()
    })
}

#[tokio::test]
async fn the_contract_is_kept_over_tcp_with_a_path_before_the_apis_own() {
    let estate = estate("AmazonEKSClusterAdminPolicy");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = Server::start(Arc::clone(&estate), listener).expect("a server");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let endpoint = format!("{}/_clusters/{}", server.endpoint(), id(&estate));
    let kubernetes = connect(&apis(&clock), &endpoint, Arc::new(Signed(Arc::clone(&estate))));
    let found = kubernetes.resources().await.expect("discovery");
    let old = found
        .resources
        .iter()
        .find(|of| of.plural == "flowschemas" && of.api.api_version.version == "v1beta3");
    let old = old.expect("1.31 serves it");
    kubernetes.list(old, &Listing::of(Depth::Metadata)).await.expect("a deprecated list");
    let (minor, pods) = (Minor::new(31), pods(&estate));
    let expected = Expected { minor, pods, metric: (DEPRECATED, 1), forbidden: None };
    check(kubernetes.as_ref(), &expected).await;
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_contract_is_kept_in_process_and_what_is_forbidden_is_told() {
    let estate = estate("AmazonEKSAdminViewPolicy");
    let kubernetes = in_process(&estate);
    let evict = ResourceAttributes {
        verb: "create",
        group: "",
        resource: "pods",
        subresource: "eviction",
        namespace: String::new(),
    };
    let (minor, pods) = (Minor::new(31), pods(&estate));
    let expected = Expected { minor, pods, metric: (DEPRECATED, 0), forbidden: Some(evict) };
    check(kubernetes.as_ref(), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn the_contract_of_changes_is_kept_by_who_may_change() {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let time = Arc::clone(&clock);
    let mode = ClockMode::External(Arc::new(move || time.now()));
    let estate = estate_in("AmazonEKSClusterAdminPolicy", mode);
    let (apis, access) = reached(&estate, &clock);
    let changes = apis.connect_for_changes(&access).expect("an address that can be used");
    let kubernetes = apis.connect(&access).expect("an address that can be used");
    let (node, free) = objects(&estate, "web");
    let (_, held) = objects(&estate, "held");
    let expected = kubernetes_changes::Expected {
        node,
        free: free[0].clone(),
        held: (held[0].clone(), "held".to_owned()),
    };
    let subject =
        Subject { changes: changes.as_ref(), kubernetes: kubernetes.as_ref(), clock: clock.as_ref() };
    kubernetes_changes::check(subject, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn who_may_only_look_changes_nothing() {
    let estate = estate("AmazonEKSAdminViewPolicy");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let (apis, access) = reached(&estate, &clock);
    let changes = apis.connect_for_changes(&access).expect("an address that can be used");
    let (node, pods) = objects(&estate, "web");
    let refused = changes.patch(&node, &serde_json::json!([])).await.expect_err("not for viewers");
    assert_eq!((refused.class, refused.operation.as_str()), (ErrorClass::Denied, "kubernetes:patch nodes"));
    let refused = changes.evict(&pods[0].0, &pods[0].1, "x").await.expect_err("not for viewers");
    assert_eq!((refused.class, refused.operation.as_str()), (ErrorClass::Denied, "kubernetes:evict pods"));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_may_not_list_is_denied_by_its_name() {
    let estate = estate("AmazonEKSViewPolicy");
    let kubernetes = in_process(&estate);
    let found = kubernetes.resources().await.expect("discovery");
    let nodes = found.resources.iter().find(|of| of.plural == "nodes").expect("nodes are served");
    let refused = kubernetes.list(nodes, &Listing::of(Depth::Whole)).await.expect_err("not for viewers");
    assert_eq!((refused.class, refused.operation.as_str()), (ErrorClass::Denied, "kubernetes:list nodes"));
    assert!(refused.message.starts_with("cluster shop: nodes is forbidden: User "), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_cluster_is_refused_after_one_more_try() {
    let estate = estate("AmazonEKSClusterAdminPolicy");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    let apis = apis(&clock).through(Arc::new(Front(Arc::clone(&estate))));
    let endpoint = format!("https://{}.gr7.{REGION}.eks.amazonaws.com", id(&estate));
    let kubernetes = connect(&apis, &endpoint, numbered(&clock));
    let refused = kubernetes.version().await.expect_err("it is no token of this cluster's");
    assert_eq!((refused.class, refused.attempts), (ErrorClass::Denied, 2), "{refused}");
    assert_eq!(kubernetes.traffic().requests, 2);
}
