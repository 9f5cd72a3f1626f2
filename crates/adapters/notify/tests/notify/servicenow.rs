//! Change requests in ServiceNow, from a plan to the end.

use std::collections::BTreeMap;

use fleetwright_notifiers::{Credentials, ServiceNow, ServiceNowSettings};
use fleetwright_notify::change::{ChangeOutcome, ChangeRequest, ChangeState, Verdict, mark};
use fleetwright_ports::{Again, Attachment, ChangeRecords};

use crate::server::Server;
use crate::servicenow_instance::{Shared, instance};
use crate::world::{HERE, endpoint, now, outbound};

pub(crate) fn request() -> ChangeRequest {
    ChangeRequest {
        mark: mark("run-1"),
        title: "Patch 3 instances".to_owned(),
        description: "Run run-1\nweb".to_owned(),
        backout: "restore".to_owned(),
        test: "compare".to_owned(),
        starts_at: now(),
        ends_at: now() + jiff::SignedDuration::from_hours(2),
    }
}

pub(crate) fn file() -> Attachment {
    let content = b"summary\r\n--fleetwright-00000000\r\n".to_vec();
    Attachment { name: "summary.txt".to_owned(), media_type: "text/plain".to_owned(), content }
}

pub(crate) async fn servicenow(password: &str) -> (ServiceNow, Shared) {
    let table = Shared::default();
    let server = Server::start(instance(&table)).await;
    let settings = ServiceNowSettings {
        instance: endpoint(&server.url("")),
        credentials: Credentials::Basic { user: "me".to_owned(), password: password.to_owned() },
        change_type: "normal".to_owned(),
        fields: BTreeMap::from([("assignment_group".to_owned(), "Platform".to_owned())]),
    };
    (ServiceNow::new(outbound(HERE), settings), table)
}

/// What people do in ServiceNow.
fn set(table: &Shared, pairs: &[(&str, &str)]) {
    let mut table = table.lock().expect("no test panics while it looks");
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    table.rows[0].extend(pairs);
}

fn value(table: &Shared, name: &str) -> String {
    table.lock().expect("no test panics while it looks").rows[0][name].clone()
}

#[tokio::test]
async fn a_change_is_opened_once_approved_begun_and_closed_with_its_evidence() {
    let (servicenow, table) = servicenow("canary-secret").await;
    assert_eq!(servicenow.find(&request().mark).await, Ok(None));
    let record = servicenow.open(&request()).await.expect("it is opened");
    assert_eq!((&*record.number, record.state), ("CHG0000001", ChangeState::Waits));
    assert!(matches!(record.verdict(now()), Verdict::Wait(_)));
    // Made, and the process ended before approval was asked for.
    set(&table, &[("state", "-5")]);
    servicenow.open(&request()).await.expect("it is found");
    assert_eq!(value(&table, "state"), "-4", "it is not left where nobody looks");
    let again = servicenow.open(&request()).await.expect("it is found");
    assert_eq!((again.id, table.lock().expect("whole").rows.len()), (record.id.clone(), 1));
    set(&table, &[("approval", "approved"), ("state", "-2")]);
    let approved = servicenow.find(&request().mark).await.expect("it answers").expect("it is there");
    assert_eq!((approved.starts_at, approved.verdict(now())), (Some(now()), Verdict::Go));
    servicenow.begin(&record).await.expect("it is begun");
    for _ in 0..2 {
        servicenow.attach(&record, &file()).await.expect("a file is attached");
        servicenow.close(&record, ChangeOutcome::Issues, "2 of 3").await.expect("it is closed");
    }
    assert_eq!(table.lock().expect("whole").files.len(), 1);
    assert_eq!(table.lock().expect("whole").files[0].2, file().content);
    assert_eq!(
        (value(&table, "state"), value(&table, "close_code")),
        ("3".into(), "successful_issues".into())
    );
    assert_eq!(value(&table, "close_notes"), "2 of 3");
}

#[tokio::test]
async fn a_rejected_change_says_so_and_one_that_was_never_begun_is_cancelled() {
    let (servicenow, table) = servicenow("canary-secret").await;
    let record = servicenow.open(&request()).await.expect("it is opened");
    set(&table, &[("approval", "rejected")]);
    let rejected = servicenow.find(&request().mark).await.expect("it answers").expect("it is there");
    assert!(matches!(rejected.verdict(now()), Verdict::Never(_)));
    servicenow.close(&record, ChangeOutcome::Unsuccessful, "rejected").await.expect("it is closed");
    assert_eq!(value(&table, "state"), "4");
}

#[tokio::test]
async fn wrong_credentials_and_what_the_state_model_forbids_are_told_and_not_tried_again() {
    let (stranger, _) = servicenow("canary-other").await;
    let failure = stranger.find("x").await.expect_err("it is refused");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("401") && !failure.message.contains("canary"), "{}", failure.message);
    let (servicenow, _) = servicenow("canary-secret").await;
    let record = servicenow.open(&request()).await.expect("it is opened");
    let failure = servicenow.begin(&record).await.expect_err("nobody approved");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("no transition from -4 to -1"), "{}", failure.message);
}
