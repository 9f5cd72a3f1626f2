//! Where pods can be placed.

use fleetwright_kubernetes::fit::{self, Misfit, Placement};
use fleetwright_kubernetes::node::{HOSTNAME_LABEL, ZONE_LABEL};
use fleetwright_kubernetes::pod::{AffinityTerm, Binding, Namespaces, Phase, TopologySpread, Volume};
use fleetwright_kubernetes::{
    Effect, LabelSelector, Labels, Minor, Node, ObjectMeta, Operator, Pod, Quantity, Requirement, Taint,
    Toleration,
};
use proptest::prelude::*;

fn node(name: &str, zone: &str) -> Node {
    let mut metadata = ObjectMeta::named("", name);
    metadata.labels.insert(ZONE_LABEL.into(), zone.into());
    metadata.labels.insert(HOSTNAME_LABEL.into(), name.into());
    Node {
        metadata,
        kubelet: Minor::new(33),
        ready: true,
        unschedulable: false,
        pressures: vec![],
        taints: vec![],
        allocatable: [("cpu".into(), Quantity::units(2)), ("pods".into(), Quantity::units(4))].into(),
        os_image: "Amazon Linux 2023".into(),
        operating_system: "linux".into(),
        container_runtime: "containerd://2.1.4".into(),
        provider_id: String::new(),
    }
}

fn pod(name: &str, app: &str, node: Option<&str>) -> Pod {
    let mut metadata = ObjectMeta::named("shop", name);
    metadata.labels.insert("app".into(), app.into());
    Pod {
        metadata,
        node: node.map(str::to_owned),
        phase: Phase::Running,
        ready: true,
        requests: [("cpu".into(), Quantity::milli(500))].into(),
        ..Pod::default()
    }
}

fn fits(nodes: &[Node], pods: &[Pod], newcomer: &Pod, on: &str) -> Result<(), Misfit> {
    Placement::new(nodes, pods, []).fits(newcomer, on)
}

fn near(app: &str, key: &str) -> AffinityTerm {
    AffinityTerm {
        selector: Some(LabelSelector::label("app", app)),
        namespaces: Namespaces::Own,
        topology_key: key.into(),
    }
}

#[test]
fn a_cordoned_unready_or_tainted_node_takes_nobody_it_does_not_have_to() {
    let mut nodes = [node("a", "1a")];
    assert_eq!(fits(&nodes, &[], &pod("p", "web", None), "a"), Ok(()));
    nodes[0].unschedulable = true;
    assert_eq!(fits(&nodes, &[], &pod("p", "web", None), "a"), Err(Misfit::Unschedulable));
    let careless = Pod { tolerations: vec![Toleration::everything()], ..pod("p", "web", None) };
    assert_eq!(fits(&nodes, &[], &careless, "a"), Ok(()), "who tolerates everything tolerates a cordon");
    nodes[0].unschedulable = false;
    nodes[0].ready = false;
    assert_eq!(fits(&nodes, &[], &pod("p", "web", None), "a"), Err(Misfit::NotReady));
    nodes[0].ready = true;
    let taint = Taint { key: "gpu".into(), value: String::new(), effect: Effect::NoSchedule };
    nodes[0].taints.push(taint.clone());
    let mut newcomer = pod("p", "web", None);
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Err(Misfit::Untolerated(taint)));
    newcomer.tolerations.push(Toleration::everything());
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Ok(()));
}

#[test]
fn what_is_requested_must_be_free_and_ended_pods_take_no_room() {
    let nodes = [node("a", "1a")];
    let pods: Vec<Pod> = (0..3).map(|n| pod(&format!("p{n}"), "web", Some("a"))).collect();
    let mut newcomer = pod("p", "web", None);
    newcomer.requests.insert("cpu".into(), Quantity::milli(501));
    let misfit = Misfit::Insufficient {
        resource: "cpu".into(),
        requested: Quantity::milli(501),
        free: Quantity::milli(500),
    };
    assert_eq!(fits(&nodes, &pods, &newcomer, "a"), Err(misfit));
    let mut ended = pods.clone();
    ended[0].phase = Phase::Succeeded;
    assert_eq!(fits(&nodes, &ended, &newcomer, "a"), Ok(()));
}

#[test]
fn a_node_has_room_for_so_many_pods_only() {
    let nodes = [node("a", "1a")];
    let mut pods: Vec<Pod> = (0..4).map(|n| pod(&format!("p{n}"), "web", Some("a"))).collect();
    pods.iter_mut().for_each(|pod| pod.requests.clear());
    let misfit = fits(&nodes, &pods, &pods[0], "a").expect_err("all four places are taken");
    assert_eq!(misfit.to_string(), "too little pods is free");
}

#[test]
fn labels_affinity_and_volumes_choose_the_node() {
    let nodes = [node("a", "1a"), node("b", "1b")];
    let mut newcomer = pod("p", "web", None);
    newcomer.node_selector.insert(ZONE_LABEL.into(), "1b".into());
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Err(Misfit::NodeSelector));
    assert_eq!(fits(&nodes, &[], &newcomer, "b"), Ok(()));

    let mut newcomer = pod("p", "web", None);
    let zone = |zones: &[&str]| Requirement {
        key: ZONE_LABEL.into(),
        operator: Operator::In,
        values: zones.iter().map(|&zone| zone.to_owned()).collect(),
    };
    newcomer.node_affinity = vec![vec![zone(&["1c"])], vec![]];
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Err(Misfit::NodeAffinity));
    newcomer.node_affinity.push(vec![zone(&["1a"])]);
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Ok(()));

    let mut newcomer = pod("p", "web", Some("a"));
    let claim = |bound_to| Volume::Claim { name: "data".into(), bound_to };
    newcomer.volumes = vec![claim(Binding::Zones(vec!["1a".into()]))];
    assert_eq!(fits(&nodes, &[], &newcomer, "b"), Err(Misfit::VolumeElsewhere("data".into())));
    newcomer.volumes = vec![claim(Binding::Node)];
    assert_eq!(fits(&nodes, &[], &newcomer, "a"), Ok(()));
    assert!(fits(&nodes, &[], &newcomer, "b").is_err());
}

