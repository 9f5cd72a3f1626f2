//! What became of a run: text, JSON and CSV, from one fold of its records.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use fleetwright_flow::RunView;
use fleetwright_model::code;
use fleetwright_patch::milestones::Milestones;
use fleetwright_patch::outcome::{HostOutcome, HostResult, RunOutcome, tally};
use jiff::Timestamp;
use serde::Serialize;

use crate::json::CallCount;
use crate::plan_text::duration;
use crate::text::number;
use crate::{FORMAT_VERSION, milestones_text, safe, view_text};

/// Hosts are listed one by one up to this many; `hosts.csv` has them all.
const LISTED_AT_MOST: usize = 40;

/// A run as its reports show it.
#[derive(Clone, Debug)]
pub struct RunFacts<'a> {
    /// The run's name.
    pub run: &'a str,
    /// The digest of its plan.
    pub digest: &'a str,
    /// The version that writes the report.
    pub fleetwright: &'a str,
    /// When it was opened.
    pub started_at: Option<Timestamp>,
    /// When its last record was written.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Hosts of the selection that were left out of the plan.
    pub left_out: usize,
    /// What could not be read when it was planned.
    pub gaps: usize,
    /// Calls sent to AWS by the process that writes this, by IAM action.
    pub calls: BTreeMap<String, CallCount>,
    /// Where it stands: stages, gates, budgets, windows.
    pub view: RunView,
    /// What held it, and who let it go on.
    pub milestones: Milestones,
}

/// Writes the summary for people.
///
/// # Errors
/// What the writer says.
pub fn write_text(
    out: &mut impl fmt::Write,
    facts: &RunFacts<'_>,
    results: &[HostResult<'_>],
) -> fmt::Result {
    let took = match (facts.started_at, facts.ended_at) {
        (Some(start), Some(end)) => format!(", {}", duration(elapsed(start, end))),
        _ => String::new(),
    };
    let verdict = facts.outcome.why.map_or("complete", |why| why.title);
    writeln!(out, "{}: {verdict}; {}{took}", facts.run, number(results.len(), "instance"))?;
    let tally = tally(results);
    let counts = HostOutcome::ALL.iter().filter_map(|outcome| {
        tally.get(outcome).map(|count| format!("{count} {}", outcome.as_str().replace('_', " ")))
    });
    writeln!(out, "  {}", counts.collect::<Vec<_>>().join(", "))?;
    if facts.left_out + facts.gaps > 0 {
        writeln!(
            out,
            "  not in the run: {} left out by the plan; {} could not be read",
            number(facts.left_out, "instance"),
            number(facts.gaps, "part of the fleet")
        )?;
    }
    if facts.view.ended_at.is_none() {
        view_text::write_waits(out, &facts.view)?;
    }
    milestones_text::write(out, &facts.milestones)?;
    write_troubles(out, results)?;
    if let Some(why) = facts.outcome.why {
        writeln!(out, "\n{} {}: {}", why.id, why.title, why.next_step)?;
    }
    Ok(())
}

fn elapsed(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.duration_since(start).as_secs()).unwrap_or(0)
}

/// Everything that ended and is not plain success, worst first.
fn write_troubles(out: &mut impl fmt::Write, results: &[HostResult<'_>]) -> fmt::Result {
    let mut troubles: Vec<&HostResult<'_>> = results
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
        more => writeln!(out, "… and {more} more; hosts.csv has them all"),
    }
}

/// Two lines: who and where, and why.
fn write_trouble(out: &mut impl fmt::Write, result: &HostResult<'_>) -> fmt::Result {
    let name = result.host.name.as_deref().map(|name| format!(" {}", safe::line(name))).unwrap_or_default();
    let step = result.step.as_deref().map(|step| format!(", at {step}")).unwrap_or_default();
    writeln!(
        out,
        "{:<12} {}{name} ({} {}){step}",
        result.outcome.as_str().replace('_', " "),
        result.host.id,
        safe::line(result.place.zone.as_str()),
        result.place.region,
    )?;
    let id = result.code.as_deref().unwrap_or("");
    let title = result.code.as_deref().and_then(code::find).map_or("", |code| code.title);
    match words(result) {
        Some(words) => writeln!(out, "{:<12} {id} {title}: {}", "", safe::line(words)),
        None => writeln!(out, "{:<12} {id} {title}", ""),
    }
}

