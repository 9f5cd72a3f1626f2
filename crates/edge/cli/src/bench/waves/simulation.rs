//! A run of the kernel alone, in virtual time: whatever it starts ends after a time that was drawn for
//! that host and step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use fleetwright_flow::{Command, Direction, Event, Record, Run, StepIndex, TargetId};
use fleetwright_patch::plan::PatchPlan;
use jiff::{SignedDuration, Timestamp};

use super::draws::Draws;

/// CreateImage: burst and refill per second of one account and region. Source: EC2 developer guide,
/// request throttling.
pub(super) const IMAGE_BURST: usize = 50;
/// See [`IMAGE_BURST`].
pub(super) const IMAGES_PER_SECOND: f64 = 5.0;

/// Median seconds of the other side and mean seconds of the driver for one step: batches that gather
/// and looks that are due. Source: docs/benchmarks.md, whole runs of 1,000 and 10,000 hosts.
const STEPS: [(&str, f64, f64); 6] = [
    ("backup", 556.0, 20.0),
    ("precheck", 7.0, 15.0),
    ("patch", 93.0, 19.0),
    ("reboot", 106.0, 11.0),
    ("verify", 58.0, 11.0),
    ("validate", 7.0, 7.0),
];
/// How far hosts differ: one in forty takes twice as long or longer.
const SPREAD: f64 = 0.35;
/// Seconds of a look at a gate.
const GATE_CHECKS: f64 = 20.0;

/// Seconds a step takes on a host: the other side's, and the driver's beside it. The same for the same
/// seed, host and step, however the run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Taken {
    /// The other side's.
    pub(super) other: f64,
    /// The driver's.
    pub(super) driver: f64,
}

impl Taken {
    /// What it takes from intent to end.
    pub(super) fn seconds(self) -> f64 {
        self.other + self.driver
    }
}

/// How long a step takes.
pub(super) fn taken(plan: &PatchPlan, seed: u64, target: TargetId, step: StepIndex) -> Taken {
    let row = &plan.flow.recipe_of(target).steps[step.index()];
    match STEPS.iter().position(|(name, ..)| *name == &*row.name) {
        Some(part) => {
            let (_, other, driver) = STEPS[part];
            // A host's draws do not depend on its place in the plan, so that policies can be compared.
            let subject = plan.flow.target(target).subject.bytes();
            let host = subject.fold(7u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
            let mut draws = Draws::of(seed, host, part as u64);
            Taken { other: draws.about(other, SPREAD), driver: driver * 2.0 * draws.share() }
        }
        None if &*row.name == "bake" => Taken { other: row.expected_seconds.into(), driver: 0.0 },
        None => Taken { other: GATE_CHECKS, driver: 0.0 },
    }
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
pub(super) fn simulate(plan: &PatchPlan, seed: u64) -> Simulated {
    let mut simulation = Simulation::new(plan, seed);
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
    run: Run,
    now: Timestamp,
    ends: BinaryHeap<Reverse<(Timestamp, TargetId, StepIndex)>>,
    /// When the next image of a place may begin.
    images: BTreeMap<u16, Timestamp>,
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a PatchPlan, seed: u64) -> Self {
        Self {
            plan,
            seed,
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
                if let Command::Begin { target, step, .. } = command {
                    let begins = self.image_turn(target, step);
                    let taken = taken(self.plan, self.seed, target, step).seconds();
                    let ends = begins + SignedDuration::from_secs_f64(taken);
                    self.ends.push(Reverse((ends, target, step)));
                }
                self.record(command.event());
            }
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
