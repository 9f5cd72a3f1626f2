//! How much of AWS was used.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::operations;

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
        sum(self.operations.values())
    }

    /// The sum over the operations that change something.
    pub fn mutating(&self) -> OperationUsage {
        sum(self.operations.iter().filter(|(action, _)| mutates(action)).map(|(_, used)| used))
    }

    /// The sum over the operations that only read.
    pub fn reading(&self) -> OperationUsage {
        sum(self.operations.iter().filter(|(action, _)| !mutates(action)).map(|(_, used)| used))
    }
}

fn mutates(action: &str) -> bool {
    operations::ALL.iter().any(|operation| operation.iam == action && operation.mutates())
}

fn sum<'u>(all: impl Iterator<Item = &'u OperationUsage>) -> OperationUsage {
    all.fold(OperationUsage::default(), |sum, one| OperationUsage {
        calls: sum.calls + one.calls,
        attempts: sum.attempts + one.attempts,
        throttles: sum.throttles + one.throttles,
        failures: sum.failures + one.failures,
        waited: sum.waited.saturating_add(one.waited),
    })
}
