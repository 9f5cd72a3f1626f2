//! What holds for every plan, against every other way of doing it on small cases.

use std::collections::BTreeMap;

use fleetwright_eks::Fact::Known;
use fleetwright_eks::Facts;
use fleetwright_eks::facts::{Addon, AddonVersion};
use fleetwright_eks::plan::step::Action;
use fleetwright_eks::plan::timing::timing;
use fleetwright_eks::plan::{PlanOptions, UpgradePlan, checker};
use fleetwright_kubernetes::{Minor, Skew, version::skew};
use proptest::prelude::*;

use super::world::{addon, healthy, node};
use super::{of, planned_with};

/// A cluster of this version whose groups lag so many minors, with an add-on of each name.
fn cluster(version: u16, lags: &[u16], addons: Vec<Addon>) -> Facts {
    let mut facts = healthy(version);
    let pattern = of(&mut facts.nodes.managed)[0].clone();
    let (mut groups, mut nodes) = (Vec::new(), Vec::new());
    for (index, lag) in lags.iter().enumerate() {
        let mut group = pattern.clone();
        group.name = format!("group-{index}");
        group.version = Minor::new(version - lag);
        let mut one = node(&format!("node-{index}"), "1a", group.version);
        one.metadata.labels.insert("eks.amazonaws.com/nodegroup".into(), group.name.clone());
        nodes.push(one);
        groups.push(group);
    }
    facts.nodes.managed = Known(groups);
    facts.nodes.nodes = Known(nodes);
    facts.nodes.self_managed = Known(vec![]);
    facts.addons.addons = Known(addons);
    facts
}

/// An add-on that offers, for each version of Kubernetes, those of its versions whose bit is set.
fn offering(name: &str, current: usize, minors: std::ops::RangeInclusive<u16>, bits: &[u8]) -> Addon {
    let version = |index: usize| match name {
        "kube-proxy" => format!("v1.{}.{}-eksbuild.1", *minors.start() as usize + index / 2, index),
        _ => format!("v1.{index}.0-eksbuild.1"),
    };
    let offer = |(minor, bits): (u16, &u8)| {
        let of = (0..8).rev().filter(|index| bits & (1 << index) != 0);
        let of: Vec<AddonVersion> = of
            .enumerate()
            .map(|(place, it)| AddonVersion { version: version(it), default: place == 1 })
            .collect();
        (Minor::new(minor), of)
    };
    let offers: BTreeMap<_, _> = minors.clone().zip(bits).map(offer).collect();
    Addon { offers: Known(offers), ..addon(name, &version(current), []) }
}

/// The fewest rolls of one set: at each version of the control plane it is rolled or not.
fn fewest_rolls(kubelet: u16, from: u16, to: u16) -> usize {
    let stops = to - from + 1;
    let keeps_skew = |way: &u32| {
        let mut kubelet = kubelet;
        for stop in 0..stops {
            let control_plane = from + stop;
            if skew(Minor::new(kubelet), Minor::new(control_plane)) != Skew::Supported {
                return false;
            }
            if way & (1 << stop) != 0 {
                kubelet = control_plane;
            }
        }
        kubelet == to
    };
    (0_u32..1 << stops).filter(keeps_skew).map(u32::count_ones).min().expect("rolling always does") as usize
}

/// Steps in the order of the document are in an order of what they wait for, and a plan waits for all of it at its end.
fn waits_for_everything(plan: &UpgradePlan) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let in_order = plan.steps.iter().all(|step| {
        let waits = step.needs.iter().all(|need| seen.contains(need));
        seen.insert(step.id.clone());
        waits
    });
    let needed: std::collections::BTreeSet<_> = plan.steps.iter().flat_map(|step| &step.needs).collect();
    let ends = plan.steps.iter().filter(|step| !needed.contains(&step.id)).count();
    in_order && ends <= 1
}

