//! Wrong plans: each is refused, by the rule it breaks.

use fleetwright_flow::{Charge, Span, StageId, TargetId};
use fleetwright_patch::plan::checker::{Invariant, check};
use fleetwright_patch::plan::roll_out::{Budgets, RollOut, Waiver, ZoneByZone};
use fleetwright_patch::plan::{Amount, Backup, PatchPlan, PlanRequest, Windows, Work};
use fleetwright_testkit::sample;

use crate::samples::{fleet, inventory, make, request, tag};

/// A plan with everything that has rules: a canary, two zones one after another, budgets, a window, a
/// quorum with a leader, a singleton with a waiver.
pub(crate) fn rich() -> PatchPlan {
    let hosts = fleet(1..=14, |number, it| {
        it.instance.availability_zone =
            Some(if number % 2 == 0 { "eu-central-1b" } else { "eu-central-1a" }.into());
        match number {
            1..=5 => {
                let role = if number == 5 { "leader" } else { "member" };
                tag(it, &[("Group", "quorum:etcd"), ("Role", role)]);
            }
            6 => tag(it, &[("Group", "singleton:ledger")]),
            7..=10 => tag(it, &[("Application", "shop")]),
            _ => tag(it, &[("Window", "night")]),
        }
    });
    let at = |hours| sample::now() + jiff::SignedDuration::from_hours(hours);
    let night = Span { from: at(1), until: at(9) };
    let roll_out = RollOut {
        canary: 1,
        bake_seconds: 600,
        zone_by_zone: ZoneByZone::AvailabilityZone,
        budgets: Budgets { application: Some(Amount::Percent(50)), ..Budgets::default() },
        ramp: Some(1),
        waivers: vec![Waiver { group: "ledger".into(), until: at(24), reason: "agreed".into() }],
        ..RollOut::default()
    };
    let windows = Windows { spans: [("night".into(), vec![night])].into(), ..Windows::default() };
    make(&inventory(hosts), &PlanRequest { roll_out, windows, ..request() })
}

/// The rules that are broken.
fn broken(change: impl FnOnce(&mut PatchPlan)) -> Vec<Invariant> {
    let mut plan = rich();
    change(&mut plan);
    let mut rules: Vec<Invariant> = check(&plan).into_iter().map(|violation| violation.invariant).collect();
    rules.dedup();
    rules
}

fn group(plan: &PatchPlan, name: &str) -> usize {
    plan.flow.groups.iter().position(|group| &*group.name == name).expect("a budget of that name")
}

fn gate(plan: &PatchPlan) -> usize {
    plan.work.iter().position(|work| matches!(work, Work::Gate(_))).expect("a gate")
}

fn set(plan: &PatchPlan, name: &str) -> usize {
    plan.roll_out.sets.iter().position(|set| &*set.name == name).expect("a set of that name")
}

/// The place of the recipe of targets with a window.
fn windowed(plan: &PatchPlan) -> usize {
    plan.flow.targets.iter().find(|target| target.window.is_some()).expect("one in a window").recipe.index()
}

#[test]
fn a_good_plan_breaks_nothing() {
    assert_eq!(broken(|_| {}), []);
}

#[test]
fn too_large_or_missing_budgets_break_i1() {
    use Invariant::I1;
    assert_eq!(
        broken(|plan| {
            let it = group(plan, "application shop");
            plan.flow.groups[it].capacity = 3;
        }),
        [I1]
    );
    assert_eq!(
        broken(|plan| {
            let it = group(plan, "application shop");
            for target in &mut plan.flow.targets {
                target.groups.retain(|group| group.index() != it);
            }
        }),
        [I1],
        "members that do not count"
    );
    assert_eq!(broken(|plan| plan.flow.targets[0].groups.clear())[0], I1);
    assert_eq!(
        broken(|plan| {
            let it = group(plan, "application shop");
            plan.roll_out.groups[it].members = 400;
        }),
        [I1]
    );
    assert_eq!(broken(|plan| plan.flow.groups[0].first = Some(99)), [I1]);
    assert_eq!(
        broken(|plan| {
            let it = group(plan, "application shop");
            plan.roll_out.groups[it].down = 1;
        }),
        [I1],
        "somebody is down already"
    );
}

#[test]
fn a_place_taken_late_or_given_back_early_breaks_i1() {
    use Invariant::I1;
    let position = |plan: &PatchPlan, name: &str| {
        plan.flow.recipes[0].steps.iter().position(|step| &*step.name == name).expect("a step")
    };
    let swap = |from: &'static str, to: &'static str, charge: Charge| {
        broken(move |plan| {
            let (from, to) = (position(plan, from), position(plan, to));
            plan.flow.recipes[0].steps[from].charge = Charge::None;
            plan.flow.recipes[0].steps[to].charge = charge;
        })
    };
    assert_eq!(swap("patch", "verify", Charge::Take), [I1]);
    assert_eq!(swap("validate", "reboot", Charge::Release), [I1]);
    assert_eq!(
        broken(|plan| {
            let it = position(plan, "validate");
            plan.flow.recipes[0].steps[it].charge = Charge::None;
        }),
        [I1]
    );
}

