//! `fleetwright cloud destroy`: what goes and what stays is said, and then the stack is deleted and followed.

use fleetwright_model::{ErrorClass, Exit, code};
use fleetwright_ports::executions::{ExecutionFilter, ExecutionStatus};
use fleetwright_ports::stacks::Stack;
use fleetwright_ports::{Executions, Stacks};
use fleetwright_templates::MACHINES;
use serde_json::{Value, json};

use super::{Purpose, follow, nothing, standing};
use crate::app::Outcome;
use crate::args::DestroyArgs;
use crate::commands::machines::unnamed;
use crate::failure::CommandError;
use crate::one_place::{OnePlace, tell, text};

/// What is said of a resource that is not deleted with its stack.
const STAYS: &str = "stays";

/// Deletes the stack of an environment.
///
/// # Errors
/// It is protected, a run goes on, the environment was not typed, or something could not be deleted.
pub async fn destroy(at: &OnePlace, environment: &str, args: &DestroyArgs) -> Outcome {
    let purpose = Purpose::of(args.spoke);
    let name = purpose.stack(environment)?;
    let Some(stack) = standing(at, name.as_str()).await? else {
        return nothing(at, &format!("there is no stack {name}"));
    };
    let kept = |said: String| Err(CommandError::new(&code::STACK_KEPT, said));
    if stack.status.is_moving() {
        let exit = follow::under_way(at, &stack).await?;
        return match exit {
            Exit::Success if !stack.status.is_being_deleted() => kept(format!(
                "{name} was not deleted: something else was done to it, which is over; destroy it again"
            )),
            exit => Ok(exit),
        };
    }
    let stays = show(at, &stack, name.as_str()).await?;
    if stack.protected {
        return kept(format!("{name} is protected from being deleted"));
    }
    if purpose == Purpose::Hub {
        let running = running(at, environment).await?;
        if !running.is_empty() {
            return kept(format!("runs go on: {}", running.join(", ")));
        }
    }
    if !args.yes || args.confirm.as_deref() != Some(environment) {
        return kept(format!("{name} was not deleted: --yes and --confirm {environment} are needed"));
    }
    let cell = at.place.cell();
    let last = follow::newest(at, &stack.id).await?;
    let token = format!("fleetwright-{}", at.clock.now().as_millisecond());
    follow::heard(at, at.aws.delete_stack(&cell, &stack.id, &token).await)?;
    let exit = follow::to_the_end(at, &stack.id, last).await?;
    if stays && exit == Exit::Success {
        let said = "what stays is nobody's: a stack of this environment can be made again once it is deleted or imported";
        at.console.note(said);
    }
    Ok(exit)
}

/// Says of each resource whether it is deleted or stays; answers whether any stays.
///
/// # Errors
/// The template cannot be read, or is not JSON, so that nobody knows what would be deleted.
async fn show(at: &OnePlace, stack: &Stack, name: &str) -> Result<bool, CommandError> {
    // A name that was only reserved has neither template nor resources.
    if stack.status.is_reserved() {
        return Ok(false);
    }
    let template = at.aws.template(&at.place.cell(), &stack.id).await?;
    let template: Value = serde_json::from_str(&template).map_err(|error| {
        let message = format!("{name}: its template is none of `cloud template`, for it is no JSON: {error}");
        CommandError::new(&code::STACK_KEPT, message)
    })?;
    let resources = template["Resources"].as_object().into_iter().flatten();
    let rows: Vec<Value> = resources
        .map(|(logical, resource)| {
            let policy = resource["DeletionPolicy"].as_str();
            let stays = matches!(policy, Some("Retain" | "RetainExceptOnCreate"));
            json!({
                "stack": name,
                "change": if stays { STAYS } else { "deleted" },
                "resource": logical,
                "type": resource["Type"],
            })
        })
        .collect();
    let stays = rows.iter().any(|row| row["change"] == STAYS);
    let line = |row: &Value| {
        format!("{:<8} {} ({})\n", text(row, "change"), text(row, "resource"), text(row, "type"))
    };
    tell(at.format, rows, line)?;
    Ok(stays)
}

/// Names of the executions that go on, of whichever state machine.
async fn running(at: &OnePlace, environment: &str) -> Result<Vec<String>, CommandError> {
    let filter = ExecutionFilter { status: Some(ExecutionStatus::Running), ..ExecutionFilter::default() };
    let mut names = Vec::new();
    for machine in &MACHINES {
        let name = machine.name(environment).parse().map_err(unnamed)?;
        let found = at.aws.executions(&at.place.cell(), &name, &filter).await;
        match found.failure.filter(|failure| failure.class != ErrorClass::NotFound) {
            Some(failure) => return Err(failure.into()),
            None => names.extend(found.items.iter().map(|row| row.name.as_str().to_owned())),
        }
    }
    Ok(names)
}
