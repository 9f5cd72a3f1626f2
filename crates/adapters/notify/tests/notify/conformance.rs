//! The ports' own suites against every adapter.

use std::sync::{Arc, Mutex};

use fleetwright_notifiers::{Slack, Teams, Webhook};
use fleetwright_notify::change::mark;
use fleetwright_ports::Notifier;
use fleetwright_ports::conformance::change_records::{self, Desk};
use fleetwright_ports::conformance::notifier::{self, Mood, Receiver};

use crate::chat::{slack, teams};
use crate::jira::jira;
use crate::server::{Asked, Said, Server, said};
use crate::servicenow::servicenow;
use crate::webhook::{SECRET, receiver, secret};
use crate::world::{HERE, endpoint, long_message, message, now, outbound};

/// A receiver that takes what `takes` does while it is well.
async fn moody(takes: fn(&Asked) -> Said) -> (Server, Arc<Mutex<Mood>>) {
    let mood = Arc::new(Mutex::new(Mood::Well));
    let now = Arc::clone(&mood);
    let server = Server::start(move |asked| match *now.lock().expect("whole") {
        Mood::Well => takes(asked),
        Mood::Overloaded => said(503, "try\r\nlater"),
        Mood::OverloadedFor(wait) => {
            let mut said = said(429, "rate_limited");
            let seconds = wait.as_secs().to_string().parse().expect("a number is a header");
            said.headers_mut().insert("retry-after", seconds);
            said
        }
        Mood::Refuses => said(403, format!("no\n{} is gone {}", asked.uri(), "\u{1b}[2J".repeat(400))),
    })
    .await;
    (server, mood)
}

async fn check(notifier: &dyn Notifier, server: &Server, mood: &Mutex<Mood>) {
    let told = Receiver {
        set: &|to| *mood.lock().expect("whole") = to,
        asked: &|| server.heard.count(),
        secret: "canary",
    };
    notifier::check(notifier, &[message("web-1 failed"), long_message()], &told).await;
}

#[tokio::test]
async fn slack_keeps_the_contract_of_notifiers() {
    let (server, mood) = moody(slack).await;
    let slack = Slack::new(outbound(HERE), endpoint(&server.url("/services/T0/B0/canary")));
    check(&slack, &server, &mood).await;
}

#[tokio::test]
async fn teams_keeps_the_contract_of_notifiers() {
    let (server, mood) = moody(teams).await;
    let teams = Teams::new(outbound(HERE), endpoint(&server.url("/workflows/canary/triggers")));
    check(&teams, &server, &mood).await;
}

#[tokio::test]
async fn a_webhook_keeps_the_contract_of_notifiers() {
    let (server, mood) = moody(receiver).await;
    let webhook = Webhook::new(outbound(HERE), endpoint(&server.url("/hook/canary")), secret(SECRET));
    check(&webhook, &server, &mood).await;
}

#[tokio::test]
async fn servicenow_keeps_the_contract_of_change_records() {
    let (servicenow, table) = servicenow("canary-secret").await;
    let table = || table.lock().expect("no test panics while it looks");
    let approve = |mark: &str| {
        for row in table().rows.iter_mut().filter(|row| row["correlation_id"] == mark) {
            row.extend(
                [("approval", "approved"), ("state", "-2")].map(|(k, v)| (k.to_owned(), v.to_owned())),
            );
        }
    };
    let files = |mark: &str| {
        let table = table();
        let row = table.rows.iter().find(|row| row["correlation_id"] == mark).expect("it is there");
        let of_row = table.files.iter().filter(|(id, ..)| *id == row["sys_id"]);
        of_row.map(|(_, name, content)| (name.clone(), content.clone())).collect()
    };
    let count = |mark: &str| table().rows.iter().filter(|row| row["correlation_id"] == mark).count();
    let desk = Desk { approve: &approve, count: &count, files: &files };
    change_records::check(&servicenow, now(), &desk).await;
}

#[tokio::test]
async fn jira_keeps_the_contract_of_change_records() {
    let (jira, project) = jira("canary-token").await;
    let marked = |issue: &crate::jira_site::Issue, mark: &str| {
        issue.fields["labels"].as_array().is_some_and(|labels| labels.iter().any(|label| label == mark))
    };
    let project = || project.lock().expect("no test panics while it looks");
    let approve = |mark: &str| {
        for issue in project().issues.iter_mut().filter(|issue| marked(issue, mark)) {
            issue.status = "Approved";
        }
    };
    let files = |mark: &str| {
        let project = project();
        project
            .issues
            .iter()
            .filter(|issue| marked(issue, mark))
            .flat_map(|issue| issue.files.clone())
            .collect()
    };
    let count = |mark: &str| project().issues.iter().filter(|issue| marked(issue, mark)).count();
    let desk = Desk { approve: &approve, count: &count, files: &files };
    change_records::check(&jira, now(), &desk).await;
    assert_eq!(count(&mark("nobody")), 0);
}
