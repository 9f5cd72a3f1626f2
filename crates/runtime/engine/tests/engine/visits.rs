//! Runs that are driven visit by visit.

use std::time::Duration;

use fleetwright_engine::{AtGates, Conclusion, Control, DriveError, Visit};
use fleetwright_flow::{Ending, Event, Gate, Plan, Recipe, Signal, StageId};
use fleetwright_model::ErrorClass;
use fleetwright_ports::Journal;
use fleetwright_testkit::flow::Behaviour;
use fleetwright_testkit::flow::plans::{changes, patching, plan};
use jiff::Timestamp;

use crate::world::World;

/// Visits one after another.
struct Visits {
    patience: Duration,
    /// How long each may be.
    length: Duration,
    /// Between what a visit says and the next one, at least.
    pause: Duration,
}

const SHORT: Visits =
    Visits { patience: Duration::ZERO, length: Duration::from_secs(240), pause: Duration::ZERO };

impl Visits {
    fn control(&self, world: &World) -> Control {
        let leave_by = world.clock.now() + self.length;
        Control::visiting(
            "a visitor",
            AtGates::Wait,
            Visit { patience: self.patience, leave_by, longest_turn: 1_000 },
        )
    }

    async fn one(&self, world: &World) -> Conclusion {
        world.drive(&self.control(world)).await.expect("a visit without trouble").conclusion
    }

    /// Until the run is over, or only a decision leads on; how often somebody came.
    async fn all(&self, world: &World) -> (Conclusion, usize) {
        for count in 1..5_000 {
            match self.one(world).await {
                Conclusion::Rests { until: Some(at) } => {
                    let left = world.clock.now().duration_until(at);
                    let left = Duration::try_from(left).unwrap_or_default();
                    world.clock.sleep(left.max(self.pause)).await;
                }
                ended => return (ended, count),
            }
        }
        panic!("never over");
    }
}

fn waves(targets: u32) -> Plan {
    plan(patching(), targets, 3)
}

/// What is on record, time left aside.
async fn story(world: &World) -> Vec<Event> {
    let told = |event: &Event| !matches!(event, Event::Owner { .. });
    world.events().await.into_iter().filter(told).map(without_due_time).collect()
}

fn without_due_time(event: Event) -> Event {
    match event {
        Event::Failed { target, step, direction, mut failure } => {
            failure.retry_at = failure.retry_at.map(|_| Timestamp::UNIX_EPOCH);
            Event::Failed { target, step, direction, failure }
        }
        other => other,
    }
}

fn sorted(events: &[Event]) -> Vec<String> {
    let mut told: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    told.sort();
    told
}

#[tokio::test(start_paused = true)]
async fn visits_leave_the_record_that_a_stay_leaves() {
    let troubled = async || {
        let world = World::of(waves(12)).await;
        world.effects.script(&world.subject(1), "patch", &[Behaviour::Fail(ErrorClass::Permanent)]);
        world.effects.script(&world.subject(4), "backup", &[Behaviour::Fail(ErrorClass::Transient)]);
        world
    };
    let stayed = troubled().await;
    assert_eq!(stayed.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    for pause in [0, 17, 90] {
        let visited = troubled().await;
        let visits = Visits { pause: Duration::from_secs(pause), ..SHORT };
        let (ended, count) = visits.all(&visited).await;
        assert_eq!(ended, Conclusion::Closed(Ending::Complete), "with {pause} s between visits");
        assert!(count > 20, "{count} visits are hardly any");
        assert_eq!(
            sorted(&story(&visited).await),
            sorted(&story(&stayed).await),
            "with {pause} s between visits"
        );
        let owners = visited.events().await.into_iter().filter(|event| matches!(event, Event::Owner { .. }));
        assert_eq!(owners.count(), 1, "who goes on where another left is no new owner");
        visited.assert_nothing_twice();
    }
}

#[tokio::test(start_paused = true)]
async fn with_patience_a_visit_stays_for_what_is_due_soon() {
    let (hasty, patient) = (World::of(waves(6)).await, World::of(waves(6)).await);
    let (_, often) = SHORT.all(&hasty).await;
    let (_, seldom) = Visits { patience: Duration::from_secs(60), ..SHORT }.all(&patient).await;
    assert!(seldom * 2 < often, "{seldom} visits with patience, {often} without");
}

#[tokio::test(start_paused = true)]
async fn when_its_time_is_up_a_visit_begins_nothing_more() {
    let world = World::of(waves(6)).await;
    let over = Visits { length: Duration::ZERO, ..SHORT };
    assert!(matches!(over.one(&world).await, Conclusion::Rests { until: Some(_) }));
    assert!(world.effects.turns().is_empty(), "nothing was handed out");
    let (ended, _) = SHORT.all(&world).await;
    assert_eq!(ended, Conclusion::Closed(Ending::Complete));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn at_a_gate_only_a_decision_leads_on() {
    let mut plan = plan(patching(), 2, 2);
    plan.stages[0].gate = Gate::Approval;
    let world = World::of(plan).await;
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Rests { until: None });
    let now = world.clock.now();
    world.memory.post(&world.run, now, Signal::Approve(StageId(0)), "alice", None).await.expect("a run");
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Closed(Ending::Complete));
}

