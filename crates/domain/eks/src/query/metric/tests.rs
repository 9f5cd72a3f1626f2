//! Metrics as they are written, and the times that their values are of.

use super::*;
use crate::query::{Asks, Query};

fn read(text: &str) -> Metric {
    let query = Query::of_cloudwatch(&format!("it={text} <= 1"));
    match query.unwrap_or_else(|error| panic!("{text}: {error}")).asks {
        Asks::Metric(metric) => metric,
        Asks::Promql(promql) => panic!("{promql}"),
    }
}

#[test]
fn a_metric_is_a_namespace_a_name_its_dimensions_and_a_statistic() {
    let found = read(
        "AWS/ApplicationELB:TargetResponseTime{LoadBalancer=app/shop/1, TargetGroup=targetgroup/web/2} p99.9",
    );
    let dimensions = [("LoadBalancer", "app/shop/1"), ("TargetGroup", "targetgroup/web/2")];
    let expected = Metric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: "TargetResponseTime".to_owned(),
        dimensions: dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        statistic: Statistic::Percentile(999),
        absent: Absent::Unknown,
    };
    assert_eq!(found, expected);
    let plain = read("CWAgent:Memory % Committed Bytes In Use Average");
    assert_eq!((&*plain.name, plain.statistic), ("Memory % Committed Bytes In Use", Statistic::Average));
    assert_eq!(read("Shop:orders{of=a=b} Sum or 0").dimensions["of"], "a=b");
    for (text, statistic, absent) in [
        ("Sum", Statistic::Sum, Absent::Unknown),
        ("Minimum", Statistic::Minimum, Absent::Unknown),
        ("Maximum or 0", Statistic::Maximum, Absent::Zero),
        ("SampleCount  or  0", Statistic::SampleCount, Absent::Zero),
        ("p5", Statistic::Percentile(50), Absent::Unknown),
        ("p0.1 or 0", Statistic::Percentile(1), Absent::Zero),
    ] {
        let found = read(&format!("Shop:orders {text}"));
        assert_eq!((found.statistic, found.absent), (statistic, absent), "{text}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    for text in [
        "Shop:orders Sum",
        "Shop:orders p99.9 or 0",
        "AWS/ApplicationELB:RequestCount{LoadBalancer=app/shop/1,TargetGroup=targetgroup/web/2} SampleCount or 0",
    ] {
        let metric = read(text);
        assert_eq!(metric.to_string(), text);
        let written = serde_json::to_value(&metric).expect("plain data");
        assert_eq!(serde_json::from_value::<Metric>(written).expect("a metric"), metric);
    }
    assert!(Query::of_cloudwatch(EXAMPLE).is_ok());
}

#[test]
fn what_is_no_metric_is_refused_with_what_is_wrong_where_and_an_example() {
    for (bad, why) in [
        ("", "it has no name"),
        ("a=Shop:orders Sum", "compared with nothing"),
        ("a=Shop:orders Sum <= one", "no number"),
        ("a=Shop:orders <= 1", "behind the metric comes a statistic"),
        ("a=Shop:orders p100 <= 1", "\"p100\" is no statistic"),
        ("a=Shop:orders p0 <= 1", "\"p0\" is no statistic"),
        ("a=Shop:orders p99.99 <= 1", "\"p99.99\" is no statistic"),
        ("a=Shop:orders sum <= 1", "\"sum\" is no statistic"),
        ("a=orders Sum <= 1", "\"orders\" is not NAMESPACE:METRIC"),
        ("a=:orders Sum <= 1", "the namespace has"),
        ("a=Shop: Sum <= 1", "the name of the metric has"),
        ("a=Shop:orders{a=1 Sum <= 1", "end with '}'"),
        ("a=Shop:orders{a=1}x Sum <= 1", "end with '}'"),
        ("a=Shop:orders{} Sum <= 1", "dimension 1 is \"\""),
        ("a=Shop:orders{a=1,b} Sum <= 1", "dimension 2 is \"b\""),
        ("a=Shop:orders{a=1,b=} Sum <= 1", "the value of dimension 2"),
        ("a=Shop:orders{a=1,a=2} Sum <= 1", "dimension a is there twice"),
        ("a=Shop:\u{fc}ber Sum <= 1", "printable ASCII"),
    ] {
        let refused = Query::of_cloudwatch(bad).expect_err(bad).to_string();
        assert!(refused.contains(why), "{bad}: {refused}");
        assert!(refused.starts_with("a metric is NAME=") && refused.contains(EXAMPLE), "{bad}: {refused}");
    }
}

#[test]
fn no_values_are_none_unless_they_count_as_nothing() {
    let [unknown, zero] = ["Shop:orders Sum", "Shop:orders Sum or 0"].map(read);
    assert_eq!((unknown.number(None), unknown.number(Some(2.0))), (None, Some(2.0)));
    assert_eq!((zero.number(None), zero.number(Some(2.0))), (Some(0.0), Some(2.0)));
}

#[test]
fn a_window_is_over_whole_and_at_a_multiple_of_its_length() {
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let found = window(at("2026-11-07T21:31:59Z"));
    assert_eq!(found, (at("2026-11-07T21:20:00Z"), at("2026-11-07T21:25:00Z")));
    assert_eq!(window(at("2026-11-07T21:32:00Z")).1, at("2026-11-07T21:30:00Z"));
    assert_eq!(settled(at("2026-11-07T21:30:00Z")), at("2026-11-07T21:37:00Z"));
    assert_eq!(settled(at("2026-11-07T21:30:00.5Z")), at("2026-11-07T21:42:00Z"));
    let start = at("2026-11-07T21:30:00Z");
    for seconds in 0..700 {
        let since = start + SignedDuration::from_secs(seconds);
        let read = settled(since);
        assert!(window(read).0 >= since, "{since}: what came before is not in it");
        assert!(window(read - SignedDuration::from_secs(1)).0 < since, "{since}: no longer than it takes");
    }
}
