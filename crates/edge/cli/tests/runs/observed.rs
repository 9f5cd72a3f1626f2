//! What a run looks like to those who read its log, its trace and its metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright::figures::{self, Figures};
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_clock::SystemClock;
use fleetwright_model::Phase;
use fleetwright_telemetry::{Collector, LineForm, Lines, Resource, Setup, Telemetry};
use serde_json::Value as Json;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::story::{CONSOLE, approving};

/// What stands in tags, names and headers and must be seen nowhere.
const CANARIES: [&str; 3] = ["canary-hunter2", "AKIAIOSFODNN7CANARY1", "canary-of-the-collector"];

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A collector that takes everything: path and body of each request.
fn collector() -> (SocketAddr, Receiver<(String, Json)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || take(stream, &sender));
        }
    });
    (address, receiver)
}

fn take(stream: TcpStream, sender: &Sender<(String, Json)>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while reader.read_line(&mut head).ok()? > 2 {}
        let path = head.split(' ').nth(1)?.to_owned();
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length:").nth(1)?.lines().next()?.trim().parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        sender.send((path, serde_json::from_slice(&body).ok()?)).ok()?;
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").ok()?;
    }
}

fn attribute(span: &Json, name: &str) -> Option<String> {
    let attributes = span["attributes"].as_array()?;
    let value = attributes.iter().find(|it| it["key"] == name)?["value"].as_object()?;
    value.values().next().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The scenario in which two of five hosts break, with secrets in the names of the others.
async fn stage() -> Stage {
    let path = format!("{}/../../../scenarios/run-service-breaks.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fleetwright::files::read_text(path.as_ref()).expect("the scenario is there");
    let named = format!("Name = \"web DB_PASSWORD={} {}\"", CANARIES[0], CANARIES[1]);
    let text = text.replace("Name = \"web\"", &named);
    assert!(text.contains(CANARIES[0]));
    let mut flags = Flags::default();
    flags.set("a test", "safety.max_failure_percentage", "100");
    Stage::of_text((&text, "run-service-breaks"), 117, flags, CONSOLE).await.expect("a usable scenario")
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_run_is_in_its_trace_every_step_in_its_log_and_no_secret_anywhere() {
    let stage = stage().await;
    let (address, taken) = collector();
    let log = Kept::default();
    let which = Targets::new().with_default(LevelFilter::WARN).with_target("fleetwright", LevelFilter::DEBUG);
    let telemetry = Telemetry::start(Setup {
        lines: vec![Lines { form: LineForm::Json, which, out: Box::new(log.clone()) }],
        secrets: Vec::new(),
        collector: Some(
            Collector::new(&format!("http://{address}"), &format!("x-api-key={}", CANARIES[2]))
                .expect("good"),
        ),
        metrics_file: None,
        metrics_listen: None,
        interval: Duration::from_secs(3_600),
        resource: Resource { name: "fleetwright", version: "0", instance: "a test".to_owned() },
        clock: Arc::clone(&stage.clock),
        wall: Arc::new(SystemClock),
    })
    .expect("nothing is listened on");
    // While there is but one dispatcher, `tracing` asks the one of the thread that comes upon a span first
    // whether anybody is interested in it: here, of a test that has none.
    let _another = Dispatch::new(NoSubscriber::default());
    let staged = StagedRun::plan(stage, State::in_memory(), &Phase::ALL, CONSOLE).await.expect("planned");
    let estate = Arc::clone(&staged.stage.world.estate);
    let before = estate.call_count();
    staged.drive(&approving()).with_subscriber(telemetry.dispatch()).await.expect("driven");
    let finished = staged.finished().await;
    tracing::dispatcher::with_default(&telemetry.dispatch(), || {
        figures::tell(staged.run.as_str(), &finished.results);
    });
    let metrics = telemetry.metrics().text();
    telemetry.finish();
    let taken: Vec<(String, Json)> = taken.try_iter().collect();

    // The trace: one span for each request, with its id, in the one trace of the run.
    let spans: Vec<&Json> = taken
        .iter()
        .filter(|(path, _)| path == "/v1/traces")
        .flat_map(|(_, body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans"))
        .collect();
    let traced: Vec<String> = spans.iter().filter_map(|span| attribute(span, "aws.request_id")).collect();
    let answered = estate.calls(before, usize::MAX);
    let ids: BTreeSet<String> = answered.iter().map(|call| call.request_id.to_string()).collect();
    assert!(!spans.is_empty(), "the collector was sent no spans: {metrics}");
    assert_eq!(traced.iter().cloned().collect::<BTreeSet<_>>(), ids);
    assert_eq!(traced.len(), ids.len(), "each request is one span");
    let by_id: BTreeMap<&str, &Json> =
        spans.iter().map(|span| (span["spanId"].as_str().expect("an id"), *span)).collect();
    let names: BTreeSet<&str> = spans
        .iter()
        .filter_map(|span| by_id.get(span["parentSpanId"].as_str()?))
        .filter_map(|parent| parent["name"].as_str())
        .collect();
    assert!(names.is_subset(&BTreeSet::from(["run", "turn"])), "{names:?}");
    let run = spans.iter().find(|span| span["name"] == "run").expect("the run is a span");
    assert_eq!(attribute(run, "fleetwright.run").as_deref(), Some(staged.run.as_str()));
    let of_turns: Vec<_> = spans.iter().filter(|span| span["name"] == "turn").collect();
    assert!(of_turns.iter().all(|turn| turn["parentSpanId"] == run["spanId"]));
    assert!(of_turns.iter().all(|turn| attribute(turn, "fleetwright.zone").as_deref() == Some("shop")));

    // The log: every step that failed, with what it is about.
    let log = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    let lines: Vec<Json> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let failed: Vec<&Json> =
        lines.iter().filter(|it| it["target"] == "fleetwright::run" && it["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 2, "{log}");
    for line in failed {
        let about =
            ["run", "zone", "region", "step", "code"].map(|field| line[field].as_str().unwrap_or("?"));
        assert_eq!(about, [staged.run.as_str(), "shop", "eu-central-1", "validate", "FW-H0016"], "{line}");
        assert!(line["instance"].as_str().is_some_and(|id| id.starts_with("i-")), "{line}");
        assert!(
            line["time"].as_str().is_some_and(|at| at.starts_with("2026-11-02T")),
            "the run's time: {line}"
        );
    }

    // The metrics: what was called, and what it came to.
    let figure = |name: &str| -> f64 {
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{metrics}"));
        line.trim().parse().expect("a number")
    };
    let sent = answered.iter().filter(|call| &*call.action == "SendCommand").count();
    let outcome = "{action=\"ssm:SendCommand\",region=\"eu-central-1\",outcome=\"answered\"}";
    assert!((figure(&format!("fleetwright_aws_calls_total{outcome}")) - sent as f64).abs() < 0.5);
    assert!((figure("fleetwright_run_success_ratio") - 0.6).abs() < 1e-9);
    assert_eq!(Figures::of(&finished.results), Figures { total: 5, with_issues: 2 });

    // Nobody reads a secret.
    let all = format!("{log}{metrics}{}", taken.iter().map(|(_, body)| body.to_string()).collect::<String>());
    assert!(all.contains("DB_PASSWORD=(hidden)"), "the canary was there to be masked");
    let credentials = staged.stage.world.credentials();
    for canary in CANARIES.iter().copied().chain([credentials.secret_access_key.as_str()]) {
        assert!(!all.contains(canary), "{canary}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_account_and_region_keeps_its_own_figures_and_one_that_cannot_stops_nothing() {
    let staged =
        StagedRun::plan(stage().await, State::in_memory(), &Phase::ALL, CONSOLE).await.expect("planned");
    staged.drive(&approving()).await.expect("driven");
    let finished = staged.finished().await;
    let (aws, estate) = (&staged.stage.aws, &staged.stage.world.estate);
    let since = estate.call_count();
    let keep =
        |namespace| figures::keep(aws, &staged.zones, namespace, &finished.results, staged.stage.clock.now());
    keep("Acme/Patching").await;
    let calls = estate.calls(since, usize::MAX);
    let put: Vec<Json> = calls
        .iter()
        .filter(|call| &*call.action == "PutMetricData")
        .map(|call| serde_json::from_str(&call.request).expect("JSON"))
        .collect();
    assert_eq!(put.len(), 1, "one account in one region: {calls:?}");
    assert_eq!(put[0]["Namespace"], "Acme/Patching");
    let data = put[0]["MetricData"].as_array().expect("data");
    let figures: BTreeMap<&str, f64> = data
        .iter()
        .map(|it| (it["MetricName"].as_str().expect("a name"), it["Value"].as_f64().expect("a value")))
        .collect();
    assert_eq!(
        figures,
        BTreeMap::from([("InstancesTotal", 5.0), ("InstancesWithIssues", 2.0), ("SuccessRate", 60.0)])
    );
    // A namespace that AWS keeps for itself is refused; the run is over, and nobody minds.
    keep("AWS/Patching").await;
}