/// The letter leaves no record: the visitor who read it says so when leaving.
#[tokio::test(start_paused = true)]
async fn a_letter_that_was_declined_is_not_read_by_the_next_visitor() {
    let world = World::of(waves(3)).await;
    let post = async |signal| {
        world.memory.post(&world.run, world.clock.now(), signal, "alice", None).await.expect("a run");
    };
    assert!(matches!(SHORT.one(&world).await, Conclusion::Rests { .. }));
    post(Signal::Resume).await;
    assert!(matches!(SHORT.one(&world).await, Conclusion::Rests { .. }), "nobody had paused it");
    post(Signal::Pause).await;
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Rests { until: None }, "and paused it stays");
    post(Signal::Resume).await;
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Closed(Ending::Complete));
}

/// Nobody put it down: what was in flight is in doubt, and is looked for.
#[tokio::test(start_paused = true)]
async fn after_a_visitor_who_died_the_next_one_owns_the_run_anew() {
    let world = World::of(waves(6)).await;
    for _ in 0..9 {
        assert!(matches!(SHORT.one(&world).await, Conclusion::Rests { until: Some(_) }));
        world.clock.sleep(Duration::from_secs(30)).await;
    }
    let patient = Visits { patience: Duration::from_secs(200), ..SHORT }.control(&world);
    tokio::select! {
        ended = world.drive(&patient) => panic!("it was still at work: {ended:?}"),
        () = world.clock.sleep(Duration::from_secs(45)) => {}
    }
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Closed(Ending::Complete));
    let owners = world.events().await.into_iter().filter(|event| matches!(event, Event::Owner { .. }));
    assert_eq!(owners.count(), 2, "the first visitor, and who came after the dead one");
    world.assert_nothing_twice();
}

/// What is in doubt is held back for a while, and new slots for company: neither begins anew with each visitor.
#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_because_visitors_come_and_go() {
    let recipe = Recipe::new("two", vec![changes("first"), changes("second")], vec![]);
    let world = World::of(plan(recipe, 40, 40)).await;
    world.effects.script(&world.subject(0), "first", &[Behaviour::LoseAnswer]);
    world.effects.script(&world.subject(7), "first", &[Behaviour::Fail(ErrorClass::Ambiguous)]);
    let mut second = world.step("second");
    (second.batch, second.gathers) = (50, Duration::from_secs(90));
    let world = world.with_steps([second]);
    let often = Visits { pause: Duration::from_secs(5), ..SHORT };
    let (ended, count) = often.all(&world).await;
    assert_eq!(ended, Conclusion::Closed(Ending::Complete));
    assert!(count < 100, "{count} visits");
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn two_visitors_at_once_are_one_and_a_refusal() {
    let world = World::of(waves(6)).await;
    let patient = Visits { patience: Duration::from_secs(100), ..SHORT };
    let (one, other) = (patient.control(&world), patient.control(&world));
    let (first, second) = tokio::join!(world.drive(&one), world.drive(&other));
    first.expect("a visit without trouble");
    let refused = second.expect_err("somebody is there");
    let owned = matches!(refused, DriveError::Owned { .. });
    assert!(owned, "{refused:?}");
    assert_eq!(SHORT.all(&world).await.0, Conclusion::Closed(Ending::Complete));
    world.assert_nothing_twice();
}
