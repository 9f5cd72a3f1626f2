//! What holds nodes that are to go, each on a line with what to do.

use fleetwright_eks::Facts;
use fleetwright_eks::facts::NodePool;
use fleetwright_eks::held::{Drainer, Held, held, held_pool, is_disrupted};
use fleetwright_kubernetes::pod::Phase;
use fleetwright_kubernetes::{
    Budget, DisruptionStatus, Effect, IntOrPercent, Minor, ObjectMeta, OwnerReference, Pod, Quantity, Taint,
    Toleration,
};

use crate::{of, world};

const KEPT: &str = "karpenter.sh/do-not-disrupt";

/// What holds `node-a`.
fn lines(facts: &Facts, drainer: Drainer) -> Vec<String> {
    held(facts, drainer, |node| node.metadata.name == "node-a").iter().map(ToString::to_string).collect()
}

/// The budget of the pods as so many healthy ones make it.
fn counted(facts: &mut Facts, budget: Budget, healthy: i32) {
    let of = &mut of(&mut facts.workloads.budgets)[0];
    of.budget = Some(budget);
    of.status = DisruptionStatus::count(Some(budget), 2, 2, healthy);
}

fn tight(facts: &mut Facts) {
    counted(facts, Budget::MaxUnavailable(IntOrPercent::Count(0)), 2);
}

#[test]
fn a_node_whose_pods_may_go_is_not_held() {
    assert_eq!(lines(&world::healthy(34), Drainer::Evictions), Vec::<String>::new());
}

#[test]
fn a_budget_that_never_lets_go_is_told_with_its_counts_and_what_to_do() {
    let mut facts = world::healthy(34);
    tight(&mut facts);
    let expected = "pod shop/web-a on node-a: PodDisruptionBudget shop/web allows no eviction (2 healthy, 2 wanted), \
                    and never does: let it allow one more, or run a replica more";
    for drainer in [Drainer::Evictions, Drainer::Karpenter] {
        assert_eq!(lines(&facts, drainer), [expected]);
    }
}

#[test]
fn a_budget_that_waits_for_other_pods_says_so() {
    let mut facts = world::healthy(34);
    counted(&mut facts, Budget::MaxUnavailable(IntOrPercent::Count(1)), 1);
    let found = lines(&facts, Drainer::Evictions);
    assert!(found[0].contains("(1 healthy, 1 wanted): see why its other pods are not healthy"), "{found:?}");
}

#[test]
fn a_pod_that_finds_no_node_is_named_with_why_none_takes_it() {
    let mut facts = world::healthy(34);
    counted(&mut facts, Budget::MaxUnavailable(IntOrPercent::Count(1)), 1);
    let waiting = &mut of(&mut facts.workloads.pods)[1];
    (waiting.phase, waiting.node, waiting.ready) = (Phase::Pending, None, false);
    waiting.requests.insert("cpu".to_owned(), Quantity::units(64));
    let found = lines(&facts, Drainer::Evictions);
    let words = "while pod shop/web-b finds no node (too little cpu is free): make room for it";
    assert!(found.len() == 1 && found[0].ends_with(words), "{found:?}");
}

#[test]
fn two_budgets_over_a_pod_are_both_named() {
    let mut facts = world::healthy(34);
    let budgets = of(&mut facts.workloads.budgets);
    let mut second = budgets[0].clone();
    second.metadata.name = "all".to_owned();
    budgets.push(second);
    let found = lines(&facts, Drainer::Evictions);
    let both = "PodDisruptionBudget shop/all and PodDisruptionBudget shop/web cover it";
    assert!(found[0].contains(both) && found[0].ends_with("leave it under one"), "{found:?}");
}

#[test]
fn a_pod_without_controller_cannot_be_counted_by_a_share() {
    let mut facts = world::healthy(34);
    tight(&mut facts);
    of(&mut facts.workloads.pods)[0].metadata.owner_references.clear();
    let found = lines(&facts, Drainer::Evictions);
    assert!(
        found[0].contains("cannot count a pod without a controller: delete the pod by hand"),
        "{found:?}"
    );
}

#[test]
fn pods_that_a_drain_leaves_do_not_hold_a_node() {
    let mut facts = world::healthy(34);
    tight(&mut facts);
    let owner = OwnerReference { kind: "DaemonSet".into(), name: "agent".into(), controller: true };
    of(&mut facts.workloads.pods)[0].metadata.owner_references = vec![owner];
    assert_eq!(lines(&facts, Drainer::Evictions), Vec::<String>::new());
}

