//! Claims: what a pool has asked for, and how that stands.
//!
//! Source: karpenter.sh, "NodeClaims", version 1.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Image, NODE_CLAIMS, POOL};
use crate::world::eks::Cluster;
use crate::world::kube::{Key, Store, owned_by, seconds};

fn condition(kind: &str, status: &str, reason: &str, now: Timestamp) -> Value {
    json!({ "type": kind, "status": status, "reason": reason, "message": "",
            "lastTransitionTime": seconds(now) })
}

/// Makes the claim of a node that was launched.
pub(super) fn claimed(cluster: &mut Cluster, pool: &Value, (node, image): (&Value, &Image), now: Timestamp) {
    let name = pool["metadata"]["name"].as_str().unwrap_or_default();
    let mut labels = node["metadata"]["labels"].clone();
    labels[POOL] = name.into();
    let template = &pool["spec"]["template"]["spec"];
    let conditions = json!([
        condition("Launched", "True", "Launched", now),
        condition("Registered", "True", "Registered", now),
        condition("Initialized", "Unknown", "NodeNotReady", now),
        condition("Ready", "Unknown", "Initialized", now),
    ]);
    let made = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {
            "name": format!("{name}-{}", cluster.kube.letters(name, 5)),
            "labels": labels,
            "annotations": {},
            "finalizers": ["karpenter.sh/termination"],
            "ownerReferences": owned_by(pool),
        },
        "spec": {
            "nodeClassRef": template["nodeClassRef"],
            "requirements": template["requirements"],
            "taints": template["taints"],
            "expireAfter": template["expireAfter"],
        },
        "status": {
            "nodeName": node["metadata"]["name"],
            "providerID": node["spec"]["providerID"],
            "imageID": image.id,
            "capacity": node["status"]["capacity"],
            "allocatable": node["status"]["allocatable"],
            "conditions": conditions,
        },
    });
    cluster.kube.put(NODE_CLAIMS, made, now);
}

impl Store {
    /// The claims of a pool, in the order of their names.
    pub(super) fn claims_of_pool(&self, pool: &str) -> Vec<(&Key, &Value)> {
        let all = self.list(NODE_CLAIMS, None);
        all.filter(|(_, claim)| claim["metadata"]["labels"][POOL] == pool).collect()
    }

    /// The claim that stands for a node.
    pub(super) fn claim_of(&self, node: &str) -> Option<(&Key, &Value)> {
        self.list(NODE_CLAIMS, None).find(|(_, claim)| claim["status"]["nodeName"] == node)
    }
}

/// The condition of a kind; null where there is none.
fn found<'c>(claim: &'c Value, kind: &str) -> &'c Value {
    let mut all = claim["status"]["conditions"].as_array().into_iter().flatten();
    all.find(|it| it["type"] == kind).unwrap_or(&Value::Null)
}

/// Whether a claim's node has drifted from what its pool's class says.
pub(super) fn has_drifted(claim: &Value) -> bool {
    found(claim, "Drifted")["status"] == "True"
}

/// Tells by a claim's conditions that its node is ready.
pub(super) fn ready(cluster: &mut Cluster, node: &str, now: Timestamp) {
    let Some(key) = cluster.kube.claim_of(node).map(|(key, _)| key.clone()) else { return };
    for kind in ["Initialized", "Ready"] {
        set(cluster, &key, kind, Some(kind), now);
    }
}

/// Tells by a claim's conditions whether its node has drifted, where that is not told yet.
pub(super) fn tell_drift(cluster: &mut Cluster, key: &Key, drifted: bool, now: Timestamp) {
    let told = cluster.kube.get(NODE_CLAIMS, "", &key.1).is_some_and(has_drifted);
    if told != drifted {
        set(cluster, key, "Drifted", drifted.then_some("AMIDrift"), now);
    }
}

/// Sets a condition to true for a reason, or takes it away.
fn set(cluster: &mut Cluster, key: &Key, kind: &str, reason: Option<&str>, now: Timestamp) {
    cluster.kube.change(NODE_CLAIMS, key, now, |claim| {
        let Some(all) = claim["status"]["conditions"].as_array_mut() else { return };
        all.retain(|it| it["type"] != kind);
        all.extend(reason.map(|reason| condition(kind, "True", reason, now)));
    });
}
