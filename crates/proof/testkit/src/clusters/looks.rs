use async_trait::async_trait;
use fleetwright_eks::facts::addons::AddonVersion;
use fleetwright_eks::facts::apis::DeprecatedUse;
use fleetwright_eks::facts::control_plane::{
    Cluster, Insight, InsightCategory, InsightStatus, Insights, SupportType, VersionOffer,
};
use fleetwright_eks::facts::nodes::UpdateStrategy;
use fleetwright_kubernetes::{IntOrPercent, Minor};
use fleetwright_model::{Cell, Failure, Partial};
use fleetwright_ports::Clusters;
use fleetwright_ports::clusters::{
    AddonDescription, AddonOffer, ClusterDescription, ClusterName, NodeGroupDescription, Refresh, Update,
};
use jiff::{SignedDuration, Timestamp};

use super::{FakeCluster, State, Subject};

/// Minor versions that are known, the one that comes out now, and how long after one the next follows.
const KNOWN: std::ops::RangeInclusive<u16> = 28..=37;
const NOW_OUT: u16 = 37;
const BETWEEN: SignedDuration = SignedDuration::from_hours(122 * 24);
/// How long each version is supported, in standard and in extended support together.
const SUPPORTED_FOR: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(420 * 24), SignedDuration::from_hours(785 * 24));

impl State {
    fn status(&self, of: &Subject) -> String {
        if self.is_updating(of) { "UPDATING" } else { "ACTIVE" }.to_owned()
    }

    fn offers(&self, addon: &str, minor: Minor) -> Vec<AddonVersion> {
        let known = self.addons.get(addon).into_iter().flat_map(|addon| &addon.offers);
        let fitting = known.filter(|(_, span)| span.contains(&minor.number()));
        fitting
            .enumerate()
            .map(|(nth, (version, _))| AddonVersion { version: version.clone(), default: nth == 0 })
            .collect()
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[async_trait]
impl Clusters for FakeCluster {
    async fn clusters(&self, _: &Cell<'_>) -> Partial<ClusterName> {
        match self.read("eks:ListClusters", &self.name) {
            Ok(_) => Partial { items: vec![self.name.clone()], failure: None },
            Err(failure) => Partial { items: Vec::new(), failure: Some(failure) },
        }
    }

    async fn cluster(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<ClusterDescription, Failure> {
        let state = self.read("eks:DescribeCluster", name)?;
        Ok(ClusterDescription {
            cluster: Cluster {
                name: name.to_string(),
                version: state.version,
                status: state.status(&Subject::Cluster),
                endpoint: format!("https://{name}.example"),
                certificate_authority: "0".repeat(64),
                support: SupportType::Extended,
                health_issues: Vec::new(),
                subnet_ids: vec!["subnet-00000000000000001".to_owned()],
                security_group_ids: vec!["sg-00000000000000001".to_owned()],
                audit_logging: true,
                on_outpost: false,
                auto_mode: false,
            },
            certificate_authority: None,
            role: format!("arn:aws:iam::{}:role/{name}", cell.zone.account),
            key: None,
            tags: Default::default(),
        })
    }

    async fn versions(&self, _: &Cell<'_>) -> Result<Vec<VersionOffer>, Failure> {
        drop(self.read("eks:DescribeClusterVersions", &self.name)?);
        let now = self.clock.now();
        let offer = |number: u16| {
            let age = BETWEEN.saturating_mul(i32::from(NOW_OUT) - i32::from(number));
            let left = SUPPORTED_FOR.1.saturating_sub(age);
            VersionOffer {
                version: Minor::new(number),
                supported: left.is_positive(),
                standard_support_ends: later(now, SUPPORTED_FOR.0.saturating_sub(age)),
                extended_support_ends: later(now, left),
            }
        };
        Ok(KNOWN.rev().map(offer).collect())
    }

    async fn updates(&self, _: &Cell<'_>, name: &ClusterName) -> Result<Vec<Update>, Failure> {
        let state = self.read("eks:ListUpdates", name)?;
        let own = state.updates.iter().filter(|it| it.of == Subject::Cluster);
        Ok(own.map(|it| it.shown.clone()).collect())
    }

    async fn insights(&self, _: &Cell<'_>, name: &ClusterName) -> Result<Insights, Failure> {
        let state = self.read("eks:ListInsights", name)?;
        let insight = Insight {
            id: "skew".to_owned(),
            name: "Kubelet version skew".to_owned(),
            category: InsightCategory::UpgradeReadiness,
            version: Some(state.version.next()),
            status: InsightStatus::Passing,
            reason: String::new(),
        };
        Ok(Insights { refreshed_at: self.clock.now(), list: vec![insight] })
    }

    async fn deprecated_uses(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
        _: &str,
    ) -> Result<Vec<DeprecatedUse>, Failure> {
        self.read("eks:DescribeInsight", name).map(|_| Vec::new())
    }

    async fn refresh_insights(&self, _: &Cell<'_>, name: &ClusterName) -> Result<(), Failure> {
        self.read("eks:StartInsightsRefresh", name).map(drop)
    }

    async fn refresh(&self, _: &Cell<'_>, name: &ClusterName) -> Result<Refresh, Failure> {
        self.read("eks:DescribeInsightsRefresh", name).map(|_| Refresh::Completed)
    }

    async fn addons(&self, _: &Cell<'_>, name: &ClusterName) -> Result<Vec<AddonDescription>, Failure> {
        let state = self.read("eks:DescribeAddon", name)?;
        let described = state.addons.iter().map(|(name, addon)| AddonDescription {
            name: name.clone(),
            version: addon.version.clone(),
            status: state.status(&Subject::Addon(name.clone())),
            health_issues: Vec::new(),
            configuration: None,
            has_role: true,
        });
        Ok(described.collect())
    }

    async fn addon_offer(&self, _: &Cell<'_>, addon: &str, minor: Minor) -> Result<AddonOffer, Failure> {
        let state = self.read("eks:DescribeAddonVersions", &self.name)?;
        Ok(AddonOffer { versions: state.offers(addon, minor), needs_permissions: false })
    }

    async fn addon_schema(&self, _: &Cell<'_>, _: &str, _: &str) -> Result<serde_json::Value, Failure> {
        self.read("eks:DescribeAddonConfiguration", &self.name).map(|_| serde_json::json!({}))
    }

    async fn node_groups(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
    ) -> Result<Vec<NodeGroupDescription>, Failure> {
        let state = self.read("eks:DescribeNodegroup", name)?;
        let described = state.groups.iter().map(|(name, version)| NodeGroupDescription {
            name: name.clone(),
            version: *version,
            release: format!("{version}.1-20260801"),
            status: state.status(&Subject::NodeGroup(name.clone())),
            health_issues: Vec::new(),
            ami_type: "AL2023_x86_64_STANDARD".to_owned(),
            nodes: (2, 4),
            max_unavailable: IntOrPercent::Count(1),
            strategy: UpdateStrategy::Default,
            subnet_ids: vec!["subnet-00000000000000001".to_owned()],
            instance_types: vec!["m6i.large".to_owned()],
            spot: false,
            launch_template: None,
            scaling_groups: vec![format!("eks-{name}")],
        });
        Ok(described.collect())
    }
}
