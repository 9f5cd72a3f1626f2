//! A state.

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::fields::{self, Query, Type};
use crate::findings::Place;
use crate::graph::Outline;
use crate::machine::{Role, Walk};
use crate::values::{meant, shown};
use crate::{choice, ours, recovery, task, values};

/// What most readers of a state need.
pub(crate) struct State<'a, 'p> {
    pub(crate) place: &'p Place<'a>,
    pub(crate) fields: &'a Map<String, Value>,
    pub(crate) of: Type,
    pub(crate) query: Query,
}

impl<'a> State<'a, '_> {
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name)
    }
}

/// Checks one state and returns where it leads. `query` is the language of the machine it is in.
pub(crate) fn state<'a>(
    walk: &mut Walk<'a, '_>,
    place: &Place<'a>,
    state: &'a Value,
    query: Query,
) -> Outline<'a> {
    let Some(fields) = state.as_object() else {
        walk.findings.add(
            &code::DEFINITION_VALUE,
            place,
            format!("expected an object, not {}", shown(state)),
        );
        return Outline::unclear();
    };
    let Some(of) = type_of(walk, place, fields) else { return Outline::unclear() };
    let query = values::query(walk.findings, place, fields).unwrap_or(query);
    let state = State { place, fields, of, query };
    for (field, value) in fields::of_state(walk.findings, place, fields, (of, query)) {
        values::check(walk.findings, &place.at(field.name), field.kind, value, query);
    }
    let mut outline = transition(&state);
    match of {
        Type::Choice => choice::choices(walk.findings, &state, &mut outline),
        Type::Task => task::task(walk.findings, &state),
        Type::Parallel => branches(walk, &state),
        Type::Map => map(walk, &state),
        Type::Pass | Type::Wait | Type::Succeed | Type::Fail => {}
    }
    if of.may_fail() {
        recovery::retry(walk.findings, &state);
        recovery::catch(walk.findings, &state, &mut outline);
    }
    ours::state(walk.findings, &state);
    outline
}

fn type_of(walk: &mut Walk<'_, '_>, place: &Place<'_>, fields: &Map<String, Value>) -> Option<Type> {
    let Some(named) = fields.get("Type") else {
        walk.findings.add(&code::DEFINITION_INCOMPLETE, place, "a state needs `Type`");
        return None;
    };
    let text = named.as_str().unwrap_or_default();
    let known = Type::ALL.into_iter().find(|of| of.as_str() == text);
    if known.is_none() {
        let meant = meant(text, Type::ALL.into_iter().map(Type::as_str));
        let all = Type::ALL.map(Type::as_str).join(", ");
        let message = format!("`Type` is one of {all}, not {}{meant}", shown(named));
        walk.findings.add(&code::DEFINITION_VALUE, &place.at("Type"), message);
    }
    known
}

fn transition<'a>(state: &State<'a, '_>) -> Outline<'a> {
    let mut outline = Outline::default();
    match state.of {
        Type::Succeed | Type::Fail => outline.ends = true,
        Type::Choice => {}
        _ => match state.get("Next").and_then(Value::as_str) {
            Some(next) => outline.leads_to.push((next, state.place.at("Next"))),
            None => {
                outline.ends = true;
                outline.is_unclear = state.get("End").is_none();
            }
        },
    }
    outline
}

fn branches<'a>(walk: &mut Walk<'a, '_>, state: &State<'a, '_>) {
    let place = state.place.at("Branches");
    let Some(branches) = state.get("Branches") else { return };
    let list = branches.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else {
        let message = "expected a list with at least one machine";
        return walk.findings.add(&code::DEFINITION_VALUE, &place, message);
    };
    for (index, branch) in list.iter().enumerate() {
        walk.machine(&place.at(index), branch, Role::Branch, state.query);
    }
}

