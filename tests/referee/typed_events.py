"""EventBridge as a person types it: the commands, and what they name."""

import json

from driven_events import PATTERN, entry, rule_of

KEPT, UNWANTED = "typed-kept", "typed-unwanted"


def compact(document):
    """JSON without spaces, which command lines are split at."""
    return json.dumps(document, separators=(",", ":"))


def events(clients):
    """Rules and targets, for commands to show and to delete."""
    rule_of(clients, UNWANTED)
    client, arn = rule_of(clients, KEPT)
    client.put_targets(Rule=KEPT, Targets=[{"Id": name, "Arn": arn} for name in ("kept", "unwanted")])
    event = {name: "typed" for name in ("id", "detail-type", "source", "account", "time", "region")}
    return {
        "rule": KEPT,
        "rule_arn": arn,
        "unwanted_rule": UNWANTED,
        "pattern": compact(PATTERN),
        "event": compact({**event, "resources": [], "detail": {}}),
        "entries": compact([entry("typed", run="r-1")]),
    }


TYPED = {
    ("events", "PutRule"): ("zone", "events put-rule --name typed-put --event-pattern {pattern}", "RuleArn"),
    ("events", "DescribeRule"): ("zone", "events describe-rule --name {rule}", "EventPattern"),
    ("events", "ListRules"): ("zone", "events list-rules --name-prefix typed --page-size 1", "Rules"),
    ("events", "DeleteRule"): ("zone", "events delete-rule --name {unwanted_rule}", None),
    ("events", "EnableRule"): ("zone", "events enable-rule --name {rule}", None),
    ("events", "DisableRule"): ("zone", "events disable-rule --name {rule}", None),
    ("events", "PutTargets"): (
        "zone",
        "events put-targets --rule {rule} --targets Id=typed,Arn={rule_arn}",
        None,
    ),
    ("events", "ListTargetsByRule"): ("zone", "events list-targets-by-rule --rule {rule}", "Targets"),
    ("events", "RemoveTargets"): ("zone", "events remove-targets --rule {rule} --ids unwanted", None),
    ("events", "ListRuleNamesByTarget"): (
        "zone",
        "events list-rule-names-by-target --target-arn {rule_arn}",
        "RuleNames",
    ),
    ("events", "TagResource"): (
        "zone",
        "events tag-resource --resource-arn {rule_arn} --tags Key=Owner,Value=typed",
        None,
    ),
    ("events", "UntagResource"): ("zone", "events untag-resource --resource-arn {rule_arn} --tag-keys none", None),
    ("events", "ListTagsForResource"): ("zone", "events list-tags-for-resource --resource-arn {rule_arn}", None),
    ("events", "TestEventPattern"): (
        "zone",
        "events test-event-pattern --event-pattern {pattern} --event {event}",
        None,
    ),
    ("events", "PutEvents"): ("zone", "events put-events --entries {entries}", "Entries"),
}
