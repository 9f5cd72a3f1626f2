//! What reads a run's database. Each reading sees one state of it, whatever its owner writes
//! meanwhile.

use fleetwright_flow::{Record, Sequence};
use fleetwright_journal::{self as codec, Link, Malformed, sha256};
use fleetwright_ports::{Damage, JournalError, LoadedRun, Mail};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use crate::error;

use super::database::{Database, Header, RowError, State};

/// Room for records that is made ahead at most; more is made as they come.
const ROOM_AHEAD: u64 = 4_000_000;

impl Database {
    /// The plan and every whole record.
    pub(super) fn load(&mut self) -> Result<LoadedRun, JournalError> {
        let failed = |error: rusqlite::Error| error::of_sqlite(&self.place, &error);
        let snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let header = Header::read(&snapshot).map_err(|error| error.at(&self.place))?;
        let plan: Vec<u8> =
            snapshot.query_row("SELECT plan FROM run", [], |row| row.get(0)).map_err(failed)?;
        if sha256(&plan)[..] != header.plan_sha256 {
            return Err(error::damaged(&self.place, "the plan document is not the one that was stored"));
        }

        let state = State::read(&snapshot);
        let room = state.as_ref().map_or(0, |state| state.last.min(ROOM_AHEAD));
        let mut walk = Walk::new(header.seal, 0, room as usize);
        let found = walk.read(&snapshot).and_then(|()| walk.ends_at(state));
        let what = match found {
            Err(Broken::Unknown(what)) if header.format.minor > codec::FORMAT.minor => {
                return Err(self.newer(header, &what));
            }
            Err(Broken::Unknown(what) | Broken::Damaged(what)) => Some(what),
            Ok(()) => file_damage(&snapshot),
        };
        let last_good = Sequence(walk.last);
        let damage = what.map(|what| Damage { last_good, what: what.into() });
        Ok(LoadedRun { plan, records: walk.records, damage })
    }

    fn newer(&self, header: Header, what: &str) -> JournalError {
        match self.unknown_format(header.format) {
            JournalError::Format { place, found, known } => {
                JournalError::Format { place, found: format!("{found} ({what})").into(), known }
            }
            other => other,
        }
    }

    /// Whole records after that one.
    pub(super) fn since(&mut self, after: Sequence) -> Result<Vec<Record>, JournalError> {
        let failed = |error: rusqlite::Error| error::of_sqlite(&self.place, &error);
        let snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let header = Header::read(&snapshot).map_err(|error| error.at(&self.place))?;
        read_since(&snapshot, header.seal, after).map_err(|error| error.at(&self.place))
    }

    /// When the run was created, and its last record where that can be read.
    pub(super) fn summary(&mut self) -> Result<(Timestamp, Option<Record>), JournalError> {
        let failed = |error: rusqlite::Error| error::of_sqlite(&self.place, &error);
        let snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let header = Header::read(&snapshot).map_err(|error| error.at(&self.place))?;
        let last = State::read(&snapshot).and_then(|state| {
            let before = Sequence(state.last.saturating_sub(1));
            read_since(&snapshot, header.seal, before)
        });
        Ok((header.created_at, last.ok().and_then(|mut records| records.pop())))
    }

    /// Decisions after that number.
    pub(super) fn mail(&mut self, after: u64) -> Result<Vec<Mail>, JournalError> {
        read_mail(&self.connection, after).map_err(|error| error.at(&self.place))
    }
}

/// Reads batches in their order and holds each against the chain.
struct Walk {
    records: Vec<Record>,
    /// The last whole record.
    last: u64,
    /// The link of the batch it came in.
    head: Link,
}

/// Why the walk ended before the end.
enum Broken {
    /// What is there is not what was written.
    Damaged(String),
    /// What is there may be of a newer version.
    Unknown(String),
}

impl Walk {
    fn new(head: Link, last: u64, room: usize) -> Self {
        Self { records: Vec::with_capacity(room), last, head }
    }

    /// Takes every batch after the last one, as far as they are whole.
    fn read(&mut self, connection: &Connection) -> Result<(), Broken> {
        let last = self.last;
        let unreadable = |last: u64, error: rusqlite::Error| {
            Broken::Damaged(format!("what follows record {last} cannot be read: {error}"))
        };
        let mut statement = connection
            .prepare("SELECT first, count, link, body FROM batch WHERE first > ? ORDER BY first")
            .map_err(|error| unreadable(last, error))?;
        let mut rows = statement.query([last as i64]).map_err(|error| unreadable(last, error))?;
        loop {
            let Some(row) = rows.next().map_err(|error| unreadable(self.last, error))? else {
                return Ok(());
            };
            let (first, count, link, body) = columns(row).map_err(|error| unreadable(self.last, error))?;
            self.take(first, count, link, body)?;
        }
    }

