//! EventBridge on the wire: rules, and how an event reaches whom they tell.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_estate::functions::{Functions, Invocation, Invoked, Running};
use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["events:*","lambda:*","sns:*","iam:PassRole"],"Resource":"*"},
    {"Effect":"Deny","Action":"events:PutEvents","Resource":"*","Condition":{"StringEquals":{"events:source":"forbidden"}}}]}"#;
const LAMBDA: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:fleet";
const FUNCTION: &str = "arn:aws:lambda:eu-central-1:111122223333:function:turn";

/// Notes what functions are told.
#[derive(Default)]
struct Told(Mutex<Vec<Value>>);

impl Functions for Told {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        let event = serde_json::from_slice(&invocation.payload).expect("JSON");
        self.0.lock().expect("no panic before").push(event);
        Box::pin(async { Invoked::answered("null") })
    }
}

impl Told {
    /// What was told so far, once everything that was to run has run.
    async fn all(&self) -> Vec<Value> {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.0.lock().expect("no panic before").clone()
    }
}

fn estate_of_events() -> Arc<Estate> {
    let mut world = world();
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    hub.iam.add_role(&HUB.to_owned(), "Worker", LAMBDA, Vec::new(), start()).expect("a trust policy");
    estate_allowing(POLICY, world)
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    ask_json(estate, ("events", &format!("AWSEvents.{action}"), "1.1"), document).await
}

async fn done(estate: &Estate, action: &str, document: Value) -> Value {
    let (status, answer) = ask(estate, action, document).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

async fn with_rule(estate: &Estate, name: &str, pattern: Value, targets: Value) {
    done(estate, "PutRule", json!({ "Name": name, "EventPattern": pattern.to_string() })).await;
    done(estate, "PutTargets", json!({ "Rule": name, "Targets": targets })).await;
}

fn event(state: &str) -> Value {
    json!({ "Source": "fleetwright", "DetailType": "wave", "Detail": json!({ "state": state, "wave": 1 }).to_string() })
}

async fn put(estate: &Estate, entries: Value) -> Value {
    done(estate, "PutEvents", json!({ "Entries": entries })).await
}

/// Makes the function that [`FUNCTION`] names.
async fn with_function(estate: &Estate) {
    let made = json!({
        "FunctionName": "turn",
        "Runtime": "provided.al2023",
        "Role": "arn:aws:iam::111122223333:role/Worker",
        "Handler": "bootstrap",
        "Code": { "ZipFile": STANDARD.encode(b"PK\x03\x04one") },
    });
    let mut request = Request::post("/2015-03-31/functions").header("host", "127.0.0.1");
    request = request.header("content-type", "application/json");
    let mut request = request.body(Bytes::from(made.to_string())).expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "lambda", start());
    assert_eq!(estate.call(request).await.expect("an answer").status(), 201);
    estate.advance(10.0).expect("advanced");
}

#[tokio::test]
async fn an_event_reaches_each_target_of_each_enabled_rule_it_matches_once() {
    let (estate, told) = (estate_of_events(), Arc::new(Told::default()));
    assert!(estate.run_functions(Arc::clone(&told) as Arc<dyn Functions>));
    with_function(&estate).await;
    estate.create_topic(HUB, REGION, "fleet");
    let failed = json!({ "source": ["fleetwright"], "detail": { "state": ["failed"] } });
    let path = json!({ "Id": "f", "Arn": FUNCTION, "InputPath": "$.detail" });
    let words = json!({ "InputPathsMap": { "w": "$.detail.wave" }, "InputTemplate": "\"wave <w> by <aws.events.rule-name>\"" });
    let topic = json!({ "Id": "t", "Arn": TOPIC, "InputTransformer": words });
    with_rule(&estate, "on-failure", failed.clone(), json!([path, topic])).await;
    with_rule(&estate, "off", failed, json!([{ "Id": "f", "Arn": FUNCTION }])).await;
    done(&estate, "DisableRule", json!({ "Name": "off" })).await;
    with_rule(&estate, "other", json!({ "source": ["aws.ec2"] }), json!([{ "Id": "f", "Arn": FUNCTION }]))
        .await;
    let answer = put(&estate, json!([event("done"), event("failed")])).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    assert_eq!(told.all().await, [json!({ "state": "failed", "wave": 1 })]);
    let messages = estate.messages(Some(HUB)).expect("an account");
    assert_eq!(
        messages.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(),
        ["\"wave 1 by on-failure\""]
    );
    let records = estate.events(Some(HUB)).expect("an account");
    assert_eq!(
        records.events.iter().map(|it| it.rules.clone()).collect::<Vec<_>>(),
        [vec![], vec!["on-failure".to_owned()]]
    );
    assert_eq!(records.events[1].event["id"], answer["Entries"][1]["EventId"]);
    assert_eq!(records.undelivered, []);
}

