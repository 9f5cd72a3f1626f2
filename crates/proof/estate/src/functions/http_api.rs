//! HTTP APIs of API Gateway in front of functions: who judges a request first, what the request becomes for a function,
//! and what the function's answer becomes for a browser.
//!
//! Rules: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and "Control access to HTTP
//! APIs with AWS Lambda authorizers": payload format 2.0, simple responses, nothing kept of what an authorizer said. Who
//! embeds the estate says which APIs there are; the calls that make them in AWS are not answered here, nor is the
//! permission that a function gives API Gateway asked for.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::run::run;
use crate::estate::Estate;
use crate::service::lambda::waited_for;

/// Where HTTP APIs answer: `/_http-api/NAME/…`.
pub const PREFIX: &str = "/_http-api/";

/// Bytes of a request at most (HTTP API quotas, "Payload size").
const MAX_BODY_BYTES: usize = 10 * 1_024 * 1_024;

/// An HTTP API: what answers which requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpApi {
    /// The account that its functions are of.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Routes by key, `METHOD /path/{parameter}`.
    pub routes: BTreeMap<String, Route>,
}

/// What answers the requests of a route.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The function behind it, by name.
    pub integration: String,
    /// The function that judges requests first, by name; without one everybody is let in.
    #[serde(default)]
    pub authorizer: Option<String>,
}

/// A request on its way through an API.
struct Request<'a> {
    name: &'a str,
    api: &'a HttpApi,
    parts: &'a Parts,
    body: &'a Bytes,
    path: &'a str,
    key: &'a str,
    parameters: Map<String, Value>,
}

impl Estate {
    /// Puts an HTTP API in front of functions; false where there is nothing to run functions with.
    pub fn put_http_api(&self, name: &str, api: HttpApi) -> bool {
        let Some(runner) = self.runner.get() else { return false };
        let mut apis = runner.http_apis.lock().unwrap_or_else(PoisonError::into_inner);
        apis.insert(name.to_owned(), api);
        true
    }
}

