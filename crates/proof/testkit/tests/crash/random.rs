//! Random worlds: waves with gates and approvals, windows, budgets that grow and that others share,
//! outages, closed calendars, and attempts that fail.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_flow::{
    ApprovalRule, Charge, Direction, Ending, Event, Gate, Group, GroupId, OnExpiry, PlaceId, Plan, Recipe,
    RecipeId, Record, Signal, Span, Stage, TargetId, Window, WindowId,
};
use fleetwright_model::{ErrorClass, Text};
use fleetwright_ports::budgets::{Budgets, Place, Wanted};
use fleetwright_ports::{Down, RunId};
use fleetwright_testkit::crash::Draw;
use fleetwright_testkit::flow::plans::{patching, place, plan, target};
use fleetwright_testkit::flow::{Around, Behaviour, Outage};
use fleetwright_testkit::sample;
use jiff::{SignedDuration, Timestamp};

use crate::{Counted, drive_to_its_end};

/// What runs call the group they share.
const SHARED: &str = "application web";
/// How long an outage may last before it must count: looks are a minute apart, and take two seconds.
const NOTICED: SignedDuration = SignedDuration::from_secs(90);

fn after(seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).expect("hours");
    sample::now().checked_add(SignedDuration::from_secs(seconds)).expect("in range")
}

/// Up to so many stretches of time, apart from each other, within some hours.
fn spans(draw: &mut Draw, most: u64) -> Vec<Span> {
    let mut second = 0;
    let mut span = |_| {
        let from = second + draw.below(3_600);
        second = from + 300 + draw.below(5_400);
        let span = Span { from: after(from), until: after(second) };
        second += 1;
        span
    };
    (0..most).map(&mut span).collect()
}

/// The same recipe for targets with a window: everything from the drain on belongs into it.
fn windowed(reserve_seconds: u32) -> Recipe {
    let mut recipe = patching();
    recipe.steps[2..].iter_mut().for_each(|step| step.in_window = true);
    Recipe { name: "patch in a window".into(), reserve_seconds, ..recipe }
}

fn rule(draw: &mut Draw) -> ApprovalRule {
    let needed = 1 + draw.below(2) as u16;
    let named: Vec<Text> = vec!["ann".into(), "bob".into(), "crash test".into()];
    ApprovalRule {
        needed,
        approvers: if draw.below(2) == 0 { named } else { Vec::new() },
        // One person approves in these worlds whatever happens; a second may never come.
        expires_seconds: (needed > 1 || draw.below(2) == 0).then(|| 60 + draw.below(3_600) as u32),
        on_expiry: draw.one_of(&[OnExpiry::Reject, OnExpiry::Skip]),
    }
}

fn stages(draw: &mut Draw, targets: u32) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut from = 0;
    while from < targets {
        let until = (from + 1 + draw.below(u64::from(targets)) as u32).min(targets);
        let gate = if draw.below(3) == 0 { Gate::Approval } else { Gate::Open };
        stages.push(Stage {
            gate,
            approval: (gate == Gate::Approval && draw.below(2) == 0).then(|| rule(draw)),
            max_failures: draw.one_of(&[None, Some(0), Some(1), Some(2)]),
            min_verified: if draw.below(4) == 0 { draw.below(u64::from(until - from) + 1) as u32 } else { 0 },
            ..Stage::new(format!("wave {}", stages.len() + 1), from..until)
        });
        from = until;
    }
    stages
}

