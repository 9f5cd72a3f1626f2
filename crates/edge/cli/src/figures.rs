//! The figures of a run: told at its end to logs and metrics, and kept in CloudWatch by each account and
//! region for itself.

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::{Cell, Zone};
use fleetwright_patch::outcome::{HostOutcome, HostResult};
use fleetwright_ports::{Figure, FigureSink, FigureUnit};
use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use tracing::{debug, info, warn};

use crate::run_events::TARGET;

/// Cells that are told at the same time.
const AT_ONCE: usize = 16;

/// Figures of a run, or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Instances that are worked on.
    pub total: u64,
    /// Those of them that did not come to a good end: all that a person may have to look at.
    pub with_issues: u64,
}

impl Figures {
    /// The figures of these results. An instance that was left as it is on purpose has no issue.
    pub fn of<'r, 'a: 'r>(results: impl IntoIterator<Item = &'r HostResult<'a>>) -> Self {
        let mut figures = Self::default();
        for result in results {
            let well = matches!(result.outcome, HostOutcome::Success | HostOutcome::Skipped);
            figures.total += 1;
            figures.with_issues += u64::from(!well);
        }
        figures
    }

    /// The figures by the names they are known under in CloudWatch.
    pub fn named(self) -> [Figure; 3] {
        let count = |name, value: u64| Figure { name, value: value as f64, unit: FigureUnit::Count };
        [
            Figure { name: "SuccessRate", value: self.success_percent(), unit: FigureUnit::Percent },
            count("InstancesTotal", self.total),
            count("InstancesWithIssues", self.with_issues),
        ]
    }

    /// Percent of them that came to a good end; 100 where there are none.
    pub fn success_percent(self) -> f64 {
        match self.total {
            0 => 100.0,
            total => (total - self.with_issues) as f64 * 100.0 / total as f64,
        }
    }
}

/// Tells the figures of a run.
pub fn tell(run: &str, results: &[HostResult<'_>]) {
    let figures = Figures::of(results);
    let Figures { total, with_issues } = figures;
    let success_percent = figures.success_percent();
    info!(target: TARGET, run, instances = total, with_issues, success_percent, "this is what it came to");
    for outcome in HostOutcome::ALL {
        let count = results.iter().filter(|result| result.outcome == outcome).count();
        debug!(target: TARGET, run, instances_that = outcome.as_str(), count, "of them");
    }
}

/// Keeps the figures of each account and region there. What cannot be kept is logged, and no more: the run is
/// over.
pub async fn keep(
    sink: &dyn FigureSink,
    zones: &[Zone],
    namespace: &str,
    results: &[HostResult<'_>],
    at: Timestamp,
) {
    let mut by_place: BTreeMap<(&str, &str), (&flow::Place, Vec<&HostResult<'_>>)> = BTreeMap::new();
    for result in results {
        let key = (result.place.zone.as_str(), result.place.region.as_str());
        by_place.entry(key).or_insert_with(|| (result.place, Vec::new())).1.push(result);
    }
    let told = by_place.into_values().map(|(place, results)| async move {
        let Some(zone) = zones.iter().find(|zone| zone.name == place.zone) else { return };
        let figures = Figures::of(results);
        let cell = Cell { zone, region: place.region.clone() };
        if let Err(failure) = sink.put(&cell, namespace, &figures.named(), at).await {
            let (zone, region) = (place.zone.as_str(), place.region.as_str());
            warn!(%failure, zone, region, namespace, "the figures of the run were not kept in CloudWatch");
        }
    });
    stream::iter(told).buffer_unordered(AT_ONCE).collect::<()>().await;
}
