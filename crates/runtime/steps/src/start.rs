//! `start`: stopped instances are started, and waited for until their agents answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_model::{ErrorClass, Failure, Instance, InstanceId, InstanceState, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{StartNote, step::START};
use fleetwright_ports::InstanceQuery;
use jiff::SignedDuration;

use crate::command_wave::report;
use crate::context::Context;
use crate::evidence::{Files, LEFT_RUNNING, Taken};
use crate::identity::{Identity, identities};
use crate::pace;
use crate::power_batch::{PowerCall, power};
use crate::recovery::{Awaited, Condition, conditions};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn, not_begun};

/// Agents that start at once in one cell at most: more herd on registration.
const AT_ONCE: usize = 100;
/// The handle: what was started is the instance itself.
const HANDLE: &str = "started";
/// An instance that is stopped so long after its start has failed to start.
pub(crate) const STARTS_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// The step.
pub(crate) struct Start {
    context: Arc<Context>,
    starting: Mutex<BTreeMap<PlaceId, BTreeSet<TargetId>>>,
}

/// What to do about an instance.
enum Found {
    Startable,
    /// We have started it before.
    Ours,
    /// It is still being stopped.
    Stopping,
    /// Somebody else has started it.
    NotOurs,
    Outcome(Outcome),
}

impl Start {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, starting: Mutex::default() }
    }

    fn starting<T>(&self, place: PlaceId, work: impl FnOnce(&mut BTreeSet<TargetId>) -> T) -> T {
        work(self.starting.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default())
    }

    fn found(&self, slot: &Slot, identity: Identity) -> Found {
        let instance = match identity {
            Identity::Planned(instance) | Identity::Other(Some(instance)) => instance,
            Identity::Other(None) => return Found::Outcome(Outcome::LeaveTarget { code: &code::REPLACED }),
            Identity::Unchecked(failure) => return Found::Outcome(Outcome::Failed(failure)),
        };
        match instance.state {
            InstanceState::Stopped if self.was_started_by_others(slot, &instance) => {
                Found::Outcome(Outcome::LeaveTarget { code: &code::REPLACED })
            }
            InstanceState::Stopped => Found::Startable,
            InstanceState::Stopping => Found::Stopping,
            InstanceState::Running | InstanceState::Pending if self.is_ours(slot, &instance) => Found::Ours,
            InstanceState::Running | InstanceState::Pending => Found::NotOurs,
            _ => Found::Outcome(Outcome::LeaveTarget { code: &code::REPLACED }),
        }
    }

    /// Whether an instance that runs was started by this step: it may have acted, and the launch time,
    /// which every start renews, does not say otherwise.
    fn is_ours(&self, slot: &Slot, instance: &Instance) -> bool {
        let planned = self.context.host(slot.target).and_then(|host| host.launch_time);
        let mut since = self.context.marks_since(START, slot);
        if slot.attempt > 1 {
            // The attempt before found it stopped and as it was planned. Our clock may have been set
            // meanwhile, so it does not decide about AWS's times.
            since = since.min(self.context.plan().flow.created_at);
        }
        let renewed = instance.launch_time != planned;
        (slot.doubt || slot.attempt > 1) && (!renewed || instance.launch_time.is_none_or(|at| at >= since))
    }

    /// Whether somebody has started and stopped it since it was planned: its launch time is another,
    /// and this step cannot have renewed it.
    fn was_started_by_others(&self, slot: &Slot, instance: &Instance) -> bool {
        let planned = self.context.host(slot.target).and_then(|host| host.launch_time);
        let differs = planned.is_some_and(|planned| instance.launch_time.is_some_and(|at| at != planned));
        differs && !self.is_ours(slot, instance)
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let mut startable = Vec::new();
        let now = self.context.now();
        for (slot, host, identity) in identities(&self.context, turn.place, &hosts).await {
            match self.found(slot, identity) {
                Found::Outcome(outcome) => report(turn, slot, outcome),
                Found::Startable => match not_begun(slot, now, START) {
                    None => startable.push((slot, host.id.clone())),
                    Some(outcome) => report(turn, slot, outcome),
                },
                Found::Ours => {
                    self.starting(turn.place, |it| it.insert(slot.target));
                    report(turn, slot, pace::POWER.accepted(slot, now, HANDLE));
                }
                Found::Stopping => {
                    report(turn, slot, pace::POWER.look(slot, now, "the instance to stop first", late()));
                }
                Found::NotOurs => {
                    let outcome = self.leave_running(turn.place, slot, host).await;
                    report(turn, slot, outcome);
                }
            }
        }
        let room = AT_ONCE.saturating_sub(self.starting(turn.place, |it| it.len()));
        let held_back = startable.split_off(room.min(startable.len()));
        for (slot, _) in held_back {
            report(turn, slot, pace::POWER.look(slot, now, "other agents to start first", late()));
        }
        self.start(turn, startable).await;
    }

    async fn start(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, InstanceId)>) {
        for (slot, _, result) in power(&self.context, turn.place, PowerCall::Start, hosts).await {
            let outcome = match result {
                Ok(()) => {
                    self.starting(turn.place, |it| it.insert(slot.target));
                    pace::POWER.accepted(slot, self.context.now(), HANDLE)
                }
                Err(failure) if failure.class == ErrorClass::NotFound => {
                    Outcome::LeaveTarget { code: &code::REPLACED }
                }
                Err(failure) => Outcome::Failed(start_failure(failure)),
            };
            report(turn, slot, outcome);
        }
    }

    /// Notes that the instance is not ours to stop, then leaves it: it is not as it was planned.
    async fn leave_running(&self, place: PlaceId, slot: &Slot, host: &PlannedHost) -> Outcome {
        let files = Files { context: &self.context, place, os: host.os, instance: &host.id };
        match files.keep_json(Taken::Before, LEFT_RUNNING, &slot.subject).await {
            Ok(()) => Outcome::LeaveTarget { code: &code::REPLACED },
            Err(outcome) => outcome,
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let awaited: Vec<Awaited> = hosts
            .iter()
            .map(|(slot, host)| Awaited {
                id: host.id.clone(),
                ping_since: slot.started_at,
                has_answered: false,
            })
            .collect();
        let found = conditions(&self.context, turn.place, &awaited).await;
        let mut up = Vec::new();
        for ((slot, host), condition) in hosts.into_iter().zip(found) {
            match self.waiting(slot, condition) {
                None => up.push((slot, host)),
                Some(outcome) => self.report(turn, slot, outcome),
            }
        }
        self.finish(turn, up).await;
    }

    /// None where the instance is up.
    fn waiting(&self, slot: &Slot, condition: Condition) -> Option<Outcome> {
        let now = self.context.now();
        let age = now.duration_since(slot.started_at);
        Some(match condition {
            Condition::Up => return None,
            Condition::Gone => Outcome::LeaveTarget { code: &code::REPLACED },
            Condition::NotRunning(InstanceState::Stopped) if age >= STARTS_WITHIN => {
                let words = format!("{}: it was started and stopped again by itself", slot.subject);
                Outcome::failed(ErrorClass::Transient, &code::START_FAILED, START, &words)
            }
            Condition::AgentSilent => {
                let late = Late { code: &code::HOST_UNREACHABLE, ..late() };
                pace::POWER.look(slot, now, &condition.waiting_for(), late)
            }
            other => pace::POWER.look(slot, now, &other.waiting_for(), late()),
        })
    }

    /// The launch time is new, and pins identity from here on: one call for all that are up.
    async fn finish(&self, turn: &Turn<'_>, up: Vec<(&Slot, &PlannedHost)>) {
        if up.is_empty() {
            return;
        }
        let ids = up.iter().map(|(_, host)| host.id.clone()).collect();
        let query = InstanceQuery { ids, ..InstanceQuery::default() };
        let listing = self.context.ports().machines.instances(&self.context.cell(turn.place), &query).await;
        let listed: BTreeMap<InstanceId, Instance> =
            listing.items.into_iter().map(|it| (it.id.clone(), it)).collect();
        for (slot, host) in up {
            // Every start renews it: what still shows the old one is a reading of before the start.
            let renewed = listed.get(&host.id).map(|it| it.launch_time);
            let renewed = renewed.filter(|at| host.launch_time.is_none() || *at != host.launch_time);
            let outcome = match renewed {
                Some(launch_time) => Outcome::done(&StartNote { launch_time }),
                None => pace::POWER.look(slot, self.context.now(), "its launch time to be readable", late()),
            };
            self.report(turn, slot, outcome);
        }
    }

    fn report(&self, turn: &Turn<'_>, slot: &Slot, outcome: Outcome) {
        if !outcome.is_open() {
            self.starting(turn.place, |it| it.remove(&slot.target));
        }
        report(turn, slot, outcome);
    }
}