    fn take(&mut self, first: i64, count: i64, link: &[u8], body: &[u8]) -> Result<(), Broken> {
        let next = self.last + 1;
        if first != next as i64 {
            return Err(Broken::Damaged(format!("record {next} is missing: {first} is the next there is")));
        }
        let changed = || Broken::Damaged(format!("record {next} or one soon after it was changed"));
        let count = u64::try_from(count).map_err(|_| changed())?;
        let expected = self.head.next(next, count, body);
        if Link::from_stored(link) != Some(expected) {
            return Err(changed());
        }
        let whole = self.records.len();
        let read = codec::decode(body, next, &mut self.records);
        if read == Ok(count) {
            self.last += count;
            self.head = expected;
            return Ok(());
        }
        self.records.truncate(whole);
        Err(match read {
            Err(Malformed::Unknown(..)) => {
                Broken::Unknown(format!("after record {}, {}", self.last, said(read)))
            }
            _ => Broken::Damaged(format!("what follows record {} is malformed: {}", self.last, said(read))),
        })
    }

    /// Whether this is the end that the state names.
    fn ends_at(&self, state: Result<State, RowError>) -> Result<(), Broken> {
        let state = state.map_err(|error| Broken::Damaged(error.to_string()))?;
        if self.last < state.last {
            let (from, to) = (self.last + 1, state.last);
            return Err(Broken::Damaged(format!("records {from} to {to} are missing from the end")));
        }
        if self.last > state.last || self.head != state.head {
            return Err(Broken::Damaged(format!("record {} is not the one written last", self.last)));
        }
        Ok(())
    }
}

/// A batch as it is stored: first record, count, link, body.
type Columns<'a> = (i64, i64, &'a [u8], &'a [u8]);

fn columns<'a>(row: &'a Row<'_>) -> Result<Columns<'a>, rusqlite::Error> {
    let (link, body) = (row.get_ref(2)?.as_blob()?, row.get_ref(3)?.as_blob()?);
    Ok((row.get(0)?, row.get(1)?, link, body))
}

fn said(read: Result<u64, Malformed>) -> String {
    match read {
        Ok(count) => format!("it holds {count} records"),
        Err(error) => error.to_string(),
    }
}

/// Damage of the file that touches no record. It is damage still: the next append might go there.
fn file_damage(connection: &Connection) -> Option<String> {
    let said = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match said {
        Ok(said) if said == "ok" => None,
        Ok(said) => Some(format!("every record is whole, but the file is damaged: {said}")),
        Err(error) => Some(format!("every record is whole, but the file is damaged: {error}")),
    }
}

fn read_since(connection: &Connection, genesis: Link, after: Sequence) -> Result<Vec<Record>, RowError> {
    let wanted = i64::try_from(after.0).unwrap_or(i64::MAX).saturating_add(1);
    // The batch that holds the first record wanted, and the link before it.
    let start: Option<i64> =
        connection.query_row("SELECT max(first) FROM batch WHERE first <= ?", [wanted], |row| row.get(0))?;
    let Some(start) = start else { return Ok(Vec::new()) };
    let before = "SELECT link FROM batch WHERE first < ? ORDER BY first DESC LIMIT 1";
    let head = match connection.query_row(before, [start], |row| row.get::<_, Vec<u8>>(0)) {
        Ok(link) => Link::from_stored(&link)
            .ok_or_else(|| RowError::Damaged(format!("what precedes record {start} was changed")))?,
        Err(rusqlite::Error::QueryReturnedNoRows) => genesis,
        Err(error) => return Err(error.into()),
    };
    let mut walk = Walk::new(head, (start.max(1) - 1) as u64, 0);
    walk.read(connection).map_err(|broken| match broken {
        Broken::Damaged(what) | Broken::Unknown(what) => RowError::Damaged(what),
    })?;
    walk.records.retain(|record| record.seq > after);
    Ok(walk.records)
}

pub(super) fn read_mail(connection: &Connection, after: u64) -> Result<Vec<Mail>, RowError> {
    let mut statement =
        connection.prepare("SELECT number, seal, body FROM mail WHERE number > ? ORDER BY number")?;
    let mut rows = statement.query([i64::try_from(after).unwrap_or(i64::MAX)])?;
    let mut mail = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let (seal, body): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let changed = |what: String| RowError::Damaged(format!("decision {number} of the mailbox {what}"));
        if Link::of(&[&number.to_le_bytes(), &body]).0[..] != seal {
            return Err(changed("was changed".to_owned()));
        }
        mail.push(
            codec::decode_mail(number as u64, &body)
                .map_err(|error| changed(format!("is malformed: {error}")))?,
        );
    }
    Ok(mail)
}
