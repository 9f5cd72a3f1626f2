"""How boto3 drives stacks and change sets of CloudFormation: one story per operation, with stacks of their own."""

import json
import time

import pytest
from botocore.exceptions import ClientError, WaiterError

from driven_by_boto3 import drives
from driven_templates import template_of

ACKNOWLEDGED = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}


def of_queues(*names, **more):
    """A template with a queue of each name, which keeps what its parameter says."""
    properties = {"MessageRetentionPeriod": {"Ref": "Seconds"}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": properties}
    parameters = {"Seconds": {"Type": "Number", "Default": 60, "MinValue": 60}}
    return {"Parameters": parameters, "Resources": {name: {**queue, **more} for name in names}}


def change_set(cloudformation, stack, name, template, kind="CREATE", **more):
    """A change set that is ready, as it is described."""
    cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, TemplateBody=json.dumps(template), ChangeSetType=kind, **more
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=stack, ChangeSetName=name, WaiterConfig={"Delay": 1}
    )
    return cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)


def stack_of(clients, name, template, **more):
    """A client, and the name of a stack that was made."""
    cloudformation = clients.zone("cloudformation")
    change_set(cloudformation, name, "first", template, **more)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first", ClientRequestToken=f"token-{name}")
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return cloudformation


def updated(cloudformation, name, template, **more):
    """The change set that was carried out, when it is over."""
    shown = change_set(cloudformation, name, "second", template, "UPDATE", **more)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="second")
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return shown


