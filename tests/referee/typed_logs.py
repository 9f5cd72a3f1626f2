"""CloudWatch Logs as a person types it: the commands, and what they name."""

from driven_logs import group_of, now


def groups(clients):
    """A group with an event, for commands to show and to add to."""
    group_of(clients, "/typed/kept", ["typed"])
    return {"log_group": "/typed/kept", "log_moment": now()}


TYPED = {
    ("logs", "CreateLogGroup"): ("zone", "logs create-log-group --log-group-name /typed/made", None),
    ("logs", "PutRetentionPolicy"): (
        "zone",
        "logs put-retention-policy --log-group-name {log_group} --retention-in-days 90",
        None,
    ),
    ("logs", "DescribeLogGroups"): (
        "zone",
        "logs describe-log-groups --log-group-name-prefix /typed --page-size 1",
        "logGroups",
    ),
    ("logs", "CreateLogStream"): (
        "zone",
        "logs create-log-stream --log-group-name {log_group} --log-stream-name typed",
        None,
    ),
    ("logs", "PutLogEvents"): (
        "zone",
        "logs put-log-events --log-group-name {log_group} --log-stream-name s"
        " --log-events timestamp={log_moment},message=typed",
        "nextSequenceToken",
    ),
    ("logs", "GetLogEvents"): (
        "zone",
        "logs get-log-events --log-group-name {log_group} --log-stream-name s",
        "events",
    ),
    ("logs", "FilterLogEvents"): (
        "zone",
        "logs filter-log-events --log-group-name {log_group} --filter-pattern typed --page-size 1",
        "events",
    ),
}
