//! SQS on the wire: messages are given out as their queue says, and reach it from topics and rules.

use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["sqs:*","events:*","sns:*"],"Resource":"*"},
    {"Effect":"Deny","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-central-1:111122223333:closed"}]}"#;
const ARN: &str = "arn:aws:sqs:eu-central-1:111122223333";

fn url(name: &str) -> String {
    format!("https://sqs.eu-central-1.amazonaws.com/{HUB}/{name}")
}

fn estate_of_queues() -> Arc<Estate> {
    estate_allowing(POLICY, world())
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    ask_json(estate, ("sqs", &format!("AmazonSQS.{action}"), "1.0"), document).await
}

async fn done(estate: &Estate, action: &str, document: Value) -> Value {
    let (status, answer) = ask(estate, action, document).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

async fn with_queue(estate: &Estate, name: &str, attributes: Value) {
    done(estate, "CreateQueue", json!({ "QueueName": name, "Attributes": attributes })).await;
}

async fn send(estate: &Estate, name: &str, body: &str) {
    done(estate, "SendMessage", json!({ "QueueUrl": url(name), "MessageBody": body })).await;
}

/// Up to ten messages with everything that is known of them.
async fn receive(estate: &Estate, name: &str) -> Vec<Value> {
    let asked = json!({
        "QueueUrl": url(name),
        "MaxNumberOfMessages": 10,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    });
    let answer = done(estate, "ReceiveMessage", asked).await;
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|it| it["Body"].as_str()).collect()
}

#[tokio::test]
async fn a_message_is_nobody_elses_until_its_time_is_over_and_gone_after_its_retention() {
    let estate = estate_of_queues();
    with_queue(&estate, "work", json!({ "VisibilityTimeout": "30", "MessageRetentionPeriod": "60" })).await;
    send(&estate, "work", "first").await;
    done(
        &estate,
        "SendMessage",
        json!({ "QueueUrl": url("work"), "MessageBody": "later", "DelaySeconds": 10 }),
    )
    .await;
    assert_eq!(bodies(&receive(&estate, "work").await), ["first"]);
    estate.advance(10.0).expect("advanced");
    assert_eq!(bodies(&receive(&estate, "work").await), ["later"]);
    estate.advance(20.0).expect("advanced");
    let again = receive(&estate, "work").await;
    assert_eq!(
        (bodies(&again), &again[0]["Attributes"]["ApproximateReceiveCount"]),
        (vec!["first"], &json!("2"))
    );
    estate.advance(30.0).expect("advanced");
    assert_eq!(bodies(&receive(&estate, "work").await), Vec::<&str>::new(), "both are older than a minute");
}

#[tokio::test]
async fn what_is_given_out_too_often_is_a_dead_letter() {
    let estate = estate_of_queues();
    with_queue(&estate, "dead", json!({})).await;
    let policy = json!({ "deadLetterTargetArn": format!("{ARN}:dead"), "maxReceiveCount": 3 }).to_string();
    with_queue(&estate, "work", json!({ "RedrivePolicy": policy, "VisibilityTimeout": "0" })).await;
    send(&estate, "work", "poison").await;
    for count in 1..=3 {
        let given = receive(&estate, "work").await;
        assert_eq!(given[0]["Attributes"]["ApproximateReceiveCount"], count.to_string());
    }
    assert_eq!(receive(&estate, "work").await, Vec::<Value>::new());
    let dead = receive(&estate, "dead").await;
    assert_eq!((bodies(&dead), dead.len()), (vec!["poison"], 1));
    assert_eq!(dead[0]["Attributes"]["DeadLetterQueueSourceArn"], format!("{ARN}:work"));
    assert_eq!(dead[0]["Attributes"]["ApproximateReceiveCount"], "1");
}

