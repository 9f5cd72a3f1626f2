//! From plan, records and files to the record of the run.

use std::collections::{BTreeMap, HashMap};

use fleetwright_flow::{Direction, Event, FailedStep, Record, Run, TargetId};
use fleetwright_model::{InstanceId, Text, code};
use fleetwright_patch::milestones::{Milestones, milestones};
use fleetwright_patch::outcome::{HostResult, RunOutcome, results};
use fleetwright_patch::plan::notes::{self, CleanUpNote};
use fleetwright_patch::plan::{PatchPlan, Work};
use jiff::Timestamp;

use super::{
    AuditHead, CleanUpRecord, HostFiles, OwnerRecord, RunHeader, RunHost, RunRecord, StepNote, StepOutcome,
    StepRecord, StepTrouble, TrendPoint, errors, waves,
};
use crate::fields::standings;
use crate::json::CallCount;
use crate::record::{HostRecord, SharedTexts, cleared};

/// Everything a record is folded from. The record borrows from the plan alone: what only tells how it came
/// about (`'t`), the journal above all, can go before reports are written.
pub struct Folding<'a, 't> {
    /// The run's name.
    pub run: &'t str,
    /// The digest of its plan.
    pub digest: &'t Text,
    /// Its plan.
    pub plan: &'a PatchPlan,
    /// The fold of its records.
    pub state: &'t Run,
    /// Its records.
    pub records: &'t [Record],
    /// How it ended as a whole, as whoever tells of it has judged.
    pub outcome: RunOutcome,
    /// The version that writes the report.
    pub fleetwright: &'t str,
    /// Now, for a run that is not over.
    pub now: Timestamp,
    /// Calls sent to AWS, by IAM action, as far as they were counted.
    pub calls: BTreeMap<String, CallCount>,
    /// What was known of the hosts when the fleet was read; hosts that are not the plan's are passed
    /// over.
    pub inventory: Vec<HostRecord>,
    /// What the files of the hosts say.
    pub files: HashMap<TargetId, HostFiles>,
    /// How compliant the fleet was after earlier runs, oldest first.
    pub earlier: Vec<TrendPoint>,
    /// The head of the audit log, where there is one.
    pub audit: Option<AuditHead>,
}

/// The record of a run. Takes time in proportion to hosts and records.
pub fn fold<'a>(folding: Folding<'a, '_>) -> RunRecord<'a> {
    let Folding { plan, state, records, .. } = folding;
    let results = results(plan, state, records);
    let mut timelines = timelines(plan, records);
    let places: HashMap<InstanceId, usize> =
        folding.inventory.iter().enumerate().map(|(place, host)| (host.instance_id.clone(), place)).collect();
    // Each is taken from where it stands: a map of the hosts themselves would hold them all twice.
    let mut inventory: Vec<Option<HostRecord>> = folding.inventory.into_iter().map(Some).collect();
    let mut files = folding.files;
    let wave_of = waves::of_targets(plan);
    let hosts: Vec<RunHost<'_>> = results
        .into_iter()
        .map(|result| {
            let target = result.target;
            let mut timeline = std::mem::take(&mut timelines[target.index()]);
            // Room for more than there is would be held a hundred thousand times.
            timeline.shrink_to_fit();
            let inventory = places.get(&result.host.id).and_then(|place| inventory[*place].take());
            let inventory = inventory.unwrap_or_else(|| HostRecord::planned(result.host, result.place));
            let files = files.remove(&target).map(|mut files| {
                files.shrink();
                Box::new(files)
            });
            host(result, wave_of[target.index()], timeline, Box::new(inventory), files)
        })
        .collect();
    let clean_ups = clean_ups(plan, state, &timelines);
    let milestones = without_secrets(milestones(plan, records));
    let until = state.ending().and_then(|_| records.last()).map_or(folding.now, |last| last.at);
    let view = state.view(until);
    let gates = waves::gates(plan, state, records, &view, &milestones, timelines);
    let waves = waves::waves(plan, &hosts);
    let errors = errors::groups(&hosts, &plan.left_out, &plan.gaps);
    let names: Vec<Text> = waves.iter().map(|wave| wave.name.clone()).collect();
    let compliance = standings(&folding.run.into(), &names, &hosts);
    let header = header(&folding.run.into(), folding.digest, plan, records, folding.outcome);
    let header = RunHeader { fleetwright: folding.fleetwright.into(), audit: folding.audit, ..header };
    let mut record = RunRecord {
        header,
        waves,
        gates,
        hosts,
        clean_ups,
        left_out: &plan.left_out,
        gaps: &plan.gaps,
        errors,
        compliance,
        calls: folding.calls,
        view,
        milestones,
        trend: folding.earlier,
    };
    record.trend.extend(TrendPoint::of(&record));
    record
}

