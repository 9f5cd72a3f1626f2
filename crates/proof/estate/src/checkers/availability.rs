//! I1 and I33 of groups that share the work: how many members are out of service at once, and whether
//! all are back at the end.
//!
//! A member is out of service while its group does not count on it (unhealthy, draining, in standby),
//! and while it is being changed: from a stop, a reboot or a new root volume until its checks have
//! passed, and while an install runs on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::evidence::{Evidence, Place, installs, named};
use super::{Finding, Invariant, Phase, Run};
use crate::policy::pattern;
use crate::world::World;
use crate::world::diary::{Event, Standing};
use crate::world::host::HostEventKind;
use crate::world::ids::InstanceId;
use crate::world::instance::InstanceState;

/// How many members of a group were out of service, and from when on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The account's id.
    pub account: String,
    /// The region's code.
    pub region: String,
    /// `targetgroup/NAME`, `loadbalancer/NAME` for a classic balancer, or `autoscaling/NAME`.
    pub group: String,
    /// Each moment at which the number changed, with the number from then on.
    pub steps: Vec<(Timestamp, usize)>,
}

impl Outage {
    /// The greatest number at once.
    #[must_use]
    pub fn most(&self) -> usize {
        self.steps.iter().map(|(_, out)| *out).max().unwrap_or(0)
    }
}

/// How many members of each group were out of service over time, from `since` on, as far as the world
/// itself tells; what the groups had then is what is counted against.
#[must_use]
pub fn out_of_service(world: &World, since: Timestamp) -> Vec<Outage> {
    let evidence = Evidence::gather(&[], world);
    let outages = evidence.places.values().flat_map(|place| {
        let groups = Groups::read(place, since);
        groups.of.into_iter().map(|(group, members)| members.outage(place, &group)).collect::<Vec<_>>()
    });
    outages.collect()
}

pub(super) fn check(evidence: &Evidence<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    if run.most_out.is_empty() && run.phase == Phase::Going {
        return findings;
    }
    for place in evidence.places.values() {
        let groups = Groups::of_run(place, evidence, run.since);
        for (group, members) in &groups.of {
            let wanted = run.most_out.iter().find(|(known, _)| pattern::matches(known, group));
            if let Some((_, most)) = wanted {
                findings.extend(too_many(place, group, members, *most));
            }
        }
        if run.phase == Phase::Ended {
            findings.extend(left_out(place, run));
        }
    }
    findings
}

/// The first moment at which a change of ours took more members out than the budget has.
///
/// What fails by itself may exceed it; only a member that is being changed, drained or put into standby
/// then is a finding.
fn too_many(place: &Place<'_>, group: &str, members: &Members, most: usize) -> Option<Finding> {
    let mut out = Out::new(members);
    for (at, steps) in &members.steps {
        let mut ours = false;
        for step in steps {
            let on_purpose = matches!(step, Step::Changing(_) | Step::Stands(_, Standing::Aside));
            ours |= out.take(step) && on_purpose;
        }
        if ours && out.count() > most {
            return Some(Finding {
                invariant: Invariant::I1,
                detail: format!(
                    "{} members of {group} in {} {} were out of service at {at}, and {most} may be",
                    out.count(),
                    place.account,
                    place.code
                ),
                call: None,
            });
        }
    }
    None
}

/// Something that happened to a member.
#[derive(Clone, Copy, Debug)]
enum Step {
    Stands(InstanceId, Standing),
    Changing(InstanceId),
    Changed(InstanceId),
}

/// A group's members when the run began, and what happened since.
#[derive(Debug, Default)]
struct Members {
    serving: BTreeSet<InstanceId>,
    steps: BTreeMap<Timestamp, Vec<Step>>,
}

impl Members {
    fn outage(&self, place: &Place<'_>, group: &str) -> Outage {
        let mut out = Out::new(self);
        let mut steps: Vec<(Timestamp, usize)> = Vec::new();
        for (at, all) in &self.steps {
            for step in all {
                out.take(step);
            }
            if steps.last().map_or(0, |(_, count)| *count) != out.count() {
                steps.push((*at, out.count()));
            }
        }
        Outage {
            account: place.account.to_owned(),
            region: place.code.to_owned(),
            group: group.to_owned(),
            steps,
        }
    }
}

/// Who is out of service as the steps go by.
struct Out {
    whole: usize,
    serving: BTreeSet<InstanceId>,
    changing: BTreeMap<InstanceId, u32>,
}

impl Out {
    fn new(members: &Members) -> Self {
        Self { whole: members.serving.len(), serving: members.serving.clone(), changing: BTreeMap::new() }
    }

    /// Takes one step; true where it put a member out of service.
    fn take(&mut self, step: &Step) -> bool {
        let before = self.count();
        match step {
            Step::Stands(id, Standing::Serving) => {
                self.serving.insert(*id);
            }
            Step::Stands(id, _) => {
                self.serving.remove(id);
            }
            Step::Changing(id) => *self.changing.entry(*id).or_default() += 1,
            Step::Changed(id) => {
                self.changing.remove(id);
            }
        }
        self.count() > before
    }

    /// Members lacking: another that came in a lost one's place makes up for it.
    fn count(&self) -> usize {
        let at_work = self.serving.iter().filter(|id| !self.changing.contains_key(*id)).count();
        self.whole.saturating_sub(at_work)
    }
}

/// The groups of a region.
struct Groups {
    of: BTreeMap<Arc<str>, Members>,
}

