//! Random roll-outs of real steps: waves, gates, windows, budgets of groups, sets, approvals; and
//! planners that forget what was asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetwright_engine::{AtGates, Begin, Control, Ports, StepTable, Surroundings, Unwatched, drive};
use fleetwright_flow::{ApprovalRule, OnExpiry, Span};
use fleetwright_patch::plan::make::{Amount, Hold, Limits};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::roll_out::{
    Budgets, GateChecks, Issues, OrderMode, PlannedWave, Tolerance, Waiver, WaveRequest, ZoneByZone,
};
use fleetwright_patch::plan::{PatchPlan, RollOut, Windows, Work};
use fleetwright_testkit::crash::{Draw, World, seeds};
use fleetwright_testkit::sample;
use jiff::{SignedDuration, Timestamp};

use crate::mutants::{Wrong, assert_says, wrong};
use crate::plans::{self, Shape};
use crate::random::{asked, break_calls, break_host, limits, meddle};
use crate::roll_out::Asked;
use crate::world::{Alter, PatchWorld};

/// The window of these worlds.
const NIGHT: &str = "night";

fn after(hours: i64) -> Timestamp {
    sample::now().checked_add(SignedDuration::from_hours(hours)).expect("in range")
}

fn span(from: i64, until: i64) -> Span {
    Span { from: after(from), until: after(until) }
}

fn windows(spans: &[Span]) -> Windows {
    let spans = [(NIGHT.into(), spans.to_vec())].into();
    Windows { spans, ..Windows::default() }
}

/// Some hours open, some closed, up to three times.
fn some_nights(draw: &mut Draw) -> Vec<Span> {
    let nights = 1 + draw.below(3);
    let mut hour = draw.below(4) as i64 - 2;
    let mut night = |_| {
        let from = hour;
        let until = from + 5 + draw.below(8) as i64;
        hour = until + 1 + draw.below(20) as i64;
        span(from, until)
    };
    (0..nights).map(&mut night).collect()
}

fn some_shape(draw: &mut Draw, served: bool) -> Shape {
    let alone = draw.below(3) > 0;
    Shape {
        stopped: !served && draw.below(4) == 0,
        no_image: draw.below(6) == 0,
        windows: draw.below(3) == 0,
        region: if served { 0 } else { draw.below(2) as usize },
        served: served && draw.below(3) > 0,
        application: draw.one_of(&[None, Some("shop"), Some("shop"), Some("till")]),
        letter: draw.one_of(&[None, Some('b'), Some('c')]),
        set: if alone { None } else { Some(draw.one_of(&SETS)) },
        leads: draw.below(3) == 0,
        window: (draw.below(4) == 0).then_some(NIGHT),
    }
}

const SETS: [&str; 4] = ["quorum:db", "quorum:db", "one-at-a-time:queue", "singleton:bastion"];

fn some_wave(draw: &mut Draw, last: bool) -> WaveRequest {
    WaveRequest {
        size: (!last).then(|| draw.one_of(&[Amount::Count(1), Amount::Count(2), Amount::Percent(50)])),
        canary: !last && draw.below(4) == 0,
        max_failures: draw.one_of(&[None, None, Some(Tolerance::Count(1)), Some(Tolerance::Percent(100))]),
        min_verified: draw.one_of(&[None, None, Some(Amount::Count(1)), Some(Amount::Percent(50))]),
        approval: draw.one_of(&[None, Some(false), Some(true)]),
        ..WaveRequest::default()
    }
}

fn some_roll_out(draw: &mut Draw) -> RollOut {
    let count = draw.below(4);
    let waver = Waiver { group: "bastion".into(), until: after(24 * 365), reason: "agreed".into() };
    let quorum = Waiver { group: "db".into(), ..waver.clone() };
    RollOut {
        waves: (0..count).map(|index| some_wave(draw, index + 1 == count)).collect(),
        bake_seconds: draw.one_of(&[0, 300, 1_800]),
        zone_by_zone: draw.one_of(&[
            ZoneByZone::Off,
            ZoneByZone::Off,
            ZoneByZone::Region,
            ZoneByZone::AvailabilityZone,
        ]),
        zones_at_once: draw.one_of(&[1, 1, 2]),
        issues: draw.one_of(&[Issues::Gate, Issues::Gate, Issues::Ignore, Issues::Any]),
        ramp: draw.one_of(&[None, Some(1)]),
        budgets: Budgets {
            application: draw.one_of(&[None, Some(Amount::Count(1)), Some(Amount::Percent(50))]),
            availability_zone: draw.one_of(&[None, Some(Amount::Count(1)), Some(Amount::Percent(50))]),
            auto_scaling_group: draw.one_of(&[None, Some(Amount::Count(1))]),
            ..Budgets::default()
        },
        gate: GateChecks {
            alarms: if draw.below(2) == 0 { vec![plans::ALARM.into()] } else { Vec::new() },
            compliance: draw.below(3) == 0,
            differences: draw.below(3) == 0,
            patch_list_bucket: (draw.below(3) == 0).then(|| plans::BUCKET.into()),
            ..GateChecks::default()
        },
        approval: (draw.below(3) == 0).then(|| some_rule(draw)),
        waivers: if draw.below(2) == 0 { vec![waver, quorum] } else { Vec::new() },
        ..RollOut::default()
    }
}

