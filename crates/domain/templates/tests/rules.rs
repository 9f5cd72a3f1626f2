//! What every template keeps to, whatever becomes of its resources.

use std::collections::BTreeSet;

use fleetwright_templates::{
    Definition, Definitions, FUNCTIONS, Grant, Hub, MadeFor, TableKeys, Workflow, hub, hub_parameters, spoke,
    spoke_parameters, text,
};
use serde_json::{Value, json};

fn the_hub() -> Value {
    hub(&Hub { definitions: Definitions::IN_BUCKET, keys: TableKeys::default() })
}

fn the_spoke() -> Value {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "OnInstance",
        "Effect": "Allow",
        "Action": ["ec2:StopInstances"],
        "Resource": ["arn:aws:ec2:*:111122223333:instance/*", "arn:aws:ec2:*::image/${aws:PrincipalTag/x}", "*",
            "arn:aws:iam::111122223333:role/patching", "arn:aws:iam::111122223333:role/other"],
    }] });
    spoke(&policy, &MadeFor { account: Some("111122223333"), role: Some("patching") })
}

/// Resources of a type, with their logical ids.
fn of<'a>(template: &'a Value, kind: &str) -> Vec<(&'a String, &'a Value)> {
    let resources = template["Resources"].as_object().expect("resources");
    let found: Vec<_> = resources.iter().filter(|(_, it)| it["Type"] == kind).collect();
    assert!(!found.is_empty(), "there is a {kind}");
    found.into_iter().map(|(id, it)| (id, &it["Properties"])).collect()
}

/// Every mapping of a document.
fn mappings(value: &Value) -> Vec<&Value> {
    let below: Vec<&Value> = match value {
        Value::Object(members) => members.values().flat_map(mappings).collect(),
        Value::Array(items) => items.iter().flat_map(mappings).collect(),
        _ => Vec::new(),
    };
    if value.is_object() { [vec![value], below].concat() } else { below }
}

fn actions(statement: &Value) -> Vec<&str> {
    match &statement["Action"] {
        Value::String(one) => vec![one],
        all => all.as_array().expect("actions").iter().map(|one| one.as_str().expect("a text")).collect(),
    }
}

fn allowed(template: &Value) -> Vec<&Value> {
    mappings(template).into_iter().filter(|it| it["Effect"] == "Allow").collect()
}

#[test]
fn the_same_options_give_the_same_text() {
    assert_eq!(text(&the_hub()), text(&the_hub()));
    assert!(text(&the_spoke()).ends_with("}\n"));
}

#[test]
fn no_statement_allows_actions_by_wildcard() {
    for template in [the_hub(), the_spoke()] {
        for statement in allowed(&template) {
            for action in actions(statement) {
                assert!(!action.contains('*'), "{action} in {statement}");
            }
        }
    }
}

#[test]
fn only_what_knows_no_resources_is_allowed_on_all_of_them() {
    let hub = the_hub();
    for (role, properties) in of(&hub, "AWS::IAM::Role") {
        for statement in allowed(&properties["Policies"]) {
            if statement["Resource"] != "*" {
                continue;
            }
            for action in actions(statement) {
                let knows_none = action.starts_with("xray:")
                    || action.starts_with("logs:")
                    || action == "states:SendTaskSuccess";
                let figures = action == "cloudwatch:PutMetricData"
                    && statement["Condition"]["StringEquals"]["cloudwatch:namespace"] == "Fleetwright";
                assert!(knows_none || figures, "{role}: {action}");
            }
        }
    }
}

#[test]
fn everything_that_holds_something_is_encrypted_with_our_key() {
    let hub = the_hub();
    let key = json!({ "Fn::GetAtt": ["Key", "Arn"] });
    for (id, topic) in of(&hub, "AWS::SNS::Topic") {
        assert_eq!(topic["KmsMasterKeyId"], key, "{id}");
    }
    for (id, queue) in of(&hub, "AWS::SQS::Queue") {
        assert_eq!(queue["KmsMasterKeyId"], key, "{id}");
    }
    for (id, group) in of(&hub, "AWS::Logs::LogGroup") {
        assert_eq!((&group["KmsKeyId"], group["RetentionInDays"].is_object()), (&key, true), "{id}");
    }
    for (id, function) in of(&hub, "AWS::Lambda::Function") {
        assert_eq!(function["KmsKeyArn"], key, "{id}");
    }
    for (id, machine) in of(&hub, "AWS::StepFunctions::StateMachine") {
        assert_eq!(machine["EncryptionConfiguration"]["KmsKeyId"], key, "{id}");
    }
    for (id, key) in of(&hub, "AWS::KMS::Key") {
        assert_eq!(key["EnableKeyRotation"], true, "{id}");
    }
}

