//! What is wrong with templates and their parameters is found where it is; our own templates are good.

use fleetwright_templates::{
    Definitions, Hub, MACHINES, MadeFor, TableKeys, check_definition, check_parameters, check_template, hub,
    hub_parameters, spoke, spoke_parameters,
};
use serde_json::{Value, json};

fn our_hub() -> Value {
    hub(&Hub { definitions: Definitions::IN_BUCKET, keys: TableKeys::default() })
}

fn faults_of(template: &Value) -> Vec<(String, String)> {
    check_template(template).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

#[test]
fn our_own_templates_have_no_fault() {
    let policy = json!({ "Version": "2012-10-17", "Statement": [] });
    for template in [our_hub(), spoke(&policy, &MadeFor::default())] {
        assert_eq!(faults_of(&template), []);
    }
}

#[test]
fn every_fault_is_told_with_its_place() {
    let template = json!({
        "AWSTemplateFormatVersion": "2012-01-01",
        "Extras": {},
        "Parameters": {
            "Odd": { "Type": "Text" },
            "Few": { "Type": "Number", "Default": 0, "MinValue": 1 },
        },
        "Conditions": { "On": { "Fn::Equals": [{ "Ref": "Few" }, "1"] } },
        "Resources": {
            "A": { "Type": "AWS::S3::Bucket", "DependsOn": "B", "DeletionPolicy": "Keep", "Property": {} },
            "B": { "Type": "AWS::S3::Bucket", "Properties": { "BucketName": { "Fn::GetAtt": ["A", "Arn"] } } },
            "C": {
                "Type": "Bucket",
                "Condition": "Off",
                "Properties": {
                    "x": { "Ref": "Nobody" },
                    "y": { "Fn::Sub": "${AWS::Region}-${Gone.Arn}-${!Literal}" },
                    "z": { "Fn::If": ["On", { "Fn::Lower": "A" }, { "Ref": "AWS::NoValue" }] },
                },
            },
        },
        "Outputs": { "O": { "Value": { "Fn::Sub": ["${a}${b}", { "a": 1 }] } } },
    });
    let mut found: Vec<String> = faults_of(&template).into_iter().map(|(pointer, _)| pointer).collect();
    found.sort_unstable();
    let expected = [
        "/AWSTemplateFormatVersion",
        "/Extras",
        "/Outputs/O/Value/Fn::Sub",
        "/Parameters/Few/Default",
        "/Parameters/Odd/Type",
        "/Resources/A",
        "/Resources/A/DeletionPolicy",
        "/Resources/A/Property",
        "/Resources/C/Condition",
        "/Resources/C/Properties/x/Ref",
        "/Resources/C/Properties/y/Fn::Sub",
        "/Resources/C/Properties/z/Fn::If/1/Fn::Lower",
        "/Resources/C/Type",
    ];
    assert_eq!(found, expected);
    let circle = faults_of(&template).into_iter().find(|(pointer, _)| pointer == "/Resources/A");
    assert!(circle.is_some_and(|(_, message)| message.ends_with("A, B")));
}

#[test]
fn a_template_without_resources_or_sections_is_none() {
    for (template, pointer) in
        [(json!([]), ""), (json!({}), "/Resources"), (json!({ "Resources": {} }), "/Resources")]
    {
        assert_eq!(faults_of(&template).len(), 1, "{template}");
        assert_eq!(faults_of(&template)[0].0, pointer, "{template}");
    }
}

fn given() -> Vec<(&'static str, &'static str)> {
    vec![
        ("CodeBucket", "fleet-code"),
        ("CodeKey", "functions.zip"),
        ("DefinitionKey", "machine.asl.json"),
        ("UpgradeDefinitionKey", "upgrade.asl.json"),
        ("OrganizationId", "o-a1b2c3d4e5"),
        ("ExternalIdSecret", "arn:aws:secretsmanager:eu-central-1:444455556666:secret:external-id-AbCdEf"),
        ("ApprovalKeySecret", "arn:aws:secretsmanager:eu-central-1:444455556666:secret:approvals-AbCdEf"),
    ]
}

#[test]
fn parameter_files_as_they_are_written_fit_their_templates() {
    assert_eq!(check_parameters(&our_hub(), &hub_parameters("prod", &given())), []);
    let policy = json!({ "Version": "2012-10-17", "Statement": [] });
    let of_spoke = spoke_parameters("prod", "444455556666", "fleetwright-spoke");
    assert_eq!(check_parameters(&spoke(&policy, &MadeFor::default()), &of_spoke), []);
}

#[test]
fn values_that_a_parameter_does_not_take_are_told_with_the_reason() {
    for (name, value, why) in [
        ("OrganizationId", "acme", "does not match"),
        ("ReservedConcurrency", "many", "no number"),
        ("ReservedConcurrency", "901", "the most is 900"),
        ("LogRetentionDays", "31", "not one of 30, 90"),
        ("Schedule", "daily", "does not match"),
        ("CodeBuckets", "x", "no parameter CodeBuckets"),
        ("CodeKey", "again", "twice"),
    ] {
        let mut given = given();
        given.retain(|(known, _)| *known != name || name == "CodeKey");
        given.push((name, value));
        let faults = check_parameters(&our_hub(), &hub_parameters("prod", &given));
        let told: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert!(
            told.len() == 1 && told[0].contains(why) && told[0].contains(name),
            "{name}={value}: {told:?}"
        );
    }
    let lacking = check_parameters(&our_hub(), &hub_parameters("prod", &given()[1..]));
    assert_eq!(lacking[0].message, "the parameter CodeBucket has no value, and no default");
    let policy = json!({ "Version": "2012-10-17", "Statement": [] });
    let mut leaked = spoke_parameters("prod", "444455556666", "fleetwright-spoke");
    let secret = json!({ "ParameterKey": "ExternalId", "ParameterValue": "hunter2-hunter2-hunter2" });
    leaked.as_array_mut().expect("a list").push(secret);
    let told = check_parameters(&spoke(&policy, &MadeFor::default()), &leaked);
    assert!(told.len() == 1 && !told[0].message.contains("hunter2"), "{told:?}");
}

#[test]
fn what_a_definition_leaves_open_the_template_has_to_put_in() {
    let (hub, [patching, upgrades]) = (our_hub(), &MACHINES);
    let good = json!({ "States": { "A": { "Resource": "${PrepareFunctionArn}" } } });
    assert_eq!(check_definition(&hub, patching, &good), []);
    assert_eq!(check_definition(&hub, upgrades, &good).len(), 1, "the other machine calls other functions");
    let bad = json!({ "States": { "A/B": { "Resource": "${NobodyArn}" } } });
    let faults = check_definition(&hub, patching, &bad);
    assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, "/States/A~1B/Resource"));
}
