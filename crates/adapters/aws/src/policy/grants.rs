//! What each changing call has to be allowed: the actions, on what, and under which conditions.
//!
//! Source: Service Authorization Reference, "Actions defined by Amazon EC2", "… AWS Systems
//! Manager", "… Elastic Load Balancing", "… Amazon EC2 Auto Scaling", "… Amazon S3", "… Amazon SNS",
//! "… Amazon EventBridge", "… Amazon CloudWatch", "… AWS Step Functions",
//! "… AWS Lambda", "… Amazon Elastic Kubernetes Service", "… Amazon Bedrock": resource types and condition keys of each action.

/// One permission of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The IAM action.
    pub(crate) action: &'static str,
    /// On what.
    pub(crate) on: &'static [On],
    /// What must hold.
    pub(crate) marks: &'static [Mark],
}

/// Kinds of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    /// A resource of EC2 by its kind in ARNs, e.g. `volume`.
    Ec2(&'static str),
    /// The documents that are run.
    Documents,
    /// Any role of the account.
    Roles,
    /// The role that carries the policy.
    OwnRole,
    /// A target group.
    TargetGroups,
    /// A classic load balancer.
    ClassicBalancers,
    /// An Auto Scaling group.
    AutoScalingGroups,
    /// Objects of the bucket that carries patch lists.
    PatchLists,
    /// The clusters that are worked on.
    Clusters,
    /// Add-ons of these clusters.
    ClusterAddons,
    /// Managed node groups of these clusters.
    ClusterNodeGroups,
    /// The functions that are worked on, and their versions.
    Functions,
    /// The models that write summaries.
    Models,
    /// The state machines that are worked on, and their versions.
    Machines,
    /// Their executions.
    Executions,
    /// Maintenance windows of Systems Manager.
    MaintenanceWindows,
    /// Parameters below the prefixes that are used.
    Parameters,
    /// Public parameters by which EKS names its images.
    PublicParameters,
    /// What a hub keeps with that service.
    Hub(&'static str),
    /// Log groups of the functions of hubs.
    HubLogs,
    /// Stacks of hubs and of their spokes.
    HubStacks,
    /// State machines of hubs.
    HubMachines,
    /// What commands put into the buckets of functions.
    CodeBuckets,
    /// Heads in the bucket that keeps those of audit logs.
    AuditHeads,
    /// Topics that notices go to.
    Topics,
    /// Event buses that notices and events go to.
    EventBuses,
    /// The rules that are worked on.
    EventRules,
    /// Whatever there is: AWS tells no resources apart.
    Everything,
}

/// What must hold for a call to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// The instance carries the tags the selection asks for; EC2 is asked by `aws:ResourceTag`.
    Chosen,
    /// The same for Systems Manager, which asks by `ssm:resourceTag`.
    ChosenNode,
    /// The resource was made for this purpose ([`PURPOSE_TAG`]).
    For(&'static str),
    /// The call marks what it makes with this purpose.
    Marks(&'static str),
    /// Tags are set by this call while it makes something, not on what is there.
    While(&'static str),
    /// The role is handed to EC2.
    ToEc2,
    /// The role is handed to EventBridge.
    ToEventBridge,
    /// The role is handed to Lambda.
    ToLambda,
    /// The role is handed to Step Functions.
    ToStepFunctions,
    /// The metric is in the namespace of a run's figures.
    Namespace,
}

/// The tag that says what something was made for. The steps set it; a run with a policy made here
/// fails where they differ.
pub(crate) const PURPOSE_TAG: &str = "fleetwright:purpose";
/// The purpose of images and of the snapshots behind them.
const BACKUP: &str = "pre-patch-backup";
/// The purpose of what puts a host back.
const RESTORE: &str = "restore";

const INSTANCES: &[On] = &[On::Ec2("instance")];
const IMAGES: &[On] = &[On::Ec2("image")];
const SNAPSHOTS: &[On] = &[On::Ec2("snapshot")];
const BACKUPS: &[On] = &[On::Ec2("image"), On::Ec2("snapshot")];
const TASKS: &[On] = &[On::Ec2("replace-root-volume-task")];
/// What a launch makes or names beside the instance and the image.
const SURROUNDINGS: &[On] = &[
    On::Ec2("key-pair"),
    On::Ec2("network-interface"),
    On::Ec2("security-group"),
    On::Ec2("subnet"),
    On::Ec2("volume"),
];

const fn grant(action: &'static str, on: &'static [On], marks: &'static [Mark]) -> Grant {
    Grant { action, on, marks }
}

/// Calls that need several permissions.
static CREATE_IMAGE: &[Grant] = &[
    grant("ec2:CreateImage", INSTANCES, &[Mark::Chosen]),
    grant("ec2:CreateImage", BACKUPS, &[Mark::Marks(BACKUP)]),
    grant("ec2:CreateTags", BACKUPS, &[Mark::While("CreateImage"), Mark::Marks(BACKUP)]),
];
static RESTORE_ROOT: &[Grant] = &[
    grant("ec2:CreateReplaceRootVolumeTask", INSTANCES, &[Mark::Chosen]),
    grant("ec2:CreateReplaceRootVolumeTask", IMAGES, &[Mark::For(BACKUP)]),
    grant("ec2:CreateReplaceRootVolumeTask", TASKS, &[Mark::Marks(RESTORE)]),
    grant("ec2:CreateReplaceRootVolumeTask", &[On::Ec2("volume")], &[]),
    grant("ec2:CreateTags", TASKS, &[Mark::While("CreateReplaceRootVolumeTask"), Mark::Marks(RESTORE)]),
];
static LAUNCH: &[Grant] = &[
    grant("ec2:RunInstances", INSTANCES, &[Mark::Marks(RESTORE)]),
    grant("ec2:RunInstances", IMAGES, &[Mark::For(BACKUP)]),
    grant("ec2:RunInstances", SURROUNDINGS, &[]),
    grant("ec2:CreateTags", INSTANCES, &[Mark::While("RunInstances"), Mark::Marks(RESTORE)]),
    grant("iam:PassRole", &[On::Roles], &[Mark::ToEc2]),
];
static SEND_COMMAND: &[Grant] = &[
    grant("ssm:SendCommand", &[On::Documents], &[]),
    grant("ssm:SendCommand", INSTANCES, &[Mark::ChosenNode]),
];
/// Making and changing a state machine: its role is handed over, and a version may be published in the same call.
static CREATE_MACHINE: &[Grant] = &[
    grant("states:CreateStateMachine", &[On::Machines], &[]),
    grant("states:PublishStateMachineVersion", &[On::Machines], &[]),
    grant("iam:PassRole", &[On::Roles], &[Mark::ToStepFunctions]),
];
/// Making a function: its role is handed over, as it is with every change of its configuration.
static CREATE_FUNCTION: &[Grant] = &[
    grant("lambda:CreateFunction", &[On::Functions], &[]),
    grant("iam:PassRole", &[On::Roles], &[Mark::ToLambda]),
];
/// Targets may have a role, which is handed over.
static PUT_TARGETS: &[Grant] = &[
    grant("events:PutTargets", &[On::EventRules], &[]),
    grant("iam:PassRole", &[On::Roles], &[Mark::ToEventBridge]),
];
/// One call for several buckets, each granted where it is used.
static PUT_OBJECT: &[Grant] = &[
    grant("s3:PutObject", &[On::PatchLists], &[]),
    grant("s3:PutObject", &[On::AuditHeads], &[]),
    grant("s3:PutObject", &[On::CodeBuckets], &[]),
];
/// CloudFormation fetches a large template with the rights of whoever names it.
static GET_OBJECT: &[Grant] =
    &[grant("s3:GetObject", &[On::Hub("s3")], &[]), grant("s3:GetObject", &[On::CodeBuckets], &[])];
/// Machines are listed by name, or because a hub's stack is not deleted while it runs.
static LIST_EXECUTIONS: &[Grant] = &[
    grant("states:ListExecutions", &[On::Machines], &[]),
    grant("states:ListExecutions", &[On::HubMachines], &[]),
];
/// Calls that need one permission, of their own name.
static ALONE: &[Grant] = &[
    grant("autoscaling:CancelInstanceRefresh", &[On::AutoScalingGroups], &[]),
    grant("autoscaling:EnterStandby", &[On::AutoScalingGroups], &[]),
    grant("autoscaling:ExitStandby", &[On::AutoScalingGroups], &[]),
    grant("autoscaling:ResumeProcesses", &[On::AutoScalingGroups], &[]),
    grant("autoscaling:StartInstanceRefresh", &[On::AutoScalingGroups], &[]),
    grant("autoscaling:SuspendProcesses", &[On::AutoScalingGroups], &[]),
    grant("cloudformation:CreateChangeSet", &[On::HubStacks], &[]),
    grant("cloudformation:DeleteChangeSet", &[On::HubStacks], &[]),
    grant("cloudformation:DeleteStack", &[On::HubStacks], &[]),
    grant("cloudformation:DescribeChangeSet", &[On::HubStacks], &[]),
    grant("cloudformation:DescribeStackEvents", &[On::HubStacks], &[]),
    grant("cloudformation:DescribeStacks", &[On::HubStacks], &[]),
    grant("cloudformation:ExecuteChangeSet", &[On::HubStacks], &[]),
    grant("cloudformation:GetTemplate", &[On::HubStacks], &[]),
    grant("cloudwatch:PutMetricData", &[On::Everything], &[Mark::Namespace]),
    grant("ec2:DeleteSnapshot", SNAPSHOTS, &[Mark::For(BACKUP)]),
    grant("ec2:DeregisterImage", IMAGES, &[Mark::For(BACKUP)]),
    grant("ec2:RebootInstances", INSTANCES, &[Mark::Chosen]),
    grant("ec2:StartInstances", INSTANCES, &[Mark::Chosen]),
    grant("ec2:StopInstances", INSTANCES, &[Mark::Chosen]),
    grant("s3:ListBucket", &[On::Hub("s3")], &[]),
    grant("secretsmanager:GetSecretValue", &[On::Hub("secretsmanager")], &[]),
    grant("states:SendTaskSuccess", &[On::Hub("states")], &[]),
    grant("dynamodb:GetItem", &[On::Hub("dynamodb")], &[]),
    grant("dynamodb:PutItem", &[On::Hub("dynamodb")], &[]),
    grant("dynamodb:Query", &[On::Hub("dynamodb")], &[]),
    grant("dynamodb:UpdateItem", &[On::Hub("dynamodb")], &[]),
    grant("elasticloadbalancing:DeregisterInstancesFromLoadBalancer", &[On::ClassicBalancers], &[]),
    grant("elasticloadbalancing:DeregisterTargets", &[On::TargetGroups], &[]),
    grant("elasticloadbalancing:RegisterInstancesWithLoadBalancer", &[On::ClassicBalancers], &[]),
    grant("elasticloadbalancing:RegisterTargets", &[On::TargetGroups], &[]),
    grant("eks:CancelUpdate", &[On::Clusters], &[]),
    grant("eks:StartInsightsRefresh", &[On::Clusters], &[]),
    grant("eks:UpdateAddon", &[On::ClusterAddons], &[]),
    grant("eks:UpdateClusterVersion", &[On::Clusters], &[]),
    grant("eks:UpdateNodegroupVersion", &[On::ClusterNodeGroups], &[]),
    grant("events:DeleteRule", &[On::EventRules], &[]),
    grant("events:DescribeRule", &[On::EventRules], &[]),
    grant("events:DisableRule", &[On::EventRules], &[]),
    grant("bedrock:InvokeModel", &[On::Models], &[]),
    grant("events:EnableRule", &[On::EventRules], &[]),
    grant("events:ListTargetsByRule", &[On::EventRules], &[]),
    grant("events:PutEvents", &[On::EventBuses], &[]),
    grant("events:PutRule", &[On::EventRules], &[]),
    grant("events:RemoveTargets", &[On::EventRules], &[]),
    grant("iam:SimulatePrincipalPolicy", &[On::OwnRole], &[]),
    grant("lambda:DeleteFunction", &[On::Functions], &[]),
    grant("lambda:GetFunctionConfiguration", &[On::Functions], &[]),
    grant("lambda:InvokeFunction", &[On::Functions], &[]),
    grant("lambda:ListVersionsByFunction", &[On::Functions], &[]),
    grant("lambda:PublishVersion", &[On::Functions], &[]),
    grant("lambda:UpdateFunctionCode", &[On::Functions], &[]),
    grant("lambda:UpdateFunctionConfiguration", &[On::Functions], &[]),
    grant("logs:FilterLogEvents", &[On::HubLogs], &[]),
    grant("sns:Publish", &[On::Topics], &[]),
    grant("ssm:AddTagsToResource", &[On::Parameters], &[]),
    grant("ssm:DeleteMaintenanceWindow", &[On::MaintenanceWindows], &[]),
    grant("ssm:DeleteParameters", &[On::Parameters], &[]),
    grant("ssm:GetParameter", &[On::PublicParameters], &[]),
    grant("ssm:GetParameterHistory", &[On::Parameters], &[]),
    grant("ssm:GetParameters", &[On::Parameters], &[]),
    grant("ssm:GetParametersByPath", &[On::Parameters], &[]),
    grant("ssm:ListTagsForResource", &[On::Parameters], &[]),
    grant("ssm:PutParameter", &[On::Parameters], &[]),
    grant("ssm:RegisterTargetWithMaintenanceWindow", &[On::MaintenanceWindows], &[]),
    grant("ssm:RegisterTaskWithMaintenanceWindow", &[On::MaintenanceWindows], &[]),
    grant("states:DeleteStateMachine", &[On::Machines], &[]),
    grant("states:DescribeExecution", &[On::Executions], &[]),
    grant("states:DescribeStateMachine", &[On::Machines], &[]),
    grant("states:GetExecutionHistory", &[On::Executions], &[]),
    grant("states:ListStateMachineVersions", &[On::Machines], &[]),
    grant("states:StartExecution", &[On::Machines], &[]),
    grant("states:StopExecution", &[On::Executions], &[]),
    grant("states:UpdateStateMachine", &[On::Machines], &[]),
];

/// What a call needs. `None` for one that AWS allows on everything or not at all, as reads are.
pub(crate) fn of(call: &str) -> Option<&'static [Grant]> {
    match call {
        "ec2:CreateImage" => Some(CREATE_IMAGE),
        "ec2:CreateReplaceRootVolumeTask" => Some(RESTORE_ROOT),
        "ec2:RunInstances" => Some(LAUNCH),
        "events:PutTargets" => Some(PUT_TARGETS),
        "lambda:CreateFunction" => Some(CREATE_FUNCTION),
        "s3:GetObject" => Some(GET_OBJECT),
        "s3:PutObject" => Some(PUT_OBJECT),
        "states:ListExecutions" => Some(LIST_EXECUTIONS),
        "ssm:SendCommand" => Some(SEND_COMMAND),
        "states:CreateStateMachine" => Some(CREATE_MACHINE),
        other => ALONE.iter().find(|grant| grant.action == other).map(std::slice::from_ref),
    }
}

/// Permissions that come with calls of another name and are never called themselves.
pub(crate) const WITH_OTHERS: &[&str] =
    &["ec2:CreateTags", "iam:PassRole", "states:PublishStateMachineVersion"];
