//! Nouns and rules of Kubernetes that upgrades are decided by.
//!
//! Pure data and functions: what was read of a cluster is handed in, nothing here asks for it.

pub mod api;
pub mod lifecycle;
pub mod version;

pub use api::{ApiVersion, GroupVersionKind, InvalidApiVersion};
pub use lifecycle::{ApiTable, Replacement, Verdict};
pub use version::{Hop, InvalidMinor, Minor, Skew, UnreachableMinor};
