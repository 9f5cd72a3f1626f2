//! IAM policy documents: strict parsing, matching and the order in which layers decide.

pub mod condition;
pub mod document;
pub mod evaluate;
pub mod keys;
pub mod pattern;

pub use document::{Document, PolicyError};
pub use evaluate::{Context, Deciding, Decision, Layer, Layers, NamedPolicy, decide};
