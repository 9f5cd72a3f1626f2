//! How much of AWS was used.

use std::collections::BTreeMap;
use std::time::Duration;

/// What was called, how often, and how long it had to wait its turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By IAM action.
    pub operations: BTreeMap<&'static str, OperationUsage>,
}

/// The use of one operation over all accounts and regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationUsage {
    /// Calls, however many attempts each took.
    pub calls: u64,
    /// Requests sent.
    pub attempts: u64,
    /// Requests that AWS throttled.
    pub throttles: u64,
    /// Calls that failed in the end.
    pub failures: u64,
    /// Time spent waiting for a token or a free place, added up over all attempts.
    pub waited: Duration,
}

impl Usage {
    /// The sum over all operations.
    pub fn total(&self) -> OperationUsage {
        self.operations.values().fold(OperationUsage::default(), |sum, one| OperationUsage {
            calls: sum.calls + one.calls,
            attempts: sum.attempts + one.attempts,
            throttles: sum.throttles + one.throttles,
            failures: sum.failures + one.failures,
            waited: sum.waited.saturating_add(one.waited),
        })
    }
}
