//! Where a pod can be placed: the scheduler's filters, as far as drains need them.
//!
//! Source: kubernetes.io, "Assigning Pods to Nodes", "Pod Topology Spread Constraints", "Taints and Tolerations",
//! "Resource Management for Pods". Ports of hosts, limits of volumes per node, priorities and preemption are not
//! looked at: a pod that fits here may still wait for one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use crate::node::Node;
use crate::object::Labels;
use crate::pod::{AffinityTerm, Binding, Namespaces, Pod, TopologySpread, Volume};
use crate::quantity::{Quantity, Resources, add};
use crate::taint::{Effect, Taint, untolerated};

/// Why a pod cannot be placed on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The node is cordoned.
    Unschedulable,
    /// The node is not ready.
    NotReady,
    /// A taint keeps the pod away.
    Untolerated(Taint),
    /// The node lacks a label, or has another value.
    NodeSelector,
    /// No term of the node affinity holds.
    NodeAffinity,
    /// A volume of the pod is bound to another place.
    VolumeElsewhere(String),
    /// Too little of a resource is free.
    Insufficient {
        /// Which resource.
        resource: String,
        /// What the pod asks for.
        requested: Quantity,
        /// What is free; negative where the node is overcommitted.
        free: Quantity,
    },
    /// No pod that it must be near is there.
    PodAffinity(String),
    /// A pod that it must not be near is there, or one that must not be near it.
    PodAntiAffinity(String),
    /// The place would lead the emptiest by too many pods.
    TopologySpread(String),
}

/// The taint that stands for a cordon: who tolerates it is placed on a cordoned node.
static CORDON: LazyLock<Taint> = LazyLock::new(|| Taint {
    key: "node.kubernetes.io/unschedulable".to_owned(),
    value: String::new(),
    effect: Effect::NoSchedule,
});

/// Which pods run where.
#[derive(Clone, Debug, Default)]
pub struct Placement<'a> {
    nodes: BTreeMap<&'a str, Site<'a>>,
    /// The pods of each namespace with their nodes: who counts its own kind looks nowhere else.
    by_namespace: BTreeMap<&'a str, Vec<(&'a Pod, &'a Node)>>,
    /// Pods with anti-affinity of their own, by the label that makes nodes one place, and its value.
    shy: BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Pod>>>,
    namespaces: BTreeMap<&'a str, &'a Labels>,
}

/// A node with its pods.
#[derive(Clone, Debug)]
struct Site<'a> {
    node: &'a Node,
    cordoned: bool,
    pods: Vec<&'a Pod>,
    used: Resources,
    /// What is free of what most nodes are full of first; to pass by full nodes quickly.
    free: Free,
}

/// What is free on a node, of [`SCARCE`] and of places for pods.
#[derive(Clone, Copy, Debug, Default)]
struct Free {
    scarce: [Quantity; SCARCE.len()],
    places: i64,
}

/// Resources that every node has and most pods ask for.
const SCARCE: [&str; 2] = ["cpu", "memory"];

impl<'a> Placement<'a> {
    /// The placement as it is: pods on the nodes they name. `namespaces` gives the labels of namespaces.
    pub fn new(
        nodes: &'a [Node],
        pods: &'a [Pod],
        namespaces: impl IntoIterator<Item = (&'a str, &'a Labels)>,
    ) -> Self {
        let mut placement = Self {
            nodes: nodes.iter().map(|node| (node.metadata.name.as_str(), Site::empty(node))).collect(),
            by_namespace: BTreeMap::new(),
            shy: BTreeMap::new(),
            namespaces: namespaces.into_iter().collect(),
        };
        for pod in pods.iter().filter(|pod| pod.is_active()) {
            if let Some(node) = &pod.node {
                placement.place(pod, node);
            }
        }
        placement
    }

    /// Adds an empty node, as a surge does.
    pub fn add_node(&mut self, node: &'a Node) {
        self.nodes.insert(&node.metadata.name, Site::empty(node));
    }

    /// Cordons a node, or opens it to pods again.
    pub fn set_cordoned(&mut self, node: &str, cordoned: bool) {
        if let Some(site) = self.nodes.get_mut(node) {
            site.cordoned = cordoned;
        }
    }