fn random_plan(draw: &mut Draw, seed: u64) -> Plan {
    let targets = 1 + draw.below(6) as u32;
    let mut plan = plan(patching(), targets, 1 + draw.below(3) as u32);
    plan.seed = seed;
    plan.recipes.push(windowed(600 + draw.below(1_200) as u32));
    let last = 1 + draw.below(3);
    plan.windows = vec![Window::new("night", spans(draw, last))];
    plan.groups[0].first = (draw.below(3) == 0).then_some(1);
    plan.groups.push(Group { shared: Some(SHARED.into()), ..Group::new("shared", 1 + draw.below(2) as u32) });
    plan.stages = stages(draw, targets);
    plan.places.push(place("staging", "444455556666"));
    for number in 0..targets {
        let mut drawn = target(number, PlaceId(draw.below(2) as u16));
        if number > 0 && draw.below(5) == 0 {
            drawn.after = vec![TargetId(draw.below(number.into()) as u32)];
        }
        if draw.below(2) == 0 {
            drawn.groups.push(GroupId(1));
        }
        if draw.below(4) == 0 {
            (drawn.recipe, drawn.window) = (RecipeId(1), Some(WindowId(0)));
        }
        plan.targets[number as usize] = drawn;
    }
    plan.check().expect("drawn plans can be walked");
    plan
}

/// Somebody else's hosts, down now and then; sometimes nobody can look.
fn around(draw: &mut Draw, world: &Counted) -> Around {
    let outages = (0..draw.below(3)).flat_map(|number| {
        let member: Text = format!("111122223333/eu-central-1/i-other-{number}").into();
        let of = |span| Outage { group: SHARED.into(), member: member.clone(), span };
        spans(draw, 2).into_iter().map(of).collect::<Vec<_>>()
    });
    let outages = outages.collect();
    let blind = if draw.below(4) == 0 { spans(draw, 1) } else { Vec::new() };
    let closed = if draw.below(4) == 0 { spans(draw, 2) } else { Vec::new() };
    Around { clock: world.clock.clone(), outages, blind, closed }
}

/// Another run that has a place of the shared group for a while.
fn another_run(draw: &mut Draw, world: &Counted) {
    let (budgets, clock) = (world.budgets.clone(), world.clock.clone());
    let (from, lasts) = (draw.below(1_800), 60 + draw.below(3_600));
    tokio::spawn(async move {
        let run: RunId = "run-0".parse().expect("a valid name");
        let member: Text = "111122223333/eu-central-1/i-other-run".into();
        let places = vec![Place { key: SHARED.into(), capacity: 2, down: Down::default() }];
        clock.sleep(Duration::from_secs(from)).await;
        let wish = Wanted { member: member.clone(), places };
        budgets.claim(&run, &[wish]).await.expect("memory");
        clock.sleep(Duration::from_secs(lasts)).await;
        budgets.release(&run, &[member]).await.expect("memory");
    });
}

pub(crate) async fn world(seed: u64) -> Counted {
    let mut draw = Draw::new(seed);
    let mut world = Counted::of(random_plan(&mut draw, seed)).await;
    if draw.below(2) == 0 {
        world.around = Some(Arc::new(around(&mut draw, &world)));
        if draw.below(2) == 0 {
            another_run(&mut draw, &world);
        }
    }
    let faults = [
        Behaviour::Fail(ErrorClass::Throttled),
        Behaviour::Fail(ErrorClass::Transient),
        Behaviour::Fail(ErrorClass::Conflict),
        Behaviour::Fail(ErrorClass::Permanent),
        Behaviour::LoseAnswer,
        Behaviour::LoseAnswer,
        Behaviour::NotNeeded,
        Behaviour::LeaveTarget,
        Behaviour::Silent,
        Behaviour::Succeed,
    ];
    let steps = ["backup", "precheck", "drain", "patch", "reboot", "verify", "return", "restore", "validate"];
    for target in &world.plan.targets {
        for _ in 0..draw.below(4) {
            let attempts = [draw.one_of(&faults), draw.one_of(&faults)];
            world.effects.script(&target.subject, draw.one_of(&steps), &attempts);
        }
    }
    if draw.below(2) == 0 {
        fleetwright_testkit::crash::World::make_reads_stale(&world);
    }
    world
}

