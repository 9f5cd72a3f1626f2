//! A cluster in memory, a plan for it, and a driver that is as simple as can be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_clock::VirtualClock;
use fleetwright_eks::endpoint::{Endpoint, Unwell};
use fleetwright_eks::facts::control_plane::{ClusterRole, EncryptionKey, Right, Subnet, Usage};
use fleetwright_eks::facts::nodes::InstanceOffer;
use fleetwright_eks::plan::{
    Action, Basis, Call, PlanDocument, PlanOptions, PlanStep, PlannedCluster, Reversibility, StepId,
    UpgradePlan,
};
use fleetwright_eks::run::{Member, Ring, RunRequest, UpgradeRun, upgrade};
use fleetwright_flow::{Direction, PlaceId, TargetId, When};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::{Cell, ErrorClass, Failure, Text, Zone, code};
use fleetwright_ports::clusters::{ClusterName, UpgradedParts};
use fleetwright_ports::kubernetes::{Access, BearerToken};
use fleetwright_ports::{
    Clock, Endpoints, Foundations, Kubernetes, KubernetesApis, KubernetesChanges, KubernetesTokens,
};
use fleetwright_step::{Outcome, Reports, Slot, Step, Turn};
use fleetwright_store::MemoryArtifacts;
use fleetwright_testkit::{FakeCell, FakeCluster, FakeFleet, FakeHosts, FakeKubernetes, sample};
use fleetwright_upgrade::{ClusterReach, Context, Ports, steps};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const REGION: &str = "eu-central-1";
pub(crate) const VERSION: Minor = Minor::new(35);

/// The cluster's API, as whoever it is.
struct Reach(FakeKubernetes);

struct Nobody;

#[async_trait]
impl KubernetesTokens for Nobody {
    async fn token(&self) -> Result<(BearerToken, Timestamp), Failure> {
        Ok((BearerToken::new("a token"), Timestamp::MAX))
    }
}

#[async_trait]
impl ClusterReach for Reach {
    fn tokens(&self, _: &Cell<'_>, _: &ClusterName) -> Arc<dyn KubernetesTokens> {
        Arc::new(Nobody)
    }

    fn connect(&self, access: &Access) -> Result<Arc<dyn Kubernetes>, Failure> {
        self.0.connect(access)
    }

    async fn connect_for_changes(
        &self,
        _: &Cell<'_>,
        access: &Access,
    ) -> Result<Arc<dyn KubernetesChanges>, Failure> {
        self.0.connect_for_changes(access)
    }
}

/// Nothing that these steps ask about.
struct NoGround;

fn nothing<T>() -> Result<T, Failure> {
    Err(Failure::new(ErrorClass::Denied, &code::INTERNAL, "a test", "nobody may look"))
}

#[async_trait]
impl Endpoints for NoGround {
    async fn unwell(&self, _: &[Endpoint]) -> Result<BTreeMap<String, Unwell>, Failure> {
        nothing()
    }
}

#[async_trait]
impl Foundations for NoGround {
    async fn subnets(&self, _: &Cell<'_>, _: &[String]) -> Result<Vec<Subnet>, Failure> {
        nothing()
    }

    async fn security_groups(&self, _: &Cell<'_>, _: &[String]) -> Result<Vec<String>, Failure> {
        nothing()
    }

    async fn cluster_role(&self, _: &Cell<'_>, _: &str) -> Result<Option<ClusterRole>, Failure> {
        nothing()
    }

    async fn encryption_key(&self, _: &Cell<'_>, _: &str) -> Result<Option<EncryptionKey>, Failure> {
        nothing()
    }

    async fn instance_offers(&self, _: &Cell<'_>, _: &[String]) -> Result<Vec<InstanceOffer>, Failure> {
        nothing()
    }

    async fn network_interfaces(&self, _: &Cell<'_>) -> Result<Usage, Failure> {
        nothing()
    }

    async fn vcpu_quotas(&self, _: &Cell<'_>) -> Result<(u32, u32), Failure> {
        nothing()
    }

    async fn volume_storage(&self, _: &Cell<'_>) -> Result<Vec<(String, Usage)>, Failure> {
        nothing()
    }

    async fn public_parameters(&self, _: &Cell<'_>, _: &[String]) -> Result<Vec<String>, Failure> {
        nothing()
    }

    async fn upgrade_rights(
        &self,
        _: &Cell<'_>,
        _: &ClusterName,
        _: UpgradedParts<'_>,
    ) -> Result<Vec<Right>, Failure> {
        nothing()
    }
}

/// A cluster at [`VERSION`] whose nodes are a minor behind, and a run with these steps.
pub(crate) struct Stage {
    pub(crate) kubernetes: FakeKubernetes,
    pub(crate) clock: VirtualClock,
    pub(crate) cluster: Arc<FakeCluster>,
    run: Arc<UpgradeRun>,
    zone: Zone,
    artifacts: Arc<MemoryArtifacts>,
}

impl Stage {
    pub(crate) fn of(steps: Vec<PlanStep>) -> Self {
        Self::with(steps, |cluster| cluster)
    }

