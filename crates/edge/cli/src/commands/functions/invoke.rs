//! `fleetwright cloud function invoke`.

use std::io::Read as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::redaction::redact;
use fleetwright_model::{Exit, code};
use fleetwright_ports::Functions;
use fleetwright_ports::functions::{
    FunctionAnswer, FunctionRef, InvocationMode, Invoked, MOST_ASYNC, MOST_WAITED_FOR, Payload,
};
use fleetwright_report::safe;
use serde_json::{Value, json};

use super::{length, unnamed};
use crate::app::Outcome;
use crate::args::FunctionInvokeArgs;
use crate::console;
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, tell, text};

/// The event, checked.
///
/// # Errors
/// It cannot be read, is no JSON, or is too large.
pub(super) fn event(args: &FunctionInvokeArgs) -> Result<Payload, CommandError> {
    let most = if args.queue { MOST_ASYNC } else { MOST_WAITED_FOR };
    let refused = |message: String| CommandError::new(&code::EVENT_REFUSED, message);
    let Some(given) = args.payload.as_deref() else { return Ok(Payload::new("{}")) };
    let (name, text) = match given {
        "-" => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(most as u64 + 1).read_to_string(&mut text);
            read.map_err(|error| refused(format!("standard input cannot be read: {error}")))?;
            ("standard input", text)
        }
        json if json.trim_start().starts_with(['{', '[', '"']) => ("--payload", json.to_owned()),
        file => (file, files::read_text(Path::new(file))?),
    };
    let text = text.trim();
    if text.len() > most {
        let bytes = text.len();
        let more = if args.queue { " that nobody waits for" } else { "" };
        return Err(refused(format!("{name}: {bytes} bytes are more than the {most} of an event{more}")));
    }
    // What is wrong is told by its place: the text may be a secret.
    match serde_json::from_str::<Value>(text) {
        Ok(_) => Ok(Payload::new(text)),
        Err(error) => {
            Err(refused(format!("{name} is no JSON (line {}, column {})", error.line(), error.column())))
        }
    }
}

/// Runs a function, and shows its answer.
///
/// # Errors
/// The call fails, or the function does.
pub(super) async fn invoke(at: &OnePlace, args: &FunctionInvokeArgs, event: &Payload) -> Outcome {
    let which: FunctionRef = args.function.parse().map_err(unnamed)?;
    let mode = match (at.dry_run, args.queue) {
        (true, _) => InvocationMode::Check,
        (false, true) => InvocationMode::Async,
        (false, false) => InvocationMode::Wait { log_tail: args.log_tail },
    };
    let patience = length(args.wait, "--wait")?;
    let invoked = at.aws.invoke(&at.place.cell(), (&which, event), mode, patience).await?;
    match invoked {
        Invoked::Answered(answer) => answered(at, &which, &answer),
        Invoked::Queued => told(at, &which, json!({ "done": true, "status": "queued" })),
        Invoked::Possible => told(at, &which, json!({ "done": false, "status": "possible" })),
    }
}

/// Shows what there is to say where there is no answer.
fn told(at: &OnePlace, which: &FunctionRef, mut row: Value) -> Outcome {
    row["name"] = which.to_string().into();
    row["change"] = "invoke".into();
    tell(at.format, [row], |row| match row["done"] == true {
        true => format!("queued {}\n", text(row, "name")),
        false => format!("would invoke {}\n", text(row, "name")),
    })
}

fn answered(at: &OnePlace, which: &FunctionRef, answer: &FunctionAnswer) -> Outcome {
    let payload: Value = serde_json::from_str(answer.payload.reveal())
        .unwrap_or_else(|_| answer.payload.reveal().to_owned().into());
    if at.format == OutputFormat::Text {
        for line in answer.log.iter().flat_map(|log| log.lines()) {
            at.console.note(&safe::line(&line.replace('\t', "  ")));
        }
        if answer.error.is_none() {
            console::write_text(&format!("{payload:#}\n"))?;
        }
    } else {
        let row = json!({
            "name": which.to_string(),
            "change": "invoke",
            "done": true,
            "status": if answer.error.is_none() { "answered" } else { "failed" },
            "version": answer.version,
            "error": answer.error,
            "answer": payload,
            "log": answer.log,
        });
        tell(at.format, [row], |_| String::new())?;
    }
    match &answer.error {
        None => Ok(Exit::Success),
        Some(kind) => Err(failed(which, kind, &payload)),
    }
}

/// How a function failed, in its own words (Lambda Developer Guide, "Understanding retry behavior": `errorType` and
/// `errorMessage`).
fn failed(which: &FunctionRef, kind: &str, payload: &Value) -> CommandError {
    let said = ["errorType", "errorMessage"].map(|name| payload[name].as_str().unwrap_or_default());
    let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    let said = redact(&said);
    let said = if said.is_empty() { "it gives no reason".into() } else { safe::line(&said) };
    let message = format!("{which} failed ({}): {said}", safe::line(kind));
    CommandError::new(&code::FUNCTION_FAILED, message)
}
