//! What a command of the kernel does to an EKS cluster: one file per kind of step.
//!
//! A step looks before it acts, acts by calls that a token makes the same call however often they are made, and looks
//! until what it is for is so. What could not be looked at is waited for, and is never taken for well.
//! [`steps`] is the table of all of them.

mod baseline;
mod conditions;
mod confirm;
pub mod context;
mod fargate;
mod held;
mod insights;
mod instance_refresh;
mod judge;
mod look;
mod notes;
mod pool;
mod suite;
mod update;
mod watched;

use std::sync::Arc;

use fleetwright_eks::run::step_name;
use fleetwright_step::Step;

pub use baseline::worse_than_before;
pub use context::{ClusterReach, Context, MissingZone, Ports};
pub use notes::{BaselineNote, UpdateNote};

/// Every step of the recipes, each under the name that recipes use.
pub fn steps(context: &Arc<Context>) -> Vec<Arc<dyn Step>> {
    steps_each_in(&|_| Arc::clone(context))
}

/// The same, each in a context of its own, e.g. with ports that say in whose name they act.
pub fn steps_each_in(context: &dyn Fn(&'static str) -> Arc<Context>) -> Vec<Arc<dyn Step>> {
    let mut steps: Vec<Arc<dyn Step>> = vec![
        Arc::new(baseline::Baseline(context(step_name::BASELINE))),
        Arc::new(insights::Insights(context(step_name::INSIGHTS))),
        Arc::new(judge::Judge(context(step_name::JUDGE))),
        Arc::new(update::Update::new(context(step_name::CONTROL_PLANE), step_name::CONTROL_PLANE)),
        Arc::new(update::Update::new(context(step_name::ADD_ON), step_name::ADD_ON)),
        Arc::new(update::Update::new(context(step_name::NODE_GROUP), step_name::NODE_GROUP)),
        Arc::new(instance_refresh::Refresh(context(step_name::INSTANCE_REFRESH))),
        Arc::new(pool::Hold(context(step_name::HOLD_POOL))),
        Arc::new(pool::Release(context(step_name::RELEASE_POOL))),
        Arc::new(fargate::Fargate(context(step_name::FARGATE))),
        Arc::new(confirm::Confirm(context(step_name::CONFIRM))),
        Arc::new(baseline::Compare::new(context(step_name::HEALTH), step_name::HEALTH)),
        Arc::new(baseline::Compare::new(context(step_name::SOAK), step_name::SOAK)),
        Arc::new(suite::Suites(context(step_name::SUITE))),
    ];
    for (wave, name) in step_name::POOL_WAVES.into_iter().enumerate() {
        steps.push(Arc::new(pool::Wave { context: context(name), name, wave }));
    }
    for name in step_name::WAVE_HEALTH {
        steps.push(Arc::new(baseline::Compare::new(context(name), name)));
    }
    steps
}
