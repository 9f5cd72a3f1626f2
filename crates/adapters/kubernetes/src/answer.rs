//! What answers mean.
//!
//! Sources: Kubernetes API reference, "Status"; RFC 9110 (status codes, `Retry-After`); Kubernetes documentation,
//! "API-initiated Eviction"; `k8s.io/api/policy/v1`, `DisruptionBudgetCause`.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use fleetwright_model::code::{self, Code};
use fleetwright_model::redaction::{HIDDEN, redact};
use fleetwright_model::{ErrorClass, Failure, Text};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use serde_json::Value;

/// Bytes of an answer once it is unpacked, at most.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;
/// Characters of an answer that is no `Status`, in a message.
const EXCERPT: usize = 160;
/// The header that says under which id a request is in the audit log (Kubernetes documentation, "Auditing"; `k8s.io/apiserver`,
/// `pkg/apis/audit`, `HeaderAuditID`).
const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
/// Characters of that id that are kept; it is a UUID.
const AUDIT_ID_LONGEST: usize = 80;

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Bytes,
    packed: bool,
    audit_id: Option<Text>,
}

/// An answer that is none, and how long its server asks to be left alone.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    pub(crate) wait: Option<Duration>,
    /// The token was not taken.
    pub(crate) unauthenticated: bool,
    /// What was asked for may have been done nevertheless.
    pub(crate) doubt: bool,
    /// The status of the answer, where there was one.
    pub(crate) status: Option<u16>,
    /// What the server said, a `Status`; null where it is none.
    pub(crate) said: Value,
    /// Under which the request is in the audit log of the cluster.
    pub(crate) audit_id: Option<Text>,
}

impl Refused {
    /// A request that did not reach the server.
    pub(crate) fn unsent(failure: Failure) -> Box<Self> {
        Box::new(Self {
            failure,
            wait: None,
            unauthenticated: false,
            doubt: false,
            status: None,
            said: Value::Null,
            audit_id: None,
        })
    }

    /// One that was sent, and whose answer did not come.
    pub(crate) fn lost(failure: Failure) -> Box<Self> {
        Box::new(Self { doubt: true, ..*Self::unsent(failure) })
    }

    /// Whether the server says nothing of which part of the request it is about.
    pub(crate) fn names_nothing(&self) -> bool {
        self.said["details"]["causes"].as_array().is_none_or(Vec::is_empty)
    }

    /// Why disruption budgets do not let a pod go, where it is that: one of them is named as the cause, or several are about
    /// the pod, which the server calls a fault of its own (`pkg/registry/core/pod/storage/eviction.go`). A server that
    /// is busy answers 429 as well, and names no cause.
    pub(crate) fn by_budgets(&self) -> Option<String> {
        by_budgets(self.status?, &self.said)
    }
}

/// What a server says of pods that several budgets are about.
const SEVERAL_BUDGETS: &str = "more than one PodDisruptionBudget";

fn by_budgets(status: u16, said: &Value) -> Option<String> {
    let text = |of: &Value| redact(of["message"].as_str().unwrap_or_default()).into_owned();
    let causes = said["details"]["causes"].as_array().into_iter().flatten();
    let causes: Vec<String> = causes.filter(|it| it["reason"] == "DisruptionBudget").map(text).collect();
    match status {
        429 if !causes.is_empty() => Some(format!("{} {}", text(said), causes.join(" "))),
        500 if text(said).contains(SEVERAL_BUDGETS) => Some(text(said)),
        _ => None,
    }
}

/// A failure of a request to a cluster.
pub(crate) fn failure(
    (class, code): (ErrorClass, &'static Code),
    (cluster, what): (&str, &str),
    words: &str,
) -> Failure {
    Failure::new(class, code, format!("kubernetes:{what}"), &format!("cluster {cluster}: {words}"))
}

/// An answer that is not what it should be.
pub(crate) fn unexpected(of: (&str, &str), words: &str) -> Failure {
    failure((ErrorClass::Permanent, &code::UNEXPECTED_ANSWER), of, words)
}

impl Answer {
    /// Under which the request is in the audit log of the cluster.
    pub(crate) fn audit_id(&self) -> Option<Text> {
        self.audit_id.clone()
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn json(&self, of: (&str, &str)) -> Result<Value, Failure> {
        let fault = |error: serde_json::Error| unexpected(of, &format!("the answer is no JSON: {error}"));
        match self.packed {
            false => serde_json::from_slice(&self.body).map_err(fault),
            true => serde_json::from_reader(BufReader::new(self.unpacked())).map_err(fault),
        }
    }

    /// Lines of the answer that begin with the name of a metric.
    ///
    /// # Errors
    /// It is no text.
    pub(crate) fn metric(&self, name: &str, of: (&str, &str)) -> Result<Vec<String>, Failure> {
        let reader: Box<dyn BufRead + '_> = match self.packed {
            false => Box::new(&self.body[..]),
            true => Box::new(BufReader::new(self.unpacked())),
        };
        let mut found = Vec::new();
        for line in reader.lines() {
            let line = line.map_err(|error| unexpected(of, &format!("the answer is no text: {error}")))?;
            if line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) {
                found.push(line);
            }
        }
        Ok(found)
    }

    fn unpacked(&self) -> impl Read + '_ {
        MultiGzDecoder::new(&self.body[..]).take(UNPACKED_MAX)
    }
}