fn map<'a>(walk: &mut Walk<'a, '_>, state: &State<'a, '_>) {
    let mut distributed = false;
    if let Some(processor) = state.get("ItemProcessor") {
        let place = state.place.at("ItemProcessor");
        distributed = is_distributed(walk, &place, processor);
        walk.machine(&place, processor, Role::Processor, state.query);
    } else if let Some(iterator) = state.get("Iterator") {
        walk.machine(&state.place.at("Iterator"), iterator, Role::Branch, state.query);
    }
    const DISTRIBUTED: [&str; 8] = [
        "ItemReader",
        "ItemBatcher",
        "ResultWriter",
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
        "Label",
    ];
    for name in DISTRIBUTED.into_iter().filter(|name| !distributed && state.get(name).is_some()) {
        let message = format!("`{name}` needs a distributed Map: `ItemProcessor.ProcessorConfig.Mode`");
        walk.findings.add(&code::DEFINITION_STRANGE, &state.place.at(name), message);
    }
    label(walk, state);
}

/// Characters of a label at most: it becomes part of the name of the Map's run.
const MOST_LABEL: usize = 40;

fn label<'a>(walk: &mut Walk<'a, '_>, state: &State<'a, '_>) {
    let Some(label) = state.get("Label").and_then(Value::as_str) else { return };
    let strange = |character: char| {
        character.is_whitespace() || character.is_control() || "?*<>{}[]:;,\\|^~$#%&`\"".contains(character)
    };
    let length = label.chars().count();
    if length == 0 || length > MOST_LABEL || label.contains(strange) {
        let message = format!("a label has 1 to {MOST_LABEL} letters, digits, hyphens and the like");
        walk.findings.add(&code::DEFINITION_VALUE, &state.place.at("Label"), message);
    }
    if !walk.labels.insert(label) {
        let message = "another Map has this label; labels are unique in the whole machine";
        walk.findings.add(&code::STATE_TWICE, &state.place.at("Label"), message);
    }
}

/// Reads how a Map runs its items; what is neither of the two counts as distributed.
fn is_distributed(walk: &mut Walk<'_, '_>, place: &Place<'_>, processor: &Value) -> bool {
    let Some(config) = processor.get("ProcessorConfig") else { return false };
    let place = place.at("ProcessorConfig");
    let Some(members) = config.as_object() else {
        walk.findings.add(&code::DEFINITION_VALUE, &place, "expected an object with `Mode`");
        return false;
    };
    for name in members.keys().filter(|name| !["Mode", "ExecutionType"].contains(&name.as_str())) {
        let message = format!("`ProcessorConfig` has no field `{name}`");
        walk.findings.add(&code::DEFINITION_STRANGE, &place.at(name), message);
    }
    let mode = members.get("Mode").map_or(Some("INLINE"), Value::as_str);
    let execution = members.get("ExecutionType").map(Value::as_str);
    match (mode, execution) {
        (Some("INLINE"), None) => {}
        (Some("INLINE"), Some(_)) => {
            let message = "`ExecutionType` is of distributed Maps only";
            walk.findings.add(&code::DEFINITION_STRANGE, &place.at("ExecutionType"), message);
        }
        (Some("DISTRIBUTED"), Some(Some("STANDARD" | "EXPRESS"))) => {}
        (Some("DISTRIBUTED"), None) => {
            let message = "a distributed Map needs `ExecutionType`: STANDARD or EXPRESS";
            walk.findings.add(&code::DEFINITION_INCOMPLETE, &place, message);
        }
        (Some("DISTRIBUTED"), Some(_)) => {
            let message = "`ExecutionType` is STANDARD or EXPRESS";
            walk.findings.add(&code::DEFINITION_VALUE, &place.at("ExecutionType"), message);
        }
        _ => {
            let message = "`Mode` is INLINE or DISTRIBUTED";
            walk.findings.add(&code::DEFINITION_VALUE, &place.at("Mode"), message);
        }
    }
    mode != Some("INLINE")
}
