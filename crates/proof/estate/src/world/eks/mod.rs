//! EKS of one region: clusters with their control planes, node groups, add-ons and insights.
//!
//! Rules: EKS user guide and API reference. What takes time waits in the region's timeline as [`Due`]; what
//! Kubernetes keeps is in each cluster's [`Store`].

pub mod addons;
pub mod control_plane;
pub mod fargate;
pub mod images;
pub mod insights;
pub mod instances;
pub mod jobs;
pub mod network;
pub mod node_groups;
pub mod node_pools;
pub mod own_groups;
pub mod running;
pub mod update;
pub mod version;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::instance::Instances;
use super::kube::{Key, Store};
use super::network::Network;
use super::pace::{Pace, Span};
use super::timeline::{Change, Place};
use crate::generate::seed::Seed;
use addons::{Addon, Kind};
use insights::{Insight, Refresh};
use node_groups::NodeGroup;
use node_pools::Pool;
use update::Update;
use version::Minor;

/// Clusters of a region.
#[derive(Debug)]
pub struct Clusters {
    /// By name.
    pub by_name: BTreeMap<String, Cluster>,
    /// The add-ons that can be had.
    pub catalog: Vec<Kind>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), catalog: addons::catalog() }
    }
}

/// Where clusters' Kubernetes APIs are.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// What every cluster's address begins with; none where each has a name like those of EKS.
    pub base: Option<String>,
}

impl Addresses {
    /// The address of a cluster's API server.
    #[must_use]
    pub fn endpoint(&self, cluster: &Cluster, region: &str) -> String {
        match &self.base {
            Some(base) => format!("{base}/{}", cluster.id),
            None => format!("https://{}.gr7.{region}.eks.amazonaws.com", cluster.id),
        }
    }
}

/// A cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Part of its address, 32 hexadecimal digits in capitals.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The version of its control plane.
    pub version: Minor,
    /// The version before the last upgrade in place, and when that was complete.
    pub upgraded: Option<(Minor, Timestamp)>,
    /// ARN of its role.
    pub role: String,
    /// Ids of its subnets.
    pub subnets: Vec<String>,
    /// Ids of its security groups, the cluster's own first.
    pub security_groups: Vec<String>,
    /// Id of its VPC.
    pub vpc: String,
    /// Availability zones of its subnets.
    pub zones: Vec<String>,
    /// Kinds of logs that it writes.
    pub logging: BTreeSet<String>,
    /// True where it goes on into extended support, false where it is upgraded at its end.
    pub extended: bool,
    /// True where it cannot be deleted.
    pub deletion_protection: bool,
    /// True where EKS runs the nodes (Auto Mode).
    pub auto_mode: bool,
    /// ARN of the key that encrypts secrets.
    pub key: Option<String>,
    /// What is wrong with it: code, message.
    pub issues: Vec<(String, String)>,
    /// Who may use its Kubernetes API, by ARN of the principal.
    pub access: BTreeMap<String, AccessEntry>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its managed node groups by name.
    pub node_groups: BTreeMap<String, NodeGroup>,
    /// Node pools by name, of Karpenter or of Auto Mode.
    pub pools: BTreeMap<String, Pool>,
    /// Auto Scaling groups of one's own whose instances are its nodes, by name.
    pub own_groups: BTreeMap<String, own_groups::OwnGroup>,
    /// Its Fargate profiles by name.
    pub fargate: BTreeMap<String, FargateProfile>,
    /// Its add-ons by name.
    pub addons: BTreeMap<String, Addon>,
    /// Roles of service accounts.
    pub pod_identities: Vec<PodIdentity>,
    /// What EKS has found out about it.
    pub insights: Vec<Insight>,
    /// When that was last done, and whether somebody asked for it.
    pub refresh: Refresh,
    /// Every change of it, its groups and its add-ons, the oldest first.
    pub updates: Vec<Update>,
    /// The code that the next upgrade of its control plane fails with.
    pub next_upgrade_fails: Option<String>,
    /// Features that no rollback is possible with, even by force.
    pub blocks_rollback: Vec<String>,
    /// Deprecated APIs that were called: group, version, resource, and the version that they go with.
    pub deprecated_calls: BTreeSet<(String, String, String, String)>,
    /// Its Kubernetes objects.
    pub kube: Store,
    /// Draws so far.
    draws: usize,
}

