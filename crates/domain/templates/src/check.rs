//! What CloudFormation would refuse of a template, its parameters and its definition, found before it is asked.
//!
//! Sources: CloudFormation user guide, "Template sections", "Parameters", "Intrinsic function reference",
//! "CloudFormation quotas".

mod given;
mod references;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::hub::Machine;

pub use given::check_parameters;

/// Bytes of a template in a bucket, at most.
const MOST_BYTES: usize = 1_048_576;
/// Resources of a template, at most.
const MOST_RESOURCES: usize = 500;
/// Parameters of a template, at most.
const MOST_PARAMETERS: usize = 200;

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) to the place. A part that is not there stands for what it would be in.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Fault {
    fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// A part of a pointer, escaped.
fn part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Sections of a template.
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

/// What a resource can say of itself.
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

/// Everything that is wrong with a template; nothing where it is good.
pub fn check_template(template: &Value) -> Vec<Fault> {
    let Some(sections) = template.as_object() else {
        return vec![Fault::new("", "a template is an object of sections")];
    };
    let mut faults = Vec::new();
    for name in sections.keys().filter(|name| !SECTIONS.contains(&name.as_str())) {
        faults.push(Fault::new(format!("/{}", part(name)), format!("a template has no section {name}")));
    }
    if let Some(version) = sections.get("AWSTemplateFormatVersion")
        && version != "2010-09-09"
    {
        faults.push(Fault::new("/AWSTemplateFormatVersion", "the version of the format is 2010-09-09"));
    }
    let size = template.to_string().len();
    if size > MOST_BYTES {
        faults.push(Fault::new(
            "",
            format!("the template has {size} bytes, and CloudFormation takes {MOST_BYTES}"),
        ));
    }
    parameters(sections, &mut faults);
    resources(sections, &mut faults);
    references::check(sections, &mut faults);
    faults
}

fn parameters(sections: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let Some(given) = sections.get("Parameters") else { return };
    let Some(given) = given.as_object() else {
        faults.push(Fault::new("/Parameters", "parameters are an object"));
        return;
    };
    if given.len() > MOST_PARAMETERS {
        let message = format!("{} parameters, and CloudFormation takes {MOST_PARAMETERS}", given.len());
        faults.push(Fault::new("/Parameters", message));
    }
    for (name, parameter) in given {
        let at = format!("/Parameters/{}", part(name));
        let Some(kind) = parameter["Type"].as_str() else {
            faults.push(Fault::new(at, format!("the parameter {name} has no Type")));
            continue;
        };
        let plain = ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"];
        if !plain.contains(&kind) && !kind.starts_with("AWS::") && !kind.starts_with("List<AWS::") {
            faults.push(Fault::new(format!("{at}/Type"), format!("{kind} is no type of a parameter")));
            continue;
        }
        if let Some(message) = given::default_of(parameter).and_then(|it| given::misfit(name, parameter, &it))
        {
            faults.push(Fault::new(format!("{at}/Default"), message));
        }
    }
}

fn resources(sections: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let given = sections.get("Resources").and_then(Value::as_object).filter(|given| !given.is_empty());
    let Some(given) = given else {
        faults.push(Fault::new("/Resources", "a template has at least one resource"));
        return;
    };
    if given.len() > MOST_RESOURCES {
        let message = format!("{} resources, and CloudFormation takes {MOST_RESOURCES}", given.len());
        faults.push(Fault::new("/Resources", message));
    }
    for (name, resource) in given {
        let at = format!("/Resources/{}", part(name));
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            faults.push(Fault::new(&at, format!("{name}: logical ids have letters and digits only")));
        }
        let Some(members) = resource.as_object() else {
            faults.push(Fault::new(at, format!("the resource {name} is no object")));
            continue;
        };
        for odd in members.keys().filter(|member| !ATTRIBUTES.contains(&member.as_str())) {
            faults.push(Fault::new(
                format!("{at}/{}", part(odd)),
                format!("a resource has no attribute {odd}"),
            ));
        }
        let kind = members.get("Type").and_then(Value::as_str).unwrap_or_default();
        let parts: Vec<&str> = kind.split("::").collect();
        if !matches!(parts.as_slice(), [_, _, _] | ["Custom", _]) || parts.contains(&"") {
            faults.push(Fault::new(
                format!("{at}/Type"),
                format!("the resource {name} has no type, as AWS::S3::Bucket is one"),
            ));
        }
        policies(&at, members, faults);
    }
}

/// What becomes of a resource that goes.
fn policies(at: &str, members: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let all = ["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"];
    for (name, known) in [("DeletionPolicy", &all[..]), ("UpdateReplacePolicy", &all[..3])] {
        let Some(given) = members.get(name) else { continue };
        if !given.as_str().is_some_and(|text| known.contains(&text)) {
            let message = format!("{name} is {given}, and not one of {}", known.join(", "));
            faults.push(Fault::new(format!("{at}/{name}"), message));
        }
    }
}

/// Names that the definition of a state machine leaves to CloudFormation (`${Name}`) and that the template does not put
/// in: the pointers are into the definition.
pub fn check_definition(template: &Value, machine: &Machine, definition: &Value) -> Vec<Fault> {
    let substitutions = &template["Resources"][machine.id]["Properties"]["DefinitionSubstitutions"];
    let given: BTreeSet<&str> =
        substitutions.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let mut faults = Vec::new();
    placeholders(definition, "", &mut |pointer, name| {
        if !given.contains(name) {
            let message = format!("the template puts nothing in for ${{{name}}} (DefinitionSubstitutions)");
            faults.push(Fault::new(pointer, message));
        }
    });
    faults
}

fn placeholders(value: &Value, at: &str, found: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => {
            let mut rest = text.as_str();
            while let Some((name, behind)) =
                rest.split_once("${").and_then(|(_, after)| after.split_once('}'))
            {
                found(at, name);
                rest = behind;
            }
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(number, it)| placeholders(it, &format!("{at}/{number}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| placeholders(it, &format!("{at}/{}", part(name)), found));
        }
        _ => {}
    }
}
