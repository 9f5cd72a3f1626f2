//! `suite`: makes a Job of a test suite's CronJob, once, and waits until it has ended.
//!
//! The Job's name follows from run, plan and step: whoever takes the step up again finds the Job that was made, however the
//! process before it ended.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::plan::Action;
use fleetwright_eks::run::step_name::SUITE;
use fleetwright_eks::suite::{JOB_LABEL, JobStanding, Suite, pod_told, standing};
use fleetwright_kubernetes::Depth;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::Kubernetes;
use fleetwright_ports::clusters::ClusterDescription;
use fleetwright_ports::kubernetes::Listing;
use fleetwright_step::{Outcome, Slot, Step, Turn, not_begun};
use futures::future::join_all;
use serde_json::Value;

use crate::context::{Context, Site};
use crate::look::{UPDATES, core_resource, listed, unseen, wait};

/// The step.
pub(crate) struct Suites(pub(crate) Arc<Context>);

/// A suite in one turn.
struct Run<'a> {
    site: &'a Site<'a>,
    slot: &'a Slot,
    suite: &'a Suite,
    described: ClusterDescription,
    api: Arc<dyn Kubernetes>,
    /// The name of its Job.
    job: String,
}

impl Run<'_> {
    fn failed(&self, what: &str) -> Outcome {
        let words = format!("{}: Job {}/{} {what}", self.slot.subject, self.suite.namespace(), self.job);
        Outcome::failed(ErrorClass::Permanent, &code::SUITE_FAILED, SUITE, &words)
    }

    /// What the Job's pods say, behind what is said of it.
    async fn pods(&self) -> String {
        let labels = format!("{JOB_LABEL}={}", self.job);
        let listing =
            Listing { namespace: self.suite.namespace(), labels: &labels, ..Listing::of(Depth::Whole) };
        match self.api.list(&core_resource("Pod", "pods", true), &listing).await {
            Ok(pods) if pods.is_empty() => "; it has no pods".to_owned(),
            Ok(pods) => format!("; {}", listed(&pods.iter().map(pod_told).collect::<Vec<_>>())),
            Err(failure) => format!("; its pods could not be looked at: {failure}"),
        }
    }
}

impl Suites {
    async fn turned(&self, turn: &Turn<'_>, slot: &Slot) -> Result<Outcome, Failure> {
        let site = self.0.site(turn.place, slot.target)?;
        let Some((step, suite)) = site.step.and_then(|step| match &step.action {
            Action::Suite { suite, .. } => Some((step, suite)),
            _ => None,
        }) else {
            let words = format!("{} runs no test suite", slot.subject);
            return Ok(Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, SUITE, &words));
        };
        let described = self.0.described(&site).await?;
        let api = self.0.api(&site, &described)?;
        let run = Run { site: &site, slot, suite, described, api, job: self.0.job_name(step, suite) };
        let path = format!("{}/{}", suite.jobs_path(), run.job);
        Ok(match run.api.object(&path).await? {
            Some(job) => self.looked(&run, &job).await,
            None if slot.handle.is_some() => {
                run.failed("is not there any more: somebody deleted it before it was seen to end")
            }
            None => self.begun(&run).await?,
        })
    }

    /// Makes the Job, of the CronJob as it is now.
    async fn begun(&self, run: &Run<'_>) -> Result<Outcome, Failure> {
        let Some(cron_job) = run.api.object(&run.suite.cron_job_path()).await? else {
            return Ok(run.failed(&format!("was not made: there is no CronJob {} any more", run.suite)));
        };
        let job = match run.suite.job(&run.job, &cron_job) {
            Ok(job) => job,
            Err(odd) => return Ok(run.failed(&format!("was not made: {odd}"))),
        };
        let now = self.0.now();
        if let Some(outcome) = not_begun(run.slot, now, SUITE) {
            return Ok(outcome);
        }
        let changes = self.0.api_for_changes(run.site, &run.described).await?;
        Ok(match changes.create(&run.suite.jobs_path(), &job).await {
            Ok(_) => UPDATES.accepted(run.slot, now, &run.job),
            Err(failure) => Outcome::Failed(failure),
        })
    }

    async fn looked(&self, run: &Run<'_>, job: &Value) -> Outcome {
        let now = self.0.now();
        match standing(job) {
            JobStanding::Complete => Outcome::Done { note: None, finding: None },
            JobStanding::Failed { why } => run.failed(&format!("failed: {why}{}", run.pods().await)),
            JobStanding::Running if now >= run.slot.deadline => {
                let waited = now.duration_since(run.slot.started_at).as_secs();
                run.failed(&format!("was not done after {waited} s{}", run.pods().await))
            }
            // From a process before this one: that it is ours is put on record.
            JobStanding::Running if run.slot.handle.is_none() => UPDATES.accepted(run.slot, now, &run.job),
            JobStanding::Running => wait(
                UPDATES,
                run.slot,
                now,
                SUITE,
                &format!("Job {}/{} to end", run.suite.namespace(), run.job),
            ),
        }
    }
}

#[async_trait]
impl Step for Suites {
    fn name(&self) -> &'static str {
        SUITE
    }

    async fn turn(&self, turn: Turn<'_>) {
        join_all(turn.slots.iter().map(|slot| async {
            let turned = self.turned(&turn, slot).await;
            let now = self.0.now();
            let outcome = turned.unwrap_or_else(|failure| unseen(UPDATES, slot, now, SUITE, failure));
            turn.reports.report(slot.target, outcome);
        }))
        .await;
    }
}
