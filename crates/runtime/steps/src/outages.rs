//! Who of the groups a plan budgets is out of service by itself.
//!
//! A plan says who counts against its budgets: the hosts it works on, and those it leaves out that run.
//! Whether they are in service now is asked of EC2 (state and status checks), of load balancers for
//! target groups and, where the run drains, of Auto Scaling for its groups. What was read of a cell a
//! moment ago is not read again for another group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fleetwright_flow as flow;
use fleetwright_model::{
    AccountId, Cell, Failure, HealthCheck, InstanceId, InstanceState, Region, SystemHealth, Text, Zone,
};
use fleetwright_patch::plan::PatchPlan;
use fleetwright_patch::plan::roll_out::GroupKind;
use fleetwright_ports::{Balancers, Clock, Down, MemberState, Outages, Power, Pulse, SeatHealth};
use jiff::{SignedDuration, Timestamp};

/// How long what was read of a host counts for other groups of its.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// Where a group's members are.
type Place = (AccountId, Region);

/// A group that is watched.
#[derive(Clone, Debug)]
struct Watched {
    kind: GroupKind,
    /// Its name without the kind: a target group's ARN.
    name: Text,
    members: BTreeMap<Place, BTreeSet<InstanceId>>,
    expected: u32,
}

/// How EC2 sees a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It runs, and its status checks have not failed.
    Serves,
    /// It is there, and does not.
    Down,
    /// It was terminated. Nobody waits for what cannot come back, and what was launched in its place is
    /// seen by the balancers: it is no member any more.
    Gone,
}

/// When which host of one cell was seen how.
#[derive(Default)]
struct Reading {
    hosts: BTreeMap<InstanceId, (Timestamp, Sight)>,
}

/// Looks at the members of a plan's shared groups.
pub struct GroupWatch {
    power: Arc<dyn Power>,
    balancers: Arc<dyn Balancers>,
    clock: Arc<dyn Clock>,
    zones: Vec<Zone>,
    groups: BTreeMap<Text, Watched>,
    /// Whether Auto Scaling is asked: a run that drains nobody may not be allowed to.
    asks_scaling: bool,
    readings: Mutex<BTreeMap<Place, Reading>>,
}

impl GroupWatch {
    /// Watches the shared groups of a plan in these landing zones. Members in accounts that are none of
    /// them are not looked at: the run does not enter those.
    pub fn new(
        plan: &PatchPlan,
        zones: &[Zone],
        power: Arc<dyn Power>,
        balancers: Arc<dyn Balancers>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let used =
            |zone: &&Zone| plan.zones.iter().any(|it| it.name == zone.name && it.account == zone.account);
        let zones: Vec<Zone> = zones.iter().filter(used).cloned().collect();
        let groups = watched(plan, &zones);
        let asks_scaling = plan.policy.drain.is_some();
        Self { power, balancers, clock, zones, groups, asks_scaling, readings: Mutex::default() }
    }

    fn readings(&self) -> MutexGuard<'_, BTreeMap<Place, Reading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, (account, region): &Place) -> Option<Cell<'_>> {
        let zone = self.zones.iter().find(|zone| zone.account == *account)?;
        Some(Cell { zone, region: region.clone() })
    }

    /// Reads the hosts of these groups that were not read a moment ago; where that failed, why.
    async fn read(&self, groups: &[&Watched]) -> BTreeMap<Place, Failure> {
        let now = self.clock.now();
        let mut wanted: BTreeMap<Place, BTreeSet<InstanceId>> = BTreeMap::new();
        {
            let readings = self.readings();
            for (place, members) in groups.iter().flat_map(|group| &group.members) {
                let known = readings.get(place);
                let is_old = |id: &&InstanceId| {
                    let read = known.and_then(|reading| reading.hosts.get(*id));
                    read.is_none_or(|(at, _)| now.duration_since(*at) >= FRESH)
                };
                wanted.entry(place.clone()).or_default().extend(members.iter().filter(is_old).cloned());
            }
        }
        wanted.retain(|_, ids| !ids.is_empty());
        let reads = wanted.into_iter().map(|(place, ids)| async move {
            let ids: Vec<InstanceId> = ids.into_iter().collect();
            let cell = self.cell(&place)?;
            let listed = self.power.pulses(&cell, &ids).await;
            Some((place, ids, listed))
        });
        let mut failed = BTreeMap::new();
        for (place, ids, listed) in futures::future::join_all(reads).await.into_iter().flatten() {
            if let Some(failure) = listed.failure {
                failed.insert(place, failure);
                continue;
            }
            let seen: BTreeMap<InstanceId, Sight> =
                listed.items.into_iter().map(|pulse| (pulse.id.clone(), sight(&pulse))).collect();
            let at = self.clock.now();
            let mut readings = self.readings();
            let reading = readings.entry(place).or_default();
            reading.hosts.extend(ids.into_iter().map(|id| {
                let sight = seen.get(&id).copied().unwrap_or(Sight::Gone);
                (id, (at, sight))
            }));
        }
        failed
    }

