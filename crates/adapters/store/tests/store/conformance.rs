//! Both journals and both artefact stores hold the contract of their port.

use fleetwright_ports::conformance::{artifacts, journal};
use fleetwright_ports::{Artifacts, Journal, RunId};
use fleetwright_store::{FileArtifacts, MemoryArtifacts, MemoryJournal};

use crate::samples::{self, now};

#[test]
fn the_journal_in_sqlite_holds_the_contract() {
    let state = tempfile::tempdir().expect("a directory");
    now(journal::check(&|| Box::new(samples::journal(state.path()))));
}

#[test]
fn the_journal_in_memory_holds_the_contract() {
    let memory = MemoryJournal::new();
    now(journal::check(&|| Box::new(memory.clone())));
}

fn two_runs() -> [RunId; 2] {
    ["first", "second"].map(|name| name.parse().expect("a valid name"))
}

#[test]
fn artefacts_in_files_hold_the_contract() {
    let state = tempfile::tempdir().expect("a directory");
    let [first, second] = two_runs();
    for run in [&first, &second] {
        now(samples::journal(state.path()).create(run, samples::PLAN, samples::start())).expect("room");
    }
    let open = || Box::new(FileArtifacts::open(state.path()).expect("a directory")) as Box<dyn Artifacts>;
    now(artifacts::check(&open, &first, &second));
}

#[test]
fn artefacts_in_memory_hold_the_contract() {
    let memory = MemoryArtifacts::new();
    let [first, second] = two_runs();
    now(artifacts::check(&|| Box::new(memory.clone()), &first, &second));
}