/// Who may use a cluster's Kubernetes API.
#[derive(Clone, Debug)]
pub struct AccessEntry {
    /// Kubernetes groups.
    pub groups: Vec<String>,
    /// The user's name in Kubernetes.
    pub username: String,
    /// ARNs of EKS's access policies that are associated for the whole cluster.
    pub policies: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// Pods that run on Fargate.
#[derive(Clone, Debug)]
pub struct FargateProfile {
    /// Namespaces whose pods it takes.
    pub namespaces: Vec<String>,
    /// The version of the kubelets with which the pods of a scenario's start began; the control plane's where none.
    pub began_at: Option<Minor>,
    /// ARN of the role pods run with.
    pub role: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The role of a service account.
#[derive(Clone, Debug)]
pub struct PodIdentity {
    /// Its id, `a-` and 17 letters and digits.
    pub id: String,
    /// The service account's namespace.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
}

/// Something of a cluster that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// The cluster's name.
    pub cluster: String,
    /// What it is.
    pub what: What,
}

/// What can be due.
#[derive(Clone, Debug)]
pub enum What {
    /// An update of a control plane, an add-on or a configuration goes on or is over.
    Update(String),
    /// A node group is looked at that is being updated.
    Roll(String),
    /// A node pool is looked at.
    Pool(String),
    /// A kubelet has started.
    Node(String),
    /// A pod's containers have started.
    PodReady(Key),
    /// A pod's containers have stopped.
    PodGone(Key),
    /// The containers of a Job's pod have come to their end.
    PodEnds(Key),
    /// A Job gets another pod.
    JobGoesOn(Key),
    /// A new add-on's pods are there.
    Installed(String),
    /// Insights are ready.
    Insights,
}

/// What a cluster's changes draw from and where they leave what is still to come.
#[derive(Debug)]
pub struct Ground<'p> {
    /// The moment.
    pub now: Timestamp,
    /// How long things take.
    pub pace: &'p Pace,
    /// The region's code.
    pub code: &'p str,
    /// The region's network, which interfaces of the cluster are in.
    pub network: &'p mut Network,
    /// Whoever else has addresses of it.
    pub instances: &'p Instances,
    seed: Seed,
    later: Vec<(Timestamp, What)>,
    changes: instances::Changes,
}

impl Ground<'_> {
    /// Lets something happen after a length of time.
    pub fn after(&mut self, takes: SignedDuration, what: What) -> Timestamp {
        let at = self.now.checked_add(takes).unwrap_or(Timestamp::MAX);
        self.later.push((at, what));
        at
    }

    /// A number for one purpose; another each time it is asked for.
    pub fn draw(&self, cluster: &mut Cluster, purpose: &str) -> u128 {
        cluster.draws += 1;
        self.seed.child(purpose).nth(cluster.draws).stream().random()
    }

    /// A length of time within a span.
    pub fn length(&self, cluster: &mut Cluster, span: Span) -> SignedDuration {
        cluster.draws += 1;
        let mut stream = self.seed.child("length").nth(cluster.draws).stream();
        SignedDuration::from_millis(stream.random_range(span.milliseconds()))
    }
}

