//! One fleet taken through a run, and everything that is measured of it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;

use fleetwright_clock::SystemClock;
use fleetwright_engine::{AtGates, Control};
use fleetwright_flow::{Direction, Event, Record, Run, StepIndex, TargetId};
use fleetwright_model::{Phase, code};
use fleetwright_patch::plan::PatchPlan;
use fleetwright_ports::Clock;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tracing::instrument::WithSubscriber;

use super::bound::Bound;
use super::counts::Counts;
use super::turns::Turns;
use crate::args::WorldArgs;
use crate::console::Console;
use crate::failure::CommandError;
use crate::files;
use crate::settings::Flags;
use crate::simulated::Stage;
use crate::staged_run::{Onlooker, StagedRun};
use crate::state::State;

/// The scenario of a fleet in which all goes well.
pub(super) const STEADY: &str = "scale-run";
/// The scenario of a fleet in which much goes wrong.
pub(super) const FAULTS: &str = "scale-run-faults";

const QUIET: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// How much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetPolicy {
    /// Hosts out of service at once (`safety.max_concurrent`).
    pub out_of_service: u32,
    /// Hosts rebooting at once in a cell (`phases.patch.max_rebooting`).
    pub rebooting: u32,
    /// Images in the making at once in a cell (`phases.backup.max_concurrent`).
    pub images: u32,
    /// True counts a host as out of service from the installation on, not from the reboot on.
    pub hold_install: bool,
    /// True lets nothing be installed before every host has its image and its precheck, and somebody
    /// has approved (`safety.require_approval`).
    pub approval: bool,
    /// Hosts of one application out of service at once, in percent (`safety.budgets.application`).
    pub application: Option<u32>,
}

impl FleetPolicy {
    /// A tenth of the fleet out of service at once, from the reboot on, unattended, and all else as
    /// wide as it can be set.
    pub fn tenth_of(hosts: usize) -> Self {
        Self::share_of(hosts, 10)
    }

    /// The same with one in so many out of service at once.
    pub fn share_of(hosts: usize, one_in: usize) -> Self {
        let tenth = u32::try_from(hosts / one_in).unwrap_or(u32::MAX).clamp(50, 1_000);
        Self {
            out_of_service: tenth,
            rebooting: tenth.min(MOST_IN_FLIGHT),
            images: MOST_IN_FLIGHT,
            hold_install: false,
            approval: false,
            application: None,
        }
    }

    /// A random fleet's size and policy: 200 to 600 hosts, a twentieth to a half of them out of
    /// service at once.
    pub fn random(seed: u64, number: u64) -> (usize, Self) {
        let hash = Sha256::new_with_prefix(b"bench fleet")
            .chain_update(seed.to_be_bytes())
            .chain_update(number.to_be_bytes())
            .finalize();
        let draw =
            |at: usize, most: u32| u32::from(hash[at]) * 256 % most + u32::from(hash[at + 1]) % most.min(256);
        let hosts = 200 + draw(0, 400) % 401;
        let out_of_service = (hosts / 20 + draw(2, hosts) % (hosts / 2 - hosts / 20)).max(10);
        let policy = Self {
            out_of_service,
            rebooting: [20, 50, 100, 200][usize::from(hash[4] % 4)],
            images: [50, 100, 200, MOST_IN_FLIGHT][usize::from(hash[5] % 4)],
            hold_install: hash[6] % 4 == 0,
            approval: hash[7] % 4 == 0,
            application: None,
        };
        (usize::try_from(hosts).unwrap_or(200), policy)
    }

    fn flags(&self) -> Flags {
        let mut flags = Flags::default();
        let mut set = |key: &str, value: String| flags.set("bench", key, value);
        // Every host is worked on, whatever the last scan found.
        set("phases.patch.compliant", "include".to_owned());
        // A canary and its bake are time nobody can save, nor does the bound know of them.
        set("safety.canary", "0".to_owned());
        set("safety.max_concurrent", self.out_of_service.to_string());
        set("safety.hold", if self.hold_install { "install" } else { "reboot" }.to_owned());
        set("safety.require_approval", self.approval.to_string());
        set("phases.patch.max_rebooting", self.rebooting.to_string());
        set("phases.backup.max_concurrent", self.images.to_string());
        if let Some(percent) = self.application {
            set("safety.budgets.application", format!("{percent}%"));
        }
        flags
    }
}

/// The largest value of the keys that limit one region of an account.
const MOST_IN_FLIGHT: u32 = 1_000;

/// What was measured of one fleet.
pub struct Measured {
    /// Hosts in the plan.
    pub hosts: usize,
    /// How much at once.
    pub policy: FleetPolicy,
    /// Calls of scan and run.
    pub counts: Counts,
    /// Seconds of virtual time from the first record to the last.
    pub makespan: f64,
    /// The least it can take.
    pub bound: Bound,
    /// Records.
    pub records: usize,
    /// Seconds of wall time the run took, scan left out.
    pub wall_seconds: f64,
    /// Bytes of the kernel's own state at its largest.
    pub kernel_bytes: usize,
    /// Bytes of the journal's files; none where it was kept in memory.
    pub journal_bytes: Option<u64>,
    /// Hosts that ended well.
    pub well: usize,
    /// Whether and how it stopped.
    pub stop: Option<Stopped>,
    /// Seconds from a step's intent to its success, by step, on average.
    pub taken: BTreeMap<String, f64>,
    /// SHA-256 over all records, so that builds can be compared.
    pub digest: String,
}

/// A run that stopped because too many hosts failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Failures when it stopped.
    pub at: u32,
    /// Hosts that were in flight then.
    pub in_flight: u32,
    /// Failures in the end.
    pub finally: u32,
}

