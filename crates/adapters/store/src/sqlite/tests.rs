//! A disk that fills up, as SQLite sees it.

use fleetwright_flow::{Event, Signal};

use super::*;
use crate::now::now;

fn owner(epoch: Epoch, seq: u64, bytes: usize) -> Record {
    let event = Event::Owner { name: "x".repeat(bytes).into() };
    Record { seq: Sequence(seq), epoch, at: Timestamp::UNIX_EPOCH, event }
}

#[test]
fn a_full_disk_is_named_and_loses_nothing_that_was_durable() {
    let state = tempfile::tempdir().expect("a directory");
    let journal = SqliteJournal::open(state.path(), "the test").expect("a directory of its own");
    let run: RunId = "run-1".parse().expect("a valid name");
    now(journal.create(&run, b"{}", Timestamp::UNIX_EPOCH)).expect("an empty directory");
    let epoch = now(journal.claim(&run, "the test")).expect("nobody drives it").epoch();
    now(journal.append(&run, epoch, Sequence(0), &[owner(epoch, 1, 10)])).expect("room for little");

    let limit = |pages: u32| {
        let mut open = journal.databases();
        let database = open.get_mut(&run).expect("it was used");
        database.connection.pragma_update(None, "max_page_count", pages).expect("a number");
    };
    limit(1); // SQLite takes it for "what is there".
    let full = now(journal.append(&run, epoch, Sequence(1), &[owner(epoch, 2, 100_000)]));
    match full {
        Err(JournalError::Full { place, .. }) => assert!(place.ends_with("run-1/journal.db"), "{place}"),
        other => panic!("{other:?}"),
    }
    let loaded = now(journal.load(&run)).expect("it can be read");
    assert_eq!((loaded.records.len(), loaded.damage), (1, None));

    limit(1_000_000);
    now(journal.append(&run, epoch, Sequence(1), &[owner(epoch, 2, 100_000)])).expect("somebody made room");
    assert_eq!(now(journal.load(&run)).map(|loaded| loaded.records.len()), Ok(2));
}

#[test]
fn a_database_that_became_read_only_is_refused() {
    let state = tempfile::tempdir().expect("a directory");
    let journal = SqliteJournal::open(state.path(), "the test").expect("a directory of its own");
    let run: RunId = "run-1".parse().expect("a valid name");
    now(journal.create(&run, b"{}", Timestamp::UNIX_EPOCH)).expect("an empty directory");
    now(journal.mail(&run, 0)).expect("it can be read");
    let query_only = |on: bool| {
        let mut open = journal.databases();
        let database = open.get_mut(&run).expect("it was used");
        database.connection.pragma_update(None, "query_only", on).expect("a switch");
    };
    query_only(true);
    let refused = now(journal.post(&run, Timestamp::UNIX_EPOCH, Signal::Pause, "ann", None));
    assert!(matches!(refused, Err(JournalError::Refused { .. })), "{refused:?}");
    assert_eq!(now(journal.mail(&run, 0)), Ok(Vec::new()), "reading goes on");
}

#[test]
fn many_runs_are_looked_at_with_few_databases_open() {
    let state = tempfile::tempdir().expect("a directory");
    let journal = SqliteJournal::open(state.path(), "the test").expect("a directory of its own");
    for number in 0..20 {
        let run: RunId = format!("run-{number}").parse().expect("a valid name");
        now(journal.create(&run, b"{}", Timestamp::UNIX_EPOCH)).expect("room");
        now(journal.load(&run)).expect("it is there");
        assert!(journal.databases().len() <= OPEN_AT_MOST);
    }
    assert_eq!(now(journal.runs()).map(|runs| runs.len()), Ok(20));
}
