//! Audit logs in the table: what was written together is one item, put where none is, so that a log has one writer.
//!
//! A record before a call is in the table before the call is sent; calls that become ready in the same round share an
//! item. What was answered waits for the next one: a function that is broken off leaves those calls in doubt, and
//! CloudTrail settles them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_audit::{
    Answer, Entry, Intent, Opening, PublicKey, Scribe, SignedHead, SigningKey, Writer, chain,
};
use fleetwright_ports::audit::COMMANDS;
use fleetwright_ports::{AuditLog, AuditLogs, AuditTrail, JournalError, RunId};
use jiff::Timestamp;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::{Value, json};

use crate::lock::lock;

use super::item::{self, HEAD, get_bytes, key};
use super::table::{Refused, Table};
use super::write::{LEVEL, MOST_BYTES};

/// Items of a log, by their first record, and of its heads, by the record they stand for.
const LOG: &str = "audit#";
const HEADS: &str = "audit-head#";

/// Audit logs in the table of the journal.
pub struct TableAuditLogs {
    table: Arc<Table>,
    key: Option<SigningKey>,
}

impl TableAuditLogs {
    pub(super) fn new(table: Arc<Table>, key: Option<SigningKey>) -> Self {
        Self { table, key }
    }
}

fn numbered(kind: &str, record: u64) -> String {
    format!("{kind}{record:016x}")
}

/// The item of the key that heads are checked with.
fn public_key() -> Value {
    json!({ "run": item::text("audit"), "item": item::text("public-key") })
}

/// What the items of a kind hold, one behind the other.
async fn read(table: &Table, run: &RunId, kind: &str) -> Result<Vec<u8>, JournalError> {
    let mut whole = Vec::new();
    for item in table.query(&format!("run#{run}"), kind, &format!("{kind}~")).await? {
        whole.extend(bytes(table, &item)?);
    }
    Ok(whole)
}

fn bytes(table: &Table, item: &Value) -> Result<Vec<u8>, JournalError> {
    let packed = get_bytes(item, "bytes").and_then(|packed| decompress_to_vec(&packed).ok());
    packed.ok_or_else(|| table.damaged("a piece of an audit log cannot be read"))
}

#[async_trait]
impl AuditLogs for TableAuditLogs {
    fn log(&self, run: &RunId, opening: Opening, writer: Writer) -> Arc<dyn AuditLog> {
        Arc::new(TableLog {
            table: Arc::clone(&self.table),
            run: run.clone(),
            key: self.key.clone(),
            inside: Mutex::new(Inside { scribe: Scribe::new(run.as_str(), opening, writer), failed: None }),
            writing: tokio::sync::Mutex::default(),
        })
    }

    async fn trail(&self, run: &RunId) -> Result<AuditTrail, JournalError> {
        if run.as_str() != COMMANDS && self.table.get(key(run, HEAD)).await?.is_null() {
            return Err(JournalError::NoSuchRun { run: run.as_str().into(), place: self.table.place() });
        }
        let (log, heads) = (read(&self.table, run, LOG).await?, read(&self.table, run, HEADS).await?);
        Ok(AuditTrail { log, heads })
    }

    /// Whoever cannot sign knows the key from those who did.
    async fn public_key(&self) -> Result<Option<PublicKey>, JournalError> {
        if let Some(key) = &self.key {
            return Ok(Some(key.public()));
        }
        let item = self.table.get(public_key()).await?;
        let pem = item::get_text(&item, "pem").map(PublicKey::from_pem).transpose();
        pem.map_err(|bad| self.table.damaged(format!("the public key of audit logs: {bad}")))
    }
}

/// One run's log.
struct TableLog {
    table: Arc<Table>,
    run: RunId,
    key: Option<SigningKey>,
    inside: Mutex<Inside>,
    /// Held by whoever reads or writes the table.
    writing: tokio::sync::Mutex<()>,
}

struct Inside {
    scribe: Scribe,
    /// Why nothing more is taken.
    failed: Option<JournalError>,
}

impl TableLog {
    fn usable(&self) -> Result<(), JournalError> {
        lock(&self.inside).failed.clone().map_or(Ok(()), Err)
    }

    /// What fails now has failed for good.
    fn failing<T>(&self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(error) = &done {
            lock(&self.inside).failed.get_or_insert_with(|| error.clone());
        }
        done
    }

