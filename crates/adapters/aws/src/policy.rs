//! The IAM policies that allow what fleetwright calls, and nothing else.
//!
//! Made from the table of operations and from what each changing call has to be allowed
//! ([`grants`]): by phase, by what a configuration uses, narrowed to its account, regions, tags and
//! documents. Reads are allowed on everything, because most of AWS's reads cannot be narrowed.

pub(crate) mod grants;
pub(crate) mod samples;

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::{AccountId, Phase, Region};

use crate::operation::{Operation, Principal};
use crate::operations;
use grants::{Grant, Mark, On, PURPOSE_TAG};

/// AWS answers it to everybody, even where it is denied.
/// Source: STS API reference, GetCallerIdentity.
const FREE: &str = "sts:GetCallerIdentity";

/// What commands on clusters ask of other services than EKS.
const OF_CLUSTERS: &[&str] = &[
    "autoscaling:DescribeInstanceRefreshes",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "iam:GetRole",
    "kms:DescribeKey",
    "servicequotas:GetServiceQuota",
    "ssm:GetParameter",
];

/// What they ask as phases of patching do: the groups that are nodes of one's own, their images, and what there is of
/// instances and volumes against quotas.
const OF_SCANS_AND_CLUSTERS: &[&str] = &[
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeVolumes",
];

/// What upgrades of clusters change; what they read is what the other commands on clusters read.
pub(crate) const OF_UPGRADES: &[&str] = &[
    "autoscaling:CancelInstanceRefresh",
    "autoscaling:StartInstanceRefresh",
    "eks:CancelUpdate",
    "eks:UpdateAddon",
    "eks:UpdateClusterVersion",
    "eks:UpdateNodegroupVersion",
];

/// What keys of heads of audit logs begin with, in the bucket that keeps them.
pub const HEADS_PREFIX: &str = "audit";

/// What a configuration uses beyond what its phases always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Alarms are looked at.
    Alarms,
    /// Heads of audit logs are kept in a bucket.
    AuditHeads,
    /// Change calendars are asked before hosts are changed.
    ChangeCalendars,
    /// Images past their retention are deleted.
    CleanUp,
    /// A run's figures are sent to CloudWatch.
    Figures,
    /// Hosts are taken out of load balancers and Auto Scaling groups while they are changed.
    Drain,
    /// Notices or events go to event buses.
    EventBuses,
    /// The commands on rules of EventBridge are used.
    EventRules,
    /// The commands on EKS clusters are used.
    Clusters,
    /// EKS clusters are upgraded.
    ClusterUpgrades,
    /// The commands on functions of Lambda are used.
    Functions,
    /// Models write summaries.
    Models,
    /// Runs are kept in a DynamoDB table and a bucket.
    Hub,
    /// The commands on what the functions of a hub write are used.
    HubLogs,
    /// The commands that make and delete the stacks of hubs are used.
    HubStacks,
    /// The load before and after is compared.
    Load,
    /// The commands on state machines and executions of Step Functions are used.
    Machines,
    /// The commands on maintenance windows of Systems Manager are used.
    MaintenanceWindows,
    /// Hosts are put back by launching a new instance.
    NewInstance,
    /// Landing zones are found in the whole organisation.
    Organization,
    /// Landing zones are found below units of the organisation.
    OrganizationUnits,
    /// The commands on parameters of Systems Manager are used.
    Parameters,
    /// The patches of the first wave are carried to the others.
    PatchLists,
    /// Hosts are put back by replacing their root volume.
    ReplaceRoot,
    /// It is looked at who is behind which load balancer, though nobody is taken out.
    Served,
    /// Stopped instances are started.
    StartStopped,
    /// Notices go to topics.
    Topics,
}

