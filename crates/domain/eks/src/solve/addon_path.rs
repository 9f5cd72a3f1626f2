//! Which versions an add-on goes through on a way of several hops.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fleetwright_kubernetes::{Hop, Minor};
use serde::Serialize;

use crate::facts::addons::{AddonVersion, addon_minor};

/// An add-on, and the versions that EKS has of it for each version of Kubernetes.
#[derive(Clone, Debug)]
pub struct AddonQuestion<'a> {
    /// Its name.
    pub name: &'a str,
    /// The version it runs.
    pub current: &'a str,
    /// Versions by version of Kubernetes.
    pub offers: &'a BTreeMap<Minor, Vec<AddonVersion>>,
    /// It goes one minor version at a time, as the VPC CNI does.
    pub by_minors: bool,
}

/// One update of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddonUpdate {
    /// The hop before which it is made.
    pub before: Hop,
    /// The version it goes to.
    pub to: String,
}

/// An add-on that no versions lead over the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddonPath {
    /// No version serves before and after a hop.
    #[error("add-on {name}: no version serves both {} and {}; remove the add-on for the hop, or wait for a version", hop.from, hop.to)]
    NoCommonVersion {
        /// The add-on.
        name: String,
        /// The hop.
        hop: Hop,
    },
    /// There are such versions, and no allowed updates lead to any of them.
    #[error("add-on {name}: no updates that are allowed at {} lead to a version that serves {} as well", hop.from, hop.to)]
    Unreachable {
        /// The add-on.
        name: String,
        /// The hop.
        hop: Hop,
    },
}

/// The fewest updates that keep an add-on on versions which serve both sides of every hop: so it works through the
/// soak, and the control plane can go back without it. Of ways of the same length the one that ends with the newest
/// version is taken.
///
/// # Errors
/// [`NoAddonPath`] with the first hop that cannot be made.
pub fn addon_path(question: &AddonQuestion<'_>, route: &[Hop]) -> Result<Vec<AddonUpdate>, NoAddonPath> {
    // The shortest way to every version that the add-on may run at this point.
    let mut ways: BTreeMap<String, Vec<AddonUpdate>> = [(question.current.to_owned(), Vec::new())].into();
    for &hop in route {
        let both = question.common(hop);
        if both.is_empty() {
            return Err(NoAddonPath::NoCommonVersion { name: question.name.to_owned(), hop });
        }
        let reached = question.update(&ways, hop);
        ways = reached.into_iter().filter(|(version, _)| both.contains(version.as_str())).collect();
        if ways.is_empty() {
            return Err(NoAddonPath::Unreachable { name: question.name.to_owned(), hop });
        }
    }
    let best = ways
        .into_iter()
        .min_by(|(a, way_a), (b, way_b)| way_a.len().cmp(&way_b.len()).then_with(|| order(b).cmp(&order(a))));
    Ok(best.map(|(_, way)| way).unwrap_or_default())
}

/// The numbers of a version, to compare by.
fn order(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

impl AddonQuestion<'_> {
    fn versions(&self, minor: Minor) -> impl Iterator<Item = &str> {
        self.offers.get(&minor).into_iter().flatten().map(|version| version.version.as_str())
    }

    fn common(&self, hop: Hop) -> BTreeSet<&str> {
        let after: BTreeSet<&str> = self.versions(hop.to).collect();
        self.versions(hop.from).filter(|version| after.contains(version)).collect()
    }

    /// What can be reached from `ways` by updates at the version before the hop, each on the shortest way.
    fn update(
        &self,
        ways: &BTreeMap<String, Vec<AddonUpdate>>,
        hop: Hop,
    ) -> BTreeMap<String, Vec<AddonUpdate>> {
        let mut reached = ways.clone();
        // Versions with the shortest ways first, so that the first way found to another is the shortest.
        let mut queue: Vec<String> = ways.keys().cloned().collect();
        queue.sort_by_key(|version| ways[version].len());
        let mut queue = VecDeque::from(queue);
        while let Some(from) = queue.pop_front() {
            let way = reached[&from].clone();
            let next = self.versions(hop.from).filter(|to| *to != from && self.may_follow(&from, to));
            for to in next {
                let shorter = reached.get(to).is_none_or(|known| known.len() > way.len() + 1);
                if shorter {
                    let mut longer = way.clone();
                    longer.push(AddonUpdate { before: hop, to: to.to_owned() });
                    reached.insert(to.to_owned(), longer);
                    queue.push_back(to.to_owned());
                }
            }
        }
        reached
    }

    fn may_follow(&self, from: &str, to: &str) -> bool {
        if !self.by_minors {
            return true;
        }
        match (addon_minor(from), addon_minor(to)) {
            (Some(from), Some(to)) => from.0 == to.0 && from.1.abs_diff(to.1) <= 1,
            _ => false,
        }
    }
}