    /// Takes a node away with all its pods.
    pub fn remove_node(&mut self, node: &str) {
        let Some(site) = self.nodes.remove(node) else { return };
        site.pods.iter().for_each(|pod| self.forget(pod, site.node));
    }

    /// The nodes' names, in order.
    pub fn node_names(&self) -> impl Iterator<Item = &'a str> {
        self.nodes.keys().copied()
    }

    /// The pods on a node.
    pub fn pods_on(&self, node: &str) -> &[&'a Pod] {
        self.nodes.get(node).map_or(&[], |site| &site.pods)
    }

    /// Puts a pod on a node, whether it fits or not; a node that is not there is left alone.
    pub fn place(&mut self, pod: &'a Pod, node: &str) {
        if let Some(site) = self.nodes.get_mut(node) {
            site.pods.push(pod);
            add(&mut site.used, &pod.requests);
            site.free = site.room();
            let home = site.node;
            self.by_namespace.entry(&pod.metadata.namespace).or_default().push((pod, home));
            for term in &pod.pod_anti_affinity {
                if let Some(place) = home.metadata.labels.get(&term.topology_key) {
                    self.shy.entry(&term.topology_key).or_default().entry(place).or_default().push(pod);
                }
            }
        }
    }

    /// Takes a pod off a node.
    pub fn take(&mut self, pod: &Pod, node: &str) {
        let Some(site) = self.nodes.get_mut(node) else { return };
        if let Some(at) = site.pods.iter().position(|other| std::ptr::eq(*other, pod)) {
            site.pods.remove(at);
            for (name, amount) in &pod.requests {
                let used = site.used.entry(name.clone()).or_default();
                *used = used.minus(*amount);
            }
            site.free = site.room();
            let home = site.node;
            self.forget(pod, home);
        }
    }

    /// Takes a pod out of what is kept beside the nodes.
    fn forget(&mut self, pod: &Pod, home: &Node) {
        if let Some(fellows) = self.by_namespace.get_mut(pod.metadata.namespace.as_str()) {
            fellows.retain(|(other, _)| !std::ptr::eq(*other, pod));
        }
        for term in &pod.pod_anti_affinity {
            let Some(place) = home.metadata.labels.get(&term.topology_key) else { continue };
            let places = self.shy.get_mut(term.topology_key.as_str());
            if let Some(standing) = places.and_then(|places| places.get_mut(place.as_str())) {
                standing.retain(|other| !std::ptr::eq(*other, pod));
            }
        }
    }

    /// The first node, in order of names and but for those named, that a pod fits on.
    pub fn first_fit(&self, pod: &Pod, but: &[&str]) -> Option<&'a str> {
        let asked = SCARCE.map(|resource| pod.requests.get(resource).copied().unwrap_or(Quantity::ZERO));
        let fits = |node: &&str| !but.contains(node) && self.fits(pod, node).is_ok();
        let roomy = self.nodes.iter().filter(|(_, site)| site.free.takes(&asked));
        roomy.map(|(node, _)| *node).find(fits)
    }

    /// Whether a pod can be placed on a node.
    ///
    /// # Errors
    /// The first [`Misfit`]; a node that is not there is [`Misfit::NotReady`].
    pub fn fits(&self, pod: &Pod, node: &str) -> Result<(), Misfit> {
        let site = self.nodes.get(node).ok_or(Misfit::NotReady)?;
        if site.cordoned && !pod.tolerations.iter().any(|toleration| toleration.tolerates(&CORDON)) {
            return Err(Misfit::Unschedulable);
        }
        if !site.node.ready {
            return Err(Misfit::NotReady);
        }
        if let Some(taint) = untolerated(&site.node.taints, &pod.tolerations) {
            return Err(Misfit::Untolerated(taint.clone()));
        }
        chosen(pod, site.node)?;
        volumes_reach(pod, site.node)?;
        site.has_room(pod)?;
        self.affinity(pod, site)?;
        self.anti_affinity(pod, site)?;
        pod.topology_spread.iter().try_for_each(|spread| self.spread(pod, site, spread))
    }

    fn affinity(&self, pod: &Pod, site: &Site<'_>) -> Result<(), Misfit> {
        for term in &pod.pod_affinity {
            let misfit = || Misfit::PodAffinity(term.topology_key.clone());
            let place = site.node.metadata.labels.get(&term.topology_key).ok_or_else(misfit)?;
            let meant = |other: &Pod| self.means(pod, term, other);
            let near = self.in_place(&term.topology_key, place).any(meant);
            // The first pod of a group that wants to be near itself is placed anywhere.
            let first = || self.meets_own(pod, term) && !self.all_pods().any(meant);
            if !near && !first() {
                return Err(misfit());
            }
        }
        Ok(())
    }

    fn anti_affinity(&self, pod: &Pod, site: &Site<'a>) -> Result<(), Misfit> {
        for term in &pod.pod_anti_affinity {
            let Some(place) = site.node.metadata.labels.get(&term.topology_key) else { continue };
            if self.in_place(&term.topology_key, place).any(|other| self.means(pod, term, other)) {
                return Err(Misfit::PodAntiAffinity(term.topology_key.clone()));
            }
        }
        for (key, places) in &self.shy {
            let here = site.node.metadata.labels.get(*key).and_then(|place| places.get(place.as_str()));
            for standing in here.into_iter().flatten() {
                let mut terms = standing.pod_anti_affinity.iter().filter(|term| term.topology_key == *key);
                if terms.any(|term| self.means(standing, term, pod)) {
                    return Err(Misfit::PodAntiAffinity((*key).to_owned()));
                }
            }
        }
        Ok(())
    }

    fn spread(&self, pod: &Pod, site: &Site<'_>, spread: &TopologySpread) -> Result<(), Misfit> {
        let misfit = || Misfit::TopologySpread(spread.topology_key.clone());
        let here = site.node.metadata.labels.get(&spread.topology_key).ok_or_else(misfit)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        // Nodes that the pod does not choose are no places of it; tainted ones are.
        for other in self.nodes.values().filter(|other| chosen(pod, other.node).is_ok()) {
            let Some(place) = other.node.metadata.labels.get(&spread.topology_key) else { continue };
            counts.entry(place).or_default();
        }
        for (standing, home) in self.by_namespace.get(pod.metadata.namespace.as_str()).into_iter().flatten() {
            let counted = !standing.metadata.deleting && spread.selector.matches(&standing.metadata.labels);
            if !counted || chosen(pod, home).is_err() {
                continue;
            }
            if let Some(place) = home.metadata.labels.get(&spread.topology_key) {
                *counts.entry(place).or_default() += 1;
            }
        }
        let few = counts.len() < spread.min_domains;
        let least = if few { 0 } else { counts.values().copied().min().unwrap_or(0) };
        let own = usize::from(spread.selector.matches(&pod.metadata.labels));
        let there = counts.get(here.as_str()).copied().unwrap_or(0) + own;
        if there.saturating_sub(least) > spread.max_skew { Err(misfit()) } else { Ok(()) }
    }

    fn all_pods(&self) -> impl Iterator<Item = &'a Pod> {
        self.nodes.values().flat_map(|site| site.pods.iter().copied())
    }

    fn in_place(&self, key: &str, place: &str) -> impl Iterator<Item = &'a Pod> {
        let there =
            move |site: &&Site<'a>| site.node.metadata.labels.get(key).is_some_and(|label| label == place);
        self.nodes
            .values()
            .filter(there)
            .flat_map(|site| site.pods.iter().copied())
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether a term of `of` means `other`.
    fn means(&self, of: &Pod, term: &AffinityTerm, other: &Pod) -> bool {
        let namespace = other.metadata.namespace.as_str();
        let looked_at = match &term.namespaces {
            Namespaces::Own => namespace == of.metadata.namespace,
            Namespaces::Chosen { named, selected } => {
                named.iter().any(|name| name == namespace)
                    || selected.as_ref().is_some_and(|selector| {
                        let none = Labels::new();
                        selector.matches(self.namespaces.get(namespace).copied().unwrap_or(&none))
                    })
            }
        };
        looked_at && term.selector.as_ref().is_some_and(|selector| selector.matches(&other.metadata.labels))
    }

    fn meets_own(&self, pod: &Pod, term: &AffinityTerm) -> bool {
        self.means(pod, term, pod)
    }
}

