//! The contract of [`Journal`](crate::Journal), against one storage that is opened several times, as
//! several processes would.

use std::pin::Pin;

use fleetwright_flow::{
    Ending, Epoch, Event, Format, Record, Sequence, Signal, StageId, StepIndex, TargetId,
};
use jiff::{SignedDuration, Timestamp};

use crate::{Delivery, HandOver, Journal, JournalError, Letter, RunId};

/// Opens the storage under test once more: what one handle wrote, every other one sees.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Journal>;

/// Lets the time go by for which a run may stay claimed by an owner who is gone.
pub type Gone<'a> = &'a dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// For a journal that knows at once when an owner is gone.
pub fn at_once() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(std::future::ready(()))
}

/// Runs the whole suite. The storage must be empty.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(open: Open<'_>, gone: Gone<'_>) {
    lists_runs_newest_first(open, gone).await;
    keeps_plan_and_records(open).await;
    appends_all_or_none_and_only_after_the_last(open).await;
    lets_one_owner_drive_at_a_time(open, gone).await;
    fences_an_owner_that_came_back(open, gone).await;
    proves_ownership_with_an_append_of_nothing(open, gone).await;
    carries_mail_from_anybody_to_the_driver(open).await;
    takes_one_letter_under_a_mark(open).await;
    names_runs_that_are_not_there(open).await;
}

/// Runs what is asked besides of a journal in which runs can be put down ([`Journal::put_down`]).
///
/// # Panics
/// With the rule that was broken.
pub async fn check_hand_over(open: Open<'_>, gone: Gone<'_>) {
    hands_a_run_over_in_good_order_once(open, gone).await;
    lets_only_the_owner_put_a_run_down(open, gone).await;
}

/// The name of a run.
fn run(name: &str) -> RunId {
    name.parse().expect("a valid name")
}

/// A moment of the suite's day, with a fraction that must not get lost.
fn at(second: i64) -> Timestamp {
    Timestamp::new(1_793_498_400 + second, 123_456_789).expect("in range")
}

/// Records from `first` on: of every kind that a journal could confuse.
fn records(epoch: Epoch, first: u64, count: u64) -> Vec<Record> {
    let record = |seq: u64| {
        let (target, step, direction) = (TargetId(seq as u32), StepIndex(3), Default::default());
        let event = match seq % 4 {
            0 => Event::Succeeded { target, step, direction, note: Some("{\"ö\":1}".into()), finding: None },
            1 => Event::Started { target, step, direction, attempt: 2 },
            2 => Event::Accepted { target, step, direction, handle: "ami-0abc".into() },
            _ if seq % 8 == 3 => Event::GateReached { stage: StageId(1), mail: None },
            _ => {
                let signal = Signal::Approve(StageId(1));
                Event::Signalled { signal, by: "ann".into(), basis: None, reason: None, mail: Some(seq) }
            }
        };
        Record { seq: Sequence(seq), epoch, at: at(0) + SignedDuration::from_millis(seq as i64), event }
    };
    (first..first + count).map(record).collect()
}

async fn lists_runs_newest_first(open: Open<'_>, gone: Gone<'_>) {
    let journal = open();
    assert_eq!(journal.runs().await, Ok(Vec::new()), "an empty storage has no runs");
    let (older, newer) = (run("list-b"), run("list-a"));
    journal.create(&older, b"{}", at(0)).await.expect("room for a run");
    journal.create(&newer, b"{}", at(60)).await.expect("room for a run");

    let claim = journal.claim(&older, "fleetwright 0.1, process 7").await.expect("nobody drives it");
    let opened = Event::Opened { format: Format { major: 1, minor: 0 }, plan: "ab12".into() };
    let first = Record { seq: Sequence(1), epoch: claim.epoch(), at: at(1), event: opened };
    let last =
        Record { seq: Sequence(2), event: Event::Closed { ending: Ending::Complete }, ..first.clone() };
    let both = [first, last.clone()];
    journal.append(&older, claim.epoch(), Sequence(0), &both).await.expect("the first records");

    let seen = open().runs().await.expect("the list");
    let names: Vec<&str> = seen.iter().map(|entry| entry.run.as_str()).collect();
    assert_eq!(names, ["list-a", "list-b"], "newest first, whatever their names");
    assert_eq!((seen[0].created_at, seen[1].created_at), (at(60), at(0)), "times are kept to the nanosecond");
    assert_eq!((&seen[0].last, &seen[0].driven_by), (&None, &None), "a run nobody touched");
    assert_eq!(seen[1].last, Some(last), "the last record is shown");
    assert_eq!(seen[1].driven_by.as_deref(), Some("fleetwright 0.1, process 7"), "its driver is named");

    drop(claim);
    gone().await;
    let seen = open().runs().await.expect("the list");
    assert_eq!(seen[1].driven_by, None, "an owner that is gone drives nothing");
}

