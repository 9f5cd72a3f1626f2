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
    /// Notices go to event buses.
    EventBuses,
    /// Runs are kept in a DynamoDB table and a bucket.
    Hub,
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
    /// ARNs of the event buses that notices go to.
    pub event_buses: BTreeSet<String>,
    /// The namespace of a run's figures.
    pub namespace: Option<String>,
    /// ARNs of what a hub keeps: its table, its bucket and objects, its secrets, its state machine.
    pub hub: BTreeSet<String>,
    /// Prefixes of the parameters that are used, for example `/fleetwright/prod`.
    pub parameters: BTreeSet<String>,
    /// Names of the state machines that are worked on; `*` and `?` are wildcards.
    pub machines: BTreeSet<String>,
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
        action if action.contains("MaintenanceWindow") => return wanted(Use::MaintenanceWindows),
        "ssm:AddTagsToResource" | "ssm:ListTagsForResource" => return wanted(Use::Parameters),
        action if action.contains("Parameter") => return wanted(Use::Parameters),
        "s3:GetObject" | "s3:ListBucket" | "secretsmanager:GetSecretValue" | "states:SendTaskSuccess" => {
            return wanted(Use::Hub);
        }
        action if action.starts_with("states:") => return wanted(Use::Machines),
        action if action.starts_with("dynamodb:") => return wanted(Use::Hub),
        // Hosts are asked to reboot by a command that does it once only.
        "ec2:RebootInstances" => false,
        "cloudwatch:DescribeAlarms" => wanted(Use::Alarms),
        "cloudwatch:PutMetricData" => return wanted(Use::Figures),
        "events:PutEvents" => return wanted(Use::EventBuses),
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

