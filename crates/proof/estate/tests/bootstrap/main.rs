//! Functions as executables: this program, started again by the estate, is the bootstrap.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bootstrap is told by its environment what it is, and what it prints is its log"
)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::estate::{Estate, EstateOptions, Hub};
use fleetwright_estate::functions::Functions;
use fleetwright_estate::functions::bootstrap::Bootstraps;
use fleetwright_estate::limits::LimitSettings;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_estate::wire::sigv4;
use fleetwright_estate::world::functions::RunEnd;
use fleetwright_estate::world::{Account, Region, World};
use http::{Method, Request, Response};
use serde_json::{Value, json};

const HUB: &str = "111122223333";
const REGION: &str = "eu-central-1";

fn main() {
    match std::env::var("AWS_LAMBDA_RUNTIME_API") {
        Ok(api) => be_a_bootstrap(&api),
        Err(_) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(the_estate_runs_executables());
            println!("test the_estate_runs_executables ... ok");
        }
    }
}

// The bootstrap

/// Takes events until it is killed, and does what they say.
fn be_a_bootstrap(api: &str) {
    let mut taken = 0;
    loop {
        let (head, event) = exchange(api, "GET", "/2018-06-01/runtime/invocation/next", "");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
            line.and_then(|line| line.split_once(": "))
                .map(|(_, value)| value.to_owned())
                .expect("the header")
        };
        let id = header("lambda-runtime-aws-request-id");
        assert!(header("lambda-runtime-deadline-ms").parse::<u64>().is_ok());
        taken += 1;
        println!("took event {taken}");
        let event: Value = serde_json::from_str(&event).expect("JSON");
        let route = |what: &str| format!("/2018-06-01/runtime/invocation/{id}/{what}");
        match event["do"].as_str() {
            Some("exit") => return,
            Some("hang") => std::thread::park(),
            Some("fail") => {
                let told = json!({ "errorType": "Refused", "errorMessage": "as it was told" });
                exchange(api, "POST", &route("error"), &told.to_string());
            }
            _ => {
                let variable = |name: &str| std::env::var(name).unwrap_or_default();
                let told = json!({
                    "taken": taken,
                    "function": variable("AWS_LAMBDA_FUNCTION_NAME"),
                    "memory": variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
                    "handler": variable("_HANDLER"),
                    "region": variable("AWS_REGION"),
                    "endpoint": variable("AWS_ENDPOINT_URL"),
                    "run": variable("RUN"),
                    "key": variable("AWS_ACCESS_KEY_ID").get(..4),
                });
                exchange(api, "POST", &route("response"), &told.to_string());
            }
        }
    }
}

/// One HTTP exchange: the head and the body of the answer.
fn exchange(api: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(api).expect("the Runtime API");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("received");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

// The estate

fn estate() -> Arc<Estate> {
    let start = "2026-03-02T08:00:00Z".parse().expect("a time");
    let mut hub = Account::default();
    let all = NamedPolicy::parse("all", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![all.expect("a policy")]);
    hub.iam.add_role(&HUB.to_owned(), "Worker", trust, Vec::new(), start).expect("a trust policy");
    hub.regions.insert(REGION.to_owned(), Region { enabled: true, ..Region::default() });
    let mut world = World::default();
    world.accounts.insert(HUB.to_owned(), hub);
    let options = EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start },
        limits: LimitSettings::default(),
        faults: Vec::new(),
        world,
        hub: Hub {
            account: HUB.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [].into(),
        },
        powershell: None,
    };
    Arc::new(Estate::new(options).expect("an estate"))
}

async fn ask(estate: &Estate, path: &str, body: &Value) -> Response<Bytes> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("/2015-03-31/functions{path}"))
        .header("host", "127.0.0.1")
        .header("x-amz-log-type", "Tail")
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "lambda", estate.now());
    estate.call(request).await.expect("an answer")
}

async fn invoke(estate: &Estate, event: Value) -> Value {
    let answer = ask(estate, "/turn/invocations", &event).await;
    serde_json::from_slice(answer.body()).expect("JSON")
}

async fn the_estate_runs_executables() {
    let estate = estate();
    let this = std::env::current_exe().expect("this program");
    let endpoint = "http://127.0.0.1:1";
    let executables =
        BTreeMap::from([("turn".to_owned(), this), ("gone".to_owned(), "/nowhere/bootstrap".into())]);
    let bootstraps: Arc<dyn Functions> = Arc::new(Bootstraps::new(endpoint, executables));
    assert!(estate.run_functions(bootstraps));
    for name in ["turn", "gone", "unknown"] {
        let made = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "steps.turn", "MemorySize": 256,
            "Role": "arn:aws:iam::111122223333:role/Worker", "Code": { "ZipFile": "UEsDBA==" },
            "Environment": { "Variables": { "RUN": "r-1" } },
        });
        assert_eq!(ask(&estate, "", &made).await.status(), 201);
    }
    estate.advance(10.0).expect("advanced");

    let first = invoke(&estate, json!({})).await;
    let expected = json!({
        "taken": 1, "function": "turn", "memory": "256", "handler": "steps.turn", "region": REGION,
        "endpoint": endpoint, "run": "r-1", "key": "ASIA",
    });
    assert_eq!(first, expected);
    assert_eq!(invoke(&estate, json!({})).await["taken"], 2, "a process takes one event after the other");

    let failed = ask(&estate, "/turn/invocations", &json!({ "do": "fail" })).await;
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");
    assert!(failed.body().starts_with(b"{\"errorMessage\":\"as it was told\""));
    assert_eq!(invoke(&estate, json!({})).await["taken"], 4, "a failed event leaves its process");

    let ended = invoke(&estate, json!({ "do": "exit" })).await;
    assert_eq!(ended["errorType"], "Runtime.ExitError");
    assert!(ended["errorMessage"].as_str().is_some_and(|it| it.ends_with("exit status: 0")), "{ended}");
    assert_eq!(invoke(&estate, json!({})).await["taken"], 1, "the next event finds a new process");

    let hanging = tokio::spawn({
        let estate = Arc::clone(&estate);
        async move { invoke(&estate, json!({ "do": "hang" })).await }
    });
    while !hanging.is_finished() {
        estate.advance(1.0).expect("advanced");
        tokio::task::yield_now().await;
    }
    let late = hanging.await.expect("joined");
    assert_eq!(late["errorType"], "Sandbox.Timedout");
    assert_eq!(invoke(&estate, json!({})).await["taken"], 1, "a process that hangs is killed");

    for (name, what) in
        [("gone", "/nowhere/bootstrap"), ("unknown", "no executable for the function unknown")]
    {
        let answer = ask(&estate, &format!("/{name}/invocations"), &json!({})).await;
        let told: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert!(told["errorMessage"].as_str().is_some_and(|it| it.contains(what)), "{told}");
    }
    let ends: Vec<_> = estate.function_runs(HUB, REGION).iter().filter_map(|run| run.end).collect();
    use RunEnd::{Answered, Crashed, Failed, TimedOut};
    assert_eq!(
        ends,
        [Answered, Answered, Failed, Answered, Crashed, Answered, TimedOut, Answered, Failed, Failed]
    );
}
