//! What fleetwright asks of a machine beside the language: that it can be run at night by nobody.

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::fields::{Query, Type};
use crate::findings::{Findings, Place};
use crate::recovery::EVERY;
use crate::state::State;

pub(crate) fn machine(findings: &mut Findings, place: &Place<'_>, machine: &Map<String, Value>) {
    if findings.ours() && !machine.contains_key("TimeoutSeconds") {
        let message = "the machine has no `TimeoutSeconds`: an execution may last a year";
        findings.add(&code::STATE_WITHOUT_TIMEOUT, place, message);
    }
}

pub(crate) fn state(findings: &mut Findings, state: &State<'_, '_>) {
    if !findings.ours() {
        return;
    }
    match state.of {
        Type::Task => {
            every_error_is_caught(findings, state);
            it_is_tried_again(findings, state);
            it_has_an_end(findings, state);
            input_is_kept(findings, state);
        }
        Type::Parallel | Type::Map => {
            every_error_is_caught(findings, state);
            input_is_kept(findings, state);
        }
        Type::Choice if state.get("Default").is_none() => {
            let message = "has no `Default`: where no rule matches, the execution ends there";
            findings.add(&code::CHOICE_WITHOUT_DEFAULT, state.place, message);
        }
        Type::Fail if state.get("Error").or(state.get("ErrorPath")).is_none() => {
            findings.add(&code::FAILURE_WITHOUT_NAME, state.place, "fails without a name in `Error`");
        }
        _ => {}
    }
}

fn rules<'a>(state: &State<'a, '_>, list: &str) -> &'a [Value] {
    state.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn every_error_is_caught(findings: &mut Findings, state: &State<'_, '_>) {
    let is_for_every = |rule: &Value| {
        let names = rule.get("ErrorEquals").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == EVERY))
    };
    let catches = rules(state, "Catch");
    if !catches.iter().any(is_for_every) {
        let message = format!("has no `Catch` for {EVERY}");
        findings.add(&code::STATE_WITHOUT_CATCH, state.place, message);
    }
    for (index, rule) in catches.iter().enumerate() {
        if !keeps(rule.as_object(), state.query, "Output") {
            let place = state.place.at("Catch").at(index);
            let message = "the error takes the place of the input";
            findings.add(&code::STATE_LOSES_INPUT, &place, message);
        }
    }
}

fn it_is_tried_again(findings: &mut Findings, state: &State<'_, '_>) {
    if rules(state, "Retry").is_empty() {
        findings.add(&code::STATE_WITHOUT_RETRY, state.place, "has no `Retry`");
    }
}

fn it_has_an_end(findings: &mut Findings, state: &State<'_, '_>) {
    if state.get("TimeoutSeconds").or(state.get("TimeoutSecondsPath")).is_none() {
        findings.add(&code::STATE_WITHOUT_TIMEOUT, state.place, "has no `TimeoutSeconds`");
    }
}

fn input_is_kept(findings: &mut Findings, state: &State<'_, '_>) {
    if !keeps(Some(state.fields), state.query, "Output") {
        let message = "the result takes the place of the input";
        findings.add(&code::STATE_LOSES_INPUT, state.place, message);
    }
}

/// Whether what comes out goes beside what is known: below `$`, away altogether, or where the author says.
fn keeps(fields: Option<&Map<String, Value>>, query: Query, output: &str) -> bool {
    let Some(fields) = fields else { return true };
    match query {
        Query::JsonPath => fields.get("ResultPath").is_some_and(|path| path != "$"),
        Query::Jsonata => fields.contains_key(output),
    }
}
