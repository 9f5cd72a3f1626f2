//! What a command of the kernel does: one file per step, batch-native and idempotent by mark.
//!
//! A step knows nothing of journals, lanes or timers: it is handed slots, makes as few calls as the
//! service allows, and reports an outcome for each. [`steps`] is the table of all of them.

mod agent_version;
mod backup;
mod bake;
mod clean_up;
mod command_listing;
mod command_mark;
mod command_wave;
pub mod context;
mod custom_check;
mod drain;
pub mod evidence;
mod gate_alarms;
mod gate_checks;
mod health;
mod identity;
mod image_proof;
mod measured;
mod out_of_service;
mod outages;
mod pace;
mod patch;
mod patch_list;
mod power_batch;
mod precheck;
mod probe;
mod promote;
mod reboot;
mod recovery;
mod restore;
mod return_to_service;
mod start;
mod stop_again;
mod survey_command;
mod validate;
mod verify;

use std::sync::Arc;

use fleetwright_patch::plan::notes::step as step_name;
use fleetwright_step::Step;

pub use context::{Context, MissingZone, Ports, Standing, Standings, Verified};
pub use outages::GroupWatch;

/// Every step of the recipes, each under the name recipes use.
pub fn steps(context: Arc<Context>) -> Vec<Arc<dyn Step>> {
    steps_each_in(&|_| Arc::clone(&context))
}

/// The same, each in a context of its own, e.g. with ports that say in whose name they act.
pub fn steps_each_in(context: &dyn Fn(&'static str) -> Arc<Context>) -> Vec<Arc<dyn Step>> {
    // Draining and returning switch the processes of the same groups.
    let groups = Arc::default();
    vec![
        Arc::new(backup::Backup::new(context(step_name::BACKUP))),
        Arc::new(start::Start::new(context(step_name::START))),
        Arc::new(precheck::Precheck::new(context(step_name::PRECHECK))),
        Arc::new(drain::Drain::new(context(step_name::DRAIN), Arc::clone(&groups))),
        Arc::new(patch::Patch::new(context(step_name::PATCH))),
        Arc::new(reboot::Reboot::new(context(step_name::REBOOT))),
        Arc::new(verify::Verify::new(context(step_name::VERIFY))),
        Arc::new(validate::Validate::new(context(step_name::VALIDATE), step_name::VALIDATE)),
        Arc::new(validate::Validate::new(
            context(step_name::VALIDATE_RESTORED),
            step_name::VALIDATE_RESTORED,
        )),
        Arc::new(probe::Probe::new(context(step_name::PROBE), step_name::PROBE)),
        Arc::new(probe::Probe::new(context(step_name::PROBE_RESTORED), step_name::PROBE_RESTORED)),
        Arc::new(return_to_service::Return::new(context(step_name::RETURN), groups)),
        Arc::new(stop_again::StopAgain::new(context(step_name::STOP_AGAIN))),
        Arc::new(restore::Restore::new(context(step_name::RESTORE))),
        Arc::new(clean_up::CleanUp::new(context(step_name::CLEAN_UP))),
        Arc::new(bake::Bake::new(context(step_name::BAKE))),
        Arc::new(gate_checks::GateChecks::new(context(step_name::GATE_CHECKS))),
        Arc::new(promote::Promote::new(context(step_name::PROMOTE))),
    ]
}
