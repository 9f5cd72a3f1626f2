//! What is counted and measured. The number of series is bounded: no label names a host, an account or a
//! run, and a family that is full folds what is new into one series.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Series of one metric at most; further ones are counted under labels that all say [`OTHER`].
pub const SERIES_MAX: usize = 1_000;

/// The value of every label of the series that holds what did not fit.
pub(crate) const OTHER: &str = "other";

/// Characters of a label's value at most.
const LABEL_MAX: usize = 64;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Is what it was last set to.
    Gauge,
    /// Counts by size; the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// One metric: a family of series that differ in their labels.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// Its name, as Prometheus wants it: with its unit, counters end in `_total`.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

/// Seconds of a call to AWS.
const REQUEST_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Seconds of a step on a host.
const HOST_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0];

macro_rules! metrics {
    ($($id:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)+) => {
        $(#[doc = $help]
        pub(crate) static $id: Metric =
            Metric { name: $name, help: $help, kind: $kind, labels: &[$($label),*] };)+

        /// Every metric there is.
        pub fn table() -> impl Iterator<Item = &'static Metric> {
            [$(&$id),+].into_iter()
        }
    };
}

metrics! {
    AWS_CALLS = "fleetwright_aws_calls_total", MetricKind::Counter, ["action", "region", "outcome"],
        "Requests sent to AWS, repetitions included, by IAM action, region and what came of them.";
    AWS_CALL_SECONDS = "fleetwright_aws_call_seconds", MetricKind::Histogram(REQUEST_SECONDS), ["action"],
        "How long one request to AWS took.";
    TURNS = "fleetwright_turns_total", MetricKind::Counter, ["step", "direction"],
        "Turns of the engine's lanes: a step looking at or acting on a batch of hosts.";
    STEPS = "fleetwright_steps_total", MetricKind::Counter, ["step", "direction", "outcome"],
        "Steps on single hosts that began or ended, by how.";
    STEP_SECONDS = "fleetwright_step_seconds", MetricKind::Histogram(HOST_SECONDS), ["step", "direction"],
        "How long a step on a host took, from its intent to its end.";
    INSTANCES = "fleetwright_run_instances", MetricKind::Gauge, ["outcome"],
        "Instances of the run by what became of them.";
    INSTANCES_TOTAL = "fleetwright_run_instances_worked_on", MetricKind::Gauge, [],
        "Instances that the run works on.";
    WITH_ISSUES = "fleetwright_run_instances_with_issues", MetricKind::Gauge, [],
        "Instances of the run that did not come to a good end.";
    SUCCESS_RATIO = "fleetwright_run_success_ratio", MetricKind::Gauge, [],
        "Share of the run's instances that came to a good end: 0 to 1.";
    LOG_EVENTS = "fleetwright_log_events_total", MetricKind::Counter, ["level"],
        "Warnings and errors that were logged.";
    SPANS_DROPPED = "fleetwright_spans_dropped_total", MetricKind::Counter, [],
        "Spans that were not exported because the queue to the collector was full.";
    EXPORTS = "fleetwright_exports_total", MetricKind::Counter, ["what", "outcome"],
        "Attempts to hand traces or metrics to the collector or the metrics file.";
}

/// A series' value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sample {
    /// Of a counter or gauge.
    Number(f64),
    /// Of a histogram: per bucket, and above the last; their sum.
    Histogram { counts: Vec<u64>, sum: f64 },
}

/// A metric with its series, by the values of its labels.
pub(crate) type Family = (&'static Metric, BTreeMap<Vec<String>, Sample>);

/// The values of all metrics.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<&'static str, Family>>);

impl Metrics {
    /// Adds to a counter. A negative or not finite amount counts nothing.
    pub(crate) fn add(&self, metric: &'static Metric, labels: &[&str], amount: f64) {
        if amount.is_finite() && amount >= 0.0 {
            self.with(metric, labels, |sample| {
                if let Sample::Number(number) = sample {
                    *number += amount;
                }
            });
        }
    }

    /// Sets a gauge.
    pub(crate) fn set(&self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.with(metric, labels, |sample| *sample = Sample::Number(value));
    }

    /// Takes a measurement into a histogram.
    pub(crate) fn observe(&self, metric: &'static Metric, labels: &[&str], value: f64) {
        let MetricKind::Histogram(bounds) = metric.kind else { return };
        if !value.is_finite() {
            return;
        }
        self.with(metric, labels, |sample| {
            if let Sample::Histogram { counts, sum } = sample {
                let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
                counts[bucket] += 1;
                *sum += value;
            }
        });
    }

    /// Everything as Prometheus' text.
    pub fn text(&self) -> String {
        crate::prometheus::text(self)
    }

    /// How many series there are, of all metrics together.
    pub fn series(&self) -> usize {
        self.families().values().map(|(_, series)| series.len()).sum()
    }

    /// Everything as it is now, by the metrics' names.
    pub(crate) fn snapshot(&self) -> Vec<Family> {
        self.families().values().cloned().collect()
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, metric: &'static Metric, labels: &[&str], change: impl FnOnce(&mut Sample)) {
        let mut families = self.families();
        let (_, series) = families.entry(metric.name).or_insert_with(|| (metric, BTreeMap::new()));
        let mut key: Vec<String> = (0..metric.labels.len())
            .map(|at| labels.get(at).map(|value| value.chars().take(LABEL_MAX).collect()).unwrap_or_default())
            .collect();
        if series.len() >= SERIES_MAX && !series.contains_key(&key) {
            key = vec![OTHER.to_owned(); metric.labels.len()];
        }
        change(series.entry(key).or_insert_with(|| match metric.kind {
            MetricKind::Counter | MetricKind::Gauge => Sample::Number(0.0),
            MetricKind::Histogram(bounds) => {
                Sample::Histogram { counts: vec![0; bounds.len() + 1], sum: 0.0 }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_ten_thousand_values_makes_a_bounded_number_of_series_and_loses_no_count() {
        let metrics = Metrics::default();
        for host in 0..10_000 {
            metrics.add(&AWS_CALLS, &[&format!("i-{host:017x}"), "eu-central-1", "answered"], 1.0);
        }
        assert_eq!(metrics.series(), SERIES_MAX + 1);
        let snapshot = metrics.snapshot();
        let (_, series) = &snapshot[0];
        assert_eq!(series[&vec![OTHER.to_owned(); 3]], Sample::Number(9_000.0));
    }

    #[test]
    fn nonsense_is_not_counted() {
        let metrics = Metrics::default();
        metrics.add(&LOG_EVENTS, &["warn"], f64::NAN);
        metrics.add(&LOG_EVENTS, &["warn"], -1.0);
        metrics.observe(&AWS_CALL_SECONDS, &["x"], f64::INFINITY);
        assert_eq!(metrics.series(), 0);
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for metric in table() {
            let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain(metric.name) && metric.labels.iter().all(|label| plain(label)), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
        }
    }
}
