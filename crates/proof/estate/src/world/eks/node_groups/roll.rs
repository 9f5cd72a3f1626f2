//! Replacing the nodes of a group: new ones come, old ones are drained and go.
//!
//! Rules: EKS user guide, "Understand each phase of node updates". A node is drained for 15 minutes; what is on it
//! then makes the update fail, unless it is forced.

use jiff::{SignedDuration, Timestamp};

use super::super::update::{Problem, Status, Subject, Work};
use super::super::version::Minor;
use super::super::{Cluster, Ground, What, running};
use super::launch;
use crate::world::kube::nodes;

/// How long a node is drained.
const DRAIN: SignedDuration = SignedDuration::from_mins(15);
/// How long new nodes may take to be ready before the update fails.
const LAUNCH: SignedDuration = SignedDuration::from_mins(30);
/// How often it is looked at.
const LOOK: SignedDuration = SignedDuration::from_secs(10);
/// How long a drained node waits until it is ended, for controllers to notice.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// The replacement of a group's nodes.
#[derive(Clone, Debug)]
pub struct Roll {
    /// The group.
    pub group: String,
    /// The version that new nodes have.
    pub to: Minor,
    /// The release of their image.
    pub release: String,
    /// True where a node goes even with pods on it.
    pub force: bool,
    /// Nodes of the group as it was.
    pub old: Vec<String>,
    /// Nodes that have been launched for it.
    pub new: Vec<String>,
    /// Those that are drained, each since when; and since when they are empty.
    pub draining: Vec<(String, Timestamp, Option<Timestamp>)>,
    /// Nodes that there may be meanwhile.
    pub most: usize,
    /// When the last node was launched.
    pub launched: Timestamp,
    /// True where no subnet takes the next one.
    pub short: bool,
}

/// What a group's update asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The group.
    pub group: String,
    /// The version that new nodes have.
    pub to: Minor,
    /// The release of their image.
    pub release: String,
    /// True where a node goes even with pods on it.
    pub force: bool,
}

/// Begins to replace a group's nodes; the update's id, none where there is no such group.
pub fn begin(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    wish: Wish,
    token: Option<(String, String)>,
) -> Option<String> {
    let group = cluster.node_groups.get_mut(&wish.group)?;
    group.status = "UPDATING";
    let wanted = group.scaling.1;
    // Source: the guide's "Scale up phase".
    let zones = group.zones.len().max(1);
    let surge = if group.minimal { 0 } else { (2 * zones).max(group.at_once()) };
    let old = cluster.kube.nodes_of(&wish.group).into_iter().map(|it| it.0).collect();
    let params = vec![("Version", wish.to.to_string()), ("ReleaseVersion", wish.release.clone())];
    let subject = Subject::NodeGroup(wish.group.clone());
    let roll = Roll {
        group: wish.group,
        to: wish.to,
        release: wish.release,
        force: wish.force,
        old,
        new: Vec::new(),
        draining: Vec::new(),
        most: wanted + surge,
        launched: ground.now,
        short: false,
    };
    let id = cluster.begin(ground, subject, ("VersionUpdate", params), token, Work::Roll(roll));
    ground.after(SignedDuration::ZERO, What::Roll(id.clone()));
    Some(id)
}

/// Takes the next steps of an update, and comes back to it until it is over.
pub fn look(cluster: &mut Cluster, ground: &mut Ground<'_>, id: &str) {
    let Some(update) = cluster.update(id).filter(|it| it.status == Status::InProgress) else { return };
    let Work::Roll(mut roll) = update.work.clone() else { return };
    drain(cluster, ground, &mut roll);
    let failed = end_drained(cluster, ground, &mut roll);
    add_nodes(cluster, ground, &mut roll);
    let problem = failed.or_else(|| too_slow(cluster, ground, &roll));
    if let Some(problem) = problem {
        reopen(cluster, ground, &roll);
        settle(cluster, ground, &roll, None);
        cluster.end(id, vec![problem]);
        return;
    }
    if roll.old.is_empty() && all_ready(cluster, &roll) {
        scale_down(cluster, ground, &mut roll);
        settle(cluster, ground, &roll, Some(roll.to));
        cluster.end(id, Vec::new());
        return;
    }
    if let Some(update) = cluster.update_mut(id) {
        update.work = Work::Roll(roll);
    }
    ground.after(LOOK, What::Roll(id.to_owned()));
}

fn wanted(cluster: &Cluster, roll: &Roll) -> usize {
    cluster.node_groups.get(&roll.group).map_or(0, |it| it.scaling.1)
}

/// Launches as many nodes as may be there meanwhile and are still of use.
fn add_nodes(cluster: &mut Cluster, ground: &mut Ground<'_>, roll: &mut Roll) {
    let (wanted, minimal) =
        cluster.node_groups.get(&roll.group).map_or((0, false), |it| (it.scaling.1, it.minimal));
    let useful = if minimal { wanted } else { roll.most };
    roll.short = false;
    while roll.old.len() + roll.new.len() < roll.most && roll.new.len() < useful {
        let Some(name) = launch(cluster, ground, &roll.group, roll.to) else {
            roll.short = true;
            return;
        };
        roll.new.push(name);
        roll.launched = ground.now;
    }
}

/// Whether every new node is ready, as many as are wanted.
fn all_ready(cluster: &Cluster, roll: &Roll) -> bool {
    roll.new.len() >= wanted(cluster, roll) && ready_count(cluster, roll) == roll.new.len()
}

