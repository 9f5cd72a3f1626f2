//! When to look again: often while young, seldom when old, and all slots of a lane at once.

use fleetwright_model::{Code, ErrorClass, code};
use jiff::{SignedDuration, Timestamp};

use crate::{Outcome, Slot};

/// How often a step looks.
///
/// Intervals are `first · 2^k`, and looks fall on multiples of them: whatever their age, the slots of
/// a lane are looked at in the same tick, and one listing serves them all. Nothing is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Seconds between looks at first.
    pub first: i64,
    /// Seconds between looks at most.
    pub longest: i64,
    /// The time between looks is at most so small a part of the age.
    pub share: i64,
}

impl Pace {
    /// When to look at something begun at `since`: after its share of the age at most, so that looking
    /// makes nothing take longer by more than that, and by half of it on average. The driver puts looks
    /// off further where that costs the run nothing.
    pub fn next(self, since: Timestamp, now: Timestamp) -> Timestamp {
        let age = now.duration_since(since).as_secs().max(0);
        let mut interval = self.first.max(1);
        while interval * 2 <= self.longest && interval * 2 <= age / self.share.max(1) {
            interval *= 2;
        }
        let tick = (now.as_second().div_euclid(interval) + 1).saturating_mul(interval);
        Timestamp::from_second(tick).unwrap_or(Timestamp::MAX)
    }

    /// Looks again, or says that it took too long.
    pub fn look(self, slot: &Slot, now: Timestamp, waiting_for: &str, late: Late<'_>) -> Outcome {
        if now >= slot.deadline {
            let waited = now.duration_since(slot.started_at).as_secs();
            let words = format!("{}: still waiting for {waiting_for} after {waited} s", slot.subject);
            return Outcome::failed(late.class, late.code, late.step, &words);
        }
        let at = self.next(slot.started_at, now).min(slot.deadline);
        Outcome::LookAgain { at, waiting_for: waiting_for.into() }
    }

    /// The first look at what was just begun.
    pub fn accepted(self, slot: &Slot, now: Timestamp, handle: &str) -> Outcome {
        let look_at = self.next(now, now).min(slot.deadline.max(now + SignedDuration::from_secs(1)));
        Outcome::Accepted { handle: handle.into(), look_at }
    }
}

/// What to report of a slot whose time is over before it was begun, for example because the process
/// was down: beginning now would only mean not to wait for the end. None while there is time. The same
/// holds once its window is closed. Every step that changes something asks this before it acts, and
/// after it looked whether it had acted before.
pub fn not_begun(slot: &Slot, now: Timestamp, step: &str) -> Option<Outcome> {
    if slot.may_act_until.is_some_and(|until| now >= until) {
        return Some(Outcome::LeaveTarget { code: &code::WINDOW_MISSED });
    }
    // The next attempt has a deadline of its own, and looks for marks again where this one had to.
    let class = if slot.doubt { ErrorClass::Ambiguous } else { ErrorClass::Transient };
    let words = format!("{}: not begun before its time was over at {}", slot.subject, slot.deadline);
    (now >= slot.deadline).then(|| Outcome::failed(class, &code::STEP_TIMED_OUT, step, &words))
}

/// What to say when the deadline is over.
#[derive(Clone, Copy)]
pub struct Late<'a> {
    /// The step.
    pub step: &'a str,
    /// What kind of failure it is then.
    pub class: ErrorClass,
    /// Its code.
    pub code: &'static Code,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn looks_grow_rare_with_age() {
        let pace = Pace { first: 5, longest: 40, share: 16 };
        assert_eq!(pace.next(at(1_000), at(1_001)), at(1_005));
        assert_eq!(pace.next(at(1_000), at(1_161)), at(1_170));
        assert_eq!(pace.next(at(1_000), at(9_001)), at(9_040));
    }

    #[test]
    fn old_slots_are_looked_at_together_with_young_ones() {
        let pace = Pace { first: 5, longest: 40, share: 16 };
        let old = pace.next(at(0), at(1_001));
        let mut young = at(1_001);
        while young < old {
            young = pace.next(at(1_000), young);
        }
        assert_eq!(young, old);
    }
}
