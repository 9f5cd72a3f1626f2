//! The state machines, their roles and logs, and the schedule.

use serde_json::{Map, Value, json};

use super::functions::log;
use super::{Definition, Definitions, FUNCTIONS, Function, Resources, Workflow};
use crate::policy::{allow, service_role};
use crate::{attribute, reference, sub, tags};

/// A state machine of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its logical id, with which those of its role and its log begin.
    pub id: &'static str,
    /// What its name ends with; no environment can end with it.
    pub suffix: &'static str,
    /// The last part of its role's name.
    pub role: &'static str,
    /// The runs that it drives.
    pub workflow: Workflow,
    /// The file with its definition.
    pub file: &'static str,
    /// The parameter that names the object with its definition.
    pub key: &'static str,
}

/// Every state machine.
pub const MACHINES: [Machine; 2] = [
    Machine {
        id: "Machine",
        suffix: "",
        role: "machine",
        workflow: Workflow::Patching,
        file: "machine.asl.json",
        key: "DefinitionKey",
    },
    Machine {
        id: "UpgradeMachine",
        suffix: "_upgrades",
        role: "upgrades",
        workflow: Workflow::Upgrade,
        file: "upgrade.asl.json",
        key: "UpgradeDefinitionKey",
    },
];

/// Adds the state machines and what begins runs.
pub(super) fn add(resources: &mut Resources, definitions: &Definitions) {
    for (machine, definition) in MACHINES.iter().zip([&definitions.patching, &definitions.upgrade]) {
        let id = machine.id;
        let name = format!("/aws/vendedlogs/states/{}", machine.name("${Environment}"));
        resources.insert(format!("{id}Log"), log(&name));
        let role = service_role(machine.role, "states.amazonaws.com", machine.statements());
        resources.insert(format!("{id}Role"), role);
        resources.insert(id.to_owned(), machine.resource(definition));
    }
    resources.insert("ScheduleRole".to_owned(), schedule_role());
    resources.insert("ScheduleDeadLetters".to_owned(), dead_letters());
    resources.insert("RunSchedule".to_owned(), schedule());
}

impl Machine {
    /// Its name in an environment.
    pub fn name(&self, environment: &str) -> String {
        format!("fleetwright-{environment}{}", self.suffix)
    }

    /// The functions that it calls.
    fn called(&self) -> impl Iterator<Item = &'static Function> {
        let workflow = self.workflow;
        let called =
            move |it: &&Function| it.workflow.serves(workflow) && !matches!(it.name, "approve" | "authorise");
        FUNCTIONS.iter().filter(called)
    }

    fn statements(&self) -> Vec<Value> {
        let functions: Vec<Value> = self
            .called()
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

    fn resource(&self, definition: &Definition) -> Value {
        let functions = self.called().map(|function| {
            (format!("{}Arn", function.id("Function")), attribute(&function.id("Function"), "Arn"))
        });
        let mut substitutions: Map<String, Value> = functions.collect();
        substitutions.insert("NoticeTopicArn".to_owned(), reference("NoticeTopic"));
        substitutions.insert("ArtefactBucketName".to_owned(), reference("ArtefactBucket"));
        substitutions.insert("JournalTableName".to_owned(), reference("JournalTable"));
        let mut properties = json!({
            "StateMachineName": sub(&self.name("${Environment}")),
            "StateMachineType": "STANDARD",
            "RoleArn": attribute(&format!("{}Role", self.id), "Arn"),
            "DefinitionSubstitutions": substitutions,
            "TracingConfiguration": { "Enabled": true },
            "LoggingConfiguration": {
                "Level": "ALL",
                "IncludeExecutionData": false,
                "Destinations": [{ "CloudWatchLogsLogGroup": { "LogGroupArn": attribute(&format!("{}Log", self.id), "Arn") } }],
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
                    json!({ "Bucket": reference("CodeBucket"), "Key": reference(self.key) });
            }
            Definition::Inline(definition) => {
                properties["DefinitionString"] = json!(definition.to_string());
            }
        }
        json!({ "Type": "AWS::StepFunctions::StateMachine", "Properties": properties })
    }
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
