//! `baseline`, `health` and `soak`: how a cluster was, and whether it is as well now.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::health::Health;
use fleetwright_eks::query::{Asks, metric::settled};
use fleetwright_eks::run::step_name::{BASELINE, SOAK};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_step::{Outcome, Slot, Step, Turn};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::context::{Context, Site};
use crate::look::{WHOLE, listed, unread, unseen};
use crate::notes::BaselineNote;
use crate::watched::{alarming, figures, unwell};

/// How long an endpoint that is down before the upgrade is asked again.
const BELIEVED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Keeps how the cluster is.
pub(crate) struct Baseline(pub(crate) Arc<Context>);

impl Baseline {
    async fn kept(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        // What a way back is compared with is how it was before there was anything to take back.
        let health = match self.0.baseline_of_parent(&site).await? {
            Some(before) => before,
            None => {
                let found = health(&self.0, &site).await?;
                if let Some(again) = self.asked_again(slot, &found) {
                    return Ok(again);
                }
                found
            }
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

    /// An endpoint that is down once is asked again before it is believed: what was down before is not looked at later.
    fn asked_again(&self, slot: &Slot, health: &Health) -> Option<Outcome> {
        let (name, how) = health.unwell.first_key_value()?;
        let now = self.0.now();
        let young = now.duration_since(slot.started_at) < BELIEVED_AFTER;
        young.then(|| Outcome::LookAgain {
            at: WHOLE.next(slot.started_at, now).min(slot.deadline),
            waiting_for: listed(&[format!("endpoint {name} {how}")]).into(),
        })
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
    Ok(Health { alarms, figures, unwell: unwell(context, site).await?, ..health })
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
        let (looked_at, until) = (self.context.now(), self.earliest_end(&site, slot));
        let worse = worse(&self.context, &site).await?;
        let now = self.context.now();
        if worse.is_empty() && looked_at >= until {
            return Ok(Outcome::Done { note: None, finding: None });
        }
        if now >= slot.deadline {
            let words = format!("{}: worse than before: {}", slot.subject, listed(&worse));
            return Ok(Outcome::failed(ErrorClass::Permanent, &code::CLUSTER_WORSE, self.name, &words));
        }
        let at = WHOLE.next(slot.started_at, now).min(slot.deadline);
        let at = if worse.is_empty() { at.min(until) } else { at };
        let waiting_for = match worse.is_empty() {
            true if self.name == SOAK => "the ring to prove itself".into(),
            true => "metrics of the time behind what was done".into(),
            false => listed(&worse).into(),
        };
        Ok(Outcome::LookAgain { at, waiting_for })
    }

    /// Before that nobody has proved anything: a ring not itself, and metrics nothing of what was done before this step.
    fn earliest_end(&self, site: &Site<'_>, slot: &Slot) -> Timestamp {
        let soak = SignedDuration::from_secs(self.context.soak_seconds(slot.target).into());
        let proved = slot.started_at.checked_add(soak).unwrap_or(Timestamp::MAX);
        let has_metrics = site.plan.options.queries.iter().any(|query| matches!(query.asks, Asks::Metric(_)));
        if has_metrics { proved.max(settled(slot.started_at)) } else { proved }
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
