//! Who drives a run, among the processes of this machine.
//!
//! The owner holds an exclusive lock on `owner.lock` as long as it lives; the system takes the lock
//! back when the process ends, however it ends. Whoever takes or looks at that lock does so under
//! the directory's `ownership.lock`, so that somebody who only looks never makes a claim fail.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use fleetwright_model::Text;
use fleetwright_ports::JournalError;

use crate::error;
use crate::files::{self, RunDirectory, Runs};

/// The right to look at and change ownership; others wait until it is dropped. Held for moments.
pub(crate) struct Passage {
    lock: File,
}

impl Drop for Passage {
    fn drop(&mut self) {
        give_back(&self.lock);
    }
}

impl Passage {
    pub(crate) fn enter(runs: &Runs) -> Result<Self, JournalError> {
        let path = runs.ownership_lock();
        let lock = files::open_lock(&path).map_err(|error| error::of_io(&path, &error))?;
        lock.lock().map_err(|error| no_locks(&path, &error))?;
        Ok(Self { lock })
    }
}

/// The lock of a run's owner. Dropping it gives the run free.
pub(crate) struct OwnerLock {
    file: File,
    path: PathBuf,
}

impl OwnerLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// Another process holds it, or the file system has no locks.
    pub(crate) fn take(_: &Passage, run: &RunDirectory) -> Result<Self, JournalError> {
        let path = run.owner_lock();
        let mut file = files::open_lock(&path).map_err(|error| error::of_io(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Owned { owner: name_in(&mut file) }),
            Err(TryLockError::Error(error)) => Err(no_locks(&path, &error)),
        }
    }

    /// Writes into the lock file who holds it.
    pub(crate) fn sign(&mut self, owner: &str) -> Result<(), JournalError> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(owner.as_bytes()))
            .map_err(|error| error::of_io(&self.path, &error))
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // The name is for messages only, and the lock is what counts: a name left behind is harmless.
        let _ = self.file.set_len(0);
        give_back(&self.file);
    }
}

/// The living owner of a run, if it has one; a run that was never claimed has none.
pub(crate) fn living_owner(_: &Passage, run: &RunDirectory) -> Result<Option<Text>, JournalError> {
    let path = run.owner_lock();
    let file = files::open_existing(&path).map_err(|error| error::of_io(&path, &error))?;
    let Some(mut file) = file else { return Ok(None) };
    match file.try_lock_shared() {
        Ok(()) => {
            give_back(&file);
            Ok(None)
        }
        Err(TryLockError::WouldBlock) => Ok(Some(name_in(&mut file))),
        Err(TryLockError::Error(error)) => Err(no_locks(&path, &error)),
    }
}

/// Gives a lock back in so many words: closing the file would leave it with a child process that was just
/// forked, until it has become another program.
pub(crate) fn give_back(file: &File) {
    // Where that fails, closing it does the same a moment later.
    let _ = file.unlock();
}

fn name_in(file: &mut File) -> Text {
    let mut name = String::new();
    // Windows lets nobody read a locked file; the name is a courtesy.
    match file.take(1024).read_to_string(&mut name) {
        Ok(_) if !name.is_empty() => name.into(),
        _ => "another process".into(),
    }
}

fn no_locks(path: &Path, error: &std::io::Error) -> JournalError {
    let cause = format!("the file system gives no locks ({error}): keep the state directory on a local disk");
    JournalError::Refused { place: error::text(path), cause: cause.into() }
}
