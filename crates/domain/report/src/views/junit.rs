//! `junit.xml`: a run as test results, for pipelines. A wave is a suite, a host a test case; gates and
//! the run as a whole have suites of their own.
//!
//! A host that is not in order is a failure, one that needs a person or was not finished an error, and
//! one that was left as it was is skipped.
//! Source: the Jenkins xUnit schema `junit-10.xsd`, which pipelines of every make read.

use std::io::{self, Write};

use fleetwright_model::code;
use fleetwright_patch::outcome::HostOutcome;
use jiff::Timestamp;

use super::xml::content;
use crate::evidence::{GateRecord, RunHost, RunRecord};

/// What a case came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Skipped,
    Failure,
    Error,
}

fn verdict(outcome: HostOutcome) -> Verdict {
    match outcome {
        HostOutcome::Success => Verdict::Passed,
        HostOutcome::Skipped | HostOutcome::NotReady => Verdict::Skipped,
        HostOutcome::Partial | HostOutcome::Failed | HostOutcome::RolledBack | HostOutcome::Unreachable => {
            Verdict::Failure
        }
        HostOutcome::Stuck | HostOutcome::Open => Verdict::Error,
    }
}

/// Hosts that a rollback put back did what they were to do.
fn verdict_of(record: &RunRecord<'_>, host: &RunHost<'_>) -> Verdict {
    let parent = record.header.parent.as_ref();
    let asked = parent.is_some_and(|it| it.relation == fleetwright_patch::plan::Relation::Rollback);
    if asked && host.outcome == HostOutcome::RolledBack { Verdict::Passed } else { verdict(host.outcome) }
}

/// The numbers of a suite.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    pub(crate) fn of(verdicts: impl Iterator<Item = Verdict>) -> Self {
        verdicts.fold(Self::default(), |mut counts, verdict| {
            counts.tests += 1;
            match verdict {
                Verdict::Passed => {}
                Verdict::Skipped => counts.skipped += 1,
                Verdict::Failure => counts.failures += 1,
                Verdict::Error => counts.errors += 1,
            }
            counts
        })
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// Writes the document.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    let run = Counts::of(std::iter::once(run_verdict(record)));
    let gates = Counts::of(record.gates.iter().map(gate_verdict));
    let mut waves = vec![Vec::new(); record.waves.len()];
    for host in &record.hosts {
        if let Some(wave) = waves.get_mut(usize::from(host.wave)) {
            wave.push(host);
        }
    }
    let of_wave = |hosts: &[&RunHost<'_>]| Counts::of(hosts.iter().map(|host| verdict_of(record, host)));
    let all = waves.iter().fold(run.and(gates), |all, hosts| all.and(of_wave(hosts)));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    write!(out, "<testsuites name=\"{}\"", content(&record.header.run))?;
    writeln!(out, "{} time=\"{}\">", numbers(all, true), record.header.seconds)?;
    let started = record.header.started_at;
    suite(out, "run", run, started, record.header.seconds)?;
    write_run(out, record)?;
    writeln!(out, "</testsuite>")?;
    for (wave, hosts) in record.waves.iter().zip(&waves) {
        let took = seconds(wave.started_at, wave.ended_at);
        suite(out, &format!("wave {}", wave.name), of_wave(hosts), wave.started_at, took)?;
        hosts.iter().try_for_each(|host| write_host(out, record, host))?;
        writeln!(out, "</testsuite>")?;
    }
    suite(out, "gates", gates, started, 0)?;
    record.gates.iter().try_for_each(|gate| write_gate(out, gate))?;
    writeln!(out, "</testsuite>\n</testsuites>")
}

pub(crate) fn numbers(counts: Counts, whole: bool) -> String {
    let Counts { tests, failures, errors, skipped } = counts;
    let skipped = if whole { String::new() } else { format!(" skipped=\"{skipped}\"") };
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"{skipped}")
}

pub(crate) fn seconds(from: Option<Timestamp>, until: Option<Timestamp>) -> u64 {
    match (from, until) {
        (Some(from), Some(until)) => u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0),
        _ => 0,
    }
}

