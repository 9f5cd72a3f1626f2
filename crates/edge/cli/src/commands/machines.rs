//! `fleetwright cloud machine …`: state machines of Step Functions, in one account and region.

use fleetwright_model::{ErrorClass, Exit, Partial, code};
use fleetwright_ports::StateMachines;
use fleetwright_ports::state_machines::{
    InvalidName, Machine, MachineChange, MachineKind, MachineName, MachinePut, MachineRef, NewMachine,
    Publication, Tracing,
};
use serde_json::{Value, json};

use super::cloud;
use crate::app::{App, Outcome, form};
use crate::args::{
    MachineCommand, MachineCreateArgs, MachineDescribeArgs, MachineType, MachineUpdateArgs, PublishArgs,
    Switch,
};
use crate::console;
use crate::failure::CommandError;
use crate::one_place::{OnePlace, change, moment, tell, text};

/// A name that is none.
pub fn unnamed(invalid: InvalidName) -> CommandError {
    CommandError::new(&code::MACHINE_NAME, invalid.to_string())
}

/// Everything of a listing, or why it is not complete.
///
/// # Errors
/// It is not complete.
pub fn whole<T>(listed: Partial<T>) -> Result<Vec<T>, CommandError> {
    listed.failure.map_or(Ok(listed.items), |failure| Err(failure.into()))
}

impl App {
    /// `fleetwright cloud machine …`.
    pub fn machines(&self, command: &MachineCommand) -> Outcome {
        let Some(args) = command.args() else {
            let MachineCommand::Validate(args) = command else { return Ok(Exit::Success) };
            return cloud::validate(args, form(args.output), self.console);
        };
        // What is wrong with a definition needs no AWS to be told.
        let definition = match command {
            MachineCommand::Create(args) => {
                Some(cloud::definition(&args.definition, args.rules, self.console)?)
            }
            MachineCommand::Update(args) => {
                let definition = args.definition.as_ref();
                definition.map(|file| cloud::definition(file, args.rules, self.console)).transpose()?
            }
            _ => None,
        };
        self.in_one_place(args, command.change(), async |at| match command {
            MachineCommand::Validate(_) => Ok(Exit::Success),
            MachineCommand::Create(args) => create(&at, args, definition.unwrap_or_default()).await,
            MachineCommand::Update(args) => update(&at, args, definition).await,
            MachineCommand::Delete(args) => delete(&at, &args.name).await,
            MachineCommand::Describe(args) => describe(&at, args).await,
            MachineCommand::List(args) => list(&at, args.prefix.as_deref()).await,
            MachineCommand::Versions(args) => versions(&at, &args.name).await,
        })
    }
}

fn publication(args: &PublishArgs) -> Publication {
    match args.publish.as_deref() {
        None => Publication::Revision,
        Some("") => Publication::Version(None),
        Some(description) => Publication::Version(Some(description.to_owned())),
    }
}

/// The state machine of that name, where there is one.
async fn there(at: &OnePlace, name: &MachineName) -> Result<Option<Machine>, CommandError> {
    match at.aws.machine(&at.place.cell(), &name.clone().into()).await {
        Ok(machine) => Ok(Some(machine)),
        Err(failure) if failure.class == ErrorClass::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Whether two definitions are the same JSON.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).is_some_and(|value| Some(value) == read(other))
}

async fn create(at: &OnePlace, args: &MachineCreateArgs, definition: String) -> Outcome {
    let name: MachineName = args.name.parse().map_err(unnamed)?;
    let kind = match args.kind {
        MachineType::Standard => MachineKind::Standard,
        MachineType::Express => MachineKind::Express,
    };
    let tracing = if args.tracing { Tracing::On } else { Tracing::Off };
    let (role, publication) = (at.role(&args.role)?, publication(&args.publish));
    let new = NewMachine { name, kind, definition, role, tracing, publication };
    if let Some(there) = there(at, &new.name).await? {
        let mut differs = differences(&there, Some(&new.definition), Some(&new.role), Some(new.tracing));
        differs.extend((there.kind != new.kind).then_some("type"));
        if differs.is_empty() {
            return done(at, &new.name, "unchanged", None);
        }
        let message = format!("{} is there, with another {}", new.name, differs.join(" and another "));
        return Err(CommandError::new(&code::MACHINE_DIFFERS, message));
    }
    let put = match at.dry_run {
        true => None,
        false => Some(at.aws.create_machine(&at.place.cell(), &new).await?),
    };
    done(at, &new.name, "create", put)
}

/// What of a machine would become another, in words.
fn differences(
    there: &Machine,
    definition: Option<&str>,
    role: Option<&str>,
    tracing: Option<Tracing>,
) -> Vec<&'static str> {
    let candidates = [
        ("definition", definition.is_some_and(|wanted| !is_same(wanted, &there.definition))),
        ("role", role.is_some_and(|wanted| wanted != there.role)),
        ("tracing", tracing.is_some_and(|wanted| wanted != there.tracing)),
    ];
    candidates.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
}

