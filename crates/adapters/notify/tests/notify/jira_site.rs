//! A site of Jira with one project and its workflow: what the REST API v3 documents and nothing more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright_ports::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::server::{Asked, Said, header, json as answer, said};
use crate::world::Passing;

/// A project that forgets nothing.
#[derive(Default)]
pub(crate) struct Project {
    pub(crate) issues: Vec<Issue>,
    /// What time it is there, and how long after its creation the search shows an issue.
    pub(crate) lags: Option<(Arc<Passing>, Duration)>,
    /// How many issues are created without an answer.
    pub(crate) silent: usize,
}

pub(crate) struct Issue {
    pub(crate) fields: Value,
    pub(crate) status: &'static str,
    pub(crate) comments: Vec<Value>,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    created: Option<Timestamp>,
}

pub(crate) type Shared = Arc<Mutex<Project>>;

/// `me@example.com:canary-token`.
const AUTHORIZATION: &str = "Basic bWVAZXhhbXBsZS5jb206Y2FuYXJ5LXRva2Vu";

/// From, to, and the transition's id.
const WORKFLOW: [(&str, &str, &str); 6] = [
    ("Awaiting approval", "Approved", "11"),
    ("Awaiting approval", "Declined", "12"),
    ("Approved", "Implementing", "21"),
    ("Implementing", "Completed", "31"),
    ("Implementing", "Failed", "32"),
    ("Approved", "Failed", "33"),
];

pub(crate) fn site(project: &Shared) -> impl Fn(&Asked) -> Said + use<> {
    let project = Arc::clone(project);
    move |asked| {
        if header(asked, "authorization") != AUTHORIZATION {
            return fault(401, "Client must be authenticated to access this resource.");
        }
        let mut project = project.lock().expect("no test panics while it looks");
        let path: Vec<&str> = asked.uri().path().trim_matches('/').split('/').collect();
        let ["rest", "api", "3", below @ ..] = path.as_slice() else { return said(404, "") };
        match (asked.method().as_str(), below) {
            ("POST", ["search", "jql"]) => search(&project, asked),
            ("POST", ["issue"]) => create(&mut project, asked),
            (method, ["issue", id, below @ ..]) => {
                let number = id.strip_prefix("OPS-").unwrap_or(id).parse::<usize>().unwrap_or(0);
                let issue = number.checked_sub(1).and_then(|index| project.issues.get_mut(index));
                let Some(issue) = issue else { return fault(404, "Issue does not exist") };
                one(issue, number, method, below, asked)
            }
            _ => said(404, ""),
        }
    }
}

fn fault(status: u16, message: &str) -> Said {
    answer(status, &json!({ "errorMessages": [message], "errors": {} }))
}

fn body(asked: &Asked) -> Result<Value, Box<Said>> {
    match header(asked, "content-type") {
        "application/json" => serde_json::from_slice(asked.body())
            .map_err(|_| fault(400, "There was an error parsing JSON").into()),
        _ => Err(said(415, "").into()),
    }
}

fn shown(issue: &Issue, number: usize) -> Value {
    let category = match issue.status {
        "Completed" | "Failed" | "Declined" => "done",
        "Implementing" => "indeterminate",
        _ => "new",
    };
    let files: Vec<Value> = issue.files.iter().map(|(name, _)| json!({ "filename": name })).collect();
    json!({
        "id": number.to_string(), "key": format!("OPS-{number}"),
        "fields": { "status": { "name": issue.status, "statusCategory": { "key": category } }, "attachment": files },
    })
}

