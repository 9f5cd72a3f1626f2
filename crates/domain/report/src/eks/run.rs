//! A run of upgrades, for a terminal, for machines and for a ticket.

use std::fmt::{self, Write};

use fleetwright_eks::run::outcome::{ClusterOutcome, HeldPool, StepOutcome, StepStanding};
use fleetwright_eks::run::{Purpose, UpgradeRun};
use fleetwright_flow::{Condition, Run, StageId};
use fleetwright_model::{Code, Exit};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::commands;
use super::plan::conditions;
use crate::plan_text::duration;
use crate::safe;
use crate::text::time;

pub use super::run_html::html;
pub use super::run_junit::junit;

/// A run that is told about.
pub struct ToldRun<'a> {
    /// Its name.
    pub run: &'a str,
    /// The digest of its document.
    pub digest: &'a str,
    /// What it does.
    pub plan: &'a UpgradeRun,
    /// Where it stands.
    pub state: &'a Run,
    /// What became of its clusters.
    pub clusters: &'a [ClusterOutcome],
    /// Why its command does not end with success.
    pub why: Option<&'static Code>,
    /// Now.
    pub now: Timestamp,
}

impl ToldRun<'_> {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.why.and_then(|code| code.exit).unwrap_or(Exit::Success)
    }

    /// The stage whose gate waits, and what is decided there.
    pub(super) fn gate(&self) -> Option<(StageId, &[String])> {
        match self.state.condition() {
            Condition::AtGate(stage) => Some((stage, self.plan.asked_at(stage))),
            _ => None,
        }
    }

    /// What must hold while a cluster is upgraded, by its number, a line each. Untrusted texts are in them as they are.
    pub(super) fn conditions(&self, number: usize) -> Vec<String> {
        self.plan.clusters.get(number).map(|cluster| conditions(&cluster.plan)).unwrap_or_default()
    }

    /// Pools that a cluster was left with held, by its number: what is so, and the command that lets go where there is one.
    /// Untrusted names are in them as they are.
    pub(super) fn held_pools(&self, number: usize) -> Vec<(String, Option<String>)> {
        let pools = self.clusters.get(number).map(|it| it.held_pools.as_slice()).unwrap_or_default();
        let plan = self.plan.clusters.get(number).map(|cluster| &cluster.plan);
        let told = pools.iter().map(|HeldPool { pool, certain }| {
            let stands = if *certain { "still stands" } else { "may still stand" };
            let what = format!(
                "node pool {pool}: our budget {stands} in front of its own and lets no node drift, until the next \
                 upgrade has replaced the nodes or somebody takes it away"
            );
            (what, plan.and_then(|plan| commands::release(plan, pool)))
        });
        told.collect()
    }
}

/// As text.
pub fn text(told: &ToldRun<'_>) -> String {
    let mut text = String::new();
    write(&mut text, told).expect("writing to a string");
    text
}

fn write(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    match told.why {
        None => writeln!(out, "{}: done", told.run)?,
        Some(why) => writeln!(out, "{}: {} {}. {}", told.run, why.id, why.title, why.next_step)?,
    }
    if let Purpose::WayBack { of, hop } = &told.plan.purpose {
        writeln!(out, "  takes {hop} of {} back", safe::line(of))?;
    }
    for (number, cluster) in told.clusters.iter().enumerate() {
        write_cluster(out, cluster, &told.conditions(number), told.now)?;
        for (what, command) in told.held_pools(number) {
            writeln!(out, "  left held: {}", safe::line(&what))?;
            command.iter().try_for_each(|command| writeln!(out, "    {}", safe::line(command)))?;
        }
    }
    if let Some((stage, about)) = told.gate() {
        let name = &told.plan.flow.stages[stage.index()].name;
        writeln!(out, "\nTo be decided: {}", safe::line(name))?;
        about.iter().try_for_each(|line| writeln!(out, "  - {}", safe::line(line)))?;
        writeln!(out, "  fleetwright approve {} or fleetwright reject {}", told.run, told.run)?;
    }
    writeln!(out, "\nDigest {}", told.digest)
}

