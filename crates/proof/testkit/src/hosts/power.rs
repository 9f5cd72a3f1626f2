use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::code;
use fleetwright_model::{
    Cell, ErrorClass, Failure, HealthCheck, InstanceId, InstanceState, Partial, SystemHealth, Tags, Text,
};
use fleetwright_ports::{Power, Pulse, Replacement, Restore, RestoreState};
use jiff::Timestamp;

use super::images::no_image;
use super::{CellState, FakeHosts, Host, after, refused};

const NO_INSTANCE: &str = "InvalidInstanceID.NotFound";
const RESTORE: &str = "ec2:CreateReplaceRootVolumeTask";
const REPLACE: &str = "ec2:RunInstances";

/// A replacement of a root volume that was begun.
pub(super) struct Begun {
    restore: Restore,
    token: Text,
    ends: Timestamp,
    how: RestoreState,
}

impl Begun {
    fn now(&self, now: Timestamp) -> Restore {
        let state = if now < self.ends { RestoreState::InProgress } else { self.how };
        Restore { state, ..self.restore.clone() }
    }
}

fn pulse(id: &InstanceId, host: &Host, now: Timestamp, lag: Duration) -> Pulse {
    let state = host.seen(now, lag);
    let settled = after(host.settles_at, host.script.checks_take) <= now;
    let check = if settled { host.script.checks } else { HealthCheck::Initializing };
    let health = (state == InstanceState::Running).then_some(SystemHealth { system: check, instance: check });
    Pulse { id: id.clone(), state, health }
}

/// Refuses all of them when one is missing or in none of these states, as EC2 does.
fn all_in(
    cell: &mut CellState,
    action: &str,
    ids: &[InstanceId],
    states: &[InstanceState],
    now: Timestamp,
) -> Result<(), Failure> {
    for id in ids {
        let state = cell.host(action, NO_INSTANCE, id, now)?.state(now);
        if !states.contains(&state) {
            let words = format!("the instance {id} is {state}");
            let code = "IncorrectInstanceState";
            return Err(refused(ErrorClass::Conflict, &code::RESOURCE_STATE, action, code, &words));
        }
    }
    Ok(())
}

/// An image that can be launched.
fn usable(cell: &CellState, action: &str, image: &str, now: Timestamp) -> Result<(), Failure> {
    match cell.images.iter().find_map(|made| made.is_usable(image, now)) {
        Some(true) => Ok(()),
        Some(false) => {
            let words = format!("the image {image} is not available");
            let code = "InvalidAMIID.Unavailable";
            Err(refused(ErrorClass::Conflict, &code::RESOURCE_STATE, action, code, &words))
        }
        None => Err(no_image(action, image)),
    }
}

impl FakeHosts {
    /// Brings every host that is in `from` over `changing` to `settled`.
    fn turn(
        &self,
        action: &'static str,
        cell: &Cell<'_>,
        ids: &[InstanceId],
        [from, changing, settled]: [InstanceState; 3],
    ) -> Result<(), Failure> {
        self.write(action, |state, now| {
            all_in(state.cell(cell), action, ids, &[from, changing, settled], now)?;
            let mut turned = Vec::new();
            for id in ids {
                if state.cell(cell).host(action, NO_INSTANCE, id, now)?.state(now) != from {
                    continue;
                }
                let starts = settled == InstanceState::Running;
                let earlier_launch = if starts { state.renew_launch(cell, id, now) } else { None };
                let host = state.cell(cell).host(action, NO_INSTANCE, id, now)?;
                host.earlier_launch = earlier_launch;
                let takes = if starts { host.script.start_takes } else { host.script.stop_takes };
                host.change(now, changing, settled, after(now, takes));
                if starts {
                    host.boot(after(now, takes));
                }
                turned.push(id.clone());
            }
            if !turned.is_empty() {
                state.took_effect(now, action, &turned, "");
            }
            Ok(())
        })
    }
}

