//! A run under way for people: phases, budgets, what is waited for, how long it will take.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use fleetwright_flow::{
    ApprovalView, Condition, Ending, GateView, RunView, StageView, StepView, Totals, WindowView,
};
use fleetwright_model::Text;

use crate::plan_text::duration;
use crate::safe;
use crate::text::time;

/// What the slots of a run wait for, with how many wait for it.
pub type Waits = BTreeMap<Text, usize>;

/// One line: how far the run is.
pub fn line(view: &RunView) -> String {
    let totals = &view.totals;
    let mut text = format!("{}: {} of {} ended", condition(view), totals.ended(), all(totals));
    let parts = [
        (totals.done - totals.findings, "done"),
        (totals.findings, "done with findings"),
        (totals.skipped, "left as they are"),
        (totals.failed, "failed"),
        (totals.unwound, "taken back"),
        (totals.stuck, "stuck"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(", ")));
    }
    if totals.in_flight > 0 {
        text.push_str(&format!(", {} in flight", totals.in_flight));
    }
    if view.frozen && view.ended_at.is_none() {
        text.push_str(", frozen: no unchanged host is changed");
    }
    let waiting: u32 = view.windows.iter().map(|window| window.waiting).sum();
    if waiting > 0 && view.ended_at.is_none() {
        let opens = view.windows.iter().filter_map(|window| window.opens_at).min();
        let opens = opens.map_or(String::new(), |at| format!(", the first of whom go on at {}", time(at)));
        text.push_str(&format!(", {waiting} wait for windows{opens}"));
    }
    if let Some(seconds) = view.remaining_seconds.filter(|_| view.ended_at.is_none()) {
        text.push_str(&format!(", about {} to go", duration(seconds)));
    }
    text
}

/// Several lines: stage by stage and step by step, budgets, waits.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut impl Write, view: &RunView, waits: &Waits) -> fmt::Result {
    write_progress(out, view)?;
    write_waits(out, view)?;
    for (what, count) in waits {
        writeln!(out, "  {count} × {}", safe::line(what))?;
    }
    Ok(())
}

/// Several lines: stage by stage and step by step, budgets, when it goes on.
///
/// # Errors
/// What the writer says.
pub fn write_progress(out: &mut impl Write, view: &RunView) -> fmt::Result {
    writeln!(out, "{}; {} since it was opened", line(view), duration(view.elapsed_seconds))?;
    for stage in &view.stages {
        write_stage(out, stage)?;
    }
    for group in &view.groups {
        let elsewhere = match group.elsewhere {
            0 => String::new(),
            elsewhere => format!(" and {elsewhere} elsewhere"),
        };
        let kept = match group.kept {
            0 => String::new(),
            kept => format!(", {kept} of them not verified healthy"),
        };
        writeln!(
            out,
            "  out of service, {}: {}{elsewhere} of {}{kept}; {} wait for room",
            safe::line(&group.name),
            group.held,
            group.limit,
            group.waiting
        )?;
    }
    if let Some(at) = view.next_retry {
        writeln!(out, "  goes on by itself at {}", time(at))?;
    }
    Ok(())
}

/// What holds a run now: a freeze, a decision that is waited for, windows.
///
/// # Errors
/// What the writer says.
pub fn write_waits(out: &mut impl Write, view: &RunView) -> fmt::Result {
    if let Some(freeze) = &view.freeze {
        let reason = freeze.reason.as_deref().map(|why| format!(": {}", safe::line(why))).unwrap_or_default();
        writeln!(out, "  frozen since {} by {}{reason}", time(freeze.since), safe::line(&freeze.by))?;
    }
    for stage in view.stages.iter().filter(|stage| stage.gate == GateView::Waiting) {
        if let Some(approval) = &stage.approval {
            write_approval(out, &stage.name, approval)?;
        }
    }
    view.windows.iter().try_for_each(|window| write_window(out, window))
}

