//! `return`: exactly what draining took out is put back, also after failure and abort.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{ErrorClass, Failure, InstanceId, InstanceState, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{ReturnNote, step::RETURN};
use fleetwright_ports::{InstanceQuery, MemberState, SeatHealth};
use futures::lock::Mutex;

use crate::command_wave::report;
use crate::context::Context;
use crate::out_of_service::{
    Change, Changes, Concerned, Standing, TakenOut, TakenSeat, carry_out, is_final, keep, needed_by_others,
    taken_out,
};
use crate::pace;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

const LATE: Late<'static> = Late { step: RETURN, class: ErrorClass::Transient, code: &code::NOT_RETURNED };
/// It is back, and its pools do not like it: trying again changes nothing.
const ILL: Late<'static> =
    Late { step: RETURN, class: ErrorClass::Permanent, code: &code::UNHEALTHY_IN_POOL };

/// The step.
pub(crate) struct Return {
    context: Arc<Context>,
    /// Held while a group's processes are switched: `drain` switches them the other way.
    groups: Arc<Mutex<()>>,
}

/// A host that is put back.
struct Back<'a> {
    slot: &'a Slot,
    planned: &'a PlannedHost,
    out: TakenOut,
    /// The instance that is there now.
    host: InstanceId,
}

/// How far a host is.
enum Progress {
    /// Everything is where it was; so many places are ill, as they were before.
    There { ill: u32 },
    /// Registered and in service; its pools have yet to find it healthy.
    Checked(String),
    /// Something is still out.
    Out(String),
}

impl Return {
    pub(crate) fn new(context: Arc<Context>, groups: Arc<Mutex<()>>) -> Self {
        Self { context, groups }
    }

    async fn work(&self, turn: &Turn<'_>, hosts: Vec<Back<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let (ids, now) = (hosts.iter().map(|it| it.host.clone()).collect::<Vec<_>>(), self.context.now());
        let standing = match self.standing(turn.place, &hosts, &ids).await {
            Ok(standing) => standing,
            Err(failure) => {
                for back in &hosts {
                    let what = format!("its load balancers and groups to be readable ({failure})");
                    report(turn, back.slot, pace::POWER.look(back.slot, now, &what, LATE));
                }
                return;
            }
        };
        let gone = self.gone(turn.place, &ids).await;
        let mut all = Vec::with_capacity(hosts.len());
        for back in hosts {
            let is_gone = gone.contains(&back.host);
            all.push((back, is_gone));
        }
        let hosts = all;
        let failed = carry_out(&self.context, turn.place, changes(&hosts, &standing)).await;
        for (index, (back, is_gone)) in hosts.iter().enumerate() {
            let outcome = match is_gone {
                true => self.leave(turn.place, back).await,
                false => self.outcome(turn.place, back, &standing, failed.get(&index)).await,
            };
            report(turn, back.slot, outcome);
        }
    }