/// Answers a request to `/_http-api/NAME/…`.
pub async fn answer(estate: &Estate, parts: &Parts, body: &Bytes) -> Response<Bytes> {
    let rest = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (name, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let api = estate.runner.get().and_then(|runner| {
        let apis = runner.http_apis.lock().unwrap_or_else(PoisonError::into_inner);
        apis.get(name).cloned()
    });
    let Some(api) = api else { return said(StatusCode::NOT_FOUND, "Not Found") };
    let Some((key, route, parameters)) = routed(&api, parts.method.as_str(), path) else {
        return said(StatusCode::NOT_FOUND, "Not Found");
    };
    if body.len() > MAX_BODY_BYTES {
        return said(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    }
    let request = Request { name, api: &api, parts, body, path, key, parameters };
    let mut context = Value::Null;
    if let Some(authorizer) = &route.authorizer {
        match invoked(estate, &api, authorizer, &request.for_authorizer(estate)).await {
            Some(Value::Object(judged)) if judged.get("isAuthorized") == Some(&Value::Bool(true)) => {
                context = judged.get("context").cloned().unwrap_or(Value::Null);
            }
            Some(Value::Object(judged)) if judged.get("isAuthorized") == Some(&Value::Bool(false)) => {
                return said(StatusCode::FORBIDDEN, "Forbidden");
            }
            _ => return said(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
    match invoked(estate, &api, &route.integration, &request.for_integration(estate, &context)).await {
        Some(answered) => response(&answered)
            .unwrap_or_else(|| said(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
        None => said(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

/// The route of a request, with what its path says of parameters; none where there is none.
fn routed<'a>(
    api: &'a HttpApi,
    method: &str,
    path: &str,
) -> Option<(&'a str, &'a Route, Map<String, Value>)> {
    api.routes.iter().find_map(|(key, route)| {
        let (of, pattern) = key.split_once(' ')?;
        let parameters = matched(pattern, path).filter(|_| of == method || of == "ANY")?;
        Some((key.as_str(), route, parameters))
    })
}

fn matched(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut parameters = Map::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => {
                match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => {
                        let value = percent_decode_str(given).decode_utf8_lossy().into_owned();
                        parameters.insert(name.to_owned(), value.into());
                    }
                    None if wanted == given => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

impl Request<'_> {
    fn for_authorizer(&self, estate: &Estate) -> Value {
        let Self { api, name, parts, path, .. } = self;
        let mut event = self.common(estate);
        event["type"] = "REQUEST".into();
        event["identitySource"] = Value::Null;
        let route = format!("$default/{}{path}", parts.method);
        event["routeArn"] =
            format!("arn:aws:execute-api:{}:{}:{name}/{route}", api.region, api.account).into();
        event
    }

    fn for_integration(&self, estate: &Estate, context: &Value) -> Value {
        let mut event = self.common(estate);
        if !context.is_null() {
            event["requestContext"]["authorizer"] = json!({ "lambda": context });
        }
        let is_text = self.is_text();
        if !self.body.is_empty() {
            event["body"] = match is_text {
                true => String::from_utf8_lossy(self.body).into_owned().into(),
                false => STANDARD.encode(self.body).into(),
            };
        }
        event["isBase64Encoded"] = (!is_text && !self.body.is_empty()).into();
        event
    }

    /// Whether the body is handed on as it is: of the form of a web page it is not.
    fn is_text(&self) -> bool {
        let kind = self.parts.headers.get(http::header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind.starts_with("text/")
            || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str())
    }

    fn common(&self, estate: &Estate) -> Value {
        let Self { api, name, parts, path, key, parameters, .. } = self;
        let now = estate.now();
        let query = parts.uri.query().unwrap_or_default();
        let mut headers = Map::new();
        for header in parts.headers.keys().filter(|header| **header != http::header::COOKIE) {
            let values = parts.headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
            headers.insert(header.to_string(), values.collect::<Vec<_>>().join(",").into());
        }
        let agent = headers.get("user-agent").cloned().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": api.account,
                "apiId": name,
                "domainName": format!("{name}.execute-api.{}.amazonaws.com", api.region),
                "domainPrefix": name,
                "http": {
                    "method": parts.method.as_str(),
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": agent,
                },
                "requestId": request_id(estate),
                "routeKey": key,
                "stage": "$default",
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": now.as_millisecond(),
            },
        });
        if !query.is_empty() {
            event["queryStringParameters"] = asked(query).into();
        }
        if !parameters.is_empty() {
            event["pathParameters"] = parameters.clone().into();
        }
        event
    }
}

/// What a query string says, values of one name with commas between.
fn asked(query: &str) -> Map<String, Value> {
    let mut all: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let (name, mut value) = (decoded(name), decoded(value));
        if let Some(before) = all.get(&name).and_then(Value::as_str) {
            value = format!("{before},{value}");
        }
        all.insert(name, value.into());
    }
    all
}

fn request_id(estate: &Estate) -> String {
    let number = estate.runner.get().map_or(0, |runner| runner.asked.fetch_add(1, Ordering::Relaxed));
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// What a function answered; none where it failed, or answered what is no JSON.
async fn invoked(estate: &Estate, api: &HttpApi, function: &str, event: &Value) -> Option<Value> {
    let payload = Bytes::from(event.to_string());
    let (id, now) = (request_id(estate), estate.now());
    let started = estate.with_functions(&api.account, &api.region, |functions| {
        waited_for(functions, (&api.account, &api.region), function, payload, &id, now)
    });
    let mut started = started.flatten()?;
    started.fault = estate.fault_of_run(&api.account, &api.region);
    let answered = run(estate, started).await;
    let failed =
        answered.status() != StatusCode::OK || answered.headers().contains_key("x-amz-function-error");
    serde_json::from_slice(answered.body()).ok().filter(|_| !failed)
}

/// What the client is answered: what the function says, or, where it names no status, its answer as it is.
fn response(answered: &Value) -> Option<Response<Bytes>> {
    let Some(status) = answered.get("statusCode") else {
        let mut whole = Response::new(Bytes::from(answered.to_string()));
        whole.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Some(whole);
    };
    let text = answered.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match answered.get("isBase64Encoded") {
        Some(Value::Bool(true)) => STANDARD.decode(text).ok()?,
        _ => text.as_bytes().to_vec(),
    };
    let mut whole = Response::new(Bytes::from(body));
    *whole.status_mut() = StatusCode::from_u16(u16::try_from(status.as_u64()?).ok()?).ok()?;
    let headers = answered.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        whole.headers_mut().insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    Some(whole)
}

fn said(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut whole = Response::new(Bytes::from(json!({ "message": message }).to_string()));
    *whole.status_mut() = status;
    whole.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_by_its_segments() {
        let token = matched("/approvals/{token}", "/approvals/a%20b").expect("it fits");
        assert_eq!(token["token"], "a b");
        for other in ["/approvals", "/approvals/", "/approvals/a/b", "/other/a"] {
            assert_eq!(matched("/approvals/{token}", other), None, "{other}");
        }
    }

    #[test]
    fn what_a_function_answers_without_a_status_is_the_body() {
        let whole = response(&json!({ "it": "is" })).expect("an answer");
        assert_eq!((whole.status(), whole.body().as_ref()), (StatusCode::OK, br#"{"it":"is"}"#.as_slice()));
        let coded = json!({ "statusCode": 410, "headers": { "x-why": "spent" }, "body": "Z29uZQ==", "isBase64Encoded": true });
        let whole = response(&coded).expect("an answer");
        assert_eq!((whole.status().as_u16(), whole.body().as_ref()), (410, b"gone".as_slice()));
        assert_eq!(whole.headers()["x-why"], "spent");
        assert!(response(&json!({ "statusCode": "soon" })).is_none());
    }

    #[test]
    fn a_query_names_what_is_asked_for_more_than_once() {
        assert_eq!(Value::from(asked("a=1&b=x+y&a=%32")), json!({ "a": "1,2", "b": "x y" }));
    }
}
