//! The state machine, its role, its log and its schedule.

use serde_json::{Map, Value, json};

use super::functions::log;
use super::{Definition, FUNCTIONS, Function, Resources};
use crate::policy::{allow, service_role};
use crate::{attribute, reference, sub, tags};

/// Adds the state machine and what begins it.
pub(super) fn add(resources: &mut Resources, definition: &Definition) {
    resources.insert("MachineLog".to_owned(), log("/aws/vendedlogs/states/fleetwright-${Environment}"));
    resources.insert("MachineRole".to_owned(), service_role("machine", "states.amazonaws.com", statements()));
    resources.insert("Machine".to_owned(), resource(definition));
    resources.insert("ScheduleRole".to_owned(), schedule_role());
    resources.insert("ScheduleDeadLetters".to_owned(), dead_letters());
    resources.insert("RunSchedule".to_owned(), schedule());
}

/// The functions that the state machine calls.
fn called() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| !matches!(function.name, "approve" | "authorise"))
}

fn statements() -> Vec<Value> {
    let functions: Vec<Value> = called()
        .flat_map(|function| {
            let id = function.id("Function");
            [attribute(&id, "Arn"), sub(&format!("${{{id}.Arn}}:*"))]
        })
        .collect();
    let deliveries = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ];
    let traces = [
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ];
    vec![
        allow("CallFunctions", &["lambda:InvokeFunction"], json!(functions)),
        allow("Notify", &["sns:Publish"], reference("NoticeTopic")),
        allow("Key", &["kms:Decrypt", "kms:GenerateDataKey"], attribute("Key", "Arn")),
        // Neither knows resources (Step Functions Developer Guide, "Logging using CloudWatch Logs" and "X-Ray").
        allow("Log", &deliveries, json!("*")),
        allow("Trace", &traces, json!("*")),
    ]
}

fn resource(definition: &Definition) -> Value {
    let functions = FUNCTIONS.iter().map(|function| {
        (format!("{}Arn", function.id("Function")), attribute(&function.id("Function"), "Arn"))
    });
    let mut substitutions: Map<String, Value> = functions.collect();
    substitutions.insert("NoticeTopicArn".to_owned(), reference("NoticeTopic"));
    substitutions.insert("ArtefactBucketName".to_owned(), reference("ArtefactBucket"));
    substitutions.insert("JournalTableName".to_owned(), reference("JournalTable"));
    let mut properties = json!({
        "StateMachineName": sub("fleetwright-${Environment}"),
        "StateMachineType": "STANDARD",
        "RoleArn": attribute("MachineRole", "Arn"),
        "DefinitionSubstitutions": substitutions,
        "TracingConfiguration": { "Enabled": true },
        "LoggingConfiguration": {
            "Level": "ALL",
            "IncludeExecutionData": false,
            "Destinations": [{ "CloudWatchLogsLogGroup": { "LogGroupArn": attribute("MachineLog", "Arn") } }],
        },
        "EncryptionConfiguration": {
            "Type": "CUSTOMER_MANAGED_KMS_KEY",
            "KmsKeyId": attribute("Key", "Arn"),
            "KmsDataKeyReusePeriodSeconds": 300,
        },
        "Tags": tags(),
    });
    match definition {
        Definition::InBucket => {
            properties["DefinitionS3Location"] =
                json!({ "Bucket": reference("CodeBucket"), "Key": reference("DefinitionKey") });
        }
        Definition::Inline(definition) => {
            properties["DefinitionString"] = json!(definition.to_string());
        }
    }
    json!({ "Type": "AWS::StepFunctions::StateMachine", "Properties": properties })
}

fn schedule_role() -> Value {
    let statements = vec![
        allow("Begin", &["states:StartExecution"], reference("Machine")),
        allow("DeadLetters", &["sqs:SendMessage"], attribute("ScheduleDeadLetters", "Arn")),
        allow("Key", &["kms:Decrypt", "kms:GenerateDataKey"], attribute("Key", "Arn")),
    ];
    service_role("schedule", "scheduler.amazonaws.com", statements)
}

/// What a schedule could not begin.
fn dead_letters() -> Value {
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "KmsMasterKeyId": attribute("Key", "Arn"),
            "MessageRetentionPeriod": 1_209_600,
            "Tags": tags(),
        },
    })
}

/// A machine that does not begin is tried again for an hour: after that its window may be over.
fn schedule() -> Value {
    json!({
        "Type": "AWS::Scheduler::Schedule",
        "Condition": "HasSchedule",
        "Properties": {
            "Name": sub("fleetwright-${Environment}"),
            "Description": "Begins a run",
            "ScheduleExpression": reference("Schedule"),
            "ScheduleExpressionTimezone": reference("ScheduleTimeZone"),
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "KmsKeyArn": attribute("Key", "Arn"),
            "State": "ENABLED",
            "Target": {
                "Arn": reference("Machine"),
                "RoleArn": attribute("ScheduleRole", "Arn"),
                "Input": reference("ScheduleInput"),
                "RetryPolicy": { "MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10 },
                "DeadLetterConfig": { "Arn": attribute("ScheduleDeadLetters", "Arn") },
            },
        },
    })
}