/// What people wrote, and what gates said.
fn without_secrets(mut milestones: Milestones) -> Milestones {
    let decisions = milestones.decisions.iter_mut().map(|made| &mut made.reason);
    let freezes = milestones.freezes.iter_mut().map(|freeze| &mut freeze.reason);
    decisions.chain(freezes).flatten().for_each(|text| *text = cleared(text));
    milestones.gates.iter_mut().for_each(|gate| gate.message = cleared(&gate.message));
    milestones
}

fn header(run: &Text, digest: &Text, plan: &PatchPlan, records: &[Record], outcome: RunOutcome) -> RunHeader {
    let (first, last) = (records.first().map(|it| it.at), records.last().map(|it| it.at));
    let seconds = match (first, last) {
        (Some(first), Some(last)) => u64::try_from(last.duration_since(first).as_secs()).unwrap_or(0),
        _ => 0,
    };
    let owner = |record: &Record| match &record.event {
        Event::Owner { name } => Some(OwnerRecord { at: record.at, epoch: record.epoch, name: name.clone() }),
        _ => None,
    };
    RunHeader {
        run: run.clone(),
        digest: digest.clone(),
        fleetwright: "".into(),
        planned_by: plan.program.clone(),
        planned_at: plan.flow.created_at,
        scanned: plan.scanned,
        phases: plan.phases.clone(),
        parent: plan.parent.clone(),
        started_at: first,
        ended_at: last,
        seconds,
        status: outcome.status(),
        exit: outcome.exit,
        code: outcome.why.map(|why| why.id),
        reason: outcome.why.map(|why| why.title),
        next_step: outcome.why.map(|why| why.next_step),
        owners: records.iter().filter_map(owner).collect(),
        estimate: plan.estimate.clone(),
        operation: plan.policy.patch.operation,
        reboot: plan.policy.reboot.strategy,
        audit: None,
    }
}

fn host<'a>(
    result: HostResult<'a>,
    wave: u16,
    timeline: Vec<StepRecord>,
    inventory: Box<HostRecord>,
    files: Option<Box<HostFiles>>,
) -> RunHost<'a> {
    let deciding = |visit: &&StepRecord| visit.outcome == StepOutcome::Failed;
    let class = timeline.iter().find(deciding).and_then(|visit| visit.trouble.as_ref()?.class);
    RunHost {
        target: result.target,
        wave,
        zone: result.place.zone.clone(),
        account: result.place.account.clone(),
        region: result.place.region.clone(),
        planned: result.host,
        inventory,
        outcome: result.outcome,
        step: result.step,
        code: result.code,
        class,
        message: result.message.as_ref().map(cleared),
        started_at: result.started_at,
        ended_at: result.ended_at,
        timeline,
        files,
    }
}

/// What was done to each target, in order.
fn timelines(plan: &PatchPlan, records: &[Record]) -> Vec<Vec<StepRecord>> {
    let mut timelines: Vec<Vec<StepRecord>> = vec![Vec::new(); plan.flow.targets.len()];
    let mut texts = SharedTexts::default();
    for record in records {
        let (target, step, direction) = match &record.event {
            Event::Started { target, step, direction, .. }
            | Event::Accepted { target, step, direction, .. }
            | Event::Succeeded { target, step, direction, .. }
            | Event::Failed { target, step, direction, .. }
            | Event::Skipped { target, step, direction, .. } => (*target, step.index(), *direction),
            _ => continue,
        };
        let Some(timeline) = timelines.get_mut(target.index()) else { continue };
        take(plan, timeline, &mut texts, record, (target, step, direction));
    }
    timelines
}

