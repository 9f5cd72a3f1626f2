//! What became of each host of a run: the fold that reports, exit codes and retries are made from.

use std::collections::BTreeMap;
use std::fmt;

use fleetwright_flow as flow;
use fleetwright_flow::{Direction, End, Ending, Event, Record, Run, TargetId};
use fleetwright_model::{Code, Exit, InstanceId, Text, code};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::notes::{
    self, BackupNote, PrecheckNote, RebootNote, RestoreNote, ValidateNote, VerifyNote, step,
};
use crate::plan::{Before, Earlier, PatchPlan, PlannedHost, Work};

/// How a host ended (REQUIREMENTS §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostOutcome {
    /// Everything was done, and nothing is left to look at.
    Success,
    /// It was worked on and is in service; something is left to look at.
    Partial,
    /// A step failed.
    Failed,
    /// Its agent does not answer.
    Unreachable,
    /// A check kept it from being patched.
    NotReady,
    /// It was left as it is.
    Skipped,
    /// It was put back to its image.
    RolledBack,
    /// A person has to look.
    Stuck,
    /// The run has not ended for it.
    Open,
}

impl HostOutcome {
    /// Every outcome, best first.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Partial,
        Self::Skipped,
        Self::NotReady,
        Self::Unreachable,
        Self::RolledBack,
        Self::Failed,
        Self::Stuck,
        Self::Open,
    ];

    /// The outcome as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::NotReady => "not_ready",
            Self::Skipped => "skipped",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
            Self::Open => "open",
        }
    }

    /// True where `retry` takes the host again: failed, not started, unknown.
    pub fn is_worth_a_retry(self) -> bool {
        !matches!(self, Self::Success)
    }
}

impl fmt::Display for HostOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One host's result.
#[derive(Clone, Debug, PartialEq)]
pub struct HostResult<'a> {
    /// The kernel's target.
    pub target: TargetId,
    /// The host as it was planned.
    pub host: &'a PlannedHost,
    /// Where it lives.
    pub place: &'a flow::Place,
    /// How it ended.
    pub outcome: HostOutcome,
    /// The step that decided, where one did.
    pub step: Option<Text>,
    /// The code of the reason.
    pub code: Option<Text>,
    /// The reason in words, where a step failed. Untrusted text.
    pub message: Option<Text>,
    /// When its first step was started.
    pub started_at: Option<Timestamp>,
    /// When its last step ended.
    pub ended_at: Option<Timestamp>,
    /// Its image.
    pub image: Option<Text>,
    /// The reboot, where one was proven.
    pub reboot: Option<RebootNote>,
    /// Compliance after patching.
    pub compliance: Option<VerifyNote>,
    /// The comparison with before.
    pub validation: Option<ValidateNote>,
    /// The restoration.
    pub restoration: Option<RestoreNote>,
}

/// Times and words that only the records have.
#[derive(Clone, Debug, Default)]
struct Story {
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    message: Option<Text>,
}

/// Every host's result, in the plan's order.
pub fn results<'a>(plan: &'a PatchPlan, run: &Run, records: &[Record]) -> Vec<HostResult<'a>> {
    let mut stories = stories(records);
    let hosts = plan.work.iter().enumerate().filter_map(|(index, work)| {
        let Work::Host(host) = work else { return None };
        let target = TargetId(u32::try_from(index).expect("as many as the kernel has targets"));
        Some((target, &**host))
    });
    hosts
        .map(|(target, host)| {
            let story = stories.remove(&target).unwrap_or_default();
            result(plan, run, target, host, story)
        })
        .collect()
}

fn stories(records: &[Record]) -> BTreeMap<TargetId, Story> {
    let mut stories: BTreeMap<TargetId, Story> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Started { target, .. } => {
                stories.entry(*target).or_default().started_at.get_or_insert(record.at);
            }
            Event::Succeeded { target, .. } | Event::Skipped { target, .. } => {
                let story = stories.entry(*target).or_default();
                story.ended_at = Some(record.at);
            }
            Event::Failed { target, failure, .. } => {
                let story = stories.entry(*target).or_default();
                story.ended_at = Some(record.at);
                // An attempt that was tried again explains nothing; the first final failure does.
                if failure.retry_at.is_none() {
                    story.message.get_or_insert_with(|| failure.message.clone());
                }
            }
            _ => {}
        }
    }
    stories
}

