//! One run's database: its tables, opening and making it, and its sealed rows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetwright_flow::Format;
use fleetwright_journal::{FORMAT, Link, sha256};
use fleetwright_ports::journal::Standing;
use fleetwright_ports::{JournalError, RunId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use crate::error;
use crate::files;

/// How long a call waits for another process's commit before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// `FLWT`: what the `file` command can tell the database by.
const APPLICATION_ID: i64 = 0x464c_5754;

/// `run(major, minor)` is read by every version; all else belongs to format 1.
const TABLES: &str = "
    CREATE TABLE run (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        major INTEGER NOT NULL, minor INTEGER NOT NULL,
        name TEXT NOT NULL, created_at TEXT NOT NULL, program TEXT NOT NULL,
        plan_sha256 BLOB NOT NULL, seal BLOB NOT NULL, plan BLOB NOT NULL
    ) STRICT;
    CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL, owner TEXT NOT NULL, last INTEGER NOT NULL,
        head BLOB NOT NULL, seal BLOB NOT NULL
    ) STRICT;
    CREATE TABLE batch (
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, link BLOB NOT NULL, body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE mail (number INTEGER PRIMARY KEY, seal BLOB NOT NULL, body BLOB NOT NULL) STRICT;
";

/// A run's database, open.
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) place: PathBuf,
}

/// The row of the run, without the plan.
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) created_at: Timestamp,
    pub(super) plan_sha256: Vec<u8>,
    /// Covers all of it; the chain of records begins here.
    pub(super) seal: Link,
}

/// The row of the state: what every append is conditional on.
pub(super) struct State {
    pub(super) epoch: u32,
    pub(super) owner: String,
    pub(super) last: u64,
    pub(super) head: Link,
}

impl Database {
    /// Makes the database of a new run, durable when this returns.
    pub(super) fn create(
        place: &Path,
        run: &RunId,
        plan: &[u8],
        at: Timestamp,
        program: &str,
    ) -> Result<(), JournalError> {
        files::make_empty(place)?;
        let mut database = Self::connect(place)?;
        let failed = |error: rusqlite::Error| error::of_sqlite(place, &error);
        let mode: String = database
            .connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(failed)?;
        if mode != "wal" {
            let cause = "the file system cannot share memory between processes: keep the state directory on \
                         a local disk";
            return Err(JournalError::Refused { place: error::text(place), cause: cause.into() });
        }
        let transaction = database.connection.transaction().map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        transaction.execute_batch(TABLES).map_err(failed)?;
        let (created_at, digest) = (at.to_string(), sha256(plan));
        let seal = Header::seal(FORMAT, run.as_str(), &created_at, program, &digest);
        let row = params![
            FORMAT.major,
            FORMAT.minor,
            run.as_str(),
            created_at,
            program,
            &digest[..],
            &seal.0[..],
            plan
        ];
        transaction.execute("INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", row).map_err(failed)?;
        let state = State { epoch: 0, owner: String::new(), last: 0, head: seal };
        state.write(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        database.connection.close().map_err(|(_, error)| failed(error))
    }

    /// Opens the database of a run that is there.
    pub(super) fn open(place: &Path) -> Result<Self, JournalError> {
        if !place.is_file() {
            return Err(error::damaged(place, "the file is missing"));
        }
        let database = Self::connect(place)?;
        let format = database
            .connection
            .query_row("SELECT major, minor FROM run", [], |row| {
                Ok(Format { major: row.get(0)?, minor: row.get(1)? })
            })
            .map_err(|error| error::of_sqlite(place, &error))?;
        if format.major == FORMAT.major { Ok(database) } else { Err(database.unknown_format(format)) }
    }

    fn connect(place: &Path) -> Result<Self, JournalError> {
        let failed = |error: rusqlite::Error| error::of_sqlite(place, &error);
        // Without SQLITE_OPEN_CREATE: files are made with narrow permissions, or not at all.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(place, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        // The content may be damaged: SQLite shall look closely and run nothing it finds in there.
        connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
        Ok(Self { connection, place: place.to_owned() })
    }

    pub(super) fn unknown_format(&self, found: Format) -> JournalError {
        let (found, known) = (found.to_string().into(), FORMAT.to_string().into());
        JournalError::Format { place: error::text(&self.place), found, known }
    }
}

/// What a row of the database turned out to be.
pub(super) enum RowError {
    /// SQLite could not read it.
    Sqlite(rusqlite::Error),
    /// It is not what was written.
    Damaged(String),
}

impl RowError {
    pub(super) fn at(self, place: &Path) -> JournalError {
        match self {
            Self::Sqlite(error) => error::of_sqlite(place, &error),
            Self::Damaged(what) => error::damaged(place, what),
        }
    }
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}

impl Header {
    fn seal(format: Format, run: &str, created_at: &str, program: &str, plan_sha256: &[u8]) -> Link {
        let version = format.to_string();
        Link::of(&[
            version.as_bytes(),
            run.as_bytes(),
            created_at.as_bytes(),
            program.as_bytes(),
            plan_sha256,
        ])
    }

    pub(super) fn read(connection: &Connection) -> Result<Self, RowError> {
        const COLUMNS: &str = "SELECT major, minor, name, created_at, program, plan_sha256, seal FROM run";
        let (header, seal, expected) = connection.query_row(COLUMNS, [], |row| {
            let format = Format { major: row.get(0)?, minor: row.get(1)? };
            let (name, created_at): (String, String) = (row.get(2)?, row.get(3)?);
            let (program, plan_sha256): (String, Vec<u8>) = (row.get(4)?, row.get(5)?);
            let expected = Self::seal(format, &name, &created_at, &program, &plan_sha256);
            Ok(((format, created_at, plan_sha256), row.get::<_, Vec<u8>>(6)?, expected))
        })?;
        let (format, created_at, plan_sha256) = header;
        let seal = Link::from_stored(&seal).filter(|seal| *seal == expected);
        match (seal, created_at.parse()) {
            (Some(seal), Ok(created_at)) => Ok(Self { format, created_at, plan_sha256, seal }),
            _ => Err(RowError::Damaged("the run's name, time or plan digest was changed".to_owned())),
        }
    }
}

impl State {
    fn seal(&self) -> Link {
        Link::of(&[&self.epoch.to_le_bytes(), self.owner.as_bytes(), &self.last.to_le_bytes(), &self.head.0])
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { epoch: self.epoch, last: self.last }
    }

    pub(super) fn read(connection: &Connection) -> Result<Self, RowError> {
        const COLUMNS: &str = "SELECT epoch, owner, last, head, seal FROM state";
        let (state, head, seal) = connection.query_row(COLUMNS, [], |row| {
            let state = (row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?);
            Ok((state, row.get::<_, Vec<u8>>(3)?, row.get::<_, Vec<u8>>(4)?))
        })?;
        let (epoch, owner, last) = state;
        let state = u64::try_from(last).ok().zip(Link::from_stored(&head)).map(|(last, head)| Self {
            epoch,
            owner,
            last,
            head,
        });
        state.filter(|state| state.seal().0[..] == seal).ok_or_else(|| {
            RowError::Damaged("the journal's epoch, last record or checksum was changed".into())
        })
    }

    /// Puts the row in the place of the one before.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let seal = self.seal();
        let row = params![self.epoch, self.owner, self.last as i64, &self.head.0[..], &seal.0[..]];
        connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?)", row).map(drop)
    }
}
