//! Budgets that the runs of a hub share: one item with all claims, changed only as it was read.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_model::Text;
use fleetwright_ports::budgets::{Claims, Holding, Others, Taken, Verdict, Wanted};
use fleetwright_ports::{Budgets, JournalError, RunId};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::{Value, json};

use super::item;
use super::table::{Refused, Table};
use super::write::{LEVEL, MOST_BYTES, TRIES};

/// The item of all claims.
const KEY: &str = "budgets";

/// Budgets in the table of the journal.
pub struct TableBudgets {
    table: Arc<Table>,
}

/// What the item says.
struct Kept {
    /// How often it was changed; 0 where there is none yet.
    version: u64,
    packed: Vec<u8>,
    claims: Claims,
}

fn key() -> Value {
    json!({ "run": item::text(KEY), "item": item::text(KEY) })
}

impl TableBudgets {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self { table }
    }

    async fn read(&self) -> Result<Kept, JournalError> {
        let item = self.table.get(key()).await?;
        if item.is_null() {
            return Ok(Kept { version: 0, packed: Vec::new(), claims: Claims::default() });
        }
        let read = || {
            let (version, packed) = (item::get_number(&item, "version")?, item::get_bytes(&item, "bytes")?);
            let claims = serde_json::from_slice(&decompress_to_vec(&packed).ok()?).ok()?;
            Some(Kept { version, packed, claims })
        };
        read().ok_or_else(|| self.table.damaged("what is out of service cannot be read"))
    }

    /// Changes the claims as a whole, after everybody else's changes and before the next.
    async fn change<T>(&self, work: impl Fn(&mut Claims) -> T) -> Result<T, JournalError> {
        for _ in 0..TRIES {
            let Kept { version, mut claims, .. } = self.read().await?;
            let before = claims.clone();
            let answer = work(&mut claims);
            if claims == before {
                return Ok(answer);
            }
            let written =
                serde_json::to_vec(&claims).map_err(|error| self.table.damaged(error.to_string()))?;
            let packed = compress_to_vec(&written, LEVEL);
            if packed.len() > MOST_BYTES {
                let cause = "more members are out of service than an item has room for".into();
                return Err(JournalError::Full { place: self.table.place(), cause });
            }
            match self.write(version, &packed).await {
                Ok(()) => return Ok(answer),
                Err(Refused::Condition) => {
                    let now = self.read().await?;
                    // This change was made, and the answer was lost; or somebody made the very same.
                    if (now.version, &now.packed) == (version + 1, &packed) {
                        return Ok(answer);
                    }
                }
                Err(Refused::Error(error)) => return Err(error),
            }
        }
        Err(Refused::Condition.into())
    }

    async fn write(&self, version: u64, packed: &[u8]) -> Result<(), Refused> {
        let mut values = json!({ ":version": item::number(version + 1), ":bytes": item::bytes(packed) });
        let condition = match version {
            0 => "attribute_not_exists(#version)",
            _ => {
                values[":before"] = item::number(version);
                "#version = :before"
            }
        };
        self.table.update(key(), "SET #version = :version, #bytes = :bytes", condition, values).await
    }
}

#[async_trait]
impl Budgets for TableBudgets {
    async fn claim(&self, run: &RunId, wanted: &[Wanted]) -> Result<Vec<Verdict>, JournalError> {
        self.change(|claims| claims.claim(run, wanted)).await
    }

    async fn release(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.change(|claims| claims.release(run, members)).await
    }

    async fn keep(&self, run: &RunId, members: &[Text]) -> Result<(), JournalError> {
        self.change(|claims| claims.keep(run, members)).await
    }

    async fn restore(&self, run: &RunId, holdings: &[Holding]) -> Result<(), JournalError> {
        self.change(|claims| claims.restore(run, holdings)).await
    }

    async fn others(&self, run: &RunId, keys: &[Text]) -> Result<Vec<Others>, JournalError> {
        Ok(self.read().await?.claims.others(run, keys))
    }

    async fn taken(&self) -> Result<Vec<Taken>, JournalError> {
        Ok(self.read().await?.claims.taken())
    }

    async fn clear(&self, run: &RunId, members: &[Text]) -> Result<usize, JournalError> {
        self.change(|claims| claims.clear(run, members)).await
    }
}
