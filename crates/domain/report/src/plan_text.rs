//! The plan for people: who, in which order, for how long, at what cost, and who is left out.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use fleetwright_flow::{Charge, Plan, Recipe};
use fleetwright_model::{Text, code};
use fleetwright_patch::plan::drift::Drift;
use fleetwright_patch::plan::{Backup, PatchPlan, PlanDocument, Relation, Work};

pub use fleetwright_patch::plan::durations::told as duration;

use crate::text::{number, table};
use crate::{roll_out_text, safe};

/// Hosts are listed one by one up to this many; the plan file has them all.
const LISTED_AT_MOST: usize = 60;

/// Writes the plan.
///
/// # Errors
/// What the writer says.
pub fn write_plan(out: &mut impl Write, document: &PlanDocument, width: u16) -> fmt::Result {
    let plan = document.plan();
    write_head(out, plan)?;
    write_steps(out, &plan.flow)?;
    roll_out_text::write(out, plan)?;
    write_hosts(out, plan, width)?;
    write_risks(out, plan)?;
    write_left_out(out, plan, width)?;
    write_gaps(out, plan)?;
    write_estimate(out, plan)?;
    writeln!(out, "\nDigest {}", document.digest())
}

fn hosts(plan: &PatchPlan) -> usize {
    plan.work.iter().filter(|work| work.host().is_some()).count()
}

fn write_head(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    let phases: Vec<&str> = plan.phases.iter().map(|phase| phase.as_str()).collect();
    write!(
        out,
        "Plan: {} in {} of {}; phases {}",
        number(hosts(plan), "instance"),
        number(plan.flow.places.len(), "region"),
        number(plan.zones.len(), "landing zone"),
        phases.join(", ")
    )?;
    match &plan.parent {
        None => writeln!(out),
        Some(parent) => {
            let relation = match parent.relation {
                Relation::Retry => "takes again what did not end well in",
                Relation::Rollback => "puts back hosts of",
                Relation::Phase => "continues",
            };
            writeln!(out, "\n  {relation} {}", safe::line(&parent.run))
        }
    }
}

/// What happens to a host, recipe by recipe.
fn write_steps(out: &mut impl Write, plan: &Plan) -> fmt::Result {
    for (index, recipe) in plan.recipes.iter().enumerate() {
        let followers = plan.targets.iter().filter(|target| target.recipe.index() == index).count();
        writeln!(out, "  {} × {}: {}", followers, recipe.name, steps(recipe))?;
        if !recipe.undo.is_empty() {
            let undo: Vec<&str> = recipe.undo.iter().map(|step| &*step.name).collect();
            writeln!(out, "      way back: {}", undo.join(" → "))?;
        }
    }
    Ok(())
}

/// `backup → precheck ‖ patch → [reboot → validate]`: the bar is the gate, the brackets are the time
/// a host counts as out of service.
fn steps(recipe: &Recipe) -> String {
    let mut text = String::new();
    let mut ahead = true;
    for (index, step) in recipe.steps.iter().enumerate() {
        let separator = match (index, ahead && !step.ahead_of_gate) {
            (0, _) => "",
            (_, true) => " ‖ ",
            (_, false) => " → ",
        };
        ahead &= step.ahead_of_gate;
        let (open, close) = match step.charge {
            Charge::None => ("", ""),
            Charge::Take => ("[", ""),
            Charge::Release => ("", "]"),
        };
        text.push_str(&format!("{separator}{open}{}{close}", step.name));
    }
    text
}

fn write_hosts(out: &mut impl Write, plan: &PatchPlan, width: u16) -> fmt::Result {
    let all = hosts(plan);
    if all == 0 {
        return writeln!(out, "\nNothing to do.");
    }
    let header = ["", "landing zone", "region", "instance", "name", "platform", "state", "missing", "backup"];
    let mut table = table(width, &header);
    let mut order = 0;
    for (target, work) in plan.flow.targets.iter().zip(&plan.work) {
        let Work::Host(host) = work else { continue };
        order += 1;
        if order > LISTED_AT_MOST {
            break;
        }
        let place = &plan.flow.places[target.place.index()];
        table.add_row([
            order.to_string(),
            safe::line(place.zone.as_str()).into_owned(),
            place.region.to_string(),
            host.id.to_string(),
            safe::line(host.name.as_deref().unwrap_or("–")).into_owned(),
            host.platform.to_string(),
            host.state.to_string(),
            host.missing.map_or("unknown".to_owned(), |missing| missing.to_string()),
            backup(&host.backup),
        ]);
    }
    writeln!(out, "\n{table}")?;
    match all.saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more; the plan file has them all"),
    }
}

