//! The real steps over the real adapter and the simulated estate: processes die at every point of
//! every step, others go on, and the estate judges what came of it.

#[path = "../runs/audited.rs"]
mod audited;
mod cases;
#[path = "../runs/happenings.rs"]
mod happenings;
#[path = "../runs/invariants.rs"]
mod invariants;
mod random;
mod world;
