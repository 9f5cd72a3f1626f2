//! The fleet's listings, with the states the hosts are in now.

use async_trait::async_trait;
use fleetwright_model::{
    AgentFacts, Answers, Cell, Failure, Hardware, Instance, InstanceId, InstanceState, Partial, PatchDetail,
    PatchFacts, PingStatus, Region, Storage, SystemHealth, Text, Zone,
};
use fleetwright_ports::{Baseline, InstanceQuery, Machines};
use jiff::{SignedDuration, Timestamp};

use super::{FakeHosts, Host};
use crate::FakeFleet;

/// Between two pings of an agent. Source: Systems Manager user guide, "Agent status".
const PING: SignedDuration = SignedDuration::from_mins(5);

/// The agent as Systems Manager shows it now. While a host boots, the old ping stands, online.
fn agent(host: &Host, known: &mut AgentFacts, now: Timestamp) {
    if host.state(now) != InstanceState::Running {
        known.ping = PingStatus::ConnectionLost;
        return;
    }
    if now < host.agent_since {
        return;
    }
    let since = now.duration_since(host.agent_since);
    let pings = i32::try_from(since.as_secs() / PING.as_secs()).unwrap_or(i32::MAX);
    let last = host.agent_since.checked_add(PING.saturating_mul(pings)).unwrap_or(now);
    known.last_ping = known.last_ping.max(Some(last));
}

impl FakeHosts {
    /// The cell as it is now, as a fleet of its own.
    fn current(&self, cell: &Cell<'_>) -> FakeFleet {
        let now = self.clock.now();
        let mut state = self.lock();
        let place = (cell.zone.account.clone(), cell.region.clone());
        let listed = state.fleet.cells.get(&place).cloned();
        let cells = listed.map(|listed| (place.clone(), listed)).into_iter().collect();
        let mut fleet = FakeFleet { cells, ..FakeFleet::default() };
        let lag = state.lag;
        let hosts = &state.cell(cell).hosts;
        if let Some(listed) = fleet.cells.get_mut(&place) {
            for instance in &mut listed.instances {
                if let Some(host) = hosts.get(&instance.id) {
                    instance.state = host.seen(now, lag);
                    if now < super::after(host.changed_at, lag) && host.earlier_launch.is_some() {
                        instance.launch_time = host.earlier_launch;
                    }
                }
            }
            for (id, known) in &mut listed.agents {
                if let Some(host) = hosts.get(id) {
                    agent(host, known, now);
                }
            }
        }
        fleet
    }
}

#[async_trait]
impl Machines for FakeHosts {
    async fn enabled_regions(&self, zone: &Zone) -> Result<Vec<Region>, Failure> {
        let fleet = self.edit(|fleet| fleet.clone());
        fleet.enabled_regions(zone).await
    }

    async fn instances(&self, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance> {
        self.current(cell).instances(cell, query).await
    }

    async fn agents(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts> {
        self.current(cell).agents(cell, ids).await
    }

    async fn patch_states(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts> {
        self.current(cell).patch_states(cell, ids).await
    }

    async fn patches(&self, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail> {
        self.current(cell).patches(cell, id).await
    }

    async fn baselines(&self, cell: &Cell<'_>) -> Partial<Baseline> {
        self.current(cell).baselines(cell).await
    }

    async fn status_checks(&self, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)> {
        self.current(cell).status_checks(cell).await
    }

    async fn storage(&self, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)> {
        self.current(cell).storage(cell).await
    }

    async fn hardware(&self, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)> {
        self.current(cell).hardware(cell, types).await
    }
}
