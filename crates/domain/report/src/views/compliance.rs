//! `compliance.txt`: how compliant the fleet is, part by part, and how that changed over runs.

use std::fmt::{self, Write};

use crate::evidence::RunRecord;
use crate::fields::{Dimension, Standing};
use crate::safe;
use crate::text::{number, time};

/// Parts of a dimension are listed up to this many, those with most open patches first; the table
/// `compliance_totals` has them all.
const LISTED_AT_MOST: usize = 15;

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    writeln!(out, "Patch compliance after {}", record.header.run)?;
    for standing in of(record, Dimension::Run) {
        let unknown = standing.hosts - standing.judged;
        writeln!(
            out,
            "  {} of {} compliant{}; {} open; not known of {}",
            standing.compliant,
            number(standing.judged as usize, "instance"),
            share(standing),
            patches(standing.open),
            number(unknown as usize, "instance")
        )?;
    }
    if record.hosts.is_empty() {
        writeln!(out, "  the run has no instances")?;
    }
    for dimension in Dimension::ALL.into_iter().filter(|it| *it != Dimension::Run) {
        write_dimension(out, record, dimension)?;
    }
    write_trend(out, record)
}

fn of<'a>(record: &'a RunRecord<'_>, dimension: Dimension) -> impl Iterator<Item = &'a Standing> {
    record.compliance.iter().filter(move |standing| standing.dimension == dimension)
}

fn share(standing: &Standing) -> String {
    standing.percent().map(|percent| format!(" ({percent:.1} %)")).unwrap_or_default()
}

fn patches(count: u64) -> String {
    format!("{count} {}", if count == 1 { "patch" } else { "patches" })
}

fn heading(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Run => "Run",
        Dimension::Baseline => "By patch baseline",
        Dimension::Account => "By account",
        Dimension::LandingZone => "By landing zone",
        Dimension::Region => "By region",
        Dimension::Platform => "By platform",
        Dimension::Environment => "By environment",
        Dimension::Application => "By application",
        Dimension::Wave => "By wave",
        Dimension::Severity => "Open patches by severity",
        Dimension::Cve => "Open patches by CVE",
        Dimension::Kb => "Open patches",
    }
}

fn write_dimension(out: &mut impl Write, record: &RunRecord<'_>, dimension: Dimension) -> fmt::Result {
    let standings: Vec<&Standing> = of(record, dimension).collect();
    if standings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", heading(dimension))?;
    for standing in standings.iter().take(LISTED_AT_MOST) {
        let value = if standing.value.is_empty() { "(none)".into() } else { safe::line(&standing.value) };
        match dimension.is_of_patches() {
            true => writeln!(
                out,
                "  {value}: {} on {}",
                patches(standing.open),
                number(standing.hosts as usize, "instance")
            )?,
            false => writeln!(
                out,
                "  {value}: {} of {} compliant{}, {} open",
                standing.compliant,
                standing.judged,
                share(standing),
                patches(standing.open)
            )?,
        }
    }
    match standings.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more; csv/compliance_totals.csv has them all"),
    }
}

fn write_trend(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    if record.trend.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nOver runs, oldest first")?;
    for point in &record.trend {
        let percent = crate::fields::percent(point.compliant.into(), point.judged.into());
        let share = percent.map(|percent| format!(" ({percent:.1} %)")).unwrap_or_default();
        writeln!(
            out,
            "  {} {}: {} of {} compliant{share}, {} open, {} of {} succeeded",
            time(point.at),
            safe::line(&point.run),
            point.compliant,
            point.judged,
            patches(point.patches_missing),
            point.succeeded,
            number(point.hosts as usize, "instance")
        )?;
    }
    Ok(())
}
