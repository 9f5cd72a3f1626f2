//! Journals that fail in the ways processes do.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence, Signal};
use fleetwright_ports::{Claim, Journal, JournalError, LoadedRun, Mail, RunEntry, RunId};
use jiff::Timestamp;

/// A journal whose claims keep nobody out, as on storage that lost its locks: the epoch alone tells
/// owners apart.
pub struct Unlocked(Arc<dyn Journal>);

impl Unlocked {
    /// That journal without its locks.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self(journal)
    }
}

struct EpochAlone(Epoch);

impl Claim for EpochAlone {
    fn epoch(&self) -> Epoch {
        self.0
    }
}

#[async_trait]
impl Journal for Unlocked {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.0.create(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        let claim = self.0.claim(run, owner).await?;
        Ok(Box::new(EpochAlone(claim.epoch())))
    }

    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        self.0.append(run, epoch, after, records).await
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.0.load(run).await
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.0.since(run, after).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.0.runs().await
    }

    async fn post(
        &self,
        run: &RunId,
        at: Timestamp,
        signal: Signal,
        by: &str,
        reason: Option<&str>,
    ) -> Result<u64, JournalError> {
        self.0.post(run, at, signal, by, reason).await
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.0.mail(run, after).await
    }
}
