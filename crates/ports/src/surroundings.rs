//! What goes on around a run: outages nobody planned, and calendars that close.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use fleetwright_model::{Failure, Text};
use jiff::Timestamp;

/// Members of a group that are out of service by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Down {
    /// Who, by the names of [`Wanted::member`](crate::budgets::Wanted::member), each once. Those that
    /// runs took out may be among them.
    pub members: BTreeSet<Text>,
    /// How many were out of service already when the run was planned: the group's capacity has so many
    /// in account, whoever they are.
    pub expected: u32,
}

impl Down {
    /// How many more places are taken than the group's capacity knows of: these members, and those that
    /// are `held` out of service by runs, each once.
    pub fn beyond(&self, held: &BTreeSet<Text>) -> u32 {
        let known = self.members.len().min(self.expected as usize);
        let all = held.union(&self.members).count() - known;
        u32::try_from(all).unwrap_or(u32::MAX)
    }
}

/// Looks for members of groups that are out of service although no run took them out.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Who is down now in each of these groups, by what runs call them. A member that was meant to be
    /// down when the run was planned is none of them. A group that is not in the answer has nobody down.
    /// Where somebody is unsure whether a member is in service, it is down.
    ///
    /// A group that could not be looked at as a whole is a failure of its own: what was found of it says
    /// too little.
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>>;
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
