//! Processes that die at every point of every step of the recipes of EKS, and others that go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleetwright_flow::{Direction, Effect, Plan, Record};
use fleetwright_model::Text;
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_step::Step;
use fleetwright_testkit::crash::{Aftermath, Case, Cut, Point, World as Crashing, enumerate_where};
use futures::FutureExt;

use crate::told::staged;
use crate::world::Staged;

/// An upgrade in which processes come and go.
struct Upgrade(Staged);

/// The scenario in which processes die.
const EVERY: &str = "upgrade-crash-at-every-step";

async fn world() -> Upgrade {
    Upgrade(staged(EVERY).await)
}

impl Crashing for Upgrade {
    fn plan(&self) -> Arc<Plan> {
        Arc::new(self.0.document.plan().flow.clone())
    }

    fn digest(&self) -> Text {
        self.0.document.digest().clone()
    }

    fn run(&self) -> RunId {
        self.0.run.clone()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.0.state.journal)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.world.stage.clock)
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        let connecting = self.0.world.stage.another_adapter();
        self.0.process(connecting.now_or_never().expect("connecting waits for nothing"))
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        self.0.effects()
    }

    /// The recipes of upgrades have no way back of their own: that is a run.
    fn fail(&self, _: &str) {}

    /// EKS's reads are not stale in the estate.
    fn make_reads_stale(&self) {}

    fn records_wrong(&self, _: &[Record]) -> Vec<String> {
        Vec::new()
    }

    fn complaints(&self) -> Vec<String> {
        let twice = self.0.effects().into_iter().filter(|(_, times)| *times > 1);
        twice.map(|(what, times)| format!("{what} was made {times} times")).collect()
    }
}

/// Whether the step changes anything.
fn acts(plan: &Plan, cut: &Cut) -> bool {
    let mut steps = plan.recipes.iter().flat_map(|recipe| &recipe.steps).filter(|step| step.name == cut.step);
    cut.direction == Direction::Do && steps.any(|step| step.effect != Effect::Reads)
}

async fn tried(aftermath: Aftermath, chosen: impl Fn(&Plan, &Cut) -> bool) -> BTreeSet<String> {
    tried_in(EVERY, aftermath, chosen).await
}

async fn tried_in(
    scenario: &str,
    aftermath: Aftermath,
    chosen: impl Fn(&Plan, &Cut) -> bool,
) -> BTreeSet<String> {
    let world = async || Upgrade(staged(scenario).await);
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

#[tokio::test(start_paused = true)]
async fn a_refresh_of_instances_has_no_token_and_is_begun_once_all_the_same() {
    let of_step = |cut: &Cut| *cut.step == *STEP;
    for aftermath in [Aftermath::Resumed, Aftermath::Zombie, Aftermath::TriggeredTwice] {
        let steps = tried_in("upgrade-own-groups", aftermath, |_, cut| of_step(cut)).await;
        assert_eq!(steps, BTreeSet::from([STEP.to_owned()]), "{UNSEEN}");
    }
}
