//! Intrinsic functions of a template, worked out.
//!
//! Source: CloudFormation user guide, "Intrinsic function reference" and "Pseudo parameters reference".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Output, Wanted};

/// What functions are worked out with.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The template.
    pub template: &'a Value,
    /// The value of every parameter.
    pub parameters: &'a BTreeMap<String, String>,
    /// The stack's ARN.
    pub stack_id: &'a str,
    /// Physical ids; without them what refers to resources is left as it is.
    pub physical: Option<&'a BTreeMap<String, String>>,
}

/// What `AWS::NoValue` stands for: a member with it is left out.
const NO_VALUE: &str = "AWS::NoValue";

impl Scope<'_> {
    fn part_of_id(&self, number: usize) -> &str {
        self.stack_id.split(':').nth(number).unwrap_or_default()
    }

    fn pseudo(&self, name: &str) -> Option<Value> {
        Some(match name {
            "AWS::AccountId" => json!(self.part_of_id(4)),
            "AWS::Region" => json!(self.part_of_id(3)),
            "AWS::Partition" => json!(self.part_of_id(1)),
            "AWS::URLSuffix" => json!("amazonaws.com"),
            "AWS::StackId" => json!(self.stack_id),
            "AWS::StackName" => json!(self.stack_id.split('/').nth(1).unwrap_or_default()),
            "AWS::NotificationARNs" => json!([]),
            NO_VALUE => Value::Null,
            _ => return None,
        })
    }

    fn parameter(&self, name: &str) -> Option<Value> {
        let value = self.parameters.get(name)?;
        let kind = self.template["Parameters"][name]["Type"].as_str().unwrap_or_default();
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        Some(match is_list {
            true => value.split(',').map(str::trim).collect(),
            false => json!(value),
        })
    }

    /// What a name stands for; none for a resource that nothing is known of.
    fn named(&self, name: &str) -> Option<Value> {
        let resource = || self.physical?.get(name).map(|physical| json!(physical));
        self.pseudo(name).or_else(|| self.parameter(name)).or_else(resource)
    }

    /// An attribute of a resource, as there could be one.
    fn attribute(&self, name: &str, attribute: &str) -> Option<Value> {
        let physical = self.physical?.get(name)?;
        let service = self.template["Resources"][name]["Type"].as_str()?.split("::").nth(1)?.to_lowercase();
        let (region, account) = (self.part_of_id(3), self.part_of_id(4));
        Some(json!(match attribute {
            "Arn" if physical.starts_with("arn:") => physical.clone(),
            "Arn" if service == "s3" => format!("arn:aws:s3:::{physical}"),
            "Arn" if service == "iam" => format!("arn:aws:iam::{account}:role/{physical}"),
            "Arn" => format!("arn:aws:{service}:{region}:{account}:{physical}"),
            other => format!("{physical}.{other}"),
        }))
    }

    /// Whether a condition holds.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.value(&self.template["Conditions"][name]) == true
    }

    /// A value with its functions worked out.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(|it| self.value(it)).filter(|it| !it.is_null()).collect(),
            Value::Object(members) => {
                let only = (members.len() == 1).then(|| members.iter().next()).flatten();
                match only.and_then(|(name, of)| self.function(name, of)) {
                    Some(result) => result,
                    None => members
                        .iter()
                        .map(|(name, it)| (name.clone(), self.value(it)))
                        .filter(|(_, it)| !it.is_null())
                        .collect::<Map<_, _>>()
                        .into(),
                }
            }
            other => other.clone(),
        }
    }

    /// What a function makes; none where it is none, or cannot be worked out yet.
    fn function(&self, name: &str, of: &Value) -> Option<Value> {
        let list = |of: &Value| self.value(of).as_array().cloned();
        match name {
            "Ref" => self.named(of.as_str()?),
            "Condition" => self.template["Conditions"]
                .get(of.as_str()?)
                .map(|_| json!(self.holds(of.as_str().unwrap_or_default()))),
            "Fn::GetAtt" => match of {
                Value::String(text) => text.split_once('.').and_then(|(name, it)| self.attribute(name, it)),
                _ => self.attribute(of[0].as_str()?, of[1].as_str()?),
            },
            "Fn::Sub" => self.substituted(of),
            "Fn::If" => Some(self.value(&of[if self.holds(of[0].as_str()?) { 1 } else { 2 }])),
            "Fn::Equals" => list(of).map(|both| json!(both.first() == both.get(1))),
            "Fn::Not" => list(of).map(|one| json!(one.first() != Some(&json!(true)))),
            "Fn::And" => list(of).map(|all| json!(all.iter().all(|it| *it == true))),
            "Fn::Or" => list(of).map(|all| json!(all.iter().any(|it| *it == true))),
            "Fn::Join" => {
                let texts: Option<Vec<String>> =
                    list(&of[1])?.iter().map(|it| it.as_str().map(str::to_owned)).collect();
                texts.map(|texts| json!(texts.join(of[0].as_str().unwrap_or_default())))
            }
            "Fn::Split" => {
                let text = self.value(&of[1]);
                Some(text.as_str()?.split(of[0].as_str()?).collect())
            }
            "Fn::Select" => {
                let number = self.value(&of[0]);
                let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
                list(&of[1])?.get(usize::try_from(number).ok()?).cloned()
            }
            "Fn::FindInMap" => {
                let path = list(of)?;
                let mut found = &self.template["Mappings"];
                for key in path.iter().take(3) {
                    found = found.get(key.as_str()?)?;
                }
                Some(found.clone())
            }
            "Fn::GetAZs" => {
                Some(["a", "b", "c"].map(|zone| format!("{}{zone}", self.part_of_id(3))).to_vec().into())
            }
            _ => None,
        }
    }

    /// A text with its `${…}` put in; those that cannot be yet stay.
    fn substituted(&self, of: &Value) -> Option<Value> {
        let (text, own) = match of {
            Value::String(text) => (text.as_str(), Value::Null),
            _ => (of[0].as_str()?, self.value(&of[1])),
        };
        let (mut out, mut rest, mut open) = (String::new(), text, false);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}')?;
            out.push_str(before);
            rest = behind;
            let value = match name.strip_prefix('!') {
                Some(literal) => Some(json!(format!("${{{literal}}}"))),
                None => own.get(name).cloned().or_else(|| match name.split_once('.') {
                    Some((resource, attribute)) => self.attribute(resource, attribute),
                    None => self.named(name),
                }),
            };
            match value.as_ref().and_then(Value::as_str) {
                Some(value) => out.push_str(value),
                None => {
                    open = true;
                    out.push_str(&format!("${{{name}}}"));
                }
            }
        }
        out.push_str(rest);
        Some(if open { json!({ "Fn::Sub": out }) } else { json!(out) })
    }

    /// The resources that the template wants under its conditions.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<String, Wanted> {
        let all = self.template["Resources"].as_object().into_iter().flatten();
        let is_wanted = |resource: &Value| resource["Condition"].as_str().is_none_or(|name| self.holds(name));
        let all: Vec<(&String, &Value)> = all.filter(|(_, resource)| is_wanted(resource)).collect();
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        all.iter().map(|(name, resource)| ((*name).clone(), self.one(resource, &names))).collect()
    }

    fn one(&self, resource: &Value, names: &BTreeSet<&str>) -> Wanted {
        let kept = |policy: &str| {
            let policy = self.value(&resource[policy]);
            matches!(policy.as_str(), Some("Retain" | "RetainExceptOnCreate" | "Snapshot"))
        };
        let properties = self.value(&resource["Properties"]);
        let mut after = BTreeSet::new();
        references(&properties, &mut |name, _| {
            after.insert(name.to_owned());
        });
        match &resource["DependsOn"] {
            Value::String(one) => {
                after.insert(one.clone());
            }
            Value::Array(several) => {
                after.extend(several.iter().filter_map(Value::as_str).map(str::to_owned))
            }
            _ => {}
        }
        after.retain(|name| names.contains(name.as_str()));
        Wanted {
            kind: resource["Type"].as_str().unwrap_or_default().to_owned(),
            properties,
            retained: kept("DeletionPolicy"),
            retained_when_replaced: kept("UpdateReplacePolicy"),
            after,
        }
    }

    /// The outputs under their conditions.
    #[must_use]
    pub fn outputs(&self) -> Vec<Output> {
        let all = self.template["Outputs"].as_object().into_iter().flatten();
        all.filter(|(_, output)| output["Condition"].as_str().is_none_or(|name| self.holds(name)))
            .map(|(name, output)| {
                let value = self.value(&output["Value"]);
                Output {
                    name: name.clone(),
                    value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                    description: output["Description"].as_str().map(str::to_owned),
                }
            })
            .collect()
    }
}

