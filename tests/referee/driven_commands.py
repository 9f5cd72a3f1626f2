"""How boto3 drives Run Command, patch reports and CloudWatch: one story per operation.

The estate runs on the wall clock here, and its agents answer within seconds: the stories ask again until then.
"""

import datetime
import time

from botocore.exceptions import ClientError

from driven_by_boto3 import drives, pages

PATIENCE_SECONDS = 30


def nodes(ssm, platform="Linux"):
    """Managed nodes of a platform that are online."""
    filters = [{"Key": "PingStatus", "Values": ["Online"]}, {"Key": "PlatformTypes", "Values": [platform]}]
    found = pages(ssm, "describe_instance_information", 50, Filters=filters)
    return [agent["InstanceId"] for page in found for agent in page["InstanceInformationList"]]


def send(ssm, ids, *lines, **more):
    """Sends a script and gives the command's id."""
    parameters = {"commands": list(lines)}
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=ids, Parameters=parameters, **more)
    return sent["Command"]["CommandId"]


def ended(ssm, command, instance):
    """The invocation, once it is at its end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            answer = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvocationDoesNotExist"
            answer = {"Status": "Pending"}
        if answer["Status"] not in ("Pending", "InProgress", "Delayed"):
            return answer
        time.sleep(0.5)
    raise AssertionError(f"command {command} did not end on {instance} within {PATIENCE_SECONDS} s")


@drives("ssm", "SendCommand")
def send_command(clients):
    ssm = clients.zone("ssm")
    node = nodes(ssm)[0]
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        Targets=[{"Key": "InstanceIds", "Values": [node]}],
        Parameters={"commands": ["echo marked"], "executionTimeout": ["60"]},
        Comment="referee/1",
        TimeoutSeconds=60,
        MaxConcurrency="50%",
        MaxErrors="10%",
    )["Command"]
    assert sent["Status"] == "Pending" and sent["Comment"] == "referee/1" and sent["TargetCount"] == 1
    assert ended(ssm, sent["CommandId"], node)["StandardOutputContent"] == "marked\n"


@drives("ssm", "GetCommandInvocation")
def get_command_invocation(clients):
    ssm = clients.zone("ssm")
    node = nodes(ssm)[0]
    answer = ended(ssm, send(ssm, [node], "echo out", "echo err >&2", "exit 4"), node)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", "Failed", 4)
    assert answer["StandardOutputContent"] == "out\n" and answer["StandardErrorContent"].startswith("err\n")
    assert answer["ExecutionStartDateTime"] < answer["ExecutionEndDateTime"]


@drives("ssm", "ListCommandInvocations")
def list_command_invocations(clients):
    ssm = clients.zone("ssm")
    chosen = nodes(ssm)[:5]
    command = send(ssm, chosen, "hostname")
    for node in chosen:
        ended(ssm, command, node)
    listed = pages(ssm, "list_command_invocations", 2, CommandId=command, Details=True)
    found = [invocation for page in listed for invocation in page["CommandInvocations"]]
    assert sorted(i["InstanceId"] for i in found) == sorted(chosen) and len(listed) > 1
    outputs = {i["CommandPlugins"][0]["Output"] for i in found}
    assert len(outputs) == len(chosen), "each host has a name of its own"


@drives("ssm", "ListCommands")
def list_commands(clients):
    ssm = clients.zone("ssm")
    node = nodes(ssm)[0]
    command = send(ssm, [node], "true", Comment="referee/listed")
    ended(ssm, command, node)
    listed = pages(ssm, "list_commands", 1, InstanceId=node, Filters=[{"key": "ExecutionStage", "value": "Complete"}])
    found = {c["CommandId"]: c for page in listed for c in page["Commands"]}
    assert found[command]["Comment"] == "referee/listed" and found[command]["CompletedCount"] == 1


@drives("ssm", "CancelCommand")
def cancel_command(clients):
    ssm = clients.zone("ssm")
    node = nodes(ssm)[0]
    command = send(ssm, [node], "sleep 900")
    ssm.cancel_command(CommandId=command)
    until = time.monotonic() + PATIENCE_SECONDS
    while ssm.list_commands(CommandId=command)["Commands"][0]["Status"] != "Cancelled":
        assert time.monotonic() < until, "the cancelled command did not end"
        time.sleep(0.5)


@drives("ssm", "DescribeDocument")
def describe_document(clients):
    document = clients.zone("ssm").describe_document(Name="AWS-RunPatchBaseline")["Document"]
    assert {"Operation", "RebootOption", "SnapshotId"} <= {p["Name"] for p in document["Parameters"]}


@drives("ssm", "DescribeInstancePatches")
def describe_instance_patches(clients):
    ssm = clients.zone("ssm")
    ids = nodes(ssm)[:50]
    reported = ssm.describe_instance_patch_states(InstanceIds=ids)["InstancePatchStates"]
    behind = next(state for state in reported if state["MissingCount"] > 0)
    missing = [{"Key": "State", "Values": ["Missing"]}]
    listed = pages(ssm, "describe_instance_patches", 10, InstanceId=behind["InstanceId"], Filters=missing)
    assert sum(len(page["Patches"]) for page in listed) == behind["MissingCount"]


def query(namespace, name, dimensions, statistic):
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    return {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


@drives("monitoring", "GetMetricData")
def get_metric_data(clients):
    node = nodes(clients.zone("ssm"))[0]
    cpu = query("AWS/EC2", "CPUUtilization", [{"Name": "InstanceId", "Value": node}], "Average")
    now = clients.zone("ssm").describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [node]}])
    end = now["InstanceInformationList"][0]["LastPingDateTime"]
    start = end - datetime.timedelta(minutes=10)
    answer = clients.zone("cloudwatch").get_metric_data(MetricDataQueries=[cpu], StartTime=start, EndTime=end)
    (series,) = answer["MetricDataResults"]
    assert series["StatusCode"] == "Complete" and len(series["Values"]) == len(series["Timestamps"]) >= 9
    assert all(0 < value < 100 for value in series["Values"])
    assert all(start - datetime.timedelta(minutes=1) <= moment <= end for moment in series["Timestamps"])


@drives("monitoring", "PutMetricData")
def put_metric_data(clients):
    watch = clients.zone("cloudwatch")
    at = datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)
    watch.put_metric_data(Namespace="Referee", MetricData=[{"MetricName": "runs", "Timestamp": at, "Value": 2.5}])
    asked = query("Referee", "runs", [], "Maximum")
    answer = watch.get_metric_data(
        MetricDataQueries=[asked], StartTime=at, EndTime=at + datetime.timedelta(minutes=5)
    )
    assert answer["MetricDataResults"][0]["Values"] == [2.5]
    assert answer["MetricDataResults"][0]["Timestamps"] == [at]


@drives("monitoring", "DescribeAlarms")
def describe_alarms(clients):
    alarms = clients.zone("cloudwatch").describe_alarms(AlarmNamePrefix="referee-")["MetricAlarms"]
    assert [(alarm["AlarmName"], alarm["StateValue"]) for alarm in alarms] == [("referee-health", "OK")]
