//! Who stands between a request and its object: webhooks, conversions, aggregated APIs.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{LabelSelector, Labels};
use serde_json::Value;

use super::value::{self, Fault, count, flag, items, member, metadata, needed, parsed, text, texts};
use super::{Kind, Objects, Read, certificate, network, pods, workloads};
use crate::facts::{ApiService, CustomResource, Fact, UnreadCause, Webhook};

/// Nodes of the ready endpoints of each Service, by namespace and name.
type Endpoints = BTreeMap<(String, String), Vec<String>>;

/// Where the node of an endpoint is not told.
const NO_NODE: &str = "(no node)";

/// Source: Kubernetes API reference, EndpointSlice: `ready` that is not told is to be taken for ready.
fn endpoints(objects: &Objects) -> Read<Endpoints> {
    let mut found = Endpoints::new();
    let read = |slice: &Value| {
        let service = text(slice, "/metadata/labels/kubernetes.io~1service-name")?;
        let namespace = text(slice, "/metadata/namespace")?.unwrap_or_default();
        let mut nodes = Vec::new();
        for endpoint in items(slice, "/endpoints")? {
            if parsed(endpoint, "/conditions/ready")?.unwrap_or(true) {
                nodes.push(text(endpoint, "/nodeName")?.unwrap_or(NO_NODE).to_owned());
            }
        }
        Ok(service.map(|service| ((namespace.to_owned(), service.to_owned()), nodes)))
    };
    for (service, nodes) in value::each(objects.list(Kind::EndpointSlices)?, read)?.into_iter().flatten() {
        found.entry(service).or_default().extend(nodes);
    }
    Ok(found)
}

/// Nodes of the endpoints that a client configuration leads to; `None` where it leads out of the cluster.
fn nodes_of(config: &Value, endpoints: &Endpoints) -> Result<Option<Vec<String>>, Fault> {
    if member(config, "/service").is_none() {
        needed(config, "/url")?;
        return Ok(None);
    }
    let service =
        (needed(config, "/service/namespace")?.to_owned(), needed(config, "/service/name")?.to_owned());
    Ok(Some(endpoints.get(&service).cloned().unwrap_or_default()))
}

/// Webhooks of admission, of both kinds.
pub(super) fn webhooks(objects: &Objects) -> Read<Vec<Webhook>> {
    let lists = [objects.list(Kind::MutatingWebhooks)?, objects.list(Kind::ValidatingWebhooks)?];
    let (endpoints, namespaces) = (endpoints(objects)?, workloads::namespaces(objects)?);
    let system = namespaces.get(network::SYSTEM).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for configuration in lists.into_iter().flatten() {
        let all = items(configuration, "/webhooks");
        let all = all
            .and_then(|all| all.iter().map(|of| webhook(configuration, of, &endpoints, &system)).collect());
        let all: Vec<Webhook> = value::of(configuration, all)?;
        found.extend(all);
    }
    Ok(found)
}

fn webhook(
    configuration: &Value,
    of: &Value,
    endpoints: &Endpoints,
    system: &Labels,
) -> Result<Webhook, Fault> {
    let mut resources = Vec::new();
    for rule in items(of, "/rules")? {
        resources.extend(texts(rule, "/resources")?);
    }
    resources.sort();
    resources.dedup();
    let selector: Option<LabelSelector> = parsed(of, "/namespaceSelector")?;
    let config = member(of, "/clientConfig").ok_or("clientConfig is missing")?;
    Ok(Webhook {
        configuration: metadata(configuration)?.reference(needed(configuration, "/kind")?),
        name: needed(of, "/name")?.to_owned(),
        fails_closed: text(of, "/failurePolicy")? != Some("Ignore"),
        resources,
        spares_kube_system: selector.is_some_and(|selector| !selector.matches(system)),
        timeout_seconds: count(of, "/timeoutSeconds")?.unwrap_or(10),
        ca_expires_at: match text(config, "/caBundle")?.filter(|bundle| !bundle.is_empty()) {
            // The API server trusts what its machine trusts.
            None => Fact::Known(None),
            Some(bundle) => match certificate::good_until(bundle) {
                Some(until) => Fact::Known(Some(until)),
                None => Fact::unread(
                    UnreadCause::Incomplete,
                    format!(
                        "webhook {}: its caBundle holds no certificate that can be read",
                        needed(of, "/name")?
                    ),
                ),
            },
        },
        endpoint_nodes: nodes_of(config, endpoints)?,
    })
}

/// Definitions of custom resources.
pub(super) fn custom_resources(objects: &Objects) -> Read<Vec<CustomResource>> {
    let list = objects.list(Kind::CustomResources)?;
    let converts = |of: &Value| of["spec"]["conversion"]["strategy"] == "Webhook";
    let endpoints = if list.iter().any(converts) { endpoints(objects)? } else { Endpoints::new() };
    value::each(list, |of| {
        let mut served_versions = Vec::new();
        for version in items(of, "/spec/versions")? {
            if flag(version, "/served")? {
                served_versions.push(needed(version, "/name")?.to_owned());
            }
        }
        let config = member(of, "/spec/conversion/webhook/clientConfig").filter(|_| converts(of));
        let nodes = config.map(|config| nodes_of(config, &endpoints)).transpose()?.flatten();
        Ok(CustomResource {
            name: needed(of, "/metadata/name")?.to_owned(),
            stored_versions: texts(of, "/status/storedVersions")?,
            served_versions,
            conversion_endpoints: nodes.map(|nodes| nodes.len()),
        })
    })
}

/// Aggregated APIs; those that the API server serves itself have no Service.
pub(super) fn api_services(objects: &Objects) -> Read<Vec<ApiService>> {
    let read = |of: &Value| {
        if member(of, "/spec/service").is_none() {
            return Ok(None);
        }
        let mut conditions = items(of, "/status/conditions")?.iter();
        let condition = conditions.find(|of| of["type"] == "Available");
        let message = condition.map(|of| text(of, "/message")).transpose()?.flatten().unwrap_or_default();
        Ok(Some(ApiService {
            name: needed(of, "/metadata/name")?.to_owned(),
            available: pods::condition(of, "Available") == Some(true),
            message: message.to_owned(),
        }))
    };
    Ok(value::each(objects.list(Kind::ApiServices)?, read)?.into_iter().flatten().collect())
}
