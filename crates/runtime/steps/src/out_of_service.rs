//! What a host is taken out of for patching, and how it stands there now.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_model::{ErrorClass, Failure, InstanceId, OsFamily, Text};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_ports::{Member, MemberState, PoolArn, ScalingGroup, Seat, SeatHealth};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::evidence::{Files, OUT_OF_SERVICE, Taken};
use fleetwright_step::Outcome;

/// What makes an Auto Scaling group replace or move its members. Scaling out goes on meanwhile.
/// Source: EC2 Auto Scaling user guide, "Suspend and resume Amazon EC2 Auto Scaling processes".
pub(crate) const PROCESSES: [&str; 4] = ["AZRebalance", "HealthCheck", "ReplaceUnhealthy", "Terminate"];

/// What a host is taken out of; kept before anything is done, so that whatever happens, exactly this is
/// put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TakenOut {
    /// The instance.
    pub(crate) host: InstanceId,
    /// Its places in pools of load balancers.
    pub(crate) seats: Vec<TakenSeat>,
    /// The Auto Scaling group it served in.
    pub(crate) group: Option<TakenMember>,
    /// True when everything is back.
    pub(crate) back: bool,
}

/// A place in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TakenSeat {
    pub(crate) pool: PoolArn,
    pub(crate) port: Option<u16>,
    /// Whether it was healthy there.
    pub(crate) healthy: bool,
}

/// A place in an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TakenMember {
    pub(crate) group: Text,
    pub(crate) way: Way,
    /// Processes that were not suspended before this run.
    pub(crate) processes: Vec<Text>,
}

/// How an Auto Scaling group is kept from replacing a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// It is in standby.
    Standby,
    /// The group has no room below it: its processes are suspended while any such member is out.
    Suspend,
}

impl TakenOut {
    /// The seat as it is of the instance that stands there now.
    pub(crate) fn seat_of(taken: &TakenSeat, host: &InstanceId) -> Seat {
        Seat { pool: taken.pool.clone(), host: host.clone(), port: taken.port }
    }

    /// The pools.
    pub(crate) fn pools(&self) -> impl Iterator<Item = PoolArn> + '_ {
        self.seats.iter().map(|seat| seat.pool.clone())
    }

    /// The group's name.
    pub(crate) fn group_name(&self) -> Option<Text> {
        self.group.as_ref().map(|member| member.group.clone())
    }

    /// The group whose processes this host needs suspended.
    pub(crate) fn suspends(&self) -> Option<&TakenMember> {
        self.group.as_ref().filter(|it| it.way == Way::Suspend && !self.back)
    }
}

/// The file of a planned host.
pub(crate) fn files<'a>(context: &'a Context, place: PlaceId, host: &'a PlannedHost) -> Files<'a> {
    Files { context, place, os: host.os, instance: &host.id }
}

/// What the host was taken out of; none where nothing was.
pub(crate) async fn taken_out(
    context: &Context,
    place: PlaceId,
    host: &PlannedHost,
) -> Result<Option<TakenOut>, Outcome> {
    files(context, place, host).json(Taken::Before, OUT_OF_SERVICE).await
}

/// Keeps it.
pub(crate) async fn keep(
    context: &Context,
    place: PlaceId,
    os: OsFamily,
    planned: &InstanceId,
    out: &TakenOut,
) -> Result<(), Outcome> {
    Files { context, place, os, instance: planned }.keep_json(Taken::Before, OUT_OF_SERVICE, out).await
}

/// Processes of the group that other hosts of this run need suspended.
pub(crate) async fn needed_by_others(
    context: &Context,
    place: PlaceId,
    group: &Text,
    but: &InstanceId,
) -> Result<BTreeSet<Text>, Outcome> {
    let targets = context.plan().flow.targets.iter().enumerate().filter(|(_, it)| it.place == place);
    let mut needed = BTreeSet::new();
    for (index, _) in targets {
        let id = TargetId(u32::try_from(index).expect("fewer than four billion"));
        let Some(host) = context.host(id) else { continue };
        if host.auto_scaling_group.as_ref() != Some(group) || host.id == *but {
            continue;
        }
        let out = taken_out(context, place, host).await?;
        if let Some(member) = out.as_ref().and_then(TakenOut::suspends) {
            needed.extend(member.processes.iter().cloned());
        }
    }
    Ok(needed)
}

/// How things stand in a cell.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) seats: BTreeMap<Seat, SeatHealth>,
    pub(crate) members: BTreeMap<InstanceId, Member>,
    pub(crate) groups: BTreeMap<Text, ScalingGroup>,
}