#[tokio::test]
async fn what_reaches_nobody_is_kept_with_its_reason() {
    let estate = estate_of_events();
    with_function(&estate).await;
    let aims = [
        (FUNCTION.to_owned(), "nothing to run functions with"),
        (format!("{FUNCTION}-gone"), "there is no function turn-gone"),
        (TOPIC.to_owned(), "there is no topic fleet"),
        ("arn:aws:kinesis:eu-central-1:111122223333:stream/s".to_owned(), "no kinesis for rules to tell"),
        (FUNCTION.replace("eu-central-1", "eu-west-1"), "another account or region"),
    ];
    let targets: Vec<Value> =
        aims.iter().enumerate().map(|(n, (arn, _))| json!({ "Id": n.to_string(), "Arn": arn })).collect();
    with_rule(&estate, "all", json!({ "source": [{ "exists": true }] }), json!(targets)).await;
    put(&estate, json!([event("failed")])).await;
    let undelivered = estate.events(None).expect("all accounts").undelivered;
    assert_eq!(undelivered.len(), aims.len());
    for (arn, reason) in aims {
        let found =
            undelivered.iter().find(|it| it.target.as_deref() == Some(arn.as_str())).expect("it is kept");
        assert!(found.reason.contains(reason), "{arn}: {}", found.reason);
        assert!(found.payload.as_deref().is_some_and(|payload| payload.contains("\"failed\"")));
    }
    let nowhere = json!({ "EventBusName": "none", "Source": "x", "DetailType": "y", "Detail": "{}" });
    let answer = put(&estate, json!([nowhere])).await;
    let last = estate.events(None).expect("all accounts").undelivered.pop().expect("it is kept");
    assert_eq!(
        (last.event.as_str(), last.rule),
        (answer["Entries"][0]["EventId"].as_str().expect("an id"), None)
    );
    assert!(estate.events(Some("000000000000")).is_none());
}

#[tokio::test]
async fn each_entry_is_refused_for_itself_and_the_request_as_a_whole() {
    let estate = estate_of_events();
    let ours = json!({ "Source": "aws.mine", "DetailType": "x", "Detail": "{}" });
    let broken = json!({ "Source": "s", "DetailType": "x", "Detail": "[]" });
    let answer = put(&estate, json!([event("done"), ours, broken, { "Source": "s" }])).await;
    let codes: Vec<&str> = (1..4).filter_map(|n| answer["Entries"][n]["ErrorCode"].as_str()).collect();
    assert_eq!(codes, ["NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"]);
    assert_eq!((&answer["FailedEntryCount"], estate.events(None).expect("all").events.len()), (&json!(3), 1));
    let eleven: Vec<Value> = (0..11).map(|_| event("done")).collect();
    assert_eq!(
        ask(&estate, "PutEvents", json!({ "Entries": eleven })).await,
        (400, json!("ValidationException"))
    );
    let forbidden = json!({ "Source": "forbidden", "DetailType": "x", "Detail": "{}" });
    let denied = ask(&estate, "PutEvents", json!({ "Entries": [event("done"), forbidden] })).await;
    assert_eq!(denied, (400, json!("AccessDeniedException")));
    assert_eq!(estate.events(None).expect("all").events.len(), 1, "nothing of a refused request is put");
}

