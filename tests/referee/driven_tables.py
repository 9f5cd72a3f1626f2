"""How boto3 drives DynamoDB: one story per operation, each with a partition or table of its own."""

from decimal import Decimal

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from driven_by_boto3 import drives, pages
from driven_storage import refusal

TABLE = "referee-runs"


def keyed(name):
    """The arguments of CreateTable for a table of runs and sequence numbers."""
    return {
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": "run", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "run", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }


def tables_of(clients, name=TABLE):
    """A client, and a table that is there and can be used."""
    dynamodb = clients.zone("dynamodb")
    if name not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(**keyed(name))
    waiter = dynamodb.get_waiter("table_exists")
    waiter.wait(TableName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 50})
    return dynamodb


def wire(**attributes):
    return {name: TypeSerializer().serialize(value) for name, value in attributes.items()}


def plain(item):
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def put(dynamodb, run, number, **more):
    return dynamodb.put_item(TableName=TABLE, Item=wire(run=run, number=number, **more))


def got(dynamodb, run, number):
    answer = dynamodb.get_item(TableName=TABLE, Key=wire(run=run, number=number), ConsistentRead=True)
    return plain(answer["Item"]) if "Item" in answer else None


@drives("dynamodb", "CreateTable")
def create_table(clients):
    dynamodb = clients.zone("dynamodb")
    provisioned = {
        "TableName": "referee-made",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "B"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
        "Tags": [{"Key": "Owner", "Value": "referee"}],
    }
    made = dynamodb.create_table(**provisioned)["TableDescription"]
    assert made["TableArn"].endswith(":table/referee-made") and made["SSEDescription"]["Status"] == "ENABLED"
    assert refusal(dynamodb.create_table, **provisioned) == "ResourceInUseException"
    indexed = {**keyed("referee-indexed"), "LocalSecondaryIndexes": []}
    assert refusal(dynamodb.create_table, **indexed) == "ValidationException"
    tables_of(clients, "referee-made").delete_table(TableName="referee-made")


