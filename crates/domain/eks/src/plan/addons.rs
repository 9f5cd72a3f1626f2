//! When which add-on goes to which version.
//!
//! Versions that serve both ends of a hop come first: they work through it, and the control plane can go back without
//! them. Where there is none, the add-on follows the control plane, and must be taken back before it.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{Hop, Minor, Skew, version::skew};

use super::{AddonGoal, LeftAlone};
use crate::facts::addons::{Addon, AddonVersion, addon_minor};
use crate::solve::addon_path::{AddonQuestion, NoAddonPath, addon_path};

/// The add-on that goes one minor version at a time.
/// Source: EKS User Guide, "Update the Amazon VPC CNI (Amazon EKS add-on)".
const BY_MINORS: &str = "vpc-cni";
/// The add-on whose version is that of Kubernetes.
const KUBE_PROXY: &str = "kube-proxy";

/// Add-ons in the order in which they are updated; others follow by name.
/// Source: EKS User Guide, "Update existing cluster": VPC CNI, then CoreDNS and kube-proxy.
const ORDER: [&str; 3] = [BY_MINORS, "coredns", KUBE_PROXY];

/// One update of an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddonMove {
    pub(super) name: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) turn: Turn,
    /// It serves the version before the hop it follows as well: the control plane can go back without it.
    pub(super) serves_before: bool,
}

/// When an update is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Before(Hop),
    After(Hop),
}

/// The updates of all add-ons in order, and what is left as it is.
pub(super) fn moves(addons: &[Addon], route: &[Hop], goal: AddonGoal) -> (Vec<AddonMove>, Vec<LeftAlone>) {
    let mut addons: Vec<&Addon> = addons.iter().collect();
    let place = |name: &str| ORDER.iter().position(|it| *it == name).unwrap_or(ORDER.len());
    addons.sort_by(|a, b| place(&a.name).cmp(&place(&b.name)).then_with(|| a.name.cmp(&b.name)));
    let (mut moves, mut left) = (Vec::new(), Vec::new());
    for addon in addons {
        let Some(offers) = addon.offers.known() else {
            left.push(alone(addon, "which versions it has was not read; update it by hand where it must be"));
            continue;
        };
        let offers = allowed(&addon.name, offers);
        let mut way = Way { addon, offers: &offers, current: addon.version.clone(), moves: Vec::new() };
        if let Err(why) = way.over(route) {
            left.push(alone(addon, &why));
        } else if let (AddonGoal::NewestReversible, Some(last)) = (goal, route.last()) {
            way.settle(*last);
        }
        moves.append(&mut way.moves);
    }
    (moves, left)
}

/// The versions that a plan takes an add-on to, in order, with the goal that is usual.
pub fn versions_to_come(addon: &Addon, route: &[Hop]) -> Vec<String> {
    let (moves, _) = moves(std::slice::from_ref(addon), route, AddonGoal::default());
    moves.into_iter().map(|step| step.to).collect()
}

fn alone(addon: &Addon, why: &str) -> LeftAlone {
    LeftAlone { subject: format!("add-on {}", addon.name), why: why.to_owned() }
}

/// The offers without those of kube-proxy that may not serve beside the API server.
fn allowed(name: &str, offers: &BTreeMap<Minor, Vec<AddonVersion>>) -> BTreeMap<Minor, Vec<AddonVersion>> {
    let mut offers = offers.clone();
    if name == KUBE_PROXY {
        for (minor, versions) in &mut offers {
            versions.retain(|it| match it.version.parse::<Minor>() {
                Ok(version) => skew(version, *minor) == Skew::Supported,
                Err(_) => false,
            });
        }
    }
    offers
}

struct Way<'a> {
    addon: &'a Addon,
    offers: &'a BTreeMap<Minor, Vec<AddonVersion>>,
    current: String,
    moves: Vec<AddonMove>,
}

