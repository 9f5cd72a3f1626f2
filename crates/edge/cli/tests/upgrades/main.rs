//! Upgrades of EKS clusters over the real adapters and the simulated estate, in virtual time: what becomes of the
//! clusters, what is said where something is in the way, and processes that die at every point of every step.

mod crashes;
mod events;
mod expectation;
mod notices;
mod own_groups;
mod pools;
mod queries;
mod readiness;
mod stories;
mod suites;
mod told;
mod world;
