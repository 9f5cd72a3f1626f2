//! Templates of the hub and of its spokes, written from the command line.

use std::fs;

use serde_json::{Value, json};

use crate::{ONE_ZONE, fleetwright, run, scratch};

const TEMPLATE: [&str; 12] = [
    "cloud",
    "template",
    "--hub-account",
    "444455556666",
    "--code-bucket",
    "fleet-code",
    "--organization",
    "o-a1b2c3d4e5",
    "--external-id-secret",
    "arn:aws:secretsmanager:eu-central-1:444455556666:secret:external-id-AbCdEf",
    "--approval-key-secret",
    "arn:aws:secretsmanager:eu-central-1:444455556666:secret:approvals-AbCdEf",
];

#[test]
fn templates_and_parameter_files_of_every_environment_are_written() {
    let directory = scratch();
    let at = |name: &str| directory.path().join(name);
    let configuration = "landing_zones: {inventory: [zones.yaml]}\nenvironments: {nonprod: {}, prod: {}}\n";
    fs::write(at("fleetwright.yaml"), configuration).expect("it can be written");
    fs::write(at("zones.yaml"), ONE_ZONE).expect("it can be written");
    let (exit, out, err) = run(fleetwright(directory.path()).args(TEMPLATE));
    assert_eq!(exit, 0, "{err}");
    let written = "written hub.template.json\nwritten machine.asl.json\nwritten upgrade.asl.json\n\
                   written spoke.template.json\n\
                   written parameters/hub.nonprod.json\nwritten parameters/spoke.nonprod.json\n\
                   written parameters/hub.prod.json\nwritten parameters/spoke.prod.json\n";
    assert_eq!(out, written);

    let read = |name: &str| -> Value {
        let text = fs::read_to_string(at("cloud").join(name)).expect("it is there");
        serde_json::from_str(&text).expect("JSON")
    };
    let spoke = read("spoke.template.json");
    let policy = &spoke["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"];
    let (exit, printed, _) = run(fleetwright(directory.path()).args(["policy", "--output", "json"]));
    assert_eq!(exit, 0);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    let actions = |policy: &Value| -> Vec<Value> {
        let statements = policy["Statement"].as_array().expect("statements");
        statements.iter().map(|statement| statement["Action"].clone()).collect()
    };
    assert_eq!(actions(policy), actions(&printed), "exactly what `policy` says");
    assert!(!policy.to_string().contains("11122223333"), "in whatever account");

    let given = read("parameters/spoke.prod.json");
    assert_eq!(given[0], json!({ "ParameterKey": "Environment", "ParameterValue": "prod" }));
    assert!(!given.to_string().contains("ExternalId"));

    fs::write(at("cloud/hub.template.json"), "{}").expect("it can be written");
    let (exit, _, err) = run(fleetwright(directory.path()).args(TEMPLATE));
    assert_eq!(exit, 2);
    assert!(err.contains("hub.template.json is there and differs"), "{err}");
}
