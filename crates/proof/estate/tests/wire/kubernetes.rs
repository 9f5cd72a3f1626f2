//! A cluster's Kubernetes API: reading, evicting, changing, and who may.

use fleetwright_estate::wire::presigned;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::eks::{ACCOUNT, cluster_with};
use super::*;

/// Three nodes with a workload whose budget lets one pod go at a time, and one whose lets none go.
const CLUSTER: &str = r#"
    access = [{ principal = "arn:aws:iam::098765432109:user/tester", policies = ["AmazonEKSClusterAdminPolicy"] }]
    node_groups = [{ name = "n", nodes = 3 }]
    workloads = [
        { name = "web", replicas = 3, max_unavailable = 1 },
        { name = "db", kind = "stateful-set", replicas = 1, min_available = 1 },
    ]"#;

fn id(estate: &Estate) -> String {
    estate.with_world(|world| world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].id.clone())
}

pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) headers: http::HeaderMap,
}

impl Said {
    pub(super) fn document(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Asks the cluster with further headers and a document.
pub(super) async fn ask(
    estate: &Estate,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Said {
    let token = presigned::token(estate.credentials(), REGION, "c", start());
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/_clusters/{}{path}", id(estate)))
        .header("host", "127.0.0.1");
    if !headers.iter().any(|it| it.0 == "authorization") {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let response = estate.call(request.body(body).expect("a request")).await.expect("an answer");
    Said {
        status: response.status().as_u16(),
        body: text(&response).to_owned(),
        headers: response.headers().clone(),
    }
}

async fn get(estate: &Estate, path: &str) -> Value {
    let said = ask(estate, "GET", path, &[], Value::Null).await;
    assert_eq!(said.status, 200, "{path}: {}", said.body);
    said.document()
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|it| it["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
}

async fn pods(estate: &Estate, app: &str) -> Vec<String> {
    names(&get(estate, &format!("/api/v1/namespaces/default/pods?labelSelector=app%3D{app}")).await)
}

async fn evict(estate: &Estate, pod: &str) -> Said {
    let body = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod } });
    ask(estate, "POST", &format!("/api/v1/namespaces/default/pods/{pod}/eviction"), &[], body).await
}

#[tokio::test]
async fn lists_come_in_pages_and_as_metadata_alone() {
    let estate = cluster_with(CLUSTER);
    let all = names(&get(&estate, "/api/v1/nodes").await);
    assert_eq!(all.len(), 3);
    let first = get(&estate, "/api/v1/nodes?limit=2").await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (all[..2].to_vec(), &json!(1)));
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let second = get(&estate, &format!("/api/v1/nodes?limit=2&continue={token}")).await;
    assert_eq!((names(&second), &second["metadata"]["continue"]), (all[2..].to_vec(), &Value::Null));
    let accept = [("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")];
    let partial = ask(&estate, "GET", "/api/v1/pods", &accept, Value::Null).await.document();
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert!(partial["items"][0]["spec"].is_null() && partial["items"][0]["metadata"]["uid"].is_string());
    let told = estate.calls(0, usize::MAX).pop().expect("it is in the call log").request;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["path"], &told["answer"]["form"]), (&json!("/api/v1/pods"), &json!("metadata")));
    assert_eq!(told["answer"]["bytes"], partial.to_string().len());
}

