//! What Auto Scaling groups do by themselves: mark, terminate, launch; and standby.
//!
//! The trap this is for: an instance in service that stops, or fails its checks for long, is
//! terminated and replaced, unless it is in standby or the processes are suspended. Source: Auto
//! Scaling user guide, "Health checks for instances", "Suspend and resume processes", "Temporarily
//! remove instances".

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::{Activity, Group, HealthCheck, Lifecycle, Mark, Member, Process};
use crate::world::balancing::{Phase, TargetKey};
use crate::world::diary::{Event, Standing};
use crate::world::ids::InstanceId;
use crate::world::instance::{Instance, InstanceState, StatusCheck};
use crate::world::timeline::{Change, Place};
use crate::world::{Region, launch, life_cycle};

/// From something going wrong to the group's noticing it.
const NOTICE: SignedDuration = SignedDuration::from_secs(60);
/// From a member's loss to the launch of another.
const REACTION: SignedDuration = SignedDuration::from_secs(15);
/// From leaving standby, or running, to being in service.
pub(super) const ENTRY: SignedDuration = SignedDuration::from_secs(10);
/// Into standby, where no balancer has to drain.
const EXIT: SignedDuration = SignedDuration::from_secs(5);

/// How ill a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Illness {
    None,
    /// Its checks fail, which the grace period excuses.
    Failing,
    /// It does not run, which nothing excuses.
    Down,
}

/// Lets the group of an instance look at it.
pub fn observe(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    let Some(number) = place.region.scaling.of(id) else { return };
    if place.region.scaling.get(number).is_some_and(|group| group.like.is_none()) {
        return;
    }
    let state = place.region.instances.get(id).map(|it| it.state);
    let Some(state) =
        state.filter(|it| !matches!(it, InstanceState::ShuttingDown | InstanceState::Terminated))
    else {
        lose(place.region, number, id, at);
        return;
    };
    let Some(member) = member(place.region, number, id) else { return };
    match member.lifecycle {
        Lifecycle::Pending => {
            if state == InstanceState::Pending {
                return;
            }
            let due = member.since + ENTRY;
            if due <= at {
                serve(place.region, number, id, at);
                observe(place, id, at);
            } else {
                look_again(place.region, number, id, due);
            }
        }
        Lifecycle::EnteringStandby { until } if until <= at => {
            change(place.region, number, id, |it| (it.lifecycle, it.since) = (Lifecycle::Standby, at));
        }
        Lifecycle::EnteringStandby { until } => look_again(place.region, number, id, until),
        Lifecycle::InService => judge(place, number, id, at),
        Lifecycle::Standby | Lifecycle::TerminatingWait { .. } | Lifecycle::Terminating => {}
    }
}

fn member(region: &Region, number: usize, id: InstanceId) -> Option<Member> {
    region.scaling.get(number)?.members.get(&id).copied()
}

fn change(region: &mut Region, number: usize, id: InstanceId, change: impl FnOnce(&mut Member)) {
    if let Some(member) = region.scaling.get_mut(number).and_then(|group| group.members.get_mut(&id)) {
        change(member);
    }
}

fn look_again(region: &mut Region, number: usize, id: InstanceId, due: Timestamp) {
    let mut new = false;
    change(region, number, id, |it| {
        new = it.due != Some(due);
        it.due = Some(due);
    });
    if new {
        region.schedule(due, Change::Observe(id));
    }
}

fn note(region: &mut Region, number: usize, instance: InstanceId, standing: Standing, at: Timestamp) {
    if let Some(group) = region.scaling.get(number).map(|group| group.label.clone()) {
        region.diary.note(at, Event::Standing { group, instance, standing });
    }
}

/// A member is gone: another comes in its place.
fn lose(region: &mut Region, number: usize, id: InstanceId, at: Timestamp) {
    if let Some(group) = region.scaling.get_mut(number) {
        group.like = Some(id);
    }
    region.scaling.leave(number, id);
    note(region, number, id, Standing::Left, at);
    region.schedule(at + REACTION, Change::Scaling(number));
}

/// A member comes into service, and is registered with the group's balancers.
fn serve(region: &mut Region, number: usize, id: InstanceId, at: Timestamp) {
    change(region, number, id, |it| *it = Member::new(Lifecycle::InService, at));
    note(region, number, id, Standing::Serving, at);
    let Some(group) = region.scaling.get(number) else { return };
    if group.is_suspended(Process::AddToLoadBalancer) {
        return;
    }
    for (balancer, key) in seats(region, group, id) {
        region.register_target(balancer, key, at);
    }
}

/// The places of a member in its group's balancers.
fn seats(region: &Region, group: &Group, id: InstanceId) -> Vec<(usize, TargetKey)> {
    let place = |number: &usize| Some((*number, (id, region.balancing.get(*number)?.pool.port)));
    group.balancers.iter().filter_map(place).collect()
}

