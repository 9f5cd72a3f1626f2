//! What every step is handed: the plan, the landing zones, the ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetwright_flow::{Direction, End, PlaceId, Run, StepIndex, TargetId};
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Text, Zone, ZoneName, code};
use fleetwright_patch::plan::roll_out::Probe;
use fleetwright_patch::plan::{GateWork, PatchPlan, PlannedHost, Work, notes};
use fleetwright_ports::{
    Artifacts, Balancers, Clock, HostCommands, Images, Machines, Metrics, Objects, Power, RunId,
};
use jiff::{SignedDuration, Timestamp};

use fleetwright_step::{Outcome, Slot};

/// The outside world, one port each.
#[derive(Clone)]
pub struct Ports {
    /// Commands on hosts.
    pub commands: Arc<dyn HostCommands>,
    /// Images and snapshots.
    pub images: Arc<dyn Images>,
    /// Starting, stopping, restoring.
    pub power: Arc<dyn Power>,
    /// Load balancers and Auto Scaling groups.
    pub balancers: Arc<dyn Balancers>,
    /// Files that hosts fetch.
    pub objects: Arc<dyn Objects>,
    /// Measurements and alarms.
    pub metrics: Arc<dyn Metrics>,
    /// Reading instances, agents, patch states.
    pub machines: Arc<dyn Machines>,
    /// The run's files.
    pub artifacts: Arc<dyn Artifacts>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Says whether this run has verified an instance healthy. It answers false for every instance it
/// knows nothing of.
pub type Verified = Arc<dyn Fn(&InstanceId) -> bool + Send + Sync>;

/// How another target of the run has ended, and what its steps left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it ended.
    pub end: End,
    /// The notes of its steps on the way forward: step name and note, in order.
    pub notes: Vec<(Text, Text)>,
}

impl Standing {
    /// Where a target of the run stands; none while it has not ended.
    pub fn of(run: &Run, target: TargetId) -> Option<Self> {
        let end = run.end(target)?;
        let steps = (0u8..).zip(&run.plan().recipe_of(target).steps);
        let notes = steps.filter_map(|(index, step)| {
            Some((step.name.clone(), run.note(target, Direction::Do, StepIndex(index))?.clone()))
        });
        Some(Self { end, notes: notes.collect() })
    }

    /// What that step left, as the type it writes; none where it left nothing or something unreadable.
    pub fn read_note<T: serde::de::DeserializeOwned>(&self, step: &str) -> Option<T> {
        let (_, note) = self.notes.iter().rev().find(|(name, _)| &**name == step)?;
        notes::read(note)
    }
}

/// Says how a target of the run has ended; none while it has not, and where nobody knows.
pub type Standings = Arc<dyn Fn(TargetId) -> Option<Standing> + Send + Sync>;

/// The plan names a landing zone that was not handed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan works in landing zone {zone} (account {account}), which the inventory does not have; add it or plan anew"
)]
pub struct MissingZone {
    /// The zone.
    pub zone: ZoneName,
    /// Its account as the plan has it.
    pub account: fleetwright_model::AccountId,
}

/// What every step is handed.
pub struct Context {
    run: RunId,
    plan: Arc<PatchPlan>,
    /// By place.
    zones: Vec<Zone>,
    ports: Ports,
    verified: Verified,
    standings: Standings,
    /// The gates that leave patch lists.
    promoting: Vec<TargetId>,
    /// By target, the places of the sets that probe their members.
    probed: BTreeMap<TargetId, Vec<usize>>,
}

/// How much the service's clock and ours may differ.
pub(crate) const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

impl Context {
    /// Puts a run's context together. Zones are matched by name and account, so that a zone that now
    /// points elsewhere is not worked in.
    ///
    /// # Errors
    /// [`MissingZone`] names the first one that is not among `zones`.
    pub fn new(
        run: RunId,
        plan: Arc<PatchPlan>,
        zones: &[Zone],
        ports: Ports,
        verified: Verified,
    ) -> Result<Self, MissingZone> {
        let zones = plan.flow.places.iter().map(|place| {
            let found = zones.iter().find(|zone| zone.name == place.zone && zone.account == place.account);
            found
                .cloned()
                .ok_or_else(|| MissingZone { zone: place.zone.clone(), account: place.account.clone() })
        });
        let zones = zones.collect::<Result<_, _>>()?;
        let promotes = |work: &Work| matches!(work, Work::Gate(gate) if gate.patch_list_bucket.is_some());
        let promoting = (0..).map(TargetId).zip(&plan.work).filter(|(_, work)| promotes(work));
        let promoting = promoting.map(|(target, _)| target).collect();
        let mut probed: BTreeMap<TargetId, Vec<usize>> = BTreeMap::new();
        for (index, set) in plan.roll_out.sets.iter().enumerate().filter(|(_, set)| set.probe.is_some()) {
            for member in &set.members {
                probed.entry(*member).or_default().push(index);
            }
        }
        Ok(Self { run, plan, zones, ports, verified, standings: Arc::new(|_| None), promoting, probed })
    }

    /// The same, with somebody who knows how other targets ended. Without them gates judge nobody, and
    /// say so.
    #[must_use]
    pub fn with_standings(self, standings: Standings) -> Self {
        Self { standings, ..self }
    }

