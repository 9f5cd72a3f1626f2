//! I26: no secret that hosts, tags, credentials or landing zones hold gets into anything a run leaves.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fleetwright::args::ReportFormat;
use fleetwright::commands::bundle;
use fleetwright::driving::{Told, tell};
use fleetwright::evidence::gather;
use fleetwright::report_files;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::Phase;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::story::{CONSOLE, approving};

/// Planted where they can be told apart.
const PLANTED: [&str; 6] = [
    "canary-tag-by-name",
    "canary-tag-by-value",
    "canary-name-tag",
    "canary-on-stdout",
    "canary-on-stderr",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY9",
];

const WORLD: &str = r#"
name = "secrets"
seed = 31
start = "2026-11-02T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0

[fleet.shares]
agent_old = 0.0

[[instances]]
account = "shop"
count = 3
missing = ["openssl"]
[instances.tags]
Name = "web password=canary-name-tag"
Application = "shop"
DbPassword = "canary-tag-by-name"
Note = "connect with token=canary-tag-by-value please"

# Something to log, with external ids near.
[[faults]]
kind = "throttle"
action = "AssumeRole"
nth = { first = 1 }

[[faults]]
kind = "throttle"
action = "SendCommand"
nth = { first = 1 }

[[documents]]
name = "Acme-Check"
[documents.content]
schemaVersion = "2.2"
[[documents.content.mainSteps]]
action = "aws:runShellScript"
name = "check"
inputs.runCommand = [
  "echo DB_PASSWORD=canary-on-stdout",
  "echo aws_key wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY9",
  "echo 'cannot log in: --secret canary-on-stderr was refused' >&2",
  "exit 7",
]
"#;

/// Every line that is logged, unmasked.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the test looks into everything that was written")]
fn everything_below(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => everything_below(&path, found),
            false => found.push((path.display().to_string(), std::fs::read(&path).expect("readable"))),
        }
    }
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part == word.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn what_is_secret_on_hosts_in_tags_and_in_credentials_is_in_nothing_a_run_leaves() {
    let lines = Lines::default();
    let writer = lines.clone();
    // As `-v` has it: ours in full, of libraries what they warn of.
    let ours = ["fleetwright", "fleetwright_aws", "fleetwright_engine", "fleetwright_steps"];
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(ours.map(|name| (name, LevelFilter::DEBUG)));
    let lines_of = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let _logging = tracing_subscriber::registry().with(filter).with(lines_of).set_default();

    let directory = tempfile::tempdir().expect("a directory");
    let mut flags = Flags::default();
    flags.set("a test", "phases.validate.check_document", "Acme-Check");
    let stage = Stage::of_text((WORLD, "secrets"), 31, flags, CONSOLE).await.expect("a usable world");
    let state = State::at(&directory.path().join("state")).expect("a directory of the test's own");
    let staged = StagedRun::plan(stage, state, &Phase::ALL, CONSOLE).await.expect("planned");
    staged.drive(&approving()).await.expect("driven");

    let reports = directory.path().join("reports");
    fleetwright::files::make_directory(&reports).expect("made");
    let finished = staged.finished().await;
    let told = Told {
        run: &staged.run,
        document: &staged.document,
        state: &finished.run,
        records: &finished.records,
        now: staged.stage.clock.now(),
    };
    let gathered = gather(&staged.state, &staged.run, staged.document.plan()).await.expect("readable");
    let record = told.record(None, gathered);
    report_files::write(&reports, &[ReportFormat::All], &record, &staged.document).expect("written");
    tell(&record, OutputFormat::Json).expect("written");
    let found =
        staged.state.find::<fleetwright_patch::PlanDocument>(Some(staged.run.as_str())).await.expect("there");
    let bundle = bundle::bundle_of(&staged.state, &found).await.expect("a bundle");

    let mut sinks: Vec<(String, Vec<u8>)> = Vec::new();
    everything_below(directory.path(), &mut sinks);
    sinks.extend(bundle.files.into_iter().map(|(name, content)| (format!("bundle:{name}"), content)));
    sinks.push(("the log".to_owned(), lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone()));

    let credentials = staged.stage.world.credentials();
    let mut secrets: Vec<String> = PLANTED.map(str::to_owned).into();
    secrets.push(credentials.secret_access_key);
    secrets.extend(credentials.session_token);
    for zone in &staged.zones {
        secrets.extend(zone.access.external_id.as_ref().map(|id| id.reveal().to_owned()));
    }
    assert!(secrets.len() > PLANTED.len() + 1, "the landing zones have external ids");
    for (name, content) in &sinks {
        for secret in &secrets {
            assert!(!contains(content, secret), "{secret} is in {name}");
        }
    }
    // They were there to be found: what stands in their place is.
    let hidden =
        |part: &str| sinks.iter().any(|(name, text)| name.contains(part) && contains(text, "(hidden)"));
    for part in ["check.txt", "plan.json", "journal.db", "csv/instances.csv"] {
        assert!(hidden(part), "nothing was masked in {part}");
    }
    assert!(sinks.iter().any(|(name, text)| name == "the log" && !text.is_empty()), "something was logged");
}
