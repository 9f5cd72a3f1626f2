//! A small cluster that nothing is wrong with.

use std::collections::BTreeMap;

use fleetwright_eks::facts::addons::{Addon, AddonFacts, AddonVersion, CoreDns};
use fleetwright_eks::facts::apis::{ApiFacts, ApiService, CustomResource, HelmFacts, Webhook};
use fleetwright_eks::facts::control_plane::{
    Backup, Cluster, ClusterRole, ControlPlaneFacts, EncryptionKey, Endpoint, Insights, Right, Subnet,
    SupportType, Usage, VersionOffer,
};
use fleetwright_eks::facts::nodes::{
    CniMode, GroupInstance, GroupTemplate, InstanceOffer, LaunchSource, ManagedNodeGroup, NewNodes,
    NodeFacts, SelfManagedGroup, TemplateVersion, UpdateStrategy,
};
use fleetwright_eks::facts::workloads::{Workload, WorkloadFacts};
use fleetwright_eks::{Fact, Facts};
use fleetwright_kubernetes::node::ZONE_LABEL;
use fleetwright_kubernetes::pod::Phase;
use fleetwright_kubernetes::{
    Budget, DisruptionStatus, ImageRef, IntOrPercent, LabelSelector, Labels, Manifests, Minor, Node,
    ObjectMeta, ObjectRef, OwnerReference, Pod, PodDisruptionBudget, Quantity, UnhealthyPodEvictionPolicy,
};
use jiff::Timestamp;

use Fact::Known;

