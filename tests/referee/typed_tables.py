"""DynamoDB as a person types it: the commands, and what they name."""

import json

from driven_tables import keyed, tables_of, wire

KEPT, UNWANTED, MADE, UPDATED = "typed-kept", "typed-unwanted", "typed-made", "typed-updated"


def compact(document):
    """JSON without spaces, which command lines are split at."""
    return json.dumps(document, separators=(",", ":"))


def tables(clients):
    """Tables and an item, for commands to show and to delete."""
    for name in (UNWANTED, UPDATED, KEPT):
        dynamodb = tables_of(clients, name)
    item = wire(run="typed", number=1)
    dynamodb.put_item(TableName=KEPT, Item=item)
    made = keyed(MADE)
    return {
        "table": KEPT,
        "unwanted_table": UNWANTED,
        "made_table": MADE,
        "updated_table": UPDATED,
        "table_key": compact(made["KeySchema"]),
        "table_attributes": compact(made["AttributeDefinitions"]),
        "item": compact(item),
        "unwanted_item": compact(wire(run="typed", number=2)),
        "values": compact(wire(**{":run": "typed"})),
        "gets": compact({KEPT: {"Keys": [item]}}),
        "puts": compact({KEPT: [{"PutRequest": {"Item": item}}]}),
        "get_transaction": compact([{"Get": {"TableName": KEPT, "Key": item}}]),
        "put_transaction": compact([{"Put": {"TableName": KEPT, "Item": item}}]),
    }


TYPED = {
    ("dynamodb", "CreateTable"): (
        "zone",
        "dynamodb create-table --table-name {made_table} --key-schema {table_key} --attribute-definitions"
        " {table_attributes} --billing-mode PAY_PER_REQUEST",
        "TableDescription",
    ),
    ("dynamodb", "UpdateTable"): (
        "zone",
        "dynamodb update-table --table-name {updated_table} --deletion-protection-enabled",
        "TableDescription",
    ),
    ("dynamodb", "DescribeTable"): ("zone", "dynamodb describe-table --table-name {table}", "Table"),
    ("dynamodb", "ListTables"): ("zone", "dynamodb list-tables --page-size 1", "TableNames"),
    ("dynamodb", "DeleteTable"): (
        "zone",
        "dynamodb delete-table --table-name {unwanted_table}",
        "TableDescription",
    ),
    ("dynamodb", "UpdateTimeToLive"): (
        "zone",
        "dynamodb update-time-to-live --table-name {table} --time-to-live-specification"
        " Enabled=true,AttributeName=expires_at",
        "TimeToLiveSpecification",
    ),
    ("dynamodb", "DescribeTimeToLive"): (
        "zone",
        "dynamodb describe-time-to-live --table-name {table}",
        "TimeToLiveDescription",
    ),
    ("dynamodb", "UpdateContinuousBackups"): (
        "zone",
        "dynamodb update-continuous-backups --table-name {table} --point-in-time-recovery-specification"
        " PointInTimeRecoveryEnabled=true",
        "ContinuousBackupsDescription",
    ),
    ("dynamodb", "DescribeContinuousBackups"): (
        "zone",
        "dynamodb describe-continuous-backups --table-name {table}",
        "ContinuousBackupsDescription",
    ),
    ("dynamodb", "PutItem"): ("zone", "dynamodb put-item --table-name {table} --item {unwanted_item}", None),
    ("dynamodb", "GetItem"): ("zone", "dynamodb get-item --table-name {table} --key {item}", "Item"),
    ("dynamodb", "UpdateItem"): (
        "zone",
        "dynamodb update-item --table-name {table} --key {item} --return-values ALL_NEW",
        "Attributes",
    ),
    ("dynamodb", "DeleteItem"): ("zone", "dynamodb delete-item --table-name {table} --key {unwanted_item}", None),
    ("dynamodb", "Query"): (
        "zone",
        "dynamodb query --table-name {table} --key-condition-expression run=:run --expression-attribute-values"
        " {values}",
        "Items",
    ),
    ("dynamodb", "Scan"): ("zone", "dynamodb scan --table-name {table} --page-size 1", "Items"),
    ("dynamodb", "BatchGetItem"): ("zone", "dynamodb batch-get-item --request-items {gets}", "Responses"),
    ("dynamodb", "BatchWriteItem"): ("zone", "dynamodb batch-write-item --request-items {puts}", None),
    ("dynamodb", "TransactGetItems"): (
        "zone",
        "dynamodb transact-get-items --transact-items {get_transaction}",
        "Responses",
    ),
    ("dynamodb", "TransactWriteItems"): (
        "zone",
        "dynamodb transact-write-items --transact-items {put_transaction}",
        None,
    ),
}
