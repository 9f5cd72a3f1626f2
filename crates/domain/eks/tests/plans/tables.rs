//! Plans of a cluster with a managed group and an Auto Scaling group.

use fleetwright_eks::plan::step::{Action, Condition};
use fleetwright_eks::plan::timing::timing;
use fleetwright_eks::plan::{
    Approvals, Call, PlanOptions, Refused, Reversibility, Standing, StepId, Strategy, UnknownStrategy,
    checker,
};
use fleetwright_eks::{Fact, UnreadCause};
use fleetwright_kubernetes::{ImageRef, Minor};

use super::world::{healthy, node};
use super::{ids, of, planned, planned_with};

#[test]
fn three_hops_replace_nodes_once_at_the_end() {
    let plan = planned(&healthy(33), 36);
    let expected = [
        "insights-1.34",
        "gate-1.34",
        "approve-1.34",
        "control-plane-1.34",
        "health-control-plane-1.34",
        "insights-1.35",
        "gate-1.35",
        "approve-1.35",
        "control-plane-1.35",
        "health-control-plane-1.35",
        "insights-1.36",
        "gate-1.36",
        "approve-1.36",
        "control-plane-1.36",
        "health-control-plane-1.36",
        "nodes-blue-1.36",
        "health-nodes-1.36-wave-1",
        "instances-batch-1.36",
        "health-nodes-1.36-wave-2",
    ];
    assert_eq!(ids(&plan), expected);
    assert!(plan.node_rolls().values().all(|rolls| *rolls == 1), "{:?}", plan.node_rolls());
    assert_eq!(plan.standing(), Standing::Executable, "{:?} {:?}", plan.findings, plan.unread);
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn calls_are_complete_and_force_nothing() {
    let plan = planned(&healthy(33), 34);
    let calls: Vec<&Call> = plan.steps.iter().flat_map(|step| &step.calls).collect();
    let told: Vec<String> = calls.iter().map(|call| serde_json::to_string(call).expect("JSON")).collect();
    let expected = [
        r#"{"api":"aws","service":"eks","action":"StartInsightsRefresh","parameters":{"clusterName":"shop"}}"#,
        r#"{"api":"aws","service":"eks","action":"ListInsights","parameters":{"clusterName":"shop","filter":{"categories":["UPGRADE_READINESS"],"kubernetesVersions":["1.34"]}}}"#,
        r#"{"api":"aws","service":"eks","action":"UpdateClusterVersion","parameters":{"force":false,"name":"shop","version":"1.34"}}"#,
        r#"{"api":"aws","service":"eks","action":"UpdateNodegroupVersion","parameters":{"clusterName":"shop","force":false,"nodegroupName":"blue","version":"1.34"}}"#,
        r#"{"api":"aws","service":"autoscaling","action":"StartInstanceRefresh","parameters":{"AutoScalingGroupName":"batch","DesiredConfiguration":{"LaunchTemplate":{"LaunchTemplateId":"lt-batch","Version":"34"}},"Preferences":{"MaxHealthyPercentage":110,"MinHealthyPercentage":100,"ScaleInProtectedInstances":"Wait","SkipMatching":true,"StandbyInstances":"Wait"},"Strategy":"Rolling"}}"#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_door_back_is_open_for_seven_days_and_the_next_hop_closes_it() {
    let plan = planned(&healthy(33), 35);
    let first = plan.step(&StepId::new("control-plane-1.34")).expect("a step");
    let Reversibility::Reversible { how, within_seconds, remains } = &first.reversibility else {
        panic!("{:?}", first.reversibility)
    };
    assert!(how.contains("1.33") && remains.contains("etcd"), "{how}; {remains}");
    assert_eq!(*within_seconds, Some(604_800));
    let second = plan.step(&StepId::new("control-plane-1.35")).expect("a step");
    assert_eq!(second.closes, [StepId::new("control-plane-1.34")]);
    let approval = plan.step(&StepId::new("approve-1.35")).expect("a step");
    let Action::Approval { about } = &approval.action else { panic!("{approval:?}") };
    assert!(about.iter().any(|line| line == "from then on it cannot go back from 1.34 to 1.33"), "{about:?}");
    let closed: Vec<_> = plan.rollbacks.iter().map(|it| it.closed_by.as_ref().map(StepId::as_str)).collect();
    assert_eq!(closed, [Some("control-plane-1.35"), None]);
}

#[test]
fn the_way_back_is_nodes_then_control_plane() {
    let plan = planned(&healthy(33), 35);
    let way = |index: usize| -> Vec<&str> {
        plan.rollbacks[index].steps.iter().map(|step| step.id.as_str()).collect()
    };
    assert_eq!(way(0), ["back-insights-1.33", "back-control-plane-1.33", "health-back-1.33"]);
    let expected = [
        "back-instances-batch-1.33",
        "back-nodes-blue-1.33",
        "back-insights-1.34",
        "back-control-plane-1.34",
        "health-back-1.34",
    ];
    assert_eq!(way(1), expected);
}

#[test]
fn one_approval_names_everything_that_cannot_be_taken_back() {
    let options = PlanOptions { approvals: Approvals::Once, ..PlanOptions::default() };
    let plan = planned_with(&healthy(33), 36, &options).expect("a plan");
    let approvals: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Approval { about } => Some(about),
            _ => None,
        })
        .collect();
    assert_eq!(approvals.len(), 1);
    for closed in ["cannot go back from 1.34 to 1.33", "cannot go back from 1.35 to 1.34"] {
        assert!(approvals[0].iter().any(|line| line.contains(closed)), "{approvals:?}");
    }
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn nodes_that_lag_are_replaced_before_the_first_hop_once_somebody_was_asked() {
    let mut facts = healthy(33);
    of(&mut facts.nodes.managed)[0].version = Minor::new(30);
    let plan = planned(&facts, 34);
    let expected = ["approve-start", "nodes-blue-1.33", "health-nodes-1.33-wave-1", "insights-1.34"];
    assert_eq!(ids(&plan)[..4], expected);
    assert_eq!(plan.node_rolls()["blue"], 2);
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn named_groups_go_first_and_others_together_as_many_as_asked_for() {
    let mut facts = healthy(33);
    let groups = of(&mut facts.nodes.managed);
    for name in ["canary", "green"] {
        let mut group = groups[0].clone();
        group.name = name.into();
        groups.push(group);
    }
    let options = PlanOptions {
        first: vec!["canary".into(), "nobody".into()],
        groups_at_once: 2,
        ..PlanOptions::default()
    };
    let plan = planned_with(&facts, 34, &options).expect("a plan");
    let replaced: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.action.replaced_nodes().is_some())
        .map(|it| it.id.as_str())
        .collect();
    assert_eq!(
        replaced,
        ["nodes-canary-1.34", "nodes-blue-1.34", "nodes-green-1.34", "instances-batch-1.34"]
    );
    let needs = |id: &str| plan.step(&StepId::new(id)).expect("a step").needs.clone();
    assert_eq!(needs("nodes-blue-1.34"), [StepId::new("health-nodes-1.34-wave-1")]);
    assert_eq!(needs("nodes-blue-1.34"), needs("nodes-green-1.34"), "side by side");
    assert_eq!(needs("instances-batch-1.34"), [StepId::new("health-nodes-1.34-wave-2")]);
    let times = timing(&plan.steps);
    assert!(times.critical_path_seconds < times.serial_seconds, "{times:?}");
}

#[test]
fn a_finding_that_blocks_is_in_the_plan_and_keeps_it_from_being_carried_out() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.cluster).status = "UPDATING".into();
    let plan = planned(&facts, 34);
    assert_eq!(plan.standing(), Standing::Blocked);
    assert_eq!(plan.blockers().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["EKS-V4"]);
}