#[tokio::test]
async fn topics_and_rules_tell_queues_and_what_a_rule_cannot_tell_is_a_dead_letter() {
    let estate = estate_of_queues();
    with_queue(&estate, "told", json!({})).await;
    with_queue(&estate, "dead", json!({})).await;
    let event = |action: &'static str, document: Value| {
        let estate = Arc::clone(&estate);
        async move {
            let answer = ask_json(&estate, ("events", &format!("AWSEvents.{action}"), "1.1"), document).await;
            assert_eq!(answer.0, 200, "{}", answer.1);
        }
    };
    event("PutRule", json!({ "Name": "all", "EventPattern": "{\"source\":[\"x\"]}" })).await;
    let targets = json!([
        { "Id": "queue", "Arn": format!("{ARN}:told"), "InputPath": "$.detail" },
        { "Id": "gone", "Arn": format!("{ARN}:gone"), "DeadLetterConfig": { "Arn": format!("{ARN}:dead") } },
    ]);
    event("PutTargets", json!({ "Rule": "all", "Targets": targets })).await;
    let entry = json!({ "Source": "x", "DetailType": "y", "Detail": "{\"run\":\"r-1\"}" });
    event("PutEvents", json!({ "Entries": [entry] })).await;
    assert_eq!(bodies(&receive(&estate, "told").await), [r#"{"run":"r-1"}"#]);
    let dead = receive(&estate, "dead").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["MessageAttributes"]["TARGET_ARN"]["StringValue"], format!("{ARN}:gone"));
    assert_eq!(dead[0]["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"], "there is no queue gone");
    let event: Value = serde_json::from_str(bodies(&dead)[0]).expect("JSON");
    assert_eq!((&event["source"], &event["detail"]["run"]), (&json!("x"), &json!("r-1")));
    assert_eq!(estate.events(None).expect("all accounts").undelivered.len(), 1);

    let ask = async |form: String| {
        let mut request = Request::post("/")
            .header("host", "127.0.0.1")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("{form}&Version=2010-03-31")))
            .expect("a request");
        sigv4::sign(&mut request, estate.credentials(), REGION, "sns", start());
        assert_eq!(estate.call(request).await.expect("an answer").status(), 200, "{form}");
    };
    let topic = format!("arn:aws:sns:eu-central-1:{HUB}:fleet");
    ask("Action=CreateTopic&Name=fleet".to_owned()).await;
    for queue in ["told", "gone"] {
        ask(format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={ARN}:{queue}")).await;
    }
    let texts = "%7B%22default%22:%22for+all%22,%22sqs%22:%22for+queues%22%7D";
    ask(format!("Action=Publish&TopicArn={topic}&MessageStructure=json&Message={texts}")).await;
    let told = receive(&estate, "told").await;
    let message: Value = serde_json::from_str(bodies(&told)[0]).expect("JSON");
    assert_eq!(
        (told.len(), &message["Message"], &message["TopicArn"]),
        (1, &json!("for queues"), &json!(topic))
    );
}

#[tokio::test]
async fn errors_carry_the_codes_of_the_query_protocol_and_permissions_hold_for_single_queues() {
    let estate = estate_of_queues();
    with_queue(&estate, "closed", json!({})).await;
    let denied = ask(&estate, "SendMessage", json!({ "QueueUrl": url("closed"), "MessageBody": "x" })).await;
    assert_eq!(denied, (400, json!("com.amazon.coral.service#AccessDeniedException")));
    let batch = json!({ "QueueUrl": url("closed"), "Entries": [{ "Id": "a", "MessageBody": "x" }] });
    assert_eq!(ask(&estate, "SendMessageBatch", batch).await.0, 400, "a batch needs what its entries need");
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "AmazonSQS.PurgeQueue")
        .body(Bytes::from(json!({ "QueueUrl": url("none") }).to_string()))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "sqs", start());
    let response = estate.call(request).await.expect("an answer");
    let code = "AWS.SimpleQueueService.NonExistentQueue;Sender";
    assert_eq!(response.headers()["x-amzn-query-error"], code);
    assert!(text(&response).contains("com.amazonaws.sqs#QueueDoesNotExist"), "{}", text(&response));
    for (action, document) in [
        ("CreateQueue", json!({ "QueueName": "q.fifo", "Attributes": { "FifoQueue": "true" } })),
        ("SendMessage", json!({ "QueueUrl": url("closed").replace(HUB, SPOKE), "MessageBody": "x" })),
        ("ReceiveMessage", json!({ "QueueUrl": "closed" })),
    ] {
        assert_eq!(ask(&estate, action, document.clone()).await.0, 400, "{action} {document}");
    }
}
