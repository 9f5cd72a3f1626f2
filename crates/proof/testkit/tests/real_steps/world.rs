//! A world of hosts in memory that the real steps work on, with a plan the planner made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_clock::VirtualClock;
use fleetwright_flow::{Event, Plan};
use fleetwright_model::{ErrorClass, InstanceId, Text, code};
use fleetwright_patch::plan::{Amount, Limits, PatchPlan, PlanDocument, RollbackWay};
use fleetwright_ports::{Alarm, AlarmState, Clock, ImageRequest, Images, Journal, RunId, ScalingGroup};
use fleetwright_step::{Outcome, Step, Turn};
use fleetwright_steps::{Context, Ports, Verified};
use fleetwright_store::{MemoryArtifacts, MemoryJournal};
use fleetwright_testkit::crash::World;
use fleetwright_testkit::{FakeCell, FakeFleet, FakeHosts, sample};
use jiff::{SignedDuration, Timestamp};

use crate::model::Models;
use crate::plans::{self, REGIONS, Shape, instance, zone};
use crate::roll_out::Asked;
use crate::witness::Witness;

/// Turns the steps of a process into others: mutants do.
pub(crate) type Alter = Arc<dyn Fn(Vec<Arc<dyn Step>>, &PatchWorld) -> Vec<Arc<dyn Step>> + Send + Sync>;

/// The world.
pub(crate) struct PatchWorld {
    pub(crate) plan: Arc<PatchPlan>,
    pub(crate) hosts: Arc<FakeHosts>,
    pub(crate) models: Arc<Models>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) witness: Witness,
    /// Images of earlier runs, by id, with their instances.
    pub(crate) old: BTreeMap<Text, InstanceId>,
    /// Since when a host is another one than planned.
    pub(crate) replaced: Arc<Mutex<BTreeMap<InstanceId, Timestamp>>>,
    /// Hosts whose images never become usable.
    pub(crate) unusable: BTreeSet<InstanceId>,
    pub(crate) alter: Option<Alter>,
    /// What was asked for, where the world is judged by it.
    pub(crate) asked: Option<Asked>,
    digest: Text,
    files: MemoryArtifacts,
    failing: Arc<Mutex<BTreeSet<String>>>,
    /// Effects from before the run.
    pub(crate) before: usize,
}

fn run() -> RunId {
    "run-20261101T020000Z-4f1a".parse().expect("a valid name")
}

/// The fleet, and nothing done to it yet.
struct Ground {
    hosts: Arc<FakeHosts>,
    models: Arc<Models>,
    clock: Arc<dyn Clock>,
    old: BTreeMap<Text, InstanceId>,
}

impl Ground {
    /// Every host of these shapes, and an image of an earlier run of each in `imaged`.
    async fn of(shapes: &[Shape], imaged: &[u64]) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let mut cells = [FakeCell::default(), FakeCell::default()];
        for (number, shape) in (1..).zip(shapes) {
            let cell = std::mem::take(&mut cells[shape.region]);
            cells[shape.region] = cell.with(instance(number, *shape));
        }
        let mut fleet = FakeFleet::default();
        for (mut cell, region) in cells.into_iter().zip(REGIONS) {
            for state in cell.patches.values_mut() {
                // Rescans find every patch installed.
                state.missing = 0;
                state.operation_end = Some(sample::now() + SignedDuration::from_hours(24 * 30));
            }
            fleet = fleet.with(&zone(), region, cell);
        }
        let hosts = Arc::new(FakeHosts::of(fleet, clock.clone()));
        let models = Arc::new(Models::default());
        hosts.respond(models.responder());
        let mut old = BTreeMap::new();
        for number in imaged {
            let region = shapes[usize::try_from(*number).expect("few") - 1].region;
            old.insert(old_image(&hosts, *number, region).await, sample::id(*number));
        }
        clock.sleep(Duration::from_secs(700)).await;
        Self { hosts, models, clock, old }
    }

    async fn world(self, plan: PatchPlan, alter: Option<Alter>) -> PatchWorld {
        let document = PlanDocument::new(plan);
        let journal = MemoryJournal::new();
        journal.create(&run(), &document.write(), self.clock.now()).await.expect("a new run");
        let plan = Arc::new(document.plan().clone());
        PatchWorld {
            witness: Witness::new(journal, plan.clone()),
            before: self.hosts.effect_count(),
            digest: document.digest().clone(),
            plan,
            hosts: self.hosts,
            models: self.models,
            clock: self.clock,
            old: self.old,
            replaced: Arc::default(),
            unusable: BTreeSet::new(),
            alter,
            asked: None,
            files: MemoryArtifacts::new(),
            failing: Arc::default(),
        }
    }
}

