//! Replacing nodes that have drifted from what their pool's class says: a new one comes, the old one is drained and goes.
//!
//! Rules: karpenter.sh, "Disruption", version 1. Karpenter's controller does it, where one of its pods is ready; for pools
//! of EKS Auto Mode, EKS does.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{CONTROLLER, NODE_CLAIMS, NODE_POOLS, budgets, claims, image_of, is_auto};
use crate::world::eks::{Cluster, Ground, What, running};
use crate::world::instance_types;
use crate::world::kube::pods::{cpu_milli, is_ready, tolerates};
use crate::world::kube::{Key, NODES, PODS, nodes, selects};

/// How often a pool is looked at of which nodes are being replaced.
const LOOK: SignedDuration = SignedDuration::from_secs(10);
/// How often one is looked at that has drifted and is held.
const HELD: SignedDuration = SignedDuration::from_secs(60);
/// How long a new node may take to be ready.
const REGISTRATION: SignedDuration = SignedDuration::from_mins(15);

/// What keeps nodes from being replaced, on themselves or on pods there.
const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// The taint of a node that is going.
const DISRUPTED: &str = "karpenter.sh/disrupted";

/// A node that is being replaced.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    old: String,
    /// None where it goes without one that takes its place.
    new: Option<String>,
    began: Timestamp,
    /// Since when the old one is drained.
    draining: Option<Timestamp>,
}

/// Looks at a pool at that moment, or sooner where that is agreed already.
pub(super) fn look_at(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str, at: Timestamp) {
    let Some(pool) = cluster.pools.get_mut(name) else { return };
    if pool.next.is_none_or(|next| at < next) {
        pool.next = Some(at);
        ground.after(at.duration_since(ground.now), What::Pool(name.to_owned()));
    }
}

/// Takes the next steps with a pool, and comes back to it while there is something to do.
pub fn look(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str) {
    let Some(pool) = cluster.pools.get_mut(name).filter(|pool| pool.next == Some(ground.now)) else { return };
    pool.next = None;
    let Some(object) = cluster.kube.get(NODE_POOLS, "", name).cloned() else { return };
    if !is_looked_after(cluster, &object) {
        look_at(cluster, ground, name, after(ground, HELD));
        return;
    }
    let drifted = mark(cluster, ground, name, &object);
    go_on(cluster, ground, name, &object);
    begin(cluster, ground, (name, &object), &drifted);
    super::tell(cluster, name, ground.now);
    let busy = cluster.pools.get(name).is_some_and(|pool| !pool.replacing.is_empty());
    match (busy, drifted.is_empty()) {
        (true, _) => look_at(cluster, ground, name, after(ground, LOOK)),
        (false, false) => look_at(cluster, ground, name, after(ground, HELD)),
        (false, true) => {}
    }
}

fn after(ground: &Ground<'_>, takes: SignedDuration) -> Timestamp {
    ground.now.checked_add(takes).unwrap_or(Timestamp::MAX)
}

/// Whether somebody replaces nodes of a pool: EKS, or a controller that runs.
fn is_looked_after(cluster: &Cluster, pool: &Value) -> bool {
    let (namespace, name) = CONTROLLER;
    let Some(controller) = cluster.kube.get("apps/deployments", namespace, name) else {
        return is_auto(pool);
    };
    let selector = &controller["spec"]["selector"];
    let mut pods = cluster.kube.list(PODS, Some(namespace)).map(|it| it.1);
    is_auto(pool) || pods.any(|pod| selects(selector, &pod["metadata"]["labels"]) && is_ready(pod))
}

/// Says by the claims of a pool which of its nodes have drifted; answers with those.
fn mark(cluster: &mut Cluster, ground: &Ground<'_>, name: &str, pool: &Value) -> Vec<String> {
    let Some(instance_type) = cluster.pools.get(name).map(|it| it.instance_type.clone()) else {
        return Vec::new();
    };
    let Some(image) = image_of(cluster, pool, &instance_type, ground.code) else { return Vec::new() };
    let all = cluster.kube.claims_of_pool(name).into_iter();
    let all: Vec<(Key, Option<String>, bool)> = all
        .map(|(key, claim)| {
            let node = claim["status"]["nodeName"].as_str().map(str::to_owned);
            (key.clone(), node, claim["status"]["imageID"] != image.id.as_str())
        })
        .collect();
    for (key, _, drifted) in &all {
        claims::tell_drift(cluster, key, *drifted, ground.now);
    }
    all.into_iter().filter(|it| it.2).filter_map(|it| it.1).collect()
}

/// Goes on with the nodes that are being replaced.
fn go_on(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str, pool: &Value) {
    let Some(found) = cluster.pools.get_mut(name) else { return };
    let mut left = Vec::new();
    for mut it in std::mem::take(&mut found.replacing) {
        let is_there = |node: &str| cluster.kube.get(NODES, "", node);
        if is_there(&it.old).is_none() {
            forget(cluster, &it.old);
            continue;
        }
        let ready = it.new.as_deref().is_none_or(|new| is_there(new).is_some_and(nodes::is_ready));
        match it.draining {
            None if ready => it.draining = Some(ground.now),
            None if ground.now.duration_since(it.began) >= REGISTRATION => {
                give_up(cluster, ground, &it);
                continue;
            }
            _ => {}
        }
        if it.draining.is_none_or(|since| !drained(cluster, ground, (&it.old, since), pool)) {
            left.push(it);
        }
    }
    if let Some(found) = cluster.pools.get_mut(name) {
        found.replacing = left;
    }
}