fn write_cluster(
    out: &mut String,
    cluster: &ClusterOutcome,
    conditions: &[String],
    now: Timestamp,
) -> fmt::Result {
    let ring = match cluster.ring.is_empty() {
        true => String::new(),
        false => format!(", ring {}", safe::line(&cluster.ring)),
    };
    writeln!(
        out,
        "\nCluster {} in {} (account {}{ring}): {}, {} → {}, control plane at {}",
        safe::line(&cluster.name),
        cluster.region,
        cluster.account,
        cluster.standing.told(),
        cluster.from,
        cluster.target,
        cluster.reached
    )?;
    conditions.iter().try_for_each(|it| writeln!(out, "  must hold: {}", safe::line(it)))?;
    for step in &cluster.steps {
        write_step(out, step, now)?;
    }
    match &cluster.way_back {
        None => Ok(()),
        Some(back) => {
            let closed = back.closed_by.as_ref().map(|id| format!(", or until {} begins", safe::line(id)));
            let closed = closed.unwrap_or_default();
            writeln!(out, "  way back over {}: open until {}{closed}", back.hop, time(back.until))
        }
    }
}

fn write_step(out: &mut String, step: &StepOutcome, now: Timestamp) -> fmt::Result {
    let took = match (step.started_at, step.ended_at) {
        (Some(from), until) => {
            let seconds = until.unwrap_or(now).duration_since(from).as_secs();
            format!(" {}", duration(u64::try_from(seconds).unwrap_or_default()))
        }
        (None, _) => String::new(),
    };
    writeln!(
        out,
        "  {:<10}{took:>9}  {}: {}",
        step.standing.told(),
        safe::line(&step.id),
        safe::line(&step.what)
    )?;
    let (Some(code), true) = (&step.code, step.standing != StepStanding::Done) else { return Ok(()) };
    let words = step.message.as_deref().unwrap_or_default();
    writeln!(out, "              {code} {}", safe::line(words))
}

/// As JSON.
pub fn json(told: &ToldRun<'_>) -> Value {
    let (purpose, of) = match &told.plan.purpose {
        Purpose::Upgrade => ("upgrade", None),
        Purpose::WayBack { of, .. } => ("way-back", Some(of)),
    };
    let gate = told
        .gate()
        .map(|(stage, about)| json!({ "stage": told.plan.flow.stages[stage.index()].name, "about": about }));
    json!({
        "run_id": told.run,
        "plan": told.digest,
        "purpose": purpose,
        "of": of,
        "condition": told.state.condition(),
        "exit": told.exit() as u8,
        "code": told.why.map(|code| code.id),
        "gate": gate,
        "clusters": told.clusters,
    })
}

/// As Markdown.
pub fn markdown(told: &ToldRun<'_>) -> String {
    let mut text = String::new();
    write_markdown(&mut text, told).expect("writing to a string");
    text
}

fn write_markdown(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    writeln!(out, "# Upgrade {}\n", safe::code_span(told.run))?;
    match told.why {
        None => writeln!(out, "Done. Digest {}.", safe::code_span(told.digest))?,
        Some(why) => {
            writeln!(
                out,
                "{} {}: {}\n\nDigest {}.",
                why.id,
                why.title,
                why.next_step,
                safe::code_span(told.digest)
            )?;
        }
    }
    for (number, cluster) in told.clusters.iter().enumerate() {
        writeln!(
            out,
            "\n## {} ({}, {}): {}\n\n{} → {}; the control plane is at {}.\n",
            safe::markdown(&cluster.name),
            cluster.account,
            cluster.region,
            cluster.standing.told(),
            cluster.from,
            cluster.target,
            cluster.reached
        )?;
        let conditions = told.conditions(number);
        conditions.iter().try_for_each(|it| writeln!(out, "- Must hold: {}", safe::code_span(it)))?;
        if !conditions.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "| Step | | Began | Ended | Update | |\n|---|---|---|---|---|---|")?;
        for step in &cluster.steps {
            let at = |moment: Option<Timestamp>| moment.map(time).unwrap_or_default();
            let code = step.code.as_deref().unwrap_or_default();
            let words = step.message.as_deref().unwrap_or_default();
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} {} |",
                safe::markdown(&step.what),
                step.standing.told(),
                at(step.started_at),
                at(step.ended_at),
                safe::markdown(step.update.as_deref().unwrap_or_default()),
                code,
                safe::markdown(words)
            )?;
        }
        if let Some(back) = &cluster.way_back {
            writeln!(out, "\nThe way back over {} is open until {}.", back.hop, time(back.until))?;
        }
        for (what, command) in told.held_pools(number) {
            let command = command.map(|it| format!(": {}", safe::code_span(&it))).unwrap_or_default();
            writeln!(out, "\nLeft held: {}{command}", safe::markdown(&what))?;
        }
    }
    Ok(())
}