    async fn standing(
        &self,
        place: PlaceId,
        hosts: &[Back<'_>],
        ids: &[InstanceId],
    ) -> Result<Standing, Failure> {
        let (mut pools, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for back in hosts {
            pools.extend(back.out.pools());
            groups.extend(back.out.group_name());
        }
        Standing::of(&self.context, place, ids, pools, groups).await
    }

    /// Instances that are no more: nothing can be put back for them.
    async fn gone(&self, place: PlaceId, ids: &[InstanceId]) -> Vec<InstanceId> {
        let query = InstanceQuery { ids: ids.to_vec(), ..InstanceQuery::default() };
        let listing = self.context.ports().machines.instances(&self.context.cell(place), &query).await;
        let is_over = |state| matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
        let here: BTreeMap<&InstanceId, InstanceState> =
            listing.items.iter().map(|it| (&it.id, it.state)).collect();
        let gone = ids.iter().filter(|id| match here.get(id) {
            Some(state) => is_over(*state),
            None => listing.failure.is_none(),
        });
        gone.cloned().collect()
    }

    async fn leave(&self, place: PlaceId, back: &Back<'_>) -> Outcome {
        match self.end(place, back).await {
            Ok(()) => Outcome::LeaveTarget { code: &code::REPLACED },
            Err(outcome) => outcome,
        }
    }

    async fn outcome(
        &self,
        place: PlaceId,
        back: &Back<'_>,
        standing: &Standing,
        failure: Option<&Failure>,
    ) -> Outcome {
        let (slot, now) = (back.slot, self.context.now());
        if let Some(failure) = failure.filter(|failure| is_final(failure)) {
            return Outcome::Failed(failure.clone());
        }
        let progress = progress(back, standing);
        let late = now >= slot.deadline;
        match progress {
            Progress::There { ill } => match self.end(place, back).await {
                Ok(()) => Outcome::done(&ReturnNote {
                    pools: u32::try_from(back.out.seats.len()).unwrap_or(u32::MAX),
                    ill_as_before: ill,
                }),
                Err(outcome) => outcome,
            },
            // A group is not left without its health checks because of one host.
            Progress::Checked(what) if late => match self.end(place, back).await {
                Ok(()) => pace::POWER.look(slot, now, &what, ILL),
                Err(outcome) => outcome,
            },
            Progress::Checked(what) => pace::POWER.look(slot, now, &what, ILL),
            Progress::Out(what) => {
                let what = failure.map_or(what.clone(), |failure| format!("{what} ({failure})"));
                pace::POWER.look(slot, now, &what, LATE)
            }
        }
    }

    /// Lets the group's processes go on, unless another host of this run still needs them suspended, and
    /// remembers that everything is back.
    async fn end(&self, place: PlaceId, back: &Back<'_>) -> Result<(), Outcome> {
        let _held = self.groups.lock().await;
        if let Some(member) = back.out.suspends() {
            let others = needed_by_others(&self.context, place, &member.group, &back.planned.id).await?;
            let free: Vec<Text> =
                member.processes.iter().filter(|it| !others.contains(*it)).cloned().collect();
            self.resume(place, &member.group, &free).await.map_err(|failure| {
                let words = format!("the processes of {} are still suspended", member.group);
                match is_final(&failure) {
                    true => Outcome::Failed(failure),
                    false => {
                        let what = format!("them to go on: {words} ({failure})");
                        pace::POWER.look(back.slot, self.context.now(), &what, LATE)
                    }
                }
            })?;
        }
        let out = TakenOut { back: true, ..back.out.clone() };
        keep(&self.context, place, back.planned.os, &back.planned.id, &out).await
    }

    async fn resume(&self, place: PlaceId, group: &Text, processes: &[Text]) -> Result<(), Failure> {
        let standing = Standing::of_group(&self.context, place, group).await?;
        let on = standing.goes_on(group, processes);
        let suspended: Vec<Text> = processes.iter().filter(|it| !on.contains(it)).cloned().collect();
        if suspended.is_empty() || !standing.groups.contains_key(group) {
            return Ok(());
        }
        self.context.ports().balancers.resume(&self.context.cell(place), group, &suspended).await
    }
}

/// What is still to be done.
fn changes(hosts: &[(Back<'_>, bool)], standing: &Standing) -> Changes {
    let mut changes = Changes::new();
    for (index, (back, _)) in hosts.iter().enumerate().filter(|(_, (_, is_gone))| !is_gone) {
        let mut add = |change, port| {
            let concerned = Concerned { index, host: back.host.clone(), port };
            changes.entry(change).or_default().push(concerned);
        };
        match member(back, standing) {
            Some((group, MemberState::Standby)) => add(Change::ExitStandby(group.clone()), None),
            // Its group registers it with its pools when it serves again.
            Some((_, MemberState::EnteringStandby | MemberState::Pending)) => {}
            _ => {
                for taken in &back.out.seats {
                    let health = standing.seats.get(&TakenOut::seat_of(taken, &back.host));
                    if health.is_none_or(|it| *it == SeatHealth::Draining) {
                        add(Change::Register(taken.pool.clone()), taken.port);
                    }
                }
            }
        }
    }
    changes
}

/// Where it is in the group it was taken out of.
fn member<'a>(back: &'a Back<'_>, standing: &Standing) -> Option<(&'a Text, MemberState)> {
    let taken = back.out.group.as_ref()?;
    let found = standing.members.get(&back.host).filter(|member| member.group == taken.group)?;
    Some((&taken.group, found.state))
}

fn progress(back: &Back<'_>, standing: &Standing) -> Progress {
    if let Some((
        group,
        state @ (MemberState::Standby | MemberState::EnteringStandby | MemberState::Pending),
    )) = member(back, standing)
    {
        return Progress::Out(format!("it to serve in {group} (it is {state:?})"));
    }
    let health = |taken: &TakenSeat| standing.seats.get(&TakenOut::seat_of(taken, &back.host)).copied();
    let out = |it: &Option<SeatHealth>| it.is_none_or(|it| it == SeatHealth::Draining);
    if let Some(taken) = back.out.seats.iter().find(|taken| out(&health(taken))) {
        return Progress::Out(format!("it to be registered with {}", taken.pool));
    }
    let well = |it: SeatHealth| matches!(it, SeatHealth::Healthy | SeatHealth::Unused);
    let mut ill = 0;
    for taken in &back.out.seats {
        match health(taken) {
            Some(found) if well(found) => {}
            Some(found) if taken.healthy => {
                return Progress::Checked(format!(
                    "{} to find it healthy (it is {})",
                    taken.pool,
                    found.as_str()
                ));
            }
            _ => ill += 1,
        }
    }
    Progress::There { ill }
}

#[async_trait]
impl Step for Return {
    fn name(&self) -> &'static str {
        RETURN
    }

    fn gathers_for(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn batch_size(&self) -> usize {
        50
    }

    async fn turn(&self, turn: Turn<'_>) {
        let mut out = Vec::new();
        for (slot, planned) in self.context.hosts(RETURN, &turn) {
            match taken_out(&self.context, turn.place, planned).await {
                Ok(Some(taken)) => {
                    let host = self.context.instance(slot).unwrap_or_else(|| planned.id.clone());
                    out.push(Back { slot, planned, out: taken, host });
                }
                Ok(None) => report(&turn, slot, Outcome::NotNeeded { code: &code::NOT_NEEDED }),
                Err(outcome) => report(&turn, slot, outcome),
            }
        }
        self.work(&turn, out).await;
    }
}
