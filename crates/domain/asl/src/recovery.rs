//! What becomes of errors: `Retry` and `Catch`.

use std::collections::BTreeSet;

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::fields::{Kind, Query};
use crate::findings::{Findings, Place};
use crate::graph::Outline;
use crate::state::State;
use crate::values::{self, meant, shown};

/// The names that the language keeps for itself.
const RESERVED: [&str; 17] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

/// The name that stands for every other.
pub(crate) const EVERY: &str = "States.ALL";

/// Seconds between attempts at most: a year, as an execution lasts.
const YEAR: u64 = 31_622_400;
const MOST_ATTEMPTS: u64 = 99_999_999;

const RETRY: &[(&str, Kind)] = &[
    ("ErrorEquals", Kind::Own),
    ("Comment", Kind::Text),
    ("IntervalSeconds", Kind::Whole(1, YEAR)),
    ("MaxAttempts", Kind::Whole(0, MOST_ATTEMPTS)),
    ("BackoffRate", Kind::AtLeast(1.0)),
    ("MaxDelaySeconds", Kind::Whole(1, YEAR)),
    ("JitterStrategy", Kind::OneOf(&["FULL", "NONE"])),
];

const CATCH_JSONPATH: &[(&str, Kind)] = &[
    ("ErrorEquals", Kind::Own),
    ("Comment", Kind::Text),
    ("Next", Kind::Text),
    ("ResultPath", Kind::Target),
    ("Assign", Kind::Variables),
];

const CATCH_JSONATA: &[(&str, Kind)] = &[
    ("ErrorEquals", Kind::Own),
    ("Comment", Kind::Text),
    ("Next", Kind::Text),
    ("Output", Kind::Template),
    ("Assign", Kind::Variables),
];

pub(crate) fn retry(findings: &mut Findings, state: &State<'_, '_>) {
    for (place, rule) in rules(findings, state, "Retry", RETRY) {
        let whole = |name: &str| rule.get(name).and_then(Value::as_u64);
        let first = whole("IntervalSeconds").unwrap_or(1);
        if whole("MaxDelaySeconds").is_some_and(|most| most <= first) {
            let message = format!("`MaxDelaySeconds` is more than `IntervalSeconds`, which is {first}");
            findings.add(&code::DEFINITION_VALUE, &place.at("MaxDelaySeconds"), message);
        }
    }
}

pub(crate) fn catch<'a>(findings: &mut Findings, state: &State<'a, '_>, outline: &mut Outline<'a>) {
    let known = match state.query {
        Query::JsonPath => CATCH_JSONPATH,
        Query::Jsonata => CATCH_JSONATA,
    };
    for (place, rule) in rules(findings, state, "Catch", known) {
        match rule.get("Next").and_then(Value::as_str) {
            Some(next) => outline.leads_to.push((next, place.at("Next"))),
            None => {
                findings.add(&code::DEFINITION_INCOMPLETE, &place, "a rule of `Catch` needs `Next`");
                outline.is_unclear = true;
            }
        }
    }
}

/// Reads a list of rules, each of which names errors, and returns those that are objects.
fn rules<'a>(
    findings: &mut Findings,
    state: &State<'a, '_>,
    list: &str,
    known: &[(&str, Kind)],
) -> Vec<(Place<'a>, &'a Map<String, Value>)> {
    let Some(value) = state.get(list) else { return Vec::new() };
    let place = state.place.at(list);
    let Some(items) = value.as_array() else {
        findings.add(&code::DEFINITION_VALUE, &place, format!("expected a list, not {}", shown(value)));
        return Vec::new();
    };
    let mut rules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = place.at(index);
        match item.as_object() {
            Some(rule) => rules.push((place, rule)),
            None => findings.add(&code::DEFINITION_VALUE, &place, "expected an object"),
        }
    }
    let mut named = BTreeSet::new();
    let last = rules.len().saturating_sub(1);
    for (index, (place, rule)) in rules.iter().enumerate() {
        for (name, value) in *rule {
            match known.iter().find(|(known, _)| known == name) {
                Some((_, kind)) => values::check(findings, &place.at(name), *kind, value, state.query),
                None => {
                    let meant = meant(name, known.iter().map(|(known, _)| *known));
                    let message = format!("a rule of `{list}` has no field `{name}`{meant}");
                    findings.add(&code::DEFINITION_STRANGE, &place.at(name), message);
                }
            }
        }
        errors(findings, place, rule, &mut named, index == last);
    }
    rules
}

/// Checks which errors a rule is for; `named` are those of the rules before it.
fn errors<'a>(
    findings: &mut Findings,
    place: &Place<'_>,
    rule: &'a Map<String, Value>,
    named: &mut BTreeSet<&'a str>,
    is_last: bool,
) {
    let names = rule.get("ErrorEquals").and_then(Value::as_array).filter(|names| !names.is_empty());
    let place = place.at("ErrorEquals");
    let texts: Option<Vec<&str>> = names.and_then(|names| names.iter().map(Value::as_str).collect());
    let Some(texts) = texts else {
        let message = "expected `ErrorEquals`, a list with at least one name of an error";
        return findings.add(&code::DEFINITION_INCOMPLETE, &place, message);
    };
    for name in &texts {
        if name.starts_with("States.") && !RESERVED.contains(name) {
            let meant = meant(name, RESERVED.into_iter());
            let message = format!("there is no error `{name}`{meant}");
            findings.add(&code::DEFINITION_VALUE, &place, message);
        }
        if !named.insert(name) {
            let message = format!("`{name}` is named before, so that this never applies to it");
            findings.add(&code::RULE_DEAD, &place, message);
        }
    }
    if texts.contains(&EVERY) && (texts.len() > 1 || !is_last) {
        let message = format!("`{EVERY}` is the only name of the last rule");
        findings.add(&code::RULE_DEAD, &place, message);
    }
}
