//! The journals and artefacts against their contract, and against disks and processes on bad days.

mod conformance;
mod damage;
mod formats;
mod ownership;
mod places;
mod samples;
