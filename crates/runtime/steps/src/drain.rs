//! `drain`: hosts are taken out of load balancers and out of service in Auto Scaling groups, so that
//! nobody is served by a host that is being changed, and no group replaces it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{ErrorClass, Failure, InstanceId, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{DrainNote, step::DRAIN};
use fleetwright_ports::{MemberState, SeatHealth};
use futures::lock::Mutex;
use jiff::SignedDuration;

use crate::command_wave::report;
use crate::context::Context;
use crate::identity::identities;
use crate::out_of_service::{
    Change, Changes, Concerned, PROCESSES, Standing, TakenMember, TakenOut, TakenSeat, Way, carry_out,
    is_final, keep, needed_by_others, taken_out,
};
use crate::pace;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn, not_begun};

/// The handle: what it was taken out of is kept in the host's file.
const HANDLE: &str = "draining";
/// What is kept must be durable before anything is done.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

const LATE: Late<'static> = Late { step: DRAIN, class: ErrorClass::Permanent, code: &code::NOT_DRAINED };

/// The step.
pub(crate) struct Drain {
    context: Arc<Context>,
    /// Held while a group's processes are switched: `return` switches them the other way.
    groups: Arc<Mutex<()>>,
}

type Hosts<'a> = Vec<(&'a Slot, &'a PlannedHost)>;

impl Drain {
    pub(crate) fn new(context: Arc<Context>, groups: Arc<Mutex<()>>) -> Self {
        Self { context, groups }
    }

    /// Finds out what they must be taken out of, and keeps it.
    async fn begin(&self, turn: &Turn<'_>, hosts: Hosts<'_>) {
        let mut planned = Vec::new();
        for (slot, host, identity) in identities(&self.context, turn.place, &hosts).await {
            match (identity.planned(), not_begun(slot, self.context.now(), DRAIN)) {
                (Err(outcome), _) | (Ok(_), Some(outcome)) => report(turn, slot, outcome),
                (Ok(_), None) => planned.push((slot, host)),
            }
        }
        if planned.is_empty() {
            return;
        }
        let standing = match self.standing(turn.place, &planned, &[]).await {
            Ok(standing) => standing,
            Err(failure) => return fail_all(turn, &planned, &failure),
        };
        let mut entering: BTreeMap<Text, u32> = BTreeMap::new();
        for (slot, host) in planned {
            let outcome = match self.found(turn.place, host, &standing, &mut entering).await {
                Ok(out) => match keep(&self.context, turn.place, host.os, &host.id, &out).await {
                    Ok(()) => {
                        let look_at = self.context.now() + AT_ONCE;
                        Outcome::Accepted { handle: HANDLE.into(), look_at }
                    }
                    Err(outcome) => outcome,
                },
                Err(outcome) => outcome,
            };
            report(turn, slot, outcome);
        }
    }

    /// What a host is to be taken out of; what an attempt before has found stays.
    async fn found(
        &self,
        place: PlaceId,
        host: &PlannedHost,
        standing: &Standing,
        entering: &mut BTreeMap<Text, u32>,
    ) -> Result<TakenOut, Outcome> {
        if let Some(known) = taken_out(&self.context, place, host).await? {
            return Ok(known);
        }
        let seats = standing.seats.iter().filter(|(seat, health)| {
            seat.host == host.id && !matches!(health, SeatHealth::Draining | SeatHealth::Unused)
        });
        let seats = seats.map(|(seat, health)| TakenSeat {
            pool: seat.pool.clone(),
            port: seat.port,
            healthy: *health == SeatHealth::Healthy,
        });
        let seats: Vec<TakenSeat> = seats.collect();
        let group = match standing.members.get(&host.id) {
            Some(member) if member.state == MemberState::Leaving => {
                return Err(Outcome::LeaveTarget { code: &code::REPLACED });
            }
            Some(member) if matches!(member.state, MemberState::InService | MemberState::Pending) => {
                Some(self.membership(place, &host.id, &member.group, standing, entering).await?)
            }
            // Whoever has put it into standby takes it out again.
            _ => None,
        };
        match seats.is_empty() && group.is_none() {
            true => Err(Outcome::NotNeeded { code: &code::NOT_NEEDED }),
            false => Ok(TakenOut { host: host.id.clone(), seats, group, back: false }),
        }
    }