/// Whether it is where the fleet is. IAM has no regions, and those who are told may be anywhere.
fn is_of_the_fleet(on: &On) -> bool {
    !matches!(on, On::Roles | On::OwnRole | On::AuditHeads | On::Topics | On::EventBuses | On::Hub(_))
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
        On::Everything => vec!["*".to_owned()],
        On::MaintenanceWindows => arn(&format!("ssm:*:{account}:maintenancewindow/*")),
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

/// Step Functions' name as a principal, in every partition.
const STEP_FUNCTIONS_PRINCIPAL: &str = "states.amazonaws.com";

fn regions(scope: &Scope) -> Option<Condition> {
    let values: Vec<String> = scope.regions.iter().map(ToString::to_string).collect();
    let key = "aws:RequestedRegion".to_owned();
    (!values.is_empty()).then_some(Condition { operator: "StringEquals", key, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing calls that AWS allows on everything or not at all.
    const UNCONDITIONED: [&str; 2] = ["ssm:CancelCommand", "ssm:CreateMaintenanceWindow"];

    fn everything() -> Scope {
        Scope {
            phases: Phase::ALL.into(),
            uses: [
                Use::Alarms,
                Use::AuditHeads,
                Use::ChangeCalendars,
                Use::CleanUp,
                Use::Drain,
                Use::EventBuses,
                Use::Figures,
                Use::Hub,
                Use::Load,
                Use::Machines,
                Use::MaintenanceWindows,
                Use::NewInstance,
                Use::Organization,
                Use::OrganizationUnits,
                Use::Parameters,
                Use::PatchLists,
                Use::ReplaceRoot,
                Use::StartStopped,
                Use::Topics,
            ]
            .into(),
            partition: "aws".into(),
            account: Some(AccountId::new("011122223333").expect("an account")),
            regions: vec![Region::new("eu-central-1").expect("a region")],
            tags: BTreeMap::from([("Application".to_owned(), vec!["web-*".to_owned()])]),
            documents: ["AWS-RunPatchBaseline".to_owned(), "own-check".to_owned()].into(),
            roles: ["ops/Fleetwright".to_owned()].into(),
            bucket: Some("patch-lists".into()),
            heads_bucket: Some("audit-heads".into()),
            topics: ["arn:aws:sns:eu-west-1:999900001111:patching".to_owned()].into(),
            event_buses: ["arn:aws:events:eu-central-1:011122223333:event-bus/patching".to_owned()].into(),
            namespace: Some("Acme/Patching".into()),
            hub: [
                "arn:aws:dynamodb:eu-central-1:011122223333:table/runs",
                "arn:aws:s3:::artefacts",
                "arn:aws:s3:::artefacts/*",
                "arn:aws:secretsmanager:eu-central-1:011122223333:secret:external-id-Ab1",
                "arn:aws:states:eu-central-1:011122223333:stateMachine:fleetwright",
            ]
            .map(str::to_owned)
            .into(),
            parameters: ["/fleetwright/prod".to_owned()].into(),
            machines: ["nightly-*".to_owned()].into(),
        }
    }

    fn find<'a>(statements: &'a [Statement], action: &str, resource: &str) -> &'a Statement {
        let fits = |it: &&Statement| {
            it.actions.contains(action) && it.resources.iter().any(|arn| arn.contains(resource))
        };
        statements.iter().find(fits).unwrap_or_else(|| panic!("nothing allows {action} on {resource}"))
    }

    #[test]
    fn every_changing_call_is_narrowed_where_aws_allows_it() {
        let changing = operations::ALL.iter().filter(|it| it.mutates());
        for operation in changing {
            let whole = UNCONDITIONED.contains(&operation.iam);
            let with_others = grants::WITH_OTHERS.contains(&operation.iam);
            let narrowed = grants::of(operation.iam).is_some();
            assert_eq!(
                u8::from(whole) + u8::from(with_others) + u8::from(narrowed),
                1,
                "{}: say in policy/grants.rs what it has to be allowed",
                operation.iam
            );
        }
    }

    #[test]
    fn names_of_statements_are_letters_and_digits_and_differ() {
        let statements = of_zone(&everything());
        let sids: BTreeSet<&str> = statements.iter().map(|it| it.sid.as_str()).collect();
        assert_eq!(sids.len(), statements.len(), "{sids:?}");
        assert!(sids.iter().all(|sid| sid.bytes().all(|b| b.is_ascii_alphanumeric())), "{sids:?}");
    }

    #[test]
    fn instances_are_changed_only_with_the_tags_of_the_selection_and_in_its_regions() {
        let statements = of_zone(&everything());
        let stop = find(&statements, "ec2:StopInstances", "instance/");
        assert_eq!(stop.resources, ["arn:aws:ec2:*:011122223333:instance/*"]);
        let keys: Vec<(&str, &str)> =
            stop.conditions.iter().map(|it| (it.operator, it.key.as_str())).collect();
        assert_eq!(
            keys,
            [("StringLike", "aws:ResourceTag/Application"), ("StringEquals", "aws:RequestedRegion")]
        );
        let send = find(&statements, "ssm:SendCommand", "instance/");
        assert_eq!(send.conditions[0].key, "ssm:resourceTag/Application");
        let documents = find(&statements, "ssm:SendCommand", "document/");
        assert_eq!(
            documents.resources,
            [
                "arn:aws:ssm:*:*:document/AWS-RunPatchBaseline",
                "arn:aws:ssm:*:011122223333:document/own-check"
            ]
        );
    }

    #[test]
    fn commands_on_windows_belong_to_no_phase_and_are_asked_for_alone() {
        let scope =
            Scope { phases: [Phase::Scan].into(), uses: [Use::MaintenanceWindows].into(), ..everything() };
        let delete = find(&of_zone(&scope), "ssm:DeleteMaintenanceWindow", "maintenancewindow/").clone();
        assert_eq!(delete.resources, ["arn:aws:ssm:*:011122223333:maintenancewindow/*"]);
        let without = of_zone(&Scope { uses: BTreeSet::new(), phases: Phase::ALL.into(), ..everything() });
        let windows = without.iter().flat_map(|it| &it.actions).filter(|it| it.contains("MaintenanceWindow"));
        assert_eq!(windows.count(), 0);
    }

    #[test]
    fn parameters_are_those_below_their_prefix_and_no_neighbours() {
        let statements = of_zone(&everything());
        let put = find(&statements, "ssm:PutParameter", "parameter/").clone();
        let prefix = "arn:aws:ssm:*:011122223333:parameter/fleetwright/prod";
        assert_eq!(put.resources, [prefix.to_owned(), format!("{prefix}/*")]);
        let without = Scope { uses: BTreeSet::new(), ..everything() };
        let parameters = of_zone(&without).into_iter().flat_map(|it| it.actions);
        let of_parameters = |it: &&str| it.contains("Parameter") || *it == "ssm:AddTagsToResource";
        assert_eq!(parameters.filter(of_parameters).count(), 0);
    }

    #[test]
    fn machines_are_those_that_are_named_with_their_versions_and_executions() {
        let statements = of_zone(&everything());
        let start = find(&statements, "states:StartExecution", "stateMachine").clone();
        let machine = "arn:aws:states:*:011122223333:stateMachine:nightly-*";
        assert_eq!(start.resources, [machine.to_owned(), format!("{machine}:*")]);
        let stop = find(&statements, "states:StopExecution", "execution").clone();
        assert_eq!(stop.resources, ["arn:aws:states:*:011122223333:execution:nightly-*:*"]);
        let passed = |it: &&Statement| it.sid.contains("ToStepFunctions");
        let passed = statements.iter().find(passed).expect("the machine's role is handed over");
        assert_eq!(passed.conditions[0].values, ["states.amazonaws.com"]);
        let without = Scope { uses: [Use::NewInstance].into(), ..everything() };
        let without = of_zone(&without);
        let of_machines = |it: &&str| it.starts_with("states:");
        assert_eq!(
            without.iter().flat_map(|it| &it.actions).copied().filter(|it| of_machines(&it)).count(),
            0
        );
    }

    #[test]
    fn those_who_are_told_are_named_and_figures_go_into_their_namespace() {
        let statements = of_zone(&everything());
        let of = |action: &str, resource: &str| find(&statements, action, resource).clone();
        let topic = of("sns:Publish", ":patching");
        assert_eq!(topic.resources, ["arn:aws:sns:eu-west-1:999900001111:patching"]);
        assert_eq!(topic.conditions, [], "it is in another region than the fleet");
        assert!(of("events:PutEvents", "event-bus/patching").conditions.is_empty());
        assert_eq!(of("s3:PutObject", "audit-heads").resources, ["arn:aws:s3:::audit-heads/audit/*"]);
        let figures = of("cloudwatch:PutMetricData", "*");
        assert!(
            figures
                .conditions
                .iter()
                .any(|it| it.key == "cloudwatch:namespace" && it.values == ["Acme/Patching"]),
            "{figures:?}"
        );
        let nobody = Scope { topics: BTreeSet::new(), heads_bucket: None, ..everything() };
        let nobody: Vec<String> = of_zone(&nobody).into_iter().flat_map(|it| it.resources).collect();
        assert!(!nobody.iter().any(|arn| arn.contains("sns") || arn.contains("audit-heads")), "{nobody:?}");
    }

    #[test]
    fn a_scan_changes_nothing() {
        let mut scope = Scope { phases: [Phase::Scan].into(), ..everything() };
        let told = [
            Use::Hub,
            Use::Machines,
            Use::MaintenanceWindows,
            Use::Parameters,
            Use::Figures,
            Use::Topics,
            Use::EventBuses,
        ];
        for told in told {
            scope.uses.remove(&told);
        }
        let changing: Vec<&str> = of_zone(&scope)
            .iter()
            .flat_map(|it| it.actions.clone())
            .filter(|action| operations::ALL.iter().any(|it| it.iam == *action && it.mutates()))
            .collect();
        assert_eq!(changing, [""; 0]);
    }

    #[test]
    fn a_tag_with_a_dollar_sign_is_no_variable() {
        let condition = like("aws:ResourceTag/Cost".into(), &["${aws:username}".into()]);
        assert_eq!(condition.values, ["${$}{aws:username}"]);
    }
}