impl Standing {
    /// Looks: one call for fifty members and for a hundred groups, one for each target group.
    pub(crate) async fn of(
        context: &Context,
        place: PlaceId,
        ids: &[InstanceId],
        mut pools: BTreeSet<PoolArn>,
        mut groups: BTreeSet<Text>,
    ) -> Result<Self, Failure> {
        let (cell, balancers) = (context.cell(place), &context.ports().balancers);
        let mut standing = Self::default();
        let members = balancers.members(&cell, ids).await;
        if let Some((_, failure)) = members.unchecked.into_iter().next() {
            return Err(failure);
        }
        for (id, member) in members.found {
            groups.insert(member.group.clone());
            standing.members.insert(id, member);
        }
        let names: Vec<Text> = groups.into_iter().collect();
        let listed = balancers.scaling_groups(&cell, &names).await;
        if let Some(failure) = listed.failure {
            return Err(failure);
        }
        for group in listed.items {
            pools.extend(group.pools.iter().cloned());
            standing.groups.insert(group.name.clone(), group);
        }
        let pools: Vec<PoolArn> = pools.into_iter().collect();
        let listed = balancers.registrations(&cell, &pools).await;
        if let Some(failure) = listed.failure {
            return Err(failure);
        }
        let mine = listed.items.into_iter().filter(|it| ids.contains(&it.seat.host));
        standing.seats.extend(mine.map(|it| (it.seat, it.health)));
        Ok(standing)
    }

    /// One group, and nothing else.
    pub(crate) async fn of_group(context: &Context, place: PlaceId, group: &Text) -> Result<Self, Failure> {
        let listed =
            context.ports().balancers.scaling_groups(&context.cell(place), std::slice::from_ref(group)).await;
        match listed.failure {
            Some(failure) => Err(failure),
            None => {
                let groups = listed.items.into_iter().map(|it| (it.name.clone(), it)).collect();
                Ok(Self { groups, ..Self::default() })
            }
        }
    }

    /// Where a host is in its Auto Scaling group; none where it is in none.
    pub(crate) fn member(&self, host: &InstanceId) -> Option<MemberState> {
        self.members.get(host).map(|member| member.state)
    }

    /// Whether the host's group registers it with that pool by itself.
    pub(crate) fn is_of_group(&self, host: &InstanceId, pool: &PoolArn) -> bool {
        let group = self.members.get(host).and_then(|member| self.groups.get(&member.group));
        group.is_some_and(|group| group.pools.contains(pool))
    }

    /// What of these is not suspended.
    pub(crate) fn goes_on(&self, group: &Text, processes: &[Text]) -> Vec<Text> {
        let suspended = self.groups.get(group).map(|it| &*it.suspended).unwrap_or_default();
        processes.iter().filter(|it| !suspended.contains(it)).cloned().collect()
    }
}

/// Something that is done to several hosts with one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Deregister(PoolArn),
    Register(PoolArn),
    EnterStandby(Text),
    ExitStandby(Text),
}

/// Who it is done to: the slot's place in its turn, the instance, the port.
#[derive(Clone, Debug)]
pub(crate) struct Concerned {
    pub(crate) index: usize,
    pub(crate) host: InstanceId,
    pub(crate) port: Option<u16>,
}

/// What is to be done in a turn.
pub(crate) type Changes = BTreeMap<Change, Vec<Concerned>>;

/// Carries changes out; what failed, by the slot's place. One host that is refused does not keep back
/// the others.
pub(crate) async fn carry_out(
    context: &Context,
    place: PlaceId,
    changes: Changes,
) -> BTreeMap<usize, Failure> {
    let mut failed = BTreeMap::new();
    for (change, concerned) in changes {
        match call(context, place, &change, &concerned).await {
            Ok(()) => {}
            Err(failure) if concerned.len() > 1 && failure.class.is_verdict() => {
                for one in concerned {
                    let result = call(context, place, &change, std::slice::from_ref(&one)).await;
                    if let Err(failure) = result {
                        failed.insert(one.index, failure);
                    }
                }
            }
            Err(failure) => failed.extend(concerned.into_iter().map(|one| (one.index, failure.clone()))),
        }
    }
    failed
}

async fn call(context: &Context, place: PlaceId, change: &Change, who: &[Concerned]) -> Result<(), Failure> {
    let (cell, balancers) = (context.cell(place), &context.ports().balancers);
    let ids: Vec<InstanceId> = who.iter().map(|it| it.host.clone()).collect();
    let seats = |pool: &PoolArn| -> Vec<Seat> {
        let seat = |it: &Concerned| Seat { pool: pool.clone(), host: it.host.clone(), port: it.port };
        who.iter().map(seat).collect()
    };
    match change {
        Change::Deregister(pool) => balancers.deregister(&cell, pool, &seats(pool)).await,
        Change::Register(pool) => balancers.register(&cell, pool, &seats(pool)).await,
        Change::EnterStandby(group) => balancers.enter_standby(&cell, group, &ids).await,
        Change::ExitStandby(group) => balancers.exit_standby(&cell, group, &ids).await,
    }
}

/// Whether looking again cannot help.
pub(crate) fn is_final(failure: &Failure) -> bool {
    failure.class == ErrorClass::Denied
}
