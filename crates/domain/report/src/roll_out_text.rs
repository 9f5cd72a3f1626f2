//! How a plan goes through the fleet, for people: stages with their gates, budgets, windows, order.

use std::fmt::{self, Write};

use fleetwright_flow::{Gate, OnExpiry, Stage, WindowId};
use fleetwright_model::{CalendarAnswer, CalendarState, code};
use fleetwright_patch::plan::roll_out::{GroupKind, PlannedSet};
use fleetwright_patch::plan::{CalendarsHeard, CalendarsSaid, GateWork, PatchPlan, Reserve, Work};

use crate::plan_text::duration;
use crate::safe;
use crate::text::number;

/// Budgets, windows and sets are listed up to this many each; the plan file has them all.
const LISTED_AT_MOST: usize = 12;

/// Writes stages, budgets, windows and order.
pub(crate) fn write(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    for stage in &plan.flow.stages {
        match gate_of(plan, stage) {
            Some(gate) => write_gate(out, stage, gate)?,
            None => write_stage(out, stage)?,
        }
    }
    write_budgets(out, plan)?;
    write_windows(out, plan)?;
    write_calendars(out, plan)?;
    write_sets(out, plan)
}

fn gate_of<'a>(plan: &'a PatchPlan, stage: &Stage) -> Option<&'a GateWork> {
    stage.targets.clone().find_map(|index| match plan.work.get(index as usize)? {
        Work::Gate(gate) => Some(gate),
        _ => None,
    })
}

fn write_stage(out: &mut impl Write, stage: &Stage) -> fmt::Result {
    let name = safe::line(&stage.name);
    write!(out, "  stage {name}: {}{}", number(stage.targets.len(), "target"), approval(stage))?;
    match stage.max_failures {
        None => {}
        Some(0) => write!(out, "; stops at the first failure")?,
        Some(most) => write!(out, "; stops after more than {}", number(most as usize, "failure"))?,
    }
    match stage.min_verified {
        0 => writeln!(out),
        sample => writeln!(out, "; goes on with {sample} or more verified healthy"),
    }
}

fn approval(stage: &Stage) -> String {
    let Some(rule) = &stage.approval else {
        return match stage.gate {
            Gate::Open => String::new(),
            Gate::Approval => ", after a person's approval".to_owned(),
        };
    };
    let mut text = match rule.needed {
        0 | 1 => ", after a person's approval".to_owned(),
        needed => format!(", after the approval of {needed} people"),
    };
    if !rule.approvers.is_empty() {
        let names: Vec<_> = rule.approvers.iter().map(|name| safe::line(name)).collect();
        text.push_str(&format!(" of {}", names.join(", ")));
    }
    if let Some(seconds) = rule.expires_seconds {
        let then = match rule.on_expiry {
            OnExpiry::Reject => "the run ends",
            OnExpiry::Skip => "it is left out",
        };
        text.push_str(&format!(" within {}, else {then}", duration(seconds.into())));
    }
    text
}

fn write_gate(out: &mut impl Write, stage: &Stage, gate: &GateWork) -> fmt::Result {
    let mut parts = Vec::new();
    if gate.bake_seconds > 0 {
        parts.push(format!("waits {}", duration(gate.bake_seconds.into())));
    }
    if !gate.alarms.is_empty() {
        parts.push(format!("looks at {}", number(gate.alarms.len(), "alarm")));
    }
    let looks = [
        (!gate.target_groups.is_empty(), "target groups must be healthy"),
        (gate.compliance, "hosts must be compliant"),
        (gate.differences, "nothing may be worse than before"),
        (gate.patch_list_bucket.is_some(), "later waves install the same patches"),
    ];
    parts.extend(looks.into_iter().filter(|(wanted, _)| *wanted).map(|(_, text)| text.to_owned()));
    if stage.max_failures.is_none() {
        parts.push("goes on whatever it finds".to_owned());
    }
    writeln!(out, "  {}: {}", safe::line(&stage.name), parts.join("; "))
}

/// The run's budget, those of waves and sets, then the narrowest of the others.
fn write_budgets(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    let described = |index: usize| plan.roll_out.groups.get(index);
    let kind = |index: usize| described(index).map_or(GroupKind::Run, |group| group.kind);
    let mut order: Vec<usize> = (0..plan.flow.groups.len()).collect();
    order.sort_by_key(|index| {
        let first = match kind(*index) {
            GroupKind::Run => 0,
            GroupKind::Wave => 1,
            GroupKind::Set => 2,
            _ => 3,
        };
        (first, plan.flow.groups[*index].capacity, *index)
    });
    for index in order.iter().take(LISTED_AT_MOST) {
        let group = &plan.flow.groups[*index];
        write!(out, "  out of service at once, {}: at most {}", safe::line(&group.name), group.capacity)?;
        if let Some(described) = described(*index) {
            match described.members {
                0 => write!(out, "; nobody is in service now")?,
                members => write!(out, " of {members}")?,
            }
            if described.down > 0 {
                write!(out, ", {} down already", described.down)?;
            }
        }
        match group.first {
            Some(first) => {
                writeln!(out, "; begins with {first}, one more with each that is verified healthy")?
            }
            None => writeln!(out)?,
        }
    }
    more(out, order.len(), "budget")
}