fn late() -> Late<'static> {
    Late { step: START, class: ErrorClass::Permanent, code: &code::START_FAILED }
}

/// What AWS says of the instance keeps its words and gets the code of a start.
fn start_failure(failure: Failure) -> Failure {
    match failure.class {
        ErrorClass::Conflict | ErrorClass::Permanent => Failure { code: &code::START_FAILED, ..failure },
        _ => failure,
    }
}

#[async_trait]
impl Step for Start {
    fn name(&self) -> &'static str {
        START
    }

    fn gathers_for(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn batch_size(&self) -> usize {
        AT_ONCE
    }

    async fn turn(&self, turn: Turn<'_>) {
        let (mut fresh, mut started) = (Vec::new(), Vec::new());
        for (slot, host) in self.context.hosts(START, &turn) {
            match (host.state, &slot.handle) {
                (InstanceState::Stopped, None) => fresh.push((slot, host)),
                (InstanceState::Stopped, Some(_)) => started.push((slot, host)),
                _ => report(&turn, slot, Outcome::NotNeeded { code: &code::NOT_NEEDED }),
            }
        }
        // Those that were started before a restart of ours count against the room as well.
        self.starting(turn.place, |it| it.extend(started.iter().map(|(slot, _)| slot.target)));
        self.look(&turn, started).await;
        self.act(&turn, fresh).await;
    }
}
