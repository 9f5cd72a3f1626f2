//! `fleetwright export`, `verify` and `replay`: a run's evidence in one file.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetwright_audit::bundle::Files;
use fleetwright_audit::{Bundle, PublicKey, Verdict, verify};
use fleetwright_config::settings::OutputFormat;
use fleetwright_flow::{Event, Record, Run, Signal};
use fleetwright_host::{Difference, Reading, SurveyReport};
use fleetwright_model::{Exit, code};
use fleetwright_patch::PlanDocument;
use fleetwright_ports::RunId;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::{BundleVerifyArgs, ExportArgs, ReplayArgs, ReportFormat};
use crate::commands::audit;
use crate::console::{self, Console};
use crate::driving::{Told, tell};
use crate::evidence::{Gathered, gather};
use crate::failure::CommandError;
use crate::files;
use crate::planning::program;
use crate::report_files;
use crate::state::{FoundRun, State, refused};

const PLAN: &str = "plan.json";
const JOURNAL: &str = "journal.jsonl";
const APPROVALS: &str = "approvals.json";
const LOG: &str = "audit/audit.jsonl";
const HEADS: &str = "audit/heads.jsonl";
const KEY: &str = "audit/key.pem";
const README: &str = "README.txt";

/// What a run was begun with stays at home: it names files of the machine, and is no evidence.
const AT_HOME: &str = "invocation.json";

const WORDS: &str = "\
The evidence of one fleetwright run.

manifest.json        every file with its SHA-256; its own digest stands for all of it
plan.json            what was planned and approved, with its digest
journal.jsonl        what was decided and what happened, record by record
approvals.json       who decided what, when, and about which state of the run
artefacts/pre/       what each host said of itself before
artefacts/post/      and after
differences/         what differs between the two, host by host
audit/audit.jsonl    one record before and one after every call that changed something
audit/heads.jsonl    its signed heads (Ed25519 over the canonical JSON of \"head\")
audit/key.pem        the public key; compare it with one you have from elsewhere

fleetwright verify BUNDLE   checks all of it without network and without AWS
fleetwright replay BUNDLE   writes the reports anew
";

/// Makes the bundle of a run.
///
/// # Errors
/// The run cannot be read, or the file cannot be written.
pub async fn export(
    state: &State,
    found: &FoundRun,
    args: &ExportArgs,
    console: Console,
) -> Result<Exit, CommandError> {
    let Packed { digest, archive } = packed(state, found).await?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.zip", found.run)));
    files::write_atomically(&path, |file| std::io::Write::write_all(file, &archive))?;
    console::write_text(&format!("{digest} {}\n", path.display()))?;
    console
        .note("the digest of its list stands for the bundle: keep it elsewhere, beside the audit log's head");
    Ok(Exit::Success)
}

/// The bundle of a run as an archive.
pub struct Packed {
    /// The digest of its list, which stands for the bundle.
    pub digest: String,
    /// The archive, byte for byte the same whenever it is made of the same.
    pub archive: Vec<u8>,
}

/// Packs the bundle of a run.
///
/// # Errors
/// The run cannot be read.
pub async fn packed(state: &State, found: &FoundRun) -> Result<Packed, CommandError> {
    let bundle = bundle_of(state, found).await?;
    let mut archive = Cursor::new(Vec::new());
    bundle.write(&mut archive).map_err(|error| CommandError::new(&code::OUTPUT, error.to_string()))?;
    Ok(Packed { digest: bundle.digest().to_string(), archive: archive.into_inner() })
}

/// The bundle of a run.
///
/// # Errors
/// The run cannot be read.
pub async fn bundle_of(state: &State, found: &FoundRun) -> Result<Bundle, CommandError> {
    if let Some(damage) = &found.loaded.damage {
        return Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {}", found.run, damage.what)));
    }
    let mut files = Files::new();
    files.insert(README.to_owned(), WORDS.into());
    files.insert(PLAN.to_owned(), found.plan.write());
    files.insert(JOURNAL.to_owned(), lines(&found.loaded.records));
    files.insert(APPROVALS.to_owned(), pretty(&decisions(found)));
    artefacts(state, &found.run, &mut files).await?;
    differences(&mut files);
    let trail = state.audit.trail(&found.run).await.map_err(|error| refused(&error))?;
    if !trail.log.is_empty() {
        files.insert(LOG.to_owned(), trail.log);
        files.insert(HEADS.to_owned(), trail.heads);
        if let Some(key) = state.audit.public_key().await.map_err(|error| refused(&error))? {
            files.insert(KEY.to_owned(), key.to_pem().into_bytes());
        }
    }
    Ok(Bundle::of(found.run.as_str(), &program(), found.plan.digest(), files))
}

fn lines(records: &[Record]) -> Vec<u8> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record).expect("a record is plain data");
        lines.push(b'\n');
    }
    lines
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data");
    bytes.push(b'\n');
    bytes
}

