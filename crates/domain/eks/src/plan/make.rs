//! Making a plan from facts.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_kubernetes::{Hop, Minor, Skew, UnreachableMinor, version::skew};
use fleetwright_model::{AccountId, Region};
use jiff::Timestamp;

use super::addons::{self, AddonMove, Turn};
use super::draft::Draft;
use super::nodes::{self, Kind, PlannedSet, Sets};
use super::step::{Action, PlanStep, Reversibility};
use super::{
    Approvals, FORMAT, OpenFinding, PlanOptions, PlannedCluster, PlannedGap, UpgradePlan, actions,
    own_groups, rollback,
};
use crate::check::{Assessment, Suppression, Verdict, assess};
use crate::facts::{Cluster, Fact, Facts, Unread};
use crate::solve::schedule::{Move, NodeSet, Unschedulable, schedule};

/// What a plan is made of.
#[derive(Clone, Debug)]
pub struct PlanRequest<'a> {
    /// What was read of the cluster.
    pub facts: &'a Facts,
    /// The account it is in.
    pub account: &'a AccountId,
    /// Its region.
    pub region: &'a Region,
    /// The version it is to get.
    pub target: Minor,
    /// How.
    pub options: &'a PlanOptions,
    /// Findings that somebody decided to live with.
    pub suppressions: &'a [Suppression],
    /// Version of fleetwright.
    pub program: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// Why there is no plan at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Without this nothing can be planned.
    #[error("there is no plan without the {what}: {} ({:?}); grant what is needed to read them", unread.detail, unread.cause)]
    NotRead {
        /// What was not read.
        what: &'static str,
        /// Why.
        unread: Unread,
    },
    /// The target is older than the cluster.
    #[error(transparent)]
    Unreachable(#[from] UnreachableMinor),
    /// Nodes are out of skew before the first hop.
    #[error(transparent)]
    Unschedulable(#[from] Unschedulable),
    /// Nodes that the plan leaves as they are would be out of skew.
    #[error("{set} keeps kubelet {kubelet}, which may not serve beside control plane {control_plane}: {why}")]
    KeptTooOld {
        /// The nodes.
        set: String,
        /// Their kubelet.
        kubelet: Minor,
        /// The first version of the control plane that it may not serve beside.
        control_plane: Minor,
        /// Why they are left, and what to do.
        why: String,
    },
}

/// Makes the plan. One whose findings block says so ([`UpgradePlan::standing`]) and is a plan all the same: it shows what
/// there is to do.
///
/// # Errors
/// [`Refused`] where nothing can be said, or no order of steps keeps the rules.
pub fn plan(request: &PlanRequest<'_>) -> Result<UpgradePlan, Refused> {
    let facts = request.facts;
    let cluster = match &facts.control_plane.cluster {
        Fact::Known(cluster) => cluster,
        Fact::NotRead(unread) => return Err(Refused::NotRead { what: "cluster", unread: unread.clone() }),
    };
    let hops = cluster.version.hops_to(request.target)?;
    let sets = nodes::sets(facts)?;
    keep_skew(&sets, &hops)?;
    let planned: Vec<NodeSet> = sets.planned.iter().map(|set| set.nodes.clone()).collect();
    let order = schedule(&hops, &planned)?;
    let known_addons = nodes::needed("add-ons", &facts.addons.addons)?;
    let (addon_moves, mut left_alone) = addons::moves(known_addons, &hops, request.options.addons);
    left_alone.extend(sets.fixed.iter().map(|(_, left)| left.clone()));
    let steps = Maker { request, cluster, hops: &hops, sets: &sets, addons: &addon_moves }.steps(&order);
    let rollbacks = rollback::of(&cluster.name, &hops, &steps, &sets, &addon_moves);
    let assessment = assess(facts, &hops, request.at, request.suppressions);
    let mut findings = findings(&assessment);
    own_groups::without_image(&steps, &sets, &mut findings);
    Ok(UpgradePlan {
        format: FORMAT,
        program: request.program.to_owned(),
        made_at: request.at,
        cluster: PlannedCluster {
            account: request.account.clone(),
            region: request.region.clone(),
            name: cluster.name.clone(),
            version: cluster.version,
            endpoint: cluster.endpoint.clone(),
        },
        target: request.target,
        hops,
        options: request.options.clone(),
        observed: observed(cluster, &sets, known_addons),
        findings,
        suppressions: request.suppressions.to_vec(),
        unread: gaps(&assessment, request.options),
        left_alone,
        steps,
        rollbacks,
    })
}

/// Nodes that stay as they are must be within the skew all the way.
fn keep_skew(sets: &Sets<'_>, hops: &[Hop]) -> Result<(), Refused> {
    for (set, left) in &sets.fixed {
        let out = |kubelet: Minor| hops.iter().find(|hop| skew(kubelet, hop.to) != Skew::Supported);
        if let Some(hop) = out(set.oldest) {
            return Err(Refused::KeptTooOld {
                set: set.name.clone(),
                kubelet: set.oldest,
                control_plane: hop.to,
                why: left.why.clone(),
            });
        }
    }
    Ok(())
}

struct Maker<'a> {
    request: &'a PlanRequest<'a>,
    cluster: &'a Cluster,
    hops: &'a [Hop],
    sets: &'a Sets<'a>,
    addons: &'a [AddonMove],
}