fn ready_count(cluster: &Cluster, roll: &Roll) -> usize {
    let ready =
        |name: &&String| cluster.kube.get(crate::world::kube::NODES, "", name).is_some_and(nodes::is_ready);
    roll.new.iter().filter(ready).count()
}

/// Begins with further nodes where that may be, and evicts what is on those that have begun.
fn drain(cluster: &mut Cluster, ground: &mut Ground<'_>, roll: &mut Roll) {
    let Some(group) = cluster.node_groups.get(&roll.group) else { return };
    let (at_once, minimal) = (group.at_once(), group.minimal);
    // New nodes first, unless the strategy is MINIMAL.
    let surged = !roll.short && !roll.new.is_empty();
    let may_begin = minimal || (surged && ready_count(cluster, roll) == roll.new.len());
    let missing = if minimal { roll.new.len() - ready_count(cluster, roll) } else { 0 };
    if may_begin {
        let begun = roll.draining.len();
        let begin: Vec<String> = roll
            .old
            .iter()
            .filter(|name| !roll.draining.iter().any(|it| it.0 == **name))
            .take(at_once.saturating_sub(begun + missing))
            .cloned()
            .collect();
        for name in begin {
            cluster.kube.cordon(&name, ground.now);
            roll.draining.push((name, ground.now, None));
        }
    }
    for (name, _, empty) in &mut roll.draining {
        if running::evict_all(cluster, ground, name) {
            empty.get_or_insert(ground.now);
        }
    }
}

/// Ends the nodes that are empty, or whose time is over where it is forced; else says what is still there.
fn end_drained(cluster: &mut Cluster, ground: &mut Ground<'_>, roll: &mut Roll) -> Option<Problem> {
    let draining = std::mem::take(&mut roll.draining);
    let mut problem = None;
    for (name, since, empty) in draining {
        let settled = empty.is_some_and(|at| ground.now.duration_since(at) >= SETTLE);
        let late = ground.now.duration_since(since) >= DRAIN;
        if settled || (late && roll.force) {
            running::end_node(cluster, ground, &name);
            roll.old.retain(|it| *it != name);
        } else {
            if late && empty.is_none() {
                problem.get_or_insert_with(|| Problem {
                    code: "PodEvictionFailure".to_owned(),
                    message: "Reached max retries while trying to evict pods from nodes in node group "
                        .to_owned()
                        + &roll.group,
                    resources: vec![name.clone()],
                });
            }
            roll.draining.push((name, since, empty));
        }
    }
    problem
}

fn too_slow(cluster: &Cluster, ground: &Ground<'_>, roll: &Roll) -> Option<Problem> {
    let late = ground.now.duration_since(roll.launched) >= LAUNCH;
    if late && roll.short {
        return shortage(cluster, ground, &roll.group);
    }
    let missing = roll.new.len() > ready_count(cluster, roll);
    (missing && late).then(|| Problem {
        code: "NodeCreationFailure".to_owned(),
        message: "Couldn't proceed with upgrade process as new nodes are not joining node group ".to_owned()
            + &roll.group,
        resources: roll.new.clone(),
    })
}

/// Why no subnet takes another node of a group.
fn shortage(cluster: &Cluster, ground: &Ground<'_>, group: &str) -> Option<Problem> {
    let group = cluster.node_groups.get(group)?;
    let offered = group.zones.iter().any(|zone| ground.network.offers(zone, &group.instance_type));
    let (code, message) = match offered {
        true => (
            "InsufficientFreeAddresses",
            "One or more of the subnets associated with your managed node group does not have enough available IP \
             addresses for new nodes"
                .to_owned(),
        ),
        false => (
            "NodeCreationFailure",
            format!("Your requested instance type ({}) is not supported in its zones", group.instance_type),
        ),
    };
    Some(Problem { code: code.to_owned(), message, resources: group.subnets.clone() })
}

/// Old nodes of an update that failed take pods again; new ones go beyond the wanted number.
fn reopen(cluster: &mut Cluster, ground: &mut Ground<'_>, roll: &Roll) {
    for (name, ..) in &roll.draining {
        cluster.kube.change(crate::world::kube::NODES, &nodes::node_key(name), ground.now, |node| {
            node["spec"]["unschedulable"] = serde_json::Value::Null;
        });
    }
    let surplus = (roll.old.len() + roll.new.len()).saturating_sub(wanted(cluster, roll));
    for name in roll.new.iter().rev().take(surplus) {
        running::end_node(cluster, ground, name);
    }
    running::schedule_pending(cluster, ground);
}

fn scale_down(cluster: &mut Cluster, ground: &mut Ground<'_>, roll: &mut Roll) {
    let surplus = roll.new.len().saturating_sub(wanted(cluster, roll));
    // The guide's "Scale down phase": the emptiest go first.
    let mut by_load: Vec<(usize, String)> =
        roll.new.iter().map(|name| (cluster.kube.pods_on(name).count(), name.clone())).collect();
    by_load.sort_unstable();
    for (_, name) in by_load.into_iter().take(surplus) {
        running::end_node(cluster, ground, &name);
        roll.new.retain(|it| *it != name);
    }
}

fn settle(cluster: &mut Cluster, ground: &Ground<'_>, roll: &Roll, reached: Option<Minor>) {
    if let Some(group) = cluster.node_groups.get_mut(&roll.group) {
        group.status = "ACTIVE";
        group.modified = ground.now;
        if let Some(version) = reached {
            (group.version, group.release) = (version, roll.release.clone());
        }
    }
}
