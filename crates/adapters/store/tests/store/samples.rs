//! Small and realistic runs for the tests.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use fleetwright_flow::{
    Direction, Ending, Epoch, Event, FailedStep, Record, Sequence, Signal, SkipScope, StageId, StepIndex,
    TargetId,
};
use fleetwright_model::ErrorClass;
use fleetwright_ports::{Journal, RunId};
use fleetwright_store::SqliteJournal;
use jiff::{SignedDuration, Timestamp};

/// The answer of a call to the store, which never waits.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the store answers at once"),
    }
}

/// The name of the run most tests work on.
pub(crate) fn run() -> RunId {
    "run-20261101T020000Z-4f1a".parse().expect("a valid name")
}

/// The moment the run begins.
pub(crate) fn start() -> Timestamp {
    "2026-11-01T02:00:00.000000001Z".parse().expect("a valid time")
}

/// A plan document.
pub(crate) const PLAN: &[u8] = br#"{"format":{"major":1,"minor":0},"seed":7}"#;

/// The journal under this directory.
pub(crate) fn journal(state: &Path) -> SqliteJournal {
    SqliteJournal::open(state, "fleetwright 0.1.0").expect("a directory of the test's own")
}

/// Every kind of event with every kind of content, over and over.
pub(crate) fn story(epoch: Epoch, count: u64) -> Vec<Record> {
    let event = |seq: u64| {
        let (target, step) = (TargetId((seq * 7 % 90) as u32), StepIndex((seq % 9) as u8));
        let direction = if seq.is_multiple_of(5) { Direction::Undo } else { Direction::Do };
        let failure = |retry_at| FailedStep {
            class: [ErrorClass::Throttled, ErrorClass::Ambiguous, ErrorClass::Permanent][seq as usize % 3],
            code: "FW-P0042".into(),
            message: format!("host {seq} → disk full\n").into(),
            retry_at,
        };
        match seq % 12 {
            1 => Event::Opened { format: Record::FORMAT, plan: "9f".repeat(32).into() },
            2 => Event::Owner { name: format!("fleetwright 0.1.0, process {seq}").into() },
            3 => Event::Started { target, step, direction, attempt: (seq % 4) as u16 + 1 },
            4 => Event::Accepted { target, step, direction, handle: format!("ami-{seq:017x}").into() },
            5 => Event::Succeeded { target, step, direction, note: None, finding: None },
            6 => Event::Failed { target, step, direction, failure: failure(None) },
            7 => Event::Failed { target, step, direction, failure: failure(Some(start())) },
            8 => Event::Skipped { target, step, direction, scope: SkipScope::Step, code: "FW-S0001".into() },
            9 => Event::GateReached { stage: StageId(seq as u16), mail: (seq % 24 == 9).then_some(seq / 12) },
            10 => {
                let signals = [Signal::Reject(StageId(300)), Signal::Pause, Signal::Resume, Signal::Abort];
                let signal = signals[(seq / 12) as usize % 4];
                let mail = (seq % 24 == 10).then_some(seq / 12);
                Event::Signalled { signal, by: "ann".into(), basis: None, reason: Some("rain".into()), mail }
            }
            11 => {
                let (note, finding) = (Some("{\"images\":[\"ami-1\"]}".into()), Some("FW-P0007".into()));
                Event::Succeeded { target, step, direction, note, finding }
            }
            _ => Event::Closed { ending: [Ending::Complete, Ending::Halted][(seq / 12) as usize % 2] },
        }
    };
    let at = |seq: u64| start() + SignedDuration::from_micros((seq / 3 * 700_001) as i64);
    (1..=count).map(|seq| Record { seq: Sequence(seq), epoch, at: at(seq), event: event(seq) }).collect()
}

/// Makes the run with these many records, a few an append, and closes the journal.
pub(crate) fn write_story(state: &Path, count: u64, at_once: usize) -> Vec<Record> {
    let (journal, run) = (journal(state), run());
    now(journal.create(&run, PLAN, start())).expect("an empty directory");
    let claim = now(journal.claim(&run, "the test")).expect("nobody drives it");
    let records = story(claim.epoch(), count);
    for part in records.chunks(at_once) {
        let after = Sequence(part[0].seq.0 - 1);
        now(journal.append(&run, claim.epoch(), after, part)).expect("it follows the last record");
    }
    now(journal.post(&run, start(), Signal::Pause, "bob", Some("lunch"))).expect("room for a letter");
    records
}