#[async_trait]
impl Power for FakeHosts {
    async fn pulses(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Partial<Pulse> {
        if ids.is_empty() {
            return Partial::complete(Vec::new());
        }
        match self.read("ec2:DescribeInstanceStatus") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let lag = state.lag;
                let hosts = &state.cell(cell).hosts;
                let found = ids.iter().filter_map(|id| Some(pulse(id, hosts.get(id)?, now, lag)));
                Partial::complete(found.collect())
            }
        }
    }

    async fn start(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        let way = [InstanceState::Stopped, InstanceState::Pending, InstanceState::Running];
        self.turn("ec2:StartInstances", cell, ids, way)
    }

    async fn stop(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        let way = [InstanceState::Running, InstanceState::Stopping, InstanceState::Stopped];
        self.turn("ec2:StopInstances", cell, ids, way)
    }

    async fn reboot(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        const ACTION: &str = "ec2:RebootInstances";
        self.write(ACTION, |state, now| {
            let place = state.cell(cell);
            all_in(place, ACTION, ids, &[InstanceState::Running], now)?;
            for id in ids {
                place.host(ACTION, NO_INSTANCE, id, now)?.boot(now);
            }
            state.took_effect(now, ACTION, ids, "");
            Ok(())
        })
    }

    async fn restore(
        &self,
        cell: &Cell<'_>,
        instance: &InstanceId,
        image: &str,
        token: &str,
        tags: &Tags,
    ) -> Result<Text, Failure> {
        self.write(RESTORE, |state, now| {
            if let Some(known) = state.cell(cell).restores.iter().find(|begun| &*begun.token == token) {
                return Ok(known.restore.id.clone());
            }
            let number = state.number();
            let place = state.cell(cell);
            let ids = std::slice::from_ref(instance);
            all_in(place, RESTORE, ids, &[InstanceState::Running], now)?;
            usable(place, RESTORE, image, now)?;
            let host = place.host(RESTORE, NO_INSTANCE, instance, now)?;
            let (ends, how) = (after(now, host.script.restore_takes), host.script.restore_ends);
            host.boot(ends);
            let id: Text = format!("replacevol-{number:017x}").into();
            let restore = Restore {
                id: id.clone(),
                instance: instance.clone(),
                state: RestoreState::InProgress,
                started_at: Some(now),
                tags: tags.clone(),
            };
            place.restores.push(Begun { restore, token: token.into(), ends, how });
            state.took_effect(now, RESTORE, ids, token);
            Ok(id)
        })
    }

    async fn restores(&self, cell: &Cell<'_>, ids: &[Text]) -> Partial<Restore> {
        match self.read("ec2:DescribeReplaceRootVolumeTasks") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let begun = state.cell(cell).restores.iter();
                let found = begun.filter(|begun| ids.contains(&begun.restore.id));
                Partial::complete(found.map(|begun| begun.now(now)).collect())
            }
        }
    }

    async fn replace(&self, cell: &Cell<'_>, replacement: &Replacement) -> Result<InstanceId, Failure> {
        self.write(REPLACE, |state, now| {
            if let Some(known) = state.cell(cell).replacements.get(&replacement.token) {
                return Ok(known.clone());
            }
            // Instances of tests have small numbers.
            let id = crate::sample::id(0xf_0000 + state.number());
            let place = state.cell(cell);
            let old = place.host(REPLACE, NO_INSTANCE, &replacement.like, now)?;
            let script = old.script.clone();
            usable(place, REPLACE, &replacement.image, now)?;
            let runs = after(now, script.start_takes);
            let mut host = Host::new(InstanceState::Pending, now);
            host.script = script;
            host.change(now, InstanceState::Pending, InstanceState::Running, runs);
            host.agent_since = after(runs, host.script.agent_takes);
            place.hosts.insert(id.clone(), host);
            place.replacements.insert(replacement.token.clone(), id.clone());
            state.launch(cell, replacement, &id, now);
            state.took_effect(now, REPLACE, std::slice::from_ref(&id), &replacement.token);
            Ok(id)
        })
    }
}

impl super::State {
    /// Gives an instance that is started a new launch time, as EC2 does; what it was before.
    fn renew_launch(&mut self, cell: &Cell<'_>, id: &InstanceId, now: Timestamp) -> Option<Timestamp> {
        let place = (cell.zone.account.clone(), cell.region.clone());
        let listed = self.fleet.cells.get_mut(&place)?;
        let instance = listed.instances.iter_mut().find(|it| it.id == *id)?;
        instance.launch_time.replace(now)
    }

    /// Makes the new instance known to the fleet's listings.
    fn launch(&mut self, cell: &Cell<'_>, replacement: &Replacement, id: &InstanceId, now: Timestamp) {
        let place = (cell.zone.account.clone(), cell.region.clone());
        let Some(listed) = self.fleet.cells.get_mut(&place) else { return };
        let Some(like) = listed.instances.iter().find(|it| it.id == replacement.like) else { return };
        let mut new = like.clone();
        new.id = id.clone();
        new.image = replacement.image.clone();
        new.launch_time = Some(now);
        new.tags.extend(replacement.tags.clone());
        listed.agents.insert(id.clone(), crate::sample::agent());
        listed.instances.push(new);
    }
}