/// One person approves in these worlds; of two, the other may never come.
fn some_rule(draw: &mut Draw) -> ApprovalRule {
    let needed = 1 + draw.below(2) as u16;
    ApprovalRule {
        needed,
        approvers: Vec::new(),
        expires_seconds: Some(600 + draw.below(7_200) as u32),
        on_expiry: draw.one_of(&[OnExpiry::Reject, OnExpiry::Skip]),
    }
}

/// A fleet, and a way to roll out to it that the planner does not refuse.
fn some_plan(seed: u64, draw: &mut Draw) -> (Asked, PatchPlan) {
    let served = draw.below(4) == 0;
    let count = 2 + draw.below(6);
    loop {
        let shapes: Vec<Shape> = (0..count).map(|_| some_shape(draw, served)).collect();
        let (roll_out, windows) = (some_roll_out(draw), windows(&some_nights(draw)));
        let plan = plans::asked(&shapes, limits(draw), roll_out.clone(), windows.clone(), seed);
        if let Ok(plan) = plan {
            return (Asked { shapes, roll_out, windows }, plan);
        }
    }
}

/// The laws say nothing of what the random plans never have.
#[test]
fn the_random_roll_outs_have_everything_there_is() {
    let mut seen = BTreeSet::new();
    for seed in 1..=300 {
        let (asked, plan) = some_plan(seed, &mut stream(seed));
        let zoned = |wave: &PlannedWave| wave.zone_by_zone != ZoneByZone::Off && wave.stages.len() > 1;
        let set = |mode| plan.roll_out.sets.iter().any(|set| set.mode == mode && !set.members.is_empty());
        let has = [
            ("waves", plan.roll_out.waves.iter().filter(|wave| !wave.stages.is_empty()).count() > 2),
            ("zones", plan.roll_out.waves.iter().any(zoned)),
            ("canary", plan.roll_out.waves.iter().any(|wave| wave.canary)),
            ("bake", plan.work.iter().any(|it| matches!(it, Work::Gate(gate) if gate.bake_seconds > 0))),
            (
                "patch list",
                plan.work.iter().any(|it| matches!(it, Work::Gate(gate) if gate.patch_list_bucket.is_some())),
            ),
            ("window", plan.flow.targets.iter().any(|target| target.window.is_some())),
            (
                "drained",
                plan.flow.recipes.iter().any(|it| it.steps.iter().any(|it| &*it.name == step::DRAIN)),
            ),
            ("shared", plan.flow.groups.iter().any(|group| group.shared.is_some())),
            ("grows", plan.flow.groups.iter().any(|group| group.first.is_some())),
            (
                "two approve",
                plan.flow.stages.iter().any(|it| it.approval.as_ref().is_some_and(|it| it.needed > 1)),
            ),
            ("quorum", set(OrderMode::Quorum)),
            ("leader", plan.roll_out.sets.iter().any(|set| !set.leaders.is_empty() && set.members.len() > 2)),
            ("one at a time", set(OrderMode::OneAtATime)),
            ("waived", set(OrderMode::Singleton)),
            (
                "not waived",
                asked.shapes.iter().any(|it| it.set == Some("singleton:bastion"))
                    && asked.roll_out.waivers.is_empty(),
            ),
        ];
        seen.extend(has.into_iter().filter(|(_, has)| *has).map(|(what, _)| what));
    }
    assert_eq!(seen.len(), 15, "{seen:?}");
}

fn stream(seed: u64) -> Draw {
    Draw::new(seed ^ 0x5eed_0f40)
}

