//! What arrives, what does not, and that either is said.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_engine::Watcher;

use crate::world::{Answer, Receiver, announcer, clock, failed, run_that_fails, start};

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_records_is_told_at_once() {
    let (clock, receiver) = (clock(), Receiver::answering(&[]));
    let announcer = announcer(&receiver, &clock);
    let (run, records) = run_that_fails();
    announcer.recorded(&records, &run);
    clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(receiver.count(), 1);
    let title = receiver.taken.lock().expect("whole")[0].title.clone();
    assert!(title.starts_with("[ERROR] run-1: ") && title.contains("failed at backup"), "{title}");
    let account = announcer.finish().await;
    assert_eq!((account[0].messages, account[0].delivered, account[0].undelivered), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_for_a_while_gets_everything_later() {
    let (clock, receiver) = (clock(), Receiver::answering(&[Answer::Fails, Answer::Fails, Answer::Fails]));
    let announcer = announcer(&receiver, &clock);
    for _ in 0..40 {
        announcer.announce(&failed(&clock));
        clock.sleep(Duration::from_secs(1)).await;
    }
    let account = announcer.finish().await;
    assert_eq!((account[0].delivered, account[0].undelivered), (40, 0));
    assert_eq!(receiver.count(), 40);
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_refuses_is_said_with_its_reason() {
    let (clock, receiver) = (clock(), Receiver::answering(&[Answer::Refuses]));
    let announcer = announcer(&receiver, &clock);
    announcer.announce(&failed(&clock));
    let account = announcer.finish().await;
    assert_eq!((account[0].delivered, account[0].undelivered), (0, 1));
    assert_eq!(account[0].why.as_deref(), Some("no"));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_holds_nothing_up_and_its_messages_are_counted() {
    let (clock, receiver) = (clock(), Receiver::answering(&[Answer::Never]));
    let announcer = announcer(&receiver, &clock);
    announcer.announce(&failed(&clock));
    clock.sleep(Duration::from_secs(1)).await;
    let before = clock.now();
    for _ in 0..50_000 {
        announcer.announce(&failed(&clock));
    }
    assert_eq!(clock.now(), before, "whoever announces waits for nothing");
    let account = announcer.finish().await;
    assert_eq!((account[0].delivered, account[0].undelivered), (0, 50_001));
    assert!(account[0].why.is_some());
    assert_eq!(clock.now().duration_since(start()).as_secs(), 61, "the end waits as long as it was told to");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failures_are_one_message_that_counts_them() {
    let (clock, receiver) = (clock(), Receiver::answering(&[]));
    let announcer = announcer(&receiver, &clock);
    for _ in 0..1000 {
        announcer.announce(&failed(&clock));
    }
    let account = announcer.finish().await;
    assert_eq!((account[0].delivered, account[0].undelivered), (1000, 0));
    assert!(account[0].messages <= 2, "{account:?}");
    assert!(Arc::strong_count(&receiver) == 1, "its task has ended");
}
