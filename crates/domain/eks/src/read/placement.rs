//! Where a pod may run: affinities, spread, tolerations.
//!
//! Source: Kubernetes API reference, PodSpec.

use fleetwright_kubernetes::node::HOSTNAME_LABEL;
use fleetwright_kubernetes::pod::{AffinityTerm, Namespaces, TopologySpread};
use fleetwright_kubernetes::taint::Tolerated;
use fleetwright_kubernetes::{LabelSelector, Labels, Operator, Requirement, Toleration};
use serde_json::Value;

use super::value::{Fault, items, member, needed, parsed, text, texts};

/// The terms of the required node affinity; one must hold.
pub(super) fn node_affinity(pod: &Value) -> Result<Vec<Vec<Requirement>>, Fault> {
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let Some(required) = member(pod, required) else { return Ok(Vec::new()) };
    let mut terms = Vec::new();
    for term in items(required, "/nodeSelectorTerms")? {
        let mut requirements: Vec<Requirement> = parsed(term, "/matchExpressions")?.unwrap_or_default();
        let fields: Vec<Requirement> = parsed(term, "/matchFields")?.unwrap_or_default();
        for mut field in fields {
            if field.key != "metadata.name" {
                return Err(format!(
                    "its node affinity asks for the field {}, which is not known",
                    field.key
                ));
            }
            // A node of EKS bears its name as the label of its host.
            HOSTNAME_LABEL.clone_into(&mut field.key);
            requirements.push(field);
        }
        // A term without requirements finds no node.
        if !requirements.is_empty() {
            terms.push(requirements);
        }
    }
    if terms.is_empty() {
        let never =
            Requirement { key: HOSTNAME_LABEL.to_owned(), operator: Operator::In, values: Vec::new() };
        terms.push(vec![never]);
    }
    Ok(terms)
}

/// The required terms of `podAffinity` or `podAntiAffinity`.
pub(super) fn pod_affinity(pod: &Value, kind: &str) -> Result<Vec<AffinityTerm>, Fault> {
    let pointer = format!("/spec/affinity/{kind}/requiredDuringSchedulingIgnoredDuringExecution");
    let term = |term: &Value| {
        let (named, selected) = (texts(term, "/namespaces")?, parsed(term, "/namespaceSelector")?);
        let namespaces = match named.is_empty() && selected.is_none() {
            true => Namespaces::Own,
            false => Namespaces::Chosen { named, selected },
        };
        Ok(AffinityTerm {
            selector: parsed(term, "/labelSelector")?,
            namespaces,
            topology_key: needed(term, "/topologyKey")?.to_owned(),
        })
    };
    items(pod, &pointer)?.iter().map(term).collect()
}

/// Topology spread constraints that forbid placement.
pub(super) fn topology_spread(pod: &Value, labels: &Labels) -> Result<Vec<TopologySpread>, Fault> {
    let mut found = Vec::new();
    for constraint in items(pod, "/spec/topologySpreadConstraints")? {
        let forbids = text(constraint, "/whenUnsatisfiable")? != Some("ScheduleAnyway");
        // One without a selector counts no pods, and forbids nothing.
        let selector: Option<LabelSelector> = parsed(constraint, "/labelSelector")?;
        let Some(mut selector) = selector.filter(|_| forbids) else { continue };
        for key in texts(constraint, "/matchLabelKeys")? {
            if let Some(value) = labels.get(&key) {
                selector.match_labels.entry(key).or_insert_with(|| value.clone());
            }
        }
        found.push(TopologySpread {
            max_skew: parsed(constraint, "/maxSkew")?.unwrap_or(1),
            topology_key: needed(constraint, "/topologyKey")?.to_owned(),
            selector,
            min_domains: parsed(constraint, "/minDomains")?.unwrap_or(1),
        });
    }
    Ok(found)
}

/// What a pod tolerates.
pub(super) fn tolerations(pod: &Value) -> Result<Vec<Toleration>, Fault> {
    let read = |of: &Value| {
        let value = match text(of, "/operator")?.unwrap_or("Equal") {
            "Exists" => Tolerated::Any,
            "Equal" | "" => Tolerated::Equal(text(of, "/value")?.unwrap_or_default().to_owned()),
            other => return Err(format!("a toleration compares by {other}, which is not known")),
        };
        let key = text(of, "/key")?.filter(|key| !key.is_empty()).map(str::to_owned);
        let effect = match text(of, "/effect")? {
            None | Some("") => None,
            Some(_) => parsed(of, "/effect")?,
        };
        Ok(Toleration { key, value, effect })
    };
    items(pod, "/spec/tolerations")?.iter().map(read).collect()
}
