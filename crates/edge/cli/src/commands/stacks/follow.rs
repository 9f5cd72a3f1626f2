//! A stack while something is done to it: its events as they come, and what became of it.

use std::time::Duration;

use fleetwright_model::{ErrorClass, Exit, Failure, code};
use fleetwright_ports::Stacks;
use fleetwright_ports::stacks::{Stack, StackEvent, before_last_operation, first_cause};
use fleetwright_report::safe;
use serde_json::{Value, json};

use super::name_of;
use crate::app::Outcome;
use crate::failure::CommandError;
use crate::interrupt;
use crate::one_place::{OnePlace, moment, tell, text};

/// Between two looks at a stack. CloudFormation publishes no rate for its reads; consoles look every few seconds.
const PAUSE: Duration = Duration::from_secs(5);
/// Looks at a stack to which nothing was done since it was asked for: a minute.
const MOST_LOOKS_AT_REST: u32 = 12;

/// The id of the newest event of a stack, which what is asked for next comes after.
///
/// # Errors
/// The failure of the call.
pub(super) async fn newest(at: &OnePlace, id: &str) -> Result<Option<String>, CommandError> {
    Ok(at.aws.events(&at.place.cell(), id, None).await?.pop().map(|event| event.id))
}

/// What was asked of a stack, where it is to be followed. Where no answer came, its events tell whether it was heard.
///
/// # Errors
/// It was refused.
pub(super) fn heard(at: &OnePlace, answer: Result<(), Failure>) -> Result<(), CommandError> {
    match answer {
        Err(failure) if failure.class == ErrorClass::Ambiguous => {
            at.console
                .note(&format!("{}: its events tell whether it was heard", safe::line(&failure.message)));
            Ok(())
        }
        answer => answer.map_err(CommandError::from),
    }
}

/// Shows what is being done to a stack already, from its beginning to its end.
///
/// # Errors
/// As [`to_the_end`].
pub(super) async fn under_way(at: &OnePlace, stack: &Stack) -> Outcome {
    let name = name_of(&stack.id);
    at.console.note(&format!("{name} is {}: it is followed to its end", stack.status.as_str()));
    let events = at.aws.events(&at.place.cell(), &stack.id, None).await?;
    let before = before_last_operation(&events, &stack.id).checked_sub(1);
    let after = before.and_then(|last| events.get(last)).map(|event| event.id.clone());
    to_the_end(at, &stack.id, after).await
}

/// Shows what happens to a stack after an event, until nothing is being done to it any more; Ctrl-C leaves it to itself.
///
/// # Errors
/// It came to a bad end, with the first cause; or it cannot be looked at.
pub(super) async fn to_the_end(at: &OnePlace, id: &str, after: Option<String>) -> Outcome {
    let stop = interrupt::stop_on_signal(at.console);
    match stop.or_stop(followed(at, id, after)).await {
        Ok(ended) => {
            let (stack, events) = ended?;
            outcome(at, &stack, &events)
        }
        Err(_) => {
            at.console.note("the stack goes on by itself; the same command follows it again");
            Ok(Exit::Interrupted)
        }
    }
}

async fn followed(
    at: &OnePlace,
    id: &str,
    mut after: Option<String>,
) -> Result<(Stack, Vec<StackEvent>), CommandError> {
    let cell = at.place.cell();
    let mut all: Vec<StackEvent> = Vec::new();
    let mut at_rest = 0;
    loop {
        // The status first: what led to it is among the events that are read after it.
        let stack = at.aws.stack(&cell, id).await?;
        let events = at.aws.events(&cell, id, after.as_deref()).await?;
        show(at, &events)?;
        after = events.last().map(|event| event.id.clone()).or(after);
        all.extend(events);
        let Some(stack) = stack else {
            return Err(CommandError::new(&code::STACK_FAILED, format!("{id} is not there any more")));
        };
        // A stack that was read before what was asked for has begun is at rest as it was before.
        let has_ended = |event: &StackEvent| event.is_of(id) && event.status == stack.status.as_str();
        if !stack.status.is_moving() {
            if all.iter().any(has_ended) {
                return Ok((stack, all));
            }
            at_rest += 1;
            if at_rest == MOST_LOOKS_AT_REST {
                let (name, status) = (name_of(id), stack.status.as_str());
                let message = format!("{name} is {status}, and nothing was done to it within a minute");
                return Err(CommandError::new(&code::STACK_FAILED, message));
            }
        }
        at.clock.sleep(PAUSE).await;
    }
}

fn show(at: &OnePlace, events: &[StackEvent]) -> Result<(), CommandError> {
    let rows = events.iter().map(|event| {
        json!({
            "at": event.at,
            "resource": event.logical,
            "type": event.kind,
            "physical_id": event.physical,
            "status": event.status,
            "reason": event.reason,
        })
    });
    tell(at.format, rows, line).map(drop)
}

fn line(row: &Value) -> String {
    let (at, status, resource) = (moment(row, "at"), text(row, "status"), text(row, "resource"));
    let reason = text(row, "reason");
    let reason = if reason.is_empty() { reason } else { format!("  {reason}") };
    format!("{at}  {status:<20}  {resource}{reason}\n")
}

fn outcome(at: &OnePlace, stack: &Stack, events: &[StackEvent]) -> Outcome {
    let (name, status) = (name_of(&stack.id), stack.status.as_str());
    if stack.status.is_good() {
        for (output, value) in &stack.outputs {
            at.console.note(&format!("{}: {}", safe::line(output), safe::line(value)));
        }
        at.console.note(&format!("{name} is {status}"));
        return Ok(Exit::Success);
    }
    let why = match first_cause(events) {
        Some(event) => {
            let reason = event.reason.as_deref().unwrap_or(&event.status);
            format!("{} ({}): {}", safe::line(&event.logical), safe::line(&event.kind), safe::line(reason))
        }
        None => safe::line(stack.reason.as_deref().unwrap_or("no reason was given")).into_owned(),
    };
    let message = format!("{name} is {status}. First cause: {why}");
    let code = if stack.status.is_stuck() { &code::STACK_STUCK } else { &code::STACK_FAILED };
    Err(CommandError { hint: super::way_out(stack), ..CommandError::new(code, message) })
}