impl Maker<'_> {
    fn steps(&self, order: &[Move]) -> Vec<PlanStep> {
        let mut draft = Draft::default();
        let nodes_first = matches!(order.first(), Some(Move::Nodes { .. }));
        if nodes_first {
            draft.then(actions::approval("start", self.about_start()));
            self.hold_pools(&mut draft);
        }
        let mut kubelets: BTreeMap<String, Minor> =
            self.sets.planned.iter().map(|set| (set.nodes.name.clone(), set.nodes.oldest)).collect();
        let mut control_plane = self.cluster.version;
        // Moves of nodes between two hops are made together, in waves.
        let mut rest = order;
        while let Some(next) = rest.first() {
            match next {
                Move::ControlPlane(hop) => {
                    let first = !nodes_first && self.hops.first() == Some(hop);
                    self.hop(&mut draft, *hop, first);
                    control_plane = hop.to;
                    rest = &rest[1..];
                }
                Move::Nodes { .. } => {
                    let end =
                        rest.iter().position(|it| matches!(it, Move::ControlPlane(_))).unwrap_or(rest.len());
                    self.replace(&mut draft, &rest[..end], &mut kubelets, control_plane);
                    rest = &rest[end..];
                }
            }
        }
        draft.finish()
    }

    /// Everything of one hop but the nodes; `first` where the plan begins with it.
    fn hop(&self, draft: &mut Draft, hop: Hop, first: bool) {
        let name = self.cluster.name.as_str();
        draft.then(actions::refresh_insights(name, hop));
        draft.then(actions::gate(name, hop));
        let each = self.request.options.approvals == Approvals::EachHop;
        if first || each {
            let hops = if each { std::slice::from_ref(&hop) } else { self.hops };
            draft.then(actions::approval(&hop.to.to_string(), self.about(hops)));
        }
        if first {
            self.hold_pools(draft);
        }
        self.update_addons(draft, Turn::Before(hop), hop);
        let mut step = actions::control_plane(name, hop);
        if let Some(before) = self.hops.iter().find(|it| it.to == hop.from) {
            step.closes.push(actions::control_plane(name, *before).id);
        }
        draft.then(step);
        draft.then(actions::health(&format!("control-plane-{}", hop.to), hop.to));
        self.update_addons(draft, Turn::After(hop), hop);
    }

    fn update_addons(&self, draft: &mut Draft, turn: Turn, hop: Hop) {
        let mut any = false;
        for update in self.addons.iter().filter(|update| update.turn == turn) {
            let mut step = actions::addon(&self.cluster.name, &update.name, &update.from, &update.to);
            if let (Reversibility::Reversible { remains, .. }, false) =
                (&mut step.reversibility, update.serves_before)
            {
                *remains = format!(
                    "{} does not serve {}: it goes back before the control plane",
                    update.to, hop.from
                );
            }
            draft.then(step);
            any = true;
        }
        if any {
            let (name, at) = match turn {
                Turn::Before(_) => (format!("add-ons-before-{}", hop.to), hop.from),
                Turn::After(_) => (format!("add-ons-{}", hop.to), hop.to),
            };
            draft.then(actions::health(&name, at));
        }
    }

    /// Replaces sets of nodes in waves, with a look at the cluster's health after each.
    fn replace(
        &self,
        draft: &mut Draft,
        moves: &[Move],
        kubelets: &mut BTreeMap<String, Minor>,
        control_plane: Minor,
    ) {
        let sets: Vec<&PlannedSet<'_>> = moves
            .iter()
            .filter_map(|it| match it {
                Move::Nodes { set, .. } => {
                    self.sets.planned.iter().find(|planned| planned.nodes.name == *set)
                }
                Move::ControlPlane(_) => None,
            })
            .collect();
        for (number, wave) in waves(sets, self.request.options).into_iter().enumerate() {
            let steps = wave.into_iter().map(|set| {
                let from = kubelets.insert(set.nodes.name.clone(), control_plane).unwrap_or(control_plane);
                let mut step = actions::nodes(&self.cluster.name, set, from, control_plane);
                step.closes = self.closed_by(set, control_plane);
                // Only the last roll lets drift go on: before it, the pool is to wait again.
                if let Action::PoolNodes { pool, waves, .. } = &step.action
                    && !waves.is_empty()
                    && control_plane < self.request.target
                {
                    step.calls.extend(actions::hold_pool(pool).calls);
                }
                step
            });
            draft.together(steps.collect());
            draft.then(actions::health(&format!("nodes-{control_plane}-wave-{}", number + 1), control_plane));
        }
    }

    /// Evicted Fargate pods come back with the control plane's version only: the hop to it stays.
    fn closed_by(&self, set: &PlannedSet<'_>, control_plane: Minor) -> Vec<super::StepId> {
        let hop = self.hops.iter().find(|hop| hop.to == control_plane);
        match (&set.kind, hop) {
            (Kind::Fargate { .. }, Some(hop)) => vec![actions::control_plane(&self.cluster.name, *hop).id],
            _ => Vec::new(),
        }
    }

    /// Karpenter would replace nodes at every hop: it is to wait until the plan lets it.
    fn hold_pools(&self, draft: &mut Draft) {
        let held = self.sets.planned.iter().filter_map(|set| match &set.kind {
            Kind::Pool { pool, waves } if !waves.is_empty() => Some(actions::hold_pool(&pool.name)),
            _ => None,
        });
        draft.together(held.collect());
    }

    /// What an approval is about: the changes, and what can no longer be taken back after them.
    fn about(&self, hops: &[Hop]) -> Vec<String> {
        let mut about: Vec<String> = Vec::new();
        for hop in hops {
            about.push(format!("the control plane goes from {} to {}", hop.from, hop.to));
            if let Some(before) = self.hops.iter().find(|it| it.to == hop.from) {
                about.push(format!("from then on it cannot go back from {} to {}", before.to, before.from));
            }
        }
        about.push(
            "what is written to etcd, and versions in which objects are stored, are not taken back".into(),
        );
        if self.sets.planned.iter().any(|set| matches!(set.kind, Kind::Fargate { .. })) {
            about.push(
                "once Fargate pods are evicted, the control plane does not go back beneath them".into(),
            );
        }
        about
    }

    /// What is approved where nodes must be replaced before the first hop.
    fn about_start(&self) -> Vec<String> {
        let mut about = vec!["nodes that are too old for the first hop are replaced before it".to_owned()];
        if self.request.options.approvals == Approvals::Once {
            about.extend(self.about(self.hops));
        }
        about
    }
}

