//! The binary itself: exit codes, messages, files, standard streams.
#![expect(clippy::disallowed_methods, reason = "these tests look at the files the binary leaves behind")]

#[path = "command_line/approvals.rs"]
mod approvals;
#[path = "command_line/events.rs"]
mod events;
#[path = "command_line/functions.rs"]
mod functions;
#[path = "command_line/machines.rs"]
mod machines;
#[path = "command_line/parameters.rs"]
mod parameters;
#[path = "command_line/pipelines.rs"]
mod pipelines;
#[path = "command_line/plans.rs"]
mod plans;
#[path = "command_line/templates.rs"]
mod templates;
#[path = "command_line/windows.rs"]
mod windows;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use fleetwright::args::WorldArgs;
use fleetwright::simulated::{Start, world};
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::environment::variables;
use fleetwright_estate::fault::FaultRule;
use fleetwright_estate::front::tcp::Server;
use serde_json::Value;

/// The binary in a directory of its own, with nothing of the surrounding environment.
fn fleetwright(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetwright"));
    command
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a scratch directory")
}

const ONE_ZONE: &str =
    "- name: payments\n  account_id: 11122223333\n  region: eu-central-1\n  role_name: patching\n";

#[test]
fn the_demo_succeeds_leaves_reports_and_is_the_same_every_time() {
    let directory = scratch();
    for name in ["a", "b"] {
        let (exit, out, err) = run(fleetwright(directory.path()).args(["demo", "--output-dir", name]));
        assert_eq!(exit, 0, "{err}");
        assert!(out.contains("landing zones"), "{out}");
        assert!(err.contains("no AWS account is needed"), "{err}");
    }
    let files = [
        "instances.csv",
        "instances.json",
        "summary.json",
        "landing-zones.yaml",
        "csv/instances.csv",
        "csv/timeline.csv",
        "run.json",
        "run.xml",
        "junit.xml",
        "report.html",
        "summary.txt",
        "errors.txt",
        "compliance.txt",
        "executive.txt",
        "plan.json",
    ];
    for file in files {
        let read =
            |name: &str| fs::read(directory.path().join(name).join(file)).expect("the report is there");
        assert!(read("a") == read("b"), "{file} differs");
    }
    assert_eq!(
        fs::read_dir(directory.path().join("a")).expect("readable").count(),
        files.iter().filter(|file| !file.contains('/')).count() + 2,
        "nothing half written beside the tables and the state directory"
    );
}

