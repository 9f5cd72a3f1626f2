//! Definitions, good ones and ones with one fault each.

mod faults;
mod good;
mod strange;

use fleetwright_asl::{Finding, Rules, check};
use serde_json::Value;

/// What is found, as code, state and pointer.
fn found(definition: &Value, rules: Rules) -> Vec<(&'static str, Option<String>, String)> {
    let all = check(definition, rules);
    all.into_iter().map(|Finding { code, state, pointer, .. }| (code.id, state, pointer)).collect()
}
