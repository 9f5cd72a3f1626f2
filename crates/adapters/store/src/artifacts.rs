//! Artefacts as files beside the journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use fleetwright_ports::journal::check_key;
use fleetwright_ports::{Artifacts, JournalError, RunId};

use crate::error;
use crate::files::{self, Durable, Runs};

/// Files of runs under a state directory, `<state>/runs/<run>/artefacts/<key>`. Calls block for the
/// moment they take.
#[derive(Debug)]
pub struct FileArtifacts {
    runs: Runs,
    written: AtomicU64,
    /// Set by files that wait for the journal's next append to be put on disk.
    unsettled: Option<Arc<AtomicBool>>,
}

impl FileArtifacts {
    /// Opens the state directory and makes it where there is none.
    ///
    /// # Errors
    /// The directory can neither be made nor used, or others may write to it.
    pub fn open(state_dir: &Path) -> Result<Self, JournalError> {
        Ok(Self { runs: Runs::open(state_dir)?, written: AtomicU64::new(0), unsettled: None })
    }

    /// The files beside a journal, which puts them on disk with its next append.
    pub(crate) fn beside(runs: Runs, unsettled: Option<Arc<AtomicBool>>) -> Self {
        Self { runs, written: AtomicU64::new(0), unsettled }
    }

    fn path(&self, run: &RunId, key: &str) -> Result<PathBuf, JournalError> {
        let root = self.runs.existing(run)?.artefacts();
        check_key(key, &error::text(&root))?;
        Ok(root.join(key))
    }
}

#[async_trait]
impl Artifacts for FileArtifacts {
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError> {
        let path = self.path(run, key)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let neighbour = format!(".part-{}-{number}", std::process::id());
        let durable = if self.unsettled.is_some() { Durable::Later } else { Durable::AtOnce };
        files::write_atomically(&path, &neighbour, bytes, durable)?;
        if let Some(unsettled) = &self.unsettled {
            unsettled.store(true, Ordering::Release);
        }
        Ok(())
    }

    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        files::read(&self.path(run, key)?)
    }

    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError> {
        let root = self.runs.existing(run)?.artefacts();
        // Only the directory that the prefix names is walked; one that names none finds nothing.
        let (directory, _) = prefix.rsplit_once('/').unwrap_or_default();
        if !directory.is_empty() && check_key(directory, "").is_err() {
            return Ok(Vec::new());
        }
        let below = |name: String| if directory.is_empty() { name } else { format!("{directory}/{name}") };
        let mut keys: Vec<String> = files::walk(&root.join(directory))?
            .into_iter()
            .map(below)
            .filter(|key| key.starts_with(prefix))
            .collect();
        keys.sort_unstable();
        Ok(keys)
    }
}
