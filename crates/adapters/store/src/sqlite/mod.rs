//! The journal in SQLite: one database a run.

mod database;
mod load;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_model::Text;
use fleetwright_ports::{Claim, Delivery, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId};
use jiff::Timestamp;

use crate::FileArtifacts;
use crate::files::{self, Runs};
use crate::ownership::{self, OwnerLock, Passage};
use database::Database;

/// Databases that are kept open at most; one more and all others are closed.
const OPEN_AT_MOST: usize = 8;

/// Runs under a state directory, which the processes of one machine share: one of them drives a
/// run, others look on and leave decisions.
///
/// Calls block for the moment they take (see the crate's documentation).
pub struct SqliteJournal {
    runs: Runs,
    program: Text,
    open: Mutex<HashMap<RunId, Database>>,
    /// Set while artefacts wait to be put on disk.
    unsettled: Arc<AtomicBool>,
}

/// A run that is held: the lock of its owner, and the epoch it was taken over under.
struct HeldRun {
    epoch: Epoch,
    _lock: OwnerLock,
}

impl Claim for HeldRun {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl SqliteJournal {
    /// Opens the state directory and makes it where there is none. `program` is written into new
    /// runs, for people: name and version.
    ///
    /// # Errors
    /// The directory can neither be made nor used, or others may write to it.
    pub fn open(state_dir: &Path, program: &str) -> Result<Self, JournalError> {
        Ok(Self {
            runs: Runs::open(state_dir)?,
            program: program.into(),
            open: Mutex::default(),
            unsettled: Arc::default(),
        })
    }

    /// The files of the same runs. They are put on disk together, by the journal's next append and
    /// before it: what a record tells of is there when the record is.
    pub fn artifacts(&self) -> FileArtifacts {
        let later = cfg!(target_os = "linux").then(|| Arc::clone(&self.unsettled));
        FileArtifacts::beside(self.runs.clone(), later)
    }

    #[cfg(target_os = "linux")]
    fn settle(&self, run: &RunId) -> Result<(), JournalError> {
        if self.unsettled.swap(false, Ordering::AcqRel) {
            files::settle(&self.runs.existing(run)?.artefacts()).inspect_err(|_| {
                self.unsettled.store(true, Ordering::Release);
            })?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn settle(&self, _run: &RunId) -> Result<(), JournalError> {
        Ok(())
    }

    /// Uses the run's database, opened where it is not yet.
    fn with<T>(
        &self,
        run: &RunId,
        work: impl FnOnce(&mut Database) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut open = self.databases();
        if let Some(database) = open.get_mut(run) {
            return work(database);
        }
        let mut database = Database::open(&self.runs.existing(run)?.journal())?;
        let result = work(&mut database);
        if open.len() >= OPEN_AT_MOST {
            open.clear();
        }
        open.insert(run.clone(), database);
        result
    }

    fn databases(&self) -> MutexGuard<'_, HashMap<RunId, Database>> {
        // A panic elsewhere leaves no half-done transaction behind: they end where they begin.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, run: RunId) -> Result<RunEntry, JournalError> {
        let directory = self.runs.run(&run);
        let passage = Passage::enter(&self.runs)?;
        let driven_by = ownership::living_owner(&passage, &directory)?;
        drop(passage);
        // Not through `with`: a long list must not close the database of the run that is driven.
        let summary = match self.databases().get_mut(&run) {
            Some(database) => database.summary(),
            None => Database::open(&directory.journal()).and_then(|mut database| database.summary()),
        };
        // A run that cannot be read is still listed: loading it says what is wrong.
        let (created_at, last) = summary.unwrap_or((Timestamp::UNIX_EPOCH, None));
        Ok(RunEntry { run, created_at, last, driven_by })
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        let _passage = Passage::enter(&self.runs)?;
        self.runs
            .make_run(run, |directory| Database::create(&directory.journal(), run, plan, at, &self.program))
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        let directory = self.runs.existing(run)?;
        let passage = Passage::enter(&self.runs)?;
        let mut lock = OwnerLock::take(&passage, &directory)?;
        lock.sign(owner)?;
        let epoch = self.with(run, |database| database.take_over(owner))?;
        Ok(Box::new(HeldRun { epoch, _lock: lock }))
    }

    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        self.settle(run)?;
        self.with(run, |database| database.append(epoch, after, records))
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.with(run, Database::load)
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.with(run, |database| database.since(after))
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        let names = self.runs.names()?;
        let mut entries =
            names.into_iter().map(|run| self.entry(run)).collect::<Result<Vec<_>, JournalError>>()?;
        entries.sort_by(|a, b| (b.created_at, &b.run).cmp(&(a.created_at, &a.run)));
        Ok(entries)
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.with(run, |database| database.deliver(&letter))
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.with(run, |database| database.mail(after))
    }
}

#[cfg(test)]
mod tests;