async fn keeps_plan_and_records(open: Open<'_>) {
    let (journal, name) = (open(), run("keep"));
    let plan: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    journal.create(&name, &plan, at(0)).await.expect("room for a run");
    let twice = journal.create(&name, b"another", at(1)).await;
    assert_eq!(twice, Err(JournalError::RunExists { run: "keep".into() }), "a run is made once");
    let loaded = journal.load(&name).await.expect("it is there");
    assert_eq!((loaded.plan.len(), loaded.records.len()), (70_000, 0), "a new run has no records");

    let claim = journal.claim(&name, "a").await.expect("nobody drives it");
    let all = records(claim.epoch(), 1, 40);
    for part in all.chunks(7) {
        let after = Sequence(part[0].seq.0 - 1);
        journal.append(&name, claim.epoch(), after, part).await.expect("it follows the last record");
    }
    for reader in [journal, open()] {
        let loaded = reader.load(&name).await.expect("it is there");
        assert!(loaded.plan == plan, "the plan is kept byte for byte");
        assert_eq!(loaded.records, all, "every record is kept as it was");
        assert_eq!(loaded.damage, None, "nothing is wrong with it");
        for after in [0, 1, 6, 7, 8, 39, 40, 41, u64::MAX] {
            let rest = reader.since(&name, Sequence(after)).await.expect("it is there");
            let from = usize::try_from(after).unwrap_or(usize::MAX).min(40);
            assert_eq!(rest, all[from..], "records after {after}");
        }
    }
}

async fn appends_all_or_none_and_only_after_the_last(open: Open<'_>) {
    let (journal, name) = (open(), run("order"));
    journal.create(&name, b"{}", at(0)).await.expect("room for a run");
    let unclaimed = journal.append(&name, Epoch(0), Sequence(0), &records(Epoch(0), 1, 1)).await;
    assert!(unclaimed.is_err(), "nobody appends without a claim");

    let claim = journal.claim(&name, "a").await.expect("nobody drives it");
    let epoch = claim.epoch();
    assert!(epoch >= Epoch(1), "the first claim has epoch 1 at least");
    journal.append(&name, epoch, Sequence(0), &records(epoch, 1, 3)).await.expect("the first records");

    for (after, first) in [(0, 1), (2, 3), (4, 5)] {
        let refused = journal.append(&name, epoch, Sequence(after), &records(epoch, first, 2)).await;
        let expected = JournalError::OutOfSequence { last: 3, expected: after };
        assert_eq!(refused, Err(expected), "records after {after} do not follow the third");
    }
    let mut gap = records(epoch, 4, 3);
    gap.remove(1);
    assert!(journal.append(&name, epoch, Sequence(3), &gap).await.is_err(), "a gap is refused as a whole");
    let foreign = records(Epoch(epoch.0 + 1), 4, 1);
    assert!(journal.append(&name, epoch, Sequence(3), &foreign).await.is_err(), "a record of another epoch");
    let ahead = Epoch(epoch.0 + 1);
    assert!(journal.append(&name, ahead, Sequence(3), &foreign).await.is_err(), "an epoch nobody claimed");

    let loaded = open().load(&name).await.expect("it is there");
    assert_eq!(loaded.records, records(epoch, 1, 3), "what was refused left nothing behind");
}

async fn lets_one_owner_drive_at_a_time(open: Open<'_>, gone: Gone<'_>) {
    let (first, second, name) = (open(), open(), run("owned"));
    first.create(&name, b"{}", at(0)).await.expect("room for a run");
    let claim = first.claim(&name, "fleetwright 0.1, process 11").await.expect("nobody drives it");
    let owned = JournalError::Owned { owner: "fleetwright 0.1, process 11".into() };
    for journal in [&first, &second] {
        let refused = journal.claim(&name, "another").await.err();
        assert_eq!(refused.as_ref(), Some(&owned), "a living owner is named, and keeps the run");
    }
    let before = claim.epoch();
    first
        .append(&name, before, Sequence(0), &records(before, 1, 1))
        .await
        .expect("a refused claim changes nothing");
    drop(claim);
    gone().await;
    let claim = second.claim(&name, "another").await.expect("the owner is gone");
    assert!(claim.epoch() > before, "each claim has an epoch of its own");
}