/// Sets in the order that the options ask for, each wave no larger than they say.
fn waves<'s, 'a>(sets: Vec<&'s PlannedSet<'a>>, options: &PlanOptions) -> Vec<Vec<&'s PlannedSet<'a>>> {
    let bare = |set: &PlannedSet<'_>| match &set.kind {
        Kind::Managed(group) => group.name.clone(),
        Kind::SelfManaged(group) => group.name.clone(),
        Kind::Pool { pool, .. } => pool.name.clone(),
        Kind::Fargate { .. } => "fargate".to_owned(),
    };
    let mut waves = Vec::new();
    let mut taken = BTreeSet::new();
    for name in &options.first {
        let of: Vec<_> = sets.iter().copied().filter(|set| bare(set) == *name).collect();
        if !of.is_empty() && taken.insert(name) {
            waves.push(of);
        }
    }
    let others: Vec<_> = sets.into_iter().filter(|set| !taken.contains(&bare(set))).collect();
    let at_once = usize::from(options.groups_at_once.max(1));
    waves.extend(others.chunks(at_once).map(<[_]>::to_vec));
    waves
}

fn observed(cluster: &Cluster, sets: &Sets<'_>, addons: &[crate::facts::Addon]) -> BTreeMap<String, String> {
    let mut observed = BTreeMap::from([("control plane".to_owned(), cluster.version.to_string())]);
    let planned = sets.planned.iter().map(|set| (&set.nodes, Some((set.count, set.at_once))));
    for (set, numbers) in planned.chain(sets.fixed.iter().map(|(set, _)| (set, None))) {
        let kubelets = match set.oldest == set.newest {
            true => set.oldest.to_string(),
            false => format!("{} to {}", set.oldest, set.newest),
        };
        let numbers =
            numbers.map_or_else(String::new, |(nodes, at)| format!(", {nodes} nodes, {at} at once"));
        observed.insert(set.name.clone(), format!("{kubelets}{numbers}"));
    }
    observed.extend(addons.iter().map(|addon| (format!("add-on {}", addon.name), addon.version.clone())));
    observed
}

fn findings(assessment: &Assessment) -> Vec<OpenFinding> {
    let mut open = Vec::new();
    for result in &assessment.results {
        let Verdict::Finding { findings, .. } = &result.verdict else { continue };
        for finding in findings.iter().filter(|finding| finding.suppressed.is_none()) {
            open.push(OpenFinding {
                code: result.code.to_owned(),
                hop: result.hop,
                severity: finding.severity,
                subject: finding.subject.clone(),
                what: finding.what.clone(),
                evidence: finding.evidence.clone(),
                remedy: finding.remedy.clone(),
            });
        }
    }
    open
}

fn gaps(assessment: &Assessment, options: &PlanOptions) -> Vec<PlannedGap> {
    let undecided = assessment.undecided();
    let gaps: BTreeSet<PlannedGap> = assessment
        .unread()
        .map(|(code, unread)| PlannedGap {
            code: code.to_owned(),
            cause: unread.cause,
            detail: unread.detail.clone(),
            undecided: undecided.contains(code)
                && !unread.was_left_out()
                && !options.accepted.contains_key(code),
        })
        .collect();
    gaps.into_iter().collect()
}
