"""The AWS CLI against the estate: every operation through the command a person would type."""

import json
import subprocess
import sys

import pytest

import typed_clusters
import typed_events
import typed_functions
import typed_keys
import typed_logs
import typed_models
import typed_network
import typed_queues
import typed_refreshes
import typed_roles
import typed_secrets
import typed_stacks
import typed_tables
import typed_templates
from driven_balancing import CLASSIC, NAME, all_in_service, balanced, lifecycle, soon, target_group
from driven_commands import ended, nodes, query, send
from driven_ec2_changes import REGION, SOON, image_of, spare
from driven_parameters import put
from driven_windows import target, task, window
from estate import Clients, role_of


@pytest.fixture(scope="module")
def facts(estate, tmp_path_factory):
    """What the command lines name: a landing zone and things in it."""
    clients = Clients(estate)
    zone = estate.zones[0]
    reservations = clients.zone("ec2").describe_instances()["Reservations"]
    (root,) = clients.hub("organizations").list_roots()["Roots"]
    ssm = clients.zone("ssm")
    node = nodes(ssm)[0]
    content = tmp_path_factory.mktemp("content") / "content"
    content.write_text("typed content")
    s3, sns = clients.zone("s3"), clients.zone("sns")
    bucket = "referee-typed"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": zone["regions"][0]})
    for key in ("kept", "unwanted"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"typed")
    yield {
        "bucket": bucket,
        "content": content,
        "written": content.with_name("written"),
        "topic": sns.create_topic(Name="typed-kept")["TopicArn"],
        "unwanted_topic": sns.create_topic(Name="typed-unwanted")["TopicArn"],
        **changeable(clients.zone("ec2", region=REGION)),
        **shared(clients),
        **windows(clients.zone("ssm", region=REGION)),
        **parameters(clients.zone("ssm", region=REGION)),
        **typed_clusters.clusters(clients),
        **typed_events.events(clients),
        **typed_functions.functions(clients, content.parent),
        **typed_keys.keys(clients, content.parent),
        **typed_logs.groups(clients),
        **typed_network.network(clients),
        **typed_refreshes.own_groups(clients),
        **typed_queues.queues(clients),
        **typed_roles.roles(clients),
        **typed_secrets.secrets(clients),
        **typed_stacks.stacks(clients, content.parent),
        **typed_tables.tables(clients),
        **typed_templates.templates(content.parent),
        "node": node,
        "sent": sent(ssm, node),
        "role": zone["role_arn"],
        "role_name": zone["role_arn"].rsplit("/", 1)[1],
        "external_id": role_of(zone).get("ExternalId", ""),
        "region": zone["regions"][0],
        "instance": reservations[0]["Instances"][0]["InstanceId"],
        "image": reservations[0]["Instances"][0]["ImageId"],
        "root": root["Id"],
        "query": json.dumps([query("Typed", "runs", [], "Sum")], separators=(",", ":")),
    }
    all_in_service(clients)


def sent(ssm, node):
    """A command at its end."""
    command = send(ssm, [node], "true")
    ended(ssm, command, node)
    return command


def changeable(ec2):
    """Things that commands change, in a region that no other command reads."""
    names = ("imaged", "stoppable", "rebootable", "unwanted", "replaceable", "moved", "started")
    found = {name: spare(ec2) for name in names}
    ids = {name: instance["InstanceId"] for name, instance in found.items()}
    source, image = image_of(ec2, "typed-source")
    _, dropped = image_of(ec2, "typed-dropped")
    _, old = image_of(ec2, "typed-old")
    snapshot = ec2.describe_images(ImageIds=[old])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    ec2.deregister_image(ImageId=old)
    at_rest = [ids["started"], ids["moved"]]
    ec2.stop_instances(InstanceIds=at_rest)
    ec2.get_waiter("instance_stopped").wait(InstanceIds=at_rest, WaiterConfig=SOON)
    root = found["moved"]["BlockDeviceMappings"][0]
    return {
        **ids,
        "elsewhere": f"--region {REGION}",
        "own_image": image,
        "size": source["InstanceType"],
        "subnet": source["SubnetId"],
        "dropped": dropped,
        "snapshot": snapshot,
        "root_volume": root["Ebs"]["VolumeId"],
        "root_name": root["DeviceName"],
    }


