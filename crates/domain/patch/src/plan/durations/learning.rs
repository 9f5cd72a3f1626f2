//! What the steps of earlier runs took, from their records.

use std::collections::BTreeMap;

use fleetwright_flow::{Direction, Event, Record, StepIndex, TargetId};
use fleetwright_model::{OsFamily, Text};
use jiff::Timestamp;

use crate::plan::{PatchPlan, Work};

/// A step counts as known once it was seen so often: of fewer, the slowest tenth is chance.
pub const LEAST_SAMPLES: usize = 20;

/// What steps took at earlier runs, by operating-system family and step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    steps: BTreeMap<(OsFamily, Text), LearntStep>,
}

/// What one step took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearntStep {
    /// Seconds that half of them took at most.
    pub usual_seconds: u32,
    /// Seconds that nine of ten took at most.
    pub most_seconds: u32,
    /// How often it was seen.
    pub hosts: u32,
    /// In so many runs.
    pub runs: u32,
}

impl Learnt {
    /// What a step took on hosts of that family, where enough of them were seen.
    pub fn get(&self, os: OsFamily, step: &str) -> Option<&LearntStep> {
        self.steps.get(&(os, step.into()))
    }

    /// The same with a step more.
    #[must_use]
    pub fn with(mut self, os: OsFamily, step: &str, seen: LearntStep) -> Self {
        self.steps.insert((os, step.into()), seen);
        self
    }
}

/// What was seen of earlier runs so far.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    samples: BTreeMap<(OsFamily, Text), Samples>,
}

#[derive(Clone, Debug, Default)]
struct Samples {
    seconds: Vec<u32>,
    runs: u32,
}

impl Observed {
    /// Adds a run: every step that succeeded, from its first attempt to its end. What a process did not
    /// see from beginning to end, because another took over meanwhile, says nothing.
    pub fn add(&mut self, plan: &PatchPlan, records: &[Record]) {
        let mut begun: BTreeMap<(TargetId, Direction, StepIndex), Timestamp> = BTreeMap::new();
        let mut seen: BTreeMap<(OsFamily, &Text), Vec<u32>> = BTreeMap::new();
        for record in records {
            match &record.event {
                Event::Owner { .. } => begun.clear(),
                Event::Started { target, step, direction, attempt: 1 } => {
                    begun.insert((*target, *direction, *step), record.at);
                }
                Event::Succeeded { target, step, direction, .. } => {
                    let at = (*target, *direction, *step);
                    if let Some(since) = begun.remove(&at)
                        && let Some(key) = key(plan, at)
                    {
                        let took = record.at.duration_since(since).as_secs();
                        seen.entry(key).or_default().push(u32::try_from(took).unwrap_or(0));
                    }
                }
                _ => {}
            }
        }
        for ((os, step), seconds) in seen {
            let samples = self.samples.entry((os, step.clone())).or_default();
            samples.seconds.extend(seconds);
            samples.runs += 1;
        }
    }

    /// The most that was seen of any one step.
    pub fn hosts(&self) -> usize {
        self.samples.values().map(|samples| samples.seconds.len()).max().unwrap_or(0)
    }

    /// What is known of it: steps that were seen [`LEAST_SAMPLES`] times or more.
    pub fn learnt(self) -> Learnt {
        let enough = self.samples.into_iter().filter(|(_, samples)| samples.seconds.len() >= LEAST_SAMPLES);
        let steps = enough.map(|(key, Samples { mut seconds, runs })| {
            seconds.sort_unstable();
            // The nearest rank: as many of a hundred are no slower.
            let rank = |percent: usize| seconds[(seconds.len() * percent).div_ceil(100) - 1];
            let hosts = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
            let (usual_seconds, most_seconds) = (rank(50), rank(90));
            (key, LearntStep { usual_seconds, most_seconds, hosts, runs })
        });
        Learnt { steps: steps.collect() }
    }
}

/// The family of the host and the name of the step; none for what is no host's.
fn key(
    plan: &PatchPlan,
    (target, direction, step): (TargetId, Direction, StepIndex),
) -> Option<(OsFamily, &Text)> {
    let host = plan.work.get(target.index()).and_then(Work::host)?;
    let recipe = plan.flow.recipe_of(target);
    let steps = match direction {
        Direction::Do => &recipe.steps,
        Direction::Undo => &recipe.undo,
    };
    Some((host.os, &steps.get(step.index())?.name))
}