    /// The same with other ports.
    #[must_use]
    pub fn with_ports(&self, ports: Ports) -> Self {
        let Self { run, plan, zones, ports: _, verified, standings, promoting, probed } = self;
        Self {
            run: run.clone(),
            plan: Arc::clone(plan),
            zones: zones.clone(),
            ports,
            verified: Arc::clone(verified),
            standings: Arc::clone(standings),
            promoting: promoting.clone(),
            probed: probed.clone(),
        }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The plan.
    pub fn plan(&self) -> &PatchPlan {
        &self.plan
    }

    /// The ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Whether this run has verified the instance healthy.
    pub fn is_verified(&self, instance: &InstanceId) -> bool {
        (self.verified)(instance)
    }

    /// How another target of the run ended.
    pub(crate) fn standing(&self, target: TargetId) -> Option<Standing> {
        (self.standings)(target)
    }

    /// The gates that leave patch lists for later waves, in the plan's order.
    pub(crate) fn promoting(&self) -> &[TargetId] {
        &self.promoting
    }

    /// What must hold on a host before the next of its sets begins.
    pub(crate) fn probes(&self, target: TargetId) -> impl Iterator<Item = &Probe> {
        let sets = self.probed.get(&target).into_iter().flatten();
        sets.filter_map(|index| self.plan.roll_out.sets.get(*index)?.probe.as_ref())
    }

    /// The cell of a place.
    pub fn cell(&self, place: PlaceId) -> Cell<'_> {
        let region = self.plan.flow.places[place.index()].region.clone();
        Cell { zone: &self.zones[place.index()], region }
    }

    /// The host a target is, where it is one.
    pub fn host(&self, target: TargetId) -> Option<&PlannedHost> {
        self.plan.work.get(target.index())?.host()
    }

    /// The instance to look at: the planned one, or the one that was put in its place.
    pub(crate) fn instance(&self, slot: &Slot) -> Option<InstanceId> {
        let restored: Option<notes::RestoreNote> = slot.read_note(notes::step::RESTORE);
        let replacement = restored.and_then(|note| note.replacement);
        match replacement.and_then(|id| InstanceId::new(id).ok()) {
            Some(replacement) => Some(replacement),
            None => self.host(slot.target).map(|host| host.id.clone()),
        }
    }

    /// The slots of a turn with their hosts. A target that is no host is reported as our own fault.
    pub(crate) fn hosts<'a>(
        &'a self,
        step: &'static str,
        turn: &fleetwright_step::Turn<'a>,
    ) -> Vec<(&'a Slot, &'a PlannedHost)> {
        let mut found = Vec::with_capacity(turn.slots.len());
        for slot in turn.slots {
            match self.host(slot.target) {
                Some(host) => found.push((slot, host)),
                None => {
                    let words = format!("{} is not a host of the plan", slot.subject);
                    let failed = Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, step, &words);
                    turn.reports.report(slot.target, failed);
                }
            }
        }
        found
    }

    /// The slots of a turn with their gates. A target that is no gate is reported as our own fault.
    pub(crate) fn gates<'a>(
        &'a self,
        step: &'static str,
        turn: &fleetwright_step::Turn<'a>,
    ) -> Vec<(&'a Slot, &'a GateWork)> {
        let mut found = Vec::with_capacity(turn.slots.len());
        for slot in turn.slots {
            match self.plan.work.get(slot.target.index()) {
                Some(Work::Gate(gate)) => found.push((slot, gate)),
                _ => {
                    let words = format!("{} is not a gate of the plan", slot.subject);
                    let failed = Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, step, &words);
                    turn.reports.report(slot.target, failed);
                }
            }
        }
        found
    }

    /// The hosts that a gate of that place judges.
    pub(crate) fn judged<'a>(
        &'a self,
        place: PlaceId,
        gate: &GateWork,
    ) -> impl Iterator<Item = (TargetId, &'a PlannedHost)> {
        let targets = self.plan.flow.targets_of(gate.stage);
        let here = targets.filter(move |target| self.plan.flow.target(*target).place == place);
        here.filter_map(|target| Some((target, self.host(target)?)))
    }

    /// From when on a mark of this slot may have been left: this attempt's start, and where an earlier
    /// attempt may have left it, as far back as that can have been.
    pub(crate) fn marks_since(&self, step: &str, slot: &Slot) -> Timestamp {
        let recipe = self.plan.flow.recipe_of(slot.target);
        let retry = recipe.steps.iter().chain(&recipe.undo).find(|it| &*it.name == step).map(|it| it.retry);
        let cap = retry.map_or(0, |retry| retry.cap_seconds.max(retry.base_seconds));
        // Between two attempts lie one back-off, jitter included, and the failed call itself.
        let between = SignedDuration::from_secs(2 * i64::from(cap)) + SignedDuration::from_mins(10);
        let earlier = between.checked_mul(i32::from(slot.attempt) - 1).unwrap_or(SignedDuration::MAX);
        let back = CLOCK_TOLERANCE.checked_add(earlier).unwrap_or(SignedDuration::MAX);
        slot.started_at.checked_sub(back).unwrap_or(Timestamp::MIN)
    }
}

/// A failure of the run's files.
pub(crate) fn storage_failure(error: &fleetwright_ports::JournalError) -> Failure {
    Failure::new(ErrorClass::Transient, &code::STATE_UNUSABLE, "artifacts", &error.to_string())
}
