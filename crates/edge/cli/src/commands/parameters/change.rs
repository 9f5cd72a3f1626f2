//! Parameters that are put and deleted.

use std::collections::BTreeMap;
use std::io::Read as _;

use fleetwright_config::{Located, SourceText};
use fleetwright_model::{Exit, Failure, code};
use fleetwright_parameters::{Kind, Parameter, spread};
use fleetwright_ports::Parameters;
use fleetwright_ports::parameters::{HeldParameter, NewParameter, ParameterKind};
use fleetwright_report::safe;
use serde_json::json;

use super::{Store, configuration, faulty, kind, missing, prefix};
use crate::args::{ParamPutArgs, ParamStoreArgs, ParamType};
use crate::diagnosis::{Sources, command_error};
use crate::failure::CommandError;
use crate::files;

/// What is done to one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It is new.
    Put,
    /// Its value is another.
    Replace,
    /// It is of another type, which a parameter cannot change: it is deleted and put anew.
    Renew,
    /// It is not wanted.
    Delete,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Replace => "replace",
            Self::Renew => "renew",
            Self::Delete => "delete",
        }
    }
}

/// What differs between what is wanted and what is there, by name.
fn changes<'w>(
    wanted: &'w [Parameter],
    held: &[HeldParameter],
    prune: bool,
) -> Vec<(Change, String, Option<&'w Parameter>)> {
    let there: BTreeMap<&str, &HeldParameter> = held.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut changes: Vec<(Change, String, Option<&Parameter>)> = wanted
        .iter()
        .filter_map(|parameter| {
            let change = match there.get(parameter.name.as_str()) {
                None => Change::Put,
                Some(held) if kind(held.kind) != parameter.kind => Change::Renew,
                Some(held) if held.value != parameter.value => Change::Replace,
                Some(_) => return None,
            };
            Some((change, parameter.name.clone(), Some(parameter)))
        })
        .collect();
    if prune {
        let kept = |name: &str| wanted.iter().any(|parameter| parameter.name == name);
        let gone = held.iter().filter(|it| !kept(&it.name));
        changes.extend(gone.map(|it| (Change::Delete, it.name.clone(), None)));
    }
    changes
}

fn new(parameter: &Parameter, key: Option<&String>) -> NewParameter {
    let (kind, key) = match parameter.kind {
        Kind::String => (ParameterKind::String, None),
        Kind::StringList => (ParameterKind::StringList, None),
        Kind::SecureString => (ParameterKind::SecureString, key.cloned()),
    };
    NewParameter { name: parameter.name.clone(), kind, value: parameter.value.clone(), key }
}

fn tags(texts: &[String]) -> Result<Vec<(String, String)>, CommandError> {
    let tag = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(CommandError::new(&code::USAGE, format!("--param-tag takes KEY=VALUE, not {text:?}"))),
    };
    texts.iter().map(tag).collect()
}

impl Store {
    /// Keeps a configuration.
    ///
    /// # Errors
    /// The file cannot be read or has no room, what is there is no configuration, or a call failed.
    pub async fn store(&self, args: &ParamStoreArgs) -> Result<Exit, CommandError> {
        let (prefix, tags) = (prefix(&args.prefix)?, tags(&args.tags)?);
        let source = SourceText::new(args.file.display().to_string(), files::read_text(&args.file)?);
        let sources = Sources::from([(source.name.clone(), source.clone())]);
        let located =
            Located::read(&source).map_err(|errors| command_error(&errors, &sources, self.console.color))?;
        let wanted = spread(&located.json(), &prefix).map_err(|faults| {
            faulty(&code::PARAMETERS_TOO_LARGE, &format!("{} has no room", source.name), &faults)
        })?;
        let held = self.below(prefix.as_str()).await?;
        if !args.prune {
            self.fits(&wanted, &held, &prefix)?;
        }
        let changes = changes(&wanted, &held, args.prune);
        let rows = changes.iter().map(|(change, name, parameter)| {
            let advanced = parameter.is_some_and(|parameter| parameter.is_advanced());
            json!({ "name": name, "change": change.as_str(), "done": !self.dry_run, "advanced": advanced })
        });
        let rows: Vec<_> = rows.collect();
        let unchanged =
            wanted.len() - changes.iter().filter(|(change, ..)| *change != Change::Delete).count();
        if !self.dry_run {
            for (done, (change, name, parameter)) in changes.iter().enumerate() {
                let carried_out =
                    self.carry_out(*change, name, *parameter, args.kms_key.as_ref(), &tags).await;
                carried_out.map_err(|failure| partly(done, changes.len(), &failure))?;
            }
        }
        self.tell_changes(&rows)?;
        let verb = if self.dry_run { "to be changed" } else { "changed" };
        self.console.note(&format!("{prefix}: {} {verb}, {unchanged} as they were", changes.len()));
        Ok(Exit::Success)
    }

