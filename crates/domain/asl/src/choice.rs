//! Choices: rules that compare, and where each leads.

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::fields::{Kind, Query};
use crate::findings::{Findings, Place};
use crate::graph::Outline;
use crate::state::State;
use crate::values::meant;
use crate::{paths, values};

pub(crate) fn choices<'a>(findings: &mut Findings, state: &State<'a, '_>, outline: &mut Outline<'a>) {
    if let Some(default) = state.get("Default").and_then(Value::as_str) {
        outline.leads_to.push((default, state.place.at("Default")));
    }
    let place = state.place.at("Choices");
    let Some(choices) = state.get("Choices") else {
        outline.is_unclear = true;
        return;
    };
    let Some(rules) = choices.as_array().filter(|rules| !rules.is_empty()) else {
        outline.is_unclear = true;
        return findings.add(&code::DEFINITION_VALUE, &place, "expected a list with at least one rule");
    };
    for (index, rule) in rules.iter().enumerate() {
        let place = place.at(index);
        let Some(rule) = rule.as_object() else {
            findings.add(&code::DEFINITION_VALUE, &place, "expected an object");
            outline.is_unclear = true;
            continue;
        };
        match rule.get("Next").and_then(Value::as_str) {
            Some(next) => outline.leads_to.push((next, place.at("Next"))),
            None => {
                findings.add(&code::DEFINITION_INCOMPLETE, &place, "a rule needs `Next`");
                outline.is_unclear = true;
            }
        }
        match state.query {
            Query::JsonPath => comparison(findings, &place, rule, true),
            Query::Jsonata => condition(findings, &place, rule),
        }
    }
}

/// A rule in JSONata.
fn condition(findings: &mut Findings, place: &Place<'_>, rule: &Map<String, Value>) {
    for (name, value) in rule {
        let place = place.at(name);
        match name.as_str() {
            "Next" => {}
            "Comment" => values::check(findings, &place, Kind::Text, value, Query::Jsonata),
            "Output" => values::check(findings, &place, Kind::Template, value, Query::Jsonata),
            "Assign" => values::check(findings, &place, Kind::Variables, value, Query::Jsonata),
            "Condition" => {
                let text = value.as_str().unwrap_or_default();
                if !value.is_boolean() && !values::is_expression(text) && !values::is_put_in(text) {
                    let message = "expected an expression between {% and %}, or true or false";
                    findings.add(&code::DEFINITION_VALUE, &place, message);
                }
            }
            _ => {
                let message = format!("a rule in JSONata has no field `{name}`");
                findings.add(&code::DEFINITION_STRANGE, &place, message);
            }
        }
    }
    if !rule.contains_key("Condition") {
        findings.add(&code::DEFINITION_INCOMPLETE, place, "a rule needs `Condition`");
    }
}

/// A rule in JSONPath, or one inside `And`, `Or` and `Not`.
fn comparison(findings: &mut Findings, place: &Place<'_>, rule: &Map<String, Value>, outermost: bool) {
    let known = |name: &&String| !matches!(name.as_str(), "Next" | "Comment" | "Assign" | "Variable");
    let operators: Vec<&String> = rule.keys().filter(known).collect();
    if !outermost {
        for name in ["Next", "Assign"].into_iter().filter(|name| rule.contains_key(*name)) {
            let message = format!("`{name}` belongs to the outermost rule");
            findings.add(&code::DEFINITION_STRANGE, &place.at(name), message);
        }
    }
    let [name] = operators[..] else {
        let message = format!("a rule has one comparison, and this has {}", operators.len());
        return findings.add(&code::DEFINITION_VALUE, place, message);
    };
    let (value, inside) = (&rule[name], place.at(name));
    match name.as_str() {
        "And" | "Or" => match value.as_array().filter(|rules| !rules.is_empty()) {
            Some(rules) => {
                for (index, rule) in rules.iter().enumerate() {
                    nested(findings, &inside.at(index), rule);
                }
            }
            None => findings.add(&code::DEFINITION_VALUE, &inside, "expected a list with at least one rule"),
        },
        "Not" => nested(findings, &inside, value),
        operator => {
            variable(findings, place, rule);
            operand(findings, &inside, operator, value);
        }
    }
}

