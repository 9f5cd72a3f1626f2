//! Boots and reboots, and the agent that goes and comes back with them.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::environment::{ensure, strike};
use super::fault::HostFaultKind;
use super::state::{Boot, Software};
use super::{HostChange, InvocationRef};
use crate::fault::mishap::{Affected, Mishap};
use crate::world::Region;
use crate::world::agent::Ping;
use crate::world::command::output::NotStored;
use crate::world::command::{CommandId, run};
use crate::world::diary::Event;
use crate::world::ids::InstanceId;
use crate::world::instance::{InstanceState, StatusCheck};
use crate::world::timeline::{Change, Place};

/// Why a host rebooted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebootCause {
    /// A script asked for it, by its exit code or by `reboot`.
    Script(CommandId),
    /// AWS-RunPatchBaseline after an install.
    Patching(CommandId),
    /// EC2's RebootInstances.
    RebootInstances,
    /// EC2's CreateImage without `NoReboot`.
    CreateImage,
    /// EC2's StartInstances or RunInstances: a boot without an earlier one.
    Start,
    /// A new root volume.
    RootReplaced,
}

/// What happened to a host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEventKind {
    /// It went down to boot again.
    Rebooted {
        /// Why.
        cause: RebootCause,
        /// The id of the boot that began.
        boot: u128,
    },
    /// Patches were installed.
    Installed {
        /// By which command.
        command: CommandId,
        /// Their ids.
        patches: Vec<&'static str>,
    },
    /// Patch Manager looked, and changed nothing.
    Scanned {
        /// By which command.
        command: CommandId,
    },
    /// A script ran.
    RanScript {
        /// By which command.
        command: CommandId,
    },
    /// Output could not be put into the bucket that its command names.
    OutputNotStored {
        /// Of which command.
        command: CommandId,
        /// Why.
        why: NotStored,
    },
}

/// One entry of a host's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HostEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: HostEventKind,
}

impl Region {
    /// What happened to a host since the scenario's start, in order.
    #[must_use]
    pub fn host_history(&self, instance: InstanceId) -> &[HostEvent] {
        self.hosts.events.get(&instance).map_or(&[], Vec::as_slice)
    }

    /// Enters something into a host's history.
    pub(in crate::world) fn note_host_event(
        &mut self,
        instance: InstanceId,
        at: Timestamp,
        kind: HostEventKind,
    ) {
        self.hosts.events.entry(instance).or_default().push(HostEvent { at, kind });
        self.touched(instance, at);
    }

    /// What is on an instance's root volume now, as an image of it would keep it.
    #[must_use]
    pub fn host_software(&mut self, instance: InstanceId) -> Software {
        ensure(self, instance).map(|host| host.software.clone()).unwrap_or_default()
    }
}

/// Reboots a running instance; one that is not up is left alone.
pub fn reboot(place: &mut Place<'_>, id: InstanceId, cause: RebootCause, at: Timestamp) {
    let up = place.region.instances.get(id).is_some_and(|it| it.state == InstanceState::Running)
        && ensure(place.region, id).is_some_and(|host| host.boot == Boot::Up);
    if up {
        boot(place, id, cause, at);
    }
}

/// An instance has come to `running`: it boots.
pub fn started(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    boot(place, id, RebootCause::Start, at);
}

/// An instance has left `running`: nothing is heard of it any more.
pub fn stopped(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    if let Some(host) = ensure(place.region, id) {
        host.boot = Boot::Off;
        host.forget_boot();
    }
    silence(place.region, id, at);
}

/// A running instance has another root volume, with this on it, and boots from it.
pub fn root_replaced(place: &mut Place<'_>, id: InstanceId, software: Software, at: Timestamp) {
    let Some(host) = ensure(place.region, id) else { return };
    host.software = software;
    host.afflicted.clear();
    host.patched_at = None;
    boot(place, id, RebootCause::RootReplaced, at);
}

fn silence(region: &mut Region, id: InstanceId, at: Timestamp) {
    if let Some(agent) = region.instances.get_mut(id).and_then(|it| it.agent.as_mut()) {
        agent.ping = agent.ping.silenced(at);
    }
}

