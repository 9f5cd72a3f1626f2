//! CloudWatch Logs on the wire: what is taken, what is kept, what filters find, and what functions leave there.

use fleetwright_estate::functions::{Functions, Invocation, Invoked, Running};
use serde_json::{Value, json};

use super::*;

const LAMBDA: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["logs:*","lambda:*","iam:PassRole"],"Resource":"*"},
    {"Effect":"Deny","Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:*:*:log-group:theirs:*"}]}"#;

fn estate_of_logs() -> Arc<Estate> {
    estate_allowing(POLICY, world())
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    ask_json(estate, ("logs", &format!("Logs_20140328.{action}"), "1.1"), document).await
}

async fn done(estate: &Estate, action: &str, document: Value) -> Value {
    let (status, answer) = ask(estate, action, document).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

async fn group_with_stream(estate: &Estate, group: &str) {
    done(estate, "CreateLogGroup", json!({ "logGroupName": group })).await;
    done(estate, "CreateLogStream", json!({ "logGroupName": group, "logStreamName": "s" })).await;
}

async fn put(estate: &Estate, group: &str, events: &[(i64, &str)]) -> Value {
    let events: Vec<Value> =
        events.iter().map(|(at, message)| json!({ "timestamp": at, "message": message })).collect();
    done(estate, "PutLogEvents", json!({ "logGroupName": group, "logStreamName": "s", "logEvents": events }))
        .await
}

fn messages(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str()).collect()
}

#[tokio::test]
async fn an_empty_page_of_a_filter_goes_on_to_what_it_finds_later() {
    let estate = estate_of_logs();
    group_with_stream(&estate, "g").await;
    let now = start().as_millisecond();
    let mut events: Vec<(i64, &str)> = (0..1_500).map(|n| (now + n, "noise")).collect();
    events.push((now + 2_000, "ERROR at last"));
    put(&estate, "g", &events).await;
    let asked = json!({ "logGroupName": "g", "filterPattern": "ERROR" });
    let first = done(&estate, "FilterLogEvents", asked.clone()).await;
    assert!(messages(&first).is_empty() && first["nextToken"].is_string(), "{first}");
    let mut next = asked;
    next["nextToken"] = first["nextToken"].clone();
    let second = done(&estate, "FilterLogEvents", next.clone()).await;
    assert_eq!(messages(&second), ["ERROR at last"]);
    assert!(second.get("nextToken").is_none(), "{second}");
    next["filterPattern"] = "WARN".into();
    assert_eq!(ask(&estate, "FilterLogEvents", next).await, (400, json!("InvalidParameterException")));
}

#[tokio::test]
async fn what_is_too_old_too_new_or_out_of_order_is_not_taken() {
    let estate = estate_of_logs();
    group_with_stream(&estate, "g").await;
    let (now, hour) = (start().as_millisecond(), 3_600_000);
    let told = put(&estate, "g", &[(now - 15 * 24 * hour, "ancient")]).await;
    assert_eq!(told["rejectedLogEventsInfo"], json!({ "tooOldLogEventEndIndex": 1 }));
    let told = put(&estate, "g", &[(now, "now"), (now + 3 * hour, "tomorrow")]).await;
    assert_eq!(told["rejectedLogEventsInfo"], json!({ "tooNewLogEventStartIndex": 1 }));
    let unordered = json!([{ "timestamp": 2, "message": "b" }, { "timestamp": 1, "message": "a" }]);
    let unordered = json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": unordered });
    assert_eq!(ask(&estate, "PutLogEvents", unordered).await, (400, json!("InvalidParameterException")));
    let found = done(&estate, "FilterLogEvents", json!({ "logGroupName": "g" })).await;
    assert_eq!(messages(&found), ["now"]);
}

#[tokio::test]
async fn events_are_gone_when_their_group_keeps_them_no_longer() {
    let estate = estate_of_logs();
    group_with_stream(&estate, "g").await;
    put(&estate, "g", &[(start().as_millisecond(), "short")]).await;
    done(&estate, "PutRetentionPolicy", json!({ "logGroupName": "g", "retentionInDays": 1 })).await;
    let asked = json!({ "logGroupName": "g" });
    assert_eq!(messages(&done(&estate, "FilterLogEvents", asked.clone()).await), ["short"]);
    estate.advance(86_401.0).expect("advanced");
    assert!(messages(&done(&estate, "FilterLogEvents", asked).await).is_empty());
}

#[tokio::test]
async fn permissions_hold_for_groups_with_what_is_in_them() {
    let estate = estate_of_logs();
    group_with_stream(&estate, "theirs").await;
    let asked = json!({ "logGroupName": "theirs" });
    assert_eq!(ask(&estate, "FilterLogEvents", asked).await, (400, json!("AccessDeniedException")));
    let asked = json!({ "logGroupName": "theirs", "logStreamName": "s" });
    done(&estate, "GetLogEvents", asked).await;
}

/// A function that says what it was given.
struct Talker;

impl Functions for Talker {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        let log = format!("given {}\n", String::from_utf8_lossy(&invocation.payload));
        Box::pin(async move { Invoked { log, ..Invoked::answered("{}") } })
    }
}

/// A signed request of Lambda's to the function of that name.
async fn lambda(estate: &Estate, path: &str, body: Value) {
    let request = Request::post(format!("/2015-03-31/functions{path}")).header("host", "127.0.0.1");
    let mut request = request.body(Bytes::from(body.to_string())).expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "lambda", start());
    let answer = estate.call(request).await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {:?}", answer.body());
}

#[tokio::test]
async fn what_a_function_writes_is_in_its_group_where_its_role_may_write_it() {
    let mut world = world();
    let writes = r#"{"Statement":{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/loud:*"}}"#;
    let writes = NamedPolicy::parse("writes", writes).expect("a policy");
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    hub.iam.add_role(&HUB.to_owned(), "Talks", LAMBDA, vec![writes], start()).expect("a role");
    let estate = estate_allowing(POLICY, world);
    assert!(estate.run_functions(Arc::new(Talker)));
    for name in ["loud", "mute"] {
        let made = json!({
            "FunctionName": name,
            "Runtime": "provided.al2023",
            "Role": format!("arn:aws:iam::{HUB}:role/Talks"),
            "Handler": "bootstrap",
            "Code": { "ZipFile": "UEsDBA==" },
        });
        lambda(&estate, "", made).await;
    }
    estate.advance(60.0).expect("advanced");
    for name in ["loud", "mute"] {
        let path = format!("/{name}/invocations");
        lambda(&estate, &path, json!({ "to": "all" })).await;
    }
    let found = done(&estate, "FilterLogEvents", json!({ "logGroupName": "/aws/lambda/loud" })).await;
    let lines = messages(&found);
    assert_eq!((lines.len(), lines[1]), (4, r#"given {"to":"all"}"#), "{lines:?}");
    assert!(lines[0].starts_with("START RequestId: ") && lines[3].starts_with("REPORT "), "{lines:?}");
    let missing = json!({ "logGroupName": "/aws/lambda/mute" });
    assert_eq!(ask(&estate, "FilterLogEvents", missing).await, (400, json!("ResourceNotFoundException")));
}
