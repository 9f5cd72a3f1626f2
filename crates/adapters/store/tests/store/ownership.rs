//! Who drives a run, among real processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;

use fleetwright_flow::{Epoch, Record, Sequence, Signal};
use fleetwright_ports::{Delivery, Journal, JournalError, Letter};
use tempfile::tempdir;

use crate::samples::{PLAN, journal, now, run, start, story};

/// Another process that does what the named test of this module does with the run under this
/// directory, until it is killed; and what it prints.
fn other_process(state: &Path, does: &str) -> (Child, impl Iterator<Item = String>) {
    let itself = std::env::current_exe().expect("the test's own binary");
    let mut child = Command::new(itself)
        .args(["--exact", &format!("ownership::{does}"), "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let stdin = child.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "{}", state.display()).expect("it listens");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    (child, stdout.lines().map_while(Result::ok))
}

/// The state directory that the first process names; none where nobody started this one.
fn named_directory(stdin: &mut impl BufRead) -> Option<PathBuf> {
    let mut line = String::new();
    stdin.read_line(&mut line).expect("a line");
    Some(line.trim_end()).filter(|line| !line.is_empty()).map(PathBuf::from)
}

#[test]
#[ignore = "the second process of the test below"]
fn holds_the_run_until_it_is_killed() {
    let mut stdin = std::io::stdin().lock();
    let Some(state) = named_directory(&mut stdin) else { return };
    let journal = journal(&state);
    let claim = now(journal.claim(&run(), "fleetwright 0.1.0, the other process")).expect("nobody drives it");
    now(journal.append(&run(), claim.epoch(), Sequence(0), &story(claim.epoch(), 5))).expect("it drives");
    println!("the run is claimed");
    // Ends with the pipe when the first process goes away without killing this one.
    let _ = stdin.read(&mut [0]);
}

#[test]
fn a_second_process_is_refused_while_the_first_lives_and_wins_when_it_was_killed() {
    let state = tempdir().expect("a directory");
    let journal = journal(state.path());
    now(journal.create(&run(), PLAN, start())).expect("an empty directory");
    let (mut first, mut printed) = other_process(state.path(), "holds_the_run_until_it_is_killed");
    assert!(printed.any(|line| line.contains("the run is claimed")), "the other process claims the run");

    let owner = "fleetwright 0.1.0, the other process";
    let refused = now(journal.claim(&run(), "this one")).err();
    assert_eq!(refused, Some(JournalError::Owned { owner: owner.into() }));
    let listed = now(journal.runs()).expect("the list");
    assert_eq!(listed[0].driven_by.as_deref(), Some(owner));
    assert_eq!(listed[0].last.as_ref().map(|last| last.seq), Some(Sequence(5)));
    assert_eq!(now(journal.post(&run(), start(), Signal::Pause, "ann", None)), Ok(1), "anybody may post");

    first.kill().expect("it lives");
    first.wait().expect("it lived");
    let listed = now(journal.runs()).expect("the list");
    assert_eq!(listed[0].driven_by, None, "the lock goes with the process");
    let claim = now(journal.claim(&run(), "this one")).expect("its owner is dead");
    let loaded = now(journal.load(&run())).expect("it is there");
    assert_eq!((loaded.records.len(), loaded.damage), (5, None), "what the dead process wrote is kept");
    let next = Record { epoch: claim.epoch(), ..story(claim.epoch(), 6)[5].clone() };
    assert_eq!(now(journal.append(&run(), claim.epoch(), Sequence(5), &[next])), Ok(()));
}

#[test]
fn looking_at_a_run_never_makes_a_claim_fail() {
    let state = tempdir().expect("a directory");
    now(journal(state.path()).create(&run(), PLAN, start())).expect("an empty directory");
    let begin = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let onlooker = journal(state.path());
            begin.wait();
            (0..200).for_each(|_| drop(now(onlooker.runs()).expect("the list")));
        });
        let driver = journal(state.path());
        begin.wait();
        for _ in 0..50 {
            now(driver.claim(&run(), "driver")).expect("nobody else wants it");
        }
    });
}

