//! What became of a run: cluster by cluster and step by step, with the way back that is open.

use std::collections::BTreeMap;

use fleetwright_flow::{End, Ending, Outcome, Record, Run, TargetId, Timeline, Visit};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::{Code, Text, code};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Purpose, Task, UpgradeRun};
use crate::plan::{Action, PoolCalls, Rollback, UpgradePlan};

/// What became of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterOutcome {
    /// Its name. Untrusted text.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its ring; empty where there are none. Untrusted text.
    pub ring: String,
    /// The digest of its plan.
    pub plan: String,
    /// The version of its control plane before the run.
    pub from: Minor,
    /// The version that it was to get.
    pub target: Minor,
    /// The version that the run took it to so far.
    pub reached: Minor,
    /// How it stands.
    pub standing: ClusterStanding,
    /// Its steps, in the order of the plan.
    pub steps: Vec<StepOutcome>,
    /// The way back that is open; none where none is.
    pub way_back: Option<OpenWayBack>,
    /// Pools whose drift is still held back where the cluster was left, by name.
    pub held_pools: Vec<HeldPool>,
}

/// A pool of Karpenter that a run left with our budget in front of its own: no node of it drifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPool {
    /// Its name. Untrusted text.
    pub pool: String,
    /// Our budget is known to stand there; where not, what became of putting it there is not known.
    pub certain: bool,
}

/// How a cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterStanding {
    /// Nothing of it was begun.
    NotBegun,
    /// It is on its way.
    UnderWay,
    /// Every step ended well.
    Done,
    /// A step failed; what follows it was not begun.
    Failed,
    /// It was left before its end, and no step failed.
    Left,
}

impl ClusterStanding {
    /// In words.
    pub fn told(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Left => "left before its end",
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepOutcome {
    /// Its name.
    pub id: String,
    /// What it does. Untrusted names are in it.
    pub what: String,
    /// How it stands.
    pub standing: StepStanding,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Seconds that it was expected to take.
    pub expected_seconds: u32,
    /// Attempts at its calls.
    pub attempts: u16,
    /// What EKS calls the update; none where there is none.
    pub update: Option<Text>,
    /// The code of what people should look at.
    pub code: Option<Text>,
    /// What went wrong, in words. Untrusted text.
    pub message: Option<Text>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStanding {
    /// Not begun.
    Waiting,
    /// Begun and not ended.
    UnderWay,
    /// It ended well.
    Done,
    /// It was so already, or there was nothing to do.
    NotNeeded,
    /// It failed.
    Failed,
    /// It was left, because something before it did not end well, or the run was stopped.
    Left,
}

impl StepStanding {
    /// In words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Waiting => "waits",
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::NotNeeded => "so already",
            Self::Failed => "failed",
            Self::Left => "left",
        }
    }
}

/// A hop that can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenWayBack {
    /// The hop.
    pub hop: Hop,
    /// Until when EKS takes it back. Source: EKS User Guide, "Roll back a cluster's Kubernetes version".
    pub until: Timestamp,
    /// The step that closes it before that; none where only the time does.
    pub closed_by: Option<String>,
}

/// Why a hop cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOpenWayBack {
    /// No hop was made.
    #[error("the run made no hop of the control plane")]
    NoHop,
    /// The time is over.
    #[error("{hop} was made more than seven days ago: EKS took it back until {until}")]
    Over {
        /// The hop.
        hop: Hop,
        /// Until when.
        until: Timestamp,
    },
    /// A step closed it.
    #[error("{hop} cannot be taken back any more: {step} closed it")]
    Closed {
        /// The hop.
        hop: Hop,
        /// The step.
        step: String,
    },
}

/// What became of every cluster of a run.
pub fn outcomes(plan: &UpgradeRun, run: &Run, records: &[Record], now: Timestamp) -> Vec<ClusterOutcome> {
    let mut timelines: Vec<Timeline> =
        (0..plan.work.len() as u32).map(|id| Timeline { target: TargetId(id), visits: Vec::new() }).collect();
    for record in records {
        if let Some(timeline) = record.event.target().and_then(|target| timelines.get_mut(target.index())) {
            timeline.add(record);
        }
    }
    (0..plan.clusters.len()).map(|index| cluster(plan, run, &timelines, index, now)).collect()
}

