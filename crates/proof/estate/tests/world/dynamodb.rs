//! DynamoDB: tables, items, transactions and expiry.

use fleetwright_estate::call::{ApiError, Service};
use serde_json::{Value, json};

use crate::balancing::Scene;

/// A scene with a table `runs` of runs and sequence numbers, at a second it can be used.
struct Tables {
    scene: Scene,
    second: i64,
}

const DAY: i64 = 86_400;

fn runs() -> Value {
    json!({
        "TableName": "runs",
        "AttributeDefinitions": [
            { "AttributeName": "run", "AttributeType": "S" },
            { "AttributeName": "sequence", "AttributeType": "N" },
        ],
        "KeySchema": [
            { "AttributeName": "run", "KeyType": "HASH" },
            { "AttributeName": "sequence", "KeyType": "RANGE" },
        ],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

impl Tables {
    fn new() -> Self {
        let mut tables = Self { scene: Scene::new(""), second: 0 };
        tables.ok("CreateTable", runs());
        tables.second = 20;
        tables
    }

    fn ask(&mut self, action: &str, document: Value) -> Result<Value, ApiError> {
        self.scene.json(self.second, Service::DynamoDb, action, document)
    }

    fn ok(&mut self, action: &str, document: Value) -> Value {
        match self.ask(action, document) {
            Ok(answer) => answer,
            Err(error) => panic!("{action}: {}: {}", error.code, error.message),
        }
    }

    fn refused(&mut self, action: &str, document: Value) -> (String, String) {
        let error = self.ask(action, document).expect_err("it is refused");
        (error.code.into_owned(), error.message)
    }

    fn put(&mut self, run: &str, sequence: i64, more: Value) {
        let item = item(run, sequence, more);
        self.ok("PutItem", json!({ "TableName": "runs", "Item": item }));
    }

    fn get(&mut self, run: &str, sequence: i64) -> Value {
        let asked = json!({ "TableName": "runs", "Key": key(run, sequence), "ConsistentRead": true });
        self.ok("GetItem", asked)["Item"].clone()
    }

    /// All pages of a query or scan: the sequence numbers page by page.
    fn pages(&mut self, action: &str, mut asked: Value) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let page = self.ok(action, asked.clone());
            let items = page["Items"].as_array().expect("items");
            pages
                .push(items.iter().map(|it| it["sequence"]["N"].as_str().unwrap_or("").to_owned()).collect());
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
            if asked["ExclusiveStartKey"].is_null() {
                return pages;
            }
        }
    }
}

fn key(run: &str, sequence: i64) -> Value {
    json!({ "run": { "S": run }, "sequence": { "N": sequence.to_string() } })
}

fn item(run: &str, sequence: i64, more: Value) -> Value {
    let mut item = key(run, sequence);
    for (name, value) in more.as_object().expect("attributes") {
        item[name] = value.clone();
    }
    item
}

#[test]
fn a_table_can_be_used_a_few_seconds_after_it_was_made_and_is_gone_a_few_after_it_was_deleted() {
    let mut tables = Tables { scene: Scene::new(""), second: 0 };
    let made = tables.ok("CreateTable", runs());
    assert_eq!(made["TableDescription"]["TableStatus"], "CREATING");
    let asked = json!({ "TableName": "runs", "Key": key("r", 1) });
    assert_eq!(tables.refused("GetItem", asked.clone()).0, "ResourceNotFoundException");
    assert_eq!(tables.refused("DeleteTable", json!({ "TableName": "runs" })).0, "ResourceInUseException");
    assert_eq!(tables.refused("CreateTable", runs()).0, "ResourceInUseException");
    tables.second = 16;
    assert_eq!(tables.ok("DescribeTable", json!({ "TableName": "runs" }))["Table"]["TableStatus"], "ACTIVE");
    assert_eq!(tables.ok("GetItem", asked), json!({}));
    let deleted = tables.ok("DeleteTable", json!({ "TableName": "runs" }));
    assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
    tables.second = 40;
    let gone = tables.refused("DescribeTable", json!({ "TableName": "runs" }));
    assert_eq!(gone.1, "Requested resource not found: Table: runs not found");
    assert_eq!(tables.ok("ListTables", json!({})), json!({ "TableNames": [] }));
    tables.ok("CreateTable", runs());
}

#[test]
fn a_table_that_is_updated_can_be_used_and_not_changed_meanwhile() {
    let mut tables = Tables { scene: Scene::new(""), second: 0 };
    tables.ok("CreateTable", runs());
    tables.second = 16;
    let update = |more: Value| {
        let mut document = json!({ "TableName": "runs" });
        document.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        document
    };
    let protected = tables.ok("UpdateTable", update(json!({ "DeletionProtectionEnabled": true })));
    assert_eq!(protected["TableDescription"]["TableStatus"], "ACTIVE");
    assert_eq!(tables.refused("DeleteTable", json!({ "TableName": "runs" })).0, "ValidationException");
    let units = json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 6 });
    let without_mode = tables.refused("UpdateTable", update(json!({ "ProvisionedThroughput": units })));
    assert!(without_mode.1.contains("when BillingMode is PAY_PER_REQUEST"), "{}", without_mode.1);
    let provisioned = update(json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units }));
    let updated = tables.ok("UpdateTable", provisioned.clone());
    assert_eq!(updated["TableDescription"]["TableStatus"], "UPDATING");
    assert_eq!(updated["TableDescription"]["ProvisionedThroughput"]["WriteCapacityUnits"], 6);
    tables.ok("GetItem", json!({ "TableName": "runs", "Key": key("r", 1) }));
    assert_eq!(tables.refused("UpdateTable", provisioned).0, "ResourceInUseException");
    tables.second = 60;
    let same = tables.refused("UpdateTable", update(json!({ "ProvisionedThroughput": units })));
    assert!(same.1.contains("equals the current value"), "{}", same.1);
    for (more, reason) in [
        (json!({}), "At least one of"),
        (json!({ "GlobalSecondaryIndexUpdates": [] }), "GlobalSecondaryIndexUpdates is not supported"),
        (json!({ "StreamSpecification": { "StreamEnabled": true } }), "StreamSpecification is not supported"),
    ] {
        let refused = tables.refused("UpdateTable", update(more));
        assert!(refused.0 == "ValidationException" && refused.1.contains(reason), "{refused:?}");
    }
    assert_eq!(
        tables
            .refused("UpdateTable", json!({ "TableName": "none-here", "BillingMode": "PAY_PER_REQUEST" }))
            .0,
        "ResourceNotFoundException"
    );
}

