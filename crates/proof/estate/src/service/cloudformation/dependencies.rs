//! What intrinsic functions of a template refer to, and resources that wait for one another.
//!
//! Source: CloudFormation user guide, "Intrinsic function reference" and "DependsOn attribute".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Parameters that every template has.
const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// What can be referred to.
pub(super) struct References<'t> {
    pub(super) parameters: &'t BTreeSet<&'t str>,
    pub(super) resources: &'t BTreeSet<&'t str>,
    pub(super) conditions: &'t BTreeSet<&'t str>,
}

/// A reference of a template.
enum Reference<'t> {
    /// To a parameter or a resource.
    Name(&'t str),
    /// To an attribute of a resource.
    Attribute(&'t str),
    /// To a condition.
    Condition(&'t str),
}

impl References<'_> {
    /// Whether everything that a section refers to is there.
    ///
    /// # Errors
    /// CloudFormation's words.
    pub(super) fn check(&self, section: &Value, block: &str) -> Result<(), String> {
        let mut found = Vec::new();
        collect(section, &mut found)?;
        if block != "Conditions" {
            attached(section, &mut found)?;
        }
        let is_there = |name: &str| {
            self.parameters.contains(name) || self.resources.contains(name) || PSEUDO.contains(&name)
        };
        let mut unresolved = BTreeSet::new();
        for reference in found {
            match reference {
                Reference::Name(name) if !is_there(name) => {
                    unresolved.insert(name);
                }
                Reference::Attribute(name) if !self.resources.contains(name) => {
                    return Err(format!(
                        "Template error: instance of Fn::GetAtt references undefined resource {name}"
                    ));
                }
                Reference::Condition(name) if !self.conditions.contains(name) => {
                    return Err(format!(
                        "Template format error: Unresolved condition dependency {name} in the {block} block of the template"
                    ));
                }
                _ => {}
            }
        }
        if unresolved.is_empty() {
            return Ok(());
        }
        let names = unresolved.into_iter().collect::<Vec<_>>().join(", ");
        Err(format!(
            "Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template"
        ))
    }
}

/// The condition and the dependencies of every member of a section.
fn attached<'t>(section: &'t Value, found: &mut Vec<Reference<'t>>) -> Result<(), String> {
    for (name, member) in section.as_object().into_iter().flatten() {
        found.extend(member["Condition"].as_str().map(Reference::Condition));
        match &member["DependsOn"] {
            Value::Null => {}
            Value::String(one) => found.push(Reference::Name(one)),
            Value::Array(all) if all.iter().all(Value::is_string) => {
                found.extend(all.iter().filter_map(Value::as_str).map(Reference::Name));
            }
            _ => {
                return Err(format!(
                    "Template format error: DependsOn of [/Resources/{name}] must be a string or a list of strings."
                ));
            }
        }
    }
    Ok(())
}

/// Collects what the functions in a value refer to.
fn collect<'t>(value: &'t Value, found: &mut Vec<Reference<'t>>) -> Result<(), String> {
    match value {
        Value::Array(list) => list.iter().try_for_each(|it| collect(it, found)),
        Value::Object(members) => {
            if let (1, Some((name, of))) = (members.len(), members.iter().next()) {
                of_function(name, of, found)?;
            }
            members.values().try_for_each(|it| collect(it, found))
        }
        _ => Ok(()),
    }
}

/// What one function refers to, if it is one.
fn of_function<'t>(name: &str, of: &'t Value, found: &mut Vec<Reference<'t>>) -> Result<(), String> {
    match name {
        "Ref" => match of.as_str() {
            Some(name) => found.push(Reference::Name(name)),
            None => {
                return Err("Template error: every Ref object must have a single String value.".to_owned());
            }
        },
        "Fn::GetAtt" => {
            let listed = of.as_array().filter(|list| list.len() == 2).and_then(|list| list[0].as_str());
            let dotted = of.as_str().and_then(|text| text.split_once('.')).map(|(name, _)| name);
            match listed.or(dotted) {
                Some(name) => found.push(Reference::Attribute(name)),
                None => {
                    return Err(
                        "Template error: every Fn::GetAtt object requires two non-empty parameters, the \
                                resource name and the resource attribute"
                            .to_owned(),
                    );
                }
            }
        }
        "Fn::Sub" => substituted(of, found)?,
        "Fn::If" => match of.as_array().filter(|list| list.len() == 3).and_then(|list| list[0].as_str()) {
            Some(name) => found.push(Reference::Condition(name)),
            None => {
                return Err("Template error: Fn::If requires a list argument with the first element being a condition"
                    .to_owned());
            }
        },
        // Among functions of conditions; elsewhere it is a member of that name.
        "Condition" => found.extend(of.as_str().map(Reference::Condition)),
        name if name.starts_with("Fn::") && !FUNCTIONS.contains(&name) => {
            return Err(format!("Template error: Encountered unsupported function: {name}"));
        }
        _ => {}
    }
    Ok(())
}

/// Functions that refer to nothing by themselves.
const FUNCTIONS: [&str; 17] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Fn::ForEach",
    "Fn::Contains",
];

/// What the `${…}` of a text refer to, but for those that the text comes with.
fn substituted<'t>(of: &'t Value, found: &mut Vec<Reference<'t>>) -> Result<(), String> {
    let (text, own) = match of {
        Value::String(text) => (text.as_str(), None),
        Value::Array(list) => match list.as_slice() {
            [Value::String(text), Value::Object(own)] => (text.as_str(), Some(own)),
            _ => return Err(wrong_sub()),
        },
        _ => return Err(wrong_sub()),
    };
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or_else(wrong_sub)?;
        rest = behind;
        let is_own = own.is_some_and(|own: &Map<String, Value>| own.contains_key(name));
        if name.starts_with('!') || is_own {
            continue;
        }
        found.push(match name.split_once('.') {
            Some((resource, _)) => Reference::Attribute(resource),
            None => Reference::Name(name),
        });
    }
    Ok(())
}

fn wrong_sub() -> String {
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as \
     first argument, and an optional second argument to specify a mapping of values to replace in the string"
        .to_owned()
}

/// Resources that wait for one another in a circle, if there are any.
pub(super) fn cycle(resources: &Map<String, Value>) -> Option<Vec<&str>> {
    let mut waits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, resource) in resources {
        let mut found = Vec::new();
        // What is wrong with the functions has been told before.
        let _ = collect(resource, &mut found);
        for one in [&resource["DependsOn"]].into_iter().flat_map(|it| match it {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        }) {
            found.extend(one.as_str().map(Reference::Name));
        }
        let names = found.into_iter().filter_map(|reference| match reference {
            Reference::Name(name) | Reference::Attribute(name) => Some(name),
            Reference::Condition(_) => None,
        });
        waits.insert(name, names.filter(|name| resources.contains_key(*name)).collect());
    }
    // Whoever waits for nobody is made; whoever is left at the end waits in a circle, or for one.
    while let Some(ready) = waits.iter().find(|(_, on)| on.is_empty()).map(|(name, _)| *name) {
        waits.remove(ready);
        for on in waits.values_mut() {
            on.remove(ready);
        }
    }
    (!waits.is_empty()).then(|| waits.into_keys().collect())
}