    /// Whether what is there beside what is wanted leaves one configuration.
    fn fits(
        &self,
        wanted: &[Parameter],
        held: &[HeldParameter],
        prefix: &fleetwright_parameters::Prefix,
    ) -> Result<(), CommandError> {
        let named = |name: &str| wanted.iter().any(|parameter| parameter.name == name);
        let mut after: Vec<HeldParameter> = held.iter().filter(|it| !named(&it.name)).cloned().collect();
        after.extend(wanted.iter().map(|parameter| {
            let NewParameter { name, kind, value, .. } = new(parameter, None);
            HeldParameter { name, kind, value, version: 0, at: None }
        }));
        configuration(&after, prefix).map(drop)
    }

    async fn carry_out(
        &self,
        change: Change,
        name: &str,
        parameter: Option<&Parameter>,
        key: Option<&String>,
        tags: &[(String, String)],
    ) -> Result<(), Failure> {
        let cell = self.place.cell();
        if matches!(change, Change::Delete | Change::Renew) {
            self.aws.delete(&cell, &[name.to_owned()]).await?;
        }
        let Some(parameter) = parameter else { return Ok(()) };
        self.aws.put(&cell, &new(parameter, key)).await?;
        if change != Change::Replace && !tags.is_empty() {
            self.aws.tag(&cell, name, tags).await?;
        }
        Ok(())
    }

    /// Puts one parameter.
    ///
    /// # Errors
    /// The value is a secret on the command line or cannot be read, or a call failed.
    pub async fn put(&self, args: &ParamPutArgs) -> Result<Exit, CommandError> {
        let tags = tags(&args.tags)?;
        let value = value(args)?;
        let (kind, key) = match args.kind {
            ParamType::String => (ParameterKind::String, None),
            ParamType::StringList => (ParameterKind::StringList, None),
            ParamType::SecureString => (ParameterKind::SecureString, args.kms_key.clone()),
        };
        let cell = self.place.cell();
        if !self.dry_run {
            self.aws.put(&cell, &NewParameter { name: args.name.clone(), kind, value, key }).await?;
            if !tags.is_empty() {
                self.aws.tag(&cell, &args.name, &tags).await?;
            }
        }
        self.tell_changes(&[json!({ "name": args.name, "change": "put", "done": !self.dry_run })])?;
        Ok(Exit::Success)
    }

    /// Deletes parameters.
    ///
    /// # Errors
    /// One is not there - the others are deleted -, or a call failed.
    pub async fn delete(&self, names: &[String]) -> Result<Exit, CommandError> {
        let cell = self.place.cell();
        let (found, gone) = if self.dry_run {
            let named = self.aws.named(&cell, names).await?;
            (named.found.into_iter().map(|it| it.name).collect(), named.missing)
        } else {
            let named = self.aws.delete(&cell, names).await?;
            (named.found, named.missing)
        };
        let row = |name: &String| json!({ "name": name, "change": "delete", "done": !self.dry_run });
        self.tell_changes(&found.iter().map(row).collect::<Vec<_>>())?;
        missing(&gone).map_or(Ok(Exit::Success), Err)
    }

    fn tell_changes(&self, rows: &[serde_json::Value]) -> Result<(), CommandError> {
        use fleetwright_config::settings::OutputFormat;
        if self.format != OutputFormat::Text {
            return self.tell(rows.iter().cloned()).map(drop);
        }
        let line = |row: &serde_json::Value| {
            let name = safe::line(row["name"].as_str().unwrap_or_default()).into_owned();
            let would = if row["done"] == true { "" } else { "would " };
            let advanced = if row["advanced"] == true { ", an advanced parameter" } else { "" };
            format!("{would}{} {name}{advanced}\n", row["change"].as_str().unwrap_or_default())
        };
        crate::console::write_text(&rows.iter().map(line).collect::<String>())
    }
}

fn partly(done: usize, all: usize, failure: &Failure) -> CommandError {
    if done == 0 {
        return failure.clone().into();
    }
    let message = format!("{done} of {all} changes were made; then {failure} [{}]", failure.code.id);
    CommandError::new(&code::PARAMETERS_PARTLY, message)
}

/// The value that is to be put.
fn value(args: &ParamPutArgs) -> Result<String, CommandError> {
    if let Some(value) = &args.value {
        return match args.kind {
            ParamType::SecureString => {
                let message = "the value of a SecureString is not given with --value";
                Err(CommandError::new(&code::SECRET_AS_ARGUMENT, message))
            }
            ParamType::String | ParamType::StringList => Ok(value.clone()),
        };
    }
    let text = match &args.file {
        Some(file) => files::read_text(file)?,
        None => {
            let mut text = String::new();
            let most = fleetwright_parameters::MOST_BYTES_ADVANCED as u64 + 2;
            std::io::stdin().lock().take(most).read_to_string(&mut text).map_err(|error| {
                CommandError::new(&code::USAGE, format!("standard input cannot be read: {error}"))
            })?;
            text
        }
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}