#[test]
fn quiet_json_is_nothing_but_json() {
    let directory = scratch();
    let (exit, out, err) = run(fleetwright(directory.path()).args(["demo", "--quiet", "--output", "json"]));
    assert_eq!((exit, err.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(document["run"]["status"], 206);
}

#[test]
fn a_wrong_key_is_shown_in_its_line_with_the_nearest_key_and_exit_code_10() {
    let directory = scratch();
    fs::write(directory.path().join("fleetwright.yaml"), "aws:\n  max_attemps: 3\n").expect("writable");
    let (exit, out, err) = run(fleetwright(directory.path()).args(["scan"]));
    assert_eq!((exit, out.as_str()), (10, ""));
    assert!(err.contains("fleetwright.yaml:2:3"), "{err}");
    assert!(err.contains("did you mean `aws.max_attempts`"), "{err}");
    assert!(err.contains("error[FW-C0003]"), "{err}");
}

#[test]
fn with_json_output_errors_are_json_too() {
    let directory = scratch();
    let (exit, _, err) = run(fleetwright(directory.path()).args(["scan", "--output", "json"]));
    assert_eq!(exit, 10);
    let error: Value = serde_json::from_str(&err).expect("one JSON document");
    assert_eq!(error["error"]["code"], "FW-C0017");
    assert_eq!(error["error"]["exit_code"], 10);
}

#[test]
fn every_mistake_of_an_inventory_is_told_at_once() {
    let directory = scratch();
    let inventory = "- name: a\n  account_id: 12345\n  acount: 1\n- name: a\n  account_id: \"123\"\n\
                     - name: b\n  account_id: 111122223333\n  region: eu-west-1\n  role_arn: arn:aws:iam::444455556666:role/x\n";
    fs::write(directory.path().join("lz.yaml"), inventory).expect("writable");
    let (exit, _, err) = run(fleetwright(directory.path()).args([
        "scan",
        "--landing-zones",
        "lz.yaml",
        "--regions",
        "eu-west-1",
    ]));
    assert_eq!(exit, 10, "{err}");
    for code in ["FW-C0003", "FW-C0008", "FW-C0009"] {
        assert!(err.contains(code), "{code} in {err}");
    }
}

#[test]
fn inventories_that_refer_to_each_other_in_a_circle_are_found_however_they_are_spelt() {
    let directory = scratch();
    fs::create_dir(directory.path().join("inventories")).expect("writable");
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("writable");
    write("inventories/a.yaml", "- inventory: ./b.yaml\n");
    write("inventories/b.yaml", "- inventory: ../inventories/a.yaml\n");
    let (exit, _, err) =
        run(fleetwright(directory.path()).args(["scan", "--landing-zones", "./inventories/a.yaml"]));
    assert_eq!(exit, 10, "{err}");
    assert!(err.contains("FW-C0013"), "{err}");
}

#[test]
fn an_external_id_never_shows_in_an_error() {
    let directory = scratch();
    let inventory = "- name: a\n  external_id: s3cr3t-external-id\n  nonsense: 1\n";
    fs::write(directory.path().join("lz.yaml"), inventory).expect("writable");
    let (exit, out, err) = run(fleetwright(directory.path()).args(["scan", "--landing-zones", "lz.yaml"]));
    assert_eq!(exit, 10, "{err}");
    assert!(err.contains("nonsense"), "{err}");
    assert!(!format!("{out}{err}").contains("s3cr3t"), "{err}");
}

#[test]
fn an_unreachable_endpoint_is_exit_code_12_and_names_the_endpoint() {
    let directory = scratch();
    fs::write(directory.path().join("lz.yaml"), ONE_ZONE).expect("writable");
    // A port that was free a moment ago and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let (exit, _, err) = run(fleetwright(directory.path())
        .env("FLEETWRIGHT_AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret-that-never-shows")
        .args(["scan", "--landing-zones", "lz.yaml", "--set", "aws.max_attempts=1", "--output-dir", "out"]));
    assert_eq!(exit, 12, "{err}");
    let summary =
        fs::read_to_string(directory.path().join("out/summary.json")).expect("written all the same");
    let summary: Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["scan"]["status"], 500);
    assert_eq!(summary["gaps"][0]["failure"]["code"], "FW-A0006");
    let message = summary["gaps"][0]["failure"]["message"].as_str().expect("a message");
    assert!(message.contains(&address.to_string()), "{message}");
    assert!(!err.contains("secret-that-never-shows"));
}