    /// Who is down in one group, once its hosts were read.
    async fn judge(&self, group: &Watched, failed: &BTreeMap<Place, Failure>) -> Result<Down, Failure> {
        let mut members = BTreeSet::new();
        for (place, ids) in &group.members {
            if let Some(failure) = failed.get(place) {
                return Err(failure.clone());
            }
            let name = |id: &InstanceId| -> Text { format!("{}/{}/{id}", place.0, place.1).into() };
            let sight = |id: &InstanceId| {
                let readings = self.readings();
                let seen = readings.get(place).and_then(|it| it.hosts.get(id));
                seen.map_or(Sight::Down, |(_, sight)| *sight)
            };
            let Some(cell) = self.cell(place) else { continue };
            let there: BTreeSet<InstanceId> =
                ids.iter().filter(|id| sight(id) != Sight::Gone).cloned().collect();
            members.extend(there.iter().filter(|id| sight(id) == Sight::Down).map(name));
            members.extend(self.unserved(group, &cell, &there).await?.iter().map(name));
        }
        Ok(Down { members, expected: group.expected })
    }

    /// Members that a target group or an Auto Scaling group does not count on.
    async fn unserved(
        &self,
        group: &Watched,
        cell: &Cell<'_>,
        members: &BTreeSet<InstanceId>,
    ) -> Result<BTreeSet<InstanceId>, Failure> {
        match group.kind {
            GroupKind::TargetGroup => {
                let listed = self.balancers.registrations(cell, std::slice::from_ref(&group.name)).await;
                if let Some(failure) = listed.failure {
                    return Err(failure);
                }
                // A member with several ports serves where one of them does; one that left does not.
                let mut unserved = members.clone();
                unserved.extend(listed.items.iter().map(|it| it.seat.host.clone()));
                for it in listed.items.iter().filter(|it| gets_requests(it.health)) {
                    unserved.remove(&it.seat.host);
                }
                Ok(unserved)
            }
            GroupKind::AutoScalingGroup if self.asks_scaling => {
                let ids: Vec<InstanceId> = members.iter().cloned().collect();
                let answers = self.balancers.members(cell, &ids).await;
                if let Some((_, failure)) = answers.unchecked.into_iter().next() {
                    return Err(failure);
                }
                // A group does not aim at those in standby, whoever put them there.
                let missed = |state: MemberState| {
                    matches!(state, MemberState::Pending | MemberState::Leaving | MemberState::Unknown)
                };
                let found = answers.found.into_iter().filter(|(_, it)| missed(it.state));
                Ok(found.map(|(id, _)| id).collect())
            }
            _ => Ok(BTreeSet::new()),
        }
    }
}

/// In service is what planning calls so.
fn sight(pulse: &Pulse) -> Sight {
    let failed = |health: &SystemHealth| [health.system, health.instance].contains(&HealthCheck::Impaired);
    match pulse.state {
        InstanceState::Terminated | InstanceState::ShuttingDown => Sight::Gone,
        InstanceState::Running if !pulse.health.as_ref().is_some_and(failed) => Sight::Serves,
        _ => Sight::Down,
    }
}

/// Whether the group counts on a place of that health. One that nobody leads requests to serves nobody,
/// whoever is in it, so that nobody is missed there.
fn gets_requests(health: SeatHealth) -> bool {
    matches!(health, SeatHealth::Healthy | SeatHealth::Unused)
}

#[async_trait]
impl Outages for GroupWatch {
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>> {
        let watched: Vec<(&Text, &Watched)> =
            groups.iter().filter_map(|key| self.groups.get_key_value(key)).collect();
        let all: Vec<&Watched> = watched.iter().map(|(_, group)| *group).collect();
        let failed = self.read(&all).await;
        let judged = watched.into_iter().map(|(key, group)| {
            let failed = &failed;
            async move { (key.clone(), self.judge(group, failed).await) }
        });
        futures::future::join_all(judged).await.into_iter().collect()
    }
}

/// The shared groups of a plan, with everybody who counts against them.
fn watched(plan: &PatchPlan, zones: &[Zone]) -> BTreeMap<Text, Watched> {
    let mut all: BTreeMap<Text, Watched> = BTreeMap::new();
    let described = plan.flow.groups.iter().zip(&plan.roll_out.groups);
    for (group, described) in described {
        // Where all members may be out of service at once, nobody needs to be missed.
        let spare = described.members.saturating_sub(described.down);
        let Some(key) = group.shared.as_ref().filter(|_| group.capacity < spare) else { continue };
        let bare = group.name.strip_prefix(described.kind.as_str()).map_or(&*group.name, str::trim_start);
        let members = BTreeMap::new();
        let watched = Watched { kind: described.kind, name: bare.into(), members, expected: described.down };
        all.insert(key.clone(), watched);
    }
    let mut add = |id: flow::GroupId, place: Place, host: &InstanceId| {
        let key = plan.flow.groups.get(id.index()).and_then(|group| group.shared.as_ref());
        if let Some(watched) = key.and_then(|key| all.get_mut(key)) {
            watched.members.entry(place).or_default().insert(host.clone());
        }
    };
    for (target, work) in plan.flow.targets.iter().zip(&plan.work) {
        let (Some(host), Some(place)) = (work.host(), plan.flow.places.get(target.place.index())) else {
            continue;
        };
        for group in target.groups.iter().filter(|group| counts(plan, **group, host.state)) {
            add(*group, (place.account.clone(), place.region.clone()), &host.id);
        }
    }
    for left in &plan.left_out {
        let Some(zone) = zones.iter().find(|zone| zone.name == left.zone) else { continue };
        for group in &left.groups {
            add(*group, (zone.account.clone(), left.region.clone()), &left.id);
        }
    }
    all
}

/// Whether a host in that state was among the members when the plan was made: whoever did not run is
/// missed in a set only.
fn counts(plan: &PatchPlan, group: flow::GroupId, state: InstanceState) -> bool {
    let kind = plan.roll_out.groups.get(group.index()).map(|group| group.kind);
    state == InstanceState::Running || kind == Some(GroupKind::Set)
}
