//! The report files of a run: which there are, what they are called, how they are written.

use std::io::{self, Write};
use std::path::Path;

use fleetwright_model::code;
use fleetwright_patch::PlanDocument;
use fleetwright_report::evidence::RunRecord;
use fleetwright_report::fields::{self, Subject, Summary, Visitor};
use fleetwright_report::{html, run_text, views};

use crate::args::ReportFormat;
use crate::failure::CommandError;
use crate::files;

/// Writes the reports of these formats into a directory that is there, each whole or not at all;
/// answers with their names.
///
/// # Errors
/// A report cannot be written.
pub fn write(
    directory: &Path,
    formats: &[ReportFormat],
    record: &RunRecord<'_>,
    document: &PlanDocument,
) -> Result<Vec<String>, CommandError> {
    let asked = |format: ReportFormat| formats.contains(&format) || formats.contains(&ReportFormat::All);
    let mut written = Vec::new();
    let mut file = |name: &str, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>| {
        files::write_atomically(&directory.join(name), |file| write(file))?;
        written.push(name.to_owned());
        Ok::<(), CommandError>(())
    };
    if asked(ReportFormat::Csv) {
        let tables = directory.join("csv");
        files::make_directory(&tables)?;
        let mut visitor = CsvTables { directory: &tables, record };
        visitor.visit::<Summary>()?;
        fields::each(&mut visitor)?;
    }
    if asked(ReportFormat::Json) {
        file("run.json", &mut |out| views::json::write(out, record))?;
    }
    if asked(ReportFormat::Xml) {
        file("run.xml", &mut |out| views::xml::write(out, record))?;
    }
    if asked(ReportFormat::Junit) {
        file("junit.xml", &mut |out| views::junit::write(out, record))?;
    }
    if asked(ReportFormat::Html) {
        file("report.html", &mut |out| html::write(out, record))?;
    }
    let mut text = |name: &str, text: Result<String, CommandError>| {
        let text = text?;
        file(name, &mut |out| out.write_all(text.as_bytes()))
    };
    if asked(ReportFormat::Text) {
        text("summary.txt", summary(record))?;
    }
    if asked(ReportFormat::Errors) {
        text("errors.txt", in_words(|out| views::errors::write(out, record)))?;
    }
    if asked(ReportFormat::Compliance) {
        text("compliance.txt", in_words(|out| views::compliance::write(out, record)))?;
    }
    if asked(ReportFormat::Executive) {
        text("executive.txt", in_words(|out| views::executive::write(out, record)))?;
    }
    if formats.contains(&ReportFormat::All) {
        let plan = document.write();
        file("plan.json", &mut |out| out.write_all(&plan))?;
    }
    if asked(ReportFormat::Csv) {
        written.insert(0, "csv/".to_owned());
    }
    Ok(written)
}

/// The summary, as `summary.txt` has it.
///
/// # Errors
/// It cannot be put into words: a fault of ours.
pub fn summary(record: &RunRecord<'_>) -> Result<String, CommandError> {
    in_words(|out| run_text::write_text(out, record))
}

fn in_words(write: impl FnOnce(&mut String) -> std::fmt::Result) -> Result<String, CommandError> {
    let mut text = String::new();
    write(&mut text).map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
    Ok(text)
}

struct CsvTables<'a> {
    directory: &'a Path,
    record: &'a RunRecord<'a>,
}

impl Visitor for CsvTables<'_> {
    type Error = CommandError;

    fn visit<S: Subject>(&mut self) -> Result<(), CommandError> {
        let path = self.directory.join(format!("{}.csv", S::NAME));
        files::write_atomically(&path, |file| views::csv::write::<S>(file, self.record))
    }
}