def refused(call, **arguments):
    """The error that a call is answered."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]


def ended(cloudformation, name):
    """How a stack stands when nothing is being done to it any more."""
    while True:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack["StackStatus"]
        time.sleep(0.5)


@drives("cloudformation", "CreateChangeSet")
def create_change_set(clients):
    cloudformation = clients.zone("cloudformation")
    given = {"StackName": "referee-new", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    body = json.dumps(template_of())
    lacking = refused(cloudformation.create_change_set, **given, TemplateBody=body)
    assert (lacking["Code"], lacking["Message"]) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )
    for parameter, said in [
        ({"ParameterKey": "Odd", "ParameterValue": "x"}, "Parameters: [Odd] do not exist in the template"),
        ({"ParameterKey": "Seconds", "ParameterValue": "9"}, "Parameter 'Seconds' must be a number not less than 60"),
    ]:
        error = refused(
            cloudformation.create_change_set,
            **given,
            TemplateBody=json.dumps(of_queues("Queue")),
            Parameters=[parameter],
        )
        assert (error["Code"], error["Message"]) == ("ValidationError", said)
    first = cloudformation.create_change_set(**given, **ACKNOWLEDGED, TemplateBody=body, ClientToken="t")
    again = cloudformation.create_change_set(**given, **ACKNOWLEDGED, TemplateBody=body, ClientToken="t")
    assert (first["Id"], first["StackId"]) == (again["Id"], again["StackId"])
    taken = refused(cloudformation.create_change_set, **given, **ACKNOWLEDGED, TemplateBody=body)
    assert taken["Code"] == "AlreadyExistsException"
    (stack,) = cloudformation.describe_stacks(StackName="referee-new")["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"


@drives("cloudformation", "DescribeChangeSet")
def describe_change_set(clients):
    cloudformation = stack_of(clients, "referee-shown", of_queues("Kept", "Gone"))
    changed = of_queues("Kept", "New")
    changed["Resources"]["Kept"]["Properties"]["QueueName"] = "referee-shown"
    shown = change_set(cloudformation, "referee-shown", "second", changed, "UPDATE")
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    changes = {it["ResourceChange"]["LogicalResourceId"]: it["ResourceChange"] for it in shown["Changes"]}
    assert {name: it["Action"] for name, it in changes.items()} == {"Gone": "Remove", "Kept": "Modify", "New": "Add"}
    kept = changes["Kept"]
    assert (kept["Replacement"], kept["PolicyAction"]) == ("True", "ReplaceAndDelete")
    target = {"Attribute": "Properties", "Name": "QueueName", "RequiresRecreation": "Always"}
    assert kept["Details"] == [{"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}]
    cloudformation.create_change_set(
        StackName="referee-shown", ChangeSetName="same", TemplateBody=json.dumps(of_queues("Kept", "Gone"))
    )
    with pytest.raises(WaiterError, match="FAILED"):
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName="referee-shown", ChangeSetName="same", WaiterConfig={"Delay": 1}
        )
    same = cloudformation.describe_change_set(StackName="referee-shown", ChangeSetName="same")
    assert "didn't contain changes" in same["StatusReason"] and same["ExecutionStatus"] == "UNAVAILABLE"


@drives("cloudformation", "ExecuteChangeSet")
def execute_change_set(clients):
    name = "referee-executed"
    cloudformation = stack_of(clients, name, of_queues("A"))
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first", ClientRequestToken=f"token-{name}")
    again = refused(cloudformation.execute_change_set, StackName=name, ChangeSetName="first")
    assert again["Code"] == "InvalidChangeSetStatus"
    seconds = [{"ParameterKey": "Seconds", "ParameterValue": "120"}]
    shown = updated(cloudformation, name, of_queues("A", "B"), Parameters=seconds)
    assert [it["ResourceChange"]["Action"] for it in shown["Changes"]] == ["Modify", "Add"]
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert (stack["StackStatus"], stack["Parameters"][0]["ParameterValue"]) == ("UPDATE_COMPLETE", "120")
    assert discarded(clients, cloudformation, RetainExceptOnCreate=True) == "DELETE_COMPLETE"
    assert discarded(clients, cloudformation) == "DELETE_SKIPPED"


def discarded(clients, cloudformation, **more):
    """What becomes of a resource that would stay, where the stack it was made for fails."""
    name = f"referee-failed-{len(more)}"
    clients.estate.post("/_estate/faults", {"kind": "stack_resource_fails", "instance": f"{name}/Bad", "times": 1})
    template = of_queues("Kept", "Bad", DeletionPolicy="Retain")
    template["Resources"]["Bad"]["DependsOn"] = "Kept"
    change_set(cloudformation, name, "first", template)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first", **more)
    assert ended(cloudformation, name) == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return next(event["ResourceStatus"] for event in events if event["LogicalResourceId"] == "Kept")


@drives("cloudformation", "DeleteChangeSet")
def delete_change_set(clients):
    cloudformation = clients.zone("cloudformation")
    change_set(cloudformation, "referee-dropped", "c", of_queues("A"))
    cloudformation.delete_change_set(StackName="referee-dropped", ChangeSetName="c")
    gone = refused(cloudformation.describe_change_set, StackName="referee-dropped", ChangeSetName="c")
    assert gone["Code"] == "ChangeSetNotFound"


@drives("cloudformation", "DescribeStacks")
def describe_stacks(clients):
    template = of_queues("A")
    template["Parameters"]["Secret"] = {"Type": "String", "NoEcho": True}
    template["Outputs"] = {"Name": {"Value": {"Ref": "A"}, "Description": "the queue"}}
    given = {"Parameters": [{"ParameterKey": "Secret", "ParameterValue": "hunter2"}]}
    cloudformation = stack_of(clients, "referee-listed", template, Tags=[{"Key": "of", "Value": "r"}], **given)
    stacks = cloudformation.get_paginator("describe_stacks").paginate().build_full_result()["Stacks"]
    (stack,) = [stack for stack in stacks if stack["StackName"] == "referee-listed"]
    assert {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]} == {"Seconds": "60", "Secret": "****"}
    assert stack["Outputs"][0]["OutputValue"].startswith("referee-listed-A-") and stack["Tags"]
    missing = refused(cloudformation.describe_stacks, StackName="referee-nobody")
    assert (missing["Code"], missing["Message"]) == ("ValidationError", "Stack with id referee-nobody does not exist")


@drives("cloudformation", "DescribeStackEvents")
def describe_stack_events(clients):
    name = "referee-told"
    clients.estate.post("/_estate/faults", {"kind": "stack_resource_fails", "instance": f"{name}/Bad", "times": 1})
    cloudformation = clients.zone("cloudformation")
    template = of_queues("Good", "Bad", "Late")
    template["Resources"]["Late"]["DependsOn"] = "Good"
    template["Resources"]["Bad"]["DependsOn"] = "Good"
    change_set(cloudformation, name, "first", template)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first", ClientRequestToken="told")
    with pytest.raises(WaiterError, match="ROLLBACK"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert ended(cloudformation, name) == "ROLLBACK_COMPLETE"
    events = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = events.build_full_result()["StackEvents"]
    told = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]
    assert told[0] == (name, "CREATE_IN_PROGRESS") and told[-1] == (name, "ROLLBACK_COMPLETE")
    assert told.index(("Good", "CREATE_COMPLETE")) < told.index(("Bad", "CREATE_FAILED"))
    assert ("Good", "DELETE_COMPLETE") in told
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert "Bad does not work" in failed[-1]["ResourceStatusReason"]
    assert {event.get("ClientRequestToken") for event in failed} == {"told"}


@drives("cloudformation", "ListStackResources")
def list_stack_resources(clients):
    names = [f"Queue{number}" for number in range(120)]
    cloudformation = stack_of(clients, "referee-many", of_queues(*names))
    found = cloudformation.get_paginator("list_stack_resources").paginate(StackName="referee-many")
    found = found.build_full_result()["StackResourceSummaries"]
    assert sorted(it["LogicalResourceId"] for it in found) == sorted(names)
    assert {it["ResourceStatus"] for it in found} == {"CREATE_COMPLETE"}


@drives("cloudformation", "GetTemplate")
def get_template(clients):
    cloudformation = stack_of(clients, "referee-read", of_queues("A"))
    assert cloudformation.get_template(StackName="referee-read")["TemplateBody"] == of_queues("A")


@drives("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(clients):
    cloudformation = stack_of(clients, "referee-protected", of_queues("A"))
    cloudformation.update_termination_protection(StackName="referee-protected", EnableTerminationProtection=True)
    error = refused(cloudformation.delete_stack, StackName="referee-protected")
    assert "cannot be deleted while TerminationProtection is enabled" in error["Message"]


@drives("cloudformation", "DeleteStack")
def delete_stack(clients):
    template = of_queues("Gone", "Kept")
    template["Resources"]["Kept"]["DeletionPolicy"] = "Retain"
    cloudformation = stack_of(clients, "referee-deleted", template)
    (stack,) = cloudformation.describe_stacks(StackName="referee-deleted")["Stacks"]
    cloudformation.delete_stack(StackName="referee-deleted")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1})
    events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    told = {event["LogicalResourceId"]: event["ResourceStatus"] for event in reversed(events)}
    assert told == {"Gone": "DELETE_COMPLETE", "Kept": "DELETE_SKIPPED", "referee-deleted": "DELETE_COMPLETE"}
    cloudformation.delete_stack(StackName="referee-deleted")


@drives("cloudformation", "ContinueUpdateRollback")
def continue_update_rollback(clients):
    name = "referee-stuck"
    cloudformation = stack_of(clients, name, of_queues("A", "B"))
    stuck(clients, cloudformation, name)
    cloudformation.continue_update_rollback(StackName=name, ResourcesToSkip=["A"])
    cloudformation.get_waiter("stack_rollback_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert (stack["StackStatus"], stack["Parameters"][0]["ParameterValue"]) == ("UPDATE_ROLLBACK_COMPLETE", "60")


def stuck(clients, cloudformation, name):
    """Leaves a stack that can neither be changed nor changed back, for its resource A."""
    rule = {"kind": "stack_resource_fails", "instance": f"{name}/A", "times": 2}
    clients.estate.post("/_estate/faults", rule)
    seconds = [{"ParameterKey": "Seconds", "ParameterValue": "120"}]
    change_set(cloudformation, name, "second", of_queues("A", "B"), "UPDATE", Parameters=seconds)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="second")
    with pytest.raises(WaiterError, match="UPDATE_ROLLBACK_FAILED"):
        cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
