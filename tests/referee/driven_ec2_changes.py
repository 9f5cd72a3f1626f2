"""How boto3 drives the operations of EC2 that change something, and those that show what changed.

They work in a landing zone and region of their own, so that they change nothing that others read.
"""

from botocore.exceptions import ClientError

from driven_by_boto3 import drives, pages

REGION = "us-east-1"
SOON = {"Delay": 1, "MaxAttempts": 30}


def ec2_of(clients):
    return clients.zone("ec2", clients.estate.zones[1], region=REGION)


def spare(ec2):
    """A running instance on a volume that nobody has used yet."""
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    for page in pages(ec2, "describe_instances", 1000, Filters=running):
        for it in (i for r in page["Reservations"] for i in r["Instances"]):
            free = "taken" not in {tag["Key"] for tag in it.get("Tags", [])}
            if free and it["RootDeviceType"] == "ebs" and "InstanceLifecycle" not in it:
                ec2.create_tags(Resources=[it["InstanceId"]], Tags=[{"Key": "taken", "Value": "yes"}])
                return it
    raise AssertionError("no instance is left; ask for more in referee.toml")


def one_instance(ec2, instance_id):
    (reservation,) = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]


def image_of(ec2, name, **more):
    """An image of a spare instance, waited for."""
    instance = spare(ec2)
    image = ec2.create_image(InstanceId=instance["InstanceId"], Name=name, NoReboot=True, **more)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=SOON)
    return instance, image


def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@drives("ec2", "CreateImage")
def create_image(clients):
    ec2 = ec2_of(clients)
    tags = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]} for kind in ("image", "snapshot")]
    instance, image = image_of(ec2, "driven (1)/[a].b-c_d@e'f", TagSpecifications=tags)
    (shown,) = ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:of", "Values": ["image"]}])["Images"]
    assert shown["ImageId"] == image and shown["State"] == "available"
    assert len(shown["BlockDeviceMappings"]) == len(instance["BlockDeviceMappings"])
    again = {"InstanceId": instance["InstanceId"], "Name": shown["Name"]}
    assert refusal(ec2.create_image, **again) == "InvalidAMIName.Duplicate"
    assert refusal(ec2.create_image, **{**again, "Name": "a"}) == "InvalidAMIName.Malformed"
    assert refusal(ec2.create_image, **{**again, "Name": "dry", "DryRun": True}) == "DryRunOperation"


@drives("ec2", "DescribeSnapshots")
def describe_snapshots(clients):
    ec2 = ec2_of(clients)
    _, image = image_of(ec2, "driven-snapshots")
    (shown,) = ec2.describe_images(ImageIds=[image])["Images"]
    ids = {disk["Ebs"]["SnapshotId"] for disk in shown["BlockDeviceMappings"]}
    snapshots = ec2.describe_snapshots(SnapshotIds=sorted(ids))["Snapshots"]
    assert {s["SnapshotId"] for s in snapshots} == ids
    assert all(s["State"] == "completed" and s["Progress"] == "100%" and image in s["Description"] for s in snapshots)
    own = [s["SnapshotId"] for page in pages(ec2, "describe_snapshots", 5, OwnerIds=["self"]) for s in page["Snapshots"]]
    assert ids <= set(own) and len(own) == len(set(own))


@drives("ec2", "DeregisterImage")
def deregister_image(clients):
    ec2 = ec2_of(clients)
    _, image = image_of(ec2, "driven-deregister")
    ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    assert refusal(ec2.describe_images, ImageIds=[image]) == "InvalidAMIID.NotFound"
    assert refusal(ec2.deregister_image, ImageId=image) == "InvalidAMIID.Unavailable"


@drives("ec2", "DeleteSnapshot")
def delete_snapshot(clients):
    ec2 = ec2_of(clients)
    _, image = image_of(ec2, "driven-delete")
    (shown,) = ec2.describe_images(ImageIds=[image])["Images"]
    snapshot = shown["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert refusal(ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    ec2.deregister_image(ImageId=image)
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert refusal(ec2.describe_snapshots, SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"


@drives("ec2", "StopInstances")
def stop_instances(clients):
    ec2 = ec2_of(clients)
    target = spare(ec2)["InstanceId"]
    (change,) = ec2.stop_instances(InstanceIds=[target])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[target], WaiterConfig=SOON)


@drives("ec2", "StartInstances")
def start_instances(clients):
    ec2 = ec2_of(clients)
    target = spare(ec2)["InstanceId"]
    before = one_instance(ec2, target)["LaunchTime"]
    ec2.stop_instances(InstanceIds=[target])
    assert refusal(ec2.start_instances, InstanceIds=[target]) == "IncorrectInstanceState"
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[target], WaiterConfig=SOON)
    (change,) = ec2.start_instances(InstanceIds=[target])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    ec2.get_waiter("instance_running").wait(InstanceIds=[target], WaiterConfig=SOON)
    assert one_instance(ec2, target)["LaunchTime"] > before


@drives("ec2", "RebootInstances")
def reboot_instances(clients):
    ec2 = ec2_of(clients)
    target = spare(ec2)["InstanceId"]
    ec2.reboot_instances(InstanceIds=[target])
    (status,) = ec2.describe_instance_status(InstanceIds=[target])["InstanceStatuses"]
    assert status["InstanceStatus"]["Status"] == "initializing"


