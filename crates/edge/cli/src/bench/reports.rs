//! `fleetwright internal bench-report`: seconds, memory and bytes of every report, by size of the run.
//!
//! The runs are made up ([`sample`]): planner, kernel and record are the real ones. Memory is the most the
//! process held while it wrote, the record included, as the operating system counted it.

mod hostile;
mod sample;

use std::fmt::Write as _;
use std::time::Instant;

use fleetwright_model::Exit;

use crate::args::{BenchReportArgs, ReportFormat, Sample, SampleReportsArgs};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::{files, report_files};
use sample::Made;

/// What is measured, in the order of the table.
const FORMATS: [(&str, ReportFormat); 9] = [
    ("csv", ReportFormat::Csv),
    ("json", ReportFormat::Json),
    ("xml", ReportFormat::Xml),
    ("junit", ReportFormat::Junit),
    ("html", ReportFormat::Html),
    ("text", ReportFormat::Text),
    ("errors", ReportFormat::Errors),
    ("compliance", ReportFormat::Compliance),
    ("executive", ReportFormat::Executive),
];

/// Measures what the arguments ask for and writes the table as Markdown.
///
/// # Errors
/// A report cannot be written.
#[expect(clippy::disallowed_methods, reason = "wall time is what is measured")]
pub fn carry_out(args: &BenchReportArgs, console: Console) -> Result<Exit, CommandError> {
    let mut text = String::from(
        "| hosts | report | seconds | MB written | MiB held at most |\n|---:|---|---:|---:|---:|\n",
    );
    for size in &args.sizes {
        console.note(&format!("{size} hosts"));
        let (document, made) = Made::up(Sample::Mixed, *size);
        let begun = Instant::now();
        files::forget_peak_memory();
        let record = made.into_record(&document);
        row(&mut text, *size, "(the record)", begun.elapsed().as_secs_f64(), 0);
        for (name, format) in FORMATS {
            let directory = args.work_dir.join(format!("{size}-{name}"));
            files::remove_directory(&directory)?;
            files::make_directory(&directory)?;
            files::forget_peak_memory();
            let begun = Instant::now();
            report_files::write(&directory, &[format], &record, &document)?;
            let seconds = begun.elapsed().as_secs_f64();
            row(&mut text, *size, name, seconds, files::size_below(&directory, ""));
            files::remove_directory(&directory)?;
        }
    }
    console::write_text(&text)?;
    Ok(Exit::Success)
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn row(text: &mut String, size: usize, name: &str, seconds: f64, bytes: u64) {
    let megabytes = bytes as f64 / 1e6;
    let held = files::peak_memory_kib().map_or_else(|| "?".to_owned(), |kib| format!("{}", kib / 1_024));
    let _ = writeln!(text, "| {size} | {name} | {seconds:.2} | {megabytes:.1} | {held} |");
}

/// Writes every report of a run that was made up.
///
/// # Errors
/// A report cannot be written.
pub fn write_sample(args: &SampleReportsArgs) -> Result<Exit, CommandError> {
    let hosts = if args.sample == Sample::Empty { 0 } else { args.hosts };
    let (document, made) = Made::up(args.sample, hosts);
    let record = made.into_record(&document);
    files::make_directory(&args.directory)?;
    report_files::write(&args.directory, &[ReportFormat::All], &record, &document)?;
    Ok(Exit::Success)
}
