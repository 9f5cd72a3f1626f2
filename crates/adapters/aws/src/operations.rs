//! Every operation fleetwright calls.
//!
//! Rates: EC2 Developer Guide, "Request throttling for the Amazon EC2 API", for EC2. STS grants an
//! account and region 600 requests per second for all its callers together (IAM User Guide, "IAM
//! and STS quotas"); we stay well below. CloudWatch grants GetMetricData 50 and DescribeAlarms 9
//! requests per second (CloudWatch user guide, "CloudWatch service quotas"). The other services
//! publish none for these operations.
//!
//! Some permissions are needed by calls of another name, e.g. ec2:CreateTags by every call that
//! makes something with tags. They have a row of their own that is never called.

use fleetwright_model::Phase;

use crate::operation::{Effect, Need, Operation, Principal, Rate, Repeat, Service};

/// Describe calls with a filter and a page size.
const EC2_PAGED: Rate = Rate::Published { burst: 100, per_second: 20.0 };
/// Describe calls without.
const EC2_UNPAGED: Rate = Rate::Published { burst: 50, per_second: 10.0 };
/// Mutating calls that EC2 gives no bucket of their own.
const EC2_MUTATING: Rate = Rate::Published { burst: 50, per_second: 5.0 };
/// StartInstances and RunInstances.
const EC2_LAUNCHING: Rate = Rate::Published { burst: 5, per_second: 2.0 };
/// DeregisterImage and DeleteSnapshot.
const EC2_DELETING: Rate = Rate::Published { burst: 100, per_second: 5.0 };
/// CreateTags.
const EC2_TAGGING: Rate = Rate::Published { burst: 100, per_second: 10.0 };
/// Commands that are sent or cancelled.
const SSM_COMMAND: Rate = Rate::Assumed { burst: 5, per_second: 2.0 };
/// CloudWatch, GetMetricData.
const METRIC_DATA: Rate = Rate::Published { burst: 50, per_second: 50.0 };
/// CloudWatch, PutMetricData; it is granted 500 (CloudWatch user guide, "CloudWatch service quotas").
const METRIC_PUTS: Rate = Rate::Published { burst: 50, per_second: 50.0 };
/// CloudWatch, DescribeAlarms.
const ALARMS: Rate = Rate::Published { burst: 9, per_second: 9.0 };
/// Systems Manager's reads.
const SSM_READ: Rate = Rate::Assumed { burst: 10, per_second: 5.0 };
/// Elastic Load Balancing's reads.
const ELB_READ: Rate = Rate::Assumed { burst: 20, per_second: 10.0 };
/// Registering and deregistering.
const ELB_CHANGE: Rate = Rate::Assumed { burst: 10, per_second: 4.0 };
/// Auto Scaling's reads.
const SCALING_READ: Rate = Rate::Assumed { burst: 20, per_second: 10.0 };
/// Standby and processes.
const SCALING_CHANGE: Rate = Rate::Assumed { burst: 5, per_second: 2.0 };
/// S3 takes 3,500 writes per second and prefix (S3 user guide, "Optimizing performance"); we need few.
const S3_WRITES: Rate = Rate::Published { burst: 100, per_second: 100.0 };
/// And 5,500 reads (same source).
const S3_READS: Rate = Rate::Published { burst: 200, per_second: 200.0 };
/// A table on demand takes thousands (DynamoDB Developer Guide, "Service quotas"); a run needs few.
const ITEMS: Rate = Rate::Published { burst: 200, per_second: 200.0 };
/// Step Functions' reads; it publishes buckets of 100 and more with 2 to 20 a second for everybody in an account and
/// region (Step Functions Developer Guide, "Service quotas"), of which this is a share.
const MACHINE_READ: Rate = Rate::Assumed { burst: 50, per_second: 5.0 };
/// Machines that are made, changed and deleted.
const MACHINE_CHANGE: Rate = Rate::Assumed { burst: 20, per_second: 1.0 };
/// Executions that are started and stopped.
const EXECUTION_CHANGE: Rate = Rate::Assumed { burst: 50, per_second: 10.0 };
/// Rules and targets. EventBridge grants 50 and more a second for each (EventBridge quotas, "API throttle limits").
const RULES: Rate = Rate::Assumed { burst: 20, per_second: 10.0 };
/// Lambda's control plane takes 15 requests a second from everybody in an account and region, of all kinds together
/// (Lambda Developer Guide, "Lambda quotas", API requests), of which this is a share.
const FUNCTIONS: Rate = Rate::Assumed { burst: 10, per_second: 5.0 };
/// Invocations; ten times the concurrency a second are taken (same source).
const INVOCATIONS: Rate = Rate::Assumed { burst: 50, per_second: 50.0 };
/// EKS's reads, of all kinds; it publishes no limit.
const CLUSTERS: Rate = Rate::Assumed { burst: 10, per_second: 5.0 };
/// EKS's changes; it publishes no limit, and an upgrade makes few.
const CLUSTER_CHANGE: Rate = Rate::Assumed { burst: 5, per_second: 2.0 };
/// Models write a handful of texts; what an account may ask is a quota of each model.
const MODELS: Rate = Rate::Assumed { burst: 1, per_second: 0.2 };
/// DescribeKey is granted 2,000 a second and more (KMS Developer Guide, "Request quotas"); we need few.
const KEYS: Rate = Rate::Published { burst: 10, per_second: 10.0 };
/// Service Quotas grants GetServiceQuota 5 a second and 10 at once (Service Quotas User Guide, "Service quotas for Service
/// Quotas"), of which this is a share: what an assessment asks goes at once.
const QUOTAS: Rate = Rate::Assumed { burst: 5, per_second: 2.0 };
/// CloudWatch Logs, FilterLogEvents; 5 a second in the smaller regions (user guide, "CloudWatch Logs service quotas").
const LOG_READ: Rate = Rate::Published { burst: 5, per_second: 4.0 };
/// CloudFormation; it publishes no rates.
const STACK_READ: Rate = Rate::Assumed { burst: 10, per_second: 2.0 };
/// Change sets and stacks that are made, carried out and deleted.
const STACK_CHANGE: Rate = Rate::Assumed { burst: 5, per_second: 1.0 };
/// Messages about a run: a handful.
const MESSAGES: Rate = Rate::Assumed { burst: 10, per_second: 5.0 };
/// A share of what STS grants.
const STS_SHARE: Rate = Rate::Published { burst: 100, per_second: 100.0 };
/// IAM and Organizations: one small bucket for the partition.
const GLOBAL: Rate = Rate::Assumed { burst: 5, per_second: 4.0 };

