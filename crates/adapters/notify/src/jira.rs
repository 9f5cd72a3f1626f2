//! Changes as Jira issues.
//!
//! Sources: Jira Cloud platform REST API v3, "Issue search" (`/search/jql`), "Issues", "Issue attachments"
//! (`X-Atlassian-Token: no-check`); "Search After Write with Search And Reconcile"; Atlassian Document Format.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState};
use fleetwright_notify::shortened;
use fleetwright_ports::{Again, Attachment, ChangeRecords, NotSent};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::{later, never};
use crate::endpoint::Endpoint;
use crate::http::{Call, Http};
use crate::settings::{Credentials, Outbound};

/// Characters of a summary.
const LONGEST_SUMMARY: usize = 255;
/// Bytes of a description; Jira takes 32,767 characters.
const LONGEST_TEXT: usize = 30_000;

/// Between looks for an issue that somebody else may have just created. Most changes are found within seconds
/// ("Search After Write").
pub const LOOKS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(25)];
/// How long after an unanswered request to create an issue none is created: searches may lag by minutes.
pub const SETTLES: SignedDuration = SignedDuration::from_mins(5);

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
///
/// # One run, one issue
///
/// Jira's search lags behind: an issue may be found seconds, at worst minutes after it was created. So
/// - what this process created is asked for by its id as well (`reconcileIssues`), which Jira answers at once;
/// - before any issue is created, the search is given [`LOOKS`] to show one that an earlier process made;
/// - where a request to create one was not answered, nobody creates another for [`SETTLES`]: until then opening it
///   again says that it will be looked for once more.
///
/// What remains: a process that dies between creating an issue and the index knowing of it, followed by another one
/// within seconds that finds nothing for all of [`LOOKS`]. Then there are two issues with one label; everybody takes
/// the older one, and people close the other.
#[derive(Debug)]
pub struct Jira {
    http: Http,
    settings: JiraSettings,
    /// What became of issues that this process was to create, by mark.
    ours: Mutex<BTreeMap<String, Ours>>,
}

/// An issue that this process was to create.
#[derive(Clone, Copy, Debug)]
enum Ours {
    /// It is there, under that id.
    Created(u64),
    /// It was asked for then, and nobody knows whether it is there.
    Unanswered(Timestamp),
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
    id: String,
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
        let http = Http::new(outbound, Some(settings.credentials.clone()), Vec::new());
        Self { http, settings, ours: Mutex::default() }
    }

    fn ours(&self) -> MutexGuard<'_, BTreeMap<String, Ours>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record with that mark, as soon as the search shows it: looked for now and after each of [`LOOKS`].
    async fn find_patiently(&self, mark: &str) -> Result<Option<ChangeRecord>, NotSent> {
        for wait in LOOKS {
            if let Some(record) = self.find(mark).await? {
                return Ok(Some(record));
            }
            self.http.outbound().clock.sleep(wait).await;
        }
        self.find(mark).await
    }

    /// Creates the issue. What came of it is remembered before anybody can ask.
    async fn create(&self, request: &ChangeRequest) -> Result<Created, NotSent> {
        let endpoint = self.settings.site.at("/rest/api/3/issue", &[]);
        let body = json!({ "fields": self.fields(request) });
        let asked_at = self.http.outbound().clock.now();
        let mark = request.mark.to_string();
        // Before it is sent: whoever drops this future in between knows as little as one without an answer.
        self.ours().insert(mark.clone(), Ours::Unanswered(asked_at));
        let answer =
            self.http.send_json(Method::POST, &endpoint, Some(&body)).await.inspect_err(|failure| {
                // Refused for good: nothing was created, and once that is mended there is nothing to wait for.
                if failure.again == Again::Never {
                    self.ours().remove(&mark);
                }
            })?;
        let unreadable =
            |error: &dyn std::fmt::Display| never(format!("the created issue cannot be read: {error}"));
        let created: Created = serde_json::from_slice(&answer.body).map_err(|error| unreadable(&error))?;
        let id: u64 = created.id.parse().map_err(|error| unreadable(&error))?;
        self.ours().insert(mark, Ours::Created(id));
        Ok(created)
    }

    fn fields(&self, request: &ChangeRequest) -> Value {
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
        fields
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
        let mut body = json!({ "jql": jql, "maxResults": 1, "fields": ["status"] });
        if let Some(Ours::Created(id)) = self.ours().get(mark) {
            body["reconcileIssues"] = json!([id]);
        }
        let endpoint = self.settings.site.at("/rest/api/3/search/jql", &[]);
        let Found { issues } = self.http.json(Method::POST, &endpoint, Some(&body)).await?;
        Ok(issues.into_iter().next().map(|issue| self.record(issue)))
    }

    async fn open(&self, request: &ChangeRequest) -> Result<ChangeRecord, NotSent> {
        let ours = self.ours().get(&*request.mark).copied();
        let found = match ours {
            Some(Ours::Created(_)) => self.find(&request.mark).await?,
            Some(Ours::Unanswered(_)) | None => self.find_patiently(&request.mark).await?,
        };
        if let Some(record) = found {
            return Ok(record);
        }
        match ours {
            // Somebody took its label away; the issue itself is asked for.
            Some(Ours::Created(id)) => return Ok(self.record(self.read(&id.to_string()).await?)),
            Some(Ours::Unanswered(at)) if self.http.outbound().clock.now() < at + SETTLES => {
                return Err(later(format!(
                    "nobody knows whether the issue {} that was asked for at {at} was created; it is looked for \
                     until {} before another is",
                    request.mark,
                    at + SETTLES
                )));
            }
            _ => {}
        }
        let Created { key, .. } = self.create(request).await?;
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