proptest! {
    #[test]
    fn every_plan_keeps_every_rule_and_rolls_nodes_as_rarely_as_can_be(
        from in 30_u16..34,
        hops in 1_u16..5,
        lags in prop::collection::vec(0_u16..4, 0..5),
        at_once in 0_u16..4,
        bits in prop::collection::vec(any::<u8>(), 15),
        current in 0_usize..8,
    ) {
        let to = from + hops;
        let addons = ["vpc-cni", "coredns", "kube-proxy"].iter().enumerate().map(|(index, name)| {
            let current = if *name == "kube-proxy" { 0 } else { current };
            offering(name, current, from..=to, &bits[index * 5..])
        });
        let facts = cluster(from, &lags, addons.collect());
        let options = PlanOptions { groups_at_once: at_once, ..PlanOptions::default() };
        let plan = planned_with(&facts, to, &options).expect("in skew at the beginning");
        prop_assert_eq!(checker::check(&plan), vec![]);
        prop_assert!(waits_for_everything(&plan));
        let rolls = plan.node_rolls();
        for (index, lag) in lags.iter().enumerate() {
            let name = format!("group-{index}");
            prop_assert_eq!(rolls.get(name.as_str()).copied(), Some(fewest_rolls(from - lag, from, to)), "{}", name);
        }
        let at_once = usize::from(at_once.max(1));
        for step in plan.steps.iter().filter(|step| step.action.replaced_nodes().is_some()) {
            let beside = plan.steps.iter().filter(|it| it.needs == step.needs).count();
            prop_assert!(beside <= at_once, "{beside} beside each other");
        }
    }

    #[test]
    fn an_add_on_that_is_moved_is_moved_to_what_its_version_of_kubernetes_has(
        hops in 1_u16..4,
        bits in prop::collection::vec(any::<u8>(), 5),
        current in 0_usize..8,
    ) {
        let (from, to) = (33, 33 + hops);
        let addon = offering("vpc-cni", current, from..=to, &bits);
        let plan = planned_with(&cluster(from, &[0], vec![addon.clone()]), to, &PlanOptions::default()).expect("a plan");
        let mut control_plane = Minor::new(from);
        let mut version = addon.version.clone();
        for step in &plan.steps {
            match &step.action {
                Action::ControlPlane { to, .. } => control_plane = *to,
                Action::Addon { from, to, .. } => {
                    prop_assert_eq!(from, &version);
                    let has = addon.versions_for(control_plane).expect("offers");
                    prop_assert!(has.iter().any(|it| it.version == *to), "{} at {}", to, control_plane);
                    version.clone_from(to);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_critical_path_is_the_longest_of_all_paths(
        lags in prop::collection::vec(0_u16..4, 0..6),
        at_once in 1_u16..5,
    ) {
        let options = PlanOptions { groups_at_once: at_once, ..PlanOptions::default() };
        let plan = planned_with(&cluster(33, &lags, vec![]), 35, &options).expect("a plan");
        let times = timing(&plan.steps);
        let step = |id| plan.step(id).expect("a step of the plan");
        let along: u64 = times.critical_path.iter().map(|id| u64::from(step(id).expected_seconds)).sum();
        prop_assert_eq!(along, times.critical_path_seconds);
        for pair in times.critical_path.windows(2) {
            prop_assert!(step(&pair[1]).needs.contains(&pair[0]));
        }
        fn longest(plan: &UpgradePlan, step: &fleetwright_eks::plan::PlanStep) -> u64 {
            let before = step.needs.iter().map(|id| longest(plan, plan.step(id).expect("a step")));
            u64::from(step.expected_seconds) + before.max().unwrap_or(0)
        }
        // Paths of a plan with a few waves are few enough to go through.
        if lags.len() <= 3 {
            let all = plan.steps.iter().map(|step| longest(&plan, step)).max();
            prop_assert_eq!(all, Some(times.critical_path_seconds));
        }
        prop_assert!(times.critical_path_seconds <= times.serial_seconds);
    }
}