@drives("dynamodb", "UpdateTable")
def update_table(clients):
    dynamodb = tables_of(clients, "referee-updated")
    table = {"TableName": "referee-updated"}
    protected = dynamodb.update_table(**table, DeletionProtectionEnabled=True)["TableDescription"]
    assert protected["DeletionProtectionEnabled"] and protected["TableStatus"] == "ACTIVE"
    assert refusal(dynamodb.delete_table, **table) == "ValidationException"
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    assert refusal(dynamodb.update_table, **table, ProvisionedThroughput=units) == "ValidationException"
    updated = dynamodb.update_table(**table, BillingMode="PROVISIONED", ProvisionedThroughput=units)
    assert updated["TableDescription"]["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    tables_of(clients, "referee-updated")
    assert refusal(dynamodb.update_table, **table) == "ValidationException"
    index = {"Delete": {"IndexName": "by-number"}}
    assert refusal(dynamodb.update_table, **table, GlobalSecondaryIndexUpdates=[index]) == "ValidationException"


@drives("dynamodb", "DescribeTable")
def describe_table(clients):
    table = tables_of(clients).describe_table(TableName=TABLE)["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    missing = {"TableName": "referee-none"}
    assert refusal(clients.zone("dynamodb").describe_table, **missing) == "ResourceNotFoundException"


@drives("dynamodb", "ListTables")
def list_tables(clients):
    names = ["referee-listed-1", "referee-listed-2"]
    for name in names:
        dynamodb = tables_of(clients, name)
    listed = pages(dynamodb, "list_tables", 1)
    assert set(names) <= {name for page in listed for name in page["TableNames"]}
    assert len(listed) >= 2


@drives("dynamodb", "DeleteTable")
def delete_table(clients):
    dynamodb = tables_of(clients, "referee-deleted")
    deleted = dynamodb.delete_table(TableName="referee-deleted")["TableDescription"]
    assert deleted["TableStatus"] == "DELETING"
    waiter = dynamodb.get_waiter("table_not_exists")
    waiter.wait(TableName="referee-deleted", WaiterConfig={"Delay": 0.2, "MaxAttempts": 50})


@drives("dynamodb", "UpdateTimeToLive")
def update_time_to_live(clients):
    dynamodb = tables_of(clients, "referee-expiring")
    wanted = {"Enabled": True, "AttributeName": "expires_at"}
    asked = {"TableName": "referee-expiring", "TimeToLiveSpecification": wanted}
    assert dynamodb.update_time_to_live(**asked)["TimeToLiveSpecification"] == wanted
    assert refusal(dynamodb.update_time_to_live, **asked) == "ValidationException"


@drives("dynamodb", "DescribeTimeToLive")
def describe_time_to_live(clients):
    described = tables_of(clients).describe_time_to_live(TableName=TABLE)
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}


@drives("dynamodb", "UpdateContinuousBackups")
def update_continuous_backups(clients):
    wanted = {"PointInTimeRecoveryEnabled": True}
    asked = {"TableName": TABLE, "PointInTimeRecoverySpecification": wanted}
    answer = tables_of(clients).update_continuous_backups(**asked)["ContinuousBackupsDescription"]
    assert answer["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@drives("dynamodb", "DescribeContinuousBackups")
def describe_continuous_backups(clients):
    dynamodb = tables_of(clients)
    answer = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert answer["ContinuousBackupsStatus"] == "ENABLED"
    missing = {"TableName": "referee-none"}
    assert refusal(dynamodb.describe_continuous_backups, **missing) == "TableNotFoundException"


@drives("dynamodb", "PutItem")
def put_item(clients):
    dynamodb = tables_of(clients)
    everything = {
        "text": "naïve",
        "exact": Decimal("12345678901234567890.123456789012345678"),
        "bytes": b"\x00\xff",
        "flag": True,
        "nothing": None,
        "texts": {"a", "b"},
        "numbers": {Decimal(1), Decimal("0.1")},
        "list": [1, "two", {"three": 3}],
    }
    put(dynamodb, "put", 1, **everything)
    found = got(dynamodb, "put", 1)
    assert bytes(found.pop("bytes").value) == everything.pop("bytes")
    assert found == {"run": "put", "number": 1, **everything}
    once = {
        "TableName": TABLE,
        "Item": wire(run="put", number=1),
        "ConditionExpression": "attribute_not_exists(run)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        dynamodb.put_item(**once)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
        assert plain(error.response["Item"])["text"] == "naïve"
    old = dynamodb.put_item(TableName=TABLE, Item=wire(run="put", number=1), ReturnValues="ALL_OLD")
    assert plain(old["Attributes"])["flag"] is True


@drives("dynamodb", "GetItem")
def get_item(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "get", 1, host={"state": "done", "tries": [1, 2]})
    asked = {
        "TableName": TABLE,
        "Key": wire(run="get", number=1),
        "ProjectionExpression": "host.#s, host.tries[1]",
        "ExpressionAttributeNames": {"#s": "state"},
        "ReturnConsumedCapacity": "TOTAL",
    }
    answer = dynamodb.get_item(**asked)
    assert plain(answer["Item"]) == {"host": {"state": "done", "tries": [2]}}
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 0.5
    reserved = {**asked, "ProjectionExpression": "host.state"}
    assert refusal(dynamodb.get_item, **reserved) == "ValidationException"


@drives("dynamodb", "UpdateItem")
def update_item(clients):
    dynamodb = tables_of(clients)
    asked = {
        "TableName": TABLE,
        "Key": wire(run="update", number=1),
        "UpdateExpression": "SET epoch = if_not_exists(epoch, :none) + :one ADD hosts :hosts REMOVE gone",
        "ExpressionAttributeValues": wire(**{":none": 0, ":one": 1, ":hosts": {"i-1"}}),
        "ReturnValues": "ALL_NEW",
    }
    for turn in (1, 2):
        answer = plain(dynamodb.update_item(**asked)["Attributes"])
        assert answer == {"run": "update", "number": 1, "epoch": turn, "hosts": {"i-1"}}
    assert refusal(dynamodb.update_item, **{**asked, "UpdateExpression": "SET epoch"}) == "ValidationException"


@drives("dynamodb", "DeleteItem")
def delete_item(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "delete", 1, epoch=2)
    asked = {
        "TableName": TABLE,
        "Key": wire(run="delete", number=1),
        "ConditionExpression": "epoch = :epoch",
        "ExpressionAttributeValues": wire(**{":epoch": 1}),
    }
    assert refusal(dynamodb.delete_item, **asked) == "ConditionalCheckFailedException"
    dynamodb.delete_item(TableName=TABLE, Key=wire(run="delete", number=1))
    assert got(dynamodb, "delete", 1) is None


@drives("dynamodb", "Query")
def query(clients):
    dynamodb = tables_of(clients)
    for number in range(7):
        put(dynamodb, "query", number, even=number % 2 == 0)
    asked = {
        "TableName": TABLE,
        "KeyConditionExpression": "run = :run AND #n >= :least",
        "FilterExpression": "even = :yes",
        "ExpressionAttributeNames": {"#n": "number"},
        "ExpressionAttributeValues": wire(**{":run": "query", ":least": 1, ":yes": True}),
    }
    listed = pages(dynamodb, "query", 2, **asked)
    assert [plain(item)["number"] for page in listed for item in page["Items"]] == [2, 4, 6]
    assert len(listed) == 4
    assert dynamodb.query(**asked, Select="COUNT", ScanIndexForward=False)["Count"] == 3


@drives("dynamodb", "Scan")
def scan(clients):
    dynamodb = tables_of(clients)
    for number in range(5):
        put(dynamodb, f"scan-{number}", number)
    segments = [pages(dynamodb, "scan", 2, TableName=TABLE, Segment=segment, TotalSegments=2) for segment in (0, 1)]
    found = [plain(item)["run"] for listed in segments for page in listed for item in page["Items"]]
    assert {f"scan-{number}" for number in range(5)} <= set(found)


@drives("dynamodb", "BatchWriteItem")
def batch_write_item(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "batch-write", 0)
    requests = [{"PutRequest": {"Item": wire(run="batch-write", number=number)}} for number in range(1, 25)]
    requests.append({"DeleteRequest": {"Key": wire(run="batch-write", number=0)}})
    assert dynamodb.batch_write_item(RequestItems={TABLE: requests})["UnprocessedItems"] == {}
    assert got(dynamodb, "batch-write", 0) is None and got(dynamodb, "batch-write", 24)
    assert refusal(dynamodb.batch_write_item, RequestItems={TABLE: requests * 2}) == "ValidationException"


@drives("dynamodb", "BatchGetItem")
def batch_get_item(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "batch-get", 1)
    keys = [wire(run="batch-get", number=number) for number in (1, 2)]
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    assert [plain(item)["number"] for item in answer["Responses"][TABLE]] == [1]


@drives("dynamodb", "TransactWriteItems")
def transact_write_items(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "transact", 1, epoch=1)

    def entries(epoch):
        check = {
            "TableName": TABLE,
            "Key": wire(run="transact", number=1),
            "ConditionExpression": "epoch = :epoch",
            "ExpressionAttributeValues": wire(**{":epoch": epoch}),
        }
        return [{"ConditionCheck": check}, {"Put": {"TableName": TABLE, "Item": wire(run="transact", number=2)}}]

    try:
        dynamodb.transact_write_items(TransactItems=entries(2))
    except ClientError as error:
        assert error.response["Error"]["Code"] == "TransactionCanceledException"
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        assert codes == ["ConditionalCheckFailed", "None"]
    assert got(dynamodb, "transact", 2) is None
    asked = {"TransactItems": entries(1), "ClientRequestToken": "referee-1"}
    for _ in (1, 2):
        dynamodb.transact_write_items(**asked)
    other = {**asked, "TransactItems": entries(3)}
    assert refusal(dynamodb.transact_write_items, **other) == "IdempotentParameterMismatchException"


@drives("dynamodb", "TransactGetItems")
def transact_get_items(clients):
    dynamodb = tables_of(clients)
    put(dynamodb, "transact-get", 1)
    gets = [{"Get": {"TableName": TABLE, "Key": wire(run="transact-get", number=number)}} for number in (1, 2)]
    first, second = dynamodb.transact_get_items(TransactItems=gets)["Responses"]
    assert plain(first["Item"])["number"] == 1 and "Item" not in second
