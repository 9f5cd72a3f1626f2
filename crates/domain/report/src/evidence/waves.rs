//! Waves and the gates before and between them.

use std::collections::BTreeMap;

use fleetwright_flow::{
    Direction, Event, Gate, GateView, Record, Run, RunView, Stage, StageId, StepIndex, TargetId,
};
use fleetwright_model::{AccountId, Region, Text, ZoneName};
use fleetwright_patch::milestones::{DecisionMade, Milestones};
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::{PatchPlan, PlannedWave, Work};
use jiff::Timestamp;
use serde::Serialize;

use super::{RunHost, StepOutcome, StepRecord};

/// One wave.
#[derive(Clone, Debug, PartialEq)]
pub struct WaveRecord {
    /// What people call it.
    pub name: Text,
    /// Whether it is the canary.
    pub canary: bool,
    /// Its stages of hosts, in order.
    pub stages: Vec<StageId>,
    /// When the first step of one of its hosts began.
    pub started_at: Option<Timestamp>,
    /// When the last step of its hosts ended; none while one of them is open.
    pub ended_at: Option<Timestamp>,
    /// Its hosts.
    pub hosts: u32,
    /// How many of them ended how, best first.
    pub outcomes: Vec<(HostOutcome, u32)>,
    /// Failures allowed in it; none stops never.
    pub max_failures: Option<u32>,
    /// Hosts that had to be verified healthy in each of its stages.
    pub min_verified: u32,
}

/// What a gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// People decide.
    Approval,
    /// Something is looked at between two waves.
    Checks,
}

impl GateKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Approval, Self::Checks];

    /// The kind as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Checks => "checks",
        }
    }
}

/// One gate.
#[derive(Clone, Debug, PartialEq)]
pub struct GateRecord {
    /// The stage it stands before or, for checks, is.
    pub stage: StageId,
    /// What people call that stage.
    pub name: Text,
    /// What it is.
    pub kind: GateKind,
    /// The wave of that stage, or the wave that is looked at, as a place in the record's list.
    pub wave: Option<u16>,
    /// What has become of it.
    pub state: GateView,
    /// When it was reached.
    pub reached_at: Option<Timestamp>,
    /// When it was decided, or its checks ended.
    pub decided_at: Option<Timestamp>,
    /// Different people who must approve; 0 for checks.
    pub needed: u16,
    /// What a decision at it is about, once it is reached.
    pub basis: Option<Text>,
    /// What was decided at it.
    pub decisions: Vec<DecisionMade>,
    /// What was looked at.
    pub checks: Vec<GateCheck>,
}

/// One look between two waves, for the hosts of one place.
#[derive(Clone, Debug, PartialEq)]
pub struct GateCheck {
    /// The landing zone.
    pub zone: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// What was done.
    pub visit: StepRecord,
    /// What it left, as JSON.
    pub note: Option<Text>,
}

impl GateCheck {
    /// Whether it let the run go on.
    pub fn passed(&self) -> bool {
        matches!(self.visit.outcome, StepOutcome::Succeeded | StepOutcome::Skipped)
    }
}

/// The state of a gate as reports name it.
pub fn gate_state(state: GateView) -> &'static str {
    match state {
        GateView::Open => "open",
        GateView::Ahead => "ahead",
        GateView::Waiting => "waiting",
        GateView::Approved => "approved",
        GateView::Expired => "expired",
        GateView::Closed => "closed",
    }
}

/// The wave of each target; a gate's is the wave it looks at.
pub(super) fn of_targets(plan: &PatchPlan) -> Vec<u16> {
    let mut waves = vec![0; plan.flow.targets.len()];
    for (index, wave) in plan.roll_out.waves.iter().enumerate() {
        let place = u16::try_from(index).unwrap_or(u16::MAX);
        for stage in &wave.stages {
            let targets = plan.flow.stages.get(stage.index()).map(|stage| stage.targets.clone());
            for target in targets.into_iter().flatten() {
                waves[target as usize] = place;
            }
        }
    }
    for (target, work) in plan.work.iter().enumerate() {
        if let Work::Gate(gate) = work {
            waves[target] = gate.wave;
        }
    }
    waves
}

