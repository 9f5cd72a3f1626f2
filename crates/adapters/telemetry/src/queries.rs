//! Asking Prometheus, or what speaks as it does, for one number.
//!
//! Source: Prometheus documentation, "HTTP API", instant queries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::{Clock, Queries};
use futures::future::{Either, select};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;

use crate::collector::{Client, Collector, causes, client};

/// What failures are named by.
const OPERATION: &str = "prometheus:Query";
/// How long a query may take, its answer included.
const QUERY_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer at most: one number needs a few hundred.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// Characters of what the server says that are shown.
const SAID: usize = 300;

/// A server that answers queries.
pub struct PrometheusQueries {
    server: Collector,
    client: Client,
    wall: Arc<dyn Clock>,
}

impl PrometheusQueries {
    /// A server below an address, with the headers of its requests. `wall` is the time of time-outs.
    ///
    /// # Errors
    /// The system's root certificates cannot be read and the server needs them.
    pub fn new(server: Collector, wall: Arc<dyn Clock>) -> std::io::Result<Self> {
        let client = client(server.is_https())?;
        Ok(Self { server, client, wall })
    }

    async fn answer(&self, promql: &str) -> Result<(StatusCode, Bytes), Failure> {
        let form = format!("query={}", escaped(promql));
        let request = Request::post(self.server.below("/api/v1/query"))
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(http::header::ACCEPT, "application/json");
        let request = self.server.with_headers(request).body(Full::new(Bytes::from(form)));
        let request = request.map_err(|error| self.failure(ErrorClass::Permanent, &error.to_string()))?;
        let later = |why: &str| self.failure(ErrorClass::Transient, why);
        let answer = async {
            let answer = self.client.request(request).await.map_err(|error| later(&causes(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
            Ok((status, body.map_err(|error| later(&causes(&*error)))?.to_bytes()))
        };
        match select(std::pin::pin!(answer), self.wall.sleep(QUERY_TIME)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(later(&format!("no answer within {} s", QUERY_TIME.as_secs()))),
        }
    }

    fn failure(&self, class: ErrorClass, why: &str) -> Failure {
        let why: String = why.chars().take(SAID).collect();
        Failure::new(class, &code::GATE_UNKNOWN, OPERATION, &format!("{}: {why}", self.server))
    }
}

#[async_trait]
impl Queries for PrometheusQueries {
    async fn value(&self, promql: &str) -> Result<f64, Failure> {
        let (status, body) = self.answer(promql).await?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        if !status.is_success() {
            let said = answer.as_ref().and_then(|answer| answer["error"].as_str()).unwrap_or_default();
            return Err(self.failure(class(status), &format!("it answered {status} {said}")));
        }
        let number = answer.as_ref().map_or(Err("the answer is no JSON".to_owned()), number);
        number.map_err(|why| self.failure(ErrorClass::Permanent, &why))
    }
}

/// Whether it helps to ask again later. 503 is a query that was given up, 422 one that cannot be carried out.
fn class(status: StatusCode) -> ErrorClass {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorClass::Denied,
        StatusCode::NOT_FOUND => ErrorClass::NotFound,
        StatusCode::TOO_MANY_REQUESTS => ErrorClass::Throttled,
        status if status.is_server_error() => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    }
}

/// The one number of an answer: a scalar, or a vector of one series.
fn number(answer: &Value) -> Result<f64, String> {
    if answer["status"] != "success" {
        return Err("the answer is no success".to_owned());
    }
    let data = &answer["data"];
    let sample = match (data["resultType"].as_str(), data["result"].as_array().map(Vec::as_slice)) {
        (Some("scalar"), Some(sample)) => sample.get(1),
        (Some("vector"), Some([series])) => series["value"].get(1),
        (Some("vector"), Some([])) => {
            return Err("the query answers no series; nothing is no number".to_owned());
        }
        (Some("vector"), Some(several)) => {
            return Err(format!(
                "the query answers {} series; make it one with sum() or max()",
                several.len()
            ));
        }
        (kind, _) => return Err(format!("the query answers a {}, not a number", kind.unwrap_or("nothing"))),
    };
    let value = sample.and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
    match value {
        Some(value) if value.is_finite() => Ok(value),
        Some(value) => Err(format!("the query answers {value}, which nothing can be compared with")),
        None => Err("a sample without a value".to_owned()),
    }
}

/// A value of a form. Source: URL Standard, "application/x-www-form-urlencoded serializing".
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'*' => {
                escaped.push(char::from(byte))
            }
            b' ' => escaped.push('+'),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(kind: &str, result: &Value) -> Result<f64, String> {
        number(&json!({ "status": "success", "data": { "resultType": kind, "result": result } }))
    }

    #[test]
    fn only_one_finite_number_is_an_answer() {
        assert_eq!(of("scalar", &json!([1_793_498_400.1, "0.5"])), Ok(0.5));
        assert_eq!(of("vector", &json!([{ "metric": {}, "value": [1, "2e-3"] }])), Ok(0.002));
        let sample = json!({ "metric": { "pod": "a" }, "value": [1, "1"] });
        for (kind, result, why) in [
            ("vector", json!([]), "no series"),
            ("vector", json!([sample, sample]), "2 series"),
            ("vector", json!([{ "value": [1, "NaN"] }]), "NaN"),
            ("vector", json!([{ "value": [1, "+Inf"] }]), "inf"),
            ("vector", json!([{ "value": [1] }]), "without a value"),
            ("matrix", json!([]), "matrix"),
            ("string", json!([1, "a"]), "string"),
        ] {
            let refused = of(kind, &result).expect_err(why);
            assert!(refused.contains(why), "{kind} {result}: {refused}");
        }
        assert!(number(&json!({ "status": "error" })).is_err());
    }

    #[test]
    fn a_query_is_escaped_for_its_form() {
        assert_eq!(escaped("sum(up{a=\"é\"}) + 1"), "sum%28up%7Ba%3D%22%C3%A9%22%7D%29+%2B+1");
    }
}
