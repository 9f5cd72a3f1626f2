//! A run of the simulated estate as the crash tests need it: processes come and go in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright::args::WorldArgs;
use fleetwright::console::Console;
use fleetwright::driving::{self, Health};
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_aws::Aws;
use fleetwright_engine::{AtGates, Control, Watcher};
use fleetwright_estate::call::Service;
use fleetwright_estate::calls::{CallKind, CallRecord, Outcome};
use fleetwright_estate::fault::{Effect, FaultRule, Scope};
use fleetwright_flow::{Plan, Record, Run};
use fleetwright_model::{Phase, Text};
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::PatchPlan;
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_step::Step;
use fleetwright_testkit::crash::{NewProcess, World};
use futures::FutureExt;
use jiff::Timestamp;

use crate::happenings::happenings;
use crate::invariants::invariants;

const CONSOLE: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// How far reads lie behind, where they are stale.
const STALE: Duration = Duration::from_secs(60);

/// Calls looked at in one go.
const CALLS: usize = 256;

/// Which adapter a new process gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    /// One of its own, with nothing in its memory.
    New,
    /// The one of the processes before it: not the process died, but the work in it.
    Kept,
}

/// Makes a step another one: mutants do.
pub(crate) type Alter = fn(Arc<dyn Step>) -> Arc<dyn Step>;

/// What the hosts are meant to come to, by `Name` tag: outcome, and the instance's state.
pub(crate) type Expected = [(&'static str, HostOutcome, &'static str)];

/// The world.
pub(crate) struct EstateWorld {
    staged: StagedRun,
    plan: Arc<PatchPlan>,
    since: Timestamp,
    calls_before: usize,
    adapter: Adapter,
    expected: &'static Expected,
    alter: Alter,
    changes: Mutex<Changes>,
}

/// Calls that changed something, counted as far as they were read.
struct Changes {
    read: usize,
    made: usize,
}

impl EstateWorld {
    /// The fleet of these crash tests, scanned and planned.
    pub(crate) async fn of(
        seed: Option<u64>,
        settings: &[(&str, String)],
        adapter: Adapter,
        expected: &'static Expected,
    ) -> Self {
        let scenario = format!("{}/tests/crashes/fleet.toml", env!("CARGO_MANIFEST_DIR"));
        let args = WorldArgs { scenario: Some(scenario), seed, accounts: None, instances: None };
        let mut flags = Flags::default();
        for (key, value) in settings {
            flags.set("a test", key, value.clone());
        }
        let stage = Stage::set(&args, flags, CONSOLE).await.expect("a usable scenario");
        let staged =
            StagedRun::plan(stage, State::in_memory(), &Phase::ALL, CONSOLE).await.expect("a usable plan");
        let calls_before = staged.stage.world.estate.call_count();
        Self {
            plan: Arc::new(staged.document.plan().clone()),
            since: staged.stage.clock.now(),
            calls_before,
            adapter,
            expected,
            alter: |step| step,
            changes: Mutex::new(Changes { read: calls_before, made: 0 }),
            staged,
        }
    }

    /// With other steps.
    pub(crate) fn altered(self, alter: Alter) -> Self {
        Self { alter, ..self }
    }

    /// Adds faults to the estate.
    pub(crate) fn add_faults(&self, rules: impl IntoIterator<Item = FaultRule>) {
        self.staged.stage.world.estate.add_faults(rules);
    }

    fn aws(&self) -> Aws {
        match self.adapter {
            Adapter::Kept => self.staged.stage.aws.clone(),
            Adapter::New => {
                let connecting = self.staged.stage.another_adapter();
                connecting.now_or_never().expect("connecting waits for nothing")
            }
        }
    }

    /// Calls of the run, as far as they tell of something.
    fn calls(&self, since: usize, mut tell: impl FnMut(&CallRecord)) -> usize {
        let mut read = since;
        loop {
            let calls = self.staged.stage.world.estate.calls(read, CALLS);
            calls.iter().for_each(&mut tell);
            read += calls.len();
            if calls.len() < CALLS {
                return read;
            }
        }
    }

