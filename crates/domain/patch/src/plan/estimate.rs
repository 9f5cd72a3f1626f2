//! What a plan will take: time, calls, storage. Estimates, and said to be such.

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::Text;

use super::notes::step;
use super::{Backup, Estimate, PatchPlan, RollbackWay, Work};

/// US dollars for keeping one GiB of snapshots for a month.
/// Source: Amazon EBS pricing, snapshots, standard tier, us-east-1. Other regions differ by some
/// tens of percent, and AWS bills changed blocks only, so the figure is an upper bound.
const USD_PER_GIB_MONTH: f64 = 0.05;

/// Images that may be begun per second in one region of an account.
/// Source: EC2 developer guide, request throttling, default for mutating actions.
const IMAGES_PER_SECOND: u64 = 5;

/// Hosts one SendCommand takes.
const COMMAND_BATCH: u64 = 50;

/// Estimates a plan.
pub fn of(plan: &PatchPlan) -> Estimate {
    let mut estimate = Estimate { seconds: seconds(plan), calls: calls(plan), ..Estimate::default() };
    for host in plan.work.iter().filter_map(Work::host).filter(|host| host.backup == Backup::Make) {
        match host.storage_gib {
            Some(gib) => estimate.backup_gib += gib,
            None => estimate.backup_unknown_hosts += 1,
        }
    }
    estimate.backup_usd_per_month = (estimate.backup_gib as f64 * USD_PER_GIB_MONTH * 100.0).round() / 100.0;
    estimate
}

/// Targets of each place at each step.
fn loads<'a>(
    plan: &PatchPlan,
    targets: impl IntoIterator<Item = &'a flow::Target>,
) -> BTreeMap<(flow::PlaceId, Text), Load> {
    let mut loads: BTreeMap<(flow::PlaceId, Text), Load> = BTreeMap::new();
    for target in targets {
        for step in &plan.flow.recipes[target.recipe.index()].steps {
            let load = loads.entry((target.place, step.name.clone())).or_default();
            load.targets += 1;
            load.at_once = step.max_in_flight.map(u64::from);
            load.each_seconds = load.each_seconds.max(u64::from(step.expected_seconds));
        }
    }
    loads
}

#[derive(Default)]
struct Load {
    targets: u64,
    at_once: Option<u64>,
    each_seconds: u64,
}

impl Load {
    /// How long this step keeps its place busy.
    fn seconds(&self, name: &str) -> u64 {
        let rounds = self.at_once.map_or(1, |at_once| self.targets.div_ceil(at_once.max(1)));
        let rate = if name == step::BACKUP { self.targets / IMAGES_PER_SECOND } else { 0 };
        (rounds * self.each_seconds).max(rate + self.each_seconds)
    }
}

/// Gives preparations time enough: twice what those of the largest stage take, and a quarter of an hour,
/// where that is longer than the lead that was asked for.
pub(super) fn lead(plan: &mut PatchPlan) {
    let least = plan.flow.stages.iter().map(|stage| ahead_seconds(plan, stage) * 2 + 900).max();
    let least = u32::try_from(least.unwrap_or(0)).unwrap_or(u32::MAX);
    for recipe in plan.flow.recipes.iter_mut().filter(|recipe| recipe.lead_seconds > 0) {
        recipe.lead_seconds = recipe.lead_seconds.max(least);
    }
}

/// How long the slowest place of a stage takes for what keeps to the lead.
fn ahead_seconds(plan: &PatchPlan, stage: &flow::Stage) -> u64 {
    let targets = &plan.flow.targets[stage.targets.start as usize..stage.targets.end as usize];
    let is_led = |name: &str| {
        plan.flow.recipes.iter().any(|recipe| {
            let position = recipe.steps.iter().position(|step| &*step.name == name);
            position.and_then(|at| u8::try_from(at).ok()).is_some_and(|at| recipe.is_led(flow::StepIndex(at)))
        })
    };
    let mut places: BTreeMap<flow::PlaceId, u64> = BTreeMap::new();
    for ((place, name), load) in &loads(plan, targets) {
        *places.entry(*place).or_default() += if is_led(name) { load.seconds(name) } else { 0 };
    }
    places.into_values().max().unwrap_or(0)
}

/// Stages one after another.
fn seconds(plan: &PatchPlan) -> u64 {
    plan.flow.stages.iter().map(|stage| stage_seconds(plan, stage)).sum()
}

