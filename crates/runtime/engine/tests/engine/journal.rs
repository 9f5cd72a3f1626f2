//! What becomes of a drive when its journal fails, is damaged, or belongs to somebody else.

use std::sync::Arc;

use fleetwright_engine::{Begin, DriveError, Unwatched, drive};
use fleetwright_flow::{Ending, Sequence};
use fleetwright_model::code;
use fleetwright_ports::{Damage, Journal, JournalError, LoadedRun};
use fleetwright_store::{AppendFault, FaultPoint};
use fleetwright_testkit::crash::ProcessJournal;
use fleetwright_testkit::flow::plans::{patching, plan};

use crate::world::{World, waiting};

fn full() -> JournalError {
    JournalError::Full { place: "memory".into(), cause: "no space left on device".into() }
}

/// Every append fails in turn, before and after it became durable; the next drive ends the run.
#[tokio::test(start_paused = true)]
async fn a_full_journal_stops_the_drive_and_the_run_goes_on_when_there_is_room() {
    let unharmed = World::of(plan(patching(), 2, 1)).await;
    unharmed.finish().await;
    let appends = unharmed.memory.appends();
    assert!(appends > 20, "{appends}");
    for nth in 1..=appends {
        for point in [FaultPoint::BeforeCommit, FaultPoint::AfterCommit] {
            let world = World::of(plan(patching(), 2, 1)).await;
            world.memory.inject(AppendFault { nth, point, error: full() });
            let failed = world.drive(&waiting()).await.expect_err("its journal is full");
            assert_eq!(failed.code().id, code::STATE_UNUSABLE.id, "append {nth} {point:?}: {failed}");
            let done = world.effects.count();
            world.clock.sleep(std::time::Duration::from_secs(3_600)).await;
            assert_eq!(world.effects.count(), done, "append {nth} {point:?}: something was done after it");
            let ended = world.finish().await;
            assert_eq!(ended.ending(), Some(Ending::Complete), "append {nth} {point:?}");
            world.assert_nothing_twice();
            assert_eq!(world.effects.counts(), unharmed.effects.counts(), "append {nth} {point:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_driven_is_not_driven_again() {
    let world = World::of(plan(patching(), 1, 1)).await;
    let (control, other) = (waiting(), waiting());
    let second = async {
        world.clock.sleep(std::time::Duration::from_secs(30)).await;
        world.drive(&other).await
    };
    let (first, second) = tokio::join!(world.drive(&control), second);
    assert_eq!(first.expect("a drive without trouble").ending(), Some(Ending::Complete));
    let refused = second.expect_err("the run has an owner");
    assert!(matches!(&refused, DriveError::Owned { owner } if &**owner == "test"), "{refused:?}");
    assert_eq!(refused.code().id, code::RUN_OWNED.id);
    world.assert_nothing_twice();
}

/// A store whose locks do not hold: the epoch alone keeps the first process out.
#[tokio::test(start_paused = true)]
async fn a_process_whose_run_was_taken_over_stops_without_another_turn() {
    for after in [10, 61, 100, 185, 200, 245] {
        let mut world = World::of(plan(patching(), 2, 1)).await;
        world.journal =
            Arc::new(ProcessJournal::without_locks(Arc::new(world.memory.clone()), world.plan.clone()));
        let (control, other) = (waiting(), waiting());
        let second = async {
            world.clock.sleep(std::time::Duration::from_secs(after)).await;
            world.drive(&other).await
        };
        let (first, second) = tokio::join!(world.drive(&control), second);
        let taken = first.expect_err("its run was taken over");
        assert!(matches!(taken, DriveError::TakenOver(JournalError::Fenced { .. })), "{taken:?}");
        assert_eq!(taken.code().id, code::RUN_TAKEN.id);
        assert_eq!(second.expect("a drive without trouble").ending(), Some(Ending::Complete));
        world.assert_nothing_twice();
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_journal_is_not_driven_on() {
    let world = World::of(plan(patching(), 1, 1)).await;
    let damage = Some(Damage { last_good: Sequence(0), what: "record 1 does not match its checksum".into() });
    let loaded = LoadedRun { plan: b"the plan".to_vec(), records: vec![], damage };
    let begin = Begin::Resume { digest: "digest".into(), loaded };
    let refused = drive(world.ports(), world.run.clone(), world.plan.clone(), begin, &waiting(), &Unwatched)
        .await
        .expect_err("it is damaged");
    assert_eq!(refused.code().id, code::JOURNAL_DAMAGED.id);
    assert_eq!(world.effects.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_plan_than_the_one_the_run_was_opened_with_is_refused() {
    let world = World::of(plan(patching(), 1, 1)).await;
    world.memory.inject(AppendFault { nth: 6, point: FaultPoint::AfterCommit, error: full() });
    world.drive(&waiting()).await.expect_err("its journal is full");
    let (done, loaded) = (world.effects.count(), world.memory.load(&world.run).await.expect("a run"));
    let begin = Begin::Resume { digest: "another".into(), loaded };
    let refused = drive(world.ports(), world.run.clone(), world.plan.clone(), begin, &waiting(), &Unwatched)
        .await
        .expect_err("it is another plan");
    assert_eq!(refused.code().id, code::PLAN_CHANGED.id);
    assert_eq!(world.effects.count(), done);
}

#[tokio::test(start_paused = true)]
async fn a_step_nobody_can_carry_out_is_named_before_anything_is_done() {
    let mut world = World::of(plan(patching(), 1, 1)).await;
    world.steps.retain(|step| step.name() != "restore");
    let refused = world.drive(&waiting()).await.expect_err("a step is missing");
    assert!(matches!(&refused, DriveError::UnknownStep { step } if &**step == "restore"), "{refused:?}");
    assert_eq!(world.memory.appends(), 0);
}