#[test]
fn what_the_simulation_does_not_have_is_refused_and_not_ignored() {
    let mut tables = Tables { scene: Scene::new(""), second: 0 };
    let mut indexed = runs();
    indexed["GlobalSecondaryIndexes"] = json!([]);
    let refused = tables.refused("CreateTable", indexed);
    let expected = "GlobalSecondaryIndexes is not supported by the estate; leave it out";
    assert_eq!(refused, ("ValidationException".to_owned(), expected.to_owned()));
    let mut provisioned = runs();
    provisioned["BillingMode"] = "PROVISIONED".into();
    assert!(tables.refused("CreateTable", provisioned).1.contains("must both be specified"));
}

#[test]
fn a_conditional_put_writes_once_and_shows_who_was_first() {
    let mut tables = Tables::new();
    let put = |epoch: &str| {
        json!({
            "TableName": "runs",
            "Item": item("r", 1, json!({ "epoch": { "N": epoch } })),
            "ConditionExpression": "attribute_not_exists(run) OR epoch < :epoch",
            "ExpressionAttributeValues": { ":epoch": { "N": epoch } },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    tables.ok("PutItem", put("2"));
    let refused = tables.ask("PutItem", put("2.00")).expect_err("the condition fails");
    assert_eq!(refused.code, "ConditionalCheckFailedException");
    assert_eq!(refused.members["Item"]["epoch"], json!({ "N": "2" }));
    tables.ok("PutItem", put("10"));
    assert_eq!(tables.get("r", 1)["epoch"], json!({ "N": "10" }));
}

#[test]
fn an_update_counts_exactly_and_says_what_it_changed() {
    let mut tables = Tables::new();
    let mut add = |step: &str, returned: &str| {
        let asked = json!({
            "TableName": "runs", "Key": key("r", 1), "ReturnValues": returned,
            "UpdateExpression": "SET spent = if_not_exists(spent, :zero) + :step, hosts = list_append(if_not_exists(hosts, :none), :one) ADD turns :turn",
            "ExpressionAttributeValues": {
                ":zero": { "N": "0" }, ":step": { "N": step }, ":turn": { "N": "1" },
                ":none": { "L": [] }, ":one": { "L": [{ "S": step }] },
            },
        });
        tables.ok("UpdateItem", asked)["Attributes"].clone()
    };
    assert_eq!(add("0.1", "ALL_OLD"), Value::Null);
    let changed = add("0.2", "UPDATED_NEW");
    let hosts = json!({ "L": [{ "S": "0.1" }, { "S": "0.2" }] });
    assert_eq!(changed, json!({ "spent": { "N": "0.3" }, "hosts": hosts, "turns": { "N": "2" } }));
    assert_eq!(add("1e3", "UPDATED_OLD")["spent"], json!({ "N": "0.3" }));
    assert_eq!(tables.get("r", 1)["spent"], json!({ "N": "1000.3" }));
}

#[test]
fn a_partition_is_read_in_order_page_by_page_and_backwards() {
    let mut tables = Tables::new();
    for sequence in [10, 9, 2, 1, 100] {
        tables.put("r", sequence, json!({ "even": { "BOOL": sequence % 2 == 0 } }));
        tables.put("s", sequence, json!({}));
    }
    let asked = json!({
        "TableName": "runs", "Limit": 2,
        "KeyConditionExpression": "run = :r AND #q BETWEEN :low AND :high",
        "ExpressionAttributeNames": { "#q": "sequence" },
        "ExpressionAttributeValues": { ":r": { "S": "r" }, ":low": { "N": "2" }, ":high": { "N": "100" } },
    });
    assert_eq!(tables.pages("Query", asked.clone()), [vec!["2", "9"], vec!["10", "100"], vec![]]);
    let mut backwards = asked.clone();
    backwards["ScanIndexForward"] = false.into();
    assert_eq!(tables.pages("Query", backwards), [vec!["100", "10"], vec!["9", "2"], vec![]]);
    let mut filtered = asked;
    filtered["FilterExpression"] = "even = :true".into();
    filtered["ExpressionAttributeValues"][":true"] = json!({ "BOOL": true });
    filtered["Limit"] = 3.into();
    assert_eq!(tables.pages("Query", filtered), [vec!["2", "10"], vec!["100"]]);
    let all: usize =
        tables.pages("Scan", json!({ "TableName": "runs", "Limit": 3 })).iter().map(Vec::len).sum();
    assert_eq!(all, 10);
    let segments = (0..3).map(|segment| {
        let asked = json!({ "TableName": "runs", "Segment": segment, "TotalSegments": 3 });
        tables.pages("Scan", asked).concat().len()
    });
    assert_eq!(segments.sum::<usize>(), 10);
}

#[test]
fn a_page_is_a_megabyte_before_it_is_filtered() {
    let mut tables = Tables::new();
    let text = "x".repeat(300 * 1_024);
    for sequence in 1..=8 {
        tables.put("r", sequence, json!({ "text": { "S": text } }));
    }
    let asked = json!({
        "TableName": "runs",
        "KeyConditionExpression": "run = :r",
        "FilterExpression": "attribute_not_exists(#t)",
        "ExpressionAttributeNames": { "#t": "text" },
        "ExpressionAttributeValues": { ":r": { "S": "r" } },
        "ReturnConsumedCapacity": "TOTAL",
    });
    let first = tables.ok("Query", asked.clone());
    assert_eq!((&first["Count"], &first["ScannedCount"]), (&json!(0), &json!(3)));
    assert_eq!(first["ConsumedCapacity"]["CapacityUnits"], 112.5 + 0.5);
    assert_eq!(tables.pages("Query", asked).len(), 3);
    let large = json!({ "TableName": "runs", "Item": item("r", 9, json!({ "t": { "S": "x".repeat(400 * 1_024) } })) });
    assert_eq!(tables.refused("PutItem", large).1, "Item size has exceeded the maximum allowed size");
}

#[test]
fn a_transaction_is_all_or_nothing_and_says_why_entry_by_entry() {
    let mut tables = Tables::new();
    tables.put("r", 1, json!({ "epoch": { "N": "1" } }));
    let entries = |epoch: &str| {
        json!([
            { "Put": { "TableName": "runs", "Item": item("r", 2, json!({})), "ConditionExpression": "attribute_not_exists(run)" } },
            { "ConditionCheck": {
                "TableName": "runs", "Key": key("r", 1), "ConditionExpression": "epoch = :e",
                "ExpressionAttributeValues": { ":e": { "N": epoch } },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            } },
        ])
    };
    let refused = tables.ask("TransactWriteItems", json!({ "TransactItems": entries("2") }));
    let refused = refused.expect_err("it is cancelled");
    assert_eq!(refused.code, "TransactionCanceledException");
    assert!(refused.message.ends_with("[None, ConditionalCheckFailed]"), "{}", refused.message);
    let reasons = &refused.members["CancellationReasons"];
    assert_eq!(reasons[0], json!({ "Code": "None" }));
    assert_eq!(reasons[1]["Item"]["epoch"], json!({ "N": "1" }));
    assert_eq!(tables.get("r", 2), Value::Null, "nothing was written");
    tables.ok("TransactWriteItems", json!({ "TransactItems": entries("1") }));
    let twice = json!({ "TransactItems": [
        { "Delete": { "TableName": "runs", "Key": key("r", 1) } },
        { "Update": { "TableName": "runs", "Key": key("r", 1) } },
    ]});
    let message = "Transaction request cannot include multiple operations on one item";
    assert_eq!(tables.refused("TransactWriteItems", twice).1, message);
    let get = |sequence| json!({ "Get": { "TableName": "runs", "Key": key("r", sequence) } });
    let read = tables.ok("TransactGetItems", json!({ "TransactItems": [get(2), get(3)] }));
    assert_eq!(read, json!({ "Responses": [{ "Item": key("r", 2) }, {}] }));
}

#[test]
fn a_transactions_token_is_good_for_the_same_request_for_ten_minutes() {
    let mut tables = Tables::new();
    let asked = |step: &str| {
        json!({ "ClientRequestToken": "t-1", "TransactItems": [{ "Update": {
            "TableName": "runs", "Key": key("r", 1), "UpdateExpression": "ADD turns :n",
            "ExpressionAttributeValues": { ":n": { "N": step } },
        }}]})
    };
    for second in [20, 21, 619] {
        tables.second = second;
        tables.ok("TransactWriteItems", asked("1"));
        assert_eq!(tables.get("r", 1)["turns"], json!({ "N": "1" }));
    }
    let other = tables.refused("TransactWriteItems", asked("2"));
    assert_eq!(other.0, "IdempotentParameterMismatchException");
    tables.second = 20 + 600;
    tables.ok("TransactWriteItems", asked("1"));
    assert_eq!(tables.get("r", 1)["turns"], json!({ "N": "2" }));
}

#[test]
fn batches_are_bounded_and_name_each_item_once() {
    let mut tables = Tables::new();
    let puts = |numbers: &[i64]| {
        let puts: Vec<Value> =
            numbers.iter().map(|n| json!({ "PutRequest": { "Item": item("r", *n, json!({})) } })).collect();
        json!({ "RequestItems": { "runs": puts } })
    };
    let numbers: Vec<i64> = (1..=26).collect();
    assert!(tables.refused("BatchWriteItem", puts(&numbers)).1.starts_with("Too many items"));
    let duplicates = "Provided list of item keys contains duplicates";
    assert_eq!(tables.refused("BatchWriteItem", puts(&[1, 2, 1])).1, duplicates);
    assert_eq!(tables.ok("BatchWriteItem", puts(&numbers[..25])), json!({ "UnprocessedItems": {} }));
    let gets = |numbers: &[i64]| {
        let keys: Vec<Value> = numbers.iter().map(|n| key("r", *n)).collect();
        json!({ "RequestItems": { "runs": { "Keys": keys } } })
    };
    let read = tables.ok("BatchGetItem", gets(&[1, 99, 25]));
    assert_eq!(read["Responses"]["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(tables.refused("BatchGetItem", gets(&[1, 1])).1, duplicates);
    let many: Vec<i64> = (1..=101).collect();
    assert!(tables.refused("BatchGetItem", gets(&many)).1.starts_with("Too many items"));
}

#[test]
fn wrong_keys_and_values_are_refused_in_the_services_words() {
    let mut tables = Tables::new();
    let cases = [
        (
            json!({ "run": { "S": "r" } }),
            "One or more parameter values were invalid: Missing the key sequence in the item",
        ),
        (
            json!({ "run": { "N": "1" }, "sequence": { "N": "1" } }),
            "One or more parameter values were invalid: Type mismatch for key run expected: S actual: N",
        ),
        (
            json!({ "run": { "S": "" }, "sequence": { "N": "1" } }),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: run",
        ),
        (
            item("r", 1, json!({ "set": { "SS": [] } })),
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (
            item("r", 1, json!({ "set": { "NS": ["1", "1.0"] } })),
            "One or more parameter values were invalid: Input collection [1, 1.0] contains duplicates.",
        ),
        (
            item("r", 1, json!({ "n": { "N": "ten" } })),
            "The parameter cannot be converted to a numeric value: ten",
        ),
        (
            item("r", 1, json!({ "n": { "N": "1".repeat(39) } })),
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            item("r", 1, json!({ "n": {} })),
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            item("r", 1, json!({ "n": { "NULL": false } })),
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
    ];
    for (item, message) in cases {
        let refused = tables.refused("PutItem", json!({ "TableName": "runs", "Item": item }));
        assert_eq!(refused, ("ValidationException".to_owned(), message.to_owned()));
    }
    let mismatch = "The provided key element does not match the schema";
    for key in [json!({ "run": { "S": "r" } }), item("r", 1, json!({ "more": { "S": "x" } }))] {
        assert_eq!(tables.refused("GetItem", json!({ "TableName": "runs", "Key": key })).1, mismatch);
    }
    let keyed = json!({
        "TableName": "runs", "Key": key("r", 1), "UpdateExpression": "SET run = :r",
        "ExpressionAttributeValues": { ":r": { "S": "s" } },
    });
    let message = "One or more parameter values were invalid: Cannot update attribute run. This attribute is part of the key";
    assert_eq!(tables.refused("UpdateItem", keyed).1, message);
}

#[test]
fn an_item_is_deleted_some_time_after_it_expired_unless_it_was_given_more() {
    let mut tables = Tables::new();
    let at = tables.scene.moment(DAY).as_second();
    let expiring = |at: i64| json!({ "expires_at": { "N": at.to_string() } });
    for sequence in 1..=20 {
        tables.put("r", sequence, expiring(at));
    }
    tables.put("r", 21, expiring(at - 6 * 365 * DAY));
    tables.put("r", 22, json!({ "expires_at": { "S": "never" } }));
    let enable = |enabled: bool| json!({ "TableName": "runs", "TimeToLiveSpecification": { "Enabled": enabled, "AttributeName": "expires_at" } });
    tables.ok("UpdateTimeToLive", enable(true));
    assert_eq!(tables.refused("UpdateTimeToLive", enable(true)).1, "TimeToLive is already enabled");
    tables.put("r", 20, expiring(at + 10 * DAY));
    let mut count = |second| {
        tables.second = second;
        tables.pages("Scan", json!({ "TableName": "runs" })).concat().len()
    };
    assert_eq!(count(DAY), 22, "not at once");
    let midway = count(DAY + DAY);
    assert!((4..22).contains(&midway), "some sooner, some later: {midway}");
    assert_eq!(count(3 * DAY), 3);
    assert_eq!(count(14 * DAY), 2);
}

#[test]
fn a_table_can_be_restored_once_that_was_asked_for() {
    let mut tables = Tables::new();
    let description =
        |answer: Value| answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"].clone();
    let asked = json!({ "TableName": "runs" });
    let before = description(tables.ok("DescribeContinuousBackups", asked.clone()));
    assert_eq!(before, json!({ "PointInTimeRecoveryStatus": "DISABLED" }));
    let enable = json!({ "TableName": "runs", "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true } });
    assert_eq!(
        description(tables.ok("UpdateContinuousBackups", enable))["PointInTimeRecoveryStatus"],
        "ENABLED"
    );
    let other = json!({ "TableName": "other" });
    assert_eq!(tables.refused("DescribeContinuousBackups", other).0, "TableNotFoundException");
}
