//! How slots share turns.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use fleetwright_engine::{LaneName, Watcher, drive};
use fleetwright_flow::{Ending, Recipe, Step as PlanStep};
use fleetwright_model::Text;
use fleetwright_testkit::flow::plans::{changes, patching, plan};

use crate::world::{World, waiting};

fn one_step(step: PlanStep) -> Recipe {
    Recipe::new("one", vec![step], vec![])
}

#[tokio::test(start_paused = true)]
async fn targets_that_are_ready_together_share_one_turn() {
    let world = World::of(plan(one_step(changes("only")), 120, 120)).await;
    world.finish().await;
    let turns: Vec<usize> = world.effects.turns().iter().map(|turn| turn.targets.len()).collect();
    assert_eq!(turns, [120, 120], "one turn to act, one to look");
}

#[tokio::test(start_paused = true)]
async fn a_turn_takes_a_thousand_slots_at_most() {
    let world = World::of(plan(one_step(changes("only")), 2_500, 2_500)).await;
    world.finish().await;
    let acting: Vec<usize> = world.effects.turns().iter().take(3).map(|turn| turn.targets.len()).collect();
    assert_eq!(acting, [1_000, 1_000, 500]);
    world.assert_nothing_twice();
}

/// Backups end in the same second, but prechecks are staggered by the lane's limit.
#[tokio::test(start_paused = true)]
async fn slots_are_held_back_until_a_batch_is_full_or_few_can_still_come() {
    let first = PlanStep { max_in_flight: Some(3), ..changes("first") };
    let recipe = Recipe::new("two", vec![first, changes("second")], vec![]);
    let world = World::of(plan(recipe, 60, 60)).await;
    let mut second = world.step("second");
    (second.batch, second.gathers, second.lasts) = (5, Duration::from_secs(90), Duration::ZERO);
    let world = world.with_steps([second]);
    world.finish().await;
    let turns = world.effects.turns();
    let sizes: Vec<usize> =
        turns.iter().filter(|turn| turn.step == "second").map(|turn| turn.targets.len()).collect();
    assert!(sizes.contains(&5) && sizes.iter().all(|size| *size <= 5), "full batches first: {sizes:?}");
    assert!(sizes.ends_with(&[3, 3]), "nobody waits for the last few: {sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_lane_looks_at_most_once_a_second() {
    let world = World::of(plan(patching(), 30, 4)).await;
    world.finish().await;
    let mut looks: BTreeMap<(&str, bool, i64), usize> = BTreeMap::new();
    for turn in world.effects.turns() {
        *looks.entry((turn.step, turn.direction.is_do(), turn.at.as_second())).or_default() += 1;
    }
    // One turn for what is due and one for what came in while it ran.
    let most = looks.values().max().copied();
    assert!(most <= Some(2), "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn records_of_one_moment_share_one_commit() {
    let world = World::of(plan(one_step(changes("only")), 500, 500)).await;
    let watcher = Listener::default();
    let concluded = drive(
        world.ports(),
        world.run.clone(),
        world.plan.clone(),
        world.begin().await,
        &waiting(),
        &watcher,
    )
    .await
    .expect("a drive without trouble");
    assert_eq!(concluded.ending(), Some(Ending::Complete));
    let commits = watcher.commits.lock().expect("whole").clone();
    // Opened and owned; 500 started; 500 accepted (polled in groups); 500 succeeded and closed.
    assert!(commits.iter().sum::<usize>() == 2 + 1_500 + 1, "{commits:?}");
    assert!(commits.len() < 60, "{} commits: {commits:?}", commits.len());
    let waits = watcher.waits.lock().expect("whole").clone();
    assert!(waits.is_empty(), "accepted slots have not said what they wait for: {waits:?}");
}

#[derive(Default)]
struct Listener {
    commits: Mutex<Vec<usize>>,
    waits: Mutex<Vec<Text>>,
}

impl Watcher for Listener {
    fn recorded(&self, records: &[fleetwright_flow::Record], _run: &fleetwright_flow::Run) {
        self.commits.lock().expect("whole").push(records.len());
    }

    fn waiting(&self, _lane: LaneName<'_>, for_what: &BTreeMap<Text, usize>) {
        self.waits.lock().expect("whole").extend(for_what.keys().cloned());
    }
}
