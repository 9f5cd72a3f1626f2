//! What was encoded comes back, and bytes that nobody encoded do no harm.

use fleetwright_flow::{
    Direction, Ending, Event, FailedStep, GroupId, Signal, SkipScope, StageId, StepIndex, TargetId, WindowId,
};
use fleetwright_model::ErrorClass;
use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = Text> {
    // Few distinct texts, so that batches repeat them, and any others.
    prop_oneof!["[a-c]{0,2}", any::<String>()].prop_map(Text::from)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    let any_time = (first..=last).prop_map(|at| Timestamp::from_nanosecond(at).expect("in range"));
    let ordinary = (0i64..4, 0i32..3).prop_map(|(s, n)| Timestamp::new(s, n).expect("in range"));
    prop_oneof![ordinary, any_time, Just(Timestamp::MIN), Just(Timestamp::MAX)]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        any::<u16>().prop_map(|stage| Signal::Approve(StageId(stage))),
        any::<u16>().prop_map(|stage| Signal::Reject(StageId(stage))),
        prop::sample::select(vec![
            Signal::Pause,
            Signal::Resume,
            Signal::Freeze,
            Signal::Thaw,
            Signal::Abort,
            Signal::AbortNow
        ]),
    ]
}

fn failed() -> impl Strategy<Value = FailedStep> {
    use ErrorClass::{Ambiguous, Conflict, Denied, NotFound, Permanent, Throttled, Transient};
    let classes = vec![Throttled, Transient, Ambiguous, Denied, Conflict, NotFound, Permanent];
    (prop::sample::select(classes), text(), text(), prop::option::of(moment()))
        .prop_map(|(class, code, message, retry_at)| FailedStep { class, code, message, retry_at })
}

fn event() -> impl Strategy<Value = Event> {
    let target = prop_oneof![0u32..50, any::<u32>()].prop_map(TargetId);
    let direction = prop::sample::select(vec![Direction::Do, Direction::Undo]);
    let place = (target, any::<u8>().prop_map(StepIndex), direction);
    let scope = prop::sample::select(vec![SkipScope::Step, SkipScope::Target]);
    let endings = vec![Ending::Complete, Ending::Halted, Ending::Rejected, Ending::Aborted];
    let maybe = || prop::option::of(text());
    let mail = || prop::option::of(any::<u64>());
    prop_oneof![
        (any::<u16>(), any::<u16>(), text())
            .prop_map(|(major, minor, plan)| Event::Opened { format: Format { major, minor }, plan }),
        text().prop_map(|name| Event::Owner { name }),
        (place.clone(), any::<u16>()).prop_map(|((target, step, direction), attempt)| Event::Started {
            target,
            step,
            direction,
            attempt
        }),
        (place.clone(), text()).prop_map(|((target, step, direction), handle)| Event::Accepted {
            target,
            step,
            direction,
            handle
        }),
        (place.clone(), maybe(), maybe()).prop_map(|((target, step, direction), note, finding)| {
            Event::Succeeded { target, step, direction, note, finding }
        }),
        (place.clone(), failed()).prop_map(|((target, step, direction), failure)| Event::Failed {
            target,
            step,
            direction,
            failure
        }),
        (place, scope, text()).prop_map(|((target, step, direction), scope, code)| Event::Skipped {
            target,
            step,
            direction,
            scope,
            code
        }),
        (any::<u16>(), mail()).prop_map(|(stage, mail)| Event::GateReached { stage: StageId(stage), mail }),
        (signal(), text(), maybe(), maybe(), mail()).prop_map(|(signal, by, basis, reason, mail)| {
            Event::Signalled { signal, by, basis, reason, mail }
        }),
        any::<u16>().prop_map(|window| Event::WindowTurned { window: WindowId(window) }),
        (any::<u16>(), any::<u32>())
            .prop_map(|(group, elsewhere)| Event::Observed { group: GroupId(group), elsewhere }),
        any::<u16>().prop_map(|stage| Event::GateExpired { stage: StageId(stage) }),
        any::<u32>().prop_map(|target| Event::FoundDown { target: TargetId(target) }),
        prop::sample::select(endings).prop_map(|ending| Event::Closed { ending }),
    ]
}