@drives("ec2", "TerminateInstances")
def terminate_instances(clients):
    ec2 = ec2_of(clients)
    target = spare(ec2)["InstanceId"]
    (change,) = ec2.terminate_instances(InstanceIds=[target])["TerminatingInstances"]
    assert change["CurrentState"]["Name"] == "shutting-down"
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[target], WaiterConfig=SOON)


@drives("ec2", "RunInstances")
def run_instances(clients):
    ec2 = ec2_of(clients)
    source, image = image_of(ec2, "driven-run")
    order = {
        "ImageId": image,
        "InstanceType": source["InstanceType"],
        "SubnetId": source["SubnetId"],
        "SecurityGroupIds": [group["GroupId"] for group in source["SecurityGroups"]],
        "IamInstanceProfile": {"Name": "managed-instance"},
        "ClientToken": "driven-run",
        "MinCount": 1,
        "MaxCount": 1,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "taken", "Value": "launched"}]}],
    }
    (first,) = ec2.run_instances(**order)["Instances"]
    (again,) = ec2.run_instances(**order)["Instances"]
    assert first["InstanceId"] == again["InstanceId"] and first["ClientToken"] == "driven-run"
    other = {**order, "MinCount": 2, "MaxCount": 2}
    assert refusal(ec2.run_instances, **other) == "IdempotentParameterMismatch"
    ec2.get_waiter("instance_running").wait(InstanceIds=[first["InstanceId"]], WaiterConfig=SOON)


def replaced(ec2, name):
    """A replacement of the root volume of a spare instance, waited for: instance, task."""
    instance, image = image_of(ec2, name)
    order = {"InstanceId": instance["InstanceId"], "ImageId": image, "ClientToken": name}
    task = ec2.create_replace_root_volume_task(**order)["ReplaceRootVolumeTask"]
    again = ec2.create_replace_root_volume_task(**order)["ReplaceRootVolumeTask"]
    assert again["ReplaceRootVolumeTaskId"] == task["ReplaceRootVolumeTaskId"]
    return instance, task


@drives("ec2", "CreateReplaceRootVolumeTask")
def create_replace_root_volume_task(clients):
    _, task = replaced(ec2_of(clients), "driven-replace")
    assert task["TaskState"] == "pending" and task["DeleteReplacedRootVolume"] is False


@drives("ec2", "DescribeReplaceRootVolumeTasks")
def describe_replace_root_volume_tasks(clients):
    ec2 = ec2_of(clients)
    instance, task = replaced(ec2, "driven-tasks")
    chosen = [{"Name": "instance-id", "Values": [instance["InstanceId"]]}]
    (shown,) = ec2.describe_replace_root_volume_tasks(Filters=chosen)["ReplaceRootVolumeTasks"]
    assert shown["ReplaceRootVolumeTaskId"] == task["ReplaceRootVolumeTaskId"]
    listed = pages(ec2, "describe_replace_root_volume_tasks", 1)
    assert task["ReplaceRootVolumeTaskId"] in {
        t["ReplaceRootVolumeTaskId"] for page in listed for t in page["ReplaceRootVolumeTasks"]
    }


def freed_root(ec2):
    """A stopped instance whose root volume was just detached: instance, volume, device."""
    instance = spare(ec2)
    target, root = instance["InstanceId"], instance["BlockDeviceMappings"][0]
    assert refusal(ec2.detach_volume, VolumeId=root["Ebs"]["VolumeId"]) == "OperationNotPermitted"
    ec2.stop_instances(InstanceIds=[target])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[target], WaiterConfig=SOON)
    gone = ec2.detach_volume(VolumeId=root["Ebs"]["VolumeId"], InstanceId=target)
    assert gone["State"] == "detaching"
    return target, root["Ebs"]["VolumeId"], root["DeviceName"]


@drives("ec2", "DetachVolume")
def detach_volume(clients):
    ec2 = ec2_of(clients)
    _, volume, _ = freed_root(ec2)
    (shown,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert shown["State"] == "available" and shown["Attachments"] == []


@drives("ec2", "AttachVolume")
def attach_volume(clients):
    ec2 = ec2_of(clients)
    target, volume, device = freed_root(ec2)
    ec2.attach_volume(VolumeId=volume, InstanceId=target, Device=device)
    (shown,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert [a["InstanceId"] for a in shown["Attachments"]] == [target]
    ec2.start_instances(InstanceIds=[target])


@drives("ec2", "DeleteTags")
def delete_tags(clients):
    ec2 = ec2_of(clients)
    target = spare(ec2)["InstanceId"]
    ec2.create_tags(Resources=[target], Tags=[{"Key": "brief", "Value": "1"}])
    ec2.delete_tags(Resources=[target], Tags=[{"Key": "brief", "Value": "2"}])
    assert {"Key": "brief", "Value": "1"} in one_instance(ec2, target)["Tags"]
    ec2.delete_tags(Resources=[target], Tags=[{"Key": "brief"}])
    assert "brief" not in {tag["Key"] for tag in one_instance(ec2, target)["Tags"]}