/// What a policy is to allow, and on what.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The phases.
    pub phases: BTreeSet<Phase>,
    /// What they use.
    pub uses: BTreeSet<Use>,
    /// The partition, e.g. `aws`.
    pub partition: String,
    /// The account; `None` for a policy that goes into several.
    pub account: Option<AccountId>,
    /// The regions that may be changed; empty leaves them open.
    pub regions: Vec<Region>,
    /// The tags instances carry, each with one of the values; `*` and `?` are wildcards.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Names or ARNs of the documents that are run.
    pub documents: BTreeSet<String>,
    /// Names, with paths, of the roles that carry the policy.
    pub roles: BTreeSet<String>,
    /// The bucket of patch lists.
    pub bucket: Option<String>,
    /// The bucket of heads of audit logs.
    pub heads_bucket: Option<String>,
    /// ARNs of the topics that notices go to.
    pub topics: BTreeSet<String>,
    /// ARNs of the event buses that notices and events go to.
    pub event_buses: BTreeSet<String>,
    /// The namespace of a run's figures.
    pub namespace: Option<String>,
    /// ARNs of what a hub keeps: its table, its bucket and objects, its secrets, its state machine.
    pub hub: BTreeSet<String>,
    /// Environments whose hubs are looked after by commands.
    pub hubs: BTreeSet<String>,
    /// Environments whose stacks are made and deleted by commands.
    pub stacks: BTreeSet<String>,
    /// Buckets with archives of functions, definitions and templates, which such commands fill.
    pub code_buckets: BTreeSet<String>,
    /// Prefixes of the parameters that are used, for example `/fleetwright/prod`.
    pub parameters: BTreeSet<String>,
    /// Names of the state machines that are worked on; `*` and `?` are wildcards.
    pub machines: BTreeSet<String>,
    /// Names of the clusters that are worked on; `*` and `?` are wildcards.
    pub clusters: BTreeSet<String>,
    /// Names of the functions that are worked on; `*` and `?` are wildcards.
    pub functions: BTreeSet<String>,
    /// Ids of the models that write summaries; `*` and `?` are wildcards.
    pub models: BTreeSet<String>,
    /// Names of the rules that are worked on, those of other buses than the default one as `BUS/NAME`; `*` and `?`
    /// are wildcards.
    pub rules: BTreeSet<String>,
}

/// A statement that allows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name: letters and digits.
    pub sid: String,
    /// The actions, in order.
    pub actions: BTreeSet<&'static str>,
    /// ARNs with wildcards, or `*`.
    pub resources: Vec<String>,
    /// What must hold; all of it.
    pub conditions: Vec<Condition>,
}

/// A condition of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The operator, e.g. `StringEquals`.
    pub operator: &'static str,
    /// The context key.
    pub key: String,
    /// The values, of which one must fit.
    pub values: Vec<String>,
}

/// What the role of a landing zone has to be allowed.
pub fn of_zone(scope: &Scope) -> Vec<Statement> {
    let used = || operations::ALL.iter().filter(|operation| is_of(operation, Principal::Zone, scope));
    let whole = used().filter(|operation| grants::of(operation.iam).is_none());
    let (changes, reads): (Vec<&Operation>, Vec<&Operation>) =
        whole.copied().partition(|operation| operation.mutates());
    let everywhere = |sid: &str, of: Vec<&'static Operation>, conditions: Vec<Condition>| Statement {
        sid: sid.to_owned(),
        actions: of.into_iter().map(|operation| operation.iam).collect(),
        resources: vec!["*".to_owned()],
        conditions,
    };
    let mut statements = vec![
        everywhere("Read", reads, Vec::new()),
        everywhere("ChangeAny", changes, regions(scope).into_iter().collect()),
    ];
    let single: Vec<&Grant> = used().filter_map(|operation| grants::of(operation.iam)).flatten().collect();
    let mut groups: Vec<(&[On], &[Mark], BTreeSet<&'static str>)> = Vec::new();
    for grant in single {
        match groups.iter_mut().find(|(on, marks, _)| (*on, *marks) == (grant.on, grant.marks)) {
            Some((.., actions)) => {
                actions.insert(grant.action);
            }
            None => groups.push((grant.on, grant.marks, BTreeSet::from([grant.action]))),
        }
    }
    statements.extend(groups.into_iter().map(|(on, marks, actions)| statement(scope, on, marks, actions)));
    statements.retain(|statement| !statement.actions.is_empty() && !statement.resources.is_empty());
    statements
}

