//! fleetwright keeps AWS fleets patched, across accounts and regions.
