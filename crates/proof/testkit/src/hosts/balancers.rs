use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Answers, Cell, ErrorClass, Failure, InstanceId, Partial, Text, code};
use fleetwright_ports::{
    Balancers, Member, MemberState, PoolArn, Registration, ScalingGroup, Seat, SeatHealth,
};
use jiff::Timestamp;

use super::{CellState, FakeHosts, after, malformed, refused};

/// From registration until a pool has checked a place often enough.
const CHECKED_AFTER: Duration = Duration::from_secs(30);
/// From leaving standby until a member is in service.
const ENTRY: Duration = Duration::from_secs(10);

/// A pool and who is in it.
pub(super) struct Pool {
    arn: PoolArn,
    drain: Duration,
    seats: BTreeMap<Seat, Standing>,
}

#[derive(Clone, Copy)]
struct Standing {
    registered_at: Timestamp,
    /// When it was deregistered, where it was.
    left_at: Option<Timestamp>,
}

/// An Auto Scaling group and its members.
pub(super) struct Group {
    group: ScalingGroup,
    members: BTreeMap<InstanceId, Stay>,
}

#[derive(Clone, Copy)]
struct Stay {
    state: MemberState,
    /// What it becomes, and when.
    next: (MemberState, Timestamp),
}

impl Stay {
    fn settled(state: MemberState, now: Timestamp) -> Self {
        Self { state, next: (state, now) }
    }

    fn now(&self, now: Timestamp) -> MemberState {
        if now < self.next.1 { self.state } else { self.next.0 }
    }
}

impl Pool {
    fn is_classic(&self) -> bool {
        !self.arn.contains(":targetgroup/")
    }

    fn seat(&self, host: &InstanceId) -> Seat {
        let port = (!self.is_classic()).then_some(80);
        Seat { pool: self.arn.clone(), host: host.clone(), port }
    }

    fn register(&mut self, seat: Seat, now: Timestamp) -> bool {
        let gone = self.seats.get(&seat).is_none_or(|it| it.left_at.is_some());
        if gone {
            self.seats.insert(seat, Standing { registered_at: now, left_at: None });
        }
        gone
    }

    fn deregister(&mut self, seat: &Seat, now: Timestamp) -> bool {
        let here = self.seats.get_mut(seat).filter(|it| it.left_at.is_none());
        here.map(|it| it.left_at = Some(now)).is_some()
    }

    fn health(&self, standing: Standing, checked: SeatHealth, now: Timestamp) -> Option<SeatHealth> {
        match standing.left_at {
            Some(at) if now < after(at, self.drain) => Some(SeatHealth::Draining),
            Some(_) => None,
            None if now < after(standing.registered_at, CHECKED_AFTER) => Some(SeatHealth::Initial),
            None => Some(checked),
        }
    }
}

impl CellState {
    fn pool(&mut self, arn: &str) -> Option<&mut Pool> {
        self.pools.iter_mut().find(|pool| *pool.arn == *arn)
    }

    fn group(&mut self, action: &str, name: &str) -> Result<&mut Group, Failure> {
        let found = self.groups.iter_mut().find(|group| *group.group.name == *name);
        found.ok_or_else(|| malformed(action, &format!("AutoScalingGroup name not found - {name}")))
    }

    /// Registers members with their group's pools, or takes them out.
    fn seat_in(&mut self, pools: &[PoolArn], ids: &[InstanceId], now: Timestamp, register: bool) {
        for pool in self.pools.iter_mut().filter(|pool| pools.contains(&pool.arn)) {
            for id in ids {
                let seat = pool.seat(id);
                if register {
                    pool.register(seat, now);
                } else {
                    pool.deregister(&seat, now);
                }
            }
        }
    }
}

impl FakeHosts {
    /// Adds a pool in which these hosts are healthy; who is taken out drains so long.
    pub fn add_pool(&self, cell: &Cell<'_>, arn: &str, drain: Duration, hosts: &[InstanceId]) {
        let long_ago = Timestamp::UNIX_EPOCH;
        let mut pool = Pool { arn: arn.into(), drain, seats: BTreeMap::new() };
        for host in hosts {
            let seat = pool.seat(host);
            pool.register(seat, long_ago);
        }
        self.lock().cell(cell).pools.push(pool);
    }