    /// The same of a cluster that something was added to.
    pub(crate) fn with(steps: Vec<PlanStep>, add: impl FnOnce(FakeCluster) -> FakeCluster) -> Self {
        let zone = sample::zone("prod", "111122223333", &[REGION]);
        let clock = VirtualClock::starting_at(sample::now());
        let kubernetes = FakeKubernetes::new(VERSION, Arc::new(clock));
        let document = PlanDocument::new(plan(&zone, steps));
        let member = Member { document: &document, zone: zone.name.clone(), window: None };
        let rings = [Ring { name: String::new(), members: vec![member], at_once: 1, soak_seconds: 0 }];
        let request =
            RunRequest { rings: &rings, approval: None, program: "0.1.0", at: clock.now(), seed: 7 };
        let run = Arc::new(upgrade(&request).expect("a plan that can be carried out"));
        let cluster = FakeCluster::new("shop".parse().expect("a name"), VERSION, Arc::new(clock));
        let cluster = Arc::new(add(cluster));
        Self { kubernetes, clock, cluster, run, zone, artifacts: Arc::default() }
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        let clock: Arc<dyn Clock> = Arc::new(self.clock);
        let cluster = Arc::clone(&self.cluster);
        let fleet = FakeFleet::default().with(&self.zone, REGION, FakeCell::default());
        let hosts = Arc::new(FakeHosts::of(fleet, Arc::clone(&clock)));
        let ports = Ports {
            clusters: cluster.clone(),
            changes: cluster.clone(),
            groups: cluster.clone(),
            refreshes: cluster,
            foundations: Arc::new(NoGround),
            machines: hosts.clone(),
            metrics: hosts,
            queries: None,
            endpoints: Arc::new(NoGround),
            reach: Arc::new(Reach(self.kubernetes.clone())),
            artifacts: self.artifacts.clone(),
            clock,
        };
        let run = "run-1".parse().expect("a name");
        let zones = [self.zone.clone()];
        let context = Context::new(run, "digest", Arc::clone(&self.run), &zones, ports);
        steps(&Arc::new(context.expect("the zone is there")))
    }

    fn target(&self, subject: &str) -> TargetId {
        let wanted = format!("shop/{subject}");
        let at = self.run.flow.targets.iter().position(|target| *target.subject == *wanted);
        TargetId(u32::try_from(at.expect("a target of that name")).expect("few targets"))
    }

    /// The names of a target's steps.
    pub(crate) fn recipe(&self, subject: &str) -> Vec<String> {
        let recipe = self.run.flow.recipe_of(self.target(subject));
        recipe.steps.iter().map(|step| step.name.to_string()).collect()
    }

    /// The names of a target's steps that are carried out also after failure.
    pub(crate) fn put_back(&self, subject: &str) -> Vec<String> {
        let steps = self.run.flow.recipe_of(self.target(subject)).steps.iter();
        steps.filter(|step| step.when != When::InTurn).map(|step| step.name.to_string()).collect()
    }

    /// Carries one step of a target out, by a new process, until it says how it ended.
    pub(crate) async fn carried_out(&self, subject: &str, step: &str) -> Outcome {
        self.carried_out_within(subject, step, SignedDuration::from_hours(2)).await.0
    }

    /// The same within a time; answers also with what was waited for, each once.
    pub(crate) async fn carried_out_within(
        &self,
        subject: &str,
        step: &str,
        within: SignedDuration,
    ) -> (Outcome, Vec<String>) {
        self.driven(step, &self.slot(subject, within)).await
    }

    /// A slot of a target that is at its first attempt.
    pub(crate) fn slot(&self, subject: &str, within: SignedDuration) -> Slot {
        let started_at = self.clock.now();
        Slot {
            target: self.target(subject),
            subject: subject.into(),
            direction: Direction::Do,
            attempt: 1,
            handle: None,
            doubt: false,
            started_at,
            known_since: started_at,
            may_act_until: None,
            deadline: started_at + within,
            notes: Vec::new(),
        }
    }

    fn step(&self, name: &str) -> Arc<dyn Step> {
        self.steps().into_iter().find(|it| it.name() == name).expect("a step of that name")
    }

    /// One step of a target, as a new process begins it.
    pub(crate) fn begin(&self, subject: &str, step: &str) -> Begun {
        self.begun(step, self.slot(subject, SignedDuration::from_hours(2)))
    }

    fn begun(&self, step: &str, slot: Slot) -> Begun {
        Begun { clock: self.clock, step: self.step(step), slot, waited: Vec::new() }
    }

    /// One turn of a new process; what it says.
    pub(crate) async fn turned(&self, step: &str, slot: &Slot) -> Outcome {
        turned(&*self.step(step), slot).await
    }

    /// Calls off what a slot has begun.
    pub(crate) async fn called_off(&self, step: &str, slot: &Slot) {
        self.step(step).cancel(PlaceId(0), std::slice::from_ref(slot)).await;
    }

    /// Turns of one process until it says how it ended, and what was waited for, each once.
    pub(crate) async fn driven(&self, step: &str, slot: &Slot) -> (Outcome, Vec<String>) {
        let mut begun = self.begun(step, slot.clone());
        let outcome = begun.end().await;
        (outcome, begun.waited)
    }

