//! What goes on around a run: outages nobody planned, and calendars that close.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use fleetwright_model::{Failure, Text};

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

/// Says when nothing may be changed, whatever the plan's windows say.
#[async_trait]
pub trait Freezes: Send + Sync {
    /// Why nothing may be changed now, for people: each closed calendar, and each that could not be
    /// read, with the reason. None where every calendar is known to be open.
    async fn closed(&self) -> Vec<Text>;
}
