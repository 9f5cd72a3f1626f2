//! I3 and I4: quorums, leaders, order of sets, singletons.

use std::collections::BTreeSet;

use fleetwright_flow::TargetId;

use super::{Invariant, Violation, violated};
use crate::plan::PatchPlan;
use crate::plan::roll_out::{GroupKind, OrderMode, PlannedSet};

pub(super) fn check(plan: &PatchPlan, found: &mut Vec<Violation>) {
    for set in &plan.roll_out.sets {
        if set.members.iter().chain(&set.leaders).any(|id| id.index() >= plan.flow.targets.len()) {
            violated(found, Invariant::I3, format!("set {}", set.name), "has members the plan does not have");
            continue;
        }
        check_budget(plan, set, found);
        check_leaders(plan, set, found);
        check_predecessors(plan, set, found);
    }
}

/// Members that may be down at once beside those that are already.
fn spare(plan: &PatchPlan, set: &PlannedSet) -> Option<u32> {
    let allowed = match set.mode {
        OrderMode::Together => return None,
        OrderMode::OneAtATime => 1,
        OrderMode::Quorum => (set.size.max(1) - 1) / 2,
        OrderMode::Singleton => 0,
    };
    let down = set.group.and_then(|id| plan.roll_out.groups.get(id.index())).map_or(0, |group| group.down);
    Some(allowed.saturating_sub(down))
}

fn check_budget(plan: &PatchPlan, set: &PlannedSet, found: &mut Vec<Violation>) {
    let Some(spare) = spare(plan, set) else { return };
    let invariant = if set.mode == OrderMode::Singleton { Invariant::I4 } else { Invariant::I3 };
    let mut wrong = |what: String| violated(found, invariant, format!("set {}", set.name), what);
    if (set.size as usize) < set.members.len() {
        wrong(format!("{} members, of which {} are worked on", set.size, set.members.len()));
    }
    let Some(group) = set.group else { return wrong("has no budget".to_owned()) };
    let described = plan.roll_out.groups.get(group.index());
    if described.is_none_or(|it| it.kind != GroupKind::Set || it.members != set.size) {
        wrong("its budget is that of something else".to_owned());
    }
    let capacity = plan.flow.groups.get(group.index()).map_or(0, |group| group.capacity);
    if spare == 0 {
        let waived = set.waiver.as_ref().is_some_and(|waiver| {
            waiver.until > plan.flow.created_at
                && !waiver.reason.trim().is_empty()
                && is_called(set, &waiver.group)
        });
        if !waived {
            wrong("nobody can take over, and no waiver holds".to_owned());
        }
        check_waived(plan, set, &mut wrong);
    }
    if capacity > spare.max(1) {
        wrong(format!("{capacity} of {} may be down at once, at most {}", set.size, spare.max(1)));
    }
    for member in &set.members {
        if !plan.flow.target(*member).groups.contains(&group) {
            wrong(format!("{} does not count against it", plan.flow.target(*member).subject));
        }
    }
}

/// Who is touched on a waiver alone is not begun once it has expired. The first plans of format 1.1 have
/// no window that ends with a waiver, and say nothing of it.
fn check_waived(plan: &PatchPlan, set: &PlannedSet, wrong: &mut impl FnMut(String)) {
    let until = set.waiver.as_ref().map(|waiver| waiver.until);
    if !plan.flow.windows.iter().any(|window| window.over.is_some()) {
        return;
    }
    for member in &set.members {
        let target = plan.flow.target(*member);
        let window = target.window.and_then(|window| plan.flow.windows.get(window.index()));
        let last = window.and_then(|window| window.open.last()).map(|span| span.until);
        if window.is_none() || last > until {
            wrong(format!("{} may be begun when the waiver has expired", target.subject));
        }
    }
}

/// Whether it is that set, or one of those it was cut into.
fn is_called(set: &PlannedSet, name: &str) -> bool {
    *set.name == *name || set.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

fn waits_for(plan: &PatchPlan, target: TargetId) -> BTreeSet<TargetId> {
    plan.flow.target(target).after.iter().copied().collect()
}

/// A leader goes after every other member; several go one after another.
fn check_leaders(plan: &PatchPlan, set: &PlannedSet, found: &mut Vec<Violation>) {
    for (index, leader) in set.leaders.iter().enumerate() {
        let before = waits_for(plan, *leader);
        let followers = set.members.iter().filter(|member| !set.leaders.contains(member));
        let missing = followers.chain(&set.leaders[..index]).find(|member| !before.contains(member));
        if let Some(missing) = missing {
            let what = format!(
                "the leader {} does not wait for {}",
                plan.flow.target(*leader).subject,
                plan.flow.target(*missing).subject
            );
            violated(found, Invariant::I3, format!("set {}", set.name), what);
        }
    }
}

/// Members wait for every member of the sets that come before.
fn check_predecessors(plan: &PatchPlan, set: &PlannedSet, found: &mut Vec<Violation>) {
    let is_before = |other: &&PlannedSet| set.after.iter().any(|after| is_called(other, after));
    for before in plan.roll_out.sets.iter().filter(is_before) {
        for member in &set.members {
            let known = waits_for(plan, *member);
            if let Some(missing) = before.members.iter().find(|it| *it != member && !known.contains(it)) {
                let what = format!(
                    "{} does not wait for {} of {}",
                    plan.flow.target(*member).subject,
                    plan.flow.target(*missing).subject,
                    before.name
                );
                violated(found, Invariant::I3, format!("set {}", set.name), what);
            }
        }
    }
}
