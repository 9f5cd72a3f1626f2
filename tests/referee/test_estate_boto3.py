"""boto3 against the estate: every operation works through the official client, every response is
shaped as botocore's own model says, and every wrong request gets the error AWS gives."""

import json

import pytest
from botocore.exceptions import ClientError

import driven_addons  # noqa: F401 - enters its drivers into the table
import driven_balancing  # noqa: F401 - enters its drivers into the table
import driven_clusters  # noqa: F401 - enters its drivers into the table
import driven_commands  # noqa: F401 - enters its drivers into the table
import driven_ec2_changes  # noqa: F401 - enters its drivers into the table
import driven_events  # noqa: F401 - enters its drivers into the table
import driven_functions  # noqa: F401 - enters its drivers into the table
import driven_keys  # noqa: F401 - enters its drivers into the table
import driven_logs  # noqa: F401 - enters its drivers into the table
import driven_models  # noqa: F401 - enters its drivers into the table
import driven_network  # noqa: F401 - enters its drivers into the table
import driven_parameters  # noqa: F401 - enters its drivers into the table
import driven_queues  # noqa: F401 - enters its drivers into the table
import driven_refreshes  # noqa: F401 - enters its drivers into the table
import driven_roles  # noqa: F401 - enters its drivers into the table
import driven_secrets  # noqa: F401 - enters its drivers into the table
import driven_stacks  # noqa: F401 - enters its drivers into the table
import driven_storage  # noqa: F401 - enters its drivers into the table
import driven_tables  # noqa: F401 - enters its drivers into the table
import driven_templates  # noqa: F401 - enters its drivers into the table
import driven_windows  # noqa: F401 - enters its drivers into the table
from driven_by_boto3 import DRIVEN, instances
from driven_events import entry, rule_of
from driven_queues import arn_of, queue_of, received
from driven_storage import topic_of
from estate import role_of

NOBODY = "i-0123456789abcdef0"
NO_COMMAND = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(("service", "operation"), DRIVEN, ids=[":".join(each) for each in DRIVEN])
def test_boto3_drives_the_operation_and_its_answers_fit_the_model(estate, clients, service, operation):
    before = estate.call_count()
    DRIVEN[service, operation](clients)
    answered = {(call["service"], call["action"]) for call in estate.calls(before) if call["ok"]}
    assert (service, operation) in answered, "the driver did not reach the operation it is listed for"
    assert clients.deviations() == []


def test_boto3_drives_every_operation_the_estate_implements(implemented):
    assert set(DRIVEN) == implemented


# Who asks (hub or zone), the service, the call, its arguments, and the code of AWS's error.
REFUSED = [
    ("zone", "ec2", "describe_instances", {"InstanceIds": ["i-nonsense"]}, "InvalidInstanceID.Malformed"),
    ("zone", "ec2", "describe_instances", {"InstanceIds": [NOBODY]}, "InvalidInstanceID.NotFound"),
    ("zone", "ec2", "describe_instances", {"MaxResults": 4}, "InvalidParameterValue"),
    ("zone", "ec2", "describe_instances", {"MaxResults": 5, "InstanceIds": [NOBODY]}, "InvalidParameterCombination"),
    (
        "zone",
        "ec2",
        "describe_instances",
        {"Filters": [{"Name": "colour", "Values": ["red"]}]},
        "InvalidParameterValue",
    ),
    ("zone", "ec2", "describe_instances", {"NextToken": "nonsense"}, "InvalidNextToken"),
    ("zone", "ec2", "describe_instances", {"DryRun": True}, "DryRunOperation"),
    ("zone", "ec2", "describe_instance_status", {"InstanceIds": [NOBODY]}, "InvalidInstanceID.NotFound"),
    ("zone", "ec2", "describe_images", {"ImageIds": ["ami-nonsense"]}, "InvalidAMIID.Malformed"),
    ("zone", "ec2", "describe_images", {"ImageIds": ["ami-0123456789abcdef0"]}, "InvalidAMIID.NotFound"),
    ("zone", "ec2", "describe_volumes", {"VolumeIds": ["vol-0123456789abcdef0"]}, "InvalidVolume.NotFound"),
    ("zone", "ec2", "describe_instance_types", {"InstanceTypes": ["t9.vast"]}, "InvalidInstanceType"),
    ("zone", "ec2", "describe_regions", {"RegionNames": ["mars-north-1"]}, "InvalidParameterValue"),
    (
        "zone",
        "ec2",
        "create_tags",
        {"Resources": [NOBODY], "Tags": [{"Key": "a", "Value": "b"}]},
        "InvalidInstanceID.NotFound",
    ),
    ("zone", "ssm", "describe_instance_information", {"MaxResults": 4}, "ValidationException"),
    ("zone", "ssm", "describe_instance_information", {"NextToken": "nonsense"}, "InvalidNextToken"),
    (
        "zone",
        "ssm",
        "describe_instance_information",
        {"Filters": [{"Key": "Colour", "Values": ["red"]}]},
        "InvalidFilterKey",
    ),
    ("zone", "ssm", "describe_instance_patch_states", {"InstanceIds": [NOBODY] * 51}, "ValidationException"),
    (
        "zone",
        "ssm",
        "describe_instance_patch_states",
        {"InstanceIds": [NOBODY], "MaxResults": 101},
        "ValidationException",
    ),
    ("zone", "ssm", "describe_patch_baselines", {"MaxResults": 101}, "ValidationException"),
    ("zone", "ssm", "send_command", {"DocumentName": "Nothing", "InstanceIds": [NOBODY]}, "InvalidDocument"),
    (
        "zone",
        "ssm",
        "send_command",
        {"DocumentName": "AWS-RunShellScript", "InstanceIds": [NOBODY], "Parameters": {"commands": ["true"]}},
        "InvalidInstanceId",
    ),
    ("zone", "ssm", "list_commands", {"CommandId": NO_COMMAND}, "InvalidCommandId"),
    ("zone", "ssm", "cancel_command", {"CommandId": NO_COMMAND}, "InvalidCommandId"),
    ("zone", "ssm", "describe_instance_patches", {"InstanceId": NOBODY}, "InvalidInstanceId"),
    ("zone", "cloudwatch", "describe_alarms", {"MaxRecords": 101}, "InvalidParameterValue"),
    ("zone", "organizations", "list_accounts", {}, "AccessDeniedException"),
    ("hub", "organizations", "list_accounts", {"MaxResults": 21}, "InvalidInputException"),
    ("hub", "organizations", "list_accounts_for_parent", {"ParentId": "ou-zzzz-zzzzzzzz"}, "ParentNotFoundException"),
]


