//! Clusters of the simulated estate, planned and ready to be driven.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fleetwright::commands::scan::Reports;
use fleetwright::console::Console;
use fleetwright::on_record::OnRecord;
use fleetwright::roll_out::calendars;
use fleetwright::run_plan::Decided;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::state::State;
use fleetwright::upgrading::Upgrading;
use fleetwright_aws::Aws;
use fleetwright_cluster_api::{ClusterApis, Limits, Transport, Undelivered};
use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::facts::{Fact, Facts, UnreadCause};
use fleetwright_eks::plan::{Approvals, PlanDocument, PlanOptions, PlanRequest, plan};
use fleetwright_eks::run::outcome::{ClusterOutcome, outcomes};
use fleetwright_eks::run::{Member, NotRun, Ring, RunDocument, RunRequest, upgrade, way_back};
use fleetwright_eks::suite::Suite;
use fleetwright_engine::{AtGates, Begin, Concluded, Control, Watcher, drive};
use fleetwright_estate::estate::Estate;
use fleetwright_estate::scenario::ScenarioFile;
use fleetwright_estate::world::eks::Cluster;
use fleetwright_estate::world::eks::jobs::JOBS;
use fleetwright_flow::{Record, Run};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::{Cell, Region, Zone};
use fleetwright_ports::clusters::{ClusterDescription, ClusterName};
use fleetwright_ports::kubernetes::{Access, Patched};
use fleetwright_ports::{Clusters, Endpoints, KubernetesApis, Queries, RunId};
use fleetwright_step::Step;
use fleetwright_survey::clusters::{Api, ClusterPorts, ClusterRequest, read};
use fleetwright_telemetry::HttpEndpoints;
use http::{Request, Response};
use serde_json::Value;

pub(crate) const CONSOLE: Console = Console { color: false, live: false, quiet: true, width: 120 };
pub(crate) const ACCOUNT: &str = "210987654321";
pub(crate) const REGION: &str = "eu-central-1";

/// What is in front of every world: one account, and calls as quick as the tests want them.
const HEAD: &str = r#"
    name = "upgrades"
    seed = 7
    start = "2026-11-07T21:30:00Z"
    [organization]
    hub = "management"
    [[accounts]]
    name = "shop-prod"
    id = "210987654321"
    environment = "prod"
    regions = ["eu-central-1"]
    [fleet]
    regions = ["eu-central-1"]
    instances = 0
"#;

/// The estate's clusters, as requests reach them in this process.
struct Front(Arc<Estate>);

#[async_trait]
impl Transport for Front {
    async fn call(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, Undelivered> {
        self.0.call(request).await.map_err(|_| Undelivered::Broken("the estate lost it".to_owned()))
    }
}

/// A world with clusters in it.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) zone: Zone,
    region: Region,
}

impl World {
    /// The world of these clusters, as a scenario describes them.
    pub(crate) async fn of(clusters: &str) -> Self {
        Self::of_scenario(&format!("{HEAD}\n{clusters}"), "a test", &BTreeMap::new()).await
    }

    /// The world of a scenario file, with settings that differ from the defaults.
    pub(crate) async fn of_scenario(text: &str, name: &str, settings: &BTreeMap<String, String>) -> Self {
        let file = ScenarioFile::parse(text, name).unwrap_or_else(|error| panic!("{error}"));
        let mut flags = Flags::default();
        for (key, value) in settings {
            flags.set("a test", key, value.as_str());
        }
        let stage = Stage::of_text((text, name), file.scenario.seed, flags, CONSOLE).await;
        let stage = stage.unwrap_or_else(|error| panic!("{}", error.message));
        let places = stage.world.estate.with_world(|world| {
            let regions = world.accounts.iter().flat_map(|(account, it)| {
                it.regions.iter().map(move |(code, region)| (account.clone(), code.clone(), region))
            });
            let with_clusters = regions.filter(|(.., region)| !region.clusters.by_name.is_empty());
            with_clusters.map(|(account, code, _)| (account, code)).collect::<Vec<_>>()
        });
        let [(account, region)] = places.as_slice() else {
            panic!("{name}: clusters are in one region of one account, not in {places:?}")
        };
        let zone = stage.fleet.zones.iter().find(|zone| zone.account.as_str() == account);
        let zone = zone.expect("the account").clone();
        Self { stage, zone, region: region.parse().expect("a region") }
    }