#[tokio::test]
async fn whoever_prefers_tables_gets_a_row_for_each_object() {
    let estate = cluster_with(CLUSTER);
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let table = ask(&estate, "GET", "/api/v1/nodes?limit=2", &accept, Value::Null).await.document();
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    let columns: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .expect("columns")
        .iter()
        .filter(|it| it["priority"] == 0)
        .map(|it| it["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(columns, ["Name", "Status", "Roles", "Age", "Version"]);
    let rows = table["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &table["metadata"]["remainingItemCount"]), (2, &json!(1)));
    assert_eq!(rows[0]["cells"][1], "Ready");
    assert_eq!(rows[0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(rows[0]["object"]["metadata"]["name"], rows[0]["cells"][0]);
    // Who does not ask for them, or asks for what there is not, gets documents.
    let accept = [("accept", "application/json;as=Drawing;v=v1;g=meta.k8s.io,application/json")];
    assert_eq!(
        ask(&estate, "GET", "/api/v1/nodes", &accept, Value::Null).await.document()["kind"],
        "NodeList"
    );
    assert_eq!(get(&estate, "/api/v1/nodes").await["kind"], "NodeList");
}

#[tokio::test]
async fn what_is_served_goes_by_the_version_and_is_told_both_ways() {
    let estate = cluster_with(CLUSTER);
    let groups = get(&estate, "/apis").await;
    let old: Vec<&str> = groups["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|it| it["name"].as_str().expect("a name"))
        .collect();
    let accept = [("accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")];
    let said = ask(&estate, "GET", "/apis", &accept, Value::Null).await;
    let new = said.document();
    let new: Vec<&str> = new["items"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|it| it["metadata"]["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(old, new);
    let core = get(&estate, "/api/v1").await;
    let resources = core["resources"].as_array().expect("resources");
    assert!(resources.iter().any(|it| it["name"] == "pods/eviction" && it["kind"] == "Eviction"));
    let beta = "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas";
    assert_eq!(ask(&estate, "GET", beta, &[], Value::Null).await.status, 404, "1.33 does not serve it");
    assert_eq!(get(&estate, "/version").await["minor"], "33");
}

#[tokio::test]
async fn a_deprecated_version_warns_and_shows_in_the_metrics() {
    let estate = cluster_with(CLUSTER);
    let before = ask(&estate, "GET", "/metrics", &[], Value::Null).await.body;
    assert!(!before.contains("endpoints"));
    let said = ask(&estate, "GET", "/api/v1/endpoints", &[], Value::Null).await;
    let warning = said.headers["warning"].to_str().expect("ASCII");
    assert_eq!(
        warning,
        "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\""
    );
    let after = ask(&estate, "GET", "/metrics", &[], Value::Null).await.body;
    let line = "apiserver_requested_deprecated_apis{group=\"\",removed_release=\"\",resource=\"endpoints\",\
                subresource=\"\",version=\"v1\"} 1";
    assert!(after.contains(line), "{after}");
}

#[tokio::test]
async fn an_eviction_goes_as_far_as_the_budget() {
    let estate = cluster_with(CLUSTER);
    let before = pods(&estate, "web").await;
    assert_eq!(evict(&estate, &before[0]).await.status, 201);
    let refused = evict(&estate, &before[1]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let cause = &refused.document()["details"]["causes"][0];
    assert_eq!(cause["reason"], "DisruptionBudget");
    assert_eq!(cause["message"], "The disruption budget web needs 2 healthy pods and has 2 currently");
    estate.advance(60.0).expect("advanced");
    let after = pods(&estate, "web").await;
    assert!(after.len() == 3 && !after.contains(&before[0]), "another took its place: {after:?}");
    assert_eq!(evict(&estate, &before[1]).await.status, 201);
    assert_eq!(evict(&estate, "db-0").await.status, 429);
    let budget = get(&estate, "/apis/policy/v1/namespaces/default/poddisruptionbudgets/db").await;
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
}

#[tokio::test]
async fn a_dry_run_asks_and_changes_nothing() {
    let estate = cluster_with(CLUSTER);
    let before = pods(&estate, "web").await;
    for pod in &before {
        let body = json!({ "metadata": { "name": pod }, "deleteOptions": { "dryRun": ["All"] } });
        let path = format!("/api/v1/namespaces/default/pods/{pod}/eviction");
        assert_eq!(ask(&estate, "POST", &path, &[], body).await.status, 201);
    }
    estate.advance(60.0).expect("advanced");
    assert_eq!(pods(&estate, "web").await, before);
}

#[tokio::test]
async fn a_cordoned_node_gets_no_pods_until_it_is_opened() {
    let estate = cluster_with(CLUSTER);
    for node in names(&get(&estate, "/api/v1/nodes").await) {
        let headers = [("content-type", "application/strategic-merge-patch+json")];
        let patch = json!({ "spec": { "unschedulable": true } });
        let said = ask(&estate, "PATCH", &format!("/api/v1/nodes/{node}"), &headers, patch).await;
        assert_eq!((said.status, &said.document()["spec"]["unschedulable"]), (200, &json!(true)));
    }
    let gone = pods(&estate, "web").await[0].clone();
    assert_eq!(evict(&estate, &gone).await.status, 201);
    estate.advance(60.0).expect("advanced");
    let waiting = "/api/v1/pods?fieldSelector=status.phase%3DPending";
    assert_eq!(get(&estate, waiting).await["items"].as_array().map(Vec::len), Some(1));
    let node = names(&get(&estate, "/api/v1/nodes").await)[0].clone();
    let headers = [("content-type", "application/merge-patch+json")];
    let patch = json!({ "spec": { "unschedulable": null } });
    ask(&estate, "PATCH", &format!("/api/v1/nodes/{node}"), &headers, patch).await;
    estate.advance(60.0).expect("advanced");
    assert_eq!(get(&estate, waiting).await["items"], json!([]));
}

#[tokio::test]
async fn a_watch_tells_what_has_happened_since() {
    let estate = cluster_with(CLUSTER);
    let version = get(&estate, "/api/v1/pods").await["metadata"]["resourceVersion"].clone();
    let version = version.as_str().expect("a version").to_owned();
    let gone = pods(&estate, "web").await[0].clone();
    evict(&estate, &gone).await;
    estate.advance(60.0).expect("advanced");
    let path = format!("/api/v1/namespaces/default/pods?watch=true&resourceVersion={version}");
    let said = ask(&estate, "GET", &path, &[], Value::Null).await;
    let events: Vec<Value> =
        said.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (&events[0]["type"], &events[0]["object"]["metadata"]["name"]),
        (&json!("MODIFIED"), &json!(gone))
    );
    assert!(events.iter().any(|it| it["type"] == "DELETED") && events.iter().any(|it| it["type"] == "ADDED"));
    let future = "/api/v1/pods?watch=true&resourceVersion=999999";
    let expired = ask(&estate, "GET", future, &[], Value::Null).await.document();
    assert_eq!((&expired["type"], &expired["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

/// What a connection brings until a text has come.
async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(wanted) {
        let read = stream.read_buf(&mut said).await.expect("it can be read");
        assert_ne!(read, 0, "the connection ended before {wanted:?}: {}", String::from_utf8_lossy(&said));
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_watch_over_a_connection_goes_on_for_the_time_it_asked_for() {
    let estate = cluster_with(CLUSTER);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = Server::start(Arc::clone(&estate), listener).expect("a server");
    let nodes = get(&estate, "/api/v1/nodes").await;
    let (node, version) =
        (&names(&nodes)[0], nodes["metadata"]["resourceVersion"].as_str().expect("a version"));
    let token = presigned::token(estate.credentials(), REGION, "c", start());
    let path = format!(
        "/_clusters/{}/api/v1/nodes?watch=true&resourceVersion={version}&timeoutSeconds=60",
        id(&estate)
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    let patch = [("content-type", "application/merge-patch+json")];
    for closed in [true, false] {
        let wanted = json!({ "spec": { "unschedulable": closed } });
        ask(&estate, "PATCH", &format!("/api/v1/nodes/{node}"), &patch, wanted).await;
        let event = until(&mut stream, "\n\r\n").await;
        assert!(
            event.contains("MODIFIED") && event.contains(&format!("\"unschedulable\":{closed}")),
            "{event}"
        );
    }
    estate.advance(60.0).expect("advanced");
    assert!(until(&mut stream, "0\r\n\r\n").await.ends_with("0\r\n\r\n"), "the time is over");
    let watches = estate.calls(0, usize::MAX).into_iter().filter(|it| &*it.action == "kubernetes:watch");
    assert_eq!(watches.count(), 1, "it is told of once");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_webhook_that_cannot_be_reached_or_says_no_stands_against_evictions() {
    let webhook = |annotations: &str, client: &str| {
        format!(
            "{CLUSTER}\n[[clusters.objects]]\nresource = \"admissionregistration.k8s.io/validatingwebhookconfigurations\"\n\
             [clusters.objects.object]\napiVersion = \"admissionregistration.k8s.io/v1\"\n\
             kind = \"ValidatingWebhookConfiguration\"\nmetadata = {{ name = \"guard\", annotations = {{ {annotations} }} }}\n\
             [[clusters.objects.object.webhooks]]\nname = \"guard.example\"\nclientConfig = {{ {client} }}\n\
             rules = [{{ operations = [\"CREATE\"], apiGroups = [\"\"], apiVersions = [\"v1\"], resources = [\"pods/eviction\"] }}]"
        )
    };
    let says_no =
        cluster_with(&webhook("\"estate/denies\" = \"not today\"", "url = \"https://guard.example\""));
    let pod = pods(&says_no, "web").await[0].clone();
    let said = evict(&says_no, &pod).await;
    assert_eq!(said.status, 403);
    assert!(said.body.contains("denied the request: not today"), "{}", said.body);
    let nobody = cluster_with(&webhook("", "service = { namespace = \"default\", name = \"guard\" }"));
    let said = evict(&nobody, &pods(&nobody, "web").await[0]).await;
    assert_eq!(said.status, 500);
    assert!(said.body.contains("no endpoints available for service"), "{}", said.body);
}

#[tokio::test]
async fn a_token_is_good_for_its_cluster_and_for_who_has_an_entry() {
    let estate = cluster_with(CLUSTER);
    let other = presigned::token(estate.credentials(), REGION, "another", start());
    let stranger = Credentials { secret: "wrong".to_owned(), ..estate.credentials().clone() };
    let forged = presigned::token(&stranger, REGION, "c", start());
    for bad in [other.as_str(), &forged, "k8s-aws-v1.x", "secret"] {
        let headers = [("authorization", &*format!("Bearer {bad}"))];
        assert_eq!(ask(&estate, "GET", "/api/v1/pods", &headers, Value::Null).await.status, 401, "{bad}");
    }
    let nobody = [("authorization", "")];
    assert_eq!(ask(&estate, "GET", "/readyz", &nobody, Value::Null).await.body, "ok");
    let unlisted = cluster_with("access = []");
    assert_eq!(ask(&unlisted, "GET", "/api/v1/pods", &[], Value::Null).await.status, 401);
}

#[tokio::test]
async fn policies_and_roles_say_what_one_may() {
    let entry = |more: &str| {
        format!(
            "access = [{{ principal = \"arn:aws:iam::{ACCOUNT}:user/tester\", {more} }}]\nnode_groups = [{{ name = \"n\", nodes = 1 }}]\n"
        )
    };
    let views = cluster_with(&entry("policies = [\"AmazonEKSAdminViewPolicy\"]"));
    assert_eq!(ask(&views, "GET", "/api/v1/nodes", &[], Value::Null).await.status, 200);
    let node = names(&get(&views, "/api/v1/nodes").await)[0].clone();
    assert_eq!(ask(&views, "DELETE", &format!("/api/v1/nodes/{node}"), &[], Value::Null).await.status, 403);
    let roles = r#"
        [[clusters.objects]]
        resource = "rbac.authorization.k8s.io/clusterroles"
        object = { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = { name = "pods" }, rules = [{ apiGroups = [""], resources = ["pods"], verbs = ["list"] }] }
        [[clusters.objects]]
        resource = "rbac.authorization.k8s.io/clusterrolebindings"
        object = { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding", metadata = { name = "pods" }, subjects = [{ kind = "Group", name = "readers" }], roleRef = { kind = "ClusterRole", name = "pods" } }"#;
    let bound = cluster_with(&format!("{}{roles}", entry("groups = [\"readers\"]")));
    assert_eq!(ask(&bound, "GET", "/api/v1/pods", &[], Value::Null).await.status, 200);
    assert_eq!(ask(&bound, "GET", "/api/v1/nodes", &[], Value::Null).await.status, 403);
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (verb, allowed) in [("list", true), ("delete", false)] {
        let review = json!({ "spec": { "resourceAttributes": { "verb": verb, "resource": "pods" } } });
        assert_eq!(
            ask(&bound, "POST", path, &[], review).await.document()["status"]["allowed"],
            allowed,
            "{verb}"
        );
    }
}

#[tokio::test]
async fn faults_strike_the_kubernetes_api_by_its_own_actions() {
    let estate = cluster_with(CLUSTER);
    let rules = r#"[{"kind":"server_error","status":503,"service":"eks","action":"kubernetes:list"}]"#;
    let rules: Vec<FaultRule> = serde_json::from_str(rules).expect("fault rules");
    estate.add_faults(rules);
    assert_eq!(ask(&estate, "GET", "/api/v1/nodes", &[], Value::Null).await.status, 503);
    assert_eq!(ask(&estate, "GET", "/version", &[], Value::Null).await.status, 200);
    estate.clear_faults();
    assert_eq!(ask(&estate, "GET", "/api/v1/nodes", &[], Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_not_found() {
    let estate = cluster_with(CLUSTER);
    let request = Request::get("/_clusters/NOBODY/version").body(Bytes::new()).expect("a request");
    assert_eq!(estate.call(request).await.expect("an answer").status(), 404);
}
