//! What a command of the kernel does: one file per step, batch-native and idempotent by mark.
//!
//! A step knows nothing of journals, lanes or timers: it is handed slots, makes as few calls as the
//! service allows, and reports an outcome for each. [`steps`] is the table of all of them.

mod agent_version;
mod backup;
mod command_mark;
mod command_wave;
pub mod context;
pub mod evidence;
mod identity;
mod image_proof;
mod pace;
mod patch;
mod precheck;
mod reboot;
mod recovery;
pub mod step;
mod survey_command;
mod verify;

use std::sync::Arc;

pub use context::{Context, MissingZone, Ports, Verified};
pub use step::{Outcome, Reports, Slot, Step, Turn};

/// Every step of the recipes, each under the name recipes use.
pub fn steps(context: Arc<Context>) -> Vec<Arc<dyn Step>> {
    vec![
        Arc::new(backup::Backup::new(context.clone())),
        Arc::new(precheck::Precheck::new(context.clone())),
        Arc::new(patch::Patch::new(context.clone())),
        Arc::new(reboot::Reboot::new(context.clone())),
        Arc::new(verify::Verify::new(context)),
    ]
}
