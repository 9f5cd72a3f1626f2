//! `fleetwright cloud deploy|destroy`: the stack of a hub, or that of a spoke, in the account and region of this terminal.

mod changes;
pub mod deploy;
pub mod destroy;
mod follow;
pub(super) mod sources;

use std::path::Path;

use fleetwright_clock::SystemClock;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_ports::stacks::{Stack, StackName};
use fleetwright_ports::{Clock, Stacks};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{DeployArgs, DestroyArgs, HubArgs, StateArgs};
use crate::failure::CommandError;
use crate::on_record::{OnRecord, nobody_approves};
use crate::one_place::OnePlace;

impl App {
    /// `fleetwright cloud deploy`.
    pub(crate) fn deploy(&self, args: &DeployArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            self.at_stack(&args.hub, args.state_dir.as_deref(), "cloud deploy", async |environment, at| {
                let format = if args.dry_run { at.format } else { bit_by_bit(at.format) };
                deploy::deploy(&OnePlace { format, ..at }, &environment, args).await
            })
            .await
        })
    }

    /// `fleetwright cloud destroy`.
    pub(crate) fn destroy(&self, args: &DestroyArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            self.at_stack(&args.hub, args.state_dir.as_deref(), "cloud destroy", async |environment, at| {
                let format = bit_by_bit(at.format);
                destroy::destroy(&OnePlace { format, ..at }, &environment, args).await
            })
            .await
        })
    }

    /// Works on a stack. What is changed stands in this machine's audit log of commands: the hub's own is in a table that
    /// such a command makes and deletes.
    pub(super) async fn at_stack(
        &self,
        args: &HubArgs,
        directory: Option<&Path>,
        reason: &'static str,
        work: impl AsyncFnOnce(String, OnePlace) -> Outcome,
    ) -> Outcome {
        let state = self.state(&StateArgs { state_dir: directory.map(Path::to_owned), hub: None }).await?;
        let on_record = OnRecord::of_commands(&state, self.user());
        let outcome = self
            .at_hub(args, None, async |hub, at| {
                let aws = at.aws.on_behalf(on_record.behalf(reason, &nobody_approves()));
                work(hub.environment.to_string(), OnePlace { aws, ..at }).await
            })
            .await;
        on_record.sign(SystemClock.now()).await?;
        outcome
    }
}

/// What comes bit by bit is no single document.
fn bit_by_bit(format: OutputFormat) -> OutputFormat {
    if format == OutputFormat::Json { OutputFormat::Jsonl } else { format }
}

/// What a stack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Hub,
    Spoke,
}

impl Purpose {
    fn of(spoke: bool) -> Self {
        if spoke { Self::Spoke } else { Self::Hub }
    }

    /// The file of its template.
    pub(super) const fn template_file(self) -> &'static str {
        match self {
            Self::Hub => "hub.template.json",
            Self::Spoke => "spoke.template.json",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Spoke => "spoke",
        }
    }

    /// The stack of an environment, as the workflow of GitHub Actions names it too.
    fn stack(self, environment: &str) -> Result<StackName, CommandError> {
        let name = format!("fleetwright-{}-{environment}", self.as_str());
        name.parse().map_err(|error| CommandError::new(&code::USAGE, format!("{error}")))
    }
}

/// The name in the ARN of a stack.
fn name_of(id: &str) -> &str {
    id.split('/').nth(1).unwrap_or(id)
}

/// What a person does about a stack that cannot be changed as it stands; none where it can.
fn way_out(stack: &Stack) -> Option<String> {
    let name = name_of(&stack.id);
    match stack.status.as_str() {
        "UPDATE_ROLLBACK_FAILED" => Some(format!(
            "Put right what the first cause names, then `aws cloudformation continue-update-rollback --stack-name {name}`; \
             what cannot be put back is left as it is with --resources-to-skip LOGICAL_ID. Then deploy again."
        )),
        "DELETE_FAILED" => Some("Put right what the first cause names, and destroy it again.".to_owned()),
        _ if stack.status.is_ruin() => Some(format!(
            "It was never made. Put right what the first cause names, delete {name} with `fleetwright cloud destroy`, and \
             deploy again."
        )),
        _ => None,
    }
}

/// Refuses what only a person can go on with.
///
/// # Errors
/// It can only be deleted, or CloudFormation could not go back.
fn check_standing(stack: &Stack) -> Result<(), CommandError> {
    let Some(hint) = way_out(stack) else { return Ok(()) };
    let (name, status) = (name_of(&stack.id), stack.status.as_str());
    let message = format!("{name} is {status}, and cannot be changed as it stands");
    Err(CommandError { hint: Some(hint), ..CommandError::new(&code::STACK_STUCK, message) })
}

/// The stack as it stands.
///
/// # Errors
/// The failure of the call.
async fn standing(at: &OnePlace, named: &str) -> Result<Option<Stack>, CommandError> {
    let stack = at.aws.stack(&at.place.cell(), named).await?;
    Ok(stack.filter(|stack| !stack.status.is_deleted()))
}

/// Nothing was to be done.
fn nothing(at: &OnePlace, said: &str) -> Outcome {
    at.console.note(said);
    Ok(Exit::Nothing)
}
