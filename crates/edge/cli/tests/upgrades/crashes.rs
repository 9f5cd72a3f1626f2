//! Processes that die at every point of every step of the recipes of EKS, and others that go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use fleetwright_estate::calls::CallRecord;
use fleetwright_flow::{Direction, Effect, Plan, Record};
use fleetwright_model::Text;
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_step::Step;
use fleetwright_testkit::crash::{Aftermath, Case, Cut, Point, World as Crashing, enumerate_where};
use futures::FutureExt;

use crate::pools;
use crate::told::staged;
use crate::world::Staged;

/// An upgrade in which processes come and go.
struct Upgrade {
    staged: Staged,
    /// What must not have become of its world at the end.
    left_behind: fn(&Staged) -> Vec<String>,
    /// Calls of the log that were counted, and those of them that changed objects of a cluster.
    counted: Mutex<(usize, usize)>,
}

/// The scenario in which processes die.
const EVERY: &str = "upgrade-crash-at-every-step";

async fn world() -> Upgrade {
    of_scenario(EVERY).await
}

async fn of_scenario(scenario: &str) -> Upgrade {
    of(scenario, |_| Vec::new()).await
}

async fn of(scenario: &str, left_behind: fn(&Staged) -> Vec<String>) -> Upgrade {
    Upgrade { staged: staged(scenario).await, left_behind, counted: Mutex::default() }
}

async fn with_own_groups() -> Upgrade {
    of_scenario("upgrade-own-groups").await
}

async fn with_pools() -> Upgrade {
    of("upgrade-node-pools", pools::left_behind).await
}

impl Crashing for Upgrade {
    fn plan(&self) -> Arc<Plan> {
        Arc::new(self.staged.document.plan().flow.clone())
    }

    fn digest(&self) -> Text {
        self.staged.document.digest().clone()
    }

    fn run(&self) -> RunId {
        self.staged.run.clone()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.staged.state.journal)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.staged.world.stage.clock)
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        let connecting = self.staged.world.stage.another_adapter();
        self.staged.process(connecting.now_or_never().expect("connecting waits for nothing"))
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        let jobs = self.staged.jobs().into_keys().map(|job| (format!("Job {job}"), 1));
        self.staged.effects().into_iter().chain(jobs).collect()
    }

    /// What EKS and Auto Scaling did, and what was changed by a cluster's own API.
    fn effect_count(&self) -> usize {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.staged.world.stage.world.estate.calls(counted.0, usize::MAX);
        let changes =
            |it: &&CallRecord| it.ok && matches!(&*it.action, "kubernetes:patch" | "kubernetes:evict");
        counted.0 += new.len();
        counted.1 += new.iter().filter(changes).count();
        counted.1 + self.effects().values().sum::<usize>()
    }

    /// The recipes of upgrades have no way back of their own: that is a run.
    fn fail(&self, _: &str) {}

    /// EKS's reads are not stale in the estate.
    fn make_reads_stale(&self) {}

    fn records_wrong(&self, _: &[Record]) -> Vec<String> {
        Vec::new()
    }

    fn complaints(&self) -> Vec<String> {
        let twice = self.staged.effects().into_iter().filter(|(_, times)| *times > 1);
        let twice = twice.map(|(what, times)| format!("{what} was made {times} times"));
        twice.chain((self.left_behind)(&self.staged)).collect()
    }
}

/// Whether the step changes anything.
fn acts(plan: &Plan, cut: &Cut) -> bool {
    let mut steps = plan.recipes.iter().flat_map(|recipe| &recipe.steps).filter(|step| step.name == cut.step);
    cut.direction == Direction::Do && steps.any(|step| step.effect != Effect::Reads)
}

async fn tried(aftermath: Aftermath, chosen: impl Fn(&Plan, &Cut) -> bool) -> BTreeSet<String> {
    tried_in(world, aftermath, chosen).await
}

async fn tried_in(
    world: impl AsyncFn() -> Upgrade,
    aftermath: Aftermath,
    chosen: impl Fn(&Plan, &Cut) -> bool,
) -> BTreeSet<String> {
    let plan = world().await.plan();
    let chosen = |case: &Case| case.aftermath == aftermath && chosen(&plan, &case.cut);
    let cases = enumerate_where(world, chosen).await.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(40).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    cases.iter().map(|case| case.cut.step.to_string()).collect()
}

/// The names of the steps of the plan that change something, or of all.
async fn named(which: impl Fn(&fleetwright_flow::Step) -> bool) -> BTreeSet<String> {
    let plan = world().await.plan();
    let steps = plan.recipes.iter().flat_map(|recipe| &recipe.steps);
    steps.filter(|step| which(step)).map(|step| step.name.to_string()).collect()
}

/// The step that has no token.
const STEP: &str = "instance-refresh";
const UNSEEN: &str = "a step without a case is a step nobody has seen crash";

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_from_every_point_of_every_step() {
    let steps = tried(Aftermath::Resumed, |_, _| true).await;
    assert_eq!(steps, named(|_| true).await, "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_asleep_spoils_nothing_when_it_wakes() {
    let points = [Point::BeforeIntent, Point::AnswerLost, Point::NotRecorded];
    let steps = tried(Aftermath::Zombie, |plan, cut| points.contains(&cut.point) && acts(plan, cut)).await;
    assert!(steps.is_superset(&named(|step| step.effect != Effect::Reads).await), "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_go_on_at_once_one_does() {
    let steps =
        tried(Aftermath::TriggeredTwice, |plan, cut| cut.point == Point::NotRecorded && acts(plan, cut))
            .await;
    assert!(steps.is_superset(&named(|step| step.effect != Effect::Reads).await), "{UNSEEN}");
}

/// The steps that change pools and evict pods.
const OF_POOLS: [&str; 5] = ["hold-pool", "pool-wave-1", "pool-wave-2", "release-pool", "fargate"];

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_with_a_pool_replaces_each_node_once_and_puts_its_budgets_back() {
    let of_pools = |_: &Plan, cut: &Cut| OF_POOLS.contains(&&*cut.step);
    let steps = tried_in(with_pools, Aftermath::Resumed, of_pools).await;
    assert_eq!(steps, OF_POOLS.map(str::to_owned).into(), "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_of_instances_has_no_token_and_is_begun_once_all_the_same() {
    let of_step = |cut: &Cut| &*cut.step == STEP;
    for aftermath in [Aftermath::Resumed, Aftermath::Zombie, Aftermath::TriggeredTwice] {
        let steps = tried_in(with_own_groups, aftermath, |_, cut| of_step(cut)).await;
        assert_eq!(steps, BTreeSet::from([STEP.to_owned()]), "{UNSEEN}");
    }
}
