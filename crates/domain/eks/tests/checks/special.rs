//! What single checks tell apart.

use fleetwright_eks::facts::addons::Software;
use fleetwright_eks::facts::apis::{Caller, HelmFacts};
use fleetwright_eks::facts::control_plane::{Insight, InsightCategory, InsightStatus};
use fleetwright_eks::facts::nodes::UpdateStrategy;
use fleetwright_eks::{Fact, Severity, Verdict};
use fleetwright_kubernetes::{
    GroupVersionKind, HelmRelease, ImageRef, Manifests, Minor, ObjectRef, UnreadableRelease,
};

use super::world::{healthy, now, time};
use super::{findings, of, one_hop, verdict};

/// A release with one FlowSchema of this API.
pub(crate) fn release(api_version: &str) -> HelmRelease {
    let text = format!("apiVersion: {api_version}\nkind: FlowSchema\nmetadata: {{name: slow}}\n");
    HelmRelease {
        name: "web".into(),
        namespace: "shop".into(),
        revision: 3,
        chart: "web 1.0.0".into(),
        manifests: Manifests::read("helm:shop/web", &text),
    }
}

#[test]
fn a_caller_that_was_last_seen_weeks_ago_warns_and_a_live_one_blocks() {
    let severity = |last: &str| {
        let mut facts = healthy(31);
        let api =
            GroupVersionKind::new("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema").expect("an API");
        let last_request = Some(time(last));
        of(&mut facts.apis.clients).push(Caller {
            api,
            user_agent: "old/1".into(),
            last_request,
            requests: Some(3),
        });
        findings(&facts, 31, "EKS-A6")[0].severity
    };
    assert_eq!(severity("2025-10-05T00:00:00Z"), Severity::Warning);
    assert_eq!(severity("2025-11-01T11:59:00Z"), Severity::Blocking);
}

#[test]
fn a_release_that_cannot_be_read_leaves_the_check_open_and_a_finding_beside_it_stands() {
    let holder = ObjectRef { kind: "Secret".into(), namespace: "shop".into(), name: "r".into() };
    let unreadable = UnreadableRelease { holder, reason: "not base64" };
    let mut facts = healthy(31);
    facts.apis.helm = Fact::Known(HelmFacts { releases: vec![], unreadable: vec![unreadable] });
    let Verdict::NotEvaluated { unread } = verdict(&one_hop(&facts, 31), "EKS-A4") else { panic!("open") };
    assert!(unread[0].detail.contains("Secret shop/r"), "{unread:?}");
    of(&mut facts.apis.helm).releases.push(release("flowcontrol.apiserver.k8s.io/v1beta3"));
    let Verdict::Finding { findings, unread } = verdict(&one_hop(&facts, 31), "EKS-A4") else {
        panic!("found")
    };
    assert_eq!((findings.len(), unread.len()), (1, 1));
}

#[test]
fn a_manifest_that_cannot_be_read_is_named_with_file_and_line() {
    let mut facts = healthy(33);
    facts.apis.manifests = Fact::Known(Manifests::read("bad.yaml", "a: 1\n"));
    let Verdict::NotEvaluated { unread } = verdict(&one_hop(&facts, 33), "EKS-A5") else { panic!("open") };
    assert_eq!(unread[0].detail, "bad.yaml:1: the object has no apiVersion");
}

#[test]
fn beyond_the_table_of_apis_nothing_passes() {
    let Verdict::NotEvaluated { unread } = verdict(&one_hop(&healthy(37), 37), "EKS-A1") else {
        panic!("open")
    };
    assert_eq!(unread[0].detail, "the table of APIs ends with 1.37: use a newer program");
}