/// Commands apart from any phase: no run, no check of its permissions and no policy needs them.
const APART: &[Phase] = &[];
const SCAN: &[Phase] = &[Phase::Scan];
const BACKUP: &[Phase] = &[Phase::Backup];
const START: &[Phase] = &[Phase::Start];
/// Starting and stopping again, and stopping what another instance takes the place of.
const POWERING: &[Phase] = &[Phase::Start, Phase::Patch];
const PATCH: &[Phase] = &[Phase::Patch];
const VALIDATE: &[Phase] = &[Phase::Validate];
const REPORT: &[Phase] = &[Phase::Report];
/// Phases that run something on hosts.
const COMMANDING: &[Phase] = &[Phase::Precheck, Phase::Patch, Phase::Validate];
/// Phases that make something with tags: images, and what puts a host back.
const TAGGING: &[Phase] = &[Phase::Backup, Phase::Patch];
/// Phases that look at instances and their agents.
const WATCHING: &[Phase] =
    &[Phase::Scan, Phase::Backup, Phase::Start, Phase::Precheck, Phase::Patch, Phase::Validate];
const VERIFYING: &[Phase] = &[Phase::Scan, Phase::Patch, Phase::Validate];
/// Phases after which, or between whose waves, it is judged what became of hosts.
const JUDGING: &[Phase] = &[Phase::Patch, Phase::Validate];
/// Phases that enter a landing zone at all.
const ENTERING: &[Phase] =
    &[Phase::Scan, Phase::Backup, Phase::Start, Phase::Precheck, Phase::Patch, Phase::Validate];

const READS: Effect = Effect::Reads;
const BY_STATE: Effect = Effect::Changes(Repeat::ByState);
const BY_TOKEN: Effect = Effect::Changes(Repeat::ByToken);
const NEVER_TWICE: Effect = Effect::Changes(Repeat::Never);

/// Declares the operations and the list of them.
macro_rules! operations {
    ($($name:ident = $service:ident $wire:literal $iam:literal, $principal:ident, $phases:ident, $need:ident, $effect:ident, $rate:ident, $purpose:literal;)+) => {
        $(
            #[doc = $purpose]
            pub(crate) static $name: Operation = Operation {
                service: Service::$service,
                name: $wire,
                iam: $iam,
                principal: Principal::$principal,
                phases: $phases,
                purpose: $purpose,
                need: Need::$need,
                effect: $effect,
                rate: $rate,
            };
        )+
        /// The whole table.
        pub(crate) static ALL: &[&Operation] = &[$(&$name),+];
    };
}

