//! DynamoDB on the wire: its JSON and its errors, late reads, lost answers, and permissions on items.

use fleetwright_estate::policy::NamedPolicy;
use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"dynamodb:*Table","Resource":"*"},
    {"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:GetItem","dynamodb:UpdateItem","dynamodb:Query"],
     "Resource":"arn:aws:dynamodb:eu-central-1:111122223333:table/runs",
     "Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["ours-*"]}}}]}"#;

/// An estate whose hub may work with the items of its own runs, and a table that is there.
async fn working(faults: &str) -> Estate {
    let mut world = world();
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    let policy = NamedPolicy::parse("work", POLICY).expect("a policy");
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![policy]);
    hub.regions.insert(REGION.to_owned(), Region { enabled: true, ..Region::default() });
    let estate = Estate::new(EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start: start() },
        limits: LimitSettings::default(),
        faults: serde_json::from_str(faults).expect("fault rules"),
        world,
        hub: Hub {
            account: HUB.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [].into(),
        },
        powershell: None,
    })
    .expect("an estate");
    let made = json!({
        "TableName": "runs",
        "AttributeDefinitions": [{ "AttributeName": "run", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "run", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    assert_eq!(ask(&estate, "CreateTable", made).await.0, 200);
    estate.advance(60.0).expect("advanced");
    estate
}

fn signed(estate: &Estate, action: &str, document: &Value) -> Request<Bytes> {
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
        .body(Bytes::from(document.to_string()))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "dynamodb", start());
    request
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    let response = estate.call(signed(estate, action, &document)).await.expect("an answer");
    let sum = crc32fast::hash(response.body()).to_string();
    assert_eq!(response.headers()["x-amz-crc32"].to_str().ok(), Some(sum.as_str()));
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.0");
    (response.status().as_u16(), serde_json::from_slice(response.body()).expect("JSON"))
}

fn put(run: &str) -> Value {
    json!({ "TableName": "runs", "Item": { "run": { "S": run }, "long": { "S": "x".repeat(1_000) } } })
}

fn get(run: &str, consistent: bool) -> Value {
    json!({ "TableName": "runs", "Key": { "run": { "S": run } }, "ConsistentRead": consistent })
}

#[tokio::test]
async fn a_read_that_may_be_late_is_and_a_consistent_one_never() {
    let faults = r#"[{"kind":"stale_read","seconds":2,"service":"dynamodb","action":"*Item"}]"#;
    let estate = working(faults).await;
    assert_eq!(ask(&estate, "PutItem", put("ours-1")).await.0, 200);
    assert_eq!(ask(&estate, "GetItem", get("ours-1", false)).await.1, json!({}));
    assert_eq!(ask(&estate, "GetItem", get("ours-1", true)).await.1["Item"]["run"], json!({ "S": "ours-1" }));
    estate.advance(2.0).expect("advanced");
    assert_eq!(
        ask(&estate, "GetItem", get("ours-1", false)).await.1["Item"]["run"],
        json!({ "S": "ours-1" })
    );
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_was_made_once() {
    let faults = r#"[{"kind":"lost_reply","service":"dynamodb","action":"UpdateItem","times":1}]"#;
    let estate = working(faults).await;
    let add = json!({
        "TableName": "runs", "Key": { "run": { "S": "ours-1" } }, "ReturnValues": "ALL_NEW",
        "UpdateExpression": "ADD turns :one", "ExpressionAttributeValues": { ":one": { "N": "1" } },
    });
    assert_eq!(estate.call(signed(&estate, "UpdateItem", &add)).await.expect_err("lost"), Lost);
    let again = ask(&estate, "UpdateItem", add).await;
    assert_eq!(again.1["Attributes"]["turns"], json!({ "N": "2" }));
}

#[tokio::test]
async fn a_write_beside_somebody_elses_transaction_is_refused_and_not_made() {
    let faults = r#"[{"kind":"transaction_conflict","service":"dynamodb","nth":{"first":1}}]"#;
    let estate = working(faults).await;
    let refused = ask(&estate, "PutItem", put("ours-1")).await;
    assert_eq!(refused.1["__type"], "com.amazonaws.dynamodb.v20120810#TransactionConflictException");
    let both = json!({ "TransactItems": [{ "Put": put("ours-1") }, { "Put": put("ours-2") }] });
    let cancelled = ask(&estate, "TransactWriteItems", both.clone()).await;
    let codes: Vec<&Value> = cancelled.1["CancellationReasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .map(|it| &it["Code"])
        .collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert_eq!(ask(&estate, "GetItem", get("ours-1", true)).await.1, json!({}));
    assert_eq!(ask(&estate, "TransactWriteItems", both).await.0, 200);
    assert!(estate.check(Purpose::Real).ok);
}

#[tokio::test]
async fn a_permission_on_leading_keys_holds_for_those_only() {
    let estate = working("[]").await;
    let denied = ask(&estate, "PutItem", put("theirs-1")).await;
    assert_eq!(denied.0, 400);
    assert_eq!(denied.1["__type"], "com.amazon.coral.service#AccessDeniedException");
    assert_eq!(ask(&estate, "PutItem", put("ours-1")).await.0, 200);
    let entry = |run: &str| json!({ "TransactItems": [{ "Put": put(run) }] });
    assert_eq!(ask(&estate, "TransactWriteItems", entry("theirs-1")).await.0, 400);
    assert_eq!(ask(&estate, "TransactWriteItems", entry("ours-2")).await.0, 200);
    let of = |run: &str| {
        json!({
            "TableName": "runs", "KeyConditionExpression": "run = :run",
            "ExpressionAttributeValues": { ":run": { "S": run } },
        })
    };
    assert_eq!(ask(&estate, "Query", of("theirs-1")).await.0, 400);
    assert_eq!(ask(&estate, "Query", of("ours-2")).await.1["Count"], 1);
    let read = |run: &str| {
        let get = json!({ "TableName": "runs", "Key": { "run": { "S": run } } });
        json!({ "TransactItems": [{ "Get": get }] })
    };
    assert_eq!(ask(&estate, "TransactGetItems", read("theirs-1")).await.0, 400);
    assert_eq!(ask(&estate, "TransactGetItems", read("ours-2")).await.0, 200);
}

#[tokio::test]
async fn errors_are_qualified_and_items_are_not_in_the_log() {
    let estate = working("[]").await;
    let (status, error) = ask(
        &estate,
        "GetItem",
        json!({ "TableName": "runs", "Key": { "run": { "S": "ours-1" }, "more": { "N": "1" } } }),
    )
    .await;
    let expected = json!({
        "__type": "com.amazon.coral.validate#ValidationException",
        "message": "The provided key element does not match the schema",
    });
    assert_eq!((status, error), (400, expected));
    let condition = json!({
        "TableName": "runs", "Key": { "run": { "S": "ours-1" } },
        "ConditionExpression": "attribute_exists(run)",
    });
    let (_, error) = ask(&estate, "UpdateItem", condition).await;
    assert_eq!(error["__type"], "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
    assert_eq!(ask(&estate, "PutItem", put("ours-1")).await.0, 200);
    let last = estate.calls(estate.call_count() - 1, 1);
    assert!(last[0].request.contains("(1000 bytes)"), "{}", last[0].request);
    assert!(estate.check(Purpose::Real).findings.iter().all(|found| found.invariant != Invariant::I24));
}