/// `timestamp` is without zone in the schema; it is UTC.
pub(crate) fn suite(
    out: &mut dyn Write,
    name: &str,
    counts: Counts,
    started: Option<Timestamp>,
    took: u64,
) -> io::Result<()> {
    let timestamp =
        started.map(|at| format!(" timestamp=\"{}\"", at.strftime("%Y-%m-%dT%H:%M:%S"))).unwrap_or_default();
    writeln!(
        out,
        "<testsuite name=\"{}\"{} time=\"{took}\"{timestamp}>",
        content(name),
        numbers(counts, false)
    )
}

fn run_verdict(record: &RunRecord<'_>) -> Verdict {
    match record.header.status {
        200 => Verdict::Passed,
        206 => Verdict::Failure,
        _ => Verdict::Error,
    }
}

fn write_run(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    let header = &record.header;
    case(out, "run", &header.run, header.seconds)?;
    let (code, reason) = (header.code.unwrap_or(""), header.reason.unwrap_or(""));
    verdict_element(out, run_verdict(record), code, reason, header.next_step.unwrap_or(""))?;
    writeln!(out, "</testcase>")
}

fn write_host(out: &mut dyn Write, record: &RunRecord<'_>, host: &RunHost<'_>) -> io::Result<()> {
    let class = format!("{}.{}.{}", host.zone, host.account, host.region);
    let name = match host.name() {
        Some(name) => format!("{} {name}", host.planned.id),
        None => host.planned.id.to_string(),
    };
    case(out, &class, &name, seconds(host.started_at, host.ended_at))?;
    let code = host.code.as_deref().unwrap_or("");
    let known = code::find(code);
    let title = known.map_or("", |code| code.title);
    let step = host.step.as_deref().map(|step| format!(" at {step}")).unwrap_or_default();
    let words = format!("{}{step}: {title}", host.outcome.as_str().replace('_', " "));
    let next = known.map_or("", |code| code.next_step);
    let details = match host.message.as_deref() {
        Some(message) => format!("{message}\n{next}"),
        None => next.to_owned(),
    };
    verdict_element(out, verdict_of(record, host), code, &words, &details)?;
    writeln!(out, "</testcase>")
}

fn gate_verdict(gate: &GateRecord) -> Verdict {
    use fleetwright_flow::GateView;
    match gate.state {
        GateView::Open | GateView::Approved => Verdict::Passed,
        GateView::Ahead => Verdict::Skipped,
        GateView::Waiting => Verdict::Error,
        GateView::Expired | GateView::Closed => Verdict::Failure,
    }
}

fn write_gate(out: &mut dyn Write, gate: &GateRecord) -> io::Result<()> {
    case(out, gate.kind.as_str(), &gate.name, seconds(gate.reached_at, gate.decided_at))?;
    let decision = gate.decisions.last().map(|made| {
        let (by, reason) = (made.by.as_deref().unwrap_or("nobody"), made.reason.as_deref().unwrap_or(""));
        format!("{} by {by}: {reason}", made.decision.as_str())
    });
    let check = gate.checks.iter().rev().find(|check| !check.passed());
    let trouble = check.and_then(|check| check.visit.trouble.as_deref());
    let code = trouble.map_or("", |trouble| &*trouble.code);
    let words = trouble.and_then(|trouble| trouble.message.as_deref().map(str::to_owned)).or(decision);
    verdict_element(
        out,
        gate_verdict(gate),
        code,
        crate::evidence::gate_state(gate.state),
        &words.unwrap_or_default(),
    )?;
    writeln!(out, "</testcase>")
}

pub(crate) fn case(out: &mut dyn Write, class: &str, name: &str, took: u64) -> io::Result<()> {
    write!(out, "<testcase classname=\"{}\" name=\"{}\" time=\"{took}\">", content(class), content(name))
}

pub(crate) fn verdict_element(
    out: &mut dyn Write,
    verdict: Verdict,
    code: &str,
    message: &str,
    details: &str,
) -> io::Result<()> {
    let element = match verdict {
        Verdict::Passed => return Ok(()),
        Verdict::Skipped => {
            return write!(out, "<skipped message=\"{} {}\"/>", content(code), content(message));
        }
        Verdict::Failure => "failure",
        Verdict::Error => "error",
    };
    write!(
        out,
        "<{element} type=\"{}\" message=\"{}\">{}</{element}>",
        content(code),
        content(message),
        content(details)
    )
}
