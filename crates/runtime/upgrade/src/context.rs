//! What every step is handed: the run, the landing zones, the ports.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_eks::facts::{Fact, Facts, Unread, UnreadCause};
use fleetwright_eks::health::Health;
use fleetwright_eks::plan::{PlanStep, UpgradePlan};
use fleetwright_eks::run::{Purpose, RunCluster, Task, UpgradeRun, client_token};
use fleetwright_eks::suite::Suite;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_kubernetes::Hop;
use fleetwright_model::{AccountId, Cell, ErrorClass, Failure, Zone, ZoneName, code};
use fleetwright_ports::cluster_changes::ClientToken;
use fleetwright_ports::clusters::{ClusterDescription, ClusterName};
use fleetwright_ports::kubernetes::Access;
use fleetwright_ports::{
    Artifacts, Clock, ClusterChanges, Clusters, Endpoints, Foundations, InstanceRefreshes, JournalError,
    Kubernetes, KubernetesChanges, KubernetesTokens, Machines, Metrics, Queries, RunId, SelfManagedGroups,
};
use fleetwright_survey::clusters::{Api, ClusterPorts, ClusterRequest, read};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Reaches the clusters' own APIs, and says as whom.
#[async_trait]
pub trait ClusterReach: Send + Sync {
    /// Who the caller is at a cluster's own API.
    fn tokens(&self, cell: &Cell<'_>, name: &ClusterName) -> Arc<dyn KubernetesTokens>;

    /// An API that is read.
    ///
    /// # Errors
    /// As [`fleetwright_ports::KubernetesApis::connect`].
    fn connect(&self, access: &Access) -> Result<Arc<dyn Kubernetes>, Failure>;

    /// An API that is changed; each change is on record as one of that cell.
    ///
    /// # Errors
    /// As [`fleetwright_ports::KubernetesApis::connect_for_changes`], and where nobody can say as whom it is changed.
    async fn connect_for_changes(
        &self,
        cell: &Cell<'_>,
        access: &Access,
    ) -> Result<Arc<dyn KubernetesChanges>, Failure>;
}

/// The outside world, one port each.
#[derive(Clone)]
pub struct Ports {
    /// Reading clusters.
    pub clusters: Arc<dyn Clusters>,
    /// Changing them.
    pub changes: Arc<dyn ClusterChanges>,
    /// What they stand on.
    pub foundations: Arc<dyn Foundations>,
    /// Instances and their types.
    pub machines: Arc<dyn Machines>,
    /// Auto Scaling groups of one's own.
    pub groups: Arc<dyn SelfManagedGroups>,
    /// Replacing their instances.
    pub refreshes: Arc<dyn InstanceRefreshes>,
    /// Alarms and metrics.
    pub metrics: Arc<dyn Metrics>,
    /// Queries; none where no monitoring system is configured.
    pub queries: Option<Arc<dyn Queries>>,
    /// Endpoints of what runs in them.
    pub endpoints: Arc<dyn Endpoints>,
    /// Their own APIs.
    pub reach: Arc<dyn ClusterReach>,
    /// The run's files.
    pub artifacts: Arc<dyn Artifacts>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The run works in a landing zone that was not handed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run works in landing zone {zone} (account {account}), which the inventory does not have; add it or plan anew"
)]
pub struct MissingZone {
    /// The zone.
    pub zone: ZoneName,
    /// Its account as the run has it.
    pub account: AccountId,
}

/// What every step is handed.
pub struct Context {
    run: RunId,
    digest: String,
    plan: Arc<UpgradeRun>,
    /// By place.
    zones: Vec<Zone>,
    ports: Ports,
}

/// A cluster of the run, as a step works on it.
pub(crate) struct Site<'a> {
    pub(crate) cell: Cell<'a>,
    pub(crate) name: ClusterName,
    pub(crate) plan: &'a UpgradePlan,
    /// The step of the plan; none for what the run adds.
    pub(crate) step: Option<&'a PlanStep>,
}

