//! A plan in the making: steps, each waiting for those before it.

use super::step::{PlanStep, StepId};

/// Steps so far, and the last of them.
#[derive(Default)]
pub(super) struct Draft {
    steps: Vec<PlanStep>,
    /// What the next step waits for.
    last: Vec<StepId>,
}

impl Draft {
    /// A step that waits for everything so far.
    pub(super) fn then(&mut self, step: PlanStep) {
        self.together(vec![step]);
    }

    /// Steps that wait for everything so far, and not for each other.
    pub(super) fn together(&mut self, steps: Vec<PlanStep>) {
        if steps.is_empty() {
            return;
        }
        let needs = std::mem::take(&mut self.last);
        for mut step in steps {
            step.id = self.unique(step.id);
            step.needs.clone_from(&needs);
            self.last.push(step.id.clone());
            self.steps.push(step);
        }
    }

    /// What is done twice is numbered from the second time on.
    fn unique(&self, id: StepId) -> StepId {
        let is_taken = |id: &StepId| self.steps.iter().any(|step| step.id == *id);
        let numbered = (2_u32..).map(|number| StepId::new(format!("{id}-{number}")));
        std::iter::once(id.clone()).chain(numbered).find(|id| !is_taken(id)).unwrap_or(id)
    }

    pub(super) fn finish(self) -> Vec<PlanStep> {
        self.steps
    }
}