#[test]
fn the_journal_cannot_be_lost_by_a_slip() {
    let hub = the_hub();
    for (id, table) in of(&hub, "AWS::DynamoDB::Table") {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(table["DeletionProtectionEnabled"], true, "{id}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
        assert_eq!(table["SSESpecification"]["SSEType"], "KMS", "{id}");
        assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true, "{id}");
    }
    for kept in ["JournalTable", "ArtefactBucket", "Key", "MachineLog", "TurnLog"] {
        assert_eq!(hub["Resources"][kept]["DeletionPolicy"], "Retain", "{kept}");
        assert_eq!(hub["Resources"][kept]["UpdateReplacePolicy"], "Retain", "{kept}");
    }
}

#[test]
fn no_bucket_is_public_or_read_without_tls() {
    let hub = the_hub();
    for (id, bucket) in of(&hub, "AWS::S3::Bucket") {
        let block = bucket["PublicAccessBlockConfiguration"].as_object().expect("a block");
        assert!(block.len() == 4 && block.values().all(|it| *it == true), "{id}");
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms", "{id}");
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "{id}");
        let policies = of(&hub, "AWS::S3::BucketPolicy");
        let policy = policies.iter().find(|(_, it)| it["Bucket"]["Ref"] == **id).expect("it has a policy");
        let deny = &policy.1["PolicyDocument"]["Statement"][0];
        assert_eq!(
            (&deny["Effect"], &deny["Condition"]["Bool"]["aws:SecureTransport"]),
            (&json!("Deny"), &json!("false"))
        );
    }
}

#[test]
fn each_function_has_a_role_a_log_a_limit_and_three_alarms_of_its_own() {
    let hub = the_hub();
    let resources = &hub["Resources"];
    let functions = of(&hub, "AWS::Lambda::Function");
    assert_eq!(functions.len(), FUNCTIONS.len());
    let roles: BTreeSet<String> = functions.iter().map(|(_, it)| it["Role"].to_string()).collect();
    assert_eq!(roles.len(), FUNCTIONS.len(), "no two share a role");
    for function in &FUNCTIONS {
        let properties = &resources[function.id("Function")]["Properties"];
        assert_eq!(properties["LoggingConfig"]["LogGroup"]["Ref"], function.id("Log"));
        assert!(properties["ReservedConcurrentExecutions"].is_object());
        assert!(function.seconds <= 900);
        for alarm in ["ErrorsAlarm", "ThrottlesAlarm", "DurationAlarm"] {
            assert_eq!(
                resources[function.id(alarm)]["Type"],
                "AWS::CloudWatch::Alarm",
                "{} {alarm}",
                function.name
            );
        }
    }
}

#[test]
fn a_function_may_do_what_its_handler_does_and_nothing_else() {
    let hub = the_hub();
    let may = |name: &str, action: &str| {
        let function = FUNCTIONS.iter().find(|it| it.name == name).expect("there is one");
        let role = &hub["Resources"][function.id("Role")]["Properties"]["Policies"];
        allowed(role).iter().any(|statement| actions(statement).contains(&action))
    };
    for function in &FUNCTIONS {
        let name = function.name;
        let enters = ["prepare", "turn", "perception", "execution", "validation"];
        assert_eq!(may(name, "sts:AssumeRole"), enters.contains(&name), "{name}");
        assert_eq!(may(name, "states:SendTaskSuccess"), ["approve", "gate"].contains(&name), "{name}");
        let only_reads = ["authorise", "report", "validation"];
        assert_eq!(may(name, "dynamodb:PutItem"), !only_reads.contains(&name), "{name}");
        assert_eq!(may(name, "sns:Publish"), name == "gate", "{name}");
        assert_eq!(function.grants.contains(&Grant::ReadJournal), name != "authorise", "{name}");
    }
}

