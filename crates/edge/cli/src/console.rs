//! The terminal: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use fleetwright_model::code;

use crate::environment::Environment;
use crate::failure::CommandError;

/// The columns a terminal is taken to have when it does not say.
const DEFAULT_WIDTH: u16 = 120;

/// What the terminal can do and how the user wants it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// Colours on standard error.
    pub color: bool,
    /// A line that redraws itself on standard error.
    pub live: bool,
    /// Remarks on standard error.
    pub quiet: bool,
    /// Columns.
    pub width: u16,
}

impl Console {
    /// Judges by the streams and by `NO_COLOR`, `CI`, `TERM` and `COLUMNS`.
    pub fn detect(environment: &Environment, quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
        let is_set = |name| environment.get(name).is_some_and(|value| !value.is_empty());
        let columns = environment.get("COLUMNS").and_then(|value| value.parse().ok());
        Self {
            color: terminal && !dumb && !is_set("NO_COLOR"),
            live: terminal && !dumb && !quiet && !is_set("CI"),
            quiet,
            width: columns.filter(|columns| *columns >= 60).unwrap_or(DEFAULT_WIDTH),
        }
    }

    /// A remark for people; silent with `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.error_line(text);
        }
    }

    /// Asks a person; nobody who is not at the terminal agrees.
    ///
    /// # Errors
    /// Standard input cannot be read, or is no terminal.
    pub fn ask(&self, question: &str) -> Result<bool, CommandError> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            let message = format!("{question} Nobody is there to ask: --yes agrees beforehand");
            return Err(CommandError::new(&code::USAGE, message));
        }
        self.error_line(&format!("{question} Type `yes`:"));
        let mut answer = String::new();
        let read = stdin.read_line(&mut answer);
        read.map_err(|error| CommandError::new(&code::USAGE, format!("the answer cannot be read: {error}")))?;
        Ok(answer.trim() == "yes")
    }

    /// Shows why a command failed.
    pub fn failure(&self, error: &CommandError) {
        for detail in &error.details {
            self.error_line(detail.trim_end());
        }
        let style =
            if self.color { Style::new().bold().fg_color(Some(AnsiColor::Red.into())) } else { Style::new() };
        let bold = if self.color { Style::new().bold() } else { Style::new() };
        self.error_line(&format!("{style}error[{}]{style:#}: {}", error.code.id, error.message));
        self.error_line(&format!("  {bold}next{bold:#}: {}", error.next_step()));
        self.error_line(&format!("  more: fleetwright code {}", error.code.id));
    }

    /// Shows why a command failed, for a program: one JSON object on standard error.
    pub fn failure_json(&self, error: &CommandError) {
        let object = serde_json::json!({
            "error": {
                "code": error.code.id,
                "title": error.code.title,
                "message": error.message,
                "details": error.details,
                "next_step": error.next_step(),
                "exit_code": error.exit().number(),
            }
        });
        self.error_line(&object.to_string());
    }

    fn error_line(&self, text: &str) {
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Writes data to standard output. A reader that went away (`| head`) ends the output, not the
/// command.
///
/// # Errors
/// Standard output cannot be written for another reason.
pub fn write_data(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CommandError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::new(&code::OUTPUT, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes text to standard output.
///
/// # Errors
/// As [`write_data`].
pub fn write_text(text: &str) -> Result<(), CommandError> {
    write_data(|out| out.write_all(text.as_bytes()))
}
