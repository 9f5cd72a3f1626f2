//! Policies of IAM: statements, roles, and a policy from elsewhere made fit for every account.

use serde_json::{Value, json};

use crate::{MadeFor, sub, tags};

/// A statement that allows.
pub(crate) fn allow(sid: &str, actions: &[&str], resources: Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// A statement that allows under a condition.
pub(crate) fn allow_if(sid: &str, actions: &[&str], resources: Value, condition: Value) -> Value {
    let mut statement = allow(sid, actions, resources);
    statement["Condition"] = condition;
    statement
}

/// A policy.
pub(crate) fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A role that a service of AWS's takes in this account, for the sake of one resource where that can be said.
pub(crate) fn service_role(name: &str, service: &str, statements: Vec<Value>) -> Value {
    let trust = json!({
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } } },
    });
    // Lambda does not say for which account it takes a role.
    let trust = match service {
        "lambda.amazonaws.com" => {
            json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" })
        }
        _ => trust,
    };
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": sub(&format!("fleetwright-${{Environment}}-{name}")),
            "AssumeRolePolicyDocument": document(vec![trust]),
            "Policies": [{ "PolicyName": name, "PolicyDocument": document(statements) }],
            "Tags": tags(),
        },
    })
}

/// A policy of one account and partition as one for every account and partition: ARNs name the partition, in the place of
/// that account the account that they are used in, and in the place of that role the spoke's own. Variables of IAM's stay
/// what they are.
pub(crate) fn portable(policy: &Value, made_for: &MadeFor<'_>) -> Value {
    match policy {
        Value::String(text) if text.starts_with("arn:") => portable_arn(text, made_for),
        Value::Array(items) => items.iter().map(|item| portable(item, made_for)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), portable(value, made_for))).collect()
        }
        other => other.clone(),
    }
}

fn portable_arn(arn: &str, made_for: &MadeFor<'_>) -> Value {
    let mut parts: Vec<String> = arn.splitn(6, ':').map(|part| part.replace("${", "${!")).collect();
    let own = made_for.role.map(|role| format!("role/{role}"));
    if let [_, partition, service, _, account, resource] = parts.as_mut_slice() {
        "${AWS::Partition}".clone_into(partition);
        if Some(account.as_str()) == made_for.account {
            "${AWS::AccountId}".clone_into(account);
        }
        if service == "iam" && own.as_deref() == Some(resource) {
            "role/${RoleName}".clone_into(resource);
        }
    }
    sub(&parts.join(":"))
}