/// The scenario's fleet of that size, with its plan made.
pub(super) async fn staged(
    scenario: &str,
    seed: u64,
    hosts: usize,
    policy: &FleetPolicy,
    directory: Option<&Path>,
) -> Result<StagedRun, CommandError> {
    let stage = stage(scenario, seed, hosts, policy).await?;
    let state = match directory {
        Some(directory) => State::at(directory)?,
        None => State::in_memory(),
    };
    StagedRun::plan(stage, state, &Phase::ALL, QUIET).await
}

/// The scenario's fleet of that size.
pub(super) async fn stage(
    scenario: &str,
    seed: u64,
    hosts: usize,
    policy: &FleetPolicy,
) -> Result<Stage, CommandError> {
    let world = WorldArgs {
        scenario: Some(scenario.to_owned()),
        seed: Some(seed),
        // A region of one account takes no more.
        accounts: (hosts > 40_000).then(|| hosts.div_ceil(40_000)),
        instances: Some(hosts),
    };
    Stage::set(&world, policy.flags(), QUIET).await
}

/// Takes a fleet through a run. With a directory the journal is SQLite there, else in memory.
///
/// # Errors
/// The fleet cannot be made or driven.
pub async fn measure(
    scenario: &str,
    seed: u64,
    hosts: usize,
    policy: &FleetPolicy,
    directory: Option<&Path>,
) -> Result<Measured, CommandError> {
    let staged = staged(scenario, seed, hosts, policy, directory).await?;
    let watch = Watch::default();
    let control = Control::new("the bench", AtGates::Approve { by: "the bench".into() });
    let began = SystemClock.now();
    let turns = Turns::default();
    let driven = staged.drive_watched(&control, &watch).with_subscriber(turns.subscriber());
    driven.await.map_err(|error| {
        CommandError::new(&code::INTERNAL, format!("{scenario} with {hosts} hosts: {error}"))
    })?;
    let wall_seconds = SystemClock.now().duration_since(began).as_secs_f64();
    let finished = staged.finished().await;
    let seen = watch.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let stop = seen.stopped.map(|(at, in_flight)| {
        let totals = finished.run.totals();
        Stopped { at, in_flight, finally: failures(totals) }
    });
    let estate = &staged.stage.world.estate;
    let counts = Counts::of(&estate.calls(0, usize::MAX), &turns.of_calls());
    let plan = staged.document.plan();
    let bound = estate.with_world(|world| Bound::of(world, staged.run.as_str(), plan, policy));
    let bound =
        bound.map_err(|error| CommandError::new(&code::INTERNAL, format!("the ideal run: {error}")))?;
    Ok(Measured {
        hosts: plan.work.iter().filter(|work| work.host().is_some()).count(),
        policy: *policy,
        counts,
        makespan: makespan(&finished.records),
        bound,
        records: finished.records.len(),
        wall_seconds,
        kernel_bytes: seen.most_bytes.max(finished.run.memory_bytes()),
        journal_bytes: directory.map(|directory| files::size_below(directory, "journal.db")),
        well: finished.results.iter().filter(|it| is_well(it)).count(),
        stop,
        taken: taken(plan, &finished.records),
        digest: digest(&finished.records),
    })
}

fn taken(plan: &PatchPlan, records: &[Record]) -> BTreeMap<String, f64> {
    let mut started: HashMap<(TargetId, StepIndex), Timestamp> = HashMap::new();
    let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Started { target, step, direction: Direction::Do, .. } => {
                started.entry((*target, *step)).or_insert(record.at);
            }
            Event::Succeeded { target, step, direction: Direction::Do, .. } => {
                let Some(since) = started.get(&(*target, *step)) else { continue };
                let recipe = &plan.flow.recipe_of(*target).steps;
                let name = recipe.get(step.index()).map_or_else(String::new, |step| step.name.to_string());
                let (sum, count) = sums.entry(name).or_default();
                *sum += record.at.duration_since(*since).as_secs_f64();
                *count += 1;
            }
            _ => {}
        }
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / f64::from(count.max(1)))).collect()
}

fn is_well(result: &fleetwright_patch::outcome::HostResult<'_>) -> bool {
    use fleetwright_patch::outcome::HostOutcome;
    matches!(result.outcome, HostOutcome::Success | HostOutcome::Partial)
}

fn failures(totals: &fleetwright_flow::Totals) -> u32 {
    totals.failed + totals.unwound + totals.stuck
}

fn makespan(records: &[Record]) -> f64 {
    match (records.first(), records.last()) {
        (Some(first), Some(last)) => last.at.duration_since(first.at).as_secs_f64(),
        _ => 0.0,
    }
}

/// SHA-256 over the records as JSON, one per line.
pub(super) fn digest(records: &[Record]) -> String {
    let mut hash = Sha256::new();
    for record in records {
        hash.update(serde_json::to_vec(record).unwrap_or_default());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks on while the run is driven.
#[derive(Default)]
struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    batches: usize,
    most_bytes: usize,
    /// Failures and hosts in flight at the moment the run stopped.
    stopped: Option<(u32, u32)>,
}

impl Onlooker for Watch {
    fn recorded(&self, records: &[Record], run: &Run) {
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The size is that of every host's state: now and then is often enough.
        if seen.batches.is_multiple_of(64) {
            seen.most_bytes = seen.most_bytes.max(run.memory_bytes());
        }
        seen.batches += 1;
        let failed = records.iter().any(|record| matches!(record.event, Event::Failed { .. }));
        if failed && seen.stopped.is_none() && run.stopping().is_some() {
            seen.stopped = Some((failures(run.totals()), run.totals().in_flight));
        }
    }
}
