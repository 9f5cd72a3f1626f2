//! Values that are given for the parameters of a template.
//!
//! Source: CloudFormation user guide, "Parameters", and API reference, "Parameter".

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{Fault, part};

/// Everything that is wrong with a file of parameters (`[{"ParameterKey": …, "ParameterValue": …}]`) for a template:
/// what it does not know, what it would refuse, what it lacks. Parameters that are never shown (`NoEcho`) are secrets,
/// and are no fault where they are in no file.
pub fn check_parameters(template: &Value, file: &Value) -> Vec<Fault> {
    let Some(entries) = file.as_array() else {
        return vec![Fault::new("", "a file of parameters is a list")];
    };
    let nothing = Map::new();
    let known = template["Parameters"].as_object().unwrap_or(&nothing);
    let (mut faults, mut named) = (Vec::new(), BTreeSet::new());
    for (number, entry) in entries.iter().enumerate() {
        let (Some(name), Some(value)) = (entry["ParameterKey"].as_str(), entry["ParameterValue"].as_str())
        else {
            let message = "an entry has a ParameterKey and a ParameterValue, both of them texts";
            faults.push(Fault::new(format!("/{number}"), message));
            continue;
        };
        if !named.insert(name) {
            faults.push(Fault::new(format!("/{number}"), format!("the parameter {name} is given twice")));
        }
        let Some(parameter) = known.get(name) else {
            let message = format!("the template has no parameter {name}");
            faults.push(Fault::new(format!("/{number}/ParameterKey"), message));
            continue;
        };
        if is_hidden(parameter) {
            let message = format!("the parameter {name} is a secret: give it when the stack is deployed");
            faults.push(Fault::new(format!("/{number}"), message));
        } else if let Some(message) = misfit(name, parameter, value) {
            faults.push(Fault::new(format!("/{number}/ParameterValue"), message));
        }
    }
    let lacking = known.iter().filter(|(name, parameter)| {
        !named.contains(name.as_str()) && parameter["Default"].is_null() && !is_hidden(parameter)
    });
    faults.extend(lacking.map(|(name, _)| {
        Fault::new(format!("/{}", part(name)), format!("the parameter {name} has no value, and no default"))
    }));
    faults
}

fn is_hidden(parameter: &Value) -> bool {
    parameter["NoEcho"] == true || parameter["NoEcho"] == "true"
}

/// The default of a parameter as a text.
pub(super) fn default_of(parameter: &Value) -> Option<String> {
    match &parameter["Default"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A number that a template may write as a text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// Why a parameter does not take a value; nothing where it does.
pub(super) fn misfit(name: &str, parameter: &Value, value: &str) -> Option<String> {
    let no = |why: String| Some(format!("the parameter {name} does not take {value:?}: {why}"));
    if parameter["Type"] == "Number" {
        let Ok(given) = value.trim().parse::<f64>() else { return no("it is no number".to_owned()) };
        if let Some(least) = number(&parameter["MinValue"]).filter(|least| given < *least) {
            return no(format!("the least is {least}"));
        }
        if let Some(most) = number(&parameter["MaxValue"]).filter(|most| given > *most) {
            return no(format!("the most is {most}"));
        }
    }
    let characters = value.chars().count() as f64;
    if let Some(least) = number(&parameter["MinLength"]).filter(|least| characters < *least) {
        return no(format!("it has {characters} characters, and the least is {least}"));
    }
    if let Some(most) = number(&parameter["MaxLength"]).filter(|most| characters > *most) {
        return no(format!("it has {characters} characters, and the most is {most}"));
    }
    if let Some(allowed) = parameter["AllowedValues"].as_array() {
        let allowed: Vec<String> =
            allowed.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
        if !allowed.iter().any(|it| it == value) {
            return no(format!("it is not one of {}", allowed.join(", ")));
        }
    }
    let pattern = parameter["AllowedPattern"].as_str()?;
    // CloudFormation's expressions are Java's: what is written in another way is left to it.
    let expression = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    (!expression.is_match(value)).then(|| no(format!("it does not match {pattern}")))?
}
