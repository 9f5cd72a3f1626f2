//! The contract of [`Metrics`](crate::Metrics), against instances that report and some that do not.

use std::collections::BTreeSet;

use fleetwright_eks::query::{Metric, metric::window};
use fleetwright_model::{Cell, InstanceId, Text};
use jiff::SignedDuration;

use crate::{AlarmState, Clock, Metrics};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Instances that report `CPUUtilization` and did so for the last hour.
    pub reporting: Vec<InstanceId>,
    /// An alarm of the cell and what it says.
    pub alarm: (Text, AlarmState),
    /// A metric and its value over the last window that can be read.
    pub value: (Metric, f64),
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(metrics: &dyn Metrics, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    let until = clock.now();
    let from = until.checked_sub(SignedDuration::from_mins(30)).expect("tests take place after 1970");
    let unknown = InstanceId::new("i-0ffffffffffffffff").expect("well formed");
    let ids: Vec<InstanceId> = expected.reporting.iter().cloned().chain([unknown.clone()]).collect();
    let means = metrics.means(cell, "CPUUtilization", &ids, from, until).await;
    assert_eq!(means.failure, None, "an instance that reports nothing is not an error");
    let hosts: BTreeSet<&InstanceId> = means.items.iter().map(|mean| &mean.host).collect();
    assert_eq!(hosts, ids.iter().collect(), "every instance has its row");
    assert_eq!(means.items.len(), ids.len(), "and only one");
    for measurement in &means.items {
        match measurement.mean {
            Some(mean) => assert!((0.0..=100.0).contains(&mean), "{measurement:?}"),
            None => assert_eq!(measurement.host, unknown, "only what reports nothing has no mean"),
        }
        assert!(measurement.mean.is_none() || measurement.host != unknown);
    }
    let nothing = metrics.means(cell, "CPUUtilization", &[], from, until).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "no ids, no call, no answer");

    let (name, state) = &expected.alarm;
    let alarms = metrics.alarms(cell, &[name.clone(), "fleetwright-conformance-none".into()]).await;
    assert_eq!(alarms.failure, None, "an alarm that does not exist is not an error");
    let found: Vec<(&Text, AlarmState)> = alarms.items.iter().map(|it| (&it.name, it.state)).collect();
    assert_eq!(found, [(name, *state)]);
    let nothing = metrics.alarms(cell, &[]).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "no names, no call, no answer");

    let (metric, value) = &expected.value;
    let last = window(clock.now());
    assert_eq!(metrics.value(cell, metric, last).await, Ok(Some(*value)));
    let unknown = Metric { name: "fleetwright-conformance-none".to_owned(), ..metric.clone() };
    assert_eq!(
        metrics.value(cell, &unknown, last).await,
        Ok(None),
        "no data are not an error, and no number"
    );
}