fn nested(findings: &mut Findings, place: &Place<'_>, rule: &Value) {
    match rule.as_object() {
        Some(rule) => comparison(findings, place, rule, false),
        None => findings.add(&code::DEFINITION_VALUE, place, "expected an object"),
    }
}

fn variable(findings: &mut Findings, place: &Place<'_>, rule: &Map<String, Value>) {
    match rule.get("Variable") {
        None => findings.add(&code::DEFINITION_INCOMPLETE, place, "a comparison needs `Variable`"),
        Some(variable) => {
            values::check(findings, &place.at("Variable"), Kind::Reference, variable, Query::JsonPath);
        }
    }
}

/// What an operator compares with.
fn operand(findings: &mut Findings, place: &Place<'_>, operator: &str, value: &Value) {
    let Some(compared) = compared(operator) else {
        let all = every_operator();
        let meant = meant(operator, all.iter().map(String::as_str));
        let message = format!("there is no comparison `{operator}`{meant}");
        return findings.add(&code::DEFINITION_STRANGE, place, message);
    };
    let text = value.as_str();
    let (good, expected) = match compared {
        Compared::Place => (text.is_some_and(paths::is_reference), "a path to one place"),
        Compared::Text => (text.is_some(), "a text"),
        Compared::Number => (value.is_number(), "a number"),
        Compared::Flag => (value.is_boolean(), "true or false"),
        Compared::Moment => (text.is_some_and(paths::is_moment), "a moment such as 2026-11-01T02:00:00Z"),
    };
    if !good && !text.is_some_and(values::is_put_in) {
        let message = format!("expected {expected}, not {}", values::shown(value));
        findings.add(&code::DEFINITION_VALUE, place, message);
    }
}

/// What stands on the other side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Text,
    Number,
    Flag,
    Moment,
    Place,
}

const ORDERED: [&str; 5] = ["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"];
const ABOUT: [&str; 6] = ["IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"];

fn compared(operator: &str) -> Option<Compared> {
    if ABOUT.contains(&operator) {
        return Some(Compared::Flag);
    }
    if operator == "StringMatches" {
        return Some(Compared::Text);
    }
    let (plain, place) = match operator.strip_suffix("Path") {
        Some(plain) => (plain, true),
        None => (operator, false),
    };
    let kinds = [
        ("String", &ORDERED[..], Compared::Text),
        ("Numeric", &ORDERED[..], Compared::Number),
        ("Timestamp", &ORDERED[..], Compared::Moment),
        ("Boolean", &ORDERED[..1], Compared::Flag),
    ];
    let found = kinds.into_iter().find_map(|(kind, orders, compared)| {
        plain.strip_prefix(kind).filter(|order| orders.contains(order)).map(|_| compared)
    })?;
    Some(if place { Compared::Place } else { found })
}

/// Every operator, for whoever misspelt one.
fn every_operator() -> Vec<String> {
    let mut all: Vec<String> =
        ABOUT.into_iter().chain(["StringMatches", "And", "Or", "Not"]).map(str::to_owned).collect();
    for kind in ["String", "Numeric", "Timestamp", "Boolean"] {
        for order in ORDERED {
            all.extend([format!("{kind}{order}"), format!("{kind}{order}Path")]);
        }
    }
    all.retain(|operator| compared(operator).is_some() || matches!(operator.as_str(), "And" | "Or" | "Not"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_the_operators_of_the_specification() {
        // Boolean 2, numeric 10, text 11, moments 10, about values 6, and three that join.
        assert_eq!(every_operator().len(), 42);
        assert_eq!(compared("BooleanLessThan"), None);
        assert_eq!(compared("StringMatchesPath"), None);
        assert_eq!(compared("NumericGreaterThanEqualsPath"), Some(Compared::Place));
    }
}