    /// Puts a node of a maker, by the label that says who that is.
    pub(crate) fn node(&self, name: &str, label: (&str, &str), version: Minor) {
        let info = json!({
            "kubeletVersion": format!("v{version}.1-eks-1"), "osImage": "Amazon Linux 2023",
            "operatingSystem": "linux", "containerRuntimeVersion": "containerd://2.1.4",
        });
        let status = json!({
            "nodeInfo": info, "allocatable": { "cpu": "2", "memory": "8Gi", "pods": "29" },
            "conditions": [{ "type": "Ready", "status": "True" }],
        });
        let labels = json!({ label.0: label.1 });
        self.kubernetes.put(
            &format!("/api/v1/nodes/{name}"),
            json!({ "metadata": { "labels": labels }, "spec": { "providerID": format!("aws:///{REGION}a/i-{name}") }, "status": status }),
        );
    }

    /// An object by its path.
    pub(crate) async fn object(&self, path: &str) -> Option<Value> {
        self.kubernetes.object(path).await.expect("a server that answers")
    }
}

/// A step that was begun.
pub(crate) struct Begun {
    clock: VirtualClock,
    step: Arc<dyn Step>,
    slot: Slot,
    /// What was waited for, each once.
    waited: Vec<String>,
}

impl Begun {
    /// The same with what is on record of an earlier process.
    pub(crate) fn with_handle(mut self, handle: Option<Text>) -> Self {
        self.slot.handle = handle;
        self
    }

    /// What is on record.
    pub(crate) fn handle(&self) -> Option<Text> {
        self.slot.handle.clone()
    }

    /// Takes a turn, and lets the time pass until the next; what is waited for, empty where something was begun.
    pub(crate) async fn look(&mut self) -> String {
        let before = self.waited.len();
        let ended = self.turn().await;
        assert_eq!(ended, None, "it goes on");
        self.waited.get(before..).and_then(<[String]>::last).cloned().unwrap_or_default()
    }

    /// Goes on until it says how it ended.
    pub(crate) async fn end(&mut self) -> Outcome {
        loop {
            if let Some(ended) = self.turn().await {
                return ended;
            }
        }
    }

    /// A turn, and the time until the next; how it ended, where it did.
    async fn turn(&mut self) -> Option<Outcome> {
        let at = match turned(&*self.step, &self.slot).await {
            Outcome::LookAgain { at, waiting_for } => {
                if self.waited.last().is_none_or(|last| **last != *waiting_for) {
                    self.waited.push(waiting_for.to_string());
                }
                at
            }
            Outcome::Accepted { handle, look_at } => {
                self.slot.handle = Some(handle);
                look_at
            }
            ended => return Some(ended),
        };
        let wait = at.duration_since(self.clock.now()).max(SignedDuration::from_secs(1));
        self.clock.sleep(wait.unsigned_abs()).await;
        None
    }
}

/// What a step says of a slot after a turn.
async fn turned(step: &dyn Step, slot: &Slot) -> Outcome {
    let heard = Heard::default();
    step.turn(Turn { place: PlaceId(0), slots: std::slice::from_ref(slot), reports: &heard }).await;
    heard.0.into_inner().expect("no test panicked").pop().expect("an outcome")
}

#[derive(Default)]
struct Heard(Mutex<Vec<Outcome>>);

impl Reports for Heard {
    fn report(&self, _: TargetId, outcome: Outcome) {
        self.0.lock().expect("no test panicked").push(outcome);
    }
}

/// A step of a plan.
pub(crate) fn step(id: &str, action: Action, calls: Vec<Call>) -> PlanStep {
    PlanStep {
        id: StepId::new(id),
        action,
        calls,
        before: Vec::new(),
        after: Vec::new(),
        expected_seconds: 600,
        basis: Basis::Usual,
        reversibility: Reversibility::NothingToUndo,
        closes: Vec::new(),
        needs: Vec::new(),
    }
}

fn plan(zone: &Zone, steps: Vec<PlanStep>) -> UpgradePlan {
    let before = Minor::new(VERSION.number() - 1);
    UpgradePlan {
        format: fleetwright_eks::plan::FORMAT,
        program: "0.1.0".to_owned(),
        made_at: sample::now(),
        cluster: PlannedCluster {
            account: zone.account.clone(),
            region: REGION.parse().expect("a region"),
            name: "shop".to_owned(),
            version: before,
            endpoint: "https://shop.example".to_owned(),
        },
        target: VERSION,
        hops: vec![Hop { from: before, to: VERSION }],
        options: PlanOptions::default(),
        observed: Default::default(),
        findings: Vec::new(),
        suppressions: Vec::new(),
        unread: Vec::new(),
        left_alone: Vec::new(),
        steps,
        rollbacks: Vec::new(),
    }
}

/// The words of a failure, with its code.
pub(crate) fn failed(outcome: &Outcome) -> (Text, String) {
    match outcome {
        Outcome::Failed(failure) => (failure.code.id.into(), failure.to_string()),
        other => panic!("no failure: {other:?}"),
    }
}
