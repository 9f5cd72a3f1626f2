//! How long a plan takes at least: its critical path.

use std::collections::BTreeMap;

use serde::Serialize;

use super::step::{PlanStep, StepId};

/// How long steps take, approvals left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// Seconds when everything that need not wait is done at once.
    pub critical_path_seconds: u64,
    /// The steps that this time is made of, in order.
    pub critical_path: Vec<StepId>,
    /// Seconds when one step is done after the other.
    pub serial_seconds: u64,
}

/// The times of steps that are in an order in which each stands behind what it waits for.
pub fn timing(steps: &[PlanStep]) -> Timing {
    // When each step ends at the earliest, and which one it waited for last.
    let mut ends: BTreeMap<&StepId, (u64, Option<&StepId>)> = BTreeMap::new();
    for step in steps {
        let latest =
            step.needs.iter().filter_map(|id| Some((ends.get(id)?.0, id))).max_by_key(|(end, _)| *end);
        let begins = latest.map_or(0, |(end, _)| end);
        ends.insert(&step.id, (begins + u64::from(step.expected_seconds), latest.map(|(_, id)| id)));
    }
    let last = steps.iter().map(|step| &step.id).max_by_key(|id| ends[id].0);
    let mut path: Vec<StepId> = std::iter::successors(last, |id| ends[id].1).cloned().collect();
    path.reverse();
    Timing {
        critical_path_seconds: last.map_or(0, |id| ends[id].0),
        critical_path: path,
        serial_seconds: steps.iter().map(|step| u64::from(step.expected_seconds)).sum(),
    }
}
