//! Changes as Jira issues, from a plan to the end.

use std::collections::BTreeMap;

use fleetwright_notifiers::{Credentials, Jira, JiraSettings};
use fleetwright_notify::change::{ChangeOutcome, ChangeRequest, ChangeState, Verdict};
use fleetwright_ports::{Again, ChangeRecords};
use serde_json::json;

use crate::jira_site::{Shared, site};
use crate::server::Server;
use crate::servicenow::{file, request};
use crate::world::{HERE, endpoint, now, outbound};

async fn jira(token: &str) -> (Jira, Shared) {
    let project = Shared::default();
    let server = Server::start(site(&project)).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let settings = JiraSettings {
        site: endpoint(&server.url("/")),
        credentials: Credentials::Basic { user: "me@example.com".to_owned(), password: token.to_owned() },
        project: "OPS".to_owned(),
        issue_type: "Change".to_owned(),
        fields: BTreeMap::from([("customfield_10010".to_owned(), "low".to_owned())]),
        approved: names(&["approved"]),
        rejected: names(&["Declined"]),
        underway: "Implementing".to_owned(),
        done: "Completed".to_owned(),
        failed: "Failed".to_owned(),
    };
    (Jira::new(outbound(HERE), settings), project)
}

fn set(project: &Shared, status: &'static str) {
    project.lock().expect("no test panics while it looks").issues[0].status = status;
}

#[tokio::test]
async fn a_change_is_opened_once_approved_begun_and_closed_with_its_evidence() {
    let (jira, project) = jira("canary-token").await;
    assert_eq!(jira.find(&request().mark).await, Ok(None));
    let record = jira.open(&request()).await.expect("it is opened");
    assert_eq!((&*record.number, record.state), ("OPS-1", ChangeState::Waits));
    assert!(record.url.ends_with("/browse/OPS-1"), "{}", record.url);
    let again = jira.open(&request()).await.expect("it is found");
    assert_eq!((again.id, project.lock().expect("whole").issues.len()), (record.id.clone(), 1));
    set(&project, "Approved");
    let approved = jira.find(&request().mark).await.expect("it answers").expect("it is there");
    assert_eq!(approved.verdict(now()), Verdict::Go);
    for _ in 0..2 {
        jira.begin(&record).await.expect("it is begun");
    }
    for _ in 0..2 {
        jira.attach(&record, &file()).await.expect("a file is attached");
        jira.close(&record, ChangeOutcome::Successful, "3 of 3\n\nall well").await.expect("it is closed");
    }
    let project = project.lock().expect("whole");
    let issue = &project.issues[0];
    assert_eq!((issue.status, issue.comments.len(), issue.files.len()), ("Completed", 1, 1));
    assert_eq!(issue.files[0], ("summary.txt".to_owned(), file().content));
    assert_eq!(issue.fields["labels"], json!(["fleetwright", "fleetwright-run-1"]));
}

#[tokio::test]
async fn a_declined_change_says_so_and_a_failed_one_ends_as_failed() {
    let (jira, project) = jira("canary-token").await;
    let record = jira.open(&request()).await.expect("it is opened");
    set(&project, "Declined");
    let declined = jira.find(&request().mark).await.expect("it answers").expect("it is there");
    assert!(matches!(declined.verdict(now()), Verdict::Never(_)));
    set(&project, "Implementing");
    jira.close(&record, ChangeOutcome::Unsuccessful, "halted").await.expect("it is closed");
    assert_eq!(project.lock().expect("whole").issues[0].status, "Failed");
}

#[tokio::test]
async fn a_long_title_and_description_are_cut_to_what_jira_takes() {
    let (jira, _) = jira("canary-token").await;
    let long = ChangeRequest { title: "x".repeat(400), description: "é\n".repeat(40_000), ..request() };
    jira.open(&long).await.expect("it is opened");
}

#[tokio::test]
async fn wrong_credentials_and_ways_the_workflow_does_not_have_are_told() {
    let (stranger, _) = jira("canary-other").await;
    let failure = stranger.find("x").await.expect_err("it is refused");
    assert!(failure.message.contains("401") && !failure.message.contains("canary"), "{}", failure.message);
    let (jira, _) = jira("canary-token").await;
    let record = jira.open(&request()).await.expect("it is opened");
    let failure = jira.begin(&record).await.expect_err("nobody approved");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("only to [\"Approved\", \"Declined\"]"), "{}", failure.message);
}