async fn old_image(hosts: &FakeHosts, number: u64, region: usize) -> Text {
    let tags = [
        ("fleetwright:purpose", "pre-patch-backup".to_owned()),
        ("fleetwright:instance", sample::id(number).to_string()),
        ("fleetwright:delete-after", "2026-10-01".to_owned()),
    ];
    let request = ImageRequest {
        instance: sample::id(number),
        name: format!("old-{number}").into(),
        description: "".into(),
        tags: tags.into_iter().map(|(key, value)| (Text::from(key), Text::from(value))).collect(),
        reboot: false,
    };
    let zone = zone();
    let cell = fleetwright_model::Cell { zone: &zone, region: sample::region(REGIONS[region]) };
    hosts.create(&cell, &request).await.expect("made")
}

impl PatchWorld {
    /// The whole workflow over one host of each shape, and something to clean up.
    pub(crate) async fn whole(shapes: &[Shape], alter: Option<Alter>) -> Self {
        Self::planned(shapes, plans::whole(shapes, plans::limits(), 1), alter).await
    }

    /// That plan over hosts of these shapes.
    pub(crate) async fn planned(shapes: &[Shape], plan: PatchPlan, alter: Option<Alter>) -> Self {
        Ground::of(shapes, &[1]).await.world(plan, alter).await
    }

    /// Two hosts in two waves, with a gate between them.
    pub(crate) async fn gated(alter: Option<Alter>) -> Self {
        let world = Self::planned(&[Shape::default(); 2], plans::gated(), alter).await;
        world.prepare_gates();
        world
    }

    /// What gates look at is there, and well.
    pub(crate) fn prepare_gates(&self) {
        let zone = zone();
        for region in REGIONS {
            let cell = fleetwright_model::Cell { zone: &zone, region: sample::region(region) };
            self.hosts.set_alarm(&cell, Alarm { name: plans::ALARM.into(), state: AlarmState::Ok });
        }
        self.hosts.add_bucket(plans::BUCKET);
        self.hosts.edit(|fleet| {
            for cell in fleet.cells.values_mut() {
                let ids: Vec<InstanceId> = cell.instances.iter().map(|it| it.id.clone()).collect();
                for id in ids {
                    cell.patch_details.insert(id, vec![plans::installed()]);
                }
            }
        });
    }

    /// Two hosts of which each is probed before the other begins.
    pub(crate) async fn probed(alter: Option<Alter>) -> Self {
        Self::planned(&[Shape::default(); 2], plans::probed(), alter).await
    }

    /// Three hosts behind load balancers, members of an Auto Scaling group with room for one in standby,
    /// of which two are worked on at once.
    pub(crate) async fn served(alter: Option<Alter>) -> Self {
        let shapes = [Shape { served: true, ..Shape::default() }; 3];
        let limits = Limits { out_of_service: Amount::Count(2), ..plans::limits() };
        Self::behind_balancers(&shapes, plans::whole(&shapes, limits, 1), alter).await
    }

    /// That plan over hosts of these shapes, of which those that are served have their places: members
    /// of an Auto Scaling group with room for one in standby.
    pub(crate) async fn behind_balancers(shapes: &[Shape], plan: PatchPlan, alter: Option<Alter>) -> Self {
        let ground = Ground::of(shapes, &[1]).await;
        let zone = zone();
        let cell = fleetwright_model::Cell { zone: &zone, region: sample::region(REGIONS[0]) };
        let served = (1..).zip(shapes).filter(|(_, shape)| shape.served);
        let all: Vec<InstanceId> = served.map(|(number, _)| sample::id(number)).collect();
        let drain = Duration::from_secs(120);
        ground.hosts.add_pool(&cell, plans::GROUPS_POOL, drain, &all);
        ground.hosts.add_pool(&cell, plans::POOL, drain, &all);
        let group = ScalingGroup {
            name: plans::SCALING_GROUP.into(),
            min: u32::try_from(all.len()).expect("few") - 1,
            desired: u32::try_from(all.len()).expect("few"),
            suspended: vec!["ScheduledActions".into()],
            pools: vec![plans::GROUPS_POOL.into()],
        };
        ground.hosts.add_scaling_group(&cell, group, &all);
        ground.world(plan, alter).await
    }

    /// Two hosts put back by a person's decision.
    pub(crate) async fn back(way: RollbackWay, alter: Option<Alter>) -> Self {
        let shapes = [Shape::default(), Shape { windows: true, ..Shape::default() }];
        let ground = Ground::of(&shapes, &[1, 2]).await;
        let number = |id: &InstanceId| (1..=2).find(|number| sample::id(*number) == *id).expect("one of two");
        let images: Vec<_> = ground.old.iter().map(|(image, id)| (number(id), image.clone())).collect();
        let of = plans::whole(&shapes, plans::limits(), 1);
        ground.world(plans::back(&of, &images, way), alter).await
    }

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another instance under a host's id, as far as anybody can tell.
    pub(crate) fn replace(
        hosts: &FakeHosts,
        models: &Models,
        replaced: &Mutex<BTreeMap<InstanceId, Timestamp>>,
        host: &InstanceId,
        now: Timestamp,
    ) {
        hosts.edit(|fleet| {
            let mut instances = fleet.cells.values_mut().flat_map(|cell| &mut cell.instances);
            if let Some(instance) = instances.find(|instance| instance.id == *host) {
                instance.launch_time = Some(now);
            }
        });
        models.boot_anew(host);
        Self::lock(replaced).entry(host.clone()).or_insert(now);
    }