#[test]
fn fips_endpoints_are_called_when_the_settings_say_so() {
    let directory = scratch();
    fs::write(directory.path().join("lz.yaml"), ONE_ZONE).expect("writable");
    let (exit, out, _) = run(fleetwright(directory.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        // A proxy that is not there: the name of the endpoint shows without leaving this machine.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .args(["scan", "--landing-zones", "lz.yaml", "--set", "aws.max_attempts=1"])
        .args(["--set", "aws.use_fips=true", "--set", "aws.region=us-east-1"]));
    assert_eq!(exit, 12, "{out}");
    assert!(out.contains("sts-fips.us-east-1.amazonaws.com"), "{out}");
}

#[test]
fn without_credentials_the_exit_code_is_11() {
    let directory = scratch();
    fs::write(directory.path().join("lz.yaml"), ONE_ZONE).expect("writable");
    let (exit, out, err) = run(fleetwright(directory.path()).args(["scan", "--landing-zones", "lz.yaml"]));
    assert_eq!(exit, 11, "{out}{err}");
    assert!(out.contains("FW-A0001"), "{out}");
}

#[test]
fn a_run_that_sees_nothing_changes_nothing_and_ends_with_the_cause() {
    let directory = scratch();
    fs::write(directory.path().join("lz.yaml"), ONE_ZONE).expect("writable");
    for arguments in [
        ["run", "--landing-zones", "lz.yaml", "--workflow", "full"].as_slice(),
        &["run", "--landing-zones", "lz.yaml", "--phase", "ami-backup"],
        &["plan", "--landing-zones", "lz.yaml"],
    ] {
        let (exit, out, err) = run(fleetwright(directory.path()).args(arguments));
        assert_eq!(exit, 11, "{arguments:?}: {err}");
        assert!(out.contains("FW-A0001") && err.contains("FW-A0001"), "{out}{err}");
    }
    let (exit, out, _) = run(fleetwright(directory.path()).args(["runs", "--output", "json"]));
    assert_eq!((exit, out.as_str()), (0, "[]\n"), "no run was begun");
    let (exit, out, _) =
        run(fleetwright(directory.path()).args(["run", "--landing-zones", "lz.yaml", "--validate-config"]));
    assert_eq!(exit, 0);
    assert!(out.contains("payments (account 011122223333)"), "{out}");
}

#[test]
fn what_config_init_writes_is_valid_and_explained() {
    let directory = scratch();
    assert_eq!(run(fleetwright(directory.path()).args(["config", "init"])).0, 0);
    let (exit, _, err) = run(fleetwright(directory.path()).args(["config", "init"]));
    assert_eq!(exit, 2, "files are not replaced without --force: {err}");
    let (exit, out, err) = run(fleetwright(directory.path()).args(["config", "validate"]));
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains("landing zones are chosen"), "{out}");
    let (exit, out, _) = run(fleetwright(directory.path()).env("FLEETWRIGHT_AWS_MAX_ATTEMPTS", "3").args([
        "config",
        "explain",
        "aws.max_attempts",
        "--output",
        "json",
    ]));
    let explained: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &explained["value"]), (0, &Value::from("3")));
    assert_eq!(explained["origin"]["name"], "FLEETWRIGHT_AWS_MAX_ATTEMPTS");
}

#[test]
fn completions_and_man_pages_are_written() {
    let directory = scratch();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (exit, out, _) = run(fleetwright(directory.path()).args(["completions", shell]));
        assert!(exit == 0 && out.contains("landing-zones"), "{shell}");
    }
    assert_eq!(run(fleetwright(directory.path()).args(["man", "pages"])).0, 0);
    let page = fs::read_to_string(directory.path().join("pages/fleetwright-scan.1")).expect("a page");
    assert!(page.contains("landing\\-zones"), "{page}");
}

/// An estate served by a thread of this process, the variables that point at it, and how to end it.
struct Served {
    variables: Vec<(&'static str, String)>,
    stop: tokio::sync::oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Served {
    fn start(directory: &Path, faults: Value) -> Self {
        let world =
            world(&WorldArgs::default(), Start::Scenario, |_| ClockMode::Real).expect("the demo's world");
        let faults: Vec<FaultRule> = serde_json::from_value(faults).expect("fault rules");
        world.estate.add_faults(faults);
        fs::write(directory.join("lz.yaml"), &world.inventory).expect("writable");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let variables = variables(&endpoint, world.estate.credentials(), &world.estate.hub().region);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = Server::start(Arc::clone(&world.estate), listener).expect("serving");
                stopped.await.expect("the test says when");
                server.stop().await;
            });
        });
        Self { variables, stop, thread }
    }

    fn end(self) {
        self.stop.send(()).expect("still serving");
        self.thread.join().expect("served without a panic");
    }
}

