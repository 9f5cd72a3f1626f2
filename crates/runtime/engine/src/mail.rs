//! Decisions left in the run's mailbox.

use std::time::Duration;

use fleetwright_flow::{Event, Record};
use fleetwright_ports::Mail;
use jiff::Timestamp;

use crate::lane::later;

/// How often the mailbox is looked at: a person who approves waits no longer than that.
const EVERY: Duration = Duration::from_secs(1);

/// How far the mailbox was read.
pub(crate) struct Mailbox {
    /// The last letter taken up.
    pub(crate) read: u64,
    /// When to look again.
    pub(crate) next_look: Timestamp,
    /// Decisions on record that have not been found in the mailbox yet.
    on_record: Vec<Record>,
}

impl Mailbox {
    /// A mailbox of a run with these records. They do not say which letters they came from, so every
    /// letter that says the same as a decision on record is taken to be that one. Times are not
    /// compared: the clock of whoever left the letter is not the driver's.
    pub(crate) fn of(records: &[Record], now: Timestamp) -> Self {
        let decided = |record: &&Record| matches!(record.event, Event::Signalled { .. });
        let on_record = records.iter().filter(decided).cloned().collect();
        Self { read: 0, next_look: now, on_record }
    }

    /// Whether it is time to look.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.next_look <= now
    }

    /// The letters that are new, of those after the last one read.
    pub(crate) fn take(&mut self, mail: Vec<Mail>, now: Timestamp) -> Vec<Mail> {
        self.next_look = later(now, EVERY);
        self.read = mail.last().map_or(self.read, |letter| letter.number);
        let new = mail.into_iter().filter(|letter| !self.take_from_record(letter)).collect();
        // Whatever was decided in another way before this process came is in no letter to come.
        self.on_record.clear();
        new
    }

    fn take_from_record(&mut self, letter: &Mail) -> bool {
        let same = |record: &Record| match &record.event {
            Event::Signalled { signal, by, reason, .. } => {
                *signal == letter.signal && *by == letter.by && *reason == letter.reason
            }
            _ => false,
        };
        let found = self.on_record.iter().position(same);
        found.map(|at| self.on_record.remove(at)).is_some()
    }
}
