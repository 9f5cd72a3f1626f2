//! The fleet in memory behind AWS's rates: every port's call becomes as many calls as the adapter makes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fleetwright_eks::query::Metric;
use fleetwright_model::{
    AgentFacts, Answers, Cell, Failure, Hardware, Instance, InstanceId, Partial, PatchDetail, PatchFacts,
    Region, Storage, SystemHealth, Tags, Text, Zone,
};
use fleetwright_ports::{
    Alarm, Artifacts, Baseline, CommandRequest, CommandState, HostCommands, Image, ImageQuery, ImageRequest,
    Images, InstanceQuery, Invocation, JournalError, Machines, Measurement, Metrics, Power, Pulse,
    Replacement, Restore, RunId, Snapshot,
};
use fleetwright_store::MemoryArtifacts;
use fleetwright_testkit::FakeHosts;
use futures::future::join_all;
use jiff::Timestamp;
use std::sync::Mutex;

use crate::pacing::{Action, Pacing};

/// Reads of EC2 with a filter and pages; the rates are those of the adapter's table of operations.
const fn ec2_read(name: &'static str) -> Action {
    Action { name, burst: 100, per_second: 20.0, changes: false }
}

const fn ec2_change(name: &'static str, burst: u32, per_second: f64) -> Action {
    Action { name, burst, per_second, changes: true }
}

/// Reads of Systems Manager. AWS publishes no rate; assumed.
const fn ssm_read(name: &'static str) -> Action {
    Action { name, burst: 10, per_second: 5.0, changes: false }
}

/// Commands that are sent or cancelled. AWS publishes no rate; assumed.
const fn ssm_command(name: &'static str) -> Action {
    Action { name, burst: 5, per_second: 2.0, changes: true }
}

const SEND: Action = ssm_command("ssm:SendCommand");
const CANCEL: Action = ssm_command("ssm:CancelCommand");
const COMMANDS: Action = ssm_read("ssm:ListCommands");
const INVOCATIONS: Action = ssm_read("ssm:ListCommandInvocations");
const OUTPUT: Action = ssm_read("ssm:GetCommandInvocation");
const AGENTS: Action = ssm_read("ssm:DescribeInstanceInformation");
const PATCH_STATES: Action = ssm_read("ssm:DescribeInstancePatchStates");
const PATCHES: Action = ssm_read("ssm:DescribeInstancePatches");
const BASELINES: Action = ssm_read("ssm:DescribePatchBaselines");
const INSTANCES: Action = ec2_read("ec2:DescribeInstances");
const STATUS: Action = ec2_read("ec2:DescribeInstanceStatus");
const VOLUMES: Action = ec2_read("ec2:DescribeVolumes");
const IMAGES: Action = ec2_read("ec2:DescribeImages");
const SNAPSHOTS: Action = ec2_read("ec2:DescribeSnapshots");
const RESTORES: Action = ec2_read("ec2:DescribeReplaceRootVolumeTasks");
const REGIONS: Action = Action { name: "ec2:DescribeRegions", burst: 50, per_second: 10.0, changes: false };
const TYPES: Action =
    Action { name: "ec2:DescribeInstanceTypes", burst: 50, per_second: 10.0, changes: false };
const CREATE_IMAGE: Action = ec2_change("ec2:CreateImage", 50, 5.0);
const DEREGISTER: Action = ec2_change("ec2:DeregisterImage", 100, 5.0);
const DELETE_SNAPSHOT: Action = ec2_change("ec2:DeleteSnapshot", 100, 5.0);
const START: Action = ec2_change("ec2:StartInstances", 5, 2.0);
const STOP: Action = ec2_change("ec2:StopInstances", 50, 5.0);
const REBOOT: Action = ec2_change("ec2:RebootInstances", 50, 5.0);
const RESTORE: Action = ec2_change("ec2:CreateReplaceRootVolumeTask", 50, 5.0);
const REPLACE: Action = ec2_change("ec2:RunInstances", 5, 2.0);
const MEANS: Action =
    Action { name: "cloudwatch:GetMetricData", burst: 50, per_second: 50.0, changes: false };
const ALARMS: Action =
    Action { name: "cloudwatch:DescribeAlarms", burst: 9, per_second: 9.0, changes: false };

/// Rows of a page of commands and of invocations.
const COMMANDS_A_PAGE: usize = 50;
/// Ids of a question to Systems Manager.
const ASKED_OF_SSM: usize = 50;
/// Values of a filter of EC2.
const FILTER_VALUES: usize = 200;
/// Ids of a question for status checks.
const ASKED_FOR_STATUS: usize = 100;
/// Rows of a page of EC2.
const ROWS: usize = 1_000;
/// Instances that one call starts, stops or reboots.
const POWER_BATCH: usize = 200;

