use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MetricDatum, StandardUnit};
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::{Figure, FigureUnit};
use jiff::Timestamp;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::PUT_METRIC_DATA;

/// Metrics per call. Source: CloudWatch API reference, PutMetricData.
const BATCH: usize = 1_000;

/// Puts the figures without dimensions: an account and region is told of its own.
pub(super) async fn put(
    aws: &Aws,
    cell: &Cell<'_>,
    namespace: &str,
    figures: &[Figure],
    at: Timestamp,
) -> Result<(), Failure> {
    let connection: Connection<'_, aws_sdk_cloudwatch::Client> = aws.at(cell.zone, &cell.region);
    for batch in figures.chunks(BATCH) {
        let data: Vec<MetricDatum> = batch.iter().map(|figure| datum(figure, at)).collect();
        let send = |client: &aws_sdk_cloudwatch::Client| {
            client.put_metric_data().namespace(namespace).set_metric_data(Some(data.clone())).send()
        };
        connection.change(&PUT_METRIC_DATA, &[namespace.into()], send).await?;
    }
    Ok(())
}

fn datum(figure: &Figure, at: Timestamp) -> MetricDatum {
    let unit = match figure.unit {
        FigureUnit::Count => StandardUnit::Count,
        FigureUnit::Percent => StandardUnit::Percent,
    };
    let datum = MetricDatum::builder().metric_name(figure.name).value(figure.value).unit(unit);
    datum.timestamp(DateTime::from_secs(at.as_second())).build()
}
