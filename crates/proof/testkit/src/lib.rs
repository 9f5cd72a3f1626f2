//! Test doubles for the ports; a dev-dependency only.
//!
//! [`fleet::FakeFleet`] is a fleet in memory that runs the same conformance suite as the real
//! adapter, so that tests of the runtime can rely on it.

pub mod fleet;
pub mod sample;

pub use fleet::{FakeCell, FakeFleet};
