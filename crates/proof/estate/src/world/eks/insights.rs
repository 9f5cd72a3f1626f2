//! What EKS finds out about a cluster: whether it is ready for the next version, and for the one before.
//!
//! Rules: EKS user guide, "Prepare for Kubernetes version upgrades with cluster insights". Some are found out from
//! the cluster itself; findings about the use of APIs are as the scenario has them, and end 30 days after the last
//! call.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::Cluster;
use super::addons::Kind;
use super::control_plane::MAX_SKEW;
use super::version::Minor;
use crate::world::command::uuid;
use crate::world::kube::NODES;
use crate::world::kube::nodes;

/// How long a deprecated call is held against a cluster.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often insights are looked at without anybody asking.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What an insight is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Going to the next version.
    Upgrade,
    /// Going back to the version before.
    Rollback,
    /// The cluster as it is.
    Misconfiguration,
}

impl Category {
    /// The API's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "UPGRADE_READINESS",
            Self::Rollback => "ROLLBACK_READINESS",
            Self::Misconfiguration => "MISCONFIGURATION",
        }
    }
}

/// A client that still calls a deprecated API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it calls itself.
    pub user_agent: String,
    /// Its calls in the last 30 days.
    pub requests: u64,
    /// When it called last.
    pub last: Timestamp,
}

/// A deprecated API that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// Its path, e.g. `/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas`.
    pub usage: String,
    /// The path that takes its place.
    pub replaced_with: String,
    /// The first version that does not serve it.
    pub stops: Minor,
    /// The first version that serves the replacement.
    pub replacement_since: Minor,
    /// Who calls it.
    pub callers: Vec<Caller>,
}

/// An insight.
#[derive(Clone, Debug)]
pub struct Insight {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub category: Category,
    /// The version it is about.
    pub version: Minor,
    /// `PASSING`, `WARNING`, `ERROR` or `UNKNOWN`.
    pub status: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub recommendation: String,
    /// Kubernetes objects it is about, by path.
    pub resources: Vec<String>,
    /// Deprecated APIs in use.
    pub deprecations: Vec<Deprecation>,
    /// Add-ons that do not fit, with the versions that would.
    pub addons: Vec<(String, Vec<String>)>,
    /// When its status last changed.
    pub changed: Timestamp,
    /// True where it is found out from the cluster, false where the scenario says it.
    pub derived: bool,
}

impl Insight {
    /// An insight that says that all is well.
    #[must_use]
    pub fn passing(cluster: &str, name: &str, category: Category, version: Minor, at: Timestamp) -> Self {
        let digest = Sha256::digest(format!("{cluster}/{name}/{}/{version}", category.name()));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self {
            id: uuid(u128::from_be_bytes(bytes)),
            name: name.to_owned(),
            category,
            version,
            status: "PASSING".to_owned(),
            reason: "No issues were found.".to_owned(),
            recommendation: "Nothing to do.".to_owned(),
            resources: Vec::new(),
            deprecations: Vec::new(),
            addons: Vec::new(),
            changed: at,
            derived: true,
        }
    }

    fn found(mut self, status: &str, reason: String, recommendation: &str) -> Self {
        (self.status, self.reason) = (status.to_owned(), reason);
        recommendation.clone_into(&mut self.recommendation);
        self
    }
}

/// When insights were last looked at.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// When they were last ready.
    pub at: Timestamp,
    /// The last one that somebody asked for: when, and until when where it is over.
    pub asked: Option<(Timestamp, Option<Timestamp>)>,
}

impl Refresh {
    /// As it is in a cluster that was never looked at.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self { at, asked: None }
    }
}

/// Looks at a cluster where that was not done for a day.
pub fn keep_fresh(cluster: &mut Cluster, catalog: &[Kind], now: Timestamp) {
    let due = cluster.refresh.at.checked_add(EVERY).unwrap_or(Timestamp::MAX);
    if due <= now || !cluster.insights.iter().any(|it| it.derived) {
        look(cluster, catalog, now);
    }
}

/// Looks at a cluster now.
pub fn refreshed(cluster: &mut Cluster, catalog: &[Kind], now: Timestamp) {
    look(cluster, catalog, now);
    if let Some((_, end @ None)) = &mut cluster.refresh.asked {
        *end = Some(now);
    }
}

fn look(cluster: &mut Cluster, catalog: &[Kind], now: Timestamp) {
    cluster.refresh.at = now;
    let before = std::mem::take(&mut cluster.insights);
    let (derived, mut kept): (Vec<_>, Vec<_>) = before.into_iter().partition(|it| it.derived);
    for insight in &mut kept {
        forget_stale_calls(insight, now);
    }
    let mut all = derive(cluster, catalog, now);
    for insight in &mut all {
        let same = |it: &&Insight| it.id == insight.id && it.status == insight.status;
        if let Some(known) = derived.iter().find(same) {
            insight.changed = known.changed;
        }
    }
    all.extend(kept);
    cluster.insights = all;
}

