//! The catalogue of readiness checks, one file for each family.

mod addons;
mod apis;
mod capacity;
mod control_plane;
mod nodes;
mod recovery;
mod version;
mod webhooks;
mod workloads;

use crate::check::Check;

/// Every check, family by family.
pub fn catalogue() -> impl Iterator<Item = &'static Check> {
    [
        version::CHECKS,
        control_plane::CHECKS,
        apis::CHECKS,
        webhooks::CHECKS,
        addons::CHECKS,
        nodes::CHECKS,
        capacity::CHECKS,
        workloads::CHECKS,
        recovery::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The check with this code.
pub fn find(code: &str) -> Option<&'static Check> {
    catalogue().find(|check| check.code == code)
}
