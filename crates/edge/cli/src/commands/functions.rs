//! `fleetwright cloud function …`: functions of Lambda, in one account and region.

mod change;
mod invoke;
mod package;
mod ready;
mod settings;

use std::time::Duration;

use fleetwright_model::{ErrorClass, Exit, Failure, code};
use fleetwright_ports::Functions;
use fleetwright_ports::functions::{
    Configuration, Fault, Function, FunctionName, FunctionRef, InvalidFunctionName, settle,
};
use fleetwright_report::safe;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::machines::whole;
use crate::app::{App, Outcome, form};
use crate::args::{FunctionCommand, FunctionDescribeArgs, FunctionPublishArgs};
use crate::failure::CommandError;
use crate::one_place::{OnePlace, moment, tell, text};

/// What stands for the value of a variable that was not asked for.
const HIDDEN: &str = "(hidden)";

fn unnamed(invalid: InvalidFunctionName) -> CommandError {
    CommandError::new(&code::FUNCTION_NAME, invalid.to_string())
}

/// What was read and checked before anything is called.
enum Prepared {
    Nothing,
    Change(Box<change::Wanted>),
    Event(fleetwright_ports::functions::Payload),
}

impl App {
    /// `fleetwright cloud function …`.
    pub fn functions(&self, command: &FunctionCommand) -> Outcome {
        let Some(args) = command.args() else {
            return match command {
                FunctionCommand::Package(args) => package::write(args, form(args.output)),
                FunctionCommand::Ready(args) => ready::ready(args, form(args.output)),
                _ => Ok(Exit::Success),
            };
        };
        // What is wrong with files and flags needs no AWS to be told.
        let prepared = match command {
            FunctionCommand::Create(args) => Prepared::Change(Box::new(change::Wanted::of_create(args)?)),
            FunctionCommand::Update(args) => Prepared::Change(Box::new(change::Wanted::of_update(args)?)),
            FunctionCommand::Invoke(args) => Prepared::Event(invoke::event(args)?),
            _ => Prepared::Nothing,
        };
        self.in_one_place(args, command.change(), async |at| match (command, prepared) {
            (FunctionCommand::Create(_), Prepared::Change(wanted)) => change::create(&at, &wanted).await,
            (FunctionCommand::Update(_), Prepared::Change(wanted)) => change::update(&at, &wanted).await,
            (FunctionCommand::Invoke(args), Prepared::Event(event)) => {
                invoke::invoke(&at, args, &event).await
            }
            (FunctionCommand::Publish(args), _) => publish(&at, args).await,
            (FunctionCommand::Versions(args), _) => versions(&at, &args.name).await,
            (FunctionCommand::Describe(args), _) => describe(&at, args).await,
            (FunctionCommand::List(args), _) => list(&at, args.prefix.as_deref()).await,
            (FunctionCommand::Delete(args), _) => delete(&at, &args.function).await,
            _ => Ok(Exit::Success),
        })
    }
}

