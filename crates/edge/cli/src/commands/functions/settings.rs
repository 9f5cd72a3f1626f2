//! What a function is to be run with, from files and flags.

use std::collections::BTreeMap;
use std::path::Path;

use fleetwright_config::{Located, SourceText};
use fleetwright_model::code;
use fleetwright_ports::functions::{
    Architecture, Configuration, FunctionName, LogFormat, Network, Tracing, Variables, read, write,
};
use serde_json::{Value, json};

use crate::args::{ArchitectureName, FunctionSettingsArgs, LogForm, TracingMode};
use crate::diagnosis::{Sources, command_error};
use crate::failure::CommandError;
use crate::files;

/// The word that takes something away.
const NONE: &str = "none";

fn invalid(message: String) -> CommandError {
    CommandError::new(&code::FUNCTION_INVALID, message)
}

/// A file as JSON, which may be written in YAML.
fn document(path: &Path) -> Result<Value, CommandError> {
    let source = SourceText::new(path.display().to_string(), files::read_text(path)?);
    match Located::read(&source) {
        Ok(located) => Ok(located.json()),
        // Without its lines: there may be secrets on them.
        Err(errors) => {
            let refused = command_error(&errors, &Sources::from([]), false);
            Err(CommandError { details: Vec::new(), ..refused })
        }
    }
}

/// What was said of a function, files read.
pub(super) struct Settings {
    args: FunctionSettingsArgs,
    document: Option<Value>,
    variables: Option<BTreeMap<String, String>>,
    more: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the files that are named.
    ///
    /// # Errors
    /// One cannot be read, is of another function, or has members that mean nothing here.
    pub(super) fn read(name: &FunctionName, args: &FunctionSettingsArgs) -> Result<Self, CommandError> {
        let from = args.from.as_deref().map(|path| {
            let document = document(path)?;
            known(name, &document).map_err(|fault| invalid(format!("{}: {fault}", path.display())))?;
            Ok::<_, CommandError>(document)
        });
        let more = args.more_variables.iter().map(|pair| {
            let pair = pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| CommandError::new(&code::USAGE, "--variable takes NAME=VALUE"))
        });
        Ok(Self {
            document: from.transpose()?,
            variables: args.variables.as_deref().map(variables).transpose()?,
            more: more.collect::<Result<_, _>>()?,
            args: args.clone(),
        })
    }

    /// What is run with then: what is not said is as before. `role` makes an ARN of what names a role.
    ///
    /// # Errors
    /// The document has a member that is not of its kind, or the role is none.
    pub(super) fn applied(
        &self,
        name: &FunctionName,
        before: &Configuration,
        role: impl FnOnce(&str) -> Result<String, CommandError>,
    ) -> Result<Configuration, CommandError> {
        let mut is = before.clone();
        if let (Some(document), Some(path)) = (&self.document, &self.args.from) {
            let read = read(name, document, &is);
            is = read.map_err(|fault| invalid(format!("{}: {fault}", path.display())))?;
        }
        let args = &self.args;
        if let Some(text) = &args.role {
            is.role = role(text)?;
        }
        let texts = [
            (&args.runtime, &mut is.runtime),
            (&args.handler, &mut is.handler),
            (&args.description, &mut is.description),
        ];
        for (given, place) in texts {
            if let Some(text) = given {
                text.clone_into(place);
            }
        }
        let numbers = [
            (args.memory, &mut is.memory_mib),
            (args.time_out, &mut is.timeout_seconds),
            (args.ephemeral_storage, &mut is.ephemeral_storage_mib),
        ];
        for (given, place) in numbers {
            *place = given.unwrap_or(*place);
        }
        let named = [
            (&args.dead_letters, &mut is.dead_letters),
            (&args.kms_key, &mut is.kms_key),
            (&args.log_group, &mut is.log_group),
        ];
        for (given, place) in named {
            if let Some(text) = given {
                *place = Some(text.clone()).filter(|text| text != NONE);
            }
        }
        is.log_group = is.log_group.filter(|group| *group != format!("/aws/lambda/{name}"));
        self.apply_words(&mut is);
        self.apply_lists(&mut is);
        Ok(is)
    }

    fn apply_words(&self, is: &mut Configuration) {
        match self.args.architecture {
            None => {}
            Some(ArchitectureName::Arm64) => is.architecture = Architecture::Arm64,
            Some(ArchitectureName::X86) => is.architecture = Architecture::X86,
        }
        match self.args.tracing {
            None => {}
            Some(TracingMode::Active) => is.tracing = Tracing::Active,
            Some(TracingMode::PassThrough) => is.tracing = Tracing::PassThrough,
        }
        match self.args.log_style {
            None => {}
            Some(LogForm::Text) => is.log_format = LogFormat::Text,
            Some(LogForm::Json) => is.log_format = LogFormat::Json,
        }
    }

    fn apply_lists(&self, is: &mut Configuration) {
        if let Some(variables) = &self.variables {
            is.variables = Variables(variables.clone());
        }
        is.variables.0.extend(self.more.clone());
        let args = &self.args;
        if !args.layers.is_empty() {
            is.layers = args.layers.iter().filter(|layer| *layer != NONE).cloned().collect();
        }
        if args.subnets.iter().any(|subnet| subnet == NONE) {
            is.network = None;
        } else if !args.subnets.is_empty() {
            let before = is.network.take().map(|network| network.security_groups).unwrap_or_default();
            let groups = if args.security_groups.is_empty() { before } else { args.security_groups.clone() };
            let mut network = Network { subnets: args.subnets.clone(), security_groups: groups };
            network.subnets.sort_unstable();
            network.security_groups.sort_unstable();
            is.network = Some(network);
        }
    }
}

/// What of a document means nothing here, or is of another function.
fn known(name: &FunctionName, document: &Value) -> Result<(), String> {
    let members = document.as_object().ok_or("it is no object")?;
    let all = write(name, &Configuration::default());
    if let Some(odd) = members.keys().find(|member| all.get(member.as_str()).is_none()) {
        let known = all.as_object().into_iter().flatten().map(|(member, _)| member.as_str());
        let known = known.collect::<Vec<_>>().join(", ");
        return Err(format!("{odd:?} means nothing here; these do: {known}"));
    }
    match document["FunctionName"].as_str() {
        Some(other) if other != name.as_str() => Err(format!("it is of {other:?}, not of {name}")),
        _ => Ok(()),
    }
}

/// A file of variables: an object of texts, numbers and truth values.
fn variables(path: &Path) -> Result<BTreeMap<String, String>, CommandError> {
    let document = document(path)?;
    let at = path.display();
    let members = document.as_object().ok_or_else(|| invalid(format!("{at} is no object of texts")))?;
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok((name.clone(), json!(value).to_string())),
        _ => Err(invalid(format!("{at}: {name} is no text"))),
    };
    members.iter().map(pair).collect()
}
