//! People decide at a gate with links: the binary's keys, links, page and status, around a run that is
//! driven in virtual time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use fleetwright::args::WorldArgs;
use fleetwright::console::Console;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_engine::{AtGates, Control};
use fleetwright_flow::{Condition, Event, Signal};
use fleetwright_model::Phase;
use fleetwright_patch::outcome::HostOutcome;

use crate::{fleetwright, run, scratch};

const CONSOLE: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// A small fleet whose patching two people have to approve.
async fn planned(directory: &Path) -> StagedRun {
    let scenario = format!("{}/../../../scenarios/run-stopped-put-back.toml", env!("CARGO_MANIFEST_DIR"));
    let args = WorldArgs { scenario: Some(scenario), seed: None, accounts: None, instances: None };
    let mut flags = Flags::default();
    flags.set("a test", "safety.require_approval", "true");
    flags.set("a test", "safety.approvals.needed", "2");
    let stage = Stage::set(&args, flags, CONSOLE).await.expect("a usable scenario");
    let state = State::at(&directory.join("state")).expect("a state directory");
    StagedRun::plan(stage, state, &Phase::ALL, CONSOLE).await.expect("the run can be made")
}

/// Drives until nothing but a decision is waited for.
async fn drive(staged: &StagedRun) {
    staged.drive(&Control::new("a test", AtGates::Leave)).await.expect("driven");
}

async fn approvals(staged: &StagedRun) -> Vec<String> {
    let records = staged.finished().await.records.into_iter();
    records
        .filter_map(|record| match record.event {
            Event::Signalled { signal: Signal::Approve(_), by, .. } => Some(by.to_string()),
            _ => None,
        })
        .collect()
}

/// The page, served by a process of its own that ends with the test.
struct Page {
    child: Child,
    address: String,
}

impl Page {
    fn serve(directory: &Path) -> Self {
        let mut command = fleetwright(directory);
        command.args(["approvals", "serve", "--listen", "127.0.0.1:0", "--state-dir", "state"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("http://").expect("an address").to_owned();
        Self { child, address }
    }

    /// What the page answers.
    fn ask(&self, method: &str, path: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = form.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: approvals.example.com\r\n");
        let kind = "content-type: application/x-www-form-urlencoded";
        let body = if method == "POST" {
            format!("{kind}\r\ncontent-length: {length}\r\n\r\n{form}")
        } else {
            "\r\n".to_owned()
        };
        stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended already, which is a failure the test tells of elsewhere.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_opens_every_link_approves_nothing_and_two_people_do() {
    let directory = scratch();
    let staged = planned(directory.path()).await;
    drive(&staged).await;
    let name = staged.run.as_str().to_owned();
    let told = |arguments: &[&str]| {
        run(fleetwright(directory.path()).args(arguments).args(["--state-dir", "state"]))
    };
    let status = || told(&["status", &name]).1;
    assert!(status().contains("approved by 0 of 2"), "{}", status());

    assert_eq!(told(&["approvals", "key", "new"]).0, 0);
    let mut phrases = Vec::new();
    for person in ["ann", "bob"] {
        let (exit, out, err) = told(&["approvals", "approver", person]);
        assert_eq!(exit, 0, "{err}");
        phrases.push(out.trim().to_owned());
    }
    let (exit, _, err) = told(&["approvals", "link", &name, "--for", "eve"]);
    assert!(exit == 2 && err.contains("FW-V0002"), "{err}");
    let (exit, out, err) = told(&["approvals", "link", &name, "--for", "ann", "--for", "bob"]);
    assert_eq!(exit, 0, "{err}");
    let paths: Vec<&str> =
        out.lines().map(|link| link.strip_prefix("http://127.0.0.1:8088").expect("the base")).collect();
    assert_eq!(paths.len(), 2);

    let page = Page::serve(directory.path());
    for path in &paths {
        let shown = page.ask("GET", path, "");
        assert!(shown.starts_with("HTTP/1.1 200 ") && shown.contains("<form method=\"post\""), "{shown}");
        assert!(page.ask("HEAD", path, "").starts_with("HTTP/1.1 200 "));
        assert!(page.ask("OPTIONS", path, "").starts_with("HTTP/1.1 405 "));
        assert!(
            page.ask("POST", path, "").starts_with("HTTP/1.1 4"),
            "a form has to come to the page itself"
        );
    }
    drive(&staged).await;
    assert_eq!(approvals(&staged).await, Vec::<String>::new(), "looking decides nothing");
    assert!(matches!(staged.finished().await.run.condition(), Condition::AtGate(_)));
    assert!(status().contains("approved by 0 of 2"));

    let decide = |person: usize, phrase: &str| {
        let token = paths[person].rsplit('/').next().expect("a token");
        page.ask(
            "POST",
            "/approvals/",
            &format!("token={token}&decision=approve&passphrase={phrase}&reason="),
        )
    };
    let wrong = decide(0, &phrases[1]);
    assert!(wrong.contains("FW-V0012"), "Bob's passphrase is not Ann's: {wrong}");
    let first = decide(0, &phrases[0]);
    assert!(first.starts_with("HTTP/1.1 200 ") && first.contains("is recorded"), "{first}");
    let again = decide(0, &phrases[0]);
    assert!(again.starts_with("HTTP/1.1 410 ") && again.contains("FW-V0011"), "{again}");
    drive(&staged).await;
    assert_eq!(approvals(&staged).await, ["ann"]);
    assert!(status().contains("approved by 1 of 2 (ann)"), "{}", status());
    let (exit, _, err) = told(&["approve", &name, "--by", "ann"]);
    assert!(exit == 15 && err.contains("FW-V0016"), "{err}");
    let other = ["approve", &name, "--by", "carl", "--basis", "0123456789abcdef-1"];
    let (exit, _, err) = told(&other);
    assert!(exit == 15 && err.contains("FW-V0010"), "{err}");

    let second = decide(1, &phrases[1]);
    assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
    drive(&staged).await;
    assert_eq!(approvals(&staged).await, ["ann", "bob"]);
    let finished = staged.finished().await;
    assert!(finished.run.ending().is_some(), "{:?}", finished.run.condition());
    assert!(finished.results.iter().any(|result| result.outcome == HostOutcome::Success));
}
