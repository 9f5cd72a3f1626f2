//! A small fleet, whole, and that counting twice in two ways gives the same.

use std::sync::OnceLock;
use std::time::Duration;

use fleetwright_stepfn::EVENTS_PER_TURN;

use crate::fleet::Size;
use crate::measure::{Measured, measure};
use crate::print::broken;
use crate::table::Kind;

fn measured() -> Measured {
    let size = Size { hosts: 100, in_region: 1_000 };
    crate::in_virtual_time(measure(size, |_| Ok(None))).expect("it comes to its end")
}

/// Measured once for all tests.
fn a_hundred() -> &'static Measured {
    static MEASURED: OnceLock<Measured> = OnceLock::new();
    MEASURED.get_or_init(measured)
}

#[test]
fn events_counted_from_the_answers_are_those_of_the_walk_through_the_definition() {
    let measured = a_hundred();
    let (answers, turns) = (measured.answers, measured.turns());
    let decisions = answers.decided + answers.undecided;
    assert_eq!(turns, answers.waits + decisions + 1, "after each turn but the last something is waited for");
    // Started, prepared, begun; reported, notified, judged, done.
    let around = 1 + 5 + 2 + (5 + 5 + 2 + 3);
    let each = u64::from(EVENTS_PER_TURN);
    // The last turn is not waited for; a decision takes four events more than a wait.
    let counted = around + turns * each - 2 + 4 * decisions;
    assert_eq!(measured.tally.events, counted, "{answers:?}");
    assert_eq!(measured.tally.transitions(), 2 + 3 * turns - 1 + 4);
}

#[test]
fn every_host_goes_its_way_once_and_a_person_decides_at_each_gate() {
    let measured = a_hundred();
    let calls = |action| measured.calls.by_action.get(action).copied().unwrap_or_default();
    assert_eq!(calls("ec2:CreateImage"), 100);
    assert_eq!(measured.answers.decided, 3, "before the canary and before each wave: {:?}", measured.answers);
    assert_eq!(measured.other_calls, 2 + 2 * measured.answers.decided + measured.answers.undecided);
    let sent = calls("ssm:SendCommand");
    assert!(sent < 5 * 100, "fewer than one for each host and step that sends one: {sent}");
    assert!(measured.limits().iter().all(|limit| limit.holds()), "{:?}", measured.limits());
}

#[test]
fn the_head_is_written_once_for_each_claim_append_and_leave_and_no_item_is_large() {
    let measured = a_hundred();
    let written = &measured.requests.written;
    assert_eq!((written[&Kind::Plan].writes, written[&Kind::Listed].writes), (1, 1));
    assert_eq!(written[&Kind::Mail].writes, measured.answers.decided);
    // Made once; claimed by each turn, left by each but the last; the rest are appends, of a piece each here.
    let appends = written[&Kind::Head].writes - 1 - (2 * measured.turns() - 1);
    assert_eq!(appends, written[&Kind::Records].writes);
    assert!(measured.records >= 100 * 14, "{}", measured.records);
}

#[test]
fn two_measurements_differ_in_nothing_but_what_was_computed() {
    let (one, other) = (a_hundred(), &measured());
    assert_eq!((&one.tally, &one.requests, &one.calls), (&other.tally, &other.requests, &other.calls));
    assert_eq!((one.lasted, one.puts, one.records), (other.lasted, other.puts, other.records));
    let open = |measured: &Measured| measured.taken.iter().map(|turn| turn.open).collect::<Vec<_>>();
    assert_eq!(open(one), open(other));
}

#[test]
fn what_breaks_a_limit_or_was_not_finished_is_named_with_its_size() {
    let fine = a_hundred().clone();
    assert_eq!(broken(&[(100, Ok(fine.clone()))]), Vec::<String>::new());
    let mut events = fine.clone();
    events.tally.events = 12_501;
    let mut late = fine;
    late.taken[0].open = Duration::from_secs(301);
    let unfinished = Err("the execution ended in Failed, not in Done".into());
    let told = broken(&[(100, Ok(events)), (100, Ok(late)), (7, unfinished)]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "100 hosts: history events, half of 25,000 is 12501, of 12500");
    assert!(told[1].starts_with("100 hosts: seconds of a turn's function is 30"), "{}", told[1]);
    assert_eq!(told[2], "7 hosts: not finished: the execution ended in Failed, not in Done");
}
