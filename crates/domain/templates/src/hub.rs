//! The hub: state machine, functions, journal, artefacts, approvals, schedule, alarms, dashboard.

mod approvals;
mod functions;
mod machine;
mod storage;
mod watching;

use serde_json::{Map, Value, json};

pub use functions::{FUNCTIONS, Function, Grant, Workflow};
pub use machine::{MACHINES, Machine};
pub use watching::Figure;

use crate::{attribute, reference};

/// What a hub is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Hub {
    /// Where the state machines' definitions come from.
    pub definitions: Definitions,
    /// The keys of the journal's table.
    pub keys: TableKeys,
}

/// Where the definitions come from, one for each state machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Definitions {
    /// That of runs that patch hosts.
    pub patching: Definition,
    /// That of runs that upgrade clusters.
    pub upgrade: Definition,
}

impl Definitions {
    /// Both are objects beside the archive of the functions.
    pub const IN_BUCKET: Self = Self { patching: Definition::InBucket, upgrade: Definition::InBucket };
}

/// Where the definition of a state machine comes from. It may hold `${PrepareFunctionArn}` and so on, one for each of
/// [`FUNCTIONS`] that it calls, and `${NoticeTopicArn}`, `${ArtefactBucketName}`, `${JournalTableName}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// An object beside the archive of the functions; the parameter `DefinitionKey` or `UpgradeDefinitionKey` names it.
    InBucket,
    /// The template itself.
    Inline(Value),
}

/// The attributes that the journal's table is keyed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableKeys {
    /// The partition key, a text.
    pub partition: String,
    /// The sort key, a text.
    pub sort: String,
    /// The attribute with the second in which an item may be deleted.
    pub expires: String,
}

impl Default for TableKeys {
    fn default() -> Self {
        Self { partition: "run".to_owned(), sort: "item".to_owned(), expires: "expires".to_owned() }
    }
}

/// Resources by logical id.
type Resources = Map<String, Value>;

/// The template of a hub.
pub fn hub(options: &Hub) -> Value {
    let mut resources = Resources::new();
    storage::add(&mut resources, &options.keys);
    functions::add(&mut resources);
    machine::add(&mut resources, &options.definitions);
    approvals::add(&mut resources);
    watching::add(&mut resources);
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "fleetwright hub: the state machines that patch fleets and upgrade clusters, with all they need",
        "Parameters": parameters(&options.definitions),
        "Conditions": {
            "HasAlarmAddress": { "Fn::Not": [{ "Fn::Equals": [reference("AlarmAddress"), ""] }] },
            "HasSchedule": { "Fn::Not": [{ "Fn::Equals": [reference("Schedule"), ""] }] },
        },
        "Resources": resources,
        "Outputs": outputs(),
    })
}

fn parameters(definitions: &Definitions) -> Value {
    let text = |about: &str, pattern: &str| json!({ "Type": "String", "Description": about, "AllowedPattern": pattern });
    let with_default = |mut parameter: Value, default: Value| {
        parameter["Default"] = default;
        parameter
    };
    let number = |about: &str, default: u32, least: u32, most: u32| json!({ "Type": "Number", "Description": about, "Default": default, "MinValue": least, "MaxValue": most });
    let secret = "arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+";
    let mut all = json!({
        "Environment": text("The environment that the hub patches", "[a-z0-9][a-z0-9-]{0,21}"),
        "CodeBucket": text("The bucket with the archive of the functions", "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
        "CodeKey": text("The archive of the functions in that bucket", ".+"),
        "Architecture": json!({
            "Type": "String",
            "Description": "What the functions in the archive are built for",
            "Default": "arm64",
            "AllowedValues": ["arm64", "x86_64"],
        }),
        "OrganizationId": text("The organisation whose accounts are spokes", "o-[a-z0-9]{10,32}"),
        "SpokeRoleName": with_default(
            text("The role of spokes", "[A-Za-z0-9_+=,.@-]{1,64}"), json!("fleetwright-spoke")),
        "ExternalIdSecret": text("The secret with the external id of spokes, by ARN", secret),
        "ApprovalKeySecret": text("The secret with the keys and approvers of approval links, by ARN", secret),
        "AlarmAddress": with_default(text("Who hears of alarms by e-mail; empty for nobody", ".*"), json!("")),
        "Schedule": with_default(
            text("When a run begins by itself: cron(…) or rate(…); empty for never", "|(cron|rate)\\(.+\\)"),
            json!("")),
        "ScheduleTimeZone": with_default(text("The time zone of the schedule", ".+"), json!("UTC")),
        "ScheduleInput": with_default(text("The input of scheduled runs, as JSON", "\\{.*\\}"), json!("{\"scheduled\":\"<aws.scheduler.scheduled-time>\"}")),
        "LogRetentionDays": json!({
            "Type": "Number",
            "Description": "Days that logs are kept",
            "Default": 365,
            "AllowedValues": [30, 90, 180, 365, 731, 1096, 1827, 2557, 3653],
        }),
        "ReservedConcurrency": number("Invocations of each function at once", 25, 1, 900),
        "LowestSuccessRate": number("Percent of hosts; an alarm is raised below it", 95, 0, 100),
    });
    if definitions.patching == Definition::InBucket {
        all["DefinitionKey"] =
            text("The definition of the state machine in the bucket of the functions", ".+");
    }
    if definitions.upgrade == Definition::InBucket {
        all["UpgradeDefinitionKey"] =
            text("The definition of the state machine of upgrades in the bucket of the functions", ".+");
    }
    all
}

fn outputs() -> Value {
    let one = |about: &str, value: Value| json!({ "Description": about, "Value": value });
    json!({
        "StateMachineArn": one("The state machine", reference("Machine")),
        "UpgradeMachineArn": one("The state machine of upgrades", reference("UpgradeMachine")),
        "JournalTableName": one("The table with the record of runs", reference("JournalTable")),
        "ArtefactBucketName": one("The bucket with the artefacts of runs", reference("ArtefactBucket")),
        "NoticeTopicArn": one("The topic of notices and alarms", reference("NoticeTopic")),
        "KeyArn": one("The key that everything is encrypted with", attribute("Key", "Arn")),
        "ApprovalsAddress": one("Where the page behind approval links is", attribute("ApprovalsApi", "ApiEndpoint")),
    })
}
