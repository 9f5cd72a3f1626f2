//! Templates: whether one is a template at all, with everything it refers to there.
//!
//! Source: CloudFormation user guide, "Template sections" and "Intrinsic function reference".

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::dependencies::{References, cycle};

/// Sections there are.
const SECTIONS: [&str; 10] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

/// Attributes of a resource.
const ATTRIBUTES: [&str; 9] = [
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// Values of `DeletionPolicy`; `UpdateReplacePolicy` has the first three.
const POLICIES: [&str; 4] = ["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"];

/// What a parameter can say of itself.
const PARAMETER_MEMBERS: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// Resources and parameters of a template, at most (user guide, "CloudFormation quotas").
const MAX_RESOURCES: usize = 500;
const MAX_PARAMETERS: usize = 200;

/// Reads a template.
///
/// # Errors
/// CloudFormation's words for a text that is none.
pub(super) fn read(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(document @ Value::Object(_)) => Ok(document),
        Ok(_) => Err("Template format error: unsupported structure.".to_owned()),
        Err(_) if !text.trim_start().starts_with('{') => {
            Err("Template format error: the estate reads templates in JSON only.".to_owned())
        }
        Err(error) => Err(format!(
            "Template format error: JSON not well-formed. (line {}, column {})",
            error.line(),
            error.column()
        )),
    }
}

/// Judges a template.
///
/// # Errors
/// CloudFormation's words for the first thing that is wrong.
pub(super) fn judge(document: &Value) -> Result<(), String> {
    let sections = document.as_object().ok_or("Template format error: unsupported structure.")?;
    let odd: Vec<&str> =
        sections.keys().map(String::as_str).filter(|name| !SECTIONS.contains(name)).collect();
    if !odd.is_empty() {
        return Err(format!("Invalid template property or properties [{}]", odd.join(", ")));
    }
    if !matches!(sections.get("AWSTemplateFormatVersion"), None | Some(Value::String(_)))
        || sections.get("AWSTemplateFormatVersion").is_some_and(|version| version != "2010-09-09")
    {
        let version = &sections["AWSTemplateFormatVersion"];
        return Err(format!("Template format error: Unsupported template version {version}"));
    }
    if let Some(null) = null_in(document, "") {
        return Err(format!("[{null}] 'null' values are not allowed in templates"));
    }
    let parameters = parameters(sections)?;
    let resources = resources(sections)?;
    let conditions = names(sections.get("Conditions"));
    let known = References {
        parameters: &parameters,
        resources: &resources.keys().map(String::as_str).collect(),
        conditions: &conditions,
    };
    for block in ["Conditions", "Resources", "Outputs"] {
        let Some(section) = sections.get(block) else { continue };
        known.check(section, block)?;
    }
    match cycle(resources) {
        Some(found) => Err(format!("Circular dependency between resources: [{}]", found.join(", "))),
        None => Ok(()),
    }
}

/// Where the first null is.
fn null_in(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::Null => Some(at.to_owned()),
        Value::Object(members) => members.iter().find_map(|(name, it)| null_in(it, &format!("{at}/{name}"))),
        Value::Array(list) => list.iter().enumerate().find_map(|(n, it)| null_in(it, &format!("{at}/{n}"))),
        _ => None,
    }
}