async fn update(at: &OnePlace, args: &MachineUpdateArgs, definition: Option<String>) -> Outcome {
    let name: MachineName = args.name.parse().map_err(unnamed)?;
    let role = args.role.as_deref().map(|role| at.role(role)).transpose()?;
    let tracing = args.tracing.map(|switch| match switch {
        Switch::On => Tracing::On,
        Switch::Off => Tracing::Off,
    });
    let cell = at.place.cell();
    let there = at.aws.machine(&cell, &name.clone().into()).await?;
    let differs = differences(&there, definition.as_deref(), role.as_deref(), tracing);
    let publication = publication(&args.publish);
    if differs.is_empty() && publication == Publication::Revision {
        return done(at, &name, "unchanged", None);
    }
    let wanted = |what: &str| differs.contains(&what);
    let change = MachineChange {
        // Step Functions refuses a change that names nothing, and a version alone needs one.
        definition: definition.filter(|_| wanted("definition")).or(Some(there.definition)),
        role: role.filter(|_| wanted("role")),
        tracing: tracing.filter(|_| wanted("tracing")),
        publication,
    };
    let put = match at.dry_run {
        true => None,
        false => Some(at.aws.update_machine(&cell, &name, &change).await?),
    };
    let what = if differs.is_empty() { "publish" } else { "update" };
    done(at, &name, what, put)
}

/// Shows what was done to a machine.
fn done(at: &OnePlace, name: &MachineName, what: &str, put: Option<MachinePut>) -> Outcome {
    let row = json!({
        "name": name.as_str(),
        "change": what,
        "done": !at.dry_run || what == "unchanged",
        "at": put.as_ref().and_then(|put| put.at),
        "revision": put.as_ref().and_then(|put| put.revision.as_deref()),
        "version": put.as_ref().and_then(|put| put.version),
    });
    tell(at.format, [row], |row| {
        let version = row["version"].as_u64().map(|number| format!(", version {number}")).unwrap_or_default();
        format!("{}{version}\n", change(row).trim_end())
    })
}

async fn delete(at: &OnePlace, name: &str) -> Outcome {
    let name: MachineName = name.parse().map_err(unnamed)?;
    if there(at, &name).await?.is_none() {
        return done(at, &name, "unchanged", None);
    }
    if !at.dry_run {
        at.aws.delete_machine(&at.place.cell(), &name).await?;
    }
    done(at, &name, "delete", None)
}

async fn describe(at: &OnePlace, args: &MachineDescribeArgs) -> Outcome {
    let which: MachineRef = args.machine.parse().map_err(unnamed)?;
    let machine = at.aws.machine(&at.place.cell(), &which).await?;
    let definition: Value =
        serde_json::from_str(&machine.definition).unwrap_or_else(|_| machine.definition.clone().into());
    if args.definition {
        console::write_text(&format!("{definition:#}\n"))?;
        return Ok(Exit::Success);
    }
    let row = json!({
        "name": machine.name.as_str(),
        "version": which.version,
        "description": machine.description,
        "type": machine.kind.as_str(),
        "status": machine.status.as_str(),
        "role": machine.role,
        "revision": machine.revision,
        "tracing": machine.tracing == Tracing::On,
        "created_at": machine.created_at,
        "definition": definition,
    });
    tell(at.format, [row], |row| {
        let version = row["version"].as_u64().map(|number| format!(":{number}")).unwrap_or_default();
        let shown = |title: &str, name: &str| match text(row, name) {
            value if value.is_empty() => String::new(),
            value => format!("  {title}: {value}\n"),
        };
        format!(
            "{}{version}  {}, {}, made {}\n{}{}{}",
            text(row, "name"),
            text(row, "type"),
            text(row, "status"),
            moment(row, "created_at"),
            shown("role", "role"),
            shown("revision", "revision"),
            shown("description", "description"),
        )
    })
}

async fn list(at: &OnePlace, prefix: Option<&str>) -> Outcome {
    let machines = whole(at.aws.machines(&at.place.cell()).await)?;
    let fits =
        machines.iter().filter(|row| prefix.is_none_or(|prefix| row.name.as_str().starts_with(prefix)));
    let rows = fits.map(|row| {
        let kind = row.kind.map(MachineKind::as_str);
        json!({ "name": row.name.as_str(), "type": kind, "created_at": row.created_at })
    });
    tell(at.format, rows, |row| {
        format!("{}  {}, made {}\n", text(row, "name"), text(row, "type"), moment(row, "created_at"))
    })
}

async fn versions(at: &OnePlace, name: &str) -> Outcome {
    let name: MachineName = name.parse().map_err(unnamed)?;
    let versions = whole(at.aws.machine_versions(&at.place.cell(), &name).await)?;
    let rows = versions.iter().map(|version| {
        json!({ "name": name.as_str(), "version": version.number, "created_at": version.created_at })
    });
    tell(at.format, rows, |row| {
        format!("{}:{}  made {}\n", text(row, "name"), row["version"], moment(row, "created_at"))
    })
}