/// I6: who takes a place of a shared group finds one beside those that have been down long enough to be
/// noticed, whatever was recorded of them.
pub(crate) fn taken_in_spite_of_outages(plan: &Plan, around: &Around, records: &[Record]) -> Vec<String> {
    let mut held: Vec<TargetId> = Vec::new();
    let mut wrong = Vec::new();
    for record in records {
        let Some((target, step, begins)) = taken_or_given(plan, record) else { continue };
        if !begins {
            held.retain(|other| *other != target);
            continue;
        }
        if held.contains(&target) {
            continue;
        }
        held.push(target);
        let since = record.at.checked_sub(NOTICED).expect("in range");
        let is_down = |outage: &&Outage| outage.span.from <= since && record.at < outage.span.until;
        let could_look =
            |from: Timestamp| !around.blind.iter().any(|it| it.from < record.at && from < it.until);
        let down =
            around.outages.iter().filter(is_down).filter(|outage| could_look(outage.span.from)).count();
        let members = held.iter().filter(|other| plan.target(**other).groups.contains(&GroupId(1))).count();
        let capacity = plan.groups[1].capacity as usize;
        if plan.target(target).groups.contains(&GroupId(1)) && members + down > capacity {
            let at = record.at;
            wrong.push(format!("target {} at {at}: {step} with {down} down of {capacity} (I6)", target.0));
        }
    }
    wrong
}

/// A target that begins the step that takes its place, or comes to where it may have given it back.
fn taken_or_given<'a>(plan: &'a Plan, record: &Record) -> Option<(TargetId, &'a str, bool)> {
    let (target, step, begins) = match &record.event {
        Event::Started { target, step, direction: Direction::Do, .. } => (*target, *step, true),
        Event::Succeeded { target, step, direction: Direction::Do, .. }
        | Event::Skipped { target, step, direction: Direction::Do, .. } => (*target, *step, false),
        _ => return None,
    };
    let steps = &plan.recipe_of(target).steps;
    let row = &steps[step.index()];
    let decides = match begins {
        true => row.charge == Charge::Take,
        false => row.charge == Charge::Release || step.index() + 1 == steps.len(),
    };
    decides.then_some((target, &*row.name, begins))
}

/// I6: a driver that never looks for outages.
#[tokio::test(start_paused = true)]
async fn a_driver_that_does_not_look_for_outages_is_found_out() {
    for looks in [true, false] {
        let mut plan = plan(patching(), 2, 2);
        plan.groups.push(Group { shared: Some(SHARED.into()), ..Group::new("shared", 1) });
        plan.targets.iter_mut().for_each(|target| target.groups.push(GroupId(1)));
        let mut world = Counted::of(plan).await;
        let span = Span { from: sample::now(), until: after(7_200) };
        let outages = vec![Outage { group: SHARED.into(), member: "i-other".into(), span }];
        let around =
            |outages| Around { clock: world.clock.clone(), outages, blind: Vec::new(), closed: Vec::new() };
        let (real, seen) = (around(outages.clone()), around(if looks { outages } else { Vec::new() }));
        world.around = Some(Arc::new(seen));
        let records = drive_to_its_end(&world).await;
        let found = taken_in_spite_of_outages(&world.plan, &real, &records);
        assert_eq!(found.iter().any(|it| it.contains("drain with 1 down of 1 (I6)")), !looks, "{found:?}");
    }
}

/// The laws say nothing of what the random worlds never come to.
#[tokio::test(start_paused = true)]
async fn the_random_worlds_see_every_kind_of_event() {
    let mut seen = BTreeSet::new();
    for seed in 1..=150 {
        for record in drive_to_its_end(&world(seed).await).await {
            seen.insert(match record.event {
                Event::WindowTurned { .. } => "window",
                Event::Observed { elsewhere: 0, .. } => "over",
                Event::Observed { .. } => "outage",
                Event::GateReached { .. } => "gate",
                Event::GateExpired { .. } => "expired",
                Event::Signalled { signal: Signal::Freeze, .. } => "freeze",
                Event::Signalled { signal: Signal::Thaw, .. } => "thaw",
                Event::Closed { ending: Ending::Halted } => "halted",
                Event::Closed { ending: Ending::Complete } => "complete",
                _ => continue,
            });
        }
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
}
