//! The conditions under which records are appended and letters taken, the same for every journal.

use fleetwright_flow::{Epoch, Record, Sequence};

use crate::{JournalError, Letter, Mail};

/// What a journal knows of a run when somebody wants to append to it.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The epoch of the newest claim; 0 before the first.
    pub epoch: u32,
    /// The last record; 0 before the first.
    pub last: u64,
}

impl Standing {
    /// Whether records may be appended by `epoch` after `after`.
    ///
    /// # Errors
    /// The caller is late, or its records do not follow one another under that epoch. `place` is
    /// for the message.
    pub fn admit(
        self,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
        place: &str,
    ) -> Result<(), JournalError> {
        if epoch.0 < self.epoch {
            return Err(JournalError::Fenced { ours: epoch.0, newer: self.epoch });
        }
        let refused = |cause: String| Err(JournalError::Refused { place: place.into(), cause: cause.into() });
        if epoch.0 == 0 || epoch.0 > self.epoch {
            return refused(format!("epoch {} was never claimed, the journal is at {}", epoch.0, self.epoch));
        }
        if after.0 != self.last {
            return Err(JournalError::OutOfSequence { last: self.last, expected: after.0 });
        }
        for (record, follows) in records.iter().zip(after.0..) {
            if record.seq.0 != follows + 1 {
                return refused(format!("record {} is handed in to follow record {follows}", record.seq.0));
            }
            if record.epoch != epoch {
                let (seq, theirs, ours) = (record.seq.0, record.epoch.0, epoch.0);
                return refused(format!("record {seq} carries epoch {theirs}, the claim's is {ours}"));
            }
        }
        Ok(())
    }
}

/// Whether a letter with the same mark is in the mailbox.
pub fn is_spent(mailbox: &[Mail], letter: &Letter) -> bool {
    letter.once.is_some() && mailbox.iter().any(|mail| mail.once == letter.once)
}
