//! What a plan says of one host, how two plans differ, and which rules a plan breaks, for people.

use std::fmt::{self, Write};

use fleetwright_model::{Text, code};
use fleetwright_patch::plan::checker::Violation;
use fleetwright_patch::plan::difference::{HostName, Pair};
use fleetwright_patch::plan::explain::PlannedExplanation;
use fleetwright_patch::plan::{Backup, Explanation, PlanDifference};
use serde_json::{Value, json};

use crate::plan_text::duration;
use crate::safe;
use crate::text::number;

/// Things of one kind are listed up to this many.
const LISTED_AT_MOST: usize = 50;

/// Writes why a host is where it is.
///
/// # Errors
/// What the writer says.
pub fn write_explanation(out: &mut impl Write, explanation: &Explanation<'_>) -> fmt::Result {
    match explanation {
        Explanation::Planned(planned) => write_planned(out, planned),
        Explanation::LeftOut(left) => {
            let name = name(left.id.as_str(), left.name.as_ref());
            writeln!(out, "{name} in {} {} is left out:", safe::line(left.zone.as_str()), left.region)?;
            left.reasons.iter().try_for_each(|reason| match code::find(reason) {
                Some(code) => {
                    writeln!(out, "  {reason} {}: {}\n    {}", code.title, code.meaning, code.next_step)
                }
                None => writeln!(out, "  {reason}"),
            })?;
            left.detail.iter().try_for_each(|detail| writeln!(out, "  {}", safe::line(detail)))
        }
    }
}

/// Why a host is where it is, for programs.
pub fn explanation_json(explanation: &Explanation<'_>) -> Value {
    let it = match explanation {
        Explanation::LeftOut(left) => return json!({ "left_out": left }),
        Explanation::Planned(it) => it,
    };
    let budgets = it.budgets.iter();
    let budgets =
        budgets.map(|it| json!({ "name": it.name, "capacity": it.capacity, "members": it.members }));
    let sets = it
        .sets
        .iter()
        .map(|set| json!({ "name": set.name, "mode": set.mode, "leads": set.leads, "waiver": set.waiver }));
    let window = it.window.as_ref().map(|window| {
        json!({
            "name": window.name,
            "first": window.first,
            "last_start": window.last_start,
            "reserve_seconds": window.reserve_seconds,
            "reserve": window.reserve,
            "prepared_from": window.prepared_from,
        })
    });
    json!({
        "id": it.host.id,
        "name": it.host.name,
        "place": it.place,
        "wave": it.wave,
        "canary": it.canary,
        "stage": it.stage.name,
        "turn": it.turn,
        "behind": it.behind,
        "recipe": it.recipe.name,
        "steps": it.recipe.steps.iter().map(|step| &step.name).collect::<Vec<_>>(),
        "backup": it.backup,
        "budgets": budgets.collect::<Vec<_>>(),
        "window": window,
        "after": it.after,
        "sets": sets.collect::<Vec<_>>(),
    })
}

/// A rule that a plan breaks, for programs.
pub fn violation_json(violation: &Violation) -> Value {
    json!({
        "invariant": format!("{:?}", violation.invariant),
        "rule": violation.invariant.to_string(),
        "place": violation.place,
        "what": violation.what,
    })
}

fn name(id: &str, name: Option<&Text>) -> String {
    match name {
        Some(name) => format!("{id} ({})", safe::line(name)),
        None => id.to_owned(),
    }
}

fn write_planned(out: &mut impl Write, it: &PlannedExplanation<'_>) -> fmt::Result {
    let place = it.place;
    let name = name(it.host.id.as_str(), it.host.name.as_ref());
    writeln!(out, "{name} in {} {} is worked on:", safe::line(place.zone.as_str()), place.region)?;
    if let Some(wave) = it.wave {
        let canary = if it.canary { ", chosen as canary" } else { "" };
        writeln!(out, "  wave: {}{canary}", safe::line(wave))?;
    }
    let all = it.stage.targets.end - it.stage.targets.start;
    writeln!(out, "  stage: {}, number {} of {all}", safe::line(&it.stage.name), it.turn)?;
    if !it.behind.is_empty() {
        let names: Vec<_> = it.behind.iter().map(|name| safe::line(name)).collect();
        writeln!(out, "  begins when these are over: {}", names.join(", "))?;
    }
    let steps: Vec<&str> = it.recipe.steps.iter().map(|step| &*step.name).collect();
    writeln!(out, "  steps ({}): {}", safe::line(&it.recipe.name), steps.join(" → "))?;
    let backup = match it.backup {
        Backup::Make => "an image is made".to_owned(),
        Backup::Existing { image } => format!("image {}", safe::line(image)),
        Backup::None { code } => {
            let title = code::find(code).map_or("", |code| code.title);
            format!("none: {code} {title}")
        }
    };
    writeln!(out, "  way back: {backup}")?;
    for budget in &it.budgets {
        let of = budget.members.map_or(String::new(), |members| format!(" of {members}"));
        let name = safe::line(budget.name);
        writeln!(out, "  counts against {name}: {}{of} out of service at once", budget.capacity)?;
    }
    write_order(out, it)?;
    write_window(out, it)
}

