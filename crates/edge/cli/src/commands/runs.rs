//! `fleetwright runs`, `status`, `watch`, and the decisions people take about a run.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_approvals::gate::GateFacts;
use fleetwright_config::settings::OutputFormat;
use fleetwright_flow::{Condition, Record, Run, Sequence, Signal, Walked};
use fleetwright_model::{Exit, code};
use fleetwright_ports::{Clock, Letter, RunEntry};
use fleetwright_report::text::time;
use fleetwright_report::{safe, view_text};

use crate::commands::approvals::{may_decide, waiting_gate};
use crate::console::{self, Console};
use crate::driving::{Told, tell};
use crate::evidence::gather;
use crate::failure::CommandError;
use crate::state::{Found, FoundRun, Kept, State, is_closed, refused};

/// How often a run that another process drives is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Lists the runs.
///
/// # Errors
/// The state directory cannot be read.
pub async fn list(state: &State, format: OutputFormat, console: Console) -> Result<Exit, CommandError> {
    let runs = state.runs().await?;
    match format {
        OutputFormat::Text => {
            let lines: String = runs.iter().map(|entry| format!("{}\n", describe(entry))).collect();
            console::write_text(&lines)?;
            if runs.is_empty() {
                console.note("no runs yet: `fleetwright run` begins one, `fleetwright demo` shows one");
            }
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let rows: Vec<serde_json::Value> = runs.iter().map(row).collect();
            match format {
                OutputFormat::Json => console::write_text(&format!("{}\n", serde_json::Value::from(rows)))?,
                _ => console::write_data(|out| rows.iter().try_for_each(|row| writeln!(out, "{row}")))?,
            }
        }
    }
    Ok(Exit::Success)
}

fn describe(entry: &RunEntry) -> String {
    let condition = match (&entry.last, &entry.driven_by) {
        (_, Some(owner)) => format!("driven by {}", safe::line(owner)),
        (Some(record), None) => match &record.event {
            fleetwright_flow::Event::Closed { ending } => view_text::ended(*ending).to_owned(),
            _ => format!("unfinished, last record at {}", time(record.at)),
        },
        (None, None) => "without records".to_owned(),
    };
    format!("{}  {}  {condition}", entry.run, time(entry.created_at))
}

fn row(entry: &RunEntry) -> serde_json::Value {
    serde_json::json!({
        "run_id": entry.run.as_str(),
        "created_at": entry.created_at,
        "closed": is_closed(entry),
        "driven_by": entry.driven_by,
        "last_record": entry.last,
    })
}

/// The run folded from its records. Where the records cannot follow from each other, only those that
/// do are folded, and the run counts as damaged.
pub struct Folded {
    /// The run.
    pub run: Run,
    /// The records it was folded from.
    pub records: Vec<Record>,
    /// What is wrong with the rest.
    pub damage: Option<String>,
}

/// Folds a run.
pub fn fold<D: Kept>(found: &Found<D>) -> Folded {
    let mut run = Run::open(Arc::new(found.plan.flow().clone()));
    let mut damage = found
        .loaded
        .damage
        .as_ref()
        .map(|damage| format!("after record {}: {}", damage.last_good.0, safe::line(&damage.what)));
    let mut records = Vec::with_capacity(found.loaded.records.len());
    for record in &found.loaded.records {
        if let Err(illegal) = run.apply(record) {
            damage.get_or_insert_with(|| format!("record {} cannot be: {illegal}", record.seq.0));
            break;
        }
        records.push(record.clone());
    }
    Folded { run, records, damage }
}

/// Shows where a run stands.
///
/// # Errors
/// The journal is damaged (what is whole is shown), or standard output cannot be written.
pub async fn status(
    state: &State,
    found: &FoundRun,
    clock: &dyn Clock,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let folded = fold(found);
    let driven = is_driven(state, found).await?;
    let told = Told {
        run: &found.run,
        document: &found.plan,
        state: &folded.run,
        records: &folded.records,
        now: clock.now(),
    };
    if format == OutputFormat::Text {
        let view = folded.run.view(clock.now());
        let mut text = format!("{} ", found.run);
        // What it waits for is in the summary that follows.
        view_text::write_progress(&mut text, &view)
            .map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
        console::write_text(&text)?;
    }
    let why = match folded.run.condition() {
        Condition::Ended(_) => None,
        _ if driven => Some(&code::RUN_UNDER_WAY),
        Condition::AtGate(_) => Some(&code::APPROVAL_WAITS),
        _ => Some(&code::RUN_INTERRUPTED),
    };
    let gathered = gather(state, &found.run, found.plan.plan()).await?;
    let exit = tell(&told.record(why, gathered), format)?;
    match folded.damage {
        Some(damage) => Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run))),
        // Looking at an unfinished run is not an interruption.
        None if folded.run.ending().is_none() => Ok(Exit::Success),
        None => Ok(exit),
    }
}

/// Follows a run that another process drives, to its end.
///
/// # Errors
/// The journal cannot be read.
pub async fn watch(
    state: &State,
    found: &FoundRun,
    clock: &dyn Clock,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let Followed { run, records } = follow(state, found, clock, format).await?;
    let told =
        Told { run: &found.run, document: &found.plan, state: &run, records: &records, now: clock.now() };
    let gathered = gather(state, &found.run, found.plan.plan()).await?;
    tell(&told.record(None, gathered), format)
}

/// A run that was followed to its end.
pub struct Followed {
    /// The run.
    pub run: Run,
    /// Its records.
    pub records: Vec<Record>,
}

