//! A cell of hosts, a plan for them, and a driver that is as simple as can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_clock::VirtualClock;
use fleetwright_flow as flow;
use fleetwright_model::{Cell, InstanceId, InstanceState, OsFamily, Text, Zone};
use fleetwright_patch::plan::notes::{self, BackupNote, PrecheckNote, step};
use fleetwright_patch::plan::{
    Backup, Estimate, HostChecks, PatchPlan, PlannedHost, PlannedZone, Scanned, Work,
};
use fleetwright_ports::{Artifacts, Clock, JournalError, RunId};
use fleetwright_step::{Outcome, Reports, Slot, Step, Turn};
use fleetwright_steps::{Context, Ports, Standing};
use fleetwright_testkit::policy::policy;
use fleetwright_testkit::{FakeCell, FakeFleet, FakeHosts, sample};
use jiff::{SignedDuration, Timestamp};

use crate::model::{Models, boot_id};

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const RUN: &str = "run-20261101T020000Z-4f1a";

/// The run's files, in memory.
#[derive(Default)]
pub(crate) struct Files(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl Artifacts for Files {
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError> {
        self.0.lock().expect("no test panicked").insert(format!("{run}/{key}"), bytes.to_vec());
        Ok(())
    }

    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.0.lock().expect("no test panicked").get(&format!("{run}/{key}")).cloned())
    }

    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError> {
        let prefix = format!("{run}/{prefix}");
        let cut = run.as_str().len() + 1;
        let files = self.0.lock().expect("no test panicked");
        Ok(files.keys().filter(|key| key.starts_with(&prefix)).map(|key| key[cut..].to_owned()).collect())
    }
}

pub(crate) struct Stage {
    pub(crate) hosts: Arc<FakeHosts>,
    pub(crate) models: Arc<Models>,
    pub(crate) files: Arc<Files>,
    pub(crate) clock: VirtualClock,
    pub(crate) verified: Arc<Mutex<BTreeSet<InstanceId>>>,
    /// How other targets ended.
    pub(crate) ended: Arc<Mutex<BTreeMap<flow::TargetId, Standing>>>,
    pub(crate) plan: Arc<PatchPlan>,
    zone: Zone,
    steps: Vec<Arc<dyn Step>>,
}

impl Stage {
    /// Running hosts with the numbers from 1.
    pub(crate) fn of(hosts: u64) -> Self {
        Self::with(hosts, |_, _| {})
    }

    /// The same, with something about them or their plan different.
    pub(crate) fn with(hosts: u64, change: impl FnOnce(&mut FakeCell, &mut PatchPlan)) -> Self {
        let zone = sample::zone("prod", "111122223333", &[REGION]);
        let clock = VirtualClock::starting_at(sample::now());
        let mut cell = (1..=hosts).fold(FakeCell::default(), |cell, number| {
            cell.with(sample::instance(number, &format!("web-{number}")))
        });
        let mut plan = plan(&zone, hosts);
        change(&mut cell, &mut plan);
        let fleet = FakeFleet::default().with(&zone, REGION, cell);
        let fake = Arc::new(FakeHosts::of(fleet, Arc::new(clock)));
        let models = Arc::new(Models::default());
        fake.respond(models.responder());
        let mut stage = Self {
            hosts: fake,
            models,
            files: Arc::default(),
            clock,
            verified: Arc::default(),
            ended: Arc::default(),
            plan: Arc::new(plan),
            zone,
            steps: Vec::new(),
        };
        stage.restart();
        stage
    }

