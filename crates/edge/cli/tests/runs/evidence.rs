//! What is left of a run for those who look later: its audit log beside CloudTrail's, its bundle, the
//! reports made anew from it.

use std::path::Path;

use fleetwright::args::{AuditVerifyArgs, BundleVerifyArgs, ReplayArgs, StateArgs};
use fleetwright::commands::{audit, bundle};
use fleetwright::staged_run::StagedRun;
use fleetwright::state::{FoundRun, State};
use fleetwright_audit::reconcile::calls;
use fleetwright_audit::{Bundle, Entry, Record, chain, cloudtrail, reconcile};
use fleetwright_config::settings::OutputFormat;
use fleetwright_estate::trail::{self, DataEvents};
use fleetwright_host::Difference;
use fleetwright_host::difference::Listed;
use fleetwright_model::code;
use futures::FutureExt;

use crate::story::{CONSOLE, approving, planned, planned_into};

fn records(staged: &StagedRun) -> Vec<Record> {
    let log = staged
        .state
        .audit
        .trail(&staged.run)
        .now_or_never()
        .expect("memory answers at once")
        .expect("the run is there")
        .log;
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| chain::read(line).expect("as it was written")).collect()
}

fn delivered(staged: &StagedRun) -> Vec<cloudtrail::Event> {
    let file = trail::file(&staged.stage.world.estate.calls(0, usize::MAX), DataEvents::LeftOut);
    cloudtrail::read(file.to_string().as_bytes()).expect("a file as CloudTrail delivers it")
}

#[tokio::test(start_paused = true)]
async fn cloudtrail_agrees_and_settles_the_calls_whose_answers_were_lost() {
    let staged = planned("run-lost-replies", &[]).await;
    staged.drive(&approving()).await.expect("driven");
    let (ours, mut theirs) = (calls(&records(&staged)), delivered(&staged));
    let found = reconcile(&ours, &theirs);
    assert!(found.agrees(), "{:?} {:?}", found.ours_only, found.theirs_only);
    assert!(found.settled.iter().filter(|it| it.error_code.is_none()).count() >= 3, "{:?}", found.settled);

    let answered = |event: &cloudtrail::Event| {
        let ids = ours.iter().filter_map(|call| call.answer.as_ref()?.request_id.as_ref());
        event.error_code.is_none() && ids.into_iter().any(|id| Some(id) == event.request_id.as_ref())
    };
    let lost = theirs.iter().position(answered).expect("most calls are answered");
    let mut foreign = theirs[lost].clone();
    foreign.event_name = "TerminateInstances".into();
    foreign.request_id = Some("not-ours".into());
    theirs[lost] = foreign;
    let found = reconcile(&ours, &theirs);
    let names: Vec<&str> = found.theirs_only.iter().map(|event| &*event.event_name).collect();
    assert_eq!((names, found.ours_only.len()), (vec!["TerminateInstances"], 1));
}

#[tokio::test(start_paused = true)]
async fn the_log_says_who_approved_what_is_changed_behind_a_gate_and_nobody_before_it() {
    let staged = planned("run-service-breaks", &[]).await;
    staged.drive(&approving()).await.expect("driven");
    let (mut behind, mut ahead) = (0, 0);
    for record in records(&staged) {
        let Entry::Before(intent) = record.entry else { continue };
        match &*intent.reason {
            "backup" => {
                assert!(intent.approvals.is_empty(), "{intent:?}");
                ahead += 1;
            }
            "patch" | "reboot" => {
                assert!(intent.approvals.iter().any(|it| &*it.by == "a test" && it.record > 0), "{intent:?}");
                behind += 1;
            }
            _ => {}
        }
    }
    assert!(ahead > 0 && behind > 0, "{ahead} and {behind}");
}

/// A run that is over, kept in that directory.
async fn over(directory: &Path) -> (StagedRun, FoundRun) {
    over_with("run-service-breaks", directory).await
}

async fn over_with(scenario: &str, directory: &Path) -> (StagedRun, FoundRun) {
    let state = State::at(directory).expect("a directory of the test's own");
    let staged = planned_into(scenario, &[], state).await;
    staged.drive(&approving()).await.expect("driven");
    let found = staged
        .state
        .find::<fleetwright_patch::PlanDocument>(Some(staged.run.as_str()))
        .await
        .expect("the run is there");
    (staged, found)
}

fn bytes_of(bundle: &Bundle) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    bundle.write(&mut out).expect("memory takes it");
    out.into_inner()
}