impl Context {
    /// Puts a run's context together. Zones are matched by name and account, so that a zone that now points elsewhere is
    /// not worked in.
    ///
    /// # Errors
    /// [`MissingZone`] names the first one that is not among `zones`.
    pub fn new(
        run: RunId,
        digest: &str,
        plan: Arc<UpgradeRun>,
        zones: &[Zone],
        ports: Ports,
    ) -> Result<Self, MissingZone> {
        let found = plan.flow.places.iter().map(|place| {
            let zone = zones.iter().find(|zone| zone.name == place.zone && zone.account == place.account);
            let missing = || MissingZone { zone: place.zone.clone(), account: place.account.clone() };
            zone.cloned().ok_or_else(missing)
        });
        let zones = found.collect::<Result<_, _>>()?;
        Ok(Self { run, digest: digest.to_owned(), plan, zones, ports })
    }

    /// The same with other ports.
    #[must_use]
    pub fn with_ports(&self, ports: Ports) -> Self {
        let Self { run, digest, plan, zones, ports: _ } = self;
        Self { run: run.clone(), digest: digest.clone(), plan: Arc::clone(plan), zones: zones.clone(), ports }
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// The cluster that a target is of, and its step.
    pub(crate) fn site(&self, place: PlaceId, target: TargetId) -> Result<Site<'_>, Failure> {
        let ours = |what: String| Failure::new(ErrorClass::Permanent, &code::INTERNAL, "run", &what);
        let cluster: &RunCluster = self
            .plan
            .cluster_of(target)
            .ok_or_else(|| ours(format!("target {} is of no cluster", target.0)))?;
        let region = self.plan.flow.places[place.index()].region.clone();
        let name = cluster.plan.cluster.name.parse();
        let name =
            name.map_err(|odd: fleetwright_ports::clusters::InvalidClusterName| ours(odd.to_string()))?;
        Ok(Site {
            cell: Cell { zone: &self.zones[place.index()], region },
            name,
            plan: &cluster.plan,
            step: self.plan.step_of(target),
        })
    }

    /// Every cluster of the run, by name.
    pub(crate) fn sites(&self) -> Vec<(String, Result<Site<'_>, Failure>)> {
        let first = |cluster: usize| {
            let target = self.plan.work.iter().position(|work| usize::from(work.cluster) == cluster)?;
            let target = TargetId(u32::try_from(target).ok()?);
            Some((target, self.plan.flow.target(target).place))
        };
        let found = self.plan.clusters.iter().enumerate().filter_map(|(index, cluster)| {
            let (target, place) = first(index)?;
            Some((cluster.plan.cluster.name.clone(), self.site(place, target)))
        });
        found.collect()
    }

    /// Seconds for which a ring proves itself; 0 for every other target.
    pub(crate) fn soak_seconds(&self, target: TargetId) -> u32 {
        match self.plan.work.get(target.index()).map(|work| &work.task) {
            Some(Task::Soak { seconds }) => *seconds,
            _ => 0,
        }
    }

    /// The token of a target's call: the same however often it is taken up again.
    pub(crate) fn token(&self, step: &PlanStep) -> ClientToken {
        let text = client_token(self.run.as_str(), &self.digest, &step.id);
        ClientToken::new(&text).expect("64 letters and digits")
    }

    /// The name of the Job by which a step runs a test suite: the same however often the step is taken up again.
    pub(crate) fn job_name(&self, step: &PlanStep, suite: &Suite) -> String {
        suite.job_name(&[self.run.as_str(), &self.digest, step.id.as_str()])
    }

    /// The cluster as it is, proven to be the one that was planned: its endpoint is that of no other.
    pub(crate) async fn described(&self, site: &Site<'_>) -> Result<ClusterDescription, Failure> {
        let described = self.ports.clusters.cluster(&site.cell, &site.name).await?;
        let (planned, found) = (&site.plan.cluster.endpoint, &described.cluster.endpoint);
        if planned == found {
            return Ok(described);
        }
        let words = format!(
            "cluster {} was planned at {planned}, and is at {found} now: it is another one",
            site.name
        );
        Err(Failure::new(ErrorClass::Permanent, &code::OTHER_CLUSTER, "eks:DescribeCluster", &words))
    }

