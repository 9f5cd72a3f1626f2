//! The plan that puts hosts of an earlier run back to their images, by a person's decision.

use fleetwright_flow as flow;
use fleetwright_model::{InstanceId, Phase, Text};
use jiff::Timestamp;

use super::make::Limits;
use super::recipes::Recipes;
use super::{Backup, Before, Parent, PatchPlan, PlannedRollOut, Relation, Scanned, Work, estimate};

/// What is put back, and how.
#[derive(Clone, Debug)]
pub struct RollbackRequest {
    /// The fleetwright that plans.
    pub program: Text,
    /// The run whose changes are undone.
    pub run: Text,
    /// The hosts, with the image each is put back to.
    pub hosts: Vec<(InstanceId, Text)>,
    /// How much at once.
    pub limits: Limits,
    /// What jitter and ids are drawn from.
    pub seed: u64,
    /// Now.
    pub now: Timestamp,
}

/// Makes the plan. Hosts that the run's plan does not have are passed over; whoever asks has chosen
/// them from there. Identity is pinned by the id alone: a restart since then is no reason not to
/// restore.
pub fn rollback(of: &PatchPlan, request: &RollbackRequest) -> PatchPlan {
    let (mut targets, mut work) = (Vec::new(), Vec::new());
    for (target, planned) in of.flow.targets.iter().zip(&of.work) {
        let Work::Host(host) = planned else { continue };
        let Some((_, image)) = request.hosts.iter().find(|(id, _)| *id == host.id) else { continue };
        targets.push(flow::Target {
            recipe: flow::RecipeId(0),
            groups: vec![flow::GroupId(0)],
            after: Vec::new(),
            window: None,
            ..target.clone()
        });
        let mut host = host.clone();
        host.backup = Backup::Existing { image: image.clone() };
        host.launch_time = None;
        host.before = Some(Before { run: request.run.clone(), boot: None });
        work.push(Work::Host(host));
    }
    let hosts = u32::try_from(targets.len()).expect("no more than the run had");
    let gate = if request.limits.approval { flow::Gate::Approval } else { flow::Gate::Open };
    let flow = flow::Plan {
        format: flow::Plan::FORMAT,
        seed: request.seed,
        created_at: request.now,
        places: of.flow.places.clone(),
        groups: vec![flow::Group::new("rollback", request.limits.out_of_service.of(hosts))],
        windows: Vec::new(),
        recipes: vec![Recipes::rollback(&of.policy, &request.limits)],
        stages: vec![flow::Stage { gate, ..flow::Stage::new("rollback", 0..hosts) }],
        targets,
    };
    let mut plan = PatchPlan {
        format: flow::Plan::FORMAT,
        program: request.program.clone(),
        phases: vec![Phase::Validate],
        parent: Some(Parent { run: request.run.clone(), relation: Relation::Rollback }),
        scanned: Scanned { started: request.now, finished: request.now },
        zones: of.zones.clone(),
        policy: of.policy.clone(),
        flow,
        work,
        roll_out: PlannedRollOut::default(),
        reserves: Vec::new(),
        left_out: Vec::new(),
        gaps: Vec::new(),
        estimate: super::Estimate::default(),
    };
    plan.estimate = estimate::of(&plan);
    plan
}
