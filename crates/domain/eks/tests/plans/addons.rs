//! Add-ons: versions for both ends of a hop where there are such, and one minor at a time where it must be.

use std::collections::BTreeMap;

use fleetwright_eks::Fact::Known;
use fleetwright_eks::facts::{Addon, AddonVersion};
use fleetwright_eks::plan::step::Action;
use fleetwright_eks::plan::{AddonGoal, PlanOptions, UpgradePlan, checker};
use fleetwright_kubernetes::Minor;

use super::world::{addon, healthy};
use super::{of, planned, planned_with};

/// An add-on with these versions; the first of each is the default.
pub(crate) fn offering(name: &str, version: &str, offers: &[(u16, &[&str])]) -> Addon {
    let offers: BTreeMap<Minor, Vec<AddonVersion>> = offers
        .iter()
        .map(|(minor, versions)| {
            let of = versions.iter().enumerate();
            let of = of.map(|(index, it)| AddonVersion { version: (*it).into(), default: index == 0 });
            (Minor::new(*minor), of.collect())
        })
        .collect();
    Addon { offers: Known(offers), ..addon(name, version, []) }
}

fn planned_for(addon: Addon, target: u16) -> UpgradePlan {
    let mut facts = healthy(33);
    *of(&mut facts.addons.addons) = vec![addon];
    planned(&facts, target)
}

/// Updates of add-ons and hops, in order.
fn told(plan: &UpgradePlan) -> Vec<String> {
    let tell = |action: &Action| match action {
        Action::ControlPlane { to, .. } => Some(format!("control plane {to}")),
        Action::Addon { to, .. } => Some(to.clone()),
        _ => None,
    };
    plan.steps.iter().filter_map(|step| tell(&step.action)).collect()
}

#[test]
fn a_version_for_both_ends_is_taken_before_the_hop() {
    let offers: [(u16, &[&str]); 2] = [(33, &["v2", "v1"]), (34, &["v2"])];
    let plan = planned_for(offering("dns", "v1", &offers), 34);
    assert_eq!(told(&plan), ["v2", "control plane 1.34"]);
    let back: Vec<_> = plan.rollbacks[0].steps.iter().map(|step| step.id.as_str()).collect();
    assert!(!back.iter().any(|id| id.starts_with("back-addon")), "no add-on need go back: {back:?}");
}

#[test]
fn an_add_on_without_one_follows_the_hop_and_goes_back_before_it() {
    let offers: [(u16, &[&str]); 2] = [(33, &["v1"]), (34, &["v3", "v2"])];
    let plan = planned_for(offering("dns", "v1", &offers), 34);
    assert_eq!(told(&plan), ["control plane 1.34", "v3"]);
    let back: Vec<_> = plan.rollbacks[0].steps.iter().map(|step| step.id.as_str()).collect();
    let place =
        |id: &str| back.iter().position(|it| *it == id).unwrap_or_else(|| panic!("{id} not in {back:?}"));
    assert!(place("back-nodes-blue-1.33") < place("back-addon-dns-v1"), "{back:?}");
    assert!(place("back-addon-dns-v1") < place("back-control-plane-1.33"), "{back:?}");
}

#[test]
fn an_add_on_that_no_version_is_for_is_left_and_blocks() {
    let offers: [(u16, &[&str]); 2] = [(33, &["v1"]), (34, &["v1"])];
    let plan = planned_for(offering("dns", "v1", &offers), 35);
    assert_eq!(told(&plan), ["control plane 1.34", "control plane 1.35"]);
    assert!(
        plan.left_alone.iter().any(|it| it.subject == "add-on dns" && it.why.contains("no version for 1.35"))
    );
    assert!(plan.blockers().any(|it| it.code == "EKS-D1"), "{:?}", plan.findings);
}

#[test]
fn kube_proxy_is_never_newer_than_the_api_server_and_ends_where_it_can_go_back() {
    let all: &[&str] =
        &["v1.36.0-eksbuild.1", "v1.35.0-eksbuild.1", "v1.34.1-eksbuild.1", "v1.33.5-eksbuild.1"];
    let offers = [(33, all), (34, all), (35, all), (36, all)];
    let plan = planned_for(offering("kube-proxy", "v1.33.5-eksbuild.1", &offers), 36);
    assert_eq!(
        told(&plan),
        ["control plane 1.34", "control plane 1.35", "control plane 1.36", "v1.35.0-eksbuild.1"],
        "1.36 does not serve 1.35, to which the control plane may go back"
    );
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn the_vpc_cni_goes_one_minor_at_a_time() {
    let of_33: &[&str] = &["v1.18.0-eksbuild.1", "v1.19.0-eksbuild.1"];
    let of_34: &[&str] =
        &["v1.21.1-eksbuild.1", "v1.20.3-eksbuild.1", "v1.20.4-eksbuild.1", "v1.19.0-eksbuild.1"];
    let offers = [(33, of_33), (34, of_34), (35, of_34)];
    let plan = planned_for(offering("vpc-cni", "v1.18.0-eksbuild.1", &offers), 35);
    assert_eq!(
        told(&plan),
        [
            "v1.19.0-eksbuild.1",
            "control plane 1.34",
            "control plane 1.35",
            "v1.20.4-eksbuild.1",
            "v1.21.1-eksbuild.1"
        ]
    );
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn the_fewest_updates_leave_what_serves_where_it_is() {
    let all: &[&str] = &["v9", "v1"];
    let mut facts = healthy(33);
    *of(&mut facts.addons.addons) = vec![offering("dns", "v1", &[(33, all), (34, all)])];
    assert_eq!(told(&planned(&facts, 34)), ["control plane 1.34", "v9"]);
    let options = PlanOptions { addons: AddonGoal::FewestUpdates, ..PlanOptions::default() };
    assert_eq!(told(&planned_with(&facts, 34, &options).expect("a plan")), ["control plane 1.34"]);
}

#[test]
fn the_network_goes_first_then_names_then_the_proxy_then_others() {
    let all: &[&str] = &["v1.34.9-eksbuild.1", "v1.33.0-eksbuild.1"];
    let mut facts = healthy(34);
    let names = ["zeta", "kube-proxy", "alpha", "coredns", "vpc-cni"];
    *of(&mut facts.addons.addons) =
        names.map(|name| offering(name, "v1.33.0-eksbuild.1", &[(34, all), (35, all)])).into();
    let plan = planned(&facts, 35);
    let order: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Addon { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["vpc-cni", "coredns", "kube-proxy", "alpha", "zeta"]);
}
