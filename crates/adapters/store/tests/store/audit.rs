//! Audit logs against their contract, and against bad days.

use std::path::{Path, PathBuf};
use std::task::{Context, Poll, Waker};

use fleetwright_audit::{CallResult, Record};
use fleetwright_ports::audit::COMMANDS;
use fleetwright_ports::conformance::audit::{self, intent, judged, log, moment};
use fleetwright_ports::{AuditLogs, Journal, JournalError, RunId};
use fleetwright_store::{FileAuditLogs, MemoryAuditLogs};

use crate::samples;

/// Polls until it is through: these futures wait for nothing but each other.
fn through<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}

fn run(name: &str) -> RunId {
    name.parse().expect("a valid name")
}

fn randomness() -> Result<[u8; 32], String> {
    Ok([9; 32])
}

fn files(state: &Path) -> FileAuditLogs {
    FileAuditLogs::open(state, randomness).expect("a directory of the test's own")
}

/// A state directory with two runs.
fn state() -> tempfile::TempDir {
    let state = tempfile::tempdir().expect("a directory");
    let journal = samples::journal(state.path());
    for name in ["one", "two"] {
        through(journal.create(&run(name), b"{}", moment())).expect("made");
    }
    state
}

fn answer(call: u64) -> fleetwright_audit::Answer {
    fleetwright_audit::Answer {
        call,
        result: CallResult::Done,
        request_id: None,
        service_code: None,
        code: None,
    }
}

fn path_of(state: &Path, file: &str) -> PathBuf {
    state.join("runs/one").join(file)
}

fn records(state: &Path) -> Vec<Record> {
    let log = through(files(state).trail(&run("one"))).expect("there").log;
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| fleetwright_audit::chain::read(line).expect("whole")).collect()
}

#[test]
fn logs_in_files_hold_the_contract() {
    let state = state();
    through(audit::check(&|| Box::new(files(state.path())), &run("one"), &run("two")));
}

#[test]
fn logs_in_memory_hold_the_contract() {
    let memory = MemoryAuditLogs::new();
    through(audit::check(&|| Box::new(memory.clone()), &run("one"), &run("two")));
}

#[test]
fn what_a_writer_in_memory_left_unwritten_comes_before_who_follows_it() {
    let memory = MemoryAuditLogs::new();
    let first = log(&memory, &run("one"), "the first");
    let mut cut_off = first.before(moment(), intent("ec2:CreateImage"));
    assert!(cut_off.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "not written yet");
    drop(cut_off);
    let second = log(&memory, &run("one"), "the second");
    through(second.before(moment(), intent("ec2:StopInstances"))).expect("recorded");
    through(second.sign(moment())).expect("signed");
    let verdict = through(judged(&memory, &run("one")));
    assert_eq!((verdict.is_sound(), verdict.records), (true, 5), "{:?}", verdict.findings);
}

#[test]
fn commands_outside_of_runs_have_a_log_of_their_own() {
    let state = state();
    let commands = run(COMMANDS);
    assert!(through(files(state.path()).trail(&commands)).expect("no log yet").log.is_empty());
    let first = log(&files(state.path()), &commands, "the first");
    through(first.before(moment(), intent("ssm:CreateMaintenanceWindow"))).expect("recorded");
    through(first.sign(moment())).expect("signed");
    let verdict = through(judged(&files(state.path()), &commands));
    assert_eq!((verdict.is_sound(), verdict.proven_to), (true, 3), "{:?}", verdict.findings);
    let runs = through(samples::journal(state.path()).runs()).expect("the runs");
    assert_eq!(runs.len(), 2, "it is no run");
}

