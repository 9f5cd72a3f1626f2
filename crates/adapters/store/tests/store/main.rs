//! The journals and artefacts against their contract, and against disks and processes on bad days.
#![expect(clippy::disallowed_methods, reason = "tests look at the state directory, and damage it")]

mod audit;
mod conformance;
mod damage;
mod formats;
mod ownership;
mod places;
mod samples;
