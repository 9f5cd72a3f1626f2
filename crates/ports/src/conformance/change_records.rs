//! The contract of [`ChangeRecords`], against a system in which people approve.

use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, Verdict, mark};
use jiff::{SignedDuration, Timestamp};

use crate::{Attachment, ChangeRecords};

/// Names and contents of files.
pub type Files = Vec<(String, Vec<u8>)>;

/// What is done and seen in the system apart from the port.
pub struct Desk<'a> {
    /// Approves the record of that mark, as people do.
    pub approve: &'a (dyn Fn(&str) + Sync),
    /// How many records have that mark.
    pub count: &'a (dyn Fn(&str) -> usize + Sync),
    /// Names and contents of the files that are with the record of that mark.
    pub files: &'a (dyn Fn(&str) -> Files + Sync),
}

/// A change of two hours from `at` on.
fn request(run: &str, at: Timestamp) -> ChangeRequest {
    ChangeRequest {
        mark: mark(run),
        title: format!("Patch 3 instances ({run})"),
        description: "Run of a suite\nweb \"<b>\" {{ 7 }}".to_owned(),
        backout: "Instances are restored".to_owned(),
        test: "Instances are compared".to_owned(),
        starts_at: at,
        ends_at: at + SignedDuration::from_hours(2),
    }
}

fn file(name: &str, content: &[u8]) -> Attachment {
    Attachment { name: name.to_owned(), media_type: "text/plain".to_owned(), content: content.to_vec() }
}

/// Runs the whole suite, on a system without records of ours; `at` is the time there.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(records: &dyn ChangeRecords, at: Timestamp, desk: &Desk<'_>) {
    let (asked, other) = (request("suite-1", at), request("suite-10", at));
    let opened = is_opened_once(records, &asked, &other, desk).await;
    is_begun_once_it_is_approved(records, &asked, &opened, at, desk).await;
    keeps_the_first_file_of_each_name(records, &asked, &opened, desk).await;
    stays_closed(records, &asked, &opened, at, desk).await;
}

async fn found(records: &dyn ChangeRecords, mark: &str) -> Option<ChangeRecord> {
    records.find(mark).await.expect("the system answers")
}

async fn is_opened_once(
    records: &dyn ChangeRecords,
    asked: &ChangeRequest,
    other: &ChangeRequest,
    desk: &Desk<'_>,
) -> ChangeRecord {
    assert_eq!(found(records, &asked.mark).await, None, "nothing is found before it is opened");
    let opened = records.open(asked).await.expect("it is opened");
    assert_eq!(opened.state, ChangeState::Waits, "a new record waits for approval: {opened:?}");
    assert!(
        !opened.id.is_empty() && !opened.number.is_empty() && opened.url.starts_with("http"),
        "{opened:?}"
    );
    let again = records.open(asked).await.expect("it is opened already");
    assert_eq!(again.id, opened.id, "opening it again gives the same record");
    let longer = records.open(other).await.expect("another run's record");
    assert_ne!(longer.id, opened.id, "a mark that begins with another is another");
    for (mark, id) in [(&asked.mark, &opened.id), (&other.mark, &longer.id)] {
        let record = found(records, mark).await.expect("what was opened is found");
        assert_eq!((record.id, (desk.count)(mark)), (id.clone(), 1), "one record for each mark");
    }
    opened
}

async fn is_begun_once_it_is_approved(
    records: &dyn ChangeRecords,
    asked: &ChangeRequest,
    opened: &ChangeRecord,
    at: Timestamp,
    desk: &Desk<'_>,
) {
    assert!(matches!(opened.verdict(at), Verdict::Wait(_)), "what waits lets nothing go on: {opened:?}");
    (desk.approve)(&asked.mark);
    let approved = found(records, &asked.mark).await.expect("it is there");
    assert_eq!(approved.verdict(at), Verdict::Go, "what is approved lets the run go on: {approved:?}");
    for _ in 0..2 {
        records.begin(&approved).await.expect("beginning it twice is beginning it");
    }
    let begun = found(records, &asked.mark).await.expect("it is there");
    assert_eq!(begun.verdict(at), Verdict::Go, "a resumed run goes on with what it began: {begun:?}");
    assert_eq!(begun.id, opened.id);
}

async fn keeps_the_first_file_of_each_name(
    records: &dyn ChangeRecords,
    asked: &ChangeRequest,
    opened: &ChangeRecord,
    desk: &Desk<'_>,
) {
    let first = b"first\r\n--fleetwright-00000000--\r\n\0\xff".to_vec();
    for content in [&first[..], b"second"] {
        records.attach(opened, &file("summary.txt", content)).await.expect("it is attached");
    }
    records.attach(opened, &file("evidence.txt", b"other")).await.expect("it is attached");
    let mut files = (desk.files)(&asked.mark);
    files.sort();
    let expected = [("evidence.txt".to_owned(), b"other".to_vec()), ("summary.txt".to_owned(), first)];
    assert_eq!(files, expected, "the first of each name stays, byte for byte, and no other is added");
}

async fn stays_closed(
    records: &dyn ChangeRecords,
    asked: &ChangeRequest,
    opened: &ChangeRecord,
    at: Timestamp,
    desk: &Desk<'_>,
) {
    records.close(opened, ChangeOutcome::Successful, "3 of 3\n\nall well").await.expect("it is closed");
    let closed = found(records, &asked.mark).await.expect("what is closed is still found");
    assert_eq!((closed.id.clone(), closed.state), (opened.id.clone(), ChangeState::Closed));
    assert!(matches!(closed.verdict(at), Verdict::Never(_)), "what is closed approves nothing");
    for outcome in [ChangeOutcome::Successful, ChangeOutcome::Unsuccessful] {
        records.close(&closed, outcome, "again").await.expect("closing it again changes nothing");
    }
    assert_eq!(found(records, &asked.mark).await, Some(closed), "the first word on how it ended stands");
    let again = records.open(asked).await.expect("it is there");
    assert_eq!((again.id, again.state), (opened.id.clone(), ChangeState::Closed), "no second one is opened");
    assert_eq!((desk.count)(&asked.mark), 1, "one record, however often it was asked for");
}
