//! I1: budgets are there, are as small as they must be, and everybody is in theirs.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::{Charge, Effect, GroupId, Place, Recipe, StepIndex, Target, When};
use fleetwright_model::InstanceState;

use super::{Invariant, Violation, charges, disrupts, hosts, hosts_of, violated};
use crate::plan::notes::step;
use crate::plan::roll_out::{GroupKind, PlannedGroup};
use crate::plan::{Amount, PatchPlan, PlannedHost};

pub(super) fn check(plan: &PatchPlan, found: &mut Vec<Violation>) {
    for recipe in &plan.flow.recipes {
        check_recipe(recipe, found);
    }
    for (_, target, host) in hosts(plan) {
        let disrupting = disrupts(&plan.flow.recipes[target.recipe.index()]).is_some();
        if disrupting && target.groups.is_empty() {
            violated(found, Invariant::I1, &host.id, "counts against no budget at all");
        }
    }
    if plan.roll_out.groups.is_empty() {
        return;
    }
    if plan.roll_out.groups.len() != plan.flow.groups.len() {
        let what = format!("{} budgets, {} described", plan.flow.groups.len(), plan.roll_out.groups.len());
        return violated(found, Invariant::I1, "roll_out.groups", what);
    }
    check_names(plan, found);
    check_capacities(plan, found);
    for (_, target, host) in hosts(plan) {
        check_membership(plan, target, host, found);
    }
    for (index, _) in plan.flow.stages.iter().enumerate() {
        check_stage(plan, index, found);
    }
}

/// The place is taken before anybody notices, and given back by the last proof only.
fn check_recipe(recipe: &Recipe, found: &mut Vec<Violation>) {
    let Some(first) = disrupts(recipe) else { return };
    let mut wrong = |what: &str| violated(found, Invariant::I1, format!("recipe {}", recipe.name), what);
    match charges(recipe, Charge::Take).as_slice() {
        [take] if *take <= first => {}
        [_] => wrong("its place in the budgets is taken after it was disrupted"),
        [] => wrong("it takes no place in its budgets"),
        _ => wrong("it takes its place more than once"),
    }
    let last = recipe.steps.iter().rposition(|step| step.when == When::InTurn);
    // What was drained is proven by its return to service, behind the last proof of the host itself.
    let is_return = |release: usize| {
        let taken = charges(recipe, Charge::Take);
        let step = &recipe.steps[release];
        let puts_back =
            |of: &StepIndex| taken == [of.index()] && *recipe.steps[of.index()].name == *step::DRAIN;
        &*step.name == step::RETURN
            && matches!(&step.when, When::Finally { of } if puts_back(of))
            && last.is_some_and(|last| last < release)
    };
    match charges(recipe, Charge::Release).as_slice() {
        [release] if is_return(*release) => {}
        [release] if Some(*release) != last => wrong("its place is given back before the last proof"),
        [release] if recipe.steps[*release].effect == Effect::Changes && *release > first => {
            wrong("its place is given back by a step that proves nothing");
        }
        [_] => {}
        [] => wrong("it never gives its place back"),
        _ => wrong("it gives its place back more than once"),
    }
}

/// Two budgets of one name would share its members out.
fn check_names(plan: &PatchPlan, found: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for (group, described) in plan.flow.groups.iter().zip(&plan.roll_out.groups) {
        if !seen.insert((described.kind, &group.name)) {
            violated(found, Invariant::I1, &group.name, "there are two budgets of that name");
        }
    }
}

/// Room in a group, by the document's own figures.
fn room(budget: Amount, group: &PlannedGroup) -> u32 {
    let allowed = match budget {
        Amount::Count(count) => u64::from(count),
        Amount::Percent(percent) => u64::from(group.members) * u64::from(percent) / 100,
    };
    u32::try_from(allowed.max(1)).unwrap_or(u32::MAX).saturating_sub(group.down)
}

