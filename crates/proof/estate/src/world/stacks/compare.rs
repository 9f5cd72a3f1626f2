//! What becomes of a stack's resources when another template takes the place of the one they were made from.
//!
//! Source: CloudFormation user guide, "Update behaviors of stack resources", and for each type's properties the template
//! reference, "Update requires"; API reference, "ResourceChange".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Wanted;
use super::resolve::references;

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Add,
    /// It is changed, or another takes its place.
    Modify,
    /// It is taken out of the stack.
    Remove,
}

/// Whether another resource takes the place of one that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Yes.
    True,
    /// No.
    False,
    /// It depends on what another resource becomes.
    Conditional,
}

/// Something that changes about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The attribute: `Properties`, `DeletionPolicy` and the like.
    pub attribute: &'static str,
    /// The property, where it is one.
    pub property: Option<String>,
    /// Whether it asks for another resource.
    pub recreation: Recreation,
    /// The resource, and its attribute, whose change this one follows from; none where the template or a parameter changed.
    pub cause: Option<(String, Option<String>)>,
}

/// Whether a change of a property asks for another resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recreation {
    /// No.
    Never,
    /// Yes, if it changes at all.
    Conditionally,
    /// Yes.
    Always,
}

/// What becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// Its logical id.
    pub logical: String,
    /// Its type.
    pub kind: String,
    /// What happens to it.
    pub action: Action,
    /// Whether another takes its place.
    pub replacement: Replacement,
    /// What changes about it.
    pub details: Vec<Detail>,
    /// Whether what goes stays where it is.
    pub retained: bool,
}

/// Properties that a resource is made with, and cannot be given others.
fn is_fixed(kind: &str, property: &str) -> bool {
    let fixed: &[&str] = match kind {
        "AWS::ApiGatewayV2::Api" => &["ProtocolType"],
        "AWS::ApiGatewayV2::Stage" => &["ApiId", "StageName"],
        "AWS::CloudWatch::Alarm" => &["AlarmName"],
        "AWS::CloudWatch::Dashboard" => &["DashboardName"],
        "AWS::DynamoDB::Table" => &["TableName", "KeySchema"],
        "AWS::IAM::Role" => &["RoleName", "Path"],
        "AWS::KMS::Alias" => &["AliasName"],
        "AWS::KMS::Key" => &["KeySpec", "KeyUsage", "MultiRegion"],
        "AWS::Lambda::Function" => &["FunctionName", "PackageType"],
        "AWS::Lambda::Permission" => &["Action", "FunctionName", "Principal", "SourceArn"],
        "AWS::Logs::LogGroup" => &["LogGroupName"],
        "AWS::S3::Bucket" => &["BucketName"],
        "AWS::S3::BucketPolicy" => &["Bucket"],
        "AWS::Scheduler::Schedule" => &["Name"],
        "AWS::SecretsManager::Secret" => &["Name"],
        "AWS::SNS::Subscription" => &["Endpoint", "Protocol", "TopicArn"],
        "AWS::SNS::Topic" => &["TopicName", "FifoTopic"],
        "AWS::SQS::Queue" => &["QueueName", "FifoQueue"],
        "AWS::StepFunctions::StateMachine" => &["StateMachineName", "StateMachineType"],
        _ => &[],
    };
    fixed.contains(&property)
}

/// What becomes of the resources, by logical id.
///
/// # Errors
/// CloudFormation's words for resources that would become ones of another type.
pub fn compare(
    before: &BTreeMap<String, Wanted>,
    after: &BTreeMap<String, Wanted>,
) -> Result<Vec<ResourceChange>, String> {
    let other: Vec<&str> = after
        .iter()
        .filter(|(name, new)| before.get(*name).is_some_and(|old| old.kind != new.kind))
        .map(|(name, _)| name.as_str())
        .collect();
    if !other.is_empty() {
        return Err(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following \
             resources: [{}]",
            other.join(", ")
        ));
    }
    let mut details: BTreeMap<&str, Vec<Detail>> = BTreeMap::new();
    for (name, new) in after {
        if let Some(old) = before.get(name) {
            details.insert(name, differences(old, new));
        }
    }
    follow(after, &mut details);
    let added = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let removed = before.iter().filter(|(name, _)| !after.contains_key(*name));
    let modified = details.into_iter().filter(|(_, details)| !details.is_empty());
    let mut changes: Vec<ResourceChange> = added
        .map(|(name, wanted)| change(name, wanted, Action::Add, Vec::new()))
        .chain(removed.map(|(name, wanted)| change(name, wanted, Action::Remove, Vec::new())))
        .chain(modified.map(|(name, details)| change(name, &after[name], Action::Modify, details)))
        .collect();
    changes.sort_by(|one, other| one.logical.cmp(&other.logical));
    Ok(changes)
}

