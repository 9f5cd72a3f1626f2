use std::collections::BTreeMap;

use fleetwright_eks::facts::addons::AddonVersion;
use fleetwright_eks::solve::addon_path::{AddonQuestion, NoAddonPath, addon_path};
use fleetwright_kubernetes::{Hop, Minor};
use proptest::prelude::*;

use super::route;

type Offers = BTreeMap<Minor, Vec<AddonVersion>>;

fn offers(of: &[(u16, &[&str])]) -> Offers {
    let versions = |versions: &[&str]| {
        versions.iter().map(|&version| AddonVersion { version: version.into(), default: false }).collect()
    };
    of.iter().map(|(minor, of)| (Minor::new(*minor), versions(of))).collect()
}

/// Updates as (version of the control plane, version of the add-on).
fn path(
    current: &str,
    by_minors: bool,
    offers: &Offers,
    route: &[Hop],
) -> Result<Vec<(u16, String)>, NoAddonPath> {
    let question = AddonQuestion { name: "vpc-cni", current, offers, by_minors };
    let updates = addon_path(&question, route)?;
    Ok(updates.into_iter().map(|update| (update.before.from.number(), update.to)).collect())
}

#[test]
fn an_add_on_that_serves_everywhere_is_left_alone() {
    let offers = offers(&[(33, &["v1.1", "v1.0"]), (34, &["v1.1", "v1.0"])]);
    assert_eq!(path("v1.0", false, &offers, &route(33, 34)), Ok(vec![]));
}

#[test]
fn one_update_that_lasts_for_all_hops_is_better_than_one_for_each() {
    let offers = offers(&[(33, &["v1.2", "v1.1", "v1.0"]), (34, &["v1.2", "v1.1"]), (35, &["v1.2"])]);
    assert_eq!(path("v1.0", false, &offers, &route(33, 35)), Ok(vec![(33, "v1.2".into())]));
}

#[test]
fn a_way_goes_through_a_version_for_every_pair_of_neighbours() {
    let offers = offers(&[(33, &["v1.1", "v1.0"]), (34, &["v1.2", "v1.1"]), (35, &["v1.3", "v1.2"])]);
    let expected = vec![(33, "v1.1".to_owned()), (34, "v1.2".to_owned())];
    assert_eq!(path("v1.0", false, &offers, &route(33, 35)), Ok(expected));
}

#[test]
fn the_vpc_cni_goes_minor_by_minor() {
    let offers = offers(&[(33, &["v1.20.1", "v1.19.5", "v1.18.0"]), (34, &["v1.20.1"])]);
    let expected = vec![(33, "v1.19.5".to_owned()), (33, "v1.20.1".to_owned())];
    assert_eq!(path("v1.18.0", true, &offers, &route(33, 34)), Ok(expected));
    assert_eq!(path("v1.18.0", false, &offers, &route(33, 34)), Ok(vec![(33, "v1.20.1".into())]));
}

#[test]
fn of_several_shortest_ways_the_newest_version_is_taken() {
    let offers = offers(&[(33, &["v1.9.0", "v1.10.0"]), (34, &["v1.9.0", "v1.10.0"])]);
    assert_eq!(path("v1.8.0", false, &offers, &route(33, 34)), Ok(vec![(33, "v1.10.0".into())]));
}

#[test]
fn the_hop_without_a_way_is_named() {
    let none = offers(&[(33, &["v1.0"]), (34, &["v1.0"]), (35, &["v2.0"])]);
    let hop = route(34, 35)[0];
    let error = path("v1.0", false, &none, &route(33, 35)).expect_err("nothing serves 1.34 and 1.35");
    assert_eq!(error, NoAddonPath::NoCommonVersion { name: "vpc-cni".into(), hop });
    let far = offers(&[(33, &["v1.20.0"]), (34, &["v1.20.0"])]);
    let error = path("v1.17.0", true, &far, &route(33, 34)).expect_err("no version between");
    assert_eq!(error, NoAddonPath::Unreachable { name: "vpc-cni".into(), hop: route(33, 34)[0] });
}

/// Whether some way of exactly `left` updates leads over the rest of the route, by trying all of them.
fn leads(version: u32, left: usize, by_minors: bool, offers: &[Vec<u32>]) -> bool {
    let [here, rest @ ..] = offers else { return false };
    let hop_may_be_made = match rest {
        [] => return left == 0,
        [after, ..] => here.contains(&version) && after.contains(&version),
    };
    if hop_may_be_made && leads(version, left, by_minors, rest) {
        return true;
    }
    let near = |to: u32| to != version && (!by_minors || to.abs_diff(version) <= 1);
    left > 0 && here.iter().any(|&to| near(to) && leads(to, left - 1, by_minors, offers))
}

proptest! {
    #[test]
    fn no_way_has_fewer_updates(
        by_minor in prop::collection::vec(prop::collection::btree_set(0_u32..6, 0..5), 2..5),
        current in 0_u32..6,
        by_minors: bool,
    ) {
        let name = |minor: u32| format!("v1.{minor}.0-eksbuild.1");
        let by_minor: Vec<Vec<u32>> = by_minor.into_iter().map(|of| of.into_iter().collect()).collect();
        let version = |&minor: &u32| AddonVersion { version: name(minor), default: false };
        let offers: Offers = (30_u16..)
            .zip(&by_minor)
            .map(|(minor, of)| (Minor::new(minor), of.iter().map(version).collect()))
            .collect();
        let last = 30 + u16::try_from(by_minor.len()).expect("few") - 1;
        let fewest = (0..=8).find(|&left| leads(current, left, by_minors, &by_minor));
        let found = path(&name(current), by_minors, &offers, &route(30, last));
        prop_assert_eq!(found.as_ref().ok().map(Vec::len), fewest, "{:?}", found);
    }
}