fn check_capacities(plan: &PatchPlan, found: &mut Vec<Violation>) {
    let mut planned: BTreeMap<GroupId, usize> = BTreeMap::new();
    for (_, target, _) in hosts(plan) {
        for group in &target.groups {
            *planned.entry(*group).or_default() += 1;
        }
    }
    for (index, (group, described)) in plan.flow.groups.iter().zip(&plan.roll_out.groups).enumerate() {
        if group.first.is_some_and(|first| first > group.capacity) {
            violated(found, Invariant::I1, &group.name, "begins with more than its budget");
        }
        let Some(budget) = plan.roll_out.budgets.of(described.kind) else { continue };
        let allowed = room(budget, described);
        if group.capacity > allowed {
            let what = format!(
                "{} at once, where {} members with {} down leave room for {allowed}",
                group.capacity, described.members, described.down
            );
            violated(found, Invariant::I1, &group.name, what);
        }
        let known = planned.get(&GroupId(index as u16)).copied().unwrap_or(0) + plan.left_out.len();
        if described.members as usize > known {
            let what = format!("{} members, where the plan knows of {known} hosts", described.members);
            violated(found, Invariant::I1, &group.name, what);
        }
    }
}

/// What a host belongs to by its own facts, named as budgets are.
fn belongs(host: &PlannedHost, place: &Place) -> Vec<(GroupKind, String)> {
    let mut groups = vec![(GroupKind::Zone, format!("{}/{}", place.zone, place.region))];
    if let Some(application) = &host.application {
        let suffix = host.environment.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        groups.push((GroupKind::Application, format!("{application}{suffix}")));
    }
    if let Some(zone) = &host.availability_zone {
        groups.push((GroupKind::AvailabilityZone, format!("{}/{zone}", place.account)));
    }
    if let Some(group) = &host.auto_scaling_group {
        let name = format!("{}/{}/{group}", place.account, place.region);
        groups.push((GroupKind::AutoScalingGroup, name));
    }
    groups.extend(host.target_groups.iter().map(|it| (GroupKind::TargetGroup, it.to_string())));
    groups
}

fn check_membership(plan: &PatchPlan, target: &Target, host: &PlannedHost, found: &mut Vec<Violation>) {
    let is_in = |kind: GroupKind, name: Option<&str>| {
        target.groups.iter().any(|id| {
            plan.roll_out.groups[id.index()].kind == kind
                && name.is_none_or(|name| *plan.flow.groups[id.index()].name == *name)
        })
    };
    if !is_in(GroupKind::Run, None) {
        violated(found, Invariant::I1, &host.id, "does not count against the run's budget");
    }
    for (kind, name) in belongs(host, &plan.flow.places[target.place.index()]) {
        let full = format!("{} {name}", kind.as_str());
        if plan.roll_out.budgets.of(kind).is_some() && !is_in(kind, Some(&full)) {
            violated(found, Invariant::I1, &host.id, format!("does not count against the budget of {full}"));
        }
    }
}

/// No stage may take all that serve at once. A host that nothing is done to that disrupts it goes on serving.
fn check_stage(plan: &PatchPlan, index: usize, found: &mut Vec<Violation>) {
    let mut taken: BTreeMap<GroupId, (u32, u32)> = BTreeMap::new();
    let stage = fleetwright_flow::StageId(index as u16);
    for (target, host) in hosts_of(plan, stage) {
        if disrupts(&plan.flow.recipes[target.recipe.index()]).is_none()
            || host.state != InstanceState::Running
        {
            continue;
        }
        let narrowest = target.groups.iter().map(|id| plan.flow.groups[id.index()].capacity).min();
        for group in &target.groups {
            let (members, limit) = taken.entry(*group).or_default();
            *members += 1;
            *limit = (*limit).max(narrowest.unwrap_or(u32::MAX));
        }
    }
    for (group, (members, limit)) in taken {
        let described = &plan.roll_out.groups[group.index()];
        let serves = matches!(
            described.kind,
            GroupKind::Application | GroupKind::AutoScalingGroup | GroupKind::TargetGroup
        );
        let available = described.members.saturating_sub(described.down);
        let name = &plan.flow.groups[group.index()].name;
        let bare = name.strip_prefix(described.kind.as_str()).map_or(&**name, str::trim_start);
        let waived = plan.roll_out.waivers.iter().any(|waiver| {
            (*waiver.group == **name || &*waiver.group == bare) && waiver.until > plan.flow.created_at
        });
        if serves && available >= 2 && members.min(limit) >= available && !waived {
            let stage = &plan.flow.stages[index].name;
            let what = format!("stage {stage} could take all {available} members in service at once");
            violated(found, Invariant::I1, name, what);
        }
    }
}
