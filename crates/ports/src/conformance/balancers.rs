//! The contract of [`Balancers`](crate::Balancers), against one pool of each generation and an Auto
//! Scaling group with room for one member in standby.

use fleetwright_model::{Cell, InstanceId, Text};

use super::eventually;
use crate::balancers::PoolArn;
use crate::{Balancers, Clock, Member, MemberState, Registration, ScalingGroup, Seat, SeatHealth};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// A target group in which `registered` is healthy.
    pub pool: PoolArn,
    /// A balancer of the first generation in which `registered` is healthy.
    pub classic: PoolArn,
    /// An instance in both pools and in no Auto Scaling group.
    pub registered: InstanceId,
    /// An instance in service in the Auto Scaling group, and healthy in its pool.
    pub member: InstanceId,
    /// The group's name; it aims at one member more than its minimum, and nothing of it is suspended.
    pub group: Text,
}

/// Runs the suite; everything is as before at the end.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(balancers: &dyn Balancers, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    finds_what_is_registered(balancers, cell, expected).await;
    for pool in [&expected.pool, &expected.classic] {
        takes_out_and_puts_back(balancers, cell, clock, pool, &expected.registered).await;
    }
    knows_members_and_groups(balancers, cell, expected).await;
    enters_and_exits_standby(balancers, cell, clock, expected).await;
    suspends_and_resumes(balancers, cell, expected).await;
}

async fn of(
    balancers: &dyn Balancers,
    cell: &Cell<'_>,
    pool: &PoolArn,
    host: &InstanceId,
) -> Option<Registration> {
    let listed = balancers.registrations(cell, std::slice::from_ref(pool)).await;
    assert_eq!(listed.failure, None);
    assert!(listed.items.iter().all(|it| it.seat.pool == *pool), "of that pool only: {listed:?}");
    listed.items.into_iter().find(|it| it.seat.host == *host)
}

async fn finds_what_is_registered(balancers: &dyn Balancers, cell: &Cell<'_>, expected: &Expected) {
    let pools = balancers.pools(cell).await;
    assert_eq!(pools.failure, None);
    for pool in [&expected.pool, &expected.classic] {
        assert!(pools.items.contains(pool), "{pool} is listed: {pools:?}");
    }
    let both = [expected.pool.clone(), expected.classic.clone()];
    let listed = balancers.registrations(cell, &both).await;
    assert_eq!(listed.failure, None);
    let mine = listed.items.iter().filter(|it| it.seat.host == expected.registered);
    assert!(mine.clone().all(|it| it.health == SeatHealth::Healthy), "{listed:?}");
    let ports: Vec<bool> = both
        .iter()
        .map(|pool| mine.clone().find(|it| it.seat.pool == *pool).expect("registered").seat.port.is_some())
        .collect();
    assert_eq!(ports, [true, false], "a port in a target group, none in a balancer of the first generation");
    let mut gone = expected.pool.to_string();
    gone.replace_range(gone.len() - 4.., "ffff");
    let nothing = balancers.registrations(cell, &[gone.into()]).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "a pool that is gone has nothing in it");
    let nothing = balancers.registrations(cell, &[]).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "no pools, no call, no answer");
}

async fn takes_out_and_puts_back(
    balancers: &dyn Balancers,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    pool: &PoolArn,
    host: &InstanceId,
) {
    let seat: Seat = of(balancers, cell, pool, host).await.expect("registered").seat;
    let seats = [seat.clone()];
    balancers.register(cell, pool, &seats).await.expect("a place that is taken stays");
    for _ in 0..2 {
        balancers.deregister(cell, pool, &seats).await.expect("a repetition is harmless");
    }
    eventually(clock, &format!("{host} leaves {pool}"), async || {
        let out = match of(balancers, cell, pool, host).await {
            None => true,
            Some(it) => {
                assert!(it.health != SeatHealth::Healthy, "it gets nothing new while it drains: {it:?}");
                it.health == SeatHealth::Unused
            }
        };
        out.then_some(())
    })
    .await;
    for _ in 0..2 {
        balancers.register(cell, pool, &seats).await.expect("a repetition is harmless");
    }
    let back = eventually(clock, &format!("{host} is healthy in {pool}"), async || {
        of(balancers, cell, pool, host).await.filter(|it| it.health == SeatHealth::Healthy)
    })
    .await;
    assert_eq!(back.seat, seat, "the same port");
}

