//! Whether instances are up: running, both status checks passed, and an agent that has answered since.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::PlaceId;
use fleetwright_model::{AgentFacts, Failure, HealthCheck, InstanceId, InstanceState, PingStatus};
use fleetwright_ports::Pulse;
use jiff::Timestamp;

use crate::context::Context;

/// An instance that is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    pub(crate) id: InstanceId,
    /// A ping from before is the old agent's: "online" may be what was true before a reboot.
    pub(crate) ping_since: Timestamp,
    /// True where it has carried out a command since then, which is more than a ping.
    pub(crate) has_answered: bool,
}

/// How far an instance is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// Up.
    Up,
    /// Not running, and this is its state.
    NotRunning(InstanceState),
    /// It runs; its status checks have not passed.
    ChecksPending { impaired: bool },
    /// Its status checks have passed; its agent has not answered since.
    AgentSilent,
    /// It does not exist.
    Gone,
    /// It could not be looked at.
    Unchecked(Failure),
}

impl Condition {
    /// What is waited for, for people.
    pub(crate) fn waiting_for(&self) -> String {
        match self {
            Self::Up => "nothing".to_owned(),
            Self::NotRunning(state) => format!("the instance to run (it is {state})"),
            Self::ChecksPending { impaired: false } => "its status checks".to_owned(),
            Self::ChecksPending { impaired: true } => {
                "its status checks, of which one is impaired".to_owned()
            }
            Self::AgentSilent => "its agent to answer".to_owned(),
            Self::Gone => "an instance that is gone".to_owned(),
            Self::Unchecked(failure) => format!("its state to be readable ({failure})"),
        }
    }
}

fn of_pulse(pulse: &Pulse) -> Condition {
    match (pulse.state, pulse.health) {
        (InstanceState::Terminated | InstanceState::ShuttingDown, _) => Condition::Gone,
        (InstanceState::Running, Some(health)) => {
            let checks = [health.system, health.instance];
            match checks.iter().all(|check| *check == HealthCheck::Ok) {
                true => Condition::AgentSilent,
                false => Condition::ChecksPending { impaired: checks.contains(&HealthCheck::Impaired) },
            }
        }
        (InstanceState::Running, None) => Condition::ChecksPending { impaired: false },
        (state, _) => Condition::NotRunning(state),
    }
}

/// Looks at all of them: one call for a hundred pulses, one for fifty agents of those that got so far.
pub(crate) async fn conditions(context: &Context, place: PlaceId, awaited: &[Awaited]) -> Vec<Condition> {
    if awaited.is_empty() {
        return Vec::new();
    }
    let cell = context.cell(place);
    let ids: Vec<InstanceId> = awaited.iter().map(|it| it.id.clone()).collect();
    let listing = context.ports().power.pulses(&cell, &ids).await;
    let pulses: BTreeMap<&InstanceId, Condition> =
        listing.items.iter().map(|pulse| (&pulse.id, of_pulse(pulse))).collect();
    let passed: BTreeSet<InstanceId> = awaited
        .iter()
        .filter(|it| !it.has_answered && pulses.get(&it.id) == Some(&Condition::AgentSilent))
        .map(|it| it.id.clone())
        .collect();
    let passed: Vec<InstanceId> = passed.into_iter().collect();
    let agents = match passed.is_empty() {
        true => fleetwright_model::Answers::default(),
        false => context.ports().machines.agents(&cell, &passed).await,
    };
    let unchecked: BTreeMap<&InstanceId, &Failure> =
        agents.unchecked.iter().flat_map(|(ids, failure)| ids.iter().map(move |id| (id, failure))).collect();
    let facts: BTreeMap<&InstanceId, &AgentFacts> = agents.found.iter().map(|(id, it)| (id, it)).collect();
    let judge = |it: &Awaited| match (pulses.get(&it.id), &listing.failure) {
        (Some(Condition::AgentSilent), _) if it.has_answered => Condition::Up,
        (Some(Condition::AgentSilent), _) => match (facts.get(&it.id), unchecked.get(&it.id)) {
            (Some(agent), _) if answers_since(agent, it.ping_since) => Condition::Up,
            (None, Some(failure)) => Condition::Unchecked((*failure).clone()),
            _ => Condition::AgentSilent,
        },
        (Some(condition), _) => condition.clone(),
        (None, Some(failure)) => Condition::Unchecked(failure.clone()),
        (None, None) => Condition::Gone,
    };
    awaited.iter().map(judge).collect()
}

pub(crate) fn answers_since(agent: &AgentFacts, since: Timestamp) -> bool {
    agent.ping == PingStatus::Online && agent.last_ping.is_some_and(|ping| ping > since)
}