impl Free {
    /// Whether a pod that asks for so much of [`SCARCE`] may have room.
    fn takes(&self, asked: &[Quantity; SCARCE.len()]) -> bool {
        let enough = |(asked, free): (&Quantity, &Quantity)| asked <= free || *asked <= Quantity::ZERO;
        self.places > 0 && asked.iter().zip(&self.scarce).all(enough)
    }
}

impl<'a> Site<'a> {
    fn empty(node: &'a Node) -> Self {
        let (pods, used) = (Vec::new(), Resources::new());
        let mut site = Self { node, cordoned: node.unschedulable, pods, used, free: Free::default() };
        site.free = site.room();
        site
    }

    fn room(&self) -> Free {
        Free { scarce: SCARCE.map(|resource| self.free_of(resource)), places: self.free_places() }
    }

    /// What is free of a resource; negative where the node is overcommitted.
    fn free_of(&self, resource: &str) -> Quantity {
        let total = self.node.allocatable.get(resource).copied().unwrap_or(Quantity::ZERO);
        total.minus(self.used.get(resource).copied().unwrap_or(Quantity::ZERO))
    }

    fn free_places(&self) -> i64 {
        let places = self.node.allocatable.get("pods").map_or(i64::MAX, |places| places.in_units());
        places.saturating_sub(i64::try_from(self.pods.len()).unwrap_or(i64::MAX))
    }