#[tokio::test]
async fn a_rule_by_the_clock_makes_an_event_whenever_it_is_due() {
    let estate = estate_of_events();
    estate.create_topic(HUB, REGION, "fleet");
    done(&estate, "PutRule", json!({ "Name": "nightly", "ScheduleExpression": "cron(0 22 * * ? *)" })).await;
    done(&estate, "PutRule", json!({ "Name": "often", "ScheduleExpression": "rate(10 hours)" })).await;
    for rule in ["nightly", "often"] {
        let input = json!({ "rule": rule }).to_string();
        done(
            &estate,
            "PutTargets",
            json!({ "Rule": rule, "Targets": [{ "Id": "t", "Arn": TOPIC, "Input": input }] }),
        )
        .await;
    }
    let told = || -> Vec<(String, String)> {
        let records = estate.events(None).expect("all accounts").events;
        let named = |it: &fleetwright_estate::world::events::PutEvent| {
            (it.rules.join(","), it.event["time"].as_str().unwrap_or_default().to_owned())
        };
        records.iter().map(named).collect()
    };
    estate.advance(24.0 * 3_600.0).expect("advanced");
    let pair = |rule: &str, time: &str| (rule.to_owned(), time.to_owned());
    let first = [
        pair("often", "2026-03-02T18:00:00Z"),
        pair("nightly", "2026-03-02T22:00:00Z"),
        pair("often", "2026-03-03T04:00:00Z"),
    ];
    assert_eq!(told(), first);
    assert_eq!(estate.messages(Some(HUB)).expect("an account").len(), 3);
    done(&estate, "DisableRule", json!({ "Name": "often" })).await;
    done(&estate, "PutRule", json!({ "Name": "nightly", "ScheduleExpression": "cron(0 23 * * ? *)" })).await;
    estate.advance(24.0 * 3_600.0).expect("advanced");
    assert_eq!(told()[3..], [pair("nightly", "2026-03-03T23:00:00Z")], "an older plan of it counts no more");
    done(&estate, "EnableRule", json!({ "Name": "often" })).await;
    estate.advance(10.0 * 3_600.0).expect("advanced");
    assert_eq!(told()[4..], [pair("often", "2026-03-04T10:00:00Z")]);
}

#[tokio::test]
async fn a_rule_is_not_deleted_while_it_tells_somebody() {
    let estate = estate_of_events();
    with_rule(&estate, "kept", json!({ "source": ["x"] }), json!([{ "Id": "t", "Arn": TOPIC }])).await;
    assert_eq!(
        ask(&estate, "DeleteRule", json!({ "Name": "kept" })).await,
        (400, json!("ValidationException"))
    );
    done(&estate, "RemoveTargets", json!({ "Rule": "kept", "Ids": ["t", "none"] })).await;
    done(&estate, "DeleteRule", json!({ "Name": "kept" })).await;
    done(&estate, "DeleteRule", json!({ "Name": "kept" })).await;
    assert_eq!(ask(&estate, "DescribeRule", json!({ "Name": "kept" })).await.0, 400);
}

#[tokio::test]
async fn rules_have_the_limits_of_the_service() {
    let estate = estate_of_events();
    let pattern = json!({ "source": ["x"] }).to_string();
    for number in 0..300 {
        done(&estate, "PutRule", json!({ "Name": format!("r-{number}"), "EventPattern": pattern })).await;
    }
    let put = |name: &str| json!({ "Name": name, "EventPattern": pattern });
    assert_eq!(ask(&estate, "PutRule", put("one-more")).await, (400, json!("LimitExceededException")));
    done(&estate, "PutRule", put("r-7")).await;
    assert!(estate.create_event_bus(HUB, REGION, "patching"));
    let elsewhere = json!({ "Name": "r", "EventPattern": pattern, "EventBusName": "patching" });
    let made = done(&estate, "PutRule", elsewhere).await;
    assert_eq!(made["RuleArn"], "arn:aws:events:eu-central-1:111122223333:rule/patching/r");
    let targets: Vec<Value> = (0..6).map(|n| json!({ "Id": n.to_string(), "Arn": TOPIC })).collect();
    let six = json!({ "Rule": "r-1", "Targets": targets });
    assert_eq!(ask(&estate, "PutTargets", six).await, (400, json!("LimitExceededException")));
    done(&estate, "PutTargets", json!({ "Rule": "r-1", "Targets": targets[..5] })).await;
    let listed = done(&estate, "ListRules", json!({ "NamePrefix": "r-29" })).await;
    assert_eq!(listed["Rules"].as_array().map(Vec::len), Some(11));
    for (document, code) in [
        (json!({ "Name": "no spaces", "EventPattern": pattern }), "ValidationException"),
        (json!({ "Name": "r-1" }), "ValidationException"),
        (json!({ "Name": "r-1", "ScheduleExpression": "rate(1 minutes)" }), "ValidationException"),
        (json!({ "Name": "r-1", "EventPattern": "{\"source\":[]}" }), "InvalidEventPatternException"),
        (
            json!({ "Name": "r", "EventPattern": pattern, "EventBusName": "none" }),
            "ResourceNotFoundException",
        ),
        (
            json!({ "Name": "r", "ScheduleExpression": "rate(1 day)", "EventBusName": "patching" }),
            "ValidationException",
        ),
    ] {
        assert_eq!(ask(&estate, "PutRule", document.clone()).await, (400, json!(code)), "{document}");
    }
}
