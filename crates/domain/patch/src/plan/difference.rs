//! How one plan differs from another: who came, who went, what changed for whom.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::{InstanceId, Text};
use serde::Serialize;
use serde_json::Value;

use super::{Backup, PatchPlan};

/// How a plan differs from an earlier one. Digests, times and seeds are passed over: they differ
/// always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanDifference {
    /// Hosts only the later plan works on.
    pub added: Vec<HostName>,
    /// Hosts only the earlier plan works on, with the reasons of the later one, where it has any.
    pub removed: Vec<Removed>,
    /// Hosts that both work on, differently.
    pub changed: Vec<ChangedHost>,
    /// Budgets whose room differs, with the room in each; none where a plan does not have it.
    pub budgets: Vec<ChangedBudget>,
    /// Waves, in order, where they differ.
    pub waves: Option<Pair>,
    /// Settings that differ, as paths into the plan's policy, recipes' steps left out.
    pub settings: Vec<ChangedSetting>,
}

/// A host as people know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HostName {
    /// The instance.
    pub id: InstanceId,
    /// Its `Name` tag. Untrusted text.
    pub name: Option<Text>,
}

/// A host that is no longer worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The host.
    pub host: HostName,
    /// The codes of the reasons; none where the later plan does not know the host.
    pub reasons: Vec<Text>,
}

/// A host that is worked on differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedHost {
    /// The host.
    pub host: HostName,
    /// What differs.
    pub changes: Vec<ChangedSetting>,
}

/// Something that differs, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedSetting {
    /// What.
    pub what: Text,
    /// Before and after.
    #[serde(flatten)]
    pub values: Pair,
}

/// Before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// In the earlier plan.
    pub before: Text,
    /// In the later plan.
    pub after: Text,
}

/// A budget that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedBudget {
    /// Its name.
    pub name: Text,
    /// Its room in the earlier plan.
    pub before: Option<u32>,
    /// Its room in the later plan.
    pub after: Option<u32>,
}

impl PlanDifference {
    /// True where nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares two plans.
pub fn difference(before: &PatchPlan, after: &PatchPlan) -> PlanDifference {
    let (old, new) = (sketches(before), sketches(after));
    let reasons = |id: &InstanceId| {
        let left = after.left_out.iter().find(|left| left.id == *id);
        left.map(|left| left.reasons.clone()).unwrap_or_default()
    };
    let changed = new.iter().filter_map(|(id, now)| {
        let changes = changes(old.get(id)?, now);
        (!changes.is_empty()).then(|| ChangedHost { host: now.host.clone(), changes })
    });
    PlanDifference {
        added: new.iter().filter(|(id, _)| !old.contains_key(*id)).map(|(_, it)| it.host.clone()).collect(),
        removed: old
            .iter()
            .filter(|(id, _)| !new.contains_key(*id))
            .map(|(id, it)| Removed { host: it.host.clone(), reasons: reasons(id) })
            .collect(),
        changed: changed.collect(),
        budgets: budgets(before, after),
        waves: waves(before, after),
        settings: settings(before, after),
    }
}

/// What counts of a host, in words.
struct Sketch {
    host: HostName,
    facts: BTreeMap<&'static str, String>,
}

fn sketches(plan: &PatchPlan) -> BTreeMap<InstanceId, Sketch> {
    let mut sketches = BTreeMap::new();
    for (index, stage) in plan.flow.stages.iter().enumerate() {
        for target in stage.targets.clone() {
            let Some(host) = plan.work[target as usize].host() else { continue };
            let row = &plan.flow.targets[target as usize];
            let id_of = |index: usize| plan.flow.targets[index].subject.to_string();
            let list = |mut items: Vec<String>| {
                items.sort_unstable();
                items.join(", ")
            };
            let groups = row.groups.iter().map(|id| plan.flow.groups[id.index()].name.to_string()).collect();
            let window = row.window.map_or("at any time", |id| &plan.flow.windows[id.index()].name);
            let backup = match &host.backup {
                Backup::Make => "image".to_owned(),
                Backup::Existing { image } => image.to_string(),
                Backup::None { code } => format!("none ({code})"),
            };
            let facts = [
                ("stage", format!("{} (number {})", stage.name, index + 1)),
                ("recipe", plan.flow.recipes[row.recipe.index()].name.to_string()),
                ("budgets", list(groups)),
                ("window", window.to_owned()),
                ("waits for", list(row.after.iter().map(|id| id_of(id.index())).collect())),
                ("backup", backup),
                ("state", host.state.to_string()),
                ("launch time", host.launch_time.map_or(String::new(), |it| it.to_string())),
                ("missing patches", host.missing.map_or("unknown".to_owned(), |it| it.to_string())),
            ];
            let name = HostName { id: host.id.clone(), name: host.name.clone() };
            sketches.insert(host.id.clone(), Sketch { host: name, facts: facts.into() });
        }
    }
    sketches
}

fn changes(before: &Sketch, after: &Sketch) -> Vec<ChangedSetting> {
    let differs = |(what, now): (&&'static str, &String)| {
        let was = &before.facts[what];
        (was != now).then(|| ChangedSetting { what: (*what).into(), values: pair(was, now) })
    };
    after.facts.iter().filter_map(differs).collect()
}

fn pair(before: &str, after: &str) -> Pair {
    Pair { before: before.into(), after: after.into() }
}

fn budgets(before: &PatchPlan, after: &PatchPlan) -> Vec<ChangedBudget> {
    let rooms = |plan: &PatchPlan| -> BTreeMap<Text, u32> {
        plan.flow.groups.iter().map(|group| (group.name.clone(), group.capacity)).collect()
    };
    let (old, new) = (rooms(before), rooms(after));
    let names: BTreeSet<&Text> = old.keys().chain(new.keys()).collect();
    let room = |name: &Text| (old.get(name).copied(), new.get(name).copied());
    let changed = names.into_iter().filter(|name| room(name).0 != room(name).1);
    changed
        .map(|name| ChangedBudget { name: name.clone(), before: room(name).0, after: room(name).1 })
        .collect()
}

fn waves(before: &PatchPlan, after: &PatchPlan) -> Option<Pair> {
    let names = |plan: &PatchPlan| {
        let names: Vec<&str> = plan.roll_out.waves.iter().map(|wave| &*wave.name).collect();
        names.join(", ")
    };
    let (old, new) = (names(before), names(after));
    (old != new).then(|| pair(&old, &new))
}

/// What differs in the policy, leaf by leaf; the snapshot's id is drawn anew for each plan.
fn settings(before: &PatchPlan, after: &PatchPlan) -> Vec<ChangedSetting> {
    let leaves = |plan: &PatchPlan| {
        let mut leaves = BTreeMap::new();
        let policy = serde_json::to_value(&plan.policy).expect("a policy is plain data");
        collect("policy", &policy, &mut leaves);
        let phases: Vec<&str> = plan.phases.iter().map(|phase| phase.as_str()).collect();
        leaves.insert("phases".to_owned(), phases.join(", "));
        leaves.remove("policy.patch.snapshot");
        leaves
    };
    let (old, new) = (leaves(before), leaves(after));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value =
        |leaves: &BTreeMap<String, String>, path: &String| leaves.get(path).cloned().unwrap_or_default();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| ChangedSetting {
            what: path.as_str().into(),
            values: pair(&value(&old, path), &value(&new, path)),
        })
        .collect()
}

fn collect(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect(&format!("{path}.{name}"), member, leaves);
            }
        }
        leaf => {
            leaves.insert(path.to_owned(), leaf.to_string());
        }
    }
}
