//! Every format ever written is read for ever: journals of each lie under `testdata/formats/`, with
//! what must be read from them.

use std::fs;
use std::path::PathBuf;

use fleetwright_flow::{Event, Record};
use fleetwright_ports::Journal;
use tempfile::tempdir;

use crate::samples::{PLAN, journal, now, run, write_story};

fn testdata(format: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/formats").join(format)
}

#[test]
fn journals_of_format_1_0_are_read() {
    let records = read_sample("1.0");
    let numbered = |record: &Record| serde_json::to_string(record).expect("plain data").contains("mail");
    assert!(!records.iter().any(numbered), "nobody had thought of it");
}

#[test]
fn journals_of_format_1_1_are_read() {
    let records = read_sample("1.1");
    let last = |record: &Record| match record.event {
        Event::GateReached { mail, .. } | Event::Signalled { mail, .. } => Some(mail),
        _ => None,
    };
    let mail: Vec<Option<u64>> = records.iter().filter_map(last).collect();
    assert!(mail.contains(&None) && mail.contains(&Some(2)), "as a run has it that 1.0 began: {mail:?}");
}

/// What is read of the sample is what was written.
fn read_sample(format: &str) -> Vec<Record> {
    let sample = testdata(format);
    let state = tempdir().expect("a directory");
    let journal = journal(state.path());
    let place = state.path().join("runs").join(run().as_str());
    fs::create_dir(&place).expect("room");
    fs::copy(sample.join("journal.db"), place.join("journal.db")).expect("the sample");

    let loaded = now(journal.load(&run())).expect("this version reads it");
    assert_eq!(loaded.damage, None);
    assert_eq!(loaded.plan, PLAN);
    let expected = fs::read_to_string(sample.join("records.jsonl")).expect("the sample");
    let expected: Vec<Record> =
        expected.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(loaded.records, expected);
    let mail = now(journal.mail(&run(), 0)).expect("the mailbox");
    let expected = fs::read_to_string(sample.join("mail.json")).expect("the sample");
    assert_eq!(serde_json::to_string(&mail).expect("plain data"), expected.trim_end());
    loaded.records
}

#[test]
#[ignore = "writes the sample of a new format, once, before the format is released"]
fn write_the_sample_of_the_newest_format() {
    let sample = testdata(&Record::FORMAT.to_string());
    assert!(!sample.exists(), "a sample is never written again: remove it only if it was never released");
    let state = tempdir().expect("a directory");
    let records = write_story(state.path(), 60, 13);
    fs::create_dir_all(&sample).expect("room");
    let database = state.path().join("runs").join(run().as_str()).join("journal.db");
    fs::copy(database, sample.join("journal.db")).expect("room");
    let lines: Vec<String> =
        records.iter().map(|record| serde_json::to_string(record).expect("plain data") + "\n").collect();
    fs::write(sample.join("records.jsonl"), lines.concat()).expect("room");
    let mail = now(journal(state.path()).mail(&run(), 0)).expect("the mailbox");
    let mail = serde_json::to_string(&mail).expect("plain data") + "\n";
    fs::write(sample.join("mail.json"), mail).expect("room");
}
