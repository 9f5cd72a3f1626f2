//! `fleetwright audit …`: what was written around every change, and whether it still is what was written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fleetwright_audit::reconcile::{Call, calls};
use fleetwright_audit::{
    PublicKey, Reconciliation, Record, SignedHead, Verdict, chain, cloudtrail, reconcile, verify,
};
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_ports::{AuditTrail, RunId};
use fleetwright_report::safe;
use fleetwright_report::text::time;
use serde::Serialize;

use crate::args::{AuditVerifyArgs, HeadArgs, ReconcileArgs};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::files;
use crate::heads::append;
use crate::state::{State, refused};

/// Findings and calls that are told one by one in text.
const TOLD: usize = 20;

/// Reads the log of a run.
///
/// # Errors
/// There is none.
pub async fn trail(state: &State, run: &RunId) -> Result<AuditTrail, CommandError> {
    let trail = state.audit.trail(run).await.map_err(|error| refused(&error))?;
    if trail.log.is_empty() {
        return Err(CommandError::new(&code::NO_AUDIT, format!("{run} has no audit log")));
    }
    Ok(trail)
}

/// Heads of files that were kept elsewhere, beside those that lie with the log. Files may hold heads of
/// many runs.
///
/// # Errors
/// A file cannot be read, or a line of it is no head.
pub fn heads(run: &str, beside: &[u8], elsewhere: &[PathBuf]) -> Result<Vec<SignedHead>, CommandError> {
    let read = |name: &str, bytes: &[u8]| match SignedHead::read_lines(bytes) {
        (heads, bad) if bad.is_empty() => Ok(heads),
        (_, bad) => {
            let message = format!("{name}: line {} is no signed head", bad[0]);
            Err(CommandError::new(&code::AUDIT_BROKEN, message))
        }
    };
    let mut heads = read("the heads beside the log", beside)?;
    for path in elsewhere {
        let found = read(&path.display().to_string(), &files::read_bytes(path)?)?;
        heads.extend(found.into_iter().filter(|head| &*head.head.log == run));
    }
    Ok(heads)
}

/// A public key of a file.
///
/// # Errors
/// The file has none.
pub fn public_key(path: &Path) -> Result<PublicKey, CommandError> {
    let text = files::read_text(path)?;
    PublicKey::from_pem(&text)
        .map_err(|bad| CommandError::new(&code::KEYRING_UNUSABLE, format!("{}: {bad}", path.display())))
}

/// Judges the log of a run.
///
/// # Errors
/// Something is wrong with it.
pub async fn judge(
    state: &State,
    run: &RunId,
    args: &AuditVerifyArgs,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let trail = trail(state, run).await?;
    let heads = heads(run.as_str(), &trail.heads, &args.heads)?;
    let key = match &args.key {
        Some(path) => Some(public_key(path)?),
        None => state.audit.public_key().await.map_err(|error| refused(&error))?,
    };
    let verdict = verify(&trail.log, &heads, key.as_ref());
    match format {
        OutputFormat::Text => console::write_text(&verdict_text(&verdict))?,
        OutputFormat::Json | OutputFormat::Jsonl => write_json(&verdict)?,
    }
    sound(&verdict)
}

/// What a verdict means for the command.
///
/// # Errors
/// The log is not sound.
pub fn sound(verdict: &Verdict) -> Result<Exit, CommandError> {
    let Some(first) = verdict.findings.first() else { return Ok(Exit::Success) };
    let message = format!("{} findings; the first: {first}", verdict.findings.len());
    let mut error = CommandError::new(&code::AUDIT_BROKEN, message);
    error.details = verdict.findings.iter().take(TOLD).map(ToString::to_string).collect();
    Err(error)
}

/// A verdict for people.
pub fn verdict_text(verdict: &Verdict) -> String {
    let mut text = String::new();
    let log = verdict.log.as_deref().map_or_else(|| "the log".to_owned(), |log| safe::line(log).into_owned());
    let state = if verdict.is_sound() { "as it was written" } else { "NOT as it was written" };
    let calls = &verdict.calls;
    let _ = writeln!(text, "{log}: {} records, {state}", verdict.records);
    let proven = match verdict.proven_to {
        0 => "no signed head stands for it: an end that was cut off would not show".to_owned(),
        to if to >= verdict.records => "a signed head stands for all of it".to_owned(),
        to => format!("a signed head stands for it up to record {to}"),
    };
    let _ = writeln!(text, "  {proven}");
    let _ = writeln!(
        text,
        "  {} calls: {} done, {} refused, {} without an answer, {} not sent, {} in doubt",
        calls.made,
        calls.done,
        calls.refused,
        calls.unknown,
        calls.not_sent,
        calls.in_doubt.len()
    );
    if !calls.in_doubt.is_empty() {
        let numbers: Vec<String> = calls.in_doubt.iter().take(TOLD).map(u64::to_string).collect();
        let _ = writeln!(
            text,
            "  in doubt - the process ended before it knew: records {}; `fleetwright audit reconcile` tells",
            numbers.join(", ")
        );
    }
    text
}

