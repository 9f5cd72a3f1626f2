//! Random plans, random drivers: every law holds at every record.

use fleetwright_flow::*;
use fleetwright_testkit::referee::judge;
use proptest::prelude::*;

use crate::driver::walk;
use crate::plans::drawn;
use crate::tape::Tape;

fn tapes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..1_200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_comes_to_rest_and_breaks_no_law(bytes in tapes()) {
        let mut tape = Tape::new(&bytes);
        let driver = walk(drawn(&mut tape), &mut tape);
        let broken = judge(driver.run.plan(), &driver.records);
        prop_assert!(broken.is_empty(), "{broken:?}\n{}", story(&driver.records));
        let totals = driver.run.totals();
        prop_assert_eq!(totals.ended() as usize, driver.run.plan().targets.len());
        prop_assert_eq!(driver.run.in_flight().count(), 0);
        prop_assert!(driver.run.next(driver.now).is_empty());
        prop_assert!((0..totals.ended()).all(|target| driver.run.end(TargetId(target)).is_some()));
    }

    #[test]
    fn the_same_choices_make_the_same_records(bytes in tapes()) {
        let twice = [(); 2].map(|()| {
            let mut tape = Tape::new(&bytes);
            walk(drawn(&mut tape), &mut tape).records
        });
        prop_assert_eq!(&twice[0], &twice[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_cut_anywhere_brings_the_run_back_to_the_same_place(bytes in tapes()) {
        let mut tape = Tape::new(&bytes);
        let driver = walk(drawn(&mut tape), &mut tape);
        let stored: Vec<String> =
            driver.records.iter().map(|record| serde_json::to_string(record).expect("serialises")).collect();
        let mut live = Run::open(driver.run.plan().clone());
        for (cut, record) in driver.records.iter().enumerate() {
            live.apply(record).expect("legal");
            let mut resumed = Run::open(driver.run.plan().clone());
            for line in &stored[..=cut] {
                resumed.apply(&serde_json::from_str(line).expect("reads back")).expect("legal on recovery");
            }
            prop_assert_eq!(&resumed, &live);
            prop_assert_eq!(resumed.next(record.at), live.next(record.at));
            prop_assert!(resumed.in_flight().eq(live.in_flight()));
            prop_assert_eq!(resumed.wake_at(), live.wake_at());
        }
    }

    #[test]
    fn the_counts_people_see_are_those_of_the_targets(bytes in tapes()) {
        let mut tape = Tape::new(&bytes);
        let driver = walk(drawn(&mut tape), &mut tape);
        let mut run = Run::open(driver.run.plan().clone());
        for record in &driver.records {
            run.apply(record).expect("legal");
            prop_assert_eq!(*run.totals(), recount(&run));
            let view = run.view(record.at);
            let flights: u32 = view.stages.iter().flat_map(|stage| &stage.steps).map(|step| step.count.in_flight).sum();
            prop_assert_eq!(flights as usize, run.in_flight().count());
            let by_stage: u32 = view.stages.iter().map(|stage| stage.totals.ended()).sum();
            prop_assert_eq!(by_stage, view.totals.ended());
        }
        for target in 0..driver.run.plan().targets.len() as u32 {
            let timeline = Timeline::of(TargetId(target), &driver.records);
            prop_assert!(timeline.visits.iter().all(|visit| visit.outcome != Outcome::InFlight));
        }
    }

    #[test]
    fn what_cannot_follow_is_refused_and_changes_nothing(bytes in tapes()) {
        let mut tape = Tape::new(&bytes);
        let driver = walk(drawn(&mut tape), &mut tape);
        let mut run = Run::open(driver.run.plan().clone());
        for record in &driver.records {
            for wrong in wrong_ones(record) {
                let before = run.clone();
                prop_assert!(run.apply(&wrong).is_err(), "took {wrong:?}");
                prop_assert_eq!(&run, &before);
            }
            run.apply(record).expect("legal");
            let before = run.clone();
            let again = Record { seq: Sequence(record.seq.0 + 1), ..record.clone() };
            let harmless = match record.event {
                Event::Signalled { signal, .. } => !matches!(signal, Signal::Approve(_) | Signal::Reject(_)),
                Event::Observed { .. } => true,
                _ => false,
            };
            prop_assert!(harmless || run.apply(&again).is_err(), "took {again:?} twice");
            prop_assert_eq!(&run, &before);
        }
    }
}

/// Records that differ from a legal one such that they cannot be legal.
fn wrong_ones(record: &Record) -> Vec<Record> {
    let mut wrong = vec![
        Record { seq: Sequence(record.seq.0 + 1), ..record.clone() },
        Record { seq: Sequence(record.seq.0 - 1), ..record.clone() },
    ];
    if record.seq.0 > 1 {
        wrong.push(Record {
            event: Event::Opened { format: Plan::FORMAT, plan: "0".into() },
            ..record.clone()
        });
        let first_owner = record.seq.0 == 2 && matches!(record.event, Event::Owner { .. });
        if record.epoch.0 > 0 && !first_owner {
            wrong.push(Record { epoch: Epoch(record.epoch.0 - 1), ..record.clone() });
        }
        if !matches!(record.event, Event::Owner { .. }) {
            wrong.push(Record { epoch: Epoch(record.epoch.0 + 1), ..record.clone() });
        }
    }
    let mut other = record.event.clone();
    if let Event::Started { step, .. }
    | Event::Accepted { step, .. }
    | Event::Succeeded { step, .. }
    | Event::Failed { step, .. }
    | Event::Skipped { step, .. } = &mut other
    {
        step.0 ^= 1;
        wrong.push(Record { event: other, ..record.clone() });
    }
    let mut other = record.event.clone();
    if let Event::Started { target, .. }
    | Event::Accepted { target, .. }
    | Event::Succeeded { target, .. }
    | Event::Failed { target, .. }
    | Event::Skipped { target, .. } = &mut other
    {
        target.0 = u32::MAX;
        wrong.push(Record { event: other, ..record.clone() });
    }
    if let Event::Started { target, step, direction, attempt } = record.event {
        let event = Event::Started { target, step, direction, attempt: attempt + 1 };
        wrong.push(Record { event, ..record.clone() });
        let event = Event::Succeeded { target, step, direction, note: None, finding: None };
        wrong.push(Record { event, ..record.clone() });
    }
    wrong
}

fn story(records: &[Record]) -> String {
    records.iter().map(|record| format!("{}\n", serde_json::to_string(record).expect("serialises"))).collect()
}

fn recount(run: &Run) -> Totals {
    let mut totals = Totals::default();
    for target in 0..run.plan().targets.len() as u32 {
        let count = match run.state(TargetId(target)) {
            TargetState::NotStarted => &mut totals.not_started,
            TargetState::InFlight { .. } => &mut totals.in_flight,
            TargetState::Waiting { on, .. } => match on {
                WaitingFor::Gate(_) => &mut totals.gate,
                WaitingFor::Budget(_) => &mut totals.budget,
                WaitingFor::Retry(_) => &mut totals.retry,
                WaitingFor::After(_) => &mut totals.after,
                WaitingFor::Window(..) => &mut totals.window,
                WaitingFor::Turn | WaitingFor::Paused | WaitingFor::Frozen => &mut totals.ready,
                WaitingFor::Leaving => &mut totals.skipping,
            },
            TargetState::Ended(end) => match end {
                End::Done { finding } => {
                    totals.findings += u32::from(finding.is_some());
                    &mut totals.done
                }
                End::Failed { .. } => &mut totals.failed,
                End::Skipped { .. } => &mut totals.skipped,
                End::Unwound { .. } => &mut totals.unwound,
                End::Stuck { .. } => &mut totals.stuck,
            },
        };
        *count += 1;
    }
    totals
}

/// The laws say nothing of what the drawn runs never come to.
#[test]
fn the_drawn_runs_see_every_kind_of_event() {
    let mut seen = std::collections::BTreeSet::new();
    for bytes in crate::mutants::tapes().take(300) {
        let mut tape = Tape::new(&bytes);
        for record in walk(drawn(&mut tape), &mut tape).records {
            let value = serde_json::to_value(&record).expect("serialises");
            for field in ["event", "signal", "code", "ending"] {
                seen.extend(value[field].as_str().map(str::to_owned));
            }
        }
    }
    for kind in [
        "window_turned",
        "observed",
        "gate_reached",
        "gate_expired",
        "freeze",
        "thaw",
        "pause",
        "abort_now",
        "FW-H0031",
        "FW-H0032",
        "FW-H0027",
        "complete",
        "halted",
        "rejected",
        "aborted",
    ] {
        assert!(seen.contains(kind), "{kind} of {seen:?}");
    }
}

/// A target that was out of service counted where another waited, which had the place it asked for.
#[test]
fn nobody_waits_for_a_place_of_somebody_who_waits_for_theirs() {
    let bytes: Vec<u8> = vec![
        133, 3, 103, 0, 4, 0, 110, 0, 0, 3, 0, 22, 0, 0, 189, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 12, 188, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 21, 0, 116, 25, 36, 5, 0, 0, 0, 0, 3, 0, 113, 0, 0, 3, 12, 0, 94, 0, 0, 9,
        20, 0, 15, 0, 0, 32, 0, 68, 0, 0, 0, 0, 203, 0, 0, 135, 47, 81, 0, 0, 144, 187, 0, 0, 0, 0, 171, 55,
        84, 12, 15, 0, 115, 144, 9, 0, 0, 178, 123, 0, 157, 30, 29, 0, 105, 0, 127, 1, 73, 0, 35, 0, 2, 1, 7,
        0, 44, 144, 12, 188, 181, 105, 0, 13, 0, 0, 0, 3, 36, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 21, 0, 0, 0,
        252, 125, 71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 11, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        151, 30, 108, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 187, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 66, 189, 67, 38, 30, 16, 64, 218, 198, 93, 199, 128,
        71, 88, 255, 146, 236, 161, 210, 84, 47, 53, 254, 201, 43, 96, 232, 93,
    ];
    let mut tape = Tape::new(&bytes);
    let driver = walk(drawn(&mut tape), &mut tape);
    assert_eq!(driver.run.in_flight().count(), 0, "it came to its end");
}