/// A decision for people.
#[derive(Serialize)]
struct Decided<'a> {
    record: u64,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    decision: Signal,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'a str>,
}

fn decisions(found: &FoundRun) -> Vec<Decided<'_>> {
    let stages = &found.plan.plan().flow.stages;
    let decided = found.loaded.records.iter().filter_map(|record| {
        let Event::Signalled { signal, by, reason, basis, .. } = &record.event else { return None };
        let stage = match signal {
            Signal::Approve(stage) | Signal::Reject(stage) => stages.get(stage.index()),
            _ => None,
        };
        Some(Decided {
            record: record.seq.0,
            at: record.at,
            stage: stage.map(|stage| &*stage.name),
            decision: *signal,
            by,
            reason: reason.as_deref(),
            basis: basis.as_deref(),
        })
    });
    decided.collect()
}

async fn artefacts(state: &State, run: &RunId, files: &mut Files) -> Result<(), CommandError> {
    let keys = state.artifacts.list(run, "").await.map_err(|error| refused(&error))?;
    for key in keys.into_iter().filter(|key| key != AT_HOME) {
        if let Some(content) = state.artifacts.get(run, &key).await.map_err(|error| refused(&error))? {
            files.insert(format!("artefacts/{key}"), content);
        }
    }
    Ok(())
}

/// What differs between before and after, for every host that said something both times.
fn differences(files: &mut Files) {
    let survey = |content: &Vec<u8>| serde_json::from_slice::<Reading<SurveyReport>>(content).ok();
    let mut made = Vec::new();
    for (name, content) in files.range("artefacts/pre/".to_owned()..) {
        let Some(host) = name.strip_prefix("artefacts/pre/") else { break };
        let Some(of) = host.strip_suffix("/survey.json") else { continue };
        let after = files.get(&format!("artefacts/post/{host}")).and_then(survey);
        if let (Some(before), Some(after)) = (survey(content), after) {
            let difference = Difference::between(before.report(), after.report());
            made.push((format!("differences/{of}.json"), pretty(&difference)));
        }
    }
    files.extend(made);
}

/// A bundle that was read, with what a run is made of.
struct Opened {
    bundle: Bundle,
    plan: PlanDocument,
    records: Vec<Record>,
    run: Run,
}

fn broken(path: &Path, what: impl std::fmt::Display) -> CommandError {
    CommandError::new(&code::BUNDLE_BROKEN, format!("{}: {what}", path.display()))
}

/// Reads a bundle and holds it against its list and its parts against each other.
fn open(path: &Path) -> Result<Opened, CommandError> {
    let bundle = Bundle::read(&files::read_bytes(path)?).map_err(|error| broken(path, error))?;
    let amiss = bundle.amiss();
    if !amiss.is_empty() {
        let mut error = broken(path, format!("{} files are not as the list says", amiss.len()));
        error.details = amiss.iter().map(ToString::to_string).collect();
        return Err(error);
    }
    let file = |name: &str| {
        bundle.files.get(name).map(Vec::as_slice).ok_or_else(|| broken(path, format!("it has no {name}")))
    };
    let plan = PlanDocument::read(file(PLAN)?).map_err(|error| broken(path, format!("{PLAN}: {error}")))?;
    if *plan.digest() != bundle.manifest.plan {
        return Err(broken(path, "the plan is another one than the list names"));
    }
    let mut run = Run::open(Arc::new(plan.plan().flow.clone()));
    let mut records: Vec<Record> = Vec::new();
    let lines = (1..).zip(file(JOURNAL)?.split(|byte| *byte == b'\n'));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let at = |what: &dyn std::fmt::Display| broken(path, format!("{JOURNAL}, line {number}: {what}"));
        let record: Record = serde_json::from_slice(line).map_err(|error| at(&error))?;
        run.apply(&record).map_err(|illegal| at(&illegal))?;
        records.push(record);
    }
    match records.first().map(|record| &record.event) {
        Some(Event::Opened { plan: opened, .. }) if opened != plan.digest() => {
            Err(broken(path, "the journal was opened with another plan"))
        }
        _ => Ok(Opened { bundle, plan, records, run }),
    }
}

/// What was found of a bundle that holds together.
#[derive(Serialize)]
struct Checked<'a> {
    run: &'a str,
    made_by: &'a str,
    digest: String,
    plan: &'a str,
    files: usize,
    records: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<&'a Verdict>,
}

