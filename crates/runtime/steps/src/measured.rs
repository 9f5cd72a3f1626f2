//! What CloudWatch measured of hosts since they were changed.

use std::collections::BTreeMap;

use fleetwright_flow::PlaceId;
use fleetwright_model::InstanceId;
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;

/// Over this long before now the mean of a metric is taken at most: two of CloudWatch's periods.
const LATELY: SignedDuration = SignedDuration::from_mins(10);
/// Seconds of a period of CloudWatch with basic monitoring. Source: EC2 user guide, "Monitor your instances
/// using CloudWatch".
const PERIOD: i64 = 300;

/// The mean of a metric over the last minutes, of each host since a time of its own: a period with anything
/// from before it says nothing of now. Hosts of which nothing was measured yet are left out.
pub(crate) async fn since(
    context: &Context,
    place: PlaceId,
    metric: &str,
    hosts: impl IntoIterator<Item = (InstanceId, Timestamp)>,
) -> BTreeMap<InstanceId, f64> {
    let now = context.now();
    let lately = now.checked_sub(LATELY).unwrap_or(now);
    let mut wanted: BTreeMap<Timestamp, Vec<InstanceId>> = BTreeMap::new();
    for (host, since) in hosts {
        let from = next_period(since).max(lately);
        if from < now {
            wanted.entry(from).or_default().push(host);
        }
    }
    let mut found = BTreeMap::new();
    for (from, ids) in wanted {
        found.extend(means(context, place, metric, &ids, from, now).await);
    }
    found
}

/// The mean of a metric between two times, by host; what was not measured is left out.
pub(crate) async fn means(
    context: &Context,
    place: PlaceId,
    metric: &str,
    ids: &[InstanceId],
    from: Timestamp,
    until: Timestamp,
) -> BTreeMap<InstanceId, f64> {
    let listing = context.ports().metrics.means(&context.cell(place), metric, ids, from, until).await;
    if let Some(failure) = &listing.failure {
        tracing::warn!(%failure, metric, "a metric was not read for every host");
    }
    listing.items.into_iter().filter_map(|it| Some((it.host, it.mean?))).collect()
}

/// When the first period begins that holds nothing from before that time.
fn next_period(at: Timestamp) -> Timestamp {
    let periods = (at.as_second() + PERIOD - 1).div_euclid(PERIOD);
    Timestamp::from_second(periods * PERIOD).unwrap_or(Timestamp::MAX)
}
