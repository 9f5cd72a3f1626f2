//! The control API, beside AWS's paths: the call log, the state, time, faults and the checkers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::checkers::Purpose;
use crate::estate::Estate;
use crate::fault::FaultRule;
use crate::front::tcp::whole;
use crate::functions::http_api::{self, HttpApi};
use crate::trail::{self, DataEvents};

/// Where the control API begins; no AWS service of the estate has such a path.
pub const PREFIX: &str = "/_estate";

const ROUTES: [&str; 14] = [
    "GET /_estate/time",
    "GET /_estate/calls?since=N",
    "GET /_estate/cloudtrail?since=N&data=true",
    "GET /_estate/state?account=ID",
    "GET /_estate/messages?account=ID",
    "GET /_estate/events?account=ID",
    "POST /_estate/advance {\"seconds\": N}",
    "GET /_estate/faults",
    "POST /_estate/faults RULE or [RULE, …]",
    "DELETE /_estate/faults",
    "POST /_estate/http-apis {NAME: API, …}",
    "GET /_estate/check",
    "GET /_estate/check?dry_run=true",
    "POST /_estate/check RUN",
];

/// Log lines rendered at a time.
const LINES_PER_CHUNK: usize = 500;

/// Answers a control request.
pub fn answer(estate: &Arc<Estate>, parts: &Parts, body: &Bytes) -> Response<BoxBody<Bytes, Infallible>> {
    let query = parts.uri.query().unwrap_or("");
    let route = parts.uri.path().strip_prefix(PREFIX).unwrap_or("");
    match (&parts.method, route) {
        (&Method::GET, "/time") => {
            whole(document(StatusCode::OK, &json!({ "now": estate.now().to_string() })))
        }
        (&Method::GET, "/calls") => calls(estate, query),
        (&Method::GET, "/cloudtrail") => whole(cloudtrail(estate, query)),
        (&Method::GET, "/state") => whole(state(estate, query)),
        (&Method::GET, "/messages") => whole(messages(estate, query)),
        (&Method::GET, "/events") => whole(events(estate, query)),
        (&Method::POST, "/advance") => whole(advance(estate, body)),
        (&Method::GET, "/faults") => whole(document(StatusCode::OK, &json!(estate.faults()))),
        (&Method::POST, "/faults") => whole(add_faults(estate, body)),
        (&Method::DELETE, "/faults") => {
            let cleared = estate.clear_faults();
            whole(document(StatusCode::OK, &json!({ "cleared": cleared })))
        }
        (&Method::POST, "/http-apis") => whole(put_http_apis(estate, body)),
        (&Method::GET, "/check") => whole(check(estate, query)),
        (&Method::POST, "/check") => whole(check_run(estate, body)),
        _ => whole(document(
            StatusCode::NOT_FOUND,
            &json!({
                "error": format!("{} {} is not a route of the control API", parts.method, parts.uri.path()),
                "routes": ROUTES,
            }),
        )),
    }
}

fn calls(estate: &Arc<Estate>, query: &str) -> Response<BoxBody<Bytes, Infallible>> {
    let since = match parameter(query, "since").map(str::parse) {
        None => 0,
        Some(Ok(since)) => since,
        Some(Err(_)) => {
            return whole(refusal(StatusCode::BAD_REQUEST, "since must be a number of calls, from 0"));
        }
    };
    let lines = CallLines { estate: Arc::clone(estate), next: since, end: estate.call_count() };
    let mut response = Response::new(lines.boxed());
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// Puts HTTP APIs in front of functions, by name.
fn put_http_apis(estate: &Estate, body: &Bytes) -> Response<Bytes> {
    let apis: BTreeMap<String, HttpApi> = match serde_json::from_slice(body) {
        Ok(apis) => apis,
        Err(error) => {
            return refusal(StatusCode::BAD_REQUEST, &format!("APIs by name are expected: {error}"));
        }
    };
    let mut put = Vec::new();
    for (name, api) in apis {
        if !estate.put_http_api(&name, api) {
            return refusal(StatusCode::CONFLICT, "the estate was given nothing to run functions with");
        }
        put.push(format!("{}{name}/", http_api::PREFIX));
    }
    document(StatusCode::OK, &json!({ "at": put }))
}

/// The call log as a file of CloudTrail's.
fn cloudtrail(estate: &Estate, query: &str) -> Response<Bytes> {
    let Ok(since) = parameter(query, "since").map_or(Ok(0), str::parse) else {
        return refusal(StatusCode::BAD_REQUEST, "since must be a number of calls, from 0");
    };
    let data = match parameter(query, "data") {
        Some("true") => DataEvents::Kept,
        _ => DataEvents::LeftOut,
    };
    document(StatusCode::OK, &trail::file(&estate.calls(since, usize::MAX), data))
}

/// The call log as a body, rendered as it is sent.
struct CallLines {
    estate: Arc<Estate>,
    next: usize,
    end: usize,
}

impl Body for CallLines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let wanted = self.end.saturating_sub(self.next).min(LINES_PER_CHUNK);
        let records = self.estate.calls(self.next, wanted);
        if records.is_empty() {
            return Poll::Ready(None);
        }
        self.next += records.len();
        let mut chunk = Vec::with_capacity(records.len() * 400);
        for record in &records {
            serde_json::to_writer(&mut chunk, record).expect("a record is plain data");
            chunk.push(b'\n');
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
    }
}

