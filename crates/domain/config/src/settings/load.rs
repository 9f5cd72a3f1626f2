//! What hosts are held against after patching: the load test, and metrics compared with before.

use std::time::Duration;

/// `phases.validate.load_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSettings {
    /// Requests of each endpoint; at least 1.
    pub requests: u32,
    /// Requests that may begin in one second; 0 does not wait.
    pub rate: u32,
    /// How long the test of an instance may take: whole seconds.
    pub duration: Duration,
    /// How far the median and the 95th percentile of the latency may rise, in percent.
    pub latency_rise_percent: u32,
    /// How far the share of failures may rise, in percentage points.
    pub error_points: u32,
    /// How far the throughput may fall, in percent.
    pub throughput_drop_percent: u32,
    /// The 95th percentile at most, in milliseconds.
    pub p95_max_ms: Option<u32>,
    /// The share of failures at most, in percent.
    pub error_percent_max: Option<u32>,
    /// Good answers per second of waiting at least.
    pub throughput_min: Option<u32>,
}

/// Which change of a metric is for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricDirection {
    /// That it rises.
    Rise,
    /// That it falls.
    Fall,
}

/// How far a metric of an instance may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricChange {
    /// The metric, with `NAMESPACE:` before it where it is not of `AWS/EC2`.
    pub metric: String,
    /// Which change counts.
    pub direction: MetricDirection,
    /// By how many percent it may change: 1 to 1,000, a fall 1 to 100.
    pub percent: u32,
}

impl MetricChange {
    /// Reads `CPUUtilization +20%`; none where it is no such thing.
    pub fn read(text: &str) -> Option<Self> {
        let (metric, change) = text.rsplit_once(' ')?;
        let metric = metric.trim();
        let (direction, percent) = match change.strip_suffix('%')?.split_at_checked(1)? {
            ("+", percent) => (MetricDirection::Rise, percent),
            ("-", percent) => (MetricDirection::Fall, percent),
            _ => return None,
        };
        let most = if direction == MetricDirection::Rise { 1_000 } else { 100 };
        let percent = percent.parse().ok().filter(|it| (1..=most).contains(it))?;
        // Source: CloudWatch API reference, MetricName and Namespace: 1 to 255 characters, no control
        // characters.
        let named = |name: &str| (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
        let valid = metric.split(':').all(named);
        valid.then(|| Self { metric: metric.to_owned(), direction, percent })
    }
}