impl Groups {
    fn read(place: &Place<'_>, since: Timestamp) -> Self {
        let mut of: BTreeMap<Arc<str>, Members> = BTreeMap::new();
        let mut at_home: HashMap<InstanceId, BTreeSet<Arc<str>>> = HashMap::new();
        for (at, event) in place.region.diary.entries() {
            let Event::Standing { group, instance, standing } = event else { continue };
            at_home.entry(*instance).or_default().insert(group.clone());
            let members = of.entry(group.clone()).or_default();
            if *at > since {
                members.steps.entry(*at).or_default().push(Step::Stands(*instance, *standing));
            } else if *standing == Standing::Serving {
                members.serving.insert(*instance);
            } else {
                members.serving.remove(instance);
            }
        }
        let mut groups = Self { of };
        for (id, homes) in &at_home {
            for (at, step) in changes(place, *id) {
                if at > since {
                    groups.note(homes, at, step);
                }
            }
        }
        groups
    }

    /// The same with the installs of a run.
    fn of_run(place: &Place<'_>, evidence: &Evidence<'_>, since: Timestamp) -> Self {
        let mut groups = Self::read(place, since);
        let ours = |record: &&crate::calls::CallRecord| {
            record.at > since
                && &*record.account == place.account
                && &*record.region == place.code
                && installs(record)
        };
        for record in evidence.changes().filter(ours) {
            for id in named(record) {
                let homes: BTreeSet<Arc<str>> = groups
                    .of
                    .iter()
                    .filter(|(_, it)| it.serving.contains(&id))
                    .map(|(group, _)| group.clone())
                    .collect();
                groups.note(&homes, record.at, Step::Changing(id));
                // Where it rebooted, the checks that pass after that are its end.
                let Some(ended) = install_ended(place, id, record.at) else { continue };
                let reboots = place.history(id).iter().any(|event| {
                    (record.at..=ended).contains(&event.at)
                        && matches!(event.kind, HostEventKind::Rebooted { .. })
                });
                if !reboots {
                    groups.note(&homes, ended, Step::Changed(id));
                }
            }
        }
        groups
    }

    fn note(&mut self, homes: &BTreeSet<Arc<str>>, at: Timestamp, step: Step) {
        for home in homes {
            if let Some(members) = self.of.get_mut(home) {
                members.steps.entry(at).or_default().push(step);
            }
        }
    }
}

/// When the command that was sent to an instance at a moment came to its end there, if it has.
fn install_ended(place: &Place<'_>, id: InstanceId, sent: Timestamp) -> Option<Timestamp> {
    let commands = &place.region.commands;
    let mut sent_to = commands.of_instance(id).iter().rev().filter_map(|place| commands.at(*place));
    let command = sent_to.find(|command| command.requested_at == sent)?;
    command.invocation(id)?.ended_at
}

/// When a host goes down to be changed, and when its checks have passed again.
fn changes(place: &Place<'_>, id: InstanceId) -> Vec<(Timestamp, Step)> {
    let mut all: Vec<(Timestamp, Step)> = Vec::new();
    for event in place.history(id) {
        if matches!(event.kind, HostEventKind::Rebooted { .. }) {
            all.push((event.at, Step::Changing(id)));
        }
    }
    for (at, state) in place.states.get(&id).into_iter().flatten() {
        if *state == InstanceState::Stopping {
            all.push((*at, Step::Changing(id)));
        }
    }
    all.extend(place.passed.get(&id).into_iter().flatten().map(|at| (*at, Step::Changed(id))));
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Members that served when the run began and do not now, though they are still there; and processes
/// that are still suspended.
fn left_out(place: &Place<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut then: BTreeMap<(&str, InstanceId), Standing> = BTreeMap::new();
    let mut suspended: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (at, event) in place.region.diary.entries() {
        match event {
            Event::Standing { group, instance, standing } if *at <= run.since => {
                then.insert((group, *instance), *standing);
            }
            Event::Processes { group, suspended: now } => {
                let of = suspended.entry(group).or_default();
                let now: BTreeSet<&str> = now.iter().copied().collect();
                if *at <= run.since {
                    of.0.clone_from(&now);
                }
                of.1 = now;
            }
            _ => {}
        }
    }
    let mut found = |detail: String| findings.push(Finding { invariant: Invariant::I33, detail, call: None });
    for ((group, id), _) in then.iter().filter(|(_, standing)| **standing != Standing::Left) {
        let gone =
            matches!(place.state(*id), None | Some(InstanceState::Terminated | InstanceState::ShuttingDown));
        if !gone && !is_member(place, group, *id) {
            found(format!(
                "{id} in {} {} was in {group} when the run began, and is out of it at the end",
                place.account, place.code
            ));
        }
    }
    for (group, (before, now)) in &suspended {
        if let Some(process) = now.difference(before).next() {
            found(format!(
                "{process} of {group} in {} {} was suspended and not resumed",
                place.account, place.code
            ));
        }
    }
    findings
}

/// True where an instance is registered and not draining, or in service, in a group.
fn is_member(place: &Place<'_>, group: &str, id: InstanceId) -> bool {
    use crate::world::scaling::Lifecycle;
    let region = place.region;
    let registered = || {
        let pools = region.balancing.iter().map(|it| &it.pool).filter(|pool| &*pool.label == group);
        pools.flat_map(|pool| pool.targets.iter()).any(|(key, target)| key.0 == id && target.is_registered())
    };
    let in_service = || {
        let members =
            region.scaling.iter().filter(|it| &*it.label == group).filter_map(|it| it.members.get(&id));
        members
            .map(|member| member.lifecycle)
            .any(|it| matches!(it, Lifecycle::InService | Lifecycle::Pending))
    };
    registered() || in_service()
}
