//! Steps that run test suites of the user's own: before the first change, after each hop, after each replacement of nodes.

use std::collections::BTreeSet;

use fleetwright_kubernetes::Minor;
use serde_json::Value;

use super::make::Refused;
use super::step::{Action, Basis, Call, Condition, PlanStep, Reversibility, StepId, Verb};
use crate::facts::{Fact, Facts};
use crate::suite::Suite;

/// Seconds that a suite is expected to take; nobody knows how long it takes before it ran.
const EXPECTED_SECONDS: u32 = 5 * 60;

/// The step that runs a suite; `when` is what it stands behind, such as `1.35`, and `at` the control plane's version by then.
pub(super) fn step(suite: &Suite, when: &str, at: Minor) -> PlanStep {
    let call = Call::Kubernetes { verb: Verb::CreateJob, path: suite.cron_job_path(), body: Value::Null };
    PlanStep {
        id: StepId::new(format!("suite-{when}-{}-{}", suite.namespace(), suite.name())),
        action: Action::Suite { suite: suite.clone(), at },
        calls: vec![call],
        before: Vec::new(),
        after: vec![Condition::SuitePassed { suite: suite.clone() }],
        expected_seconds: EXPECTED_SECONDS,
        basis: Basis::Usual,
        reversibility: Reversibility::NothingToUndo,
        closes: Vec::new(),
        needs: Vec::new(),
    }
}

/// Suites whose CronJob is not there would fail at night; they are refused when the upgrade is planned.
///
/// # Errors
/// A CronJob is not there, or nobody could look.
pub(super) fn all_there(suites: &[Suite], facts: &Facts) -> Result<(), Refused> {
    if suites.is_empty() {
        return Ok(());
    }
    let there: &BTreeSet<Suite> = match &facts.workloads.suites {
        Fact::Known(there) => there,
        Fact::NotRead(unread) => {
            return Err(Refused::NotRead { what: "CronJobs of the test suites", unread: unread.clone() });
        }
    };
    match suites.iter().find(|suite| !there.contains(suite)) {
        Some(missing) => Err(Refused::NoSuite(missing.clone())),
        None => Ok(()),
    }
}