/// The waves of a run; a plan without any has one of all its stages that have hosts.
pub(super) fn waves(plan: &PatchPlan, hosts: &[RunHost<'_>]) -> Vec<WaveRecord> {
    let mut waves: Vec<WaveRecord> = match plan.roll_out.waves.as_slice() {
        [] => vec![WaveRecord::of_all(plan)],
        planned => planned.iter().map(WaveRecord::of).collect(),
    };
    let mut counts: Vec<BTreeMap<HostOutcome, u32>> = vec![BTreeMap::new(); waves.len()];
    let mut open = vec![false; waves.len()];
    for host in hosts {
        let place = usize::from(host.wave);
        let Some(wave) = waves.get_mut(place) else { continue };
        wave.hosts += 1;
        *counts[place].entry(host.outcome).or_default() += 1;
        open[place] |= host.outcome == HostOutcome::Open;
        if let Some(begun) = host.started_at {
            wave.started_at = Some(wave.started_at.map_or(begun, |first| first.min(begun)));
        }
        if let Some(ended) = host.ended_at {
            wave.ended_at = Some(wave.ended_at.map_or(ended, |last| last.max(ended)));
        }
    }
    for ((wave, counts), open) in waves.iter_mut().zip(counts).zip(open) {
        let in_order = HostOutcome::ALL.into_iter();
        wave.outcomes = in_order.filter_map(|outcome| Some((outcome, *counts.get(&outcome)?))).collect();
        if open {
            wave.ended_at = None;
        }
    }
    waves
}

impl WaveRecord {
    fn of(planned: &PlannedWave) -> Self {
        Self {
            name: planned.name.clone(),
            canary: planned.canary,
            stages: planned.stages.clone(),
            started_at: None,
            ended_at: None,
            hosts: 0,
            outcomes: Vec::new(),
            max_failures: Some(planned.max_failures),
            min_verified: planned.min_verified,
        }
    }

    fn of_all(plan: &PatchPlan) -> Self {
        let has_hosts =
            |stage: &Stage| stage.targets.clone().any(|target| plan.work[target as usize].host().is_some());
        let stages = plan.flow.stages.iter().enumerate().filter(|(_, stage)| has_hosts(stage));
        let stages: Vec<(StageId, &Stage)> =
            stages.map(|(index, stage)| (StageId(u16::try_from(index).unwrap_or(u16::MAX)), stage)).collect();
        Self {
            name: stages.first().map_or_else(|| "all".into(), |(_, stage)| stage.name.clone()),
            canary: false,
            started_at: None,
            ended_at: None,
            hosts: 0,
            outcomes: Vec::new(),
            max_failures: stages.first().and_then(|(_, stage)| stage.max_failures),
            min_verified: stages.first().map_or(0, |(_, stage)| stage.min_verified),
            stages: stages.into_iter().map(|(id, _)| id).collect(),
        }
    }
}

/// The gates of a run: every stage that people decide about, and every look between waves.
pub(super) fn gates(
    plan: &PatchPlan,
    state: &Run,
    records: &[Record],
    view: &RunView,
    milestones: &Milestones,
    timelines: Vec<Vec<StepRecord>>,
) -> Vec<GateRecord> {
    let reached: BTreeMap<StageId, Timestamp> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::GateReached { stage, .. } => Some((*stage, record.at)),
            _ => None,
        })
        .collect();
    let wave_of = |stage: StageId| {
        let place = plan.roll_out.waves.iter().position(|wave| wave.stages.contains(&stage))?;
        u16::try_from(place).ok()
    };
    let mut timelines = timelines;
    let mut gates = Vec::new();
    for (index, stage) in plan.flow.stages.iter().enumerate() {
        let id = StageId(u16::try_from(index).unwrap_or(u16::MAX));
        if stage.gate == Gate::Approval {
            let made = milestones.decisions.iter().filter(|made| made.stage == stage.name);
            let decisions: Vec<DecisionMade> = made.cloned().collect();
            let shown = &view.stages[index];
            let decided = matches!(shown.gate, GateView::Approved | GateView::Expired | GateView::Closed);
            gates.push(GateRecord {
                stage: id,
                name: stage.name.clone(),
                kind: GateKind::Approval,
                wave: wave_of(id),
                state: shown.gate,
                reached_at: reached.get(&id).copied(),
                decided_at: decisions.last().filter(|_| decided).map(|made| made.at),
                needed: stage.approval.as_ref().map_or(1, |rule| rule.needed),
                basis: state.basis(id),
                decisions,
                checks: Vec::new(),
            });
        }
        gates.extend(checks(plan, state, id, stage, &mut timelines));
    }
    gates
}

/// The looks of a stage that is nothing but looks.
fn checks(
    plan: &PatchPlan,
    state: &Run,
    id: StageId,
    stage: &Stage,
    timelines: &mut [Vec<StepRecord>],
) -> Option<GateRecord> {
    let (mut wave, mut checks, mut all_ended, mut all_passed) = (None, Vec::new(), true, true);
    for index in stage.targets.clone() {
        let Some(Work::Gate(gate)) = plan.work.get(index as usize) else { continue };
        let target = TargetId(index);
        wave = Some(gate.wave);
        let place = plan.flow.place_of(target);
        let end = state.end(target);
        all_ended &= end.is_some();
        all_passed &= end.is_some_and(|end| end.is_well());
        let steps = &plan.flow.recipe_of(target).steps;
        for visit in std::mem::take(&mut timelines[index as usize]) {
            let step = steps.iter().position(|step| step.name == visit.step);
            let step = step.and_then(|step| u8::try_from(step).ok()).map(StepIndex);
            let note = step.and_then(|step| state.note(target, Direction::Do, step)).cloned();
            checks.push(GateCheck {
                zone: place.zone.clone(),
                account: place.account.clone(),
                region: place.region.clone(),
                note: note.filter(|_| visit.outcome == StepOutcome::Succeeded),
                visit,
            });
        }
    }
    let wave = wave?;
    let began = checks.iter().map(|check| check.visit.started_at).min();
    let ended = checks.iter().filter_map(|check| check.visit.ended_at).max().filter(|_| all_ended);
    Some(GateRecord {
        stage: id,
        name: stage.name.clone(),
        kind: GateKind::Checks,
        wave: Some(wave),
        state: match (all_ended, all_passed) {
            (true, true) => GateView::Approved,
            (true, false) => GateView::Closed,
            (false, _) if began.is_some() => GateView::Waiting,
            (false, _) => GateView::Ahead,
        },
        reached_at: began,
        decided_at: ended,
        needed: 0,
        basis: None,
        decisions: Vec::new(),
        checks,
    })
}