/// Does something with a cluster; none where there is no such cluster.
pub fn with<T>(
    place: &mut Place<'_>,
    name: &str,
    now: Timestamp,
    does: impl FnOnce(&mut Cluster, &[Kind], &mut Ground<'_>) -> T,
) -> Option<T> {
    let seed = place.seed.child("cluster").child(name);
    let region = &mut *place.region;
    let (network, instances) = (&mut region.network, &region.instances);
    let mut ground = Ground {
        now,
        pace: place.pace,
        code: place.code,
        network,
        instances,
        seed,
        later: Vec::new(),
        changes: instances::Changes::default(),
    };
    let clusters = &mut region.clusters;
    let cluster = clusters.by_name.get_mut(name)?;
    let done = does(cluster, &clusters.catalog, &mut ground);
    let Ground { later, changes, .. } = ground;
    for (at, what) in later {
        let due = Due { cluster: name.to_owned(), what };
        place.region.schedule(at, Change::Cluster(Box::new(due)));
    }
    instances::follow(place, name, changes, now);
    Some(done)
}

/// Makes a change that is due; one that something else has overtaken does nothing.
pub fn apply(place: &mut Place<'_>, due: Due, at: Timestamp) {
    let name = due.cluster;
    with(place, &name, at, |cluster, catalog, ground| match due.what {
        What::Update(id) => update::go_on(cluster, catalog, ground, &id),
        What::Roll(id) => node_groups::roll::look(cluster, ground, &id),
        What::Pool(pool) => node_pools::disruption::look(cluster, ground, &pool),
        What::Node(node) => running::node_started(cluster, ground, &node),
        What::PodReady(key) => running::pod_started(cluster, ground, &key),
        What::PodGone(key) => running::pod_stopped(cluster, ground, &key),
        What::PodEnds(key) => jobs::pod_ended(cluster, ground, &key),
        What::JobGoesOn(key) => jobs::go_on(cluster, ground, &key),
        What::Installed(addon) => addons::installed(cluster, &addon),
        What::Insights => insights::refreshed(cluster, catalog, ground.now),
    });
}

/// What a cluster is made from.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Minor,
    /// ARN of its role.
    pub role: String,
    /// Where it lives: the VPC's id, subnets' ids and zones, security groups' ids.
    pub network: (String, Vec<String>, Vec<String>, Vec<String>),
}

impl Cluster {
    /// The version that Auto Mode's nodes are to have: the control plane's, or while nodes go back before it, the one that
    /// it will have.
    #[must_use]
    pub fn version_of_auto_nodes(&self) -> Minor {
        let back = self.updating(&update::Subject::Cluster).and_then(|update| match update.work {
            update::Work::Rollback { to, nodes: true, .. } => Some(to),
            _ => None,
        });
        back.unwrap_or(self.version)
    }

    /// A cluster without nodes, add-ons and objects.
    #[must_use]
    pub fn new(sketch: Sketch, seed: &Seed, created: Timestamp) -> Self {
        let seed = seed.child("cluster").child(&sketch.name);
        let number: u128 = seed.child("id").stream().random();
        let (vpc, subnets, zones, security_groups) = sketch.network;
        Self {
            name: sketch.name,
            id: format!("{number:032X}"),
            created,
            version: sketch.version,
            upgraded: None,
            role: sketch.role,
            subnets,
            security_groups,
            vpc,
            zones,
            logging: BTreeSet::new(),
            extended: true,
            deletion_protection: false,
            auto_mode: false,
            key: None,
            issues: Vec::new(),
            access: BTreeMap::new(),
            tags: BTreeMap::new(),
            node_groups: BTreeMap::new(),
            pools: BTreeMap::new(),
            own_groups: BTreeMap::new(),
            fargate: BTreeMap::new(),
            addons: BTreeMap::new(),
            pod_identities: Vec::new(),
            insights: Vec::new(),
            refresh: Refresh::new(created),
            updates: Vec::new(),
            next_upgrade_fails: None,
            blocks_rollback: Vec::new(),
            deprecated_calls: BTreeSet::new(),
            kube: Store::new(seed.child("objects")),
            draws: 0,
        }
    }
}
