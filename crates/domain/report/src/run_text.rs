//! `summary.txt`: what became of a run, for people.

use std::fmt;

use fleetwright_model::code;
use fleetwright_patch::outcome::HostOutcome;

use crate::evidence::{RunHost, RunRecord};
use crate::plan_text::duration;
use crate::text::number;
use crate::{milestones_text, safe, view_text};

/// Hosts are listed one by one up to this many; `csv/instances.csv` has them all.
const LISTED_AT_MOST: usize = 40;

/// Writes the summary for people.
///
/// # Errors
/// What the writer says.
pub fn write_text(out: &mut impl fmt::Write, record: &RunRecord<'_>) -> fmt::Result {
    let header = &record.header;
    let took = match (header.started_at, header.ended_at) {
        (Some(_), Some(_)) => format!(", {}", duration(header.seconds)),
        _ => String::new(),
    };
    let verdict = header.reason.unwrap_or("complete");
    writeln!(out, "{}: {verdict}; {}{took}", header.run, number(record.hosts.len(), "instance"))?;
    let counts = record.outcomes().into_iter();
    let counts = counts.map(|(outcome, hosts)| format!("{hosts} {}", outcome.as_str().replace('_', " ")));
    writeln!(out, "  {}", counts.collect::<Vec<_>>().join(", "))?;
    if record.left_out.len() + record.gaps.len() > 0 {
        writeln!(
            out,
            "  not in the run: {} left out by the plan; {} could not be read",
            number(record.left_out.len(), "instance"),
            number(record.gaps.len(), "part of the fleet")
        )?;
    }
    if record.view.ended_at.is_none() {
        view_text::write_waits(out, &record.view)?;
    }
    milestones_text::write(out, &record.milestones)?;
    write_troubles(out, &record.hosts)?;
    if let (Some(id), Some(title), Some(next_step)) = (header.code, header.reason, header.next_step) {
        writeln!(out, "\n{id} {title}: {next_step}")?;
    }
    Ok(())
}

/// Everything that ended and is not plain success, worst first.
fn write_troubles(out: &mut impl fmt::Write, hosts: &[RunHost<'_>]) -> fmt::Result {
    let mut troubles: Vec<&RunHost<'_>> = hosts
        .iter()
        .filter(|result| !matches!(result.outcome, HostOutcome::Success | HostOutcome::Open))
        .collect();
    if troubles.is_empty() {
        return Ok(());
    }
    troubles.sort_by(|a, b| b.outcome.cmp(&a.outcome).then(a.target.cmp(&b.target)));
    writeln!(out)?;
    for result in troubles.iter().take(LISTED_AT_MOST) {
        write_trouble(out, result)?;
    }
    match troubles.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more; csv/instances.csv has them all"),
    }
}

/// Two lines: who and where, and why.
fn write_trouble(out: &mut impl fmt::Write, result: &RunHost<'_>) -> fmt::Result {
    let name = result.name().map(|name| format!(" {}", safe::line(name))).unwrap_or_default();
    let step = result.step.as_deref().map(|step| format!(", at {step}")).unwrap_or_default();
    writeln!(
        out,
        "{:<12} {}{name} ({} {}){step}",
        result.outcome.as_str().replace('_', " "),
        result.planned.id,
        safe::line(result.zone.as_str()),
        result.region,
    )?;
    let id = result.code.as_deref().unwrap_or("");
    let title = result.code.as_deref().and_then(code::find).map_or("", |code| code.title);
    match words(result) {
        Some(words) => writeln!(out, "{:<12} {id} {title}: {}", "", safe::line(words)),
        None => writeln!(out, "{:<12} {id} {title}", ""),
    }
}

/// The reason in words, without the step and the instance that the line before has named.
fn words<'a>(result: &'a RunHost<'_>) -> Option<&'a str> {
    let message = result.message.as_deref()?;
    let message =
        message.strip_prefix("step:").and_then(|rest| rest.split_once(": ")).map_or(message, |it| it.1);
    let named = message.strip_prefix(result.planned.id.as_str()).and_then(|rest| rest.strip_prefix(": "));
    Some(named.unwrap_or(message))
}
