//! What reads the table. Every reading is consistent: what was durable when it began is in it.

use std::collections::BTreeMap;

use fleetwright_flow::{Record, Sequence};
use fleetwright_journal::{Mail, decode};
use fleetwright_ports::{Damage, JournalError, LoadedRun, RunEntry, RunId};
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::Value;

use super::DynamoJournal;
use super::item::{self, HEAD, Head, MAIL, RUNS, get_bytes, get_text, key, records_key};
use super::write::MOST_RECORDS;

impl DynamoJournal {
    async fn get(&self, run: &RunId, item: &str) -> Result<Value, JournalError> {
        self.table.get(key(run, item)).await
    }

    /// How a run stands.
    pub(super) async fn head(&self, run: &RunId) -> Result<Head, JournalError> {
        let item = self.get(run, HEAD).await?;
        if item.is_null() {
            return Err(JournalError::NoSuchRun { run: run.as_str().into(), place: self.table.place() });
        }
        Head::of(&item).ok_or_else(|| self.table.damaged(format!("what it says of {run} cannot be read")))
    }

    pub(super) async fn read(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        let head = self.head(run).await?;
        let plan = self.plan(run, &head).await?;
        let (records, damage) = self.records(run, &head, 0).await?;
        Ok(LoadedRun { plan, records, damage })
    }

    pub(super) async fn read_since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        let head = self.head(run).await?;
        if head.last <= after.0 {
            return Ok(Vec::new());
        }
        let (records, _) = self.records(run, &head, after.0).await?;
        Ok(records)
    }

    async fn plan(&self, run: &RunId, head: &Head) -> Result<Vec<u8>, JournalError> {
        let prefix = format!("plan#{}#", head.plan);
        let pieces = self.table.query(&format!("run#{run}"), &prefix, &format!("{prefix}~")).await?;
        let whole = || self.table.damaged(format!("the plan of {run} is not the one that was stored"));
        if pieces.len() != head.pieces as usize {
            return Err(whole());
        }
        let mut packed = Vec::new();
        for piece in &pieces {
            packed.extend(get_bytes(piece, "bytes").ok_or_else(whole)?);
        }
        let plan = decompress_to_vec(&packed).map_err(|_| whole())?;
        let found = super::write::digest(&plan);
        if found == head.plan { Ok(plan) } else { Err(whole()) }
    }

    /// Records after that one, as far as they are whole.
    async fn records(
        &self,
        run: &RunId,
        head: &Head,
        after: u64,
    ) -> Result<(Vec<Record>, Option<Damage>), JournalError> {
        if head.last <= after {
            return Ok((Vec::new(), None));
        }
        // The piece that the next record is in began at most so many records before it.
        let from = records_key((after + 1).saturating_sub(MOST_RECORDS as u64 - 1), 0);
        let to = records_key(head.last, u32::MAX);
        let pieces = self.table.query(&format!("run#{run}"), &from, &to).await?;
        let mut by_first: BTreeMap<u64, Value> = BTreeMap::new();
        for piece in pieces {
            // In order of the key: of those that begin alike, the newest epoch comes last.
            if let Some(first) = item::get_number(&piece, "first") {
                by_first.insert(first, piece);
            }
        }
        // Where the first one wanted is in the middle of a piece, reading begins with that piece.
        let begin = by_first.range(..=after + 1).next_back().map_or(after + 1, |(first, _)| *first);
        let (mut records, mut next) = (Vec::new(), begin);
        let damage = loop {
            if next > head.last {
                break None;
            }
            let body = by_first.get(&next).and_then(|piece| get_bytes(piece, "bytes"));
            let Some(body) = body.and_then(|body| decompress_to_vec(&body).ok()) else {
                break Some(format!("record {next} is not there"));
            };
            match decode(&body, next, &mut records) {
                Ok(count) if count > 0 => next += count,
                Ok(_) => break Some(format!("nothing is where record {next} was")),
                Err(malformed) => break Some(format!("after record {next}: {malformed}")),
            }
        };
        records.retain(|record| record.seq.0 > after && record.seq.0 <= head.last);
        let last_good = records.last().map_or(Sequence(after), |record| record.seq);
        Ok((records, damage.map(|what| Damage { last_good, what: what.into() })))
    }

    pub(super) async fn read_runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        let mut entries = Vec::new();
        let now = self.table.now();
        for item in self.table.query(RUNS, "0", "~").await? {
            let Some(run) = get_text(&item, "name").and_then(|name| name.parse::<RunId>().ok()) else {
                continue;
            };
            match self.head(&run).await {
                Ok(head) => entries.push(RunEntry {
                    last: head.last_record(),
                    driven_by: head.held_by(now).cloned(),
                    created_at: head.created_at,
                    run,
                }),
                // Listed, and never made: whoever made it was broken off.
                Err(JournalError::NoSuchRun { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_by(|a, b| (b.created_at, &b.run).cmp(&(a.created_at, &a.run)));
        Ok(entries)
    }

    /// The mailbox.
    pub(super) async fn letters(&self, run: &RunId) -> Result<Vec<Mail>, JournalError> {
        let item = self.get(run, MAIL).await?;
        item::letters(&item).ok_or_else(|| self.table.damaged(format!("a letter to {run} cannot be read")))
    }

    pub(super) async fn read_mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.head(run).await?;
        let mut letters = self.letters(run).await?;
        letters.retain(|letter| letter.number > after);
        Ok(letters)
    }
}
