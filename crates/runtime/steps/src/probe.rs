//! `probe` and `probe-restored`: can the others of a set rely on the host again.
//!
//! A command and an address are asked about on the host itself, by one script; a metric is CloudWatch's.
//! Nothing is changed, so that after a crash it may all be asked once more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_host::{ProbeRequest, Request};
use fleetwright_model::{ErrorClass, InstanceId, OsFamily, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::ProbeNote;
use fleetwright_ports::InvocationStatus;
use fleetwright_ports::commands::COMMAND_BATCH;
use jiff::{SignedDuration, Timestamp};

use crate::command_listing::Listing;
use crate::command_wave::{
    Addressed, Answer, Memory, Progress, Repeat, Wave, reached_nobody, report, unsuccessful,
};
use crate::context::Context;
use crate::measured;
use crate::pace::{self, GATHERS_FOR};
use crate::survey_command::script_order;
use crate::validate::{OUTDATED, SEND_AGAIN_AFTER};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// Seconds the script may run on a host.
const EXECUTION_SECONDS: u32 = 120;
/// The time between two questions is at least so small a part of the time since the first.
const ASKED_SHARE: i32 = 16;
/// Characters of what a probe said last that are repeated in messages.
const SAID_MAX: usize = 200;

/// The step, under one of its two names.
pub(crate) struct Probe {
    context: Arc<Context>,
    name: &'static str,
    memory: Memory,
}

impl Probe {
    pub(crate) fn new(context: Arc<Context>, name: &'static str) -> Self {
        Self { context, name, memory: Memory::default() }
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

    fn late(&self) -> Late<'static> {
        Late { step: self.name, class: ErrorClass::Permanent, code: &code::PROBE_FAILED }
    }

    /// What is asked on the host.
    fn request(&self, target: TargetId) -> ProbeRequest {
        let mut request = ProbeRequest::default();
        for probe in self.context.probes(target) {
            request.commands.extend(probe.command.iter().map(ToString::to_string));
            request.urls.extend(probe.http.iter().map(ToString::to_string));
        }
        request
    }

    fn asks_the_host(&self, slot: &Slot) -> bool {
        self.context.probes(slot.target).any(|probe| probe.command.is_some() || probe.http.is_some())
    }

    /// How long the host's probes may take.
    fn is_over(&self, slot: &Slot) -> bool {
        let seconds = self.context.probes(slot.target).map(|probe| probe.seconds).max().unwrap_or(0);
        let now = self.context.now();
        let waited = now.duration_since(slot.started_at);
        now >= slot.deadline || waited >= SignedDuration::from_secs(i64::from(seconds))
    }

    async fn send(&self, turn: &Turn<'_>, wave: &Wave<'_>, hosts: Vec<Addressed<'_>>, again: bool) {
        let mut asked: BTreeMap<(OsFamily, ProbeRequest), Vec<Addressed<'_>>> = BTreeMap::new();
        for (slot, id) in hosts {
            let Some(host) = self.context.host(slot.target) else { continue };
            asked.entry((host.os, self.request(slot.target))).or_default().push((slot, id));
        }
        for ((os, request), hosts) in asked {
            let request = Request::Probe(request);
            match script_order(&self.context, self.name, os, EXECUTION_SECONDS, &request) {
                Ok(order) if again => wave.send_again(&order, hosts).await,
                Ok(order) => wave.send(&order, hosts, turn.reports).await,
                Err(outcome) => hosts.iter().for_each(|(slot, _)| report(turn, slot, outcome.clone())),
            }
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let wave = self.wave(turn.place);
        let listing = wave.listing(&hosts).await;
        let (mut passed, mut again) = (Vec::new(), Vec::new());
        for (slot, host, progress) in wave.look(&listing, hosts).await {
            let now = self.context.now();
            match progress {
                Progress::Ended(answer) => match verdict(&answer) {
                    Verdict::Passed => passed.push((slot, host)),
                    Verdict::NotPassed(words) => {
                        let asks = self.asks_again(&wave, &listing, slot, &host);
                        self.not_passed(turn, slot, &words, asks);
                        again.extend(asks.then_some((slot, host)));
                    }
                    Verdict::NotRun => report(turn, slot, unsuccessful(self.name, &slot.subject, &answer)),
                },
                Progress::Nobody => report(turn, slot, reached_nobody(self.name, &slot.subject)),
                Progress::Running => {
                    report(turn, slot, pace::COMMAND.look(slot, now, "the probe", self.late()));
                }
                Progress::Unseen(failure) => {
                    let what = format!("the probe to be readable ({failure})");
                    report(turn, slot, pace::COMMAND.look(slot, now, &what, self.late()));
                }
            }
        }
        self.send(turn, &wave, again, true).await;
        self.measure(turn, passed).await;
    }

    /// Seldom, and once more where what is known is old: the process may have been down.
    fn asks_again(&self, wave: &Wave<'_>, listing: &Listing, slot: &Slot, host: &InstanceId) -> bool {
        let now = self.context.now();
        let (_, last) = wave.sends(listing, slot, host);
        let age = now.duration_since(last);
        let share = now.duration_since(slot.started_at) / ASKED_SHARE;
        match self.is_over(slot) {
            true => now < slot.deadline && age >= OUTDATED,
            false => age >= SEND_AGAIN_AFTER.max(share),
        }
    }

    fn not_passed(&self, turn: &Turn<'_>, slot: &Slot, words: &str, asked_again: bool) {
        let outcome = match self.is_over(slot) && !asked_again {
            true => {
                let words = format!("{}: {words}", slot.subject);
                Outcome::failed(ErrorClass::Permanent, &code::PROBE_FAILED, self.name, &words)
            }
            false => {
                let what = format!("it to pass its probe ({words})");
                pace::COMMAND.look(slot, self.context.now(), &what, self.late())
            }
        };
        report(turn, slot, outcome);
    }

    /// Holds hosts on which all else is well against their metrics: against what was measured since they
    /// are asked. A mean of the time before they were changed says nothing of now.
    async fn measure(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        let mut wanted: BTreeMap<Text, Vec<(InstanceId, Timestamp)>> = BTreeMap::new();
        for (slot, host) in &hosts {
            let metrics = self.context.probes(slot.target).filter_map(|probe| probe.metric.as_ref());
            for metric in metrics {
                wanted.entry(metric.name.clone()).or_default().push((host.clone(), slot.started_at));
            }
        }
        let mut means: BTreeMap<(Text, InstanceId), f64> = BTreeMap::new();
        for (name, ids) in wanted {
            let read = measured::since(&self.context, turn.place, &name, ids).await;
            means.extend(read.into_iter().map(|(host, mean)| ((name.clone(), host), mean)));
        }
        for (slot, host) in hosts {
            let metrics = self.context.probes(slot.target).filter_map(|probe| probe.metric.as_ref());
            let wrong = metrics.filter_map(|metric| match means.get(&(metric.name.clone(), host.clone())) {
                Some(mean) if metric.holds(*mean) => None,
                Some(mean) => Some(format!("{} is {mean:.1}", metric.name)),
                None => Some(format!("{} has not been measured since it was patched", metric.name)),
            });
            match wrong.into_iter().next() {
                Some(words) => self.not_passed(turn, slot, &words, false),
                None => {
                    let passed = self.context.probes(slot.target).count();
                    let note = ProbeNote { passed: u32::try_from(passed).unwrap_or(u32::MAX) };
                    report(turn, slot, Outcome::done(&note));
                }
            }
        }
    }
}

/// What the host's answer says.
enum Verdict {
    Passed,
    NotPassed(String),
    /// It was not asked to an end.
    NotRun,
}

fn verdict(answer: &Answer) -> Verdict {
    use InvocationStatus as S;
    let invocation = &answer.invocation;
    match invocation.status {
        S::Success if invocation.exit_code.unwrap_or(0) == 0 => Verdict::Passed,
        S::Success | S::Failed => {
            let last = |text: &str| text.lines().rev().find(|it| !it.trim().is_empty()).map(str::to_owned);
            let line = last(&invocation.output).or_else(|| last(&invocation.errors));
            let line = line.unwrap_or_else(|| "the probe failed without a word".to_owned());
            Verdict::NotPassed(line.trim().chars().filter(|it| !it.is_control()).take(SAID_MAX).collect())
        }
        S::ExecutionTimedOut => Verdict::NotPassed(format!("probe: longer than {EXECUTION_SECONDS} s")),
        _ => Verdict::NotRun,
    }
}

#[async_trait]
impl Step for Probe {
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
        let (mut fresh, mut sent, mut measured) = (Vec::new(), Vec::new(), Vec::new());
        let hosts: Vec<(&Slot, &PlannedHost)> = self.context.hosts(self.name, &turn);
        for (slot, host) in hosts {
            let instance = self.context.instance(slot).unwrap_or_else(|| host.id.clone());
            match &slot.handle {
                _ if !self.asks_the_host(slot) => measured.push((slot, instance)),
                None => fresh.push((slot, instance)),
                Some(_) => sent.push((slot, instance)),
            }
        }
        let wave = self.wave(turn.place);
        let fresh = wave.take_up(fresh, Repeat::Harmless, turn.reports).await;
        self.send(&turn, &wave, fresh, false).await;
        self.look(&turn, sent).await;
        self.measure(&turn, measured).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
    }
}
