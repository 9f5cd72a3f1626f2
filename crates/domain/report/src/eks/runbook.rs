//! The plan of an upgrade as a Markdown runbook: with it a person can do by hand what the program would.

use std::fmt::{self, Write};

use fleetwright_eks::plan::{
    Action, Condition, PlanDocument, PlanStep, PlannedCluster, Reversibility, UpgradePlan,
};

use super::plan::{closes, conditions, expected, finding, rolls, standing, way, within};
use super::{commands, text};
use crate::plan_text::duration;
use crate::safe;
use crate::text::time;

/// The runbook.
pub fn runbook(document: &PlanDocument) -> String {
    let mut text = String::new();
    write(&mut text, document).expect("writing to a string");
    text
}

fn write(out: &mut String, document: &PlanDocument) -> fmt::Result {
    let plan = document.plan();
    let cluster = &plan.cluster;
    writeln!(out, "# Upgrade of {} to {}\n", safe::markdown(&cluster.name), plan.target)?;
    writeln!(out, "**{}**\n", standing(plan))?;
    writeln!(
        out,
        "- Cluster: {}, {}, account {}",
        safe::code_span(&cluster.name),
        cluster.region,
        cluster.account
    )?;
    writeln!(out, "- Endpoint: {}; make sure that kubectl asks it", safe::code_span(&cluster.endpoint))?;
    writeln!(out, "- Way: {}, {}; {}", way(plan), plan.options.strategy, rolls(plan))?;
    writeln!(out, "- Made: {}, by fleetwright {}", time(plan.made_at), safe::markdown(&plan.program))?;
    writeln!(out, "- Expected: {}", expected(plan))?;
    writeln!(out, "- Digest: `{}`", document.digest())?;
    for condition in conditions(plan) {
        writeln!(out, "- Must hold: {}", safe::code_span(&condition))?;
    }
    write_open(out, plan)?;
    if !plan.steps.is_empty() {
        writeln!(out, "\n## Steps")?;
    }
    for (index, step) in plan.steps.iter().enumerate() {
        write_step(out, &format!("{}.", index + 1), step, cluster)?;
    }
    for rollback in &plan.rollbacks {
        let until =
            rollback.closed_by.as_ref().map(|id| format!(", until {} begins", safe::code_span(id.as_str())));
        let within = within(rollback.within_seconds);
        let until = until.unwrap_or_default();
        writeln!(out, "\n## Way back of {}\n\nWithin {within} after the hop{until}.", rollback.hop)?;
        for (index, step) in rollback.steps.iter().enumerate() {
            write_step(out, &format!("{}.", index + 1), step, cluster)?;
        }
    }
    Ok(())
}

/// What is to be settled before anybody begins.
fn write_open(out: &mut String, plan: &UpgradePlan) -> fmt::Result {
    let mut list = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## {title} ({})\n", lines.len())?;
        lines.iter().try_for_each(|line| writeln!(out, "- {line}"))
    };
    let told = |it: &fleetwright_eks::plan::OpenFinding| {
        format!("{} {}: {}", it.code, safe::code_span(&finding(it)), safe::markdown(&it.remedy))
    };
    list("Blockers", plan.blockers().map(told).collect())?;
    let gaps = plan.unread.iter().filter(|gap| gap.undecided);
    let gaps =
        gaps.map(|it| format!("{} {}: {}", it.code, text::cause(it.cause), safe::code_span(&it.detail)));
    list("Could not be checked, and may block", gaps.collect())?;
    let warnings = plan.findings.iter().filter(|it| it.severity == fleetwright_eks::Severity::Warning);
    list("Warnings", warnings.map(told).collect())?;
    let left = plan.left_alone.iter();
    let left = left.map(|it| format!("{}: {}", safe::code_span(&it.subject), safe::markdown(&it.why)));
    list("Left as they are", left.collect())?;
    let accepted = plan.options.accepted.iter();
    let accepted = accepted.map(|(code, why)| format!("{}: {}", safe::code_span(code), safe::markdown(why)));
    list("Accepted without a look", accepted.collect())
}

fn write_step(out: &mut String, number: &str, step: &PlanStep, cluster: &PlannedCluster) -> fmt::Result {
    writeln!(out, "\n### {number} {}\n", safe::markdown(&step.action.told()))?;
    writeln!(out, "Step {}.", safe::code_span(step.id.as_str()))?;
    if let Action::Approval { about } = &step.action {
        writeln!(out)?;
        about.iter().try_for_each(|line| writeln!(out, "- {}", safe::markdown(line)))?;
    }
    write_conditions(out, "Begin only when", &step.before)?;
    write_commands(out, "Do", &commands::calls(step, cluster))?;
    write_commands(out, "Look", &commands::looks(step, cluster))?;
    write_conditions(out, "It is done when", &step.after)?;
    if step.expected_seconds > 0 {
        let took = duration(u64::from(step.expected_seconds));
        writeln!(out, "\nExpected: about {took} ({}).", safe::markdown(&step.basis.told()))?;
    }
    match &step.reversibility {
        Reversibility::NothingToUndo => {}
        Reversibility::Irreversible { lost } => {
            writeln!(out, "\n**Cannot be taken back:** {}.", safe::markdown(lost))?;
        }
        Reversibility::Reversible { how, within_seconds, remains } => {
            let limit = within_seconds.map(|seconds| format!(", within {}", within(seconds)));
            let remains = if remains.is_empty() { String::new() } else { format!("; what stays: {remains}") };
            let limit = limit.unwrap_or_default();
            writeln!(out, "\nWay back: {}{limit}{}.", safe::markdown(how), safe::markdown(&remains))?;
        }
    }
    match closes(step) {
        Some(closed) => writeln!(out, "\n**It {}.**", safe::markdown(&closed)),
        None => Ok(()),
    }
}

fn write_conditions(out: &mut String, title: &str, conditions: &[Condition]) -> fmt::Result {
    if conditions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:\n")?;
    conditions.iter().try_for_each(|condition| writeln!(out, "- {}", safe::markdown(&condition.told())))
}

/// Commands never begin with a backtick, and are one line each: they cannot end the block.
fn write_commands(out: &mut String, title: &str, commands: &[String]) -> fmt::Result {
    if commands.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:\n\n```sh")?;
    commands.iter().try_for_each(|command| writeln!(out, "{command}"))?;
    writeln!(out, "```")
}