/// Checks a bundle, offline.
///
/// # Errors
/// Something is not as it was made.
pub fn check(args: &BundleVerifyArgs, format: OutputFormat, console: Console) -> Result<Exit, CommandError> {
    let Opened { bundle, plan, records, .. } = open(&args.bundle)?;
    let own = match bundle.files.get(KEY).map(|pem| PublicKey::from_pem(&String::from_utf8_lossy(pem))) {
        Some(Err(bad)) => return Err(broken(&args.bundle, format!("{KEY}: {bad}"))),
        Some(Ok(key)) => Some(key),
        None => None,
    };
    let given = args.key.as_deref().map(audit::public_key).transpose()?;
    if let (Some(given), Some(own)) = (&given, &own)
        && given != own
    {
        let what = format!("its audit log was signed with key {}, not with {}", own.id(), given.id());
        return Err(broken(&args.bundle, what));
    }
    let key = given.as_ref().or(own.as_ref());
    let run = &*bundle.manifest.run;
    let beside = bundle.files.get(HEADS).map(Vec::as_slice).unwrap_or_default();
    let heads = audit::heads(run, beside, &args.heads)?;
    let verdict = bundle.files.get(LOG).map(|log| verify(log, &heads, key));
    let checked = Checked {
        run,
        made_by: &bundle.manifest.made_by,
        digest: bundle.digest().to_string(),
        plan: plan.digest(),
        files: bundle.files.len(),
        records: records.len(),
        key: key.map(|key| key.id().to_string()),
        audit: verdict.as_ref(),
    };
    match format {
        OutputFormat::Text => console::write_text(&text_of(&checked))?,
        OutputFormat::Json | OutputFormat::Jsonl => console::write_data(|out| {
            serde_json::to_writer_pretty(&mut *out, &checked)?;
            out.write_all(b"\n")
        })?,
    }
    if given.is_none() && own.is_some() {
        console.note(
            "the key is the bundle's own: compare its name with one you have from elsewhere, or use --key",
        );
    }
    verdict.as_ref().map_or(Ok(Exit::Success), audit::sound)
}

fn text_of(checked: &Checked<'_>) -> String {
    let mut text = String::new();
    let _ =
        writeln!(text, "{}: {} files as they were made, by {}", checked.run, checked.files, checked.made_by);
    let _ = writeln!(text, "  digest of the bundle  {}", checked.digest);
    let _ = writeln!(text, "  digest of the plan    {}", checked.plan);
    let _ = writeln!(text, "  {} records of the journal, each legal after the one before", checked.records);
    match (checked.audit, &checked.key) {
        (Some(verdict), key) => {
            if let Some(key) = key {
                let _ = writeln!(text, "  heads of the audit log are checked with key {key}");
            }
            text.push_str(&audit::verdict_text(verdict));
        }
        (None, _) => text.push_str("  no audit log: the run changed nothing\n"),
    }
    text
}

/// Writes the reports of a bundle's run as this version writes them.
///
/// # Errors
/// The bundle is not as it was made, or a report cannot be written.
pub async fn replay(args: &ReplayArgs, format: OutputFormat, console: Console) -> Result<Exit, CommandError> {
    let Opened { bundle, plan, records, run: state } = open(&args.bundle)?;
    let run: RunId =
        bundle.manifest.run.parse().map_err(|bad: fleetwright_model::InvalidId| broken(&args.bundle, bad))?;
    let directory = args.output_dir.clone().unwrap_or_else(|| Path::new("reports").join(run.as_str()));
    files::make_directory(&directory)?;
    let now = records.last().map_or(Timestamp::UNIX_EPOCH, |record| record.at);
    let told = Told { run: &run, document: &plan, state: &state, records: &records, now };
    let gathered = gathered(&run, &plan, &bundle.files).await?;
    let record = told.record(None, gathered);
    report_files::write(&directory, &[ReportFormat::All], &record, &plan)?;
    tell(&record, format)?;
    console.note(&format!("reports: {}", directory.display()));
    Ok(Exit::Success)
}

/// What the run kept for its reports, as the bundle has it.
async fn gathered(run: &RunId, plan: &PlanDocument, files: &Files) -> Result<Gathered, CommandError> {
    let state = State::in_memory();
    for (name, content) in files {
        if let Some(key) = name.strip_prefix("artefacts/") {
            state.artifacts.put(run, key, content).await.map_err(|error| refused(&error))?;
        }
    }
    gather(&state, run, plan.plan()).await
}
