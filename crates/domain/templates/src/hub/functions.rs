//! The functions: one per handler, from one archive, each with a role that allows what its handler does.

use serde_json::{Value, json};

use super::Resources;
use crate::policy::{allow, allow_if, service_role};
use crate::{NAMESPACE, attribute, reference, sub, tags};

/// A function of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its handler, and the last part of its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// How long an invocation may take, in seconds; 900 at most.
    pub seconds: u32,
    /// Memory, in MiB.
    pub memory: u32,
    /// Which runs need it.
    pub workflow: Workflow,
    /// What it may do besides writing its log and its trace.
    pub grants: &'static [Grant],
}

/// The kind of runs that a function works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflow {
    /// Hosts are patched.
    Patching,
    /// Clusters are upgraded.
    Upgrade,
    /// Either.
    Both,
}

impl Workflow {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patching => "patching",
            Self::Upgrade => "upgrade",
            Self::Both => "both",
        }
    }

    /// Whether what is for this one is of use for that one.
    pub fn serves(self, other: Self) -> bool {
        self == other || self == Self::Both
    }
}

/// Something that a handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Reads the record of runs.
    ReadJournal,
    /// Adds to the record of runs.
    WriteJournal,
    /// Reads artefacts and configuration.
    ReadArtefacts,
    /// Leaves artefacts.
    WriteArtefacts,
    /// Enters spokes, with the external id.
    EnterSpokes,
    /// Signs heads of audit logs.
    SignAudit,
    /// Tells people.
    Notify,
    /// Leaves figures.
    LeaveFigures,
    /// Reads the keys of approval links.
    ReadApprovalKeys,
    /// Answers the state machine's waiting tasks.
    AnswerTasks,
}

use Grant::{
    AnswerTasks, EnterSpokes, LeaveFigures, Notify, ReadApprovalKeys, ReadArtefacts, ReadJournal, SignAudit,
    WriteArtefacts, WriteJournal,
};

/// Every function, by the order in which a run comes by them.
pub const FUNCTIONS: [Function; 11] = [
    Function {
        name: "prepare",
        about: "Scans, plans and opens a run",
        seconds: 900,
        memory: 1024,
        workflow: Workflow::Patching,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts, EnterSpokes],
    },
    Function {
        name: "turn",
        about: "Takes a turn of a run",
        seconds: 300,
        memory: 1024,
        workflow: Workflow::Patching,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts, EnterSpokes, SignAudit],
    },
    Function {
        name: "gate",
        about: "Asks people to approve a wave",
        seconds: 60,
        memory: 256,
        workflow: Workflow::Both,
        grants: &[ReadJournal, WriteJournal, Notify, ReadApprovalKeys, AnswerTasks],
    },
    Function {
        name: "approve",
        about: "Shows what waits for a decision, and records the decision",
        seconds: 29,
        memory: 256,
        workflow: Workflow::Both,
        grants: &[ReadJournal, WriteJournal, ReadApprovalKeys, AnswerTasks],
    },
    Function {
        name: "authorise",
        about: "Says whether an approval link is one of ours",
        seconds: 10,
        memory: 256,
        workflow: Workflow::Both,
        grants: &[ReadApprovalKeys],
    },
    Function {
        name: "report",
        about: "Writes the reports of a run",
        seconds: 900,
        memory: 1024,
        workflow: Workflow::Patching,
        grants: &[ReadJournal, ReadArtefacts, WriteArtefacts, LeaveFigures],
    },
    Function {
        name: "perception",
        about: "Reads a cluster, judges its readiness and draws up the plan of its upgrade",
        seconds: 900,
        memory: 1024,
        workflow: Workflow::Upgrade,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts, EnterSpokes],
    },
    Function {
        name: "reasoning",
        about: "Judges the plan of an upgrade and opens its run",
        seconds: 60,
        memory: 512,
        workflow: Workflow::Upgrade,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts],
    },
    Function {
        name: "execution",
        about: "Takes a turn of a run that upgrades a cluster",
        seconds: 300,
        memory: 1024,
        workflow: Workflow::Upgrade,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts, EnterSpokes, SignAudit],
    },
    Function {
        name: "validation",
        about: "Looks at an upgraded cluster once more, and writes the reports of its run",
        seconds: 900,
        memory: 1024,
        workflow: Workflow::Upgrade,
        grants: &[ReadJournal, ReadArtefacts, WriteArtefacts, EnterSpokes],
    },
    Function {
        name: "rollback",
        about: "Opens the run that takes the last hop of a failed upgrade back",
        seconds: 60,
        memory: 512,
        workflow: Workflow::Upgrade,
        grants: &[ReadJournal, WriteJournal, ReadArtefacts, WriteArtefacts],
    },
];

impl Function {
    /// Whether it takes roles of spokes.
    pub fn enters_spokes(&self) -> bool {
        self.grants.contains(&EnterSpokes)
    }

    /// The name of its log group in an environment.
    pub fn log_group(&self, environment: &str) -> String {
        format!("/aws/lambda/fleetwright-{environment}-{}", self.name)
    }

    /// The logical id of one of its resources: `PrepareFunction`, `PrepareRole`, `PrepareLog`.
    pub fn id(&self, kind: &str) -> String {
        let (first, rest) = self.name.split_at(1);
        format!("{}{rest}{kind}", first.to_uppercase())
    }
}

/// Adds every function with its role and its log.
pub(super) fn add(resources: &mut Resources) {
    for function in &FUNCTIONS {
        resources.insert(function.id("Log"), log(&function.log_group("${Environment}")));
        resources.insert(
            function.id("Role"),
            service_role(function.name, "lambda.amazonaws.com", statements(function)),
        );
        resources.insert(function.id("Function"), resource(function));
    }
}