#[test]
fn a_machine_calls_the_functions_of_its_runs_and_no_others() {
    let hub = the_hub();
    for (role, workflow) in [("MachineRole", Workflow::Patching), ("UpgradeMachineRole", Workflow::Upgrade)] {
        let policies = &hub["Resources"][role]["Properties"]["Policies"];
        let calls = allowed(policies).into_iter().find(|it| actions(it).contains(&"lambda:InvokeFunction"));
        let may = calls.expect("it calls functions")["Resource"].to_string();
        for function in &FUNCTIONS {
            let called =
                function.workflow.serves(workflow) && !["approve", "authorise"].contains(&function.name);
            assert_eq!(
                may.contains(&format!("\"{}\"", function.id("Function"))),
                called,
                "{role}: {}",
                function.name
            );
        }
    }
}

#[test]
fn alarms_tell_somebody_and_stand_for_everything_that_can_go_wrong() {
    let hub = the_hub();
    let alarms = of(&hub, "AWS::CloudWatch::Alarm");
    for (id, alarm) in &alarms {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "NoticeTopic" }]), "{id}");
    }
    let metrics: BTreeSet<&str> = alarms.iter().filter_map(|(_, it)| it["MetricName"].as_str()).collect();
    let expected = "5xx ApprovalsExpired ApproximateNumberOfMessagesVisible Duration Errors ExecutionThrottled \
                    ExecutionsFailed ExecutionsTimedOut ReadThrottleEvents SuccessRate Throttles WriteThrottleEvents";
    assert_eq!(metrics, expected.split(' ').collect());
}

#[test]
fn every_request_to_the_approval_page_is_authorised_slowed_down_and_logged() {
    let hub = the_hub();
    for (id, route) in of(&hub, "AWS::ApiGatewayV2::Route") {
        assert_eq!(route["AuthorizationType"], "CUSTOM", "{id}");
        assert_eq!(route["AuthorizerId"]["Ref"], "ApprovalsAuthorizer", "{id}");
    }
    let stage = of(&hub, "AWS::ApiGatewayV2::Stage")[0].1;
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_number());
    let format = stage["AccessLogSettings"]["Format"].as_str().expect("a format");
    assert!(!format.contains("path"), "the path holds the token");
    assert_eq!(of(&hub, "AWS::ApiGatewayV2::Authorizer")[0].1["AuthorizerResultTtlInSeconds"], 0);
}

#[test]
fn nothing_names_an_account_a_region_or_a_partition() {
    for template in [the_hub(), the_spoke()] {
        let text = text(&template);
        assert!(!text.contains("arn:aws"), "a partition");
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 12);
        assert_eq!(digits, None, "an account");
        for region in ["us-east-", "us-west-", "eu-central-", "eu-west-", "ap-south"] {
            assert!(!text.contains(region), "{region}");
        }
    }
}

#[test]
fn no_secret_is_in_a_template_a_default_or_a_parameter_file() {
    for template in [the_hub(), the_spoke()] {
        for (name, parameter) in template["Parameters"].as_object().expect("parameters") {
            let secret = ["External", "Key", "Secret"].iter().any(|word| name.contains(word));
            assert!(!secret || parameter["Default"].is_null(), "{name}");
        }
    }
    assert_eq!(the_spoke()["Parameters"]["ExternalId"]["NoEcho"], true);
    let hub = the_hub();
    for (id, function) in of(&hub, "AWS::Lambda::Function") {
        for (name, value) in function["Environment"]["Variables"].as_object().expect("variables") {
            let is_secret = name.ends_with("_SECRET");
            assert!(!is_secret || value["Ref"].is_string(), "{id}: {name} is an ARN from a parameter");
        }
    }
    let parameters = spoke_parameters("prod", "111122223333", "patching");
    let names: Vec<&Value> =
        parameters.as_array().expect("a list").iter().map(|it| &it["ParameterKey"]).collect();
    assert_eq!(names, ["Environment", "HubAccount", "RoleName"]);
}

