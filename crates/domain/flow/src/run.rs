//! A run: the plan, and everything the records so far say about it.

mod approvals;
mod backoff;
mod budget;
mod flight;
mod haste;
mod illegal;
mod lanes;
mod legality;
mod next;
mod queues;
mod standing;
mod tally;
mod transition;
mod view;
mod walk;
mod windows;

use std::collections::{BTreeSet, VecDeque};
use std::mem::size_of;
use std::sync::Arc;

use fleetwright_model::Text;
use jiff::Timestamp;

pub use flight::Flight;
pub use haste::Haste;
pub use illegal::{Illegal, Position};
pub use next::Command;
pub use tally::{StepCount, Totals};
pub use view::{
    ApprovalView, Condition, FreezeView, GateView, GroupView, RunView, StageView, StepView, TargetState,
    WaitingFor, WindowView,
};
pub use walk::End;

pub(crate) use walk::{Course, SkipReason, Wait, Walk};

use crate::plan::{PlaceId, Plan, StageId, StepIndex, TargetId};
use crate::record::{Direction, Ending, Epoch, Event, Record, Sequence};
use approvals::Deciding;
use budget::Ledger;
use lanes::Lanes;
use queues::Queues;
use tally::Tally;
use windows::Windows;

/// A run in memory: a fold of its records over its plan, and nothing else. Two runs of one plan that
/// were given the same records are equal, and propose the same.
///
/// A driver repeats: [`Run::next`] says what may start; each command's [`Command::event`] becomes a
/// record; the records are made durable, then given to [`Run::apply`], and only then acted upon. What
/// comes of it becomes records in the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    plan: Arc<Plan>,
    last: Sequence,
    epoch: Epoch,
    opened_at: Option<Timestamp>,
    /// The time of the last record.
    at: Timestamp,
    /// The plan's digest, as the run was opened with it.
    digest: Option<Text>,
    ended: Option<(Ending, Timestamp)>,
    paused: bool,
    /// Since when and by whom nothing that would change an unchanged target is started.
    freeze: Option<FreezeView>,
    stop: Option<Stop>,
    /// The stage that is walked; past the last when all are over.
    stage: StageId,
    stages: Vec<StageState>,
    walks: Vec<Walk>,
    ledgers: Vec<Ledger>,
    queues: Queues,
    /// How often targets joined waiting lists.
    tickets: u32,
    windows: Windows,
    lanes: Lanes,
    timers: BTreeSet<(Timestamp, TargetId)>,
    flights: BTreeSet<TargetId>,
    to_skip: BTreeSet<TargetId>,
    /// Targets that took a new step within this transition and have yet to find their queue.
    moving: VecDeque<TargetId>,
    dependents: Dependents,
    tally: Tally,
    operations: u64,
}

/// Why nothing further is started, and how far that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    Halted,
    Rejected,
    Aborted,
    AbortedNow,
}

impl Stop {
    /// Whether targets that were changed already stop as well.
    pub(crate) fn cancels(self) -> bool {
        self == Self::AbortedNow
    }

    fn ending(self) -> Ending {
        match self {
            Self::Halted => Ending::Halted,
            Self::Rejected => Ending::Rejected,
            Self::Aborted | Self::AbortedNow => Ending::Aborted,
        }
    }
}

/// What has become of a stage's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateState {
    /// Nothing is to be decided, or it was approved.
    Passed,
    /// Preparations run.
    Ahead,
    /// It waits for a decision.
    Reached,
    /// Nobody decided in time, and the stage is left as it is.
    Expired,
}

/// One stage's counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageState {
    pub(crate) gate: GateState,
    pub(crate) deciding: Deciding,
    pub(crate) size: u32,
    pub(crate) rested: u32,
    /// Targets that ended well.
    pub(crate) well: u32,
    pub(crate) failures: u32,
    /// Targets that stand before the gate.
    pub(crate) at_gate: BTreeSet<TargetId>,
    /// Targets that wait for others of the stage.
    pub(crate) after: u32,
}

