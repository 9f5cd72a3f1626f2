//! Disruption budgets that all runs of a machine share.

mod claims;

use std::collections::BTreeSet;

use async_trait::async_trait;
use fleetwright_model::Text;

use crate::{Down, JournalError, RunId};

pub use claims::Claims;

/// A place in a group, for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What every run calls the group.
    pub key: Text,
    /// Members out of service at once at most, as the run that asks has it. Where runs disagree, the
    /// least of those that are at work counts.
    pub capacity: u32,
    /// Members that are out of service by themselves, as far as the run that asks has seen: they take
    /// places as members that runs took out do. Looked at for a claim, and not kept.
    pub down: Down,
}

impl Place {
    /// Members beside `member` that are out of service beyond what the capacity knows, whoever took them out;
    /// `held` are those that runs did.
    pub fn out_of_service(&self, held: &mut BTreeSet<Text>, member: &Text) -> u32 {
        let mut down = self.down.clone();
        held.remove(member);
        down.members.remove(member);
        down.beyond(held)
    }
}

/// A member that is about to be taken out of service, and the groups that are to bear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who, by a name that is the same in every run: account, region, identifier.
    pub member: Text,
    /// Every shared group it is in.
    pub places: Vec<Place>,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has a place in each of its groups.
    Granted,
    /// It has none in any, because this group has no room.
    Full {
        /// The first such group.
        key: Text,
    },
}

/// A member that a run has out of service, as the run's own record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The member and its groups.
    pub held: Wanted,
    /// Whether the run has come to its end with it, and it did not end well: it counts as out of
    /// service until a person or a later run finds otherwise.
    pub kept: bool,
}

/// What others have out of service in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Their members, each once.
    pub members: BTreeSet<Text>,
    /// Those of them that a run left in a bad way; see [`Holding::kept`].
    pub kept: BTreeSet<Text>,
    /// The least capacity any of those at work has the group at.
    pub capacity: Option<u32>,
}

/// A place that is taken, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// The run.
    pub run: RunId,
    /// The group.
    pub key: Text,
    /// The member.
    pub member: Text,
    /// As [`Holding::kept`].
    pub kept: bool,
}

/// Who of which group is out of service on which run's account. A member that several runs have taken
/// counts once. Claims outlive processes and runs; every change is durable when it returns and
/// is one with what was looked at for it, whatever other processes do at that moment.
#[async_trait]
pub trait Budgets: Send + Sync {
    /// Takes places, wish by wish in this order; each wish gets all of its places or none.
    ///
    /// # Errors
    /// The storage refuses; nothing was then taken.
    async fn claim(&self, run: &RunId, wanted: &[Wanted]) -> Result<Vec<Verdict>, JournalError>;

    /// Gives back the places of members that are healthy: those of this run, and those that other runs
    /// kept because they were left in a bad way.
    ///
    /// # Errors
    /// The storage refuses.
    async fn release(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError>;

    /// Marks members that the run ended with and that did not end well; see [`Holding::kept`].
    ///
    /// # Errors
    /// The storage refuses.
    async fn keep(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError>;

    /// Makes the claims of a run exactly these, with or without room: what is out of service is so.
    ///
    /// # Errors
    /// The storage refuses.
    async fn restore(&self, run: &RunId, holdings: &[Holding]) -> Result<(), JournalError>;

    /// What other runs have out of service, group by group in the order of `keys`.
    ///
    /// # Errors
    /// The storage refuses.
    async fn others(&self, run: &RunId, keys: &[Text]) -> Result<Vec<Others>, JournalError>;

    /// Every claim, sorted.
    ///
    /// # Errors
    /// The storage refuses.
    async fn taken(&self) -> Result<Vec<Taken>, JournalError>;

    /// A person says that these members of a run are in service, or all of it where none is named;
    /// answers with how many claims are gone.
    ///
    /// # Errors
    /// The storage refuses.
    async fn clear(&self, run: &RunId, members: &[Text]) -> Result<usize, JournalError>;
}
