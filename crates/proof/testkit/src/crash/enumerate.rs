//! Every step, every point, every aftermath.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_engine::{Concluded, DriveError};
use fleetwright_flow::{Direction, Event, OnFailure, Plan};
use fleetwright_model::Text;

use super::oracle::Result as RunResult;
use super::process::{Process, When, position, run_in, step_name};
use super::{Aftermath, Case, Cut, Point, Violation, World};

/// Runs every case of the plan's recipes, each in a new world.
///
/// # Errors
/// Every violation found. A step that could not be cut off at a point, because no run comes there, is
/// one: it has no case.
pub async fn enumerate<W: World + 'static>(make: impl AsyncFn() -> W) -> Result<Vec<Case>, Vec<Violation>> {
    enumerate_where(make, |_| true).await
}

/// As [`enumerate`], but only the cases that are chosen: for worlds in which a run takes long.
///
/// # Errors
/// As [`enumerate`].
pub async fn enumerate_where<W: World + 'static>(
    make: impl AsyncFn() -> W,
    chosen: impl Fn(&Case) -> bool,
) -> Result<Vec<Case>, Vec<Violation>> {
    let mut cases = Vec::new();
    let mut violations = Vec::new();
    let plan = make().await.plan();
    for direction in [Direction::Do, Direction::Undo] {
        let steps = steps_of(&plan, direction);
        let failing = match direction {
            Direction::Do => None,
            Direction::Undo => leads_back(&plan),
        };
        if steps.is_empty() {
            continue;
        }
        let unharmed = match unharmed(&make, failing.as_ref()).await {
            Ok(unharmed) => unharmed,
            Err(what) => {
                violations.push(Violation { place: format!("unharmed {direction:?}"), what });
                continue;
            }
        };
        let accepted = accepted_steps(&plan, &unharmed, direction);
        for case in cases_of(&steps, direction, &accepted).into_iter().filter(&chosen) {
            let world = Arc::new(new_world(&make, failing.as_ref()).await);
            let found = carry_out(&world, &case, &unharmed).await;
            violations.extend(found.into_iter().map(|what| Violation { place: case.to_string(), what }));
            cases.push(case);
        }
    }
    if violations.is_empty() { Ok(cases) } else { Err(violations) }
}

/// The names of the steps that way, each once.
fn steps_of(plan: &Plan, direction: Direction) -> Vec<Text> {
    let lists = plan.recipes.iter().map(|recipe| match direction {
        Direction::Do => &recipe.steps,
        Direction::Undo => &recipe.undo,
    });
    let mut seen = BTreeSet::new();
    let names = lists.flatten().map(|step| step.name.clone());
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// The first step whose failure leads to the way back.
fn leads_back(plan: &Plan) -> Option<Text> {
    let mut steps = plan.recipes.iter().flat_map(|recipe| &recipe.steps);
    steps.find(|step| step.on_failure == OnFailure::Undo).map(|step| step.name.clone())
}

async fn new_world<W: World>(make: &impl AsyncFn() -> W, failing: Option<&Text>) -> W {
    let world = make().await;
    if let Some(step) = failing {
        world.fail(step);
    }
    world
}

async fn unharmed<W: World + 'static>(
    make: &impl AsyncFn() -> W,
    failing: Option<&Text>,
) -> Result<RunResult, String> {
    let world = Arc::new(new_world(make, failing).await);
    let process = Process::new(world.plan(), When::Never);
    run_in(&world, &process, true).await.map_err(|error| format!("the unharmed run: {error}"))?;
    let result = RunResult::of(&*world).await?;
    match result.repeated().into_iter().chain(world.complaints()).next() {
        Some(complaint) => Err(format!("the unharmed run: {complaint}")),
        None => Ok(result),
    }
}

/// Steps that are accepted before they are done.
fn accepted_steps(plan: &Plan, unharmed: &RunResult, way: Direction) -> BTreeSet<Text> {
    let accepted = unharmed.records.iter().filter(|record| matches!(record.event, Event::Accepted { .. }));
    accepted
        .filter_map(|record| position(&record.event))
        .filter(|(_, direction, _)| *direction == way)
        .map(|(target, direction, step)| step_name(plan, target, direction, step))
        .collect()
}

fn cases_of(steps: &[Text], direction: Direction, accepted: &BTreeSet<Text>) -> Vec<Case> {
    let mut cases = Vec::new();
    for step in steps {
        let points = Point::ALL.into_iter();
        let points = points.filter(|point| *point != Point::AcceptedRecorded || accepted.contains(step));
        for point in points {
            let cut = Cut { step: step.clone(), direction, point };
            cases.extend(Aftermath::ALL.map(|aftermath| Case { cut: cut.clone(), aftermath }));
        }
    }
    cases
}

