//! Test doubles for the ports; a dev-dependency only.
//!
//! [`fleet::FakeFleet`] is a fleet in memory that runs the same conformance suite as the real
//! adapter, so that tests of the runtime can rely on it. [`hosts::FakeHosts`] is the same fleet with
//! hosts that can be worked on, [`clusters::FakeCluster`] an EKS cluster that is upgraded and rolled back,
//! [`kubernetes::FakeKubernetes`] an API server whose objects are patched and whose pods are evicted. [`flow`] has
//! small plans and steps with effects that can be counted, to drive runs with, and [`crash`] cuts a run off at every
//! point at which a process can die. [`referee`] judges histories without the kernel. [`policy`] is what tests plan with.

pub mod clusters;
#[cfg(feature = "runs")]
pub mod crash;
pub mod fleet;
#[cfg(feature = "runs")]
pub mod flow;
pub mod hosts;
pub mod kubernetes;
#[cfg(feature = "plans")]
pub mod policy;
#[cfg(feature = "laws")]
pub mod referee;
pub mod sample;

pub use clusters::{FakeAddon, FakeCluster, FakeOwnGroup};
pub use fleet::{FakeCell, FakeFleet};
pub use hosts::{CommandOutcome, Effect, FakeHosts, Fault, HostScript, Responder};
pub use kubernetes::FakeKubernetes;
