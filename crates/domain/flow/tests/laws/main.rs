//! The laws of the kernel: random plans and random drivers, judged by a referee that reads records
//! alone and shares no code with the kernel.

mod driver;
mod plans;
mod proofs;
mod referee;
mod tape;

mod mutants;
mod stories;