fn illness(region: &Region, group: &Group, it: &Instance) -> Illness {
    if !matches!(it.state, InstanceState::Running | InstanceState::Pending) {
        return Illness::Down;
    }
    let impaired = |check| matches!(check, StatusCheck::Impaired(_));
    let refused = group.check == HealthCheck::Elb
        && seats(region, group, it.id).into_iter().any(|(number, key)| {
            let target = region.balancing.get(number).and_then(|it| it.pool.targets.get(&key));
            target.is_some_and(|target| target.phase == Phase::Unhealthy)
        });
    match impaired(it.checks.instance) || impaired(it.checks.system) || refused {
        true => Illness::Failing,
        false => Illness::None,
    }
}

/// Looks at a member in service; marks it, and replaces it once it is marked.
fn judge(place: &mut Place<'_>, number: usize, id: InstanceId, at: Timestamp) {
    let region = &mut *place.region;
    let (Some(group), Some(it)) = (region.scaling.get(number), region.instances.get(id)) else { return };
    let Some(member) = group.members.get(&id).copied() else { return };
    let illness = illness(region, group, it);
    let (watched, grace) = (!group.is_suspended(Process::HealthCheck), group.grace);
    let replaced = !group.is_suspended(Process::ReplaceUnhealthy) && !group.is_suspended(Process::Terminate);
    let mut marked = member.mark == Mark::Unhealthy;
    if illness == Illness::None {
        change(region, number, id, |it| it.ill_since = None);
    } else if !marked {
        let since = member.ill_since.unwrap_or(at);
        change(region, number, id, |it| it.ill_since = Some(since));
        let spared = if illness == Illness::Failing { member.since + grace } else { member.since };
        let due = (since + NOTICE).max(spared);
        if due > at {
            look_again(region, number, id, due);
        } else if watched {
            change(region, number, id, |it| it.mark = Mark::Unhealthy);
            note(region, number, id, Standing::Out, at);
            marked = true;
        }
    }
    if marked && replaced {
        let cause = format!(
            "At {at} an instance was taken out of service in response to an {} health check indicating it has \
             been terminated or stopped, or fails its checks.",
            place.region.scaling.get(number).map_or("EC2", |group| group.check.name())
        );
        record(place, number, format!("Terminating EC2 instance: {id}"), cause, (at, at + NOTICE));
        change(place.region, number, id, |it| (it.lifecycle, it.since) = (Lifecycle::Terminating, at));
        let seats = place.region.scaling.get(number).map(|group| seats(place.region, group, id));
        for (balancer, key) in seats.unwrap_or_default() {
            place.region.deregister_target(balancer, key, at);
        }
        life_cycle::terminate(place, id, at);
    }
}

/// Launches what a group lacks.
pub fn fill(place: &mut Place<'_>, number: usize, at: Timestamp) {
    let Some(group) = place.region.scaling.get(number) else { return };
    let Some(like) = group.like.filter(|_| !group.is_suspended(Process::Launch)) else { return };
    let (lacking, name) = (group.desired.saturating_sub(group.active()), group.name.clone());
    let before = group.activities.len();
    for n in 0..lacking {
        let purpose = (format!("{name}/{before}"), n as u32);
        let Some(id) = launch::successor(place, like, purpose, at) else { return };
        place.region.scaling.join(number, id, Member::new(Lifecycle::Pending, at));
        note(place.region, number, id, Standing::Out, at);
        let why = "a difference between desired and actual capacity";
        launched(place, number, id, why, at);
    }
}

/// Launches another member like the others in the course of an instance refresh.
pub(super) fn launch_another(place: &mut Place<'_>, number: usize, at: Timestamp) -> Option<InstanceId> {
    let group = place.region.scaling.get(number)?;
    let purpose = (format!("{}/{}", group.name, group.activities.len()), 0);
    let like = group.like?;
    let id = launch::successor(place, like, purpose, at)?;
    place.region.scaling.join(number, id, Member::new(Lifecycle::Pending, at));
    note(place.region, number, id, Standing::Out, at);
    launched(place, number, id, "an instance refresh", at);
    Some(id)
}

/// Enters that an instance was launched, and why.
pub(super) fn launched(place: &mut Place<'_>, number: usize, id: InstanceId, why: &str, at: Timestamp) {
    let cause = format!("At {at} an instance was started in response to {why}.");
    record(place, number, format!("Launching a new EC2 instance: {id}"), cause, (at, at + NOTICE));
}

/// Takes a member out of its balancers and terminates it in the course of an instance refresh.
pub(super) fn replace_member(place: &mut Place<'_>, number: usize, id: InstanceId, at: Timestamp) {
    note(place.region, number, id, Standing::Out, at);
    terminating(place, number, id, at);
    change(place.region, number, id, |it| (it.lifecycle, it.since) = (Lifecycle::Terminating, at));
    let seats = place.region.scaling.get(number).map(|group| seats(place.region, group, id));
    for (balancer, key) in seats.unwrap_or_default() {
        place.region.deregister_target(balancer, key, at);
    }
    life_cycle::terminate(place, id, at);
}

