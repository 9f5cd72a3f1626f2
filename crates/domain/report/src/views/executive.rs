//! `executive.txt`: one page for those who answer for the fleet: what was reached, what was not, what it
//! took, what is next.

use std::fmt::{self, Write};

use fleetwright_patch::outcome::HostOutcome;

use crate::evidence::{ErrorSubject, RunHost, RunRecord};
use crate::fields::{Dimension, percent};
use crate::plan_text::duration;
use crate::safe;
use crate::text::{number, time};

/// What operators aim at (REQUIREMENTS OP-6): instances patched, in percent.
const SUCCESS_PERCENT: f64 = 98.0;
/// The whole window, in seconds.
const WINDOW_SECONDS: u64 = 6 * 3_600;
/// A rollback, in seconds.
const ROLLBACK_SECONDS: u64 = 30 * 60;
/// Causes that are named.
const CAUSES: usize = 5;

/// Writes the page.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let header = &record.header;
    writeln!(out, "Executive summary of {}", header.run)?;
    if let (Some(from), Some(until)) = (header.started_at, header.ended_at) {
        writeln!(out, "{} to {} ({})", time(from), time(until), duration(header.seconds))?;
    }
    writeln!(out, "\nResult: {}", header.reason.unwrap_or("complete"))?;
    write_results(out, record)?;
    write_targets(out, record)?;
    write_waves(out, record)?;
    write_compliance(out, record)?;
    write_causes(out, record)?;
    write_decisions(out, record)?;
    write_next(out, record)
}

fn of(record: &RunRecord<'_>, outcome: HostOutcome) -> usize {
    record.hosts.iter().filter(|host| host.outcome == outcome).count()
}

fn write_results(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let outcomes = record.outcomes();
    let counts =
        outcomes.iter().map(|(outcome, hosts)| format!("{hosts} {}", outcome.as_str().replace('_', " ")));
    let counts: Vec<String> = counts.collect();
    writeln!(
        out,
        "  {}: {}",
        number(record.hosts.len(), "instance"),
        match counts.is_empty() {
            true => "nothing was to be done".to_owned(),
            false => counts.join(", "),
        }
    )?;
    if record.left_out.len() + record.gaps.len() > 0 {
        writeln!(
            out,
            "  not in the run: {} left out by the plan; {} could not be read",
            number(record.left_out.len(), "instance"),
            number(record.gaps.len(), "part of the fleet")
        )?;
    }
    Ok(())
}

fn write_targets(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    writeln!(out, "\nTargets")?;
    let word = |reached: bool| if reached { "reached" } else { "missed" };
    match percent(of(record, HostOutcome::Success) as u64, record.hosts.len() as u64) {
        Some(share) => writeln!(
            out,
            "  success of at least {SUCCESS_PERCENT} %: {share:.1} %, {}",
            word(share >= SUCCESS_PERCENT)
        )?,
        None => writeln!(out, "  success of at least {SUCCESS_PERCENT} %: no instances")?,
    }
    let took = record.header.seconds;
    writeln!(
        out,
        "  at most {}: {}, {}",
        duration(WINDOW_SECONDS),
        duration(took),
        word(took <= WINDOW_SECONDS)
    )?;
    let restored = record.hosts.iter().filter_map(RunHost::restoration).map(|note| note.seconds);
    if let Some(longest) = restored.max() {
        writeln!(
            out,
            "  rollback in {}: {} at longest, {}",
            duration(ROLLBACK_SECONDS),
            duration(longest),
            word(longest < ROLLBACK_SECONDS)
        )?;
    }
    Ok(())
}

fn write_waves(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    if record.waves.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\nWaves")?;
    for wave in &record.waves {
        let counts =
            wave.outcomes.iter().map(|(it, hosts)| format!("{hosts} {}", it.as_str().replace('_', " ")));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let canary = if wave.canary { " (canary)" } else { "" };
        let took = match (wave.started_at, wave.ended_at) {
            (Some(from), Some(until)) => {
                let seconds = u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0);
                format!(", {}", duration(seconds))
            }
            (Some(_), None) => ", not ended".to_owned(),
            (None, _) => ", not begun".to_owned(),
        };
        writeln!(
            out,
            "  {}{canary}: {}{took}: {}",
            safe::line(&wave.name),
            number(wave.hosts as usize, "instance"),
            if counts.is_empty() { "nobody is in it" } else { &counts }
        )?;
    }
    Ok(())
}

fn write_compliance(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let Some(standing) = record.compliance.iter().find(|it| it.dimension == Dimension::Run) else {
        return Ok(());
    };
    writeln!(out, "\nCompliance")?;
    let share = standing.percent().map(|share| format!(" ({share:.1} %)")).unwrap_or_default();
    writeln!(
        out,
        "  {} of {} whose compliance is known are compliant{share}; {} patches are open",
        standing.compliant,
        number(standing.judged as usize, "instance"),
        standing.open
    )?;
    let severe = record.compliance.iter().filter(|it| it.dimension == Dimension::Severity);
    for standing in severe.take(3) {
        writeln!(
            out,
            "  severity {}: {} open on {}",
            safe::line(&standing.value),
            standing.open,
            number(standing.hosts as usize, "instance")
        )?;
    }
    if let [.., before, now] = record.trend.as_slice() {
        let share =
            |point: &crate::evidence::TrendPoint| percent(point.compliant.into(), point.judged.into());
        if let (Some(then), Some(now)) = (share(before), share(now)) {
            writeln!(out, "  {then:.1} % after {} before this one", safe::line(&before.run))?;
            let change = now - then;
            writeln!(out, "  change: {change:+.1} percentage points")?;
        }
    }
    Ok(())
}

fn write_causes(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let of_hosts = record.errors.iter().filter(|it| it.subject == ErrorSubject::Host && it.decided > 0);
    let causes: Vec<_> = of_hosts.take(CAUSES).collect();
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWhy instances did not succeed")?;
    for cause in causes {
        writeln!(
            out,
            "  {}: {} ({})",
            number(cause.decided as usize, "instance"),
            if cause.title.is_empty() { "a cause this version does not know" } else { cause.title },
            safe::line(&cause.code)
        )?;
        if !cause.next_step.is_empty() {
            writeln!(out, "    next: {}", cause.next_step)?;
        }
    }
    Ok(())
}

fn write_decisions(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let decisions = &record.milestones.decisions;
    if decisions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nDecisions")?;
    for made in decisions {
        let by = made.by.as_deref().map(|by| format!(" by {}", safe::line(by))).unwrap_or_default();
        let why = made.reason.as_deref().map(|why| format!(": {}", safe::line(why))).unwrap_or_default();
        writeln!(out, "  {} {} {}{by}{why}", time(made.at), safe::line(&made.stage), made.decision.as_str())?;
    }
    Ok(())
}

fn write_next(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let header = &record.header;
    writeln!(out, "\nNext")?;
    match header.next_step {
        Some(next) => writeln!(out, "  {next}")?,
        None => writeln!(out, "  nothing is left to do")?,
    }
    let stuck = of(record, HostOutcome::Stuck);
    if stuck > 0 {
        writeln!(out, "  a person is needed for {}; errors.txt says where", number(stuck, "instance"))?;
    }
    Ok(())
}
