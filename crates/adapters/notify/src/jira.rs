//! Changes as Jira issues.
//!
//! Sources: Jira Cloud platform REST API v3, "Issue search" (`/search/jql`), "Issues", "Issue attachments"
//! (`X-Atlassian-Token: no-check`); Atlassian Document Format.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState};
use fleetwright_notify::shortened;
use fleetwright_ports::{Attachment, ChangeRecords, NotSent};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::never;
use crate::endpoint::Endpoint;
use crate::http::{Call, Http};
use crate::settings::{Credentials, Outbound};

/// Characters of a summary.
const LONGEST_SUMMARY: usize = 255;
/// Bytes of a description; Jira takes 32,767 characters.
const LONGEST_TEXT: usize = 30_000;

/// How changes are opened, and what the project's workflow calls their states. Names count in any case.
#[derive(Clone, Debug)]
pub struct JiraSettings {
    /// The site: `https://example.atlassian.net`.
    pub site: Endpoint,
    /// Who we are there.
    pub credentials: Credentials,
    /// The key of the project.
    pub project: String,
    /// The name of the issue type.
    pub issue_type: String,
    /// Further fields of a new issue, by id.
    pub fields: BTreeMap<String, String>,
    /// Statuses in which the change may be made.
    pub approved: Vec<String>,
    /// Statuses in which it must not be.
    pub rejected: Vec<String>,
    /// The status of a change that is being made.
    pub underway: String,
    /// The status of one that was made.
    pub done: String,
    /// The status of one that failed.
    pub failed: String,
}

/// A site of Jira.
#[derive(Debug)]
pub struct Jira {
    http: Http,
    settings: JiraSettings,
}

#[derive(Deserialize)]
struct Found {
    issues: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    id: String,
    key: String,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    status: Status,
    #[serde(default)]
    attachment: Vec<Attached>,
}

#[derive(Deserialize)]
struct Attached {
    filename: String,
}

#[derive(Deserialize)]
struct Status {
    name: String,
    #[serde(rename = "statusCategory")]
    category: Category,
}

#[derive(Deserialize)]
struct Category {
    key: String,
}

#[derive(Deserialize)]
struct Created {
    key: String,
}

#[derive(Deserialize)]
struct Transitions {
    transitions: Vec<Transition>,
}

#[derive(Deserialize)]
struct Transition {
    id: String,
    to: Status,
}

impl Jira {
    /// That site.
    pub fn new(outbound: Outbound, settings: JiraSettings) -> Self {
        Self { http: Http::new(outbound, Some(settings.credentials.clone()), Vec::new()), settings }
    }

    fn record(&self, issue: Issue) -> ChangeRecord {
        let url = self.settings.site.at(&format!("/browse/{}", issue.key), &[]);
        ChangeRecord {
            state: self.state(&issue.fields.status),
            state_name: issue.fields.status.name.into(),
            url: url.shown(),
            number: issue.key.clone().into(),
            id: issue.id.into(),
            starts_at: None,
            ends_at: None,
        }
    }

    fn state(&self, status: &Status) -> ChangeState {
        let among = |names: &[String]| names.iter().any(|name| same(name, &status.name));
        if among(&self.settings.rejected) {
            ChangeState::Rejected
        } else if among(&self.settings.approved) || same(&self.settings.underway, &status.name) {
            ChangeState::Approved
        } else if same(&self.settings.failed, &status.name) || status.category.key == "done" {
            ChangeState::Closed
        } else {
            ChangeState::Waits
        }
    }