    fn unexpected(&self) -> Vec<String> {
        let finished = self.staged.finished().now_or_never().expect("a journal in memory answers at once");
        let mut wrong = Vec::new();
        for (name, outcome, state) in self.expected {
            let result = finished.results.iter().find(|result| result.host.name.as_deref() == Some(name));
            let Some(result) = result else {
                wrong.push(format!("{name} is not in the plan"));
                continue;
            };
            let is = self.state_of(result.host.id.as_str());
            if result.outcome != *outcome || is != Some(state) {
                let (code, step) = (result.code.as_deref(), result.step.as_deref());
                let so = result.outcome;
                wrong.push(format!(
                    "{name} ended as {so} {code:?} at {step:?} and is {is:?}, not {outcome}, {state}"
                ));
            }
        }
        wrong
    }

    fn state_of(&self, id: &str) -> Option<&'static str> {
        self.staged.stage.world.estate.with_world(|world| {
            let regions = world.accounts.values().flat_map(|account| account.regions.values());
            let mut instances = regions.flat_map(|region| region.instances.iter());
            instances.find(|it| it.id.to_string() == id).map(|it| it.state.name())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the call changed something in the world.
fn changes(call: &CallRecord) -> bool {
    call.facts.kind == CallKind::Mutation
        && call.facts.outcome == Outcome::Done
        && matches!(
            call.service,
            Service::Ec2 | Service::Ssm | Service::Elbv2 | Service::ClassicElb | Service::S3
        )
}

/// The hosts on which the call installs patches.
fn installs_on(call: &CallRecord) -> Vec<String> {
    if !changes(call) || &*call.action != "SendCommand" {
        return Vec::new();
    }
    let request: serde_json::Value = serde_json::from_str(&call.request).expect("the log is JSON");
    if request["Parameters"]["Operation"][0] != "Install" {
        return Vec::new();
    }
    let hosts = request["InstanceIds"].as_array().into_iter().flatten();
    hosts.filter_map(|host| host.as_str().map(str::to_owned)).collect()
}

/// Keeps in mind which hosts are verified, as the watcher of a real process does.
struct Watch {
    plan: Arc<PatchPlan>,
    health: Arc<Health>,
}

impl Watcher for Watch {
    fn recorded(&self, records: &[Record], run: &Run) {
        match records {
            [] => self.health.take_all(&self.plan, run),
            records => self.health.take(&self.plan, records, run),
        }
    }
}

impl World for EstateWorld {
    fn plan(&self) -> Arc<Plan> {
        Arc::new(self.plan.flow.clone())
    }

    fn digest(&self) -> Text {
        self.staged.document.digest().clone()
    }

    fn run(&self) -> RunId {
        self.staged.run.clone()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.staged.state.journal)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.staged.stage.clock)
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        self.new_process().steps
    }

    fn new_process(&self) -> NewProcess {
        let StagedRun { stage, state, zones, .. } = &self.staged;
        let health = Arc::new(Health::default());
        let on_record = self.staged.on_record(&Control::new("a process of the test", AtGates::Wait));
        let steps = driving::steps(&self.aws(), &stage.clock, state, zones, &self.plan, &health, &on_record);
        let steps = steps.expect("the plan was made from these landing zones");
        NewProcess {
            steps: steps.into_iter().map(self.alter).collect(),
            watcher: Box::new(Watch { plan: Arc::clone(&self.plan), health }),
        }
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        let happened = self.staged.stage.world.estate.with_world(|world| happenings(world, self.since));
        let mut effects = BTreeMap::new();
        for (what, whom) in happened {
            *effects.entry(format!("{what} {whom}")).or_default() += 1;
        }
        self.calls(self.calls_before, |call| {
            for host in installs_on(call) {
                *effects.entry(format!("command to install {host}")).or_default() += 1;
            }
        });
        effects
    }

    fn effect_count(&self) -> usize {
        let mut counted = self.lock();
        if self.staged.stage.world.estate.call_count() > counted.read {
            let mut made = 0;
            counted.read = self.calls(counted.read, |call| made += usize::from(changes(call)));
            counted.made += made;
        }
        counted.made
    }

    /// A host of the fleet goes back by itself.
    fn fail(&self, _step: &str) {}

    fn make_reads_stale(&self) {
        let any = || "*".to_owned();
        let scope = Scope { account: any(), region: any(), service: any(), action: any(), instance: any() };
        self.add_faults([FaultRule {
            scope,
            nth: None,
            probability: None,
            times: None,
            from: None,
            until: None,
            effect: Effect::StaleRead { age: STALE },
        }]);
    }

    fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        invariants(&self.staged, self.since, &mut wrong);
        wrong.extend(self.unexpected());
        wrong
    }
}