#[test]
fn annotations_hold_a_node_against_karpenter_alone() {
    let mut facts = world::healthy(34);
    let annotated = |meta: &mut ObjectMeta| meta.annotations.insert(KEPT.to_owned(), "true".to_owned());
    annotated(&mut of(&mut facts.workloads.pods)[0].metadata);
    annotated(&mut of(&mut facts.nodes.nodes)[0].metadata);
    assert_eq!(lines(&facts, Drainer::Evictions), Vec::<String>::new());
    let found = lines(&facts, Drainer::Karpenter);
    assert_eq!(found[0], format!("node node-a: its annotation {KEPT} keeps it: take that away"));
    assert!(found[1].starts_with(&format!("pod shop/web-a on node-a: its annotation {KEPT} keeps the node")));
}

#[test]
fn karpenter_leaves_a_pod_that_tolerates_its_taint() {
    let mut facts = world::healthy(34);
    tight(&mut facts);
    of(&mut facts.workloads.pods)[0].tolerations.push(Toleration::everything());
    assert_eq!(lines(&facts, Drainer::Karpenter), Vec::<String>::new());
    assert_eq!(lines(&facts, Drainer::Evictions).len(), 1);
}

#[test]
fn a_node_that_karpenter_is_taking_away_is_known_by_its_taint() {
    let mut node = world::node("node-a", "1a", Minor::new(34));
    assert!(!is_disrupted(&node));
    let taint =
        Taint { key: "karpenter.sh/disrupted".into(), value: String::new(), effect: Effect::NoSchedule };
    node.taints.push(taint);
    assert!(is_disrupted(&node));
}

/// A pool with a node that is ready and one of the newer version that is not.
fn pooled(change: impl Fn(&mut NodePool)) -> Facts {
    let mut facts = world::healthy(34);
    let mut pool = NodePool {
        name: "general".into(),
        auto_mode: false,
        image_family: "AL2023".into(),
        pinned_images: false,
        held: false,
        budget: IntOrPercent::Percent(10),
        vcpus_left: None,
    };
    change(&mut pool);
    of(&mut facts.nodes.pools).push(pool);
    for node in of(&mut facts.nodes.nodes) {
        node.metadata.labels.insert("karpenter.sh/nodepool".into(), "general".into());
    }
    facts
}

#[test]
fn a_pool_is_held_by_its_budget_its_limit_and_new_nodes_that_do_not_start() {
    assert_eq!(held_pool(&pooled(|_| {}), "general", Minor::new(34)), []);
    let mut facts = pooled(|pool| {
        pool.budget = IntOrPercent::Count(0);
        pool.vcpus_left = Some(3);
    });
    of(&mut facts.nodes.nodes)[1].ready = false;
    let found = held_pool(&facts, "general", Minor::new(34));
    let limit = Held::Limit { pool: "general".into(), vcpus: 3 };
    assert_eq!(found, [Held::NotReady("node-b".into()), Held::PoolBudget("general".into()), limit]);
    let roomy = held_pool(&pooled(|pool| pool.vcpus_left = Some(4)), "general", Minor::new(34));
    assert_eq!(roomy, [], "a node of 4 vCPUs fits");
    let closed = held_pool(&pooled(|pool| pool.held = true), "general", Minor::new(34));
    assert_eq!(closed, [Held::PoolBudget("general".into())], "whoever put it in front");
}

#[test]
fn without_a_ready_pod_of_karpenter_nobody_replaces_nodes() {
    let mut facts = pooled(|_| {});
    let labels = [("app".to_owned(), "karpenter".to_owned())];
    let mut controller = of(&mut facts.workloads.workloads)[0].clone();
    controller.metadata = ObjectMeta::named("kube-system", "karpenter");
    controller.pod_labels = labels.clone().into();
    of(&mut facts.workloads.workloads).push(controller);
    let found = held_pool(&facts, "general", Minor::new(34));
    let words = "Deployment kube-system/karpenter, which replaces nodes of pools, has no ready pod: see why";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [words]);
    let metadata = ObjectMeta { labels: labels.into(), ..ObjectMeta::named("kube-system", "karpenter-1") };
    of(&mut facts.workloads.pods).push(Pod { metadata, ready: true, ..Pod::default() });
    assert_eq!(held_pool(&facts, "general", Minor::new(34)), []);
}