#[test]
fn pods_keep_apart_whichever_of_them_asked_for_it() {
    let nodes = [node("a", "1a"), node("b", "1a"), node("c", "1b")];
    let standing = pod("web-1", "web", Some("a"));
    let mut shy = pod("web-2", "web", None);
    shy.pod_anti_affinity.push(near("web", ZONE_LABEL));
    let misfit = Err(Misfit::PodAntiAffinity(ZONE_LABEL.into()));
    assert_eq!(fits(&nodes, std::slice::from_ref(&standing), &shy, "b"), misfit);
    assert_eq!(fits(&nodes, &[standing], &shy, "c"), Ok(()));
    shy.node = Some("a".into());
    assert_eq!(fits(&nodes, &[shy], &pod("web-3", "web", None), "b"), misfit);
}

#[test]
fn the_first_pod_that_wants_company_of_its_own_kind_is_placed_anywhere() {
    let nodes = [node("a", "1a"), node("b", "1b")];
    let mut social = pod("web-1", "web", None);
    social.pod_affinity.push(near("web", ZONE_LABEL));
    assert_eq!(fits(&nodes, &[], &social, "a"), Ok(()));
    let standing = [pod("web-0", "web", Some("b"))];
    assert_eq!(fits(&nodes, &standing, &social, "a"), Err(Misfit::PodAffinity(ZONE_LABEL.into())));
    social.pod_affinity = vec![near("cache", ZONE_LABEL)];
    assert!(fits(&nodes, &standing, &social, "b").is_err());
}

#[test]
fn namespaces_of_a_term_are_its_own_named_or_selected() {
    let nodes = [node("a", "1a")];
    let standing = [pod("web-0", "web", Some("a"))];
    let labels: Labels = [("team".to_owned(), "red".to_owned())].into();
    let placement = Placement::new(&nodes, &standing, [("shop", &labels)]);
    let mut shy = pod("x", "other", None);
    shy.metadata.namespace = "bank".into();
    let mut try_with = |namespaces| {
        shy.pod_anti_affinity = vec![AffinityTerm { namespaces, ..near("web", HOSTNAME_LABEL) }];
        placement.fits(&shy, "a").is_ok()
    };
    assert!(try_with(Namespaces::Own));
    assert!(!try_with(Namespaces::Chosen { named: vec!["shop".into()], selected: None }));
    let team =
        |team| Namespaces::Chosen { named: vec![], selected: Some(LabelSelector::label("team", team)) };
    assert!(!try_with(team("red")));
    assert!(try_with(team("blue")));
}

#[test]
fn pods_are_spread_over_places_that_they_choose() {
    let nodes = [node("a", "1a"), node("b", "1b"), node("c", "1c")];
    let standing = [pod("web-0", "web", Some("a")), pod("web-1", "web", Some("b"))];
    let mut spread = pod("web-2", "web", None);
    spread.topology_spread.push(TopologySpread {
        max_skew: 1,
        topology_key: ZONE_LABEL.into(),
        selector: LabelSelector::label("app", "web"),
        min_domains: 1,
    });
    assert_eq!(fits(&nodes, &standing, &spread, "a"), Err(Misfit::TopologySpread(ZONE_LABEL.into())));
    assert_eq!(fits(&nodes, &standing, &spread, "c"), Ok(()));
    assert_eq!(fits(&nodes[..2], &standing, &spread, "a"), Ok(()), "without the third zone it is even");
    spread.topology_spread[0].min_domains = 3;
    assert!(fits(&nodes[..2], &standing, &spread, "a").is_err(), "a third zone was asked for");
}

#[test]
fn the_reasons_that_keep_a_pod_from_every_node_are_told_once_each() {
    let mut nodes = [node("a", "1a"), node("b", "1b"), node("c", "1c")];
    nodes[0].unschedulable = true;
    nodes[1].unschedulable = true;
    nodes[2].ready = false;
    let placement = Placement::new(&nodes, &[], []);
    assert_eq!(
        fit::reasons(&placement, &pod("p", "web", None)),
        ["the node is cordoned", "the node is not ready"]
    );
}

proptest! {
    #[test]
    fn taking_a_pod_away_undoes_placing_it(cpus in prop::collection::vec(0_i64..900, 1..6)) {
        let nodes = [node("a", "1a")];
        let pods: Vec<Pod> = cpus.iter().enumerate().map(|(n, &milli)| {
            let mut pod = pod(&format!("p{n}"), "web", None);
            pod.requests.insert("cpu".into(), Quantity::milli(milli));
            pod
        }).collect();
        let mut placement = Placement::new(&nodes, &[], []);
        let before = placement.fits(&pods[0], "a");
        for pod in &pods {
            placement.place(pod, "a");
        }
        let all = pods.iter().fold(Quantity::ZERO, |sum, pod| sum.plus(pod.requests["cpu"]));
        let full = all.plus(pods[0].requests["cpu"]) > Quantity::units(2) && cpus[0] > 0;
        prop_assert_eq!(placement.fits(&pods[0], "a").is_err(), full || pods.len() >= 4);
        for pod in &pods {
            placement.take(pod, "a");
        }
        prop_assert_eq!(placement.fits(&pods[0], "a"), before);
        prop_assert!(placement.pods_on("a").is_empty());
    }
}
