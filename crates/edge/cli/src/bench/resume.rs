//! Taking up a run of a hundred thousand hosts from its journal.

use std::path::Path;
use std::sync::Arc;

use fleetwright_clock::SystemClock;
use fleetwright_flow::{Command, Event, Plan, Record, Run};
use fleetwright_model::{Text, code};
use fleetwright_ports::{Clock, Journal, JournalError, RunId};
use jiff::{SignedDuration, Timestamp};

use super::fleet::{FleetPolicy, STEADY, staged};
use crate::failure::CommandError;
use crate::files;
use crate::state::{State, refused};

/// What was measured.
pub(super) struct Resumed {
    /// Hosts of the plan.
    pub hosts: usize,
    /// Records in the journal.
    pub records: usize,
    /// Seconds of wall time to read and check the journal.
    pub load_seconds: f64,
    /// To fold the records.
    pub fold_seconds: f64,
    /// To decide what comes next.
    pub next_seconds: f64,
    /// What came next.
    pub commands: usize,
    /// Bytes of the journal's files.
    pub journal_bytes: u64,
    /// Bytes of the kernel's own state.
    pub kernel_bytes: usize,
}

/// Records of one append, as the engine bounds it.
const APPEND: usize = 5_000;

/// Writes the record of a run that was killed half-way, and takes it up.
///
/// # Errors
/// The fleet cannot be made, or the journal refuses.
pub(super) async fn measure(seed: u64, hosts: usize, directory: &Path) -> Result<Resumed, CommandError> {
    let policy = FleetPolicy::tenth_of(hosts);
    let staged = staged(STEADY, seed, hosts, &policy, None).await?;
    let plan = Arc::new(staged.document.plan().flow.clone());
    let digest = staged.document.digest().clone();
    let state = State::at(directory)?;
    let now = staged.stage.clock.now();
    let created = state.journal.create(&staged.run, &staged.document.write(), now).await;
    created.map_err(|error| refused(&error))?;
    write_half(state.journal.as_ref(), &staged.run, &plan, digest, now)
        .await
        .map_err(|error| refused(&error))?;
    drop(state);
    take_up(directory, &staged.run, plan, now).await
}

/// Walks every host up to the step that takes it out of service: half of the recipe.
async fn write_half(
    journal: &dyn Journal,
    name: &RunId,
    plan: &Arc<Plan>,
    digest: Text,
    start: Timestamp,
) -> Result<(), JournalError> {
    let claim = journal.claim(name, "the bench").await?;
    let mut run = Run::open(Arc::clone(plan));
    let mut pending: Vec<Record> = Vec::new();
    let mut durable = run.last();
    let mut now = start;
    for event in
        [Event::Opened { format: Record::FORMAT, plan: digest }, Event::Owner { name: "the bench".into() }]
    {
        keep(&mut run, &mut pending, claim.epoch(), now, event);
    }
    loop {
        now = now.checked_add(SignedDuration::from_secs(5)).unwrap_or(now);
        let commands = run.next(now);
        let begins: Vec<&Command> = commands.iter().filter(|it| is_before_the_reboot(plan, it)).collect();
        if begins.is_empty() {
            break;
        }
        for command in &begins {
            keep(&mut run, &mut pending, claim.epoch(), now, command.event());
        }
        for command in begins {
            for event in ends(command) {
                keep(&mut run, &mut pending, claim.epoch(), now, event);
            }
        }
        while pending.len() >= APPEND {
            let rest = pending.split_off(APPEND);
            journal.append(name, claim.epoch(), durable, &pending).await?;
            durable = pending.last().map_or(durable, |record| record.seq);
            pending = rest;
        }
    }
    journal.append(name, claim.epoch(), durable, &pending).await
}

fn keep(
    run: &mut Run,
    pending: &mut Vec<Record>,
    epoch: fleetwright_flow::Epoch,
    at: Timestamp,
    event: Event,
) {
    let record = Record { epoch, ..run.record(at, event) };
    run.apply(&record).expect("the kernel takes what it proposed");
    pending.push(record);
}

fn is_before_the_reboot(plan: &Plan, command: &Command) -> bool {
    let Command::Begin { target, step, .. } = command else { return false };
    let step = plan.recipe_of(*target).steps.get(step.index());
    step.is_some_and(|step| matches!(&*step.name, "backup" | "precheck" | "patch"))
}

/// What is on record of a step that went well, about as long as the real thing.
fn ends(command: &Command) -> Vec<Event> {
    let Command::Begin { target, step, direction, .. } = command else { return Vec::new() };
    let (target, step, direction) = (*target, *step, *direction);
    let handle = format!("0f0f0f0f-0f0f-4f0f-8f0f-{:012x}", target.0 / 50).into();
    let note = format!("{{\"image\":\"ami-{:017x}\",\"snapshots\":1}}", target.0).into();
    vec![
        Event::Accepted { target, step, direction, handle },
        Event::Succeeded { target, step, direction, note: Some(note), finding: None },
    ]
}

async fn take_up(
    directory: &Path,
    name: &RunId,
    plan: Arc<Plan>,
    now: Timestamp,
) -> Result<Resumed, CommandError> {
    let state = State::at(directory)?;
    let clock = || SystemClock.now();
    let since = |began: Timestamp| clock().duration_since(began).as_secs_f64();
    let began = clock();
    let loaded = state.journal.load(name).await.map_err(|error| refused(&error))?;
    if let Some(damage) = loaded.damage {
        return Err(CommandError::new(&code::JOURNAL_DAMAGED, damage.what.to_string()));
    }
    let load_seconds = since(began);
    let began = clock();
    let mut run = Run::open(Arc::clone(&plan));
    for record in &loaded.records {
        run.apply(record).map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
    }
    let fold_seconds = since(began);
    let began = clock();
    let later = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now);
    let commands = run.next(later).len();
    Ok(Resumed {
        hosts: plan.targets.len(),
        records: loaded.records.len(),
        load_seconds,
        fold_seconds,
        next_seconds: since(began),
        commands,
        journal_bytes: files::size_below(directory, "journal.db"),
        kernel_bytes: run.memory_bytes(),
    })
}
