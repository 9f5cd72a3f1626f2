//! Audit logs: files beside the journals, or in memory.
//!
//! A record before a call is on disk before the call is sent. Calls that become ready in the same round
//! of the driver share one write and one flush, as the records of the journal share one commit; there are
//! no more flushes than calls, and calls are paced. A record after a call is handed to the system at
//! once - the end of the process does not lose it - and flushed with whatever is flushed next: a loss of
//! power may leave its call in doubt, which is what it then is.
//!
//! A head is signed at least every 256 records ([`Scribe`]) and where the driver asks for it.

mod medium;
mod round;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fleetwright_audit::{
    Answer, Entry, Intent, Opening, PublicKey, Scribe, SignedHead, SigningKey, Writer, chain,
};
use fleetwright_ports::audit::COMMANDS;
use fleetwright_ports::{AuditLog, AuditLogs, AuditTrail, JournalError, RunId};
use jiff::Timestamp;

use crate::error;
use crate::files::{self, Runs};
use medium::{Medium, MemoryTrail};

/// Where 32 random bytes come from, for a key that is made; in words, why there are none.
pub type Randomness = fn() -> Result<[u8; 32], String>;

/// The key of a state directory: made when the first head is signed.
#[derive(Clone)]
enum Key {
    File { path: PathBuf, randomness: Randomness },
    Memory(SigningKey),
}

/// Logs as files of a state directory: `runs/<run>/audit.jsonl`, its heads in `audit-heads.jsonl`, those of
/// commands outside of runs under `commands/`, and the key that signs them in `audit-key.pem` beside the runs, readable by its owner alone.
pub struct FileAuditLogs {
    runs: Runs,
    /// Where the log of commands outside of runs lies.
    commands: PathBuf,
    key: Key,
}

/// Logs that end with the process. Clones are the same.
#[derive(Clone, Default)]
pub struct MemoryAuditLogs {
    logs: Arc<Mutex<HashMap<RunId, Arc<Log>>>>,
    trails: Arc<Mutex<HashMap<RunId, MemoryTrail>>>,
}

/// The key of logs in memory, which nobody needs to trust.
fn memory_key() -> SigningKey {
    SigningKey::new([0x5a; 32])
}

impl FileAuditLogs {
    /// The logs of a state directory, which is made where there is none.
    ///
    /// # Errors
    /// The directory can neither be made nor used, or others may write to it.
    pub fn open(state_dir: &Path, randomness: Randomness) -> Result<Self, JournalError> {
        let (path, commands) = (state_dir.join("audit-key.pem"), state_dir.join("commands"));
        Ok(Self { runs: Runs::open(state_dir)?, commands, key: Key::File { path, randomness } })
    }

    /// Log and heads.
    fn paths(&self, run: &RunId) -> (PathBuf, PathBuf) {
        match run.as_str() {
            COMMANDS => (self.commands.join("audit.jsonl"), self.commands.join("audit-heads.jsonl")),
            _ => (self.runs.run(run).audit(), self.runs.run(run).audit_heads()),
        }
    }
}

impl Key {
    fn existing(path: &Path) -> Result<Option<SigningKey>, JournalError> {
        let Some(bytes) = files::read(path)? else { return Ok(None) };
        files::refuse_readable_by_others(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let refused = |cause| JournalError::Refused { place: error::text(path), cause };
        SigningKey::from_pem(&text).map(Some).map_err(|bad| refused(bad.to_string().into()))
    }

    fn signing(&self) -> Result<SigningKey, JournalError> {
        let (path, randomness) = match self {
            Self::Memory(key) => return Ok(key.clone()),
            Self::File { path, randomness } => (path, randomness),
        };
        if let Some(key) = Self::existing(path)? {
            return Ok(key);
        }
        let none = |cause: String| JournalError::Refused { place: error::text(path), cause: cause.into() };
        let key = SigningKey::new(randomness().map_err(none)?);
        match files::make_new(path, key.to_pem().as_bytes()) {
            // Another process was quicker: there is one key.
            Err(_) if path.exists() => Self::existing(path)?.ok_or_else(|| none("it is gone again".into())),
            made => made.map(|()| key),
        }
    }
}

#[async_trait]
impl AuditLogs for FileAuditLogs {
    fn log(&self, run: &RunId, opening: Opening, writer: Writer) -> Arc<dyn AuditLog> {
        let (log, heads) = self.paths(run);
        let medium = Medium::file(log, heads);
        Arc::new(Log::new(run, self.key.clone(), medium, opening, writer))
    }

    async fn trail(&self, run: &RunId) -> Result<AuditTrail, JournalError> {
        if run.as_str() != COMMANDS {
            self.runs.existing(run)?;
        }
        let (log, heads) = self.paths(run);
        let read = |path: &Path| Ok(files::read(path)?.unwrap_or_default());
        Ok(AuditTrail { log: read(&log)?, heads: read(&heads)? })
    }

