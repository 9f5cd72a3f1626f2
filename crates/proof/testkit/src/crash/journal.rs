//! The journal as a process sees it.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Plan, Record, Sequence};
use fleetwright_ports::{Claim, Delivery, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId};
use jiff::Timestamp;

use super::process::{Process, When};

/// The journal of a process that can be cut off before and after its appends.
pub struct ProcessJournal {
    inner: Arc<dyn Journal>,
    process: Arc<Process>,
    /// Whether claims keep others out; on storage that lost its locks the epoch alone does.
    locks: bool,
}

impl ProcessJournal {
    pub(super) fn new(inner: Arc<dyn Journal>, process: Arc<Process>, locks: bool) -> Self {
        Self { inner, process, locks }
    }

    /// A journal whose claims keep nobody out, as on storage that lost its locks: the epoch alone
    /// tells owners apart.
    pub fn without_locks(inner: Arc<dyn Journal>, plan: Arc<Plan>) -> Self {
        Self::new(inner, Process::new(plan, When::Never), false)
    }
}

struct EpochAlone(Epoch);

impl Claim for EpochAlone {
    fn epoch(&self) -> Epoch {
        self.0
    }
}

#[async_trait]
impl Journal for ProcessJournal {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.inner.create(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        let claim = self.inner.claim(run, owner).await?;
        if self.locks {
            return Ok(claim);
        }
        Ok(Box::new(EpochAlone(claim.epoch())))
    }

    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        if !self.process.is_cut_off() && self.process.cuts_before(records) {
            self.process.sleep().await;
        }
        self.inner.append(run, epoch, after, records).await?;
        if !self.process.is_cut_off() && self.process.cuts_after(records) {
            self.process.sleep().await;
        }
        Ok(())
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.inner.load(run).await
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.inner.since(run, after).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.inner.runs().await
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.inner.deliver(run, letter).await
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.inner.mail(run, after).await
    }
}