/// The slowest place's steps one after another, or the disruption budget, whichever takes longer.
fn stage_seconds(plan: &PatchPlan, stage: &flow::Stage) -> u64 {
    let targets = &plan.flow.targets[stage.targets.start as usize..stage.targets.end as usize];
    let loads = loads(plan, targets);
    let mut places: BTreeMap<flow::PlaceId, (u64, u64)> = BTreeMap::new();
    for ((place, name), load) in &loads {
        let (ahead, held) = places.entry(*place).or_default();
        if is_held(plan, name) {
            *held += load.seconds(name);
        } else {
            *ahead += load.seconds(name);
        }
    }
    let (ahead, held) = places.values().fold((0, 0), |(ahead, held), (a, h)| (ahead.max(*a), held.max(*h)));
    ahead + held.max(budget_seconds(plan, targets))
}

/// The steps between taking the budget and giving it back.
fn held_steps(recipe: &flow::Recipe) -> &[flow::Step] {
    let from = recipe.steps.iter().position(|step| step.charge == flow::Charge::Take);
    let until = recipe.steps.iter().position(|step| step.charge == flow::Charge::Release);
    match (from, until) {
        (Some(from), Some(until)) if from <= until => &recipe.steps[from..=until],
        _ => &[],
    }
}

fn is_held(plan: &PatchPlan, name: &str) -> bool {
    plan.flow.recipes.iter().any(|recipe| held_steps(recipe).iter().any(|step| &*step.name == name))
}

/// How long the hosts take that must go through each budget in turn.
fn budget_seconds(plan: &PatchPlan, targets: &[flow::Target]) -> u64 {
    let mut groups: BTreeMap<flow::GroupId, (u64, u64)> = BTreeMap::new();
    for target in targets {
        let held = held_steps(&plan.flow.recipes[target.recipe.index()]);
        let seconds: u64 = held.iter().map(|step| u64::from(step.expected_seconds)).sum();
        for group in &target.groups {
            let (members, longest) = groups.entry(*group).or_default();
            *members += u64::from(!held.is_empty());
            *longest = seconds.max(*longest);
        }
    }
    let rounds = |(group, (members, longest)): (&flow::GroupId, &(u64, u64))| {
        members.div_ceil(u64::from(plan.flow.groups[group.index()].capacity.max(1))) * longest
    };
    groups.iter().map(rounds).max().unwrap_or(0)
}

/// Calls of every step, polling left out.
fn calls(plan: &PatchPlan) -> BTreeMap<Text, u64> {
    let mut calls: BTreeMap<Text, u64> = BTreeMap::new();
    let mut add = |name: &str, count: u64| {
        if count > 0 {
            *calls.entry(name.into()).or_default() += count;
        }
    };
    // The first group is of the whole run.
    let budget = plan.flow.groups.first().map_or(COMMAND_BATCH, |group| u64::from(group.capacity));
    for ((_, name), load) in &loads(plan, &plan.flow.targets) {
        let n = load.targets;
        let together = match is_held(plan, name) {
            true => COMMAND_BATCH.min(budget).min(load.at_once.unwrap_or(COMMAND_BATCH)).max(1),
            false => COMMAND_BATCH,
        };
        let batches = n.div_ceil(together);
        match &**name {
            step::BACKUP => {
                add("ec2:CreateImage", n);
                add("ec2:DescribeImages", n.div_ceil(1000));
                add("ec2:DescribeSnapshots", n.div_ceil(1000));
            }
            step::START => add("ec2:StartInstances", batches),
            step::STOP_AGAIN => add("ec2:StopInstances", batches),
            step::DRAIN => add("elasticloadbalancing:DeregisterTargets", batches),
            step::RETURN => add("elasticloadbalancing:RegisterTargets", batches),
            step::PRECHECK | step::PATCH | step::REBOOT | step::VALIDATE => {
                add("ssm:SendCommand", batches);
                add("ssm:ListCommandInvocations", batches);
            }
            step::VERIFY => {
                add("ssm:SendCommand", batches);
                add("ssm:DescribeInstancePatchStates", batches);
            }
            step::RESTORE if plan.policy.rollback.way == RollbackWay::ReplaceRoot => {
                add("ec2:CreateReplaceRootVolumeTask", n);
            }
            step::RESTORE => add("ec2:RunInstances", n),
            _ => {}
        }
    }
    calls
}