#[tokio::test(start_paused = true)]
async fn a_bundle_has_all_of_a_run_is_the_same_twice_and_gives_the_reports_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let (staged, found) = over(&directory.path().join("state")).await;
    let made = bundle::bundle_of(&staged.state, &found).await.expect("a bundle");
    let again = bundle::bundle_of(&staged.state, &found).await.expect("a bundle");
    assert_eq!(bytes_of(&made), bytes_of(&again));
    let has =
        |start: &str, end: &str| made.files.keys().any(|name| name.starts_with(start) && name.ends_with(end));
    for (start, end) in [
        ("plan.json", ""),
        ("journal.jsonl", ""),
        ("approvals.json", ""),
        ("audit/audit.jsonl", ""),
        ("audit/heads.jsonl", ""),
        ("audit/key.pem", ""),
        ("artefacts/pre/", "/stdout.txt"),
        ("artefacts/post/", "/comparison.json"),
        ("differences/account-", ".json"),
    ] {
        assert!(has(start, end), "{start}…{end}");
    }
    let path = directory.path().join("evidence.zip");
    fleetwright::files::write_atomically(&path, |file| std::io::Write::write_all(file, &bytes_of(&made)))
        .expect("written");
    let args = BundleVerifyArgs { bundle: path.clone(), heads: Vec::new(), key: None, output: None };
    bundle::check(&args, OutputFormat::Json, CONSOLE).expect("as it was made");

    let reports = directory.path().join("again");
    let replay = ReplayArgs { bundle: path, output_dir: Some(reports.clone()), output: None };
    bundle::replay(&replay, OutputFormat::Json, CONSOLE).await.expect("written");
    let csv = fleetwright::files::read_text(&reports.join("csv/instances.csv")).expect("there");
    let finished = staged.finished().await;
    assert_eq!(csv.lines().count(), finished.results.len() + 1, "{csv}");
}

/// What the scripts of Linux and the answers of Windows say of accounts, through the whole of a run.
#[tokio::test(start_paused = true)]
async fn an_account_that_appears_while_hosts_are_patched_is_told_in_their_differences() {
    let directory = tempfile::tempdir().expect("a directory");
    let (staged, found) = over_with("run-user-appears", &directory.path().join("state")).await;
    let made = bundle::bundle_of(&staged.state, &found).await.expect("a bundle");
    let mut came = Vec::new();
    for (name, bytes) in made.files.iter().filter(|(name, _)| name.starts_with("differences/")) {
        let found: Difference = serde_json::from_slice(bytes).expect("a difference");
        let Listed::Compared { added, removed } = found.users else { panic!("{name}: not compared") };
        assert!(removed.is_empty() && added.len() <= 1, "{name}: {added:?} {removed:?}");
        came.extend(added);
    }
    came.sort();
    let sid = "S-1-5-21-1004336348-1177238915-682003330-2000";
    let expected = [
        "=1+1;$(id) (id 2000, can log in, in sudo)".to_owned(),
        format!("=1+1;$(id) (id {sid}, can log in, in administrators)"),
        "support (id 2000, can log in, in wheel)".to_owned(),
    ];
    assert_eq!(came, expected, "on three of four hosts");
}

#[tokio::test(start_paused = true)]
async fn a_bundle_whose_log_was_made_anew_by_somebody_without_the_key_is_found_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let (staged, found) = over(&directory.path().join("state")).await;
    let made = bundle::bundle_of(&staged.state, &found).await.expect("a bundle");
    let judge = |bundle: &Bundle, name: &str| {
        let path = directory.path().join(name);
        fleetwright::files::write_atomically(&path, |file| {
            std::io::Write::write_all(file, &bytes_of(bundle))
        })
        .expect("written");
        let args = BundleVerifyArgs { bundle: path, heads: Vec::new(), key: None, output: None };
        bundle::check(&args, OutputFormat::Json, CONSOLE).map_err(|error| error.code.id)
    };
    let mut edited = made.clone();
    edited.files.insert("approvals.json".to_owned(), b"[]".to_vec());
    assert_eq!(judge(&edited, "edited.zip"), Err(code::BUNDLE_BROKEN.id));

    // The list is made anew too, and every hash of the log.
    let mut log = fleetwright_audit::Chain::new(staged.run.as_str());
    let anew = records(&staged).into_iter().enumerate().filter(|(index, _)| *index != 2);
    let anew: Vec<u8> = anew.flat_map(|(_, record)| log.push(record.at, record.entry).bytes).collect();
    let mut files = made.files.clone();
    files.insert("audit/audit.jsonl".to_owned(), anew);
    let forged = Bundle::of(staged.run.as_str(), &made.manifest.made_by, &made.manifest.plan, files);
    assert_eq!(judge(&forged, "forged.zip"), Err(code::AUDIT_BROKEN.id));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_edited_in_the_state_directory_is_found_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let (staged, _) = over(directory.path()).await;
    let args = AuditVerifyArgs {
        run: None,
        heads: Vec::new(),
        key: None,
        output: None,
        state: StateArgs::default(),
    };
    audit::judge(&staged.state, &staged.run, &args, OutputFormat::Json).await.expect("as it was written");
    let path = directory.path().join("runs").join(staged.run.as_str()).join("audit.jsonl");
    let log = fleetwright::files::read_text(&path).expect("there");
    let without_the_last: Vec<&str> = log.lines().collect();
    let cut = without_the_last[..without_the_last.len() - 1].join("\n") + "\n";
    for changed in [log.replacen("ec2:CreateImage", "ec2:CreateImages", 1), cut] {
        fleetwright::files::write_atomically(&path, |file| {
            std::io::Write::write_all(file, changed.as_bytes())
        })
        .expect("written");
        let judged = audit::judge(&staged.state, &staged.run, &args, OutputFormat::Json).await;
        assert_eq!(judged.map_err(|error| error.code.id), Err(code::AUDIT_BROKEN.id));
    }
}