/// The fleet, as a function reaches it.
pub(crate) struct Cloud {
    pub(crate) hosts: Arc<FakeHosts>,
    pub(crate) pacing: Arc<Pacing>,
    files: MemoryArtifacts,
    /// What the world itself took, which is no function's time.
    outside: Mutex<Duration>,
    puts: Mutex<(u64, u64)>,
}

impl Cloud {
    pub(crate) fn new(hosts: Arc<FakeHosts>, pacing: Arc<Pacing>) -> Self {
        Self {
            hosts,
            pacing,
            files: MemoryArtifacts::new(),
            outside: Mutex::default(),
            puts: Mutex::default(),
        }
    }

    /// Wall time that went into the world so far.
    pub(crate) fn outside(&self) -> Duration {
        *self.outside.lock().expect("nobody panics holding it")
    }

    /// Artefacts put so far, and their bytes.
    pub(crate) fn puts(&self) -> (u64, u64) {
        *self.puts.lock().expect("nobody panics holding it")
    }

    /// Waits for something the world answers at once, and does not count it as the function's work.
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    async fn world<T>(&self, answer: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let answer = answer.await;
        *self.outside.lock().expect("nobody panics holding it") += begun.elapsed();
        answer
    }

    async fn once(&self, cell: &Cell<'_>, action: &Action) {
        self.pacing.call(cell, action).await;
    }

    /// Batches, side by side.
    async fn batches(&self, cell: &Cell<'_>, action: &Action, count: usize, size: usize) {
        join_all((0..count.div_ceil(size)).map(|_| self.pacing.call(cell, action))).await;
    }

    /// Pages, one after another; the first comes whatever is on it.
    async fn pages(&self, cell: &Cell<'_>, action: &Action, rows: usize, size: usize) {
        for _ in 0..rows.div_ceil(size).max(1) {
            self.pacing.call(cell, action).await;
        }
    }

    async fn queried(&self, cell: &Cell<'_>, action: &Action, query: &ImageQuery) {
        match query {
            ImageQuery::Ids(values) | ImageQuery::Names(values) => {
                self.batches(cell, action, values.len(), FILTER_VALUES).await;
            }
            ImageQuery::Tag(..) => self.once(cell, action).await,
        }
    }
}

#[async_trait]
impl HostCommands for Cloud {
    async fn send(&self, cell: &Cell<'_>, request: &CommandRequest) -> Result<Text, Failure> {
        self.once(cell, &SEND).await;
        self.world(self.hosts.send(cell, request)).await
    }

    async fn commands(&self, cell: &Cell<'_>, since: Timestamp) -> Partial<CommandState> {
        let found = self.world(self.hosts.commands(cell, since)).await;
        self.pages(cell, &COMMANDS, found.items.len(), COMMANDS_A_PAGE).await;
        found
    }

    async fn invocations(&self, cell: &Cell<'_>, command: &str) -> Partial<Invocation> {
        let found = self.world(self.hosts.invocations(cell, command)).await;
        self.pages(cell, &INVOCATIONS, found.items.len(), COMMANDS_A_PAGE).await;
        found
    }

    async fn output(&self, cell: &Cell<'_>, command: &str, host: &InstanceId) -> Result<Invocation, Failure> {
        self.once(cell, &OUTPUT).await;
        self.world(self.hosts.output(cell, command, host)).await
    }

    async fn cancel(&self, cell: &Cell<'_>, command: &str) -> Result<(), Failure> {
        self.once(cell, &CANCEL).await;
        self.world(HostCommands::cancel(&*self.hosts, cell, command)).await
    }
}

#[async_trait]
impl Images for Cloud {
    async fn create(&self, cell: &Cell<'_>, request: &ImageRequest) -> Result<Text, Failure> {
        self.once(cell, &CREATE_IMAGE).await;
        self.world(self.hosts.create(cell, request)).await
    }