fn change(name: &str, wanted: &Wanted, action: Action, details: Vec<Detail>) -> ResourceChange {
    let has = |recreation| details.iter().any(|detail| detail.recreation == recreation);
    let replacement = match (has(Recreation::Always), has(Recreation::Conditionally)) {
        (true, _) => Replacement::True,
        (false, true) => Replacement::Conditional,
        (false, false) => Replacement::False,
    };
    let retained = match action {
        Action::Add => false,
        Action::Modify => wanted.retained_when_replaced,
        Action::Remove => wanted.retained,
    };
    ResourceChange {
        logical: name.to_owned(),
        kind: wanted.kind.clone(),
        action,
        replacement,
        details,
        retained,
    }
}

fn differences(old: &Wanted, new: &Wanted) -> Vec<Detail> {
    let none = Value::Null;
    let names = |of: &Wanted| {
        of.properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>()
    };
    let all: BTreeSet<String> = names(old).union(&names(new)).cloned().collect();
    let property = |of: &Wanted, name: &str| of.properties.get(name).unwrap_or(&none).clone();
    let mut details: Vec<Detail> = all
        .into_iter()
        .filter(|name| property(old, name) != property(new, name))
        .map(|name| Detail {
            attribute: "Properties",
            recreation: if is_fixed(&new.kind, &name) { Recreation::Always } else { Recreation::Never },
            property: Some(name),
            cause: None,
        })
        .collect();
    let attributes = [
        ("DeletionPolicy", old.retained != new.retained),
        ("UpdateReplacePolicy", old.retained_when_replaced != new.retained_when_replaced),
    ];
    details.extend(attributes.into_iter().filter(|(_, differs)| *differs).map(|(attribute, _)| Detail {
        attribute,
        property: None,
        recreation: Recreation::Never,
        cause: None,
    }));
    details
}

/// Adds what follows from resources whose place is taken: whoever refers to them is changed as well.
fn follow<'t>(after: &'t BTreeMap<String, Wanted>, details: &mut BTreeMap<&'t str, Vec<Detail>>) {
    let is_replaced =
        |details: &[Detail]| details.iter().any(|detail| detail.recreation != Recreation::Never);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    loop {
        let next = details.iter().find(|(name, details)| is_replaced(details) && !told.contains(**name));
        let Some(replaced) = next.map(|(name, _)| *name) else { return };
        told.insert(replaced);
        for (name, wanted) in after {
            let Some(details) = details.get_mut(name.as_str()) else { continue };
            for (property, value) in wanted.properties.as_object().into_iter().flatten() {
                let mut cause = None;
                references(value, &mut |to, attribute| {
                    if to == replaced && cause.is_none() {
                        cause = Some((to.to_owned(), attribute.map(str::to_owned)));
                    }
                });
                if cause.is_none() {
                    continue;
                }
                let recreation = match is_fixed(&wanted.kind, property) {
                    true => Recreation::Conditionally,
                    false => Recreation::Never,
                };
                let detail =
                    Detail { attribute: "Properties", property: Some(property.clone()), recreation, cause };
                details.push(detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(kind: &str, properties: Value) -> Wanted {
        let (retained, retained_when_replaced) = (false, false);
        Wanted { kind: kind.to_owned(), properties, retained, retained_when_replaced, after: BTreeSet::new() }
    }

    fn all(list: &[(&str, Wanted)]) -> BTreeMap<String, Wanted> {
        list.iter().map(|(name, wanted)| ((*name).to_owned(), wanted.clone())).collect()
    }

    #[test]
    fn a_fixed_property_asks_for_another_resource_and_whoever_refers_to_it_follows() {
        let table = |name: &str| wanted("AWS::DynamoDB::Table", json!({ "TableName": name, "Tags": [] }));
        let function = wanted("AWS::Lambda::Function", json!({ "Environment": { "Ref": "Table" } }));
        let permission = wanted("AWS::Lambda::Permission", json!({ "FunctionName": "f" }));
        let policy = wanted("AWS::S3::BucketPolicy", json!({ "Bucket": { "Ref": "Table" } }));
        let rest = [("F", function), ("P", permission), ("B", policy)];
        let before = all(&[&rest[..], &[("Table", table("a")), ("Old", table("c"))]].concat());
        let after = all(&[&rest[..], &[("Table", table("b")), ("New", table("d"))]].concat());
        let changes = compare(&before, &after).expect("changes");
        let told: Vec<_> =
            changes.iter().map(|it| (it.logical.as_str(), it.action, it.replacement)).collect();
        assert_eq!(
            told,
            [
                ("B", Action::Modify, Replacement::Conditional),
                ("F", Action::Modify, Replacement::False),
                ("New", Action::Add, Replacement::False),
                ("Old", Action::Remove, Replacement::False),
                ("Table", Action::Modify, Replacement::True),
            ]
        );
        assert_eq!(changes[1].details[0].cause, Some(("Table".to_owned(), None)));
        let same = compare(&before, &before).expect("none");
        assert_eq!(same, []);
        let other = all(&[("Table", wanted("AWS::S3::Bucket", json!({})))]);
        assert!(compare(&before, &other).expect_err("refused").ends_with("resources: [Table]"));
    }
}
