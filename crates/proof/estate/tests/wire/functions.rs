//! Lambda on the wire: functions, their versions, and invocations of handlers in this process.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_estate::functions::{Functions, Invocation, Invoked, Running};
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_estate::world::buckets::Object;
use fleetwright_estate::world::functions::RunEnd;
use http::Method;
use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"lambda:*","Resource":"*"},
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::code/*"},
    {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/Worker"}]}"#;
const WORKER: &str = r#"{"Statement":{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}}"#;
const LAMBDA: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
pub(super) const FUNCTIONS: &str = "/2015-03-31/functions";

/// A handler that notes each event and does what it says.
#[derive(Default)]
struct Handler {
    events: Mutex<Vec<Invocation>>,
}

impl Functions for Handler {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        Box::pin(async move {
            let event: Value = serde_json::from_slice(&invocation.payload).expect("JSON");
            self.events.lock().expect("no panic before").push(invocation);
            match event["do"].as_str() {
                Some("fail") => Invoked::failed("Refused", "as it was told"),
                Some("hang") => std::future::pending().await,
                Some("panic") => panic!("as it was told"),
                _ => Invoked { log: "said\n".to_owned(), ..Invoked::answered(event.to_string()) },
            }
        })
    }
}

impl Handler {
    fn count(&self) -> usize {
        self.events.lock().expect("no panic before").len()
    }
}

fn estate_of_functions(faults: &str) -> (Arc<Estate>, Arc<Handler>) {
    let handler = Arc::new(Handler::default());
    (estate_that_runs(Arc::clone(&handler) as Arc<dyn Functions>, faults), handler)
}

pub(super) fn estate_that_runs(functions: Arc<dyn Functions>, faults: &str) -> Arc<Estate> {
    let mut world = world();
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    let policy = |name: &str, text: &str| NamedPolicy::parse(name, text).expect("a policy");
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![policy("deploy", POLICY)]);
    let work = vec![policy("work", WORKER)];
    hub.iam.add_role(&HUB.to_owned(), "Worker", LAMBDA, work, start()).expect("a trust policy");
    hub.regions.insert(REGION.to_owned(), Region { enabled: true, ..Region::default() });
    let archive = Object::new(Bytes::from_static(b"PK\x03\x04one"), Vec::new(), start());
    world.buckets.create("code", HUB, REGION, start()).put("turn.zip", archive);
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
    });
    let estate = Arc::new(estate.expect("an estate"));
    assert!(estate.run_functions(functions));
    estate
}

/// A signed request of Lambda's.
fn lambda(
    estate: &Estate,
    (method, path): (Method, &str),
    headers: &[(&'static str, &str)],
    body: &Value,
) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut request = request.body(body).expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "lambda", start());
    request
}

pub(super) async fn ask(estate: &Estate, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = estate.call(lambda(estate, (method, path), &[], &body)).await.expect("an answer");
    let status = response.status().as_u16();
    if status >= 400 {
        let code = response.headers()["x-amzn-errortype"].to_str().expect("a code").to_owned();
        return (status, code.into());
    }
    (status, serde_json::from_slice(response.body()).unwrap_or(Value::Null))
}

pub(super) fn worker() -> Value {
    json!({
        "FunctionName": "turn",
        "Runtime": "provided.al2023",
        "Role": "arn:aws:iam::111122223333:role/Worker",
        "Handler": "bootstrap",
        "Timeout": 30,
        "Code": { "ZipFile": STANDARD.encode(b"PK\x03\x04one") },
        "Environment": { "Variables": { "RUN": "r-1" } },
    })
}

async fn with_turn(faults: &str) -> (Arc<Estate>, Arc<Handler>) {
    let (estate, handler) = estate_of_functions(faults);
    let (status, made) = ask(&estate, Method::POST, FUNCTIONS, worker()).await;
    assert_eq!((status, &made["State"]), (201, &json!("Pending")), "{made}");
    estate.advance(10.0).expect("advanced");
    (estate, handler)
}

async fn invoke(estate: &Estate, headers: &[(&'static str, &str)], event: Value) -> Response<Bytes> {
    let path = format!("{FUNCTIONS}/turn/invocations");
    estate.call(lambda(estate, (Method::POST, &path), headers, &event)).await.expect("an answer")
}

/// Lets virtual time go on until a task is done.
async fn until_done<T>(estate: &Estate, task: tokio::task::JoinHandle<T>) -> T {
    while !task.is_finished() {
        estate.advance(1.0).expect("advanced");
        tokio::task::yield_now().await;
    }
    task.await.expect("joined")
}

#[tokio::test]
async fn a_function_is_pending_and_then_answers_with_its_log_and_the_credentials_of_its_role() {
    let (estate, handler) = estate_of_functions("[]");
    assert_eq!(ask(&estate, Method::POST, FUNCTIONS, worker()).await.0, 201);
    let path = format!("{FUNCTIONS}/turn/invocations");
    let early = ask(&estate, Method::POST, &path, json!({})).await;
    assert_eq!(early, (409, json!("ResourceConflictException")));
    estate.advance(10.0).expect("advanced");
    let answer = invoke(&estate, &[("x-amz-log-type", "Tail")], json!({ "host": "i-1" })).await;
    assert_eq!(text(&answer), r#"{"host":"i-1"}"#);
    assert_eq!(answer.headers()["x-amz-executed-version"], "$LATEST");
    assert!(answer.headers().get("x-amz-function-error").is_none());
    let log = STANDARD.decode(answer.headers()["x-amz-log-result"].as_bytes()).expect("base64");
    let log = String::from_utf8(log).expect("a text");
    assert!(log.starts_with("START RequestId: ") && log.contains("\nsaid\nEND RequestId: "), "{log}");
    let event = handler.events.lock().expect("no panic").remove(0);
    assert_eq!(event.environment["RUN"], "r-1");
    assert_eq!(event.deadline, estate.now() + jiff::SignedDuration::from_secs(30));
    let credentials = event.credentials.expect("the role is there");
    let whoami = estate.call(query(&credentials, "sts", REGION, "Action=GetCallerIdentity")).await;
    let whoami = whoami.expect("an answer");
    assert_eq!(element(text(&whoami), "Arn"), "arn:aws:sts::111122223333:assumed-role/Worker/turn");
}

#[tokio::test]
async fn an_error_of_the_handler_is_an_answer_with_a_header() {
    let (estate, _) = with_turn("[]").await;
    for (event, kind) in [("fail", "Refused"), ("panic", "Runtime.ExitError")] {
        let answer = invoke(&estate, &[], json!({ "do": event })).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-amz-function-error"]),
            (200, &"Unhandled".parse().expect("text"))
        );
        let told: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(told["errorType"], kind);
    }
    let again = invoke(&estate, &[], json!({})).await;
    assert!(again.headers().get("x-amz-function-error").is_none(), "its place was given back");
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_given_up_at_its_time() {
    let (estate, handler) = with_turn("[]").await;
    let began = estate.now();
    let waiting = tokio::spawn({
        let estate = Arc::clone(&estate);
        async move { invoke(&estate, &[], json!({ "do": "hang" })).await }
    });
    let answer = until_done(&estate, waiting).await;
    assert!(text(&answer).contains("Task timed out after 30.00 seconds"), "{}", text(&answer));
    assert!(estate.now().duration_since(began) >= jiff::SignedDuration::from_secs(30));
    assert_eq!((handler.count(), estate.function_runs(HUB, REGION)[0].end), (1, Some(RunEnd::TimedOut)));
}

#[tokio::test]
async fn faults_of_functions_crash_hang_and_repeat_them() {
    let fault = |kind: &str, nth: u8| json!({ "kind": kind, "service": "lambda", "action": "Invoke", "nth": { "exactly": nth } });
    let rules = json!([
        fault("function_crashes", 1),
        fault("function_times_out", 2),
        fault("function_runs_twice", 3),
        fault("lost_reply", 4),
    ]);
    let (estate, handler) = with_turn(&rules.to_string()).await;
    let crashed = invoke(&estate, &[], json!({})).await;
    assert!(text(&crashed).contains("signal: killed"), "{}", text(&crashed));
    assert_eq!(handler.count(), 0, "it was killed before it did anything");
    let waiting = tokio::spawn({
        let estate = Arc::clone(&estate);
        async move { invoke(&estate, &[], json!({})).await }
    });
    let late = until_done(&estate, waiting).await;
    assert!(text(&late).contains("Task timed out"), "{}", text(&late));
    assert_eq!(handler.count(), 1, "what it did is done");
    assert_eq!(text(&invoke(&estate, &[], json!({})).await), "{}");
    assert_eq!(handler.count(), 3);
    let path = format!("{FUNCTIONS}/turn/invocations");
    let lost = estate.call(lambda(&estate, (Method::POST, &path), &[], &json!({}))).await;
    assert_eq!(lost.expect_err("lost"), Lost);
    assert_eq!(handler.count(), 4);
    let runs = estate.function_runs(HUB, REGION);
    let ends: Vec<_> = runs.iter().filter_map(|run| run.end).collect();
    use RunEnd::{Answered, Crashed, TimedOut};
    assert_eq!(ends, [Crashed, TimedOut, Answered, Answered, Answered]);
    assert_eq!(runs[2].request_id, runs[3].request_id);
    assert!(estate.check(Purpose::Real).ok);
}

#[tokio::test]
async fn an_event_is_taken_at_once_and_run_three_times_until_it_succeeds() {
    let (estate, handler) = with_turn("[]").await;
    let taken = invoke(&estate, &[("x-amz-invocation-type", "Event")], json!({ "do": "fail" })).await;
    assert_eq!((taken.status().as_u16(), taken.body().len()), (202, 0));
    let mut times = Vec::new();
    for _ in 0..600 {
        if handler.count() > times.len() {
            times.push(estate.now());
        }
        estate.advance(1.0).expect("advanced");
        tokio::task::yield_now().await;
    }
    assert_eq!(times.len(), 3);
    let pauses = [times[1].duration_since(times[0]).as_secs(), times[2].duration_since(times[1]).as_secs()];
    assert!((58..65).contains(&pauses[0]) && (118..125).contains(&pauses[1]), "{pauses:?}");
    let ids: Vec<String> = estate.function_runs(HUB, REGION).into_iter().map(|run| run.request_id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn a_reservation_is_how_many_run_at_once_and_none_is_none() {
    let (estate, _) = with_turn("[]").await;
    let concurrency = "/2017-10-31/functions/turn/concurrency";
    let reserve = |count: u64| json!({ "ReservedConcurrentExecutions": count });
    assert_eq!(ask(&estate, Method::PUT, concurrency, reserve(901)).await.0, 400);
    assert_eq!(ask(&estate, Method::PUT, concurrency, reserve(1)).await, (200, reserve(1)));
    assert_eq!(
        ask(&estate, Method::GET, "/2019-09-30/functions/turn/concurrency", Value::Null).await,
        (200, reserve(1))
    );
    let hanging = tokio::spawn({
        let estate = Arc::clone(&estate);
        async move { invoke(&estate, &[], json!({ "do": "hang" })).await }
    });
    while estate.function_runs(HUB, REGION).is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = invoke(&estate, &[], json!({})).await;
    assert_eq!(refused.status(), 429);
    assert!(text(&refused).contains("ReservedFunctionConcurrentInvocationLimitExceeded"));
    until_done(&estate, hanging).await;
    assert_eq!(invoke(&estate, &[], json!({})).await.status(), 200);
    assert_eq!(ask(&estate, Method::PUT, concurrency, reserve(0)).await.0, 200);
    assert_eq!(invoke(&estate, &[], json!({})).await.status(), 429);
}

#[tokio::test]
async fn a_published_version_stays_as_it_was() {
    let (estate, handler) = with_turn("[]").await;
    let versions = format!("{FUNCTIONS}/turn/versions");
    let (status, first) = ask(&estate, Method::POST, &versions, json!({})).await;
    assert_eq!((status, &first["Version"]), (201, &json!("1")));
    assert_eq!(
        ask(&estate, Method::POST, &versions, json!({})).await.1["Version"],
        "1",
        "nothing has changed"
    );
    let code = json!({ "ZipFile": STANDARD.encode(b"PK\x03\x04two") });
    let path = format!("{FUNCTIONS}/turn/code");
    let (_, updated) = ask(&estate, Method::PUT, &path, code.clone()).await;
    assert_eq!(updated["LastUpdateStatus"], "InProgress");
    assert_eq!(ask(&estate, Method::PUT, &path, code).await.0, 409, "one change at a time");
    estate.advance(10.0).expect("advanced");
    let change = json!({ "Environment": { "Variables": { "RUN": "r-2" } }, "Timeout": 60 });
    let path = format!("{FUNCTIONS}/turn/configuration");
    assert_eq!(ask(&estate, Method::PUT, &path, change).await.1["Timeout"], 60);
    estate.advance(10.0).expect("advanced");
    let stale = json!({ "RevisionId": first["RevisionId"], "Timeout": 61 });
    assert_eq!(ask(&estate, Method::PUT, &path, stale).await, (412, json!("PreconditionFailedException")));
    assert_eq!(ask(&estate, Method::POST, &versions, json!({})).await.1["Version"], "2");
    let (_, listed) = ask(&estate, Method::GET, &versions, Value::Null).await;
    let shown: Vec<(&Value, &Value)> = listed["Versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|it| (&it["Version"], &it["Timeout"]))
        .collect();
    assert_eq!(
        shown,
        [(&json!("$LATEST"), &json!(60)), (&json!("1"), &json!(30)), (&json!("2"), &json!(60))]
    );
    let path = format!("{FUNCTIONS}/arn:aws:lambda:{REGION}:{HUB}:function:turn:1/invocations");
    let answer =
        estate.call(lambda(&estate, (Method::POST, &path), &[], &json!({}))).await.expect("an answer");
    assert_eq!(answer.headers()["x-amz-executed-version"], "1");
    assert_eq!(handler.events.lock().expect("no panic")[0].environment["RUN"], "r-1");
    let missing =
        ask(&estate, Method::POST, &format!("{FUNCTIONS}/turn/invocations?Qualifier=9"), json!({})).await;
    assert_eq!(missing, (404, json!("ResourceNotFoundException")));
    assert_eq!(ask(&estate, Method::DELETE, &format!("{FUNCTIONS}/turn"), Value::Null).await.0, 204);
    assert_eq!(ask(&estate, Method::GET, &format!("{FUNCTIONS}/turn"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_services_words() {
    let (estate, _) = with_turn("[]").await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = worker();
        document["FunctionName"] = "other".into();
        change(&mut document);
        document
    };
    let cases = [
        (worker(), 409, "ResourceConflictException"),
        (
            changed(&|it| it["Code"]["ZipFile"] = STANDARD.encode("no archive").into()),
            400,
            "InvalidParameterValueException",
        ),
        (
            changed(&|it| it["Code"] = json!({ "S3Bucket": "code", "S3Key": "none" })),
            400,
            "InvalidParameterValueException",
        ),
        (
            changed(&|it| it["Role"] = "arn:aws:iam::111122223333:role/Other".into()),
            403,
            "AccessDeniedException",
        ),
        (changed(&|it| it["FunctionName"] = "a b".into()), 400, "ValidationException"),
        (changed(&|it| it["Timeout"] = 901.into()), 400, "ValidationException"),
        (
            changed(&|it| it["Environment"]["Variables"]["AWS_REGION"] = "x".into()),
            400,
            "InvalidParameterValueException",
        ),
    ];
    for (document, status, code) in cases {
        assert_eq!(
            ask(&estate, Method::POST, FUNCTIONS, document.clone()).await,
            (status, json!(code)),
            "{document}"
        );
    }
    let from_s3 = changed(&|it| it["Code"] = json!({ "S3Bucket": "code", "S3Key": "turn.zip" }));
    let (status, made) = ask(&estate, Method::POST, FUNCTIONS, from_s3).await;
    assert_eq!((status, &made["CodeSize"]), (201, &json!(7)));
    let path = format!("{FUNCTIONS}/turn/invocations");
    let mut odd = lambda(&estate, (Method::POST, &path), &[], &Value::Null);
    *odd.body_mut() = Bytes::from_static(b"{no");
    sigv4::sign(&mut odd, estate.credentials(), REGION, "lambda", start());
    let refused = estate.call(odd).await.expect("an answer");
    assert_eq!(refused.headers()["x-amzn-errortype"], "InvalidRequestContentException");
    let large = json!({ "text": "x".repeat(1_024 * 1_024) });
    let refused = invoke(&estate, &[("x-amz-invocation-type", "Event")], large.clone()).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(invoke(&estate, &[], large).await.status(), 200);
    assert_eq!(invoke(&estate, &[("x-amz-invocation-type", "DryRun")], json!({})).await.status(), 204);
}
