//! `fleetwright rehearse`: a plan is carried out many times on a simulated copy of its fleet, in virtual
//! time, by the engine and the steps that would carry it out for real.

mod copy;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fleetwright_engine::{AtGates, Control};
use fleetwright_model::{Exit, Text, code};
use fleetwright_patch::plan::PlanDocument;
use fleetwright_report::rehearsal::{self as report, Group, Rehearsal, Trial};

use crate::app::{Time, in_runtime};
use crate::args::{OutputFormat, RehearseArgs};
use crate::commands::{apply, plan::run_id};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::files;
use crate::settings::Flags;
use crate::simulated::Stage;
use crate::staged_run::StagedRun;
use crate::state::State;

use copy::FleetCopy;
use watch::Watch;

/// A rehearsal is told about once at the end; the runs in it say nothing.
const QUIET: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// Which nights are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first seed.
    pub first: u64,
    /// How many, each one more than the one before.
    pub count: u32,
}

/// Rehearses the plan of a file and tells how it went.
///
/// # Errors
/// The plan cannot be read or rehearsed, or a report cannot be written.
pub fn carry_out(args: &RehearseArgs, console: Console) -> Result<Exit, CommandError> {
    let document = apply::read(&args.plan)?;
    let faults = match &args.faults {
        Some(path) => Some((files::read_text(path)?, path.display().to_string())),
        None => None,
    };
    let faults = faults.as_ref().map(|(text, name)| (text.as_str(), name.as_str()));
    let seeds = Seeds { first: args.first_seed, count: args.seeds };
    let rehearsal = rehearse(&document, faults, seeds, console)?;
    if let Some(path) = &args.picture {
        let picture = report::picture(&rehearsal);
        files::write_atomically(path, |file| std::io::Write::write_all(file, picture.as_bytes()))?;
        console.note(&format!("picture: {}", path.display()));
    }
    show(&rehearsal, args.output.unwrap_or_default())?;
    Ok(Exit::Success)
}

/// Carries a plan out on a copy of its fleet, once for each seed. `faults` is the text of a file of
/// faults and its name; a usual bad night where there is none.
///
/// # Errors
/// The plan cannot be rehearsed, or the faults are no faults.
pub fn rehearse(
    document: &PlanDocument,
    faults: Option<(&str, &str)>,
    seeds: Seeds,
    console: Console,
) -> Result<Rehearsal, CommandError> {
    let copy = copy::of(document, faults)?;
    let trials = trials(&copy, seeds, console)?;
    let plan = copy.plan.plan();
    Ok(Rehearsal {
        format: report::FORMAT.into(),
        plan: document.digest().clone(),
        faults: faults.map_or("light", |(_, name)| name).into(),
        hosts: plan.work.iter().filter(|work| work.host().is_some()).count(),
        stages: plan.flow.stages.iter().map(|stage| stage.name.clone()).collect(),
        groups: groups(&copy.plan),
        left_out: copy.left_out.iter().map(|what| Text::from(what.as_str())).collect(),
        trials,
    })
}

fn groups(document: &PlanDocument) -> Vec<Group> {
    let flow = &document.plan().flow;
    let mut members = vec![0_u32; flow.groups.len()];
    for group in flow.targets.iter().flat_map(|target| &target.groups) {
        members[group.index()] += 1;
    }
    let of = |(group, members): (&fleetwright_flow::Group, u32)| Group {
        name: group.name.clone(),
        members,
        capacity: group.capacity,
    };
    flow.groups.iter().zip(members).map(of).collect()
}

fn show(rehearsal: &Rehearsal, format: OutputFormat) -> Result<(), CommandError> {
    let internal = |error: String| CommandError::new(&code::INTERNAL, error);
    match format {
        OutputFormat::Text => {
            let mut text = String::new();
            report::write_text(&mut text, rehearsal).map_err(|error| internal(error.to_string()))?;
            console::write_text(&text)
        }
        OutputFormat::Json => {
            let json =
                serde_json::to_string_pretty(rehearsal).map_err(|error| internal(error.to_string()))?;
            console::write_text(&format!("{json}\n"))
        }
        OutputFormat::Jsonl => {
            let mut lines = String::new();
            for trial in &rehearsal.trials {
                let line = serde_json::json!({ "type": "trial", "trial": trial });
                lines.push_str(&format!("{line}\n"));
            }
            let summary = serde_json::json!({ "type": "summary", "summary": rehearsal.summary() });
            console::write_text(&format!("{lines}{summary}\n"))
        }
    }
}

/// Every seed's run, in the order of the seeds. Worlds share nothing, so each processor has its own.
fn trials(copy: &FleetCopy, seeds: Seeds, console: Console) -> Result<Vec<Trial>, CommandError> {
    let seeds: Vec<u64> = (0..u64::from(seeds.count)).map(|n| seeds.first.wrapping_add(n)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<BTreeMap<u64, Result<Trial, CommandError>>> = Mutex::default();
    let workers = thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let trial = in_runtime(Time::Paused, trial(copy, *seed));
                    let failed = trial.is_err();
                    results.lock().unwrap_or_else(PoisonError::into_inner).insert(*seed, trial);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    console.note(&format!("rehearsed {done} of {}", seeds.len()));
                    if failed {
                        // What one world refuses, the others refuse as well.
                        next.store(seeds.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// One run of the plan in the world of one seed.
async fn trial(copy: &FleetCopy, seed: u64) -> Result<Trial, CommandError> {
    let flags = Flags::default();
    let stage = Stage::of_text((&copy.scenario, "the copy of the fleet"), seed, flags, QUIET).await?;
    let state = State::in_memory();
    let zones = copy::zones(copy.plan.plan(), &stage.fleet.zones)?;
    let run = run_id(stage.clock.as_ref(), seed);
    let created = state.journal.create(&run, &copy.plan.write(), stage.clock.now()).await;
    created.map_err(|error| crate::state::refused(&error))?;
    let staged = StagedRun { stage, state, run, document: copy.plan.clone(), zones };
    let control = Control::new("the rehearsal", AtGates::Approve { by: "the rehearsal".into() });
    let watch = Arc::new(Watch::default());
    let driven = staged.drive_watched(&control, watch.as_ref()).await;
    driven.map_err(|error| CommandError::new(&code::INTERNAL, format!("seed {seed}: {error}")))?;
    let seen = Arc::into_inner(watch).map(Watch::into_seen).unwrap_or_default();
    let finished = staged.finished().await;
    let mut outcomes: BTreeMap<Text, u32> = BTreeMap::new();
    let mut causes: BTreeMap<Text, u32> = BTreeMap::new();
    for result in &finished.results {
        *outcomes.entry(result.outcome.as_str().into()).or_default() += 1;
        if let Some(code) = &result.code {
            *causes.entry(code.clone()).or_default() += 1;
        }
    }
    let (first, last) = (finished.records.first(), finished.records.last());
    let seconds = first.zip(last).map(|(first, last)| last.at.duration_since(first.at).as_secs());
    Ok(Trial {
        seed,
        seconds: seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default(),
        ending: finished.outcome.why.map(|code| code.id.into()),
        outcomes,
        causes,
        stages: seen.stages,
        levels: seen.levels,
    })
}
