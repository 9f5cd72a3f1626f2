//! Who has what out of service, and what follows from it: the same for every storage that reads and writes it whole.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::Text;
use serde::{Deserialize, Serialize};

use super::{Holding, Others, Place, Taken, Verdict, Wanted};
use crate::RunId;

/// Group, member, run.
type Key = (Text, Text, RunId);

/// What is kept beside a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    capacity: u32,
    kept: bool,
}

/// Every claim. Its methods are those of [`Budgets`](super::Budgets), without storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub struct Claims(BTreeMap<Key, Terms>);

/// A claim as it is written down.
#[derive(Serialize, Deserialize)]
struct Row {
    key: Text,
    member: Text,
    run: RunId,
    capacity: u32,
    kept: bool,
}

impl From<Vec<Row>> for Claims {
    fn from(rows: Vec<Row>) -> Self {
        let claim =
            |row: Row| ((row.key, row.member, row.run), Terms { capacity: row.capacity, kept: row.kept });
        Self(rows.into_iter().map(claim).collect())
    }
}

impl From<Claims> for Vec<Row> {
    fn from(claims: Claims) -> Self {
        let row = |((key, member, run), terms): (Key, Terms)| Row {
            key,
            member,
            run,
            capacity: terms.capacity,
            kept: terms.kept,
        };
        claims.0.into_iter().map(row).collect()
    }
}

impl Claims {
    /// Takes places, wish by wish; each wish gets all of its places or none.
    pub fn claim(&mut self, run: &RunId, wanted: &[Wanted]) -> Vec<Verdict> {
        let claim = |wish: &Wanted| {
            if let Some(place) = wish.places.iter().find(|place| !self.has_room(run, wish, place)) {
                return Verdict::Full { key: place.key.clone() };
            }
            self.put(run, wish, false);
            Verdict::Granted
        };
        wanted.iter().map(claim).collect()
    }

    /// Gives places back: the run's own, and those that others kept.
    pub fn release(&mut self, run: &RunId, members: &[Text]) {
        self.0.retain(|(_, member, by), terms| !members.contains(member) || (by != run && !terms.kept));
    }

    /// Marks members of the run as left in a bad way.
    pub fn keep(&mut self, run: &RunId, members: &[Text]) {
        for ((_, member, by), terms) in &mut self.0 {
            terms.kept |= by == run && members.contains(member);
        }
    }

    /// Makes the claims of the run exactly these.
    pub fn restore(&mut self, run: &RunId, holdings: &[Holding]) {
        self.0.retain(|(_, _, by), _| by != run);
        holdings.iter().for_each(|holding| self.put(run, &holding.held, holding.kept));
    }

    /// What other runs have out of service, group by group.
    pub fn others(&self, run: &RunId, keys: &[Text]) -> Vec<Others> {
        let of_key = |key: &Text| {
            let theirs = || self.of(key).filter(|((_, _, by), _)| by != run);
            let at_work = theirs().filter(|(_, terms)| !terms.kept).map(|(_, terms)| terms.capacity);
            let kept = theirs().filter(|(_, terms)| terms.kept);
            Others {
                members: theirs().map(|((_, member, _), _)| member.clone()).collect(),
                kept: kept.map(|((_, member, _), _)| member.clone()).collect(),
                capacity: at_work.min(),
            }
        };
        keys.iter().map(of_key).collect()
    }

    /// Every claim, sorted.
    pub fn taken(&self) -> Vec<Taken> {
        let taken = self.0.iter().map(|((key, member, run), terms)| Taken {
            run: run.clone(),
            key: key.clone(),
            member: member.clone(),
            kept: terms.kept,
        });
        let mut taken: Vec<Taken> = taken.collect();
        taken.sort();
        taken
    }

    /// Removes claims of these members of the run, or all of the run where none is named; how many.
    pub fn clear(&mut self, run: &RunId, members: &[Text]) -> usize {
        let before = self.0.len();
        self.0.retain(|(_, member, by), _| by != run || !(members.is_empty() || members.contains(member)));
        before - self.0.len()
    }

    /// The claims of a group.
    fn of(&self, key: &Text) -> impl Iterator<Item = (&Key, &Terms)> {
        self.0.iter().filter(move |((of, _, _), _)| of == key)
    }

    fn put(&mut self, run: &RunId, wanted: &Wanted, kept: bool) {
        for place in &wanted.places {
            let key = (place.key.clone(), wanted.member.clone(), run.clone());
            self.0.insert(key, Terms { capacity: place.capacity, kept });
        }
    }

    fn has_room(&self, run: &RunId, wish: &Wanted, place: &Place) -> bool {
        let at_work = self.of(&place.key).filter(|((_, _, by), terms)| by != run && !terms.kept);
        let limit = at_work.map(|(_, terms)| terms.capacity).chain([place.capacity]).min();
        let mut held: BTreeSet<Text> =
            self.of(&place.key).map(|((_, member, _), _)| member.clone()).collect();
        place.out_of_service(&mut held, &wish.member) < limit.unwrap_or_default()
    }
}
