//! Which code carries out which step of a recipe.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetwright_flow::Plan;
use fleetwright_model::Text;
use fleetwright_step::Step;

/// Steps by the names recipes use.
#[derive(Clone, Default)]
pub struct StepTable(BTreeMap<&'static str, Arc<dyn Step>>);

impl StepTable {
    /// A table of these; of two with one name the later counts.
    pub fn new(steps: impl IntoIterator<Item = Arc<dyn Step>>) -> Self {
        Self(steps.into_iter().map(|step| (step.name(), step)).collect())
    }

    /// The step of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Step>> {
        self.0.get(name)
    }

    /// The first step of the plan's recipes that this table does not have.
    pub fn missing(&self, plan: &Plan) -> Option<Text> {
        let mut steps = plan.recipes.iter().flat_map(|recipe| recipe.steps.iter().chain(&recipe.undo));
        steps.find(|step| self.get(&step.name).is_none()).map(|step| step.name.clone())
    }
}
