//! Changes as Jira issues, from a plan to the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_notifiers::{Credentials, Jira, JiraSettings, LOOKS, SETTLES};
use fleetwright_notify::change::{ChangeOutcome, ChangeRequest, ChangeState, Verdict};
use fleetwright_ports::{Again, ChangeRecords};
use serde_json::json;

use crate::jira_site::{Shared, site};
use crate::server::Server;
use crate::servicenow::{file, request};
use crate::world::{HERE, Passing, endpoint, now, on};

pub(crate) async fn jira(token: &str) -> (Jira, Shared) {
    let project = Shared::default();
    (process(&project, token, Passing::from_now()).await, project)
}

/// A process of ours that knows nothing of others.
async fn process(project: &Shared, token: &str, clock: Arc<Passing>) -> Jira {
    let server = Server::start(site(project)).await;
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
    Jira::new(on(clock, HERE), settings)
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

/// A project whose search shows an issue so long after it was created, and its time.
fn lagging(seconds: u64) -> (Shared, Arc<Passing>) {
    let (project, clock) = (Shared::default(), Passing::from_now());
    project.lock().expect("whole").lags = Some((clock.clone(), Duration::from_secs(seconds)));
    (project, clock)
}

fn count(project: &Shared) -> usize {
    project.lock().expect("whole").issues.len()
}

#[tokio::test]
async fn what_this_process_created_is_found_at_once_though_the_search_lags() {
    let (project, clock) = lagging(3_600);
    let jira = process(&project, "canary-token", clock).await;
    let record = jira.open(&request()).await.expect("it is opened");
    let found = jira.find(&request().mark).await.expect("it answers");
    assert_eq!(found.map(|found| found.id), Some(record.id.clone()));
    assert_eq!(jira.open(&request()).await.map(|again| again.id), Ok(record.id));
    assert_eq!(count(&project), 1);
}

#[tokio::test]
async fn an_issue_of_a_process_that_died_is_waited_for_before_another_is_created() {
    let within: Duration = LOOKS.iter().sum();
    let (project, clock) = lagging(within.as_secs() - 1);
    process(&project, "canary-token", clock.clone()).await.open(&request()).await.expect("it is opened");
    let resumed = process(&project, "canary-token", clock.clone()).await;
    assert_eq!(resumed.find(&request().mark).await, Ok(None), "the search lags");
    let record = resumed.open(&request()).await.expect("it is found");
    assert_eq!((&*record.number, count(&project)), ("OPS-1", 1));
}

#[tokio::test]
async fn where_the_search_lags_longer_than_anybody_waits_everybody_takes_the_older_one() {
    let (project, clock) = lagging(3_600);
    process(&project, "canary-token", clock.clone()).await.open(&request()).await.expect("it is opened");
    let resumed = process(&project, "canary-token", clock.clone()).await;
    let record = resumed.open(&request()).await.expect("another is opened");
    assert_eq!((&*record.number, count(&project)), ("OPS-2", 2), "the limit that the adapter's page names");
    clock.pass(Duration::from_secs(3_600));
    let found = resumed.find(&request().mark).await.expect("it answers").expect("it is there");
    assert_eq!(&*found.number, "OPS-1");
}

#[tokio::test]
async fn an_unanswered_creation_is_looked_for_and_not_repeated_before_it_would_have_shown() {
    let (project, clock) = lagging(240);
    project.lock().expect("whole").silent = 1;
    let jira = process(&project, "canary-token", clock.clone()).await;
    let lost = jira.open(&request()).await.expect_err("there was no answer");
    assert_eq!(lost.again, Again::Later, "{lost}");
    let unknown = jira.open(&request()).await.expect_err("nobody knows");
    assert_eq!(unknown.again, Again::Later);
    assert!(
        unknown.message.contains("was created") && unknown.message.contains("fleetwright-run-1"),
        "{unknown}"
    );
    assert_eq!(count(&project), 1, "not repeated");
    clock.pass(Duration::from_secs(240));
    let record = jira.open(&request()).await.expect("it is found");
    assert_eq!((&*record.number, count(&project)), ("OPS-1", 1));
}

#[tokio::test]
async fn an_unanswered_creation_that_never_was_is_repeated_in_the_end() {
    let (project, clock) = lagging(0);
    project.lock().expect("whole").silent = 1;
    let jira = process(&project, "canary-token", clock.clone()).await;
    jira.open(&request()).await.expect_err("there was no answer");
    project.lock().expect("whole").issues.clear();
    jira.open(&request()).await.expect_err("nobody knows");
    clock.pass(SETTLES.unsigned_abs());
    let record = jira.open(&request()).await.expect("it is created");
    assert_eq!((&*record.number, count(&project)), ("OPS-1", 1));
}

#[tokio::test]
async fn a_refused_creation_is_repeated_as_soon_as_what_was_wrong_is_mended() {
    let (jira, project) = jira("canary-token").await;
    let untitled = ChangeRequest { title: String::new(), ..request() };
    let refused = jira.open(&untitled).await.expect_err("Jira wants a summary");
    assert_eq!((refused.again, count(&project)), (Again::Never, 0), "{refused}");
    jira.open(&request()).await.expect("nothing is waited for");
}
