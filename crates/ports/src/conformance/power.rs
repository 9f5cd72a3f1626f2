//! The contract of [`Power`](crate::Power), against one instance that runs and one that is stopped.

use fleetwright_model::{Cell, ErrorClass, HealthCheck, InstanceId, InstanceState, Tags, Text};

use super::eventually;
use crate::{Clock, Power, Pulse, Replacement, RestoreState};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// An instance that runs and is well.
    pub running: InstanceId,
    /// An instance that is stopped and can be started.
    pub stopped: InstanceId,
    /// An image of the running one that is available.
    pub image: Text,
}

/// Runs the suite of what is done to instances that are there; both are as before at the end.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(power: &dyn Power, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    pulses_leave_out_what_does_not_exist(power, cell, expected).await;
    starts_and_stops(power, cell, clock, expected).await;
    an_unknown_instance_is_not_found(power, cell).await;
    let running = [expected.running.clone()];
    power.reboot(cell, &running).await.expect("a running instance can be rebooted");
    restores_once_per_token(power, cell, clock, expected).await;
}

async fn pulses_leave_out_what_does_not_exist(power: &dyn Power, cell: &Cell<'_>, expected: &Expected) {
    let unknown = InstanceId::new("i-0ffffffffffffffff").expect("well formed");
    let ids = [expected.running.clone(), unknown, expected.stopped.clone()];
    let pulses = power.pulses(cell, &ids).await;
    assert_eq!(pulses.failure, None, "an instance that does not exist is not an error");
    let find = |id: &InstanceId| pulses.items.iter().find(|pulse| pulse.id == *id).cloned();
    assert_eq!(pulses.items.len(), 2, "and is not in the listing: {pulses:?}");
    let running = find(&expected.running).expect("it is there");
    assert_eq!(running.state, InstanceState::Running);
    let health = running.health.expect("a running instance has status checks");
    assert_eq!((health.system, health.instance), (HealthCheck::Ok, HealthCheck::Ok));
    let stopped = find(&expected.stopped).expect("it is there");
    assert_eq!((stopped.state, stopped.health), (InstanceState::Stopped, None), "no checks of what is off");
    let nothing = power.pulses(cell, &[]).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "no ids, no call, no answer");
}

/// Waits until the instance is in that state.
async fn reaches(
    power: &dyn Power,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    id: &InstanceId,
    state: InstanceState,
) -> Pulse {
    let ids = [id.clone()];
    eventually(clock, &format!("{id} becomes {state}"), async || {
        power.pulses(cell, &ids).await.items.into_iter().find(|pulse| pulse.state == state)
    })
    .await
}

async fn starts_and_stops(power: &dyn Power, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    let both = [expected.running.clone(), expected.stopped.clone()];
    power.start(cell, &both).await.expect("an instance that runs is left alone");
    let pulse = reaches(power, cell, clock, &expected.stopped, InstanceState::Running).await;
    assert!(pulse.health.is_some(), "status checks begin with the start");
    let other = power.pulses(cell, &both[..1]).await.items;
    assert_eq!(other[0].state, InstanceState::Running);
    let one = &both[1..];
    power.stop(cell, one).await.expect("a running instance can be stopped");
    reaches(power, cell, clock, &expected.stopped, InstanceState::Stopped).await;
    power.stop(cell, one).await.expect("an instance that is stopped is left alone");
    power.start(cell, &[]).await.expect("nothing to start is nothing to do");
    power.stop(cell, &[]).await.expect("nothing to stop is nothing to do");
}

async fn an_unknown_instance_is_not_found(power: &dyn Power, cell: &Cell<'_>) {
    let unknown = [InstanceId::new("i-0ffffffffffffffff").expect("well formed")];
    for failure in [
        power.start(cell, &unknown).await,
        power.stop(cell, &unknown).await,
        power.reboot(cell, &unknown).await,
    ] {
        let failure = failure.expect_err("there is no such instance");
        assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");
    }
}

async fn restores_once_per_token(power: &dyn Power, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    let (instance, image) = (&expected.running, &*expected.image);
    reaches(power, cell, clock, instance, InstanceState::Running).await;
    let tags = Tags::from([("fleetwright:conformance".into(), "power".into())]);
    let token = "fw-conformance-restore";
    let id = power.restore(cell, instance, image, token, &tags).await.expect("it runs, the image is usable");
    let again = power.restore(cell, instance, image, token, &tags).await.expect("a repetition is harmless");
    assert_eq!(again, id, "the token leads to the same task");
    let done = eventually(clock, "the root volume is replaced", async || {
        let listed = power.restores(cell, std::slice::from_ref(&id)).await;
        assert_eq!(listed.failure, None);
        listed.items.into_iter().find(|restore| restore.state != RestoreState::InProgress)
    })
    .await;
    assert_eq!((&done.instance, done.state), (instance, RestoreState::Succeeded), "{done:?}");
    assert_eq!(done.tags, tags, "tags come with the creating call");
    let missing = "ami-0ffffffffffffffff";
    let failure = power.restore(cell, instance, missing, "fw-conformance-none", &tags).await;
    assert_eq!(failure.expect_err("there is no such image").class, ErrorClass::NotFound);
}

/// Runs the suite of new instances in the place of others; there is one more at the end.
///
/// # Panics
/// With the rule that was broken.
pub async fn check_replacement(power: &dyn Power, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    let replacement = Replacement {
        like: expected.running.clone(),
        image: expected.image.clone(),
        token: "fw-conformance-replace".into(),
        tags: Tags::from([("fleetwright:conformance".into(), "power".into())]),
    };
    let new = power.replace(cell, &replacement).await.expect("an instance can be launched");
    assert_ne!(new, expected.running);
    let again = power.replace(cell, &replacement).await.expect("a repetition is harmless");
    assert_eq!(again, new, "the token leads to the same instance");
    reaches(power, cell, clock, &new, InstanceState::Running).await;
}
