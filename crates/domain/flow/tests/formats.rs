//! What was written once is read for ever: `testdata/formats/` holds a sample of every format.

use fleetwright_flow::format::{Unreadable, read_plan, read_record};
use fleetwright_flow::*;
use fleetwright_model::ErrorClass;

const PLAN_1_0: &str = include_str!("../testdata/formats/1.0/plan.json");
const RECORDS_1_0: &str = include_str!("../testdata/formats/1.0/records.jsonl");
// Plans are as they were in 1.0.
const RECORDS_1_1: &str = include_str!("../testdata/formats/1.1/records.jsonl");

#[test]
fn a_plan_of_format_1_0_reads_as_what_it_meant() {
    let plan = read_plan(PLAN_1_0.as_bytes()).expect("readable");
    assert_eq!((plan.format, plan.seed), (Format { major: 1, minor: 0 }, 42));
    assert_eq!(plan.place_of(TargetId(1)).region.as_str(), "us-east-1");
    assert_eq!(plan.target(TargetId(1)).after, [TargetId(0)]);
    assert_eq!(plan.target(TargetId(0)).groups, [GroupId(0)]);
    assert_eq!((plan.groups[0].capacity, plan.stages[0].max_failures), (2, Some(1)));
    assert_eq!((plan.stages[0].gate, plan.stages[1].gate), (Gate::Approval, Gate::Open));
    let recipe = plan.recipe_of(TargetId(0));
    let [backup, start, patch, stop] = &recipe.steps[..] else { panic!("four steps") };
    assert!(backup.ahead_of_gate && backup.effect == Effect::Changes && start.effect == Effect::Changes);
    assert_eq!(backup.retry, Retry { attempts: 3, base_seconds: 30, cap_seconds: 600 });
    assert_eq!((patch.commits, patch.charge, patch.on_failure), (true, Charge::Take, OnFailure::Undo));
    assert_eq!((patch.max_in_flight, patch.timeout_seconds, patch.expected_seconds), (Some(50), 7200, 900));
    assert_eq!((stop.when, stop.charge), (When::Finally { of: StepIndex(1) }, Charge::Release));
    assert_eq!(stop.on_failure, OnFailure::Continue);
    assert_eq!(&*recipe.undo[0].name, "restore");
}

#[test]
fn records_of_format_1_0_bring_their_run_back() {
    bring_their_run_back(RECORDS_1_0);
}

#[test]
fn records_of_format_1_1_bring_the_same_run_back() {
    bring_their_run_back(RECORDS_1_1);
    let last = |line: &str| match read_record(line.as_bytes()).expect("readable").event {
        Event::GateReached { mail, .. } | Event::Signalled { mail, .. } => Some(mail),
        _ => None,
    };
    let mail = |records: &str| records.lines().filter_map(last).collect::<Vec<_>>();
    assert!(mail(RECORDS_1_0).iter().all(Option::is_none), "nobody had thought of it");
    assert!(mail(RECORDS_1_1).iter().all(Option::is_some), "the last letter read");
}