#[test]
fn what_was_answered_survives_the_process_at_once() {
    let state = state();
    let first = log(&files(state.path()), &run("one"), "the first");
    let call = through(first.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    first.after(moment(), answer(call)).expect("recorded");
    assert_eq!(through(judged(&files(state.path()), &run("one"))).calls.done, 1, "nobody flushed it");
}

#[test]
fn a_log_that_another_process_writes_is_not_written_and_can_be_once_that_has_ended() {
    let state = state();
    let logs = files(state.path());
    let first = log(&logs, &run("one"), "the first");
    through(first.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    let second = log(&logs, &run("one"), "the second");
    let refused = through(second.before(moment(), intent("ec2:CreateImage")));
    assert!(matches!(refused, Err(JournalError::Owned { .. })), "{refused:?}");
    drop(first);
    assert_eq!(records(state.path()).len(), 3, "the second one wrote nothing");
    let third = log(&logs, &run("one"), "the third");
    assert_eq!(through(third.before(moment(), intent("ec2:CreateImage"))), Ok(5));
}

#[test]
fn what_a_loss_of_power_left_of_a_record_is_taken_away_and_told() {
    let state = state();
    let first = log(&files(state.path()), &run("one"), "the first");
    through(first.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    drop(first);
    let path = path_of(state.path(), "audit.jsonl");
    let mut torn = std::fs::read(&path).expect("there");
    torn.extend_from_slice(b"{\"at\":\"2026");
    std::fs::write(&path, &torn).expect("damaged");

    let second = log(&files(state.path()), &run("one"), "the second");
    through(second.before(moment(), intent("ec2:StopInstances"))).expect("recorded");
    let verdict = through(judged(&files(state.path()), &run("one")));
    assert!(verdict.is_sound(), "{:?}", verdict.findings);
    let records = records(state.path());
    assert!(
        matches!(&records[3].entry, fleetwright_audit::Entry::Writer(writer) if writer.torn_bytes == 11),
        "{:?}",
        records[3]
    );
}

#[test]
fn a_log_that_was_changed_under_its_writer_takes_nothing_more() {
    let state = state();
    let writer = log(&files(state.path()), &run("one"), "the first");
    let call = through(writer.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    let path = path_of(state.path(), "audit.jsonl");
    let mut longer = std::fs::read(&path).expect("there");
    longer.extend_from_slice(b"{}\n");
    std::fs::write(&path, &longer).expect("changed");
    let refused = through(writer.before(moment(), intent("ec2:StopInstances")));
    assert!(
        matches!(&refused, Err(JournalError::Storage { cause, .. }) if cause.contains("damaged")),
        "{refused:?}"
    );
    assert!(writer.after(moment(), answer(call)).is_err(), "what failed once has failed");
}

#[test]
fn a_log_whose_last_record_was_edited_is_not_gone_on_with() {
    let state = state();
    let first = log(&files(state.path()), &run("one"), "the first");
    through(first.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    drop(first);
    let path = path_of(state.path(), "audit.jsonl");
    let edited = std::fs::read_to_string(&path).expect("there").replace("alice", "mallo");
    std::fs::write(&path, edited).expect("edited");
    let second = log(&files(state.path()), &run("one"), "the second");
    let refused = through(second.before(moment(), intent("ec2:CreateImage")));
    assert!(
        matches!(&refused, Err(JournalError::Refused { cause, .. }) if cause.contains("digest")),
        "{refused:?}"
    );
}

#[test]
fn heads_are_signed_on_the_way_so_that_a_crash_leaves_little_unproven() {
    let state = state();
    let writer = log(&files(state.path()), &run("one"), "the first");
    for _ in 0..600 {
        through(writer.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    }
    let verdict = through(judged(&files(state.path()), &run("one")));
    assert!(verdict.is_sound());
    let unproven = verdict.records - verdict.proven_to;
    assert!(unproven < 256, "{unproven} of {}", verdict.records);
}

#[cfg(unix)]
#[test]
fn the_key_is_made_once_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let state = state();
    let logs = files(state.path());
    assert_eq!(through(logs.public_key()), Ok(None), "nobody signed anything");
    let writer = log(&logs, &run("one"), "the first");
    through(writer.before(moment(), intent("ec2:CreateImage"))).expect("recorded");
    through(writer.sign(moment())).expect("signed");
    let key = state.path().join("audit-key.pem");
    assert_eq!(std::fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    assert!(through(logs.public_key()).expect("readable").is_some());

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("opened up");
    let refused = through(writer.sign(moment()));
    assert!(
        matches!(&refused, Err(JournalError::Refused { cause, .. }) if cause.contains("chmod 600")),
        "{refused:?}"
    );
}
