//! Plans, state directories and decisions that cannot be used: the binary says why, with a code, and
//! changes nothing.
#![expect(clippy::disallowed_methods, reason = "these tests spoil files on purpose")]

use fleetwright_flow::{Event, Plan, Record, Sequence};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fleetwright::commands::apply;
use fleetwright::commands::plan::Looking;
use fleetwright::fleet;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_engine::{AtGates, Control};
use fleetwright_model::code;
use fleetwright_survey::Stop;
use serde_json::Value;
use tempfile::TempDir;

use crate::story::{CONSOLE, planned, planned_into};

const FLEET: &str = "run-threshold";

/// The binary in that directory, with nothing of the surrounding environment: exit code, standard
/// output and standard error.
fn fleetwright(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(command(env!("CARGO_BIN_EXE_fleetwright"), directory).args(arguments))
}

fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn said(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a scratch directory")
}

/// Refused with this code, its exit code and its next step.
fn refused((exit, out, err): (i32, String, String), id: &str) {
    let code = code::find(id).expect("a code");
    assert!(err.contains(id), "{id} in {exit} {out}{err}");
    assert_eq!(Some(exit), code.exit.map(|exit| i32::from(exit.number())), "{err}");
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert!(words(&err).contains(&words(code.next_step)), "the next step of {id} in {err}");
}

