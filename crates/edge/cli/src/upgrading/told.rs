//! Telling of a run of upgrades: on standard output, and in files.

use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::run::RunDocument;
use fleetwright_eks::run::outcome::{outcomes, why};
use fleetwright_flow::{Record, Run};
use fleetwright_model::{Code, Exit};
use fleetwright_report::eks::run::{ToldRun, json, markdown, text};
use jiff::Timestamp;

use crate::console::{self};
use crate::failure::CommandError;
use crate::files;

/// A run that is told about.
pub struct Told<'a> {
    /// Its name.
    pub run: &'a str,
    /// Its document.
    pub document: &'a RunDocument,
    /// Where it stands.
    pub state: &'a Run,
    /// Its records.
    pub records: &'a [Record],
    /// Why the process came back, or looks, although the run is not over.
    pub why: Option<&'static Code>,
}

impl Told<'_> {
    fn with<T>(&self, now: Timestamp, what: impl FnOnce(&ToldRun<'_>) -> T) -> T {
        let plan = self.document.plan();
        let clusters = outcomes(plan, self.state, self.records, now);
        let (digest, state) = (self.document.digest(), self.state);
        let why = self.why.or_else(|| why(state, &clusters));
        what(&ToldRun { run: self.run, digest, plan, state, clusters: &clusters, why, now })
    }
}

/// Shows a run; answers with the exit code.
///
/// # Errors
/// Standard output cannot be written.
pub fn tell(told: &Told<'_>, format: OutputFormat, now: Timestamp) -> Result<Exit, CommandError> {
    told.with(now, |told| {
        match format {
            OutputFormat::Text => console::write_text(&text(told))?,
            OutputFormat::Json => console::write_text(&format!("{:#}\n", json(told)))?,
            OutputFormat::Jsonl => console::write_text(&format!("{}\n", json(told)))?,
        }
        Ok(told.exit())
    })
}

pub(super) fn write_reports(directory: &Path, told: &Told<'_>, now: Timestamp) -> Result<(), CommandError> {
    let plan = told.document.write();
    let files = told.with(now, |told| {
        [("txt", text(told)), ("json", format!("{:#}\n", json(told))), ("md", markdown(told))]
    });
    for (ending, text) in &files {
        let path = directory.join(format!("upgrade.{ending}"));
        files::write_atomically(&path, |file| file.write_all(text.as_bytes()))?;
    }
    files::write_atomically(&directory.join("plan.json"), |file| file.write_all(&plan))
}