    async fn images(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Image> {
        self.queried(cell, &IMAGES, query).await;
        self.world(self.hosts.images(cell, query)).await
    }

    async fn snapshots(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Snapshot> {
        self.queried(cell, &SNAPSHOTS, query).await;
        self.world(self.hosts.snapshots(cell, query)).await
    }

    async fn deregister(&self, cell: &Cell<'_>, image: &str) -> Result<(), Failure> {
        self.once(cell, &DEREGISTER).await;
        self.world(Images::deregister(&*self.hosts, cell, image)).await
    }

    async fn delete_snapshot(&self, cell: &Cell<'_>, snapshot: &str) -> Result<(), Failure> {
        self.once(cell, &DELETE_SNAPSHOT).await;
        self.world(self.hosts.delete_snapshot(cell, snapshot)).await
    }
}

#[async_trait]
impl Power for Cloud {
    async fn pulses(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Partial<Pulse> {
        self.batches(cell, &STATUS, ids.len(), ASKED_FOR_STATUS).await;
        self.world(self.hosts.pulses(cell, ids)).await
    }

    async fn start(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        self.batches(cell, &START, ids.len(), POWER_BATCH).await;
        self.world(self.hosts.start(cell, ids)).await
    }

    async fn stop(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        self.batches(cell, &STOP, ids.len(), POWER_BATCH).await;
        self.world(self.hosts.stop(cell, ids)).await
    }

    async fn reboot(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        self.batches(cell, &REBOOT, ids.len(), POWER_BATCH).await;
        self.world(self.hosts.reboot(cell, ids)).await
    }

    async fn restore(
        &self,
        cell: &Cell<'_>,
        instance: &InstanceId,
        image: &str,
        token: &str,
        tags: &Tags,
    ) -> Result<Text, Failure> {
        self.once(cell, &RESTORE).await;
        self.world(self.hosts.restore(cell, instance, image, token, tags)).await
    }

    async fn restores(&self, cell: &Cell<'_>, ids: &[Text]) -> Partial<Restore> {
        self.batches(cell, &RESTORES, ids.len(), ASKED_OF_SSM).await;
        self.world(self.hosts.restores(cell, ids)).await
    }

    async fn replace(&self, cell: &Cell<'_>, replacement: &Replacement) -> Result<InstanceId, Failure> {
        self.once(cell, &REPLACE).await;
        self.world(self.hosts.replace(cell, replacement)).await
    }
}

#[async_trait]
impl Metrics for Cloud {
    async fn means(
        &self,
        cell: &Cell<'_>,
        metric: &str,
        ids: &[InstanceId],
        from: Timestamp,
        until: Timestamp,
    ) -> Partial<Measurement> {
        self.batches(cell, &MEANS, ids.len(), 500).await;
        self.world(self.hosts.means(cell, metric, ids, from, until)).await
    }

    async fn value(
        &self,
        cell: &Cell<'_>,
        metric: &Metric,
        window: (Timestamp, Timestamp),
    ) -> Result<Option<f64>, Failure> {
        self.once(cell, &MEANS).await;
        self.world(self.hosts.value(cell, metric, window)).await
    }

    async fn alarms(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<Alarm> {
        self.batches(cell, &ALARMS, names.len(), 100).await;
        self.world(self.hosts.alarms(cell, names)).await
    }
}

#[async_trait]
impl Machines for Cloud {
    async fn enabled_regions(&self, zone: &Zone) -> Result<Vec<Region>, Failure> {
        let regions = self.world(self.hosts.enabled_regions(zone)).await?;
        if let Some(region) = regions.first() {
            self.once(&Cell { zone, region: region.clone() }, &REGIONS).await;
        }
        Ok(regions)
    }

    async fn instances(&self, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance> {
        let found = self.world(self.hosts.instances(cell, query)).await;
        match query.ids.len() {
            0 => self.pages(cell, &INSTANCES, found.items.len(), ROWS).await,
            // Five values of the filter are states.
            count => self.batches(cell, &INSTANCES, count, FILTER_VALUES - 5).await,
        }
        found
    }

    async fn agents(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts> {
        self.batches(cell, &AGENTS, ids.len(), ASKED_OF_SSM).await;
        self.world(self.hosts.agents(cell, ids)).await
    }

    async fn patch_states(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts> {
        self.batches(cell, &PATCH_STATES, ids.len(), ASKED_OF_SSM).await;
        self.world(self.hosts.patch_states(cell, ids)).await
    }

    async fn patches(&self, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail> {
        let found = self.world(self.hosts.patches(cell, id)).await;
        self.pages(cell, &PATCHES, found.items.len(), 100).await;
        found
    }

    async fn baselines(&self, cell: &Cell<'_>) -> Partial<Baseline> {
        self.once(cell, &BASELINES).await;
        self.world(self.hosts.baselines(cell)).await
    }

    async fn status_checks(&self, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)> {
        let found = self.world(self.hosts.status_checks(cell)).await;
        self.pages(cell, &STATUS, found.items.len(), ROWS).await;
        found
    }

    async fn storage(&self, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)> {
        let found = self.world(self.hosts.storage(cell)).await;
        self.pages(cell, &VOLUMES, found.items.len(), ROWS).await;
        found
    }

    async fn hardware(&self, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)> {
        self.batches(cell, &TYPES, types.len(), 100).await;
        self.world(self.hosts.hardware(cell, types)).await
    }
}

#[async_trait]
impl Artifacts for Cloud {
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError> {
        self.pacing.object().await;
        {
            let mut puts = self.puts.lock().expect("nobody panics holding it");
            *puts = (puts.0 + 1, puts.1 + bytes.len() as u64);
        }
        self.world(self.files.put(run, key, bytes)).await
    }

    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.pacing.object().await;
        self.world(self.files.get(run, key)).await
    }

    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError> {
        self.pacing.object().await;
        self.world(self.files.list(run, prefix)).await
    }
}
