//! What those who look on need to know of a run's plan, whatever the run is about.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fleetwright_eks::run::UpgradeRun;
use fleetwright_engine::Watcher;
use fleetwright_flow::{Direction, Event, Plan, Record, Run, Signal, StageId, TargetId};
use fleetwright_model::Text;
use fleetwright_patch::plan::PatchPlan;

/// A plan that somebody looks at while it is walked.
pub trait RunPlan: Send + Sync {
    /// What the kernel walks.
    fn flow(&self) -> &Plan;

    /// What people call a target, where that is not its subject. Untrusted text.
    fn name(&self, target: TargetId) -> Option<&str>;
}

impl RunPlan for PatchPlan {
    fn flow(&self) -> &Plan {
        &self.flow
    }

    fn name(&self, target: TargetId) -> Option<&str> {
        self.work.get(target.index())?.host()?.name.as_deref()
    }
}

impl RunPlan for UpgradeRun {
    fn flow(&self) -> &Plan {
        &self.flow
    }

    /// The subject says the cluster and the step.
    fn name(&self, _: TargetId) -> Option<&str> {
        None
    }
}

/// A step of a record in words: `restore` on the way back, `patch` forward.
pub fn step_name(plan: &Plan, target: TargetId, step: u8, direction: Direction) -> Text {
    let recipe = plan.recipe_of(target);
    let steps = match direction {
        Direction::Do => &recipe.steps,
        Direction::Undo => &recipe.undo,
    };
    steps.get(usize::from(step)).map_or_else(|| "?".into(), |step| step.name.clone())
}

/// Who let stages go past their gates, and the numbers of those decisions in the journal.
#[derive(Debug, Default)]
pub struct Decided(Mutex<BTreeMap<StageId, Vec<(Text, u64)>>>);

impl Decided {
    fn known(&self) -> MutexGuard<'_, BTreeMap<StageId, Vec<(Text, u64)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in who decided, from records of this process or of those before it.
    pub fn hear(&self, records: &[Record]) {
        let mut known = self.known();
        for record in records {
            if let Event::Signalled { signal: Signal::Approve(stage), by, .. } = &record.event {
                known.entry(*stage).or_default().push((by.clone(), record.seq.0));
            }
        }
    }

    /// Who let that stage go past its gate, and the number of the decision in the journal.
    pub fn approved(&self, stage: StageId) -> Vec<(Text, u64)> {
        self.known().get(&stage).cloned().unwrap_or_default()
    }
}

impl Watcher for Decided {
    fn recorded(&self, records: &[Record], _: &Run) {
        self.hear(records);
    }
}