fn cluster(
    plan: &UpgradeRun,
    run: &Run,
    timelines: &[Timeline],
    index: usize,
    now: Timestamp,
) -> ClusterOutcome {
    let of = &plan.clusters[index];
    let mut steps = Vec::new();
    let mut reached = match plan.purpose {
        Purpose::Upgrade => of.plan.cluster.version,
        Purpose::WayBack { hop, .. } => hop.to,
    };
    for timeline in timelines.iter().filter(|it| usize::from(plan.work[it.target.index()].cluster) == index) {
        let step = step(plan, run, timeline);
        let action = plan.step_of(timeline.target).map(|step| &step.action);
        if let (Some(Action::ControlPlane { to, .. }), StepStanding::Done | StepStanding::NotNeeded) =
            (action, step.standing)
        {
            reached = *to;
        }
        steps.push(step);
    }
    let is = |wanted: StepStanding| steps.iter().any(|step| step.standing == wanted);
    let well = |step: &StepOutcome| matches!(step.standing, StepStanding::Done | StepStanding::NotNeeded);
    let standing = if is(StepStanding::Failed) {
        ClusterStanding::Failed
    } else if steps.iter().all(well) {
        ClusterStanding::Done
    } else if steps.iter().all(|step| matches!(step.standing, StepStanding::Waiting | StepStanding::Left)) {
        ClusterStanding::NotBegun
    } else if run.ending().is_some() {
        ClusterStanding::Left
    } else {
        ClusterStanding::UnderWay
    };
    let (target, from) = match plan.purpose {
        Purpose::Upgrade => (of.plan.target, of.plan.cluster.version),
        Purpose::WayBack { hop, .. } => (hop.from, hop.to),
    };
    ClusterOutcome {
        name: of.plan.cluster.name.clone(),
        account: of.plan.cluster.account.to_string(),
        region: of.plan.cluster.region.to_string(),
        ring: of.ring.clone(),
        plan: of.digest.clone(),
        from,
        target,
        reached,
        standing,
        way_back: way_back(plan, index, &steps, now).ok(),
        held_pools: match standing {
            ClusterStanding::Failed | ClusterStanding::Left => held_pools(&of.plan, &steps),
            ClusterStanding::NotBegun | ClusterStanding::UnderWay | ClusterStanding::Done => Vec::new(),
        },
        steps,
    }
}

fn step(plan: &UpgradeRun, run: &Run, timeline: &Timeline) -> StepOutcome {
    let target = timeline.target;
    let work = &plan.work[target.index()].task;
    let planned = plan.step_of(target);
    let (id, what) = match (planned, work) {
        (Some(step), _) => (step.id.to_string(), step.action.told()),
        (None, Task::Soak { seconds }) => ("soak".to_owned(), format!("prove itself for {seconds} s")),
        (None, _) => ("baseline".to_owned(), "keep how the cluster is before the run".to_owned()),
    };
    let acted = |visit: &&Visit| visit.attempt > 0;
    let skipped = timeline.visits.iter().find(|visit| matches!(visit.outcome, Outcome::Skipped { .. }));
    let failure = timeline.visits.iter().rev().find_map(|visit| match &visit.outcome {
        Outcome::Failed(failure) => Some(failure),
        _ => None,
    });
    let standing = match run.end(target) {
        Some(End::Done { .. }) if skipped.is_some() => StepStanding::NotNeeded,
        Some(End::Done { .. }) => StepStanding::Done,
        Some(End::Skipped { .. }) => StepStanding::Left,
        Some(_) => StepStanding::Failed,
        None if timeline.visits.iter().any(|visit| visit.attempt > 0) => StepStanding::UnderWay,
        None => StepStanding::Waiting,
    };
    let failed = failure.filter(|_| matches!(standing, StepStanding::Failed | StepStanding::UnderWay));
    let code = match (run.end(target), failed) {
        (_, Some(failure)) => Some(failure.code.clone()),
        (Some(End::Skipped { code }), None) => Some(code),
        (Some(End::Done { finding }), None) => finding,
        _ => None,
    };
    StepOutcome {
        id,
        what,
        standing,
        started_at: timeline.visits.iter().find(acted).map(|visit| visit.started_at),
        ended_at: run.end(target).and(timeline.visits.iter().rev().find_map(|visit| visit.ended_at)),
        expected_seconds: planned.map_or(60, |step| step.expected_seconds),
        attempts: timeline.visits.iter().map(|visit| visit.attempt).max().unwrap_or_default(),
        update: planned
            .filter(|step| !step.calls.is_empty() && !matches!(step.action, Action::PoolNodes { .. }))
            .and_then(|_| timeline.visits.iter().find_map(|visit| visit.handle.clone())),
        code,
        message: failed.map(|failure| failure.message.clone()),
    }
}