    fn issue(&self, id: &str, below: &str, query: &[(&str, &str)]) -> Result<Endpoint, NotSent> {
        // Ids become a part of paths: nothing else may.
        match !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            true => Ok(self.settings.site.at(&format!("/rest/api/3/issue/{id}{below}"), query)),
            false => Err(never(format!("{id:?} is no id of a Jira issue"))),
        }
    }

    async fn read(&self, id: &str) -> Result<Issue, NotSent> {
        let endpoint = self.issue(id, "", &[("fields", "status,attachment")])?;
        self.http.json(Method::GET, &endpoint, None).await
    }

    /// Brings an issue into a status, where it is not in it.
    async fn bring(&self, id: &str, status: &str) -> Result<(), NotSent> {
        if same(&self.read(id).await?.fields.status.name, status) {
            return Ok(());
        }
        let endpoint = self.issue(id, "/transitions", &[])?;
        let Transitions { transitions } = self.http.json(Method::GET, &endpoint, None).await?;
        let Some(way) = transitions.iter().find(|transition| same(&transition.to.name, status)) else {
            let names: Vec<&str> = transitions.iter().map(|transition| transition.to.name.as_str()).collect();
            return Err(never(format!("no transition of the issue leads to {status:?}, only to {names:?}")));
        };
        let body = json!({ "transition": { "id": way.id } });
        self.http.send_json(Method::POST, &endpoint, Some(&body)).await.map(drop)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// Lines of text as a document: one paragraph each, without any mark-up.
fn document(text: &str) -> Value {
    let text = shortened(text, LONGEST_TEXT);
    let paragraphs = text.lines().filter(|line| !line.trim().is_empty());
    let paragraphs =
        paragraphs.map(|line| json!({ "type": "paragraph", "content": [{ "type": "text", "text": line }] }));
    json!({ "type": "doc", "version": 1, "content": paragraphs.collect::<Vec<_>>() })
}

#[async_trait]
impl ChangeRecords for Jira {
    async fn find(&self, mark: &str) -> Result<Option<ChangeRecord>, NotSent> {
        // Marks are made of letters, digits, `-` and `_`: nothing in them ends a text of JQL.
        let jql =
            format!("project = \"{}\" AND labels = \"{mark}\" ORDER BY created ASC", self.settings.project);
        let body = json!({ "jql": jql, "maxResults": 1, "fields": ["status"] });
        let endpoint = self.settings.site.at("/rest/api/3/search/jql", &[]);
        let Found { issues } = self.http.json(Method::POST, &endpoint, Some(&body)).await?;
        Ok(issues.into_iter().next().map(|issue| self.record(issue)))
    }

    async fn open(&self, request: &ChangeRequest) -> Result<ChangeRecord, NotSent> {
        if let Some(record) = self.find(&request.mark).await? {
            return Ok(record);
        }
        let text = format!(
            "{}\nFrom {} to {}.\nTaking it back: {}\nProof: {}",
            request.description, request.starts_at, request.ends_at, request.backout, request.test
        );
        let mut fields = json!({
            "project": { "key": self.settings.project },
            "issuetype": { "name": self.settings.issue_type },
            "summary": shortened(&request.title, LONGEST_SUMMARY),
            "description": document(&text),
            "labels": ["fleetwright", &*request.mark],
        });
        for (name, value) in &self.settings.fields {
            fields[name] = json!(value);
        }
        let endpoint = self.settings.site.at("/rest/api/3/issue", &[]);
        let body = json!({ "fields": fields });
        let Created { key } = self.http.json(Method::POST, &endpoint, Some(&body)).await?;
        Ok(self.record(self.read(&key).await?))
    }

    async fn attach(&self, record: &ChangeRecord, file: &Attachment) -> Result<(), NotSent> {
        let issue = self.read(&record.id).await?;
        if issue.fields.attachment.iter().any(|attached| attached.filename == file.name) {
            return Ok(());
        }
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./+".contains(&b));
        if !plain(&file.name) || !plain(&file.media_type) {
            return Err(never(format!("{:?} is no name of an attachment", file.name)));
        }
        let boundary = boundary(&file.content);
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: {}\r\n\r\n",
            file.name, file.media_type
        )
        .into_bytes();
        body.extend_from_slice(&file.content);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let endpoint = self.issue(&record.id, "/attachments", &[])?;
        let media_type = format!("multipart/form-data; boundary={boundary}");
        let headers = vec![("x-atlassian-token", "no-check".to_owned())];
        let call = Call { method: Method::POST, endpoint: &endpoint, headers, media_type: &media_type, body };
        self.http.send(call).await.map(drop)
    }

    async fn begin(&self, record: &ChangeRecord) -> Result<(), NotSent> {
        self.bring(&record.id, &self.settings.underway).await
    }

    async fn close(
        &self,
        record: &ChangeRecord,
        outcome: ChangeOutcome,
        summary: &str,
    ) -> Result<(), NotSent> {
        let status = match outcome {
            ChangeOutcome::Successful | ChangeOutcome::Issues => &self.settings.done,
            ChangeOutcome::Unsuccessful => &self.settings.failed,
        };
        let now = self.read(&record.id).await?.fields.status;
        if same(&now.name, status) || self.state(&now) == ChangeState::Closed {
            return Ok(());
        }
        let comment = json!({ "body": document(&format!("{outcome}\n{summary}")) });
        let endpoint = self.issue(&record.id, "/comment", &[])?;
        self.http.send_json(Method::POST, &endpoint, Some(&comment)).await?;
        self.bring(&record.id, status).await
    }
}

/// A boundary that does not occur in the content (RFC 2046, 5.1.1).
fn boundary(content: &[u8]) -> String {
    let occurs = |boundary: &str| content.windows(boundary.len()).any(|part| part == boundary.as_bytes());
    let candidates = (0_u32..).map(|number| format!("fleetwright-{number:08x}"));
    candidates
        .into_iter()
        .find(|boundary| !occurs(boundary))
        .expect("content is shorter than all of them together")
}
