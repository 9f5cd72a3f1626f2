//! GetMetricData.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{self, Metric};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::wire::cbor;
use crate::world::World;
use crate::world::metrics::{MetricName, Statistic};

/// GetMetricData: up to 500 series at once.
pub(super) struct GetMetricData;

/// Queries of one call, at most.
const MAX_QUERIES: usize = 500;
/// Datapoints of a page, at most and by default.
const MAX_DATAPOINTS: usize = 100_800;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    metric_data_queries: Option<Vec<Query>>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: Option<String>,
    metric_stat: Option<MetricStat>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
}

/// A query, checked.
struct Series {
    id: String,
    label: String,
    metric: MetricName,
    period: i64,
    statistic: Statistic,
}

fn checked(query: Query) -> Result<Option<Series>, ApiError> {
    let id = query.id.unwrap_or_default();
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !(plain && id.bytes().next().is_some_and(|b| b.is_ascii_lowercase())) {
        return Err(document::invalid(format!(
            "The value {id} for parameter MetricDataQueries.Id is invalid."
        )));
    }
    let Some(stat) = query.metric_stat else {
        return Err(document::invalid(format!(
            "Query {id}: the estate evaluates no expressions; give MetricStat."
        )));
    };
    if stat.period < 1 || (stat.period % 60 != 0 && ![1, 5, 10, 20, 30].contains(&stat.period)) {
        return Err(document::invalid(format!("The value {} for parameter Period is invalid.", stat.period)));
    }
    let statistic = Statistic::parse(&stat.stat).ok_or_else(|| {
        document::invalid(format!("The value {} for parameter Stat is not supported.", stat.stat))
    })?;
    if query.return_data == Some(false) {
        return Ok(None);
    }
    let metric = stat.metric.name();
    let label = query.label.unwrap_or_else(|| metric.name.clone());
    Ok(Some(Series { id, label, metric, period: stat.period, statistic }))
}

impl Operation for GetMetricData {
    fn service(&self) -> Service {
        Service::CloudWatch
    }

    fn name(&self) -> &'static str {
        "GetMetricData"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("cloudwatch:GetMetricData")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let queries = input.metric_data_queries.ok_or_else(|| document::missing("MetricDataQueries"))?;
        if queries.len() > MAX_QUERIES {
            return Err(document::invalid(format!("At most {MAX_QUERIES} MetricDataQueries are allowed.")));
        }
        let start = input.start_time.ok_or_else(|| document::missing("StartTime"))? as i64;
        let end = input.end_time.ok_or_else(|| document::missing("EndTime"))? as i64;
        if start >= end {
            return Err(document::invalid(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let most = input.max_datapoints.unwrap_or(MAX_DATAPOINTS).clamp(1, MAX_DATAPOINTS);
        let ascending = input.scan_by.as_deref() == Some("TimestampAscending");
        let first = match input.next_token.as_deref() {
            None | Some("") => 0,
            Some(token) => page::cursor(call, token).ok_or_else(|| {
                ApiError::new(400, "InvalidNextToken", "The next token specified is invalid.")
            })?,
        } as usize;
        let series: Vec<Option<Series>> = queries.into_iter().map(checked).collect::<Result<_, _>>()?;
        let region = document::region(world, call)?;
        let end = end.min(call.now.as_second());
        let (mut results, mut count, mut token) = (Vec::new(), 0, None);
        for (n, series) in series.iter().enumerate().skip(first) {
            let Some(series) = series else { continue };
            let mut points =
                region.metric_points(&series.metric, series.statistic, series.period, (start, end));
            if count > 0 && count + points.len() > most {
                token = Some(page::token(call, n as u64));
                break;
            }
            count += points.len();
            if !ascending {
                points.reverse();
            }
            results.push(result(series, &points));
        }
        let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        Ok(answer.to_string())
    }
}

fn result(series: &Series, points: &[(Timestamp, f64)]) -> Value {
    let moments: Vec<Value> = points.iter().map(|(at, _)| cbor::moment(at.as_second() as f64)).collect();
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    json!({
        "Id": series.id,
        "Label": series.label,
        "Timestamps": moments,
        "Values": values,
        "StatusCode": "Complete",
    })
}