#[test]
fn what_could_not_be_looked_at_needs_somebody_who_accepts_it() {
    let mut facts = healthy(33);
    facts.control_plane.role = Fact::unread(UnreadCause::Denied, "iam:GetRole");
    assert_eq!(planned(&facts, 34).standing(), Standing::Undecided);
    let accepted = [("EKS-C4".to_owned(), "seen in the console".to_owned())].into();
    let options = PlanOptions { accepted, ..PlanOptions::default() };
    let plan = planned_with(&facts, 34, &options).expect("a plan");
    assert_eq!(plan.standing(), Standing::Executable);
    assert_eq!(plan.unread.len(), 1, "it is told all the same");
}

#[test]
fn without_knowing_the_nodes_there_is_no_plan() {
    let mut facts = healthy(33);
    facts.nodes.managed = Fact::unread(UnreadCause::Denied, "eks:ListNodegroups");
    let refused = planned_with(&facts, 34, &PlanOptions::default()).expect_err("not read");
    assert!(refused.to_string().starts_with("there is no plan without the managed node groups"), "{refused}");
    facts = healthy(33);
    facts.nodes.pools = Fact::unread(UnreadCause::Unsupported, "no karpenter.sh");
    planned(&facts, 34);
}

#[test]
fn a_target_behind_the_cluster_is_refused_and_the_version_it_has_needs_nothing() {
    let refused = planned_with(&healthy(33), 32, &PlanOptions::default()).expect_err("downwards");
    assert!(matches!(refused, Refused::Unreachable(_)), "{refused}");
    let plan = planned(&healthy(33), 33);
    assert_eq!((plan.steps.len(), plan.rollbacks.len()), (0, 0));
}