@pytest.mark.parametrize(("who", "service", "call", "arguments", "code"), REFUSED)
def test_a_request_aws_would_refuse_is_refused_with_its_code(clients, who, service, call, arguments, code):
    client = clients.hub(service) if who == "hub" else clients.zone(service)
    with pytest.raises(ClientError) as refused:
        getattr(client, call)(**arguments)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"]
    assert refused.value.response["ResponseMetadata"]["RequestId"]


def test_a_role_asked_for_with_the_wrong_external_id_refuses(clients):
    guarded = next(zone for zone in clients.estate.zones if zone.get("external_id"))
    for wrong in ({"ExternalId": "not-ours"}, {}):
        arguments = {k: v for k, v in role_of(guarded).items() if k != "ExternalId"}
        with pytest.raises(ClientError) as refused:
            clients.hub("sts").assume_role(**arguments, **wrong)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    "change", [{"DurationSeconds": 899}, {"RoleSessionName": "no spaces"}, {"RoleArn": "nonsense"}]
)
def test_a_malformed_request_for_a_role_is_refused(clients, change):
    with pytest.raises(ClientError) as refused:
        clients.hub("sts").assume_role(**{**role_of(clients.estate.zones[0]), **change})
    assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", "describe_regions", "AuthFailure"),
        ("ssm", "describe_patch_baselines", "InvalidSignatureException"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("sns", "list_topics", "SignatureDoesNotMatch"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
    ],
)
def test_a_signature_with_another_secret_is_refused(clients, service, call, code):
    known = clients.estate.variables["AWS_ACCESS_KEY_ID"]
    token = clients.estate.variables.get("AWS_SESSION_TOKEN")
    client = clients.client(service, [known, "another-secret", token])
    with pytest.raises(ClientError) as refused:
        getattr(client, call)()
    assert refused.value.response["Error"]["Code"] == code


def test_tags_are_set_for_all_resources_or_for_none(clients):
    target = instances(clients)[1]["InstanceId"]
    ec2 = clients.zone("ec2")
    with pytest.raises(ClientError):
        ec2.create_tags(Resources=[target, NOBODY], Tags=[{"Key": "half-done", "Value": "yes"}])
    (reservation,) = ec2.describe_instances(InstanceIds=[target])["Reservations"]
    assert "half-done" not in {tag["Key"] for tag in reservation["Instances"][0]["Tags"]}


def test_the_invariants_hold_over_everything_that_was_asked(estate, clients):
    clients.zone("ec2").describe_instances(MaxResults=5)
    assert '"findings"' in estate.get("/_estate/check")


def test_topics_and_rules_tell_queues(clients):
    sqs, url = queue_of(clients, "referee-told")
    arn = arn_of(sqs, url)
    sns, topic = topic_of(clients, "referee-tells-a-queue")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Subject="Wave", Message="done")
    events, _ = rule_of(clients, "referee-tells-a-queue", EventPattern='{"source": ["referee-queue"]}')
    events.put_targets(Rule="referee-tells-a-queue", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail"}])
    events.put_events(Entries=[entry("referee-queue", run="r-1")])
    bodies = [json.loads(message["Body"]) for message in received(sqs, url)]
    assert (bodies[0]["TopicArn"], bodies[0]["Subject"], bodies[0]["Message"]) == (topic, "Wave", "done")
    assert bodies[1:] == [{"run": "r-1"}]
    assert clients.deviations() == []
