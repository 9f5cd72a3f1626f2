use super::kind::{hours, seconds};
use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "telemetry.otlp_endpoint",
        Kind::Text(TextForm::Url),
        "http://127.0.0.1:4318",
        "The OpenTelemetry collector that traces and metrics are sent to, by OTLP over HTTP with JSON bodies: \
         below this address `/v1/traces` and `/v1/metrics`. A run is one trace, with a span for each turn of a \
         step and one for each request to AWS, which carries the service's request id. A collector that is slow \
         or not there stops nothing; what it did not take is counted. Not set, nothing is sent.",
    ),
    Key::new(
        "telemetry.otlp_headers",
        Kind::Text(TextForm::Headers),
        "\"x-api-key=…\"",
        "Headers of the requests to the collector, as `name=value`, separated by commas. Secrets as a rule: \
         they are never shown; best set with the variable.",
    )
    .secret(),
    Key::new(
        "telemetry.metrics_file",
        Kind::Text(TextForm::Path),
        "/var/lib/node_exporter/fleetwright.prom",
        "A file that the metrics are written into as Prometheus' text, every `telemetry.interval` and at the \
         end; replaced as a whole, so that who reads it never sees half of it. No label names an instance, an \
         account or a run.",
    ),
    Key::new(
        "telemetry.metrics_listen",
        Kind::Text(TextForm::LocalAddress),
        "127.0.0.1:9464",
        "Where the metrics can be asked for as Prometheus' text while a command is at work: `GET /metrics` at an \
         address of this machine alone.",
    ),
    Key::new(
        "telemetry.interval",
        Kind::Duration { min: seconds(1), max: hours(1) },
        "1m",
        "How often traces and metrics are sent and the metrics file is written.",
    )
    .default("15s"),
    Key::new(
        "telemetry.prometheus_url",
        Kind::Text(TextForm::Url),
        "http://127.0.0.1:9090",
        "Prometheus, or what answers its queries: below this address `/api/v1/query`. Asked for the queries of \
         `eks plan --query` before an upgrade and at each look at a cluster's health.",
    ),
    Key::new(
        "telemetry.prometheus_headers",
        Kind::Text(TextForm::Headers),
        "\"authorization=…\"",
        "Headers of the requests to Prometheus, as `name=value`, separated by commas. Secrets as a rule: they \
         are never shown; best set with the variable.",
    )
    .secret(),
    Key::new(
        "telemetry.cloudwatch_namespace",
        Kind::Text(TextForm::MetricNamespace),
        "Acme/Patching",
        "The CloudWatch namespace that each account and region worked in is sent its own figures of a run in, \
         once the run has come to its end: `InstancesTotal`, `InstancesWithIssues` and `SuccessRate` in percent. \
         Needs `cloudwatch:PutMetricData` in the landing zones. Not set, none are sent.",
    ),
];