    fn has_room(&self, pod: &Pod) -> Result<(), Misfit> {
        let short = |resource: &str, requested, free| {
            Err(Misfit::Insufficient { resource: resource.to_owned(), requested, free })
        };
        for (resource, &requested) in &pod.requests {
            let free = self.free_of(resource);
            if requested > free && requested > Quantity::ZERO {
                return short(resource, requested, free);
            }
        }
        match self.free_places() {
            places if places > 0 => Ok(()),
            places => short("pods", Quantity::units(1), Quantity::units(places)),
        }
    }
}

/// Whether the pod chooses the node by its labels.
fn chosen(pod: &Pod, node: &Node) -> Result<(), Misfit> {
    let labels = &node.metadata.labels;
    if !pod.node_selector.iter().all(|(key, value)| labels.get(key) == Some(value)) {
        return Err(Misfit::NodeSelector);
    }
    let holds = |term: &Vec<crate::Requirement>| {
        !term.is_empty() && term.iter().all(|requirement| requirement.holds(labels))
    };
    if pod.node_affinity.is_empty() || pod.node_affinity.iter().any(holds) {
        Ok(())
    } else {
        Err(Misfit::NodeAffinity)
    }
}

fn volumes_reach(pod: &Pod, node: &Node) -> Result<(), Misfit> {
    for volume in &pod.volumes {
        let Volume::Claim { name, bound_to } = volume else { continue };
        let reached = match bound_to {
            Binding::Anywhere => true,
            Binding::Zones(zones) => node.zone().is_some_and(|zone| zones.iter().any(|bound| bound == zone)),
            Binding::Node => pod.node.as_deref() == Some(node.metadata.name.as_str()),
        };
        if !reached {
            return Err(Misfit::VolumeElsewhere(name.clone()));
        }
    }
    Ok(())
}

/// Every reason that keeps a pod from all nodes, each once, in words.
pub fn reasons(placement: &Placement<'_>, pod: &Pod) -> Vec<String> {
    let misfits = placement.node_names().filter_map(|node| placement.fits(pod, node).err());
    misfits.map(|misfit| misfit.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unschedulable => f.write_str("the node is cordoned"),
            Self::NotReady => f.write_str("the node is not ready"),
            Self::Untolerated(taint) => write!(f, "the taint {taint} is not tolerated"),
            Self::NodeSelector => f.write_str("the node lacks labels of the node selector"),
            Self::NodeAffinity => f.write_str("no term of the node affinity holds"),
            Self::VolumeElsewhere(claim) => write!(f, "the volume of claim {claim} is bound elsewhere"),
            Self::Insufficient { resource, .. } => write!(f, "too little {resource} is free"),
            Self::PodAffinity(key) => write!(f, "no pod it must be near is in the same {key}"),
            Self::PodAntiAffinity(key) => write!(f, "a pod it must be apart from is in the same {key}"),
            Self::TopologySpread(key) => write!(f, "pods would be spread unevenly over {key}"),
        }
    }
}
