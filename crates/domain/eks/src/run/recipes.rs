//! How each kind of task is carried out: its steps, how long they may take, how they are tried again.

use fleetwright_flow::{Effect, OnFailure, Recipe, Retry, Step, StepIndex, When};

use crate::plan::{Action, PlanStep, PoolCalls, Timeouts};

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
    /// Replacing the instances of an Auto Scaling group of one's own.
    pub const INSTANCE_REFRESH: &str = "instance-refresh";
    /// Keeping Karpenter from replacing nodes for drift.
    pub const HOLD_POOL: &str = "hold-pool";
    /// Letting drift replace so many nodes, wave by wave.
    pub const POOL_WAVES: [&str; 2] = ["pool-wave-1", "pool-wave-2"];
    /// Waiting for the health of a wave.
    pub const WAVE_HEALTH: [&str; 2] = ["wave-health-1", "wave-health-2"];
    /// Letting the pool's own budgets hold again.
    pub const RELEASE_POOL: &str = "release-pool";
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
fn suite(timeout_seconds: u32, expected_seconds: u32) -> Step {
    Step { effect: Effect::Changes, ..looks(step_name::SUITE, timeout_seconds, expected_seconds) }
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
pub(super) fn of_step(step: &PlanStep, timeouts: &Timeouts) -> Option<Recipe> {
    let expected = step.expected_seconds;
    let nodes = timeouts.nodes(expected);
    let (name, steps) = match &step.action {
        Action::RefreshInsights { .. } => {
            ("insights", vec![looks(step_name::INSIGHTS, LOOK_SECONDS, expected)])
        }
        Action::Gate { .. } => ("gate", vec![looks(step_name::JUDGE, LOOK_SECONDS, expected)]),
        Action::Approval { .. } => return None,
        Action::ControlPlane { .. } => {
            let longest = timeouts.control_plane_seconds;
            ("control plane", confirmed(changes(step_name::CONTROL_PLANE, longest, expected)))
        }
        Action::Addon { .. } => {
            ("add-on", confirmed(changes(step_name::ADD_ON, timeouts.addon_seconds, expected)))
        }
        Action::ManagedNodes { .. } => {
            ("node group", confirmed(changes(step_name::NODE_GROUP, nodes, expected)))
        }
        Action::SelfManagedNodes { .. } => {
            ("Auto Scaling group", confirmed(changes(step_name::INSTANCE_REFRESH, nodes, expected)))
        }
        Action::HoldPool { .. } => ("hold", vec![changes(step_name::HOLD_POOL, LOOK_SECONDS, expected)]),
        Action::PoolNodes { waves, .. } => {
            let held_again = PoolCalls::of(step).hold.is_some();
            ("node pool", pool(waves.len(), held_again, nodes, expected))
        }
        Action::FargatePods { .. } => {
            ("Fargate pods", confirmed(changes(step_name::FARGATE, nodes, expected)))
        }
        Action::HealthGate { .. } => ("health", vec![looks(step_name::HEALTH, LOOK_SECONDS, expected)]),
        Action::Suite { .. } => ("test suite", vec![suite(timeouts.suite_seconds, expected)]),
    };
    let changing = steps.iter().any(|step| step.in_window);
    let reserve_seconds = if changing { expected.saturating_mul(2).max(60) } else { 0 };
    Some(Recipe { reserve_seconds, ..Recipe::new(name, steps, Vec::new()) })
}

/// Waves of a pool, each with its health, and then the pool's own budgets, until the nodes are what they should be; what
/// was opened is put back also after failure and abort. Without waves nothing is done to the pool: somebody else replaces
/// its nodes, and that is waited for. `held_again` where a later roll is to find it held.
fn pool(waves: usize, held_again: bool, timeout: u32, expected: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for wave in 0..waves.saturating_sub(1).min(step_name::POOL_WAVES.len()) {
        steps.push(changes(step_name::POOL_WAVES[wave], timeout, expected / 3));
        steps.push(looks(step_name::WAVE_HEALTH[wave], LOOK_SECONDS, 60));
    }
    if waves > 0 {
        steps.push(release(steps.is_empty()));
    }
    steps.push(looks(step_name::CONFIRM, timeout, expected));
    if held_again {
        steps.push(changes(step_name::HOLD_POOL, LOOK_SECONDS, 30));
    }
    steps
}

/// The end of our budget: in its turn, or when a wave was ever begun. `is_first` where no wave stands before it.
fn release(is_first: bool) -> Step {
    let when = if is_first { When::InTurn } else { When::Finally { of: StepIndex(0) } };
    Step { when, ..changes(step_name::RELEASE_POOL, LOOK_SECONDS, 60) }
}
