//! CloudWatch: metrics of instances, metrics of the clients' own, and alarms.

mod describe_alarms;
mod document;
mod get_metric_data;
mod put_metric_data;

use crate::call::Operation;

/// Every CloudWatch operation of the estate.
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(describe_alarms::DescribeAlarms),
        Box::new(get_metric_data::GetMetricData),
        Box::new(put_metric_data::PutMetricData),
    ]
}