    /// Adds an Auto Scaling group in which these hosts are in service.
    pub fn add_scaling_group(&self, cell: &Cell<'_>, group: ScalingGroup, hosts: &[InstanceId]) {
        let stay = Stay::settled(MemberState::InService, Timestamp::UNIX_EPOCH);
        let members = hosts.iter().map(|host| (host.clone(), stay)).collect();
        self.lock().cell(cell).groups.push(Group { group, members });
    }

    /// Who is registered with a pool right now, draining ones left out.
    pub fn registered(&self, pool: &str) -> Vec<InstanceId> {
        let state = self.lock();
        let pools = state.cells.values().flat_map(|cell| &cell.pools).filter(|it| *it.arn == *pool);
        let seats = pools.flat_map(|pool| &pool.seats).filter(|(_, standing)| standing.left_at.is_none());
        seats.map(|(seat, _)| seat.host.clone()).collect()
    }

    /// Every host that is out of a pool or a group it was in, and every process that is suspended.
    pub fn out_of_service(&self) -> Vec<String> {
        let now = self.clock.now();
        let state = self.lock();
        let mut out = Vec::new();
        for cell in state.cells.values() {
            for pool in &cell.pools {
                let left = pool.seats.iter().filter(|(_, standing)| standing.left_at.is_some());
                out.extend(left.map(|(seat, _)| format!("{} is not in {}", seat.host, pool.arn)));
            }
            for Group { group, members } in &cell.groups {
                let away = members.iter().filter(|(_, stay)| {
                    !matches!(stay.now(now), MemberState::InService | MemberState::Pending)
                });
                out.extend(away.map(|(host, _)| format!("{host} does not serve in {}", group.name)));
                out.extend(group.suspended.iter().map(|it| format!("{it} is suspended in {}", group.name)));
            }
        }
        out
    }

    fn change_seats(
        &self,
        action: &'static str,
        cell: &Cell<'_>,
        arn: &PoolArn,
        change: impl Fn(&mut Pool, Timestamp) -> Vec<InstanceId>,
    ) -> Result<(), Failure> {
        self.write(action, |state, now| {
            let Some(pool) = state.cell(cell).pool(arn) else {
                let words = format!("{arn} does not exist");
                let service_code = "TargetGroupNotFound";
                return Err(refused(ErrorClass::NotFound, &code::NOT_FOUND, action, service_code, &words));
            };
            let changed = change(pool, now);
            if !changed.is_empty() {
                state.took_effect(now, action, &changed, arn);
            }
            Ok(())
        })
    }

    fn switch(
        &self,
        action: &'static str,
        cell: &Cell<'_>,
        name: &str,
        processes: &[Text],
        suspend: bool,
    ) -> Result<(), Failure> {
        self.write(action, |state, now| {
            let suspended = &mut state.cell(cell).group(action, name)?.group.suspended;
            let before = suspended.clone();
            suspended.retain(|it| !processes.contains(it));
            if suspend {
                suspended.extend_from_slice(processes);
                suspended.sort_unstable();
            }
            if *suspended != before {
                state.took_effect(now, action, &[], name);
            }
            Ok(())
        })
    }
}

/// The group's members of those ids, all of which must be in that state.
fn all_are(
    group: &Group,
    action: &str,
    ids: &[InstanceId],
    wanted: MemberState,
    now: Timestamp,
) -> Result<(), Failure> {
    let odd = ids.iter().find(|id| group.members.get(*id).is_none_or(|stay| stay.now(now) != wanted));
    odd.map_or(Ok(()), |id| Err(malformed(action, &format!("The instance {id} is not in {wanted:?}."))))
}

const ENTER: &str = "autoscaling:EnterStandby";
const EXIT: &str = "autoscaling:ExitStandby";

