//! `validate` and `validate-restored`: does what worked before work now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_host::comparison::{ChangeKind, Weight};
use fleetwright_host::{Comparison, LoadCheck, Reading, SurveyReport, compare_with_load};
use fleetwright_model::{ErrorClass, InstanceId, InstanceState, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{ValidateNote, step};
use fleetwright_ports::commands::COMMAND_BATCH;
use fleetwright_ports::{InvocationStatus, RunId};
use jiff::{SignedDuration, Timestamp};

use crate::command_listing::Listing;
use crate::command_wave::{
    Addressed, Answer, Memory, Progress, Repeat, Wave, reached_nobody, report, unsuccessful,
};
use crate::context::Context;
use crate::custom_check::{Checked, Checks, CustomCheck};
use crate::evidence::{COMPARISON, Files, Taken};
use crate::health::{Health, Measured, health};
use crate::pace::{self, GATHERS_FOR};
use crate::recovery::Awaited;
use crate::survey_command::{Asked, load_of, read_survey, survey_orders};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// A host is asked again this often at most while its services come up.
pub(crate) const SENDS_MAX: usize = 6;
/// And not sooner than this.
pub(crate) const SEND_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// An answer older than this does not decide against a host.
pub(crate) const OUTDATED: SignedDuration = SignedDuration::from_mins(15);
/// So long an answer says as much of the agent as its last ping: there are five minutes between two.
const ANSWER_COUNTS: SignedDuration = SignedDuration::from_mins(5);
/// How soon a host usually answers.
const ANSWERS_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// A note has at most 2 KiB: so many findings of so many characters. All are in the artefacts.
const NOTED_MAX: usize = 6;
const NOTED_CHARACTERS: usize = 120;

/// The step, under one of its two names.
pub(crate) struct Validate {
    context: Arc<Context>,
    name: &'static str,
    memory: Memory,
    /// The commands of the organisation's own check.
    checks: Memory,
    /// Answers that were read and kept, of hosts that something is still waited for.
    answered: Mutex<BTreeMap<TargetId, Answered>>,
}

/// A host's answer and what it showed.
#[derive(Clone)]
struct Answered {
    survey: Arc<Reading<SurveyReport>>,
    comparison: Arc<Comparison>,
    /// When the host was last booted, as it says itself.
    booted_at: Option<Timestamp>,
    /// When it was asked.
    asked_at: Timestamp,
}

/// What is wrong with a host, all things taken together.
#[derive(Default)]
struct Findings {
    checks: u32,
    worse: Vec<String>,
    alarm: bool,
    not_compared: Vec<String>,
    facts: Vec<String>,
    /// Whether something may be compared yet.
    pending: bool,
    /// Whether asking the host again can change anything.
    host_is_worse: bool,
}

impl Validate {
    pub(crate) fn new(context: Arc<Context>, name: &'static str) -> Self {
        Self {
            context,
            name,
            memory: Memory::default(),
            checks: Memory::default(),
            answered: Mutex::default(),
        }
    }

    fn wave(&self, place: PlaceId) -> Wave<'_> {
        Wave {
            context: &self.context,
            step: self.name,
            purpose: self.name,
            place,
            memory: &self.memory,
            pace: pace::COMMAND,
        }
    }

    /// The organisation's own check, where the policy names one.
    fn custom_check(&self, place: PlaceId) -> Option<CustomCheck<'_>> {
        let document = self.context.plan().policy.validate.check_document.as_ref()?;
        // The mark of one step's commands must not be taken for the other's.
        let purpose = if self.name == step::VALIDATE { "check" } else { "check-restored" };
        Some(CustomCheck {
            wave: Wave { purpose, memory: &self.checks, ..self.wave(place) },
            document: document.clone(),
        })
    }

    fn late(&self) -> Late<'static> {
        Late { step: self.name, class: ErrorClass::Permanent, code: &code::WORSE }
    }

    fn answered<T>(&self, work: impl FnOnce(&mut BTreeMap<TargetId, Answered>) -> T) -> T {
        work(&mut self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        let wave = self.wave(turn.place);
        let fresh = wave.take_up(hosts, Repeat::Harmless, turn.reports).await;
        for (order, hosts) in self.orders(fresh) {
            match order {
                Ok(order) => wave.send(&order, hosts, turn.reports).await,
                Err(outcome) => hosts.iter().for_each(|(slot, _)| report(turn, slot, outcome.clone())),
            }
        }
    }

    fn orders<'s>(&self, hosts: Vec<Addressed<'s>>) -> Vec<Asked<'s>> {
        let planned =
            |addressed: Addressed<'s>| Some((addressed.clone(), self.context.host(addressed.0.target)?));
        survey_orders(&self.context, self.name, hosts.into_iter().filter_map(planned).collect())
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let wave = self.wave(turn.place);
        let listing = wave.listing(&hosts).await;
        let (known, unread): (Vec<_>, Vec<_>) =
            hosts.into_iter().partition(|(slot, _)| self.answered(|it| it.contains_key(&slot.target)));
        let mut ready = known;
        for (slot, host, progress) in wave.look(&listing, unread).await {
            match self.read(turn, slot, &host, progress).await {
                None => ready.push((slot, host)),
                Some(outcome) => report(turn, slot, outcome),
            }
        }
        self.judge(turn, &wave, &listing, ready).await;
    }

    /// None where the host has answered, and the answer is remembered.
    async fn read(
        &self,
        turn: &Turn<'_>,
        slot: &Slot,
        host: &InstanceId,
        progress: Progress,
    ) -> Option<Outcome> {
        let now = self.context.now();
        match progress {
            Progress::Ended(answer)
                if matches!(
                    answer.invocation.status,
                    InvocationStatus::Success | InvocationStatus::Failed
                ) =>
            {
                self.take(turn.place, slot, host, &answer).await.err()
            }
            Progress::Ended(answer) => Some(unsuccessful(self.name, &slot.subject, &answer)),
            Progress::Nobody => Some(reached_nobody(self.name, &slot.subject)),
            Progress::Running => {
                let late = Late { code: &code::NOT_COMPARED, ..self.late() };
                Some(pace::COMMAND.look(slot, now, "the host's answer", late))
            }
            Progress::Unseen(failure) => {
                let late = Late { code: &code::NOT_COMPARED, ..self.late() };
                let what = format!("the host's answer to be readable ({failure})");
                Some(pace::COMMAND.look(slot, now, &what, late))
            }
        }
    }

    async fn take(
        &self,
        place: PlaceId,
        slot: &Slot,
        instance: &InstanceId,
        answer: &Answer,
    ) -> Result<(), Outcome> {
        let Some(host) = self.context.host(slot.target) else { return Ok(()) };
        // Evidence is kept under the planned host, also where a new instance stands in for it.
        let kept = Files { context: &self.context, place, os: host.os, instance: &host.id };
        let survey = read_survey(kept, instance, self.name, slot, Taken::After, answer).await?;
        let mut before = None;
        for run in self.runs_before(host) {
            if before.is_none() {
                before = kept.survey_before(&run).await?;
            }
        }
        let comparison = compare_with_load(before.as_ref(), Some(&survey), &self.load_check(host));
        kept.keep_json(Taken::After, COMPARISON, &comparison).await?;
        let uptime = survey.report().uptime_s.and_then(|seconds| i64::try_from(seconds).ok());
        let booted_at =
            uptime.and_then(|seconds| answer.sent_at.checked_sub(SignedDuration::from_secs(seconds)).ok());
        let answered = Answered {
            survey: Arc::new(survey),
            comparison: Arc::new(comparison),
            booted_at,
            asked_at: answer.sent_at,
        };
        self.answered(|it| it.insert(slot.target, answered));
        Ok(())
    }

    fn load_check(&self, host: &PlannedHost) -> LoadCheck {
        let policy = self.context.plan().policy.validate.load;
        let limits = policy.map(|load| load.limits).unwrap_or_default();
        LoadCheck { targets: load_of(&self.context, host), limits }
    }

    /// The runs whose evidence may be compared with: an earlier one, where the plan names it, shows the
    /// host before anything was done to it.
    fn runs_before(&self, host: &PlannedHost) -> Vec<RunId> {
        let earlier = host.before.as_ref().and_then(|before| before.run.parse().ok());
        earlier.into_iter().chain([self.context.run().clone()]).collect()
    }

    async fn judge(&self, turn: &Turn<'_>, wave: &Wave<'_>, listing: &Listing, hosts: Vec<Addressed<'_>>) {
        let awaited: Vec<Awaited> = hosts
            .iter()
            .map(|(slot, host)| {
                let answered = self.answered(|it| it.get(&slot.target).cloned());
                let booted_at = answered.as_ref().and_then(|it| it.booted_at);
                let asked_at = answered.map(|it| it.asked_at);
                let lately = |at| self.context.now().duration_since(at) < ANSWER_COUNTS;
                // The survey ran after it was sent, so this is a little before the boot at the latest.
                let ping_since = booted_at.unwrap_or(slot.started_at);
                Awaited { id: host.clone(), ping_since, has_answered: asked_at.is_some_and(lately) }
            })
            .collect();
        let stopped = |slot: &Slot| {
            self.context.host(slot.target).is_some_and(|host| host.state == InstanceState::Stopped)
        };
        let measured = Measured {
            stopped: hosts.iter().filter(|(slot, _)| stopped(slot)).map(|(_, host)| host.clone()).collect(),
            since: hosts.iter().map(|(slot, host)| (host.clone(), slot.started_at)).collect(),
        };
        let found = health(&self.context, turn.place, &awaited, &measured).await;
        let (mut again, mut well) = (Vec::new(), Vec::new());
        for (slot, host) in hosts {
            let Some(answered) = self.answered(|it| it.get(&slot.target).cloned()) else { continue };
            let health = found.get(&host).cloned().unwrap_or_default();
            if health.gone {
                self.close(turn, slot, Outcome::LeaveTarget { code: &code::REPLACED });
                continue;
            }
            let findings = self.findings(&answered, health);
            if findings.worse.is_empty() && (!findings.pending || self.waits_are_over(slot)) {
                well.push(((slot, host), answered, findings));
                continue;
            }
            let (sends, last) = wave.sends(listing, slot, &host);
            let age = self.context.now().duration_since(last);
            if self.waits_are_over(slot) && findings.host_is_worse && age >= OUTDATED {
                // The process was down meanwhile: a host is not condemned for how it was long ago.
                let at = self.context.now() + ANSWERS_WITHIN;
                let waiting_for = "the host to be asked once more".into();
                report(turn, slot, Outcome::LookAgain { at, waiting_for });
                again.push((slot, host));
            } else if self.waits_are_over(slot) {
                self.close(turn, slot, self.final_word(slot, &answered, findings));
            } else {
                let late = self.late();
                let what = findings.worse.first().or(findings.not_compared.first());
                let what = format!("it to be well ({})", what.map_or("", String::as_str));
                report(turn, slot, pace::COMMAND.look(slot, self.context.now(), &what, late));
                if findings.host_is_worse && age >= SEND_AGAIN_AFTER && sends < SENDS_MAX {
                    again.push((slot, host));
                }
            }
        }
        self.ask_again(turn, wave, again).await;
        self.close_well(turn, well).await;
    }

    /// Hosts on which all else is well have the organisation's own check run, where there is one.
    async fn close_well(&self, turn: &Turn<'_>, hosts: Vec<(Addressed<'_>, Answered, Findings)>) {
        let Some(check) = self.custom_check(turn.place) else {
            for ((slot, _), answered, findings) in hosts {
                self.close(turn, slot, self.well(&answered, findings));
            }
            return;
        };
        let addressed = hosts.iter().map(|(addressed, ..)| addressed.clone()).collect();
        let checked: Checks = check.turn(addressed, |slot| self.waits_are_over(slot)).await;
        for ((slot, _), answered, mut findings) in hosts {
            findings.checks += 1;
            match checked.of(slot) {
                Checked::Passed => {}
                Checked::Open(outcome) if outcome.is_open() => {
                    report(turn, slot, outcome);
                    continue;
                }
                Checked::Open(outcome) => {
                    self.close(turn, slot, outcome);
                    continue;
                }
                Checked::NotCompared(words) => findings.not_compared.push(words),
                Checked::Worse(words) => {
                    findings.worse.push(words);
                    findings.host_is_worse = true;
                }
            }
            self.close(turn, slot, self.final_word(slot, &answered, findings));
        }
    }

    async fn ask_again(&self, turn: &Turn<'_>, wave: &Wave<'_>, hosts: Vec<Addressed<'_>>) {
        for (slot, _) in &hosts {
            self.answered(|it| it.remove(&slot.target));
        }
        for (order, hosts) in self.orders(hosts) {
            match order {
                Ok(order) => wave.send_again(&order, hosts).await,
                Err(outcome) => hosts.iter().for_each(|(slot, _)| report(turn, slot, outcome.clone())),
            }
        }
    }

    fn waits_are_over(&self, slot: &Slot) -> bool {
        let wait = i64::from(self.context.plan().policy.validate.wait_seconds);
        let now = self.context.now();
        now >= slot.deadline || now.duration_since(slot.started_at) >= SignedDuration::from_secs(wait)
    }

    fn findings(&self, answered: &Answered, health: Health) -> Findings {
        let health_checks = self.context.plan().policy.validate.health_checks;
        let mut findings = Findings {
            checks: health.checks + checks_of(answered.survey.report()),
            worse: Vec::new(),
            alarm: health.alarm,
            not_compared: Vec::new(),
            facts: health.facts,
            pending: health.pending,
            host_is_worse: false,
        };
        for change in &answered.comparison.changes {
            match change.weight {
                Weight::Worse if change.kind == ChangeKind::Health && !health_checks => {}
                Weight::Worse => findings.worse.push(change.to_string()),
                Weight::NotEvaluated => findings.not_compared.push(change.to_string()),
                Weight::Warn | Weight::Note => {}
            }
        }
        if health_checks {
            findings.worse.extend(self.unhealthy_endpoints(answered));
        }
        findings.host_is_worse = !findings.worse.is_empty();
        findings.worse.extend(health.worse);
        findings.not_compared.extend(health.not_compared);
        findings
    }

    /// Endpoints must answer whatever was before; those that are worse are in the comparison already.
    fn unhealthy_endpoints(&self, answered: &Answered) -> Vec<String> {
        let compared = |url: &str| {
            answered.comparison.changes.iter().any(|it| it.kind == ChangeKind::Health && it.subject == url)
        };
        let report = answered.survey.report();
        let failing = report.health.iter().filter(|it| it.status.healthy() == Some(false));
        failing
            .filter(|it| !compared(&it.url))
            .map(|it| format!("health {}: {}", it.url, it.status))
            .collect()
    }

    fn note(&self, answered: &Answered, findings: &Findings) -> ValidateNote {
        let boot = answered.survey.report().boot_id.as_ref();
        ValidateNote {
            checks: findings.checks,
            worse: noted(&findings.worse),
            not_compared: noted(&findings.not_compared),
            facts: noted(&findings.facts),
            boot: boot.map(|boot| boot.as_str().into()),
        }
    }

    fn well(&self, answered: &Answered, findings: Findings) -> Outcome {
        let finding = (!findings.not_compared.is_empty()).then_some(&code::NOT_COMPARED);
        Outcome::done(&self.note(answered, &findings)).with_finding(finding)
    }

    fn final_word(&self, slot: &Slot, answered: &Answered, findings: Findings) -> Outcome {
        if findings.worse.is_empty() {
            return self.well(answered, findings);
        }
        let alarm_alone = findings.alarm && !findings.host_is_worse;
        let code = if alarm_alone { &code::ALARM } else { &code::WORSE };
        let words = format!("{}: {}", slot.subject, findings.worse.join("; "));
        Outcome::failed(ErrorClass::Permanent, code, self.name, &words)
    }

    fn close(&self, turn: &Turn<'_>, slot: &Slot, outcome: Outcome) {
        self.answered(|it| it.remove(&slot.target));
        report(turn, slot, outcome);
    }
}

