//! The [`Metrics`] port: CloudWatch's metrics and alarms.

mod alarms;
mod figures;
mod means;
mod value;

use async_trait::async_trait;
use fleetwright_eks::query::Metric;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Text};
use fleetwright_ports::{Alarm, Figure, FigureSink, Measurement, Metrics};
use jiff::Timestamp;

use crate::Aws;

#[async_trait]
impl Metrics for Aws {
    async fn means(
        &self,
        cell: &Cell<'_>,
        metric: &str,
        ids: &[InstanceId],
        from: Timestamp,
        until: Timestamp,
    ) -> Partial<Measurement> {
        means::look_up(self, cell, metric, ids, from, until).await
    }

    async fn value(
        &self,
        cell: &Cell<'_>,
        metric: &Metric,
        window: (Timestamp, Timestamp),
    ) -> Result<Option<f64>, Failure> {
        value::look_up(self, cell, metric, window).await
    }

    async fn alarms(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<Alarm> {
        alarms::look_up(self, cell, names).await
    }
}

#[async_trait]
impl FigureSink for Aws {
    async fn put(
        &self,
        cell: &Cell<'_>,
        namespace: &str,
        figures: &[Figure],
        at: Timestamp,
    ) -> Result<(), Failure> {
        figures::put(self, cell, namespace, figures, at).await
    }
}