/// Takes one record into its target's timeline.
fn take(
    plan: &PatchPlan,
    timeline: &mut Vec<StepRecord>,
    texts: &mut SharedTexts,
    record: &Record,
    (target, step, direction): (TargetId, usize, Direction),
) {
    let begun = |attempt: u16| {
        let recipe = plan.flow.recipe_of(target);
        let steps = if direction.is_do() { &recipe.steps } else { &recipe.undo };
        StepRecord {
            step: steps.get(step).map_or_else(|| "?".into(), |step| step.name.clone()),
            direction,
            attempt,
            started_at: record.at,
            ended_at: None,
            outcome: StepOutcome::InFlight,
            handle: None,
            trouble: None,
            note: None,
        }
    };
    match &record.event {
        Event::Started { attempt, .. } => timeline.push(begun(*attempt)),
        Event::Accepted { handle, .. } => {
            if let Some(visit) = timeline.last_mut() {
                visit.handle = Some(handle.clone());
            }
        }
        Event::Succeeded { note, finding, .. } => {
            let Some(visit) = timeline.last_mut() else { return };
            (visit.ended_at, visit.outcome) = (Some(record.at), StepOutcome::Succeeded);
            visit.trouble = finding.as_ref().map(|code| Box::new(StepTrouble::said(code)));
            visit.note =
                note.as_deref().and_then(|note| StepNote::read(&visit.step, note)).map(|mut note| {
                    note.share(visit.handle.as_ref(), texts);
                    Box::new(note)
                });
        }
        Event::Failed { failure, .. } => {
            let Some(visit) = timeline.last_mut() else { return };
            visit.ended_at = Some(record.at);
            visit.outcome = match failure.retry_at {
                Some(_) => StepOutcome::Retried,
                None => StepOutcome::Failed,
            };
            visit.trouble = Some(Box::new(StepTrouble::failed(failure)));
        }
        Event::Skipped { code, .. } => {
            if timeline.last().is_none_or(|visit| visit.ended_at.is_some()) {
                timeline.push(begun(0));
            }
            let Some(visit) = timeline.last_mut() else { return };
            (visit.ended_at, visit.outcome) = (Some(record.at), StepOutcome::Skipped);
            visit.trouble = Some(Box::new(StepTrouble::said(code)));
        }
        _ => {}
    }
}

impl StepTrouble {
    /// What a step says that did not fail.
    fn said(code: &Text) -> Self {
        Self { code: code.clone(), class: None, message: None, retry_at: None }
    }

    fn failed(failure: &FailedStep) -> Self {
        Self {
            code: failure.code.clone(),
            class: Some(failure.class),
            message: Some(cleared(&failure.message)),
            retry_at: failure.retry_at,
        }
    }

    /// What the code means; none for one that this version does not know.
    pub fn known(&self) -> Option<&'static fleetwright_model::Code> {
        code::find(&self.code)
    }
}

fn clean_ups(plan: &PatchPlan, state: &Run, timelines: &[Vec<StepRecord>]) -> Vec<CleanUpRecord> {
    let regions = plan.work.iter().enumerate().filter(|(_, work)| matches!(work, Work::Region));
    regions
        .map(|(index, _)| {
            let target = TargetId(u32::try_from(index).expect("as many as the kernel has targets"));
            let (place, timeline) = (plan.flow.place_of(target), &timelines[index]);
            let end = state.end(target);
            let (outcome, code) = fleetwright_patch::outcome::outcome_of(plan, target, end.as_ref());
            let note = plan
                .flow
                .recipe_of(target)
                .steps
                .iter()
                .position(|step| &*step.name == notes::step::CLEAN_UP)
                .and_then(|index| u8::try_from(index).ok())
                .and_then(|index| state.note(target, Direction::Do, fleetwright_flow::StepIndex(index)))
                .and_then(|text| notes::read::<CleanUpNote>(text));
            CleanUpRecord {
                zone: place.zone.clone(),
                account: place.account.clone(),
                region: place.region.clone(),
                outcome,
                code,
                message: timeline
                    .iter()
                    .find(|visit| visit.outcome == StepOutcome::Failed)
                    .and_then(|visit| visit.trouble.as_ref()?.message.clone()),
                started_at: timeline.first().map(|visit| visit.started_at),
                ended_at: end.and(timeline.last()).and_then(|visit| visit.ended_at),
                images: note.as_ref().map(|note| note.images),
                snapshots: note.as_ref().map(|note| note.snapshots),
                kept: note.as_ref().map(|note| note.kept),
            }
        })
        .collect()
}

impl TrendPoint {
    /// Where this run stands in the trend; none for one without records.
    fn of(record: &RunRecord<'_>) -> Option<Self> {
        let at = record.header.ended_at?;
        Some(Self::over(record.header.run.clone(), at, &record.hosts))
    }

    fn over(run: Text, at: Timestamp, hosts: &[RunHost<'_>]) -> Self {
        let count = |hosts: usize| u32::try_from(hosts).unwrap_or(u32::MAX);
        let well = |host: &&RunHost<'_>| host.outcome == fleetwright_patch::outcome::HostOutcome::Success;
        let judged: Vec<bool> = hosts.iter().filter_map(RunHost::is_compliant).collect();
        let missing = |host: &RunHost<'_>| {
            host.compliance().map(|note| u64::from(note.missed()) + u64::from(note.failed))
        };
        Self {
            run,
            at,
            hosts: count(hosts.len()),
            succeeded: count(hosts.iter().filter(well).count()),
            judged: count(judged.len()),
            compliant: count(judged.iter().filter(|compliant| **compliant).count()),
            patches_missing: hosts.iter().filter_map(missing).sum(),
        }
    }
}