/// The reason in words, without the step and the instance that the line before has named.
fn words<'a>(result: &'a HostResult<'_>) -> Option<&'a str> {
    let message = result.message.as_deref()?;
    let message =
        message.strip_prefix("step:").and_then(|rest| rest.split_once(": ")).map_or(message, |it| it.1);
    let named = message.strip_prefix(result.host.id.as_str()).and_then(|rest| rest.strip_prefix(": "));
    Some(named.unwrap_or(message))
}

/// One host in JSON and CSV.
#[derive(Serialize)]
struct HostRow<'a> {
    instance_id: &'a str,
    name: Option<&'a str>,
    platform: &'a str,
    account_id: &'a str,
    landing_zone: &'a str,
    region: &'a str,
    outcome: HostOutcome,
    step: Option<&'a str>,
    code: Option<&'a str>,
    reason: Option<&'a str>,
    next_step: Option<&'a str>,
    message: Option<&'a str>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    image: Option<&'a str>,
    rebooted: bool,
    boot_id_before: Option<&'a str>,
    boot_id_after: Option<&'a str>,
    patches_installed: Option<u32>,
    patches_missing: Option<u32>,
    patches_failed: Option<u32>,
    patches_pending_reboot: Option<u32>,
    patches_held_back: Option<u32>,
    patch_drift: Vec<&'a str>,
    worse: Vec<&'a str>,
    not_compared: Vec<&'a str>,
    facts: Vec<&'a str>,
    restored_from: Option<&'a str>,
    restored_seconds: Option<u64>,
}

impl<'a> HostRow<'a> {
    fn of(result: &'a HostResult<'a>) -> Self {
        let code = result.code.as_deref().and_then(code::find);
        let compliance = result.compliance.as_ref();
        let drift = compliance.and_then(|note| note.drift.as_ref());
        let reboot = result.reboot.as_ref();
        let texts = |texts: Option<&'a Vec<fleetwright_model::Text>>| {
            texts.into_iter().flatten().map(|text| &**text).collect()
        };
        Self {
            instance_id: result.host.id.as_str(),
            name: result.host.name.as_deref(),
            platform: &result.host.platform,
            account_id: result.place.account.as_str(),
            landing_zone: result.place.zone.as_str(),
            region: result.place.region.as_str(),
            outcome: result.outcome,
            step: result.step.as_deref(),
            code: result.code.as_deref(),
            reason: code.map(|code| code.title),
            next_step: code.map(|code| code.next_step),
            message: result.message.as_deref(),
            started_at: result.started_at,
            ended_at: result.ended_at,
            image: result.image.as_deref(),
            rebooted: reboot.is_some_and(|note| note.rebooted()),
            boot_id_before: reboot.map(|note| &*note.before),
            boot_id_after: reboot.map(|note| &*note.after),
            patches_installed: compliance.map(|note| note.installed),
            patches_missing: compliance.map(|note| note.missing),
            patches_failed: compliance.map(|note| note.failed),
            patches_pending_reboot: compliance.map(|note| note.pending_reboot),
            patches_held_back: drift.map(|drift| drift.held_back),
            patch_drift: texts(drift.map(|drift| &drift.named)),
            worse: texts(result.validation.as_ref().map(|note| &note.worse)),
            not_compared: texts(result.validation.as_ref().map(|note| &note.not_compared)),
            facts: texts(result.validation.as_ref().map(|note| &note.facts)),
            restored_from: result.restoration.as_ref().map(|note| &*note.image),
            restored_seconds: result.restoration.as_ref().map(|note| note.seconds),
        }
    }
}

#[derive(Serialize)]
struct RunDocument<'a> {
    format: &'a str,
    run: RunHeader<'a>,
    outcomes: BTreeMap<&'static str, usize>,
    calls: &'a BTreeMap<String, CallCount>,
    hosts: Vec<HostRow<'a>>,
    view: &'a RunView,
    milestones: &'a Milestones,
}