fn names(section: Option<&Value>) -> BTreeSet<&str> {
    section.and_then(Value::as_object).into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

fn parameters(sections: &Map<String, Value>) -> Result<BTreeSet<&str>, String> {
    let Some(given) = sections.get("Parameters") else { return Ok(BTreeSet::new()) };
    let given = given.as_object().ok_or("Template format error: Parameters must be an object.")?;
    if given.len() > MAX_PARAMETERS {
        return Err(format!(
            "Template format error: Number of parameters, {}, is greater than maximum allowed, {MAX_PARAMETERS}",
            given.len()
        ));
    }
    for (name, parameter) in given {
        let members = parameter
            .as_object()
            .ok_or_else(|| format!("Template format error: Parameter '{name}' must be an object."))?;
        if let Some(odd) = members.keys().find(|member| !PARAMETER_MEMBERS.contains(&member.as_str())) {
            return Err(format!("Invalid template parameter property '{odd}'"));
        }
        let Some(kind) = members.get("Type").and_then(Value::as_str) else {
            return Err(
                "Template format error: Every Parameters object must contain a Type member.".to_owned()
            );
        };
        let listed =
            matches!(kind, "String" | "Number" | "CommaDelimitedList" | "List<Number>" | "List<String>");
        if !listed && !kind.starts_with("AWS::") && !kind.starts_with("List<AWS::") {
            return Err(format!("Template format error: Unrecognized parameter type: {kind}"));
        }
        if members.get("Default").is_some_and(|default| default.is_array() || default.is_object()) {
            return Err("Template format error: Every Default member must be a string.".to_owned());
        }
    }
    Ok(given.keys().map(String::as_str).collect())
}

fn resources(sections: &Map<String, Value>) -> Result<&Map<String, Value>, String> {
    let given = sections.get("Resources").and_then(Value::as_object).filter(|given| !given.is_empty());
    let given = given.ok_or("Template format error: At least one Resources member must be defined.")?;
    if given.len() > MAX_RESOURCES {
        return Err(format!(
            "Template format error: Number of resources, {}, is greater than maximum allowed, {MAX_RESOURCES}",
            given.len()
        ));
    }
    for (name, resource) in given {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("Template format error: Resource name {name} is non alphanumeric."));
        }
        let members = resource.as_object().ok_or_else(|| {
            format!("Template format error: [/Resources/{name}] resource definition is malformed")
        })?;
        if let Some(odd) = members.keys().find(|member| !ATTRIBUTES.contains(&member.as_str())) {
            return Err(format!("Invalid template resource property '{odd}'"));
        }
        let Some(kind) = members.get("Type").and_then(Value::as_str) else {
            return Err(format!(
                "Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            ));
        };
        if !is_type(kind) {
            return Err(format!("Template format error: Unrecognized resource types: [{kind}]"));
        }
        for (member, most) in [("DeletionPolicy", POLICIES.len()), ("UpdateReplacePolicy", 3)] {
            let known = |given: &Value| given.as_str().is_some_and(|text| POLICIES[..most].contains(&text));
            if members.get(member).is_some_and(|given| !known(given)) {
                return Err(format!("Template format error: Unrecognized {member} {}", members[member]));
            }
        }
    }
    Ok(given)
}

/// Whether a text is built as the name of a type: three parts, or two behind `Custom`.
fn is_type(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split("::").collect();
    let plain =
        parts.iter().all(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric()));
    match parts.as_slice() {
        ["Custom", name] => !name.is_empty(),
        [_, _, _] => plain,
        _ => false,
    }
}

/// The capability that a caller has to acknowledge, and the types that ask for it: resources of IAM, those with names
/// of their own more than others.
pub(super) fn capability(document: &Value) -> (Option<&'static str>, Vec<&str>) {
    let resources = document["Resources"].as_object().into_iter().flat_map(Map::values);
    let of_iam = resources.filter_map(|it| Some((it["Type"].as_str()?, &it["Properties"])));
    let of_iam: Vec<(&str, &Value)> = of_iam.filter(|(kind, _)| kind.starts_with("AWS::IAM::")).collect();
    let is_named = |properties: &Value| {
        let naming = ["RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"];
        naming.iter().any(|name| !properties[*name].is_null())
    };
    let kinds: BTreeSet<&str> = of_iam.iter().map(|(kind, _)| *kind).collect();
    let needed = match of_iam.as_slice() {
        [] => None,
        all if all.iter().any(|(_, properties)| is_named(properties)) => Some("CAPABILITY_NAMED_IAM"),
        _ => Some("CAPABILITY_IAM"),
    };
    (needed, kinds.into_iter().collect())
}