fn batch() -> impl Strategy<Value = Vec<Record>> {
    let events = prop::collection::vec((moment(), event()), 1..20);
    (1..=u64::from(u32::MAX), any::<u32>(), events).prop_map(|(first, epoch, events)| {
        let record = |(seq, (at, event))| Record { seq: Sequence(seq), epoch: Epoch(epoch), at, event };
        (first..).zip(events).map(record).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_batch_comes_back(records in batch()) {
        let mut back = Vec::new();
        prop_assert_eq!(decode(&encode(&records), records[0].seq.0, &mut back), Ok(records.len() as u64));
        prop_assert_eq!(back, records);
    }

    #[test]
    fn every_decision_comes_back(
        at in moment(),
        signal in signal(),
        by in text(),
        [reason, basis, once] in [(); 3].map(|()| prop::option::of(text())),
    ) {
        let letter = Letter { at, signal, by, reason, basis, once };
        let bytes = encode_mail(&letter);
        prop_assert_eq!(decode_mail(7, &bytes), Ok(Mail::of(7, letter)));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, 1, &mut Vec::new());
        let _ = decode_mail(1, &bytes);
    }

    #[test]
    fn a_batch_cut_off_or_changed_does_no_harm(records in batch(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = encode(&records);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let _ = decode(&bytes, 1, &mut Vec::new());
        let _ = decode(&bytes[..at], 1, &mut Vec::new());
    }
}

#[test]
fn fields_that_a_later_minor_version_added_are_passed_over() {
    let event = Event::Closed { ending: Ending::Halted };
    let (seq, epoch, at) = (Sequence(5), Epoch(2), Timestamp::UNIX_EPOCH);
    let record = Record { seq, epoch, at, event };
    let mut bytes = encode(std::slice::from_ref(&record));
    // epoch, seconds, nanoseconds, length, tag, time, ending
    assert_eq!(bytes, [2, 0, 0, 3, 10, 0, 1]);
    bytes[3] += 2;
    bytes.extend([99, 99]);
    let mut back = Vec::new();
    assert_eq!(decode(&bytes, 5, &mut back), Ok(1));
    assert_eq!(back, [record]);
}

#[test]
fn a_letter_of_minor_0_names_no_basis_and_one_without_is_written_as_then() {
    let (at, by, reason) = (Timestamp::UNIX_EPOCH, "ann".into(), Some("a".into()));
    let letter = Letter { at, signal: Signal::Pause, by, reason, basis: None, once: None };
    let bytes = encode_mail(&letter);
    assert_eq!(decode_mail(1, &bytes), Ok(Mail::of(1, letter.clone())));
    let longer = encode_mail(&Letter { once: Some("k1:00".into()), ..letter });
    assert!(longer.starts_with(&bytes), "what minor 0 reads stands first");
}

#[test]
fn an_event_of_a_later_minor_version_is_told_from_damage() {
    let unknown = [2, 0, 0, 2, 77, 0];
    assert_eq!(decode(&unknown, 1, &mut Vec::new()), Err(Malformed::Unknown("event", 77)));
}

#[test]
fn an_ordinary_record_costs_few_bytes() {
    let record = |seq: u64| {
        let (target, step, direction) = (TargetId(90_000 + seq as u32), StepIndex(3), Direction::Do);
        let event = Event::Started { target, step, direction, attempt: 1 };
        Record { seq: Sequence(seq), epoch: Epoch(1), at: Timestamp::UNIX_EPOCH, event }
    };
    let records: Vec<Record> = (1..=50).map(record).collect();
    assert!(encode(&records).len() <= 50 * 6 + 8, "length, tag, time, target, step, attempt");
}