/// What the credentials a command starts with have to be allowed.
pub fn of_caller(scope: &Scope) -> Vec<Statement> {
    let used: Vec<&Operation> =
        operations::ALL.iter().copied().filter(|it| is_of(it, Principal::Caller, scope)).collect();
    let allow = |sid: &str, prefix: &str, resources: Vec<String>| Statement {
        sid: sid.to_owned(),
        actions: used.iter().map(|it| it.iam).filter(|iam| iam.starts_with(prefix)).collect(),
        resources,
        conditions: Vec::new(),
    };
    let statements = [
        allow("EnterLandingZones", "sts:", arns(scope, On::OwnRole)),
        allow("ReadOrganization", "organizations:", vec!["*".to_owned()]),
    ];
    statements.into_iter().filter(|it| !it.actions.is_empty() && !it.resources.is_empty()).collect()
}

/// Whether a principal's part of a configuration calls an operation and has to be allowed it by name.
fn is_of(operation: &Operation, principal: Principal, scope: &Scope) -> bool {
    let named = operation.iam != FREE && !grants::WITH_OTHERS.contains(&operation.iam);
    named && operation.principal == principal && is_used(operation, &scope.phases, &scope.uses)
}

/// Whether these phases of a configuration with these uses call an operation.
pub(crate) fn is_used(operation: &Operation, phases: &BTreeSet<Phase>, uses: &BTreeSet<Use>) -> bool {
    let wanted = |it: Use| uses.contains(&it);
    let calls = |call: &'static Operation| is_used(call, phases, uses);
    let asked = match operation.iam {
        // They belong to no phase.
        action if OF_UPGRADES.contains(&action) => return wanted(Use::ClusterUpgrades),
        action if OF_CLUSTERS.contains(&action) || action.starts_with("eks:") => {
            return wanted(Use::Clusters);
        }
        "iam:SimulatePrincipalPolicy" if wanted(Use::Clusters) => return true,
        action if OF_SCANS_AND_CLUSTERS.contains(&action) && wanted(Use::Clusters) => return true,
        action if action.contains("MaintenanceWindow") => return wanted(Use::MaintenanceWindows),
        "ssm:AddTagsToResource" | "ssm:ListTagsForResource" => return wanted(Use::Parameters),
        action if action.contains("Parameter") => return wanted(Use::Parameters),
        action if action.starts_with("cloudformation:") => return wanted(Use::HubStacks),
        "s3:GetObject" => return wanted(Use::Hub) || wanted(Use::HubStacks),
        "s3:PutObject" if wanted(Use::HubStacks) => return true,
        "states:ListExecutions" => return wanted(Use::Machines) || wanted(Use::HubStacks),
        "s3:ListBucket" | "secretsmanager:GetSecretValue" | "states:SendTaskSuccess" => {
            return wanted(Use::Hub);
        }
        "logs:FilterLogEvents" => return wanted(Use::HubLogs),
        action if action.starts_with("states:") => return wanted(Use::Machines),
        action if action.starts_with("dynamodb:") => return wanted(Use::Hub),
        // Hosts are asked to reboot by a command that does it once only.
        "ec2:RebootInstances" => false,
        // What a plan may say must hold while a cluster is upgraded.
        "cloudwatch:DescribeAlarms" | "cloudwatch:GetMetricData" if wanted(Use::ClusterUpgrades) => {
            return true;
        }
        "cloudwatch:DescribeAlarms" => wanted(Use::Alarms),
        "cloudwatch:PutMetricData" => return wanted(Use::Figures),
        "events:PutEvents" => return wanted(Use::EventBuses),
        action if action.starts_with("events:") => return wanted(Use::EventRules),
        action if action.starts_with("lambda:") => return wanted(Use::Functions),
        action if action.starts_with("bedrock:") => return wanted(Use::Models),
        "sns:Publish" => return wanted(Use::Topics),
        "cloudwatch:GetMetricData" => wanted(Use::Load),
        "ec2:CreateReplaceRootVolumeTask" | "ec2:DescribeReplaceRootVolumeTasks" => wanted(Use::ReplaceRoot),
        "ec2:DeleteSnapshot" | "ec2:DeregisterImage" => wanted(Use::CleanUp),
        "ec2:RunInstances" => wanted(Use::NewInstance),
        "ec2:StartInstances" => wanted(Use::StartStopped),
        "ec2:StopInstances" => calls(&operations::START_INSTANCES) || calls(&operations::RUN_INSTANCES),
        "iam:PassRole" => calls(&operations::RUN_INSTANCES),
        "s3:PutObject" => wanted(Use::PatchLists) || wanted(Use::AuditHeads),
        action if action.starts_with("elasticloadbalancing:Describe") => {
            wanted(Use::Drain) || wanted(Use::Served)
        }
        "ssm:GetCalendarState" if wanted(Use::ClusterUpgrades) => return wanted(Use::ChangeCalendars),
        "ssm:GetCalendarState" => wanted(Use::ChangeCalendars),
        action if action.starts_with("autoscaling:") || action.starts_with("elasticloadbalancing:") => {
            wanted(Use::Drain)
        }
        "organizations:ListAccounts" => wanted(Use::Organization),
        action if action.starts_with("organizations:") => wanted(Use::OrganizationUnits),
        _ => true,
    };
    asked && operation.phases.iter().any(|phase| phases.contains(phase))
}