    /// The names of the clusters.
    pub(crate) fn clusters(&self) -> Vec<String> {
        let (account, region) = (self.zone.account.as_str(), self.region.as_str());
        self.stage.world.estate.with_world(|world| {
            world.accounts[account].regions[region].clusters.by_name.keys().cloned().collect()
        })
    }

    pub(crate) fn cell(&self) -> Cell<'_> {
        Cell { zone: &self.zone, region: self.region.clone() }
    }

    pub(crate) fn apis(&self) -> ClusterApis {
        let apis = ClusterApis::new(Arc::clone(&self.stage.clock), Limits::default(), "a test");
        apis.through(Arc::new(Front(Arc::clone(&self.stage.world.estate))))
    }

    /// How a cluster's own API is reached.
    async fn access(&self, name: &str) -> (ClusterName, ClusterDescription, Access) {
        let name: ClusterName = name.parse().expect("a name");
        let (aws, cell) = (&self.stage.aws, self.cell());
        let described = aws.cluster(&cell, &name).await.expect("the cluster");
        let access = Access {
            cluster: name.to_string(),
            endpoint: described.cluster.endpoint.clone(),
            certificate_authority: described.certificate_authority.clone().unwrap_or_default(),
            tokens: Arc::new(aws.cluster_tokens(&cell, &name)),
        };
        (name, described, access)
    }

    /// Somebody changes an object of a cluster.
    pub(crate) async fn patch(&self, cluster: &str, path: &str, operations: Value) {
        let (_, _, access) = self.access(cluster).await;
        let api = self.apis().connect_for_changes(&access).expect("an address");
        let patched = api.patch(path, &operations).await.expect("an answer");
        assert!(matches!(patched, Patched::Applied(_)), "{patched:?}");
    }

    /// The version of a cluster's control plane, and of each of its nodes.
    pub(crate) async fn versions(&self, cluster: &str) -> (Minor, Vec<Minor>) {
        let facts = self.facts(cluster, &[], &[]).await;
        let nodes = facts.nodes.nodes.known().expect("nodes are read").iter().map(|node| node.kubelet);
        let version = facts.control_plane.cluster.known().expect("the cluster is read").version;
        (version, nodes.collect())
    }

    /// Everything that is known of a cluster.
    pub(crate) async fn facts(&self, name: &str, route: &[Hop], suites: &[Suite]) -> Facts {
        let (aws, cell) = (&self.stage.aws, self.cell());
        let (name, described, access) = self.access(name).await;
        let server = self.apis().connect(&access).expect("an address");
        let clock = &*self.stage.clock;
        let ports = ClusterPorts { clusters: aws, foundations: aws, machines: aws, groups: aws, clock };
        let request = ClusterRequest {
            cell: &cell,
            name: &name,
            route,
            refresh: None,
            manifests: &Fact::unread(UnreadCause::NotAsked, "no manifests"),
            freeze: &Fact::unread(UnreadCause::NotAsked, "no freezes"),
            suites,
        };
        read(ports, request, Api::Open(&*server), &described).await
    }

    /// The plan of a cluster.
    pub(crate) async fn planned(&self, name: &str, to: u16) -> PlanDocument {
        self.planned_with(name, to, &PlanOptions { approvals: Approvals::Once, ..PlanOptions::default() })
            .await
    }

    pub(crate) async fn planned_with(&self, name: &str, to: u16, options: &PlanOptions) -> PlanDocument {
        let to = Minor::new(to);
        let parsed = name.parse().expect("a name");
        let version =
            self.stage.aws.cluster(&self.cell(), &parsed).await.expect("the cluster").cluster.version;
        let route = version.hops_to(to).expect("a way");
        let facts = self.facts(name, &route, &options.suites).await;
        let cell = self.cell();
        let request = PlanRequest {
            facts: &facts,
            account: &cell.zone.account,
            region: &cell.region,
            target: to,
            options,
            suppressions: &[],
            program: "0.1.0",
            at: self.stage.clock.now(),
        };
        PlanDocument::new(plan(&request).unwrap_or_else(|refused| panic!("{name}: {refused}")))
    }

    fn ring<'a>(&self, name: &str, documents: &'a [PlanDocument], soak_seconds: u32) -> Ring<'a> {
        let member = |document| Member { document, zone: self.zone.name.clone(), window: None };
        Ring {
            name: name.to_owned(),
            members: documents.iter().map(member).collect(),
            at_once: 2,
            soak_seconds,
        }
    }

    fn request<'a>(&self, rings: &'a [Ring<'a>]) -> RunRequest<'a> {
        RunRequest { rings, approval: None, program: "0.1.0", at: self.stage.clock.now(), seed: 7 }
    }

    /// The run of one plan.
    pub(crate) async fn run(self, document: PlanDocument) -> Result<Staged, NotRun> {
        self.fleet(&[("", vec![document])], 0).await
    }

    /// The run of a fleet, ring by ring.
    pub(crate) async fn fleet(
        self,
        rings: &[(&str, Vec<PlanDocument>)],
        soak_seconds: u32,
    ) -> Result<Staged, NotRun> {
        let rings: Vec<Ring<'_>> =
            rings.iter().map(|(name, documents)| self.ring(name, documents, soak_seconds)).collect();
        let plan = upgrade(&self.request(&rings))?;
        Ok(Staged::of(self, State::in_memory(), RunDocument::new(plan), "run-1").await)
    }
}

