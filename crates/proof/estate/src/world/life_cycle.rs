//! The life of an instance: started, stopped, terminated. What happens inside it when it boots is
//! [`host`]'s.
//!
//! Source: EC2 user guide, "Amazon EC2 instance state changes".

use std::net::Ipv4Addr;

use jiff::Timestamp;
use rand::RngExt;

use super::World;
use super::diary::Event;
use super::host;
use super::ids::InstanceId;
use super::instance::{Addressing, Instance, InstanceState, StatusCheck};
use super::launch;
use super::timeline::{Change, Place};
use crate::call::Call;
use crate::fault::{Affected, FaultRule, Mishap};
use crate::policy::pattern;

/// What is due for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The end of `pending`, `stopping` or `shutting-down`, if it is still the one begun then.
    Settle {
        /// When that state began.
        since: Timestamp,
    },
    /// Somebody else terminates it.
    Leave {
        /// What comes in its place.
        then: Successor,
    },
}

/// What comes in place of an instance that somebody else terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// Nothing.
    None,
    /// Another instance of the same name, from the same image.
    Another,
}

/// Makes what is due for an instance.
pub fn apply(place: &mut Place<'_>, id: InstanceId, step: Step, at: Timestamp) {
    match step {
        Step::Settle { since } => settle(place, id, since, at),
        Step::Leave { then } => leave(place, id, then, at),
    }
}

/// Puts an instance into a state from `at` on.
fn enter(place: &mut Place<'_>, id: InstanceId, state: InstanceState, at: Timestamp) {
    if let Some(it) = place.region.change_instance(id, at) {
        (it.state, it.state_since) = (state, at);
        place.region.diary.note(at, Event::Instance { id, state });
        place.region.touched(id, at);
    }
}

pub(in crate::world) fn settle_later(
    place: &mut Place<'_>,
    id: InstanceId,
    state: InstanceState,
    since: Timestamp,
) {
    let (span, purpose) = match state {
        InstanceState::Pending => (place.pace.start, "start"),
        InstanceState::Stopping => (place.pace.stop, "stop"),
        _ => (place.pace.terminate, "terminate"),
    };
    let length = place.length(span, purpose, id.0, since);
    place.region.schedule(since + length, Change::Instance(id, Step::Settle { since }));
}

/// Starts a stopped instance. Its launch time moves, as EC2's does.
pub fn start(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    enter(place, id, InstanceState::Pending, at);
    if let Some(it) = place.region.instances.get_mut(id) {
        it.launched_at = at;
        it.checks.instance = StatusCheck::Initializing;
        it.checks.system = StatusCheck::Initializing;
    }
    settle_later(place, id, InstanceState::Pending, at);
}

/// Stops a running instance.
pub fn stop(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    host::stopped(place, id, at);
    enter(place, id, InstanceState::Stopping, at);
    settle_later(place, id, InstanceState::Stopping, at);
}

/// Terminates an instance; one that is on its way out or gone stays as it is.
pub fn terminate(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    let Some(it) = place.region.instances.get(id) else { return };
    if matches!(it.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
        return;
    }
    if matches!(it.state, InstanceState::Running | InstanceState::Pending) {
        host::stopped(place, id, at);
    }
    enter(place, id, InstanceState::ShuttingDown, at);
    settle_later(place, id, InstanceState::ShuttingDown, at);
}

fn settle(place: &mut Place<'_>, id: InstanceId, since: Timestamp, at: Timestamp) {
    let Some(it) = place.region.instances.get(id).filter(|it| it.state_since == since) else { return };
    match it.state {
        InstanceState::Pending => {
            enter(place, id, InstanceState::Running, at);
            let address = public_address(place, id, at);
            if let Some(it) = place.region.instances.get_mut(id) {
                it.checks.system = StatusCheck::Ok;
                if it.addressing == Addressing::Automatic {
                    it.public_ip = Some(address);
                }
            }
            host::started(place, id, at);
        }
        InstanceState::Stopping => {
            enter(place, id, InstanceState::Stopped, at);
            if let Some(it) = place.region.instances.get_mut(id)
                && it.addressing == Addressing::Automatic
            {
                it.public_ip = None;
            }
        }
        InstanceState::ShuttingDown => {
            enter(place, id, InstanceState::Terminated, at);
            release(place, id, at);
        }
        _ => {}
    }
}