pub(crate) fn now() -> Timestamp {
    time("2025-11-01T12:00:00Z")
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A cluster of this minor version.
pub(crate) fn healthy(minor: u16) -> Facts {
    Facts {
        control_plane: control_plane(Minor::new(minor)),
        apis: apis(),
        addons: addons(Minor::new(minor)),
        nodes: nodes(Minor::new(minor)),
        workloads: workloads(),
    }
}

fn subnets() -> Vec<Subnet> {
    [("subnet-a", "1a"), ("subnet-b", "1b")]
        .map(|(id, zone)| Subnet { id: id.into(), zone: zone.into(), free_addresses: 500 })
        .into()
}

fn control_plane(version: Minor) -> ControlPlaneFacts {
    let cluster = Cluster {
        name: "shop".into(),
        version,
        status: "ACTIVE".into(),
        endpoint: "https://ABC.gr7.eu-central-1.eks.amazonaws.com".into(),
        certificate_authority: "aa11".into(),
        support: SupportType::Standard,
        health_issues: vec![],
        subnet_ids: vec!["subnet-a".into(), "subnet-b".into()],
        security_group_ids: vec!["sg-1".into()],
        audit_logging: true,
        on_outpost: false,
        auto_mode: false,
    };
    let offer = |number| VersionOffer {
        version: Minor::new(number),
        supported: true,
        standard_support_ends: time("2026-07-29T00:00:00Z"),
        extended_support_ends: time("2027-07-29T00:00:00Z"),
    };
    let right = |action: &str| Right { action: action.into(), on: "cluster/shop".into(), allowed: true };
    let endpoint = Endpoint {
        address: "https://abc.gr7.eu-central-1.eks.amazonaws.com/".into(),
        certificate_authority: "AA11".into(),
        version,
    };
    let backup =
        Backup { name: "nightly".into(), completed_at: time("2025-11-01T02:00:00Z"), complete: true };
    ControlPlaneFacts {
        cluster: Known(cluster),
        offers: Known((31..=37).map(offer).collect()),
        updates_in_progress: Known(vec![]),
        upgraded_at: Known(None),
        rollback_blockers: Known(vec![]),
        endpoint: Known(endpoint),
        rights: Known(vec![right("eks:UpdateClusterVersion")]),
        cluster_rights: Known(vec![right("patch nodepools.karpenter.sh")]),
        subnets: Known(subnets()),
        security_groups: Known(vec!["sg-1".into()]),
        role: Known(Some(ClusterRole { name: "shop-cluster".into(), trusts_eks: true })),
        key: Known(Some(EncryptionKey { id: "key-1".into(), state: "Enabled".into() })),
        network_interfaces: Known(Usage { used: 100, quota: 5000 }),
        insights: Known(Insights { refreshed_at: time("2025-11-01T11:00:00Z"), list: vec![] }),
        managed_by: Known(vec![]),
        freeze: Known(None),
        backup: Known(Some(backup)),
    }
}

fn apis() -> ApiFacts {
    let webhook = Webhook {
        configuration: ObjectRef {
            kind: "ValidatingWebhookConfiguration".into(),
            namespace: String::new(),
            name: "policy".into(),
        },
        name: "check.policy.example".into(),
        fails_closed: true,
        resources: vec!["deployments".into()],
        spares_kube_system: true,
        timeout_seconds: 5,
        ca_expires_at: Known(Some(time("2027-01-01T00:00:00Z"))),
        endpoint_nodes: Some(vec!["node-a".into(), "node-b".into()]),
    };
    ApiFacts {
        live: Known(vec![]),
        managed_fields: Known(vec![]),
        last_applied: Known(vec![]),
        helm: Known(HelmFacts::default()),
        manifests: Known(Manifests::default()),
        callers: Known(vec![]),
        clients: Known(vec![]),
        custom_resources: Known(vec![CustomResource {
            name: "shops.example.com".into(),
            stored_versions: vec!["v1".into()],
            served_versions: vec!["v1".into()],
            conversion_endpoints: Some(2),
        }]),
        rules: Known(vec![]),
        policies: Known(vec![]),
        fields: Known(vec![]),
        webhooks: Known(vec![webhook]),
        api_services: Known(vec![ApiService {
            name: "v1beta1.metrics.k8s.io".into(),
            available: true,
            message: String::new(),
        }]),
    }
}

pub(crate) fn addon(name: &str, version: &str, of: impl IntoIterator<Item = u16>) -> Addon {
    let offer = |minor| (Minor::new(minor), vec![AddonVersion { version: version.into(), default: true }]);
    Addon {
        name: name.into(),
        version: version.into(),
        status: "ACTIVE".into(),
        health_issues: vec![],
        offers: Known(of.into_iter().map(offer).collect::<BTreeMap<_, _>>()),
        configuration: Known(Default::default()),
        changed_fields: Known(vec![]),
        needs_permissions: true,
        has_role: true,
    }
}

fn addons(minor: Minor) -> AddonFacts {
    AddonFacts {
        addons: Known(vec![addon("vpc-cni", "v1.20.4-eksbuild.2", 31..=37)]),
        software: Known(vec![]),
        kube_proxy: Known(ImageRef::parse(&format!("eks/kube-proxy:v{minor}.1-eksbuild.1"))),
        core_dns: Known(Some(CoreDns { replicas: 2, has_budget: true, plugins_known: true })),
        self_managed: Known(vec![]),
    }
}

pub(crate) fn node(name: &str, zone: &str, minor: Minor) -> Node {
    let mut metadata = ObjectMeta::named("", name);
    metadata.labels.insert(ZONE_LABEL.into(), zone.into());
    Node {
        metadata,
        kubelet: minor,
        ready: true,
        unschedulable: false,
        pressures: vec![],
        taints: vec![],
        allocatable: [("cpu".into(), Quantity::units(4)), ("pods".into(), Quantity::units(58))].into(),
        os_image: "Amazon Linux 2023.9.20251014".into(),
        operating_system: "linux".into(),
        container_runtime: "containerd://2.1.4".into(),
        provider_id: format!("aws:///{zone}/i-{name}"),
    }
}

/// A group of one's own with these nodes of that version, whose launch template has a version for each of Kubernetes:
/// the number of the one is that of the other.
pub(crate) fn own_group(name: &str, nodes: &[&str], minor: Minor) -> SelfManagedGroup {
    let version = |number: u16| TemplateVersion {
        number: number.into(),
        is_default: number == minor.number(),
        image: Some(format!("ami-{number}")),
        minor: Some(Minor::new(number)),
        instance_type: Some("m7i.xlarge".into()),
        spot: false,
        kubelet_flags: Some(vec!["--max-pods".into()]),
    };
    let instance = |node: &&str| GroupInstance {
        id: format!("i-{node}"),
        template_version: Some(minor.number().into()),
        protected: false,
    };
    let template = GroupTemplate {
        id: format!("lt-{name}"),
        selected: "$Default".into(),
        mixed: None,
        versions: Known((28..=38).rev().map(version).collect()),
    };
    SelfManagedGroup {
        name: name.into(),
        desired: nodes.len() as u32,
        source: LaunchSource::Template(template),
        suspended: vec!["AZRebalance".into()],
        refreshing: Known(false),
        instances: nodes.iter().map(instance).collect(),
        new_nodes: new_nodes(),
    }
}

fn new_nodes() -> NewNodes {
    let zones = || vec!["1a".to_owned(), "1b".to_owned()];
    NewNodes {
        subnet_ids: vec!["subnet-a".into(), "subnet-b".into()],
        zones: zones(),
        instance_types: Known(vec![InstanceOffer { instance_type: "m7i.xlarge".into(), zones: zones() }]),
        vcpus: Known(4),
        vcpu_quotas: vec!["On-Demand Standard".into()],
        pods_per_node: Known(20),
    }
}

fn nodes(minor: Minor) -> NodeFacts {
    let group = ManagedNodeGroup {
        name: "blue".into(),
        version: minor,
        status: "ACTIVE".into(),
        health_issues: vec![],
        ami_type: "AL2023_x86_64_STANDARD".into(),
        target_image: Known(true),
        nodes: 2,
        max_nodes: 4,
        max_unavailable: IntOrPercent::Count(1),
        strategy: UpdateStrategy::Default,
        pending_launch_template: Known(false),
        new_nodes: new_nodes(),
    };
    NodeFacts {
        nodes: Known(vec![node("node-a", "1a", minor), node("node-b", "1b", minor)]),
        managed: Known(vec![group]),
        self_managed: Known(vec![own_group("batch", &["node-a", "node-b"], minor)]),
        pools: Known(vec![]),
        proxy_mode: Known("iptables".into()),
        kubelet_flags: Known(vec![]),
        cgroup_v1: Known(vec![]),
        cni: Known(CniMode::Addresses { per_interface: 15, warm_addresses: None, minimum_addresses: 0 }),
        subnets: Known(subnets()),
        pod_subnets: Known(vec![]),
        vcpu_quotas: Known(vec![("On-Demand Standard".into(), Usage { used: 8, quota: 128 })]),
        volume_quotas: Known(vec![("gp3".into(), Usage { used: 1, quota: 50 })]),
    }
}

fn web() -> Labels {
    [("app".to_owned(), "web".to_owned())].into()
}

fn pod(name: &str, node: &str) -> Pod {
    let owner = OwnerReference { kind: "ReplicaSet".into(), name: "web-1".into(), controller: true };
    let metadata =
        ObjectMeta { labels: web(), owner_references: vec![owner], ..ObjectMeta::named("shop", name) };
    Pod {
        metadata,
        node: Some(node.into()),
        phase: Phase::Running,
        ready: true,
        requests: [("cpu".into(), Quantity::milli(500))].into(),
        ..Pod::default()
    }
}

fn workloads() -> WorkloadFacts {
    let budget = Budget::MaxUnavailable(IntOrPercent::Count(1));
    WorkloadFacts {
        pods: Known(vec![pod("web-a", "node-a"), pod("web-b", "node-b")]),
        budgets: Known(vec![PodDisruptionBudget {
            metadata: ObjectMeta::named("shop", "web"),
            selector: Some(LabelSelector::label("app", "web")),
            budget: Some(budget),
            unhealthy_pod_eviction_policy: UnhealthyPodEvictionPolicy::IfHealthyBudget,
            status: DisruptionStatus::count(Some(budget), 2, 2, 2),
        }]),
        workloads: Known(vec![Workload {
            kind: "Deployment".into(),
            metadata: ObjectMeta::named("shop", "web"),
            replicas: 2,
            recreates: false,
            pod_labels: web(),
            min_ready_seconds: 0,
        }]),
        namespaces: Known([("shop".to_owned(), Labels::new())].into()),
        jobs: Known(vec![]),
        tight: Known(vec![]),
        suites: Known(Default::default()),
    }
}
