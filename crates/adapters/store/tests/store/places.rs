//! State directories that cannot be used, and what is left of work that was cut short.

use std::fs;
use std::path::Path;

use fleetwright_ports::{Artifacts, Journal, JournalError};
use fleetwright_store::{FileArtifacts, SqliteJournal};
use tempfile::tempdir;

use crate::samples::{PLAN, journal, now, run, start};

fn refusal(state: &Path) -> (String, String) {
    match SqliteJournal::open(state, "fleetwright 0.1.0").err() {
        Some(JournalError::Refused { place, cause }) => (place.to_string(), cause.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_no_state_directory() {
    let directory = tempdir().expect("a directory");
    let file = directory.path().join("state");
    fs::write(&file, b"").expect("room");
    let (place, _) = refusal(&file);
    assert!(place.starts_with(&*file.to_string_lossy()), "{place}");
}

/// The kernel's own file system takes no directories, not even from the superuser.
#[cfg(target_os = "linux")]
#[test]
fn a_place_that_may_not_be_written_is_refused_with_the_systems_words() {
    let (place, cause) = refusal(Path::new("/sys/fleetwright"));
    assert_eq!(place, "/sys/fleetwright/runs");
    assert!(cause.contains("os error"), "{cause}");
}

#[cfg(unix)]
#[test]
fn state_is_open_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempdir().expect("a directory");
    let (journal, run) = (journal(&state.path().join("made")), run());
    let artifacts = FileArtifacts::open(&state.path().join("made")).expect("a directory");
    now(journal.create(&run, PLAN, start())).expect("an empty directory");
    let _claim = now(journal.claim(&run, "the test")).expect("nobody drives it");
    now(artifacts.put(&run, "pre/i-0abc", b"evidence")).expect("room");

    let mut open = vec![state.path().join("made")];
    let mut files = 0;
    while let Some(path) = open.pop() {
        let metadata = fs::metadata(&path).expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            open.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("a name").path()));
        } else {
            assert_eq!(mode, 0o600, "{}", path.display());
            files += 1;
        }
    }
    // Two locks, the database with its log and its shared memory, the artefact.
    assert_eq!(files, 6);
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempdir().expect("a directory");
    journal(state.path());
    let runs = state.path().join("runs");
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o777)).expect("our own");
    let (place, cause) = refusal(state.path());
    assert_eq!(place, runs.to_string_lossy());
    assert_eq!(cause, "others may write to it (mode 777): run chmod go-w on it");
}

#[test]
fn a_run_whose_making_was_cut_short_is_made_anew() {
    let state = tempdir().expect("a directory");
    let journal = journal(state.path());
    let draft = state.path().join("runs").join(format!(".new-{}", run()));
    fs::create_dir(&draft).expect("room");
    fs::write(draft.join("journal.db"), b"half a database").expect("room");
    assert_eq!(now(journal.runs()), Ok(Vec::new()), "half a run is none");
    now(journal.create(&run(), PLAN, start())).expect("the leftover is cleared away");
    assert!(!draft.exists());
    assert_eq!(now(journal.load(&run())).map(|loaded| loaded.plan), Ok(PLAN.to_vec()));
}

#[test]
fn half_written_artefacts_are_never_listed() {
    let state = tempdir().expect("a directory");
    now(journal(state.path()).create(&run(), PLAN, start())).expect("an empty directory");
    let artifacts = FileArtifacts::open(state.path()).expect("a directory");
    now(artifacts.put(&run(), "pre/i-0abc", b"evidence")).expect("room");
    let directory = state.path().join("runs").join(run().as_str()).join("artefacts").join("pre");
    fs::write(directory.join(".part-1-1"), b"half").expect("room");
    assert_eq!(now(artifacts.list(&run(), "")), Ok(vec!["pre/i-0abc".to_owned()]));
    let names: Vec<_> = fs::read_dir(&directory).expect("a directory").collect();
    assert_eq!(names.len(), 2, "a file that was written whole leaves no neighbour behind");
}

#[test]
fn artefacts_of_a_run_that_is_not_there_are_refused() {
    let state = tempdir().expect("a directory");
    let artifacts = FileArtifacts::open(state.path()).expect("a directory");
    let missing = now(artifacts.put(&run(), "pre/i-0abc", b"evidence"));
    assert!(matches!(missing, Err(JournalError::NoSuchRun { .. })), "{missing:?}");
}
