//! `fleetwright cloud execution …`: executions of state machines, in one account and region.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use fleetwright_model::{Exit, code};
use fleetwright_ports::executions::{
    Execution, ExecutionFilter, ExecutionId, ExecutionStatus, HistoryEvent, NewExecution, Payload, Payloads,
    Started, wait,
};
use fleetwright_ports::state_machines::{MachineKind, MachineName, MachineRef};
use fleetwright_ports::{Clock, Executions, StateMachines};
use fleetwright_report::safe;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::machines::{unnamed, whole};
use crate::app::{App, Outcome};
use crate::args::{
    ExecutionCommand, ExecutionHistoryArgs, ExecutionListArgs, ExecutionStartArgs, ExecutionState,
    ExecutionStopArgs, ExecutionWaitArgs, Since,
};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, moment, tell, text};

/// Bytes of an input at most (Step Functions quotas: 256 KiB).
const MOST_INPUT: u64 = 256 * 1024;
/// Between two remarks on an execution that is waited for and stands as it stood.
const REMARKS: Duration = Duration::from_secs(60);

impl App {
    /// `fleetwright cloud execution …`.
    pub fn executions(&self, command: &ExecutionCommand) -> Outcome {
        self.in_one_place(command.args(), command.change(), async |at| match command {
            ExecutionCommand::Start(args) => start(&at, args).await,
            ExecutionCommand::Stop(args) => stop(&at, args).await,
            ExecutionCommand::Describe(args) => describe(&at, args).await,
            ExecutionCommand::Wait(args) => waited_for(&at, args).await,
            ExecutionCommand::History(args) => history(&at, args).await,
            ExecutionCommand::List(args) => list(&at, args).await,
        })
    }
}

fn id(machine: &str, name: &str) -> Result<ExecutionId, CommandError> {
    Ok(ExecutionId { machine: machine.parse().map_err(unnamed)?, name: name.parse().map_err(unnamed)? })
}

