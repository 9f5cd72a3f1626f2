//! Notices through SNS, over the simulated estate, and through EventBridge, over a script; objects with what
//! Object Lock asks for.

use fleetwright_aws::messaging::{EventBus, Topic};
use fleetwright_model::Region;
use fleetwright_notify::{Message, Severity};
use fleetwright_ports::event_rules::BusName;
use fleetwright_ports::events::{Entry, Event, UpgradeEvent, publish};
use fleetwright_ports::{Again, NotSent, Notifier, Objects};
use serde_json::Value as Json;

use crate::fake::{self, Reply, Seen, assumed};
use crate::{estate, fake::Stage};

const ONE_ACCOUNT: &str = r#"
name = "one"
description = "One account."
seed = 7
start = "2026-11-01T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0
"#;
const BUS: &str = "arn:aws:events:eu-central-1:011122223333:event-bus/patching";

fn message() -> Message {
    Message {
        id: "m-1".to_owned(),
        run: "run-1".into(),
        at: fake::start(),
        severity: Severity::Critical,
        title: "größe: 2 hosts failed".to_owned(),
        text: "web-1 & web-2 = <bad>\nFW-H0016".to_owned(),
        facts: Vec::new(),
        notices: Vec::new(),
        more: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_published_to_its_topic_and_a_topic_that_is_not_there_is_not_tried_again() {
    let stage = estate::stage(ONE_ACCOUNT).await;
    assert!(stage.estate.create_topic("111122223333", "eu-central-1", "patching"));
    let region = Region::new("eu-central-1").expect("a region");
    let topic = |name: &str| {
        let arn = format!("arn:aws:sns:eu-central-1:111122223333:{name}");
        Topic::new(stage.aws.clone(), stage.zones[0].clone(), region.clone(), &arn)
    };
    topic("patching").send(&message()).await.expect("published");
    let published = stage.estate.messages(None).expect("all accounts");
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].subject.as_deref(), Some("gr??e: 2 hosts failed"), "subjects are ASCII");
    assert_eq!(published[0].message, "größe: 2 hosts failed\n\nweb-1 & web-2 = <bad>\nFW-H0016\n");
    assert_eq!(published[0].attributes["severity"].value, "critical");

    let gone = topic("gone").send(&message()).await.expect_err("there is no such topic");
    assert_eq!(gone.again, Again::Never, "{gone:?}");
    assert_eq!(stage.estate.messages(None).expect("all accounts").len(), 1);
}

/// Sends to an event bus that answers with this.
async fn event(status: u16, body: &'static str) -> (Result<(), NotSent>, Stage) {
    let script = move |seen: &Seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Answer(status, body.to_owned()),
    };
    let stage = fake::stage(script).await;
    let region = Region::new("eu-central-1").expect("a region");
    let sent = EventBus::new(stage.aws.clone(), fake::zone("011122223333", None), region, BUS)
        .send(&message())
        .await;
    (sent, stage)
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_one_event_with_its_facts_as_detail() {
    let (sent, stage) = event(200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}"#).await;
    sent.expect("taken");
    let asked = stage.fake.asked("events:PutEvents");
    assert_eq!(asked.len(), 1);
    let body: Json = serde_json::from_str(&asked[0].body).expect("JSON");
    let entry = &body["Entries"][0];
    assert_eq!((entry["Source"].as_str(), entry["EventBusName"].as_str()), (Some("fleetwright"), Some(BUS)));
    let detail: Json = serde_json::from_str(entry["Detail"].as_str().expect("text")).expect("JSON");
    assert_eq!((detail["run"].as_str(), detail["severity"].as_str()), (Some("run-1"), Some("critical")));
    assert_eq!(detail["text"], "web-1 & web-2 = <bad>\nFW-H0016");
}

#[tokio::test(start_paused = true)]
async fn an_event_bus_that_refuses_is_not_tried_again_and_one_that_is_busy_is() {
    let denied = r#"{"__type":"AccessDeniedException","message":"not authorized"}"#;
    let (sent, _) = event(400, denied).await;
    assert_eq!(sent.expect_err("denied").again, Again::Never);
    let (sent, _) = event(200, "<html>").await;
    assert_eq!(sent.expect_err("who knows").again, Again::Later, "told twice is better than not at all");
    let (sent, _) = event(500, r#"{"__type":"InternalException","message":"try later"}"#).await;
    assert_eq!(sent.expect_err("broken").again, Again::Later);
    let (sent, _) = event(
        200,
        r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"x"}]}"#,
    )
    .await;
    assert_eq!(sent.expect_err("the entry was not taken").again, Again::Later);
}

/// Publishes three events to a bus that answers so; what became of them, and how many entries each call had.
async fn published(answers: &'static [(u16, &'static str)]) -> (Vec<Entry>, Vec<usize>) {
    let script = move |seen: &Seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Answer(answers[seen.before].0, answers[seen.before].1.to_owned()),
    };
    let stage = fake::stage(script).await;
    let zone = fake::zone("011122223333", None);
    let event = |id: &str| UpgradeEvent::PhaseStarted.of("shop", id, Default::default(), None);
    let events: Vec<Event> = ["a", "b", "c"].into_iter().map(event).collect();
    let (bus, cell) = (BusName::default(), fake::cell(&zone));
    let became = publish((&stage.aws, &*stage.clock), &cell, &bus, &events).await;
    let entries = |seen: &Seen| {
        let body: Json = serde_json::from_str(&seen.body).expect("JSON");
        body["Entries"].as_array().map_or(0, Vec::len)
    };
    (became, stage.fake.asked("events:PutEvents").iter().map(entries).collect())
}

#[tokio::test(start_paused = true)]
async fn events_that_were_not_taken_for_a_reason_of_the_moment_are_sent_again_and_no_others() {
    let (became, calls) = published(&[
        (
            200,
            r#"{"FailedEntryCount":2,"Entries":[{"ErrorCode":"ThrottlingException"},{"EventId":"b"},{"ErrorCode":"MalformedDetail","ErrorMessage":"no"}]}"#,
        ),
        (200, r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure"}]}"#),
        (200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"a"}]}"#),
    ])
    .await;
    assert_eq!(calls, [3, 1, 1]);
    assert_eq!(became[..2], [Entry::Taken("a".into()), Entry::Taken("b".into())]);
    assert!(matches!(&became[2], Entry::Refused(why) if why.code == "MalformedDetail"), "{became:?}");
}

#[tokio::test(start_paused = true)]
async fn events_of_a_call_whose_answer_says_nothing_of_them_are_not_sent_again() {
    let (became, calls) = published(&[(200, r#"{"FailedEntryCount":0,"Entries":[]}"#)]).await;
    assert_eq!(calls, [3]);
    assert!(became.iter().all(|entry| matches!(entry, Entry::Failed(_))), "{became:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_object_lock_takes_what_is_put() {
    let stage = estate::stage(ONE_ACCOUNT).await;
    stage.estate.create_locked_bucket("111122223333", "eu-west-1", "heads");
    let cells = stage.cells();
    stage.aws.put(&cells[0], "heads", "audit/run-1/head-1.jsonl", b"{}\n").await.expect("with a checksum");
    let kept = stage.estate.with_world(|world| {
        world.buckets.get("heads").and_then(|bucket| bucket.get("audit/run-1/head-1.jsonl")).cloned()
    });
    assert_eq!(&*kept.expect("it is there").content, b"{}\n");
    let over = stage.aws.put(&cells[0], "heads", "audit/run-1/head-1.jsonl", b"other\n").await;
    assert!(over.is_err(), "what is locked stays");
}