fn write_order(out: &mut impl Write, it: &PlannedExplanation<'_>) -> fmt::Result {
    for set in &it.sets {
        let leads = if set.leads { ", goes last" } else { "" };
        write!(out, "  belongs to {} ({}){leads}", safe::line(set.name), set.mode.as_str())?;
        match set.waiver {
            Some(waiver) => {
                writeln!(out, "; waived until {}: {}", waiver.until, safe::line(&waiver.reason))?;
            }
            None => writeln!(out)?,
        }
    }
    if it.after.is_empty() {
        return Ok(());
    }
    let listed: Vec<&str> = it.after.iter().take(LISTED_AT_MOST).map(|id| id.as_str()).collect();
    write!(out, "  waits for {}", listed.join(", "))?;
    match it.after.len().saturating_sub(LISTED_AT_MOST) {
        0 => writeln!(out),
        more => writeln!(out, " and {more} more"),
    }
}

fn write_window(out: &mut impl Write, it: &PlannedExplanation<'_>) -> fmt::Result {
    let Some(window) = &it.window else { return writeln!(out, "  window: none, at any time") };
    write!(out, "  window: {}", safe::line(window.name))?;
    if let (Some(span), Some(last)) = (window.first, window.last_start) {
        write!(out, ", first {} to {}; begun by {last} or not in it", span.from, span.until)?;
    }
    writeln!(out, "; {} must be left", duration(window.reserve_seconds.into()))?;
    if let Some(reserve) = window.reserve {
        writeln!(out, "  reserve: {}", reserve.told())?;
    }
    match window.prepared_from {
        Some(from) => writeln!(out, "  prepared (image, checks) from {from} on"),
        None => Ok(()),
    }
}

/// Writes how a plan differs from an earlier one.
///
/// # Errors
/// What the writer says.
pub fn write_difference(out: &mut impl Write, difference: &PlanDifference) -> fmt::Result {
    if difference.is_empty() {
        return writeln!(out, "The plans work on the same hosts in the same way.");
    }
    let host = |host: &HostName| name(host.id.as_str(), host.name.as_ref());
    if let Some(pair) = &difference.waves {
        writeln!(out, "waves: {}", change(pair))?;
    }
    listed(out, "added", &difference.added, |out, it| writeln!(out, "  + {}", host(it)))?;
    listed(out, "removed", &difference.removed, |out, it| {
        let reasons: Vec<&str> = it.reasons.iter().map(|reason| &**reason).collect();
        let why =
            if reasons.is_empty() { "not in the fleet any more".to_owned() } else { reasons.join(", ") };
        writeln!(out, "  - {}: {why}", host(&it.host))
    })?;
    listed(out, "changed", &difference.changed, |out, it| {
        writeln!(out, "  ~ {}", host(&it.host))?;
        it.changes
            .iter()
            .try_for_each(|it| writeln!(out, "      {}: {}", safe::line(&it.what), change(&it.values)))
    })?;
    listed(out, "budgets", &difference.budgets, |out, it| {
        let room = |room: Option<u32>| room.map_or("none".to_owned(), |room| room.to_string());
        writeln!(out, "  {}: {} → {}", safe::line(&it.name), room(it.before), room(it.after))
    })?;
    listed(out, "settings", &difference.settings, |out, it| {
        writeln!(out, "  {}: {}", safe::line(&it.what), change(&it.values))
    })
}

fn change(pair: &Pair) -> String {
    let shown = |text: &Text| if text.is_empty() { "–".to_owned() } else { safe::line(text).into_owned() };
    format!("{} → {}", shown(&pair.before), shown(&pair.after))
}

fn listed<W: Write, T>(
    out: &mut W,
    title: &str,
    items: &[T],
    mut write: impl FnMut(&mut W, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title} ({}):", items.len())?;
    items.iter().take(LISTED_AT_MOST).try_for_each(|item| write(out, item))?;
    match items.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more"),
    }
}

/// Writes the rules a plan breaks.
///
/// # Errors
/// What the writer says.
pub fn write_violations(out: &mut impl Write, violations: &[Violation]) -> fmt::Result {
    if violations.is_empty() {
        return writeln!(out, "The plan keeps every rule that can be checked from it.");
    }
    writeln!(out, "The plan breaks {}:", number(violations.len(), "rule"))?;
    violations
        .iter()
        .take(LISTED_AT_MOST)
        .try_for_each(|violation| writeln!(out, "  {}", safe::line(&violation.to_string())))?;
    match violations.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more"),
    }
}
