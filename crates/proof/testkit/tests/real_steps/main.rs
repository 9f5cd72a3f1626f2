//! The real steps over hosts in memory: every crash point of every recipe the planner makes, random
//! worlds with faults, and mutants of steps and parts that break an invariant each.

mod cases;
mod judge;
mod model;
mod mutants;
mod plans;
mod random;
mod witness;
mod world;
