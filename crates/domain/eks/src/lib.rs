//! Upgrades of EKS clusters: what was read of one ([`facts`]), how ready it is ([`check`], [`checks`]).
//!
//! Nothing here asks AWS or Kubernetes: facts are handed in, each known or not, and a check says so when it could
//! not look.

pub mod check;
pub mod checks;
pub mod endpoint;
pub mod facts;
pub mod health;
pub mod held;
pub mod image;
pub mod maker;
pub mod owner;
pub mod plan;
pub mod pool_budget;
pub mod query;
pub mod read;
pub mod run;
pub mod schema;
pub mod solve;
pub mod suite;
pub mod summary;

pub use check::{
    Assessment, Check, CheckResult, Family, Finding, Readiness, Severity, Suppression, Verdict, assess,
};
pub use facts::{Fact, Facts, Unread, UnreadCause};
