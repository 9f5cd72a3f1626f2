//! `judge`: readiness for a hop, with what is true by now.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::check::{Assessment, Verdict};
use fleetwright_eks::facts::UnreadCause;
use fleetwright_eks::plan::Action;
use fleetwright_eks::run::step_name::JUDGE;
use fleetwright_eks::{Severity, assess};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_step::{Outcome, Slot, Step, Turn};
use futures::future::join_all;

use crate::conditions::{Holds, all_hold};
use crate::context::{Context, Site};
use crate::look::{Sight, WHOLE, listed, unseen, wait};

/// The step.
pub(crate) struct Judge(pub(crate) Arc<Context>);

/// What a cluster is waiting for, or why it is not let through.
enum Judged {
    Ready,
    /// The hop was made already.
    Made,
    /// Something blocks, or may not be looked at.
    Held(&'static fleetwright_model::Code, String),
    /// Nobody could look for now.
    Unseen(String),
}

impl Judge {
    async fn looked(&self, turn: &Turn<'_>, slot: &Slot) -> Outcome {
        let site = match self.0.site(turn.place, slot.target) {
            Ok(site) => site,
            Err(failure) => return Outcome::Failed(failure),
        };
        let judged = self.judged(&site).await;
        let now = self.0.now();
        match judged {
            Ok(Judged::Ready) => Outcome::Done { note: None, finding: None },
            Ok(Judged::Made) => Outcome::NotNeeded { code: &code::UPGRADE_ALREADY },
            Ok(Judged::Held(code, what)) => {
                Outcome::failed(ErrorClass::Permanent, code, JUDGE, &format!("{}: {what}", slot.subject))
            }
            Ok(Judged::Unseen(what)) => wait(WHOLE, slot, now, JUDGE, &what),
            Err(failure) => unseen(WHOLE, slot, now, JUDGE, failure),
        }
    }

    async fn judged(&self, site: &Site<'_>) -> Result<Judged, Failure> {
        let Some(step) = site.step else { return Ok(Judged::Ready) };
        let Action::Gate { hop } = step.action else { return Ok(Judged::Ready) };
        if self.0.described(site).await?.cluster.version >= hop.to {
            return Ok(Judged::Made);
        }
        let facts = self.0.facts(site, &[hop]).await?;
        let assessment = assess(&facts, &[hop], self.0.now(), &site.plan.suppressions);
        let blockers = blockers(&assessment);
        if !blockers.is_empty() {
            return Ok(Judged::Held(&code::CLUSTER_NOT_READY, listed(&blockers)));
        }
        match undecided(&assessment, site) {
            (passing, _) if !passing.is_empty() => Ok(Judged::Unseen(listed(&passing))),
            (_, lasting) if !lasting.is_empty() => {
                Ok(Judged::Held(&code::CLUSTER_UNCERTAIN, listed(&lasting)))
            }
            _ => {
                let mut sight = Sight::of(&self.0, site).await?;
                Ok(match all_hold(&mut sight, &step.action, &step.after).await? {
                    Holds::Yes => Judged::Ready,
                    Holds::NotYet(what) => Judged::Unseen(what),
                    Holds::No(what) => Judged::Held(&code::CLUSTER_NOT_READY, what),
                })
            }
        }
    }
}

/// Findings that block, each on a line.
fn blockers(assessment: &Assessment) -> Vec<String> {
    let mut found = Vec::new();
    for result in &assessment.results {
        let Verdict::Finding { findings, .. } = &result.verdict else { continue };
        let open = findings.iter().filter(|it| it.suppressed.is_none() && it.severity == Severity::Blocking);
        found.extend(open.map(|it| format!("{} {}: {}", result.code, it.subject, it.what)));
    }
    found
}

/// What checks that may block could not look at, and nobody accepted: what may be answered the next time, and what will
/// not.
fn undecided(assessment: &Assessment, site: &Site<'_>) -> (Vec<String>, Vec<String>) {
    let codes = assessment.undecided();
    let accepted = &site.plan.options.accepted;
    let gaps: BTreeSet<(bool, String)> = assessment
        .unread()
        .filter(|(code, why)| codes.contains(code) && !why.was_left_out() && !accepted.contains_key(*code))
        .map(|(code, why)| (why.cause == UnreadCause::Failed, format!("{code}: {}", why.detail)))
        .collect();
    let (passing, lasting): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|(passing, _)| *passing);
    let words = |list: Vec<(bool, String)>| list.into_iter().map(|(_, what)| what).collect();
    (words(passing), words(lasting))
}

#[async_trait]
impl Step for Judge {
    fn name(&self) -> &'static str {
        JUDGE
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            turn.reports.report(slot.target, self.looked(&turn, slot).await);
        }))
        .await;
    }
}