/// A run that can be driven, again and again from its record.
pub(crate) struct Staged {
    pub(crate) world: World,
    pub(crate) state: State,
    pub(crate) run: RunId,
    pub(crate) document: RunDocument,
    /// What answers queries, where anything does.
    pub(crate) queries: Option<Arc<dyn Queries>>,
    /// What asks endpoints.
    pub(crate) endpoints: Arc<dyn Endpoints>,
}

impl Staged {
    async fn of(world: World, state: State, document: RunDocument, run: &str) -> Self {
        let run: RunId = run.parse().expect("a name");
        let made = state.journal.create(&run, &document.write(), world.stage.clock.now()).await;
        made.expect("a run that is new");
        let endpoints = Arc::new(HttpEndpoints::new(Arc::clone(&world.stage.clock)));
        Self { world, state, run, document, queries: None, endpoints }
    }

    /// The run that takes the last hop of this one back.
    pub(crate) async fn back(self, name: &str, hop: Hop) -> Self {
        let Self { world, state, run, document, .. } = self;
        let found = document.plan().clusters.iter().find(|cluster| cluster.plan.cluster.name == name);
        let documents = [PlanDocument::new(found.expect("the cluster").plan.clone())];
        let rings = [world.ring("", &documents, 0)];
        let plan = way_back(&world.request(&rings), run.as_str(), hop).expect("a way back");
        Self::of(world, state, RunDocument::new(plan), "run-2").await
    }

    /// The steps of a process, which knows nothing of those before it.
    pub(crate) fn process(&self, aws: Aws) -> Vec<Arc<dyn Step>> {
        let (plan, decided) = (Arc::new(self.document.plan().clone()), Arc::new(Decided::default()));
        self.upgrading(aws).steps(&self.document, &plan, &decided).expect("the zone is there")
    }

    /// What a process puts together before it drives.
    fn upgrading(&self, aws: Aws) -> Upgrading {
        let stage = &self.world.stage;
        let control = Control::new("a process of the test", AtGates::Wait);
        let digest = self.document.digest();
        let on_record = OnRecord::of(&self.state, &self.run, digest, control.owner(), "the test".into());
        let state = State {
            journal: Arc::clone(&self.state.journal),
            artifacts: Arc::clone(&self.state.artifacts),
            audit: Arc::clone(&self.state.audit),
            budgets: Arc::clone(&self.state.budgets),
            directory: None,
            hub: None,
        };
        Upgrading {
            aws,
            apis: self.world.apis(),
            clock: Arc::clone(&stage.clock),
            state,
            zones: vec![self.world.zone.clone()],
            control,
            on_record,
            calendars: calendars(&stage.settings),
            events: None,
            told: None,
            reports: Reports::None,
            format: OutputFormat::Text,
            console: CONSOLE,
            queries: self.queries.clone(),
            endpoints: Arc::clone(&self.endpoints),
        }
    }