/// A finding about calls of deprecated APIs ends when the last call is 30 days ago.
fn forget_stale_calls(insight: &mut Insight, now: Timestamp) {
    if insight.deprecations.is_empty() || insight.status == "PASSING" {
        return;
    }
    for deprecation in &mut insight.deprecations {
        deprecation.callers.retain(|it| now.duration_since(it.last) <= REMEMBERED);
    }
    if insight.deprecations.iter().all(|it| it.callers.is_empty()) {
        "PASSING".clone_into(&mut insight.status);
        "No deprecated API usage detected within the last 30 days.".clone_into(&mut insight.reason);
        insight.changed = now;
    }
}

fn derive(cluster: &Cluster, catalog: &[Kind], now: Timestamp) -> Vec<Insight> {
    let next = Minor(cluster.version.0 + 1);
    let mut all = vec![
        kubelet_skew(cluster, next, now),
        addons_fit(cluster, catalog, (next, Category::Upgrade), now),
        cluster_health(cluster, next, now),
    ];
    if let Some((before, _)) = cluster.upgraded {
        all.push(nodes_not_newer(cluster, before, now));
        all.push(addons_fit(cluster, catalog, (before, Category::Rollback), now));
    }
    all
}

fn node_paths<'c>(cluster: &'c Cluster, fits: impl Fn(Minor) -> bool + 'c) -> Vec<String> {
    let all = cluster.kube.list(NODES, None);
    let found = all.filter(|(_, node)| nodes::kubelet(node).is_some_and(&fits));
    found.map(|(key, _)| format!("/api/v1/nodes/{}", key.1)).collect()
}

fn kubelet_skew(cluster: &Cluster, next: Minor, now: Timestamp) -> Insight {
    let mut insight = Insight::passing(&cluster.name, "Kubelet version skew", Category::Upgrade, next, now);
    insight.resources = node_paths(cluster, |it| it.0 + MAX_SKEW < next.0);
    if insight.resources.is_empty() {
        return insight;
    }
    let reason = format!("Nodes would be more than {MAX_SKEW} minor versions older than {next}.");
    insight.found("ERROR", reason, "Update the nodes first.")
}

fn nodes_not_newer(cluster: &Cluster, before: Minor, now: Timestamp) -> Insight {
    let mut insight =
        Insight::passing(&cluster.name, "Kubelet version skew", Category::Rollback, before, now);
    insight.resources = node_paths(cluster, |it| it > before);
    if insight.resources.is_empty() {
        return insight;
    }
    insight.found("ERROR", format!("Nodes would be newer than {before}."), "Roll the nodes back first.")
}

fn cluster_health(cluster: &Cluster, next: Minor, now: Timestamp) -> Insight {
    let insight = Insight::passing(&cluster.name, "Cluster health issues", Category::Upgrade, next, now);
    match cluster.issues.first() {
        None => insight,
        Some((code, message)) => {
            insight.found("ERROR", format!("{code}: {message}"), "Resolve the cluster's health issues.")
        }
    }
}

fn addons_fit(
    cluster: &Cluster,
    catalog: &[Kind],
    (version, category): (Minor, Category),
    now: Timestamp,
) -> Insight {
    let name = "EKS add-on version compatibility";
    let mut insight = Insight::passing(&cluster.name, name, category, version, now);
    for (name, addon) in &cluster.addons {
        let Some(kind) = catalog.iter().find(|it| it.name == *name) else { continue };
        let fitting: Vec<String> = kind.fitting(version).map(|it| it.name.clone()).collect();
        if !fitting.contains(&addon.version) {
            insight.addons.push((name.clone(), fitting));
        }
    }
    if insight.addons.is_empty() {
        return insight;
    }
    let names: Vec<&str> = insight.addons.iter().map(|it| it.0.as_str()).collect();
    let reason = format!("Versions of {} do not fit {version}.", names.join(", "));
    let status = if category == Category::Rollback { "ERROR" } else { "WARNING" };
    insight.found(status, reason, "Update the add-ons to versions that fit.")
}

/// An insight that stands against going to a version: an error, and on the way back also what is not known.
#[must_use]
pub fn standing_against(cluster: &Cluster, category: Category, to: Minor) -> Option<String> {
    let blocks = |status: &str| status == "ERROR" || (category == Category::Rollback && status == "UNKNOWN");
    let about = cluster.insights.iter().filter(|it| it.category == category && it.version == to);
    about.filter(|it| blocks(&it.status)).map(|it| it.name.clone()).next()
}