fn backup(backup: &Backup) -> String {
    match backup {
        Backup::Make => "image".to_owned(),
        Backup::Existing { image } => image.to_string(),
        Backup::None { code } => format!("none ({code})"),
    }
}

fn write_risks(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    let hosts = || plan.work.iter().filter_map(Work::host);
    let unprotected = hosts().filter(|host| matches!(host.backup, Backup::None { .. })).count();
    let unknown = hosts().filter(|host| host.missing.is_none()).count();
    let mut risks = Vec::new();
    if unprotected > 0 {
        risks.push(format!("{} without a way back: no image is made", number(unprotected, "instance")));
    }
    if unknown > 0 {
        risks.push(format!("{} never scanned: what is missing is not known", number(unknown, "instance")));
    }
    if plan.policy.rollback.automatic {
        risks.push(
            "hosts that do not come back or are worse are restored without asking; what was written to \
             their root volume since the image is then lost"
                .to_owned(),
        );
    }
    if !plan.policy.backup.reboot && hosts().any(|host| host.backup == Backup::Make) {
        risks.push("images are made without a restart: they are as after a power cut".to_owned());
    }
    if risks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nRisks:")?;
    risks.iter().try_for_each(|risk| writeln!(out, "  - {risk}"))
}

fn write_left_out(out: &mut impl Write, plan: &PatchPlan, width: u16) -> fmt::Result {
    if plan.left_out.is_empty() {
        return Ok(());
    }
    let mut reasons: BTreeMap<&Text, usize> = BTreeMap::new();
    for reason in plan.left_out.iter().filter_map(|left| left.reasons.first()) {
        *reasons.entry(reason).or_default() += 1;
    }
    let mut table = table(width, &["instances", "code", "why they are left out"]);
    for (reason, count) in reasons {
        let title = code::find(reason).map_or("", |code| code.title);
        table.add_row([count.to_string(), reason.to_string(), title.to_owned()]);
    }
    writeln!(out, "\nLeft out: {}\n{table}", number(plan.left_out.len(), "instance"))?;
    write_details(out, plan)
}

/// What codes do not say, once for all hosts of whom the same is to be said.
fn write_details(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    const LISTED: usize = 12;
    let mut details: BTreeMap<&Text, usize> = BTreeMap::new();
    for detail in plan.left_out.iter().filter_map(|left| left.detail.as_ref()) {
        *details.entry(detail).or_default() += 1;
    }
    for (detail, count) in details.iter().take(LISTED) {
        writeln!(out, "  {}: {}", number(*count, "instance"), safe::line(detail))?;
    }
    match details.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more; the plan file has them all"),
    }
}

fn write_gaps(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    const LISTED: usize = 20;
    if plan.gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nCould not be read, and so not planned ({}):", number(plan.gaps.len(), "gap"))?;
    for gap in plan.gaps.iter().take(LISTED) {
        let zone = gap.zone.as_ref().map_or("", |zone| zone.as_str());
        let region = gap.region.as_ref().map_or("", |region| region.as_str());
        writeln!(
            out,
            "  {} {region} {}: {}",
            safe::line(zone),
            gap.subject.as_str(),
            safe::line(&gap.message)
        )?;
    }
    match plan.gaps.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more in the plan file"),
    }
}

fn write_estimate(out: &mut impl Write, plan: &PatchPlan) -> fmt::Result {
    let estimate = &plan.estimate;
    let calls: u64 = estimate.calls.values().sum();
    writeln!(
        out,
        "\nExpected: about {}, {} without polling",
        duration(estimate.seconds),
        number(usize::try_from(calls).unwrap_or(usize::MAX), "call")
    )?;
    if estimate.backup_gib > 0 || estimate.backup_unknown_hosts > 0 {
        write!(
            out,
            "Backups: {} GiB, at most {:.2} US dollars a month for {}",
            estimate.backup_gib,
            estimate.backup_usd_per_month,
            number(plan.policy.backup.retention_days as usize, "day")
        )?;
        match estimate.backup_unknown_hosts {
            0 => writeln!(out)?,
            unknown => writeln!(out, "; {unknown} of unknown size not counted")?,
        }
    }
    Ok(())
}

/// Writes how the fleet differs from a plan.
///
/// # Errors
/// What the writer says.
pub fn write_drift(out: &mut impl Write, drift: &[Drift]) -> fmt::Result {
    const LISTED: usize = 50;
    for change in drift.iter().take(LISTED) {
        let name = change.name.as_deref().map(|name| format!(" ({})", safe::line(name))).unwrap_or_default();
        writeln!(
            out,
            "  {} {} {}{name} {}",
            safe::line(change.zone.as_str()),
            change.region,
            change.id,
            change.change.describe()
        )?;
    }
    match drift.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more"),
    }
}
