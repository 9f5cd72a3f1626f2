//! Values that are told once: each as JSON, in the order in which they were met, known by its place.

use std::hash::{BuildHasher, RandomState};
use std::io;

/// A place that no value has.
const FREE: u32 = u32::MAX;

/// The values, one after the other in one piece of memory: a fleet has millions of cells and texts, and an
/// allocation for each would cost more than all the rest.
#[derive(Default)]
pub(super) struct Dictionary {
    /// The values with commas between them: the inside of a JSON array.
    json: Vec<u8>,
    /// Where each value ends.
    ends: Vec<usize>,
    /// Some bits of a value's hash, and its place; as many as a power of two, at most half of them taken.
    slots: Vec<(u32, u32)>,
    /// Keyed at random: names of hosts must not be able to choose their slots. What is written does not
    /// depend on it.
    hasher: RandomState,
}

impl Dictionary {
    /// Forgets the values, and keeps the memory for others.
    pub(super) fn clear(&mut self) {
        self.json.clear();
        self.ends.clear();
        self.slots.fill((0, FREE));
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The values as the inside of a JSON array.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    /// The place of a value, which is JSON.
    ///
    /// # Errors
    /// There are more values than places.
    pub(super) fn place(&mut self, value: &[u8]) -> io::Result<u32> {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        // Half of the hash is enough to find a slot, and to tell most values apart.
        let hash = (self.hasher.hash_one(value) >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                (_, FREE) => break,
                (known, place) if known == hash && self.value(place as usize) == value => return Ok(place),
                _ => slot = (slot + 1) & mask,
            }
        }
        let place = u32::try_from(self.ends.len()).ok().filter(|place| *place != FREE);
        let place = place.ok_or_else(|| io::Error::other("more values than a report can number"))?;
        if place > 0 {
            self.json.push(b',');
        }
        self.json.extend_from_slice(value);
        self.ends.push(self.json.len());
        self.slots[slot] = (hash, place);
        Ok(place)
    }

    fn value(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        &self.json[begin..self.ends[place]]
    }

    fn grow(&mut self) {
        let mut slots = vec![(0, FREE); (self.slots.len() * 2).max(1024)];
        let mask = slots.len() - 1;
        for (hash, place) in self.slots.drain(..).filter(|(_, place)| *place != FREE) {
            let mut slot = hash as usize & mask;
            while slots[slot].1 != FREE {
                slot = (slot + 1) & mask;
            }
            slots[slot] = (hash, place);
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_place_and_places_follow_the_order_of_meeting() {
        let mut dictionary = Dictionary::default();
        for _ in 0..2 {
            for number in 0..10_000_u32 {
                let value = (number % 5_000).to_string();
                assert_eq!(dictionary.place(value.as_bytes()).expect("room"), number % 5_000);
            }
            assert_eq!(dictionary.len(), 5_000);
            assert!(dictionary.json().starts_with(b"0,1,2,3,"));
            assert!(dictionary.json().ends_with(b",4998,4999"));
            dictionary.clear();
            assert_eq!((dictionary.len(), dictionary.json()), (0, &b""[..]));
        }
    }

    #[test]
    fn an_empty_value_and_one_with_a_comma_are_values_like_others() {
        let mut dictionary = Dictionary::default();
        let places =
            [&b"a,b"[..], b"a", b"b", b"", b"a,b", b""].map(|it| dictionary.place(it).expect("room"));
        assert_eq!(places, [0, 1, 2, 3, 0, 3]);
    }
}