    /// A context as every process makes it.
    pub(crate) fn context(&self) -> Arc<Context> {
        let witness = self.witness.clone();
        self.context_in_which(Arc::new(move |id: &InstanceId| witness.is_verified(id)))
    }

    /// A context with another answer to whether a host is verified.
    pub(crate) fn context_in_which(&self, verified: Verified) -> Arc<Context> {
        let ports = Ports {
            commands: self.hosts.clone(),
            images: self.hosts.clone(),
            power: self.hosts.clone(),
            balancers: self.hosts.clone(),
            objects: self.hosts.clone(),
            metrics: self.hosts.clone(),
            machines: self.hosts.clone(),
            artifacts: Arc::new(self.files.clone()),
            clock: self.clock.clone(),
        };
        let context = Context::new(run(), self.plan.clone(), &[zone()], ports, verified);
        let witness = self.witness.clone();
        let standings = Arc::new(move |target| witness.standing(target));
        Arc::new(context.expect("the zone is there").with_standings(standings))
    }

    /// A mark of an effect that must not come twice.
    fn mark(&self, action: &str, host: Option<&InstanceId>, mark: &Text) -> Option<String> {
        let of = |what: &str| host.map(|host| format!("{what} {host}"));
        match action {
            "ec2:CreateImage" if host.is_some_and(|host| self.unusable.contains(host)) => {
                Some(format!("image {mark}"))
            }
            "ec2:CreateImage" => of("image"),
            "ec2:StartInstances" => of("start"),
            "ec2:StopInstances" => of("stop"),
            "ec2:RebootInstances" => of("reboot"),
            "ec2:CreateReplaceRootVolumeTask" => of("restore"),
            "ec2:RunInstances" => Some(format!("replace {mark}")),
            "ec2:DeregisterImage" | "ec2:DeleteSnapshot" => Some(format!("{action} {mark}")),
            _ => None,
        }
    }
}

/// A step that fails without doing anything, where it is told to.
struct Failing {
    inner: Arc<dyn Step>,
    failing: Arc<Mutex<BTreeSet<String>>>,
}

#[async_trait::async_trait]
impl Step for Failing {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn gathers_for(&self) -> Duration {
        self.inner.gathers_for()
    }

    fn batch_size(&self) -> usize {
        self.inner.batch_size()
    }

    async fn turn(&self, turn: Turn<'_>) {
        if !PatchWorld::lock(&self.failing).contains(self.inner.name()) {
            return self.inner.turn(turn).await;
        }
        for slot in turn.slots {
            let words = "it fails in this world";
            let failed = Outcome::failed(ErrorClass::Permanent, &code::NOT_BACK, self.inner.name(), words);
            turn.reports.report(slot.target, failed);
        }
    }

    async fn cancel(&self, place: fleetwright_flow::PlaceId, slots: &[fleetwright_step::Slot]) {
        self.inner.cancel(place, slots).await;
    }
}

impl World for PatchWorld {
    fn plan(&self) -> Arc<Plan> {
        Arc::new(self.plan.flow.clone())
    }

    fn digest(&self) -> Text {
        self.digest.clone()
    }

    fn run(&self) -> RunId {
        run()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.witness.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        let steps = fleetwright_steps::steps(self.context());
        let steps = match &self.alter {
            Some(alter) => alter(steps, self),
            None => steps,
        };
        let failing = |inner| Arc::new(Failing { inner, failing: self.failing.clone() }) as Arc<dyn Step>;
        steps.into_iter().map(failing).collect()
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        let mut effects = self.models.done();
        for effect in self.hosts.effects().into_iter().skip(self.before) {
            let hosts = effect.hosts.iter().map(Some);
            let hosts = if effect.hosts.is_empty() { vec![None] } else { hosts.collect() };
            for mark in hosts.into_iter().filter_map(|host| self.mark(effect.action, host, &effect.mark)) {
                *effects.entry(mark).or_default() += 1;
            }
        }
        effects
    }

    fn effect_count(&self) -> usize {
        self.hosts.effect_count()
    }

    fn fail(&self, step: &str) {
        Self::lock(&self.failing).insert(step.to_owned());
    }

    fn make_reads_stale(&self) {
        self.hosts.set_lag(Duration::from_secs(20));
    }

    fn complaints(&self) -> Vec<String> {
        let closed = self.witness.records().iter().any(|it| matches!(it.event, Event::Closed { .. }));
        let mut complaints = self.witness.wrong();
        complaints.extend(crate::judge::judge(self, closed));
        complaints.extend(self.asked.iter().flat_map(|asked| crate::roll_out::judge(self, asked)));
        complaints
    }
}
