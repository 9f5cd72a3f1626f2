//! What goes on around a run: outages nobody planned, and calendars that close.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use fleetwright_model::{Failure, Text};
use jiff::Timestamp;

/// Looks for members of groups that are out of service although no run took them out.
#[async_trait]
pub trait Outages: Send + Sync {
    /// By what runs call a shared group: its members that are down now, by the names of
    /// [`Wanted::member`](crate::budgets::Wanted::member). A member that was meant to be down when the
    /// run was planned is none of them. Those that runs took out may be among them.
    ///
    /// # Errors
    /// Nobody could look; what was seen before stands.
    async fn down(&self) -> Result<BTreeMap<Text, BTreeSet<Text>>, Failure>;
}

/// What calendars say of changes now, and what they have announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standstill {
    /// Why nothing may be changed now, for people: each closed calendar, and each that could not be
    /// read and counts as closed, with the reason. None where every calendar is open.
    pub closed: Vec<Text>,
    /// Where nothing is closed: the next closing, as it was announced.
    pub closes: Option<Announced>,
    /// When the answer changes at the earliest, as far as it was announced.
    pub changes_at: Option<Timestamp>,
}

/// A closing that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The first moment at which nothing may be changed.
    pub at: Timestamp,
    /// Why, for people.
    pub why: Text,
}

/// Says when nothing may be changed, whatever the plan's windows say.
#[async_trait]
pub trait Freezes: Send + Sync {
    /// What the calendars say now.
    async fn standstill(&self) -> Standstill;
}
