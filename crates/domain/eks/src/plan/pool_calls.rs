//! The calls of a step that rolls a pool, by what they do.

use serde_json::Value;

use crate::pool_budget::CLOSED;

use super::step::{Call, PlanStep};

/// The calls of a step that rolls a pool. All of them patch the pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolCalls<'p> {
    /// Those that open our budget, wave by wave, each with how far.
    pub open: Vec<(&'p str, &'p Call)>,
    /// The one that closes it again.
    pub close: Option<&'p Call>,
    /// The one that takes it away: the pool's own budgets hold then.
    pub release: Option<&'p Call>,
    /// The one that puts it in front again, where a later roll is to find it.
    pub hold: Option<&'p Call>,
}

impl<'p> PoolCalls<'p> {
    /// The calls of a step, in the order of the plan.
    pub fn of(step: &'p PlanStep) -> Self {
        let mut calls = Self::default();
        for call in &step.calls {
            let Call::Kubernetes { body, .. } = call else { continue };
            let operations = body.as_array().map(Vec::as_slice).unwrap_or_default();
            match operations.iter().find_map(change) {
                Some(("replace", Some(CLOSED))) => calls.close = Some(call),
                Some(("replace", Some(nodes))) => calls.open.push((nodes, call)),
                Some(("remove", _)) => calls.release = Some(call),
                Some(("add", _)) => calls.hold = Some(call),
                _ => {}
            }
        }
        calls
    }

    /// Whether our budget lets so many nodes go at some time of the roll, closed included.
    pub fn puts(&self, nodes: &str) -> bool {
        nodes == CLOSED || self.open.iter().any(|(open, _)| *open == nodes)
    }
}

/// The first operation that changes something, and the text that it writes.
fn change(operation: &Value) -> Option<(&str, Option<&str>)> {
    let kind = operation["op"].as_str().filter(|kind| *kind != "test")?;
    Some((kind, operation["value"].as_str()))
}
