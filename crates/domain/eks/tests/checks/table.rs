//! The table: for every check a change that it finds, and a fact that it cannot do without.

use std::collections::BTreeSet;

use fleetwright_eks::checks::catalogue;
use fleetwright_eks::facts::addons::Software;
use fleetwright_eks::facts::apis::{ApiUse, Caller, DroppedField, FieldUse};
use fleetwright_eks::facts::control_plane::{Insight, InsightCategory, InsightStatus, Usage};
use fleetwright_eks::facts::nodes::{KubeletFlag, LaunchSource, NodePool};
use fleetwright_eks::facts::workloads::RunningJob;
use fleetwright_eks::{Fact, Facts, UnreadCause, Verdict};
use fleetwright_kubernetes::pod::{Binding, Volume};
use fleetwright_kubernetes::{
    Budget, DisruptionStatus, GroupVersionKind, ImageRef, IntOrPercent, Manifests, Minor, ObjectMeta,
    ObjectRef, Quantity, Toleration,
};

use super::world::{healthy, now, time};
use super::{hide, of, one_hop, verdict};

/// A check's code, the minor it is asked from, what makes it find something, what the finding's subject and what it
/// says contain, and what hides a fact from it.
type Case = (&'static str, u16, fn(&mut Facts), &'static str, &'static str, fn(&mut Facts));

const FLOW: &str = "flowcontrol.apiserver.k8s.io/v1beta3";

fn flow_schema(by: &str) -> ApiUse {
    ApiUse { api: GroupVersionKind::new(FLOW, "FlowSchema").expect("an API"), by: by.into() }
}

fn insight(facts: &mut Facts, category: InsightCategory) {
    of(&mut facts.control_plane.insights).list.push(Insight {
        id: "deprecated".into(),
        name: "Deprecated APIs".into(),
        category,
        version: None,
        status: InsightStatus::Error,
        reason: "found".into(),
    });
}

fn pool(auto_mode: bool) -> NodePool {
    NodePool {
        name: "general".into(),
        auto_mode,
        image_family: "AL2023".into(),
        pinned_images: false,
        held: false,
        budget: IntOrPercent::Percent(0),
        vcpus_left: None,
    }
}

fn volume(facts: &mut Facts, volume: Volume) {
    of(&mut facts.workloads.pods)[0].volumes.push(volume);
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("EKS-V1", 33, |f| of(&mut f.control_plane.offers).retain(|offer| offer.version != Minor::new(34)),
        "1.34", "does not offer", |f| hide(&mut f.control_plane.offers)),
    ("EKS-V2", 33, |f| of(&mut f.control_plane.offers).iter_mut().for_each(|offer| offer.standard_support_ends = now()),
        "shop", "extended support", |f| hide(&mut f.control_plane.offers)),
    ("EKS-V3", 33, |f| of(&mut f.control_plane.offers).iter_mut().for_each(|offer| offer.standard_support_ends = time("2025-12-01T00:00:00Z")),
        "shop", "by itself", |f| hide(&mut f.control_plane.cluster)),
    ("EKS-V4", 33, |f| of(&mut f.control_plane.cluster).status = "UPDATING".into(),
        "shop", "not active", |f| hide(&mut f.control_plane.updates_in_progress)),
    ("EKS-V5", 33, |f| of(&mut f.control_plane.endpoint).certificate_authority = "bb22".into(),
        "shop", "certificate authority", |f| hide(&mut f.control_plane.endpoint)),
    ("EKS-V6", 33, |f| of(&mut f.control_plane.cluster).on_outpost = true,
        "shop", "Outpost", |f| hide(&mut f.control_plane.cluster)),
    ("EKS-V7", 33, |f| of(&mut f.control_plane.rights)[0].allowed = false,
        "eks:UpdateClusterVersion", "may not", |f| hide(&mut f.control_plane.rights)),
    ("EKS-C1", 33, |f| of(&mut f.control_plane.cluster).health_issues.push("Ec2SubnetNotFound".into()),
        "shop", "health issue", |f| hide(&mut f.control_plane.cluster)),
    ("EKS-C2", 33, |f| of(&mut f.control_plane.subnets).iter_mut().for_each(|subnet| subnet.free_addresses = 2),
        "shop", "4 addresses are free", |f| hide(&mut f.control_plane.subnets)),
    ("EKS-C3", 33, |f| of(&mut f.control_plane.security_groups).clear(),
        "sg-1", "security group", |f| hide(&mut f.control_plane.security_groups)),
    ("EKS-C4", 33, |f| *of(&mut f.control_plane.role) = None,
        "cluster role", "does not exist", |f| hide(&mut f.control_plane.role)),
    ("EKS-C5", 33, |f| of(&mut f.control_plane.key).as_mut().expect("a key").state = "PendingDeletion".into(),
        "key-1", "cannot be used", |f| hide(&mut f.control_plane.key)),
    ("EKS-C6", 33, |f| of(&mut f.control_plane.network_interfaces).used = 4998,
        "network interfaces", "2 network interfaces", |f| hide(&mut f.control_plane.network_interfaces)),
    ("EKS-C7", 33, |f| insight(f, InsightCategory::UpgradeReadiness),
        "Deprecated APIs", "ERROR", |f| hide(&mut f.control_plane.insights)),
    ("EKS-C8", 33, |f| insight(f, InsightCategory::Misconfiguration),
        "Deprecated APIs", "ERROR", |f| hide(&mut f.control_plane.insights)),
    ("EKS-C9", 33, |f| of(&mut f.control_plane.cluster).audit_logging = false,
        "shop", "audit log", |f| hide(&mut f.control_plane.cluster)),
    ("EKS-C10", 33, |f| f.control_plane.endpoint = Fact::unread(UnreadCause::Failed, "timed out"),
        "endpoint", "does not answer", |f| hide(&mut f.control_plane.endpoint)),
    ("EKS-C11", 33, |f| insight(f, InsightCategory::RollbackReadiness),
        "Deprecated APIs", "way back", |f| hide(&mut f.control_plane.insights)),
    ("EKS-A1", 31, |f| of(&mut f.apis.live).push(flow_schema("FlowSchema slow")),
        "FlowSchema slow", "move to flowcontrol.apiserver.k8s.io/v1, served since 1.29", |f| hide(&mut f.apis.live)),
    ("EKS-A2", 31, |f| of(&mut f.apis.managed_fields).push(flow_schema("manager helm")),
        "manager helm", "not served from 1.32", |f| hide(&mut f.apis.managed_fields)),
    ("EKS-A3", 31, |f| of(&mut f.apis.last_applied).push(flow_schema("FlowSchema slow")),
        "FlowSchema slow", "not served from 1.32", |f| hide(&mut f.apis.last_applied)),
    ("EKS-A4", 31, |f| of(&mut f.apis.helm).releases.push(super::special::release(FLOW)),
        "Helm release shop/web (web 1.0.0): FlowSchema slow", "not served from 1.32", |f| hide(&mut f.apis.helm)),
    ("EKS-A5", 31, |f| *of(&mut f.apis.manifests) = Manifests::read("flow.yaml", &format!("kind: FlowSchema\napiVersion: {FLOW}\n")),
        "flow.yaml:2", "not served from 1.32", |f| hide(&mut f.apis.manifests)),
    ("EKS-A6", 31, |f| of(&mut f.apis.clients).push(Caller { api: flow_schema("").api, user_agent: "old/1".into(), last_request: Some(now()), requests: Some(3) }),
        "old/1", "not served from 1.32", |f| hide(&mut f.apis.clients)),
    ("EKS-A7", 30, |f| of(&mut f.apis.live).push(flow_schema("FlowSchema slow")),
        "FlowSchema slow", "deprecated since 1.29 and goes in 1.32", |f| hide(&mut f.apis.live)),
    ("EKS-A8", 33, |f| of(&mut f.apis.custom_resources)[0].stored_versions.push("v1alpha1".into()),
        "shops.example.com", "v1alpha1, which is not served", |f| hide(&mut f.apis.custom_resources)),
    ("EKS-A9", 31, |f| of(&mut f.apis.rules).push(flow_schema("ClusterRole flow")),
        "ClusterRole flow", "not served from 1.32", |f| hide(&mut f.apis.rules)),
    ("EKS-A10", 33, |f| of(&mut f.apis.fields).push(FieldUse { field: DroppedField::Endpoints, object: ObjectRef { kind: "Endpoints".into(), namespace: "shop".into(), name: "old".into() } }),
        "Endpoints shop/old", "deprecated since 1.33", |f| hide(&mut f.apis.fields)),
    ("EKS-A11", 31, |f| of(&mut f.apis.policies).push(flow_schema("policy no-flow")),
        "policy no-flow", "not served from 1.32", |f| hide(&mut f.apis.policies)),
    ("EKS-W1", 33, |f| of(&mut f.apis.webhooks)[0].endpoint_nodes = Some(vec![]),
        "check.policy.example", "no endpoint", |f| hide(&mut f.apis.webhooks)),
    ("EKS-W2", 33, |f| of(&mut f.apis.webhooks)[0].resources.push("pods/eviction".into()),
        "check.policy.example", "what a drain does", |f| hide(&mut f.apis.webhooks)),
    ("EKS-W3", 33, |f| of(&mut f.apis.api_services)[0].available = false,
        "v1beta1.metrics.k8s.io", "does not answer", |f| hide(&mut f.apis.api_services)),
    ("EKS-W4", 33, |f| of(&mut f.apis.webhooks)[0].ca_expires_at = Fact::Known(Some(time("2025-11-05T00:00:00Z"))),
        "check.policy.example", "runs out", |f| hide(&mut f.apis.webhooks)),
    ("EKS-W5", 33, |f| of(&mut f.apis.webhooks)[0].endpoint_nodes = Some(vec!["node-a".into(), "node-a".into()]),
        "check.policy.example", "on one node", |f| hide(&mut f.apis.webhooks)),
    ("EKS-D1", 33, |f| { of(&mut of(&mut f.addons.addons)[0].offers).remove(&Minor::new(34)); },
        "add-on vpc-cni", "no version for 1.34", |f| hide(&mut of(&mut f.addons.addons)[0].offers)),
    ("EKS-D2", 33, |f| of(&mut f.addons.addons)[0].status = "DEGRADED".into(),
        "add-on vpc-cni", "not active", |f| hide(&mut f.addons.addons)),
    ("EKS-D3", 33, |f| { of(&mut of(&mut f.addons.addons)[0].configuration).faults.insert("env.FOO".into()); },
        "add-on vpc-cni", "does not fit", |f| hide(&mut of(&mut f.addons.addons)[0].configuration)),
    ("EKS-D4", 33, |f| of(&mut of(&mut f.addons.addons)[0].changed_fields).push("spec.template".into()),
        "add-on vpc-cni", "changed a field", |f| hide(&mut of(&mut f.addons.addons)[0].changed_fields)),
    ("EKS-D5", 33, |f| of(&mut f.addons.addons)[0].version = "v1.18.0-eksbuild.1".into(),
        "add-on vpc-cni", "several minor versions", |f| hide(&mut f.addons.addons)),
    ("EKS-D6", 33, |f| *of(&mut f.addons.kube_proxy) = ImageRef::parse("eks/kube-proxy:v1.30.0"),
        "kube-proxy", "at least 1.31", |f| hide(&mut f.addons.kube_proxy)),
    ("EKS-D7", 33, |f| of(&mut f.addons.core_dns).as_mut().expect("CoreDNS").replicas = 1,
        "CoreDNS", "no replica to spare", |f| hide(&mut f.addons.core_dns)),
    ("EKS-D8", 33, |f| of(&mut f.addons.self_managed).push("coredns".into()),
        "coredns", "without being managed", |f| hide(&mut f.addons.self_managed)),
    ("EKS-D9", 33, |f| of(&mut f.addons.addons)[0].has_role = false,
        "add-on vpc-cni", "no role", |f| hide(&mut f.addons.addons)),
    ("EKS-D10", 33, |f| of(&mut of(&mut f.addons.addons)[0].offers).get_mut(&Minor::new(34)).expect("offered")[0].version = "v1.21.0-eksbuild.1".into(),
        "add-on vpc-cni", "no version serves 1.33 and 1.34", |f| hide(&mut of(&mut f.addons.addons)[0].offers)),
    ("EKS-D11", 33, |f| of(&mut f.addons.software).push(Software { name: "karpenter".into(), version: (1, 5, 9) }),
        "karpenter", "at least 1.6.0", |f| hide(&mut f.addons.software)),
    ("EKS-N1", 33, |f| of(&mut f.nodes.nodes)[0].kubelet = Minor::new(30),
        "node node-a", "at least 1.31", |f| hide(&mut f.nodes.nodes)),
    ("EKS-N2", 33, |f| of(&mut f.nodes.managed)[0].status = "DEGRADED".into(),
        "node group blue", "not active", |f| hide(&mut f.nodes.managed)),
    ("EKS-N3", 33, |f| of(&mut f.nodes.managed)[0].ami_type = "AL2_x86_64".into(),
        "node group blue", "Amazon Linux 2", |f| hide(&mut f.nodes.managed)),
    ("EKS-N4", 33, |f| of(&mut f.nodes.managed)[0].target_image = Fact::Known(false),
        "node group blue", "no image for 1.34", |f| hide(&mut of(&mut f.nodes.managed)[0].target_image)),
    ("EKS-N5", 34, |f| of(&mut f.nodes.kubelet_flags).push(KubeletFlag { flag: "--pod-infra-container-image".into(), by: "template lt-1".into() }),
        "template lt-1", "does not know the flag", |f| hide(&mut f.nodes.cgroup_v1)),
    ("EKS-N6", 34, |f| *of(&mut f.nodes.proxy_mode) = "ipvs".into(),
        "kube-proxy", "ipvs", |f| hide(&mut f.nodes.proxy_mode)),
    ("EKS-N6b", 35, |f| volume(f, Volume::GitRepo),
        "Pod shop/web-a", "gitRepo", |f| hide(&mut f.workloads.pods)),
    ("EKS-N7", 33, |f| of(&mut f.nodes.managed)[0].pending_launch_template = Fact::Known(true),
        "node group blue", "launch template", |f| hide(&mut of(&mut f.nodes.managed)[0].pending_launch_template)),
    ("EKS-N8", 33, |f| of(&mut f.nodes.self_managed)[0].source = LaunchSource::Configuration,
        "Auto Scaling group batch", "launch configuration", |f| hide(&mut f.nodes.self_managed)),
    ("EKS-N9", 33, |f| { let node = &mut of(&mut f.nodes.nodes)[0]; node.kubelet = Minor::new(32); node.metadata.labels.insert("eks.amazonaws.com/compute-type".into(), "fargate".into()); },
        "node node-a", "Fargate", |f| hide(&mut f.nodes.nodes)),
    ("EKS-N10", 33, |f| of(&mut f.nodes.pools).push(pool(false)),
        "node pool general", "no node drift", |f| hide(&mut f.nodes.pools)),
    ("EKS-N11", 33, |f| of(&mut f.nodes.pools).push(pool(true)),
        "node pool general", "Auto Mode", |f| hide(&mut f.nodes.pools)),
    ("EKS-N12", 33, |f| of(&mut f.nodes.nodes)[0].operating_system = "windows".into(),
        "node node-a", "Windows", |f| hide(&mut f.nodes.nodes)),
    ("EKS-N13", 33, |f| of(&mut f.nodes.nodes)[0].ready = false,
        "node node-a", "not ready", |f| hide(&mut f.nodes.nodes)),
    ("EKS-N14", 33, |f| of(&mut f.nodes.self_managed)[0].suspended.push("Launch".into()),
        "Auto Scaling group batch", "suspended", |f| hide(&mut f.nodes.self_managed)),
    ("EKS-N15", 33, |f| of(&mut f.nodes.managed)[0].max_unavailable = IntOrPercent::Percent(100),
        "node group blue", "all nodes", |f| hide(&mut f.nodes.managed)),
    ("EKS-K1", 33, |f| of(&mut f.nodes.subnets).iter_mut().for_each(|subnet| subnet.free_addresses = 50),
        "node group blue", "4 new nodes take up to 180 addresses, 100 are free", |f| hide(&mut f.nodes.cni)),
    ("EKS-K2", 33, |f| { let mut subnet = of(&mut f.nodes.subnets)[0].clone(); subnet.free_addresses = 10; of(&mut f.nodes.pod_subnets).push(subnet); },
        "node group blue", "pods of new nodes", |f| hide(&mut f.nodes.pod_subnets)),
    ("EKS-K3", 33, |f| of(&mut f.nodes.vcpu_quotas)[0].1 = Usage { used: 120, quota: 128 },
        "node group blue", "16 vCPUs, 8 are left", |f| hide(&mut f.nodes.vcpu_quotas)),
    ("EKS-K4", 33, |f| of(&mut f.nodes.volume_quotas)[0].1 = Usage { used: 49, quota: 50 },
        "gp3", "90 %", |f| hide(&mut f.nodes.volume_quotas)),
    ("EKS-K5", 33, |f| { of(&mut of(&mut f.nodes.managed)[0].new_nodes.instance_types)[0].zones.pop(); },
        "node group blue", "1b offers none", |f| hide(&mut of(&mut f.nodes.managed)[0].new_nodes.instance_types)),
    ("EKS-K6", 33, |f| { of(&mut f.workloads.pods)[0].requests.insert("cpu".into(), Quantity::milli(3800)); },
        "node node-a", "no room elsewhere when the node is gone, for pods: 1", |f| hide(&mut f.workloads.pods)),
    ("EKS-P1", 33, |f| of(&mut f.workloads.budgets)[0].status = DisruptionStatus::count(Some(Budget::MaxUnavailable(IntOrPercent::Count(0))), 2, 2, 2),
        "PodDisruptionBudget shop/web", "never lets a pod go", |f| hide(&mut f.workloads.budgets)),
    ("EKS-P2", 33, |f| { let twice = of(&mut f.workloads.budgets)[0].clone(); of(&mut f.workloads.budgets).push(twice); },
        "Pod shop/web-a", "several budgets", |f| hide(&mut f.workloads.pods)),
    ("EKS-P3", 33, |f| { of(&mut f.workloads.pods)[0].ready = false; of(&mut f.workloads.budgets)[0].status.current_healthy = 0; },
        "Pod shop/web-a", "not ready anyway", |f| hide(&mut f.workloads.budgets)),
    ("EKS-P4", 33, |f| of(&mut f.workloads.budgets).clear(),
        "Deployment shop/web", "no budget", |f| hide(&mut f.workloads.workloads)),
    ("EKS-P5", 33, |f| of(&mut f.workloads.workloads)[0].replicas = 1,
        "Deployment shop/web", "only pod", |f| hide(&mut f.workloads.workloads)),
    ("EKS-P6", 33, |f| volume(f, Volume::Claim { name: "data".into(), bound_to: Binding::Zones(vec!["1a".into()]) }),
        "Pod shop/web-a", "zone of its volume: 1a", |f| hide(&mut f.workloads.pods)),
    ("EKS-P7", 33, |f| of(&mut f.workloads.pods)[0].grace_seconds = 901,
        "Pod shop/web-a", "longer to end", |f| hide(&mut f.workloads.pods)),
    ("EKS-P8", 33, |f| of(&mut f.workloads.pods)[0].metadata.owner_references.clear(),
        "Pod shop/web-a", "nothing makes the pod again", |f| hide(&mut f.workloads.pods)),
    ("EKS-P9", 33, |f| of(&mut f.workloads.pods)[0].tolerations.push(Toleration::everything()),
        "Pod shop/web-a", "every taint", |f| hide(&mut f.workloads.pods)),
    ("EKS-P10", 33, |f| { of(&mut f.workloads.pods)[0].node_selector.insert("disk".into(), "fast".into()); },
        "Pod shop/web-a", "when node-a is gone", |f| hide(&mut f.workloads.namespaces)),
    ("EKS-P11", 33, |f| of(&mut f.workloads.pods)[0].readiness_probe = false,
        "Deployment shop/web", "readiness probe", |f| hide(&mut f.workloads.workloads)),
    ("EKS-P12", 33, |f| of(&mut f.workloads.jobs).push(RunningJob { metadata: ObjectMeta::named("shop", "migrate"), started_at: time("2025-11-01T08:00:00Z") }),
        "Job shop/migrate", "run for long", |f| hide(&mut f.workloads.jobs)),
    ("EKS-P13", 33, |f| { of(&mut f.workloads.pods)[0].metadata.annotations.insert("karpenter.sh/do-not-disrupt".into(), "true".into()); },
        "Pod shop/web-a", "not to be moved", |f| hide(&mut f.workloads.pods)),
    ("EKS-P14", 33, |f| volume(f, Volume::HostPath("/var/run/docker.sock".into())),
        "Pod shop/web-a", "Docker", |f| hide(&mut f.workloads.pods)),
    ("EKS-P15", 33, |f| of(&mut f.workloads.pods)[0].crash_looping = true,
        "Pod shop/web-a", "keeps failing", |f| hide(&mut f.workloads.pods)),
    ("EKS-P16", 33, |f| of(&mut f.workloads.tight).push("ResourceQuota shop/limits".into()),
        "ResourceQuota shop/limits", "no room", |f| hide(&mut f.workloads.tight)),
    ("EKS-R1", 33, |f| *of(&mut f.control_plane.backup) = None,
        "backup", "there is no backup", |f| hide(&mut f.control_plane.backup)),
    ("EKS-R2", 33, |f| of(&mut f.control_plane.rollback_blockers).push("feature".into()),
        "shop", "forbids a rollback", |f| hide(&mut f.control_plane.cluster)),
    ("EKS-R3", 33, |f| of(&mut f.control_plane.managed_by).push("Terraform".into()),
        "Terraform", "described elsewhere", |f| hide(&mut f.control_plane.managed_by)),
    ("EKS-R5", 33, |f| *of(&mut f.control_plane.freeze) = Some("year end".into()),
        "year end", "a freeze holds", |f| hide(&mut f.control_plane.freeze)),
];

#[test]
fn every_check_of_the_catalogue_is_in_the_table_once() {
    let codes: Vec<_> = catalogue().map(|check| check.code).collect();
    let cases: Vec<_> = CASES.iter().map(|case| case.0).collect();
    assert_eq!(codes, cases);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
}

#[test]
fn every_check_passes_in_a_healthy_cluster() {
    for &(code, minor, ..) in CASES {
        assert_eq!(verdict(&one_hop(&healthy(minor), minor), code), Verdict::Pass, "{code}");
    }
}

#[test]
fn every_check_finds_what_it_is_for_and_names_it() {
    for &(code, minor, spoil, subject, what, _) in CASES {
        let mut facts = healthy(minor);
        spoil(&mut facts);
        let Verdict::Finding { findings, .. } = verdict(&one_hop(&facts, minor), code) else {
            panic!("{code} finds nothing: {:?}", verdict(&one_hop(&facts, minor), code));
        };
        let named = findings.iter().any(|of| of.subject.contains(subject) && of.what.contains(what));
        assert!(named, "{code}: {findings:#?}");
        assert!(findings.iter().all(|of| !of.evidence.is_empty() && !of.remedy.is_empty()), "{code}");
    }
}

#[test]
fn no_check_passes_without_its_facts() {
    for &(code, minor, _, _, _, hide) in CASES {
        let mut facts = healthy(minor);
        hide(&mut facts);
        let Verdict::NotEvaluated { unread } = verdict(&one_hop(&facts, minor), code) else {
            panic!("{code} does not say what it could not look at");
        };
        assert!(unread.iter().any(|unread| unread.detail == "hidden by the test"), "{code}: {unread:?}");
        assert!(unread.iter().all(|unread| unread.cause == UnreadCause::Denied), "{code}: {unread:?}");
    }
}

#[test]
fn every_check_says_why_from_where_and_what_to_do() {
    for check in catalogue() {
        for text in [check.title, check.why, check.source, check.remedy] {
            assert!(!text.is_empty() && text.trim() == text, "{}", check.code);
        }
        let family = check.code.strip_prefix("EKS-").expect("a code of ours");
        assert!(family.starts_with(['V', 'C', 'A', 'W', 'D', 'N', 'K', 'P', 'R']), "{}", check.code);
    }
}
