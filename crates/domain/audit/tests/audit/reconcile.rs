use fleetwright_audit::cloudtrail::{self, Event};
use fleetwright_audit::reconcile::calls;
use fleetwright_audit::{CallResult, Entry, Reconciliation, reconcile};

use crate::logs::{Written, answer, intent};

/// CloudTrail's record of a call.
fn event(action: &str, request_id: &str, second: u32, role: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::011122223333:assumed-role/{role}/s-{second}","accountId":"011122223333"}},
        "eventTime":"2026-11-01T02:00:{second:02}Z","eventSource":"ec2.amazonaws.com","eventName":"{action}","awsRegion":"eu-central-1",
        "sourceIPAddress":"203.0.113.7","requestID":"{request_id}","eventID":"e-{request_id}","readOnly":false,"eventType":"AwsApiCall",
        "recipientAccountId":"011122223333"}}"#
    )
}

fn trail(events: &[String]) -> Vec<Event> {
    let file = format!("{{\"Records\":[{}]}}", events.join(","));
    cloudtrail::read(file.as_bytes()).expect("a file of CloudTrail's")
}

fn both(log: &Written, events: &[String]) -> Reconciliation {
    reconcile(&calls(&log.records), &trail(events))
}

const OURS: &str = "FleetwrightPatch";

#[test]
fn calls_in_both_logs_are_found_by_their_request_ids_however_often_they_are_delivered() {
    let log = Written::of_calls(2);
    let mut events = vec![event("CreateImage", "req-0", 2, OURS), event("CreateImage", "req-1", 4, OURS)];
    events.push(events[0].clone());
    let found = both(&log, &events);
    assert!(found.agrees(), "{found:?}");
    assert_eq!(found.both, 2);
}

#[test]
fn a_call_in_doubt_is_settled_by_the_event_nobody_else_claims() {
    let mut log = Written::of_calls(1);
    let lost = log.push(Entry::Before(intent("ec2:CreateImage", "i-1")));
    log.push(Entry::After(answer(lost, CallResult::Unknown, None)));
    let open = log.push(Entry::Before(intent("ec2:StopInstances", "i-1")));
    let events = [
        event("CreateImage", "req-0", 2, OURS),
        event("CreateImage", "req-9", 4, OURS),
        // The trail goes on, so that what it does not have did not happen.
        event("StartInstances", "other", 30, "SomebodyElse"),
    ];
    let found = both(&log, &events);
    assert_eq!(found.settled.iter().map(|it| it.record).collect::<Vec<_>>(), [lost]);
    assert_eq!(found.settled[0].request_id.as_deref(), Some("req-9"));
    assert_eq!((found.never_happened, found.agrees()), (1, true), "{open} never left");
}

#[test]
fn a_change_by_our_role_that_we_did_not_record_is_told_and_those_of_others_are_not() {
    let log = Written::of_calls(1);
    let events = [
        event("CreateImage", "req-0", 2, OURS),
        event("TerminateInstances", "foreign", 3, OURS),
        event("TerminateInstances", "theirs", 3, "SomebodyElse"),
        event("DescribeInstances", "read", 3, OURS).replace("\"readOnly\":false", "\"readOnly\":true"),
    ];
    let found = both(&log, &events);
    let names: Vec<_> = found.theirs_only.iter().map(|event| event.request_id.as_deref()).collect();
    assert_eq!(names, [Some("foreign")]);
    assert!(!found.agrees());
}

#[test]
fn a_call_that_the_trail_lacks_is_told_where_its_files_reach_and_not_elsewhere() {
    let log = Written::of_calls(2);
    let reaches = [event("CreateImage", "req-1", 4, OURS), event("StartInstances", "x", 1, "SomebodyElse")];
    let found = both(&log, &reaches);
    assert_eq!(found.ours_only.iter().map(|call| call.record).collect::<Vec<_>>(), [3]);

    let elsewhere =
        both(&log, &[event("CreateImage", "req-1", 4, OURS).replace("eu-central-1", "us-east-1")]);
    assert_eq!((elsewhere.ours_only.len(), elsewhere.not_covered), (0, 1));
}

#[test]
fn what_was_asked_of_a_clusters_own_api_is_not_missed_in_a_trail_that_never_has_it() {
    let mut log = Written::of_calls(1);
    let done = log.push(Entry::Before(intent("kubernetes:evict pods", "cluster/shop")));
    log.push(Entry::After(answer(done, CallResult::Done, Some("an-audit-id"))));
    let lost = log.push(Entry::Before(intent("kubernetes:patch nodes", "cluster/shop")));
    log.push(Entry::After(answer(lost, CallResult::Unknown, None)));
    let events =
        [event("CreateImage", "req-0", 2, OURS), event("StartInstances", "other", 30, "SomebodyElse")];
    let found = both(&log, &events);
    assert!(found.agrees(), "{found:?}");
    assert_eq!((found.both, found.not_covered, found.never_happened), (1, 2, 0));
}

#[test]
fn a_file_is_read_as_it_is_delivered() {
    use std::io::Write;
    let plain = format!("{{\"Records\":[{}]}}", event("CreateImage", "req-0", 2, OURS));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(plain.as_bytes()).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    assert_eq!(cloudtrail::read(&packed), cloudtrail::read(plain.as_bytes()));
    assert!(cloudtrail::read(&packed[..packed.len() / 2]).is_err(), "a damaged file is none");
}

#[test]
fn a_text_that_is_no_trail_is_refused() {
    for text in ["", "[]", "{}", r#"{"Records":[{"eventName":"CreateImage"}]}"#] {
        assert!(cloudtrail::read(text.as_bytes()).is_err(), "{text}");
    }
}
