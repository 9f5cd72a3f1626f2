use std::collections::BTreeMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
use fleetwright_model::{Cell, InstanceId, Partial};
use fleetwright_ports::Measurement;
use futures::FutureExt;
use jiff::Timestamp;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::GET_METRIC_DATA;
use crate::pages::{Page, pages};

/// Queries per call. Source: CloudWatch API reference, GetMetricData, MetricDataQueries.
const BATCH: usize = 500;
/// Seconds between two values where an instance has basic monitoring; a multiple of it is asked for.
/// Source: EC2 user guide, "Monitor your instances using CloudWatch".
const BASIC_PERIOD: i64 = 300;
/// Values per instance at most, so that a page holds a whole batch: it has room for 100,800.
const MOST_VALUES: i64 = 200;

/// Values of one query on one page.
pub(super) struct Values {
    /// Query id and first time: a series may go on on the next page.
    key: String,
    query: usize,
    pub(super) values: Vec<f64>,
}

/// The mean of the periods' means per instance.
pub(super) async fn look_up(
    aws: &Aws,
    cell: &Cell<'_>,
    metric: &str,
    ids: &[InstanceId],
    from: Timestamp,
    until: Timestamp,
) -> Partial<Measurement> {
    let connection: Connection<'_, aws_sdk_cloudwatch::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let period = period(until.as_second().saturating_sub(from.as_second()));
    let (from, until) = (DateTime::from_secs(from.as_second()), DateTime::from_secs(until.as_second()));
    let mut means = Partial::complete(Vec::with_capacity(ids.len()));
    for batch in ids.chunks(BATCH) {
        let queries: &[MetricDataQuery] = &batch
            .iter()
            .enumerate()
            .map(|(number, id)| query(number, metric, id, period))
            .collect::<Vec<_>>();
        let listing = series(connection, queries, (from, until)).await;
        match listing.failure {
            None => means.items.extend(measurements(batch, listing.items)),
            // Whose values are missing is not known, and a part of a mean is another mean.
            Some(failure) => means.failure = means.failure.or(Some(failure)),
        }
    }
    means
}

/// What each query has between two times, the second left out; all of it, or why not.
pub(super) async fn series(
    connection: &Connection<'_, aws_sdk_cloudwatch::Client>,
    queries: &[MetricDataQuery],
    (from, until): (DateTime, DateTime),
) -> Partial<Values> {
    pages(
        &GET_METRIC_DATA,
        |values: &Values| &values.key,
        |token| {
            let send = move |client: &aws_sdk_cloudwatch::Client| {
                let request = client.get_metric_data().set_metric_data_queries(Some(queries.to_vec()));
                let request = request.start_time(from).end_time(until);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&GET_METRIC_DATA, send).await?;
                let rows = answer.metric_data_results.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(values), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

/// A multiple of the basic period that gives few enough values.
fn period(span: i64) -> i32 {
    let steps = span.div_euclid(BASIC_PERIOD * MOST_VALUES) + 1;
    i32::try_from(steps * BASIC_PERIOD).unwrap_or(86_400)
}

fn query(number: usize, metric: &str, id: &InstanceId, period: i32) -> MetricDataQuery {
    let instance = Dimension::builder().name("InstanceId").value(id.as_str()).build();
    let (namespace, metric) = metric.split_once(':').unwrap_or(("AWS/EC2", metric));
    let metric = Metric::builder().namespace(namespace).metric_name(metric).dimensions(instance).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat("Average").build();
    MetricDataQuery::builder().id(format!("m{number}")).metric_stat(stat).build()
}

fn values(row: MetricDataResult) -> Result<Values, String> {
    let id = row.id.unwrap_or_default();
    let query = id.strip_prefix('m').and_then(|number| number.parse().ok());
    let query = query.ok_or_else(|| format!("the query id {id:?}"))?;
    if let Some(status @ (StatusCode::InternalError | StatusCode::Forbidden)) = &row.status_code {
        return Err(format!("the status {:?} of {id}", status.as_str()));
    }
    let first = row.timestamps.unwrap_or_default().first().map_or(0, DateTime::secs);
    Ok(Values { key: format!("{id} {first}"), query, values: row.values.unwrap_or_default() })
}

/// One row per instance of the batch.
fn measurements(batch: &[InstanceId], rows: Vec<Values>) -> Vec<Measurement> {
    let mut sums: BTreeMap<usize, (f64, u32)> = BTreeMap::new();
    for row in rows {
        let (sum, count) = sums.entry(row.query).or_default();
        *sum += row.values.iter().sum::<f64>();
        *count += u32::try_from(row.values.len()).unwrap_or(u32::MAX);
    }
    let mean = |number: usize| sums.get(&number).filter(|(_, count)| *count > 0);
    let mean = |number: usize| mean(number).map(|(sum, count)| sum / f64::from(*count));
    let hosts = batch.iter().enumerate();
    hosts.map(|(number, host)| Measurement { host: host.clone(), mean: mean(number) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<InstanceId> {
        (0..3).map(|n| InstanceId::new(format!("i-{n:017x}")).expect("valid")).collect()
    }

    #[test]
    fn a_series_over_two_pages_is_one_mean_and_an_empty_one_is_none() {
        let row = |query, values: &[f64]| Values { key: String::new(), query, values: values.to_vec() };
        let rows = vec![row(0, &[1.0, 2.0]), row(1, &[]), row(0, &[6.0])];
        let means: Vec<_> = measurements(&ids(), rows).into_iter().map(|it| it.mean).collect();
        assert_eq!(means, [Some(3.0), None, None]);
    }

    #[test]
    fn a_long_span_has_longer_periods_and_not_more_values() {
        assert_eq!(period(1_800), 300);
        for days in [1, 15, 63] {
            let span = days * 86_400;
            let period = i64::from(period(span));
            assert!(period % 300 == 0 && span / period <= MOST_VALUES, "{days}");
        }
    }

    #[test]
    fn a_row_that_failed_is_not_a_host_without_values() {
        let row = MetricDataResult::builder().id("m0").status_code(StatusCode::InternalError).build();
        assert!(values(row).is_err());
    }
}