async fn random_world(seed: u64, alter: Option<Alter>) -> PatchWorld {
    let mut draw = stream(seed);
    let (asked, plan) = some_plan(seed, &mut draw);
    let count = asked.shapes.len() as u64;
    let mut world = match asked.shapes.iter().any(|shape| shape.served) {
        true => PatchWorld::behind_balancers(&asked.shapes, plan, alter).await,
        false => PatchWorld::planned(&asked.shapes, plan, alter).await,
    };
    world.prepare_gates();
    if draw.below(2) == 0 {
        break_calls(&world, &mut draw);
    }
    for number in 1..=count {
        if draw.below(3) == 0 {
            break_host(&mut world, &sample::id(number), &mut draw);
        }
    }
    if draw.below(8) == 0 {
        meddle(&world, sample::id(1 + draw.below(count)), &mut draw);
    }
    if draw.below(2) == 0 {
        world.hosts.set_lag(Duration::from_secs(1 + draw.below(20)));
    }
    world.asked = Some(asked);
    world
}

#[tokio::test(start_paused = true)]
async fn no_random_roll_out_breaks_an_invariant() {
    let (first, count) = (asked("FLEETWRIGHT_FIRST_SEED", 1), asked("FLEETWRIGHT_SEEDS", 1_000));
    let report = seeds(first, count, async |seed| random_world(seed, None).await).await;
    let report = report.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(40).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    println!("{report:?}");
    assert!(report.seeds < 10 || report.cuts * 2 > report.seeds, "crashes were tried: {report:?}");
}

/// A planner that does not do as it is told.
type Forgets = fn(&mut PatchPlan);

/// Everything at once, and nobody approves.
fn free() -> Limits {
    Limits { approval: false, out_of_service: Amount::Percent(100), hold: Hold::Reboot, ..plans::limits() }
}

/// What is found of the world's run that nothing happens to.
async fn drive_to_its_end(world: &PatchWorld) -> Vec<String> {
    let ports = Ports {
        journal: world.journal(),
        clock: world.clock(),
        steps: StepTable::new(world.steps()),
        around: Surroundings::default(),
    };
    let control = Control::new("planners", AtGates::Leave);
    let begin = Begin::New { digest: world.digest() };
    drive(ports, world.run(), World::plan(world), begin, &control, &Unwatched).await.expect("it ends");
    world.complaints()
}

/// What is found of a run of the plan that was asked for, once as the planner makes it and once as one
/// makes it that forgets.
async fn found(asked: Asked, forgets: Forgets, alter: Option<Alter>) -> [Vec<String>; 2] {
    let Asked { shapes, roll_out, windows } = asked.clone();
    let plan = plans::asked(&shapes, free(), roll_out, windows, 1).expect("nothing speaks against it");
    assert!(plan.left_out.is_empty(), "{:?}", plan.left_out);
    let mut forgotten = plan.clone();
    forgets(&mut forgotten);
    let mut found = [Vec::new(), Vec::new()];
    for (found, (plan, alter)) in found.iter_mut().zip([(plan, None), (forgotten, alter)]) {
        let mut world = PatchWorld::planned(&shapes, plan, alter).await;
        world.prepare_gates();
        world.asked = Some(asked.clone());
        *found = drive_to_its_end(&world).await;
    }
    found
}

#[track_caller]
fn assert_only_the_second_says(found: &[Vec<String>; 2], words: &[&str]) {
    assert_eq!(found[0], [""; 0]);
    assert_says(&found[1], words);
}

fn fleet(shapes: &[Shape]) -> Asked {
    Asked { shapes: shapes.to_vec(), roll_out: RollOut::default(), windows: Windows::default() }
}

/// I1.
#[tokio::test(start_paused = true)]
async fn a_planner_without_the_budget_of_an_application_is_found_out() {
    let mut asked = fleet(&[Shape { application: Some("shop"), ..Shape::default() }; 4]);
    asked.roll_out.budgets.application = Some(Amount::Percent(50));
    let found = found(asked, |plan| plan.flow.groups.iter_mut().for_each(|it| it.capacity = 9), None).await;
    assert_only_the_second_says(&found, &["of 4 of application shop are down at", "2 may be (I1)"]);
}

/// I2.
#[tokio::test(start_paused = true)]
async fn a_planner_that_takes_all_zones_at_once_is_found_out() {
    let mut asked = fleet(&[Shape::default(), Shape { letter: Some('b'), ..Shape::default() }]);
    asked.roll_out.zone_by_zone = ZoneByZone::AvailabilityZone;
    let forgets = |plan: &mut PatchPlan| {
        let mut all = asked_again(&[Shape::default(), Shape { letter: Some('b'), ..Shape::default() }]);
        all.roll_out.waves.iter_mut().for_each(|wave| wave.zone_by_zone = ZoneByZone::AvailabilityZone);
        *plan = all;
    };
    let found = found(asked, forgets, None).await;
    assert_only_the_second_says(&found, &["is changed while host", "of another zone is (I2)"]);
}

