//! Turns that are not taken: what the machine's `Retry` and `Catch` are told.

use std::sync::Arc;

use fleetwright_clock::VirtualClock;
use fleetwright_engine::{AtGates, Begin, Ports, StepTable, Surroundings, Unwatched};
use fleetwright_flow::Plan;
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_stepfn::{ErrorName, MOST_TURNS, Next, Pace, Taken, TurnError, turn};
use fleetwright_store::MemoryJournal;
use fleetwright_testkit::flow::plans::{patching, plan};
use fleetwright_testkit::flow::{Effects, FakeStep};
use fleetwright_testkit::sample;

struct World {
    journal: MemoryJournal,
    ports: Ports,
    plan: Arc<Plan>,
    run: RunId,
}

async fn world() -> World {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
    let (journal, effects) = (MemoryJournal::new(), Arc::new(Effects::default()));
    let run: RunId = "run-1".parse().expect("a name");
    journal.create(&run, b"the plan", clock.now()).await.expect("a new run");
    let plan = Arc::new(plan(patching(), 2, 2));
    let steps = StepTable::new(FakeStep::all_of(&plan, &effects, &clock));
    let around = Surroundings::default();
    let ports = Ports { journal: Arc::new(journal.clone()), clock, steps, around };
    World { journal, ports, plan, run }
}

impl World {
    async fn turn(&self, number: u32) -> Result<Taken, TurnError> {
        let (ports, plan, pace) = (self.ports.clone(), Arc::clone(&self.plan), Pace::default());
        let begin = Begin::of("digest".into(), self.journal.load(&self.run).await?);
        let owner = "a function".into();
        turn(ports, &self.run, plan, begin, owner, AtGates::Wait, &pace, number, &Unwatched).await
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_history_has_no_room_no_turn_is_taken() {
    let world = world().await;
    let refused = world.turn(MOST_TURNS + 1).await.expect_err("there is no room");
    assert_eq!(refused.name(), ErrorName::HistoryFull, "{refused}");
    let records = world.journal.load(&world.run).await.expect("a run").records;
    assert_eq!(records, [], "nothing was begun");
    let taken = world.turn(MOST_TURNS).await.expect("the last there is room for");
    assert!(matches!(taken.next, Next::Wait { seconds } if seconds >= 900), "{:?}", taken.next);
}

#[tokio::test(start_paused = true)]
async fn while_somebody_holds_the_run_a_turn_is_to_be_taken_again() {
    let world = world().await;
    let claim = world.journal.claim(&world.run, "another function").await.expect("nobody drives it");
    let refused = world.turn(1).await.expect_err("somebody is there");
    assert_eq!(refused.name(), ErrorName::Owned, "{refused}");
    drop(claim);
    world.turn(1).await.expect("it is free");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_there_is_not_waited_for() {
    let world = World { run: "run-2".parse().expect("a name"), ..world().await };
    let refused = world.turn(1).await.expect_err("it was never made");
    assert_eq!(refused.name(), ErrorName::Unusable, "{refused}");
}