#[test]
fn scan_and_doctor_work_over_the_network_as_they_do_in_the_demo() {
    let directory = scratch();
    let served = Served::start(directory.path(), serde_json::json!([]));
    let with_estate = |arguments: &[&str]| {
        run(fleetwright(directory.path()).envs(served.variables.clone()).args(arguments))
    };
    let scan = ["scan", "--landing-zones", "lz.yaml", "--output-dir", "out", "--output", "jsonl"];
    let (exit, out, err) = with_estate(&scan);
    assert_eq!(exit, 20, "the demo's fleet has a gap: {err}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let gaps: Vec<&Value> = lines.iter().filter(|line| line["type"] == "gap").collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!((&gaps[0]["landing_zone"], &gaps[0]["region"]), (&"shop-nonprod".into(), &"us-east-1".into()));
    assert_eq!(lines.last().expect("a summary")["type"], "summary");

    let one =
        ["scan", "--landing-zones", "lz.yaml,shop-prod", "--state", "running", "--regions", "eu-central-1"];
    let (exit, out, err) =
        with_estate(&[one.as_slice(), &["--output", "json", "--output-dir", "one"]].concat());
    assert_eq!(exit, 0, "{err}");
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let hosts = document["instances"].as_array().expect("hosts");
    assert!(!hosts.is_empty());
    assert!(hosts.iter().all(|host| host["landing_zone"] == "shop-prod" && host["status"] == "running"));

    let nothing = ["scan", "--landing-zones", "lz.yaml,shop-prod", "--tag", "Application=nobody-has-this"];
    assert_eq!(with_estate(&nothing).0, 21);

    let (exit, out, err) = with_estate(&["doctor", "--landing-zones", "lz.yaml", "--output", "json"]);
    assert_eq!(exit, 15, "{err}");
    let checkup: Value = serde_json::from_str(&out).expect("JSON");
    let symptoms = checkup["zones"]
        .as_array()
        .expect("zones")
        .iter()
        .flat_map(|zone| zone["symptoms"].as_array().expect("symptoms").clone());
    let denied: Vec<Value> =
        symptoms.filter(|symptom| symptom["action"] == "ec2:DescribeInstances").collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0]["regions"], serde_json::json!(["us-east-1"]));
    served.end();
}

#[test]
fn the_most_talkative_log_and_the_reports_hold_no_secret() {
    let directory = scratch();
    let served = Served::start(directory.path(), serde_json::json!([]));
    let scan = ["-vv", "scan", "--landing-zones", "lz.yaml", "--output-dir", "out", "--output", "jsonl"];
    let (exit, out, err) = run(fleetwright(directory.path()).envs(served.variables.clone()).args(scan));
    assert_eq!(exit, 20, "{err}");
    assert!(err.contains("TRACE") || err.contains("DEBUG"), "the log is talkative: {err}");

    let inventory = fs::read_to_string(directory.path().join("lz.yaml")).expect("readable");
    let external_ids = inventory.lines().filter_map(|line| line.trim().strip_prefix("external_id: "));
    let mut secrets: Vec<String> = external_ids.map(|id| id.trim_matches('"').to_owned()).collect();
    assert_eq!(secrets.len(), 3, "every zone of the demo has one");
    let key = served.variables.iter().find(|(name, _)| *name == "AWS_SECRET_ACCESS_KEY");
    secrets.push(key.expect("the estate prints it").1.clone());
    let reports = ["instances.csv", "instances.json", "summary.json"]
        .map(|name| fs::read_to_string(directory.path().join("out").join(name)).expect("written"));
    for text in [&out, &err].into_iter().chain(&reports) {
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "a secret shows");
        let lower = text.to_ascii_lowercase();
        let marks = ["sessiontoken", "x-amz-security-token", "secretaccesskey", "signature="];
        assert!(marks.iter().all(|mark| !lower.contains(mark)), "a session or signature shows");
    }
    served.end();
}

#[test]
fn credentials_that_have_expired_are_exit_code_11_and_say_what_to_do() {
    let directory = scratch();
    let expired = serde_json::json!([{ "kind": "expired_credentials", "service": "sts" }]);
    let served = Served::start(directory.path(), expired);
    let scan = ["scan", "--landing-zones", "lz.yaml", "--output-dir", "out"];
    let (exit, out, err) = run(fleetwright(directory.path()).envs(served.variables.clone()).args(scan));
    assert_eq!(exit, 11, "{out}{err}");
    assert!(out.contains("FW-A0002 Credentials expired: Renew them"), "{out}");
    served.end();
}
