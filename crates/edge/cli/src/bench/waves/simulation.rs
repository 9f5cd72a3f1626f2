//! A run of the kernel alone, in virtual time: whatever it starts ends after a time that was drawn for
//! that host and step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use fleetwright_flow::{Command, Direction, Event, Haste, Record, Run, StepIndex, TargetId};
use fleetwright_patch::plan::PatchPlan;
use jiff::{SignedDuration, Timestamp};

use super::draws::Draws;

/// CreateImage: burst and refill per second of one account and region. Source: EC2 developer guide,
/// request throttling.
pub(super) const IMAGE_BURST: usize = 50;
/// See [`IMAGE_BURST`].
pub(super) const IMAGES_PER_SECOND: f64 = 5.0;

/// Seconds of one step.
struct Usual {
    step: &'static str,
    /// Median seconds of the other side.
    other: f64,
    /// Mean seconds of the driver beside them, batches that gather and looks that are due, where others
    /// wait for what the host takes up; and where nobody does.
    in_the_way: f64,
    calm: f64,
}

/// Source: docs/benchmarks.md, whole runs: of 1,000 hosts with a tenth out of service, where places bind
/// and the driver hurries with who holds one; and of 10,000, where images do and nobody is in the way.
const STEPS: [Usual; 6] = [
    Usual { step: "backup", other: 556.0, in_the_way: 25.0, calm: 25.0 },
    Usual { step: "precheck", other: 7.0, in_the_way: 29.0, calm: 38.0 },
    Usual { step: "patch", other: 93.0, in_the_way: 6.0, calm: 30.0 },
    Usual { step: "reboot", other: 106.0, in_the_way: 6.0, calm: 37.0 },
    Usual { step: "verify", other: 58.0, in_the_way: 6.0, calm: 33.0 },
    Usual { step: "validate", other: 7.0, in_the_way: 3.0, calm: 40.0 },
];
/// How far hosts differ: one in forty takes twice as long or longer.
const SPREAD: f64 = 0.35;
/// Seconds of a look at a gate.
const GATE_CHECKS: f64 = 20.0;

/// Whose seconds count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// Nobody's but the other side's: as if each step began and was noticed at once.
    Absent,
    /// As long as a driver takes beside them, in haste where others wait.
    Measured,
}

/// Seconds the other side takes for a step on a host. The same for the same seed, host and step, however
/// the run goes.
pub(super) fn taken(plan: &PatchPlan, seed: u64, target: TargetId, step: StepIndex) -> f64 {
    let row = &plan.flow.recipe_of(target).steps[step.index()];
    match STEPS.iter().position(|usual| *usual.step == *row.name) {
        Some(part) => draws(plan, seed, target, part).about(STEPS[part].other, SPREAD),
        None if &*row.name == "bake" => row.expected_seconds.into(),
        None => GATE_CHECKS,
    }
}

/// Seconds a driver takes beside them.
fn beside(plan: &PatchPlan, seed: u64, target: TargetId, step: StepIndex, haste: Haste) -> f64 {
    let row = &plan.flow.recipe_of(target).steps[step.index()];
    let Some(part) = STEPS.iter().position(|usual| *usual.step == *row.name) else { return 0.0 };
    let usual = &STEPS[part];
    let mean = if haste == Haste::InTheWay { usual.in_the_way } else { usual.calm };
    mean * 2.0 * draws(plan, seed, target, STEPS.len() + part).share()
}