/// What is wrong with a case.
async fn carry_out<W: World + 'static>(world: &Arc<W>, case: &Case, unharmed: &RunResult) -> Vec<String> {
    let first = Process::new(world.plan(), When::At(case.cut.clone()));
    let locks = case.aftermath != Aftermath::Zombie;
    let mut driven = Box::pin(run_in(world, &first, locks));
    tokio::select! {
        biased;
        () = first.cut_off() => {}
        ended = &mut driven => {
            let how = ended.map(|concluded| concluded.conclusion);
            return vec![format!("no run comes to this point, so the step has no case; the run: {how:?}")];
        }
    }
    let over = is_over(world).await;
    let mut wrong = Vec::new();
    match case.aftermath {
        Aftermath::Resumed => {
            drop(driven);
            wrong.extend(finish(world).await);
        }
        Aftermath::StaleReads => {
            drop(driven);
            world.make_reads_stale();
            wrong.extend(finish(world).await);
        }
        Aftermath::Zombie => {
            let wake = async {
                world.clock().sleep(Duration::from_secs(1)).await;
                first.wake();
                driven.await
            };
            let (second, zombie) = tokio::join!(finish(world), wake);
            wrong.extend(second);
            wrong.extend(not_taken_over(zombie, over));
            let late = first.late_turns().into_iter();
            wrong.extend(late.map(|step| format!("the zombie began a turn of {step} (I15)")));
        }
        Aftermath::TriggeredTwice => {
            drop(driven);
            wrong.extend(trigger_twice(world, over).await);
        }
    }
    match RunResult::of(&**world).await {
        Ok(result) => wrong.extend(result.differences(unharmed)),
        Err(what) => wrong.push(what),
    }
    wrong.extend(world.complaints());
    wrong
}

/// Resumes in a process that nothing happens to; answers with what went wrong.
async fn finish<W: World + 'static>(world: &Arc<W>) -> Option<String> {
    let process = Process::new(world.plan(), When::Never);
    let ended = run_in(world, &process, true).await;
    ended.err().map(|error| format!("resuming failed: {error} ({error:?})"))
}

/// Whether the run was closed by what the process recorded last.
async fn is_over<W: World>(world: &Arc<W>) -> bool {
    let loaded = world.journal().load(&world.run()).await;
    let last = loaded.ok().and_then(|loaded| loaded.records.into_iter().last());
    last.is_some_and(|record| matches!(record.event, Event::Closed { .. }))
}

fn not_taken_over(zombie: Result<Concluded, DriveError>, over: bool) -> Option<String> {
    match zombie {
        Err(DriveError::TakenOver(_)) => None,
        Ok(_) if over => None,
        Err(other) => Some(format!("the zombie ended with {other:?}")),
        Ok(concluded) => Some(format!("the zombie came to a conclusion: {:?}", concluded.conclusion)),
    }
}

/// How often the run was taken over.
async fn owners<W: World + 'static>(world: &Arc<W>) -> usize {
    let loaded = world.journal().load(&world.run()).await;
    let records = loaded.map(|loaded| loaded.records).unwrap_or_default();
    records.iter().filter(|record| matches!(record.event, Event::Owner { .. })).count()
}

async fn trigger_twice<W: World + 'static>(world: &Arc<W>, over: bool) -> Vec<String> {
    let processes = [(); 2].map(|()| Process::new(world.plan(), When::Never));
    let owners_before = owners(world).await;
    let (one, other) = tokio::join!(run_in(world, &processes[0], true), run_in(world, &processes[1], true));
    let mut wrong = Vec::new();
    match (one, other) {
        (Ok(_), Err(DriveError::Owned { .. })) | (Err(DriveError::Owned { .. }), Ok(_)) => {}
        (Ok(_), Ok(_)) if over => {}
        // Where little is left to do, the one is through before the other comes, and it alone drove.
        (Ok(_), Ok(_)) if owners(world).await == owners_before + 1 => {}
        (one, other) => {
            let how = [one, other].map(|ended| ended.map(|concluded| concluded.conclusion));
            wrong.push(format!("two at once ended with {how:?}"));
        }
    }
    let before = world.journal().load(&world.run()).await.map(|loaded| loaded.records.len());
    wrong.extend(finish(world).await);
    let after = world.journal().load(&world.run()).await.map(|loaded| loaded.records.len());
    if before != after {
        wrong.push(format!("a trigger after the end made {before:?} records {after:?}"));
    }
    wrong
}
