"""How boto3 drives EventBridge: one story per operation, with rules of its own."""

import json

from driven_by_boto3 import drives, pages
from driven_functions import NAME, function_of
from driven_storage import refusal, topic_of

PATTERN = {"source": ["referee"], "detail": {"state": [{"prefix": "fail"}]}}


def rule_of(clients, name, **more):
    """A client, and a rule that tells nobody yet."""
    events = clients.zone("events")
    arn = events.put_rule(Name=name, **{"EventPattern": json.dumps(PATTERN), **more})["RuleArn"]
    return events, arn


def entry(source="referee", **detail):
    return {"Source": source, "DetailType": "wave", "Detail": json.dumps(detail, separators=(",", ":"))}


def records(clients):
    """What the estate knows of the events of the landing zone's account."""
    account = clients.estate.zones[0]["account_id"]
    return json.loads(clients.estate.get(f"/_estate/events?account={account}"))


@drives("events", "PutRule")
def put_rule(clients):
    events, arn = rule_of(clients, "referee-put", Description="waves", Tags=[{"Key": "of", "Value": "referee"}])
    assert arn.endswith(":rule/referee-put")
    assert events.put_rule(Name="referee-put", ScheduleExpression="rate(1 day)", State="DISABLED")["RuleArn"] == arn
    shown = events.describe_rule(Name="referee-put")
    assert shown["ScheduleExpression"] == "rate(1 day)" and "Description" not in shown and "EventPattern" not in shown
    broken = {"Name": "referee-put", "EventPattern": '{"source": [{"colour": "red"}]}'}
    assert refusal(events.put_rule, **broken) == "InvalidEventPatternException"
    for odd in ({}, {"ScheduleExpression": "rate(1 minutes)"}, {"ScheduleExpression": "cron(0 8 * * * *)"}):
        assert refusal(events.put_rule, Name="referee-put", **odd) == "ValidationException"
    nowhere = {"Name": "referee-put", "EventPattern": "{\"a\": [1]}", "EventBusName": "none"}
    assert refusal(events.put_rule, **nowhere) == "ResourceNotFoundException"


@drives("events", "DescribeRule")
def describe_rule(clients):
    events, arn = rule_of(clients, "referee-described", Description="waves")
    shown = events.describe_rule(Name="referee-described", EventBusName="default")
    assert (shown["Arn"], shown["State"], shown["Description"]) == (arn, "ENABLED", "waves")
    assert json.loads(shown["EventPattern"]) == PATTERN
    assert refusal(events.describe_rule, Name="referee-none") == "ResourceNotFoundException"


@drives("events", "ListRules")
def list_rules(clients):
    names = [f"referee-listed-{number}" for number in range(3)]
    for name in names:
        events, _ = rule_of(clients, name)
    listed = pages(events, "list_rules", 2, NamePrefix="referee-listed-")
    assert [rule["Name"] for page in listed for rule in page["Rules"]] == names and len(listed) == 2
    assert refusal(events.list_rules, NextToken="nonsense") == "ValidationException"


@drives("events", "DeleteRule")
def delete_rule(clients):
    events, arn = rule_of(clients, "referee-deleted")
    events.put_targets(Rule="referee-deleted", Targets=[{"Id": "self", "Arn": arn}])
    assert refusal(events.delete_rule, Name="referee-deleted") == "ValidationException"
    events.remove_targets(Rule="referee-deleted", Ids=["self"])
    for _ in range(2):
        events.delete_rule(Name="referee-deleted")
    assert refusal(events.describe_rule, Name="referee-deleted") == "ResourceNotFoundException"


@drives("events", "EnableRule")
def enable_rule(clients):
    events, _ = rule_of(clients, "referee-enabled", State="DISABLED")
    events.enable_rule(Name="referee-enabled")
    assert events.describe_rule(Name="referee-enabled")["State"] == "ENABLED"
    assert refusal(events.enable_rule, Name="referee-none") == "ResourceNotFoundException"


@drives("events", "DisableRule")
def disable_rule(clients):
    events, _ = rule_of(clients, "referee-disabled", EventPattern='{"source": ["referee-disabled"]}')
    events.disable_rule(Name="referee-disabled")
    told = events.put_events(Entries=[entry("referee-disabled")])["Entries"][0]["EventId"]
    (record,) = [it for it in records(clients)["events"] if it["event"]["id"] == told]
    assert record["rules"] == []


@drives("events", "PutTargets")
def put_targets(clients):
    events, arn = rule_of(clients, "referee-aimed")
    one = {"Id": "1", "Arn": arn, "Input": '{"a": 1}'}
    assert events.put_targets(Rule="referee-aimed", Targets=[one])["FailedEntryCount"] == 0
    events.put_targets(Rule="referee-aimed", Targets=[{**one, "Input": "2"}])
    assert events.list_targets_by_rule(Rule="referee-aimed")["Targets"] == [{**one, "Input": "2"}]
    both = {**one, "InputPath": "$.detail"}
    assert refusal(events.put_targets, Rule="referee-aimed", Targets=[both]) == "ValidationException"
    many = [{"Id": str(number), "Arn": arn} for number in range(6)]
    assert refusal(events.put_targets, Rule="referee-aimed", Targets=many) == "LimitExceededException"
    assert refusal(events.put_targets, Rule="referee-none", Targets=[one]) == "ResourceNotFoundException"


