//! Fleets of clusters, ring by ring.

use fleetwright_eks::run::outcome::ClusterStanding;
use fleetwright_flow::Ending;
use fleetwright_kubernetes::Minor;

use crate::stories::healthy;
use crate::world::World;

/// Clusters of the second ring.
const FLEET: usize = 40;

#[tokio::test(start_paused = true)]
async fn a_bad_canary_keeps_forty_clusters_as_they_are() {
    let names: Vec<String> = (1..=FLEET).map(|number| format!("prod-{number}")).collect();
    let canary =
        healthy("canary", "1.34").replace("logging =", "next_upgrade_fails = \"IpNotAvailable\"\nlogging =");
    let clusters: String = names.iter().map(|name| healthy(name, "1.34")).chain([canary]).collect();
    let world = World::of(&clusters).await;
    let canary = vec![world.planned("canary", 35).await];
    let mut rest = Vec::new();
    for name in &names {
        rest.push(world.planned(name, 35).await);
    }
    let staged = world.fleet(&[("canary", canary), ("prod", rest)], 3600).await.expect("a run");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Halted));
    let outcomes = staged.outcomes().await;
    assert_eq!((outcomes[0].name.as_str(), outcomes[0].standing), ("canary", ClusterStanding::Failed));
    assert!(outcomes[1..].iter().all(|it| it.standing == ClusterStanding::NotBegun), "no other was begun");
    assert!(staged.effects().keys().all(|what| what.starts_with("canary ")), "{:?}", staged.effects());
}

#[tokio::test(start_paused = true)]
async fn a_ring_proves_itself_before_the_next_begins() {
    let clusters: String = ["dev", "blue", "green"].map(|name| healthy(name, "1.34")).concat();
    let world = World::of(&clusters).await;
    let canary = vec![world.planned("dev", 35).await];
    let rest = vec![world.planned("blue", 35).await, world.planned("green", 35).await];
    let staged = world.fleet(&[("canary", canary), ("prod", rest)], 6 * 3600).await.expect("a run");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete));
    let outcomes = staged.outcomes().await;
    assert!(outcomes.iter().all(|it| it.standing == ClusterStanding::Done), "{outcomes:#?}");
    assert!(outcomes.iter().all(|it| it.reached == Minor::new(35)));
    let ended = outcomes[0].steps.iter().filter(|it| it.id != "soak").filter_map(|it| it.ended_at).max();
    let begun = outcomes[1].steps.iter().filter_map(|it| it.started_at).min();
    let proven = begun.expect("it was begun").duration_since(ended.expect("it ended"));
    assert!(proven.as_hours() >= 6, "{proven:#}");
}
