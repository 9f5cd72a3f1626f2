//! How long a plan takes when the kernel walks it and every step takes as long as it is expected to.
//!
//! Nobody is waited for: approvals are given when they are asked for, and ends are noticed at once. What is longer than the
//! critical path is what the kernel's order and limits cost, and what a run adds to the plan's own steps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fleetwright_eks::plan::PlanDocument;
use fleetwright_eks::plan::timing::timing;
use fleetwright_eks::run::{Member, Ring, RunRequest, upgrade};
use fleetwright_flow::{
    Command, Direction, Epoch, Event, Illegal, Plan, Record, Run, Sequence, Signal, StepIndex, TargetId,
};
use jiff::{SignedDuration, Timestamp};

/// How long a plan takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Makespan {
    /// Its steps.
    pub(super) steps: usize,
    /// Seconds when one step is done after the other.
    pub(super) serial_seconds: u64,
    /// Seconds of its critical path.
    pub(super) bound_seconds: u64,
    /// Seconds by the kernel.
    pub(super) seconds: u64,
}

/// Walks the run of one plan.
///
/// # Errors
/// The plan is not to be carried out, or the kernel refuses what it proposed itself.
pub(super) fn of(document: &PlanDocument) -> Result<Makespan, String> {
    let zone = "bench".parse().map_err(|error| format!("the name of a zone: {error}"))?;
    let member = Member { document, zone, window: None };
    let ring = Ring { name: String::new(), members: vec![member], at_once: 1, soak_seconds: 0 };
    let at = Timestamp::UNIX_EPOCH;
    let request = RunRequest { rings: &[ring], approval: None, program: "bench", at, seed: 1 };
    let run = upgrade(&request).map_err(|error| error.to_string())?;
    let plan = document.plan();
    let timing = timing(&plan.steps);
    Ok(Makespan {
        steps: plan.steps.len(),
        serial_seconds: timing.serial_seconds,
        bound_seconds: timing.critical_path_seconds,
        seconds: walked(&run.flow).map_err(|error| error.to_string())?,
    })
}

/// Seconds that the kernel takes over a plan.
fn walked(plan: &Plan) -> Result<u64, Illegal> {
    let mut walk = Walk { run: Run::open(plan.clone().into()), epoch: Epoch(0), ends: BinaryHeap::new() };
    walk.record(0, Event::Opened { format: Record::FORMAT, plan: "bench".into() })?;
    walk.epoch = Epoch(1);
    walk.record(0, Event::Owner { name: "bench".into() })?;
    let mut now = 0;
    loop {
        while walk.begin(now)? {}
        let Some(Reverse((end, target, step))) = walk.ends.pop() else { return Ok(now) };
        now = end;
        let direction = Direction::Do;
        walk.record(now, Event::Succeeded { target, step, direction, note: None, finding: None })?;
    }
}

struct Walk {
    run: Run,
    epoch: Epoch,
    /// When steps end, in seconds, the earliest first.
    ends: BinaryHeap<Reverse<(u64, TargetId, StepIndex)>>,
}

impl Walk {
    fn at(&self, seconds: u64) -> Timestamp {
        let passed = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        self.run.plan().created_at.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn record(&mut self, now: u64, event: Event) -> Result<(), Illegal> {
        let seq = Sequence(self.run.last().0 + 1);
        let record = Record { seq, epoch: self.epoch, at: self.at(now), event };
        self.run.apply(&record)
    }

    /// Begins what may begin now; false where nothing may.
    fn begin(&mut self, now: u64) -> Result<bool, Illegal> {
        let commands = self.run.next(self.at(now));
        for command in &commands {
            self.record(now, command.event())?;
            match command {
                Command::Begin { target, step, .. } => {
                    let takes = self.run.plan().recipe_of(*target).steps[step.index()].expected_seconds;
                    self.ends.push(Reverse((now + u64::from(takes), *target, *step)));
                }
                Command::ReachGate { stage } => {
                    let signal = Signal::Approve(*stage);
                    let by = "bench".into();
                    self.record(now, Event::Signalled { signal, by, basis: None, reason: None, mail: None })?;
                }
                Command::Skip { .. }
                | Command::TurnWindow { .. }
                | Command::ExpireGate { .. }
                | Command::Close { .. } => {}
            }
        }
        Ok(!commands.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_flow::{Gate, Place, PlaceId, Recipe, RecipeId, Stage, Step, Target};
    use fleetwright_model::{AccountId, Region};

    use super::*;

    /// Two targets of ten minutes in one stage behind an approval; the second waits for the first where it is said.
    fn plan(in_a_row: bool) -> Plan {
        let step = Step { expected_seconds: 600, ..Step::new("work") };
        let target =
            |name: &str, after: Vec<TargetId>| Target { after, ..Target::new(name, PlaceId(0), RecipeId(0)) };
        let after = if in_a_row { vec![TargetId(0)] } else { Vec::new() };
        Plan {
            format: Plan::FORMAT,
            seed: 1,
            created_at: Timestamp::UNIX_EPOCH,
            places: vec![Place {
                zone: "bench".parse().expect("a zone"),
                account: AccountId::new("111122223333").expect("an account"),
                region: Region::new("eu-central-1").expect("a region"),
            }],
            groups: Vec::new(),
            windows: Vec::new(),
            stages: vec![Stage { gate: Gate::Approval, ..Stage::new("all", 0..2) }],
            recipes: vec![Recipe::new("work", vec![step], Vec::new())],
            targets: vec![target("a", Vec::new()), target("b", after)],
        }
    }

    #[test]
    fn what_waits_for_nothing_is_done_at_once_and_what_waits_comes_after() {
        assert_eq!(walked(&plan(false)), Ok(600));
        assert_eq!(walked(&plan(true)), Ok(1_200));
    }
}
