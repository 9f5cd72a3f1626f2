//! The same fleet, driven as scripts do it: each host for itself, each thing asked for until it is
//! there. What a hundred worker threads around boto3's waiters come to.

use std::time::Duration;

use fleetwright_engine::{AtGates, Control};
use fleetwright_model::{Cell, Failure, InstanceId, InstanceState, Region, Zone, code};
use fleetwright_patch::plan::Work;
use fleetwright_ports::{
    Clock, CommandRequest, HostCommands, ImageQuery, ImageRequest, ImageState, Images, InvocationStatus,
    Machines, Power,
};
use futures::stream::{self, StreamExt};

use super::counts::Counts;
use super::fleet::{FleetPolicy, STEADY, staged};
use super::turns::TurnsOfCalls;
use crate::failure::CommandError;

/// Worker threads.
const WORKERS: usize = 100;
/// Seconds between looks, as botocore's waiters have them: images and status checks, commands.
const IMAGE_DELAY: u64 = 15;
const COMMAND_DELAY: u64 = 5;

/// What was measured of it.
pub(super) struct Naive {
    /// Hosts.
    pub hosts: usize,
    /// Calls.
    pub counts: Counts,
    /// Seconds of virtual time.
    pub makespan: f64,
    /// Hosts that a call failed for.
    pub failed: usize,
}

/// One host's worker.
struct Worker<'a, P> {
    aws: &'a P,
    clock: &'a dyn Clock,
    cell: Cell<'a>,
    host: InstanceId,
}

/// Patches the fleet host by host.
///
/// # Errors
/// The fleet cannot be made.
pub(super) async fn measure(seed: u64, hosts: usize, policy: &FleetPolicy) -> Result<Naive, CommandError> {
    let staged = staged(STEADY, seed, hosts, policy, None).await?;
    // Nothing is driven; only the plan's list of hosts is used.
    drop(Control::new("nobody", AtGates::Leave));
    let (plan, stage) = (staged.document.plan(), &staged.stage);
    let zone = staged.zones.first().ok_or_else(|| CommandError::new(&code::INTERNAL, "no landing zone"))?;
    let region = plan.flow.places.first().map(|place| place.region.clone());
    let region = region.ok_or_else(|| CommandError::new(&code::INTERNAL, "no region"))?;
    let ids: Vec<InstanceId> = plan.work.iter().filter_map(Work::host).map(|host| host.id.clone()).collect();
    let began = stage.clock.now();
    let failed = patch_all(&stage.aws, stage.clock.as_ref(), zone, &region, &ids).await;
    Ok(Naive {
        hosts: ids.len(),
        counts: Counts::of(&stage.world.estate.calls(0, usize::MAX), &TurnsOfCalls::new()),
        makespan: stage.clock.now().duration_since(began).as_secs_f64(),
        failed,
    })
}

async fn patch_all<P: Images + HostCommands + Machines + Power>(
    aws: &P,
    clock: &dyn Clock,
    zone: &Zone,
    region: &Region,
    ids: &[InstanceId],
) -> usize {
    let worker = |host: &InstanceId| {
        let cell = Cell { zone, region: region.clone() };
        let worker = Worker { aws, clock, cell, host: host.clone() };
        async move { worker.patch().await.is_err() }
    };
    stream::iter(ids)
        .map(worker)
        .buffer_unordered(WORKERS)
        .filter(|failed| std::future::ready(*failed))
        .count()
        .await
}

impl<P: Images + HostCommands + Machines + Power> Worker<'_, P> {
    async fn patch(&self) -> Result<(), Failure> {
        self.image().await?;
        self.command("AWS-RunPatchBaseline", &[("Operation", "Install"), ("RebootOption", "NoReboot")])
            .await?;
        self.reboot().await?;
        self.command("AWS-RunPatchBaseline", &[("Operation", "Scan"), ("RebootOption", "NoReboot")]).await?;
        self.aws.patch_states(&self.cell, std::slice::from_ref(&self.host)).await;
        Ok(())
    }

    async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    async fn image(&self) -> Result<(), Failure> {
        let request = ImageRequest {
            instance: self.host.clone(),
            name: format!("naive-{}", self.host).into(),
            description: "before patching".into(),
            tags: [].into_iter().collect(),
            reboot: false,
        };
        let image = self.aws.create(&self.cell, &request).await?;
        loop {
            let listing = self.aws.images(&self.cell, &ImageQuery::Ids(vec![image.clone()])).await;
            if listing.items.iter().any(|it| it.state == ImageState::Available) {
                return Ok(());
            }
            self.wait(IMAGE_DELAY).await;
        }
    }

    async fn command(&self, document: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
        let parameters = parameters.iter().map(|(key, value)| ((*key).into(), vec![(*value).to_owned()]));
        let request = CommandRequest {
            document: document.into(),
            parameters: parameters.collect(),
            hosts: vec![self.host.clone()],
            mark: "naive".into(),
            delivery_timeout: Duration::from_secs(600),
        };
        let id = HostCommands::send(self.aws, &self.cell, &request).await?;
        loop {
            self.wait(COMMAND_DELAY).await;
            // Right after the sending the invocation may not exist: the script asks again.
            let answer = self.aws.output(&self.cell, &id, &self.host).await;
            if answer.is_ok_and(|answer| answer.status != InvocationStatus::InProgress) {
                return Ok(());
            }
        }
    }

    async fn reboot(&self) -> Result<(), Failure> {
        let ids = std::slice::from_ref(&self.host);
        let began = self.clock.now();
        Power::reboot(self.aws, &self.cell, ids).await?;
        loop {
            self.wait(IMAGE_DELAY).await;
            let listing = self.aws.pulses(&self.cell, ids).await;
            let ok = |pulse: &fleetwright_ports::Pulse| {
                use fleetwright_model::HealthCheck::Ok;
                pulse.state == InstanceState::Running
                    && pulse.health.is_some_and(|health| health.system == Ok && health.instance == Ok)
            };
            if !listing.items.iter().any(ok) {
                continue;
            }
            let agents = self.aws.agents(&self.cell, ids).await;
            if agents.found.iter().any(|(_, agent)| agent.last_ping.is_some_and(|ping| ping > began)) {
                return Ok(());
            }
        }
    }
}
