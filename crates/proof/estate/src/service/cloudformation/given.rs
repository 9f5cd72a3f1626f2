//! What a request wants a stack to be made of: a template, the values of its parameters, what is acknowledged.
//!
//! Source: CloudFormation API reference, "CreateChangeSet" and "Parameter"; user guide, "Parameters".

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use super::{template, text_of};
use crate::call::{ApiError, Call};
use crate::service::query::invalid;
use crate::world::World;
use crate::world::stacks::Definition;

/// Tags of a stack, at most (API reference, CreateChangeSet).
const MAX_TAGS: usize = 50;

/// What the stack is to be made of. `previous` is what it is made of.
///
/// # Errors
/// CloudFormation's, for a template that is none, parameters that do not fit, capabilities that lack.
pub(super) fn definition(
    world: &World,
    call: &Call,
    previous: Option<&Definition>,
) -> Result<Definition, ApiError> {
    let params = call.query();
    let text = match previous {
        Some(previous) if params.get("UsePreviousTemplate") == Some("true") => previous.text.clone(),
        _ => text_of(world, call)?,
    };
    let document = template::read(&text).map_err(invalid)?;
    template::judge(&document).map_err(invalid)?;
    let capabilities: Vec<String> =
        params.list("Capabilities.member").into_iter().map(str::to_owned).collect();
    if let (Some(needed), _) = template::capability(&document) {
        let stronger = ["CAPABILITY_NAMED_IAM"];
        if !capabilities.iter().any(|it| it == needed || stronger.contains(&it.as_str())) {
            let message = format!("Requires capabilities : [{needed}]");
            return Err(ApiError::new(400, "InsufficientCapabilitiesException", message));
        }
    }
    let tags = params.structures("Tags.member");
    if tags.len() > MAX_TAGS {
        return Err(invalid(format!("The number of tags exceeds the maximum of {MAX_TAGS}")));
    }
    let tags = tags.iter().filter_map(|tag| Some((tag.get("Key")?.to_owned(), tag.get("Value")?.to_owned())));
    Ok(Definition {
        parameters: parameters(call, &document, previous)?,
        template: document,
        text,
        tags: tags.collect(),
        capabilities,
        role: params.get("RoleARN").map(str::to_owned),
    })
}

/// The value of every parameter: given, that of before, or its default.
fn parameters(
    call: &Call,
    document: &Value,
    previous: Option<&Definition>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let known = document["Parameters"].as_object();
    let known = || known.into_iter().flatten();
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for entry in call.query().structures("Parameters.member") {
        let Some(name) = entry.get("ParameterKey") else { continue };
        let value = match (entry.get("ParameterValue"), entry.get("UsePreviousValue")) {
            (Some(_), Some("true")) => {
                return Err(invalid(format!(
                    "Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty value for a parameter"
                )));
            }
            (Some(value), _) => value.to_owned(),
            (None, Some("true")) => {
                let before = previous.and_then(|previous| previous.parameters.get(name)).cloned();
                before.ok_or_else(|| {
                    invalid(format!("Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"))
                })?
            }
            (None, _) => String::new(),
        };
        given.insert(name.to_owned(), value);
    }
    let odd: Vec<&str> =
        given.keys().map(String::as_str).filter(|name| !known().any(|(known, _)| known == name)).collect();
    if !odd.is_empty() {
        return Err(invalid(format!("Parameters: [{}] do not exist in the template", odd.join(", "))));
    }
    let (mut values, mut lacking) = (BTreeMap::new(), Vec::new());
    for (name, parameter) in known() {
        match given.remove(name).or_else(|| text(&parameter["Default"])) {
            Some(value) => {
                fits(name, parameter, &value)?;
                values.insert(name.clone(), value);
            }
            None => lacking.push(name.as_str()),
        }
    }
    match lacking.as_slice() {
        [] => Ok(values),
        _ => Err(invalid(format!("Parameters: [{}] must have values", lacking.join(", ")))),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn number(value: &Value) -> Option<f64> {
    text(value)?.parse().ok()
}

/// Whether a parameter takes a value.
fn fits(name: &str, parameter: &Value, value: &str) -> Result<(), ApiError> {
    let no = |words: String| match parameter["ConstraintDescription"].as_str() {
        Some(said) => Err(invalid(format!("Parameter '{name}' failed to satisfy constraint: {said}"))),
        None => Err(invalid(format!("Parameter '{name}' must {words}"))),
    };
    if parameter["Type"] == "Number" {
        let Ok(given) = value.parse::<f64>() else { return no("be a number".to_owned()) };
        if let Some(least) = number(&parameter["MinValue"]).filter(|least| given < *least) {
            return no(format!("be a number not less than {least}"));
        }
        if let Some(most) = number(&parameter["MaxValue"]).filter(|most| given > *most) {
            return no(format!("be a number not greater than {most}"));
        }
    }
    let length = value.chars().count() as f64;
    if let Some(least) = number(&parameter["MinLength"]).filter(|least| length < *least) {
        return no(format!("contain at least {least} characters"));
    }
    if let Some(most) = number(&parameter["MaxLength"]).filter(|most| length > *most) {
        return no(format!("contain at most {most} characters"));
    }
    if let Some(allowed) = parameter["AllowedValues"].as_array()
        && !allowed.iter().any(|it| text(it).as_deref() == Some(value))
    {
        return no("be one of AllowedValues".to_owned());
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str()
        && Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|known| !known.is_match(value))
    {
        return no(format!("match pattern {pattern}"));
    }
    Ok(())
}
