//! The contract of [`AuditLogs`], against one storage that is opened several times.

use std::sync::Arc;

use fleetwright_audit::{Actor, Answer, CallResult, Intent, Opening, SignedHead, Verdict, Writer, verify};
use jiff::Timestamp;

use crate::{AuditLog, AuditLogs, RunId};

/// Opens the storage under test once more, as another process would.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn AuditLogs>;

/// Runs the whole suite. Both runs must be there, without logs.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(open: Open<'_>, run: &RunId, other: &RunId) {
    a_run_that_changed_nothing_has_no_log(open, run).await;
    what_was_recorded_is_there_for_others_and_verifies(open, run).await;
    a_later_writer_goes_on_where_the_first_ended(open, run).await;
    calls_of_the_same_moment_have_each_their_record(open, other).await;
}

/// A moment.
pub fn moment() -> Timestamp {
    Timestamp::from_second(1_793_498_400).expect("within range")
}

/// A call of this action.
pub fn intent(action: &str) -> Intent {
    Intent {
        zone: "shop".into(),
        account: "011122223333".into(),
        region: "eu-central-1".into(),
        action: action.into(),
        targets: vec!["i-0123456789abcdef0".into()],
        actor: Actor {
            session: "arn:aws:sts::011122223333:assumed-role/Patch/fleetwright".into(),
            person: "alice".into(),
        },
        reason: "backup".into(),
        approvals: Vec::new(),
        attempt: 1,
    }
}

/// A log of that run, by this process.
pub fn log(logs: &dyn AuditLogs, run: &RunId, process: &str) -> Arc<dyn AuditLog> {
    let writer = Writer { process: process.into(), person: "alice".into(), torn_bytes: 0 };
    logs.log(run, Opening { format: 1, plan: Some("ab12".into()) }, writer)
}

/// What is there, judged by everything that is there.
pub async fn judged(logs: &dyn AuditLogs, run: &RunId) -> Verdict {
    let trail = logs.trail(run).await.expect("the run is there");
    let (heads, bad) = SignedHead::read_lines(&trail.heads);
    assert!(bad.is_empty(), "every line of the heads is one: {bad:?}");
    let key = logs.public_key().await.expect("a key that can be read");
    verify(&trail.log, &heads, key.as_ref())
}

fn done(call: u64) -> Answer {
    Answer {
        call,
        result: CallResult::Done,
        request_id: Some("req-1".into()),
        service_code: None,
        code: None,
    }
}

async fn a_run_that_changed_nothing_has_no_log(open: Open<'_>, run: &RunId) {
    let logs = open();
    let log = log(&*logs, run, "the first");
    assert_eq!(log.sign(moment()).await, Ok(None), "nothing was recorded, nothing is signed");
    assert!(logs.trail(run).await.expect("the run is there").log.is_empty(), "and nothing is written");
}

async fn what_was_recorded_is_there_for_others_and_verifies(open: Open<'_>, run: &RunId) {
    let logs = open();
    let log = log(&*logs, run, "the first");
    let call = log.before(moment(), intent("ec2:CreateImage")).await.expect("recorded");
    let verdict = judged(&*open(), run).await;
    assert!(verdict.is_sound(), "{:?}", verdict.findings);
    assert_eq!(verdict.calls.in_doubt, [call], "it is there before anybody answered");
    log.after(moment(), done(call)).expect("recorded");
    let head = log.sign(moment()).await.expect("signed").expect("there is something to sign");
    assert_eq!(judged(&*open(), run).await.calls.done, 1, "and so is the answer");
    let verdict = judged(&*open(), run).await;
    assert_eq!((verdict.proven_to, verdict.records), (head.head.sequence, head.head.sequence));
}

async fn a_later_writer_goes_on_where_the_first_ended(open: Open<'_>, run: &RunId) {
    let before = judged(&*open(), run).await;
    let logs = open();
    let log = log(&*logs, run, "the second");
    let call = log.before(moment(), intent("ec2:StopInstances")).await.expect("recorded");
    assert_eq!(call, before.records + 2, "after the record that names the writer");
    let verdict = judged(&*open(), run).await;
    assert!(verdict.is_sound(), "{:?}", verdict.findings);
    assert_eq!(verdict.proven_to, before.proven_to, "what was signed before is still proven");
}

async fn calls_of_the_same_moment_have_each_their_record(open: Open<'_>, run: &RunId) {
    let logs = open();
    let log = log(&*logs, run, "the first");
    let (first, second) = (intent("ec2:CreateImage"), intent("ec2:StartInstances"));
    let (first, second) = both(log.before(moment(), first), log.before(moment(), second)).await;
    let (first, second) = (first.expect("recorded"), second.expect("recorded"));
    assert_ne!(first, second);
    log.after(moment(), done(second)).expect("recorded");
    log.sign(moment()).await.expect("signed");
    let verdict = judged(&*open(), run).await;
    assert!(verdict.is_sound(), "{:?}", verdict.findings);
    assert_eq!((verdict.calls.made, verdict.calls.in_doubt), (2, vec![first]));
}

/// Both at once: each is polled before the first is through.
async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    let (mut one, mut two) = (None, None);
    std::future::poll_fn(|context| {
        if one.is_none()
            && let std::task::Poll::Ready(done) = first.as_mut().poll(context)
        {
            one = Some(done);
        }
        if two.is_none()
            && let std::task::Poll::Ready(done) = second.as_mut().poll(context)
        {
            two = Some(done);
        }
        match (one.take(), two.take()) {
            (Some(first), Some(second)) => std::task::Poll::Ready((first, second)),
            (first, second) => {
                (one, two) = (first, second);
                std::task::Poll::Pending
            }
        }
    })
    .await
}
