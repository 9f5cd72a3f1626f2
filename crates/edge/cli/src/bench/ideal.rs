//! The same plan walked by a driver that knows of every end at once and whose calls take no time.
//!
//! The lower bound knows beforehand how long everything will take, and supposes the best order. Nobody
//! who drives does: hosts of a plan look alike until their image is there. What can be asked of a driver
//! is that it loses no time between one thing and the next. So the kernel itself walks the plan once
//! more - its limits, budgets, stages and order are those of the run - and every step takes exactly as
//! long as the other side really was busy with that host. Only the published rate of CreateImage holds
//! anything up. What the real run took beyond this went to looking late, to waiting for company, and to
//! calls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use fleetwright_flow::{
    Command, Direction, Epoch, Event, Illegal, Plan, Run, Sequence, Signal, StepIndex, TargetId,
};
use jiff::{SignedDuration, Timestamp};

/// Milliseconds the other side is busy with a host at a step, by subject and step name.
pub(super) type Busy<'a> = dyn Fn(&str, &str) -> i64 + 'a;

/// Ends that are known, the earliest first.
type Ends = BinaryHeap<Reverse<(i64, TargetId, StepIndex)>>;

/// How fast images may be begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageRate {
    /// At once.
    pub(super) burst: usize,
    /// Then per second.
    pub(super) per_second: f64,
}

/// Seconds the plan takes.
///
/// # Errors
/// The kernel refuses what it proposed itself.
pub(super) fn seconds(plan: &Plan, rate: ImageRate, busy: &Busy<'_>) -> Result<f64, Illegal> {
    let began = plan.created_at;
    let at = |ms: i64| began.checked_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX);
    let mut walk = Walk {
        run: Run::open(plan.clone().into()),
        epoch: Epoch(0),
        rate,
        images: HashMap::new(),
        ends: Ends::new(),
    };
    walk.record(began, Event::Opened { format: Plan::FORMAT, plan: "ideal".into() })?;
    walk.epoch = Epoch(1);
    walk.record(began, Event::Owner { name: "ideal".into() })?;
    let mut now = 0;
    loop {
        while walk.begin(now, at(now), busy)? {}
        let Some(Reverse((end, target, step))) = walk.ends.pop() else { break };
        now = end;
        walk.record(
            at(now),
            Event::Succeeded { target, step, direction: Direction::Do, note: None, finding: None },
        )?;
    }
    Ok(now as f64 / 1_000.0)
}

struct Walk {
    run: Run,
    epoch: Epoch,
    rate: ImageRate,
    /// Per place, when the images begun so far would have left a bucket that was full at first, in
    /// milliseconds.
    images: HashMap<u16, f64>,
    ends: Ends,
}

impl Walk {
    fn record(&mut self, at: Timestamp, event: Event) -> Result<(), Illegal> {
        let seq = Sequence(self.run.last().0 + 1);
        let record = fleetwright_flow::Record { seq, epoch: self.epoch, at, event };
        self.run.apply(&record)
    }

    /// Begins what may begin now; false where nothing may.
    fn begin(&mut self, now: i64, at: Timestamp, busy: &Busy<'_>) -> Result<bool, Illegal> {
        let commands = self.run.next(at);
        for command in &commands {
            self.record(at, command.event())?;
            match command {
                Command::Begin { target, step, place, .. } => {
                    let plan = self.run.plan().clone();
                    let name = &plan.recipe_of(*target).steps[step.index()].name;
                    let begins = if &**name == "backup" { self.image_at(place.0, now) } else { now };
                    let end = begins + busy(&plan.target(*target).subject, name);
                    self.ends.push(Reverse((end, *target, *step)));
                }
                Command::ReachGate { stage } => {
                    let signal = Signal::Approve(*stage);
                    self.record(
                        at,
                        Event::Signalled {
                            signal,
                            by: "ideal".into(),
                            basis: None,
                            reason: None,
                            mail: None,
                        },
                    )?;
                }
                Command::Skip { .. }
                | Command::TurnWindow { .. }
                | Command::ExpireGate { .. }
                | Command::Close { .. } => {}
            }
        }
        Ok(!commands.is_empty())
    }

    /// When an image of that place that is asked for now is begun.
    fn image_at(&mut self, place: u16, now: i64) -> i64 {
        let each = 1_000.0 / self.rate.per_second;
        let full = self.rate.burst.saturating_sub(1) as f64 * each;
        let asked = now as f64;
        let due = self.images.entry(place).or_insert(asked);
        let begins = asked.max(*due - full);
        *due = due.max(asked) + each;
        begins.ceil() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_leave_in_a_burst_and_then_at_their_rate() {
        let plan = Plan {
            format: Plan::FORMAT,
            seed: 1,
            created_at: Timestamp::UNIX_EPOCH,
            places: Vec::new(),
            groups: Vec::new(),
            windows: Vec::new(),
            recipes: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
        };
        let rate = ImageRate { burst: 2, per_second: 5.0 };
        let mut walk = Walk {
            run: Run::open(plan.into()),
            epoch: Epoch(0),
            rate,
            images: HashMap::new(),
            ends: Ends::new(),
        };
        let begun: Vec<i64> = (0..5).map(|_| walk.image_at(0, 1_000)).collect();
        assert_eq!(begun, [1_000, 1_000, 1_200, 1_400, 1_600]);
        assert_eq!(walk.image_at(0, 9_000), 9_000);
    }
}