/// Enters that a member is terminated in the course of an instance refresh.
pub(super) fn terminating(place: &mut Place<'_>, number: usize, id: InstanceId, at: Timestamp) {
    let cause = format!("At {at} an instance was taken out of service in response to an instance refresh.");
    record(place, number, format!("Terminating EC2 instance: {id}"), cause, (at, at + NOTICE));
}

/// Enters what a group did; gives it back.
fn record(
    place: &mut Place<'_>,
    number: usize,
    description: String,
    cause: String,
    (began, ends): (Timestamp, Timestamp),
) -> Option<Activity> {
    let count = place.region.scaling.get(number)?.activities.len() as u64;
    let mut draws = place.draws("scaling-activity", count, began);
    let activity = Activity { id: draws.random(), description, cause, began, ends };
    place.region.scaling.get_mut(number)?.activities.push(activity.clone());
    Some(activity)
}

/// What becomes of the capacity a group aims at when members go into standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// It goes down with them.
    Decrement,
    /// It stays: others are launched.
    Keep,
}

/// Takes members in service out of it, once their balancers have drained them.
pub fn enter_standby(
    place: &mut Place<'_>,
    number: usize,
    ids: &[InstanceId],
    capacity: Capacity,
    at: Timestamp,
) -> Vec<Activity> {
    let before = place.region.scaling.get(number).map_or(0, |group| group.desired);
    let mut activities = Vec::new();
    for id in ids {
        let Some(group) = place.region.scaling.get(number) else { break };
        let seats = seats(place.region, group, *id);
        let drains = seats.iter().filter_map(|(balancer, key)| {
            let pool = &place.region.balancing.get(*balancer)?.pool;
            pool.targets.contains_key(key).then_some(pool.drain)
        });
        let until = at + drains.max().unwrap_or(EXIT).max(EXIT);
        for (balancer, key) in seats {
            place.region.deregister_target(balancer, key, at);
        }
        change(place.region, number, *id, |it| {
            (it.lifecycle, it.since) = (Lifecycle::EnteringStandby { until }, at);
        });
        look_again(place.region, number, *id, until);
        note(place.region, number, *id, Standing::Aside, at);
        if let (Capacity::Decrement, Some(group)) = (capacity, place.region.scaling.get_mut(number)) {
            group.desired = group.desired.saturating_sub(1);
        }
        let after = place.region.scaling.get(number).map_or(0, |group| group.desired);
        let shrinks = match capacity {
            Capacity::Decrement => format!(", shrinking the capacity from {before} to {after}"),
            Capacity::Keep => String::new(),
        };
        let cause =
            format!("At {at} instance {id} was moved to standby in response to a user request{shrinks}.");
        activities.extend(record(
            place,
            number,
            format!("Moving EC2 instance to Standby: {id}"),
            cause,
            (at, until),
        ));
    }
    place.region.schedule(at, Change::Scaling(number));
    activities
}

/// Puts members in standby back into service.
pub fn exit_standby(
    place: &mut Place<'_>,
    number: usize,
    ids: &[InstanceId],
    at: Timestamp,
) -> Vec<Activity> {
    let mut activities = Vec::new();
    for id in ids {
        change(place.region, number, *id, |it| *it = Member::new(Lifecycle::Pending, at));
        look_again(place.region, number, *id, at + ENTRY);
        let mut grows = (0, 0);
        if let Some(group) = place.region.scaling.get_mut(number) {
            grows = (group.desired, group.desired + 1);
            group.desired += 1;
        }
        let cause = format!(
            "At {at} instance {id} was moved out of standby in response to a user request, increasing the \
             capacity from {} to {}.",
            grows.0, grows.1
        );
        activities.extend(record(
            place,
            number,
            format!("Moving EC2 instance out of Standby: {id}"),
            cause,
            (at, at + ENTRY),
        ));
    }
    activities
}

/// Which way processes are switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// They stop.
    Suspend,
    /// They go on.
    Resume,
}

/// Suspends or resumes processes; what was put off while they were suspended happens at once.
pub fn switch(region: &mut Region, number: usize, processes: &[Process], to: Switch, at: Timestamp) {
    let Some(group) = region.scaling.get_mut(number) else { return };
    for process in processes {
        match to {
            Switch::Suspend => {
                group.suspended.entry(*process).or_insert(at);
            }
            Switch::Resume => {
                group.suspended.remove(process);
            }
        }
    }
    let suspended = group.suspended.keys().map(|process| process.name()).collect();
    let (label, members): (_, Vec<InstanceId>) =
        (group.label.clone(), group.members.keys().copied().collect());
    region.diary.note(at, Event::Processes { group: label, suspended });
    for id in members {
        region.schedule(at, Change::Observe(id));
    }
    region.schedule(at, Change::Scaling(number));
}