fn boot(place: &mut Place<'_>, id: InstanceId, cause: RebootCause, at: Timestamp) {
    let mut random = place.draws("boot", id.0, at);
    let boot_id: u128 = random.random();
    let windows = place.region.instances.get(id).is_some_and(|it| it.platform.is_windows());
    let seconds = if windows { random.random_range(70..200) } else { random.random_range(20..75) };
    let hangs = hangs(place, id, at);
    silence(place.region, id, at);
    let Some(it) = place.region.change_instance(id, at) else { return };
    let previous = std::mem::replace(&mut it.boot_id, boot_id);
    it.checks.instance = if hangs { StatusCheck::Impaired(at) } else { StatusCheck::Initializing };
    let Some(host) = ensure(place.region, id) else { return };
    host.previous_boot = Some(previous);
    host.boot = if hangs { Boot::Hung } else { Boot::Booting };
    host.forget_boot();
    if cause != RebootCause::Start {
        host.rebooted_at = Some(at);
    }
    place.region.note_host_event(id, at, HostEventKind::Rebooted { cause, boot: boot_id });
    if !hangs {
        schedule(
            place,
            at + SignedDuration::from_secs(seconds),
            HostChange::BootDone { instance: id, boot: boot_id },
        );
    }
}

/// Whether this boot hangs: a patch has damaged it, or a mishap wants it.
fn hangs(place: &mut Place<'_>, id: InstanceId, at: Timestamp) -> bool {
    if ensure(place.region, id).is_some_and(|host| host.software.boot_damaged) {
        return true;
    }
    let Some(it) = place.region.instances.get(id) else { return false };
    let text = id.to_string();
    let affected =
        Affected { account: place.account, region: place.code, instance: &text, name: it.tags.get("Name") };
    place.mishaps.strike(&affected, at, |mishap| (mishap == Mishap::BootHangs).then_some(())).is_some()
}

fn schedule(place: &mut Place<'_>, at: Timestamp, change: HostChange) {
    place.region.schedule(at, Change::Host(change));
}

/// True where this boot is still the one that is going on.
fn current(region: &Region, id: InstanceId, boot: u128) -> bool {
    region.instances.get(id).is_some_and(|it| it.boot_id == boot && it.state == InstanceState::Running)
}

pub(super) fn boot_done(place: &mut Place<'_>, id: InstanceId, boot: u128, at: Timestamp) {
    if !current(place.region, id, boot) {
        return;
    }
    let Some(host) = ensure(place.region, id) else { return };
    host.boot = Boot::Up;
    host.booted_at = at;
    place.region.touched(id, at);
    let mut random = place.draws("agent", id.0, at);
    let mut agent = SignedDuration::from_secs(random.random_range(8..40));
    let checks = SignedDuration::from_secs(random.random_range(40..150));
    schedule(place, at + checks, HostChange::ChecksPassed { instance: id, boot });
    if let Some(late) = strike(place.region, id, HostFaultKind::AgentLate, at) {
        agent += SignedDuration::from_mins(late.minutes.unwrap_or(0).into());
    }
    let gone = strike(place.region, id, HostFaultKind::AgentNeverReturns, at).is_some()
        || strike(place.region, id, HostFaultKind::AgentLost, at).is_some();
    if !gone {
        schedule(place, at + agent, HostChange::AgentBack { instance: id, boot });
    }
}

pub(super) fn agent_back(place: &mut Place<'_>, id: InstanceId, boot: u128, at: Timestamp) {
    if !current(place.region, id, boot) {
        return;
    }
    let Some(agent) = place.region.instances.get_mut(id).and_then(|it| it.agent.as_mut()) else { return };
    agent.ping = Ping::since(at);
    let waiting: Vec<InvocationRef> =
        place.region.hosts.get_mut(id).map(|host| std::mem::take(&mut host.waiting)).unwrap_or_default();
    for invocation in waiting {
        run::agent_is_back(place, invocation, at);
    }
}

pub(super) fn checks_passed(place: &mut Place<'_>, id: InstanceId, boot: u128, at: Timestamp) {
    if current(place.region, id, boot)
        && let Some(it) = place.region.change_instance(id, at)
    {
        it.checks.instance = StatusCheck::Ok;
        place.region.diary.note(at, Event::ChecksPassed(id));
        place.region.touched(id, at);
    }
}
