//! The journal and artefacts in memory, for tests and virtual time: the same contract, and faults
//! on order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_model::Text;
use fleetwright_ports::journal::{Standing, check_key, is_spent};
use fleetwright_ports::{
    Artifacts, Claim, Delivery, HandOver, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use jiff::Timestamp;

/// What messages name as the place.
const PLACE: &str = "memory";

/// A journal in memory. Clones share what is in it, as processes of one machine share a state
/// directory; whatever a "process" that is dropped held is given free with its claims.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    shared: Arc<Mutex<Shared>>,
}

/// On which side of the commit an append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// Nothing was written.
    BeforeCommit,
    /// The records are there, but whoever wrote them does not learn it.
    AfterCommit,
}

/// An append that fails, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendFault {
    /// Which one, from 1, counted over all runs and clones from the journal's beginning
    /// ([`MemoryJournal::appends`]); appends that are refused by the contract do not count.
    pub nth: u64,
    /// On which side of the commit.
    pub point: FaultPoint,
    /// What the caller is told.
    pub error: JournalError,
}

#[derive(Default)]
struct Shared {
    runs: BTreeMap<RunId, Run>,
    appends: u64,
    faults: Vec<AppendFault>,
}

struct Run {
    plan: Vec<u8>,
    created_at: Timestamp,
    records: Vec<Record>,
    mail: Vec<Mail>,
    epoch: u32,
    owner: Weak<Text>,
    /// Where its last owner left it in good order.
    left: Option<HandOver>,
}

struct HeldRun {
    epoch: Epoch,
    left: Option<HandOver>,
    _owner: Arc<Text>,
}

impl Claim for HeldRun {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn hand_over(&self) -> Option<&HandOver> {
        self.left.as_ref()
    }
}

impl MemoryJournal {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same journal, in which the given append will fail.
    #[must_use]
    pub fn with_fault(self, fault: AppendFault) -> Self {
        self.inject(fault);
        self
    }

    /// Orders a fault, beside those that are ordered already.
    pub fn inject(&self, fault: AppendFault) {
        self.shared().faults.push(fault);
    }

    /// Appends so far that were not refused by the contract, failed ones included.
    pub fn appends(&self) -> u64 {
        self.shared().appends
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A test that panics holding it has failed already.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, run: &RunId, work: impl FnOnce(&mut Run) -> T) -> Result<T, JournalError> {
        self.shared().run(run).map(work)
    }
}

impl Shared {
    fn run(&mut self, run: &RunId) -> Result<&mut Run, JournalError> {
        self.runs
            .get_mut(run)
            .ok_or_else(|| JournalError::NoSuchRun { run: run.as_str().into(), place: PLACE.into() })
    }
}

impl Run {
    fn standing(&self) -> Standing {
        Standing { epoch: self.epoch, last: self.records.len() as u64 }
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        let mut shared = self.shared();
        if shared.runs.contains_key(run) {
            return Err(JournalError::RunExists { run: run.as_str().into() });
        }
        let (plan, owner) = (plan.to_vec(), Weak::new());
        let (records, mail, left) = (Vec::new(), Vec::new(), None);
        let made = Run { plan, created_at: at, records, mail, epoch: 0, owner, left };
        shared.runs.insert(run.clone(), made);
        Ok(())
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        self.with(run, |run| {
            if let Some(living) = run.owner.upgrade() {
                return Err(JournalError::Owned { owner: (*living).clone() });
            }
            let name = Arc::new(Text::from(owner));
            let left = run.left.take();
            run.epoch += u32::from(left.is_none());
            run.owner = Arc::downgrade(&name);
            Ok(Box::new(HeldRun { epoch: Epoch(run.epoch), left, _owner: name }) as Box<dyn Claim>)
        })?
    }

    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let mut shared = self.shared();
        shared.run(run)?.standing().admit(epoch, after, records, PLACE)?;
        shared.appends += 1;
        let nth = shared.appends;
        let place = shared.faults.iter().position(|fault| fault.nth == nth);
        let fault = place.map(|place| shared.faults.swap_remove(place));
        if fault.as_ref().is_none_or(|fault| fault.point == FaultPoint::AfterCommit) {
            shared.run(run)?.records.extend_from_slice(records);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error))
    }

    async fn put_down(
        &self,
        run: &RunId,
        epoch: Epoch,
        last: Sequence,
        left: &HandOver,
    ) -> Result<(), JournalError> {
        let mut shared = self.shared();
        let run = shared.run(run)?;
        run.standing().admit(epoch, last, &[], PLACE)?;
        run.left = Some(left.clone());
        Ok(())
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.with(run, |run| LoadedRun { plan: run.plan.clone(), records: run.records.clone(), damage: None })
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.with(run, |run| {
            let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(run.records.len());
            run.records[from..].to_vec()
        })
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        let entry = |(name, run): (&RunId, &Run)| RunEntry {
            run: name.clone(),
            created_at: run.created_at,
            last: run.records.last().cloned(),
            driven_by: run.owner.upgrade().map(|owner| (*owner).clone()),
        };
        let mut entries: Vec<RunEntry> = self.shared().runs.iter().map(entry).collect();
        entries.sort_by(|a, b| (b.created_at, &b.run).cmp(&(a.created_at, &a.run)));
        Ok(entries)
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.with(run, |run| {
            if is_spent(&run.mail, &letter) {
                return Delivery::Spent;
            }
            let number = run.mail.len() as u64 + 1;
            run.mail.push(Mail::of(number, letter));
            Delivery::Taken(number)
        })
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.with(run, |run| run.mail.iter().filter(|mail| mail.number > after).cloned().collect())
    }
}

