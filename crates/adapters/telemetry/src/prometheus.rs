//! Metrics as text. Source: Prometheus, "Text-based format", version 0.0.4.

use std::fmt::Write as _;

use crate::metrics::{Family, MetricKind, Metrics, Sample};

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every series there is, metric by metric.
pub(crate) fn text(metrics: &Metrics) -> String {
    let mut text = String::new();
    for family in metrics.snapshot() {
        // Writing into a string cannot fail.
        let _ = write_family(&mut text, &family);
    }
    text
}

fn write_family(text: &mut String, (metric, series): &Family) -> std::fmt::Result {
    let kind = match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram(_) => "histogram",
    };
    let name = metric.name;
    writeln!(text, "# HELP {name} {}", metric.help.replace('\\', "\\\\").replace('\n', "\\n"))?;
    writeln!(text, "# TYPE {name} {kind}")?;
    for (values, sample) in series {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name}=\"{}\"", quoted(value)))
            .collect();
        match (sample, metric.kind) {
            (Sample::Histogram { counts, sum }, MetricKind::Histogram(bounds)) => {
                let mut below = 0;
                let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                for (count, bound) in counts.iter().zip(bounds) {
                    below += count;
                    let mut labels = labels.clone();
                    labels.push(format!("le=\"{bound}\""));
                    writeln!(text, "{name}_bucket{} {below}", braced(&labels))?;
                }
                writeln!(text, "{name}_sum{} {sum}", braced(&labels))?;
                writeln!(text, "{name}_count{} {below}", braced(&labels))?;
            }
            (Sample::Number(number), _) => writeln!(text, "{name}{} {number}", braced(&labels))?,
            (Sample::Histogram { .. }, _) => {}
        }
    }
    Ok(())
}

fn braced(labels: &[String]) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{AWS_CALL_SECONDS, LOG_EVENTS, SUCCESS_RATIO};

    #[test]
    fn counters_gauges_and_histograms_are_written_as_the_format_says() {
        let metrics = Metrics::default();
        metrics.add(&LOG_EVENTS, &["a\"b\\\n"], 2.0);
        metrics.set(&SUCCESS_RATIO, &[], 0.5);
        metrics.observe(&AWS_CALL_SECONDS, &["ec2:CreateImage"], 0.02);
        metrics.observe(&AWS_CALL_SECONDS, &["ec2:CreateImage"], 100.0);
        let text = text(&metrics);
        for line in [
            "# TYPE fleetwright_log_events_total counter",
            "fleetwright_log_events_total{level=\"a\\\"b\\\\\\n\"} 2",
            "fleetwright_run_success_ratio 0.5",
            "fleetwright_aws_call_seconds_bucket{action=\"ec2:CreateImage\",le=\"0.01\"} 0",
            "fleetwright_aws_call_seconds_bucket{action=\"ec2:CreateImage\",le=\"60\"} 1",
            "fleetwright_aws_call_seconds_bucket{action=\"ec2:CreateImage\",le=\"+Inf\"} 2",
            "fleetwright_aws_call_seconds_sum{action=\"ec2:CreateImage\"} 100.02",
            "fleetwright_aws_call_seconds_count{action=\"ec2:CreateImage\"} 2",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }
}