#[test]
fn nodes_of_ones_own_images_and_of_nobody_are_left_alone_as_long_as_the_skew_allows() {
    let mut facts = healthy(33);
    of(&mut facts.nodes.managed)[0].ami_type = "CUSTOM".into();
    facts.nodes.self_managed = Fact::Known(vec![]);
    let plan = planned(&facts, 36);
    let alone: Vec<_> = plan.left_alone.iter().map(|left| left.subject.as_str()).collect();
    assert_eq!(alone, ["node group blue", "nodes of nobody"]);
    assert_eq!(plan.node_rolls().len(), 0);
    let refused = planned_with(&facts, 37, &PlanOptions::default()).expect_err("too far");
    let Refused::KeptTooOld { set, control_plane, .. } = &refused else { panic!("{refused}") };
    assert_eq!((set.as_str(), *control_plane), ("node group blue", Minor::new(37)));
}

#[test]
fn fargate_pods_are_evicted_last_and_close_the_way_back() {
    let mut facts = healthy(33);
    let mut fargate = node("fargate-1", "1a", Minor::new(33));
    fargate.metadata.labels.insert("eks.amazonaws.com/compute-type".into(), "fargate".into());
    of(&mut facts.nodes.nodes).push(fargate);
    of(&mut facts.workloads.pods)[0].node = Some("fargate-1".into());
    let plan = planned(&facts, 34);
    let step = plan.step(&StepId::new("fargate-1.34")).expect("a step");
    assert!(matches!(step.reversibility, Reversibility::Irreversible { .. }));
    assert_eq!(step.closes, [StepId::new("control-plane-1.34")]);
    assert_eq!(plan.rollbacks[0].closed_by, Some(step.id.clone()));
    let Call::Kubernetes { path, body, .. } = &step.calls[0] else { panic!("{step:?}") };
    assert_eq!(path, "/api/v1/namespaces/shop/pods/web-a/eviction");
    assert_eq!(body["kind"], "Eviction");
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn conditions_name_the_version_before_and_after() {
    let plan = planned(&healthy(33), 34);
    let step = plan.step(&StepId::new("control-plane-1.34")).expect("a step");
    assert!(step.before.contains(&Condition::ControlPlaneAt { version: Minor::new(33) }));
    assert!(step.after.contains(&Condition::ControlPlaneAt { version: Minor::new(34) }));
    let own = plan.step(&StepId::new("instances-batch-1.34")).expect("a step");
    assert!(own.before.iter().any(|it| it.told().contains("names an image of 1.34")), "{own:?}");
}

#[test]
fn a_second_cluster_is_refused_with_a_reason() {
    assert_eq!("in-place".parse(), Ok(Strategy::InPlace));
    assert_eq!("blue_green".parse::<Strategy>(), Err(UnknownStrategy::BlueGreen));
    assert!("rainbow".parse::<Strategy>().expect_err("none").to_string().contains("use in-place"));
}

#[test]
fn the_kube_proxy_of_the_world_is_beside_the_plan() {
    let mut facts = healthy(33);
    facts.addons.kube_proxy = Fact::Known(ImageRef::parse("eks/kube-proxy:v1.33.1-eksbuild.1"));
    assert!(ids(&planned(&facts, 34)).iter().all(|id| !id.contains("kube-proxy")), "it is no managed add-on");
}
