//! Joining what different services say about the same instances.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use fleetwright_model::{Answers, Cell, Failure, Gap, GapSubject, InstanceId, Observed, Partial};

/// Facts by key, and whether silence means "none" or "not looked up".
pub(crate) struct Facts<K, T> {
    found: HashMap<K, T>,
    unchecked: HashSet<K>,
    silence: Silence,
}

/// What it means when a key is neither found nor named as unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// Looked up, and there is none.
    Absent,
    /// The listing broke off, so nobody knows.
    NotChecked,
}

impl<K, T> Default for Facts<K, T> {
    fn default() -> Self {
        Self { found: HashMap::new(), unchecked: HashSet::new(), silence: Silence::Absent }
    }
}

impl<K: Eq + Hash + Clone, T> Facts<K, T> {
    /// Takes the fact out.
    pub(crate) fn take(&mut self, key: &K) -> Observed<T> {
        match self.found.remove(key) {
            Some(fact) => Observed::Known(fact),
            None if self.unchecked.contains(key) || self.silence == Silence::NotChecked => {
                Observed::NotChecked
            }
            None => Observed::Absent,
        }
    }
}

impl<K: Eq + Hash + Clone, T: Clone> Facts<K, T> {
    /// The fact, left in place for others with the same key.
    pub(crate) fn share(&self, key: &K) -> Observed<T> {
        match self.found.get(key) {
            Some(fact) => Observed::Known(fact.clone()),
            None if self.silence == Silence::NotChecked => Observed::NotChecked,
            None => Observed::Absent,
        }
    }
}

/// Facts that were asked for by instance. Batches that failed for the same reason are one gap.
pub(crate) fn by_instance<T>(
    cell: &Cell<'_>,
    subject: GapSubject,
    answers: Answers<T>,
    gaps: &mut Vec<Gap>,
) -> Facts<InstanceId, T> {
    let mut unchecked = HashSet::new();
    let mut causes: Vec<(Failure, usize)> = Vec::new();
    for (ids, failure) in answers.unchecked {
        let same = |other: &Failure| {
            (other.code, other.class, &other.service_code)
                == (failure.code, failure.class, &failure.service_code)
        };
        match causes.iter_mut().find(|(other, _)| same(other)) {
            Some((_, count)) => *count += ids.len(),
            None => causes.push((failure, ids.len())),
        }
        unchecked.extend(ids);
    }
    gaps.extend(causes.into_iter().map(|(failure, count)| cell_gap(cell, subject, Some(count), failure)));
    Facts { found: answers.found.into_iter().collect(), unchecked, silence: Silence::Absent }
}

/// Facts that were listed for the whole cell. `concerned` is how many hosts miss the fact if the
/// listing broke off.
pub(crate) fn by_listing<K: Eq + Hash, T>(
    cell: &Cell<'_>,
    subject: GapSubject,
    listing: Partial<(K, T)>,
    gaps: &mut Vec<Gap>,
    concerned: impl FnOnce(&HashMap<K, T>) -> usize,
) -> Facts<K, T> {
    let found: HashMap<K, T> = listing.items.into_iter().collect();
    let silence = if listing.failure.is_some() { Silence::NotChecked } else { Silence::Absent };
    if let Some(failure) = listing.failure {
        let count = concerned(&found);
        gaps.push(cell_gap(cell, subject, Some(count), failure));
    }
    Facts { found, unchecked: HashSet::new(), silence }
}

/// A gap about one cell.
pub(crate) fn cell_gap(
    cell: &Cell<'_>,
    subject: GapSubject,
    instances: Option<usize>,
    failure: Failure,
) -> Gap {
    Gap {
        zone: Some(cell.zone.name.clone()),
        account: Some(cell.zone.account.clone()),
        region: Some(cell.region.clone()),
        subject,
        instances,
        failure,
    }
}
