//! Spans and metrics as OTLP's JSON.
//! Source: OpenTelemetry specification, "OTLP/HTTP", JSON Protobuf Encoding: field names in lower camel
//! case, ids in hexadecimal, 64-bit numbers as text, enumerations as numbers.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::fields::Value;
use crate::metrics::{Family, MetricKind, Sample};
use crate::spans::{Finished, SpanKind};

/// What telemetry is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `service.name`.
    pub name: &'static str,
    /// `service.version`.
    pub version: &'static str,
    /// `service.instance.id`: differs between processes.
    pub instance: String,
}

impl Resource {
    fn json(&self) -> Json {
        json!({"attributes": [
            attribute("service.name", &self.name.into()),
            attribute("service.version", &self.version.into()),
            attribute("service.instance.id", &self.instance.as_str().into()),
        ]})
    }

    fn scope(&self) -> Json {
        json!({"name": self.name, "version": self.version})
    }
}

/// The body of a request to `/v1/traces`.
pub(crate) fn traces(resource: &Resource, spans: &[Finished]) -> Json {
    let spans: Vec<Json> = spans.iter().map(span).collect();
    json!({"resourceSpans": [{
        "resource": resource.json(),
        "scopeSpans": [{"scope": resource.scope(), "spans": spans}],
    }]})
}

fn span(span: &Finished) -> Json {
    let kind = match span.kind {
        SpanKind::Internal => 1,
        SpanKind::Client => 3,
    };
    let attributes: Vec<Json> =
        span.attributes.iter().map(|(name, value)| attribute(name, &crate::lines::json(value))).collect();
    let mut object = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": nanoseconds(span.started),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes,
    });
    if let Some(parent) = span.parent {
        object["parentSpanId"] = format!("{parent:016x}").into();
    }
    if let Some(error) = &span.error {
        object["status"] = json!({"code": 2, "message": error});
    }
    object
}

/// The body of a request to `/v1/metrics`. Counters and histograms count from `since` on.
pub(crate) fn metrics(resource: &Resource, families: &[Family], since: Timestamp, now: Timestamp) -> Json {
    let metrics: Vec<Json> = families.iter().map(|family| metric(family, since, now)).collect();
    json!({"resourceMetrics": [{
        "resource": resource.json(),
        "scopeMetrics": [{"scope": resource.scope(), "metrics": metrics}],
    }]})
}

/// Sums since the start of the process (`AGGREGATION_TEMPORALITY_CUMULATIVE`).
const CUMULATIVE: u8 = 2;

fn metric((metric, series): &Family, since: Timestamp, now: Timestamp) -> Json {
    let points: Vec<Json> = series
        .iter()
        .map(|(values, sample)| {
            let labels = metric.labels.iter().zip(values);
            let labels: Vec<Json> =
                labels.map(|(name, value)| attribute(name, &value.as_str().into())).collect();
            let mut point = match (sample, metric.kind) {
                (Sample::Histogram { counts, sum }, MetricKind::Histogram(bounds)) => json!({
                    "count": counts.iter().sum::<u64>().to_string(),
                    "sum": sum,
                    "bucketCounts": counts.iter().map(u64::to_string).collect::<Vec<_>>(),
                    "explicitBounds": bounds,
                }),
                (Sample::Number(number), _) => json!({"asDouble": number}),
                (Sample::Histogram { .. }, _) => json!({}),
            };
            point["attributes"] = labels.into();
            point["timeUnixNano"] = nanoseconds(now).into();
            if metric.kind != MetricKind::Gauge {
                point["startTimeUnixNano"] = nanoseconds(since).into();
            }
            point
        })
        .collect();
    let mut object = json!({"name": metric.name, "description": metric.help});
    match metric.kind {
        MetricKind::Counter => {
            object["sum"] =
                json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true});
        }
        MetricKind::Gauge => object["gauge"] = json!({"dataPoints": points}),
        MetricKind::Histogram(_) => {
            object["histogram"] = json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE});
        }
    }
    object
}

fn attribute(name: &str, value: &Json) -> Json {
    let value = match value {
        Json::Bool(flag) => json!({"boolValue": flag}),
        Json::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Json::Number(number) => json!({"intValue": number.to_string()}),
        Json::String(text) => json!({"stringValue": text}),
        other => json!({"stringValue": other.to_string()}),
    };
    json!({"key": name, "value": value})
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

/// What a value is called where it is an attribute of a span. Source: OpenTelemetry semantic conventions,
/// "AWS SDK", "Cloud", "Error".
pub(crate) fn attribute_name(field: &'static str) -> &'static str {
    match field {
        "request_id" => "aws.request_id",
        "account" => "cloud.account.id",
        "region" => "cloud.region",
        "service" => "rpc.service",
        "operation" => "rpc.method",
        "status" => "http.response.status_code",
        "attempt" => "fleetwright.attempt",
        "action" => "fleetwright.action",
        "outcome" => "fleetwright.outcome",
        "run" => "fleetwright.run",
        "zone" => "fleetwright.zone",
        "step" => "fleetwright.step",
        "turn" => "fleetwright.turn",
        "direction" => "fleetwright.direction",
        "slots" => "fleetwright.slots",
        other => other,
    }
}

/// The value of the attribute `error.type`, and the span's status, where a call did not get an answer.
pub(crate) fn error_of(outcome: Option<&Value>) -> Option<String> {
    match outcome {
        Some(Value::Text(outcome)) if outcome != "answered" => Some(outcome.clone()),
        _ => None,
    }
}
