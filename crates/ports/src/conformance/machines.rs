//! The contract of [`Machines`](crate::Machines), against a cell whose content the caller knows.

use std::collections::BTreeSet;

use fleetwright_model::{Cell, InstanceId, InstanceState};

use crate::{InstanceQuery, Machines};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Ids of all instances that are not terminated.
    pub instances: BTreeSet<InstanceId>,
    /// Those that are running.
    pub running: BTreeSet<InstanceId>,
    /// Those Systems Manager knows.
    pub managed: BTreeSet<InstanceId>,
    /// Those that have a patch state.
    pub scanned: BTreeSet<InstanceId>,
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(machines: &dyn Machines, cell: &Cell<'_>, expected: &Expected) {
    let everything = machines.instances(cell, &InstanceQuery::default()).await;
    assert_eq!(everything.failure, None, "a complete listing has no failure");
    let ids: Vec<InstanceId> = everything.items.iter().map(|instance| instance.id.clone()).collect();
    let set: BTreeSet<InstanceId> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), set.len(), "each instance is listed once");
    assert_eq!(set, expected.instances, "the listing is the cell's content");
    assert!(
        everything.items.iter().all(|instance| instance.state != InstanceState::Terminated),
        "terminated instances are never listed"
    );

    let running = InstanceQuery { states: vec![InstanceState::Running], ..InstanceQuery::default() };
    let listed = machines.instances(cell, &running).await;
    let listed: BTreeSet<InstanceId> = listed.items.into_iter().map(|instance| instance.id).collect();
    assert_eq!(listed, expected.running, "the state filter takes exactly the running ones");

    let unknown = InstanceId::new("i-0ffffffffffffffff").expect("well formed");
    let first = ids.first().cloned().into_iter();
    let some =
        InstanceQuery { ids: first.clone().chain([unknown.clone()]).collect(), ..InstanceQuery::default() };
    let listed = machines.instances(cell, &some).await;
    assert_eq!(listed.failure, None, "an id that does not exist is not an error");
    assert_eq!(
        listed.items.into_iter().map(|instance| instance.id).collect::<Vec<_>>(),
        first.collect::<Vec<_>>(),
        "ids restrict the listing"
    );

    let agents = machines.agents(cell, &ids).await;
    assert!(agents.unchecked.is_empty(), "every agent could be looked up");
    let managed: BTreeSet<InstanceId> = agents.found.into_iter().map(|(id, _)| id).collect();
    assert_eq!(managed, expected.managed, "agents are found exactly where there are any");

    let states = machines.patch_states(cell, &ids).await;
    assert!(states.unchecked.is_empty(), "every patch state could be looked up");
    let scanned: BTreeSet<InstanceId> = states.found.into_iter().map(|(id, _)| id).collect();
    assert_eq!(scanned, expected.scanned, "patch states are found exactly where there are any");

    let nothing = machines.agents(cell, &[]).await;
    assert!(nothing.found.is_empty() && nothing.unchecked.is_empty(), "no ids, no calls, no answers");
}
