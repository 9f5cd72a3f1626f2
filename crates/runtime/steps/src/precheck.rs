//! `precheck`: is the host there, does its agent answer, and what does it say of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_host::{Readiness, Reading, ReadyVerdict, Severity, SurveyReport, Tri, readiness};
use fleetwright_model::{AgentFacts, ErrorClass, Failure, InstanceId, InstanceState, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::checks::thresholds_of;
use fleetwright_patch::plan::notes::{PrecheckNote, step::PRECHECK};
use fleetwright_ports::InvocationStatus;
use fleetwright_ports::commands::COMMAND_BATCH;
use jiff::SignedDuration;

use crate::agent_version::is_older;
use crate::command_wave::{
    Addressed, Memory, Order, Progress, Repeat, Wave, reached_nobody, report, unsuccessful,
};
use crate::context::Context;
use crate::evidence::{AgentClass, Files, PRECHECK as PRECHECK_FILE, PrecheckResult, PrecheckVerdict, Taken};
use crate::identity::identities;
use crate::pace::{self, GATHERS_FOR};
use crate::survey_command::{questions, read_survey, survey_orders};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// The word in the mark of commands that update agents.
const REMEDY: &str = "precheck-agent";
/// The document that updates the agent, on Linux and Windows alike.
const UPDATE_AGENT: &str = "AWS-UpdateSSMAgent";
/// How long a silent agent is given: a little more than the five minutes between two pings.
const SILENCE_MAX: SignedDuration = SignedDuration::from_secs(330);
/// How long an agent is given to come back newer.
const UPDATE_MAX: SignedDuration = SignedDuration::from_mins(10);

const LATE: Late<'static> =
    Late { step: PRECHECK, class: ErrorClass::Permanent, code: &code::STEP_TIMED_OUT };

/// The step.
pub(crate) struct Precheck {
    context: Arc<Context>,
    memory: Memory,
    /// What this process remembers of updating agents; after a crash the mark tells it.
    remedy: Memory,
    updated: Mutex<BTreeSet<TargetId>>,
}

/// What the infrastructure says of a host.
enum Fit {
    Ready,
    /// Its agent is too old.
    Old,
    Outcome(Outcome),
    Unfit(PrecheckVerdict, String),
}

struct Candidate<'a> {
    slot: &'a Slot,
    host: &'a PlannedHost,
    agent: Option<AgentFacts>,
}

