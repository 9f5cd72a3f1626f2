//! What a plan says must hold beside the cluster itself: alarms, queries, metrics, endpoints. What nobody could look at is
//! no answer, and no silence.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::endpoint::Unwell;
use fleetwright_eks::query::{Asks, Metric, Query, metric::window};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::AlarmState;

use crate::context::{Context, Site};

/// What the queries and metrics of the plan say now, by name.
pub(crate) async fn figures(context: &Context, site: &Site<'_>) -> Result<BTreeMap<String, f64>, Failure> {
    let mut figures = BTreeMap::new();
    for query in &site.plan.options.queries {
        let value = match &query.asks {
            Asks::Promql(promql) => of_prometheus(context, promql).await,
            Asks::Metric(metric) => of_cloudwatch(context, site, metric).await,
        };
        figures.insert(query.name.clone(), value.map_err(|failure| about(site, query, failure))?);
    }
    Ok(figures)
}

fn about(site: &Site<'_>, query: &Query, failure: Failure) -> Failure {
    let message = format!("{}: {} {}: {}", site.name, query.kind(), query.name, failure.message);
    Failure { message, ..failure }
}

async fn of_prometheus(context: &Context, promql: &str) -> Result<f64, Failure> {
    match &context.ports().queries {
        Some(queries) => queries.value(promql).await,
        None => {
            let words = "it cannot be asked: telemetry.prometheus_url does not say where Prometheus is";
            Err(Failure::new(ErrorClass::Permanent, &code::GATE_UNKNOWN, "prometheus:Query", words))
        }
    }
}

async fn of_cloudwatch(context: &Context, site: &Site<'_>, metric: &Metric) -> Result<f64, Failure> {
    let (from, until) = window(context.now());
    let value = context.ports().metrics.value(&site.cell, metric, (from, until)).await?;
    metric.number(value).ok_or_else(|| {
        let words = format!(
            "{metric} has no data in {} from {from} to {until}; with `or 0` behind the statistic that would be 0",
            site.cell.region
        );
        // They may come late.
        let code = &code::GATE_UNKNOWN;
        Failure::new(ErrorClass::Transient, code, "cloudwatch:GetMetricData", &words)
    })
}

/// The alarms of the plan that have gone off. One that cannot tell for want of data has not; one that is not there at
/// all can prove nothing.
pub(crate) async fn alarming(context: &Context, site: &Site<'_>) -> Result<BTreeSet<String>, Failure> {
    let names: Vec<Text> = site.plan.options.alarms.iter().map(|name| name.as_str().into()).collect();
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let listing = context.ports().metrics.alarms(&site.cell, &names).await;
    if let Some(failure) = listing.failure {
        return Err(failure);
    }
    let missing = names.iter().find(|name| listing.items.iter().all(|alarm| alarm.name != **name));
    if let Some(name) = missing {
        let words = format!("{}: there is no alarm {name} in {}", site.name, site.cell.region);
        return Err(Failure::new(
            ErrorClass::Permanent,
            &code::GATE_UNKNOWN,
            "cloudwatch:DescribeAlarms",
            &words,
        ));
    }
    let off = listing.items.iter().filter(|alarm| alarm.state == AlarmState::Alarm);
    Ok(off.map(|alarm| alarm.name.to_string()).collect())
}

/// The endpoints of the plan that do not answer as they should, by name.
pub(crate) async fn unwell(context: &Context, site: &Site<'_>) -> Result<BTreeMap<String, Unwell>, Failure> {
    let wanted = &site.plan.options.endpoints;
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    context.ports().endpoints.unwell(wanted).await.map_err(|failure| {
        let message = format!("{}: {}", site.name, failure.message);
        Failure { message, ..failure }
    })
}