fn statement(
    scope: &Scope,
    on: &'static [On],
    marks: &'static [Mark],
    actions: BTreeSet<&'static str>,
) -> Statement {
    let mut conditions: Vec<Condition> = marks.iter().flat_map(|mark| conditions(scope, *mark)).collect();
    if on.iter().all(is_of_the_fleet) {
        conditions.extend(regions(scope));
    }
    Statement {
        sid: sid(on, marks),
        actions,
        resources: on.iter().flat_map(|on| arns(scope, *on)).collect(),
        conditions,
    }
}

/// What ids of inference profiles of several regions begin with. Source: Amazon Bedrock User Guide, "Supported Regions and
/// models for inference profiles".
fn is_area(text: &str) -> bool {
    ["apac", "au", "ca", "eu", "global", "jp", "us", "us-gov"].contains(&text)
}

/// Whether it is where the fleet is. IAM has no regions, and those who are told may be anywhere.
fn is_of_the_fleet(on: &On) -> bool {
    !matches!(
        on,
        On::Roles
            | On::OwnRole
            | On::AuditHeads
            | On::Topics
            | On::EventBuses
            | On::Hub(_)
            | On::CodeBuckets
            | On::Models
    )
}

/// A name that says what and when: `OnInstanceChosen`, `OnImageSnapshotWhileCreateImage`.
fn sid(on: &[On], marks: &[Mark]) -> String {
    let on = on.iter().map(|on| match on {
        On::Ec2(kind) => kind.split('-').map(capital).collect(),
        On::Hub(service) => format!("Hub{}", capital(service)),
        other => format!("{other:?}"),
    });
    let marks = marks.iter().map(|mark| match mark {
        Mark::For(purpose) => format!("For{}", purpose.split('-').map(capital).collect::<String>()),
        Mark::Marks(purpose) => format!("Marked{}", purpose.split('-').map(capital).collect::<String>()),
        Mark::While(call) => format!("While{call}"),
        other => format!("{other:?}"),
    });
    std::iter::once("On".to_owned()).chain(on).chain(marks).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn arns(scope: &Scope, on: On) -> Vec<String> {
    let partition = &scope.partition;
    let account = scope.account.as_ref().map_or("*", AccountId::as_str);
    let arn = |rest: &str| vec![format!("arn:{partition}:{rest}")];
    match on {
        // Images and snapshots can be shared, so their ARNs name no account.
        On::Ec2(kind @ ("image" | "snapshot")) => arn(&format!("ec2:*::{kind}/*")),
        On::Ec2(kind) => arn(&format!("ec2:*:{account}:{kind}/*")),
        On::Documents => scope.documents.iter().map(|name| document(partition, account, name)).collect(),
        On::Roles => arn(&format!("iam::{account}:role/*")),
        On::OwnRole => {
            scope.roles.iter().map(|name| format!("arn:{partition}:iam::{account}:role/{name}")).collect()
        }
        On::TargetGroups => arn(&format!("elasticloadbalancing:*:{account}:targetgroup/*")),
        On::ClassicBalancers => arn(&format!("elasticloadbalancing:*:{account}:loadbalancer/*")),
        On::AutoScalingGroups => {
            arn(&format!("autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*"))
        }
        On::PatchLists => scope.bucket.iter().flat_map(|bucket| arn(&format!("s3:::{bucket}/*"))).collect(),
        On::AuditHeads => {
            let heads = |bucket: &String| arn(&format!("s3:::{bucket}/{HEADS_PREFIX}/*"));
            scope.heads_bucket.iter().flat_map(heads).collect()
        }
        On::Topics => scope.topics.iter().cloned().collect(),
        On::EventBuses => scope.event_buses.iter().cloned().collect(),
        On::Hub(service) => {
            let is_there = |arn: &&String| arn.split(':').nth(2) == Some(service);
            scope.hub.iter().filter(is_there).cloned().collect()
        }
        On::HubLogs => {
            // Policies see a group with what is in it.
            let of = |hub: &String| {
                format!("arn:{partition}:logs:*:{account}:log-group:/aws/lambda/fleetwright-{hub}-*:*")
            };
            scope.hubs.iter().map(of).collect()
        }
        On::HubStacks => {
            let of = |hub: &String| {
                ["hub", "spoke"].map(|which| {
                    format!("arn:{partition}:cloudformation:*:{account}:stack/fleetwright-{which}-{hub}/*")
                })
            };
            scope.stacks.iter().flat_map(of).collect()
        }
        On::HubMachines => {
            let of = |hub: &String| {
                ["", "_upgrades"].map(|kind| {
                    format!("arn:{partition}:states:*:{account}:stateMachine:fleetwright-{hub}{kind}")
                })
            };
            scope.stacks.iter().flat_map(of).collect()
        }
        On::CodeBuckets => {
            let of = |bucket: &String| arn(&format!("s3:::{bucket}/fleetwright/*"));
            scope.code_buckets.iter().flat_map(of).collect()
        }
        On::Everything => vec!["*".to_owned()],
        On::MaintenanceWindows => arn(&format!("ssm:*:{account}:maintenancewindow/*")),
        On::EventRules => {
            let of = |name: &String| format!("arn:{partition}:events:*:{account}:rule/{name}");
            scope.rules.iter().map(of).collect()
        }
        On::Clusters => {
            let of = |name: &String| format!("arn:{partition}:eks:*:{account}:cluster/{name}");
            scope.clusters.iter().map(of).collect()
        }
        On::ClusterAddons | On::ClusterNodeGroups => {
            let kind = if on == On::ClusterAddons { "addon" } else { "nodegroup" };
            let of = |name: &String| format!("arn:{partition}:eks:*:{account}:{kind}/{name}/*/*");
            scope.clusters.iter().map(of).collect()
        }
        // They belong to no account.
        On::PublicParameters => {
            let of = |owner: &str| format!("arn:{partition}:ssm:*::parameter/aws/service/{owner}/*");
            vec![of("bottlerocket"), of("eks")]
        }
        On::Functions => {
            // A version is invoked by its own ARN.
            let of = |name: &String| {
                ["", ":*"].map(|rest| format!("arn:{partition}:lambda:*:{account}:function:{name}{rest}"))
            };
            scope.functions.iter().flat_map(of).collect()
        }
        On::Models => {
            // A profile leads to models of several regions, and each of them is asked about.
            let of = |id: &String| {
                if id.starts_with("arn:") {
                    return vec![id.clone()];
                }
                let model =
                    id.split_once('.').filter(|(area, _)| is_area(area)).map_or(id.as_str(), |it| it.1);
                vec![
                    format!("arn:{partition}:bedrock:*::foundation-model/{model}"),
                    format!("arn:{partition}:bedrock:*:{account}:inference-profile/{id}"),
                ]
            };
            scope.models.iter().flat_map(of).collect()
        }
        On::Machines => {
            // A version is asked about by its own ARN.
            let of = |name: &String| {
                ["", ":*"].map(|rest| format!("arn:{partition}:states:*:{account}:stateMachine:{name}{rest}"))
            };
            scope.machines.iter().flat_map(of).collect()
        }
        On::Executions => {
            let of = |name: &String| format!("arn:{partition}:states:*:{account}:execution:{name}:*");
            scope.machines.iter().map(of).collect()
        }
        On::Parameters => {
            // A path is asked about by its own name, what is below it by theirs.
            let of = |prefix: &String| {
                ["", "/*"].map(|rest| format!("arn:{partition}:ssm:*:{account}:parameter{prefix}{rest}"))
            };
            scope.parameters.iter().flat_map(of).collect()
        }
    }
}

/// Documents of AWS's own belong to no account, which `*` fits as well.
fn document(partition: &str, account: &str, name: &str) -> String {
    match name {
        name if name.starts_with("arn:") => name.to_owned(),
        name if name.starts_with("AWS-") => format!("arn:{partition}:ssm:*:*:document/{name}"),
        name => format!("arn:{partition}:ssm:*:{account}:document/{name}"),
    }
}

fn conditions(scope: &Scope, mark: Mark) -> Vec<Condition> {
    let chosen = |prefix: &str| {
        let tags = scope.tags.iter();
        tags.map(|(key, values)| like(format!("{prefix}/{key}"), values)).collect()
    };
    let equals = |key: String, value: &str| {
        vec![Condition { operator: "StringEquals", key, values: vec![value.to_owned()] }]
    };
    match mark {
        Mark::Chosen => chosen("aws:ResourceTag"),
        Mark::ChosenNode => chosen("ssm:resourceTag"),
        Mark::For(purpose) => equals(format!("aws:ResourceTag/{PURPOSE_TAG}"), purpose),
        Mark::Marks(purpose) => equals(format!("aws:RequestTag/{PURPOSE_TAG}"), purpose),
        Mark::While(call) => equals("ec2:CreateAction".to_owned(), call),
        Mark::ToEventBridge => equals("iam:PassedToService".to_owned(), EVENT_BRIDGE_PRINCIPAL),
        Mark::ToLambda => equals("iam:PassedToService".to_owned(), LAMBDA_PRINCIPAL),
        Mark::ToStepFunctions => equals("iam:PassedToService".to_owned(), STEP_FUNCTIONS_PRINCIPAL),
        Mark::ToEc2 => equals("iam:PassedToService".to_owned(), ec2_principal(&scope.partition)),
        Mark::Namespace => {
            scope.namespace.iter().flat_map(|name| equals("cloudwatch:namespace".to_owned(), name)).collect()
        }
    }
}

/// `*` and `?` mean the same to IAM and to the selection; `${` would begin a variable.
/// Source: IAM User Guide, "IAM policy elements: Variables and tags", special characters.
fn like(key: String, values: &[String]) -> Condition {
    let values = values.iter().map(|value| value.replace('$', "${$}")).collect();
    Condition { operator: "StringLike", key, values }
}

/// EC2's name as a principal.
/// Source: Amazon Web Services in China, "Endpoints and ARNs", service principals.
fn ec2_principal(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "ec2.amazonaws.com.cn",
        _ => "ec2.amazonaws.com",
    }
}

/// EventBridge's name as a principal, in every partition.
const EVENT_BRIDGE_PRINCIPAL: &str = "events.amazonaws.com";
/// Lambda's name as a principal, in every partition.
const LAMBDA_PRINCIPAL: &str = "lambda.amazonaws.com";
/// Step Functions' name as a principal, in every partition.
const STEP_FUNCTIONS_PRINCIPAL: &str = "states.amazonaws.com";

fn regions(scope: &Scope) -> Option<Condition> {
    let values: Vec<String> = scope.regions.iter().map(ToString::to_string).collect();
    let key = "aws:RequestedRegion".to_owned();
    (!values.is_empty()).then_some(Condition { operator: "StringEquals", key, values })
}

#[cfg(test)]
mod tests;