impl StageState {
    pub(crate) fn is_over(&self) -> bool {
        self.rested == self.size
    }

    /// Whether everything that may go ahead of the gate has, and something stands before it.
    pub(crate) fn is_prepared(&self) -> bool {
        let standing = self.at_gate.len() as u32;
        standing > 0 && standing + self.after + self.rested == self.size
    }
}

/// Who comes after whom, read backwards: rows of one long list.
#[derive(Clone, Debug, PartialEq)]
struct Dependents {
    starts: Vec<u32>,
    list: Vec<TargetId>,
}

impl Dependents {
    fn of_plan(plan: &Plan) -> Self {
        let mut starts = vec![0u32; plan.targets.len() + 1];
        for before in plan.targets.iter().flat_map(|target| &target.after) {
            starts[before.index() + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut free = starts.clone();
        let mut list = vec![TargetId(0); starts.last().map_or(0, |end| *end as usize)];
        for (target, row) in plan.targets.iter().enumerate() {
            for before in &row.after {
                let place = &mut free[before.index()];
                list[*place as usize] = TargetId(target as u32);
                *place += 1;
            }
        }
        Self { starts, list }
    }

    fn of(&self, id: TargetId) -> std::ops::Range<usize> {
        self.starts[id.index()] as usize..self.starts[id.index() + 1] as usize
    }
}

impl Run {
    /// A run before its first record.
    ///
    /// # Panics
    /// On a plan that [`Plan::check`] refuses: one whose indices lead nowhere.
    pub fn open(plan: Arc<Plan>) -> Self {
        let stages = plan
            .stages
            .iter()
            .map(|stage| StageState {
                gate: match stage.gate {
                    crate::Gate::Open => GateState::Passed,
                    crate::Gate::Approval => GateState::Ahead,
                },
                deciding: Deciding::default(),
                size: stage.targets.len() as u32,
                rested: 0,
                well: 0,
                failures: 0,
                at_gate: BTreeSet::new(),
                after: 0,
            })
            .collect();
        let mut walks = Vec::with_capacity(plan.targets.len());
        for (stage, row) in plan.stages.iter().enumerate() {
            walks.extend(row.targets.clone().map(|_| Walk::new(StageId(stage as u16))));
        }
        let mut ledgers: Vec<Ledger> = plan.groups.iter().map(Ledger::new).collect();
        let (windows, classes) = Windows::new(&plan);
        for ((walk, target), class) in walks.iter_mut().zip(&plan.targets).zip(classes) {
            walk.class = class;
            walk.before = target.after.len() as u32;
            for group in &target.groups {
                ledgers[group.index()].open += 1;
            }
        }
        Self {
            last: Sequence(0),
            epoch: Epoch(0),
            opened_at: None,
            at: Timestamp::UNIX_EPOCH,
            digest: None,
            ended: None,
            paused: false,
            freeze: None,
            stop: None,
            stage: StageId(0),
            stages,
            ledgers,
            queues: Queues::of_plan(&plan),
            tickets: 0,
            windows,
            lanes: Lanes::new(&plan),
            timers: BTreeSet::new(),
            flights: BTreeSet::new(),
            to_skip: BTreeSet::new(),
            moving: VecDeque::new(),
            dependents: Dependents::of_plan(&plan),
            tally: Tally::new(&plan),
            walks,
            operations: 0,
            plan,
        }
    }

    /// The one transition table, live and on recovery.
    ///
    /// # Errors
    /// [`Illegal`] for whatever cannot follow from the records so far: another's epoch, a gap, a step
    /// the target does not stand at, the end of an attempt that is over. The run is then unchanged.
    pub fn apply(&mut self, record: &Record) -> Result<(), Illegal> {
        self.check(record)?;
        self.transition(record);
        Ok(())
    }

    /// The record that would carry an event now. A driver that takes the run over gives its own epoch
    /// to an [`Event::Owner`] instead.
    pub fn record(&self, at: Timestamp, event: Event) -> Record {
        Record { seq: Sequence(self.last.0 + 1), epoch: self.epoch, at, event }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The last record's place in the journal; 0 before the first.
    pub fn last(&self) -> Sequence {
        self.last
    }

    /// The present ownership.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// How the run ended, once it is closed.
    pub fn ending(&self) -> Option<Ending> {
        self.ended.map(|(ending, _)| ending)
    }

    /// Whether nothing uncommitted is started until somebody resumes.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether nothing that would change an unchanged target is started until the thaw.
    pub fn is_frozen(&self) -> bool {
        self.freeze.is_some()
    }

    /// How the run will end, where it is already being stopped.
    pub fn stopping(&self) -> Option<Ending> {
        self.stop.map(Stop::ending)
    }

    /// Whether what is in flight is to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.stop.is_some_and(Stop::cancels)
    }

    /// How many targets are in which state.
    pub fn totals(&self) -> &Totals {
        &self.tally.totals
    }

    /// The stage whose gate waits for a decision.
    pub fn gate_waiting(&self) -> Option<StageId> {
        let stage = self.stages.get(self.stage.index())?;
        (stage.gate == GateState::Reached && self.stop.is_none()).then_some(self.stage)
    }

    /// What a step left for later ones.
    pub fn note(&self, target: TargetId, direction: Direction, step: StepIndex) -> Option<&Text> {
        let notes = &self.walk(target).notes;
        notes.iter().find(|note| note.direction == direction && note.step == step).map(|note| &note.text)
    }

    /// Whether a step of the recipe was ever started for a target.
    pub fn was_started(&self, target: TargetId, step: StepIndex) -> bool {
        self.walk(target).was_started(step)
    }

    /// How a target ended; none while it does not rest.
    pub fn end(&self, target: TargetId) -> Option<End> {
        let walk = self.walk(target);
        (walk.wait == Wait::Rest).then(|| walk.end())
    }

    /// Which way, and at which step, a target that is stuck got stuck.
    pub fn stuck_at(&self, target: TargetId) -> Option<Position> {
        let (direction, step, _) = self.walk(target).fate.as_ref()?.stuck.as_ref()?;
        Some(Position { direction: *direction, step: *step })
    }

    /// Whether a target's groups are charged for it.
    pub fn holds(&self, target: TargetId) -> bool {
        self.walk(target).holds
    }

    /// Targets of a place that may still come to the step of that name in the present stage: they stand
    /// at, or are in flight at, a step before it.
    pub fn behind(&self, place: PlaceId, step: &str) -> usize {
        self.tally.before(&self.plan, place, step)
    }

    /// Changes to queues, lists and counts so far: what the decisions cost, whatever the machine.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// An estimate of the memory this state takes, the plan not included, in bytes.
    pub fn memory_bytes(&self) -> usize {
        /// An entry of an ordered set with its share of the tree's nodes.
        const ENTRY: usize = 24;
        let walks = self.walks.capacity() * size_of::<Walk>();
        let own: usize = self.walks.iter().map(Walk::heap_bytes).sum();
        let at_gates: usize = self.stages.iter().map(|stage| stage.at_gate.len()).sum();
        let sets = self.timers.len() + self.flights.len() + self.to_skip.len() + at_gates;
        let ledgers: usize =
            self.ledgers.iter().map(|ledger| size_of::<Ledger>() + ledger.heap_bytes()).sum();
        let dependents = (self.dependents.starts.len() + self.dependents.list.len()) * size_of::<u32>();
        size_of::<Self>()
            + walks
            + own
            + sets * ENTRY
            + ledgers
            + dependents
            + self.lanes.heap_bytes()
            + self.queues.heap_bytes()
            + self.windows.heap_bytes()
            + self.moving.capacity() * size_of::<TargetId>()
            + self.stages.len() * size_of::<StageState>()
    }

    fn walk(&self, id: TargetId) -> &Walk {
        &self.walks[id.index()]
    }

    fn walk_mut(&mut self, id: TargetId) -> &mut Walk {
        &mut self.walks[id.index()]
    }

    fn is_at_rest(&self) -> bool {
        self.stage.index() >= self.stages.len()
    }
}
