use async_trait::async_trait;
use fleetwright_eks::query::Metric;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Text};
use fleetwright_ports::{Alarm, Measurement, Metrics};
use jiff::Timestamp;

use super::FakeHosts;

#[async_trait]
impl Metrics for FakeHosts {
    async fn means(
        &self,
        cell: &Cell<'_>,
        _metric: &str,
        ids: &[InstanceId],
        from: Timestamp,
        until: Timestamp,
    ) -> Partial<Measurement> {
        if ids.is_empty() {
            return Partial::complete(Vec::new());
        }
        match self.read("cloudwatch:GetMetricData") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((_, mut state)) => {
                let hosts = &state.cell(cell).hosts;
                let mean = |id: &InstanceId| hosts.get(id)?.script.mean.filter(|_| from < until);
                let found = ids.iter().map(|id| Measurement { host: id.clone(), mean: mean(id) });
                Partial::complete(found.collect())
            }
        }
    }

    async fn value(
        &self,
        cell: &Cell<'_>,
        metric: &Metric,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Option<f64>, Failure> {
        let (_, mut state) = self.read("cloudwatch:GetMetricData")?;
        Ok(state.cell(cell).values.get(metric).copied().filter(|_| from < until))
    }

    async fn alarms(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<Alarm> {
        if names.is_empty() {
            return Partial::complete(Vec::new());
        }
        match self.read("cloudwatch:DescribeAlarms") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((_, mut state)) => {
                let alarms = state.cell(cell).alarms.iter();
                Partial::complete(alarms.filter(|alarm| names.contains(&alarm.name)).cloned().collect())
            }
        }
    }
}
