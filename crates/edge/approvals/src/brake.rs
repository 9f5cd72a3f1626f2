//! How often passphrases may be guessed.

use std::collections::BTreeMap;

use fleetwright_model::Text;
use jiff::{SignedDuration, Timestamp};

/// Wrong passphrases of one approver within [`WINDOW`] after which none is looked at.
pub(crate) const ATTEMPTS: usize = 5;

/// How long a wrong passphrase counts.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// Wrong passphrases of late. Kept in memory: who can restart the server has the keys anyway.
#[derive(Default)]
pub(crate) struct Brake(BTreeMap<Text, Vec<Timestamp>>);

impl Brake {
    /// Whether another passphrase of the approver may be looked at.
    pub(crate) fn admits(&mut self, approver: &str, now: Timestamp) -> bool {
        // A clock that was set back must not lock anybody out.
        let counts = |at: &Timestamp| *at <= now && now.duration_since(*at) < WINDOW;
        self.0.retain(|_, wrong| {
            wrong.retain(counts);
            !wrong.is_empty()
        });
        self.0.get(approver).is_none_or(|wrong| wrong.len() < ATTEMPTS)
    }

    /// Notes a wrong one.
    pub(crate) fn note(&mut self, approver: &Text, now: Timestamp) {
        self.0.entry(approver.clone()).or_default().push(now);
    }

    /// Forgets the wrong ones after a right one.
    pub(crate) fn release(&mut self, approver: &str) {
        self.0.remove(approver);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_ones_close_for_a_quarter_of_an_hour_and_only_for_who_was_guessed() {
        let start = Timestamp::UNIX_EPOCH;
        let (mut brake, ann) = (Brake::default(), Text::from("ann"));
        for second in 0..5 {
            let now = start + SignedDuration::from_secs(second);
            assert!(brake.admits("ann", now), "{second}");
            brake.note(&ann, now);
        }
        let fifth = start + SignedDuration::from_secs(4);
        assert!(!brake.admits("ann", fifth));
        assert!(brake.admits("bob", fifth));
        let second = SignedDuration::from_secs(1);
        assert!(!brake.admits("ann", start + WINDOW - second));
        assert!(brake.admits("ann", start + WINDOW), "the first counts no more");
        assert!(brake.admits("ann", start - second), "a clock set back locks nobody out");
    }

    #[test]
    fn a_right_one_forgives() {
        let (mut brake, ann) = (Brake::default(), Text::from("ann"));
        for _ in 0..4 {
            brake.note(&ann, Timestamp::UNIX_EPOCH);
        }
        brake.release("ann");
        brake.note(&ann, Timestamp::UNIX_EPOCH);
        assert!(brake.admits("ann", Timestamp::UNIX_EPOCH));
    }
}
