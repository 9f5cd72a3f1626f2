//! Both journals and both artefact stores hold the contract of their port.

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_ports::conformance::{artifacts, budgets, journal};
use fleetwright_ports::{
    Artifacts, Claim, Delivery, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use fleetwright_store::{FileArtifacts, MemoryArtifacts, MemoryBudgets, MemoryJournal, SqliteBudgets};
use jiff::Timestamp;

use crate::samples::{self, now};

#[test]
fn the_journal_in_sqlite_holds_the_contract() {
    let state = tempfile::tempdir().expect("a directory");
    now(journal::check(&|| Box::new(samples::journal(state.path())), &journal::at_once));
}

#[test]
fn the_journal_in_memory_holds_the_contract() {
    let memory = MemoryJournal::new();
    now(journal::check(&|| Box::new(memory.clone()), &journal::at_once));
    now(journal::check_hand_over(&|| Box::new(memory.clone()), &journal::at_once));
}

#[test]
fn the_budgets_in_sqlite_hold_the_contract() {
    let state = tempfile::tempdir().expect("a directory");
    let open = || SqliteBudgets::open(state.path()).expect("a directory of the test's own");
    now(budgets::check(&|| Box::new(open())));
}

#[test]
fn the_budgets_in_memory_hold_the_contract() {
    let memory = MemoryBudgets::new();
    now(budgets::check(&|| Box::new(memory.clone())));
}

/// A journal that does not hold a rule.
struct Broken {
    inner: MemoryJournal,
    rule: Rule,
}

#[derive(Clone, Copy)]
enum Rule {
    /// Who lost the run is refused.
    Fence,
    /// No records at all are refused as any.
    Proof,
}

#[async_trait]
impl Journal for Broken {
    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        match (self.rule, self.inner.append(run, epoch, after, records).await) {
            (Rule::Fence, Err(JournalError::Fenced { .. })) => Ok(()),
            (Rule::Proof, Err(JournalError::Fenced { .. })) if records.is_empty() => Ok(()),
            (_, answer) => answer,
        }
    }

    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.inner.create(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        self.inner.claim(run, owner).await
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

fn check_without(rule: Rule) {
    let memory = MemoryJournal::new();
    now(journal::check(&|| Box::new(Broken { inner: memory.clone(), rule }), &journal::at_once));
}

#[test]
#[should_panic(expected = "the new owner need not have written for the old one to be late")]
fn a_journal_that_does_not_fence_fails_the_suite() {
    check_without(Rule::Fence);
}

#[test]
#[should_panic(expected = "the new owner need not have written for the old one to be told")]
fn a_journal_whose_empty_append_proves_nothing_fails_the_suite() {
    check_without(Rule::Proof);
}

fn two_runs() -> [RunId; 2] {
    ["first", "second"].map(|name| name.parse().expect("a valid name"))
}

#[test]
fn artefacts_in_files_hold_the_contract() {
    let state = tempfile::tempdir().expect("a directory");
    let [first, second] = two_runs();
    for run in [&first, &second] {
        now(samples::journal(state.path()).create(run, samples::PLAN, samples::start())).expect("room");
    }
    let open = || Box::new(FileArtifacts::open(state.path()).expect("a directory")) as Box<dyn Artifacts>;
    now(artifacts::check(&open, &first, &second));
}

#[test]
fn artefacts_in_memory_hold_the_contract() {
    let memory = MemoryArtifacts::new();
    let [first, second] = two_runs();
    now(artifacts::check(&|| Box::new(memory.clone()), &first, &second));
}