/// A run in `state/` of the directory, taken to its gate and left there.
async fn left_at_its_gate(directory: &Path) -> StagedRun {
    let state = State::at(&directory.join("state")).expect("a state directory");
    let staged = planned_into(FLEET, &[], state).await;
    fs::write(directory.join("landing-zones.yaml"), &staged.stage.world.inventory).expect("writable");
    staged.drive(&Control::new("a test", AtGates::Leave)).await.expect("driven to its gate");
    staged
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_edited_damaged_or_made_by_another_version_is_refused_before_anything_is_called() {
    let directory = scratch();
    let staged = planned(FLEET, &[]).await;
    let plan = String::from_utf8(staged.document.write()).expect("JSON");
    let edited = plan.replacen("\"retention_days\": 30", "\"retention_days\": 1", 1);
    assert_ne!(edited, plan);
    let mut foreign: Value = serde_json::from_str(&plan).expect("JSON");
    foreign["plan"]["format"]["major"] = 9.into();
    let foreign = foreign.to_string();
    let cases = [
        ("edited", edited.as_str(), "FW-R0002"),
        ("foreign", &foreign, "FW-R0003"),
        ("cut", &plan[..plan.len() / 2], "FW-R0001"),
        ("garbage", "Patch everything, please.\n", "FW-R0001"),
        ("empty", "", "FW-R0001"),
    ];
    for (name, text, code) in cases {
        fs::write(directory.path().join(name), text).expect("writable");
        let told = fleetwright(directory.path(), &["apply", name, "--landing-zones", "none.yaml"]);
        assert!(told.2.contains(name), "the file is named: {}", told.2);
        refused(told, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_another_account_or_role_is_refused_with_both_named() {
    let directory = scratch();
    let staged = planned(FLEET, &[]).await;
    fs::write(directory.path().join("plan.json"), staged.document.write()).expect("writable");
    let inventory = &staged.stage.world.inventory;
    for (wrong, difference) in [
        (inventory.replace("111122223333", "999988887777"), "999988887777"),
        (inventory.replace("FleetwrightSpoke", "Somebody"), "Somebody"),
        (inventory.replace("name: shop", "name: other").replace("name: \"shop\"", "name: \"other\""), "shop"),
    ] {
        fs::write(directory.path().join("landing-zones.yaml"), wrong).expect("writable");
        let told = fleetwright(
            directory.path(),
            &["apply", "plan.json", "--landing-zones", "landing-zones.yaml", "--state-dir", "state"],
        );
        assert!(told.2.contains(difference), "{difference} in {}", told.2);
        refused(told, "FW-R0004");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_drifted_from_its_plan_is_shown_and_refused() {
    let staged = planned(FLEET, &[]).await;
    let stage = &staged.stage;
    let gone = staged.document.plan().work.iter().find_map(|work| work.host()).expect("a host").id.clone();
    stage.world.estate.add_faults([serde_json::from_value(serde_json::json!({
        "kind": "instance_terminated", "instance": gone.as_str(),
    }))
    .expect("a fault rule")]);
    let looking = Looking {
        aws: &stage.aws,
        clock: &stage.clock,
        settings: &stage.settings,
        stop: Stop::never(),
        console: CONSOLE,
    };
    let request = fleet::scan_request(&stage.settings, stage.fleet.clone());
    let request = apply::rescan(staged.document.plan(), &staged.zones, request);
    let looked = looking.look(&request).await;
    let error = apply::refuse_drift(staged.document.plan(), &looked).expect_err("an instance is gone");
    assert_eq!(error.code.id, "FW-R0005");
    assert!(error.details.iter().any(|line| line.contains(gone.as_str())), "{:?}", error.details);
}

#[test]
fn a_state_directory_that_is_a_file_is_refused_with_its_path() {
    let directory = scratch();
    fs::write(directory.path().join("state"), "not a directory").expect("writable");
    for arguments in [["runs"].as_slice(), &["status"], &["resume"], &["approve"], &["abort"]] {
        let told = fleetwright(directory.path(), &[arguments, &["--state-dir", "state"]].concat());
        assert!(told.2.contains("state"), "{}", told.2);
        refused(told, "FW-R0010");
    }
}

#[test]
fn with_no_runs_there_is_nothing_to_resume_to_show_or_to_decide() {
    let directory = scratch();
    refused(fleetwright(directory.path(), &["resume", "--state-dir", "state"]), "FW-R0011");
    refused(fleetwright(directory.path(), &["status", "--state-dir", "state"]), "FW-R0006");
    refused(fleetwright(directory.path(), &["status", "run-x", "--state-dir", "state"]), "FW-R0006");
    refused(fleetwright(directory.path(), &["rollback", "run-x", "--state-dir", "state"]), "FW-G0002");
    assert_eq!(fleetwright(directory.path(), &["runs", "--state-dir", "state"]).0, 0);
}

#[tokio::test(start_paused = true)]
async fn with_several_unfinished_runs_one_must_be_named_and_what_waits_for_nothing_is_not_approved() {
    let directory = scratch();
    let path = directory.path().join("state");
    let mut names = Vec::new();
    for start in 0..2_u64 {
        let staged = planned(FLEET, &[]).await;
        let name: fleetwright_ports::RunId = format!("run-{start}").parse().expect("a name");
        let state = State::at(&path).expect("a state directory");
        let plan = staged.document.write();
        let at = staged.stage.clock.now();
        state.journal.create(&name, &plan, at).await.expect("created");
        let claim = state.journal.claim(&name, "a test").await.expect("nobody drives it");
        let (epoch, seq) = (claim.epoch(), Sequence(1));
        let event = Event::Opened { format: Plan::FORMAT, plan: staged.document.digest().clone() };
        let opened = [Record { seq, epoch, at, event }];
        state.journal.append(&name, epoch, Sequence(0), &opened).await.expect("durable");
        names.push(name.to_string());
    }
    let told = fleetwright(directory.path(), &["resume", "--state-dir", "state"]);
    assert!(names.iter().all(|name| told.2.contains(name)), "{}", told.2);
    refused(told, "FW-R0012");
    refused(fleetwright(directory.path(), &["approve", "run-0", "--state-dir", "state"]), "FW-V0008");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_journal_shows_its_good_part_and_is_not_driven_on() {
    let directory = scratch();
    let staged = left_at_its_gate(directory.path()).await;
    let run = staged.run.to_string();
    drop(staged);
    let status = ["status", &run, "--state-dir", "state"];
    assert_eq!(fleetwright(directory.path(), &status).0, 0, "whole so far");

    let journal = directory.path().join("state/runs").join(&run).join("journal.db");
    let mut bytes = fs::read(&journal).expect("the journal");
    // Images are on record before the gate is.
    let mark = b"ami-";
    let at = bytes.windows(mark.len()).rposition(|part| part == mark).expect("an image is on record");
    bytes[at] ^= 0x20;
    fs::write(&journal, bytes).expect("writable");

    let told = fleetwright(directory.path(), &status);
    assert!(told.1.contains(&run), "the good part is shown: {}", told.1);
    refused(told, "FW-R0009");
    let resume =
        ["resume", &run, "--state-dir", "state", "--landing-zones", "landing-zones.yaml", "--auto-approve"];
    refused(fleetwright(directory.path(), &resume), "FW-R0009");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_a_living_process_drives_is_not_driven_by_another() {
    let directory = scratch();
    let state = State::at(&directory.path().join("state")).expect("a state directory");
    let staged = planned_into(FLEET, &[], state).await;
    let inventory = directory.path().join("landing-zones.yaml");
    fs::write(inventory, &staged.stage.world.inventory).expect("writable");
    let control = Control::new("a test", AtGates::Wait);
    let other = async {
        staged.stage.clock.sleep(std::time::Duration::from_secs(7200)).await;
        let run = staged.run.as_str();
        let resume = ["resume", run, "--state-dir", "state", "--landing-zones", "landing-zones.yaml"];
        refused(fleetwright(directory.path(), &resume), "FW-R0007");
        control.signal(fleetwright_flow::Signal::Abort, "a test", None);
    };
    let (driven, ()) = tokio::join!(staged.drive(&control), other);
    assert!(driven.expect("undisturbed").ending().is_some());
}

#[test]
fn a_state_directory_that_runs_full_ends_the_run_with_everything_before_it_on_record() {
    let directory = scratch();
    let scenario = format!("{}/../../../scenarios/run-stale-reads.toml", env!("CARGO_MANIFEST_DIR"));
    // A limit on the size of files stands for a full disk: writes beyond it fail.
    let script = format!(
        "trap '' XFSZ; ulimit -f 400; exec '{}' demo --scenario '{scenario}' --output-dir out",
        env!("CARGO_BIN_EXE_fleetwright")
    );
    let told = said(command("sh", directory.path()).env("PATH", "/usr/bin:/bin").args(["-c", &script]));
    refused(told, "FW-R0010");
    let (exit, out, err) = fleetwright(directory.path(), &["status", "--state-dir", "out/state"]);
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains("run-"), "{out}");
}