impl Precheck {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, memory: Memory::default(), remedy: Memory::default(), updated: Mutex::default() }
    }

    fn wave(&self, place: PlaceId) -> Wave<'_> {
        Wave {
            context: &self.context,
            step: PRECHECK,
            purpose: PRECHECK,
            place,
            memory: &self.memory,
            pace: pace::COMMAND,
        }
    }

    /// False only collects the evidence that later steps need; then there is no verdict either.
    fn judges(&self) -> bool {
        self.context.plan().policy.precheck.judge
    }

    fn files<'a>(&'a self, place: PlaceId, host: &'a PlannedHost) -> Files<'a> {
        Files { context: &self.context, place, os: host.os, instance: &host.id }
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let wave = self.wave(turn.place);
        let addressed = hosts.iter().map(|(slot, host)| (*slot, host.id.clone())).collect();
        let fresh = wave.take_up(addressed, Repeat::Harmless, turn.reports).await;
        let fresh: Vec<_> =
            fresh.into_iter().filter_map(|(slot, _)| Some((slot, self.context.host(slot.target)?))).collect();
        let (mut ask, mut old) = (Vec::new(), Vec::new());
        for (candidate, fit) in self.infrastructure(turn.place, &fresh).await {
            let Candidate { slot, host, .. } = candidate;
            match fit {
                Fit::Outcome(outcome) => report(turn, slot, outcome),
                Fit::Unfit(verdict, reason) => {
                    let outcome = self.unfit(turn.place, &candidate, verdict, reason).await;
                    report(turn, slot, outcome);
                }
                Fit::Old => old.push(candidate),
                Fit::Ready => ask.push(((slot, host.id.clone()), host)),
            }
        }
        for (order, hosts) in survey_orders(&self.context, PRECHECK, ask) {
            match order {
                Ok(order) => wave.send(&order, hosts, turn.reports).await,
                Err(outcome) => hosts.iter().for_each(|(slot, _)| report(turn, slot, outcome.clone())),
            }
        }
        self.update_agents(turn, old).await;
    }

    /// State, agent and its version: one call for a thousand hosts and one for fifty agents.
    async fn infrastructure<'a>(
        &self,
        place: PlaceId,
        hosts: &[(&'a Slot, &'a PlannedHost)],
    ) -> Vec<(Candidate<'a>, Fit)> {
        if hosts.is_empty() {
            return Vec::new();
        }
        let ids: Vec<InstanceId> = hosts.iter().map(|(_, host)| host.id.clone()).collect();
        let identities = identities(&self.context, place, hosts).await;
        let answers = self.context.ports().machines.agents(&self.context.cell(place), &ids).await;
        let unread: BTreeMap<&InstanceId, &Failure> =
            answers.unchecked.iter().flat_map(|(ids, it)| ids.iter().map(move |id| (id, it))).collect();
        let mut agents: BTreeMap<&InstanceId, &AgentFacts> =
            answers.found.iter().map(|(id, agent)| (id, agent)).collect();
        let mut judged = Vec::with_capacity(hosts.len());
        for (slot, host, identity) in identities {
            let agent = agents.remove(&host.id).cloned();
            let fit = match (identity.planned(), unread.get(&host.id)) {
                (Err(outcome), _) => Fit::Outcome(outcome),
                (Ok(instance), _) if instance.state != InstanceState::Running => {
                    Fit::Unfit(PrecheckVerdict::NotReady, format!("the instance is {}", instance.state))
                }
                (Ok(_), Some(failure)) => Fit::Outcome(Outcome::Failed((*failure).clone())),
                (Ok(_), None) => self.agent_fit(slot, agent.as_ref()),
            };
            judged.push((Candidate { slot, host, agent }, fit));
        }
        judged
    }

    fn agent_fit(&self, slot: &Slot, agent: Option<&AgentFacts>) -> Fit {
        let now = self.context.now();
        let class = AgentClass::of(agent.map(|agent| agent.ping));
        let Some(agent) = agent.filter(|_| class == AgentClass::Online) else {
            // An agent that restarts misses a ping; nothing can be sent to one that is silent.
            if class != AgentClass::NeverRegistered && now.duration_since(slot.started_at) < SILENCE_MAX {
                return Fit::Outcome(pace::POWER.look(slot, now, "the agent to answer again", LATE));
            }
            return Fit::Unfit(PrecheckVerdict::Unreachable, format!("the agent is {}", class.as_str()));
        };
        let wanted = &self.context.plan().policy.precheck.min_agent_version;
        match agent.version.as_deref() {
            Some(version) if self.judges() && is_older(version, wanted) => Fit::Old,
            _ => Fit::Ready,
        }
    }

    /// Agents that are too old are updated once, where the policy says so, and then looked at again.
    async fn update_agents(&self, turn: &Turn<'_>, old: Vec<Candidate<'_>>) {
        if old.is_empty() {
            return;
        }
        let now = self.context.now();
        let policy = &self.context.plan().policy.precheck;
        let mut update = Vec::new();
        for candidate in old {
            if policy.remedy_agent && now.duration_since(candidate.slot.started_at) < UPDATE_MAX {
                let what = "the agent to be updated";
                report(turn, candidate.slot, pace::INSTALL.look(candidate.slot, now, what, LATE));
                if self.updated(|it| it.insert(candidate.slot.target)) {
                    update.push((candidate.slot, candidate.host.id.clone()));
                }
                continue;
            }
            let version = candidate.agent.as_ref().and_then(|agent| agent.version.as_deref());
            let reason = format!(
                "the agent has version {}, and {} is the least; update it with {UPDATE_AGENT}",
                version.unwrap_or("unknown"),
                policy.min_agent_version,
            );
            let verdict = PrecheckVerdict::NotReady;
            report(turn, candidate.slot, self.unfit(turn.place, &candidate, verdict, reason).await);
        }
        self.send_updates(turn.place, update).await;
    }

    fn updated<T>(&self, work: impl FnOnce(&mut BTreeSet<TargetId>) -> T) -> T {
        work(&mut self.updated.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends the update to those that no earlier process has sent it to.
    async fn send_updates(&self, place: PlaceId, hosts: Vec<Addressed<'_>>) {
        let wave = Wave { purpose: REMEDY, memory: &self.remedy, ..self.wave(place) };
        let listing = wave.listing(&hosts).await;
        let hosts: Vec<_> = hosts
            .into_iter()
            .filter(|(slot, host)| !slot.doubt || !wave.was_sent(&listing, slot, host))
            .collect();
        let delivery = self.context.plan().policy.patch.delivery_seconds.max(30);
        let order = Order {
            document: UPDATE_AGENT.into(),
            parameters: Vec::new(),
            delivery: Duration::from_secs(u64::from(delivery)),
        };
        wave.send_again(&order, hosts).await;
    }

    /// Keeps the judgement of a host on which nothing was run.
    async fn unfit(
        &self,
        place: PlaceId,
        candidate: &Candidate<'_>,
        verdict: PrecheckVerdict,
        reason: String,
    ) -> Outcome {
        let Candidate { slot, host, agent } = candidate;
        let result = PrecheckResult {
            instance: host.id.clone(),
            verdict,
            agent: AgentClass::of(agent.as_ref().map(|agent| agent.ping)),
            agent_version: agent.as_ref().and_then(|agent| Some(agent.version.as_deref()?.to_owned())),
            reason: Some(reason.clone()),
            findings: Vec::new(),
        };
        if let Err(outcome) = self.files(place, host).keep_json(Taken::Before, PRECHECK_FILE, &result).await {
            return outcome;
        }
        match verdict {
            PrecheckVerdict::Unreachable => {
                let words = format!("{}: {reason}", slot.subject);
                Outcome::failed(ErrorClass::Permanent, &code::HOST_UNREACHABLE, PRECHECK, &words)
            }
            _ => Outcome::LeaveTarget { code: &code::NOT_READY },
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let wave = self.wave(turn.place);
        let listing = wave.listing(&hosts).await;
        let now = self.context.now();
        for (slot, _, progress) in wave.look(&listing, hosts).await {
            let outcome = match progress {
                // Exit codes do not matter where the answer is whole: it says itself what is missing.
                Progress::Ended(answer)
                    if matches!(
                        answer.invocation.status,
                        InvocationStatus::Success | InvocationStatus::Failed
                    ) =>
                {
                    self.judge(turn.place, slot, &answer).await
                }
                Progress::Ended(answer) => unsuccessful(PRECHECK, &slot.subject, &answer),
                Progress::Nobody => reached_nobody(PRECHECK, &slot.subject),
                Progress::Running => pace::COMMAND.look(slot, now, "the host's answer", LATE),
                Progress::Unseen(failure) => {
                    let what = format!("the host's answer to be readable ({failure})");
                    pace::COMMAND.look(slot, now, &what, LATE)
                }
            };
            report(turn, slot, outcome);
        }
    }

    async fn judge(&self, place: PlaceId, slot: &Slot, answer: &crate::command_wave::Answer) -> Outcome {
        let Some(host) = self.context.host(slot.target) else {
            return Outcome::failed(ErrorClass::Permanent, &code::INTERNAL, PRECHECK, "not a host");
        };
        let files = self.files(place, host);
        let survey = match read_survey(files, &host.id, PRECHECK, slot, Taken::Before, answer).await {
            Ok(survey) => survey,
            Err(outcome) => return outcome,
        };
        let thresholds = thresholds_of(&self.context.plan().policy.precheck.thresholds, &host.checks);
        let readiness = readiness(&survey, &thresholds, &questions(&self.context, host));
        if !self.judges() {
            let evidence = Readiness { verdict: ReadyVerdict::Unknown, findings: Vec::new() };
            return Outcome::done(&note(&survey, &evidence));
        }
        let verdict = match readiness.verdict {
            ReadyVerdict::Ready => PrecheckVerdict::Ready,
            ReadyVerdict::Unknown | ReadyVerdict::NotReady => PrecheckVerdict::NotReady,
        };
        let result = PrecheckResult {
            instance: host.id.clone(),
            verdict,
            agent: AgentClass::Online,
            agent_version: None,
            reason: readiness.deciding().map(ToString::to_string),
            findings: readiness.findings.clone(),
        };
        if let Err(outcome) = files.keep_json(Taken::Before, PRECHECK_FILE, &result).await {
            return outcome;
        }
        match verdict {
            PrecheckVerdict::Ready => Outcome::done(&note(&survey, &readiness)),
            _ => Outcome::LeaveTarget { code: &code::NOT_READY },
        }
    }
}

/// A note has at most 2 KiB, so only the first warnings are named in it; all are in the artefact.
const WARNINGS_MAX: usize = 20;

fn note(survey: &Reading<SurveyReport>, readiness: &Readiness) -> PrecheckNote {
    let report = survey.report();
    let mut warnings: Vec<_> =
        readiness.findings.iter().filter(|it| it.severity != Severity::Fail).map(|it| it.check).collect();
    warnings.dedup();
    PrecheckNote {
        boot: report.boot_id.as_ref().map(|boot| boot.as_str().into()),
        reboot_pending: report.pending_reboot.as_ref().map_or(Tri::Unknown, |judged| judged.answer),
        warnings: warnings.into_iter().take(WARNINGS_MAX).map(|check| check.as_str().into()).collect(),
    }
}

#[async_trait]
impl Step for Precheck {
    fn name(&self) -> &'static str {
        PRECHECK
    }

    fn gathers_for(&self) -> Duration {
        GATHERS_FOR
    }

    fn batch_size(&self) -> usize {
        COMMAND_BATCH
    }

    async fn turn(&self, turn: Turn<'_>) {
        let hosts = self.context.hosts(PRECHECK, &turn);
        let (sent, fresh): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(slot, _)| slot.handle.is_some());
        self.act(&turn, fresh).await;
        self.look(&turn, sent.into_iter().map(|(slot, host)| (slot, host.id.clone())).collect()).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
    }
}