/// Calls `found` with every resource, and its attribute, that a resolved value still refers to.
pub fn references(value: &Value, found: &mut dyn FnMut(&str, Option<&str>)) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| references(it, found)),
        Value::Object(members) => {
            for (name, of) in members {
                match (name.as_str(), of) {
                    ("Ref", Value::String(to)) => found(to, None),
                    ("Fn::GetAtt", Value::String(to)) => {
                        if let Some((to, attribute)) = to.split_once('.') {
                            found(to, Some(attribute));
                        }
                    }
                    ("Fn::GetAtt", Value::Array(to)) => {
                        if let Some(name) = to.first().and_then(Value::as_str) {
                            found(name, to.get(1).and_then(Value::as_str));
                        }
                    }
                    ("Fn::Sub", Value::String(text)) => {
                        let names = text.split("${").skip(1).filter_map(|part| Some(part.split_once('}')?.0));
                        for name in names {
                            match name.split_once('.') {
                                Some((name, attribute)) => found(name, Some(attribute)),
                                None => found(name, None),
                            }
                        }
                    }
                    _ => references(of, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_worked_out_as_far_as_they_can_be() {
        let template = json!({
            "Parameters": { "Zones": { "Type": "CommaDelimitedList" }, "Name": { "Type": "String" } },
            "Mappings": { "Sizes": { "prod": { "Days": "30" } } },
            "Conditions": { "Is": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "Name" }, ""] }] }, "No": { "Fn::And": [{ "Condition": "Is" }, { "Fn::Equals": ["a", "b"] }] } },
            "Resources": { "Bucket": { "Type": "AWS::S3::Bucket" }, "Left": { "Type": "AWS::S3::Bucket", "Condition": "No" } },
        });
        let parameters =
            [("Zones".to_owned(), "x, y".to_owned()), ("Name".to_owned(), "prod".to_owned())].into();
        let stack_id = "arn:aws:cloudformation:eu-central-1:111122223333:stack/hub/1";
        let scope = Scope { template: &template, parameters: &parameters, stack_id, physical: None };
        for (given, made) in [
            (json!({ "Ref": "AWS::Region" }), json!("eu-central-1")),
            (json!({ "Fn::Select": [1, { "Ref": "Zones" }] }), json!("y")),
            (json!({ "Fn::Join": ["-", ["a", { "Ref": "Name" }]] }), json!("a-prod")),
            (json!({ "Fn::FindInMap": ["Sizes", { "Ref": "Name" }, "Days"] }), json!("30")),
            (json!({ "A": { "Fn::If": ["No", 1, { "Ref": "AWS::NoValue" }] }, "B": 2 }), json!({ "B": 2 })),
            (json!({ "Fn::Sub": "${AWS::StackName}-${Name}-${!Literal}" }), json!("hub-prod-${Literal}")),
            (json!({ "Fn::Sub": "${Bucket.Arn}/${Name}" }), json!({ "Fn::Sub": "${Bucket.Arn}/prod" })),
            (json!({ "Fn::GetAtt": ["Bucket", "Arn"] }), json!({ "Fn::GetAtt": ["Bucket", "Arn"] })),
        ] {
            assert_eq!(scope.value(&given), made, "{given}");
        }
        assert_eq!(scope.wanted().into_keys().collect::<Vec<_>>(), ["Bucket"]);
        let physical = [("Bucket".to_owned(), "b-1".to_owned())].into();
        let scope = Scope { physical: Some(&physical), ..scope };
        assert_eq!(scope.value(&json!({ "Fn::Sub": "${Bucket.Arn}/${Bucket}" })), "arn:aws:s3:::b-1/b-1");
    }
}
