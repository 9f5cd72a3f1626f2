//! Our disruption budget in front of a pool's own: it holds drift back while nodes are to stay.
//!
//! Source: Karpenter, "Disruption", NodePool disruption budgets: of several the tightest holds.

use serde_json::{Value, json};

/// What it lets go while it is closed.
pub const CLOSED: &str = "0";

/// Where the budgets of a pool stand.
pub const BUDGETS: &str = "/spec/disruption/budgets";

/// Where ours stands.
pub(crate) const FRONT: &str = "/spec/disruption/budgets/0";

/// What ours is about.
pub(crate) const REASONS: [&str; 1] = ["Drifted"];

/// Nodes that the first budget of a pool lets go, where that is about drift alone and holds at any time, as ours is.
pub fn front(pool: &Value) -> Option<&str> {
    let front = pool.pointer(FRONT)?;
    let has_times = ["schedule", "duration"].iter().any(|field| !front[field].is_null());
    (front["reasons"] == json!(REASONS) && !has_times).then(|| front["nodes"].as_str()).flatten()
}
