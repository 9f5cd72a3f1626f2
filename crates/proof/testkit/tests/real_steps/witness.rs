//! Somebody who reads along: what the journal took is folded record by record, checked after each,
//! and told to the steps that ask whether a host is verified.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fleetwright_flow::{Direction, End, Epoch, Event, Record, Run, Sequence, TargetId};
use fleetwright_model::InstanceId;
use fleetwright_patch::plan::{PatchPlan, Work, notes};
use fleetwright_ports::{Claim, Delivery, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId};
use fleetwright_steps::Standing;
use fleetwright_store::MemoryJournal;
use jiff::Timestamp;

/// A journal, and what was read along.
#[derive(Clone)]
pub(crate) struct Witness {
    journal: MemoryJournal,
    plan: Arc<PatchPlan>,
    read: Arc<Mutex<Read>>,
}

struct Read {
    run: Run,
    records: Vec<Record>,
    verified: BTreeMap<InstanceId, Timestamp>,
    wrong: Vec<String>,
}

impl Witness {
    pub(crate) fn new(journal: MemoryJournal, plan: Arc<PatchPlan>) -> Self {
        let run = Run::open(Arc::new(plan.flow.clone()));
        let read = Read { run, records: Vec::new(), verified: BTreeMap::new(), wrong: Vec::new() };
        Self { journal, plan, read: Arc::new(Mutex::new(read)) }
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_verified(&self, host: &InstanceId) -> bool {
        self.verified_at(host).is_some()
    }

    /// When the host was verified.
    pub(crate) fn verified_at(&self, host: &InstanceId) -> Option<Timestamp> {
        self.lock().verified.get(host).copied()
    }

    /// Whether the host is being started: it then has a new launch time anyway.
    pub(crate) fn is_starting(&self, host: &InstanceId) -> bool {
        let read = self.lock();
        read.run.in_flight().any(|flight| {
            let recipe = self.plan.flow.recipe_of(flight.target);
            let is_start = flight.direction == Direction::Do
                && &*recipe.steps[flight.step.index()].name == notes::step::START;
            is_start && self.plan.work[flight.target.index()].host().is_some_and(|it| it.id == *host)
        })
    }

    /// How a target ended so far.
    pub(crate) fn end(&self, target: TargetId) -> Option<End> {
        self.lock().run.end(target)
    }

    /// How a target ended, and what its steps left.
    pub(crate) fn standing(&self, target: TargetId) -> Option<Standing> {
        Standing::of(&self.lock().run, target)
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.lock().records.clone()
    }

    /// What did not hold after some record.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }

    pub(crate) fn read_along(&self, records: &[Record]) {
        let mut read = self.lock();
        for record in records {
            // Before the kernel judges it, which would refuse it as well.
            let wrong = self.check(&read, record);
            read.wrong.extend(wrong);
            if let Err(illegal) = read.run.apply(record) {
                let seq = record.seq.0;
                read.wrong.push(format!("record {seq} is illegal: {illegal}"));
                continue;
            }
            read.records.push(record.clone());
            if let Some(target) = target_of(&record.event) {
                self.note_verified(&mut read, target, record.at);
            }
        }
    }

    fn note_verified(&self, read: &mut Read, target: TargetId, at: Timestamp) {
        let Some(Work::Host(host)) = self.plan.work.get(target.index()) else { return };
        let steps = &self.plan.flow.recipe_of(target).steps;
        let validates = steps.iter().any(|step| &*step.name == notes::step::VALIDATE);
        if validates && matches!(read.run.end(target), Some(End::Done { .. })) {
            read.verified.entry(host.id.clone()).or_insert(at);
        }
    }

    /// What only holds at the moment of a record.
    fn check(&self, read: &Read, record: &Record) -> Option<String> {
        let Event::Started { target, step, direction, .. } = record.event else { return None };
        let was_done = read.records.iter().any(|earlier| {
            matches!(earlier.event, Event::Succeeded { target: t, step: s, direction: d, .. }
                if (t, s, d) == (target, step, direction))
        });
        let name = |direction| match direction {
            Direction::Do => &self.plan.flow.recipe_of(target).steps[step.index()].name,
            Direction::Undo => &self.plan.flow.recipe_of(target).undo[step.index()].name,
        };
        was_done.then(|| {
            format!("{} of target {} was done and is started again (I19, I22)", name(direction), target.0)
        })
    }
}

fn target_of(event: &Event) -> Option<TargetId> {
    match event {
        Event::Started { target, .. }
        | Event::Accepted { target, .. }
        | Event::Succeeded { target, .. }
        | Event::Failed { target, .. }
        | Event::Skipped { target, .. } => Some(*target),
        _ => None,
    }
}

#[async_trait]
impl Journal for Witness {
    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        self.journal.append(run, epoch, after, records).await?;
        self.read_along(records);
        Ok(())
    }

    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.journal.create(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        self.journal.claim(run, owner).await
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.journal.load(run).await
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.journal.since(run, after).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.journal.runs().await
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.journal.deliver(run, letter).await
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.journal.mail(run, after).await
    }
}