impl Way<'_> {
    fn path(&self, route: &[Hop]) -> Result<Vec<(Turn, String)>, NoAddonPath> {
        let name = &self.addon.name;
        let question =
            AddonQuestion { name, current: &self.current, offers: self.offers, by_minors: name == BY_MINORS };
        let path = addon_path(&question, route)?;
        Ok(path.into_iter().map(|update| (Turn::Before(update.before), update.to)).collect())
    }

    /// Follows the hops. A hop without a version for both ends is made with the old one, and the add-on follows.
    fn over(&mut self, mut route: &[Hop]) -> Result<(), String> {
        loop {
            let hop = match self.path(route) {
                Ok(path) => {
                    path.into_iter().for_each(|(turn, to)| self.go(turn, to, true));
                    return Ok(());
                }
                Err(NoAddonPath::NoCommonVersion { hop, .. } | NoAddonPath::Unreachable { hop, .. }) => hop,
            };
            let at = route.iter().position(|it| *it == hop).unwrap_or(0);
            let ahead = self.path(&route[..at]).map_err(|error| error.to_string())?;
            ahead.into_iter().for_each(|(turn, to)| self.go(turn, to, true));
            let follow = self.climb(hop.to, self.chosen(hop.to)?);
            let end = follow.last().unwrap_or(&self.current);
            if !self.is_offered(hop.to, end) {
                return Err(format!("no updates that are allowed lead to a version for {}", hop.to));
            }
            for to in follow {
                let serves_before = self.is_offered(hop.from, &to);
                self.go(Turn::After(hop), to, serves_before);
            }
            route = &route[at + 1..];
        }
    }

    /// After the last hop: to the newest version for both of its ends, the default where it is one.
    fn settle(&mut self, last: Hop) {
        let both: Vec<&AddonVersion> =
            self.versions(last.to).iter().filter(|it| self.is_offered(last.from, &it.version)).collect();
        let newest = both.iter().max_by_key(|it| numbers(&it.version));
        let Some(goal) = both.iter().find(|it| it.default).or(newest) else { return };
        if numbers(&goal.version) <= numbers(&self.current) {
            return;
        }
        for to in self.climb(last.to, goal.version.clone()) {
            let serves_before = self.is_offered(last.from, &to);
            self.go(Turn::After(last), to, serves_before);
        }
    }

    fn go(&mut self, turn: Turn, to: String, serves_before: bool) {
        let from = std::mem::replace(&mut self.current, to.clone());
        self.moves.push(AddonMove { name: self.addon.name.clone(), from, to, turn, serves_before });
    }

    fn versions(&self, minor: Minor) -> &[AddonVersion] {
        self.offers.get(&minor).map_or(&[], Vec::as_slice)
    }

    fn is_offered(&self, minor: Minor, version: &str) -> bool {
        self.versions(minor).iter().any(|it| it.version == version)
    }

    /// The default for a version of Kubernetes, else the newest.
    fn chosen(&self, minor: Minor) -> Result<String, String> {
        let versions = self.versions(minor);
        let newest = versions.iter().max_by_key(|it| numbers(&it.version));
        let chosen = versions.iter().find(|it| it.default).or(newest);
        chosen.map(|it| it.version.clone()).ok_or_else(|| {
            format!("it has no version for {minor}: remove it before that hop, or wait until it has one")
        })
    }

    /// The updates to a version, one minor at a time where it must be: the newest of each minor between that the version
    /// of Kubernetes has. They end where a minor is missing.
    fn climb(&self, at: Minor, goal: String) -> Vec<String> {
        if self.current == goal {
            return Vec::new();
        }
        let between: Vec<u32> = match (addon_minor(&self.current), addon_minor(&goal)) {
            _ if self.addon.name != BY_MINORS => Vec::new(),
            (Some((before, from)), Some((after, to))) if before == after && from < to => {
                (from + 1..to).collect()
            }
            (Some((before, from)), Some((after, to))) if before == after => (to + 1..from).rev().collect(),
            // Another major version, or no version at all, is no step that is allowed.
            _ => return Vec::new(),
        };
        let major = addon_minor(&goal).map(|(major, _)| major);
        let mut steps = Vec::new();
        for minor in between {
            let is_of = |it: &&AddonVersion| addon_minor(&it.version) == major.map(|major| (major, minor));
            match self.versions(at).iter().filter(is_of).max_by_key(|it| numbers(&it.version)) {
                Some(step) => steps.push(step.version.clone()),
                None => return steps,
            }
        }
        steps.push(goal);
        steps
    }
}

/// The numbers of a version, to compare by.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}