    async fn membership(
        &self,
        place: PlaceId,
        host: &InstanceId,
        group: &Text,
        standing: &Standing,
        entering: &mut BTreeMap<Text, u32>,
    ) -> Result<TakenMember, Outcome> {
        let known = standing.groups.get(group);
        let room = known.map_or(0, |it| it.desired.saturating_sub(it.min));
        let before = entering.entry(group.clone()).or_default();
        let way = if *before < room { Way::Standby } else { Way::Suspend };
        *before += u32::from(way == Way::Standby);
        let ours = needed_by_others(&self.context, place, group, host).await?;
        let suspended = known.map(|it| &*it.suspended).unwrap_or_default();
        let theirs = |it: &&str| suspended.iter().any(|other| **other == **it) && !ours.contains(*it);
        let processes = PROCESSES.into_iter().filter(|it| !theirs(it)).map(Text::from).collect();
        Ok(TakenMember { group: group.clone(), way, processes })
    }

    async fn standing(
        &self,
        place: PlaceId,
        hosts: &[(&Slot, &PlannedHost)],
        outs: &[TakenOut],
    ) -> Result<Standing, Failure> {
        let ids: Vec<InstanceId> = hosts.iter().map(|(_, host)| host.id.clone()).collect();
        let mut pools = BTreeSet::new();
        for (_, host) in hosts {
            pools.extend(host.target_groups.iter().cloned());
        }
        let mut groups = BTreeSet::new();
        for out in outs {
            pools.extend(out.pools());
            groups.extend(out.group_name());
        }
        Standing::of(&self.context, place, &ids, pools, groups).await
    }

    /// Takes them out, and looks how far they are.
    async fn go_on(&self, turn: &Turn<'_>, hosts: Hosts<'_>) {
        let mut known = Vec::new();
        let mut outs = Vec::new();
        for (slot, host) in hosts {
            match taken_out(&self.context, turn.place, host).await {
                Ok(Some(out)) => {
                    known.push((slot, host));
                    outs.push(out);
                }
                Ok(None) => {
                    let words =
                        format!("{}: what it was taken out of is not in the run's files", slot.subject);
                    report(
                        turn,
                        slot,
                        Outcome::failed(ErrorClass::Ambiguous, &code::INTERNAL, DRAIN, &words),
                    );
                }
                Err(outcome) => report(turn, slot, outcome),
            }
        }
        if known.is_empty() {
            return;
        }
        let now = self.context.now();
        let standing = match self.standing(turn.place, &known, &outs).await {
            Ok(standing) => standing,
            Err(failure) => {
                for (slot, _) in known {
                    let what = format!("its load balancers and groups to be readable ({failure})");
                    report(turn, slot, pace::POWER.look(slot, now, &what, LATE));
                }
                return;
            }
        };
        let failed = carry_out(&self.context, turn.place, changes(&outs, &standing)).await;
        let refused = self.suspend(turn.place, &outs).await;
        for (index, ((slot, host), out)) in known.into_iter().zip(&outs).enumerate() {
            let failure = failed.get(&index).or(refused.get(&index));
            let outcome = self.outcome(turn.place, (slot, host), out, &standing, failure).await;
            report(turn, slot, outcome);
        }
    }

    /// Keeps the groups of those that cannot go into standby from replacing them.
    async fn suspend(&self, place: PlaceId, outs: &[TakenOut]) -> BTreeMap<usize, Failure> {
        let mut wanted: BTreeMap<&Text, (BTreeSet<Text>, Vec<usize>)> = BTreeMap::new();
        for (index, out) in outs.iter().enumerate() {
            let Some(member) = out.suspends() else { continue };
            let (processes, who) = wanted.entry(&member.group).or_default();
            processes.extend(member.processes.iter().cloned());
            who.push(index);
        }
        let mut failed = BTreeMap::new();
        if wanted.is_empty() {
            return failed;
        }
        let _held = self.groups.lock().await;
        for (group, (processes, who)) in wanted {
            let processes: Vec<Text> = processes.into_iter().collect();
            if let Err(failure) = self.suspend_one(place, group, &processes).await {
                failed.extend(who.into_iter().map(|index| (index, failure.clone())));
            }
        }
        failed
    }

