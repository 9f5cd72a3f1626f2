//! The control plane: upgrades by one minor version, and the way back within seven days.
//!
//! Rules: EKS user guide, "Update existing cluster to new Kubernetes version" and "Roll back a cluster's
//! Kubernetes version".

use jiff::{SignedDuration, Timestamp};

use super::addons::Kind;
use super::insights::{self, Category};
use super::update::{Problem, Status, Subject, Work};
use super::version::{self, Minor};
use super::{Cluster, Ground, What};
use super::{network, node_pools};
use crate::world::kube::NODES;
use crate::world::kube::nodes;

/// How long after an upgrade the way back is open.
pub const ROLLBACK_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Minutes that a rollback may be given, and those it is given where nobody says (API reference,
/// "RollbackConfig").
pub const ROLLBACK_MINUTES: (i64, i64, i64) = (120, 10_080, 720);

/// How often nodes that go back are looked at.
const LOOK: SignedDuration = SignedDuration::from_secs(60);

/// How many minor versions nodes may be behind the control plane (Kubernetes, "Version Skew Policy").
pub const MAX_SKEW: u32 = 3;

/// Why a control plane is not sent to another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The version makes no sense for this cluster.
    Version(String),
    /// The way back is not open.
    NotNow(String),
    /// An update goes on.
    InUse(String),
    /// Insights stand against it.
    Insights(String),
}

/// Which way a version is from the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One minor version up.
    Up,
    /// Back to the version before the upgrade.
    Back,
}

/// Whether the control plane may go to a version now, and which way that is.
///
/// # Errors
/// Why not.
pub fn may_go(
    cluster: &mut Cluster,
    catalog: &[Kind],
    now: Timestamp,
    (to, force): (Minor, bool),
) -> Result<Way, Refusal> {
    if version::available(to, now).is_none() {
        return Err(Refusal::Version(format!("unsupported Kubernetes version {to}")));
    }
    if let Some(update) = cluster.updating(&Subject::Cluster) {
        return Err(Refusal::InUse(format!(
            "Cannot {} because cluster {} currently has update {} in progress",
            "UpdateClusterVersion", cluster.name, update.id
        )));
    }
    let from = cluster.version;
    let way = match () {
        () if to == from => {
            return Err(Refusal::Version(format!("Cluster is already at the desired configuration {from}")));
        }
        () if to.0 == from.0 + 1 => Way::Up,
        () if to.0 > from.0 => {
            return Err(Refusal::Version(format!(
                "Unsupported Kubernetes minor version update from {from} to {to}"
            )));
        }
        () => {
            back_is_open(cluster, now, to)?;
            Way::Back
        }
    };
    if let Some(name) = oldest_behind(cluster, to).filter(|_| way == Way::Up) {
        return Err(Refusal::Version(format!(
            "Nodes must be at most {MAX_SKEW} minor versions older than the control plane; {name} is older than that"
        )));
    }
    insights::keep_fresh(cluster, catalog, now);
    let category = if way == Way::Up { Category::Upgrade } else { Category::Rollback };
    match insights::standing_against(cluster, category, to) {
        Some(name) if !force => Err(Refusal::Insights(format!(
            "Amazon EKS detected issues that must be resolved first: {name}. Call ListInsights, or pass force"
        ))),
        _ => Ok(way),
    }
}

fn back_is_open(cluster: &Cluster, now: Timestamp, to: Minor) -> Result<(), Refusal> {
    let Some((before, at)) = cluster.upgraded else {
        return Err(Refusal::NotNow(format!(
            "Cluster {} was not upgraded in place, so it cannot be rolled back",
            cluster.name
        )));
    };
    if to != before {
        return Err(Refusal::Version(format!(
            "Cluster {} can be rolled back to {before} only",
            cluster.name
        )));
    }
    if now.duration_since(at) > ROLLBACK_WINDOW {
        return Err(Refusal::NotNow(format!(
            "The upgrade of cluster {} was completed more than 7 days ago",
            cluster.name
        )));
    }
    match cluster.blocks_rollback.first() {
        None => Ok(()),
        Some(feature) => {
            Err(Refusal::NotNow(format!("Cluster {} uses {feature}, which {to} does not have", cluster.name)))
        }
    }
}

/// A node that would be too old for a version.
fn oldest_behind(cluster: &Cluster, to: Minor) -> Option<&str> {
    let mut all = cluster.kube.list(NODES, None);
    all.find(|(_, node)| nodes::kubelet(node).is_some_and(|it| it.0 + MAX_SKEW < to.0))
        .map(|(key, _)| key.1.as_str())
}

