//! Answers: documents, texts and errors, as the API server words them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// What a request is answered with.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The HTTP status; 0 stands for 200.
    pub(super) status: u16,
    /// The type of the content.
    pub(super) content_type: String,
    /// The content.
    pub(super) body: String,
    /// Warnings for the user.
    pub(super) warnings: Vec<String>,
    /// Seconds after which to ask again.
    pub(super) retry_seconds: Option<u64>,
    /// True where nothing has happened yet that a watch waits for.
    pub(super) waits: bool,
    /// The version up to which a watch was told, where it can go on.
    pub(super) goes_on: Option<u64>,
}

impl Answer {
    /// A document.
    pub(super) fn document(document: &Value) -> Self {
        Self { content_type: "application/json".to_owned(), body: document.to_string(), ..Self::default() }
    }

    /// A document about something new.
    pub(super) fn created(document: &Value) -> Self {
        Self { status: 201, ..Self::document(document) }
    }

    /// A text.
    pub(super) fn text(body: impl Into<String>) -> Self {
        Self { content_type: "text/plain; charset=utf-8".to_owned(), body: body.into(), ..Self::default() }
    }
}

/// An error.
#[derive(Clone, Debug)]
pub(super) struct Status {
    /// The HTTP status.
    pub(super) code: u16,
    /// The API's word.
    pub(super) reason: String,
    /// For people.
    pub(super) message: String,
    /// More for programs.
    pub(super) details: Value,
    /// Seconds after which to ask again.
    pub(super) retry_seconds: Option<u64>,
}

impl Status {
    pub(super) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self { code, reason, message, details: Value::Null, retry_seconds: None }
    }

    /// What a request says makes no sense.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// There is no such object.
    pub(super) fn missing(resource: &str, name: &str) -> Self {
        let details = json!({ "name": name, "kind": resource });
        Self { details, ..Self::new(404, "NotFound", format!("{resource} \"{name}\" not found")) }
    }

    /// A version that a list or watch asks for is not known any more.
    pub(super) fn expired() -> Self {
        let message =
            "The provided continue parameter or resource version is too old; start over without it.";
        Self::new(410, "Expired", message)
    }

    /// The error as a document.
    pub(super) fn document(&self) -> Value {
        let mut document = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            document["details"] = self.details.clone();
        }
        if let Some(seconds) = self.retry_seconds {
            document["details"]["retryAfterSeconds"] = seconds.into();
        }
        document
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        let document = Self::document(&status.document());
        Self { status: status.code, retry_seconds: status.retry_seconds, ..document }
    }
}

/// The answer as HTTP carries it.
pub(super) fn response(answer: Answer) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(answer.body));
    let status = if answer.status == 0 { 200 } else { answer.status };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&answer.content_type) {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(seconds) = answer.retry_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for warning in &answer.warnings {
        // RFC 7234, 5.5: code 299, no agent.
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{}\"", warning.replace('"', "\\\""))) {
            headers.append(HeaderName::from_static("warning"), value);
        }
    }
    response
}
