//! `baseline`, `health` and `soak`: how a cluster was, and whether it is as well now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::health::Health;
use fleetwright_eks::run::step_name::{BASELINE, SOAK};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::AlarmState;
use fleetwright_step::{Outcome, Slot, Step, Turn};
use futures::future::join_all;
use jiff::SignedDuration;

use crate::context::{Context, Site};
use crate::look::{WHOLE, listed, unread, unseen};
use crate::notes::BaselineNote;

/// Keeps how the cluster is.
pub(crate) struct Baseline(pub(crate) Arc<Context>);

impl Baseline {
    async fn kept(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        // What a way back is compared with is how it was before there was anything to take back.
        let health = match self.0.baseline_of_parent(&site).await? {
            Some(before) => before,
            None => health(&self.0, &site).await?,
        };
        let digest = self.0.keep_baseline(&site, &health).await?;
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        Ok(Outcome::done(&BaselineNote {
            digest,
            nodes: health.nodes,
            not_ready: count(health.not_ready.len()),
            workloads: count(health.workloads.len()),
        }))
    }
}

#[async_trait]
impl Step for Baseline {
    fn name(&self) -> &'static str {
        BASELINE
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let kept = self.kept(&turn, slot).await;
            let outcome = kept.unwrap_or_else(|failure| unseen(WHOLE, slot, self.0.now(), BASELINE, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}

/// How the cluster is now.
async fn health(context: &Context, site: &Site<'_>) -> Result<Health, Failure> {
    let facts = context.facts(site, &[]).await?;
    let health = Health::of(&facts).map_err(|why| unread(&why))?;
    let (alarms, figures) = (alarming(context, site).await?, figures(context, site).await?);
    Ok(Health { alarms, figures, ..health })
}

/// What the queries of the plan answer now, by name. One that nobody answers is no figure, and no silence.
async fn figures(context: &Context, site: &Site<'_>) -> Result<BTreeMap<String, f64>, Failure> {
    let wanted = &site.plan.options.queries;
    let mut figures = BTreeMap::new();
    let Some(first) = wanted.first() else { return Ok(figures) };
    let Some(queries) = &context.ports().queries else {
        let words = format!(
            "{}: query {} cannot be asked: telemetry.prometheus_url does not say where Prometheus is",
            site.name, first.name
        );
        let code = &code::GATE_UNKNOWN;
        return Err(Failure::new(ErrorClass::Permanent, code, "prometheus:Query", &words));
    };
    for query in wanted {
        let value = queries.value(&query.promql).await.map_err(|failure| {
            let message = format!("{}: query {}: {}", site.name, query.name, failure.message);
            Failure { message, ..failure }
        })?;
        figures.insert(query.name.clone(), value);
    }
    Ok(figures)
}

/// The alarms of the plan that have gone off. One that cannot tell for want of data has not; one that is not there at
/// all can prove nothing.
async fn alarming(context: &Context, site: &Site<'_>) -> Result<BTreeSet<String>, Failure> {
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

/// What is worse than before the run, each on a line.
pub(crate) async fn worse(context: &Context, site: &Site<'_>) -> Result<Vec<String>, Failure> {
    let before = context.baseline(site).await?;
    let now = health(context, site).await?;
    let mut worse: Vec<String> = now.worse_than(&before).iter().map(ToString::to_string).collect();
    worse.extend(now.broken(&before, &site.plan.options.queries));
    Ok(worse)
}

/// What is worse than before the run, each on a line, by cluster; why it cannot be said where it cannot.
pub async fn worse_than_before(context: &Context) -> Vec<(String, Result<Vec<String>, Failure>)> {
    join_all(context.sites().into_iter().map(|(name, site)| async move {
        let compared = match site {
            Ok(site) => worse(context, &site).await,
            Err(failure) => Err(failure),
        };
        (name, compared)
    }))
    .await
}

/// Waits until the cluster is as well as before, and says what is not when the time is over.
pub(crate) struct Compare {
    context: Arc<Context>,
    name: &'static str,
}

impl Compare {
    pub(crate) fn new(context: Arc<Context>, name: &'static str) -> Self {
        Self { context, name }
    }

    async fn compared(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.context.site(turn.place, slot.target)?;
        let worse = worse(&self.context, &site).await?;
        let now = self.context.now();
        let until = match self.name {
            SOAK => slot.started_at.checked_add(self.soak(slot)).unwrap_or(jiff::Timestamp::MAX),
            _ => slot.started_at,
        };
        if worse.is_empty() && now >= until {
            return Ok(Outcome::Done { note: None, finding: None });
        }
        if now >= slot.deadline {
            let words = format!("{}: worse than before: {}", slot.subject, listed(&worse));
            return Ok(Outcome::failed(ErrorClass::Permanent, &code::CLUSTER_WORSE, self.name, &words));
        }
        let at = WHOLE.next(slot.started_at, now).min(slot.deadline);
        let at = if worse.is_empty() { at.min(until) } else { at };
        let waiting_for = match worse.is_empty() {
            true => "the ring to prove itself".into(),
            false => listed(&worse).into(),
        };
        Ok(Outcome::LookAgain { at, waiting_for })
    }

    fn soak(&self, slot: &Slot) -> SignedDuration {
        SignedDuration::from_secs(self.context.soak_seconds(slot.target).into())
    }
}

#[async_trait]
impl Step for Compare {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let compared = self.compared(&turn, slot).await;
            let now = self.context.now();
            let outcome = compared.unwrap_or_else(|failure| unseen(WHOLE, slot, now, self.name, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