    /// A new process: whatever steps remembered is gone.
    pub(crate) fn restart(&mut self) {
        let verified = self.verified.clone();
        let is_verified =
            Arc::new(move |id: &InstanceId| verified.lock().expect("no test panicked").contains(id));
        let zones = [self.zone.clone()];
        let context =
            Context::new(RUN.parse().expect("a name"), self.plan.clone(), &zones, self.ports(), is_verified);
        let ended = self.ended.clone();
        let standing = move |target| ended.lock().expect("no test panicked").get(&target).cloned();
        let context = context.expect("every zone is there").with_standings(Arc::new(standing));
        self.steps = fleetwright_steps::steps(Arc::new(context));
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            commands: self.hosts.clone(),
            images: self.hosts.clone(),
            power: self.hosts.clone(),
            balancers: self.hosts.clone(),
            objects: self.hosts.clone(),
            metrics: self.hosts.clone(),
            machines: self.hosts.clone(),
            artifacts: self.files.clone(),
            clock: Arc::new(self.clock),
        }
    }

    /// The steps' names, sorted.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.steps.iter().map(|step| step.name()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn cell(&self) -> Cell<'_> {
        Cell { zone: &self.zone, region: sample::region(REGION) }
    }

    fn step(&self, name: &str) -> &dyn Step {
        &**self.steps.iter().find(|step| step.name() == name).expect("a step of that name")
    }

    /// Host `number` at a step, begun now, with an hour for it.
    pub(crate) fn slot(&self, number: u64) -> Slot {
        let now = self.clock.now();
        Slot {
            target: flow::TargetId(u32::try_from(number).expect("a small number") - 1),
            subject: sample::id(number).as_str().into(),
            direction: flow::Direction::Do,
            attempt: 1,
            handle: None,
            doubt: false,
            started_at: now,
            known_since: now,
            may_act_until: None,
            deadline: now + SignedDuration::from_hours(1),
            notes: Vec::new(),
        }
    }

    /// With the notes of backup and precheck.
    pub(crate) fn prepared(&self, number: u64) -> Slot {
        let backup = BackupNote { image: "ami-1".into(), snapshots: 1 };
        let precheck = PrecheckNote {
            boot: Some(boot_id(&sample::id(number), 1).into()),
            reboot_pending: fleetwright_host::Tri::No,
            warnings: Vec::new(),
        };
        let notes = vec![
            (Text::from(step::BACKUP), notes::write(&backup)),
            (Text::from(step::PRECHECK), notes::write(&precheck)),
        ];
        Slot { notes, ..self.slot(number) }
    }

    /// One turn; the last outcome of each slot.
    pub(crate) async fn turn(&self, step: &str, slots: &[Slot]) -> Vec<Outcome> {
        let reports = Said::default();
        self.step(step).turn(Turn { place: flow::PlaceId(0), slots, reports: &reports }).await;
        let said = reports.0.into_inner().expect("no test panicked");
        slots.iter().map(|slot| said.get(&slot.target).expect("an outcome for every slot").clone()).collect()
    }

    /// A hard stop.
    pub(crate) async fn cancel(&self, step: &str, slots: &[Slot]) {
        self.step(step).cancel(flow::PlaceId(0), slots).await;
    }

    /// Turns until every slot has ended, as a driver would.
    pub(crate) async fn drive(&self, step: &str, mut slots: Vec<Slot>) -> Vec<Outcome> {
        let mut due: Vec<Timestamp> = vec![self.clock.now(); slots.len()];
        let mut ends: Vec<Option<Outcome>> = vec![None; slots.len()];
        for _ in 0..10_000 {
            let now = self.clock.now();
            let open = |index: &usize| ends[*index].is_none();
            let turn: Vec<usize> = (0..slots.len()).filter(open).filter(|index| due[*index] <= now).collect();
            let batch: Vec<Slot> = turn.iter().map(|index| slots[*index].clone()).collect();
            for (index, outcome) in turn.into_iter().zip(self.turn(step, &batch).await) {
                match outcome {
                    Outcome::Accepted { handle, look_at } => {
                        slots[index].handle = Some(handle);
                        due[index] = look_at;
                    }
                    Outcome::LookAgain { at, .. } => {
                        assert!(at > now, "looks again later");
                        due[index] = at;
                    }
                    end => ends[index] = Some(end),
                }
            }
            let next = (0..slots.len()).filter(|index| ends[*index].is_none()).map(|index| due[index]).min();
            let Some(next) = next else {
                return ends.into_iter().map(|end| end.expect("ended")).collect();
            };
            let wait = next.duration_since(self.clock.now());
            self.clock.sleep(wait.try_into().unwrap_or_default()).await;
        }
        panic!("{step} does not end");
    }

    /// One host through one step.
    pub(crate) async fn drive_one(&self, step: &str, slot: Slot) -> Outcome {
        self.drive(step, vec![slot]).await.remove(0)
    }

    pub(crate) async fn wait(&self, seconds: u64) {
        self.clock.sleep(std::time::Duration::from_secs(seconds)).await;
    }

    /// A file of a host.
    pub(crate) async fn file(&self, taken: &str, host: u64, name: &str) -> Option<String> {
        let key = format!("{taken}/account-111122223333/region-{REGION}/linux/{}/{name}", sample::id(host));
        let found = self.files.get(&RUN.parse().expect("a name"), &key).await.expect("memory does not fail");
        found.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    /// How often something took effect.
    pub(crate) fn effects(&self, action: &str) -> usize {
        self.hosts.effects().iter().filter(|effect| effect.action == action).count()
    }
}