fn result<'a>(
    plan: &'a PatchPlan,
    run: &Run,
    target: TargetId,
    host: &'a PlannedHost,
    story: Story,
) -> HostResult<'a> {
    let end = run.end(target);
    let (outcome, step, code) = judged(plan, target, end.as_ref());
    let failed = !matches!(outcome, HostOutcome::Success | HostOutcome::Open | HostOutcome::Skipped);
    HostResult {
        target,
        host,
        place: plan.flow.place_of(target),
        outcome,
        step,
        code,
        message: story.message.filter(|_| failed),
        started_at: story.started_at,
        ended_at: story.ended_at.filter(|_| end.is_some()),
        image: note::<BackupNote>(plan, run, target, step::BACKUP).map(|note| note.image),
        reboot: note(plan, run, target, step::REBOOT),
        compliance: note(plan, run, target, step::VERIFY),
        validation: note(plan, run, target, step::VALIDATE_RESTORED)
            .or_else(|| note(plan, run, target, step::VALIDATE)),
        restoration: note(plan, run, target, step::RESTORE),
    }
}

/// The note a step of that name left, on either way.
fn note<T: serde::de::DeserializeOwned>(
    plan: &PatchPlan,
    run: &Run,
    target: TargetId,
    name: &str,
) -> Option<T> {
    let recipe = plan.flow.recipe_of(target);
    let ways = [(Direction::Do, &recipe.steps), (Direction::Undo, &recipe.undo)];
    ways.into_iter().find_map(|(direction, steps)| {
        let index = steps.iter().position(|step| &*step.name == name)?;
        let index = flow::StepIndex(u8::try_from(index).ok()?);
        notes::read(run.note(target, direction, index)?)
    })
}

/// How a target that is no host ended, with the code of the reason.
pub fn outcome_of(plan: &PatchPlan, target: TargetId, end: Option<&End>) -> (HostOutcome, Option<Text>) {
    let (outcome, _, code) = judged(plan, target, end);
    (outcome, code)
}

/// How one target ended: its outcome, the step that decided, and the code of the reason. What of a region
/// and of a gate has the same forms.
pub fn ending_of(plan: &PatchPlan, run: &Run, target: TargetId) -> (HostOutcome, Option<Text>, Option<Text>) {
    judged(plan, target, run.end(target).as_ref())
}

type Judged = (HostOutcome, Option<Text>, Option<Text>);

fn judged(plan: &PatchPlan, target: TargetId, end: Option<&End>) -> Judged {
    let recipe = plan.flow.recipe_of(target);
    let name = |step: flow::StepIndex| recipe.steps.get(step.0 as usize).map(|step| step.name.clone());
    let undo_name = |step: flow::StepIndex| recipe.undo.get(step.0 as usize).map(|step| step.name.clone());
    match end {
        None => (HostOutcome::Open, None, None),
        Some(End::Done { finding: None }) if restores(recipe) => (HostOutcome::RolledBack, None, None),
        Some(End::Done { finding: None }) => (HostOutcome::Success, None, None),
        Some(End::Done { finding: Some(code) }) => (HostOutcome::Partial, None, Some(code.clone())),
        Some(End::Failed { step, code }) => (failed(code), name(*step), Some(code.clone())),
        Some(End::Skipped { code }) => (skipped(code), None, Some(code.clone())),
        Some(End::Unwound { step, code }) => (HostOutcome::RolledBack, name(*step), Some(code.clone())),
        Some(End::Stuck { step, code }) => {
            (HostOutcome::Stuck, undo_name(*step).or_else(|| name(*step)), Some(code.clone()))
        }
    }
}

/// True for the recipe that puts back by decision.
fn restores(recipe: &flow::Recipe) -> bool {
    recipe.steps.iter().any(|step| &*step.name == step::RESTORE)
}

/// Codes that say the host could not be reached.
const UNREACHABLE: [&Code; 3] = [&code::HOST_UNREACHABLE, &code::UNDELIVERABLE, &code::DELIVERY_TIMED_OUT];

/// Codes after which only a person can tell what state the host is in.
const STUCK: [&Code; 2] = [&code::NOT_BACK, &code::RESTORE_FAILED];

fn failed(code: &str) -> HostOutcome {
    let is = |known: &[&Code]| known.iter().any(|known| known.id == code);
    match code {
        _ if is(&UNREACHABLE) => HostOutcome::Unreachable,
        _ if is(&STUCK) => HostOutcome::Stuck,
        _ => HostOutcome::Failed,
    }
}

