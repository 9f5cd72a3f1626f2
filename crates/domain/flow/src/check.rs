//! Whether a plan can be walked: every index leads somewhere and nothing waits for ever.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::Text;

use crate::plan::{
    ApprovalRule, Charge, Gate, OnFailure, Plan, Recipe, Span, Step, StepIndex, TargetId, When,
};

/// The most steps of a recipe, either way.
pub const MOST_STEPS: usize = 64;
/// The most groups a target counts against.
pub const MOST_GROUPS: usize = 16;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct InvalidPlan {
    /// Where, as a path into the plan: `targets[17].after`.
    pub place: String,
    /// What is wrong there, with the value.
    pub what: String,
}

fn wrong(place: String, what: impl Into<String>) -> InvalidPlan {
    InvalidPlan { place, what: what.into() }
}

impl Plan {
    /// Whether the plan can be walked. A planner's plan always can; a file may have been edited.
    ///
    /// # Errors
    /// [`InvalidPlan`] names the first place that is wrong: an index that leads nowhere, stages that
    /// do not share the targets out in order, a group without room, targets that wait for each other,
    /// a step that would take a target out of service before the gate or while putting it back, a
    /// window out of order, a target whose window says nothing of its changes, a decision that can
    /// never be made.
    pub fn check(&self) -> Result<(), InvalidPlan> {
        for (index, group) in self.groups.iter().enumerate() {
            if group.capacity == 0 {
                return Err(wrong(format!("groups[{index}].capacity"), "0: nothing could ever start"));
            }
            if group.first == Some(0) {
                return Err(wrong(format!("groups[{index}].first"), "0: nothing could ever start"));
            }
        }
        for (index, window) in self.windows.iter().enumerate() {
            check_spans(&window.open, &format!("windows[{index}].open"))?;
        }
        for (index, recipe) in self.recipes.iter().enumerate() {
            check_recipe(recipe, &format!("recipes[{index}]"))?;
        }
        self.check_stages()?;
        for stage in &self.stages {
            for index in stage.targets.clone() {
                self.check_target(index as usize, stage.targets.end)?;
            }
        }
        self.check_circles()
    }

    /// Takes away who waits for nobody, again and again: what is left waits in a circle.
    fn check_circles(&self) -> Result<(), InvalidPlan> {
        let mut waits: Vec<usize> = self.targets.iter().map(|target| target.after.len()).collect();
        let mut dependents: BTreeMap<TargetId, Vec<usize>> = BTreeMap::new();
        for (index, target) in self.targets.iter().enumerate() {
            for before in &target.after {
                dependents.entry(*before).or_default().push(index);
            }
        }
        let mut free: Vec<usize> = (0..waits.len()).filter(|index| waits[*index] == 0).collect();
        while let Some(index) = free.pop() {
            for dependent in dependents.remove(&TargetId(index as u32)).unwrap_or_default() {
                waits[dependent] -= 1;
                if waits[dependent] == 0 {
                    free.push(dependent);
                }
            }
        }
        match waits.iter().position(|count| *count > 0) {
            None => Ok(()),
            Some(index) => Err(wrong(format!("targets[{index}].after"), "it waits for itself in a circle")),
        }
    }

    fn check_stages(&self) -> Result<(), InvalidPlan> {
        let mut next = 0;
        for (index, stage) in self.stages.iter().enumerate() {
            if stage.targets.start != next || stage.targets.end < next {
                let what = format!("{:?} does not go on at {next}", stage.targets);
                return Err(wrong(format!("stages[{index}].targets"), what));
            }
            next = stage.targets.end;
            let size = stage.targets.len();
            if stage.min_verified as usize > size {
                let what = format!("{} of {size} targets can never end well", stage.min_verified);
                return Err(wrong(format!("stages[{index}].min_verified"), what));
            }
            if let Some(rule) = &stage.approval {
                check_rule(rule, stage.gate, &format!("stages[{index}].approval"))?;
            }
        }
        if next as usize == self.targets.len() {
            Ok(())
        } else {
            let what = format!("the stages have {next} targets, the plan {}", self.targets.len());
            Err(wrong("stages".to_owned(), what))
        }
    }

    fn check_target(&self, index: usize, end_of_stage: u32) -> Result<(), InvalidPlan> {
        let target = &self.targets[index];
        let at = |field: &str| format!("targets[{index}].{field}");
        if target.place.index() >= self.places.len() {
            return Err(wrong(at("place"), format!("there is no place {}", target.place.0)));
        }
        if target.recipe.index() >= self.recipes.len() {
            return Err(wrong(at("recipe"), format!("there is no recipe {}", target.recipe.0)));
        }
        if let Some(window) = target.window {
            if window.index() >= self.windows.len() {
                return Err(wrong(at("window"), format!("there is no window {}", window.0)));
            }
            check_guarded(&self.recipes[target.recipe.index()])
                .map_err(|what| wrong(at("window"), format!("recipe {}: {what}", target.recipe.0)))?;
        }
        if target.groups.len() > MOST_GROUPS {
            return Err(wrong(
                at("groups"),
                format!("{} groups, at most {MOST_GROUPS}", target.groups.len()),
            ));
        }
        let mut seen = BTreeSet::new();
        for group in &target.groups {
            if group.index() >= self.groups.len() {
                return Err(wrong(at("groups"), format!("there is no group {}", group.0)));
            }
            if !seen.insert(*group) {
                return Err(wrong(at("groups"), format!("group {} twice", group.0)));
            }
        }
        let mut seen = BTreeSet::new();
        for TargetId(before) in &target.after {
            if *before >= end_of_stage {
                return Err(wrong(
                    at("after"),
                    format!("there is no target {before} in its stage or before"),
                ));
            }
            if !seen.insert(*before) {
                return Err(wrong(at("after"), format!("target {before} twice")));
            }
        }
        Ok(())
    }
}

