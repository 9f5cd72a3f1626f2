//! Every step of the table at every crash point, with the aftermaths that can tell something.
//!
//! Every point is tried once by another process that goes on. What a zombie, a second process or a
//! stale read could spoil is an effect, so these follow where there is one, at the points that tell the
//! most; the variable [`ALL_CASES`] asks for the rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{Direction, Effect, Plan};
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_step::{Slot, Step, Turn};
use fleetwright_testkit::crash::{Aftermath, Case, Cut, Point, World, enumerate_where};

use crate::world::{Adapter, EstateWorld, Expected};

/// What the fleet comes to, whoever dies on the way.
const EXPECTED: &Expected = &[
    ("web", HostOutcome::Success, "running"),
    ("asleep", HostOutcome::Success, "stopped"),
    ("win", HostOutcome::Success, "running"),
    ("broken", HostOutcome::RolledBack, "running"),
];

/// One host goes ahead, and the others follow through a gate.
const WAVES: &str = "[{name: first, filters: {tags: {Name: web}}, bake: 2m}, {name: rest}]";
/// Hosts that are probed before others may rely on them, also after they were put back.
const GROUPS: &str = "[{name: shop, filters: {tags: {Name: [web, broken]}}, probe: {command: 'true'}}]";

/// The variable that asks for every case.
const ALL_CASES: &str = "FLEETWRIGHT_ALL_CRASHES";

async fn world_with(adapter: Adapter) -> EstateWorld {
    let settings = [
        ("safety.max_failure_percentage", "100".to_owned()),
        ("safety.automatic_rollback", "true".to_owned()),
        ("safety.waves", WAVES.to_owned()),
        ("safety.gate.patch_list_bucket", "shop-patch-lists".to_owned()),
        ("safety.budgets.application", "100%".to_owned()),
        ("ordering.groups", GROUPS.to_owned()),
    ];
    EstateWorld::of(None, &settings, adapter, EXPECTED).await
}

async fn world() -> EstateWorld {
    world_with(Adapter::New).await
}

/// Whether the step changes anything.
fn acts(plan: &Plan, cut: &Cut) -> bool {
    let lists = plan.recipes.iter().map(|recipe| match cut.direction {
        Direction::Do => &recipe.steps,
        Direction::Undo => &recipe.undo,
    });
    let mut steps = lists.flatten().filter(|step| step.name == cut.step);
    steps.any(|step| step.effect != Effect::Reads)
}

#[expect(clippy::disallowed_methods, reason = "whoever starts the test decides how much is tried")]
fn all_are_asked_for() -> bool {
    std::env::var_os(ALL_CASES).is_some()
}

/// Tries the chosen cases of an aftermath, or all of it where they are asked for.
#[expect(clippy::print_stdout, reason = "a test says how much it has tried")]
async fn tried(adapter: Adapter, aftermath: Aftermath, chosen: impl Fn(&Plan, &Cut) -> bool) -> Vec<Case> {
    let (plan, all) = (world().await.plan(), all_are_asked_for());
    let chosen = |case: &Case| case.aftermath == aftermath && (all || chosen(&plan, &case.cut));
    let cases = enumerate_where(async || world_with(adapter).await, chosen).await;
    let cases = cases.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(60).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    let count = |direction| cases.iter().filter(|case| case.cut.direction == direction).count();
    let (forward, back) = (count(Direction::Do), count(Direction::Undo));
    println!("{aftermath:?}, {adapter:?} adapter: {forward} crash cases forward, {back} on the way back");
    cases
}

/// The names of the steps of the table that change something, or of all.
async fn table(which: impl Fn(&Plan, &str) -> bool) -> BTreeSet<String> {
    let world = world().await;
    let plan = world.plan();
    let names = world.steps().into_iter().map(|step| step.name());
    names.filter(|name| which(&plan, name)).map(str::to_owned).collect()
}

/// Whether the step changes something, whichever way it is taken.
fn acts_somewhere(plan: &Plan, step: &str) -> bool {
    let cut = |direction| Cut { step: step.into(), direction, point: Point::AnswerLost };
    [Direction::Do, Direction::Undo].into_iter().any(|direction| acts(plan, &cut(direction)))
}

fn covered(cases: &[Case]) -> BTreeSet<String> {
    cases.iter().map(|case| case.cut.step.to_string()).collect()
}

const UNSEEN: &str = "a step without a case is a step nobody has seen crash";

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_from_every_point_of_every_step() {
    let cases = tried(Adapter::New, Aftermath::Resumed, |_, _| true).await;
    assert_eq!(covered(&cases), table(|_, _| true).await, "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn the_same_process_goes_on_where_an_answer_was_lost() {
    let lost = |plan: &Plan, cut: &Cut| cut.point == Point::AnswerLost && acts(plan, cut);
    let cases = tried(Adapter::Kept, Aftermath::Resumed, lost).await;
    assert!(covered(&cases).is_superset(&table(acts_somewhere).await), "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_asleep_spoils_nothing_when_it_wakes() {
    let points = [Point::BeforeIntent, Point::AnswerLost, Point::NotRecorded];
    let chosen = |plan: &Plan, cut: &Cut| points.contains(&cut.point) && acts(plan, cut);
    let cases = tried(Adapter::New, Aftermath::Zombie, chosen).await;
    assert!(covered(&cases).is_superset(&table(acts_somewhere).await), "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_and_reads_what_is_stale_does_nothing_twice() {
    let points = [Point::AnswerLost, Point::AcceptedRecorded, Point::EndRecorded];
    let chosen = |plan: &Plan, cut: &Cut| points.contains(&cut.point) && acts(plan, cut);
    let cases = tried(Adapter::New, Aftermath::StaleReads, chosen).await;
    assert!(covered(&cases).is_superset(&table(acts_somewhere).await), "{UNSEEN}");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_go_on_at_once_one_does() {
    let chosen = |plan: &Plan, cut: &Cut| cut.point == Point::NotRecorded && acts(plan, cut);
    let cases = tried(Adapter::New, Aftermath::TriggeredTwice, chosen).await;
    assert!(covered(&cases).is_superset(&table(acts_somewhere).await), "{UNSEEN}");
}

/// Forgets that it may have acted before.
struct Rash(Arc<dyn Step>);

#[async_trait]
impl Step for Rash {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn turn(&self, turn: Turn<'_>) {
        let slots: Vec<Slot> = turn.slots.iter().map(|slot| Slot { doubt: false, ..slot.clone() }).collect();
        self.0.turn(Turn { place: turn.place, slots: &slots, reports: turn.reports }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_forgets_its_doubt_is_found_out_over_the_estate() {
    let rash = |step: Arc<dyn Step>| if step.name() == "patch" { Arc::new(Rash(step)) } else { step };
    let lost = |case: &Case| {
        let Case { cut, aftermath } = case;
        *cut.step == *"patch" && cut.point == Point::AnswerLost && *aftermath == Aftermath::Resumed
    };
    let found = enumerate_where(async || world().await.altered(rash), lost).await;
    let found = found.expect_err("patches are installed twice");
    assert!(found.iter().any(|violation| violation.what.contains("command to install")), "{found:?}");
}
