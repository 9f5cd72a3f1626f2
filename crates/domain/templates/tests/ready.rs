//! The functions of a hub one by one: what the template says, without CloudFormation.

use std::collections::BTreeSet;

use fleetwright_templates::{
    Definitions, FUNCTIONS, Function, Hub, Missing, TableKeys, Values, hub, ready_function, values_of,
    variables_of,
};
use serde_json::{Value, json};

const ACCOUNT: &str = "arn:aws:kms:eu-west-1:111122223333:key/1-2";

fn values() -> Values {
    [
        ("Environment", "prod"),
        ("AWS::AccountId", "111122223333"),
        ("AWS::Region", "eu-west-1"),
        ("AWS::Partition", "aws"),
        ("Key.Arn", ACCOUNT),
        ("ExternalIdSecret", "arn:external"),
        ("ApprovalKeySecret", "arn:approval"),
        ("AuditKeySecret", "arn:audit"),
        ("ApprovalsApi.ApiEndpoint", "https://example.org"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn named(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|it| it.name == name).expect("a function")
}

#[test]
fn every_function_is_as_the_template_configures_it_and_nothing_of_cloudformation_is_left() {
    let template = hub(&Hub { definitions: Definitions::IN_BUCKET, keys: TableKeys::default() });
    for function in &FUNCTIONS {
        let request = ready_function(function, &values()).expect("everything is known");
        let properties = &template["Resources"][function.id("Function")]["Properties"];
        for same in ["Description", "Runtime", "Handler", "Timeout", "MemorySize", "TracingConfig"] {
            assert_eq!(request[same], properties[same], "{}: {same}", function.name);
        }
        assert_eq!(request["Architectures"], json!(["arm64"]), "as the parameter's default says");
        let text = request.to_string();
        assert!(!text.contains("Ref\"") && !text.contains("Fn::") && !text.contains("${"), "{text}");
        assert_eq!(request["FunctionName"], json!(format!("fleetwright-prod-{}", function.name)));
        let role = format!("arn:aws:iam::111122223333:role/fleetwright-prod-{}", function.name);
        assert_eq!((&request["Role"], &request["KMSKeyArn"]), (&json!(role), &json!(ACCOUNT)));
        let group = format!("/aws/lambda/fleetwright-prod-{}", function.name);
        assert_eq!(request["LoggingConfig"], json!({ "LogFormat": "JSON", "LogGroup": group }));
        let told: Vec<&String> =
            request["Environment"]["Variables"].as_object().expect("variables").keys().collect();
        assert_eq!(told, variables_of(function).iter().collect::<Vec<_>>());
        assert_eq!(request["Tags"], json!({ "application": "fleetwright", "environment": "prod" }));
        assert!(request["Code"].is_null() && request["ReservedConcurrentExecutions"].is_null());
    }
}

#[test]
fn names_are_the_templates_own_where_nothing_else_is_said() {
    let gate = ready_function(named("gate"), &values()).expect("everything is known");
    let variables = &gate["Environment"]["Variables"];
    assert_eq!(variables["JOURNAL_TABLE"], json!("fleetwright-prod-journal"));
    assert_eq!(variables["ARTEFACT_BUCKET"], json!("fleetwright-prod-111122223333-eu-west-1"));
    assert_eq!(variables["NOTICE_TOPIC"], json!("arn:aws:sns:eu-west-1:111122223333:fleetwright-prod"));
    let other = [("JournalTable".to_owned(), "runs".to_owned())];
    let other = values().into_iter().chain(other).collect();
    let gate = ready_function(named("gate"), &other).expect("everything is known");
    assert_eq!(gate["Environment"]["Variables"]["JOURNAL_TABLE"], json!("runs"));
    let turn = ready_function(named("turn"), &values()).expect("everything is known");
    let role: &Value = &turn["Environment"]["Variables"]["SPOKE_ROLE_NAME"];
    assert_eq!(role, &json!("fleetwright-spoke"), "the parameter's default");
}

#[test]
fn what_is_not_known_is_named_and_only_what_a_function_needs_is_asked_for() {
    let mut some = values();
    some.remove("AuditKeySecret");
    some.remove("Key.Arn");
    let Missing(names) = ready_function(named("turn"), &some).expect_err("two are missing");
    assert_eq!(names, BTreeSet::from(["AuditKeySecret".to_owned(), "Key.Arn".to_owned()]));
    let common = ["AWS::AccountId", "AWS::Partition", "AWS::Region", "Environment", "Key.Arn"];
    let needed = values_of(named("authorise"));
    assert_eq!(needed, common.into_iter().chain(["ApprovalKeySecret"]).map(str::to_owned).collect());
    for function in &FUNCTIONS {
        let known: Values =
            values_of(function).into_iter().map(|name| (name.clone(), values()[&name].clone())).collect();
        ready_function(function, &known).expect("what is asked for is enough");
    }
}
