//! Runs, receivers and change records that stories begin with.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_clock::VirtualClock;
use fleetwright_flow::{
    Direction, Epoch, Event, FailedStep, Plan, Record, Run, Sequence, StepIndex, TargetId,
};
use fleetwright_model::redaction::Redactor;
use fleetwright_model::{ErrorClass, code};
use fleetwright_notify::{Limits, Message, Notice, Route, Routes, Severity, Teller, Templates};
use fleetwright_patch::plan::{PatchPlan, PlanDocument};
use fleetwright_ports::{Again, Clock, NotSent, Notifier};
use jiff::Timestamp;

use fleetwright_announce::{Announcer, Channel};

pub(crate) fn start() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("a time")
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::starting_at(start()))
}

pub(crate) fn plan() -> PatchPlan {
    let bytes = include_bytes!("../../../../domain/patch/testdata/formats/1.0/plan.json");
    PlanDocument::read(bytes).expect("a plan").into_plan()
}

/// How a receiver answers, attempt by attempt; then it takes everything.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Fails,
    Refuses,
    Never,
}

/// A receiver that keeps what it takes.
#[derive(Default)]
pub(crate) struct Receiver {
    pub(crate) answers: Mutex<VecDeque<Answer>>,
    pub(crate) taken: Mutex<Vec<Message>>,
}

impl Receiver {
    pub(crate) fn answering(answers: &[Answer]) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.iter().copied().collect()), ..Self::default() })
    }

    pub(crate) fn count(&self) -> u64 {
        self.taken.lock().expect("whole").iter().map(Message::count).sum()
    }
}

#[async_trait]
impl Notifier for Receiver {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let answer = self.answers.lock().expect("whole").pop_front();
        let failed = |again| Err(NotSent { again, message: "no".to_owned() });
        match answer {
            Some(Answer::Fails) => failed(Again::Later),
            Some(Answer::Refuses) => failed(Again::Never),
            Some(Answer::Never) => std::future::pending().await,
            None => {
                self.taken.lock().expect("whole").push(message.clone());
                Ok(())
            }
        }
    }
}

/// An announcer of one channel that hears of everything.
pub(crate) fn announcer(receiver: &Arc<Receiver>, clock: &Arc<dyn Clock>) -> Announcer {
    let all = Route {
        name: "all".into(),
        channels: ["chat".into()].into(),
        severity: Severity::Info,
        accounts: Default::default(),
        zones: Default::default(),
        phases: Default::default(),
        kinds: Default::default(),
    };
    let notifier: Arc<dyn Notifier> = receiver.clone();
    let channel =
        Channel { name: "chat".into(), notifier, templates: Templates::ours(), limits: Limits::default() };
    let teller = Teller::new("run-1", Arc::new(plan()), Redactor::default());
    Announcer::start(teller, Routes(vec![all]), vec![channel], clock, Duration::from_secs(60))
}

pub(crate) fn failed(clock: &Arc<dyn Clock>) -> Notice {
    let test = Notice::test("run-1", "a story", Severity::Error, clock.now());
    Notice { kind: fleetwright_notify::Kind::HostFailed, ..test }
}

/// A run whose first host fails at once, with the records that say so.
pub(crate) fn run_that_fails() -> (Run, Vec<Record>) {
    let mut run = Run::open(Arc::new(plan().flow));
    let (target, step, direction) = (TargetId(0), StepIndex(0), Direction::Do);
    let failure = FailedStep {
        class: ErrorClass::Permanent,
        code: code::STATE_UNUSABLE.id.into(),
        message: "disk full".into(),
        retry_at: None,
    };
    let events = [
        Event::Opened { format: Plan::FORMAT, plan: "0123456789abcdef".into() },
        Event::Started { target, step, direction, attempt: 1 },
        Event::Failed { target, step, direction, failure },
    ];
    let mut records = Vec::new();
    for (seq, event) in (1..).zip(events) {
        let record = Record { seq: Sequence(seq), epoch: Epoch(1), at: start(), event };
        run.apply(&record).expect("legal");
        records.push(record);
    }
    (run, records)
}
