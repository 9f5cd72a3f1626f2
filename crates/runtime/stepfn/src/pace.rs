//! How far turns are apart, so that the history of an execution has room for all of them.

use std::time::Duration;

/// Events of an execution's history at most. Source: Step Functions quotas, "Maximum execution history size".
const MOST_EVENTS: u32 = 25_000;

/// Events of one turn at most: the task is entered, scheduled, started, has succeeded and is left; the choice is
/// entered and left; the wait is entered and left. A task that is tried again adds three for each attempt.
pub const EVENTS_PER_TURN: u32 = 9;

/// Turns of an execution at most: they take half of the history, the other half is for what is tried again.
pub const MOST_TURNS: u32 = MOST_EVENTS / 2 / EVENTS_PER_TURN;

/// From that turn on, so much lies between two turns at least. Turns that follow one another without a break then
/// last for 37 hours and more; a wait of any length (a window, an approval) is one turn.
const APART: [(u32, Duration); 3] =
    [(1_300, Duration::from_secs(900)), (1_000, Duration::from_secs(120)), (600, Duration::from_secs(30))];

/// Seconds a wait takes at most. Source: Amazon States Language, `Wait`: "Seconds", 99,999,999; an execution
/// lasts a year.
const MOST_SECONDS: u64 = 31_536_000;

/// How long a turn stays, and how long the machine waits for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a turn waits for what falls due rather than end.
    pub patience: Duration,
    /// How long a turn begins work: after that it ends as soon as what is under way has ended.
    pub works: Duration,
    /// How long the machine waits at least, up to the turn from which on the history asks for more.
    pub apart: Duration,
    /// How long the machine may wait without looking whether somebody decided something, while hosts are being
    /// worked on.
    pub listens: Duration,
    /// Hosts of one region that one round of work takes at most: what is begun is finished, and is not to outlast
    /// the function.
    pub longest_turn: usize,
}

impl Default for Pace {
    /// For a function with a time-out of five minutes.
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            works: Duration::from_secs(180),
            apart: Duration::from_secs(15),
            listens: Duration::from_secs(60),
            longest_turn: 400,
        }
    }
}

impl Pace {
    /// Seconds the machine waits after this turn (from 1) for what falls due in `left`.
    pub(crate) fn seconds(&self, turn: u32, left: Duration, in_flight: bool) -> u32 {
        let apart = APART.iter().find(|(from, _)| *from <= turn).map_or(self.apart, |(_, apart)| *apart);
        let left = if in_flight { left.min(self.listens) } else { left };
        let whole = left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0));
        u32::try_from(whole.clamp(apart.as_secs(), MOST_SECONDS)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn turns_take_half_of_the_history_and_last_for_more_than_a_day_without_a_break() {
        const { assert!(MOST_TURNS * EVENTS_PER_TURN <= MOST_EVENTS / 2) };
        let pace = Pace::default();
        let whole: u64 =
            (1..=MOST_TURNS).map(|turn| u64::from(pace.seconds(turn, Duration::ZERO, true))).sum();
        assert!(whole > 37 * 3_600, "{whole} s");
    }

    #[test]
    fn nobody_who_decides_waits_long_while_hosts_are_worked_on() {
        let pace = Pace::default();
        assert_eq!(pace.seconds(1, DAY, true), 60);
        assert_eq!(pace.seconds(1, DAY, false), 86_400, "a window opens tomorrow");
        assert_eq!(pace.seconds(1, Duration::from_millis(22_300), true), 23, "never before it is due");
        assert_eq!(pace.seconds(1, Duration::from_secs(2), true), 15);
        assert_eq!(pace.seconds(700, Duration::from_secs(2), true), 30);
        assert_eq!(pace.seconds(1, DAY * 4_000, false), 31_536_000);
    }
}
