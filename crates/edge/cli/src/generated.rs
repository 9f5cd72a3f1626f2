//! Files that are written from the configuration into somebody's repository: only over what they may replace.

use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::code;
use serde_json::{Value, json};

use crate::console;
use crate::failure::CommandError;
use crate::files;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Where it belongs below a directory, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Written,
    Replaced,
    Unchanged,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Writes files below a directory and says what became of each; those that are there as they should be are left alone.
///
/// # Errors
/// One is there and differs and `force` is not given: then none is written. Or one cannot be read or written.
pub fn write(
    out: &Path,
    generated: &[GeneratedFile],
    force: bool,
    format: OutputFormat,
) -> Result<(), CommandError> {
    let states = states(out, generated, force)?;
    for (file, state) in generated.iter().zip(&states) {
        if *state != State::Unchanged {
            let path = out.join(&file.path);
            if let Some(directory) = path.parent() {
                files::make_directory(directory)?;
            }
            files::write_atomically(&path, |out| out.write_all(file.text.as_bytes()))?;
        }
    }
    tell(generated, &states, format)
}

/// What becomes of each file; nothing is written before all of it is known.
fn states(out: &Path, generated: &[GeneratedFile], force: bool) -> Result<Vec<State>, CommandError> {
    let (mut states, mut differing) = (Vec::new(), Vec::new());
    for file in generated {
        let path = out.join(&file.path);
        states.push(if !files::exists(&path) {
            State::Written
        } else if files::read_bytes(&path)? == file.text.as_bytes() {
            State::Unchanged
        } else {
            differing.push(format!("{} is there and differs", path.display()));
            State::Replaced
        });
    }
    if force || differing.is_empty() {
        return Ok(states);
    }
    Err(CommandError {
        details: differing,
        hint: Some("Name another directory with --out, or replace them with --force.".to_owned()),
        ..CommandError::new(&code::USAGE, "files would be replaced; nothing was written")
    })
}

fn tell(generated: &[GeneratedFile], states: &[State], format: OutputFormat) -> Result<(), CommandError> {
    let files = || generated.iter().zip(states);
    let row = |(file, state): (&GeneratedFile, &State)| json!({ "path": file.path, "state": state.word() });
    match format {
        OutputFormat::Text => {
            let lines: String =
                files().map(|(file, state)| format!("{} {}\n", state.word(), file.path)).collect();
            console::write_text(&lines)
        }
        OutputFormat::Json => console::write_text(&format!("{}\n", files().map(row).collect::<Value>())),
        OutputFormat::Jsonl => {
            let lines: String = files().map(|file| format!("{}\n", row(file))).collect();
            console::write_text(&lines)
        }
    }
}