#[test]
fn decisions_reach_the_driver_while_it_writes() {
    let state = tempdir().expect("a directory");
    let driver = journal(state.path());
    now(driver.create(&run(), PLAN, start())).expect("an empty directory");
    let claim = now(driver.claim(&run(), "driver")).expect("nobody drives it");
    let records = story(claim.epoch(), 120);
    let begin = Barrier::new(3);
    thread::scope(|scope| {
        for by in ["ann", "bob"] {
            let (begin, state) = (&begin, state.path());
            scope.spawn(move || {
                let visitor = journal(state);
                begin.wait();
                for _ in 0..30 {
                    now(visitor.post(&run(), start(), Signal::Pause, by, None)).expect("room for a letter");
                    let seen = now(visitor.load(&run())).expect("it is there");
                    assert_eq!(seen.damage, None, "an onlooker never sees half an append");
                }
            });
        }
        begin.wait();
        for part in records.chunks(3) {
            let after = Sequence(part[0].seq.0 - 1);
            now(driver.append(&run(), claim.epoch(), after, part)).expect("it follows the last record");
        }
    });
    let mail = now(driver.mail(&run(), 0)).expect("the mailbox");
    assert_eq!(mail.iter().map(|letter| letter.number).collect::<Vec<_>>(), (1..=60).collect::<Vec<u64>>());
    assert_eq!(mail.iter().filter(|letter| &*letter.by == "ann").count(), 30, "no decision is lost");
    assert_eq!(now(driver.load(&run())).map(|loaded| loaded.records), Ok(records));
}

#[test]
fn of_many_who_use_the_same_mark_at_once_one_is_taken() {
    let state = tempdir().expect("a directory");
    now(journal(state.path()).create(&run(), PLAN, start())).expect("an empty directory");
    let begin = Barrier::new(4);
    let taken: Vec<usize> = thread::scope(|scope| {
        let clicker = |by: &'static str| {
            let (begin, state) = (&begin, state.path());
            scope.spawn(move || {
                let visitor = journal(state);
                let letter = |mark: usize| Letter {
                    at: start(),
                    signal: Signal::Pause,
                    by: by.into(),
                    reason: None,
                    basis: None,
                    once: Some(format!("k1:{mark}").into()),
                };
                begin.wait();
                let took =
                    |mark| now(visitor.deliver(&run(), letter(mark))).expect("a mailbox") != Delivery::Spent;
                (0..20).filter(|mark| took(*mark)).count()
            })
        };
        let clickers: Vec<_> = ["ann", "bob", "carl", "dora"].map(clicker).into_iter().collect();
        clickers.into_iter().map(|clicker| clicker.join().expect("it clicks")).collect()
    });
    assert_eq!(taken.iter().sum::<usize>(), 20, "each mark once: {taken:?}");
    let mail = now(journal(state.path()).mail(&run(), 0)).expect("the mailbox");
    let marks: std::collections::BTreeSet<_> = mail.iter().map(|letter| &letter.once).collect();
    assert_eq!((mail.len(), marks.len()), (20, 20));
}

#[test]
#[ignore = "the second process of the test below"]
fn appends_until_it_is_killed() {
    let Some(state) = named_directory(&mut std::io::stdin().lock()) else { return };
    let journal = journal(&state);
    let claim = now(journal.claim(&run(), "the writer")).expect("its predecessor is dead");
    let known = now(journal.load(&run())).expect("it is there").records.len() as u64;
    // Far more than it lives to write; an end all the same.
    for part in story(claim.epoch(), known + 20_000)[known as usize..].chunks(3) {
        let after = Sequence(part[0].seq.0 - 1);
        now(journal.append(&run(), claim.epoch(), after, part)).expect("it drives");
        println!("\ndurable up to {}", part[part.len() - 1].seq.0);
    }
}

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_that_it_knew_to_be_durable() {
    let state = tempdir().expect("a directory");
    let onlooker = journal(state.path());
    now(onlooker.create(&run(), PLAN, start())).expect("an empty directory");
    let mut before = 0;
    for round in 1..=8 {
        let (mut writer, mut printed) = other_process(state.path(), "appends_until_it_is_killed");
        let number = |line: String| line.strip_prefix("durable up to ")?.parse::<u64>().ok();
        // By reference: the pipe stays open, so that it is the kill that ends the writer.
        let durable = printed.by_ref().filter_map(number).take(3 * round).last().expect("it appends");
        writer.kill().expect("it lives");
        writer.wait().expect("it lived");

        let loaded = now(onlooker.load(&run())).expect("it is there");
        assert_eq!(loaded.damage, None, "round {round}");
        let count = loaded.records.len() as u64;
        assert!(
            count >= durable && durable > before,
            "{count} records of {durable} known ones, {before} before"
        );
        assert_eq!((count - before) % 3, 0, "an append is there whole or not at all");
        let events =
            |records: &[Record]| records.iter().map(|record| record.event.clone()).collect::<Vec<_>>();
        assert!(events(&loaded.records) == events(&story(Epoch(1), count)), "each record once, in order");
        before = count;
    }
}
