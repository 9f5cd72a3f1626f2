//! The items of a table, in the order a scan meets them, and what they were before.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::attribute::{Item, KeyValue};

/// How far back a read can look: older states are dropped.
const REACH: SignedDuration = crate::world::history::REACH;

/// Earlier states of one table, at most.
const MAX_EARLIER: usize = 10_000;

/// Where an item is: partitions are in the order of their keys' digests, which is no order that a
/// client could count on, and items of one partition in the order of their sort keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    digest: u64,
    /// The partition key.
    pub partition: KeyValue,
    /// The sort key, of tables that have one.
    pub sort: Option<KeyValue>,
}

impl Place {
    /// The place of the item with this key.
    #[must_use]
    pub fn new(partition: KeyValue, sort: Option<KeyValue>) -> Self {
        let mut hash = Sha256::new();
        match &partition {
            KeyValue::S(text) => hash.update(text.as_bytes()),
            KeyValue::N(number) => hash.update(number.to_string().as_bytes()),
            KeyValue::B(bytes) => hash.update(bytes),
        }
        let bytes: [u8; 32] = hash.finalize().into();
        let digest = bytes.iter().take(8).fold(0, |digest, byte| digest << 8 | u64::from(*byte));
        Self { digest, partition, sort }
    }

    /// The segment of a parallel scan that the place is in, from 0.
    #[must_use]
    pub const fn segment(&self, of: u64) -> u64 {
        self.digest % of
    }
}

/// Items by their places.
pub type ByPlace = BTreeMap<Place, Arc<Item>>;

/// The items of a table.
#[derive(Debug, Default)]
pub struct Items {
    now: ByPlace,
    earlier: VecDeque<Earlier>,
}

#[derive(Debug)]
struct Earlier {
    /// When it changed, and so was this no longer.
    until: Timestamp,
    place: Place,
    item: Option<Arc<Item>>,
}

impl Items {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.now.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// The item at a place, as it is.
    #[must_use]
    pub fn get(&self, place: &Place) -> Option<&Arc<Item>> {
        self.now.get(place)
    }

    /// The item at a place as a read sees it: as it is, or as it was at `as_of`.
    #[must_use]
    pub fn seen(&self, place: &Place, as_of: Option<Timestamp>) -> Option<&Arc<Item>> {
        let earlier = as_of.and_then(|as_of| {
            // It was what its first change after that moment replaced.
            self.earlier.iter().find(|earlier| earlier.until > as_of && earlier.place == *place)
        });
        match earlier {
            Some(earlier) => earlier.item.as_ref(),
            None => self.now.get(place),
        }
    }

    /// All items as a read sees them.
    #[must_use]
    pub fn all(&self, as_of: Option<Timestamp>) -> Cow<'_, ByPlace> {
        let Some(as_of) = as_of else { return Cow::Borrowed(&self.now) };
        let mut seen = self.now.clone();
        for earlier in self.earlier.iter().rev().filter(|earlier| earlier.until > as_of) {
            match &earlier.item {
                Some(item) => seen.insert(earlier.place.clone(), Arc::clone(item)),
                None => seen.remove(&earlier.place),
            };
        }
        Cow::Owned(seen)
    }

    /// Puts an item in a place, or nothing, and returns what was there.
    pub fn set(&mut self, place: &Place, item: Option<Item>, now: Timestamp) -> Option<Arc<Item>> {
        while self.earlier.front().is_some_and(|oldest| now.duration_since(oldest.until) >= REACH)
            || self.earlier.len() >= MAX_EARLIER
        {
            self.earlier.pop_front();
        }
        let before = match item {
            Some(item) => self.now.insert(place.clone(), Arc::new(item)),
            None => self.now.remove(place),
        };
        self.earlier.push_back(Earlier { until: now, place: place.clone(), item: before.clone() });
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tables::attribute::Value;

    fn place(text: &str) -> Place {
        Place::new(KeyValue::S(text.to_owned()), None)
    }

    fn item(text: &str) -> Item {
        Item::from([("v".to_owned(), Value::S(text.to_owned()))])
    }

    fn second(number: i64) -> Timestamp {
        Timestamp::from_second(number).expect("in range")
    }

    #[test]
    fn a_late_read_sees_what_was() {
        let mut items = Items::default();
        items.set(&place("a"), Some(item("1")), second(10));
        items.set(&place("a"), Some(item("2")), second(20));
        items.set(&place("a"), None, second(30));
        let at = |moment| items.seen(&place("a"), Some(second(moment))).map(|it| (**it).clone());
        assert_eq!((at(5), at(10), at(20), at(30)), (None, Some(item("1")), Some(item("2")), None));
        for moment in [5, 10, 20, 30] {
            let all = items.all(Some(second(moment)));
            assert_eq!(all.get(&place("a")).map(|it| (**it).clone()), at(moment));
        }
    }
}