#[test]
fn a_spoke_trusts_the_functions_that_enter_it_and_only_with_the_external_id() {
    let template = the_spoke();
    let role = &template["Resources"]["Role"]["Properties"];
    let trust = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trust.as_array().expect("statements").len(), 1);
    assert_eq!(
        trust[0]["Condition"],
        json!({ "StringEquals": { "sts:ExternalId": { "Ref": "ExternalId" } } })
    );
    let trusted = trust[0]["Principal"]["AWS"].as_array().expect("roles");
    let hub = the_hub();
    for (function, principal) in FUNCTIONS.iter().filter(|it| it.enters_spokes()).zip(trusted) {
        let name = hub["Resources"][function.id("Role")]["Properties"]["RoleName"]["Fn::Sub"].as_str();
        let arn = format!("arn:${{AWS::Partition}}:iam::${{HubAccount}}:role/{}", name.expect("a name"));
        assert_eq!(principal["Fn::Sub"], arn, "the hub's role by the name it has there");
    }
    assert_eq!(trusted.len(), FUNCTIONS.iter().filter(|it| it.enters_spokes()).count());
}

#[test]
fn a_spoke_may_do_exactly_what_the_policy_says_in_its_own_account() {
    let template = the_spoke();
    let statement =
        &template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Action"], json!(["ec2:StopInstances"]));
    let expected = json!([
        { "Fn::Sub": "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*" },
        { "Fn::Sub": "arn:${AWS::Partition}:ec2:*::image/${!aws:PrincipalTag/x}" },
        "*",
        { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}" },
        { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/other" },
    ]);
    assert_eq!(statement["Resource"], expected);
}

#[test]
fn whatever_is_referred_to_is_there() {
    for template in [the_hub(), the_spoke()] {
        let known = |name: &str| {
            name.starts_with("AWS::")
                || template["Resources"].get(name).is_some()
                || template["Parameters"].get(name).is_some()
        };
        for node in mappings(&template) {
            if let Some(name) = node["Ref"].as_str() {
                assert!(known(name), "{name}");
            }
            if let Some(name) = node["Fn::GetAtt"][0].as_str() {
                assert!(template["Resources"].get(name).is_some(), "{name}");
            }
            if let Some(text) = node["Fn::Sub"].as_str() {
                for part in text.split("${").skip(1).filter(|part| !part.starts_with('!')) {
                    let name = part.split(['}', '.']).next().unwrap_or_default();
                    assert!(known(name), "{name} in {text}");
                }
            }
        }
        let parameters = template["Parameters"].as_object().expect("parameters");
        let used = text(&template);
        for name in parameters.keys() {
            let told = [format!("\"Ref\": \"{name}\""), format!("${{{name}}}")];
            assert!(told.iter().any(|form| used.contains(form)), "{name} is used");
        }
    }
}

#[test]
fn every_parameter_without_a_default_can_be_given_by_the_files() {
    let hub = the_hub();
    let needed: BTreeSet<&String> = hub["Parameters"]
        .as_object()
        .expect("parameters")
        .iter()
        .filter(|(_, parameter)| parameter["Default"].is_null())
        .map(|(name, _)| name)
        .collect();
    let given: Vec<(&str, &str)> =
        needed.iter().filter(|name| **name != "Environment").map(|name| (name.as_str(), "x")).collect();
    let file = hub_parameters("prod", &given);
    let named: BTreeSet<&str> =
        file.as_array().expect("a list").iter().filter_map(|it| it["ParameterKey"].as_str()).collect();
    assert_eq!(named, needed.iter().map(|name| name.as_str()).collect());
}

#[test]
fn a_definition_may_lie_in_the_template() {
    let definition = json!({ "StartAt": "Prepare", "States": {} });
    let definitions = Definitions { patching: Definition::Inline(definition), ..Definitions::IN_BUCKET };
    let template = hub(&Hub { definitions, keys: TableKeys::default() });
    let machine = &template["Resources"]["Machine"]["Properties"];
    assert_eq!(machine["DefinitionString"], r#"{"StartAt":"Prepare","States":{}}"#);
    assert!(template["Parameters"]["DefinitionKey"].is_null() && machine["DefinitionS3Location"].is_null());
}