    async fn public_key(&self) -> Result<Option<PublicKey>, JournalError> {
        match &self.key {
            Key::File { path, .. } => Ok(Key::existing(path)?.map(|key| key.public())),
            Key::Memory(key) => Ok(Some(key.public())),
        }
    }
}

impl MemoryAuditLogs {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl AuditLogs for MemoryAuditLogs {
    /// Everybody of the process writes to the same log: nobody locks anybody out, so that tests see what
    /// a run that was taken over still tries.
    fn log(&self, run: &RunId, opening: Opening, writer: Writer) -> Arc<dyn AuditLog> {
        let mut logs = held(&self.logs);
        if let Some(log) = logs.get(run) {
            log.hand_over(writer);
            return Arc::clone(log) as Arc<dyn AuditLog>;
        }
        let trail = held(&self.trails).entry(run.clone()).or_default().clone();
        let log = Log::new(run, Key::Memory(memory_key()), Medium::Memory(trail), opening, writer);
        let log = Arc::new(log);
        logs.insert(run.clone(), Arc::clone(&log));
        log
    }

    async fn trail(&self, run: &RunId) -> Result<AuditTrail, JournalError> {
        Ok(held(&self.trails).get(run).map(MemoryTrail::copy).unwrap_or_default())
    }

    async fn public_key(&self) -> Result<Option<PublicKey>, JournalError> {
        Ok(Some(memory_key().public()))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind it is changed in one step: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run's log.
struct Log {
    key: Key,
    inside: Mutex<Inside>,
}

struct Inside {
    medium: Medium,
    scribe: Scribe,
    /// Why nothing more is taken.
    failed: Option<JournalError>,
}

impl Log {
    fn new(run: &RunId, key: Key, medium: Medium, opening: Opening, writer: Writer) -> Self {
        let scribe = Scribe::new(run.as_str(), opening, writer);
        let inside = Inside { medium, scribe, failed: None };
        Self { key, inside: Mutex::new(inside) }
    }

    /// The next record is another writer's. What the writer before it has not written yet comes first:
    /// whoever waits for that may still send its call.
    fn hand_over(&self, writer: Writer) {
        // What fails here has failed for good, and is told to whoever writes next.
        let _ = self.with(Inside::write);
        let mut inside = held(&self.inside);
        inside.scribe.hand_over(writer);
    }

    /// Does something with the log, unless it has failed; what fails now has failed for good.
    fn with<T>(&self, work: impl FnOnce(&mut Inside) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut inside = held(&self.inside);
        if let Some(failed) = &inside.failed {
            return Err(failed.clone());
        }
        let done = work(&mut inside);
        if let Err(error) = &done {
            inside.failed = Some(error.clone());
        }
        done
    }
}

impl Inside {
    /// Adds a record behind the last; the first one takes the log up.
    fn push(&mut self, at: Timestamp, entry: Entry) -> Result<u64, JournalError> {
        if !self.scribe.is_taken_up() {
            self.take_up(at)?;
        }
        Ok(self.scribe.push(at, entry))
    }

    fn take_up(&mut self, at: Timestamp) -> Result<(), JournalError> {
        let there = self.medium.open()?;
        let whole = there.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last = there[..whole].split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let last = last.map(|line| {
            chain::read(line).map_err(|bad| {
                let cause = format!("its last record cannot be gone on from: {bad}").into();
                JournalError::Refused { place: self.medium.place(), cause }
            })
        });
        let last = last.transpose()?;
        let torn = there.len() - whole;
        if torn > 0 {
            self.medium.cut(whole)?;
        }
        self.scribe.take_up(last.as_ref(), torn as u64, at);
        Ok(())
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let pending = self.scribe.take_pending();
        if pending.is_empty() { Ok(()) } else { self.medium.append(&pending) }
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        self.write()?;
        self.medium.flush()?;
        self.scribe.kept(self.scribe.last());
        Ok(())
    }

    fn sign(&mut self, at: Timestamp, key: &Key) -> Result<Option<SignedHead>, JournalError> {
        let Some(chain) = self.scribe.chain().cloned() else { return Ok(None) };
        self.flush()?;
        let head = SignedHead::sign(&chain, at, &key.signing()?);
        self.medium.append_head(&head.to_line())?;
        self.scribe.signed(chain.last());
        Ok(Some(head))
    }
}

#[async_trait]
impl AuditLog for Log {
    async fn before(&self, at: Timestamp, intent: Intent) -> Result<u64, JournalError> {
        let number = self.with(|inside| inside.push(at, Entry::Before(intent)))?;
        // Whoever is ready in this round writes first, and one flush is enough for all.
        round::pass().await;
        self.with(|inside| {
            if !inside.scribe.is_kept(number) {
                inside.flush()?;
            }
            if inside.scribe.is_head_due() {
                inside.sign(at, &self.key)?;
            }
            Ok(number)
        })
    }

    fn after(&self, at: Timestamp, answer: Answer) -> Result<(), JournalError> {
        self.with(|inside| {
            inside.push(at, Entry::After(answer))?;
            inside.write()
        })
    }

    async fn sign(&self, at: Timestamp) -> Result<Option<SignedHead>, JournalError> {
        self.with(|inside| inside.sign(at, &self.key))
    }
}