/// A log group; what is in it outlives the hub.
pub(super) fn log(name: &str) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": sub(name),
            "RetentionInDays": reference("LogRetentionDays"),
            "KmsKeyId": attribute("Key", "Arn"),
            "Tags": tags(),
        },
    })
}

fn resource(function: &Function) -> Value {
    json!({
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": sub(&format!("fleetwright-${{Environment}}-{}", function.name)),
            "Description": function.about,
            "Runtime": "provided.al2023",
            "Architectures": [reference("Architecture")],
            "Handler": function.name,
            "Code": { "S3Bucket": reference("CodeBucket"), "S3Key": reference("CodeKey") },
            "Role": attribute(&function.id("Role"), "Arn"),
            "Timeout": function.seconds,
            "MemorySize": function.memory,
            "ReservedConcurrentExecutions": reference("ReservedConcurrency"),
            "KmsKeyArn": attribute("Key", "Arn"),
            "TracingConfig": { "Mode": "Active" },
            "LoggingConfig": { "LogFormat": "JSON", "LogGroup": reference(&function.id("Log")) },
            "Environment": { "Variables": variables(function) },
            "Tags": tags(),
        },
    })
}

/// What a handler is told; secrets by their ARN alone.
fn variables(function: &Function) -> Value {
    let mut all = json!({
        "HUB_ENVIRONMENT": reference("Environment"),
        "JOURNAL_TABLE": reference("JournalTable"),
        "ARTEFACT_BUCKET": reference("ArtefactBucket"),
    });
    for grant in function.grants {
        match grant {
            EnterSpokes => {
                all["SPOKE_ROLE_NAME"] = reference("SpokeRoleName");
                all["EXTERNAL_ID_SECRET"] = reference("ExternalIdSecret");
            }
            Notify => all["NOTICE_TOPIC"] = reference("NoticeTopic"),
            ReadApprovalKeys => all["APPROVAL_KEY_SECRET"] = reference("ApprovalKeySecret"),
            SignAudit => all["AUDIT_KEY_SECRET"] = reference("AuditKeySecret"),
            LeaveFigures => all["FIGURE_NAMESPACE"] = json!(NAMESPACE),
            ReadJournal | WriteJournal | ReadArtefacts | WriteArtefacts | AnswerTasks => {}
        }
    }
    if function.name == "gate" {
        all["APPROVALS_ADDRESS"] = attribute("ApprovalsApi", "ApiEndpoint");
    }
    all
}

fn statements(function: &Function) -> Vec<Value> {
    let log = sub(&format!("${{{}.Arn}}:*", function.id("Log")));
    let mut all = vec![
        allow("Log", &["logs:CreateLogStream", "logs:PutLogEvents"], log),
        // X-Ray knows no resources for these.
        allow("Trace", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
        allow("Key", &["kms:Decrypt", "kms:GenerateDataKey"], attribute("Key", "Arn")),
    ];
    all.extend(function.grants.iter().flat_map(|grant| granted(*grant)));
    all
}

/// What a grant comes to.
fn granted(grant: Grant) -> Vec<Value> {
    let secret =
        || allow("ReadExternalId", &["secretsmanager:GetSecretValue"], reference("ExternalIdSecret"));
    match grant {
        EnterSpokes => vec![statement(grant), secret()],
        ReadArtefacts => vec![statement(grant), find_artefacts()],
        other => vec![statement(other)],
    }
}

/// What there is in the bucket. Without it S3 calls what is missing forbidden, and with a condition on prefixes as well: a
/// GetObject has none.
fn find_artefacts() -> Value {
    allow("FindArtefacts", &["s3:ListBucket"], attribute("ArtefactBucket", "Arn"))
}

fn statement(grant: Grant) -> Value {
    let table = || attribute("JournalTable", "Arn");
    let below = |prefix: &str| sub(&format!("${{ArtefactBucket.Arn}}/{prefix}/*"));
    match grant {
        ReadJournal => allow("ReadJournal", &["dynamodb:GetItem", "dynamodb:Query"], table()),
        WriteJournal => allow("WriteJournal", &["dynamodb:PutItem", "dynamodb:UpdateItem"], table()),
        ReadArtefacts => {
            allow("ReadArtefacts", &["s3:GetObject"], json!([below("configuration"), below("runs")]))
        }
        WriteArtefacts => allow("WriteArtefacts", &["s3:PutObject"], below("runs")),
        // Whatever the account, the role must be one of this organisation's.
        EnterSpokes => json!({
            "Sid": "EnterSpokes",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": sub("arn:${AWS::Partition}:iam::*:role/${SpokeRoleName}"),
            "Condition": { "StringEquals": { "aws:ResourceOrgID": reference("OrganizationId") } },
        }),
        Notify => allow("Notify", &["sns:Publish"], reference("NoticeTopic")),
        SignAudit => allow("SignAudit", &["secretsmanager:GetSecretValue"], reference("AuditKeySecret")),
        // CloudWatch knows no resources for figures, but their namespace.
        LeaveFigures => allow_if(
            "LeaveFigures",
            &["cloudwatch:PutMetricData"],
            json!("*"),
            json!({ "StringEquals": { "cloudwatch:namespace": NAMESPACE } }),
        ),
        ReadApprovalKeys => {
            allow("ReadApprovalKeys", &["secretsmanager:GetSecretValue"], reference("ApprovalKeySecret"))
        }
        // IAM knows no resources for it: whoever has the token may give it back, and tokens are in the journal. Source:
        // Service Authorization Reference, "Actions defined by AWS Step Functions".
        AnswerTasks => allow("AnswerTasks", &["states:SendTaskSuccess"], json!("*")),
    }
}
