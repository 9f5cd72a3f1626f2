//! A process that can be cut off: its steps and its journal go through it.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_engine::{AtGates, Begin, Concluded, Control, DriveError, Ports, StepTable, drive};
use fleetwright_flow::{Direction, Effect, Event, PlaceId, Plan, Record, StepIndex, TargetId};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::Journal;
use fleetwright_step::{Outcome, Reports, Slot, Step, Turn};
use tokio::sync::Notify;

use super::journal::ProcessJournal;
use super::{Cut, NewProcess, Point, World};

/// When a process is cut off.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// Never.
    Never,
    /// At this point.
    At(Cut),
    /// At its so manieth opportunity: appends, before and after, and turns whenever they go on.
    Opportunity(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Asleep,
    /// Awake again, and another owns the run by now.
    Zombie,
}

/// A process: what it is made of stops when it is cut off.
pub(super) struct Process {
    plan: Arc<Plan>,
    state: Mutex<(Phase, When)>,
    slept: Notify,
    woken: Notify,
    /// Steps of which a zombie began a turn.
    late: Mutex<Vec<&'static str>>,
}

impl Process {
    pub(super) fn new(plan: Arc<Plan>, when: When) -> Arc<Self> {
        let state = Mutex::new((Phase::Running, when));
        Arc::new(Self { plan, state, slept: Notify::new(), woken: Notify::new(), late: Mutex::default() })
    }

    /// Returns once the process was cut off.
    pub(super) async fn cut_off(&self) {
        while self.phase() == Phase::Running {
            self.slept.notified().await;
        }
    }

    /// Lets it go on, a zombie.
    pub(super) fn wake(&self) {
        self.state().0 = Phase::Zombie;
        self.woken.notify_waiters();
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.phase() != Phase::Running
    }

    /// Steps of which it began a turn after it woke: a process that lost its run begins none (I15).
    pub(super) fn late_turns(&self) -> Vec<&'static str> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_turn(&self, step: &'static str) {
        if self.phase() == Phase::Zombie {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        }
    }

    fn fall_asleep(&self) {
        let mut state = self.state();
        if state.0 == Phase::Running {
            state.0 = Phase::Asleep;
            self.slept.notify_one();
        }
    }

    /// Sleeps until somebody wakes it.
    pub(super) async fn sleep(&self) {
        self.fall_asleep();
        loop {
            let woken = self.woken.notified();
            if self.phase() == Phase::Zombie {
                return;
            }
            woken.await;
        }
    }

    fn phase(&self) -> Phase {
        self.state().0
    }

    /// Whether this is the random opportunity.
    fn takes_opportunity(&self) -> bool {
        match &mut self.state().1 {
            When::Opportunity(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            _ => false,
        }
    }

    pub(super) fn cuts_before(&self, records: &[Record]) -> bool {
        self.takes_opportunity()
            || self.cuts_at(Point::BeforeIntent, records, |event| matches!(event, Event::Started { .. }))
    }

    pub(super) fn cuts_after(&self, records: &[Record]) -> bool {
        let is_end = |event: &Event| {
            matches!(event, Event::Succeeded { .. } | Event::Failed { .. } | Event::Skipped { .. })
        };
        self.takes_opportunity()
            || self.cuts_at(Point::AcceptedRecorded, records, |e| matches!(e, Event::Accepted { .. }))
            || self.cuts_at(Point::EndRecorded, records, is_end)
    }

    fn cuts_at(&self, point: Point, records: &[Record], kind: impl Fn(&Event) -> bool) -> bool {
        let Some(cut) = self.cut() else { return false };
        let is_of_step = |event: &Event| {
            position(event).is_some_and(|(target, direction, step)| {
                direction == cut.direction && step_name(&self.plan, target, direction, step) == cut.step
            })
        };
        cut.point == point && records.iter().any(|record| kind(&record.event) && is_of_step(&record.event))
    }

    fn cut(&self) -> Option<Cut> {
        match &self.state().1 {
            When::At(cut) => Some(cut.clone()),
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, (Phase, When)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which step of whom an event is about.
pub(super) fn position(event: &Event) -> Option<(TargetId, Direction, StepIndex)> {
    match event {
        Event::Started { target, direction, step, .. }
        | Event::Accepted { target, direction, step, .. }
        | Event::Succeeded { target, direction, step, .. }
        | Event::Failed { target, direction, step, .. }
        | Event::Skipped { target, direction, step, .. } => Some((*target, *direction, *step)),
        _ => None,
    }
}

pub(super) fn step_name(plan: &Plan, target: TargetId, direction: Direction, step: StepIndex) -> Text {
    let recipe = plan.recipe_of(target);
    match direction {
        Direction::Do => recipe.steps[step.index()].name.clone(),
        Direction::Undo => recipe.undo[step.index()].name.clone(),
    }
}

/// Drives the world's run in a process.
pub(super) async fn run_in<W: World + 'static>(
    world: &Arc<W>,
    process: &Arc<Process>,
    locks: bool,
) -> Result<Concluded, DriveError> {
    let control = Control::new("crash test", AtGates::Approve { by: "crash test".into() });
    run_under(world, process, locks, &control).await
}

/// Drives the world's run in a process that is steered.
pub(super) async fn run_under<W: World + 'static>(
    world: &Arc<W>,
    process: &Arc<Process>,
    locks: bool,
    control: &Control,
) -> Result<Concluded, DriveError> {
    let journal: Arc<dyn Journal> = Arc::new(ProcessJournal::new(world.journal(), process.clone(), locks));
    let NewProcess { steps, watcher } = world.new_process();
    let steps = steps.into_iter().map(|inner| {
        let (world, process) = (world.clone() as Arc<dyn World>, process.clone());
        Arc::new(ProcessStep { inner, process, world }) as Arc<dyn Step>
    });
    let ports =
        Ports { journal, clock: world.clock(), steps: StepTable::new(steps), around: world.surroundings() };
    let loaded = world.journal().load(&world.run()).await;
    let loaded = loaded.map_err(|source| DriveError::Journal { doing: "loading the run", source })?;
    let digest = world.digest();
    let begin =
        if loaded.records.is_empty() { Begin::New { digest } } else { Begin::Resume { digest, loaded } };
    drive(ports, world.run(), world.plan(), begin, control, &*watcher).await
}

/// A step of a process: nothing of it goes on once the process is cut off.
struct ProcessStep {
    inner: Arc<dyn Step>,
    process: Arc<Process>,
    world: Arc<dyn World>,
}

/// Reports that have not left the turn yet.
#[derive(Default)]
struct Withheld(Mutex<Vec<(TargetId, Outcome)>>);

impl Reports for Withheld {
    fn report(&self, target: TargetId, outcome: Outcome) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((target, outcome));
    }
}

