//! The laws of the kernel: random plans and random drivers, judged by a referee that reads records
//! alone and shares no code with the kernel ([`fleetwright_testkit::referee`]).

mod driver;
mod fairness;
mod plans;
mod proofs;
mod tape;

mod mutants;
mod stories;
