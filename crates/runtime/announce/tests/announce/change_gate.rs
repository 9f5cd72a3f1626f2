//! A gate waits for its change record, and the record's decision is a letter about exactly that gate.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_announce::{BY, ChangeGate};
use fleetwright_engine::Watcher;
use fleetwright_flow::{Command, Epoch, Event, Gate, Plan, Record, Run, Sequence, Signal, StageId};
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, mark};
use fleetwright_ports::{Again, Attachment, ChangeRecords, Clock, Journal, NotSent, RunId};
use fleetwright_store::MemoryJournal;
use jiff::SignedDuration;

use crate::world::{clock, plan, start};

/// A system with at most one record, whose state people change.
#[derive(Default)]
struct System {
    state: Mutex<Option<ChangeState>>,
    opened: Mutex<u32>,
    begun: Mutex<u32>,
    down: Mutex<bool>,
}

impl System {
    fn record(&self, state: ChangeState) -> ChangeRecord {
        ChangeRecord {
            id: "1".into(),
            number: "CHG1".into(),
            url: "https://example.com/1".into(),
            state,
            state_name: "a state".into(),
            starts_at: None,
            ends_at: None,
        }
    }
}

#[async_trait]
impl ChangeRecords for System {
    async fn find(&self, _: &str) -> Result<Option<ChangeRecord>, NotSent> {
        Ok(self.state.lock().expect("whole").map(|state| self.record(state)))
    }

    async fn open(&self, _: &ChangeRequest) -> Result<ChangeRecord, NotSent> {
        if *self.down.lock().expect("whole") {
            return Err(NotSent { again: Again::Later, message: "down".to_owned() });
        }
        let state = *self.state.lock().expect("whole").get_or_insert_with(|| {
            *self.opened.lock().expect("whole") += 1;
            ChangeState::Waits
        });
        Ok(self.record(state))
    }

    async fn attach(&self, _: &ChangeRecord, _: &Attachment) -> Result<(), NotSent> {
        Ok(())
    }

    async fn begin(&self, _: &ChangeRecord) -> Result<(), NotSent> {
        *self.begun.lock().expect("whole") += 1;
        Ok(())
    }

    async fn close(&self, _: &ChangeRecord, _: ChangeOutcome, _: &str) -> Result<(), NotSent> {
        Ok(())
    }
}

/// A run that waits at its first gate: whatever the kernel wants before that is done.
fn waiting() -> Run {
    let mut plan = plan().flow;
    plan.stages[0].gate = Gate::Approval;
    let later = plan.created_at + SignedDuration::from_hours(1);
    let mut run = Run::open(Arc::new(plan));
    let mut events = vec![Event::Opened { format: Plan::FORMAT, plan: "0123456789abcdef0123".into() }];
    for seq in 1.. {
        let event = events.pop().unwrap_or_else(|| {
            let command = run.next(later).into_iter().next().expect("the run goes on until its gate");
            if let Command::Begin { target, step, direction, .. } = command {
                // The last one is recorded next.
                events.push(Event::Succeeded { target, step, direction, note: None, finding: None });
                events.push(Event::Accepted { target, step, direction, handle: "done".into() });
            }
            command.event()
        });
        run.apply(&Record { seq: Sequence(seq), epoch: Epoch(1), at: start(), event }).expect("legal");
        if run.gate_waiting().is_some() {
            break;
        }
    }
    run
}

fn request() -> ChangeRequest {
    ChangeRequest {
        mark: mark("run-1"),
        title: String::new(),
        description: String::new(),
        backout: String::new(),
        test: String::new(),
        starts_at: start(),
        ends_at: start(),
    }
}

struct Story {
    clock: Arc<dyn Clock>,
    system: Arc<System>,
    journal: Arc<MemoryJournal>,
    run: RunId,
    told: Arc<Mutex<Vec<String>>>,
}

impl Story {
    async fn begin() -> Self {
        let (clock, run) = (clock(), "run-1".parse().expect("a name"));
        let journal = Arc::new(MemoryJournal::new());
        journal.create(&run, b"plan", start()).await.expect("it is new");
        let (system, told) = (Arc::default(), Arc::default());
        let story = Self { clock, system, journal, run, told };
        let gate = ChangeGate::new(story.run.clone());
        gate.recorded(&[], &waiting());
        let (system, journal, clock) = (story.system.clone(), story.journal.clone(), story.clock.clone());
        let told = story.told.clone();
        tokio::spawn(async move {
            let tell = move |text: &str| told.lock().expect("whole").push(text.to_owned());
            let poll = Duration::from_secs(60);
            gate.watch(system.as_ref(), &request(), journal.as_ref(), clock.as_ref(), poll, tell).await;
        });
        story
    }

    async fn after(&self, minutes: u64) {
        self.clock.sleep(Duration::from_secs(minutes * 60)).await;
    }

    fn set(&self, state: ChangeState) {
        *self.system.state.lock().expect("whole") = Some(state);
    }

    async fn letters(&self) -> Vec<(Signal, String, Option<String>)> {
        let mail = self.journal.mail(&self.run, 0).await.expect("there is a mailbox");
        let letter = |it: fleetwright_ports::Mail| {
            (it.signal, it.by.to_string(), it.basis.map(|basis| basis.to_string()))
        };
        mail.into_iter().map(letter).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_approved_change_approves_the_gate_once_and_is_said_to_be_under_way() {
    let story = Story::begin().await;
    story.after(5).await;
    assert_eq!(story.letters().await, []);
    assert_eq!(*story.system.opened.lock().expect("whole"), 1, "it is opened, and only once");
    story.set(ChangeState::Approved);
    story.after(10).await;
    let basis = waiting().basis(StageId(0)).expect("it waits").to_string();
    assert_eq!(story.letters().await, [(Signal::Approve(StageId(0)), BY.to_owned(), Some(basis))]);
    assert_eq!(*story.system.begun.lock().expect("whole"), 1);
    let told = story.told.lock().expect("whole").clone();
    assert_eq!(told.len(), 2, "each thing once: {told:?}");
    assert!(told[0].contains("waits for approval") && told[1].contains("is approved"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_change_rejects_the_gate() {
    let story = Story::begin().await;
    story.set(ChangeState::Rejected);
    story.after(2).await;
    assert!(matches!(story.letters().await.as_slice(), [(Signal::Reject(StageId(0)), ..)]));
    assert_eq!(*story.system.begun.lock().expect("whole"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_down_or_says_what_nobody_knows_approves_nothing() {
    let story = Story::begin().await;
    *story.system.down.lock().expect("whole") = true;
    story.after(5).await;
    *story.system.down.lock().expect("whole") = false;
    story.set(ChangeState::Unknown);
    story.after(5).await;
    assert_eq!(story.letters().await, []);
    assert!(story.told.lock().expect("whole")[0].contains("out of reach: down"));
}
