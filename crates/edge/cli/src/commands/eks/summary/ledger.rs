//! What models were asked on this machine, day by day, and what it cost: a file for each call, so that two commands at
//! once see each other.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fleetwright_eks::summary::Money;
use fleetwright_model::code;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::CommandError;
use crate::files;

/// Where it lies in the state directory.
const DIRECTORY: &str = "summaries";

/// What a day may have.
pub(super) struct Caps {
    /// Calls.
    pub(super) calls: u32,
    /// What they cost together.
    pub(super) cost: Money,
}

/// The calls of this machine.
pub(super) struct Ledger(PathBuf);

/// A call that was entered.
#[derive(Debug)]
pub(super) struct Entry(PathBuf);

impl Ledger {
    /// The one in a state directory.
    pub(super) fn at(state: &Path) -> Self {
        Self(state.join(DIRECTORY))
    }

    /// Enters a call before it is made, with what it may cost. Of two at the same moment each sees the other, so that
    /// together they never exceed a cap; both may be refused.
    ///
    /// # Errors
    /// The day has had its share, or the file cannot be written or read.
    pub(super) fn reserve(&self, now: Timestamp, most: Money, caps: &Caps) -> Result<Entry, CommandError> {
        let day = self.0.join(now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string());
        files::make_directory(&day)?;
        let entry = Entry(day.join(format!("{}-{}", now.as_nanosecond(), std::process::id())));
        write(&entry, most)?;
        let (mut calls, mut cost) = (0u32, Money::default());
        for path in files::below(&[day], &[""])? {
            let text = files::read_text(&path)?;
            // What cannot be read may have cost anything.
            let amount = text.trim().parse().map_or(Money(u64::MAX), Money);
            calls += 1;
            cost = Money(cost.0.saturating_add(amount.0));
        }
        if calls <= caps.calls && cost <= caps.cost {
            return Ok(entry);
        }
        files::remove_file(&entry.0)?;
        let message = match calls > caps.calls {
            true => format!(
                "{} calls were made today on this machine, and --max-per-day is {}",
                calls - 1,
                caps.calls
            ),
            false => format!(
                "with this call those of today may come to {cost}, and --max-cost-per-day is {}",
                caps.cost
            ),
        };
        Err(CommandError::new(&code::USAGE, message))
    }

    /// Says what the call did cost.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn settle(&self, entry: &Entry, cost: Money) -> Result<(), CommandError> {
        write(entry, cost)
    }
}

fn write(entry: &Entry, amount: Money) -> Result<(), CommandError> {
    files::write_atomically(&entry.0, |file| writeln!(file, "{}", amount.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).expect("a time")
    }

    #[test]
    fn a_day_has_its_share_and_the_next_day_another() {
        let directory = tempfile::tempdir().expect("a directory");
        let ledger = Ledger::at(directory.path());
        let caps = Caps { calls: 2, cost: Money(100) };
        let first = ledger.reserve(at(0), Money(90), &caps).expect("there is room");
        let refused = ledger.reserve(at(1), Money(20), &caps).expect_err("too dear");
        assert!(refused.message.contains("--max-cost-per-day"), "{}", refused.message);
        ledger.settle(&first, Money(10)).expect("written");
        ledger.reserve(at(2), Money(90), &caps).expect("it cost less than it might have");
        let refused = ledger.reserve(at(3), Money(0), &caps).expect_err("too many");
        assert!(refused.message.starts_with("2 calls"), "{}", refused.message);
        ledger.reserve(at(86_400), Money(90), &caps).expect("another day");
    }

    #[test]
    fn what_cannot_be_read_leaves_no_room() {
        let directory = tempfile::tempdir().expect("a directory");
        let ledger = Ledger::at(directory.path());
        let caps = Caps { calls: 9, cost: Money(100) };
        let first = ledger.reserve(at(0), Money(1), &caps).expect("there is room");
        files::write_atomically(&first.0, |file| writeln!(file, "gibberish")).expect("written");
        ledger.reserve(at(1), Money(1), &caps).expect_err("nobody knows what the first one cost");
    }
}
