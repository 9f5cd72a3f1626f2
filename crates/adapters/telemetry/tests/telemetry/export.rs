//! Traces and metrics on their way out, and exporters that stop nothing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright_telemetry::{Collector, SERIES_MAX, Setup, Telemetry, TelemetryError, table};
use serde_json::Value as Json;
use tracing::dispatcher::with_default;

use crate::collector::{Manner, Taken, attribute, listen, metrics, spans};
use crate::surroundings::{Standing, setup};

/// A run of one turn that makes these calls; each of them is answered.
fn run(name: &str, requests: &[&str]) {
    let run = tracing::info_span!(target: "fleetwright_engine", "run", run = name);
    let _run = run.enter();
    let turn = tracing::info_span!(target: "fleetwright_engine", "turn", step = "patch", direction = "Do");
    let _turn = turn.enter();
    for request in requests {
        call(request, "answered");
    }
}

fn call(request: &str, outcome: &str) {
    let call = tracing::debug_span!(target: "fleetwright_aws::call", "call", action = "ssm:SendCommand",
        account = "111111111111", region = "eu-central-1", outcome = tracing::field::Empty);
    call.in_scope(|| {
        // As the SDK does.
        let inner = tracing::info_span!("invoke");
        inner.in_scope(|| {
            tracing::trace!(target: "fleetwright_aws::answer", request_id = request, status = 200, "answered");
        });
    });
    call.record("outcome", outcome);
}

fn collector(
    manner: Manner,
    setup_with: impl FnOnce(&mut Setup),
) -> (Telemetry, std::sync::mpsc::Receiver<Taken>) {
    let (address, taken) = listen(manner);
    let mut setup = setup(Vec::new());
    setup.collector =
        Some(Collector::new(&format!("http://{address}"), "x-api-key=s3cr3t-canary").expect("good"));
    setup_with(&mut setup);
    (Telemetry::start(setup).expect("started"), taken)
}