/// An address from EC2's pool.
fn public_address(place: &Place<'_>, id: InstanceId, at: Timestamp) -> Ipv4Addr {
    let mut random = place.draws("public-address", id.0, at);
    Ipv4Addr::new(3, random.random(), random.random(), random.random_range(1..255))
}

/// Deletes or detaches the volumes of a terminated instance.
fn release(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    let Some(it) = place.region.instances.get_mut(id) else { return };
    it.public_ip = None;
    for attached in std::mem::take(&mut it.volumes) {
        if attached.delete_on_termination {
            place.region.volumes.remove(&attached.volume);
        } else if let Some(volume) = place.region.change_volume(attached.volume, at) {
            volume.attachment = None;
        }
    }
}

fn leave(place: &mut Place<'_>, id: InstanceId, then: Successor, at: Timestamp) {
    let gone = |it: &&Instance| matches!(it.state, InstanceState::ShuttingDown | InstanceState::Terminated);
    if place.region.instances.get(id).filter(gone).is_some() {
        return;
    }
    terminate(place, id, at);
    // An Auto Scaling group replaces its own.
    if then == Successor::Another && !place.region.scaling.knows(id) {
        launch::successor(place, id, (id.to_string(), 0), at);
    }
}

/// Whether a mishap befalls an instance at `at`.
pub fn strike<T>(
    place: &mut Place<'_>,
    id: InstanceId,
    at: Timestamp,
    wanted: impl Fn(Mishap) -> Option<T>,
) -> Option<T> {
    let written = id.to_string();
    let name = place.region.instances.get(id).and_then(|it| it.tags.get("Name"));
    let affected = Affected { account: place.account, region: place.code, instance: &written, name };
    place.mishaps.strike(&affected, at, wanted)
}

impl World {
    /// Adds a mishap; one that needs no call to set it off is entered into the timelines of the
    /// instances it befalls. Rules about calls are left alone.
    pub fn add_mishap(&mut self, rule: &FaultRule, now: Timestamp) {
        self.mishaps.add(rule.clone());
        if !rule.strikes_by_itself() {
            return;
        }
        let at = rule.from.map_or(now, |from| from.max(now));
        for (account, owner) in &mut self.accounts {
            for (code, region) in &mut owner.regions {
                let struck: Vec<(InstanceId, Mishap)> = region
                    .instances
                    .iter()
                    .filter_map(|it| {
                        let (written, name) = (it.id.to_string(), it.tags.get("Name"));
                        let affected = Affected { account, region: code, instance: &written, name };
                        Some((it.id, self.mishaps.will_strike(&affected)?))
                    })
                    .collect();
                for (id, mishap) in struck {
                    let step = Step::Leave { then: Successor::of(mishap) };
                    region.schedule(at, Change::Instance(id, step));
                }
            }
        }
    }

    /// Lets the mishaps happen that this call sets off.
    pub fn befall(&mut self, call: &Call, at: Timestamp) {
        let due = self.mishaps.set_off(&call.account, &call.region, &call.action, at);
        if due.is_empty() {
            return;
        }
        let Some(mut place) = self.place(&call.account, &call.region) else { return };
        for (mishap, pattern) in due {
            let named = |it: &&Instance| {
                let name = it.tags.get("Name").is_some_and(|name| pattern::matches(&pattern, name));
                name || pattern::matches(&pattern, &it.id.to_string())
            };
            let gone: Vec<InstanceId> = place.region.instances.iter().filter(named).map(|it| it.id).collect();
            for id in gone {
                leave(&mut place, id, Successor::of(mishap), at);
            }
        }
    }
}

impl Successor {
    /// What a mishap leaves behind.
    const fn of(mishap: Mishap) -> Self {
        match mishap {
            Mishap::InstanceReplaced => Self::Another,
            _ => Self::None,
        }
    }
}
