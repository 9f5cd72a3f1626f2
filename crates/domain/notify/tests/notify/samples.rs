//! Notices and runs that stories begin with.

use std::sync::Arc;

use fleetwright_flow::{
    Command, Direction, Epoch, Event, FailedStep, Plan, Record, Run, Sequence, Signal, SkipScope, StepIndex,
    TargetId,
};
use fleetwright_model::redaction::Redactor;
use fleetwright_model::{AccountId, ErrorClass, Phase, ZoneName};
use fleetwright_notify::{Kind, Notice, Scope, Severity, Teller};
use fleetwright_patch::plan::{PatchPlan, PlanDocument};
use jiff::{SignedDuration, Timestamp};

/// So many seconds after the beginning of the story.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-01T02:00:00Z".parse().expect("a time");
    start + SignedDuration::from_secs(seconds)
}

pub(crate) fn account(digits: &str) -> AccountId {
    AccountId::new(digits).expect("an account")
}

pub(crate) fn notice(kind: Kind, severity: Severity) -> Notice {
    let scope = Scope {
        zones: vec![ZoneName::new("payments").expect("a zone")],
        accounts: vec![account("111122223333")],
        region: None,
        phase: Some(Phase::Patch),
    };
    let title = format!("{} happened", kind.as_str());
    let test = Notice::test("run-1", "a story", severity, at(0));
    Notice { kind, scope, title, message: None, ..test }
}

/// A running host, a stopped one and a region to clean up.
pub(crate) fn plan() -> PatchPlan {
    let bytes = include_bytes!("../../../patch/testdata/formats/1.0/plan.json");
    PlanDocument::read(bytes).expect("a plan").into_plan()
}

/// A run that is told record by record, and somebody who listens.
pub(crate) struct Tale {
    pub(crate) plan: Arc<PatchPlan>,
    pub(crate) run: Run,
    pub(crate) teller: Teller,
    count: u64,
}

impl Tale {
    pub(crate) fn of(plan: PatchPlan, redactor: Redactor) -> Self {
        let run = Run::open(Arc::new(plan.flow.clone()));
        let plan = Arc::new(plan);
        let teller = Teller::new("run-1", plan.clone(), redactor);
        let mut tale = Self { plan, run, teller, count: 0 };
        tale.tell(Event::Opened { format: Plan::FORMAT, plan: "digest".into() });
        tale
    }

    /// What people hear of one more event.
    pub(crate) fn tell(&mut self, event: Event) -> Vec<Notice> {
        self.count += 1;
        let at =
            self.plan.flow.created_at + SignedDuration::from_secs(i64::try_from(self.count).expect("few"));
        let record = Record { seq: Sequence(self.count), epoch: Epoch(1), at, event };
        self.run.apply(&record).expect("legal");
        self.teller.notices(&[record], &self.run)
    }

    pub(crate) fn start(&mut self, target: u32, step: u8) -> Vec<Notice> {
        let (target, step) = (TargetId(target), StepIndex(step));
        self.tell(Event::Started { target, step, direction: Direction::Do, attempt: 1 })
    }

    /// A host's step that fails for good.
    pub(crate) fn fail(&mut self, target: u32, step: u8, code: &str, message: &str) -> Vec<Notice> {
        self.start(target, step);
        let failure = FailedStep {
            class: ErrorClass::Permanent,
            code: code.into(),
            message: message.into(),
            retry_at: None,
        };
        let (target, step) = (TargetId(target), StepIndex(step));
        self.tell(Event::Failed { target, step, direction: Direction::Do, failure })
    }
}

impl Tale {
    /// What people hear while everything the kernel begins fails, gates are approved, and the run goes to
    /// its end.
    pub(crate) fn fail_all(&mut self, code: &str) -> Vec<Notice> {
        let mut heard = Vec::new();
        for _ in 0..100 {
            let now = self.plan.flow.created_at + SignedDuration::from_hours(1);
            let Some(command) = self.run.next(now).into_iter().next() else { break };
            heard.extend(match command {
                Command::Begin { target, step, direction: Direction::Do, .. } => {
                    self.fail(target.0, step.0, code, "no")
                }
                Command::Skip { target, step, direction, code } => {
                    self.tell(Event::Skipped { target, step, direction, scope: SkipScope::Target, code })
                }
                Command::ReachGate { stage } => {
                    let mut heard = self.tell(Event::GateReached { stage, mail: None });
                    let (signal, by) = (Signal::Approve(stage), "ann".into());
                    heard.extend(self.tell(Event::Signalled {
                        signal,
                        by,
                        basis: None,
                        reason: None,
                        mail: None,
                    }));
                    heard
                }
                Command::Close { ending } => self.tell(Event::Closed { ending }),
                other => panic!("no part of this story: {other:?}"),
            });
        }
        heard
    }
}
