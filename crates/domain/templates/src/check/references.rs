//! What the functions of a template refer to, and resources that wait for one another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Fault, part};

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

/// Functions there are, beside those that refer to something.
const FUNCTIONS: [&str; 17] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Contains",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::ForEach",
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
];

/// What a reference is to.
enum To<'t> {
    Name(&'t str),
    Attribute(&'t str),
    Condition(&'t str),
    /// Nothing: the function is written wrongly.
    Wrong(&'static str),
    /// Nothing: there is no such function.
    NoFunction(&'t str),
}

/// References with their places.
type Found<'t> = Vec<(String, To<'t>)>;

/// Adds what refers to nothing, and circles.
pub(super) fn check(sections: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let names = |section: &str| -> BTreeSet<&str> {
        let members = sections.get(section).and_then(Value::as_object);
        members.into_iter().flat_map(Map::keys).map(String::as_str).collect()
    };
    let (parameters, resources, conditions) = (names("Parameters"), names("Resources"), names("Conditions"));
    let is_there =
        |name: &str| parameters.contains(name) || resources.contains(name) || PSEUDO.contains(&name);
    let mut found = Found::new();
    for block in ["Conditions", "Resources", "Outputs"] {
        if let Some(section) = sections.get(block) {
            collect(section, &format!("/{block}"), &mut found);
            attached(section, block, &mut found);
        }
    }
    for (pointer, to) in found {
        let message = match to {
            To::Name(name) if !is_there(name) => format!("there is no parameter or resource {name}"),
            To::Attribute(name) if !resources.contains(name) => format!("there is no resource {name}"),
            To::Condition(name) if !conditions.contains(name) => format!("there is no condition {name}"),
            To::Wrong(form) => format!("the function is written so: {form}"),
            To::NoFunction(name) => format!("there is no function {name}"),
            _ => continue,
        };
        faults.push(Fault { pointer, message });
    }
    circles(sections, faults);
}

/// Conditions and dependencies of the members of a section.
fn attached<'t>(section: &'t Value, block: &str, found: &mut Found<'t>) {
    if block == "Conditions" {
        return;
    }
    for (name, member) in section.as_object().into_iter().flatten() {
        let at = format!("/{block}/{}", part(name));
        if let Some(condition) = member["Condition"].as_str() {
            found.push((format!("{at}/Condition"), To::Condition(condition)));
        }
        for on in dependencies(member) {
            found.push((format!("{at}/DependsOn"), To::Name(on)));
        }
    }
}

fn dependencies(resource: &Value) -> Vec<&str> {
    match &resource["DependsOn"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn collect<'t>(value: &'t Value, at: &str, found: &mut Found<'t>) {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(number, it)| collect(it, &format!("{at}/{number}"), found));
        }
        Value::Object(members) => {
            if let (1, Some((name, of))) = (members.len(), members.iter().next()) {
                function(name, of, &format!("{at}/{}", part(name)), found);
            }
            members.iter().for_each(|(name, it)| collect(it, &format!("{at}/{}", part(name)), found));
        }
        _ => {}
    }
}

fn function<'t>(name: &'t str, of: &'t Value, at: &str, found: &mut Found<'t>) {
    let mut add = |to: To<'t>| found.push((at.to_owned(), to));
    match name {
        "Ref" => add(of.as_str().map_or(To::Wrong("{\"Ref\": NAME}"), To::Name)),
        "Fn::GetAtt" => {
            let listed = of.as_array().filter(|list| list.len() == 2).and_then(|list| list[0].as_str());
            let dotted = of.as_str().and_then(|text| text.split_once('.')).map(|(name, _)| name);
            let form = "{\"Fn::GetAtt\": [NAME, ATTRIBUTE]}";
            add(listed.or(dotted).map_or(To::Wrong(form), To::Attribute));
        }
        "Fn::If" => {
            let condition = of.as_array().filter(|list| list.len() == 3).and_then(|list| list[0].as_str());
            add(condition.map_or(To::Wrong("{\"Fn::If\": [CONDITION, THEN, ELSE]}"), To::Condition));
        }
        "Fn::Sub" => substituted(of).into_iter().for_each(add),
        "Condition" => of.as_str().map(To::Condition).into_iter().for_each(add),
        name if name.starts_with("Fn::") && !FUNCTIONS.contains(&name) => add(To::NoFunction(name)),
        _ => {}
    }
}

/// What the `${…}` of a text refer to, but for those that come with it.
fn substituted(of: &Value) -> Vec<To<'_>> {
    const FORM: &str = "{\"Fn::Sub\": TEXT} or {\"Fn::Sub\": [TEXT, {NAME: VALUE}]}, each ${ with its }";
    let (text, own) = match of {
        Value::String(text) => (text.as_str(), None),
        Value::Array(list) => match list.as_slice() {
            [Value::String(text), Value::Object(own)] => (text.as_str(), Some(own)),
            _ => return vec![To::Wrong(FORM)],
        },
        _ => return vec![To::Wrong(FORM)],
    };
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            found.push(To::Wrong(FORM));
            break;
        };
        rest = behind;
        if name.starts_with('!') || own.is_some_and(|own| own.contains_key(name)) {
            continue;
        }
        found.push(match name.split_once('.') {
            Some((resource, _)) => To::Attribute(resource),
            None => To::Name(name),
        });
    }
    found
}

/// Resources that wait for one another.
fn circles(sections: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let Some(resources) = sections.get("Resources").and_then(Value::as_object) else { return };
    let mut waits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, resource) in resources {
        let mut found = Found::new();
        collect(resource, "", &mut found);
        let referred = found.iter().filter_map(|(_, to)| match to {
            To::Name(name) | To::Attribute(name) => Some(*name),
            To::Condition(_) | To::Wrong(_) | To::NoFunction(_) => None,
        });
        let on = referred.chain(dependencies(resource)).filter(|on| resources.contains_key(*on));
        waits.insert(name, on.collect());
    }
    // Who waits for nobody can be made; whoever is left waits in a circle, or for one.
    loop {
        let ready: BTreeSet<&str> =
            waits.iter().filter(|(_, on)| on.is_empty()).map(|(name, _)| *name).collect();
        if ready.is_empty() {
            break;
        }
        waits.retain(|name, _| !ready.contains(name));
        waits.values_mut().for_each(|on| on.retain(|name| !ready.contains(name)));
    }
    if let Some(first) = waits.keys().next() {
        let names = waits.keys().copied().collect::<Vec<_>>().join(", ");
        let message = format!("resources wait for one another in a circle, or for one: {names}");
        faults.push(Fault::new(format!("/Resources/{}", part(first)), message));
    }
}
