//! Shared budgets: one small database for all runs of a state directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::Text;
use fleetwright_ports::budgets::{Claims, Holding, Others, Taken, Verdict, Wanted};
use fleetwright_ports::{Budgets, JournalError, RunId};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use crate::{error, files};

/// How long a call waits for another process's commit before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A row says: on account of `run`, `member` of the group `key` is out of service.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS claim (
        key TEXT NOT NULL, member TEXT NOT NULL, run TEXT NOT NULL,
        capacity INTEGER NOT NULL, kept INTEGER NOT NULL,
        PRIMARY KEY (key, member, run)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS claim_of_run ON claim (run, member);
    CREATE INDEX IF NOT EXISTS claim_of_member ON claim (member);
";

/// Budgets under a state directory, which the processes of one machine share.
///
/// Calls block for the moment they take (see the crate's documentation).
pub struct SqliteBudgets {
    connection: Mutex<Connection>,
    place: PathBuf,
}

impl SqliteBudgets {
    /// Opens the budgets of a state directory that is there, and makes them where there are none.
    ///
    /// # Errors
    /// The file can neither be made nor used.
    pub fn open(state_dir: &Path) -> Result<Self, JournalError> {
        let place = state_dir.join("budgets.sqlite");
        files::open_lock(&place).map_err(|error| error::of_io(&place, &error))?;
        let failed = |error: rusqlite::Error| error::of_sqlite(&place, &error);
        // Without SQLITE_OPEN_CREATE: files are made with narrow permissions, or not at all.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&place, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
        connection.execute_batch(TABLES).map_err(failed)?;
        Ok(Self { connection: Mutex::new(connection), place })
    }

    /// Does something to the claims as a whole, after every other process's changes and before the next.
    fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, JournalError> {
        // A panic elsewhere leaves no half-done transaction behind: they end where they begin.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let done = transaction.and_then(|transaction| {
            let answer = work(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        });
        done.map_err(|error| error::of_sqlite(&self.place, &error))
    }
}

/// The group without room for a member, if there is one.
fn full_group(
    claims: &Transaction<'_>,
    run: &RunId,
    wanted: &Wanted,
) -> Result<Option<Text>, rusqlite::Error> {
    for place in &wanted.places {
        let mut held: BTreeSet<Text> = claims
            .prepare("SELECT DISTINCT member FROM claim WHERE key = ?")?
            .query_map(params![&*place.key], |row| Ok(row.get::<_, String>(0)?.into()))?
            .collect::<Result<_, _>>()?;
        let taken = place.out_of_service(&mut held, &wanted.member);
        let least: Option<u32> = claims
            .prepare("SELECT MIN(capacity) FROM claim WHERE key = ? AND run <> ? AND kept = 0")?
            .query_row(params![&*place.key, run.as_str()], |row| row.get(0))?;
        if taken >= place.capacity.min(least.unwrap_or(u32::MAX)) {
            return Ok(Some(place.key.clone()));
        }
    }
    Ok(None)
}

fn insert(claims: &Transaction<'_>, run: &RunId, wanted: &Wanted, kept: bool) -> Result<(), rusqlite::Error> {
    let mut insert = claims.prepare("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?)")?;
    for place in &wanted.places {
        insert.execute(params![&*place.key, &*wanted.member, run.as_str(), place.capacity, kept])?;
    }
    Ok(())
}

#[async_trait]
impl Budgets for SqliteBudgets {
    async fn claim(&self, run: &RunId, wanted: &[Wanted]) -> Result<Vec<Verdict>, JournalError> {
        self.change(|claims| {
            let mut verdicts = Vec::with_capacity(wanted.len());
            for wish in wanted {
                verdicts.push(match full_group(claims, run, wish)? {
                    Some(key) => Verdict::Full { key },
                    None => {
                        insert(claims, run, wish, false)?;
                        Verdict::Granted
                    }
                });
            }
            Ok(verdicts)
        })
    }

    async fn release(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.change(|claims| {
            let sql = "DELETE FROM claim WHERE member = ? AND (run = ? OR kept = 1)";
            let mut delete = claims.prepare(sql)?;
            members.iter().try_for_each(|member| delete.execute(params![&**member, run.as_str()]).map(drop))
        })
    }

