//! What changes a run's database: claims, appends, mail. Each is one transaction that takes the
//! writer's place before it looks, so that what it has seen still holds when it commits.

use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_journal::{self as codec, Link};
use fleetwright_ports::journal::is_spent;
use fleetwright_ports::{Delivery, JournalError, Letter};
use rusqlite::{Transaction, TransactionBehavior, params};

use crate::error;

use super::database::{Database, State};
use super::load::read_mail;

impl Database {
    /// Raises the epoch and names the owner.
    pub(super) fn take_over(&mut self, owner: &str) -> Result<Epoch, JournalError> {
        let place = self.place.clone();
        self.change(|transaction| {
            let mut state = State::read(transaction).map_err(|error| error.at(&place))?;
            state.epoch = state
                .epoch
                .checked_add(1)
                .ok_or_else(|| error::damaged(&place, "its epoch is the largest there is"))?;
            owner.clone_into(&mut state.owner);
            state.write(transaction).map_err(|error| error::of_sqlite(&place, &error))?;
            Ok(Epoch(state.epoch))
        })
    }

    /// Appends records as one row.
    pub(super) fn append(
        &mut self,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let place = self.place.clone();
        let body = codec::encode(records);
        self.change(|transaction| {
            let mut state = State::read(transaction).map_err(|error| error.at(&place))?;
            state.standing().admit(epoch, after, records, &error::text(&place))?;
            if records.is_empty() {
                return Ok(());
            }
            let (first, count) = (after.0 + 1, records.len() as u64);
            state.head = state.head.next(first, count, &body);
            state.last += count;
            let row = params![first as i64, count as i64, &state.head.0[..], body];
            transaction
                .execute("INSERT INTO batch VALUES (?, ?, ?, ?)", row)
                .and_then(|_| state.write(transaction))
                .map_err(|error| error::of_sqlite(&place, &error))
        })
    }

    /// Puts a decision into the mailbox, unless one with its mark is there. A mailbox that cannot be
    /// read takes no letter with a mark: whether it was spent is then not known.
    pub(super) fn deliver(&mut self, letter: &Letter) -> Result<Delivery, JournalError> {
        let place = self.place.clone();
        let body = codec::encode_mail(letter);
        self.change(|transaction| {
            if letter.once.is_some() {
                let mailbox = read_mail(transaction, 0).map_err(|error| error.at(&place))?;
                if is_spent(&mailbox, letter) {
                    return Ok(Delivery::Spent);
                }
            }
            transaction
                .query_row("SELECT coalesce(max(number), 0) + 1 FROM mail", [], |row| row.get::<_, i64>(0))
                .and_then(|number| {
                    let seal = Link::of(&[&number.to_le_bytes(), &body]);
                    let row = params![number, &seal.0[..], body];
                    transaction.execute("INSERT INTO mail VALUES (?, ?, ?)", row).map(|_| number)
                })
                .map(|number| Delivery::Taken(number as u64))
                .map_err(|error| error::of_sqlite(&place, &error))
        })
    }

    /// One transaction: durable when this returns, without trace where it fails.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let failed = |error: rusqlite::Error| error::of_sqlite(&self.place, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = work(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }
}