/// Pools that our budget was put in front of, and that no later roll was begun with. A roll that was begun lets go of its
/// pool in any case, or says itself why it did not.
pub fn held_pools(plan: &UpgradePlan, steps: &[StepOutcome]) -> Vec<HeldPool> {
    let mut held = BTreeMap::new();
    for step in &plan.steps {
        let begun =
            steps.iter().find(|outcome| outcome.id == step.id.as_str() && outcome.started_at.is_some());
        let Some(outcome) = begun else { continue };
        let is_done = outcome.standing == StepStanding::Done;
        match &step.action {
            Action::HoldPool { pool } => {
                held.insert(pool.clone(), is_done);
            }
            Action::PoolNodes { pool, .. } if is_done && PoolCalls::of(step).hold.is_some() => {
                held.insert(pool.clone(), true);
            }
            Action::PoolNodes { pool, .. } => {
                held.remove(pool);
            }
            _ => {}
        }
    }
    held.into_iter().map(|(pool, certain)| HeldPool { pool, certain }).collect()
}

/// The hop of a cluster that can be taken back now.
///
/// # Errors
/// [`NoOpenWayBack`] says why none can.
pub fn way_back(
    plan: &UpgradeRun,
    cluster: usize,
    steps: &[StepOutcome],
    now: Timestamp,
) -> Result<OpenWayBack, NoOpenWayBack> {
    let of = &plan.clusters[cluster].plan;
    if plan.purpose != Purpose::Upgrade {
        return Err(NoOpenWayBack::NoHop);
    }
    let made = |back: &&Rollback| {
        let hop = of.steps.iter().find(|step| {
            matches!(step.action, Action::ControlPlane { from, to } if from == back.hop.from && to == back.hop.to)
        })?;
        let outcome = steps.iter().find(|step| step.id == hop.id.as_str())?;
        // A hop that was found to be made already was made at a time that nobody here knows.
        (outcome.standing == StepStanding::Done).then_some(outcome.ended_at?)
    };
    let (back, made_at) =
        of.rollbacks.iter().rev().find_map(|back| Some((back, made(&back)?))).ok_or(NoOpenWayBack::NoHop)?;
    let hop = back.hop;
    let within = SignedDuration::from_secs(back.within_seconds.into());
    let until = made_at.checked_add(within).unwrap_or(Timestamp::MAX);
    if now >= until {
        return Err(NoOpenWayBack::Over { hop, until });
    }
    let closes = |id: &String| steps.iter().find(|step| step.id == *id && step.started_at.is_some());
    let closed_by = back.closed_by.as_ref().map(ToString::to_string);
    match closed_by.as_ref().and_then(closes) {
        Some(step) => Err(NoOpenWayBack::Closed { hop, step: step.id.clone() }),
        None => Ok(OpenWayBack { hop, until, closed_by }),
    }
}

/// Why a run's command ends with another exit code than success; none where every cluster is where it was to be.
pub fn why(run: &Run, clusters: &[ClusterOutcome]) -> Option<&'static Code> {
    match run.ending() {
        None => Some(&code::RUN_INTERRUPTED),
        Some(Ending::Halted) => Some(&code::RUN_HALTED),
        Some(Ending::Rejected) => Some(&code::RUN_REJECTED),
        Some(Ending::Aborted) => Some(&code::RUN_ABORTED),
        Some(Ending::Complete) => {
            let done = clusters.iter().all(|cluster| cluster.standing == ClusterStanding::Done);
            (!done).then_some(&code::RUN_PARTIAL)
        }
    }
}
