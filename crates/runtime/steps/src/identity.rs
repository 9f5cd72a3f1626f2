//! Whether an instance is still the one that was planned (id and launch time).

use std::collections::BTreeMap;

use fleetwright_flow::PlaceId;
use fleetwright_model::{Failure, Instance, InstanceId, InstanceState, code};
use fleetwright_patch::plan::{PlannedHost, notes};
use fleetwright_ports::InstanceQuery;
use jiff::Timestamp;

use crate::context::Context;
use fleetwright_step::{Outcome, Slot};

/// What an instance turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Identity {
    /// The planned one.
    Planned(Box<Instance>),
    /// Gone, or another one of that id: its launch time differs.
    Other(Option<Box<Instance>>),
    /// Could not look.
    Unchecked(Failure),
}

impl Identity {
    /// The planned instance; or what to report instead of changing anything.
    pub(crate) fn planned(self) -> Result<Box<Instance>, Outcome> {
        match self {
            Self::Planned(instance) => Ok(instance),
            Self::Other(_) => Err(Outcome::LeaveTarget { code: &code::REPLACED }),
            Self::Unchecked(failure) => Err(Outcome::Failed(failure)),
        }
    }
}

/// The launch time that pins a host now: a start by this run gave it a new one.
fn pinned(slot: &Slot, host: &PlannedHost) -> Option<Timestamp> {
    let started: Option<notes::StartNote> = slot.read_note(notes::step::START);
    match started {
        Some(note) => note.launch_time,
        None => host.launch_time,
    }
}

/// Looks at every host's identity: one call for a thousand.
pub(crate) async fn identities<'a>(
    context: &Context,
    place: PlaceId,
    hosts: &[(&'a Slot, &'a PlannedHost)],
) -> Vec<(&'a Slot, &'a PlannedHost, Identity)> {
    if hosts.is_empty() {
        return Vec::new();
    }
    let ids = hosts.iter().map(|(_, host)| host.id.clone()).collect();
    let query = InstanceQuery { ids, ..InstanceQuery::default() };
    let listing = context.ports().machines.instances(&context.cell(place), &query).await;
    let mut found: BTreeMap<InstanceId, Instance> =
        listing.items.into_iter().map(|instance| (instance.id.clone(), instance)).collect();
    let judge = |(slot, host): &(&'a Slot, &'a PlannedHost)| {
        let identity = match (found.remove(&host.id), &listing.failure) {
            (Some(instance), _) => judged(slot, host, instance),
            (None, Some(failure)) => Identity::Unchecked(failure.clone()),
            (None, None) => Identity::Other(None),
        };
        (*slot, *host, identity)
    };
    hosts.iter().map(judge).collect()
}

fn judged(slot: &Slot, host: &PlannedHost, instance: Instance) -> Identity {
    let gone = matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated);
    // A launch time nobody knows cannot differ; the id alone then has to do.
    let other = match (pinned(slot, host), instance.launch_time) {
        (Some(planned), Some(found)) => planned != found,
        _ => false,
    };
    if gone || other {
        Identity::Other(Some(Box::new(instance)))
    } else {
        Identity::Planned(Box::new(instance))
    }
}