#[test]
fn two_zones_in_one_stage_break_i2() {
    assert_eq!(
        broken(|plan| {
            let last = plan.roll_out.waves[1].stages[0];
            let index = plan.flow.stages[last.index()].targets.start as usize;
            if let Work::Host(host) = &mut plan.work[index] {
                host.availability_zone = Some("eu-central-1c".into());
            }
        }),
        [Invariant::I2]
    );
}

#[test]
fn a_quorum_without_majority_or_a_leader_that_does_not_wait_breaks_i3() {
    use Invariant::I3;
    assert_eq!(
        broken(|plan| {
            let it = group(plan, "set etcd");
            plan.flow.groups[it].capacity = 3;
        }),
        [I3]
    );
    assert_eq!(
        broken(|plan| {
            let it = set(plan, "etcd");
            let leader = plan.roll_out.sets[it].leaders[0];
            plan.flow.targets[leader.index()].after.pop();
        }),
        [I3]
    );
    assert_eq!(
        broken(|plan| {
            let it = set(plan, "etcd");
            plan.roll_out.sets[it].group = None;
        }),
        [I3]
    );
    assert_eq!(
        broken(|plan| {
            let it = set(plan, "etcd");
            plan.roll_out.sets[it].after = vec!["ledger".into()];
        }),
        [I3]
    );
    assert_eq!(
        broken(|plan| {
            let it = set(plan, "etcd");
            plan.roll_out.sets[it].members.push(TargetId(9999));
        }),
        [I3]
    );
}

#[test]
fn a_singleton_without_a_waiver_that_holds_breaks_i4() {
    let waiver = |change: fn(&mut Waiver)| {
        broken(move |plan| {
            let it = set(plan, "ledger");
            change(plan.roll_out.sets[it].waiver.as_mut().expect("a waiver"));
        })
    };
    assert_eq!(waiver(|it| it.until = sample::now()), [Invariant::I4]);
    assert_eq!(waiver(|it| it.until -= jiff::SignedDuration::from_hours(1)), [Invariant::I4]);
    assert_eq!(
        broken(|plan| {
            let member = plan.roll_out.sets[set(plan, "ledger")].members[0];
            plan.flow.targets[member.index()].window = None;
        }),
        [Invariant::I4],
        "it could be begun after the waiver"
    );
    assert_eq!(waiver(|it| it.reason = " ".into()), [Invariant::I4]);
    assert_eq!(waiver(|it| it.group = "other".into()), [Invariant::I4]);
    assert_eq!(
        broken(|plan| {
            let it = set(plan, "ledger");
            plan.roll_out.sets[it].waiver = None;
        }),
        [Invariant::I4]
    );
}

#[test]
fn patching_without_a_proven_image_breaks_i7() {
    assert_eq!(
        broken(|plan| {
            for recipe in &mut plan.flow.recipes {
                recipe.steps.retain(|step| &*step.name != "backup");
            }
        }),
        [Invariant::I7]
    );
    assert_eq!(
        broken(|plan| {
            if let Work::Host(host) = &mut plan.work[0] {
                host.backup = Backup::None { code: "because".into() };
            }
        }),
        [Invariant::I7]
    );
}

#[test]
fn a_change_outside_the_window_breaks_i11() {
    use Invariant::I11;
    assert_eq!(
        broken(|plan| {
            let it = windowed(plan);
            plan.flow.recipes[it].steps[2].in_window = false;
        }),
        [I11]
    );
    assert_eq!(
        broken(|plan| {
            let it = windowed(plan);
            plan.flow.recipes[it].reserve_seconds = 60;
        }),
        [I11]
    );
    assert_eq!(broken(|plan| plan.flow.windows[0].open.clear()), [I11]);
}

#[test]
fn a_missing_or_hasty_gate_breaks_i12() {
    use Invariant::I12;
    let hasty = |change: fn(&mut PatchPlan, usize)| {
        broken(move |plan| {
            let it = gate(plan);
            change(plan, it);
        })
    };
    assert_eq!(hasty(|plan, it| plan.work[it] = Work::Region), [I12]);
    assert_eq!(
        hasty(|plan, it| {
            if let Work::Gate(gate) = &mut plan.work[it] {
                gate.bake_seconds = 1;
            }
        }),
        [I12]
    );
    assert_eq!(
        hasty(|plan, it| {
            let recipe = plan.flow.targets[it].recipe.index();
            plan.flow.recipes[recipe].steps.retain(|step| &*step.name != "gate-checks");
        }),
        [I12]
    );
    assert_eq!(broken(|plan| plan.flow.stages[0].min_verified = 0), [I12]);
    assert_eq!(broken(|plan| plan.flow.stages[0].max_failures = None), [I12]);
    assert_eq!(broken(|plan| plan.flow.stages[0].max_failures = Some(5)), [I12]);
    assert_eq!(broken(|plan| plan.roll_out.waves[0].stages.clear()), [I12], "hosts of no wave");
    assert_eq!(broken(|plan| plan.roll_out.waves.swap(0, 1)).last(), Some(&I12));
    assert_eq!(broken(|plan| plan.roll_out.waves[0].stages = vec![StageId(1)]).last(), Some(&I12));
}