async fn hands_a_run_over_in_good_order_once(open: Open<'_>, gone: Gone<'_>) {
    let (first, second, name) = (open(), open(), run("handed-over"));
    first.create(&name, b"{}", at(0)).await.expect("room for a run");
    let claim = first.claim(&name, "first").await.expect("nobody drives it");
    assert_eq!(claim.hand_over(), None, "nobody was there before");
    let epoch = claim.epoch();
    first.append(&name, epoch, Sequence(0), &records(epoch, 1, 2)).await.expect("its own");
    let left = HandOver { mail: 7 };
    first.put_down(&name, epoch, Sequence(2), &left).await.expect("its own");
    drop(claim);

    let claim = second.claim(&name, "second").await.expect("it was put down");
    assert_eq!((claim.epoch(), claim.hand_over()), (epoch, Some(&left)), "the next one goes on");
    second.append(&name, epoch, Sequence(2), &records(epoch, 3, 1)).await.expect("under the same epoch");
    drop(claim);

    gone().await;
    let claim = first.claim(&name, "third").await.expect("the second one is gone");
    assert!(claim.epoch() > epoch, "who did not put it down left it in doubt");
    assert_eq!(claim.hand_over(), None, "what was left was left for one");
}

async fn lets_only_the_owner_put_a_run_down(open: Open<'_>, gone: Gone<'_>) {
    let (late, quick, name) = (open(), open(), run("put-down"));
    late.create(&name, b"{}", at(0)).await.expect("room for a run");
    let old = late.claim(&name, "late").await.expect("nobody drives it").epoch();
    late.append(&name, old, Sequence(0), &records(old, 1, 1)).await.expect("its own");
    gone().await;
    let new = quick.claim(&name, "quick").await.expect("the lock is free");
    let fenced = Err(JournalError::Fenced { ours: old.0, newer: new.epoch().0 });
    let left = HandOver::default();
    assert_eq!(late.put_down(&name, old, Sequence(1), &left).await, fenced, "it is not its own any more");
    let behind = quick.put_down(&name, new.epoch(), Sequence(0), &left).await;
    assert_eq!(
        behind,
        Err(JournalError::OutOfSequence { last: 1, expected: 0 }),
        "nobody leaves what is not on record"
    );
    let owned = quick.claim(&name, "another").await.err();
    assert_eq!(owned, Some(JournalError::Owned { owner: "quick".into() }), "it is still driven");
}

async fn fences_an_owner_that_came_back(open: Open<'_>, gone: Gone<'_>) {
    let (late, quick, name) = (open(), open(), run("fenced"));
    late.create(&name, b"{}", at(0)).await.expect("room for a run");
    let old = late.claim(&name, "late").await.expect("nobody drives it").epoch();
    late.append(&name, old, Sequence(0), &records(old, 1, 2)).await.expect("its claim was the newest");

    gone().await;
    let claim = quick.claim(&name, "quick").await.expect("the lock is free");
    let new = claim.epoch();
    let fenced = Err(JournalError::Fenced { ours: old.0, newer: new.0 });
    let refused = late.append(&name, old, Sequence(2), &records(old, 3, 1)).await;
    assert_eq!(refused, fenced, "the new owner need not have written for the old one to be late");
    quick.append(&name, new, Sequence(2), &records(new, 3, 1)).await.expect("it owns the run");
    for after in [2, 3] {
        let refused = late.append(&name, old, Sequence(after), &records(old, after + 1, 1)).await;
        assert_eq!(refused, fenced, "who is late is told so, whatever it takes for the last record");
    }
    let loaded = late.load(&name).await.expect("anybody may read");
    let epochs: Vec<u32> = loaded.records.iter().map(|record| record.epoch.0).collect();
    assert_eq!(epochs, [old.0, old.0, new.0], "nothing of the late owner came in between");
}

async fn proves_ownership_with_an_append_of_nothing(open: Open<'_>, gone: Gone<'_>) {
    let (late, quick, name) = (open(), open(), run("proof"));
    late.create(&name, b"{}", at(0)).await.expect("room for a run");
    let unclaimed = late.append(&name, Epoch(0), Sequence(0), &[]).await;
    assert!(unclaimed.is_err(), "nobody owns it, so nobody proves that they do");
    let old = late.claim(&name, "late").await.expect("nobody drives it").epoch();
    assert_eq!(late.append(&name, old, Sequence(0), &[]).await, Ok(()), "before the first record");
    let ahead = Epoch(old.0 + 1);
    assert!(late.append(&name, ahead, Sequence(0), &[]).await.is_err(), "an epoch nobody claimed");
    late.append(&name, old, Sequence(0), &records(old, 1, 2)).await.expect("it owns the run");
    assert_eq!(late.append(&name, old, Sequence(2), &[]).await, Ok(()), "after the last record");
    let behind = JournalError::OutOfSequence { last: 2, expected: 1 };
    assert_eq!(late.append(&name, old, Sequence(1), &[]).await, Err(behind), "who missed a record is told");

    gone().await;
    let new = quick.claim(&name, "quick").await.expect("the lock is free").epoch();
    let fenced = Err(JournalError::Fenced { ours: old.0, newer: new.0 });
    for after in [1, 2, 3] {
        let refused = late.append(&name, old, Sequence(after), &[]).await;
        assert_eq!(refused, fenced, "the new owner need not have written for the old one to be told");
    }
    assert_eq!(quick.append(&name, new, Sequence(2), &[]).await, Ok(()), "the new owner proves it");
    let loaded = open().load(&name).await.expect("it is there");
    assert_eq!(loaded.records, records(old, 1, 2), "nothing was written by any of it");
}

