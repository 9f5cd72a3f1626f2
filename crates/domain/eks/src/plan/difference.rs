//! How one plan differs from another: steps that came, went or changed, and what was read or asked that explains it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::step::{PlanStep, StepId};
use super::{OpenFinding, UpgradePlan};

/// How a plan differs from an earlier one. When they were made, and by which version, is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanDifference {
    /// Steps that only the later plan has.
    pub added: Vec<StepChange>,
    /// Steps that only the earlier plan has.
    pub removed: Vec<StepChange>,
    /// Steps that both have, differently.
    pub changed: Vec<StepChange>,
    /// Steps that both have, in another order.
    pub moved: Vec<StepId>,
    /// What was read or asked otherwise.
    pub inputs: Vec<Change>,
    /// Findings that are open now, and were not.
    pub opened: Vec<OpenFinding>,
    /// Findings that were open, and are no more.
    pub closed: Vec<OpenFinding>,
}

/// A step that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepChange {
    /// Which.
    pub id: StepId,
    /// What it does, in the later plan where it has it. Untrusted text.
    pub what: String,
    /// What differs, for one that both have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What was read or asked otherwise that it is about; empty where nothing explains it.
    pub because: Vec<Change>,
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What. Untrusted text.
    pub what: String,
    /// In the earlier plan; none where it was not there.
    pub before: Option<String>,
    /// In the later plan; none where it is not there.
    pub after: Option<String>,
}

impl PlanDifference {
    /// True where nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares two plans.
pub fn difference(before: &UpgradePlan, after: &UpgradePlan) -> PlanDifference {
    let (old, new) = (by_id(before), by_id(after));
    let inputs = changes(&inputs(before), &inputs(after));
    let told = |step: &PlanStep, changes: Vec<Change>| StepChange {
        id: step.id.clone(),
        what: step.action.told(),
        changes,
        because: because(step, &inputs),
    };
    let only = |these: &UpgradePlan, those: &BTreeMap<&StepId, &PlanStep>| {
        let steps = these.steps.iter().filter(|step| !those.contains_key(&step.id));
        steps.map(|step| told(step, Vec::new())).collect()
    };
    let changed = after.steps.iter().filter_map(|step| {
        let changes = changes(&leaves_of(old.get(&step.id)?), &leaves_of(step));
        (!changes.is_empty()).then(|| told(step, changes))
    });
    let missing = |from: &UpgradePlan, other: &UpgradePlan| {
        other.findings.iter().filter(|finding| !from.findings.contains(finding)).cloned().collect()
    };
    PlanDifference {
        added: only(after, &old),
        removed: only(before, &new),
        changed: changed.collect(),
        moved: moved(before, after),
        opened: missing(before, after),
        closed: missing(after, before),
        inputs,
    }
}

fn by_id(plan: &UpgradePlan) -> BTreeMap<&StepId, &PlanStep> {
    plan.steps.iter().map(|step| (&step.id, step)).collect()
}

/// Steps of both plans whose place among those of both differs.
fn moved(before: &UpgradePlan, after: &UpgradePlan) -> Vec<StepId> {
    let common = |plan: &UpgradePlan, other: &UpgradePlan| -> Vec<StepId> {
        let theirs: BTreeSet<&StepId> = other.steps.iter().map(|step| &step.id).collect();
        plan.steps.iter().map(|step| &step.id).filter(|id| theirs.contains(id)).cloned().collect()
    };
    let (old, new) = (common(before, after), common(after, before));
    new.into_iter().zip(old).filter(|(new, old)| new != old).map(|(new, _)| new).collect()
}

/// What a plan was made from and how it was asked for, leaf by leaf.
fn inputs(plan: &UpgradePlan) -> BTreeMap<String, String> {
    let mut inputs = plan.observed.clone();
    inputs.insert("target".to_owned(), plan.target.to_string());
    inputs.insert("cluster".to_owned(), format!("{} at {}", plan.cluster.name, plan.cluster.endpoint));
    let options = serde_json::to_value(&plan.options).expect("options are plain data");
    leaves("options", &options, &mut inputs);
    for (index, endpoint) in plan.options.endpoints.iter().enumerate() {
        inputs.insert(format!("options.endpoints.{index}.url"), endpoint.compared());
    }
    inputs
}

/// The inputs that a step is about: those of its subject, and those of the whole plan.
fn because(step: &PlanStep, inputs: &[Change]) -> Vec<Change> {
    let subject = step.action.subject();
    let of_all = |change: &&Change| {
        let what = change.what.as_str();
        what == subject || what == "target" || what == "control plane" || what.starts_with("options")
    };
    inputs.iter().filter(of_all).cloned().collect()
}

/// What counts of a step. What it waits for follows from the steps before it, and is told as them.
fn leaves_of(step: &PlanStep) -> BTreeMap<String, String> {
    let mut value = serde_json::to_value(step).expect("a step is plain data");
    if let Value::Object(members) = &mut value {
        members.remove("id");
        members.remove("needs");
    }
    let mut found = BTreeMap::new();
    leaves("", &value, &mut found);
    found
}

fn leaves(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, it)| leaves(&below(name), it, found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, it)| leaves(&below(&index.to_string()), it, found));
        }
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs
        .map(|name| Change {
            what: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}