async fn group(balancers: &dyn Balancers, cell: &Cell<'_>, name: &Text) -> ScalingGroup {
    let listed = balancers.scaling_groups(cell, std::slice::from_ref(name)).await;
    assert_eq!(listed.failure, None);
    listed.items.into_iter().find(|it| it.name == *name).expect("the group is there")
}

async fn knows_members_and_groups(balancers: &dyn Balancers, cell: &Cell<'_>, expected: &Expected) {
    let ids = [expected.registered.clone(), expected.member.clone()];
    let answers = balancers.members(cell, &ids).await;
    assert!(answers.unchecked.is_empty(), "{answers:?}");
    let member = Member { group: expected.group.clone(), state: MemberState::InService };
    assert_eq!(answers.found, [(expected.member.clone(), member)], "who is in no group is not in the answer");
    assert_eq!(balancers.members(cell, &[]).await.found, [], "no ids, no call, no answer");
    let known = group(balancers, cell, &expected.group).await;
    assert_eq!(known.suspended, [] as [Text; 0]);
    assert!(known.desired > known.min, "{known:?}");
    let unknown = balancers.scaling_groups(cell, &["no-such-group".into()]).await;
    assert_eq!((unknown.items.len(), unknown.failure), (0, None), "a group that is gone is not listed");
    let nothing = balancers.scaling_groups(cell, &[]).await;
    assert_eq!((nothing.items.len(), nothing.failure), (0, None), "no names, no call, no answer");
}

async fn enters_and_exits_standby(
    balancers: &dyn Balancers,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    expected: &Expected,
) {
    let ids = [expected.member.clone()];
    let before = group(balancers, cell, &expected.group).await;
    let reaches = async |state: MemberState| {
        eventually(clock, &format!("{} becomes {state:?}", expected.member), async || {
            let found = balancers.members(cell, &ids).await.found;
            found.into_iter().find(|(_, member)| member.state == state)
        })
        .await;
    };
    let refused = balancers.exit_standby(cell, &expected.group, &ids).await;
    refused.expect_err("a member in service is not in standby");
    balancers.enter_standby(cell, &expected.group, &ids).await.expect("there is room for one");
    reaches(MemberState::Standby).await;
    let during = group(balancers, cell, &expected.group).await;
    assert_eq!(during.desired, before.desired - 1, "nothing is launched in its place");
    let refused = balancers.enter_standby(cell, &expected.group, &ids).await;
    refused.expect_err("a member in standby is not in service");
    balancers.exit_standby(cell, &expected.group, &ids).await.expect("it is in standby");
    reaches(MemberState::InService).await;
    assert_eq!(group(balancers, cell, &expected.group).await, before, "as it was");
}

async fn suspends_and_resumes(balancers: &dyn Balancers, cell: &Cell<'_>, expected: &Expected) {
    let processes: Vec<Text> = vec!["HealthCheck".into(), "ReplaceUnhealthy".into()];
    for _ in 0..2 {
        balancers.suspend(cell, &expected.group, &processes).await.expect("a repetition is harmless");
    }
    assert_eq!(group(balancers, cell, &expected.group).await.suspended, processes);
    for _ in 0..2 {
        balancers.resume(cell, &expected.group, &processes).await.expect("a repetition is harmless");
    }
    assert_eq!(group(balancers, cell, &expected.group).await.suspended, [] as [Text; 0]);
}