/// Sends the control plane to a version, which [`may_go`] has found possible.
pub fn send(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    (to, way): (Minor, Way),
    timeout: SignedDuration,
    token: Option<(String, String)>,
) -> String {
    let params = vec![("Version", to.to_string()), ("PlatformVersion", "eks.1".to_owned())];
    let (kind, span, work) = match way {
        Way::Up => ("VersionUpdate", ground.pace.control_plane, Work::ControlPlane(to)),
        Way::Back => {
            let nodes = cluster.auto_mode;
            let deadline = ground.now.checked_add(timeout).unwrap_or(Timestamp::MAX);
            let span = if nodes { ground.pace.auto_nodes } else { ground.pace.control_plane };
            ("VersionRollback", span, Work::Rollback { to, nodes, deadline })
        }
    };
    let mut takes = ground.length(cluster, span);
    if let Work::Rollback { nodes: true, .. } = work {
        takes = takes.min(timeout);
    }
    let id = cluster.begin(ground, Subject::Cluster, (kind, params), token, work);
    ground.after(takes, What::Update(id.clone()));
    // Auto Mode's nodes go back before the control plane.
    node_pools::wake(cluster, ground);
    id
}

/// An upgrade has come to its end: the version is the new one, or after a failed health check still the old one.
pub(super) fn upgraded(
    cluster: &mut Cluster,
    catalog: &[Kind],
    ground: &mut Ground<'_>,
    id: &str,
    to: Minor,
) {
    let failed = cluster.next_upgrade_fails.take().map(|code| {
        let message =
            format!("The update failed with {code}; the control plane is back at {}", cluster.version);
        Problem { code, message, resources: cluster.subnets.clone() }
    });
    if let Some(problem) = failed.or_else(|| network::problem(cluster, ground)) {
        cluster.end(id, vec![problem]);
        return;
    }
    cluster.upgraded = Some((cluster.version, ground.now));
    cluster.version = to;
    cluster.end(id, Vec::new());
    insights::refreshed(cluster, catalog, ground.now);
    node_pools::wake(cluster, ground);
}

/// The nodes of an Auto Mode cluster are back, or the control plane is.
pub(super) fn rolled_back(
    cluster: &mut Cluster,
    catalog: &[Kind],
    ground: &mut Ground<'_>,
    id: &str,
    (to, nodes, deadline): (Minor, bool, Timestamp),
) {
    if nodes && ground.now >= deadline {
        if let Some(update) = cluster.update_mut(id) {
            update.status = Status::Cancelled;
            let reason = "The nodes were not rolled back within the timeout".to_owned();
            update.cancellation = Some(("Successful", reason));
        }
        node_pools::wake(cluster, ground);
        return;
    }
    if nodes && !node_pools::is_settled(cluster, ground.code) {
        ground.after(LOOK, What::Update(id.to_owned()));
        return;
    }
    if nodes {
        if let Some(update) = cluster.update_mut(id) {
            update.work = Work::Rollback { to, nodes: false, deadline };
        }
        let takes = ground.length(cluster, ground.pace.control_plane);
        ground.after(takes, What::Update(id.to_owned()));
        return;
    }
    if let Some(problem) = network::problem(cluster, ground) {
        cluster.end(id, vec![problem]);
        return;
    }
    cluster.version = to;
    cluster.upgraded = None;
    cluster.end(id, Vec::new());
    insights::refreshed(cluster, catalog, ground.now);
    node_pools::wake(cluster, ground);
}

/// Takes an update back: a rollback in Auto Mode, while nodes go back (API reference, "CancelUpdate").
///
/// # Errors
/// It cannot be taken back, or not any more.
pub fn cancel(cluster: &mut Cluster, ground: &mut Ground<'_>, id: &str) -> Result<(), Refusal> {
    let Some(update) = cluster.update_mut(id) else { return Ok(()) };
    match (update.status, &update.work) {
        (Status::InProgress, Work::Rollback { nodes: true, .. }) => {
            update.status = Status::Cancelled;
            update.cancellation = Some(("Successful", "Cancelled on request".to_owned()));
            node_pools::wake(cluster, ground);
            Ok(())
        }
        (Status::InProgress, Work::Rollback { .. }) => Err(Refusal::NotNow(
            "The rollback of the control plane has begun and cannot be cancelled".to_owned(),
        )),
        (Status::InProgress, _) => {
            Err(Refusal::NotNow(format!("Updates of type {} cannot be cancelled", update.kind)))
        }
        _ => Err(Refusal::NotNow(format!("Update {id} is not in progress"))),
    }
}