/// Takes an answer for a success, or says what it means.
pub(crate) fn judge(
    response: Response<Bytes>,
    of: (&str, &str),
    token: &str,
) -> Result<Answer, Box<Refused>> {
    let (status, headers) = (response.status(), response.headers());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let packed = text(CONTENT_ENCODING) == Some("gzip");
    let wait = text(RETRY_AFTER).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let is_json = text(CONTENT_TYPE).is_some_and(|of| of.starts_with("application/json"));
    let audit_id = text(AUDIT_ID).map(|id| id.chars().take(AUDIT_ID_LONGEST).collect::<String>().into());
    let answer = Answer { body: response.into_body(), packed, audit_id };
    if status.is_success() {
        return Ok(answer);
    }
    let said = is_json.then(|| answer.json(of).ok()).flatten().unwrap_or_default();
    let mut words = match said["message"].as_str() {
        Some(message) => message.to_owned(),
        None if packed => format!("HTTP {status}"),
        None => {
            let body = String::from_utf8_lossy(&answer.body);
            let excerpt: Vec<&str> = body.split_whitespace().collect();
            format!("HTTP {status} {}", excerpt.join(" ").chars().take(EXCERPT).collect::<String>())
        }
    };
    if !token.is_empty() {
        words = words.replace(token, HIDDEN);
    }
    let status = status.as_u16();
    let meaning = match by_budgets(status, &said) {
        Some(_) => (ErrorClass::Conflict, &code::RESOURCE_STATE),
        None => meaning(status),
    };
    let mut failure = failure(meaning, of, words.trim_end());
    failure.service_code =
        said["reason"].as_str().filter(|of| !of.is_empty()).map(|of| of.chars().take(80).collect());
    let doubt = failure.class == ErrorClass::Transient;
    let (unauthenticated, status) = (status == 401, Some(status));
    let audit_id = answer.audit_id;
    Err(Box::new(Refused { failure, wait, unauthenticated, doubt, status, said, audit_id }))
}

fn meaning(status: u16) -> (ErrorClass, &'static Code) {
    match status {
        401 => (ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
        403 => (ErrorClass::Denied, &code::DENIED),
        404..=406 => (ErrorClass::NotFound, &code::NOT_FOUND),
        409 => (ErrorClass::Conflict, &code::RESOURCE_STATE),
        // A list or its continuation is too old.
        410 => (ErrorClass::Conflict, &code::CHANGED_WHILE_LISTING),
        408 | 504 => (ErrorClass::Transient, &code::CALL_TIMEOUT),
        429 => (ErrorClass::Throttled, &code::THROTTLED),
        500.. => (ErrorClass::Transient, &code::SERVICE_FAULT),
        300..=399 => (ErrorClass::Permanent, &code::UNEXPECTED_ANSWER),
        _ => (ErrorClass::Permanent, &code::REQUEST_REFUSED),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const OF: (&str, &str) = ("shop", "list pods");

    fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(body.into()).expect("a response")
    }

    fn refused(status: u16, body: &'static str) -> Box<Refused> {
        let headers = [("content-type", "application/json"), ("retry-after", "7")];
        judge(response(status, &headers, body), OF, "tok-12345").expect_err("no success")
    }

    #[test]
    fn each_status_says_whether_nobody_may_look_or_nobody_could() {
        for (status, class, code) in [
            (302, ErrorClass::Permanent, &code::UNEXPECTED_ANSWER),
            (400, ErrorClass::Permanent, &code::REQUEST_REFUSED),
            (401, ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
            (403, ErrorClass::Denied, &code::DENIED),
            (404, ErrorClass::NotFound, &code::NOT_FOUND),
            (409, ErrorClass::Conflict, &code::RESOURCE_STATE),
            (410, ErrorClass::Conflict, &code::CHANGED_WHILE_LISTING),
            (429, ErrorClass::Throttled, &code::THROTTLED),
            (500, ErrorClass::Transient, &code::SERVICE_FAULT),
            (504, ErrorClass::Transient, &code::CALL_TIMEOUT),
        ] {
            let refused = refused(status, "");
            assert_eq!((refused.failure.class, refused.failure.code.id), (class, code.id), "{status}");
            assert_eq!(
                (refused.unauthenticated, refused.wait),
                (status == 401, Some(Duration::from_secs(7)))
            );
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words_without_the_token() {
        let said =
            refused(403, r#"{"reason":"Forbidden","message":"pods is forbidden to tok-12345"}"#).failure;
        assert_eq!(said.message, "cluster shop: pods is forbidden to (hidden)");
        assert_eq!(
            (said.operation.as_str(), said.service_code.as_deref()),
            ("kubernetes:list pods", Some("Forbidden"))
        );
        let page = judge(response(502, &[], "<html>\n  Bad Gateway tok-12345"), OF, "tok-12345")
            .expect_err("no success");
        assert_eq!(page.failure.message, "cluster shop: HTTP 502 Bad Gateway <html> Bad Gateway (hidden)");
    }

    #[test]
    fn packed_answers_are_unpacked_and_damaged_ones_are_told() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"a{x=\"1\"} 2\nab 3\na 4\n# a 5\n").expect("packed");
        let packed = encoder.finish().expect("packed");
        let headers = [("content-encoding", "gzip")];
        let answer = judge(response(200, &headers, packed.clone()), OF, "");
        let answer = answer.unwrap_or_else(|refused| panic!("{}", refused.failure));
        assert_eq!(answer.metric("a", OF), Ok(vec!["a{x=\"1\"} 2".to_owned(), "a 4".to_owned()]));
        assert!(answer.json(OF).expect_err("no JSON").message.contains("the answer is no JSON"));
        let damaged =
            Answer { body: packed[..packed.len() - 9].to_vec().into(), packed: true, audit_id: None };
        let failure = damaged.metric("a", OF).expect_err("damaged");
        assert!(failure.message.starts_with("cluster shop: the answer is no text"), "{failure}");
    }
}