    /// Finds out where the log ends, where that is not known.
    async fn take_up(&self, at: Timestamp) -> Result<(), JournalError> {
        let _writing = self.writing.lock().await;
        if lock(&self.inside).scribe.is_taken_up() {
            return Ok(());
        }
        let last = self.table.last(&format!("run#{}", self.run), LOG, &format!("{LOG}~")).await?;
        let piece = last.map(|item| bytes(&self.table, &item)).transpose()?.unwrap_or_default();
        let line = piece.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let record = line.map(chain::read).transpose().map_err(|bad| {
            let cause = format!("the last record of its audit log cannot be gone on from: {bad}").into();
            JournalError::Refused { place: self.table.place(), cause }
        })?;
        lock(&self.inside).scribe.take_up(record.as_ref(), 0, at);
        Ok(())
    }

    /// Puts what is pending, unless that record is kept already.
    async fn flush(&self, record: u64) -> Result<(), JournalError> {
        let _writing = self.writing.lock().await;
        self.usable()?;
        let (pending, last) = {
            let mut inside = lock(&self.inside);
            if inside.scribe.is_kept(record) {
                return Ok(());
            }
            (inside.scribe.take_pending(), inside.scribe.last())
        };
        let lines: Vec<&[u8]> = pending.split_inclusive(|byte| *byte == b'\n').collect();
        let mut next = last + 1 - lines.len() as u64;
        for piece in pieces(&lines) {
            self.put(&numbered(LOG, next), &piece.concat()).await?;
            next += piece.len() as u64;
        }
        lock(&self.inside).scribe.kept(last);
        Ok(())
    }

    /// Puts a piece where none is. One that is there already with the same bytes is this one: its answer was lost.
    async fn put(&self, item: &str, piece: &[u8]) -> Result<(), JournalError> {
        let packed = compress_to_vec(piece, LEVEL);
        let expires = self.table.expires(self.table.now());
        let fields = json!({ "bytes": item::bytes(&packed), "expires": expires });
        match self.table.put_new(key(&self.run, item), fields).await {
            Ok(()) => Ok(()),
            Err(Refused::Condition) => {
                let there = self.table.get(key(&self.run, item)).await?;
                match get_bytes(&there, "bytes").as_ref() == Some(&packed) {
                    true => Ok(()),
                    false => Err(JournalError::Owned {
                        owner: "another process writes to this audit log; it".into(),
                    }),
                }
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    async fn sign_now(&self, at: Timestamp) -> Result<Option<SignedHead>, JournalError> {
        self.usable()?;
        let Some(chain) = lock(&self.inside).scribe.chain().cloned() else { return Ok(None) };
        self.flush(chain.last()).await?;
        let Some(key) = &self.key else {
            let cause = "there is no key to sign audit logs with".into();
            return Err(JournalError::Refused { place: self.table.place(), cause });
        };
        let head = SignedHead::sign(&chain, at, key);
        let pem = json!({ "pem": item::text(key.public().to_pem()) });
        self.table.put(public_key(), pem).await?;
        self.put(&numbered(HEADS, chain.last()), &head.to_line()).await?;
        lock(&self.inside).scribe.signed(chain.last());
        Ok(Some(head))
    }
}

/// Lines in pieces that fit into an item each.
fn pieces<'l>(lines: &'l [&'l [u8]]) -> Vec<&'l [&'l [u8]]> {
    let (mut pieces, mut begin, mut size) = (Vec::new(), 0, 0);
    for (index, line) in lines.iter().enumerate() {
        if index > begin && size + line.len() > MOST_BYTES {
            pieces.push(&lines[begin..index]);
            (begin, size) = (index, 0);
        }
        size += line.len();
    }
    if begin < lines.len() {
        pieces.push(&lines[begin..]);
    }
    pieces
}

#[async_trait]
impl AuditLog for TableLog {
    async fn before(&self, at: Timestamp, intent: Intent) -> Result<u64, JournalError> {
        self.usable()?;
        self.failing(self.take_up(at).await)?;
        let number = lock(&self.inside).scribe.push(at, Entry::Before(intent));
        // Whoever is ready in this round writes first, and one item is enough for all.
        tokio::task::yield_now().await;
        self.failing(self.flush(number).await)?;
        if lock(&self.inside).scribe.is_head_due() && self.key.is_some() {
            self.failing(self.sign_now(at).await)?;
        }
        Ok(number)
    }

    fn after(&self, at: Timestamp, answer: Answer) -> Result<(), JournalError> {
        self.usable()?;
        lock(&self.inside).scribe.push(at, Entry::After(answer));
        Ok(())
    }

    async fn sign(&self, at: Timestamp) -> Result<Option<SignedHead>, JournalError> {
        self.sign_now(at).await
    }
}
