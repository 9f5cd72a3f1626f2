//! What a log is written to.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fleetwright_model::Text;
use fleetwright_ports::{AuditTrail, JournalError};

use super::held;
use crate::error;
use crate::files;
use crate::ownership::give_back;

/// A file and the one beside it, or memory.
pub(super) enum Medium {
    File(FileMedium),
    Memory(MemoryTrail),
}

pub(super) struct FileMedium {
    log: PathBuf,
    heads: PathBuf,
    /// Open and locked for as long as this process writes, and how long it is.
    open: Option<(File, u64)>,
}

impl Drop for FileMedium {
    fn drop(&mut self) {
        if let Some((file, _)) = &self.open {
            give_back(file);
        }
    }
}

/// A trail in memory; clones are the same.
#[derive(Clone, Default)]
pub(super) struct MemoryTrail(Arc<Mutex<AuditTrail>>);

impl MemoryTrail {
    pub(super) fn copy(&self) -> AuditTrail {
        held(&self.0).clone()
    }
}

impl Medium {
    pub(super) fn file(log: PathBuf, heads: PathBuf) -> Self {
        Self::File(FileMedium { log, heads, open: None })
    }

    /// For messages.
    pub(super) fn place(&self) -> Text {
        match self {
            Self::File(file) => error::text(&file.log),
            Self::Memory(_) => "memory".into(),
        }
    }

    /// Claims the log for this process and answers with what is in it.
    pub(super) fn open(&mut self) -> Result<Vec<u8>, JournalError> {
        match self {
            Self::Memory(trail) => Ok(held(&trail.0).log.clone()),
            Self::File(file) => {
                let (opened, content) = files::open_log(&file.log)?;
                file.open = Some((opened, content.len() as u64));
                Ok(content)
            }
        }
    }

    /// Takes away everything from there on.
    pub(super) fn cut(&mut self, length: usize) -> Result<(), JournalError> {
        match self {
            Self::Memory(trail) => held(&trail.0).log.truncate(length),
            Self::File(FileMedium { log, open: Some((file, known)), .. }) => {
                *known = length as u64;
                files::cut(log, file, *known)?;
            }
            Self::File(_) => {}
        }
        Ok(())
    }

    /// Hands these bytes to the system.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        match self {
            Self::Memory(trail) => held(&trail.0).log.extend_from_slice(bytes),
            Self::File(FileMedium { log, open: Some((file, known)), .. }) => {
                files::append_after(log, file, *known, bytes)?;
                *known += bytes.len() as u64;
            }
            Self::File(file) => return Err(not_open(file)),
        }
        Ok(())
    }

    /// Puts everything on disk.
    pub(super) fn flush(&mut self) -> Result<(), JournalError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(FileMedium { log, open: Some((file, _)), .. }) => files::flush(log, file),
            Self::File(file) => Err(not_open(file)),
        }
    }

    /// Keeps a head, on disk when this returns.
    pub(super) fn append_head(&mut self, line: &[u8]) -> Result<(), JournalError> {
        match self {
            Self::Memory(trail) => held(&trail.0).heads.extend_from_slice(line),
            Self::File(file) => files::append_line(&file.heads, line)?,
        }
        Ok(())
    }
}

fn not_open(file: &FileMedium) -> JournalError {
    JournalError::Storage { place: error::text(&file.log), cause: "it was not opened".into() }
}