fn bring_their_run_back(records: &str) {
    let mut run = Run::open(read_plan(PLAN_1_0.as_bytes()).expect("readable").into());
    for line in records.lines() {
        let record = read_record(line.as_bytes()).expect("readable");
        run.apply(&record).unwrap_or_else(|illegal| panic!("{illegal}: {line}"));
    }
    assert_eq!(run.ending(), Some(Ending::Aborted));
    let unwound = End::Unwound { step: StepIndex(2), code: "FW-H0010".into() };
    assert_eq!(run.end(TargetId(0)), Some(unwound));
    assert_eq!(
        run.note(TargetId(0), Direction::Do, StepIndex(0)).map(|note| &**note),
        Some(r#"{"image":"ami-1"}"#)
    );
    assert_eq!(run.end(TargetId(1)), Some(End::Skipped { code: "FW-H0026".into() }));
}

#[test]
fn records_of_every_format_are_written_as_they_were() {
    for line in RECORDS_1_0.lines().chain(RECORDS_1_1.lines()) {
        let record = read_record(line.as_bytes()).expect("readable");
        assert_eq!(serde_json::to_string(&record).expect("serialises"), line);
    }
    let plan = read_plan(PLAN_1_0.as_bytes()).expect("readable");
    assert_eq!(serde_json::to_string_pretty(&plan).expect("serialises"), PLAN_1_0.trim_end());
}

#[test]
fn the_sample_has_every_kind_of_record() {
    for kind in [
        "opened",
        "owner",
        "started",
        "accepted",
        "succeeded",
        "failed",
        "skipped",
        "gate_reached",
        "signalled",
        "closed",
    ] {
        assert!(RECORDS_1_0.contains(&format!(r#""event":"{kind}""#)), "{kind}");
    }
}

#[test]
fn fields_a_newer_minor_added_are_passed_over() {
    let newer = PLAN_1_0.replacen(r#""minor": 0"#, r#""minor": 7, "note": "new""#, 1).replacen(
        r#""seed": 42"#,
        r#""seed": 42, "weather": {"sunny": true}"#,
        1,
    );
    assert_eq!(read_plan(newer.as_bytes()).expect("readable").format, Format { major: 1, minor: 7 });
    let line = RECORDS_1_0.lines().nth(2).expect("a record");
    let newer = line.replacen(r#"{"seq""#, r#"{"weather":"sunny","seq""#, 1);
    assert_ne!(newer, line);
    assert_eq!(
        read_record(newer.as_bytes()).expect("readable"),
        read_record(line.as_bytes()).expect("readable")
    );
}

#[test]
fn another_major_is_refused_before_anything_else_is_looked_at() {
    let other = br#"{"format": {"major": 2, "minor": 1}, "everything": "different"}"#;
    let refused = read_plan(other).expect_err("another major");
    assert!(matches!(refused, Unreadable::OtherFormat { .. }), "{refused:?}");
    assert_eq!(refused.to_string(), "it has format 2.1, and this version reads 1.x");
    let opened = br#"{"seq":1,"event":"opened","format":{"major":2,"minor":0},"digest":"b2"}"#;
    assert!(matches!(read_record(opened), Err(Unreadable::OtherFormat { .. })));
}

#[test]
fn a_record_without_a_field_of_its_kind_is_refused_with_its_name() {
    let line = r#"{"seq":7,"epoch":1,"at":"2026-09-21T14:13:20Z","event":"started","target":0,"step":0}"#;
    let Err(Unreadable::Malformed(cause)) = read_record(line.as_bytes()) else { panic!("no attempt") };
    assert!(cause.to_string().contains("missing field `attempt`"), "{cause}");
    let cause = read_record(line.replace("started", "vanished").as_bytes()).expect_err("no such event");
    assert!(matches!(cause, Unreadable::Malformed(_)), "{cause:?}");
}

#[test]
fn a_plan_that_cannot_be_walked_is_refused_with_the_place() {
    for (from, to, place) in [
        (r#""capacity": 2"#, r#""capacity": 0"#, "groups[0].capacity"),
        (r#""recipe": 0"#, r#""recipe": 9"#, "targets[0].recipe"),
        (r#""place": 1"#, r#""place": 7"#, "targets[1].place"),
        (r#""attempts": 3"#, r#""attempts": 0"#, "recipes[0].steps[0].retry.attempts"),
        (r#""of": 1"#, r#""of": 3"#, "recipes[0].steps[3]"),
        (r#""end": 1"#, r#""end": 0"#, "stages[1].targets"),
    ] {
        let broken = PLAN_1_0.replacen(from, to, 1);
        assert_ne!(broken, PLAN_1_0, "{from}");
        let refused = read_plan(broken.as_bytes());
        let Err(Unreadable::Invalid(invalid)) = refused else { panic!("{to}: {refused:?}") };
        assert_eq!(invalid.place, place, "{invalid}");
    }
}

#[test]
fn targets_that_wait_for_each_other_are_refused() {
    let mut plan = read_plan(PLAN_1_0.as_bytes()).expect("readable");
    plan.stages.truncate(1);
    plan.stages[0].targets = 0..2;
    plan.targets[0].after = vec![TargetId(1)];
    assert_eq!(
        plan.check().expect_err("a circle").to_string(),
        "targets[0].after: it waits for itself in a circle"
    );
    let classes = [ErrorClass::Throttled, ErrorClass::Ambiguous, ErrorClass::NotFound];
    assert_eq!(
        serde_json::to_string(&classes).expect("serialises"),
        r#"["throttled","ambiguous","not_found"]"#
    );
}