@drives("events", "ListTargetsByRule")
def list_targets_by_rule(clients):
    events, arn = rule_of(clients, "referee-telling")
    events.put_targets(Rule="referee-telling", Targets=[{"Id": str(n), "Arn": arn} for n in range(3)])
    listed = pages(events, "list_targets_by_rule", 2, Rule="referee-telling")
    assert [target["Id"] for page in listed for target in page["Targets"]] == ["0", "1", "2"] and len(listed) == 2


@drives("events", "RemoveTargets")
def remove_targets(clients):
    events, arn = rule_of(clients, "referee-removed")
    events.put_targets(Rule="referee-removed", Targets=[{"Id": "kept", "Arn": arn}, {"Id": "gone", "Arn": arn}])
    assert events.remove_targets(Rule="referee-removed", Ids=["gone", "none"])["FailedEntryCount"] == 0
    assert [it["Id"] for it in events.list_targets_by_rule(Rule="referee-removed")["Targets"]] == ["kept"]


@drives("events", "ListRuleNamesByTarget")
def list_rule_names_by_target(clients):
    _, topic = topic_of(clients, "referee-asked")
    names = ["referee-asking-0", "referee-asking-1"]
    for name in names:
        events, _ = rule_of(clients, name)
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": topic}])
    listed = pages(events, "list_rule_names_by_target", 1, TargetArn=topic)
    assert [name for page in listed for name in page["RuleNames"]] == names


@drives("events", "TagResource")
def tag_resource(clients):
    events, arn = rule_of(clients, "referee-tagged", Tags=[{"Key": "a", "Value": "1"}])
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    tags = {tag["Key"]: tag["Value"] for tag in events.list_tags_for_resource(ResourceARN=arn)["Tags"]}
    assert tags == {"a": "2", "b": "3"}
    none = {"ResourceARN": arn + "-none", "Tags": [{"Key": "a", "Value": "2"}]}
    assert refusal(events.tag_resource, **none) == "ResourceNotFoundException"


@drives("events", "UntagResource")
def untag_resource(clients):
    events, arn = rule_of(clients, "referee-untagged", Tags=[{"Key": "a", "Value": "1"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a", "b"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


@drives("events", "ListTagsForResource")
def list_tags_for_resource(clients):
    events, arn = rule_of(clients, "referee-with-tags", Tags=[{"Key": "of", "Value": "referee"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "of", "Value": "referee"}]


@drives("events", "TestEventPattern")
def test_event_pattern(clients):
    events = clients.zone("events")
    event = {
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": "wave",
        "source": "referee",
        "account": "098765432109",
        "time": "2026-03-02T08:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": {"state": "failed"},
    }
    asked = {"EventPattern": json.dumps(PATTERN), "Event": json.dumps(event)}
    assert events.test_event_pattern(**asked)["Result"] is True
    done = {**event, "detail": {"state": "done"}}
    assert events.test_event_pattern(**{**asked, "Event": json.dumps(done)})["Result"] is False
    assert refusal(events.test_event_pattern, **{**asked, "Event": "{}"}) == "ValidationException"
    assert refusal(events.test_event_pattern, **{**asked, "EventPattern": "{}"}) == "InvalidEventPatternException"


@drives("events", "PutEvents")
def put_events(clients):
    function_of(clients)
    arn = clients.zone("lambda").get_function_configuration(FunctionName=NAME)["FunctionArn"]
    _, topic = topic_of(clients, "referee-events")
    events, _ = rule_of(clients, "referee-told", EventPattern='{"source": ["referee-told"]}')
    words = {"InputPathsMap": {"run": "$.detail.run"}, "InputTemplate": '"run <run>"'}
    targets = [
        {"Id": "function", "Arn": arn, "InputPath": "$.detail"},
        {"Id": "topic", "Arn": topic, "InputTransformer": words},
        {"Id": "stream", "Arn": arn.replace(":lambda:", ":kinesis:")},
    ]
    events.put_targets(Rule="referee-told", Targets=targets)
    answer = events.put_events(Entries=[entry("referee-told", run="r-1"), entry("aws.referee")])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1]["ErrorCode"] == "NotAuthorizedForSourceException"
    told = answer["Entries"][0]["EventId"]
    known = records(clients)
    (record,) = [it for it in known["events"] if it["event"]["id"] == told]
    assert record["rules"] == ["referee-told"] and record["event"]["detail"] == {"run": "r-1"}
    missed = [it["target"] for it in known["undelivered"] if it["event"] == told]
    assert missed == [targets[2]["Arn"]]
    messages = json.loads(clients.estate.get("/_estate/messages"))["messages"]
    assert [it["message"] for it in messages if it["topic"] == topic] == ['"run r-1"']
    assert refusal(events.put_events, Entries=[entry()] * 11) == "ValidationException"
