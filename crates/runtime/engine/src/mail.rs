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
    /// The last letter taken out.
    pub(crate) read: u64,
    /// The last letter decided upon: what is recorded from here on carries its number.
    pub(crate) decided: u64,
    /// When to look again.
    pub(crate) next_look: Timestamp,
    /// Decisions on record that do not say which letter they came from, and have not been found in the
    /// mailbox yet.
    on_record: Vec<Record>,
}

impl Mailbox {
    /// A mailbox of a run with these records: letters up to the last one that they know of were decided
    /// upon, also those that were declined. Records of format 1.0 do not say which letters they came
    /// from, so every letter that says the same as such a decision is taken to be that one. Times are
    /// not compared: the clock of whoever left the letter is not the driver's.
    pub(crate) fn of(records: &[Record], now: Timestamp) -> Self {
        let last = |record: &Record| match record.event {
            Event::GateReached { mail, .. } | Event::Signalled { mail, .. } => mail,
            _ => None,
        };
        let read = records.iter().filter_map(last).max().unwrap_or(0);
        // Whoever wrote a number has found the letters of those before it.
        let unnumbered =
            |record: &&Record| read == 0 && matches!(record.event, Event::Signalled { mail: None, .. });
        let on_record = records.iter().filter(unnumbered).cloned().collect();
        Self { read, decided: read, next_look: now, on_record }
    }

    /// Goes on after a letter that was read, whatever came of it.
    pub(crate) fn go_on_after(&mut self, letter: u64) {
        self.read = self.read.max(letter);
        self.decided = self.decided.max(letter);
        self.on_record.clear();
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

#[cfg(test)]
mod tests {
    use fleetwright_flow::{Epoch, Sequence, Signal, StageId};

    use super::*;

    fn record(seq: u64, event: Event) -> Record {
        Record { seq: Sequence(seq), epoch: Epoch(1), at: Timestamp::UNIX_EPOCH, event }
    }

    fn pause(seq: u64, mail: Option<u64>) -> Record {
        let event =
            Event::Signalled { signal: Signal::Pause, by: "ann".into(), basis: None, reason: None, mail };
        record(seq, event)
    }

    fn letters(numbers: std::ops::RangeInclusive<u64>) -> Vec<Mail> {
        let letter = |number| Mail {
            number,
            at: Timestamp::UNIX_EPOCH,
            signal: Signal::Pause,
            by: "ann".into(),
            basis: None,
            once: None,
            reason: None,
        };
        numbers.map(letter).collect()
    }

    fn new_of(records: &[Record], mail: Vec<Mail>) -> Vec<u64> {
        let mut mailbox = Mailbox::of(records, Timestamp::UNIX_EPOCH);
        mailbox.take(mail, Timestamp::UNIX_EPOCH).iter().map(|letter| letter.number).collect()
    }

    #[test]
    fn records_of_format_1_0_tell_their_letters_by_what_they_say() {
        assert_eq!(new_of(&[pause(1, None)], letters(1..=2)), [2]);
    }

    #[test]
    fn who_said_the_same_before_numbers_were_recorded_is_heard_again() {
        let resumed = Event::Signalled {
            signal: Signal::Resume,
            by: "ann".into(),
            basis: None,
            reason: None,
            mail: Some(2),
        };
        let records = [pause(1, None), record(2, resumed)];
        assert_eq!(Mailbox::of(&records, Timestamp::UNIX_EPOCH).read, 2);
        assert_eq!(new_of(&records, letters(3..=3)), [3]);
    }

    #[test]
    fn a_gate_knows_the_letters_read_before_it() {
        let reached = record(1, Event::GateReached { stage: StageId(0), mail: Some(4) });
        assert_eq!(Mailbox::of(&[reached], Timestamp::UNIX_EPOCH).read, 4);
    }
}
