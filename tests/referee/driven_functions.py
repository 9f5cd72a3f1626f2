"""How boto3 drives Lambda: one story per operation; what runs is `bootstrap.py`."""

import base64
import io
import json
import zipfile

from driven_balancing import soon
from driven_by_boto3 import drives, pages
from driven_storage import refusal

#: The function that the estate has an executable for.
NAME = "referee"


def archive(text="a bootstrap"):
    """An archive with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr(zipfile.ZipInfo("bootstrap"), text)
    return packed.getvalue()


def described(clients, name, **more):
    """The arguments of CreateFunction."""
    return {
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Role": clients.estate.zones[0]["role_arn"],
        "Handler": "bootstrap",
        "Code": {"ZipFile": archive()},
        **more,
    }


def function_of(clients, name=NAME):
    """A client, and a function that is there and ready."""
    functions = clients.zone("lambda")
    if name not in {it["FunctionName"] for page in pages(functions, "list_functions", 50) for it in page["Functions"]}:
        functions.create_function(**described(clients, name))
    ready(functions, name)
    return functions


def ready(functions, name):
    for waiter in ("function_active_v2", "function_updated_v2"):
        functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 50})


@drives("lambda", "CreateFunction")
def create_function(clients):
    functions = clients.zone("lambda")
    more = {
        "Environment": {"Variables": {"RUN": "r-1"}},
        "TracingConfig": {"Mode": "Active"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-central-1:098765432109:dead"},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "Layers": ["arn:aws:lambda:eu-central-1:098765432109:layer:tools:1"],
        "Tags": {"Owner": "referee"},
        "Publish": True,
    }
    made = functions.create_function(**described(clients, "referee-made", **more))
    assert (made["Version"], made["State"]) == ("1", "Pending")
    assert made["FunctionArn"].endswith(":function:referee-made:1") and made["Layers"][0]["Arn"].endswith("tools:1")
    again = described(clients, "referee-made")
    assert refusal(functions.create_function, **again) == "ResourceConflictException"
    nobody = {**again, "FunctionName": "referee-none", "Role": "arn:aws:iam::098765432109:role/nobody"}
    assert refusal(functions.create_function, **nobody) == "InvalidParameterValueException"
    ready(functions, "referee-made")
    functions.delete_function(FunctionName="referee-made")


@drives("lambda", "GetFunction")
def get_function(clients):
    functions = function_of(clients)
    found = functions.get_function(FunctionName=NAME)
    assert found["Configuration"]["CodeSize"] == len(archive()) and found["Code"]["Location"]
    assert refusal(functions.get_function, FunctionName="referee-none") == "ResourceNotFoundException"


@drives("lambda", "GetFunctionConfiguration")
def get_function_configuration(clients):
    functions = function_of(clients)
    arn = functions.get_function_configuration(FunctionName=NAME)["FunctionArn"]
    found = functions.get_function_configuration(FunctionName=arn, Qualifier="$LATEST")
    assert (found["FunctionName"], found["Timeout"], found["MemorySize"]) == (NAME, 3, 128)


@drives("lambda", "UpdateFunctionCode")
def update_function_code(clients):
    functions = function_of(clients, "referee-updated")
    before = functions.get_function_configuration(FunctionName="referee-updated")
    after = functions.update_function_code(FunctionName="referee-updated", ZipFile=archive("another"))
    assert before["CodeSha256"] != after["CodeSha256"] and before["RevisionId"] != after["RevisionId"]
    ready(functions, "referee-updated")
    stale = {"FunctionName": "referee-updated", "ZipFile": archive(), "RevisionId": before["RevisionId"]}
    assert refusal(functions.update_function_code, **stale) == "PreconditionFailedException"


@drives("lambda", "UpdateFunctionConfiguration")
def update_function_configuration(clients):
    functions = function_of(clients, "referee-configured")
    changed = functions.update_function_configuration(FunctionName="referee-configured", Timeout=60, MemorySize=256)
    assert (changed["Timeout"], changed["MemorySize"]) == (60, 256)
    reserved = {"FunctionName": "referee-configured", "Environment": {"Variables": {"AWS_REGION": "x"}}}
    assert refusal(functions.update_function_configuration, **reserved) == "InvalidParameterValueException"


@drives("lambda", "PublishVersion")
def publish_version(clients):
    functions = function_of(clients, "referee-published")
    first = functions.publish_version(FunctionName="referee-published", Description="the first")
    assert (first["Version"], first["Description"]) == ("1", "the first")
    again = functions.publish_version(FunctionName="referee-published")
    assert again["Version"] == "1", "nothing has changed"


@drives("lambda", "ListVersionsByFunction")
def list_versions_by_function(clients):
    functions = function_of(clients, "referee-listed")
    functions.publish_version(FunctionName="referee-listed")
    listed = pages(functions, "list_versions_by_function", 1, FunctionName="referee-listed")
    assert [it["Version"] for page in listed for it in page["Versions"]] == ["$LATEST", "1"]


@drives("lambda", "ListFunctions")
def list_functions(clients):
    names = ["referee-listed-1", "referee-listed-2"]
    for name in names:
        functions = function_of(clients, name)
    listed = pages(functions, "list_functions", 1)
    assert set(names) <= {it["FunctionName"] for page in listed for it in page["Functions"]}
    assert len(listed) >= 2


@drives("lambda", "DeleteFunction")
def delete_function(clients):
    functions = function_of(clients, "referee-deleted")
    functions.delete_function(FunctionName="referee-deleted")
    gone = {"FunctionName": "referee-deleted"}
    assert refusal(functions.delete_function, **gone) == "ResourceNotFoundException"


@drives("lambda", "Invoke")
def invoke(clients):
    functions = function_of(clients)
    asked = {"FunctionName": NAME, "LogType": "Tail", "Payload": json.dumps({"host": "i-1"})}
    answer = functions.invoke(**asked)
    assert json.load(answer["Payload"]) == {"event": {"host": "i-1"}, "name": NAME}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "START RequestId" in base64.b64decode(answer["LogResult"]).decode()
    failed = functions.invoke(FunctionName=NAME, Payload=json.dumps({"fail": True}))
    assert failed["FunctionError"] == "Unhandled" and json.load(failed["Payload"])["errorType"] == "Refused"
    ended = functions.invoke(FunctionName=NAME, Payload=json.dumps({"exit": True}))
    assert json.load(ended["Payload"])["errorType"] == "Runtime.ExitError"
    assert functions.invoke(FunctionName=NAME, InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert functions.invoke(FunctionName=NAME, InvocationType="DryRun")["StatusCode"] == 204
    assert refusal(functions.invoke, FunctionName=NAME, Payload=b"{no") == "InvalidRequestContentException"


@drives("lambda", "PutFunctionConcurrency")
def put_function_concurrency(clients):
    functions = function_of(clients, "referee-reserved")
    none = {"FunctionName": "referee-reserved", "ReservedConcurrentExecutions": 0}
    assert functions.put_function_concurrency(**none)["ReservedConcurrentExecutions"] == 0
    once = clients.zone("lambda", retries={"total_max_attempts": 1})
    assert refusal(once.invoke, FunctionName="referee-reserved") == "TooManyRequestsException"
    most = {**none, "ReservedConcurrentExecutions": 1_000}
    assert refusal(functions.put_function_concurrency, **most) == "InvalidParameterValueException"


@drives("lambda", "GetFunctionConcurrency")
def get_function_concurrency(clients):
    functions = function_of(clients)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=NAME)


@drives("lambda", "TagResource")
def tag_resource(clients):
    functions = function_of(clients, "referee-tagged")
    arn = functions.get_function_configuration(FunctionName="referee-tagged")["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"Owner": "referee"})
    soon(lambda: functions.get_function(FunctionName="referee-tagged")["Tags"] == {"Owner": "referee"})


@drives("lambda", "ListTags")
def list_tags(clients):
    functions = function_of(clients, "referee-untagged")
    arn = functions.get_function_configuration(FunctionName="referee-untagged")["FunctionArn"]
    assert functions.list_tags(Resource=arn)["Tags"] == {}