fn write_approval(out: &mut impl Write, stage: &str, approval: &ApprovalView) -> fmt::Result {
    let given: Vec<_> = approval.given.iter().map(|by| safe::line(by)).collect();
    let by = if given.is_empty() { String::new() } else { format!(" ({})", given.join(", ")) };
    let until = approval.expires_at.map_or(String::new(), |at| format!("; due by {}", time(at)));
    let stage = safe::line(stage);
    write!(out, "  stage {stage} waits: approved by {} of {}{by}{until}", given.len(), approval.needed)?;
    match &approval.basis {
        Some(basis) => {
            writeln!(out, "; `--basis {}` decides about this and nothing later", safe::line(basis))
        }
        None => writeln!(out),
    }
}

fn write_window(out: &mut impl Write, window: &WindowView) -> fmt::Result {
    let name = safe::line(&window.name);
    if window.waiting > 0 {
        let opens =
            window.opens_at.map_or(String::new(), |at| format!("; the first of them go on at {}", time(at)));
        let names: Vec<_> = window.first_waiting.iter().map(|subject| safe::line(subject)).collect();
        let more = if (window.waiting as usize) > names.len() { ", …" } else { "" };
        let names = if names.is_empty() { String::new() } else { format!(": {}{more}", names.join(", ")) };
        writeln!(out, "  {} wait for the window {name}{opens}{names}", window.waiting)?;
    }
    if window.inside > 0 {
        let closes = window.closes_at.map_or(String::new(), |at| format!(" before {}", time(at)));
        writeln!(out, "  {} have to begin in the window {name}{closes}", window.inside)?;
    }
    Ok(())
}

fn write_stage(out: &mut impl Write, stage: &StageView) -> fmt::Result {
    let gate = match stage.gate {
        GateView::Open => "",
        GateView::Ahead => ", its gate is ahead",
        GateView::Waiting => ", WAITS FOR APPROVAL",
        GateView::Approved => ", approved",
        GateView::Expired => ", nobody decided in time",
        GateView::Closed => ", closed",
    };
    let stop = match stage.max_failures {
        Some(most) if stage.failures > 0 => format!(", {} failures of at most {most}", stage.failures),
        _ => String::new(),
    };
    writeln!(
        out,
        "  stage {}: {} of {} ended{gate}{stop}",
        safe::line(&stage.name),
        stage.totals.ended(),
        all(&stage.totals)
    )?;
    for step in stage.steps.iter().filter(|step| was_reached(step)) {
        writeln!(out, "    {:<18} {}", step.name, counts(step))?;
    }
    Ok(())
}

fn was_reached(step: &StepView) -> bool {
    let count = &step.count;
    count.waiting + count.in_flight + count.done + count.skipped + count.failed + count.retries > 0
}

fn counts(step: &StepView) -> String {
    let count = &step.count;
    let parts = [
        (count.done, "done"),
        (count.in_flight, "in flight"),
        (count.waiting, "wait"),
        (count.skipped, "not needed"),
        (count.failed, "failed"),
        (count.retries, "attempts again"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    parts.join(", ")
}

fn all(totals: &Totals) -> u32 {
    totals.not_started
        + totals.after
        + totals.gate
        + totals.window
        + totals.budget
        + totals.retry
        + totals.ready
        + totals.in_flight
        + totals.skipping
        + totals.ended()
}

fn condition(view: &RunView) -> String {
    match view.condition {
        Condition::NotOpened => "not begun".to_owned(),
        Condition::Running => "running".to_owned(),
        Condition::AtGate(stage) => {
            let name = view.stages.get(stage.index()).map_or("?", |stage| &*stage.name);
            format!("waiting for approval of stage {}", safe::line(name))
        }
        Condition::Paused => "paused".to_owned(),
        Condition::Stopping(ending) => format!("stopping ({})", ended(ending)),
        Condition::Ended(ending) => ended(ending).to_owned(),
    }
}

/// An ending in one word.
pub fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Halted => "halted",
        Ending::Rejected => "rejected",
        Ending::Aborted => "aborted",
    }
}
