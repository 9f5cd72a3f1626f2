//! Damage to the journal's files: what is loaded is what was written, as far as it goes, and what is
//! wrong with the rest is said. Never anything else.

use std::fs;
use std::path::{Path, PathBuf};

use fleetwright_flow::{Record, Sequence, Signal, StageId};
use fleetwright_ports::{Journal, JournalError, Letter, LoadedRun};
use proptest::prelude::*;
use rusqlite::{Connection, params};

use crate::samples::{self, PLAN, journal, now, run, start, write_story};

fn database(state: &Path) -> PathBuf {
    state.join("runs").join(run().as_str()).join("journal.db")
}

fn log(state: &Path) -> PathBuf {
    database(state).with_extension("db-wal")
}

fn load(state: &Path) -> Result<LoadedRun, JournalError> {
    now(journal(state).load(&run()))
}

/// Changes a journal of 60 records, seven an append, by SQL, and loads it.
fn after(change: &str) -> (Result<LoadedRun, JournalError>, Vec<Record>) {
    let state = tempfile::tempdir().expect("a directory");
    let records = write_story(state.path(), 60, 7);
    let connection = Connection::open(database(state.path())).expect("the journal's database");
    connection.execute_batch(change).expect("a statement that SQLite takes");
    connection.close().expect("nothing is open");
    (load(state.path()), records)
}

/// What is said about a journal of which the first `good` records are whole.
fn damage_after(change: &str, good: usize) -> String {
    let (loaded, records) = after(change);
    let loaded = loaded.expect("the good part is usable");
    let damage = loaded.damage.unwrap_or_else(|| panic!("{change}: it was damaged"));
    assert_eq!(damage.last_good, Sequence(good as u64), "{change}");
    assert_eq!(loaded.records, records[..good], "{change}");
    assert_eq!(loaded.plan, PLAN);
    damage.what.to_string()
}

#[test]
fn an_edited_record_ends_the_good_part_before_its_append() {
    let edit = "UPDATE batch SET body = CAST(substr(body, 1, 20) || x'00' || substr(body, 22) AS BLOB) WHERE first = 22";
    assert_eq!(damage_after(edit, 21), "record 22 or one soon after it was changed");
}

#[test]
fn an_edit_whose_checksum_was_made_to_fit_shows_in_the_next_append() {
    // As if the row had been written by another run: whole in itself, but of another chain.
    let edit = "UPDATE batch SET link = x'00112233445566778899aabbccddeeff' WHERE first = 15";
    assert_eq!(damage_after(edit, 14), "record 15 or one soon after it was changed");
}

#[test]
fn a_deleted_append_is_named() {
    let what = damage_after("DELETE FROM batch WHERE first = 29", 28);
    assert_eq!(what, "record 29 is missing: 36 is the next there is");
}

#[test]
fn a_missing_end_is_named() {
    let what = damage_after("DELETE FROM batch WHERE first > 49", 49);
    assert_eq!(what, "records 50 to 60 are missing from the end");
}

#[test]
fn appends_in_another_order_are_found() {
    let swap = "
        UPDATE batch SET first = 1000 WHERE first = 8;
        UPDATE batch SET first = 8 WHERE first = 15;
        UPDATE batch SET first = 15 WHERE first = 1000;";
    assert_eq!(damage_after(swap, 7), "record 8 or one soon after it was changed");
}

#[test]
fn an_end_that_was_cut_off_together_with_the_state_does_not_pass() {
    let cut = "DELETE FROM batch WHERE first > 49; UPDATE state SET last = 49";
    let what = damage_after(cut, 49);
    assert_eq!(what, "the journal's epoch, last record or checksum was changed");
}

