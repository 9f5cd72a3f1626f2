//! Ports: small traits in our nouns. Adapters implement them, the runtime sees nothing else.
//!
//! Each port has a conformance suite in [`conformance`] that every implementation runs.

pub mod accounts;
pub mod clock;
pub mod conformance;
pub mod machines;

pub use accounts::Accounts;
pub use clock::Clock;
pub use fleetwright_model::permission::{
    Answer, Identity, PermissionAnswer, Refusal, RequiredAction, Verified,
};
pub use machines::{Baseline, InstanceQuery, Machines};
