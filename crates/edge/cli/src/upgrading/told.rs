//! Telling of a run of upgrades: on standard output, and in files.

use std::io::Write as _;
use std::path::Path;

use clap::ValueEnum as _;
use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::run::RunDocument;
use fleetwright_eks::run::outcome::{outcomes, why};
use fleetwright_flow::{Record, Run};
use fleetwright_model::{Code, Exit, code};
use fleetwright_report::eks::run::{ToldRun, html, json, junit, markdown, text};
use jiff::Timestamp;

use crate::args::ReportFormat;
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

/// The exit code that a run comes to.
pub fn exit_of(told: &Told<'_>, now: Timestamp) -> Exit {
    told.with(now, |told| told.exit())
}

/// The reports of a run, by the names of their files.
pub fn report_files(told: &Told<'_>, now: Timestamp) -> Vec<(&'static str, Vec<u8>)> {
    reports(told, now).into_iter().map(|(_, name, bytes)| (name, bytes)).collect()
}

/// The reports of a run: the format that asks for each, its name, its bytes.
fn reports(told: &Told<'_>, now: Timestamp) -> Vec<(ReportFormat, &'static str, Vec<u8>)> {
    use ReportFormat::{All, Html, Json, Junit, Text};
    let mut reports = told.with(now, |told| {
        vec![
            (Text, "upgrade.txt", text(told).into_bytes()),
            (Json, "upgrade.json", format!("{:#}\n", json(told)).into_bytes()),
            (Text, "upgrade.md", markdown(told).into_bytes()),
            (Html, "report.html", html(told).into_bytes()),
            (Junit, "junit.xml", junit(told).into_bytes()),
        ]
    });
    reports.push((All, "plan.json", told.document.write()));
    reports
}

/// Writes the reports of these formats into a directory that is there, each whole or not at all; answers with their names.
///
/// # Errors
/// Runs of upgrades have no such report, or one cannot be written.
pub fn write_reports(
    directory: &Path,
    formats: &[ReportFormat],
    told: &Told<'_>,
    now: Timestamp,
) -> Result<Vec<String>, CommandError> {
    use ReportFormat::{All, Html, Json, Junit, Text};
    if let Some(other) = formats.iter().find(|format| !matches!(format, All | Html | Json | Junit | Text)) {
        let name = other.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let message = format!("--format {name}: runs of upgrades have text, json, html and junit");
        return Err(CommandError::new(&code::USAGE, message));
    }
    let asked = |format: &ReportFormat| formats.contains(&All) || formats.contains(format);
    let mut written = Vec::new();
    for (_, name, bytes) in reports(told, now).iter().filter(|(format, ..)| asked(format)) {
        files::write_atomically(&directory.join(name), |file| file.write_all(bytes))?;
        written.push((*name).to_owned());
    }
    Ok(written)
}
