//! How each kind of task is carried out: its steps, how long they may take, how they are tried again.

use fleetwright_flow::{Effect, OnFailure, Recipe, Retry, Step};

use crate::plan::{Action, PlanStep};

/// The names of the steps, as recipes and records use them.
pub mod step_name {
    /// Keeping what the cluster is compared with later.
    pub const BASELINE: &str = "baseline";
    /// Having EKS look again.
    pub const INSIGHTS: &str = "insights";
    /// Judging readiness with what is true by now.
    pub const JUDGE: &str = "judge";
    /// Taking the control plane one minor up, or one back.
    pub const CONTROL_PLANE: &str = "control-plane";
    /// Taking an add-on to another version.
    pub const ADD_ON: &str = "add-on";
    /// Replacing the nodes of a managed group.
    pub const NODE_GROUP: &str = "node-group";
    /// Keeping Karpenter from replacing nodes for drift.
    pub const HOLD_POOL: &str = "hold-pool";
    /// Letting drift replace nodes, wave by wave; the last lets go of the hold.
    pub const POOL_WAVES: [&str; 3] = ["pool-wave-1", "pool-wave-2", "pool-wave-3"];
    /// Waiting for the health of a wave.
    pub const WAVE_HEALTH: [&str; 3] = ["wave-health-1", "wave-health-2", "wave-health-3"];
    /// Evicting Fargate pods.
    pub const FARGATE: &str = "fargate";
    /// Waiting until what a step is for is so.
    pub const CONFIRM: &str = "confirm";
    /// Comparing the cluster with what it was.
    pub const HEALTH: &str = "health";
    /// Running a test suite of the user's own.
    pub const SUITE: &str = "suite";
    /// Letting a ring prove itself.
    pub const SOAK: &str = "soak";
}

/// Seconds that a look may take until it is known what it says: servers that do not answer for a time are waited for.
const LOOK_SECONDS: u32 = 30 * 60;
/// Seconds that EKS may take for a hop of the control plane. Usual are 10 to 20 minutes; nothing bounds it.
const CONTROL_PLANE_SECONDS: u32 = 3 * 3600;
/// Seconds for an add-on.
const ADDON_SECONDS: u32 = 45 * 60;
/// Seconds that a test suite may take.
const SUITE_SECONDS: u32 = 30 * 60;
/// Times that nodes may take of what they are expected to, and seconds for it at least.
const NODES_FACTOR: u32 = 4;
const NODES_SECONDS: u32 = 2 * 3600;

/// A call that fails in passing is made again, with the same token, for some ten minutes.
const CALL_RETRY: Retry = Retry { attempts: 8, base_seconds: 5, cap_seconds: 160 };

/// The recipe of a step that only looks.
fn looks(name: &'static str, timeout_seconds: u32, expected_seconds: u32) -> Step {
    Step {
        retry: CALL_RETRY,
        on_failure: OnFailure::Fail,
        timeout_seconds,
        expected_seconds,
        ..Step::new(name)
    }
}

/// It makes a Job and changes nothing that is there: what a change is proven by waits for no window.
fn suite(expected_seconds: u32) -> Step {
    Step { effect: Effect::Changes, ..looks(step_name::SUITE, SUITE_SECONDS, expected_seconds) }
}

fn changes(name: &'static str, timeout_seconds: u32, expected_seconds: u32) -> Step {
    Step {
        effect: Effect::Changes,
        commits: true,
        in_window: true,
        ..looks(name, timeout_seconds, expected_seconds)
    }
}

/// A change, and the wait until it is so.
fn confirmed(step: Step) -> Vec<Step> {
    vec![step, looks(step_name::CONFIRM, LOOK_SECONDS, 60)]
}

/// The recipe of what a run adds to a plan.
pub(super) fn of_baseline() -> Recipe {
    Recipe::new("baseline", vec![looks(step_name::BASELINE, LOOK_SECONDS, 60)], Vec::new())
}

pub(super) fn of_soak(seconds: u32) -> Recipe {
    let longest = seconds.saturating_add(LOOK_SECONDS);
    Recipe::new("soak", vec![looks(step_name::SOAK, longest, seconds)], Vec::new())
}

/// The recipe of a step of a plan; `None` for what is no work: an approval is the gate of a stage.
pub(super) fn of_step(step: &PlanStep) -> Option<Recipe> {
    let expected = step.expected_seconds;
    let nodes = expected.saturating_mul(NODES_FACTOR).max(NODES_SECONDS);
    let (name, steps) = match &step.action {
        Action::RefreshInsights { .. } => {
            ("insights", vec![looks(step_name::INSIGHTS, LOOK_SECONDS, expected)])
        }
        Action::Gate { .. } => ("gate", vec![looks(step_name::JUDGE, LOOK_SECONDS, expected)]),
        Action::Approval { .. } => return None,
        Action::ControlPlane { .. } => {
            ("control plane", confirmed(changes(step_name::CONTROL_PLANE, CONTROL_PLANE_SECONDS, expected)))
        }
        Action::Addon { .. } => ("add-on", confirmed(changes(step_name::ADD_ON, ADDON_SECONDS, expected))),
        Action::ManagedNodes { .. } | Action::SelfManagedNodes { .. } => {
            ("node group", confirmed(changes(step_name::NODE_GROUP, nodes, expected)))
        }
        Action::HoldPool { .. } => ("hold", vec![changes(step_name::HOLD_POOL, LOOK_SECONDS, expected)]),
        Action::PoolNodes { waves, .. } => {
            ("node pool", pool(waves.len(), step.calls.len() > waves.len(), nodes, expected))
        }
        Action::FargatePods { .. } => {
            ("Fargate pods", confirmed(changes(step_name::FARGATE, nodes, expected)))
        }
        Action::HealthGate { .. } => ("health", vec![looks(step_name::HEALTH, LOOK_SECONDS, expected)]),
        Action::Suite { .. } => ("test suite", vec![suite(expected)]),
    };
    let changing = steps.iter().any(|step| step.in_window);
    let reserve_seconds = if changing { expected.saturating_mul(2).max(60) } else { 0 };
    Some(Recipe { reserve_seconds, ..Recipe::new(name, steps, Vec::new()) })
}

/// Waves of a pool, each with its health, until the nodes are what they should be. Without waves nothing is done to the
/// pool: somebody else replaces its nodes, and that is waited for. `held_again` where a later roll is to find it held.
fn pool(waves: usize, held_again: bool, timeout: u32, expected: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for wave in 0..waves.min(step_name::POOL_WAVES.len()) {
        steps.push(changes(step_name::POOL_WAVES[wave], LOOK_SECONDS, 30));
        steps.push(looks(step_name::WAVE_HEALTH[wave], timeout, expected / 3));
    }
    steps.push(looks(step_name::CONFIRM, timeout, expected));
    if held_again {
        steps.push(changes(step_name::HOLD_POOL, LOOK_SECONDS, 30));
    }
    steps
}