    async fn suspend_one(&self, place: PlaceId, group: &Text, processes: &[Text]) -> Result<(), Failure> {
        let standing = Standing::of_group(&self.context, place, group).await?;
        let missing = standing.goes_on(group, processes);
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let balancers = &self.context.ports().balancers;
                balancers.suspend(&self.context.cell(place), group, &missing).await
            }
        }
    }

    async fn outcome(
        &self,
        place: PlaceId,
        (slot, host): (&Slot, &PlannedHost),
        out: &TakenOut,
        standing: &Standing,
        failure: Option<&Failure>,
    ) -> Outcome {
        let now = self.context.now();
        if let Some(failure) = failure {
            if is_final(failure) {
                return Outcome::Failed(failure.clone());
            }
            if failure.class.is_verdict() && stays_in_service(out, standing) {
                // The group has no room for one more in standby after all.
                let mut out = out.clone();
                if let Some(member) = &mut out.group {
                    member.way = Way::Suspend;
                }
                if let Err(outcome) = keep(&self.context, place, host.os, &host.id, &out).await {
                    return outcome;
                }
            }
            return pace::POWER.look(slot, now, &format!("it to be taken out ({failure})"), LATE);
        }
        match waits_for(out, standing) {
            Some(what) => pace::POWER.look(slot, now, &what, LATE),
            None => Outcome::done(&DrainNote {
                pools: u32::try_from(out.seats.len()).unwrap_or(u32::MAX),
                group: out.group.as_ref().map(|member| member.group.clone()),
            }),
        }
    }
}

fn fail_all(turn: &Turn<'_>, hosts: &[(&Slot, &PlannedHost)], failure: &Failure) {
    for (slot, _) in hosts {
        report(turn, slot, Outcome::Failed(failure.clone()));
    }
}

/// Whether it is to be in standby and still serves.
fn stays_in_service(out: &TakenOut, standing: &Standing) -> bool {
    let standby = out.group.as_ref().is_some_and(|member| member.way == Way::Standby);
    standby && standing.member(&out.host) == Some(MemberState::InService)
}

/// What is still to be done to them.
fn changes(outs: &[TakenOut], standing: &Standing) -> Changes {
    let mut changes = Changes::new();
    for (index, out) in outs.iter().enumerate() {
        let mut add = |change, port| {
            let concerned = Concerned { index, host: out.host.clone(), port };
            changes.entry(change).or_default().push(concerned);
        };
        let standby = out.group.as_ref().filter(|member| member.way == Way::Standby);
        if let Some(member) = standby.filter(|_| stays_in_service(out, standing)) {
            add(Change::EnterStandby(member.group.clone()), None);
        }
        for taken in &out.seats {
            // On its way into standby the group takes it out of its own pools.
            let by_group = standby.is_some()
                && standing.is_of_group(&out.host, &taken.pool)
                && standing.member(&out.host) != Some(MemberState::Standby);
            let health = standing.seats.get(&TakenOut::seat_of(taken, &out.host));
            let gone = health.is_none_or(|it| matches!(it, SeatHealth::Draining | SeatHealth::Unused));
            if !gone && !by_group {
                add(Change::Deregister(taken.pool.clone()), taken.port);
            }
        }
    }
    changes
}

/// What is waited for; none where the host is out of service.
fn waits_for(out: &TakenOut, standing: &Standing) -> Option<String> {
    let standby = out.group.as_ref().is_some_and(|member| member.way == Way::Standby);
    let member = standing.member(&out.host).filter(|_| standby);
    if let Some(
        state @ (MemberState::InService
        | MemberState::Pending
        | MemberState::EnteringStandby
        | MemberState::Unknown),
    ) = member
    {
        return Some(format!("it to be in standby (it is {state:?})"));
    }
    let serving = out.seats.iter().find_map(|taken| {
        let health = standing.seats.get(&TakenOut::seat_of(taken, &out.host))?;
        (*health != SeatHealth::Unused).then_some((&taken.pool, health))
    });
    serving.map(|(pool, health)| format!("its requests to end at {pool} (it is {})", health.as_str()))
}

#[async_trait]
impl Step for Drain {
    fn name(&self) -> &'static str {
        DRAIN
    }

    fn gathers_for(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn batch_size(&self) -> usize {
        50
    }

    async fn turn(&self, turn: Turn<'_>) {
        let hosts = self.context.hosts(DRAIN, &turn);
        let (fresh, begun): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(slot, _)| slot.handle.is_none());
        self.go_on(&turn, begun).await;
        self.begin(&turn, fresh).await;
    }
}
