//! `fleetwright cloud param …`: parameters of Systems Manager, in one account and region.

mod change;

use fleetwright_aws::Aws;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_parameters::{Fault, Kind, Prefix, Stored, gather};
use fleetwright_ports::Parameters;
use fleetwright_ports::parameters::{HeldParameter, ParameterKind};
use fleetwright_report::safe;
use serde_json::{Value, json};

use crate::app::{App, Outcome};
use crate::args::{ParamCommand, ParamGetArgs, ParamRestoreArgs};
use crate::cells::Place;
use crate::console::Console;
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{self, OnePlace, moment, text};

/// What stands for a secret that was not asked for.
const HIDDEN: &str = "(hidden)";

/// What the commands on parameters work with.
pub struct Store {
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// The account and region.
    pub place: Place,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// The form of standard output.
    pub format: OutputFormat,
    /// The terminal.
    pub console: Console,
}

/// Reads a prefix.
///
/// # Errors
/// It is none.
pub fn prefix(text: &str) -> Result<Prefix, CommandError> {
    Prefix::new(text).map_err(|fault| CommandError::new(&code::PARAMETER_PREFIX, fault.to_string()))
}

impl App {
    /// `fleetwright cloud param …`.
    pub fn parameters(&self, command: &ParamCommand) -> Outcome {
        self.in_one_place(command.args(), command.change(), async |at| {
            let OnePlace { aws, place, dry_run, format, console, .. } = at;
            let store = Store { aws, place, dry_run, format, console };
            match command {
                ParamCommand::Store(args) => store.store(args).await,
                ParamCommand::Restore(args) => store.restore(args).await,
                ParamCommand::List(args) => store.list(&args.path).await,
                ParamCommand::Get(args) => store.get(args).await,
                ParamCommand::Versions(args) => store.versions(args).await,
                ParamCommand::Put(args) => store.put(args).await,
                ParamCommand::Delete(args) => store.delete(&args.names).await,
            }
        })
    }
}

fn kind(kind: ParameterKind) -> Kind {
    match kind {
        ParameterKind::String => Kind::String,
        ParameterKind::StringList => Kind::StringList,
        ParameterKind::SecureString => Kind::SecureString,
    }
}

/// Faults of a configuration as one failure.
fn faulty(code: &'static fleetwright_model::Code, message: &str, faults: &[Fault]) -> CommandError {
    let details = faults.iter().map(|fault| safe::line(&fault.to_string()).into_owned()).collect();
    CommandError { details, ..CommandError::new(code, message) }
}

/// The configuration that parameters below a prefix are.
fn configuration(held: &[HeldParameter], prefix: &Prefix) -> Result<Option<Value>, CommandError> {
    let stored = |it: &'_ HeldParameter| (it.name.clone(), kind(it.kind), it.value.clone());
    let stored: Vec<(String, Kind, String)> = held.iter().map(stored).collect();
    let all = stored.iter().map(|(name, kind, value)| Stored { name, kind: *kind, value });
    gather(all, prefix).map_err(|faults| {
        faulty(&code::PARAMETERS_STRANGE, &format!("{prefix} is no configuration"), &faults)
    })
}

impl Store {
    /// Everything below a path.
    async fn below(&self, path: &str) -> Result<Vec<HeldParameter>, CommandError> {
        let found = self.aws.below(&self.place.cell(), path).await;
        found.failure.map_or(Ok(found.items), |failure| Err(failure.into()))
    }

    /// Writes the configuration that is kept below a prefix.
    ///
    /// # Errors
    /// There is none, it cannot be read, or the file cannot be written.
    pub async fn restore(&self, args: &ParamRestoreArgs) -> Result<Exit, CommandError> {
        let prefix = prefix(&args.prefix)?;
        let held = self.below(prefix.as_str()).await?;
        let Some(value) = configuration(&held, &prefix)? else {
            return Err(CommandError::new(&code::NO_SUCH_PARAMETER, format!("nothing is below {prefix}")));
        };
        files::write_secret(&args.out, format!("{value:#}\n").as_bytes())?;
        self.console.note(&format!("{}: {} parameters", args.out.display(), held.len()));
        Ok(Exit::Success)
    }

    /// Lists what is below a path.
    ///
    /// # Errors
    /// It cannot be read, or there is nothing.
    pub async fn list(&self, path: &str) -> Result<Exit, CommandError> {
        let held = self.below(path).await?;
        if held.is_empty() {
            return Err(CommandError::new(&code::NO_SUCH_PARAMETER, format!("nothing is below {path}")));
        }
        self.tell(held.iter().map(|it| row(it, None)))
    }

    /// Shows parameters.
    ///
    /// # Errors
    /// They cannot be read, or one is not there; the others are shown.
    pub async fn get(&self, args: &ParamGetArgs) -> Result<Exit, CommandError> {
        let named = self.aws.named(&self.place.cell(), &args.names).await?;
        let mut rows = Vec::new();
        for held in &named.found {
            let mut row = row(held, Some(args.with_secrets));
            let tags = self.aws.tags(&self.place.cell(), &held.name).await?;
            row["tags"] =
                tags.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            rows.push(row);
        }
        let shown = self.tell(rows)?;
        missing(&named.missing).map_or(Ok(shown), Err)
    }

    /// Shows the versions of parameters.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn versions(&self, args: &ParamGetArgs) -> Result<Exit, CommandError> {
        let mut rows = Vec::new();
        for name in &args.names {
            let found = self.aws.versions(&self.place.cell(), name).await;
            if let Some(failure) = found.failure {
                return Err(failure.into());
            }
            rows.extend(found.items.iter().map(|it| row(it, Some(args.with_secrets))));
        }
        self.tell(rows)
    }

    /// Writes one row for each to standard output.
    fn tell(&self, rows: impl IntoIterator<Item = Value>) -> Result<Exit, CommandError> {
        one_place::tell(self.format, rows, told)
    }
}

fn missing(names: &[String]) -> Option<CommandError> {
    let first = names.first()?;
    let details = names.iter().map(|name| safe::line(name).into_owned()).collect();
    let message = format!("{} not there, the first: {}", names.len(), safe::line(first));
    Some(CommandError { details, ..CommandError::new(&code::NO_SUCH_PARAMETER, message) })
}

/// A parameter for standard output; with its value where that is asked for, secrets only where they are.
fn row(held: &HeldParameter, with_secrets: Option<bool>) -> Value {
    let mut row = json!({
        "name": held.name,
        "type": kind(held.kind).as_str(),
        "version": held.version,
        "at": held.at,
    });
    if let Some(with_secrets) = with_secrets {
        let shown = with_secrets || held.kind != ParameterKind::SecureString;
        row["value"] = if shown { held.value.as_str() } else { HIDDEN }.into();
    }
    row
}

fn told(row: &Value) -> String {
    let value = row["value"].as_str().map(|value| format!(" = {}", safe::line(value))).unwrap_or_default();
    let (name, kind, at) = (text(row, "name"), text(row, "type"), moment(row, "at"));
    format!("{name}{value}  {kind}, version {}, {at}\n", row["version"])
}