#[async_trait]
impl Balancers for FakeHosts {
    async fn pools(&self, cell: &Cell<'_>) -> Partial<PoolArn> {
        match self.read("elasticloadbalancing:DescribeTargetGroups") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((_, mut state)) => {
                Partial::complete(state.cell(cell).pools.iter().map(|pool| pool.arn.clone()).collect())
            }
        }
    }

    async fn registrations(&self, cell: &Cell<'_>, pools: &[PoolArn]) -> Partial<Registration> {
        if pools.is_empty() {
            return Partial::complete(Vec::new());
        }
        match self.read("elasticloadbalancing:DescribeTargetHealth") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let cell = state.cell(cell);
                let mut found = Vec::new();
                for pool in cell.pools.iter().filter(|pool| pools.contains(&pool.arn)) {
                    for (seat, standing) in &pool.seats {
                        let script = cell.hosts.get(&seat.host).map(|host| host.script.seat_health);
                        let checked = script.unwrap_or(SeatHealth::Unused);
                        let health = pool.health(*standing, checked, now);
                        found.extend(health.map(|health| Registration { seat: seat.clone(), health }));
                    }
                }
                Partial::complete(found)
            }
        }
    }

    async fn register(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure> {
        self.change_seats("elasticloadbalancing:RegisterTargets", cell, pool, |pool, now| {
            let new = seats.iter().filter(|seat| pool.register((*seat).clone(), now));
            new.map(|seat| seat.host.clone()).collect()
        })
    }

    async fn deregister(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure> {
        self.change_seats("elasticloadbalancing:DeregisterTargets", cell, pool, |pool, now| {
            let gone = seats.iter().filter(|seat| pool.deregister(seat, now));
            gone.map(|seat| seat.host.clone()).collect()
        })
    }

    async fn members(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<Member> {
        if ids.is_empty() {
            return Answers::default();
        }
        match self.read("autoscaling:DescribeAutoScalingInstances") {
            Err(failure) => Answers { found: Vec::new(), unchecked: vec![(ids.to_vec(), failure)] },
            Ok((now, mut state)) => {
                let groups = &state.cell(cell).groups;
                let found = groups.iter().flat_map(|it| {
                    let mine = it.members.iter().filter(|(id, _)| ids.contains(id));
                    mine.map(|(id, stay)| {
                        (id.clone(), Member { group: it.group.name.clone(), state: stay.now(now) })
                    })
                });
                Answers { found: found.collect(), unchecked: Vec::new() }
            }
        }
    }

    async fn scaling_groups(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<ScalingGroup> {
        if names.is_empty() {
            return Partial::complete(Vec::new());
        }
        match self.read("autoscaling:DescribeAutoScalingGroups") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((_, mut state)) => {
                let groups = state.cell(cell).groups.iter().map(|it| it.group.clone());
                Partial::complete(groups.filter(|it| names.contains(&it.name)).collect())
            }
        }
    }

    async fn enter_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure> {
        self.write(ENTER, |state, now| {
            let place = state.cell(cell);
            let found = place.group(ENTER, group)?;
            all_are(found, ENTER, ids, MemberState::InService, now)?;
            let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            if found.group.desired < found.group.min.saturating_add(count) {
                return Err(malformed(ENTER, &format!("AutoScalingGroup {group} has too few members.")));
            }
            found.group.desired -= count;
            let pools = found.group.pools.clone();
            let drains = place.pools.iter().filter(|it| pools.contains(&it.arn)).map(|it| it.drain).max();
            let until = after(now, drains.unwrap_or(ENTRY));
            let found = place.group(ENTER, group)?;
            for id in ids {
                let stay = Stay { state: MemberState::EnteringStandby, next: (MemberState::Standby, until) };
                found.members.insert(id.clone(), stay);
            }
            place.seat_in(&pools, ids, now, false);
            state.took_effect(now, ENTER, ids, group);
            Ok(())
        })
    }

    async fn exit_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure> {
        self.write(EXIT, |state, now| {
            let place = state.cell(cell);
            let found = place.group(EXIT, group)?;
            all_are(found, EXIT, ids, MemberState::Standby, now)?;
            found.group.desired += u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let until = after(now, ENTRY);
            for id in ids {
                let stay = Stay { state: MemberState::Pending, next: (MemberState::InService, until) };
                found.members.insert(id.clone(), stay);
            }
            let pools = found.group.pools.clone();
            place.seat_in(&pools, ids, until, true);
            state.took_effect(now, EXIT, ids, group);
            Ok(())
        })
    }

    async fn suspend(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure> {
        self.switch("autoscaling:SuspendProcesses", cell, group, processes, true)
    }

    async fn resume(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure> {
        self.switch("autoscaling:ResumeProcesses", cell, group, processes, false)
    }
}