    fn access(&self, site: &Site<'_>, described: &ClusterDescription) -> Access {
        Access {
            cluster: site.name.to_string(),
            endpoint: described.cluster.endpoint.clone(),
            certificate_authority: described.certificate_authority.clone().unwrap_or_default(),
            tokens: self.ports.reach.tokens(&site.cell, &site.name),
        }
    }

    /// The cluster's own API, to be read.
    pub(crate) fn api(
        &self,
        site: &Site<'_>,
        described: &ClusterDescription,
    ) -> Result<Arc<dyn Kubernetes>, Failure> {
        self.ports.reach.connect(&self.access(site, described))
    }

    /// The cluster's own API, to be changed.
    pub(crate) async fn api_for_changes(
        &self,
        site: &Site<'_>,
        described: &ClusterDescription,
    ) -> Result<Arc<dyn KubernetesChanges>, Failure> {
        self.ports.reach.connect_for_changes(&site.cell, &self.access(site, described)).await
    }

    /// Everything that can be known of the cluster.
    ///
    /// # Errors
    /// It could not be described. What else could not be read is part of the facts.
    pub(crate) async fn facts(&self, site: &Site<'_>, route: &[Hop]) -> Result<Facts, Failure> {
        let described = self.described(site).await?;
        let server = self.api(site, &described);
        let api = match &server {
            Ok(server) => Api::Open(&**server),
            Err(failure) => Api::Unreached(failure),
        };
        let not_asked = |what: &str| Unread { cause: UnreadCause::NotAsked, detail: what.to_owned() };
        let request = ClusterRequest {
            cell: &site.cell,
            name: &site.name,
            route,
            refresh: None,
            manifests: &Fact::NotRead(not_asked("manifests are judged when the upgrade is planned")),
            freeze: &Fact::NotRead(not_asked("freezes hold the run itself up")),
            suites: &site.plan.options.suites,
        };
        let ports = ClusterPorts {
            clusters: &*self.ports.clusters,
            foundations: &*self.ports.foundations,
            machines: &*self.ports.machines,
            groups: &*self.ports.groups,
            clock: &*self.ports.clock,
        };
        Ok(read(ports, request, api, &described).await)
    }

    /// How the cluster was before the run.
    ///
    /// # Errors
    /// It was not kept, or cannot be read.
    pub(crate) async fn baseline(&self, site: &Site<'_>) -> Result<Health, Failure> {
        let lost =
            |what: String| Failure::new(ErrorClass::Permanent, &code::BASELINE_LOST, "baseline", &what);
        let kept = self.ports.artifacts.get(&self.run, &baseline_file(site)).await;
        let kept = kept.map_err(|error| storage(&error))?;
        let bytes =
            kept.ok_or_else(|| lost(format!("{}: nobody kept how it was before the run", site.name)))?;
        serde_json::from_slice(&bytes).map_err(|odd| lost(format!("{}: {odd}", site.name)))
    }

    /// How it was before the run whose last hop is taken back, where this run does that.
    pub(crate) async fn baseline_of_parent(&self, site: &Site<'_>) -> Result<Option<Health>, Failure> {
        let Purpose::WayBack { of, .. } = &self.plan.purpose else { return Ok(None) };
        let Ok(parent) = of.parse::<RunId>() else { return Ok(None) };
        let kept = self.ports.artifacts.get(&parent, &baseline_file(site)).await;
        let kept = kept.map_err(|error| storage(&error))?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Keeps how the cluster is; answers with the digest of what was kept.
    pub(crate) async fn keep_baseline(&self, site: &Site<'_>, health: &Health) -> Result<String, Failure> {
        let bytes = serde_json::to_vec(health).expect("health is plain data");
        let kept = self.ports.artifacts.put(&self.run, &baseline_file(site), &bytes).await;
        kept.map_err(|error| storage(&error))?;
        Ok(Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string");
            text
        }))
    }
}

fn storage(error: &JournalError) -> Failure {
    Failure::new(ErrorClass::Transient, error.code(), "baseline", &error.to_string())
}

/// Where the health of a cluster before the run is kept. Names of clusters are safe segments.
fn baseline_file(site: &Site<'_>) -> String {
    format!("baseline/{}/{}/{}.json", site.cell.zone.account, site.cell.region, site.name)
}