#[derive(Default)]
struct Said(Mutex<BTreeMap<flow::TargetId, Outcome>>);

impl Reports for Said {
    fn report(&self, target: flow::TargetId, outcome: Outcome) {
        self.0.lock().expect("no test panicked").insert(target, outcome);
    }
}

/// The code an outcome carries.
pub(crate) fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(failure) => failure.code.id,
        Outcome::NotNeeded { code } | Outcome::LeaveTarget { code } => code.id,
        Outcome::Done { finding: Some(code), .. } => code.id,
        other => panic!("no code in {other:?}"),
    }
}

/// The note of a success.
pub(crate) fn note<T: serde::de::DeserializeOwned>(outcome: &Outcome) -> T {
    match outcome {
        Outcome::Done { note: Some(note), .. } => notes::read(note).expect("a note of that step"),
        other => panic!("no note in {other:?}"),
    }
}

pub(crate) fn host(plan: &mut PatchPlan, number: usize) -> &mut PlannedHost {
    match &mut plan.work[number - 1] {
        Work::Host(host) => host,
        Work::Region | Work::Gate(_) => panic!("no host"),
    }
}

fn planned(number: u64) -> Work {
    Work::Host(Box::new(PlannedHost {
        id: sample::id(number),
        name: Some(format!("web-{number}").into()),
        os: OsFamily::Linux,
        platform: "amazon-linux".into(),
        launch_time: Some(sample::now()),
        state: InstanceState::Running,
        availability_zone: None,
        application: None,
        environment: None,
        auto_scaling_group: None,
        target_groups: Vec::new(),
        operation: None,
        reboot: None,
        storage_gib: None,
        missing: None,
        backup: Backup::Make,
        checks: HostChecks::default(),
        before: None,
    }))
}

fn plan(zone: &Zone, hosts: u64) -> PatchPlan {
    let format = flow::Plan::FORMAT;
    let target =
        |number: u64| flow::Target::new(sample::id(number).as_str(), flow::PlaceId(0), flow::RecipeId(0));
    let place = flow::Place {
        zone: zone.name.clone(),
        account: zone.account.clone(),
        region: sample::region(REGION),
    };
    let recipe = flow::Recipe::new("running", Vec::new(), Vec::new());
    PatchPlan {
        format,
        program: "test".into(),
        phases: Vec::new(),
        parent: None,
        scanned: Scanned { started: sample::now(), finished: sample::now() },
        zones: vec![PlannedZone { name: zone.name.clone(), account: zone.account.clone(), role: None }],
        policy: policy(),
        flow: flow::Plan {
            format,
            seed: 1,
            created_at: sample::now(),
            places: vec![place],
            groups: Vec::new(),
            windows: Vec::new(),
            recipes: vec![recipe],
            stages: Vec::new(),
            targets: (1..=hosts).map(target).collect(),
        },
        work: (1..=hosts).map(planned).collect(),
        roll_out: Default::default(),
        reserves: Vec::new(),
        left_out: Vec::new(),
        gaps: Vec::new(),
        estimate: Estimate::default(),
    }
}
