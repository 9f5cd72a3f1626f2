//! The adapter against a scripted service: what it sends, what it makes of answers, how long it
//! waits. Time is virtual throughout.

mod balancers;
mod changing;
mod cluster_changes;
mod clusters;
mod contracts;
mod estate;
mod fake;
mod functions;
mod journal;
mod messages;
mod pacing;
mod permissions;
mod reading;
mod self_managed;
mod sessions;
mod step_functions;
