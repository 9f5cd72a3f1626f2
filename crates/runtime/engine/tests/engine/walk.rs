//! What a drive does when nothing interferes, and what it makes of steps that misbehave.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_engine::Conclusion;
use fleetwright_flow::{Direction, End, Ending, Event, Plan, Record, StepIndex, TargetId};
use fleetwright_flow::{Recipe, Step as PlanStep};
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::{Journal, RunId};
use fleetwright_step::{Step, Turn};
use fleetwright_store::MemoryJournal;
use fleetwright_testkit::flow::Behaviour;
use fleetwright_testkit::flow::plans::{changes, patching, plan};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_run_ends_complete_with_every_effect_once() {
    let world = World::of(plan(patching(), 5, 2)).await;
    let concluded = world.finish().await;
    assert_eq!(concluded.conclusion, Conclusion::Closed(Ending::Complete));
    assert_eq!(world.effects.counts().len(), 5 * 5, "five changing steps for each of five");
    world.assert_nothing_twice();
}

/// Asserts in every turn that the journal knows of it.
struct Durable {
    inner: Arc<dyn Step>,
    journal: MemoryJournal,
    run: RunId,
}

#[async_trait]
impl Step for Durable {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn turn(&self, turn: Turn<'_>) {
        let records = self.journal.load(&self.run).await.expect("a run").records;
        let started: BTreeSet<(TargetId, Direction, u16)> = records
            .iter()
            .filter_map(|record| match record.event {
                Event::Started { target, direction, attempt, .. } => Some((target, direction, attempt)),
                _ => None,
            })
            .collect();
        for slot in turn.slots {
            let intent = (slot.target, slot.direction, slot.attempt);
            assert!(started.contains(&intent), "handed out before it was durable: {slot:?}");
        }
        self.inner.turn(turn).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_out_before_its_intent_is_durable() {
    let mut world = World::of(plan(patching(), 4, 4)).await;
    world.effects.script(&world.subject(1), "patch", &[Behaviour::Fail(ErrorClass::Permanent)]);
    let (journal, run) = (world.memory.clone(), world.run.clone());
    let checked = world.steps.iter().map(|inner| {
        Arc::new(Durable { inner: inner.clone(), journal: journal.clone(), run: run.clone() })
            as Arc<dyn Step>
    });
    world.steps = checked.collect();
    let concluded = world.finish().await;
    assert!(
        matches!(concluded.run.end(TargetId(1)), Some(End::Unwound { .. })),
        "{:?}",
        concluded.run.end(TargetId(1))
    );
    assert!(matches!(concluded.run.end(TargetId(0)), Some(End::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_for_and_not_repeated() {
    let world = World::of(plan(patching(), 2, 2)).await;
    world.effects.script(&world.subject(0), "patch", &[Behaviour::LoseAnswer]);
    let concluded = world.finish().await;
    assert_eq!(concluded.run.end(TargetId(0)), Some(End::Done { finding: None }));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_later_and_later() {
    let world = World::of(plan(patching(), 1, 1)).await;
    let throttled = Behaviour::Fail(ErrorClass::Throttled);
    world.effects.script(&world.subject(0), "backup", &[throttled, throttled]);
    let concluded = world.finish().await;
    assert_eq!(concluded.ending(), Some(Ending::Complete));
    let starts: Vec<_> = world
        .records()
        .await
        .into_iter()
        .filter(|record| matches!(record.event, Event::Started { step: StepIndex(0), .. }))
        .map(|record| record.at)
        .collect();
    let waits: Vec<i64> = starts.windows(2).map(|pair| pair[0].duration_until(pair[1]).as_secs()).collect();
    assert_eq!(waits.len(), 2, "three attempts");
    assert!((5..=11).contains(&waits[0]) && (10..=21).contains(&waits[1]), "{waits:?}");
    world.assert_nothing_twice();
}

async fn end_after(behaviour: Behaviour) -> (World, Option<End>) {
    let only = PlanStep { timeout_seconds: 300, ..changes("only") };
    let recipe = Recipe::new("one", vec![only], vec![]);
    let world = World::of(plan(recipe, 2, 2)).await;
    world.effects.script(&world.subject(0), "only", &[behaviour]);
    let concluded = world.finish().await;
    assert_eq!(concluded.run.end(TargetId(1)), Some(End::Done { finding: None }), "its neighbour is well");
    let end = concluded.run.end(TargetId(0));
    (world, end)
}

fn failed(code: &code::Code) -> Option<End> {
    Some(End::Failed { step: StepIndex(0), code: code.id.into() })
}

#[tokio::test(start_paused = true)]
async fn a_step_that_says_nothing_of_a_target_is_at_fault() {
    let (world, end) = end_after(Behaviour::Silent).await;
    assert_eq!(end, failed(&code::INTERNAL));
    let message = world.events().await.into_iter().find_map(|event| match event {
        Event::Failed { failure, .. } => Some(failure.message),
        _ => None,
    });
    assert!(message.is_some_and(|message| message.contains("without saying")));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_fails_what_it_had_not_answered() {
    let recipe = Recipe::new("one", vec![changes("only")], vec![]);
    let world = World::of(plan(recipe, 2, 2)).await;
    world.effects.script(&world.subject(1), "only", &[Behaviour::Panic]);
    let concluded = world.finish().await;
    assert_eq!(concluded.run.end(TargetId(0)), Some(End::Done { finding: None }), "answered before");
    assert_eq!(concluded.run.end(TargetId(1)), failed(&code::INTERNAL));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_never_ends_is_given_up_ten_minutes_after_its_deadline() {
    let (world, end) = end_after(Behaviour::Forever).await;
    assert_eq!(end, Some(End::Done { finding: None }), "nobody knows what it did: it is looked for again");
    let records = world.records().await;
    let failed_at = records.iter().find(|record| matches!(record.event, Event::Failed { .. })).map(|r| r.at);
    let started_at =
        records.iter().find(|record| matches!(record.event, Event::Started { .. })).map(|r| r.at);
    let took = started_at.zip(failed_at).map(|(start, end)| start.duration_until(end).as_secs());
    assert_eq!(took, Some(300 + 600));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_hangs_holds_up_its_lane_only_until_it_is_given_up() {
    let only = PlanStep { timeout_seconds: 300, max_in_flight: Some(1), ..changes("only") };
    let recipe = Recipe::new("one", vec![only], vec![]);
    let world = World::of(plan(recipe, 2, 2)).await;
    world.effects.script(&world.subject(0), "only", &[Behaviour::Hang]);
    let concluded = world.finish().await;
    let gave_up = world.events().await.into_iter().any(
        |event| matches!(event, Event::Failed { failure, .. } if &*failure.code == code::STEP_TIMED_OUT.id),
    );
    assert!(gave_up);
    assert_eq!(concluded.run.end(TargetId(1)), Some(End::Done { finding: None }));
}

#[tokio::test(start_paused = true)]
async fn steps_may_be_not_needed_and_targets_left() {
    let world = World::of(plan(patching(), 2, 2)).await;
    world.effects.script(&world.subject(0), "backup", &[Behaviour::NotNeeded]);
    world.effects.script(&world.subject(1), "precheck", &[Behaviour::LeaveTarget]);
    let concluded = world.finish().await;
    assert_eq!(concluded.run.end(TargetId(0)), Some(End::Done { finding: None }));
    assert_eq!(concluded.run.end(TargetId(1)), Some(End::Skipped { code: code::NOT_READY.id.into() }));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_record() {
    assert_eq!(records_of_seed(7).await, records_of_seed(7).await);
}

/// That two records are the same says something.
#[tokio::test(start_paused = true)]
async fn another_seed_gives_another_record() {
    assert_ne!(records_of_seed(7).await, records_of_seed(8).await);
}

async fn records_of_seed(seed: u64) -> Vec<Record> {
    let world = World::of(Plan { seed, ..plan(patching(), 20, 3) }).await;
    for target in [3, 7, 11] {
        let script = [Behaviour::Fail(ErrorClass::Transient), Behaviour::LoseAnswer];
        world.effects.script(&world.subject(target), "reboot", &script);
    }
    world.finish().await;
    world.records().await
}