/// Content by run and key.
type Files = BTreeMap<(RunId, String), Vec<u8>>;

/// Artefacts in memory. Clones share what is in it. Unlike files they need no run beside them.
#[derive(Clone, Debug, Default)]
pub struct MemoryArtifacts {
    files: Arc<Mutex<Files>>,
}

impl MemoryArtifacts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        // A test that panics holding it has failed already.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Artifacts for MemoryArtifacts {
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError> {
        check_key(key, PLACE)?;
        self.files().insert((run.clone(), key.to_owned()), bytes.to_vec());
        Ok(())
    }

    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        check_key(key, PLACE)?;
        Ok(self.files().get(&(run.clone(), key.to_owned())).cloned())
    }

    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError> {
        let files = self.files();
        let keys = files.keys().filter(|(of, key)| of == run && key.starts_with(prefix));
        Ok(keys.map(|(_, key)| key.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_flow::Event;

    use super::*;
    use crate::now::now;

    fn record(epoch: Epoch, seq: u64) -> Record {
        let event = Event::Owner { name: "the test".into() };
        Record { seq: Sequence(seq), epoch, at: Timestamp::UNIX_EPOCH, event }
    }

    fn lost() -> JournalError {
        JournalError::Storage { place: PLACE.into(), cause: "the plug was pulled".into() }
    }

    #[test]
    fn an_append_fails_on_the_side_of_the_commit_that_was_ordered_and_only_once() {
        let before = AppendFault { nth: 2, point: FaultPoint::BeforeCommit, error: lost() };
        let after = AppendFault { nth: 4, point: FaultPoint::AfterCommit, error: lost() };
        let journal = MemoryJournal::new().with_fault(before).with_fault(after);
        let run: RunId = "run-1".parse().expect("a valid name");
        now(journal.create(&run, b"{}", Timestamp::UNIX_EPOCH)).expect("an empty journal");
        let epoch = now(journal.claim(&run, "the test")).expect("nobody drives it").epoch();
        let append = |seq| now(journal.append(&run, epoch, Sequence(seq - 1), &[record(epoch, seq)]));
        let written = || now(journal.load(&run)).expect("it is there").records.len();

        assert_eq!((append(1), written()), (Ok(()), 1));
        assert_eq!((append(2), written()), (Err(lost()), 1), "failed before the commit: nothing is there");
        assert_eq!((append(2), written()), (Ok(()), 2), "the next attempt works");
        assert!(append(9).is_err(), "what the contract refuses does not count");
        assert_eq!((append(3), written()), (Err(lost()), 3), "failed after the commit: it is there");
        assert_eq!((append(4), written()), (Ok(()), 4));
        assert_eq!(journal.appends(), 5);
    }
}
