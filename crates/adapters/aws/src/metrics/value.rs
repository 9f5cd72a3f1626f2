use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{self, Dimension, MetricDataQuery, MetricStat};
use fleetwright_eks::query::Metric;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use jiff::Timestamp;

use super::means::series;
use crate::Aws;
use crate::clients::Connection;
use crate::operations::GET_METRIC_DATA;

/// The one value of a window that is one period of CloudWatch.
pub(super) async fn look_up(
    aws: &Aws,
    cell: &Cell<'_>,
    metric: &Metric,
    (from, until): (Timestamp, Timestamp),
) -> Result<Option<f64>, Failure> {
    let connection: Connection<'_, aws_sdk_cloudwatch::Client> = aws.at(cell.zone, &cell.region);
    let seconds = until.as_second().saturating_sub(from.as_second());
    let queries = [query(metric, i32::try_from(seconds).unwrap_or(i32::MAX))];
    let window = (DateTime::from_secs(from.as_second()), DateTime::from_secs(until.as_second()));
    let found = series(&connection, &queries, window).await;
    if let Some(failure) = found.failure {
        return Err(failure);
    }
    let values: Vec<f64> = found.items.into_iter().flat_map(|row| row.values).collect();
    one(&values).map_err(|why| {
        let words = format!("{metric}: {why}");
        Failure::new(ErrorClass::Permanent, &code::GATE_UNKNOWN, GET_METRIC_DATA.iam, &words)
    })
}

fn query(metric: &Metric, period: i32) -> MetricDataQuery {
    let dimensions = metric.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let named = types::Metric::builder().namespace(&metric.namespace).metric_name(&metric.name);
    let named = named.set_dimensions(Some(dimensions.collect())).build();
    let stat = MetricStat::builder().metric(named).period(period).stat(metric.statistic.to_string()).build();
    MetricDataQuery::builder().id("m0").metric_stat(stat).build()
}

/// The only value, where there is one.
fn one(values: &[f64]) -> Result<Option<f64>, String> {
    match values {
        [] => Ok(None),
        [value] if value.is_finite() => Ok(Some(*value)),
        [value] => Err(format!("its value is {value}, which nothing can be compared with")),
        several => Err(format!("it has {} values in one period", several.len())),
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_eks::query::{Asks, Query};

    use super::*;

    #[test]
    fn a_metric_is_asked_for_with_its_dimensions_and_its_statistic_over_one_period() {
        let text =
            "p=AWS/ApplicationELB:TargetResponseTime{LoadBalancer=app/shop/1,TargetGroup=t/2} p99.9 <= 1";
        let Asks::Metric(metric) = Query::of_cloudwatch(text).expect("a metric").asks else {
            panic!("a metric of CloudWatch")
        };
        let asked = query(&metric, 300).metric_stat.expect("a metric");
        assert_eq!((asked.period, asked.stat.as_deref()), (Some(300), Some("p99.9")));
        let named = asked.metric.expect("a metric");
        assert_eq!(named.namespace.as_deref(), Some("AWS/ApplicationELB"));
        let dimensions = named.dimensions.unwrap_or_default().into_iter();
        let dimensions: Vec<_> =
            dimensions.map(|it| (it.name.unwrap_or_default(), it.value.unwrap_or_default())).collect();
        let expected = [("LoadBalancer", "app/shop/1"), ("TargetGroup", "t/2")];
        assert_eq!(dimensions, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn only_one_finite_value_is_an_answer() {
        assert_eq!((one(&[]), one(&[2.5])), (Ok(None), Ok(Some(2.5))));
        assert!(one(&[f64::NAN]).is_err() && one(&[1.0, 2.0]).is_err());
    }
}
