//! Whether waiting for company is worth it: slots that go together share calls, and a slot that waits
//! may make the run longer.
//!
//! A slot that others come behind of is not the last one: a short wait costs the run nothing. How
//! short, follows from how many come. A batch goes when what it could still gain is small beside what
//! it has, so that the tail of a stage, and small fleets, never wait; and it goes at once where others
//! wait for the room its slots take up.

use std::time::Duration;

use fleetwright_flow::Haste;
use jiff::Timestamp;

/// What a slot's company depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    /// Targets that may still come to the lane.
    pub(crate) behind: usize,
    /// What it costs the run when they wait.
    pub(crate) haste: Haste,
}

/// A batch goes when it is at least one in so many of those that may still come.
const WORTH_WAITING: usize = 5;
/// How long new slots are held back at most while they are expected further on.
const EXPECTED: Duration = Duration::from_secs(6);
/// Looks are put off to multiples of so many seconds where so many others are in the lane or behind.
const GRIDS: [(usize, i64); 3] = [(160, 32), (80, 16), (40, 8)];

impl Company {
    /// Whether a batch of so many is not worth adding to.
    pub(crate) fn is_enough(self, gathered: usize, batch: usize) -> bool {
        gathered >= batch || gathered * WORTH_WAITING >= self.behind
    }

    /// How long slots are held back at most, where the step allows so long.
    pub(crate) fn patience(self, longest: Duration) -> Duration {
        match self.haste {
            Haste::None => longest,
            Haste::Expected => longest.min(EXPECTED),
            // What comes at one moment goes together all the same.
            Haste::InTheWay => Duration::ZERO,
        }
    }

    /// When to look at what is due then, with so many others open in the lane.
    pub(crate) fn look_at(self, due: Timestamp, others: usize) -> Timestamp {
        let there = self.behind + others;
        let grid = GRIDS.iter().find(|(least, _)| self.haste == Haste::None && there >= *least);
        let Some((_, grid)) = grid else { return due };
        let ticks = due.as_second().div_euclid(*grid) + i64::from(due.as_second().rem_euclid(*grid) > 0);
        Timestamp::from_second(ticks.saturating_mul(*grid)).unwrap_or(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(behind: usize, haste: Haste) -> Company {
        Company { behind, haste }
    }

    #[test]
    fn a_batch_goes_when_it_is_full_or_few_can_still_come() {
        assert!(company(10_000, Haste::None).is_enough(50, 50));
        assert!(!company(10_000, Haste::None).is_enough(49, 50));
        assert!(company(50, Haste::None).is_enough(10, 50));
        assert!(!company(51, Haste::None).is_enough(10, 50));
    }

    #[test]
    fn the_last_slot_and_small_fleets_wait_for_nobody() {
        assert!(company(0, Haste::None).is_enough(1, 50));
        assert!(company(5, Haste::None).is_enough(1, 50));
    }

    #[test]
    fn nobody_is_held_back_whose_room_others_wait_for() {
        let longest = Duration::from_secs(60);
        assert_eq!(company(500, Haste::None).patience(longest), longest);
        assert_eq!(company(500, Haste::Expected).patience(longest), EXPECTED);
        assert_eq!(company(500, Haste::Expected).patience(Duration::ZERO), Duration::ZERO);
        assert_eq!(company(500, Haste::InTheWay).patience(longest), Duration::ZERO);
    }

    #[test]
    fn looks_share_a_tick_while_many_others_come_later() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let calm = |behind| company(behind, Haste::None);
        assert_eq!(calm(500).look_at(at(1_001), 0), at(1_024));
        assert_eq!(calm(100).look_at(at(1_001), 10), at(1_008));
        assert_eq!(calm(0).look_at(at(1_001), 300), at(1_024), "those in the lane count as well");
        assert_eq!(calm(500).look_at(at(1_024), 0), at(1_024));
        assert_eq!(calm(10).look_at(at(1_001), 10), at(1_001));
        assert_eq!(company(500, Haste::InTheWay).look_at(at(1_001), 0), at(1_001));
    }
}
