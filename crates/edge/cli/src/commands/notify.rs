//! `fleetwright notify test` and `fleetwright change …`.

use std::collections::BTreeMap;

use fleetwright_flow::Run;
use fleetwright_model::{Exit, Text, code};
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, Verdict, mark};
use fleetwright_notify::{Batch, Message, Notice, Severity};
use fleetwright_patch::PlanDocument;
use fleetwright_ports::{Attachment, ChangeRecords, NotSent, RunId};
use fleetwright_report::safe;
use jiff::Timestamp;

use crate::args::TestSeverity;
use crate::commands::bundle::Packed;
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::outgoing::Outgoing;

/// Sends a test message to every channel, or to one.
///
/// # Errors
/// There is no such channel, or a message was not delivered.
pub async fn test(
    outgoing: Option<Outgoing>,
    channel: Option<&str>,
    severity: TestSeverity,
    by: &str,
    now: Timestamp,
) -> Result<Exit, CommandError> {
    let all = outgoing.map(|it| it.channels).unwrap_or_default();
    let names: Vec<String> = all.iter().map(|it| it.name.to_string()).collect();
    let chosen: Vec<_> = all.into_iter().filter(|it| channel.is_none_or(|name| *it.name == *name)).collect();
    if chosen.is_empty() {
        let message = match channel {
            Some(name) => format!("there is no channel {name:?}, only {names:?}"),
            None => "the configuration describes no channel".to_owned(),
        };
        return Err(CommandError::new(&code::NO_CHANNEL, message));
    }
    let severity = match severity {
        TestSeverity::Info => Severity::Info,
        TestSeverity::Warning => Severity::Warning,
        TestSeverity::Error => Severity::Error,
        TestSeverity::Critical => Severity::Critical,
    };
    let mut failed = Vec::new();
    for channel in &chosen {
        let notice = Notice::test("test", by, severity, now);
        let number = u64::try_from(now.as_millisecond()).unwrap_or(1);
        let batch = Batch { number, attempt: 1, notices: vec![notice], more: BTreeMap::new() };
        let (message, wrong) = Message::of(&batch, &channel.name, &channel.templates);
        if let Some(wrong) = wrong {
            failed.push(format!("channel {}: its template fails: {wrong}", channel.name));
        }
        match channel.notifier.send(&message).await {
            Ok(()) => console::write_text(&format!("{}: delivered\n", channel.name))?,
            Err(why) => failed.push(format!("channel {}: {}", channel.name, safe::line(&why.message))),
        }
    }
    match failed.is_empty() {
        true => Ok(Exit::Success),
        false => Err(CommandError::new(&code::NOT_DELIVERED, failed.join("; "))),
    }
}

fn out_of_reach(error: &NotSent) -> CommandError {
    CommandError::new(&code::CHANGE_SYSTEM, error.message.clone())
}

/// Opens the change record of a run.
///
/// # Errors
/// The system is out of reach.
pub async fn open(
    records: &dyn ChangeRecords,
    run: &RunId,
    plan: &PlanDocument,
    now: Timestamp,
) -> Result<Exit, CommandError> {
    let record = records.open(&ChangeRequest::of(run.as_str(), plan, now)).await;
    show(&record.map_err(|error| out_of_reach(&error))?)?;
    Ok(Exit::Success)
}

/// Shows the change record of a run; anything but an approval in its time is an error.
///
/// # Errors
/// There is none, it does not let the run go on, or the system is out of reach.
pub async fn status(records: &dyn ChangeRecords, run: &RunId, now: Timestamp) -> Result<Exit, CommandError> {
    let record = find(records, run).await?;
    show(&record)?;
    match record.verdict(now) {
        Verdict::Go => Ok(Exit::Success),
        Verdict::Wait(why) => Err(CommandError::new(&code::CHANGE_WAITS, why)),
        Verdict::Never(why) => Err(CommandError::new(&code::CHANGE_REFUSED, why)),
    }
}

/// A run that is over, as its change record is told of it.
pub struct Over<'a> {
    /// Its name.
    pub run: &'a RunId,
    /// Where it stands.
    pub state: &'a Run,
    /// Its exit code.
    pub exit: Exit,
    /// Its summary.
    pub summary: String,
    /// Its bundle of evidence.
    pub evidence: Packed,
}

/// The largest bundle that is attached, in bytes; of a larger one the digest is.
/// Source: Atlassian support, "Configure attachments": 10 MB is the least that sites of Jira Cloud take by
/// default; ServiceNow takes more.
const LARGEST_EVIDENCE: usize = 10 * 1000 * 1000;

/// The bundle of evidence as an attachment, or what stands for it and how to come by it.
fn evidence(run: &RunId, packed: &Packed) -> Attachment {
    if packed.archive.len() <= LARGEST_EVIDENCE {
        return Attachment {
            name: "evidence.zip".to_owned(),
            media_type: "application/zip".to_owned(),
            content: packed.archive.clone(),
        };
    }
    let words = format!(
        "The bundle of evidence of {run} has {} bytes, more than is attached here.\n\
         The digest of its list: {}\n\
         fleetwright export {run}\n",
        packed.archive.len(),
        packed.digest
    );
    Attachment {
        name: "evidence.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        content: words.into_bytes(),
    }
}

/// Attaches a run's summary and evidence to its change record and closes it.
///
/// # Errors
/// The run is not over, there is no record, or the system is out of reach.
pub async fn close(
    records: &dyn ChangeRecords,
    over: &Over<'_>,
    console: Console,
) -> Result<Exit, CommandError> {
    if over.state.ending().is_none() {
        return Err(CommandError::new(&code::RUN_UNFINISHED, format!("{} is not over", over.run)));
    }
    let record = find(records, over.run).await?;
    let outcome = ChangeOutcome::of(over.exit);
    let summary = fleetwright_model::redaction::redact(&over.summary).into_owned();
    let file = Attachment {
        name: "summary.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        content: summary.clone().into_bytes(),
    };
    for file in [file, evidence(over.run, &over.evidence)] {
        records.attach(&record, &file).await.map_err(|error| out_of_reach(&error))?;
    }
    let first: Vec<&str> = summary.lines().take(40).collect();
    let closed = records.close(&record, outcome, &first.join("\n")).await;
    closed.map_err(|error| out_of_reach(&error))?;
    console.note(&format!("change {}: closed as {outcome}", record.number));
    Ok(Exit::Success)
}

async fn find(records: &dyn ChangeRecords, run: &RunId) -> Result<ChangeRecord, CommandError> {
    let mark: Text = mark(run.as_str());
    let found = records.find(&mark).await.map_err(|error| out_of_reach(&error))?;
    found.ok_or_else(|| CommandError::new(&code::NO_CHANGE, format!("{run} has no change record")))
}

fn show(record: &ChangeRecord) -> Result<(), CommandError> {
    let state = safe::line(&record.state_name);
    console::write_text(&format!("{}  {state}  {}\n", safe::line(&record.number), record.url))
}