/// The input: JSON, as it stands in the file.
fn input(file: Option<&Path>) -> Result<Payload, CommandError> {
    let Some(file) = file else { return Ok(Payload::new("{}")) };
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(MOST_INPUT + 1).read_to_string(&mut text);
        read.map_err(|error| {
            CommandError::new(&code::USAGE, format!("standard input cannot be read: {error}"))
        })?;
        ("standard input".to_owned(), text)
    } else {
        (file.display().to_string(), files::read_text(file)?)
    };
    if text.len() as u64 > MOST_INPUT {
        let message = format!("{name} is longer than the {MOST_INPUT} bytes an execution takes");
        return Err(CommandError::new(&code::USAGE, message));
    }
    // What is wrong is told by its place: the text may be a secret.
    match serde_json::from_str::<Value>(&text) {
        Ok(_) => Ok(Payload::new(text.trim())),
        Err(error) => {
            let message = format!("{name} is no JSON (line {}, column {})", error.line(), error.column());
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}

async fn start(at: &OnePlace, args: &ExecutionStartArgs) -> Outcome {
    let machine: MachineRef = args.machine.parse().map_err(unnamed)?;
    let new = NewExecution {
        machine,
        name: args.name.parse().map_err(unnamed)?,
        input: input(args.input.as_deref())?,
    };
    started(at, &new).await
}

/// Starts an execution, and shows how it stands.
///
/// # Errors
/// The machine is of type Express, or the call fails.
pub(super) async fn started(at: &OnePlace, new: &NewExecution) -> Outcome {
    let cell = at.place.cell();
    if at.aws.machine(&cell, &new.machine).await?.kind == MachineKind::Express {
        let message = format!("{} is of type Express", new.machine);
        return Err(CommandError::new(&code::MACHINE_EXPRESS, message));
    }
    let started = match at.dry_run {
        true => Started::Running(None),
        false => at.aws.start_execution(&cell, new).await?,
    };
    let (status, started_at) = match &started {
        Started::Running(since) => (ExecutionStatus::Running, *since),
        Started::Ended(first) => (first.status, first.started_at),
    };
    let row = json!({
        "machine": new.machine.to_string(),
        "name": new.name.as_str(),
        "change": "start",
        "done": !at.dry_run,
        "status": status.as_str(),
        "started_at": started_at,
    });
    tell(at.format, [row], |row| match row["done"] == true {
        false => format!("would start {} of {}\n", text(row, "name"), text(row, "machine")),
        true => format!(
            "{} of {}  {}, began {}\n",
            text(row, "name"),
            text(row, "machine"),
            text(row, "status"),
            moment(row, "started_at")
        ),
    })
}

async fn stop(at: &OnePlace, args: &ExecutionStopArgs) -> Outcome {
    let id = id(&args.machine, &args.name)?;
    stopped(at, &id, args.error.as_deref(), args.cause.as_deref()).await
}

/// Stops an execution, and shows what was done.
///
/// # Errors
/// The failure of a call.
pub(super) async fn stopped(
    at: &OnePlace,
    id: &ExecutionId,
    error: Option<&str>,
    cause: Option<&str>,
) -> Outcome {
    let cell = at.place.cell();
    let before = at.aws.execution(&cell, id, Payloads::Hidden).await?;
    let running = !before.status.is_over();
    let stopped_at = match running && !at.dry_run {
        true => at.aws.stop_execution(&cell, id, error, cause).await?,
        false => before.stopped_at,
    };
    let row = json!({
        "machine": id.machine.as_str(),
        "name": id.name.as_str(),
        "change": if running { "stop" } else { "unchanged" },
        "done": !(running && at.dry_run),
        "stopped_at": stopped_at,
    });
    tell(at.format, [row], |row| {
        let would = if row["done"] == true { "" } else { "would " };
        format!("{would}{} {} of {}\n", text(row, "change"), text(row, "name"), text(row, "machine"))
    })
}

fn row(execution: &Execution) -> Value {
    let mut row = json!({
        "machine": execution.id.machine.as_str(),
        "name": execution.id.name.as_str(),
        "status": execution.status.as_str(),
        "version": execution.version,
        "started_at": execution.started_at,
        "stopped_at": execution.stopped_at,
        "error": execution.error,
        "cause": execution.cause,
    });
    for (name, payload) in [("input", &execution.input), ("output", &execution.output)] {
        if let Some(payload) = payload {
            row[name] = read(payload);
        }
    }
    row
}

/// A payload as JSON, where it is.
fn read(payload: &Payload) -> Value {
    serde_json::from_str(payload.reveal()).unwrap_or_else(|_| payload.reveal().into())
}

fn in_words(row: &Value) -> String {
    let ended = match moment(row, "stopped_at") {
        at if at.is_empty() => String::new(),
        at => format!(", ended {at}"),
    };
    let mut words = format!(
        "{} of {}  {}, began {}{ended}\n",
        text(row, "name"),
        text(row, "machine"),
        text(row, "status"),
        moment(row, "started_at")
    );
    if row["error"].is_string() || row["cause"].is_string() {
        words.push_str(&format!("  {}: {}\n", text(row, "error"), text(row, "cause")));
    }
    for name in ["input", "output"] {
        if let Some(payload) = row.get(name) {
            words.push_str(&format!("  {name}: {}\n", safe::line(&payload.to_string())));
        }
    }
    words
}

fn payloads(wanted: bool) -> Payloads {
    if wanted { Payloads::Shown } else { Payloads::Hidden }
}

async fn describe(at: &OnePlace, args: &ExecutionHistoryArgs) -> Outcome {
    described(at, &id(&args.machine, &args.name)?, args.with_payloads).await
}

/// Shows how an execution stands.
///
/// # Errors
/// The failure of the call.
pub(super) async fn described(at: &OnePlace, id: &ExecutionId, with_payloads: bool) -> Outcome {
    let execution = at.aws.execution(&at.place.cell(), id, payloads(with_payloads)).await?;
    tell(at.format, [row(&execution)], in_words)
}

async fn waited_for(at: &OnePlace, args: &ExecutionWaitArgs) -> Outcome {
    let id = id(&args.machine, &args.name)?;
    let patience = Duration::try_from(args.time_out)
        .map_err(|_| CommandError::new(&code::USAGE, "--time-out takes a duration of 0 or more, like 2h"))?;
    let mut last: Option<(ExecutionStatus, Timestamp)> = None;
    let (clock, console) = (at.clock.as_ref(), at.console);
    let mut seen = |execution: &Execution| {
        let now = clock.now();
        let is_news = last.is_none_or(|(status, said)| {
            status != execution.status
                || Duration::try_from(now.duration_since(said)).is_ok_and(|it| it >= REMARKS)
        });
        if is_news {
            last = Some((execution.status, now));
            let began = execution.started_at.map(|began| now.duration_since(began).as_secs().max(0));
            let after = began.map(|seconds| format!(", {seconds} s after it began")).unwrap_or_default();
            console.note(&format!("{}: {}{after}", execution.id, execution.status.as_str()));
        }
    };
    let execution = wait((&at.aws, clock), &at.place.cell(), &id, patience, &mut seen).await?;
    tell(at.format, [row(&execution)], in_words)?;
    match execution.status {
        ExecutionStatus::Succeeded => Ok(Exit::Success),
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            let message = format!("{id} is {} after {:#}", execution.status.as_str(), args.time_out);
            Err(CommandError::new(&code::EXECUTION_NOT_OVER, message))
        }
        ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
            let error = execution.error.as_deref().map(|error| format!(": {}", safe::line(error)));
            let message = format!("{id} is {}{}", execution.status.as_str(), error.unwrap_or_default());
            Err(CommandError::new(&code::EXECUTION_FAILED, message))
        }
    }
}

