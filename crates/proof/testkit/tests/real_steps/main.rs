//! The real steps over hosts in memory: every crash point of every recipe the planner makes, random
//! worlds with faults, and wrong steps that both must find out.

mod cases;
mod judge;
mod model;
mod mutants;
mod plans;
mod random;
mod roll_out;
mod rolling;
mod witness;
mod world;
