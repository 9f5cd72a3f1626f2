//! Definitions of state machines, checked: `fleetwright cloud machine validate`, and before one is made or changed.

use std::path::Path;

use fleetwright_asl::{Finding, Rules, check};
use fleetwright_config::settings::OutputFormat;
use fleetwright_config::{ConfigErrors, Located, Place, Remark, SourceText};
use fleetwright_model::Exit;
use serde_json::{Value, json};

use crate::args::{MachineRules, MachineValidateArgs};
use crate::console::{self, Console};
use crate::diagnosis::{Sources, command_error};
use crate::failure::CommandError;
use crate::files;

/// Checks definitions, all of them, whatever is wrong with the first.
///
/// # Errors
/// A file cannot be read; or everything that is wrong with the definitions, each with its line.
pub fn validate(
    args: &MachineValidateArgs,
    format: OutputFormat,
    console: Console,
) -> Result<Exit, CommandError> {
    let rules = rules(args.rules);
    let mut refused: Option<CommandError> = None;
    let mut told = Vec::new();
    for path in &args.files {
        let checked = Checked::read(path, rules)?;
        if format != OutputFormat::Text {
            told.push(checked.json());
            continue;
        }
        match (checked.command_error(console.color), &mut refused) {
            (None, _) => console::write_text(&checked.in_words())?,
            (Some(error), None) => refused = Some(error),
            (Some(error), Some(refused)) => refused.details.extend(error.details),
        }
    }
    match format {
        OutputFormat::Text => {}
        OutputFormat::Json => {
            console::write_text(&format!("{:#}\n", Value::from(told.clone())))?;
        }
        OutputFormat::Jsonl => told.iter().try_for_each(|file| console::write_text(&format!("{file}\n")))?,
    }
    match refused {
        Some(error) => Err(error),
        None if told.iter().any(|file| file["valid"] == false) => Ok(Exit::Validation),
        None => Ok(Exit::Success),
    }
}

fn rules(rules: MachineRules) -> Rules {
    match rules {
        MachineRules::Language => Rules::Language,
        MachineRules::Ours => Rules::Ours,
    }
}

/// A definition as JSON, from a file that is good by these rules.
///
/// # Errors
/// As [`validate`].
pub fn definition(path: &Path, by: MachineRules, console: Console) -> Result<String, CommandError> {
    let checked = Checked::read(path, rules(by))?;
    if let Some(error) = checked.command_error(console.color) {
        return Err(error);
    }
    // JSON stays as its author wrote it.
    let is_json = serde_json::from_str::<Value>(&checked.source.text).is_ok();
    Ok(if is_json { checked.source.text } else { checked.definition })
}

/// One definition with what is wrong with it.
struct Checked {
    source: SourceText,
    definition: String,
    states: usize,
    findings: Vec<Finding>,
    errors: Option<ConfigErrors>,
}

impl Checked {
    fn read(path: &Path, rules: Rules) -> Result<Self, CommandError> {
        let source = SourceText::new(path.display().to_string(), files::read_text(path)?);
        let located = match Located::read(&source) {
            Ok(located) => located,
            Err(errors) => {
                let definition = String::new();
                return Ok(Self {
                    source,
                    definition,
                    states: 0,
                    findings: Vec::new(),
                    errors: Some(errors),
                });
            }
        };
        let definition = located.json();
        let findings = check(&definition, rules);
        let remarks = findings.iter().map(|finding| Remark {
            code: finding.code,
            pointer: finding.pointer.clone(),
            message: finding.to_string(),
        });
        let errors = located.refuse(remarks).err();
        let states = states(&definition);
        Ok(Self { source, definition: definition.to_string(), states, findings, errors })
    }

    fn command_error(&self, color: bool) -> Option<CommandError> {
        let sources = Sources::from([(self.source.name.clone(), self.source.clone())]);
        self.errors.as_ref().map(|errors| command_error(errors, &sources, color))
    }

    fn in_words(&self) -> String {
        let states = self.states;
        format!("{}: valid, {states} state{}\n", self.source.name, if states == 1 { "" } else { "s" })
    }

    fn json(&self) -> Value {
        let errors = self.errors.iter().flatten();
        let findings = errors.map(|error| {
            let place = match &error.place {
                Place::File(place) => Some(place),
                Place::Variable { .. } | Place::Flag { .. } => None,
            };
            // What cannot be read has errors and no findings.
            let finding = self.findings.iter().find(|finding| {
                error.key_path.as_ref() == Some(&finding.pointer) && finding.to_string() == error.message
            });
            json!({
                "code": error.code.id,
                "state": finding.and_then(|finding| finding.state.as_deref()),
                "pointer": finding.map(|finding| &finding.pointer),
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
                "message": finding.map_or(&error.message, |finding| &finding.message),
                "next_step": error.code.next_step,
            })
        });
        json!({
            "file": self.source.name,
            "valid": self.errors.is_none(),
            "states": self.states,
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}

/// States of a definition, those of branches and Maps included.
fn states(definition: &Value) -> usize {
    match definition {
        Value::Object(members) => {
            let here = members.get("States").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            here + members.values().map(states).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(states).sum(),
        _ => 0,
    }
}