/// Evicts what is on a node, and ends it when nothing is left or its time is over; true where it has ended.
fn drained(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    (node, since): (&str, Timestamp),
    pool: &Value,
) -> bool {
    let empty = running::evict_where(cluster, ground, node, |pod| !tolerates(pod, &taint()));
    let late = grace(pool).is_some_and(|grace| ground.now.duration_since(since) >= grace);
    if empty || late {
        running::end_node(cluster, ground, node);
        forget(cluster, node);
    }
    empty || late
}

/// How long a node may take to be drained; none where that may last for ever.
fn grace(pool: &Value) -> Option<SignedDuration> {
    budgets::duration(pool["spec"]["template"]["spec"]["terminationGracePeriod"].as_str()?)
}

/// A new node did not come: it is ended, and the old one takes pods again.
fn give_up(cluster: &mut Cluster, ground: &mut Ground<'_>, it: &Replacement) {
    if let Some(new) = &it.new {
        running::end_node(cluster, ground, new);
        forget(cluster, new);
    }
    cluster.kube.change(NODES, &nodes::node_key(&it.old), ground.now, |node| {
        if let Some(taints) = node["spec"]["taints"].as_array_mut() {
            taints.retain(|taint| taint["key"] != DISRUPTED);
        }
    });
    running::schedule_pending(cluster, ground);
}

fn taint() -> Value {
    json!({ "key": DISRUPTED, "effect": "NoSchedule" })
}

/// Takes the claim of a node away that is gone.
fn forget(cluster: &mut Cluster, node: &str) {
    if let Some(key) = cluster.kube.claim_of(node).map(|(key, _)| key.clone()) {
        cluster.kube.remove(NODE_CLAIMS, &key);
    }
}

/// Begins to replace one node more, where budgets and limits let that be.
fn begin(cluster: &mut Cluster, ground: &mut Ground<'_>, (name, pool): (&str, &Value), drifted: &[String]) {
    let Some(found) = cluster.pools.get(name) else { return };
    let going: BTreeSet<&str> = found.replacing.iter().map(|it| it.old.as_str()).collect();
    let coming: BTreeSet<&str> = found.replacing.iter().filter_map(|it| it.new.as_deref()).collect();
    let own = cluster.kube.nodes_of_pool(name);
    let own: Vec<_> = own.into_iter().filter(|(node, _)| !coming.contains(node)).collect();
    let gone = own.iter().filter(|(node, it)| going.contains(node) || !nodes::is_ready(it)).count();
    if gone >= budgets::allowed(pool, own.len(), ground.now) || !has_room(cluster, name, pool) {
        return;
    }
    let lasts = grace(pool).is_some();
    let may_go = |node: &&String| {
        let is_open = own.iter().any(|(it, object)| it == node && nodes::is_ready(object));
        is_open && !going.contains(node.as_str()) && (lasts || nothing_holds(cluster, node))
    };
    let Some(old) = drifted.iter().find(may_go).cloned() else { return };
    let Some(image) = image_of(cluster, pool, &found.instance_type, ground.code) else { return };
    let Some(new) = super::launch(cluster, ground, pool, &image) else { return };
    cluster.kube.change(NODES, &nodes::node_key(&old), ground.now, |node| {
        match node["spec"]["taints"].as_array_mut() {
            Some(taints) => taints.push(taint()),
            None => node["spec"]["taints"] = json!([taint()]),
        }
    });
    let replacement = Replacement { old, new: Some(new), began: ground.now, draining: None };
    if let Some(found) = cluster.pools.get_mut(name) {
        found.replacing.push(replacement);
    }
}

/// Whether a pool's limit of processors lets it have another node.
fn has_room(cluster: &Cluster, name: &str, pool: &Value) -> bool {
    let limit = &pool["spec"]["limits"]["cpu"];
    if limit.is_null() {
        return true;
    }
    let has = cpu_milli(&super::resources(cluster, name)["cpu"]);
    let instance_type = cluster.pools.get(name).and_then(|it| instance_types::find(&it.instance_type));
    let needs = instance_type.map_or(0, |it| u64::from(it.vcpus) * 1_000);
    has + needs <= cpu_milli(limit)
}

/// Whether nothing on a node, and not the node itself, keeps it from being replaced.
fn nothing_holds(cluster: &Cluster, node: &str) -> bool {
    let says_no = |object: &Value| object["metadata"]["annotations"][DO_NOT_DISRUPT] == "true";
    let itself = cluster.kube.get(NODES, "", node).is_some_and(says_no);
    let mut pods = cluster.kube.pods_on(node).filter(|(_, pod)| running::is_evicted(pod));
    let held = |(key, pod): (&Key, &Value)| {
        says_no(pod) || (!tolerates(pod, &taint()) && cluster.kube.may_evict(key, pod).is_err())
    };
    !itself && !pods.any(held)
}
