//! Gates between waves: targets of their own whose steps wait, look, and carry the patches on.

use fleetwright_flow::{Effect, Recipe, Retry, StageId, Step};
use fleetwright_model::Text;
use serde::{Deserialize, Serialize};

use super::notes::step;

/// What is done at a gate, for the hosts of one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateWork {
    /// The wave, as its place in the plan's list.
    pub wave: u16,
    /// The stage whose hosts are judged.
    pub stage: StageId,
    /// Seconds from the end of that stage until its results count.
    pub bake_seconds: u32,
    /// CloudWatch alarms that must not be in alarm, while it waits and afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Text>,
    /// Target groups that must be healthy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<Text>,
    /// Whether the hosts must be compliant.
    pub compliance: bool,
    /// Whether nothing may be worse on the hosts than before.
    pub differences: bool,
    /// The bucket the exact patches are left in for later waves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_list_bucket: Option<Text>,
}

/// The recipe of a gate that waits so long.
pub(super) fn recipe(bake_seconds: u32, promotes: bool) -> Recipe {
    let mut steps = Vec::new();
    if bake_seconds > 0 {
        steps.push(Step {
            timeout_seconds: bake_seconds.saturating_add(600),
            expected_seconds: bake_seconds,
            ..Step::new(step::BAKE)
        });
    }
    let retry = Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 };
    steps.push(Step { retry, timeout_seconds: 900, ..Step::new(step::GATE_CHECKS) });
    if promotes {
        steps.push(Step { retry, effect: Effect::Changes, timeout_seconds: 900, ..Step::new(step::PROMOTE) });
    }
    Recipe::new("gate", steps, Vec::new())
}