def shared(clients):
    """Instances behind balancers and in a group, of which one is in standby."""
    home = {"zone": clients.estate.zones[1], "region": REGION}
    scaling = clients.zone("autoscaling", **home)
    *_, third, last = balanced(clients)
    scaling.enter_standby(InstanceIds=[last], AutoScalingGroupName=NAME, ShouldDecrementDesiredCapacity=True)
    soon(lambda: lifecycle(scaling, last) == "Standby")
    return {
        "target_group": target_group(clients.zone("elbv2", **home)),
        "balanced": third,
        "standing_by": last,
        "group": NAME,
        "classic": CLASSIC,
    }


def windows(ssm):
    """Maintenance windows, for commands to show and to empty."""
    made = window(ssm, "typed-kept")
    aim = target(ssm, made)
    return {
        "window": made,
        "unwanted_window": window(ssm, "typed-unwanted"),
        "window_target": aim,
        "unwanted_target": target(ssm, made),
        "unwanted_task": task(ssm, made, aim),
    }


def parameters(ssm):
    """Parameters, for commands to show and to delete."""
    names = {"parameter": "/typed/kept", "unwanted_parameter": "/typed/unwanted", "further_parameter": "/typed/further"}
    for name in names.values():
        put(ssm, name, "canary", Type="SecureString")
    return names


@pytest.fixture(scope="module")
def in_other_zone(estate, in_zone):
    """The environment with the credentials of the zone that balancers and groups are in."""
    answer = Clients(estate).hub("sts").assume_role(**role_of(estate.zones[1]))["Credentials"]
    return {
        **in_zone,
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }


@pytest.fixture(scope="module")
def in_zone(estate, facts):
    """The environment with the landing zone's credentials."""
    answer = Clients(estate).hub("sts").assume_role(**role_of(estate.zones[0]))["Credentials"]
    return {
        **estate.environment,
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
        "AWS_DEFAULT_REGION": facts["region"],
        "AWS_REGION": facts["region"],
    }


