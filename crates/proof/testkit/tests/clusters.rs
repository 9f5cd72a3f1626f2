//! Clusters in memory keep the contracts of the real ones.

use std::sync::Arc;

use fleetwright_clock::VirtualClock;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{AccountId, Cell, ErrorClass, Region, Regions, Zone, ZoneName};
use fleetwright_ports::cluster_changes::{ClientToken, UpdateOf};
use fleetwright_ports::clusters::{ClusterName, UpdateStatus};
use fleetwright_ports::conformance::{cluster_changes, clusters, self_managed};
use fleetwright_ports::{Clock, ClusterChanges};
use fleetwright_testkit::{FakeAddon, FakeCluster, FakeOwnGroup, Fault};

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::starting_at("2026-11-02T02:00:00Z".parse().expect("a time")))
}

fn name() -> ClusterName {
    "shop".parse().expect("a name")
}

fn zone() -> Zone {
    Zone {
        name: ZoneName::new("prod").expect("a name"),
        account: AccountId::new("011122223333").expect("an account"),
        regions: Regions::AllEnabled,
        access: Default::default(),
        environment: None,
        description: None,
        enabled: true,
        tags: Default::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

fn shop(clock: &Arc<dyn Clock>) -> FakeCluster {
    let offers = [("v2", 34..=37), ("v1", 32..=36), ("v0", 30..=32)];
    let offers = offers.map(|(version, span)| (version.to_owned(), span)).into();
    FakeCluster::new(name(), Minor::new(34), Arc::clone(clock))
        .with_addon("coredns", FakeAddon { version: "v1".to_owned(), offers })
        .with_node_group("blue", Minor::new(34))
}

fn cell(zone: &Zone) -> Cell<'_> {
    Cell { zone, region: Region::new("eu-central-1").expect("a region") }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_memory_is_looked_at_as_a_real_one() {
    let (clock, zone) = (clock(), zone());
    let expected = clusters::Expected {
        name: name(),
        version: Minor::new(34),
        addons: ["coredns".to_owned()].into(),
        node_groups: ["blue".to_owned()].into(),
    };
    clusters::check(&shop(&clock), &cell(&zone), &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_memory_is_changed_as_a_real_one() {
    let (clock, zone) = (clock(), zone());
    let (shop, name) = (shop(&clock), name());
    let expected = cluster_changes::Expected {
        name: name.clone(),
        version: Minor::new(34),
        addon: ("coredns".to_owned(), "v2".to_owned(), "v0".to_owned()),
        node_group: "blue".to_owned(),
    };
    let subject = cluster_changes::Subject {
        changes: &shop,
        clusters: &shop,
        clock: &*clock,
        cell: &cell(&zone),
        name: &name,
    };
    cluster_changes::check(subject, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_of_ones_own_in_memory_is_refreshed_as_a_real_one() {
    let (clock, zone) = (clock(), zone());
    let minors = [Minor::new(33), Minor::new(34)];
    let group = FakeOwnGroup { instances: vec!["i-1".to_owned(), "i-2".to_owned()], minors: minors.into() };
    let shop = shop(&clock).with_own_group("batch", group);
    let subject =
        self_managed::Subject { groups: &shop, refreshes: &shop, clock: &*clock, cell: &cell(&zone) };
    let expected = self_managed::Expected {
        cluster: name(),
        groups: ["batch".to_owned()].into(),
        group: "batch".to_owned(),
        minors,
    };
    self_managed::check(subject, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_may_be_lost_and_an_update_may_fail() {
    let (clock, zone) = (clock(), zone());
    let shop = shop(&clock);
    shop.fail_next("eks:UpdateClusterVersion", Fault::LostReply);
    shop.fail_update("IpNotAvailable: no addresses");
    let token = ClientToken::new("up").expect("a token");
    let lost = shop.update_version(&cell(&zone), &name(), Minor::new(35), &token).await;
    assert_eq!(lost.expect_err("nobody knows").class, ErrorClass::Ambiguous);
    let begun = shop.update_version(&cell(&zone), &name(), Minor::new(35), &token).await.expect("the same");
    assert_eq!(shop.begun(), std::slice::from_ref(&begun));
    clock.sleep(std::time::Duration::from_secs(3600)).await;
    let ended = shop.update(&cell(&zone), &name(), UpdateOf::Cluster, &begun.id).await.expect("an update");
    assert_eq!((ended.status, ended.errors.len()), (UpdateStatus::Failed, 1));
}
