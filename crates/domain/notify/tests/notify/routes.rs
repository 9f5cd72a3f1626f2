//! Who hears of what.

use std::collections::BTreeSet;

use fleetwright_model::{Phase, ZoneName};
use fleetwright_notify::{Kind, Notice, Route, Routes, Severity};

use crate::samples::{account, notice};

fn route(name: &str, channels: &[&str]) -> Route {
    Route {
        name: name.into(),
        channels: channels.iter().map(|channel| (*channel).into()).collect(),
        severity: Severity::Info,
        accounts: BTreeSet::new(),
        zones: BTreeSet::new(),
        phases: BTreeSet::new(),
        kinds: BTreeSet::new(),
    }
}

fn heard(routes: &Routes, notice: &Notice) -> Vec<String> {
    routes.channels(notice).into_iter().map(ToString::to_string).collect()
}

#[test]
fn a_notice_goes_to_every_channel_of_the_routes_that_take_it_and_to_each_once() {
    let routes = Routes(vec![
        route("all", &["log", "chat"]),
        Route { severity: Severity::Error, ..route("bad", &["chat", "pager"]) },
    ]);
    assert_eq!(heard(&routes, &notice(Kind::HostFailed, Severity::Error)), ["chat", "log", "pager"]);
    assert_eq!(heard(&routes, &notice(Kind::RunEnded, Severity::Info)), ["chat", "log"]);
}

#[test]
fn each_condition_of_a_route_keeps_out_what_does_not_meet_it() {
    let takes = |route: Route| route.takes(&notice(Kind::HostFailed, Severity::Error));
    let all = || route("a", &["chat"]);
    let zone = |name: &str| BTreeSet::from([ZoneName::new(name).expect("a zone")]);
    assert!(takes(Route { accounts: [account("111122223333")].into(), ..all() }));
    assert!(!takes(Route { accounts: [account("444455556666")].into(), ..all() }));
    assert!(takes(Route { zones: zone("payments"), ..all() }));
    assert!(!takes(Route { zones: zone("logistics"), ..all() }));
    assert!(takes(Route { phases: [Phase::Patch].into(), ..all() }));
    assert!(!takes(Route { phases: [Phase::Backup].into(), ..all() }));
    assert!(takes(Route { kinds: [Kind::HostFailed].into(), ..all() }));
    assert!(!takes(Route { kinds: [Kind::HostStuck].into(), ..all() }));
    assert!(takes(Route { severity: Severity::Error, ..all() }));
    assert!(!takes(Route { severity: Severity::Critical, ..all() }));
}

#[test]
fn a_test_goes_through_every_route() {
    let narrow =
        Route { severity: Severity::Critical, phases: [Phase::Scan].into(), ..route("a", &["chat"]) };
    assert_eq!(heard(&Routes(vec![narrow]), &notice(Kind::Test, Severity::Info)), ["chat"]);
}