# The operation; whose credentials; the command; the member of the answer that must not be empty.
TYPED = {
    **typed_clusters.TYPED,
    **typed_events.TYPED,
    **typed_functions.TYPED,
    **typed_keys.TYPED,
    **typed_logs.TYPED,
    **typed_models.TYPED,
    **typed_network.TYPED,
    **typed_refreshes.TYPED,
    **typed_queues.TYPED,
    **typed_roles.TYPED,
    **typed_secrets.TYPED,
    **typed_stacks.TYPED,
    **typed_tables.TYPED,
    **typed_templates.TYPED,
    ("sts", "GetCallerIdentity"): ("zone", "sts get-caller-identity", "Account"),
    ("sts", "AssumeRole"): (
        "hub",
        "sts assume-role --role-arn {role} --role-session-name cli --external-id {external_id}",
        "Credentials",
    ),
    ("iam", "GetRole"): ("zone", "iam get-role --role-name {role_name}", "Role"),
    ("iam", "SimulatePrincipalPolicy"): (
        "zone",
        "iam simulate-principal-policy --policy-source-arn {role} --action-names ec2:DescribeInstances",
        "EvaluationResults",
    ),
    ("organizations", "DescribeOrganization"): ("hub", "organizations describe-organization", "Organization"),
    ("organizations", "ListAccounts"): ("hub", "organizations list-accounts --page-size 1", "Accounts"),
    ("organizations", "ListRoots"): ("hub", "organizations list-roots", "Roots"),
    ("organizations", "ListOrganizationalUnitsForParent"): (
        "hub",
        "organizations list-organizational-units-for-parent --parent-id {root}",
        None,
    ),
    ("organizations", "ListAccountsForParent"): (
        "hub",
        "organizations list-accounts-for-parent --parent-id {root}",
        None,
    ),
    ("ec2", "DescribeRegions"): ("zone", "ec2 describe-regions --all-regions", "Regions"),
    ("ec2", "DescribeInstances"): ("zone", "ec2 describe-instances --page-size 5", "Reservations"),
    ("ec2", "DescribeInstanceStatus"): (
        "zone",
        "ec2 describe-instance-status --include-all-instances --page-size 5",
        "InstanceStatuses",
    ),
    ("ec2", "DescribeImages"): ("zone", "ec2 describe-images --image-ids {image}", "Images"),
    ("ec2", "DescribeVolumes"): (
        "zone",
        "ec2 describe-volumes --filters Name=attachment.instance-id,Values={instance}",
        "Volumes",
    ),
    ("ec2", "DescribeInstanceTypes"): (
        "zone",
        "ec2 describe-instance-types --instance-types m6i.large",
        "InstanceTypes",
    ),
    ("ec2", "CreateTags"): ("zone", "ec2 create-tags --resources {instance} --tags Key=typed,Value=yes", None),
    ("ec2", "DeleteTags"): ("zone", "ec2 delete-tags {elsewhere} --resources {imaged} --tags Key=never", None),
    ("ec2", "CreateImage"): (
        "zone",
        "ec2 create-image {elsewhere} --instance-id {imaged} --name typed --no-reboot",
        "ImageId",
    ),
    ("ec2", "DescribeSnapshots"): ("zone", "ec2 describe-snapshots {elsewhere} --owner-ids self", "Snapshots"),
    ("ec2", "DeregisterImage"): ("zone", "ec2 deregister-image {elsewhere} --image-id {dropped}", None),
    ("ec2", "DeleteSnapshot"): ("zone", "ec2 delete-snapshot {elsewhere} --snapshot-id {snapshot}", None),
    ("ec2", "StartInstances"): (
        "zone",
        "ec2 start-instances {elsewhere} --instance-ids {started}",
        "StartingInstances",
    ),
    ("ec2", "StopInstances"): (
        "zone",
        "ec2 stop-instances {elsewhere} --instance-ids {stoppable}",
        "StoppingInstances",
    ),
    ("ec2", "RebootInstances"): ("zone", "ec2 reboot-instances {elsewhere} --instance-ids {rebootable}", None),
    ("ec2", "TerminateInstances"): (
        "zone",
        "ec2 terminate-instances {elsewhere} --instance-ids {unwanted}",
        "TerminatingInstances",
    ),
    ("ec2", "RunInstances"): (
        "zone",
        "ec2 run-instances {elsewhere} --image-id {own_image} --instance-type {size} --subnet-id {subnet} --count 1",
        "Instances",
    ),
    ("ec2", "CreateReplaceRootVolumeTask"): (
        "zone",
        "ec2 create-replace-root-volume-task {elsewhere} --instance-id {replaceable}",
        "ReplaceRootVolumeTask",
    ),
    ("ec2", "DescribeReplaceRootVolumeTasks"): (
        "zone",
        "ec2 describe-replace-root-volume-tasks {elsewhere}",
        None,
    ),
    ("ec2", "DetachVolume"): ("zone", "ec2 detach-volume {elsewhere} --volume-id {root_volume}", "VolumeId"),
    ("ec2", "AttachVolume"): (
        "zone",
        "ec2 attach-volume {elsewhere} --volume-id {root_volume} --instance-id {moved} --device {root_name}",
        "VolumeId",
    ),
    ("ssm", "DescribeInstanceInformation"): (
        "zone",
        "ssm describe-instance-information --page-size 5",
        "InstanceInformationList",
    ),
    ("ssm", "DescribeInstancePatchStates"): (
        "zone",
        "ssm describe-instance-patch-states --instance-ids {instance}",
        None,
    ),
    ("ssm", "DescribePatchBaselines"): (
        "zone",
        "ssm describe-patch-baselines --filters Key=OWNER,Values=AWS",
        "BaselineIdentities",
    ),
    ("ssm", "SendCommand"): (
        "zone",
        "ssm send-command --document-name AWS-RunShellScript --instance-ids {node} --parameters commands=true",
        "Command",
    ),
    ("ssm", "ListCommands"): ("zone", "ssm list-commands --page-size 5", "Commands"),
    ("ssm", "ListCommandInvocations"): (
        "zone",
        "ssm list-command-invocations --command-id {sent} --details",
        "CommandInvocations",
    ),
    ("ssm", "GetCommandInvocation"): (
        "zone",
        "ssm get-command-invocation --command-id {sent} --instance-id {node}",
        "Status",
    ),
    ("ssm", "CancelCommand"): ("zone", "ssm cancel-command --command-id {sent}", None),
    ("ssm", "DescribeDocument"): ("zone", "ssm describe-document --name AWS-RunShellScript", "Document"),
    ("ssm", "DescribeInstancePatches"): (
        "zone",
        "ssm describe-instance-patches --instance-id {node} --page-size 10",
        None,
    ),
    ("s3", "CreateBucket"): (
        "zone",
        "s3api create-bucket --bucket typed-2 --create-bucket-configuration LocationConstraint={region}",
        "Location",
    ),
    ("s3", "ListBuckets"): ("zone", "s3api list-buckets --page-size 1", "Buckets"),
    ("s3", "PutObject"): ("zone", "s3api put-object --bucket {bucket} --key put --body {content}", "ETag"),
    ("s3", "GetObject"): ("zone", "s3api get-object --bucket {bucket} --key kept {written}", "ContentLength"),
    ("s3", "HeadObject"): ("zone", "s3api head-object --bucket {bucket} --key kept", "ContentLength"),
    ("s3", "DeleteObject"): ("zone", "s3api delete-object --bucket {bucket} --key unwanted", None),
    ("s3", "ListObjectsV2"): ("zone", "s3api list-objects-v2 --bucket {bucket} --page-size 1", "Contents"),
    ("sns", "CreateTopic"): ("zone", "sns create-topic --name typed", "TopicArn"),
    ("sns", "ListTopics"): ("zone", "sns list-topics", "Topics"),
    ("sns", "GetTopicAttributes"): ("zone", "sns get-topic-attributes --topic-arn {topic}", "Attributes"),
    ("sns", "Subscribe"): (
        "zone",
        "sns subscribe --topic-arn {topic} --protocol email --notification-endpoint fleet@example.com",
        "SubscriptionArn",
    ),
    ("sns", "ListSubscriptionsByTopic"): ("zone", "sns list-subscriptions-by-topic --topic-arn {topic}", None),
    ("sns", "Publish"): ("zone", "sns publish --topic-arn {topic} --message typed", "MessageId"),
    ("sns", "DeleteTopic"): ("zone", "sns delete-topic --topic-arn {unwanted_topic}", None),
    ("elbv2", "DescribeLoadBalancers"): ("other", "elbv2 describe-load-balancers {elsewhere}", "LoadBalancers"),
    ("elbv2", "DescribeTargetGroups"): ("other", "elbv2 describe-target-groups {elsewhere}", "TargetGroups"),
    ("elbv2", "DescribeTargetGroupAttributes"): (
        "other",
        "elbv2 describe-target-group-attributes {elsewhere} --target-group-arn {target_group}",
        "Attributes",
    ),
    ("elbv2", "DescribeTags"): (
        "other",
        "elbv2 describe-tags {elsewhere} --resource-arns {target_group}",
        "TagDescriptions",
    ),
    ("elbv2", "DescribeTargetHealth"): (
        "other",
        "elbv2 describe-target-health {elsewhere} --target-group-arn {target_group}",
        "TargetHealthDescriptions",
    ),
    ("elbv2", "DeregisterTargets"): (
        "other",
        "elbv2 deregister-targets {elsewhere} --target-group-arn {target_group} --targets Id={balanced}",
        None,
    ),
    ("elbv2", "RegisterTargets"): (
        "other",
        "elbv2 register-targets {elsewhere} --target-group-arn {target_group} --targets Id={balanced}",
        None,
    ),
    ("elb", "DescribeLoadBalancers"): (
        "other",
        "elb describe-load-balancers {elsewhere}",
        "LoadBalancerDescriptions",
    ),
    ("elb", "DescribeLoadBalancerAttributes"): (
        "other",
        "elb describe-load-balancer-attributes {elsewhere} --load-balancer-name {classic}",
        "LoadBalancerAttributes",
    ),
    ("elb", "DescribeInstanceHealth"): (
        "other",
        "elb describe-instance-health {elsewhere} --load-balancer-name {classic}",
        "InstanceStates",
    ),
    ("elb", "DeregisterInstancesFromLoadBalancer"): (
        "other",
        "elb deregister-instances-from-load-balancer {elsewhere} --load-balancer-name {classic}"
        " --instances {balanced}",
        "Instances",
    ),
    ("elb", "RegisterInstancesWithLoadBalancer"): (
        "other",
        "elb register-instances-with-load-balancer {elsewhere} --load-balancer-name {classic} --instances {balanced}",
        "Instances",
    ),
    ("autoscaling", "DescribeAutoScalingGroups"): (
        "other",
        "autoscaling describe-auto-scaling-groups {elsewhere}",
        "AutoScalingGroups",
    ),
    ("autoscaling", "DescribeAutoScalingInstances"): (
        "other",
        "autoscaling describe-auto-scaling-instances {elsewhere} --page-size 2",
        "AutoScalingInstances",
    ),
    ("autoscaling", "DescribeScalingActivities"): (
        "other",
        "autoscaling describe-scaling-activities {elsewhere} --auto-scaling-group-name {group}",
        "Activities",
    ),
    ("autoscaling", "ExitStandby"): (
        "other",
        "autoscaling exit-standby {elsewhere} --auto-scaling-group-name {group} --instance-ids {standing_by}",
        "Activities",
    ),
    ("autoscaling", "EnterStandby"): (
        "other",
        "autoscaling enter-standby {elsewhere} --auto-scaling-group-name {group} --instance-ids {balanced}"
        " --should-decrement-desired-capacity",
        "Activities",
    ),
    ("autoscaling", "SuspendProcesses"): (
        "other",
        "autoscaling suspend-processes {elsewhere} --auto-scaling-group-name {group} --scaling-processes Launch",
        None,
    ),
    ("autoscaling", "ResumeProcesses"): (
        "other",
        "autoscaling resume-processes {elsewhere} --auto-scaling-group-name {group}",
        None,
    ),
    ("ssm", "CreateMaintenanceWindow"): (
        "zone",
        "ssm create-maintenance-window {elsewhere} --name typed --schedule at(2030-01-06T02:00:00) --duration 4"
        " --cutoff 1 --no-allow-unassociated-targets",
        "WindowId",
    ),
    ("ssm", "GetMaintenanceWindow"): ("zone", "ssm get-maintenance-window {elsewhere} --window-id {window}", "Name"),
    ("ssm", "DescribeMaintenanceWindows"): (
        "zone",
        "ssm describe-maintenance-windows {elsewhere} --page-size 10",
        "WindowIdentities",
    ),
    ("ssm", "DescribeMaintenanceWindowSchedule"): (
        "zone",
        "ssm describe-maintenance-window-schedule {elsewhere} --window-id {window} --max-items 2",
        "ScheduledWindowExecutions",
    ),
    ("ssm", "DescribeMaintenanceWindowTargets"): (
        "zone",
        "ssm describe-maintenance-window-targets {elsewhere} --window-id {window}",
        "Targets",
    ),
    ("ssm", "DescribeMaintenanceWindowTasks"): (
        "zone",
        "ssm describe-maintenance-window-tasks {elsewhere} --window-id {window}",
        None,
    ),
    ("ssm", "RegisterTargetWithMaintenanceWindow"): (
        "zone",
        "ssm register-target-with-maintenance-window {elsewhere} --window-id {window} --resource-type INSTANCE"
        " --targets Key=InstanceIds,Values={node}",
        "WindowTargetId",
    ),
    ("ssm", "RegisterTaskWithMaintenanceWindow"): (
        "zone",
        "ssm register-task-with-maintenance-window {elsewhere} --window-id {window} --task-type RUN_COMMAND"
        " --task-arn AWS-RunPatchBaseline --targets Key=WindowTargetIds,Values={window_target}"
        " --max-concurrency 1 --max-errors 1",
        "WindowTaskId",
    ),
    ("ssm", "DeregisterTaskFromMaintenanceWindow"): (
        "zone",
        "ssm deregister-task-from-maintenance-window {elsewhere} --window-id {window}"
        " --window-task-id {unwanted_task}",
        "WindowTaskId",
    ),
    ("ssm", "DeregisterTargetFromMaintenanceWindow"): (
        "zone",
        "ssm deregister-target-from-maintenance-window {elsewhere} --window-id {window}"
        " --window-target-id {unwanted_target}",
        "WindowTargetId",
    ),
    ("ssm", "DeleteMaintenanceWindow"): (
        "zone",
        "ssm delete-maintenance-window {elsewhere} --window-id {unwanted_window}",
        "WindowId",
    ),
    ("ssm", "PutParameter"): (
        "zone",
        "ssm put-parameter {elsewhere} --name /typed/put --value 1 --type String",
        "Version",
    ),
    ("ssm", "GetParameter"): (
        "zone",
        "ssm get-parameter {elsewhere} --name {parameter} --with-decryption",
        "Parameter",
    ),
    ("ssm", "GetParameters"): ("zone", "ssm get-parameters {elsewhere} --names {parameter}", "Parameters"),
    ("ssm", "GetParametersByPath"): (
        "zone",
        "ssm get-parameters-by-path {elsewhere} --path /typed --recursive --page-size 1",
        "Parameters",
    ),
    ("ssm", "GetParameterHistory"): (
        "zone",
        "ssm get-parameter-history {elsewhere} --name {parameter}",
        "Parameters",
    ),
    ("ssm", "AddTagsToResource"): (
        "zone",
        "ssm add-tags-to-resource {elsewhere} --resource-type Parameter --resource-id {parameter}"
        " --tags Key=Owner,Value=typed",
        None,
    ),
    ("ssm", "ListTagsForResource"): (
        "zone",
        "ssm list-tags-for-resource {elsewhere} --resource-type Parameter --resource-id {parameter}",
        "TagList",
    ),
    ("ssm", "DeleteParameter"): ("zone", "ssm delete-parameter {elsewhere} --name {unwanted_parameter}", None),
    ("ssm", "DeleteParameters"): (
        "zone",
        "ssm delete-parameters {elsewhere} --names {further_parameter}",
        "DeletedParameters",
    ),
    ("ssm", "GetCalendarState"): (
        "zone",
        "ssm get-calendar-state {elsewhere} --calendar-names Referee-Freeze",
        "State",
    ),
    ("monitoring", "DescribeAlarms"): ("zone", "cloudwatch describe-alarms --page-size 10", "MetricAlarms"),
    ("monitoring", "PutMetricData"): (
        "zone",
        "cloudwatch put-metric-data --namespace Typed --metric-name runs --value 1",
        None,
    ),
    ("monitoring", "GetMetricData"): (
        "zone",
        "cloudwatch get-metric-data --start-time 2026-03-01T08:00:00Z --end-time 2026-03-01T09:00:00Z"
        " --metric-data-queries {query}",
        "MetricDataResults",
    ),
}


def aws(command, environment):
    """Runs the AWS CLI of this environment."""
    words = [sys.executable, "-m", "awscli", *command.split(), "--output", "json"]
    return subprocess.run(words, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("operation", TYPED, ids=[":".join(each) for each in TYPED])
def test_the_command_works(estate, facts, in_zone, in_other_zone, operation):
    who, command, member = TYPED[operation]
    before = estate.call_count()
    environments = {"hub": estate.environment, "zone": in_zone, "other": in_other_zone}
    ended = aws(command.format(**facts), environments[who])
    assert ended.returncode == 0, ended.stderr
    if member:
        assert json.loads(ended.stdout)[member]
    answered = {(call["service"], call["action"]) for call in estate.calls(before) if call["ok"]}
    assert operation in answered


def test_every_operation_the_estate_implements_is_typed(implemented):
    assert set(TYPED) == implemented


def test_an_error_is_shown_with_awss_code(in_zone):
    ended = aws("ec2 describe-instances --instance-ids i-0123456789abcdef0", in_zone)
    assert ended.returncode != 0
    assert "(InvalidInstanceID.NotFound)" in ended.stderr