fn write_windows(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    for (index, window) in plan.flow.windows.iter().enumerate().take(LISTED_AT_MOST) {
        let id = u16::try_from(index).map(WindowId).ok();
        let members = || plan.flow.targets.iter().filter(|target| target.window == id);
        let reserve = members().map(|target| plan.flow.recipes[target.recipe.index()].reserve_seconds).max();
        let reserve = window.needed_seconds(reserve.unwrap_or(0));
        write!(out, "  window {}: {}", safe::line(&window.name), number(members().count(), "target"))?;
        match window.open.as_slice() {
            [] => write!(out, ", never open")?,
            [first, rest @ ..] => {
                write!(out, ", open {} to {}", first.from, first.until)?;
                if !rest.is_empty() {
                    write!(out, " and {} more", number(rest.len(), "time"))?;
                }
            }
        }
        writeln!(out, "; nothing starts with less than {} left", duration(reserve.into()))?;
    }
    more(out, plan.flow.windows.len(), "window")?;
    plan.reserves.iter().take(LISTED_AT_MOST).try_for_each(|reserve| write_reserve(out, plan, reserve))?;
    more(out, plan.reserves.len(), "reserve")
}

/// What is kept of a window for hosts of one recipe, and from when on they are prepared.
fn write_reserve(out: &mut impl Write, plan: &PatchPlan, reserve: &Reserve) -> fmt::Result {
    let Some(recipe) = plan.flow.recipes.get(reserve.recipe.index()) else { return Ok(()) };
    write!(out, "  reserve, {}: {}", recipe.name, reserve.told())?;
    match recipe.lead_seconds {
        0 => writeln!(out),
        lead => writeln!(out, "; prepared {} before it opens at most", duration(lead.into())),
    }
}

/// What change calendars said when the plan was made; those that are closed or unknown come first.
fn write_calendars(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    let Some(calendars) = &plan.roll_out.calendars else { return Ok(()) };
    let open = |it: &&CalendarsHeard| match it.said {
        CalendarsSaid::Answer(answer) => answer.state == CalendarState::Open,
        CalendarsSaid::Unknown { .. } => false,
    };
    let (open, others): (Vec<_>, Vec<_>) = calendars.heard.iter().partition(open);
    for it in others.iter().chain(&open).take(LISTED_AT_MOST) {
        let names: Vec<_> = it.of.names.iter().map(|name| safe::line(name)).collect();
        let place = format!("{} {}", safe::line(it.of.zone.as_str()), it.of.region);
        write!(out, "  change calendar {} in {place}: ", names.join(", "))?;
        write_said(out, &it.said, calendars.unknown)?;
    }
    more(out, calendars.heard.len(), "change calendar")
}

fn write_said(out: &mut impl Write, said: &CalendarsSaid, unknown: CalendarState) -> fmt::Result {
    match said {
        CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Open, until }) => {
            let closes = until.map_or(String::new(), |at| format!(", closes at {at}"));
            writeln!(out, "open{closes}")
        }
        CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Closed, until }) => {
            let until = until.map_or(String::new(), |at| format!(" until {at}"));
            writeln!(out, "CLOSED{until}: no host is begun before it opens ({})", code::CALENDAR_CLOSED.id)
        }
        CalendarsSaid::Unknown { message, .. } => {
            let taken = match unknown {
                CalendarState::Closed => "CLOSED: no host is begun before it is read and open",
                CalendarState::Open => "open",
            };
            let code = code::CALENDAR_UNKNOWN.id;
            writeln!(out, "could not be read, and is taken for {taken} ({code}): {}", safe::line(message))
        }
    }
}

fn write_sets(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    for set in plan.roll_out.sets.iter().take(LISTED_AT_MOST) {
        write_set(out, set)?;
    }
    more(out, plan.roll_out.sets.len(), "set")
}

fn write_set(out: &mut impl Write, set: &PlannedSet) -> fmt::Result {
    let name = safe::line(&set.name);
    write!(out, "  order, {name}: {} of {}, {}", set.members.len(), set.size, set.mode.as_str())?;
    if !set.leaders.is_empty() {
        write!(out, "; {} last", number(set.leaders.len(), "leader"))?;
    }
    if !set.after.is_empty() {
        let names: Vec<_> = set.after.iter().map(|name| safe::line(name)).collect();
        write!(out, "; after {}", names.join(", "))?;
    }
    if let Some(waiver) = &set.waiver {
        write!(out, "; waived until {}: {}", waiver.until, safe::line(&waiver.reason))?;
    }
    writeln!(out)
}

fn more(out: &mut impl Write, all: usize, what: &str) -> fmt::Result {
    match all.saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        left => writeln!(out, "  … and {} more; the plan file has them all", number(left, what)),
    }
}
