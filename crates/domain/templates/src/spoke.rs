//! The spoke: one role in an account that is patched.

use serde_json::{Value, json};

use crate::hub::FUNCTIONS;
use crate::policy::{document, portable};
use crate::{reference, sub, tags};

/// Whom a policy was made for, where it is for one account or one name of a role alone; the spoke's own take their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MadeFor<'a> {
    /// The account.
    pub account: Option<&'a str>,
    /// The name of the role.
    pub role: Option<&'a str>,
}

/// The template of a spoke. `policy` is what `fleetwright policy --output json` prints.
///
/// The role is trusted to the hub's functions that enter spokes, by their roles, and only with the external id.
/// Deploy it once per account, as a stack or as a stack set.
pub fn spoke(policy: &Value, made_for: &MadeFor<'_>) -> Value {
    let role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": reference("RoleName"),
            "Description": "What fleetwright may do in this account",
            "MaxSessionDuration": 3600,
            "PermissionsBoundary":
                { "Fn::If": ["HasBoundary", reference("PermissionsBoundary"), reference("AWS::NoValue")] },
            "AssumeRolePolicyDocument": document(vec![trust()]),
            "Policies": [{ "PolicyName": "fleetwright", "PolicyDocument": portable(policy, made_for) }],
            "Tags": tags(),
        },
    });
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "fleetwright spoke: the role that the hub takes in an account that is patched",
        "Parameters": parameters(),
        "Conditions": { "HasBoundary": { "Fn::Not": [{ "Fn::Equals": [reference("PermissionsBoundary"), ""] }] } },
        "Resources": { "Role": role },
        "Outputs": {
            "RoleArn": {
                "Description": "The role that landing zones name",
                "Value": { "Fn::GetAtt": ["Role", "Arn"] },
            },
        },
    })
}

fn trust() -> Value {
    let entering = FUNCTIONS.iter().filter(|function| function.enters_spokes());
    let roles = entering.map(|function| {
        let name = function.name;
        sub(&format!("arn:${{AWS::Partition}}:iam::${{HubAccount}}:role/fleetwright-${{Environment}}-{name}"))
    });
    json!({
        "Sid": "Hub",
        "Effect": "Allow",
        "Principal": { "AWS": roles.collect::<Vec<_>>() },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": reference("ExternalId") } },
    })
}

fn parameters() -> Value {
    json!({
        "Environment": {
            "Type": "String",
            "Description": "The environment of the hub",
            "AllowedPattern": "[A-Za-z0-9][A-Za-z0-9_-]{0,31}",
        },
        "HubAccount": {
            "Type": "String",
            "Description": "The account of the hub",
            "AllowedPattern": "[0-9]{12}",
        },
        "ExternalId": {
            "Type": "String",
            "Description": "The external id that the hub has to give",
            "NoEcho": true,
            "MinLength": 16,
            "MaxLength": 1224,
            "AllowedPattern": "[A-Za-z0-9_+=,.@:/-]+",
        },
        "RoleName": {
            "Type": "String",
            "Description": "The name of the role",
            "Default": "fleetwright-spoke",
            "AllowedPattern": "[A-Za-z0-9_+=,.@-]{1,64}",
        },
        "PermissionsBoundary": {
            "Type": "String",
            "Description": "The ARN of a policy that bounds the role; empty for none",
            "Default": "",
        },
    })
}
