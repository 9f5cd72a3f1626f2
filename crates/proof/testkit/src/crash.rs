//! Runs cut off at every point at which a process can die.

mod journal;

pub use journal::Unlocked;
