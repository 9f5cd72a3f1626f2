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
//! And under the key `runs` one item for each run, by its time.
//!
//! A claim is a lease: nobody knows whether a function that was broken off lives, but it cannot outlive its time-out.
//! Appends prolong the lease. An owner that leaves in good order gives it back.
//!
//! Sources: Amazon DynamoDB Developer Guide, "Condition expressions", "Read consistency", "Service quotas" (400 KB an
//! item), "Time to Live".

mod item;
mod read;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_model::{ErrorClass, Failure, Region, Text, Zone};
use fleetwright_ports::{
    Claim, Clock, Delivery, HandOver, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::signed::{Request, Signer};

/// What DynamoDB says where a condition does not hold.
const CONDITION: &str = "ConditionalCheckFailedException";

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
    aws: Aws,
    clock: Arc<dyn Clock>,
    at: JournalTable,
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

/// Why DynamoDB did not do what was asked.
enum Refused {
    /// The condition does not hold.
    Condition,
    /// Anything else.
    Error(JournalError),
}

impl From<Refused> for JournalError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Error(error) => error,
            Refused::Condition => Self::Storage {
                place: "DynamoDB".into(),
                cause: "somebody else writes to the same item all the time".into(),
            },
        }
    }
}

impl DynamoJournal {
    /// The journal in that table.
    pub fn new(aws: Aws, clock: Arc<dyn Clock>, at: JournalTable) -> Self {
        Self { aws, clock, at, claims: Mutex::default() }
    }

    /// Where it is, for messages.
    fn place(&self) -> Text {
        format!("table {} ({}, {})", self.at.table, self.at.zone.account, self.at.region).into()
    }

    async fn call(&self, operation: &'static Operation, mut body: Value) -> Result<Value, Refused> {
        body["TableName"] = Value::from(&*self.at.table);
        let target = format!("DynamoDB_20120810.{}", operation.name);
        let request = Request::json("dynamodb", "1.0", target, &body);
        let connection: Connection<'_, Signer> = self.aws.at(&self.at.zone, &self.at.region);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let answered = match operation.mutates() {
            true => connection.change(operation, std::slice::from_ref(&self.at.table), send).await,
            false => connection.call(operation, send).await,
        };
        answered.map(|answered| answered.json()).map_err(|failure| self.refused(failure))
    }

    fn refused(&self, failure: Failure) -> Refused {
        if failure.service_code.as_deref() == Some(CONDITION) {
            return Refused::Condition;
        }
        let (place, cause) = (self.place(), failure.to_string().into());
        Refused::Error(match failure.class {
            ErrorClass::Denied | ErrorClass::NotFound => JournalError::Refused { place, cause },
            _ => JournalError::Storage { place, cause },
        })
    }

    fn damaged(&self, what: impl Into<String>) -> JournalError {
        JournalError::Storage { place: self.place(), cause: what.into().into() }
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
