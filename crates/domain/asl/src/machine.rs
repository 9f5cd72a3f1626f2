//! A machine: the whole definition, a branch of a Parallel, or what a Map does with each item.

use std::collections::BTreeSet;

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::fields::{self, Query};
use crate::findings::{Findings, Place};
use crate::graph::Graph;
use crate::{MOST_BYTES, ours, state, values};

/// Characters of a state's name at most.
const MOST_NAME: usize = 80;

/// What is known while a definition is walked.
pub(crate) struct Walk<'a, 'f> {
    pub(crate) findings: &'f mut Findings,
    /// Every name so far: they are unique in the whole machine, branches included.
    names: BTreeSet<&'a str>,
    /// Every label of a Map so far: they are unique as well.
    pub(crate) labels: BTreeSet<&'a str>,
}

/// What kind of machine stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The definition itself.
    Whole,
    /// A branch of a Parallel.
    Branch,
    /// What a Map does with each item, and its older form.
    Processor,
}

pub(crate) fn whole(findings: &mut Findings, place: &Place<'_>, definition: &Value) {
    let bytes = definition.to_string().len();
    if bytes > MOST_BYTES {
        let message = format!("the definition has {bytes} bytes, and {MOST_BYTES} are allowed");
        findings.add(&code::DEFINITION_TOO_LARGE, place, message);
    }
    let mut walk = Walk { findings, names: BTreeSet::new(), labels: BTreeSet::new() };
    walk.machine(place, definition, Role::Whole, Query::JsonPath);
}

impl<'a> Walk<'a, '_> {
    pub(crate) fn machine(&mut self, place: &Place<'a>, definition: &'a Value, role: Role, query: Query) {
        let Some(machine) = definition.as_object() else {
            let message = "expected an object with `StartAt` and `States`";
            return self.findings.add(&code::DEFINITION_UNREADABLE, place, message);
        };
        fields::of_machine(self.findings, place, machine, role);
        let query = values::query(self.findings, place, machine).unwrap_or(query);
        if role == Role::Whole {
            ours::machine(self.findings, place, machine);
        }
        let Some(states) = self.states(place, machine) else { return };
        let inside = place.at("States");
        let mut graph = Graph::new();
        for (name, state) in states {
            let place = inside.of_state(name);
            self.name(&place, name);
            let outline = state::state(self, &place, state, query);
            graph.add(name, place, outline);
        }
        graph.start_at(self.findings, place, machine.get("StartAt"));
        graph.check(self.findings);
    }

    fn states(
        &mut self,
        place: &Place<'a>,
        machine: &'a Map<String, Value>,
    ) -> Option<&'a Map<String, Value>> {
        let states = machine.get("States").and_then(Value::as_object).filter(|states| !states.is_empty());
        if states.is_none() {
            let message = "expected `States`, an object with at least one state";
            self.findings.add(&code::DEFINITION_UNREADABLE, place, message);
        }
        states
    }

    fn name(&mut self, place: &Place<'a>, name: &'a str) {
        let length = name.chars().count();
        if length == 0 || length > MOST_NAME {
            let message = format!("the name has {length} characters; 1 to {MOST_NAME} are allowed");
            self.findings.add(&code::DEFINITION_VALUE, place, message);
        }
        if !self.names.insert(name) {
            let message = "another state has this name; names are unique in the whole machine";
            self.findings.add(&code::STATE_TWICE, place, message);
        }
    }
}
