//! The plan of an upgrade for a terminal.

use std::fmt::{self, Write};

use fleetwright_eks::plan::timing::timing;
use fleetwright_eks::plan::{
    OpenFinding, PlanDocument, PlanStep, PlannedGap, Reversibility, Standing, UpgradePlan,
};

use super::text::cause;
use crate::plan_text::duration;
use crate::safe;
use crate::text::{number, time};

/// Things of one kind are listed up to this many; the plan file has them all.
const LISTED_AT_MOST: usize = 20;

/// The plan as text.
pub fn text(document: &PlanDocument) -> String {
    let mut text = String::new();
    write(&mut text, document).expect("writing to a string");
    text
}

fn write(out: &mut String, document: &PlanDocument) -> fmt::Result {
    let plan = document.plan();
    let cluster = &plan.cluster;
    writeln!(out, "{}", standing(plan))?;
    writeln!(
        out,
        "  cluster {} in {} (account {}): {}, {}",
        safe::line(&cluster.name),
        cluster.region,
        cluster.account,
        way(plan),
        plan.options.strategy
    )?;
    writeln!(out, "  made {} from what was read then; {}", time(plan.made_at), rolls(plan))?;
    let blockers: Vec<&OpenFinding> = plan.blockers().collect();
    listed(out, "Blockers", &blockers, |out, it| {
        writeln!(out, "  {} {}", it.code, safe::line(&finding(it)))?;
        writeln!(out, "    → {}", safe::line(&it.remedy))
    })?;
    let undecided: Vec<&PlannedGap> = plan.unread.iter().filter(|gap| gap.undecided).collect();
    listed(out, "Could not be checked, and may block", &undecided, |out, it| {
        writeln!(out, "  {} {}: {}", it.code, cause(it.cause), safe::line(&it.detail))
    })?;
    listed(out, "Left as they are", &plan.left_alone, |out, it| {
        writeln!(out, "  {}: {}", safe::line(&it.subject), safe::line(&it.why))
    })?;
    listed(out, "What must hold while it is upgraded", &conditions(plan), |out, it| {
        writeln!(out, "  {}", safe::line(it))
    })?;
    if !plan.steps.is_empty() {
        writeln!(out, "\nSteps ({})", plan.steps.len())?;
    }
    for (index, step) in plan.steps.iter().enumerate() {
        write_step(out, index + 1, step)?;
    }
    for rollback in &plan.rollbacks {
        let steps: Vec<String> =
            rollback.steps.iter().map(|step| safe::line(&step.action.told()).into_owned()).collect();
        let until =
            rollback.closed_by.as_ref().map(|id| format!(", until {} begins", safe::line(id.as_str())));
        let within = within(rollback.within_seconds);
        writeln!(out, "\nWay back of {}, within {within}{}", rollback.hop, until.unwrap_or_default())?;
        steps.iter().try_for_each(|step| writeln!(out, "  {step}"))?;
    }
    writeln!(out, "\nExpected: {}", expected(plan))?;
    writeln!(out, "Digest {}", document.digest())
}

/// Alarms, queries, metrics and endpoints that hold the upgrade up, a line each. Untrusted names are in them as they are;
/// of addresses what is behind `?` is not.
pub(super) fn conditions(plan: &UpgradePlan) -> Vec<String> {
    let options = &plan.options;
    let alarms = options.alarms.iter().map(|name| format!("alarm {name} has not gone off"));
    let queries =
        options.queries.iter().map(|it| format!("{} {}: {} {}", it.kind(), it.name, it.asks, it.rule));
    let endpoints =
        options.endpoints.iter().map(|it| format!("endpoint {}: {} answers", it.name(), it.shown()));
    alarms.chain(queries).chain(endpoints).collect()
}

fn write_step(out: &mut String, index: usize, step: &PlanStep) -> fmt::Result {
    let took = match step.expected_seconds {
        0 => step.basis.told(),
        seconds => format!("about {}", duration(u64::from(seconds))),
    };
    writeln!(
        out,
        "  {index:>3}. {}: {} ({took})",
        safe::line(step.id.as_str()),
        safe::line(&step.action.told())
    )?;
    if let fleetwright_eks::plan::Action::Approval { about } = &step.action {
        about.iter().try_for_each(|line| writeln!(out, "       - {}", safe::line(line)))?;
    }
    if let Reversibility::Irreversible { lost } = &step.reversibility {
        writeln!(out, "       cannot be taken back: {}", safe::line(lost))?;
    }
    match closes(step) {
        Some(closed) => writeln!(out, "       {}", safe::line(&closed)),
        None => Ok(()),
    }
}

/// Whether the plan may be carried out, in a sentence.
pub(super) fn standing(plan: &UpgradePlan) -> String {
    match plan.standing() {
        _ if plan.steps.is_empty() => {
            format!("Nothing to do: the control plane has {} already.", plan.target)
        }
        Standing::Executable => "Can be carried out, once it is approved.".to_owned(),
        Standing::Blocked => {
            format!("Cannot be carried out: {}.", number(plan.blockers().count(), "blocker"))
        }
        Standing::Undecided => {
            let gaps = plan.unread.iter().filter(|gap| gap.undecided).count();
            let gaps = number(gaps, "source");
            format!(
                "Cannot be carried out: checks that may block could not look at {gaps}; let them, or accept it."
            )
        }
    }
}

/// `1.33 → 1.34 → 1.35`.
pub(super) fn way(plan: &UpgradePlan) -> String {
    let stops = std::iter::once(plan.cluster.version).chain(plan.hops.iter().map(|hop| hop.to));
    stops.map(|minor| minor.to_string()).collect::<Vec<_>>().join(" → ")
}

/// How often nodes are replaced.
pub(super) fn rolls(plan: &UpgradePlan) -> String {
    let rolls = plan.node_rolls();
    match rolls.values().max() {
        None => "no nodes are replaced".to_owned(),
        Some(1) => format!("nodes are replaced once ({})", number(rolls.len(), "set")),
        Some(most) => format!("nodes are replaced up to {most} times ({})", number(rolls.len(), "set")),
    }
}

/// A finding on a line, with the hop it is about.
pub(super) fn finding(finding: &OpenFinding) -> String {
    let hop = finding.hop.map(|hop| format!(" [hop to {}]", hop.to)).unwrap_or_default();
    format!("{}: {} ({}){hop}", finding.subject, finding.what, finding.evidence)
}

/// What a step closes, on a line.
pub(super) fn closes(step: &PlanStep) -> Option<String> {
    let closed: Vec<&str> = step.closes.iter().map(|id| id.as_str()).collect();
    (!closed.is_empty()).then(|| format!("closes the way back of {}", closed.join(", ")))
}

/// A limit of time: in days where it is whole days.
pub(super) fn within(seconds: u32) -> String {
    const DAY: u32 = 24 * 3600;
    match seconds % DAY {
        0 => number((seconds / DAY) as usize, "day"),
        _ => duration(u64::from(seconds)),
    }
}

/// How long the plan takes.
pub(super) fn expected(plan: &UpgradePlan) -> String {
    let times = timing(&plan.steps);
    format!(
        "about {}, and as long as people take to approve; one step after the other {}",
        duration(times.critical_path_seconds),
        duration(times.serial_seconds)
    )
}

fn listed<T>(
    out: &mut String,
    title: &str,
    items: &[T],
    mut write: impl FnMut(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title} ({})", items.len())?;
    items.iter().take(LISTED_AT_MOST).try_for_each(|item| write(out, item))?;
    match items.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more; the plan file has them all"),
    }
}