    async fn keep(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.change(|claims| {
            let mut keep = claims.prepare("UPDATE claim SET kept = 1 WHERE member = ? AND run = ?")?;
            members.iter().try_for_each(|member| keep.execute(params![&**member, run.as_str()]).map(drop))
        })
    }

    async fn restore(&self, run: &RunId, holdings: &[Holding]) -> Result<(), JournalError> {
        self.change(|claims| {
            claims.execute("DELETE FROM claim WHERE run = ?", params![run.as_str()])?;
            holdings.iter().try_for_each(|holding| insert(claims, run, &holding.held, holding.kept))
        })
    }

    async fn others(&self, run: &RunId, keys: &[Text]) -> Result<Vec<Others>, JournalError> {
        self.change(|claims| {
            let sql = "SELECT member, capacity, kept FROM claim WHERE key = ? AND run <> ?";
            let mut select = claims.prepare(sql)?;
            let of_key = |key: &Text| {
                let mut others = Others::default();
                let mut rows = select.query(params![&**key, run.as_str()])?;
                while let Some(row) = rows.next()? {
                    let member = Text::from(row.get::<_, String>(0)?);
                    others.members.insert(member.clone());
                    if row.get::<_, bool>(2)? {
                        others.kept.insert(member);
                    } else {
                        let capacity: u32 = row.get(1)?;
                        others.capacity = Some(others.capacity.map_or(capacity, |least| least.min(capacity)));
                    }
                }
                Ok(others)
            };
            keys.iter().map(of_key).collect()
        })
    }

    async fn taken(&self) -> Result<Vec<Taken>, JournalError> {
        let rows: Vec<(String, Text, Text, bool)> = self.change(|claims| {
            let mut select = claims.prepare("SELECT run, key, member, kept FROM claim")?;
            let rows = select.query_map([], |row| {
                let (key, member): (String, String) = (row.get(1)?, row.get(2)?);
                Ok((row.get(0)?, key.into(), member.into(), row.get(3)?))
            })?;
            rows.collect()
        })?;
        let mut taken = Vec::with_capacity(rows.len());
        for (run, key, member, kept) in rows {
            let run = run.parse().map_err(|invalid| error::damaged(&self.place, invalid))?;
            taken.push(Taken { run, key, member, kept });
        }
        taken.sort();
        Ok(taken)
    }

    async fn clear(&self, run: &RunId, members: &[Text]) -> Result<usize, JournalError> {
        self.change(|claims| {
            if members.is_empty() {
                return claims.execute("DELETE FROM claim WHERE run = ?", params![run.as_str()]);
            }
            let mut delete = claims.prepare("DELETE FROM claim WHERE member = ? AND run = ?")?;
            let gone = members.iter().map(|member| delete.execute(params![&**member, run.as_str()]));
            gone.sum()
        })
    }
}

/// Budgets in memory. Clones share what is in it, as processes of one machine share a directory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBudgets {
    claims: Arc<Mutex<Claims>>,
}

impl MemoryBudgets {
    /// Nothing is claimed.
    pub fn new() -> Self {
        Self::default()
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        // A test that panics holding it has failed already.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Budgets for MemoryBudgets {
    async fn claim(&self, run: &RunId, wanted: &[Wanted]) -> Result<Vec<Verdict>, JournalError> {
        Ok(self.claims().claim(run, wanted))
    }

    async fn release(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.claims().release(run, members);
        Ok(())
    }

    async fn keep(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.claims().keep(run, members);
        Ok(())
    }

    async fn restore(&self, run: &RunId, holdings: &[Holding]) -> Result<(), JournalError> {
        self.claims().restore(run, holdings);
        Ok(())
    }

    async fn others(&self, run: &RunId, keys: &[Text]) -> Result<Vec<Others>, JournalError> {
        Ok(self.claims().others(run, keys))
    }

    async fn taken(&self) -> Result<Vec<Taken>, JournalError> {
        Ok(self.claims().taken())
    }

    async fn clear(&self, run: &RunId, members: &[Text]) -> Result<usize, JournalError> {
        Ok(self.claims().clear(run, members))
    }
}
