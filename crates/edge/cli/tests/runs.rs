//! Whole runs of simulated fleets in virtual time: every scenario's story has a defined end, a code
//! and a next step, and no invariant is broken on the way.

#[path = "runs/audited.rs"]
mod audited;
#[path = "runs/bad_input.rs"]
mod bad_input;
#[path = "runs/changes.rs"]
mod changes;
#[path = "runs/clock.rs"]
mod clock;
#[path = "runs/effects.rs"]
mod effects;
#[path = "runs/evidence.rs"]
mod evidence;
#[path = "runs/expectation.rs"]
mod expectation;
#[path = "runs/failures.rs"]
mod failures;
#[path = "runs/happenings.rs"]
mod happenings;
#[path = "runs/heads.rs"]
mod heads;
#[path = "runs/invariants.rs"]
mod invariants;
#[path = "runs/least_privilege.rs"]
mod least_privilege;
#[path = "runs/moments.rs"]
mod moments;
#[path = "runs/observed.rs"]
mod observed;
#[path = "runs/one_after_another.rs"]
mod one_after_another;
#[path = "runs/order.rs"]
mod order;
#[path = "runs/outages.rs"]
mod outages;
#[path = "runs/parity.rs"]
mod parity;
#[path = "runs/rehearsal.rs"]
mod rehearsal;
#[path = "runs/reserves.rs"]
mod reserves;
#[path = "runs/rollback.rs"]
mod rollback;
#[path = "runs/same_patches.rs"]
mod same_patches;
#[path = "runs/secrets.rs"]
mod secrets;
#[path = "runs/story.rs"]
mod story;
#[path = "runs/together.rs"]
mod together;
#[path = "runs/told.rs"]
mod told;