fn state(estate: &Estate, query: &str) -> Response<Bytes> {
    let account = parameter(query, "account");
    match estate.state(account) {
        Some(state) => document(StatusCode::OK, &state),
        None => refusal(
            StatusCode::NOT_FOUND,
            &format!("there is no account {} in this estate", account.unwrap_or("")),
        ),
    }
}

/// What was published to the topics of one account, or of all.
fn messages(estate: &Estate, query: &str) -> Response<Bytes> {
    let account = parameter(query, "account");
    match estate.messages(account) {
        Some(messages) => document(StatusCode::OK, &json!({ "messages": messages })),
        None => refusal(
            StatusCode::NOT_FOUND,
            &format!("there is no account {} in this estate", account.unwrap_or("")),
        ),
    }
}

/// What was put on the event buses of one account, or of all, and what reached nobody.
fn events(estate: &Estate, query: &str) -> Response<Bytes> {
    let account = parameter(query, "account");
    match estate.events(account) {
        Some(records) => document(StatusCode::OK, &json!(records)),
        None => refusal(
            StatusCode::NOT_FOUND,
            &format!("there is no account {} in this estate", account.unwrap_or("")),
        ),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

fn advance(estate: &Estate, body: &Bytes) -> Response<Bytes> {
    let step: Advance = match serde_json::from_slice(body) {
        Ok(step) => step,
        Err(error) => {
            let text = format!("the body must be {{\"seconds\": N}}: {error}");
            return refusal(StatusCode::BAD_REQUEST, &text);
        }
    };
    match estate.advance(step.seconds) {
        Ok(now) => document(StatusCode::OK, &json!({ "now": now })),
        Err(error @ crate::clock::ClockError::NotVirtual(_)) => {
            refusal(StatusCode::CONFLICT, &error.to_string())
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn add_faults(estate: &Estate, body: &Bytes) -> Response<Bytes> {
    let rules: Result<Vec<FaultRule>, _> = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(list)) => list.into_iter().map(serde_json::from_value).collect(),
        Ok(one) => serde_json::from_value(one).map(|rule| vec![rule]),
        Err(error) => Err(error),
    };
    match rules {
        Ok(rules) => {
            let added = rules.len();
            estate.add_faults(rules);
            document(StatusCode::OK, &json!({ "added": added }))
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn check(estate: &Estate, query: &str) -> Response<Bytes> {
    let purpose = match parameter(query, "dry_run") {
        None | Some("false") => Purpose::Real,
        Some("true") => Purpose::DryRun,
        Some(_) => return refusal(StatusCode::BAD_REQUEST, "dry_run must be true or false"),
    };
    document(StatusCode::OK, &json!(estate.check(purpose)))
}

/// Judges a whole run, of which the body says what it was meant to do.
fn check_run(estate: &Estate, body: &Bytes) -> Response<Bytes> {
    match serde_json::from_slice(body) {
        Ok(run) => {
            let findings = estate.check_run(&run);
            document(StatusCode::OK, &json!({ "ok": findings.is_empty(), "findings": findings }))
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &format!("the body must describe a run: {error}")),
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn refusal(status: StatusCode, problem: &str) -> Response<Bytes> {
    document(status, &json!({ "error": problem }))
}

fn document(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{value}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
