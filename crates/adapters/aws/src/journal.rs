//! The journal in a DynamoDB table, for runs that no one machine drives.
//!
//! Of a run, the table holds (key `run`, then `item`):
//!
//! - `head`: epoch, last record, who holds the run until when. Every change of it is conditional on what was read.
//! - `plan#N`: the plan document, compressed, in pieces.
//! - `records#FIRST#EPOCH`: what was appended, in the form every journal keeps ([`fleetwright_journal`]). Pieces are
//!   put first, and count once the head says so. What a late owner put and could not make count is never read: of
//!   pieces that begin at the same record, the one of the newest epoch counts, and whoever came later began further on.
//! - `mail`: the mailbox, one list that grows conditionally, so that looking for a mark and adding a letter are one.
//!
//! - `execution`: the execution of the state machine that the run is of.
//! - `token`: with which an execution of the state machine waits for a decision.
//! - `audit#RECORD` and `audit-head#RECORD`: the audit log, and the heads that were signed of it.
//!
//! And under the key `runs` one item for each run, by its time; under `budgets`, who is out of service on whose account;
//! under `audit`, the key that heads are checked with.
//!
//! A claim is a lease: nobody knows whether a function that was broken off lives, but it cannot outlive its time-out.
//! Appends prolong the lease. An owner that leaves in good order gives it back.
//!
//! Sources: Amazon DynamoDB Developer Guide, "Condition expressions", "Read consistency", "Service quotas" (400 KB an
//! item), "Time to Live".

mod audit;
mod budgets;
mod item;
mod read;
mod table;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_audit::SigningKey;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_model::{Region, Text, Zone};
use fleetwright_ports::{
    Claim, Clock, Delivery, HandOver, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use jiff::Timestamp;
use serde_json::json;

use crate::Aws;

pub use audit::TableAuditLogs;
pub use budgets::TableBudgets;
use table::{Refused, Table};

/// Where the table is, and how long what is in it counts.
#[derive(Clone, Debug)]
pub struct JournalTable {
    /// The account, and how it is entered.
    pub zone: Zone,
    /// The region.
    pub region: Region,
    /// The table's name.
    pub table: Text,
    /// How long a claim holds without an append: longer than a function may take.
    pub lease: Duration,
    /// How long a run is kept after it was last written to.
    pub keep: Duration,
}

/// The journal in a DynamoDB table.
pub struct DynamoJournal {
    table: Arc<Table>,
    /// The newest claims of this process.
    claims: Mutex<BTreeMap<RunId, Held>>,
}

/// A claim of this process.
#[derive(Clone, Copy, Debug)]
struct Held {
    epoch: Epoch,
    /// The number of the claim, as the head has it.
    claims: u64,
}

/// A claim that was granted.
struct Lease {
    epoch: Epoch,
    left: Option<HandOver>,
}

impl Claim for Lease {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn hand_over(&self) -> Option<&HandOver> {
        self.left.as_ref()
    }
}

impl DynamoJournal {
    /// The journal in that table.
    pub fn new(aws: Aws, clock: Arc<dyn Clock>, at: JournalTable) -> Self {
        Self { table: Arc::new(Table::new(aws, clock, at)), claims: Mutex::default() }
    }

    /// Reserves the run for an execution of a state machine, before there is one; answers with whose it is. Where
    /// somebody says that the execution takes over, it is its own from then on.
    ///
    /// # Errors
    /// The table refuses.
    pub async fn reserve(
        &self,
        run: &RunId,
        execution: &str,
        takes_over: bool,
    ) -> Result<String, JournalError> {
        let (key, now) = (item::key(run, item::EXECUTION), self.table.now());
        let fields = json!({ "execution": item::text(execution), "expires": self.table.expires(now) });
        if takes_over {
            self.table.put(key, fields).await?;
            return Ok(execution.to_owned());
        }
        match self.table.put_new(key.clone(), fields).await {
            Ok(()) => Ok(execution.to_owned()),
            Err(Refused::Condition) => {
                let there = self.table.get(key).await?;
                let holder = item::get_text(&there, "execution").map(str::to_owned);
                holder.ok_or_else(|| self.table.damaged(format!("whose run {run} is cannot be read")))
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    /// The execution that the run is of, by its ARN; none where nobody reserved it.
    ///
    /// # Errors
    /// The table refuses.
    pub async fn execution(&self, run: &RunId) -> Result<Option<String>, JournalError> {
        let there = self.table.get(item::key(run, item::EXECUTION)).await?;
        Ok(item::get_text(&there, "execution").map(str::to_owned))
    }

    /// Keeps the token with which an execution waits for a decision about the run; the newest counts.
    ///
    /// # Errors
    /// The table refuses.
    pub async fn keep_token(&self, run: &RunId, token: &str) -> Result<(), JournalError> {
        let fields = json!({
            "token": item::text(token),
            "expires": self.table.expires(self.table.now()),
        });
        self.table.put(item::key(run, item::TOKEN), fields).await
    }

    /// The token that was kept last, where an execution has waited at all.
    ///
    /// # Errors
    /// The table refuses.
    pub async fn token(&self, run: &RunId) -> Result<Option<String>, JournalError> {
        let item = self.table.get(item::key(run, item::TOKEN)).await?;
        Ok(item::get_text(&item, "token").map(str::to_owned))
    }

    /// Letters that nobody has read who drove the run: those behind what its last owner left.
    ///
    /// # Errors
    /// As [`Journal::mail`].
    pub async fn unread(&self, run: &RunId) -> Result<usize, JournalError> {
        let read = self.head(run).await?.left.map_or(0, |left| left.mail);
        Ok(self.read_mail(run, read).await?.len())
    }

    /// Budgets in the same table.
    pub fn budgets(&self) -> TableBudgets {
        TableBudgets::new(Arc::clone(&self.table))
    }

    /// Audit logs in the same table; without a key, none can be signed.
    pub fn audit_logs(&self, key: Option<SigningKey>) -> TableAuditLogs {
        TableAuditLogs::new(Arc::clone(&self.table), key)
    }
}

#[async_trait]
impl Journal for DynamoJournal {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.make(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        let lease = self.take(run, owner).await?;
        Ok(Box::new(lease))
    }

    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        self.write(run, epoch, after, records).await
    }

    async fn put_down(
        &self,
        run: &RunId,
        epoch: Epoch,
        last: Sequence,
        left: &HandOver,
    ) -> Result<(), JournalError> {
        self.give_back(run, epoch, last, left).await
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.read(run).await
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.read_since(run, after).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.read_runs().await
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.put_letter(run, &letter).await
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.read_mail(run, after).await
    }
}