#[test]
fn insights_of_yesterday_are_refreshed_before_anybody_decides() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.insights).refreshed_at = time("2025-10-30T00:00:00Z");
    assert!(matches!(verdict(&one_hop(&facts, 33), "EKS-C7"), Verdict::NotEvaluated { .. }));
    of(&mut facts.control_plane.insights).refreshed_at = now();
    let insight = |status, version| Insight {
        id: "skew".into(),
        name: "kubelet skew".into(),
        category: InsightCategory::UpgradeReadiness,
        version: Some(Minor::new(version)),
        status,
        reason: "old".into(),
    };
    of(&mut facts.control_plane.insights).list = vec![insight(InsightStatus::Error, 35)];
    assert_eq!(verdict(&one_hop(&facts, 33), "EKS-C7"), Verdict::Pass, "it is about another version");
    of(&mut facts.control_plane.insights).list = vec![insight(InsightStatus::Unknown, 34)];
    assert!(matches!(verdict(&one_hop(&facts, 33), "EKS-C7"), Verdict::NotEvaluated { .. }));
}

#[test]
fn containerd_1_serves_up_to_1_35_and_control_groups_1_up_to_1_34() {
    let found = |minor: u16| {
        let mut facts = healthy(minor);
        let node = &mut of(&mut facts.nodes.nodes)[0];
        node.container_runtime = "containerd://1.7.27".into();
        node.metadata.labels.clear();
        node.provider_id.clear();
        of(&mut facts.nodes.cgroup_v1).push("node-a".into());
        findings(&facts, minor, "EKS-N5").len()
    };
    assert_eq!([33, 34, 35].map(found), [0, 1, 2]);
}

#[test]
fn a_node_whose_group_takes_eks_own_image_comes_back_with_its_runtime() {
    let found = |ami_type: &str| {
        let mut facts = healthy(35);
        let group = of(&mut facts.nodes.managed)[0].name.clone();
        of(&mut facts.nodes.managed)[0].ami_type = ami_type.to_owned();
        let node = &mut of(&mut facts.nodes.nodes)[0];
        node.container_runtime = "containerd://1.7.27".into();
        node.metadata.labels.insert("eks.amazonaws.com/nodegroup".into(), group);
        findings(&facts, 35, "EKS-N5").len()
    };
    assert_eq!(["AL2023_x86_64_STANDARD", "CUSTOM"].map(found), [0, 1]);
}

#[test]
fn karpenter_beyond_its_table_is_not_waved_through() {
    let mut facts = healthy(35);
    of(&mut facts.addons.software).push(Software { name: "karpenter".into(), version: (1, 12, 0) });
    let Verdict::NotEvaluated { unread } = verdict(&one_hop(&facts, 35), "EKS-D11") else { panic!("open") };
    assert!(unread[0].detail.contains("ends with 1.35"), "{unread:?}");
}

#[test]
fn a_kube_proxy_without_a_readable_version_is_not_waved_through() {
    let mut facts = healthy(33);
    facts.addons.kube_proxy = Fact::Known(ImageRef::parse("eks/kube-proxy:latest"));
    assert!(matches!(verdict(&one_hop(&facts, 33), "EKS-D6"), Verdict::NotEvaluated { .. }));
}

#[test]
fn a_group_of_one_is_not_updated_by_taking_it_away() {
    let mut facts = healthy(33);
    let group = &mut of(&mut facts.nodes.managed)[0];
    (group.nodes, group.strategy) = (1, UpdateStrategy::Minimal);
    assert!(findings(&facts, 33, "EKS-N15")[0].what.contains("only node"));
}

#[test]
fn a_budget_that_waits_warns_and_one_that_never_allows_blocks() {
    let mut facts = healthy(33);
    let status = &mut of(&mut facts.workloads.budgets)[0].status;
    (status.current_healthy, status.disruptions_allowed) = (1, 0);
    assert_eq!(findings(&facts, 33, "EKS-P1")[0].severity, Severity::Warning);
}