operations! {
    GET_CALLER_IDENTITY = Sts "GetCallerIdentity" "sts:GetCallerIdentity", Zone, ENTERING, Required, READS, STS_SHARE,
        "to know which account the credentials belong to";
    ASSUME_ROLE = Sts "AssumeRole" "sts:AssumeRole", Caller, ENTERING, Required, READS, STS_SHARE,
        "to enter landing zones that name a role";
    DESCRIBE_REGIONS = Ec2 "DescribeRegions" "ec2:DescribeRegions", Zone, SCAN, Required, READS, EC2_UNPAGED,
        "to find the regions enabled in an account";
    DESCRIBE_INSTANCES = Ec2 "DescribeInstances" "ec2:DescribeInstances", Zone, WATCHING, Required, READS, EC2_PAGED,
        "to list instances";
    DESCRIBE_INSTANCE_INFORMATION = Ssm "DescribeInstanceInformation" "ssm:DescribeInstanceInformation", Zone, WATCHING, Required, READS, SSM_READ,
        "to see which agents answer";
    DESCRIBE_INSTANCE_PATCH_STATES = Ssm "DescribeInstancePatchStates" "ssm:DescribeInstancePatchStates", Zone, VERIFYING, Required, READS, SSM_READ,
        "to see which patches are missing";
    DESCRIBE_INSTANCE_PATCHES = Ssm "DescribeInstancePatches" "ssm:DescribeInstancePatches", Zone, PATCH, Optional, READS, SSM_READ,
        "to name the patches that are missing or failed";
    DESCRIBE_INSTANCE_STATUS = Ec2 "DescribeInstanceStatus" "ec2:DescribeInstanceStatus", Zone, WATCHING, Required, READS, EC2_PAGED,
        "to leave ill hosts alone";
    DESCRIBE_PATCH_BASELINES = Ssm "DescribePatchBaselines" "ssm:DescribePatchBaselines", Zone, SCAN, Optional, READS, SSM_READ,
        "to name the baselines of patch states";
    DESCRIBE_VOLUMES = Ec2 "DescribeVolumes" "ec2:DescribeVolumes", Zone, SCAN, Optional, READS, EC2_PAGED,
        "to add up attached storage; for `eks` also against the quotas of volumes";
    DESCRIBE_INSTANCE_TYPES = Ec2 "DescribeInstanceTypes" "ec2:DescribeInstanceTypes", Zone, SCAN, Optional, READS, EC2_UNPAGED,
        "to show memory and network performance";
    SEND_COMMAND = Ssm "SendCommand" "ssm:SendCommand", Zone, COMMANDING, Required, NEVER_TWICE, SSM_COMMAND,
        "to run documents on hosts; allow it on the documents and on the instances";
    LIST_COMMANDS = Ssm "ListCommands" "ssm:ListCommands", Zone, COMMANDING, Required, READS, SSM_READ,
        "to see which commands have ended, and which were sent before";
    LIST_COMMAND_INVOCATIONS = Ssm "ListCommandInvocations" "ssm:ListCommandInvocations", Zone, COMMANDING, Required, READS, SSM_READ,
        "to see what became of a command on each host";
    GET_COMMAND_INVOCATION = Ssm "GetCommandInvocation" "ssm:GetCommandInvocation", Zone, COMMANDING, Required, READS, SSM_READ,
        "to read long outputs";
    CANCEL_COMMAND = Ssm "CancelCommand" "ssm:CancelCommand", Zone, COMMANDING, Required, BY_STATE, SSM_COMMAND,
        "to call back what no host has begun";
    CREATE_IMAGE = Ec2 "CreateImage" "ec2:CreateImage", Zone, BACKUP, Required, NEVER_TWICE, EC2_MUTATING,
        "to make images before anything changes";
    CREATE_TAGS = Ec2 "CreateTags" "ec2:CreateTags", Zone, TAGGING, Required, BY_STATE, EC2_TAGGING,
        "to tag images, snapshots and restored instances in the call that makes them";
    DESCRIBE_IMAGES = Ec2 "DescribeImages" "ec2:DescribeImages", Zone, TAGGING, Required, READS, EC2_PAGED,
        "to see that images are available";
    DESCRIBE_SNAPSHOTS = Ec2 "DescribeSnapshots" "ec2:DescribeSnapshots", Zone, TAGGING, Required, READS, EC2_PAGED,
        "to see that the snapshots behind images are complete";
    DEREGISTER_IMAGE = Ec2 "DeregisterImage" "ec2:DeregisterImage", Zone, BACKUP, Required, BY_STATE, EC2_DELETING,
        "to take away images past their retention";
    DELETE_SNAPSHOT = Ec2 "DeleteSnapshot" "ec2:DeleteSnapshot", Zone, BACKUP, Required, BY_STATE, EC2_DELETING,
        "to delete the snapshots of such images";
    START_INSTANCES = Ec2 "StartInstances" "ec2:StartInstances", Zone, START, Required, BY_STATE, EC2_LAUNCHING,
        "to start stopped instances; with a key of the account's own, its policy must allow kms:CreateGrant";
    STOP_INSTANCES = Ec2 "StopInstances" "ec2:StopInstances", Zone, POWERING, Required, BY_STATE, EC2_MUTATING,
        "to stop again what was started";
    REBOOT_INSTANCES = Ec2 "RebootInstances" "ec2:RebootInstances", Zone, PATCH, Required, NEVER_TWICE, EC2_MUTATING,
        "to reboot hosts that cannot be asked to";
    CREATE_REPLACE_ROOT_VOLUME_TASK = Ec2 "CreateReplaceRootVolumeTask" "ec2:CreateReplaceRootVolumeTask", Zone, PATCH, Required, BY_TOKEN, EC2_MUTATING,
        "to restore a host from its image";
    DESCRIBE_REPLACE_ROOT_VOLUME_TASKS = Ec2 "DescribeReplaceRootVolumeTasks" "ec2:DescribeReplaceRootVolumeTasks", Zone, PATCH, Required, READS, EC2_UNPAGED,
        "to see how far a restore is";
    RUN_INSTANCES = Ec2 "RunInstances" "ec2:RunInstances", Zone, PATCH, Optional, BY_TOKEN, EC2_LAUNCHING,
        "to launch an instance in the place of one that cannot be restored";
    PASS_ROLE = Iam "PassRole" "iam:PassRole", Zone, PATCH, Optional, READS, GLOBAL,
        "to give such an instance the role of the old one";
    DESCRIBE_TARGET_GROUPS = ElasticLoadBalancing "DescribeTargetGroups" "elasticloadbalancing:DescribeTargetGroups", Zone, VERIFYING, Optional, READS, ELB_READ,
        "to find the target groups that hosts are in";
    DESCRIBE_TARGET_HEALTH = ElasticLoadBalancing "DescribeTargetHealth" "elasticloadbalancing:DescribeTargetHealth", Zone, VERIFYING, Optional, READS, ELB_READ,
        "to see who is in a target group, and whether it gets requests";
    DEREGISTER_TARGETS = ElasticLoadBalancing "DeregisterTargets" "elasticloadbalancing:DeregisterTargets", Zone, PATCH, Optional, BY_STATE, ELB_CHANGE,
        "to take a host out of its target groups before it is changed";
    REGISTER_TARGETS = ElasticLoadBalancing "RegisterTargets" "elasticloadbalancing:RegisterTargets", Zone, PATCH, Optional, BY_STATE, ELB_CHANGE,
        "to put it back";
    DESCRIBE_LOAD_BALANCERS = ElasticLoadBalancing "DescribeLoadBalancers" "elasticloadbalancing:DescribeLoadBalancers", Zone, VERIFYING, Optional, READS, ELB_READ,
        "to find load balancers of the first generation";
    DESCRIBE_INSTANCE_HEALTH = ElasticLoadBalancing "DescribeInstanceHealth" "elasticloadbalancing:DescribeInstanceHealth", Zone, VERIFYING, Optional, READS, ELB_READ,
        "to see who is behind such a balancer, and whether it gets requests";
    DEREGISTER_INSTANCES = ElasticLoadBalancing "DeregisterInstancesFromLoadBalancer" "elasticloadbalancing:DeregisterInstancesFromLoadBalancer", Zone, PATCH, Optional, BY_STATE, ELB_CHANGE,
        "to take a host out of such balancers before it is changed";
    REGISTER_INSTANCES = ElasticLoadBalancing "RegisterInstancesWithLoadBalancer" "elasticloadbalancing:RegisterInstancesWithLoadBalancer", Zone, PATCH, Optional, BY_STATE, ELB_CHANGE,
        "to put it back there";
    DESCRIBE_AUTO_SCALING_INSTANCES = AutoScaling "DescribeAutoScalingInstances" "autoscaling:DescribeAutoScalingInstances", Zone, VERIFYING, Optional, READS, SCALING_READ,
        "to see whether a host serves in its Auto Scaling group";
    DESCRIBE_AUTO_SCALING_GROUPS = AutoScaling "DescribeAutoScalingGroups" "autoscaling:DescribeAutoScalingGroups", Zone, VERIFYING, Optional, READS, SCALING_READ,
        "to see whether a group has room for a host in standby, and what of it is suspended";
    ENTER_STANDBY = AutoScaling "EnterStandby" "autoscaling:EnterStandby", Zone, PATCH, Optional, BY_STATE, SCALING_CHANGE,
        "to keep a group from replacing a host that is changed";
    EXIT_STANDBY = AutoScaling "ExitStandby" "autoscaling:ExitStandby", Zone, PATCH, Optional, BY_STATE, SCALING_CHANGE,
        "to put it back into service";
    SUSPEND_PROCESSES = AutoScaling "SuspendProcesses" "autoscaling:SuspendProcesses", Zone, PATCH, Optional, BY_STATE, SCALING_CHANGE,
        "to keep a group without room for standby from replacing a host that is changed";
    RESUME_PROCESSES = AutoScaling "ResumeProcesses" "autoscaling:ResumeProcesses", Zone, PATCH, Optional, BY_STATE, SCALING_CHANGE,
        "to let such a group go on";
    GET_METRIC_DATA = CloudWatch "GetMetricData" "cloudwatch:GetMetricData", Zone, VALIDATE, Optional, READS, METRIC_DATA,
        "to compare the load before and after";
    PUT_METRIC_DATA = CloudWatch "PutMetricData" "cloudwatch:PutMetricData", Zone, REPORT, Optional, NEVER_TWICE, METRIC_PUTS,
        "to send an account and region its figures of a run";
    DESCRIBE_ALARMS = CloudWatch "DescribeAlarms" "cloudwatch:DescribeAlarms", Zone, JUDGING, Optional, READS, ALARMS,
        "to see whether an alarm speaks against a host";
    SIMULATE_PRINCIPAL_POLICY = Iam "SimulatePrincipalPolicy" "iam:SimulatePrincipalPolicy", Zone, ENTERING, Optional, READS, GLOBAL,
        "to check permissions without trying them";
    LIST_ACCOUNTS = Organizations "ListAccounts" "organizations:ListAccounts", Caller, SCAN, Optional, READS, GLOBAL,
        "to find the accounts of the organisation";
    LIST_ACCOUNTS_FOR_PARENT = Organizations "ListAccountsForParent" "organizations:ListAccountsForParent", Caller, SCAN, Optional, READS, GLOBAL,
        "to find the accounts of an organisational unit";
    LIST_ORGANIZATIONAL_UNITS_FOR_PARENT = Organizations "ListOrganizationalUnitsForParent" "organizations:ListOrganizationalUnitsForParent", Caller, SCAN, Optional, READS, GLOBAL,
        "to find the units below an organisational unit";
    DESCRIBE_MAINTENANCE_WINDOWS = Ssm "DescribeMaintenanceWindows" "ssm:DescribeMaintenanceWindows", Zone, APART, Optional, READS, SSM_READ,
        "for `window`: to list maintenance windows";
    DESCRIBE_MAINTENANCE_WINDOW_SCHEDULE = Ssm "DescribeMaintenanceWindowSchedule" "ssm:DescribeMaintenanceWindowSchedule", Zone, APART, Optional, READS, SSM_READ,
        "for `window`: to see which windows are open at the same time";
    DESCRIBE_MAINTENANCE_WINDOW_TARGETS = Ssm "DescribeMaintenanceWindowTargets" "ssm:DescribeMaintenanceWindowTargets", Zone, APART, Optional, READS, SSM_READ,
        "for `window`: to see whom windows go to";
    DESCRIBE_MAINTENANCE_WINDOW_TASKS = Ssm "DescribeMaintenanceWindowTasks" "ssm:DescribeMaintenanceWindowTasks", Zone, APART, Optional, READS, SSM_READ,
        "for `window`: to see what windows do";
    CREATE_MAINTENANCE_WINDOW = Ssm "CreateMaintenanceWindow" "ssm:CreateMaintenanceWindow", Zone, APART, Optional, BY_TOKEN, SSM_COMMAND,
        "for `window create`: to make a window";
    REGISTER_TARGET_WITH_MAINTENANCE_WINDOW = Ssm "RegisterTargetWithMaintenanceWindow" "ssm:RegisterTargetWithMaintenanceWindow", Zone, APART, Optional, BY_TOKEN, SSM_COMMAND,
        "for `window create`: to say whom it goes to";
    REGISTER_TASK_WITH_MAINTENANCE_WINDOW = Ssm "RegisterTaskWithMaintenanceWindow" "ssm:RegisterTaskWithMaintenanceWindow", Zone, APART, Optional, BY_TOKEN, SSM_COMMAND,
        "for `window create`: to say what it does";
    DELETE_MAINTENANCE_WINDOW = Ssm "DeleteMaintenanceWindow" "ssm:DeleteMaintenanceWindow", Zone, APART, Optional, BY_STATE, SSM_COMMAND,
        "for `window delete`, and to take away what was half made";
    GET_PARAMETERS = Ssm "GetParameters" "ssm:GetParameters", Zone, APART, Optional, READS, SSM_READ,
        "for `cloud param`: to read parameters by name";
    GET_PARAMETERS_BY_PATH = Ssm "GetParametersByPath" "ssm:GetParametersByPath", Zone, APART, Optional, READS, SSM_READ,
        "for `cloud param`: to read a configuration";
    GET_PARAMETER_HISTORY = Ssm "GetParameterHistory" "ssm:GetParameterHistory", Zone, APART, Optional, READS, SSM_READ,
        "for `cloud param`: to show the versions of a parameter";
    LIST_TAGS_FOR_RESOURCE = Ssm "ListTagsForResource" "ssm:ListTagsForResource", Zone, APART, Optional, READS, SSM_READ,
        "for `cloud param`: to show the tags of a parameter";
    PUT_PARAMETER = Ssm "PutParameter" "ssm:PutParameter", Zone, APART, Optional, BY_STATE, SSM_COMMAND,
        "for `cloud param`: to put parameters";
    ADD_TAGS_TO_RESOURCE = Ssm "AddTagsToResource" "ssm:AddTagsToResource", Zone, APART, Optional, BY_STATE, SSM_COMMAND,
        "for `cloud param`: to tag parameters";
    DELETE_PARAMETERS = Ssm "DeleteParameters" "ssm:DeleteParameters", Zone, APART, Optional, BY_STATE, SSM_COMMAND,
        "for `cloud param`: to delete parameters";
    GET_CALENDAR_STATE = Ssm "GetCalendarState" "ssm:GetCalendarState", Zone, PATCH, Optional, READS, SSM_READ,
        "to change nothing while a change calendar is closed (safety.change_calendars)";
    LIST_STATE_MACHINES = StepFunctions "ListStateMachines" "states:ListStateMachines", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud machine`: to list state machines";
    DESCRIBE_STATE_MACHINE = StepFunctions "DescribeStateMachine" "states:DescribeStateMachine", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud machine` and `cloud execution`: to see what a state machine is";
    LIST_STATE_MACHINE_VERSIONS = StepFunctions "ListStateMachineVersions" "states:ListStateMachineVersions", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud machine`: to list the versions of a state machine";
    CREATE_STATE_MACHINE = StepFunctions "CreateStateMachine" "states:CreateStateMachine", Zone, APART, Optional, BY_STATE, MACHINE_CHANGE,
        "for `cloud machine`: to make state machines; with iam:PassRole for the role that executions act in";
    UPDATE_STATE_MACHINE = StepFunctions "UpdateStateMachine" "states:UpdateStateMachine", Zone, APART, Optional, BY_STATE, MACHINE_CHANGE,
        "for `cloud machine`: to change state machines";
    PUBLISH_STATE_MACHINE_VERSION = StepFunctions "PublishStateMachineVersion" "states:PublishStateMachineVersion", Zone, APART, Optional, BY_STATE, MACHINE_CHANGE,
        "for `cloud machine`: to publish a version in the call that makes or changes a state machine";
    DELETE_STATE_MACHINE = StepFunctions "DeleteStateMachine" "states:DeleteStateMachine", Zone, APART, Optional, BY_STATE, MACHINE_CHANGE,
        "for `cloud machine`: to delete state machines";
    START_EXECUTION = StepFunctions "StartExecution" "states:StartExecution", Zone, APART, Optional, BY_TOKEN, EXECUTION_CHANGE,
        "for `cloud execution`: to start executions";
    STOP_EXECUTION = StepFunctions "StopExecution" "states:StopExecution", Zone, APART, Optional, BY_STATE, EXECUTION_CHANGE,
        "for `cloud execution`: to stop executions";
    DESCRIBE_EXECUTION = StepFunctions "DescribeExecution" "states:DescribeExecution", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud execution`: to see how an execution stands";
    GET_EXECUTION_HISTORY = StepFunctions "GetExecutionHistory" "states:GetExecutionHistory", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud execution`: to show what happened in an execution";
    LIST_EXECUTIONS = StepFunctions "ListExecutions" "states:ListExecutions", Zone, APART, Optional, READS, MACHINE_READ,
        "for `cloud execution`: to list executions";
    PUT_OBJECT = S3 "PutObject" "s3:PutObject", Zone, PATCH, Optional, BY_STATE, S3_WRITES,
        "to leave the first wave's patches for later ones (safety.gate.patch_list_bucket), and to keep the heads of audit \
         logs (audit.heads_bucket); allow it on those buckets";
    GET_OBJECT = S3 "GetObject" "s3:GetObject", Zone, APART, Optional, READS, S3_READS,
        "for runs that are kept in a bucket: to read artefacts and configuration; allow it below runs/ and configuration/";
    LIST_BUCKET = S3 "ListBucket" "s3:ListBucket", Zone, APART, Optional, READS, S3_READS,
        "for runs that are kept in a bucket: to find artefacts and configuration; allow it on the bucket";
    GET_ITEM = DynamoDb "GetItem" "dynamodb:GetItem", Zone, APART, Optional, READS, ITEMS,
        "for runs that are kept in a table: to read how they stand; allow it on the table";
    QUERY = DynamoDb "Query" "dynamodb:Query", Zone, APART, Optional, READS, ITEMS,
        "for runs that are kept in a table: to read plans and records; allow it on the table";
    PUT_ITEM = DynamoDb "PutItem" "dynamodb:PutItem", Zone, APART, Optional, BY_STATE, ITEMS,
        "for runs that are kept in a table: to add plans and records; allow it on the table";
    UPDATE_ITEM = DynamoDb "UpdateItem" "dynamodb:UpdateItem", Zone, APART, Optional, BY_STATE, ITEMS,
        "for runs that are kept in a table: to say how they stand, and to leave decisions; allow it on the table";
    GET_SECRET_VALUE = SecretsManager "GetSecretValue" "secretsmanager:GetSecretValue", Zone, APART, Optional, READS, SSM_READ,
        "for runs on a hub: to read the external id of spokes and the keys of approval links; allow it on those secrets";
    SEND_TASK_SUCCESS = StepFunctions "SendTaskSuccess" "states:SendTaskSuccess", Zone, APART, Optional, BY_STATE, MESSAGES,
        "for runs on a hub: to let an execution go on that waits for a decision; allow it on the state machine";
    FILTER_LOG_EVENTS = CloudWatchLogs "FilterLogEvents" "logs:FilterLogEvents", Zone, APART, Optional, READS, LOG_READ,
        "for `cloud logs`: to read what the functions of a hub write";
    CREATE_CHANGE_SET = CloudFormation "CreateChangeSet" "cloudformation:CreateChangeSet", Zone, APART, Optional, BY_TOKEN, STACK_CHANGE,
        "for `cloud deploy`: to compare a hub's stack with its template";
    DELETE_CHANGE_SET = CloudFormation "DeleteChangeSet" "cloudformation:DeleteChangeSet", Zone, APART, Optional, BY_STATE, STACK_CHANGE,
        "for `cloud deploy`: to take back a comparison that is not carried out";
    DELETE_STACK = CloudFormation "DeleteStack" "cloudformation:DeleteStack", Zone, APART, Optional, BY_TOKEN, STACK_CHANGE,
        "for `cloud destroy`: to delete a hub's stack";
    DESCRIBE_CHANGE_SET = CloudFormation "DescribeChangeSet" "cloudformation:DescribeChangeSet", Zone, APART, Optional, READS, STACK_READ,
        "for `cloud deploy`: to show what would change";
    DESCRIBE_STACK_EVENTS = CloudFormation "DescribeStackEvents" "cloudformation:DescribeStackEvents", Zone, APART, Optional, READS, STACK_READ,
        "for `cloud deploy` and `cloud destroy`: to follow what happens to a stack";
    DESCRIBE_STACKS = CloudFormation "DescribeStacks" "cloudformation:DescribeStacks", Zone, APART, Optional, READS, STACK_READ,
        "for `cloud deploy` and `cloud destroy`: to see how a stack stands";
    EXECUTE_CHANGE_SET = CloudFormation "ExecuteChangeSet" "cloudformation:ExecuteChangeSet", Zone, APART, Optional, BY_TOKEN, STACK_CHANGE,
        "for `cloud deploy`: to make and change a hub's stack";
    GET_TEMPLATE = CloudFormation "GetTemplate" "cloudformation:GetTemplate", Zone, APART, Optional, READS, STACK_READ,
        "for `cloud destroy`: to say what is deleted and what stays";
    VALIDATE_TEMPLATE = CloudFormation "ValidateTemplate" "cloudformation:ValidateTemplate", Zone, APART, Optional, READS, STACK_READ,
        "for `cloud validate --hub`: to have CloudFormation judge templates";
    PUBLISH = Sns "Publish" "sns:Publish", Zone, REPORT, Optional, NEVER_TWICE, MESSAGES,
        "for notifications through SNS; allow it on the topic";
    PUT_EVENTS = EventBridge "PutEvents" "events:PutEvents", Zone, REPORT, Optional, NEVER_TWICE, MESSAGES,
        "for notifications through EventBridge, and for `cloud event`; allow it on the event bus";
    LIST_RULES = EventBridge "ListRules" "events:ListRules", Zone, APART, Optional, READS, RULES,
        "for `cloud rule`: to list the rules of an event bus";
    DESCRIBE_RULE = EventBridge "DescribeRule" "events:DescribeRule", Zone, APART, Optional, READS, RULES,
        "for `cloud rule`: to see what a rule is";
    PUT_RULE = EventBridge "PutRule" "events:PutRule", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to put rules";
    ENABLE_RULE = EventBridge "EnableRule" "events:EnableRule", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to let a rule take events";
    DISABLE_RULE = EventBridge "DisableRule" "events:DisableRule", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to keep a rule from taking events";
    DELETE_RULE = EventBridge "DeleteRule" "events:DeleteRule", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to delete rules";
    LIST_TARGETS_BY_RULE = EventBridge "ListTargetsByRule" "events:ListTargetsByRule", Zone, APART, Optional, READS, RULES,
        "for `cloud rule`: to list the targets of a rule";
    PUT_TARGETS = EventBridge "PutTargets" "events:PutTargets", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to say who gets the events of a rule; with iam:PassRole for targets that have a role";
    REMOVE_TARGETS = EventBridge "RemoveTargets" "events:RemoveTargets", Zone, APART, Optional, BY_STATE, RULES,
        "for `cloud rule`: to remove targets of a rule";
    LIST_FUNCTIONS = Lambda "ListFunctions" "lambda:ListFunctions", Zone, APART, Optional, READS, FUNCTIONS,
        "for `cloud function`: to list functions";
    GET_FUNCTION_CONFIGURATION = Lambda "GetFunctionConfiguration" "lambda:GetFunctionConfiguration", Zone, APART, Optional, READS, FUNCTIONS,
        "for `cloud function`: to see what a function is, and whether its last change is in effect";
    LIST_VERSIONS_BY_FUNCTION = Lambda "ListVersionsByFunction" "lambda:ListVersionsByFunction", Zone, APART, Optional, READS, FUNCTIONS,
        "for `cloud function`: to list the versions of a function";
    CREATE_FUNCTION = Lambda "CreateFunction" "lambda:CreateFunction", Zone, APART, Optional, BY_STATE, FUNCTIONS,
        "for `cloud function`: to make functions; with iam:PassRole for their roles";
    UPDATE_FUNCTION_CONFIGURATION = Lambda "UpdateFunctionConfiguration" "lambda:UpdateFunctionConfiguration", Zone, APART, Optional, BY_STATE, FUNCTIONS,
        "for `cloud function`: to change what a function is run with";
    UPDATE_FUNCTION_CODE = Lambda "UpdateFunctionCode" "lambda:UpdateFunctionCode", Zone, APART, Optional, BY_STATE, FUNCTIONS,
        "for `cloud function`: to change what a function runs; with s3:GetObject for code that lies in a bucket";
    PUBLISH_VERSION = Lambda "PublishVersion" "lambda:PublishVersion", Zone, APART, Optional, BY_STATE, FUNCTIONS,
        "for `cloud function`: to publish versions of a function";
    DELETE_FUNCTION = Lambda "DeleteFunction" "lambda:DeleteFunction", Zone, APART, Optional, BY_STATE, FUNCTIONS,
        "for `cloud function`: to delete functions and versions of them";
    INVOKE_FUNCTION = Lambda "InvokeFunction" "lambda:InvokeFunction", Zone, APART, Optional, NEVER_TWICE, INVOCATIONS,
        "for `cloud function invoke`: to run a function";
    LIST_CLUSTERS = Eks "ListClusters" "eks:ListClusters", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to list clusters";
    DESCRIBE_CLUSTER = Eks "DescribeCluster" "eks:DescribeCluster", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see what a cluster is";
    DESCRIBE_CLUSTER_VERSIONS = Eks "DescribeClusterVersions" "eks:DescribeClusterVersions", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see which versions EKS offers, and for how long";
    LIST_UPDATES = Eks "ListUpdates" "eks:ListUpdates", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to find the updates of a cluster";
    DESCRIBE_UPDATE = Eks "DescribeUpdate" "eks:DescribeUpdate", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see what an update does and how it stands";
    LIST_NODEGROUPS = Eks "ListNodegroups" "eks:ListNodegroups", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to list managed node groups";
    DESCRIBE_NODEGROUP = Eks "DescribeNodegroup" "eks:DescribeNodegroup", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see what a managed node group is";
    LIST_ADDONS = Eks "ListAddons" "eks:ListAddons", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to list add-ons";
    DESCRIBE_ADDON = Eks "DescribeAddon" "eks:DescribeAddon", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see the version and health of an add-on";
    DESCRIBE_ADDON_VERSIONS = Eks "DescribeAddonVersions" "eks:DescribeAddonVersions", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see which versions of an add-on fit";
    DESCRIBE_ADDON_CONFIGURATION = Eks "DescribeAddonConfiguration" "eks:DescribeAddonConfiguration", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see which configuration an add-on takes";
    LIST_POD_IDENTITY_ASSOCIATIONS = Eks "ListPodIdentityAssociations" "eks:ListPodIdentityAssociations", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see which add-ons have a role";
    LIST_INSIGHTS = Eks "ListInsights" "eks:ListInsights", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see what EKS has found out about a cluster";
    DESCRIBE_INSIGHT = Eks "DescribeInsight" "eks:DescribeInsight", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see who calls what a version does not serve any more";
    START_INSIGHTS_REFRESH = Eks "StartInsightsRefresh" "eks:StartInsightsRefresh", Zone, APART, Optional, BY_STATE, CLUSTERS,
        "for `eks`: to have EKS look at a cluster again";
    DESCRIBE_INSIGHTS_REFRESH = Eks "DescribeInsightsRefresh" "eks:DescribeInsightsRefresh", Zone, APART, Optional, READS, CLUSTERS,
        "for `eks`: to see whether EKS has looked again";
    UPDATE_CLUSTER_VERSION = Eks "UpdateClusterVersion" "eks:UpdateClusterVersion", Zone, APART, Optional, BY_TOKEN, CLUSTER_CHANGE,
        "for `eks upgrade`: to send a control plane one version up, or back";
    UPDATE_ADDON = Eks "UpdateAddon" "eks:UpdateAddon", Zone, APART, Optional, BY_TOKEN, CLUSTER_CHANGE,
        "for `eks upgrade`: to put an add-on to another version";
    UPDATE_NODEGROUP_VERSION = Eks "UpdateNodegroupVersion" "eks:UpdateNodegroupVersion", Zone, APART, Optional, BY_TOKEN, CLUSTER_CHANGE,
        "for `eks upgrade`: to replace the nodes of a managed node group";
    CANCEL_UPDATE = Eks "CancelUpdate" "eks:CancelUpdate", Zone, APART, Optional, BY_TOKEN, CLUSTER_CHANGE,
        "for `eks upgrade`: to call off an update of a cluster";
    DESCRIBE_LAUNCH_TEMPLATE_VERSIONS = Ec2 "DescribeLaunchTemplateVersions" "ec2:DescribeLaunchTemplateVersions", Zone, APART, Optional, READS, EC2_PAGED,
        "for `eks`: to see which images and instance types the launch templates of groups name";
    DESCRIBE_INSTANCE_REFRESHES = AutoScaling "DescribeInstanceRefreshes" "autoscaling:DescribeInstanceRefreshes", Zone, APART, Optional, READS, SCALING_READ,
        "for `eks`: to see how a refresh of a group's instances stands";
    START_INSTANCE_REFRESH = AutoScaling "StartInstanceRefresh" "autoscaling:StartInstanceRefresh", Zone, APART, Optional, BY_STATE, SCALING_CHANGE,
        "for `eks upgrade`: to replace the nodes of an Auto Scaling group of one's own";
    CANCEL_INSTANCE_REFRESH = AutoScaling "CancelInstanceRefresh" "autoscaling:CancelInstanceRefresh", Zone, APART, Optional, BY_STATE, SCALING_CHANGE,
        "for `eks upgrade`: to call off such a refresh";
    INVOKE_MODEL = Bedrock "InvokeModel" "bedrock:InvokeModel", Zone, APART, Optional, NEVER_TWICE, MODELS,
        "for `eks plan summary`: to have a model write a summary (Converse)";
    DESCRIBE_SUBNETS = Ec2 "DescribeSubnets" "ec2:DescribeSubnets", Zone, APART, Optional, READS, EC2_PAGED,
        "for `eks`: to see how many addresses are free in the subnets of a cluster";
    DESCRIBE_SECURITY_GROUPS = Ec2 "DescribeSecurityGroups" "ec2:DescribeSecurityGroups", Zone, APART, Optional, READS, EC2_PAGED,
        "for `eks`: to see that the security groups of a cluster exist";
    DESCRIBE_NETWORK_INTERFACES = Ec2 "DescribeNetworkInterfaces" "ec2:DescribeNetworkInterfaces", Zone, APART, Optional, READS, EC2_PAGED,
        "for `eks`: to count network interfaces against their quota";
    DESCRIBE_INSTANCE_TYPE_OFFERINGS = Ec2 "DescribeInstanceTypeOfferings" "ec2:DescribeInstanceTypeOfferings", Zone, APART, Optional, READS, EC2_PAGED,
        "for `eks`: to see in which zones instance types are offered";
    GET_ROLE = Iam "GetRole" "iam:GetRole", Zone, APART, Optional, READS, GLOBAL,
        "for `eks`: to see that the role of a cluster exists and trusts EKS";
    DESCRIBE_KEY = Kms "DescribeKey" "kms:DescribeKey", Zone, APART, Optional, READS, KEYS,
        "for `eks`: to see that the key of a cluster can be used";
    GET_SERVICE_QUOTA = ServiceQuotas "GetServiceQuota" "servicequotas:GetServiceQuota", Zone, APART, Optional, READS, QUOTAS,
        "for `eks`: to see how large a quota is";
    GET_PARAMETER = Ssm "GetParameter" "ssm:GetParameter", Zone, APART, Optional, READS, SSM_READ,
        "for `eks`: to see that EKS has an image for a version";
}

/// InvokeFunction as a question whether it would be allowed: nothing is run. No row of the table, because its
/// permission has one.
pub(crate) static CHECK_INVOCATION: Operation = Operation {
    service: Service::Lambda,
    name: "InvokeFunction",
    iam: "lambda:InvokeFunction",
    principal: Principal::Zone,
    phases: APART,
    purpose: "for `cloud function invoke`: to see whether a function could be run",
    need: Need::Optional,
    effect: READS,
    rate: INVOCATIONS,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Whether a command calls it by itself.
    fn is_of_a_command(operation: &Operation) -> bool {
        ["for `window", "for `cloud", "for `eks", "for runs that are kept in", "for runs on a hub"]
            .iter()
            .any(|command| operation.purpose.starts_with(command))
    }

    #[test]
    fn every_operation_is_there_once_and_is_named_as_its_permission() {
        let names: BTreeSet<&str> = ALL.iter().map(|operation| operation.iam).collect();
        assert_eq!(names.len(), ALL.len());
        for operation in ALL {
            let (prefix, action) = operation.iam.split_once(':').expect("service:Action");
            assert_eq!(action, operation.name);
            let service = match operation.service {
                Service::CloudWatchLogs => "logs".to_owned(),
                Service::EventBridge => "events".to_owned(),
                Service::StepFunctions => "states".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            assert_eq!(service, prefix);
            assert!(!operation.purpose.is_empty());
            assert!(!operation.phases.is_empty() || is_of_a_command(operation));
        }
    }

    #[test]
    fn what_has_no_token_and_no_state_to_find_is_never_repeated() {
        let never: Vec<&str> = ALL.iter().filter(|it| it.effect == NEVER_TWICE).map(|it| it.iam).collect();
        assert_eq!(
            never,
            [
                "ssm:SendCommand",
                "ec2:CreateImage",
                "ec2:RebootInstances",
                "cloudwatch:PutMetricData",
                "sns:Publish",
                "events:PutEvents",
                "lambda:InvokeFunction",
                "bedrock:InvokeModel"
            ]
        );
        let reading =
            ["Describe", "List", "Get", "Filter", "Query", "Validate", "Simulate", "Assume", "Pass"];
        for operation in ALL {
            let reads = reading.iter().any(|verb| operation.name.starts_with(verb));
            assert_eq!(operation.mutates(), !reads, "{}", operation.iam);
        }
    }

    #[test]
    fn describe_calls_of_ec2_go_at_the_published_rates() {
        assert_eq!(DESCRIBE_INSTANCES.rate.numbers(), (100, 20.0));
        assert_eq!(DESCRIBE_REGIONS.rate.numbers(), (50, 10.0));
    }
}