/// A host's draws do not depend on its place in the plan, so that policies can be compared.
fn draws(plan: &PatchPlan, seed: u64, target: TargetId, part: usize) -> Draws {
    let subject = plan.flow.target(target).subject.bytes();
    let host = subject.fold(7u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    Draws::of(seed, host, part as u64)
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Simulated {
    /// Seconds from the first record to the last.
    pub(super) makespan: f64,
    /// Hosts and gates that ended well.
    pub(super) well: u32,
    /// Changes to the kernel's queues, all in all.
    pub(super) operations: u64,
    /// Records.
    pub(super) records: u64,
}

/// Walks the plan to its end.
///
/// # Panics
/// When the kernel refuses what it proposed, or stands still: both are faults.
// By its name what it costs is told from what planning does.
#[inline(never)]
pub(super) fn simulate(plan: &PatchPlan, seed: u64, driver: Driver) -> Simulated {
    let mut simulation = Simulation::new(plan, seed, driver);
    simulation.record(Event::Opened { format: Record::FORMAT, plan: "bench".into() });
    simulation.record(Event::Owner { name: "bench".into() });
    while simulation.run.ending().is_none() {
        simulation.start();
        if simulation.run.ending().is_none() {
            simulation.end_next();
        }
    }
    assert_eq!(simulation.run.ending(), Some(fleetwright_flow::Ending::Complete), "nothing fails here");
    let ended = simulation.now.duration_since(plan.flow.created_at).as_secs_f64();
    Simulated {
        makespan: ended,
        well: simulation.run.totals().done,
        operations: simulation.run.operations(),
        records: simulation.run.last().0,
    }
}

struct Simulation<'a> {
    plan: &'a PatchPlan,
    seed: u64,
    driver: Driver,
    run: Run,
    now: Timestamp,
    ends: BinaryHeap<Reverse<(Timestamp, TargetId, StepIndex)>>,
    /// When the next image of a place may begin.
    images: BTreeMap<u16, Timestamp>,
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a PatchPlan, seed: u64, driver: Driver) -> Self {
        Self {
            plan,
            seed,
            driver,
            run: Run::open(Arc::new(plan.flow.clone())),
            now: plan.flow.created_at,
            ends: BinaryHeap::new(),
            images: BTreeMap::new(),
        }
    }

    fn record(&mut self, event: Event) {
        let record = match event {
            Event::Owner { .. } => Record {
                epoch: fleetwright_flow::Epoch(self.run.epoch().0 + 1),
                ..self.run.record(self.now, event)
            },
            event => self.run.record(self.now, event),
        };
        self.run.apply(&record).expect("the kernel takes what it proposed");
    }

    /// Starts whatever may start now.
    fn start(&mut self) {
        loop {
            let commands = self.run.next(self.now);
            if commands.is_empty() {
                return;
            }
            for command in commands {
                let begun = match command {
                    Command::Begin { target, step, .. } => Some((target, step)),
                    _ => None,
                };
                self.record(command.event());
                if let Some((target, step)) = begun {
                    let seconds = self.seconds(target, step);
                    let ends = self.image_turn(target, step) + SignedDuration::from_secs_f64(seconds);
                    self.ends.push(Reverse((ends, target, step)));
                }
            }
        }
    }

    fn seconds(&self, target: TargetId, step: StepIndex) -> f64 {
        let other = taken(self.plan, self.seed, target, step);
        match self.driver {
            Driver::Absent => other,
            Driver::Measured => other + beside(self.plan, self.seed, target, step, self.run.haste(target)),
        }
    }

    /// When what is started now begins: images leave one after another once the burst is used up.
    fn image_turn(&mut self, target: TargetId, step: StepIndex) -> Timestamp {
        let row = self.plan.flow.target(target);
        if &*self.plan.flow.recipe_of(target).steps[step.index()].name != "backup" {
            return self.now;
        }
        let pace = SignedDuration::from_secs_f64(1.0 / IMAGES_PER_SECOND);
        let burst = SignedDuration::from_secs_f64(IMAGE_BURST as f64 / IMAGES_PER_SECOND);
        let full = self.now - burst;
        let used = self.images.entry(row.place.0).or_insert(full);
        *used = (*used).max(full) + pace;
        (*used).max(self.now)
    }

    fn end_next(&mut self) {
        let Reverse((at, target, step)) = self.ends.pop().expect("something is in flight, or the run ends");
        self.now = at;
        self.record(Event::Succeeded { target, step, direction: Direction::Do, note: None, finding: None });
    }
}