#[test]
fn a_quota_that_was_not_read_is_not_taken_for_room() {
    let mut facts = healthy(33);
    of(&mut facts.nodes.vcpu_quotas).clear();
    assert!(matches!(verdict(&one_hop(&facts, 33), "EKS-K3"), Verdict::NotEvaluated { .. }));
    let mut facts = healthy(33);
    of(&mut facts.nodes.subnets).pop();
    assert!(matches!(verdict(&one_hop(&facts, 33), "EKS-K1"), Verdict::NotEvaluated { .. }));
}

/// A caller of FlowSchemas, and a file with one.
fn flow_is_called_and_written(called: bool, file: &str) -> fleetwright_eks::Facts {
    let mut facts = healthy(31);
    let api = GroupVersionKind::new("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema").expect("an API");
    if called {
        let last_request = Some(now());
        let caller = Caller { api, user_agent: "limiter/1".into(), last_request, requests: Some(3) };
        of(&mut facts.apis.clients).push(caller);
    }
    facts.apis.manifests = Fact::Known(Manifests::read("flow.yaml", file));
    facts
}

#[test]
fn live_use_and_files_that_disagree_are_told() {
    let flow = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: slow}\n";
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let evidence = |called, file, code| {
        let found = findings(&flow_is_called_and_written(called, file), 31, code);
        found.into_iter().map(|it| it.evidence).collect::<Vec<_>>()
    };
    let only_called = evidence(true, other, "EKS-A6");
    assert!(only_called[0].ends_with("; no file that was read names it"), "{only_called:?}");
    let only_written = evidence(false, flow, "EKS-A5");
    assert!(only_written[0].contains("nobody called it in the last 30 days"), "{only_written:?}");
    for code in ["EKS-A5", "EKS-A6"] {
        let both = evidence(true, flow, code);
        assert!(!both[0].contains("nobody called") && !both[0].contains("no file"), "{both:?}");
    }
}

#[test]
fn what_the_servers_metric_counts_is_told_once_where_an_insight_says_who() {
    let mut facts = flow_is_called_and_written(true, "");
    let mut unnamed = facts.apis.clients.known().expect("a caller")[0].clone();
    (unnamed.user_agent, unnamed.last_request, unnamed.requests) = ("somebody".into(), None, None);
    of(&mut facts.apis.callers).push(unnamed);
    let subjects = |facts: &_| -> Vec<String> {
        findings(facts, 31, "EKS-A6").into_iter().map(|it| it.subject).collect()
    };
    assert_eq!(subjects(&facts), ["limiter/1"]);
    of(&mut facts.apis.clients).clear();
    assert_eq!(subjects(&facts), ["somebody"]);
}

#[test]
fn pods_without_a_readiness_probe_are_counted_by_what_makes_them() {
    let mut facts = healthy(33);
    of(&mut facts.workloads.pods).iter_mut().for_each(|pod| pod.readiness_probe = false);
    let pods = of(&mut facts.workloads.pods).len();
    let found = findings(&facts, 33, "EKS-P11");
    let subjects: Vec<&str> = found.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, ["Deployment shop/web"]);
    assert!(
        found[0].evidence.starts_with(&format!("no readinessProbe in {pods} pods, such as ")),
        "{found:?}"
    );
    of(&mut facts.workloads.workloads).clear();
    let found = findings(&facts, 33, "EKS-P11");
    assert!(found[0].subject.starts_with("ReplicaSet shop/web"), "{found:?}");
}

#[test]
fn a_right_that_is_missing_in_the_cluster_is_found_as_one_in_aws_is() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.cluster_rights)[0].allowed = false;
    let found = findings(&facts, 33, "EKS-V7");
    assert_eq!(found[0].subject, "patch nodepools.karpenter.sh");
    assert_eq!(found[0].evidence, "SelfSubjectAccessReview says so for cluster/shop");
    super::hide(&mut facts.control_plane.rights);
    let Verdict::Finding { unread, .. } = verdict(&one_hop(&facts, 33), "EKS-V7") else { panic!("found") };
    assert_eq!(unread.len(), 1, "what was not asked stays open beside it");
}
