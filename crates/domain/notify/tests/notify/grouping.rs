//! When a channel is told, how often it is tried, and that nothing is forgotten.

use fleetwright_notify::{Batch, Ended, Kind, Limits, Outbox, Severity, Tried};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::samples::{at, notice};

fn failed() -> fleetwright_notify::Notice {
    notice(Kind::HostFailed, Severity::Error)
}

fn info() -> fleetwright_notify::Notice {
    notice(Kind::GateDecided, Severity::Info)
}

fn delivered(outbox: &mut Outbox, seconds: i64) -> Batch {
    let batch = outbox.next(at(seconds)).expect("due");
    assert_eq!(outbox.tried(Tried::Delivered, at(seconds)), Some(Ended::Delivered(batch.clone())));
    batch
}

#[test]
fn a_failure_goes_at_once_and_those_right_behind_it_go_together() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.offer(failed(), at(0));
    assert_eq!(delivered(&mut outbox, 0).count(), 1);
    outbox.offer(failed(), at(1));
    outbox.offer(failed(), at(2));
    assert_eq!(outbox.wake_at(), Some(at(30)));
    assert_eq!(outbox.next(at(29)), None);
    assert_eq!(delivered(&mut outbox, 30).count(), 2);
    outbox.offer(failed(), at(90));
    assert_eq!(outbox.wake_at(), Some(at(90)));
}

#[test]
fn what_is_not_urgent_waits_for_company_and_takes_along_what_came() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.offer(info(), at(0));
    assert_eq!(outbox.wake_at(), Some(at(30)));
    outbox.offer(info(), at(20));
    outbox.offer(failed(), at(21));
    assert_eq!(delivered(&mut outbox, 21).count(), 3);
    assert!(outbox.is_empty());
}

#[test]
fn the_end_of_a_run_does_not_wait_for_company() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.offer(info(), at(0));
    outbox.hurry(at(1));
    assert_eq!(delivered(&mut outbox, 1).count(), 1);
}

#[test]
fn a_thousand_failures_are_some_notices_and_a_number_and_the_worst_are_shown() {
    let mut outbox = Outbox::new(Limits { shown: 3, ..Limits::default() });
    for _ in 0..1000 {
        outbox.offer(failed(), at(0));
    }
    outbox.offer(notice(Kind::HostStuck, Severity::Critical), at(0));
    outbox.offer(notice(Kind::RunEnded, Severity::Critical), at(0));
    let batch = delivered(&mut outbox, 0);
    let kinds: Vec<Kind> = batch.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [Kind::HostFailed, Kind::HostFailed, Kind::HostStuck, Kind::RunEnded]);
    assert_eq!(batch.count(), 1002);
}

#[test]
fn no_more_deliveries_are_begun_than_the_rate_allows() {
    let limits = Limits { group: SignedDuration::ZERO, per_hour: 60, burst: 2, ..Limits::default() };
    let mut outbox = Outbox::new(limits);
    for seconds in [0, 1] {
        outbox.offer(failed(), at(seconds));
        delivered(&mut outbox, seconds);
    }
    outbox.offer(failed(), at(2));
    let due = outbox.wake_at().expect("something waits");
    assert_eq!(due, at(60));
    assert_eq!(outbox.next(at(59)), None);
    outbox.offer(failed(), at(59));
    assert_eq!(delivered(&mut outbox, 60).count(), 2);
}

#[test]
fn a_delivery_is_tried_again_ever_later_under_the_same_number_and_then_handed_back() {
    let mut outbox = Outbox::new(Limits { attempts: 4, ..Limits::default() });
    outbox.offer(failed(), at(0));
    let mut now = at(0);
    let mut waits = Vec::new();
    for attempt in 1..=3 {
        let batch = outbox.next(now).expect("due");
        assert_eq!((batch.number, batch.attempt), (1, attempt));
        assert_eq!(outbox.wake_at(), None, "it is out");
        assert_eq!(outbox.tried(Tried::Failed(None), now), None);
        let again = outbox.wake_at().expect("it is tried again");
        waits.push(again.duration_since(now).as_secs());
        now = again;
    }
    assert_eq!(waits, [2, 4, 8]);
    let last = outbox.next(now).expect("due");
    assert_eq!(outbox.tried(Tried::Failed(None), now), Some(Ended::GivenUp(last)));
    assert!(outbox.is_empty());
}

#[test]
fn who_asks_for_patience_gets_it_and_who_refuses_is_not_asked_again() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.offer(failed(), at(0));
    outbox.next(at(0)).expect("due");
    outbox.tried(Tried::Failed(Some(SignedDuration::from_secs(45))), at(0));
    assert_eq!(outbox.wake_at(), Some(at(45)));
    outbox.next(at(45)).expect("due again");
    assert!(matches!(outbox.tried(Tried::Refused, at(45)), Some(Ended::GivenUp(_))));
}

#[test]
fn what_there_was_no_time_for_is_handed_back() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.offer(failed(), at(0));
    outbox.next(at(0)).expect("due");
    outbox.offer(info(), at(1));
    let left: Vec<u64> = outbox.leave().iter().map(Batch::count).collect();
    assert_eq!(left, [1, 1]);
    assert!(outbox.is_empty());
}

proptest! {
    /// Whatever happens: each notice that was offered is in exactly one delivery that ended or was left,
    /// deliveries keep to the rate, and `wake_at` never sleeps through something.
    #[test]
    fn every_notice_is_told_or_handed_back_exactly_once(
        steps in proptest::collection::vec((0_u8..6, 0_i64..200), 1..200),
        shown in 1_usize..4, attempts in 1_u32..4, burst in 1_u32..4,
    ) {
        let limits = Limits { shown, attempts, burst, per_hour: 120, ..Limits::default() };
        let mut outbox = Outbox::new(limits);
        let (mut offered, mut ended, mut now, mut first_tries) = (0, 0, 0, Vec::new());
        for (what, passes) in steps {
            match what {
                0 => { outbox.offer(failed(), at(now)); offered += 1; }
                1 => { outbox.offer(info(), at(now)); offered += 1; }
                2 => outbox.hurry(at(now)),
                _ => {
                    now += passes;
                    let wakes = outbox.wake_at();
                    let batch = outbox.next(at(now));
                    prop_assert_eq!(batch.is_some(), wakes.is_some_and(|wakes| wakes <= at(now)));
                    if let Some(batch) = batch {
                        if batch.attempt == 1 { first_tries.push(now); }
                        let tried = [Tried::Delivered, Tried::Failed(None), Tried::Refused][usize::from(what) - 3];
                        if let Some(Ended::Delivered(batch) | Ended::GivenUp(batch)) = outbox.tried(tried, at(now)) {
                            ended += batch.count();
                        }
                    }
                }
            }
        }
        ended += outbox.leave().iter().map(Batch::count).sum::<u64>();
        prop_assert_eq!(ended, offered);
        for window in first_tries.windows(burst as usize + 1) {
            prop_assert!(window[burst as usize] - window[0] >= 30 - 1, "{:?}", window);
        }
    }
}