/// Shows what becomes of a run that another process drives, until it is over.
///
/// # Errors
/// The journal cannot be read.
pub async fn follow<D: Kept>(
    state: &State,
    found: &Found<D>,
    clock: &dyn Clock,
    format: OutputFormat,
) -> Result<Followed, CommandError> {
    let Folded { mut run, mut records, damage } = fold(found);
    if let Some(damage) = damage {
        return Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run)));
    }
    let mut shown = Sequence(0);
    loop {
        let fresh = records.iter().filter(|record| record.seq > shown);
        if format != OutputFormat::Text {
            let lines: Vec<&Record> = fresh.collect();
            console::write_data(|out| {
                lines.iter().try_for_each(|record| {
                    serde_json::to_writer(&mut *out, record)?;
                    writeln!(out)
                })
            })?;
        } else if run.last() > shown {
            console::write_text(&format!(
                "{} {}\n",
                time(clock.now()),
                view_text::line(&run.view(clock.now()))
            ))?;
        }
        shown = run.last();
        if run.ending().is_some() {
            return Ok(Followed { run, records });
        }
        clock.sleep(LOOK).await;
        let more = state.journal.since(&found.run, shown).await.map_err(|error| refused(&error))?;
        for record in &more {
            run.apply(record).map_err(|illegal| {
                CommandError::new(&code::JOURNAL_DAMAGED, format!("record {}: {illegal}", record.seq.0))
            })?;
        }
        records.extend(more);
    }
}

/// A decision a person takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// One approval of the waiting gate, about this basis or about what is there now.
    Approve(Option<&'a str>),
    /// The waiting gate is closed, about this basis or about what is there now.
    Reject(Option<&'a str>),
    /// Nothing further is started.
    Pause,
    /// It goes on.
    Resume,
    /// It ends after what is in flight.
    Abort,
    /// It ends now.
    AbortNow,
}

/// Leaves a decision for whoever drives the run.
///
/// # Errors
/// The run is over, no gate waits, or the decision is not theirs or about another state of the run.
pub async fn decide(
    state: &State,
    found: &Found<Walked>,
    decision: Decision<'_>,
    by: &str,
    reason: Option<&str>,
    clock: &dyn Clock,
    console: Console,
) -> Result<Exit, CommandError> {
    let folded = fold(found);
    if let Some(ending) = folded.run.ending() {
        let message = format!("{} is over: {}", found.run, view_text::ended(ending));
        return Err(CommandError::new(&code::NOTHING_UNFINISHED, message));
    }
    let (signal, gate) = match decision {
        Decision::Approve(basis) => {
            let gate = gate(found, basis, by, clock)?;
            (Signal::Approve(gate.stage), Some(gate))
        }
        Decision::Reject(basis) => {
            let gate = gate(found, basis, by, clock)?;
            (Signal::Reject(gate.stage), Some(gate))
        }
        Decision::Pause => (Signal::Pause, None),
        Decision::Resume => (Signal::Resume, None),
        Decision::Abort => (Signal::Abort, None),
        Decision::AbortNow => (Signal::AbortNow, None),
    };
    if let (Signal::Approve(_), Some(gate)) = (signal, &gate)
        && gate.has_approved(by)
    {
        let message = format!("{by} has approved stage {} already", safe::line(&gate.name));
        return Err(CommandError::new(&code::APPROVED_ALREADY, message));
    }
    let basis = gate.as_ref().map(|gate| gate.basis.clone());
    let (by, reason) = (by.into(), reason.map(Into::into));
    let letter = Letter { at: clock.now(), signal, by, reason, basis, once: None };
    state.journal.deliver(&found.run, letter).await.map_err(|error| refused(&error))?;
    if let (Signal::Approve(_), Some(gate)) = (signal, &gate) {
        let given = gate.approved_by.len() + 1;
        console.note(&format!(
            "{}: {given} of {} approvals for stage {}",
            found.run,
            gate.needed,
            safe::line(&gate.name)
        ));
    }
    let driven = is_driven(state, found).await?;
    let then = match (&state.hub, driven) {
        (Some(hub), _) => match hub.wake(&found.run).await {
            Ok(true) => "its execution goes on".to_owned(),
            Ok(false) => "its execution takes it up with the next turn".to_owned(),
            Err(fault) => {
                format!(
                    "its execution could not be woken ({}), and takes it up when its wait is over",
                    fault.message
                )
            }
        },
        (None, true) => "its driver takes it up within a second".to_owned(),
        (None, false) => format!("nobody drives the run; `fleetwright resume {}` takes it up", found.run),
    };
    console.note(&format!("{}: {then}", found.run));
    Ok(Exit::Success)
}

/// True where a living process drives the run.
///
/// # Errors
/// The state directory cannot be read.
pub async fn is_driven<D>(state: &State, found: &Found<D>) -> Result<bool, CommandError> {
    let mut runs = state.runs().await?.into_iter();
    Ok(runs.any(|entry| entry.run == found.run && entry.driven_by.is_some()))
}

/// The gate that waits, where that person may decide about what they looked at.
fn gate(
    found: &Found<Walked>,
    basis: Option<&str>,
    by: &str,
    clock: &dyn Clock,
) -> Result<GateFacts, CommandError> {
    let gate = waiting_gate(found, None, clock.now())?;
    may_decide(&gate, by)?;
    match basis {
        Some(basis) if *basis != *gate.basis => {
            let message =
                format!("{}: the decision is about {basis}, the gate now about {}", found.run, gate.basis);
            Err(CommandError::new(&code::APPROVAL_VOID, message))
        }
        _ => Ok(gate),
    }
}