/// The plan of a fleet of which nothing is asked.
fn asked_again(shapes: &[Shape]) -> PatchPlan {
    plans::asked(shapes, free(), RollOut::default(), Windows::default(), 1)
        .expect("nothing speaks against it")
}

/// I3.
#[tokio::test(start_paused = true)]
async fn a_planner_that_knows_no_quorum_is_found_out() {
    let asked = fleet(&[Shape { set: Some("quorum:db"), ..Shape::default() }; 5]);
    let found = found(asked, |plan| plan.flow.groups.iter_mut().for_each(|it| it.capacity = 9), None).await;
    assert_only_the_second_says(&found, &["of 5 of quorum:db are down at", "2 may be (I3)"]);
}

/// I3.
#[tokio::test(start_paused = true)]
async fn a_planner_that_lets_the_leader_go_first_is_found_out() {
    let member = Shape { set: Some("quorum:db"), ..Shape::default() };
    let asked = fleet(&[Shape { leads: true, ..member }, member, member]);
    let found = found(asked, |plan| plan.flow.targets.iter_mut().for_each(|it| it.after.clear()), None).await;
    assert_only_the_second_says(&found, &["leads quorum:db and goes before", "is verified (I3)"]);
}

/// I4: what it was allowed for is asked for in another plan.
#[tokio::test(start_paused = true)]
async fn a_planner_that_needs_no_waiver_is_found_out() {
    let mut asked = fleet(&[Shape { set: Some("singleton:bastion"), ..Shape::default() }]);
    let waiver = Waiver { group: "bastion".into(), until: after(24), reason: "agreed".into() };
    asked.roll_out.waivers = vec![waiver];
    let [waived, _] = found(asked.clone(), |_| {}, None).await;
    assert_eq!(waived, [""; 0]);
    let Asked { shapes, roll_out, windows } = asked.clone();
    let plan = plans::asked(&shapes, free(), roll_out, windows, 1).expect("it is waived");
    asked.roll_out.waivers.clear();
    let refused = plans::asked(&shapes, free(), asked.roll_out.clone(), Windows::default(), 1);
    assert_eq!(refused.expect("a plan without it").left_out.len(), 1, "the planner itself leaves it out");
    let mut world = PatchWorld::planned(&shapes, plan, None).await;
    world.asked = Some(asked);
    let found = drive_to_its_end(&world).await;
    assert_says(&found, &["host 1 of singleton:bastion is changed at", "without a waiver (I4)"]);
}

/// I11.
#[tokio::test(start_paused = true)]
async fn a_planner_that_forgets_the_window_is_found_out() {
    let mut asked = fleet(&[Shape { window: Some(NIGHT), ..Shape::default() }]);
    asked.windows = windows(&[span(2, 20)]);
    let found = found(asked, |plan| plan.flow.targets.iter_mut().for_each(|it| it.window = None), None).await;
    assert_only_the_second_says(&found, &["host 1 is begun with at", "outside night (I11)"]);
}

fn two_waves() -> Asked {
    let wave = |size| WaveRequest { size, ..WaveRequest::default() };
    let mut asked = fleet(&[Shape::default(); 2]);
    asked.roll_out.waves = vec![wave(Some(Amount::Count(1))), wave(None)];
    asked.roll_out.bake_seconds = 3_600;
    asked
}

/// I12.
#[tokio::test(start_paused = true)]
async fn a_gate_that_does_not_bake_is_found_out() {
    let found = found(two_waves(), |_| {}, wrong(step::BAKE, |_| Wrong::Idle)).await;
    assert_only_the_second_says(&found, &["wave 2 begins at", "it baked for", "(I12)"]);
}

/// I12.
#[tokio::test(start_paused = true)]
async fn a_planner_that_needs_no_proof_of_a_wave_is_found_out() {
    let asked = two_waves();
    let Asked { shapes, roll_out, windows } = asked.clone();
    let honest = plans::asked(&shapes, free(), roll_out, windows, 1).expect("nothing speaks against it");
    let mut content = honest.clone();
    content.flow.stages.iter_mut().for_each(|stage| (stage.min_verified, stage.max_failures) = (0, None));
    for (plan, goes_on) in [(honest, false), (content, true)] {
        let mut world = PatchWorld::planned(&shapes, plan, None).await;
        world.prepare_gates();
        world.asked = Some(asked.clone());
        let first = world.plan.work[0].host().expect("the first host").id.clone();
        world.models.break_at_reboot(&first);
        let found = drive_to_its_end(&world).await;
        match goes_on {
            false => assert_eq!(found, [""; 0]),
            true => assert_says(&found, &["wave 2 begins at", "0 of it are verified, 1 must be (I12)"]),
        }
    }
}