#[derive(Serialize)]
struct RunHeader<'a> {
    run_id: &'a str,
    plan_digest: &'a str,
    fleetwright: &'a str,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    status: u16,
    exit_code: u8,
    code: Option<&'static str>,
    reason: Option<&'static str>,
    next_step: Option<&'static str>,
    left_out: usize,
    gaps: usize,
}

/// Writes `run.json`.
///
/// # Errors
/// What the writer says.
pub fn write_json(
    out: &mut dyn io::Write,
    facts: &RunFacts<'_>,
    results: &[HostResult<'_>],
) -> io::Result<()> {
    let outcomes = tally(results).into_iter().map(|(outcome, count)| (outcome.as_str(), count)).collect();
    let document = RunDocument {
        format: FORMAT_VERSION,
        run: header(facts),
        outcomes,
        calls: &facts.calls,
        hosts: results.iter().map(HostRow::of).collect(),
        view: &facts.view,
        milestones: &facts.milestones,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Writes the closing object of a stream of events.
///
/// # Errors
/// What the writer says.
pub fn write_line(
    out: &mut dyn io::Write,
    facts: &RunFacts<'_>,
    results: &[HostResult<'_>],
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        run: RunHeader<'a>,
        outcomes: BTreeMap<&'static str, usize>,
    }
    let outcomes = tally(results).into_iter().map(|(outcome, count)| (outcome.as_str(), count)).collect();
    serde_json::to_writer(&mut *out, &Line { kind: "summary", run: header(facts), outcomes })?;
    out.write_all(b"\n")
}

fn header<'a>(facts: &RunFacts<'a>) -> RunHeader<'a> {
    let RunOutcome { exit, why } = facts.outcome;
    RunHeader {
        run_id: facts.run,
        plan_digest: facts.digest,
        fleetwright: facts.fleetwright,
        started_at: facts.started_at,
        ended_at: facts.ended_at,
        status: facts.outcome.status(),
        exit_code: exit.number(),
        code: why.map(|why| why.id),
        reason: why.map(|why| why.title),
        next_step: why.map(|why| why.next_step),
        left_out: facts.left_out,
        gaps: facts.gaps,
    }
}

type Column = (&'static str, fn(&HostRow<'_>) -> String);

/// The columns of `hosts.csv`, in order.
const COLUMNS: &[Column] = &[
    ("instance_id", |r| r.instance_id.to_owned()),
    ("name", |r| text(r.name)),
    ("platform", |r| r.platform.to_owned()),
    ("account_id", |r| r.account_id.to_owned()),
    ("landing_zone", |r| r.landing_zone.to_owned()),
    ("region", |r| r.region.to_owned()),
    ("outcome", |r| r.outcome.to_string()),
    ("step", |r| text(r.step)),
    ("code", |r| text(r.code)),
    ("reason", |r| text(r.reason)),
    ("message", |r| text(r.message)),
    ("next_step", |r| text(r.next_step)),
    ("started_at", |r| text(r.started_at)),
    ("ended_at", |r| text(r.ended_at)),
    ("image", |r| text(r.image)),
    ("rebooted", |r| r.rebooted.to_string()),
    ("boot_id_before", |r| text(r.boot_id_before)),
    ("boot_id_after", |r| text(r.boot_id_after)),
    ("patches_installed", |r| text(r.patches_installed)),
    ("patches_missing", |r| text(r.patches_missing)),
    ("patches_failed", |r| text(r.patches_failed)),
    ("patches_pending_reboot", |r| text(r.patches_pending_reboot)),
    ("patches_held_back", |r| text(r.patches_held_back)),
    ("patch_drift", |r| r.patch_drift.join("; ")),
    ("worse", |r| r.worse.join("; ")),
    ("not_compared", |r| r.not_compared.join("; ")),
    ("facts", |r| r.facts.join("; ")),
    ("restored_from", |r| text(r.restored_from)),
    ("restored_seconds", |r| text(r.restored_seconds)),
];

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Writes `hosts.csv`: one row per host.
///
/// # Errors
/// What the writer says.
pub fn write_csv(out: impl io::Write, results: &[HostResult<'_>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS.iter().map(|(name, _)| name))?;
    for result in results {
        let row = HostRow::of(result);
        let cells = COLUMNS.iter().map(|(_, value)| safe::cell(&value(&row)).into_owned());
        writer.write_record(cells)?;
    }
    writer.flush()
}
