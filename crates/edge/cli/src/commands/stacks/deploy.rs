//! `fleetwright cloud deploy`: what would change is shown, asked about, carried out and followed.

use std::time::Duration;

use fleetwright_model::{Exit, code};
use fleetwright_ports::Stacks;
use fleetwright_ports::stacks::{ChangeSet, ChangeSetKind, ChangeSetState, NewChangeSet, Stack, StackName};
use fleetwright_report::safe;

use super::sources::Sources;
use super::{Purpose, changes, check_standing, follow, nothing, standing};
use crate::app::Outcome;
use crate::args::DeployArgs;
use crate::commands::validate::Judgement;
use crate::failure::CommandError;
use crate::one_place::OnePlace;

/// Between two looks at a change set, and how long CloudFormation may take to compare.
const PAUSE: Duration = Duration::from_secs(2);
const PATIENCE: u32 = 300;

/// Brings the stack of an environment to what the files say.
///
/// # Errors
/// The files are wrong, CloudFormation refuses, something would be lost, or the stack came to a bad end.
pub async fn deploy(at: &OnePlace, environment: &str, args: &DeployArgs) -> Outcome {
    let purpose = Purpose::of(args.spoke);
    let name = purpose.stack(environment)?;
    let judged = Judgement::of_directory(&args.dir)?;
    if judged.has_findings() {
        return judged.show(at.format, at.console.color);
    }
    let mut sources = Sources::read(purpose, environment, &args.dir)?;
    if let Some(path) = &args.functions {
        sources.take_archive(path)?;
    }
    if let Some(path) = &args.external_id_file {
        sources.take_external_id(path)?;
    }
    let stack = standing(at, name.as_str()).await?;
    if let Some(stack) = &stack {
        if stack.status.is_moving() {
            let exit = follow::under_way(at, stack).await?;
            if exit == Exit::Success && stack.status.is_being_deleted() {
                let message = format!("{name} was being deleted, and is gone now: deploy it again");
                return Err(CommandError::new(&code::STACK_FAILED, message));
            }
            at.console.note("the same command tells whether the files ask for more");
            return Ok(exit);
        }
        check_standing(stack)?;
        if let Some(archive) = sources.keep(&stack.parameters) {
            at.console.note(&format!("the functions stay those of {}", safe::line(archive)));
        }
    }
    let (template, parameters) = sources.upload(at, args.dry_run).await?;
    let new = NewChangeSet {
        stack: name.clone(),
        name: change_set_name(at)?,
        kind: kind(stack.as_ref()),
        template,
        parameters,
        tags: [("application", "fleetwright"), ("environment", environment)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    };
    let id = at.aws.make_change_set(&at.place.cell(), &new).await?;
    let decided = decided(at, &name, &id, args).await;
    let dropped = match decided {
        Ok(Decision::CarryOut(_)) => Ok(()),
        _ => taken_back(at, &new, &id).await,
    };
    let decision = decided?;
    dropped?;
    match decision {
        Decision::CarryOut(set) => carried_out(at, &new, &set).await,
        Decision::NoChange => nothing(at, &format!("{name} is as it should be: nothing is to be changed")),
        Decision::DryRun => Ok(Exit::Success),
        Decision::Declined => {
            at.console.note("nothing was changed");
            Ok(Exit::Halted)
        }
    }
}

/// Deletes a change set that is not carried out.
async fn taken_back(at: &OnePlace, new: &NewChangeSet, id: &str) -> Result<(), CommandError> {
    at.aws.drop_change_set(&at.place.cell(), &new.stack, id).await?;
    if new.kind == ChangeSetKind::Create {
        let said = "is a name without a stack (REVIEW_IN_PROGRESS) until it is deployed or destroyed";
        at.console.note(&format!("{} {said}", new.stack));
    }
    Ok(())
}

fn kind(stack: Option<&Stack>) -> ChangeSetKind {
    match stack {
        Some(stack) if !stack.status.is_reserved() => ChangeSetKind::Update,
        _ => ChangeSetKind::Create,
    }
}

/// A name that no other change set of the stack has: those that were carried out keep theirs.
fn change_set_name(at: &OnePlace) -> Result<StackName, CommandError> {
    let name = format!("fleetwright-{}", at.clock.now().as_millisecond());
    name.parse().map_err(|error| CommandError::new(&code::INTERNAL, format!("{error}")))
}

/// What becomes of a change set.
enum Decision {
    CarryOut(ChangeSet),
    NoChange,
    DryRun,
    Declined,
}

async fn decided(
    at: &OnePlace,
    name: &StackName,
    id: &str,
    args: &DeployArgs,
) -> Result<Decision, CommandError> {
    let set = compared(at, name, id).await?;
    if set.state == ChangeSetState::Empty {
        return Ok(Decision::NoChange);
    }
    changes::show(at, name, &set)?;
    changes::check(&set, &args.allow_replacement)?;
    if args.dry_run {
        return Ok(Decision::DryRun);
    }
    let agreed = args.yes || at.console.ask(&format!("Change {name} so?"))?;
    Ok(if agreed { Decision::CarryOut(set) } else { Decision::Declined })
}

/// The change set when CloudFormation has compared everything.
async fn compared(at: &OnePlace, name: &StackName, id: &str) -> Result<ChangeSet, CommandError> {
    let until = at.clock.now() + jiff::SignedDuration::from_secs(i64::from(PATIENCE));
    loop {
        let set = at.aws.change_set(&at.place.cell(), id).await?;
        match &set.state {
            ChangeSetState::Ready | ChangeSetState::Empty => return Ok(set),
            ChangeSetState::Failed(reason) => {
                let message = format!("{name}: {}", safe::line(reason));
                return Err(CommandError::new(&code::CHANGE_SET_FAILED, message));
            }
            ChangeSetState::InProgress if at.clock.now() >= until => {
                let message = format!("{name}: CloudFormation did not compare within {PATIENCE} s");
                return Err(CommandError::new(&code::CHANGE_SET_FAILED, message));
            }
            ChangeSetState::InProgress => at.clock.sleep(PAUSE).await,
        }
    }
}

async fn carried_out(at: &OnePlace, new: &NewChangeSet, set: &ChangeSet) -> Outcome {
    let cell = at.place.cell();
    let last = follow::newest(at, &set.stack_id).await?;
    follow::heard(at, at.aws.carry_out(&cell, &new.stack, &set.id, new.name.as_str()).await)?;
    follow::to_the_end(at, &set.stack_id, last).await
}