impl Withheld {
    fn take(&self) -> Vec<(TargetId, Outcome)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a turn of a process ended.
enum TurnEnd {
    Ended,
    /// Cut off, with what it had to say and could not.
    CutOff(Vec<(TargetId, Outcome)>),
}

impl ProcessStep {
    fn point(&self, turn: &Turn<'_>) -> Option<Point> {
        let cut = self.process.cut()?;
        let direction = turn.slots.first()?.direction;
        (*cut.step == *self.inner.name() && cut.direction == direction).then_some(cut.point)
    }

    fn only_looks(&self, turn: &Turn<'_>) -> bool {
        let plan = self.world.plan();
        let looks = |step: &fleetwright_flow::Step| step.effect == Effect::Reads;
        turn.slots.first().is_some_and(|slot| {
            let recipe = plan.recipe_of(slot.target);
            let mut steps = recipe.steps.iter().chain(&recipe.undo);
            steps.find(|step| *step.name == *self.inner.name()).is_some_and(looks)
        })
    }

    /// Whether the process dies after a part of a turn.
    fn dies(&self, point: Option<Point>, acted: bool, said: &[(TargetId, Outcome)]) -> bool {
        let settled = |(_, outcome): &(TargetId, Outcome)| !matches!(outcome, Outcome::LookAgain { .. });
        match point {
            Some(Point::AnswerLost) => acted,
            Some(Point::NotRecorded) => said.iter().any(settled),
            _ => self.process.takes_opportunity(),
        }
    }

    async fn go_on(&self, turn: &Turn<'_>, point: Option<Point>) -> TurnEnd {
        let acts = turn.slots.iter().any(|slot| slot.handle.is_none());
        if self.process.is_cut_off() || (acts && point == Some(Point::BeforeCall)) {
            self.process.fall_asleep();
            return TurnEnd::CutOff(Vec::new());
        }
        let looks = self.only_looks(turn);
        let withheld = Withheld::default();
        let mut inner =
            pin!(self.inner.turn(Turn { place: turn.place, slots: turn.slots, reports: &withheld }));
        std::future::poll_fn(|context| {
            if self.process.is_cut_off() {
                return Poll::Ready(TurnEnd::CutOff(Vec::new()));
            }
            let before = self.world.effect_count();
            let polled = inner.as_mut().poll(context);
            let said = withheld.take();
            let acted = looks || self.world.effect_count() > before;
            if self.dies(point, acted, &said) {
                self.process.fall_asleep();
                let late = if point == Some(Point::AnswerLost) { Vec::new() } else { said };
                return Poll::Ready(TurnEnd::CutOff(late));
            }
            said.into_iter().for_each(|(target, outcome)| turn.reports.report(target, outcome));
            polled.map(|()| TurnEnd::Ended)
        })
        .await
    }
}

#[async_trait]
impl Step for ProcessStep {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn gathers_for(&self) -> Duration {
        self.inner.gathers_for()
    }

    fn batch_size(&self) -> usize {
        self.inner.batch_size()
    }

    async fn turn(&self, turn: Turn<'_>) {
        self.process.note_turn(self.inner.name());
        let point = self.point(&turn);
        let TurnEnd::CutOff(late) = self.go_on(&turn, point).await else { return };
        self.process.sleep().await;
        // A zombie says what it knows, and takes what it did not hear for lost.
        for slot in turn.slots {
            let lost = "the process was asleep when the answer came";
            let lost = Failure::new(ErrorClass::Ambiguous, &code::UNREACHABLE, "test:Asleep", lost);
            let known = late.iter().find(|(target, _)| *target == slot.target);
            let outcome = known.map_or(Outcome::Failed(lost), |(_, outcome)| outcome.clone());
            turn.reports.report(slot.target, outcome);
        }
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.inner.cancel(place, slots).await;
    }
}