    /// Drives the run from where its record ends, every gate approved.
    pub(crate) async fn drive(&self) -> Concluded {
        self.drive_with(&Control::new("the test", AtGates::Approve { by: "ada".into() })).await
    }

    pub(crate) async fn drive_with(&self, control: &Control) -> Concluded {
        self.watched(control, &fleetwright_engine::Unwatched).await
    }

    pub(crate) async fn watched(&self, control: &Control, watch: &dyn Watcher) -> Concluded {
        let (plan, decided) = (Arc::new(self.document.plan().clone()), Arc::new(Decided::default()));
        let upgrading = self.upgrading(self.world.stage.aws.clone());
        let ports = upgrading.run_ports(&self.document, &plan, &decided).expect("the zone is there");
        let loaded = self.state.journal.load(&self.run).await.expect("the run was made");
        let begin = Begin::of(self.document.digest().clone(), loaded);
        let flow = Arc::new(self.document.plan().flow.clone());
        drive(ports, self.run.clone(), flow, begin, control, watch).await.expect("a run that can be driven")
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        self.state.journal.load(&self.run).await.expect("the run was made").records
    }

    /// What became of the clusters.
    pub(crate) async fn outcomes(&self) -> Vec<ClusterOutcome> {
        let records = self.records().await;
        let mut run = Run::open(Arc::new(self.document.plan().flow.clone()));
        for record in &records {
            run.apply(record).expect("the journal keeps what the kernel allowed");
        }
        outcomes(self.document.plan(), &run, &records, self.world.stage.clock.now())
    }

    /// The only cluster's outcome.
    pub(crate) async fn outcome(&self) -> ClusterOutcome {
        let mut all = self.outcomes().await;
        assert_eq!(all.len(), 1, "one cluster");
        all.remove(0)
    }

    /// Jobs of test suites, by cluster, namespace and name, and the condition that each has ended with.
    pub(crate) fn jobs(&self) -> BTreeMap<String, String> {
        self.world.stage.world.estate.with_world(|world| {
            let regions = world.accounts.values().flat_map(|account| account.regions.values());
            let clusters = regions.flat_map(|region| region.clusters.by_name.values());
            let ended = |job: &Value| {
                let last = job["status"]["conditions"].as_array().and_then(|all| all.last());
                last.and_then(|it| it["type"].as_str()).unwrap_or("none").to_owned()
            };
            let of = |cluster: &Cluster| {
                let jobs = cluster.kube.list(JOBS, None);
                let named =
                    jobs.map(|((space, name), job)| (format!("{} {space}/{name}", cluster.name), ended(job)));
                named.collect::<Vec<_>>()
            };
            clusters.flat_map(of).collect()
        })
    }

    /// What was changed, by action and whom, and how often.
    pub(crate) fn effects(&self) -> BTreeMap<String, usize> {
        effects(&self.world.stage.world.estate)
    }
}

/// Updates that EKS made, by what they are of, and refreshes of instances that Auto Scaling made, by group and the version
/// that each launches: a call that was repeated made none.
pub(crate) fn effects(estate: &Estate) -> BTreeMap<String, usize> {
    estate.with_world(|world| {
        let mut effects = BTreeMap::new();
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        for cluster in regions.flat_map(|region| region.clusters.by_name.values()) {
            for update in &cluster.updates {
                let what =
                    format!("{} {:?} {} {:?}", cluster.name, update.subject, update.kind, update.params);
                *effects.entry(what).or_default() += 1;
            }
        }
        for group in world
            .accounts
            .values()
            .flat_map(|account| account.regions.values())
            .flat_map(|region| region.scaling.iter())
        {
            for refresh in &group.refreshes {
                let launched = refresh.desired.as_ref().map_or("", |it| it.version.as_str());
                *effects.entry(format!("{} InstanceRefresh {launched}", group.name)).or_default() += 1;
            }
        }
        effects
    })
}
