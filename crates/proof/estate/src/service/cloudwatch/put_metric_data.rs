//! PutMetricData.

use jiff::Timestamp;
use serde::Deserialize;

use super::document::{self, Metric};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;

/// PutMetricData: a client's own datapoints.
pub(super) struct PutMetricData;

/// Metrics of one call, at most.
const MAX_METRICS: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    namespace: Option<String>,
    metric_data: Option<Vec<Datum>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    #[serde(flatten)]
    metric: Metric,
    timestamp: Option<f64>,
    value: Option<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

impl Operation for PutMetricData {
    fn service(&self) -> Service {
        Service::CloudWatch
    }

    fn name(&self) -> &'static str {
        "PutMetricData"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let namespace = call.json().get("Namespace").and_then(serde_json::Value::as_str).unwrap_or_default();
        vec![Requirement {
            action: "cloudwatch:PutMetricData".into(),
            resource: "*".to_owned(),
            context: vec![("cloudwatch:namespace".to_owned(), namespace.to_owned())],
        }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let namespace =
            input.namespace.filter(|n| !n.is_empty()).ok_or_else(|| document::missing("Namespace"))?;
        if namespace.starts_with("AWS/") {
            return Err(document::invalid("The value AWS/ for parameter Namespace is invalid."));
        }
        let data = input.metric_data.unwrap_or_default();
        if data.len() > MAX_METRICS {
            return Err(document::invalid(format!(
                "At most {MAX_METRICS} metrics are allowed in one request."
            )));
        }
        if data.iter().any(|datum| datum.metric.metric_name.is_none()) {
            return Err(document::missing("MetricData.member.1.MetricName"));
        }
        let region = document::region(world, call)?;
        for datum in data {
            let seconds = datum.timestamp.map(|seconds| seconds as i64);
            let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(call.now);
            let mut name = datum.metric.name();
            name.namespace.clone_from(&namespace);
            for value in datum.value.into_iter().chain(datum.values) {
                region.metrics.put(name.clone(), at, value);
            }
        }
        Ok("{}".to_owned())
    }
}