#[test]
fn every_call_is_a_span_with_its_request_id_inside_the_turn_and_the_run() {
    let (telemetry, taken) = collector(Manner::Takes, |_| {});
    with_default(&telemetry.dispatch(), || {
        run("run-1", &["r-1", "r-2"]);
        run("run-1", &["r-3"]);
        run("run-2", &["r-4"]);
    });
    telemetry.finish();
    let taken: Vec<Taken> = taken.try_iter().collect();
    let key =
        |it: &Taken| it.headers.iter().any(|(name, value)| name == "x-api-key" && value == "s3cr3t-canary");
    assert!(taken.iter().all(key), "every request carries the headers");
    let spans: Vec<Json> =
        taken.iter().filter(|it| it.path == "/v1/traces").flat_map(|it| spans(&it.body)).collect();
    let by_id: BTreeMap<&str, &Json> =
        spans.iter().map(|span| (span["spanId"].as_str().expect("id"), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "ids are unique");
    let calls: Vec<&Json> = spans.iter().filter(|span| span["name"] == "ssm:SendCommand").collect();
    let ids: Vec<_> = calls.iter().filter_map(|call| attribute(call, "aws.request_id")).collect();
    assert_eq!(ids, ["r-1", "r-2", "r-3", "r-4"]);
    let mut traces = Vec::new();
    for call in calls {
        assert_eq!(call["kind"], 3, "a client's");
        assert_eq!(attribute(call, "cloud.region").as_deref(), Some("eu-central-1"));
        assert_eq!(attribute(call, "rpc.system").as_deref(), Some("aws-api"));
        let turn = by_id[call["parentSpanId"].as_str().expect("in a turn")];
        let run = by_id[turn["parentSpanId"].as_str().expect("in a run")];
        assert_eq!((&turn["name"], &run["name"]), (&"turn".into(), &"run".into()));
        assert!(run.get("parentSpanId").is_none());
        assert!([turn, run].iter().all(|it| it["traceId"] == call["traceId"]));
        traces.push((attribute(run, "fleetwright.run").expect("named"), call["traceId"].clone()));
    }
    assert_eq!(traces[0], traces[2], "one run is one trace, also after it was taken up again");
    assert_ne!(traces[0].1, traces[3].1, "another run is another one");
}

#[test]
fn metrics_go_to_the_collector_too_and_a_refused_call_is_an_error() {
    let (telemetry, taken) = collector(Manner::Takes, |_| {});
    with_default(&telemetry.dispatch(), || {
        run("run-1", &["r-1", "r-2"]);
        call("r-3", "refused");
    });
    telemetry.finish();
    let taken: Vec<Taken> = taken.try_iter().collect();
    let failed: Vec<Json> = taken
        .iter()
        .filter(|it| it.path == "/v1/traces")
        .flat_map(|it| spans(&it.body))
        .filter(|span| span["status"]["code"] == 2)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(attribute(&failed[0], "aws.request_id").as_deref(), Some("r-3"));
    let last = taken.iter().rev().find(|it| it.path == "/v1/metrics").expect("metrics");
    let calls = metrics(&last.body).into_iter().find(|it| it["name"] == "fleetwright_aws_calls_total");
    let points = calls.expect("calls are counted")["sum"]["dataPoints"].as_array().expect("points").clone();
    let of = |outcome: &str| {
        let point = points.iter().find(|it| attribute(it, "outcome").as_deref() == Some(outcome));
        point.map(|it| it["asDouble"].as_f64().expect("a number"))
    };
    assert_eq!((of("answered"), of("refused")), (Some(2.0), Some(1.0)));
}

#[test]
fn planted_secrets_are_in_no_span_and_no_metric() {
    let (telemetry, taken) = collector(Manner::Takes, |_| {});
    with_default(&telemetry.dispatch(), || {
        let turn = tracing::info_span!(target: "fleetwright_engine", "turn", step = "patch", direction = "Do",
            note = "fleet-1f3a-canary", api_key = "hunter2-canary", output = "PASSWORD=hunter2-canary");
        turn.in_scope(|| call("AKIAIOSFODNN7EXAMPLE", "answered"));
    });
    telemetry.finish();
    let all: String = taken.try_iter().map(|it| it.body.to_string()).collect();
    assert!(all.contains("ssm:SendCommand") && all.contains("(hidden)"), "{all}");
    for canary in ["fleet-1f3a-canary", "hunter2-canary", "AKIAIOSFODNN7EXAMPLE", "s3cr3t-canary"] {
        assert!(!all.contains(canary), "{canary} in {all}");
    }
}

/// A port nobody comes to listen on, as long as the connection is held: its client has it.
fn nobody() -> ((TcpListener, TcpStream), SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let port = client.local_addr().expect("it is connected");
    ((listener, client), port)
}

#[test]
fn a_collector_that_refuses_or_is_silent_or_is_not_there_stops_nothing_and_what_is_lost_is_counted() {
    for manner in [Some(Manner::Refuses(503)), Some(Manner::Refuses(400)), Some(Manner::Silent), None] {
        let (_held, nobody) = nobody();
        let (telemetry, _taken) = collector(manner.unwrap_or(Manner::Takes), |setup| {
            // What would be waited for is over at once: the limit of a request.
            setup.wall = Arc::new(Standing { passes: Some(Duration::from_secs(5)) });
            if manner.is_none() {
                setup.collector = Some(Collector::new(&format!("http://{nobody}"), "").expect("good"));
            }
        });
        with_default(&telemetry.dispatch(), || {
            // More spans than may wait.
            for _ in 0..20 {
                run("run-1", &["r"; 1_000]);
            }
        });
        let counted = Arc::clone(telemetry.metrics());
        telemetry.finish();
        let text = counted.text();
        let of = |name: &str| -> f64 {
            let line =
                text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{text}"));
            line.trim().parse().expect("a number")
        };
        assert!((of("fleetwright_spans_dropped_total") - 20_040.0).abs() < 0.5, "all are lost: {text}");
        assert!(of("fleetwright_exports_total{what=\"traces\",outcome=\"failed\"}") >= 1.0, "{text}");
    }
}

#[test]
fn ten_thousand_hosts_make_as_many_series_as_a_few() {
    let series = |hosts: u32| {
        let mut setup = setup(Vec::new());
        setup.metrics_file = Some(Box::new(|_| Ok(())));
        let telemetry = Telemetry::start(setup).expect("started");
        with_default(&telemetry.dispatch(), || {
            for host in 0..hosts {
                let instance = format!("i-{host:017x}");
                tracing::info!(target: "fleetwright::run", run = "run-1", %instance, zone = %format!("zone-{host}"),
                    account = %format!("{host:012}"), step = "patch", direction = "Do", outcome = "succeeded",
                    seconds = 100.0, "step ended");
                call(&instance, "answered");
            }
        });
        let series = telemetry.metrics().series();
        telemetry.finish();
        series
    };
    assert_eq!(series(10_000), series(10));
    assert!(table().count() * (SERIES_MAX + 1) < 20_000, "the most series there can ever be");
}

#[test]
fn metrics_are_written_as_text_and_can_be_asked_for_on_this_machine_alone() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let mut setup = setup(Vec::new());
    let keep = Arc::clone(&written);
    setup.metrics_file = Some(Box::new(move |text| {
        keep.lock().expect("not poisoned").push(text.to_owned());
        Ok(())
    }));
    setup.metrics_listen = Some("127.0.0.1:0".parse().expect("an address"));
    let telemetry = Telemetry::start(setup).expect("a free port");
    with_default(&telemetry.dispatch(), || run("run-1", &["r-1"]));
    let address = telemetry.address().expect("it listens");
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    let line = "fleetwright_aws_calls_total{action=\"ssm:SendCommand\",region=\"eu-central-1\",outcome=\"answered\"} 1";
    let answer = ask("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("version=0.0.4"), "{answer}");
    assert!(answer.lines().any(|it| it == line), "{answer}");
    assert!(ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").starts_with("HTTP/1.1 404"));
    assert!(
        ask("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").starts_with("HTTP/1.1 405")
    );
    telemetry.finish();
    let written = written.lock().expect("not poisoned");
    assert!(written.last().is_some_and(|text| text.lines().any(|it| it == line)), "the end is written");

    let elsewhere = Setup { metrics_listen: Some("0.0.0.0:0".parse().expect("an address")), ..setup_again() };
    assert!(matches!(Telemetry::start(elsewhere).err(), Some(TelemetryError::NotLoopback(_))));
}

fn setup_again() -> Setup {
    setup(Vec::new())
}

#[test]
fn a_metrics_file_that_cannot_be_written_stops_nothing() {
    let mut setup = setup(Vec::new());
    setup.metrics_file = Some(Box::new(|_| Err("the disk is full".to_owned())));
    let telemetry = Telemetry::start(setup).expect("started");
    with_default(&telemetry.dispatch(), || run("run-1", &["r-1"]));
    telemetry.finish();
}
