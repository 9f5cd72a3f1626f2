//! Tags of a resource, sorted by key, sharing the text that repeats over a fleet.

use std::collections::HashSet;
use std::sync::Arc;

/// Keeps one copy of each text, so that a fleet's repeated tags cost a pointer each.
#[derive(Debug, Default)]
pub struct Interner {
    known: HashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of `text`.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = text.into();
        self.known.insert(shared.clone());
        shared
    }
}

/// The tags of one resource: at most 50 that a user set, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    sorted: Vec<(Arc<str>, Arc<str>)>,
}

impl Tags {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.position(key).ok().map(|at| self.sorted[at].1.as_ref())
    }

    /// Sets `key`, replacing an earlier value.
    pub fn set(&mut self, key: Arc<str>, value: Arc<str>) {
        match self.position(&key) {
            Ok(at) => self.sorted[at].1 = value,
            Err(at) => self.sorted.insert(at, (key, value)),
        }
    }

    /// Sets every tag of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (key, value) in &other.sorted {
            self.set(key.clone(), value.clone());
        }
    }

    /// Every tag, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sorted.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// Removes every tag that `keep` does not want, given key and value.
    pub fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.sorted.retain(|(key, value)| keep(key, value));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// True without any tag.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many count against AWS's 50 per resource; keys beginning with `aws:` do not
    /// (EC2 user guide, "Tag your Amazon EC2 resources", restrictions).
    pub fn counted(&self) -> usize {
        self.sorted.iter().filter(|(key, _)| !key.starts_with("aws:")).count()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|(known, _)| known.as_ref().cmp(key))
    }
}

impl FromIterator<(Arc<str>, Arc<str>)> for Tags {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, Arc<str>)>>(tags: T) -> Self {
        let mut all = Self::default();
        for (key, value) in tags {
            all.set(key, value);
        }
        all
    }
}
