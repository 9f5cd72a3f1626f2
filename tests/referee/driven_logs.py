"""How boto3 drives CloudWatch Logs: one story per operation, with groups of its own."""

import time

from driven_by_boto3 import drives, pages
from driven_storage import refusal


def now():
    """This moment as CloudWatch Logs counts: milliseconds since 1970."""
    return int(time.time() * 1000)


def group_of(clients, name, messages=(), **more):
    """A client, and the arguments that name a group's stream, in which messages are."""
    logs = clients.zone("logs")
    logs.create_log_group(logGroupName=name, **more)
    stream = {"logGroupName": name, "logStreamName": "s"}
    logs.create_log_stream(**stream)
    if messages:
        events = [{"timestamp": now() + at, "message": message} for at, message in enumerate(messages)]
        logs.put_log_events(**stream, logEvents=events)
    return logs, stream


def said(answer):
    return [event["message"] for event in answer["events"]]


@drives("logs", "CreateLogGroup")
def create_log_group(clients):
    logs, _ = group_of(clients, "/referee/made", tags={"of": "referee"})
    assert refusal(logs.create_log_group, logGroupName="/referee/made") == "ResourceAlreadyExistsException"
    assert refusal(logs.create_log_group, logGroupName="no blanks") == "InvalidParameterException"


@drives("logs", "PutRetentionPolicy")
def put_retention_policy(clients):
    logs, _ = group_of(clients, "/referee/kept")
    logs.put_retention_policy(logGroupName="/referee/kept", retentionInDays=30)
    (shown,) = logs.describe_log_groups(logGroupNamePrefix="/referee/kept")["logGroups"]
    assert shown["retentionInDays"] == 30
    odd = {"logGroupName": "/referee/kept", "retentionInDays": 31}
    assert refusal(logs.put_retention_policy, **odd) == "InvalidParameterException"
    missing = {"logGroupName": "/referee/none", "retentionInDays": 30}
    assert refusal(logs.put_retention_policy, **missing) == "ResourceNotFoundException"


@drives("logs", "DescribeLogGroups")
def describe_log_groups(clients):
    names = [f"/referee/listed/{number}" for number in range(3)]
    for name in names:
        logs, _ = group_of(clients, name)
    listed = pages(logs, "describe_log_groups", 2, logGroupNamePrefix="/referee/listed/")
    assert [it["logGroupName"] for page in listed for it in page["logGroups"]] == names and len(listed) == 2
    found = logs.describe_log_groups(logGroupNamePattern="LISTED/1")["logGroups"]
    assert [it["logGroupName"] for it in found] == names[1:2] and "retentionInDays" not in found[0]
    both = {"logGroupNamePrefix": "a", "logGroupNamePattern": "b"}
    assert refusal(logs.describe_log_groups, **both) == "InvalidParameterException"


@drives("logs", "CreateLogStream")
def create_log_stream(clients):
    logs, stream = group_of(clients, "/referee/streams")
    assert refusal(logs.create_log_stream, **stream) == "ResourceAlreadyExistsException"
    odd = {**stream, "logStreamName": "a:b"}
    assert refusal(logs.create_log_stream, **odd) == "InvalidParameterException"
    missing = {**stream, "logGroupName": "/referee/none"}
    assert refusal(logs.create_log_stream, **missing) == "ResourceNotFoundException"


@drives("logs", "PutLogEvents")
def put_log_events(clients):
    logs, stream = group_of(clients, "/referee/put")
    old = {"timestamp": now() - 15 * 86_400_000, "message": "old"}
    answer = logs.put_log_events(**stream, logEvents=[old])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1} and answer["nextSequenceToken"]
    unordered = [{"timestamp": now(), "message": "b"}, {"timestamp": now() - 10, "message": "a"}]
    assert refusal(logs.put_log_events, **stream, logEvents=unordered) == "InvalidParameterException"
    missing = {**stream, "logStreamName": "none", "logEvents": unordered[:1]}
    assert refusal(logs.put_log_events, **missing) == "ResourceNotFoundException"


@drives("logs", "GetLogEvents")
def get_log_events(clients):
    logs, stream = group_of(clients, "/referee/read", ["a", "b", "c"])
    assert said(logs.get_log_events(**stream, limit=2)) == ["b", "c"]
    first = logs.get_log_events(**stream, limit=2, startFromHead=True)
    assert said(first) == ["a", "b"]
    rest = logs.get_log_events(**stream, limit=2, nextToken=first["nextForwardToken"])
    assert said(rest) == ["c"]
    end = logs.get_log_events(**stream, nextToken=rest["nextForwardToken"])
    assert said(end) == [] and end["nextForwardToken"] == rest["nextForwardToken"]
    back = logs.get_log_events(**stream, limit=2, nextToken=rest["nextBackwardToken"])
    assert said(back) == ["a", "b"]
    assert refusal(logs.get_log_events, **stream, nextToken="odd") == "InvalidParameterException"


@drives("logs", "FilterLogEvents")
def filter_log_events(clients):
    lines = ['{"level":"ERROR","n":7}', "ERROR one", "WARN two", "INFO three"]
    logs, stream = group_of(clients, "/referee/filtered", lines)
    group = {"logGroupName": stream["logGroupName"]}
    for pattern, found in (
        ("", lines),
        ("?ERROR ?WARN", lines[:3]),
        ('ERROR -"level"', lines[1:2]),
        ('{ $.level = "ERR*" && $.n > 6 }', lines[:1]),
    ):
        assert said(logs.filter_log_events(**group, filterPattern=pattern)) == found, pattern
    all_of = pages(logs, "filter_log_events", 3, **group, logStreamNamePrefix="s")
    assert [message for page in all_of for message in said(page)] == lines
    assert len({event["eventId"] for page in all_of for event in page["events"]}) == 4
    assert refusal(logs.filter_log_events, **group, filterPattern="a-b") == "InvalidParameterException"
    assert refusal(logs.filter_log_events, logGroupName="/referee/none") == "ResourceNotFoundException"
