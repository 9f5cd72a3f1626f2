//! Whole runs of simulated fleets in virtual time: every scenario's story has a defined end, a code
//! and a next step, and no invariant is broken on the way.

#[path = "runs/story.rs"]
mod story;