fn write_json<T: Serialize>(value: &T) -> Result<(), CommandError> {
    console::write_data(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// The records of a log that verifies.
fn records(log: &[u8]) -> Vec<Record> {
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| chain::read(line).ok()).collect()
}

/// Holds the log of a run against CloudTrail's files.
///
/// # Errors
/// They differ, the log is not sound, or a file cannot be read.
pub async fn hold_against(
    state: &State,
    run: &RunId,
    args: &ReconcileArgs,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let trail = trail(state, run).await?;
    sound(&verify(&trail.log, &[], None))?;
    let mut events = Vec::new();
    for path in files::below(&args.cloudtrail, &[".json", ".json.gz"])? {
        let read = cloudtrail::read(&files::read_bytes(&path)?);
        events.extend(read.map_err(|bad| {
            CommandError::new(&code::TRAIL_UNREADABLE, format!("{}: {bad}", path.display()))
        })?);
    }
    let found = reconcile(&calls(&records(&trail.log)), &events);
    match format {
        OutputFormat::Text => console::write_text(&reconciliation_text(run, &found, events.len()))?,
        OutputFormat::Json | OutputFormat::Jsonl => write_json(&found)?,
    }
    if found.agrees() {
        return Ok(Exit::Success);
    }
    let (ours, theirs) = (found.ours_only.len(), found.theirs_only.len());
    let message = format!("{run}: {ours} calls only in the audit log, {theirs} changes only in CloudTrail");
    Err(CommandError::new(&code::AUDIT_DIFFERS, message))
}

fn reconciliation_text(run: &RunId, found: &Reconciliation, events: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{run} against {events} events of CloudTrail:");
    let _ = writeln!(text, "  {} calls in both logs", found.both);
    let _ = writeln!(text, "  {} calls without an answer, settled by CloudTrail", found.settled.len());
    for settled in found.settled.iter().take(TOLD) {
        let what = settled.error_code.as_deref().map_or("done".into(), safe::line);
        let _ = writeln!(text, "    record {}: {what}", settled.record);
    }
    let _ = writeln!(text, "  {} calls without an answer that did not happen", found.never_happened);
    let _ = writeln!(text, "  {} calls where and when these files say nothing", found.not_covered);
    let _ = writeln!(text, "  {} calls only in the audit log", found.ours_only.len());
    for call in found.ours_only.iter().take(TOLD) {
        let _ = writeln!(text, "    {}", call_text(call));
    }
    let _ = writeln!(text, "  {} changes by the same principals only in CloudTrail", found.theirs_only.len());
    for event in found.theirs_only.iter().take(TOLD) {
        let who = event.user_identity.arn.as_deref().unwrap_or("unknown");
        let _ = writeln!(
            text,
            "    {} {} in {} by {}",
            time(event.event_time),
            safe::line(&event.action()),
            safe::line(&event.aws_region),
            safe::line(who)
        );
    }
    text
}

fn call_text(call: &Call) -> String {
    let intent = &call.intent;
    let result = call.answer.as_ref().map_or("in doubt", |answer| answer.result.name());
    format!(
        "record {}, {} {} on {} in {}/{}: {result}",
        call.record,
        time(call.at),
        intent.action,
        safe::line(&intent.targets.join(", ")),
        intent.account,
        intent.region
    )
}

/// Prints or keeps the last head of a run's log.
///
/// # Errors
/// There is none, or it cannot be written.
pub async fn head(
    state: &State,
    run: &RunId,
    args: &HeadArgs,
    console: Console,
) -> Result<Exit, CommandError> {
    let trail = trail(state, run).await?;
    let last = heads(run.as_str(), &trail.heads, &[])?.pop().ok_or_else(|| {
        CommandError::new(&code::NO_AUDIT, format!("the audit log of {run} has no signed head yet"))
    })?;
    let Some(path) = &args.into else {
        console::write_data(|out| out.write_all(&last.to_line()))?;
        return Ok(Exit::Success);
    };
    append(path, &last)?;
    console.note(&format!("{} has the head of record {} of {run}", path.display(), last.head.sequence));
    Ok(Exit::Success)
}

/// Prints the public key.
///
/// # Errors
/// None was made yet.
pub async fn key(state: &State) -> Result<Exit, CommandError> {
    let key = state.audit.public_key().await.map_err(|error| refused(&error))?;
    let none = || CommandError::new(&code::NO_AUDIT, "no head was signed yet, so that there is no key");
    console::write_text(&key.ok_or_else(none)?.to_pem())?;
    Ok(Exit::Success)
}