/// How many single things the host's answer lets be compared.
fn checks_of(report: &SurveyReport) -> u32 {
    let lists = [
        report.services.len(),
        report.agents.len(),
        report.health.len(),
        report.databases.len(),
        report.load.len(),
        report.running_services.as_ref().map_or(0, |it| it.len()),
        report.ports.as_ref().map_or(0, |it| it.len()),
        report.mounts.as_ref().map_or(0, Vec::len),
        report.users.as_ref().map_or(0, Vec::len),
    ];
    u32::try_from(lists.iter().sum::<usize>()).unwrap_or(u32::MAX)
}

fn noted(texts: &[String]) -> Vec<Text> {
    let mut noted: Vec<Text> = texts
        .iter()
        .take(NOTED_MAX)
        .map(|text| text.chars().take(NOTED_CHARACTERS).collect::<String>().into())
        .collect();
    if texts.len() > NOTED_MAX {
        noted.push(format!("and {} more", texts.len() - NOTED_MAX).into());
    }
    noted
}

#[async_trait]
impl Step for Validate {
    fn name(&self) -> &'static str {
        self.name
    }

    fn gathers_for(&self) -> Duration {
        GATHERS_FOR
    }

    fn batch_size(&self) -> usize {
        COMMAND_BATCH
    }

    async fn turn(&self, turn: Turn<'_>) {
        let (mut fresh, mut sent) = (Vec::new(), Vec::new());
        for (slot, host) in self.context.hosts(self.name, &turn) {
            let instance = self.context.instance(slot).unwrap_or_else(|| host.id.clone());
            match slot.handle {
                None => fresh.push((slot, instance)),
                Some(_) => sent.push((slot, instance)),
            }
        }
        self.act(&turn, fresh).await;
        self.look(&turn, sent).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
        if let Some(check) = self.custom_check(place) {
            check.cancel(slots).await;
        }
    }
}
