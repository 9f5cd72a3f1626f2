//! What a command of the kernel does: one file per step, batch-native and idempotent by mark.
//!
//! A step knows nothing of journals, lanes or timers: it is handed slots, makes as few calls as the
//! service allows, and reports an outcome for each.

pub mod step;

pub use step::{Outcome, Reports, Slot, Step, Turn};