/// The function, where there is one.
async fn there(at: &OnePlace, which: &FunctionRef) -> Result<Option<Function>, Failure> {
    match at.aws.function(&at.place.cell(), which).await {
        Ok(function) => Ok(Some(function)),
        Err(failure) if failure.class == ErrorClass::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Waits until nothing of the function is being made.
async fn settled(at: &OnePlace, name: &FunctionName, patience: Duration) -> Result<Function, Failure> {
    settle((&at.aws, &*at.clock), &at.place.cell(), name, patience).await
}

/// A length of time from the command line.
fn length(given: SignedDuration, flag: &str) -> Result<Duration, CommandError> {
    Duration::try_from(given)
        .map_err(|_| CommandError::new(&code::USAGE, format!("{flag} is a length of time like 10m")))
}

/// Faults as one error.
fn refuse(name: &FunctionName, faults: &[Fault]) -> Result<(), CommandError> {
    let [first, rest @ ..] = faults else { return Ok(()) };
    let message = match rest.len() {
        0 => format!("{name} is not possible: {first}"),
        more => format!("{name} is not possible: {first}, and {more} more"),
    };
    let details = rest.iter().map(ToString::to_string).collect();
    Err(CommandError { details, ..CommandError::new(&code::FUNCTION_INVALID, message) })
}

/// What was done to a function.
#[derive(Debug, Default)]
struct Done<'d> {
    what: &'static str,
    /// What became another, in words.
    changed: Vec<&'static str>,
    function: Option<&'d Function>,
    version: Option<u32>,
}

/// Shows what was done to a function.
fn done(at: &OnePlace, which: &FunctionRef, did: &Done<'_>) -> Outcome {
    let row = json!({
        "name": which.to_string(),
        "change": did.what,
        "done": !at.dry_run || did.what == "unchanged",
        "changed": did.changed,
        "version": did.version,
        "code_sha256": did.function.map(|it| it.code_sha256.as_str()),
        "revision": did.function.map(|it| it.revision.as_str()),
    });
    tell(at.format, [row], |row| {
        let changed =
            if did.changed.is_empty() { String::new() } else { format!(": {}", did.changed.join(", ")) };
        let version = did.version.map(|number| format!(", version {number}")).unwrap_or_default();
        format!("{}{changed}{version}\n", crate::one_place::change(row).trim_end())
    })
}

async fn publish(at: &OnePlace, args: &FunctionPublishArgs) -> Outcome {
    let name: FunctionName = args.name.parse().map_err(unnamed)?;
    let function = settled(at, &name, length(args.patience.wait, "--wait")?).await?;
    let put = match at.dry_run {
        true => None,
        false => {
            let cell = at.place.cell();
            let described = args.description.as_deref();
            Some(at.aws.publish_version(&cell, &name, described, &function.revision).await?)
        }
    };
    let version = put.as_ref().and_then(|put| put.version);
    done(at, &name.into(), &Done { what: "publish", function: put.as_ref(), version, ..Done::default() })
}

async fn delete(at: &OnePlace, which: &str) -> Outcome {
    let which: FunctionRef = which.parse().map_err(unnamed)?;
    if there(at, &which).await?.is_none() {
        return done(at, &which, &Done { what: "unchanged", ..Done::default() });
    }
    if !at.dry_run {
        at.aws.delete_function(&at.place.cell(), &which).await?;
    }
    done(at, &which, &Done { what: "delete", ..Done::default() })
}

/// A configuration as a row has it.
fn shown(configuration: &Configuration, with_variables: bool) -> Value {
    let variables = configuration.variables.0.iter();
    let variables: Value = variables
        .map(|(name, value)| (name.clone(), if with_variables { value.as_str() } else { HIDDEN }.into()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "runtime": configuration.runtime,
        "handler": configuration.handler,
        "role": configuration.role,
        "description": configuration.description,
        "architecture": configuration.architecture.as_str(),
        "memory_mib": configuration.memory_mib,
        "timeout_seconds": configuration.timeout_seconds,
        "ephemeral_storage_mib": configuration.ephemeral_storage_mib,
        "variables": variables,
        "layers": configuration.layers,
        "dead_letters": configuration.dead_letters,
        "tracing": configuration.tracing.as_str(),
        "subnets": configuration.network.as_ref().map(|network| &network.subnets),
        "security_groups": configuration.network.as_ref().map(|network| &network.security_groups),
        "kms_key": configuration.kms_key,
        "log_format": configuration.log_format.as_str(),
        "log_group": configuration.log_group,
    })
}

async fn describe(at: &OnePlace, args: &FunctionDescribeArgs) -> Outcome {
    let which: FunctionRef = args.function.parse().map_err(unnamed)?;
    let function = at.aws.function(&at.place.cell(), &which).await?;
    let row = json!({
        "name": function.name.as_str(),
        "version": function.version,
        "state": function.state.as_str(),
        "last_update": function.update.as_str(),
        "reason": function.reason,
        "code_sha256": function.code_sha256,
        "code_bytes": function.code_bytes,
        "modified_at": function.modified_at,
        "revision": function.revision,
        "configuration": shown(&function.configuration, args.with_variables),
    });
    tell(at.format, [row], |row| {
        let reason =
            if row["reason"].is_null() { String::new() } else { format!(": {}", text(row, "reason")) };
        let version = row["version"].as_u64().map(|number| format!(":{number}")).unwrap_or_default();
        format!(
            "{}{version}  {}, last change {}{reason}, of {}\n  code: {} bytes, {}\n{}",
            text(row, "name"),
            text(row, "state"),
            text(row, "last_update"),
            moment(row, "modified_at"),
            row["code_bytes"],
            text(row, "code_sha256"),
            in_words(&row["configuration"]),
        )
    })
}

/// What a configuration says, a line each; what it does not say is left out.
fn in_words(configuration: &Value) -> String {
    let members = configuration.as_object().into_iter().flatten();
    let lines = members.filter_map(|(name, value)| {
        let said = match value {
            Value::Null => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::Array(items) if items.is_empty() => return None,
            Value::Object(inner) if inner.is_empty() => return None,
            Value::String(_) => text(configuration, name),
            Value::Array(items) => {
                let items = items.iter().filter_map(Value::as_str).map(safe::line);
                items.collect::<Vec<_>>().join(", ")
            }
            Value::Object(inner) => {
                let pair = |name: &String| format!("{name}={}", text(value, name));
                inner.keys().map(pair).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        Some(format!("  {}: {said}\n", name.replace('_', " ")))
    });
    lines.collect()
}

async fn list(at: &OnePlace, prefix: Option<&str>) -> Outcome {
    let functions = whole(at.aws.functions(&at.place.cell()).await)?;
    let fits =
        functions.iter().filter(|row| prefix.is_none_or(|prefix| row.name.as_str().starts_with(prefix)));
    let rows = fits.map(|row| {
        json!({
            "name": row.name.as_str(),
            "runtime": row.runtime,
            "memory_mib": row.memory_mib,
            "code_bytes": row.code_bytes,
            "modified_at": row.modified_at,
        })
    });
    tell(at.format, rows, |row| {
        format!(
            "{}  {}, {} MiB, changed {}\n",
            text(row, "name"),
            text(row, "runtime"),
            row["memory_mib"],
            moment(row, "modified_at")
        )
    })
}

async fn versions(at: &OnePlace, name: &str) -> Outcome {
    let name: FunctionName = name.parse().map_err(unnamed)?;
    let versions = whole(at.aws.function_versions(&at.place.cell(), &name).await)?;
    let rows = versions.iter().map(|version| {
        json!({
            "name": name.as_str(),
            "version": version.number,
            "description": version.description,
            "code_sha256": version.code_sha256,
            "published_at": version.published_at,
        })
    });
    tell(at.format, rows, |row| {
        let about = match text(row, "description") {
            about if about.is_empty() => about,
            about => format!("  {about}"),
        };
        format!(
            "{}:{}  published {}{about}\n",
            text(row, "name"),
            row["version"],
            moment(row, "published_at")
        )
    })
}