fn skipped(code: &str) -> HostOutcome {
    match code {
        _ if code == code::NOT_READY.id => HostOutcome::NotReady,
        _ if code == code::HOST_UNREACHABLE.id => HostOutcome::Unreachable,
        _ => HostOutcome::Skipped,
    }
}

/// How a run ended as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// The exit code.
    pub exit: Exit,
    /// Why it is not [`Exit::Success`].
    pub why: Option<&'static Code>,
}

impl RunOutcome {
    /// 200 for complete, 202 for under way, 206 for partial, 500 for what did not reach its end
    /// (REQUIREMENTS RE-9).
    pub fn status(self) -> u16 {
        match self.exit {
            _ if self.why == Some(&code::RUN_UNDER_WAY) => 202,
            Exit::Success | Exit::Nothing => 200,
            Exit::Partial => 206,
            _ => 500,
        }
    }
}

/// How the run ended: stuck hosts before anything else, then what stopped it, then what is partial.
pub fn run_outcome(plan: &PatchPlan, run: &Run, results: &[HostResult<'_>]) -> RunOutcome {
    let any = |outcome: HostOutcome| results.iter().any(|result| result.outcome == outcome);
    let well = |result: &HostResult<'_>| match result.outcome {
        HostOutcome::Success => true,
        // Putting back is what a rollback is for.
        HostOutcome::RolledBack => restores(plan.flow.recipe_of(result.target)),
        _ => false,
    };
    let why = match run.ending() {
        None => Some(&code::RUN_INTERRUPTED),
        Some(_) if any(HostOutcome::Stuck) => Some(&code::RUN_STUCK),
        Some(Ending::Halted) => Some(&code::RUN_HALTED),
        Some(Ending::Rejected) => Some(&code::RUN_REJECTED),
        Some(Ending::Aborted) => Some(&code::RUN_ABORTED),
        Some(Ending::Complete) if !results.iter().all(well) => Some(&code::RUN_PARTIAL),
        Some(Ending::Complete) if clean_up_incomplete(plan, run) => Some(&code::RUN_PARTIAL),
        Some(Ending::Complete) if !plan.gaps.is_empty() => Some(&code::PLAN_BLIND),
        Some(Ending::Complete) => None,
    };
    RunOutcome { exit: why.and_then(|code| code.exit).unwrap_or(Exit::Success), why }
}

/// True where a region's clean-up did not end well.
fn clean_up_incomplete(plan: &PatchPlan, run: &Run) -> bool {
    let regions = plan.work.iter().enumerate().filter(|(_, work)| matches!(work, Work::Region));
    regions
        .filter_map(|(index, _)| run.end(TargetId(u32::try_from(index).ok()?)))
        .any(|end| !matches!(end, End::Done { finding: None }))
}

/// The hosts `retry` takes: everything that did not end in success.
pub fn worth_a_retry(results: &[HostResult<'_>]) -> Vec<InstanceId> {
    let worth = results.iter().filter(|result| result.outcome.is_worth_a_retry());
    worth.map(|result| result.host.id.clone()).collect()
}

/// How many hosts ended how.
pub fn tally(results: &[HostResult<'_>]) -> BTreeMap<HostOutcome, usize> {
    results.iter().fold(BTreeMap::new(), |mut tally, result| {
        *tally.entry(result.outcome).or_default() += 1;
        tally
    })
}

/// What a run leaves for a later one, host by host: its image, and its evidence from before patching.
pub fn left_behind(plan: &PatchPlan, run: &Run, name: &str) -> BTreeMap<InstanceId, Earlier> {
    let mut left = BTreeMap::new();
    for (index, work) in plan.work.iter().enumerate() {
        let Work::Host(host) = work else { continue };
        let target = TargetId(u32::try_from(index).expect("as many as the kernel has targets"));
        let image = note::<BackupNote>(plan, run, target, step::BACKUP).map(|note| note.image);
        let before = note::<PrecheckNote>(plan, run, target, step::PRECHECK)
            .map(|note| Before { run: name.into(), boot: note.boot });
        left.insert(host.id.clone(), Earlier { image, before: host.before.clone().or(before) });
    }
    left
}

/// True where a step of that name was ever started on the target.
pub fn was_started(plan: &PatchPlan, run: &Run, target: TargetId, name: &str) -> bool {
    let steps = &plan.flow.recipe_of(target).steps;
    let index = steps.iter().position(|step| &*step.name == name);
    index
        .and_then(|index| u8::try_from(index).ok())
        .is_some_and(|index| run.was_started(target, flow::StepIndex(index)))
}
