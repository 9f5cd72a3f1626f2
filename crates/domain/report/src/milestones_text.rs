//! What held a run, and who let it go on, for people.

use std::fmt::{self, Write};

use fleetwright_patch::milestones::{DecisionMade, FreezePeriod, GateWords, Milestones};

use crate::safe;
use crate::text::time;

/// Milestones of one kind are listed up to this many, the last ones; `run.json` has them all.
const LISTED_AT_MOST: usize = 10;

/// Writes freezes, decisions and the words of gates.
pub(crate) fn write(out: &mut impl Write, milestones: &Milestones) -> fmt::Result {
    last(out, &milestones.freezes, write_freeze)?;
    last(out, &milestones.decisions, write_decision)?;
    last(out, &milestones.gates, write_gate)
}

fn last<W: Write, T>(out: &mut W, all: &[T], write: impl Fn(&mut W, &T) -> fmt::Result) -> fmt::Result {
    let earlier = all.len().saturating_sub(LISTED_AT_MOST);
    if earlier > 0 {
        writeln!(out, "  … {earlier} earlier ones of the following kind; run.json has them all")?;
    }
    all[earlier..].iter().try_for_each(|it| write(out, it))
}

fn because(reason: Option<&str>) -> String {
    reason.map(|why| format!(": {}", safe::line(why))).unwrap_or_default()
}

fn write_freeze(out: &mut impl Write, freeze: &FreezePeriod) -> fmt::Result {
    let span = match freeze.until {
        Some(until) => format!("was frozen {} to {}", time(freeze.from), time(until)),
        None => format!("is frozen since {}", time(freeze.from)),
    };
    writeln!(out, "  {span} by {}{}", safe::line(&freeze.by), because(freeze.reason.as_deref()))
}

fn write_decision(out: &mut impl Write, made: &DecisionMade) -> fmt::Result {
    let by = made.by.as_deref().map(|by| format!(" by {}", safe::line(by))).unwrap_or_default();
    let stage = safe::line(&made.stage);
    write!(out, "  stage {stage}: {}{by} at {}", made.decision.as_str(), time(made.at))?;
    writeln!(out, "{}", because(made.reason.as_deref()))
}

fn write_gate(out: &mut impl Write, gate: &GateWords) -> fmt::Result {
    let again = gate.retry_at.map_or(String::new(), |at| format!("; looked at again at {}", time(at)));
    let place = format!("{} {}", safe::line(gate.zone.as_str()), gate.region);
    writeln!(
        out,
        "  {} held the run in {place} at {}: {} {}{again}",
        safe::line(&gate.stage),
        time(gate.at),
        gate.code,
        safe::line(&gate.message)
    )
}