fn search(project: &Project, asked: &Asked) -> Said {
    let body = match body(asked) {
        Ok(body) => body,
        Err(fault) => return *fault,
    };
    let jql = body["jql"].as_str().unwrap_or_default();
    let label = jql
        .strip_prefix("project = \"OPS\" AND labels = \"")
        .and_then(|rest| rest.strip_suffix("\" ORDER BY created ASC"));
    let Some(label) = label.filter(|label| !label.contains('"')) else {
        return fault(400, "Error in the JQL Query");
    };
    let has = |issue: &Issue| {
        issue.fields["labels"].as_array().is_some_and(|labels| labels.contains(&json!(label)))
    };
    let reconciled: Vec<u64> =
        body["reconcileIssues"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    if reconciled.len() > 50 {
        return fault(400, "at most 50 issues are reconciled");
    }
    let shows = |index: usize, issue: &Issue| match (&project.lags, issue.created) {
        (Some((clock, lag)), Some(created)) => {
            clock.now() >= created + *lag || reconciled.contains(&(index as u64 + 1))
        }
        _ => true,
    };
    let most = usize::try_from(body["maxResults"].as_u64().unwrap_or(50)).expect("few");
    let found = project
        .issues
        .iter()
        .enumerate()
        .filter(|(index, issue)| has(issue) && shows(*index, issue))
        .take(most);
    let found: Vec<Value> = found.map(|(index, issue)| shown(issue, index + 1)).collect();
    answer(200, &json!({ "issues": found, "isLast": true }))
}

/// A document of Atlassian's format: paragraphs of texts that are not empty.
fn is_document(document: &Value) -> bool {
    let paragraph = |node: &Value| {
        node["type"] == "paragraph"
            && node["content"].as_array().is_some_and(|texts| {
                texts.iter().all(|text| {
                    text["type"] == "text" && text["text"].as_str().is_some_and(|text| !text.is_empty())
                })
            })
    };
    document["type"] == "doc"
        && document["version"] == 1
        && document["content"].as_array().is_some_and(|nodes| nodes.iter().all(paragraph))
}

fn create(project: &mut Project, asked: &Asked) -> Said {
    let body = match body(asked) {
        Ok(body) => body,
        Err(fault) => return *fault,
    };
    let fields = &body["fields"];
    let known = ["project", "issuetype", "summary", "description", "labels", "customfield_10010"];
    let unknown =
        fields.as_object().and_then(|fields| fields.keys().find(|name| !known.contains(&name.as_str())));
    if unknown.is_some() {
        return fault(400, &format!("Field {unknown:?} cannot be set"));
    }
    let summary = fields["summary"].as_str().unwrap_or_default();
    let labels = fields["labels"].as_array().cloned().unwrap_or_default();
    let spaces =
        labels.iter().any(|label| label.as_str().is_none_or(|label| label.is_empty() || label.contains(' ')));
    if fields["project"]["key"] != "OPS" || fields["issuetype"]["name"] != "Change" {
        return fault(400, "valid project and issue type are required");
    }
    if summary.is_empty() || summary.contains('\n') || summary.chars().count() > 255 || spaces {
        return fault(400, "summary or labels");
    }
    if !is_document(&fields["description"]) {
        return fault(400, "Operation value must be an Atlassian Document");
    }
    let issue = Issue {
        fields: fields.clone(),
        status: "Awaiting approval",
        comments: Vec::new(),
        files: Vec::new(),
        created: project.lags.as_ref().map(|(clock, _)| clock.now()),
    };
    project.issues.push(issue);
    let number = project.issues.len();
    if project.silent > 0 {
        project.silent -= 1;
        return said(504, "");
    }
    answer(201, &json!({ "id": number.to_string(), "key": format!("OPS-{number}"), "self": "" }))
}

fn one(issue: &mut Issue, number: usize, method: &str, below: &[&str], asked: &Asked) -> Said {
    match (method, below) {
        ("GET", []) => answer(200, &shown(issue, number)),
        ("GET", ["transitions"]) => {
            let from = WORKFLOW.iter().filter(|(from, ..)| *from == issue.status);
            let to = |name: &str| json!({ "name": name, "statusCategory": { "key": "new" } });
            let all: Vec<Value> =
                from.map(|(_, name, id)| json!({ "id": id, "name": "go", "to": to(name) })).collect();
            answer(200, &json!({ "transitions": all }))
        }
        ("POST", ["transitions"]) => {
            let body = match body(asked) {
                Ok(body) => body,
                Err(fault) => return *fault,
            };
            let way = WORKFLOW
                .iter()
                .find(|(from, _, id)| *from == issue.status && body["transition"]["id"] == *id);
            let Some((_, to, _)) = way else {
                return fault(400, "Transition id is not valid for this issue.");
            };
            issue.status = to;
            said(204, "")
        }
        ("POST", ["comment"]) => match body(asked) {
            Ok(body) if is_document(&body["body"]) => {
                issue.comments.push(body["body"].clone());
                answer(201, &json!({ "id": "1" }))
            }
            Ok(_) => fault(400, "Comment body is not valid!"),
            Err(fault) => *fault,
        },
        ("POST", ["attachments"]) => attach(issue, asked),
        _ => said(405, ""),
    }
}

fn attach(issue: &mut Issue, asked: &Asked) -> Said {
    if header(asked, "x-atlassian-token") != "no-check" {
        return said(403, "XSRF check failed");
    }
    let Some(boundary) = header(asked, "content-type").strip_prefix("multipart/form-data; boundary=") else {
        return said(415, "");
    };
    let (begin, end) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
    let inside =
        asked.body().strip_prefix(begin.as_bytes()).and_then(|rest| rest.strip_suffix(end.as_bytes()));
    let Some(inside) = inside else { return fault(400, "no multipart") };
    let Some(at) = inside.windows(4).position(|part| part == b"\r\n\r\n") else {
        return fault(400, "no head");
    };
    let head = String::from_utf8_lossy(&inside[..at]).into_owned();
    let name = head.split("name=\"file\"; filename=\"").nth(1).and_then(|rest| rest.split('"').next());
    let Some(name) = name else { return fault(400, "no field `file`") };
    issue.files.push((name.to_owned(), inside[at + 4..].to_vec()));
    answer(200, &json!([{ "filename": name }]))
}