async fn carries_mail_from_anybody_to_the_driver(open: Open<'_>) {
    let (driver, visitor, name) = (open(), open(), run("mail"));
    driver.create(&name, b"{}", at(0)).await.expect("room for a run");
    assert_eq!(driver.mail(&name, 0).await, Ok(Vec::new()), "an empty mailbox");
    let claim = driver.claim(&name, "driver").await.expect("nobody drives it");
    let approve = Signal::Approve(StageId(2));
    let number = visitor.post(&name, at(1), approve, "ann", Some("looked at it")).await;
    assert_eq!(number, Ok(1), "numbers begin with 1");
    driver.append(&name, claim.epoch(), Sequence(0), &records(claim.epoch(), 1, 1)).await.expect("it drives");
    assert_eq!(visitor.post(&name, at(2), Signal::AbortNow, "", None).await, Ok(2), "numbers count up");

    let mail = driver.mail(&name, 0).await.expect("the mailbox");
    let told: Vec<_> = mail.iter().map(|m| (m.number, m.at, m.signal, &*m.by, m.reason.as_deref())).collect();
    let expected = [(1, at(1), approve, "ann", Some("looked at it")), (2, at(2), Signal::AbortNow, "", None)];
    assert_eq!(told, expected, "oldest first, as they were posted");
    assert_eq!(driver.mail(&name, 1).await, Ok(mail[1..].to_vec()), "what was taken up is not read again");
    assert_eq!(driver.mail(&name, 2).await, Ok(Vec::new()), "nothing new");
}

async fn takes_one_letter_under_a_mark(open: Open<'_>) {
    let (first, second, name, other) = (open(), open(), run("marks"), run("marks-elsewhere"));
    for name in [&name, &other] {
        first.create(name, b"{}", at(0)).await.expect("room for a run");
    }
    let letter = |by: &str, once: Option<&str>| Letter {
        at: at(1),
        signal: Signal::Approve(StageId(2)),
        by: by.into(),
        reason: None,
        basis: Some("0123456789abcdef-7".into()),
        once: once.map(Into::into),
    };
    let taken = Ok(Delivery::Taken(1));
    assert_eq!(first.deliver(&name, letter("ann", Some("k1:aa"))).await, taken, "a mark that is new");
    let spent = Ok(Delivery::Spent);
    assert_eq!(second.deliver(&name, letter("ann", Some("k1:aa"))).await, spent, "and never again");
    assert_eq!(first.deliver(&name, letter("bob", Some("k1:aa"))).await, spent, "by nobody");
    assert_eq!(
        second.deliver(&other, letter("ann", Some("k1:aa"))).await,
        taken,
        "a run knows its own marks"
    );
    assert_eq!(
        second.deliver(&name, letter("bob", Some("k1:ab"))).await,
        Ok(Delivery::Taken(2)),
        "another mark"
    );
    for number in [3, 4] {
        let unmarked = first.deliver(&name, letter("ann", None)).await;
        assert_eq!(unmarked, Ok(Delivery::Taken(number)), "what carries no mark may come again");
    }
    let mail = second.mail(&name, 0).await.expect("the mailbox");
    let told: Vec<_> = mail.iter().map(|m| (m.number, &*m.by, m.once.as_deref())).collect();
    let expected = [(1, "ann", Some("k1:aa")), (2, "bob", Some("k1:ab")), (3, "ann", None), (4, "ann", None)];
    assert_eq!(told, expected, "what was refused left nothing");
    assert!(mail.iter().all(|m| m.basis.as_deref() == Some("0123456789abcdef-7")), "the basis is kept");
}

async fn names_runs_that_are_not_there(open: Open<'_>) {
    let (journal, name) = (open(), run("nowhere"));
    let missing = |error: Option<JournalError>| match error {
        Some(JournalError::NoSuchRun { run, .. }) => assert_eq!(&*run, "nowhere", "the run is named"),
        other => panic!("a run that is not there is told as such, not as {other:?}"),
    };
    missing(journal.claim(&name, "a").await.err());
    missing(journal.append(&name, Epoch(1), Sequence(0), &[]).await.err());
    missing(journal.load(&name).await.err());
    missing(journal.since(&name, Sequence(0)).await.err());
    missing(journal.post(&name, at(0), Signal::Pause, "ann", None).await.err());
    missing(journal.mail(&name, 0).await.err());
}
