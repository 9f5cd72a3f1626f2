//! Sets of nodes that are replaced together, and those that a plan leaves as they are.

use fleetwright_kubernetes::{IntOrPercent, Minor, Node, ObjectMeta};

use super::{LeftAlone, Refused};
use crate::facts::nodes::{LaunchSource, ManagedNodeGroup, NodePool, SelfManagedGroup};
use crate::facts::{Fact, Facts, UnreadCause};
use crate::maker::{Maker, maker};
use crate::solve::schedule::NodeSet;
use crate::solve::surge;

/// Nodes of a pool that drift lets go at once in the first waves; the pool's own budgets hold from the last on.
pub(super) const POOL_WAVES: [&str; 2] = ["1", "10%"];

/// Nodes of a managed group out of service at once at most. Source: EKS API reference, `NodegroupUpdateConfig`.
const AT_ONCE_MAX: i32 = 100;

/// A set of nodes that is replaced together.
pub(super) struct PlannedSet<'a> {
    pub(super) nodes: NodeSet,
    pub(super) kind: Kind<'a>,
    /// Nodes in it.
    pub(super) count: u32,
    /// Nodes out of service at once.
    pub(super) at_once: u32,
}

/// Who makes the nodes of a set.
pub(super) enum Kind<'a> {
    Managed(&'a ManagedNodeGroup),
    SelfManaged(&'a SelfManagedGroup),
    Pool { pool: &'a NodePool, waves: Vec<String> },
    Fargate { pods: Vec<&'a ObjectMeta> },
}

/// All nodes of a cluster.
#[derive(Default)]
pub(super) struct Sets<'a> {
    pub(super) planned: Vec<PlannedSet<'a>>,
    /// Sets that keep their nodes, and why.
    pub(super) fixed: Vec<(NodeSet, LeftAlone)>,
}

/// A fact without which there is no plan. That an API is not offered means that there is nothing of its kind.
pub(super) fn needed<'f, T>(what: &'static str, fact: &'f Fact<Vec<T>>) -> Result<&'f [T], Refused> {
    match fact {
        Fact::Known(list) => Ok(list),
        Fact::NotRead(unread) if unread.cause == UnreadCause::Unsupported => Ok(&[]),
        Fact::NotRead(unread) => Err(Refused::NotRead { what, unread: unread.clone() }),
    }
}

/// Sorts the nodes of a cluster by who makes them.
pub(super) fn sets(facts: &Facts) -> Result<Sets<'_>, Refused> {
    let nodes = needed("nodes", &facts.nodes.nodes)?;
    let managed = needed("managed node groups", &facts.nodes.managed)?;
    let pools = needed("node pools", &facts.nodes.pools)?;
    let made_by = |by: Maker<'_>| -> Vec<&Node> { nodes.iter().filter(|node| maker(node) == by).collect() };
    let mut sets = Sets::default();
    for group in managed {
        sets.managed(group, &made_by(Maker::ManagedGroup(&group.name)));
    }
    for pool in pools {
        sets.pool(pool, &made_by(Maker::Pool(&pool.name)));
    }
    let fargate = made_by(Maker::Fargate);
    if !fargate.is_empty() {
        sets.fargate(facts, &fargate)?;
    }
    let hybrid = made_by(Maker::Hybrid);
    sets.fixed("hybrid nodes", &hybrid, "they are upgraded by who runs them, with nodeadm");
    let others: Vec<&Node> = nodes
        .iter()
        .filter(|node| {
            // A group or a pool that is gone makes no nodes any more.
            match maker(node) {
                Maker::ManagedGroup(group) => managed.iter().all(|it| it.name != group),
                Maker::Pool(pool) => pools.iter().all(|it| it.name != pool),
                Maker::Fargate | Maker::Hybrid => false,
                Maker::Other => true,
            }
        })
        .collect();
    // Where all nodes are known to come from somewhere else, no Auto Scaling group has to be.
    let own = match others.is_empty() {
        true => facts.nodes.self_managed.known().map_or(&[][..], Vec::as_slice),
        false => needed("Auto Scaling groups", &facts.nodes.self_managed)?,
    };
    sets.own(own, &others);
    Ok(sets)
}

/// The oldest and the newest kubelet.
fn ends(name: String, nodes: &[&Node], also: Option<Minor>) -> Option<NodeSet> {
    let kubelets = || nodes.iter().map(|node| node.kubelet).chain(also);
    Some(NodeSet { name, oldest: kubelets().min()?, newest: kubelets().max()? })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Nodes out of service at once, at least one.
fn at_once(limit: IntOrPercent, nodes: u32, most: i32) -> u32 {
    let of = limit.of(i32::try_from(nodes).unwrap_or(i32::MAX)).clamp(1, most);
    u32::try_from(of).unwrap_or(1)
}

impl<'a> Sets<'a> {
    fn managed(&mut self, group: &'a ManagedNodeGroup, nodes: &[&Node]) {
        let name = format!("node group {}", group.name);
        let Some(set) = ends(name.clone(), nodes, Some(group.version)) else { return };
        if group.ami_type == "CUSTOM" {
            let why = "its image is of your own making: give its launch template an image for the target, and update \
                       the group to that version of the template";
            return self.fixed.push((set, LeftAlone { subject: name, why: why.to_owned() }));
        }
        let at_once = at_once(group.max_unavailable, group.nodes, AT_ONCE_MAX);
        self.planned.push(PlannedSet { nodes: set, kind: Kind::Managed(group), count: group.nodes, at_once });
    }

    fn pool(&mut self, pool: &'a NodePool, nodes: &[&Node]) {
        let name = format!("node pool {}", pool.name);
        // A pool without nodes makes those that it will have of the control plane's version.
        let Some(set) = ends(name.clone(), nodes, None) else { return };
        if pool.pinned_images {
            let why =
                "its node class names images by id: name those for the target, and its nodes drift to them";
            return self.fixed.push((set, LeftAlone { subject: name, why: why.to_owned() }));
        }
        let waves = match pool.auto_mode {
            true => Vec::new(),
            false => {
                POOL_WAVES.iter().map(|wave| (*wave).to_owned()).chain([pool.budget.to_string()]).collect()
            }
        };
        let all = count(nodes.len());
        let at_once = at_once(pool.budget, all, i32::MAX);
        self.planned.push(PlannedSet { nodes: set, kind: Kind::Pool { pool, waves }, count: all, at_once });
    }

    fn fargate(&mut self, facts: &'a Facts, nodes: &[&Node]) -> Result<(), Refused> {
        let pods = needed("pods", &facts.workloads.pods)?.iter();
        let on = |node: &str| nodes.iter().any(|it| it.metadata.name == node);
        let pods: Vec<&ObjectMeta> =
            pods.filter(|pod| pod.node.as_deref().is_some_and(on)).map(|pod| &pod.metadata).collect();
        if let Some(set) = ends("Fargate".to_owned(), nodes, None) {
            let all = count(pods.len());
            self.planned.push(PlannedSet {
                nodes: set,
                kind: Kind::Fargate { pods },
                count: all,
                at_once: 1,
            });
        }
        Ok(())
    }

    /// Nodes that neither EKS nor a pool made, by the Auto Scaling group that has their instances.
    fn own(&mut self, groups: &'a [SelfManagedGroup], nodes: &[&Node]) {
        for group in groups {
            let its: Vec<&Node> = nodes.iter().copied().filter(|node| group.has(node)).collect();
            self.of_group(group, &its);
        }
        let rest: Vec<&Node> =
            nodes.iter().copied().filter(|node| !groups.iter().any(|group| group.has(node))).collect();
        let why =
            "no Auto Scaling group, node group or pool is known to have made them: replace them by hand";
        self.fixed("nodes of nobody", &rest, why);
    }

    fn of_group(&mut self, group: &'a SelfManagedGroup, nodes: &[&Node]) {
        let name = format!("Auto Scaling group {}", group.name);
        let why = match &group.source {
            LaunchSource::Configuration => {
                "it is made from a launch configuration, which cannot be changed: move it to a template"
            }
            LaunchSource::SeveralTemplates => {
                "its mixed instances policy names several launch templates: give each an image of the target, and refresh it by hand"
            }
            LaunchSource::Template(_) => {
                let Some(set) = ends(name, nodes, None) else { return };
                let count = count(nodes.len());
                let at_once = surge::refresh_nodes(count);
                let kind = Kind::SelfManaged(group);
                return self.planned.push(PlannedSet { nodes: set, kind, count, at_once });
            }
        };
        self.fixed(&name, nodes, why);
    }

    fn fixed(&mut self, subject: &str, nodes: &[&Node], why: &str) {
        if let Some(set) = ends(subject.to_owned(), nodes, None) {
            let left = LeftAlone { subject: subject.to_owned(), why: why.to_owned() };
            self.fixed.push((set, left));
        }
    }
}
