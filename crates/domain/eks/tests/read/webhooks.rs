//! Webhooks of admission, conversions and aggregated APIs, with what answers for them.

use fleetwright_eks::facts::ApiService;
use fleetwright_eks::read::Kind;
use fleetwright_eks::{Fact, UnreadCause};
use serde_json::{Value, json};

use crate::cluster::{Cluster, cluster, detail, known, object};

fn slice(name: &str, endpoints: Value) -> Value {
    let labels = json!({ "kubernetes.io/service-name": "policy" });
    object("policy", name, json!({ "metadata": { "labels": labels }, "endpoints": endpoints }))
}

fn configuration(webhook: Value) -> Value {
    let mut full = json!({
        "name": "check.policy.example",
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/eviction"] }],
        "clientConfig": { "service": { "namespace": "policy", "name": "policy" } },
    });
    for (key, value) in webhook.as_object().expect("members") {
        full[key] = value.clone();
    }
    object("", "policy", json!({ "webhooks": [full] }))
}

fn with(webhook: Value) -> Cluster {
    let name = json!({ "metadata": { "labels": { "kubernetes.io/metadata.name": "kube-system" } } });
    cluster()
        .with(Kind::ValidatingWebhooks, [configuration(webhook)])
        .with(Kind::Namespaces, [object("", "kube-system", name)])
        .with(
            Kind::EndpointSlices,
            [
                slice(
                    "policy-1",
                    json!([
                        { "nodeName": "node-a", "conditions": { "ready": true } },
                        { "nodeName": "node-b", "conditions": { "ready": false } },
                    ]),
                ),
                slice("policy-2", json!([{ "nodeName": "node-c", "conditions": {} }, {}])),
            ],
        )
}

#[test]
fn a_webhook_says_what_it_is_asked_and_where_it_answers() {
    let webhook = known(with(json!({})).read().apis.webhooks).remove(0);
    assert_eq!(webhook.configuration.to_string(), "ValidatingWebhookConfiguration policy");
    assert_eq!(
        (webhook.fails_closed, webhook.timeout_seconds, webhook.spares_kube_system),
        (true, 10, false)
    );
    assert_eq!(webhook.resources, ["pods", "pods/eviction"]);
    let nodes = ["node-a", "node-c", "(no node)"].map(str::to_owned).to_vec();
    assert_eq!(webhook.endpoint_nodes, Some(nodes), "an endpoint that says nothing is ready");
    assert_eq!(webhook.ca_expires_at, Fact::Known(None));
    let expression =
        json!({ "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"] });
    let other = json!({
        "failurePolicy": "Ignore", "timeoutSeconds": 3, "namespaceSelector": { "matchExpressions": [expression] },
        "clientConfig": { "url": "https://policy.example/" },
    });
    let webhook = known(with(other).read().apis.webhooks).remove(0);
    assert_eq!((webhook.fails_closed, webhook.timeout_seconds, webhook.spares_kube_system), (false, 3, true));
    assert_eq!(webhook.endpoint_nodes, None);
}

#[test]
fn a_service_without_slices_has_no_endpoints() {
    let webhook = configuration(json!({}));
    let read = cluster().with(Kind::MutatingWebhooks, [webhook]).read();
    assert_eq!(known(read.apis.webhooks)[0].endpoint_nodes, Some(vec![]));
}

#[test]
fn a_bundle_that_cannot_be_read_hides_nothing_else_of_the_webhook() {
    let config =
        json!({ "service": { "namespace": "policy", "name": "policy" }, "caBundle": "bm90aGluZw==" });
    let webhook = known(with(json!({ "clientConfig": config })).read().apis.webhooks).remove(0);
    let Fact::NotRead(why) = webhook.ca_expires_at else { panic!("it cannot be read") };
    assert_eq!(why.cause, UnreadCause::Incomplete);
    assert_eq!(
        why.detail,
        "webhook check.policy.example: its caBundle holds no certificate that can be read"
    );
    assert_eq!(webhook.endpoint_nodes.map(|nodes| nodes.len()), Some(3));
}

#[test]
fn a_webhook_that_cannot_be_understood_is_named() {
    let said = detail(with(json!({ "clientConfig": {} })).read().apis.webhooks);
    assert_eq!(said, "ValidatingWebhookConfiguration policy: url is missing");
}

#[test]
fn custom_resources_tell_their_versions_and_who_converts_them() {
    let definition = |name: &str, conversion: Value| {
        let versions = json!([{ "name": "v1", "served": true }, { "name": "v1alpha1", "served": false }]);
        let spec = json!({ "versions": versions, "conversion": conversion });
        object("", name, json!({ "spec": spec, "status": { "storedVersions": ["v1alpha1", "v1"] } }))
    };
    let service = json!({ "namespace": "nowhere", "name": "conversion" });
    let webhook = json!({ "strategy": "Webhook", "webhook": { "clientConfig": { "service": service } } });
    let read = cluster()
        .with(
            Kind::CustomResources,
            [definition("a.example", json!({ "strategy": "None" })), definition("b.example", webhook)],
        )
        .read();
    let found = known(read.apis.custom_resources);
    assert_eq!(
        (&found[0].stored_versions[..], &found[0].served_versions[..]),
        (&["v1alpha1".to_owned(), "v1".to_owned()][..], &["v1".to_owned()][..])
    );
    assert_eq!((found[0].conversion_endpoints, found[1].conversion_endpoints), (None, Some(0)));
}

#[test]
fn only_aggregated_apis_are_asked_whether_they_answer() {
    let service = |name: &str, rest: Value| object("", name, rest);
    let metrics = json!({
        "spec": { "service": { "name": "metrics-server", "namespace": "kube-system" } },
        "status": { "conditions": [{ "type": "Available", "status": "False", "message": "no endpoints" }] },
    });
    let silent = json!({ "spec": { "service": { "name": "x", "namespace": "y" } } });
    let read = cluster().with(
        Kind::ApiServices,
        [
            service("v1.apps", json!({ "spec": {} })),
            service("v1beta1.metrics.k8s.io", metrics),
            service("v1.silent", silent),
        ],
    );
    let unavailable = |name: &str, message: &str| ApiService {
        name: name.to_owned(),
        available: false,
        message: message.to_owned(),
    };
    let expected = [unavailable("v1beta1.metrics.k8s.io", "no endpoints"), unavailable("v1.silent", "")];
    assert_eq!(known(read.read().apis.api_services), expected);
}
