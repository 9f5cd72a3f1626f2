//! Measurements of instances, metrics of anything, and the alarms on them.

use async_trait::async_trait;
use fleetwright_eks::query::Metric;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Text};
use jiff::Timestamp;

/// The mean of one metric of one instance over a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The instance.
    pub host: InstanceId,
    /// The mean; none where nothing was reported in that span.
    pub mean: Option<f64>,
}

/// A named alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: Text,
    /// What it says.
    pub state: AlarmState,
}

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    /// Nothing is wrong.
    Ok,
    /// Something is.
    Alarm,
    /// It cannot tell.
    InsufficientData,
}

/// Metrics of one cell. Every method reads only.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// The mean of a metric per instance: one call for 500. The metric is one of `AWS/EC2`, e.g.
    /// `CPUUtilization`, or has its namespace before it, e.g. `CWAgent:mem_used_percent`; `InstanceId` is its
    /// only dimension.
    async fn means(
        &self,
        cell: &Cell<'_>,
        metric: &str,
        ids: &[InstanceId],
        from: Timestamp,
        until: Timestamp,
    ) -> Partial<Measurement>;

    /// The value of a metric over a window, which begins at the first moment and ends before the second, both at multiples of
    /// its length: [`fleetwright_eks::query::metric::window`]. None where there are no data, whatever that means to the metric.
    ///
    /// # Errors
    /// Nobody could be asked, or the answer is not one finite number.
    async fn value(
        &self,
        cell: &Cell<'_>,
        metric: &Metric,
        window: (Timestamp, Timestamp),
    ) -> Result<Option<f64>, Failure>;

    /// The alarms with these names. One that does not exist is not in the listing.
    async fn alarms(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<Alarm>;
}

/// A figure to be kept as a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The metric's name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: FigureUnit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureUnit {
    /// Things.
    Count,
    /// A share: 0 to 100.
    Percent,
}

/// Where a cell's figures of a run are kept for dashboards and alarms.
#[async_trait]
pub trait FigureSink: Send + Sync {
    /// Keeps these figures as the cell's at that time.
    ///
    /// # Errors
    /// They were not kept, or nobody knows.
    async fn put(
        &self,
        cell: &Cell<'_>,
        namespace: &str,
        figures: &[Figure],
        at: Timestamp,
    ) -> Result<(), Failure>;
}