#[test]
fn a_plan_that_was_changed_is_refused() {
    for change in [
        "UPDATE run SET plan = CAST(replace(CAST(plan AS TEXT), '7', '8') AS BLOB)",
        "UPDATE run SET plan = x''",
        "UPDATE run SET plan_sha256 = zeroblob(32)",
        "UPDATE run SET created_at = '2026-11-02T02:00:00Z'",
        "UPDATE run SET name = 'another'",
    ] {
        match after(change).0 {
            Err(JournalError::Storage { place, cause }) => {
                assert!(
                    place.ends_with("journal.db") && cause.starts_with("it is damaged: "),
                    "{change}: {cause}"
                );
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn a_journal_of_a_later_major_version_is_not_touched() {
    let (loaded, _) = after("UPDATE run SET major = 2, minor = 3");
    match loaded {
        Err(JournalError::Format { found, known, .. }) => assert_eq!((&*found, &*known), ("2.3", "1.1")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_appended_behind_damage() {
    let state = tempfile::tempdir().expect("a directory");
    let records = write_story(state.path(), 60, 7);
    let connection = Connection::open(database(state.path())).expect("the journal's database");
    connection.execute("DELETE FROM batch WHERE first = ?", params![57]).expect("a statement");
    connection.close().expect("nothing is open");

    let journal = journal(state.path());
    let loaded = now(journal.load(&run())).expect("the good part is usable");
    let last = loaded.damage.expect("four records are missing").last_good;
    assert_eq!(last, Sequence(56));
    let claim = now(journal.claim(&run(), "the test")).expect("the owner is gone");
    let next = [Record { epoch: claim.epoch(), ..records[56].clone() }];
    let refused = now(journal.append(&run(), claim.epoch(), last, &next));
    assert_eq!(refused, Err(JournalError::OutOfSequence { last: 60, expected: 56 }));
}

#[test]
fn a_changed_decision_in_the_mailbox_is_not_carried_out() {
    let state = tempfile::tempdir().expect("a directory");
    write_story(state.path(), 3, 3);
    let connection = Connection::open(database(state.path())).expect("the journal's database");
    connection
        .execute("UPDATE mail SET body = CAST(x'7f' || substr(body, 2) AS BLOB)", [])
        .expect("a statement");
    connection.close().expect("nothing is open");
    match now(journal(state.path()).mail(&run(), 0)) {
        Err(JournalError::Storage { cause, .. }) => {
            assert!(cause.contains("decision 1 of the mailbox"), "{cause}")
        }
        other => panic!("{other:?}"),
    }
    // Whether a mark was spent is not known any more.
    let (at, signal, by) = (start(), Signal::Approve(StageId(0)), "ann".into());
    let marked = Letter { at, signal, by, reason: None, basis: None, once: Some("k1:00".into()) };
    let refused = now(journal(state.path()).deliver(&run(), marked));
    assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
}

#[test]
fn a_run_that_cannot_be_read_is_still_listed() {
    let state = tempfile::tempdir().expect("a directory");
    write_story(state.path(), 3, 3);
    fs::write(database(state.path()), b"not a database, but long enough to be taken for one")
        .expect("a file");
    let runs = now(journal(state.path()).runs()).expect("the list");
    assert_eq!((runs.len(), &runs[0].run, &runs[0].last), (1, &run(), &None));
    assert!(matches!(load(state.path()), Err(JournalError::Storage { .. })));
    fs::remove_file(database(state.path())).expect("it is there");
    assert!(matches!(load(state.path()), Err(JournalError::Storage { .. })));
    assert_eq!(now(journal(state.path()).runs()).map(|runs| runs.len()), Ok(1));
}

/// The files of a journal as bytes: checkpointed, and with everything still in the log.
struct Files {
    records: Vec<Record>,
    database: Vec<u8>,
    log: Vec<u8>,
}

fn checkpointed() -> Files {
    let state = tempfile::tempdir().expect("a directory");
    let records = write_story(state.path(), 240, 9);
    assert!(!log(state.path()).exists(), "closing moves the log into the database");
    Files { records, database: fs::read(database(state.path())).expect("it is there"), log: Vec::new() }
}

/// What a process leaves behind that is killed: nothing was moved out of the log.
fn killed() -> Files {
    let state = tempfile::tempdir().expect("a directory");
    let (journal, run) = (journal(state.path()), run());
    now(journal.create(&run, PLAN, samples::start())).expect("an empty directory");
    let claim = now(journal.claim(&run, "the test")).expect("nobody drives it");
    let records = samples::story(claim.epoch(), 240);
    for part in records.chunks(9) {
        now(journal.append(&run, claim.epoch(), Sequence(part[0].seq.0 - 1), part)).expect("it follows");
    }
    let read = |path: PathBuf| fs::read(path).expect("it is there");
    Files { records, database: read(database(state.path())), log: read(log(state.path())) }
}

impl Files {
    fn load(&self) -> Result<LoadedRun, JournalError> {
        let state = tempfile::tempdir().expect("a directory");
        let place = database(state.path());
        fs::create_dir_all(place.parent().expect("a directory")).expect("room");
        narrow(&state.path().join("runs"));
        fs::write(&place, &self.database).expect("room");
        if !self.log.is_empty() {
            fs::write(log(state.path()), &self.log).expect("room");
        }
        load(state.path())
    }

    /// Every outcome there may be: an error, or the first so many records, all of them if nothing is
    /// said to be wrong. Answers with what it was.
    fn check(&self, what: &str, may_lose_appends: bool) -> Option<usize> {
        let loaded = match self.load() {
            Ok(loaded) => loaded,
            Err(
                JournalError::Storage { .. } | JournalError::Refused { .. } | JournalError::Format { .. },
            ) => {
                return None;
            }
            Err(error) => panic!("{what}: {error}"),
        };
        let count = loaded.records.len();
        assert!(loaded.plan == PLAN, "{what}: another plan");
        assert!(loaded.records == self.records[..count], "{what}: other records");
        match loaded.damage {
            Some(damage) => assert_eq!(damage.last_good, Sequence(count as u64), "{what}"),
            None if may_lose_appends => {
                assert!(count % 9 == 0 || count == self.records.len(), "{what}: half an append");
            }
            None => assert_eq!(count, self.records.len(), "{what}: records are missing and nothing is said"),
        }
        Some(count)
    }
}

#[cfg(unix)]
fn narrow(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("our own");
}

#[cfg(not(unix))]
fn narrow(_: &Path) {}

#[test]
fn a_database_cut_off_anywhere_gives_a_prefix_or_an_error() {
    let whole = checkpointed();
    assert_eq!(whole.check("whole", false), Some(240));
    let mut lengths: Vec<usize> = (0..whole.database.len()).step_by(1024).collect();
    lengths.extend([1, 99, 100, 4095, 4097, whole.database.len() - 1]);
    for length in lengths {
        let cut = Files {
            records: whole.records.clone(),
            database: whole.database[..length].to_vec(),
            log: Vec::new(),
        };
        cut.check(&format!("cut to {length} bytes"), false);
    }
}

#[test]
fn a_log_cut_off_anywhere_gives_whole_appends() {
    let whole = killed();
    assert_eq!(whole.check("whole", false), Some(240));
    let mut most = None;
    for length in (0..whole.log.len()).step_by(1777) {
        let log = whole.log[..length].to_vec();
        let cut = Files { records: whole.records.clone(), database: whole.database.clone(), log };
        let count = cut.check(&format!("log cut to {length} bytes"), true);
        assert!(count >= most, "a longer log holds no fewer records");
        most = count;
    }
    assert!(most > Some(200), "the log was what held them");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_give_other_records(places in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4)) {
        thread_local!(static WHOLE: Files = checkpointed());
        WHOLE.with(|whole| {
            let (records, mut database) = (whole.records.clone(), whole.database.clone());
            for (place, flip) in &places {
                let at = place.index(database.len());
                database[at] ^= flip;
            }
            Files { records, database, log: Vec::new() }.check("flipped bits", false);
        });
    }

    #[test]
    fn flipped_bits_in_the_log_never_give_other_records(place in any::<prop::sample::Index>(), flip in 1u8..) {
        thread_local!(static WHOLE: Files = killed());
        WHOLE.with(|whole| {
            let (records, database, mut log) = (whole.records.clone(), whole.database.clone(), whole.log.clone());
            let at = place.index(log.len());
            log[at] ^= flip;
            Files { records, database, log }.check("flipped bits in the log", true);
        });
    }
}