fn check_spans(spans: &[Span], path: &str) -> Result<(), InvalidPlan> {
    if let Some(index) = spans.iter().position(|span| span.from >= span.until) {
        let Span { from, until } = spans[index];
        return Err(wrong(
            format!("{path}[{index}]"),
            format!("from {from} until {until} is no time at all"),
        ));
    }
    match spans.windows(2).position(|pair| pair[0].until >= pair[1].from) {
        None => Ok(()),
        Some(index) => {
            let (until, from) = (spans[index].until, spans[index + 1].from);
            let what = format!("it begins at {from}, and the one before lasts until {until}");
            Err(wrong(format!("{path}[{}]", index + 1), what))
        }
    }
}

fn check_rule(rule: &ApprovalRule, gate: Gate, path: &str) -> Result<(), InvalidPlan> {
    if gate == Gate::Open {
        return Err(wrong(path.to_owned(), "a rule for a gate that is open"));
    }
    if rule.needed == 0 {
        return Err(wrong(format!("{path}.needed"), "0: nobody would be asked"));
    }
    let people: BTreeSet<&Text> = rule.approvers.iter().collect();
    if people.len() < rule.approvers.len() {
        return Err(wrong(format!("{path}.approvers"), "somebody stands in it twice"));
    }
    if !people.is_empty() && people.len() < usize::from(rule.needed) {
        let what = format!("{} of {} people can never approve", rule.needed, people.len());
        return Err(wrong(format!("{path}.needed"), what));
    }
    if rule.expires_seconds == Some(0) {
        return Err(wrong(format!("{path}.expires_seconds"), "0: nobody could ever decide"));
    }
    Ok(())
}

/// Whether a window keeps a recipe's changes where they belong.
fn check_guarded(recipe: &Recipe) -> Result<(), &'static str> {
    if recipe.steps.iter().find(|step| step.commits).is_some_and(|step| !step.in_window) {
        return Err("it changes its targets whether the window is open or not");
    }
    if recipe.reserve_seconds == 0 && recipe.steps.iter().any(|step| step.in_window) {
        return Err("nothing is kept of the window for what the change takes (reserve_seconds)");
    }
    Ok(())
}

fn check_recipe(recipe: &Recipe, path: &str) -> Result<(), InvalidPlan> {
    if recipe.steps.len() > MOST_STEPS || recipe.undo.len() > MOST_STEPS {
        return Err(wrong(path.to_owned(), format!("more than {MOST_STEPS} steps")));
    }
    let mut names = BTreeSet::new();
    let mut ahead = true;
    for (index, step) in recipe.steps.iter().enumerate() {
        let at = format!("{path}.steps[{index}]");
        if !names.insert(&step.name) {
            return Err(wrong(at, format!("a second step {:?}", step.name)));
        }
        if step.ahead_of_gate && !ahead {
            return Err(wrong(at, "ahead of the gate, but behind a step that is not"));
        }
        ahead = step.ahead_of_gate;
        if step.ahead_of_gate && (step.charge != Charge::None || step.commits) {
            return Err(wrong(at, "changes the target ahead of the gate"));
        }
        if let When::Finally { of: StepIndex(of) } = step.when {
            if usize::from(of) >= index {
                return Err(wrong(at, format!("puts back step {of}, which does not stand before it")));
            }
            if step.charge == Charge::Take {
                return Err(wrong(at, "takes a place in the budget to put something back"));
            }
        }
        check_step(step, &at)?;
    }
    for (index, step) in recipe.undo.iter().enumerate() {
        let at = format!("{path}.undo[{index}]");
        if step.when != When::InTurn || step.on_failure == OnFailure::Undo {
            return Err(wrong(at, "the way back has no way back of its own"));
        }
        check_step(step, &at)?;
    }
    Ok(())
}

fn check_step(step: &Step, at: &str) -> Result<(), InvalidPlan> {
    if step.retry.attempts == 0 {
        return Err(wrong(format!("{at}.retry.attempts"), "0: the step could never be carried out"));
    }
    if step.max_in_flight == Some(0) {
        return Err(wrong(format!("{at}.max_in_flight"), "0: the step could never be carried out"));
    }
    Ok(())
}