fn happened(event: &HistoryEvent) -> Value {
    let mut row = json!({
        "id": event.id,
        "previous": event.previous,
        "at": event.at,
        "type": event.kind,
        "state": event.state,
        "error": event.error,
        "cause": event.cause,
    });
    for (name, payload) in &event.payloads {
        row[name] = read(payload);
    }
    row
}

async fn history(at: &OnePlace, args: &ExecutionHistoryArgs) -> Outcome {
    told(at, &id(&args.machine, &args.name)?, args.with_payloads).await
}

/// Shows everything that happened in an execution.
///
/// # Errors
/// The failure of a call; what was read before it is shown.
pub(super) async fn told(at: &OnePlace, id: &ExecutionId, with_payloads: bool) -> Outcome {
    let events = at.aws.history(&at.place.cell(), id, payloads(with_payloads)).await;
    // What was read is of use also where it breaks off.
    let shown = tell(at.format, events.items.iter().map(happened), |row| {
        let state = match text(row, "state") {
            state if state.is_empty() => String::new(),
            state => format!(" {state}"),
        };
        let mut words = format!(
            "{:>5}  {}  {}{state}",
            row["id"].as_u64().unwrap_or_default(),
            moment(row, "at"),
            text(row, "type")
        );
        if row["error"].is_string() || row["cause"].is_string() {
            words.push_str(&format!("  {}: {}", text(row, "error"), text(row, "cause")));
        }
        for name in ["input", "parameters", "output"] {
            if let Some(payload) = row.get(name) {
                words.push_str(&format!("\n       {name}: {}", safe::line(&payload.to_string())));
            }
        }
        words + "\n"
    })?;
    events.failure.map_or(Ok(shown), |failure| Err(failure.into()))
}

async fn list(at: &OnePlace, args: &ExecutionListArgs) -> Outcome {
    let machine: MachineName = args.machine.parse().map_err(unnamed)?;
    let filter = filter(args.status, args.prefix.clone(), args.since, at.clock.as_ref());
    listed(at, &machine, &filter).await
}

/// Which executions are meant.
pub(super) fn filter(
    status: Option<ExecutionState>,
    prefix: Option<String>,
    since: Option<Since>,
    clock: &dyn Clock,
) -> ExecutionFilter {
    ExecutionFilter {
        status: status.map(|status| match status {
            ExecutionState::Running => ExecutionStatus::Running,
            ExecutionState::Succeeded => ExecutionStatus::Succeeded,
            ExecutionState::Failed => ExecutionStatus::Failed,
            ExecutionState::TimedOut => ExecutionStatus::TimedOut,
            ExecutionState::Aborted => ExecutionStatus::Aborted,
        }),
        prefix,
        since: since.and_then(|since| match since {
            Since::At(moment) => Some(moment),
            Since::Ago(ago) => clock.now().checked_sub(ago).ok(),
        }),
    }
}

/// Lists executions.
///
/// # Errors
/// The list cannot be read whole.
pub(super) async fn listed(at: &OnePlace, machine: &MachineName, filter: &ExecutionFilter) -> Outcome {
    let executions = whole(at.aws.executions(&at.place.cell(), machine, filter).await)?;
    let rows = executions.iter().map(|row| {
        json!({
            "machine": machine.as_str(),
            "name": row.name.as_str(),
            "status": row.status.as_str(),
            "version": row.version,
            "started_at": row.started_at,
            "stopped_at": row.stopped_at,
        })
    });
    tell(at.format, rows, in_words)
}
