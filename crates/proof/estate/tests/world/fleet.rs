//! What the generator makes.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_estate::scenario::Overrides;
use fleetwright_estate::world::instance::{Instance, Lifecycle};
use fleetwright_estate::world::{Region, World};

use crate::prepare;

const FLEET: &str = r#"
name = "fleet"
seed = 21
[fleet]
accounts = 4
regions = ["eu-central-1", "us-east-1"]
instances = 4000
[fleet.shares]
stopped = 0.2
agent_lost = 0.1
agent_never = 0.1
agent_old = 0.3
spot = 1.0
auto_scaling = 0.4
eks = 0.1
"#;

/// Everything that exists, as text.
fn dump(world: &World) -> String {
    world
        .accounts
        .iter()
        .map(|(id, account)| format!("{id} {} {:#?}\n", account.name, account.regions))
        .collect()
}

fn regions(world: &World) -> impl Iterator<Item = &Region> {
    world.accounts.values().flat_map(|account| account.regions.values())
}

fn instances(world: &World) -> impl Iterator<Item = &Instance> {
    regions(world).flat_map(|region| region.instances.iter())
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let overrides = Overrides { instances: Some(300), ..Overrides::default() };
    let one = dump(&prepare(FLEET, &overrides).world);
    assert!(one == dump(&prepare(FLEET, &overrides).world));
    let reseeded = Overrides { seed: Some(22), ..overrides };
    assert!(one != dump(&prepare(FLEET, &reseeded).world));
}

#[test]
fn one_instance_more_changes_no_other() {
    let make = |each| {
        let overrides = Overrides { instances_per_cell: Some(each), ..Overrides::default() };
        let world = prepare(FLEET, &overrides).world;
        instances(&world).map(|it| (it.id, format!("{it:?}"))).collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (make(50), make(51));
    assert_eq!(after.len(), before.len() + 8);
    for (id, was) in &before {
        assert_eq!(after.get(id), Some(was));
    }
}

#[test]
fn one_account_more_changes_no_other() {
    let make = |accounts| {
        let overrides =
            Overrides { accounts: Some(accounts), instances_per_cell: Some(20), ..Overrides::default() };
        prepare(FLEET, &overrides)
    };
    let (before, after) = (make(4), make(5));
    for zone in &before.landing_zones {
        assert!(after.landing_zones.contains(zone));
        let regions = |world: &World| format!("{:?}", world.accounts[&zone.account_id].regions);
        assert!(regions(&before.world) == regions(&after.world));
    }
}

#[test]
fn shares_come_out_about_as_asked() {
    let world = prepare(FLEET, &Overrides::default()).world;
    let all: Vec<&Instance> = instances(&world).collect();
    assert_eq!(all.len(), 4000);
    let share = |what: fn(&Instance) -> bool| {
        let count = all.iter().filter(|it| what(it)).count();
        (count as f64 / all.len() as f64 * 100.0).round() as i64
    };
    assert!((17..=23).contains(&share(|it| it.state.name() == "stopped")));
    assert!((8..=12).contains(&share(|it| it.agent.is_none())));
    assert!((44..=56).contains(&share(|it| it.lifecycle == Lifecycle::Spot)));
    assert!((34..=46).contains(&share(|it| {
        it.tags.get("aws:autoscaling:groupName").is_some() && it.tags.get("eks:cluster-name").is_none()
    })));
    assert!((12..=24).contains(&share(|it| it.platform.is_windows())));
}

#[test]
fn every_id_is_unique_and_every_address_is_in_its_subnet() {
    let world = prepare(FLEET, &Overrides::default()).world;
    let ids: BTreeSet<_> = instances(&world).map(|it| it.id).collect();
    assert_eq!(ids.len(), 4000);
    for region in regions(&world) {
        let mut addresses = BTreeSet::new();
        for it in region.instances.iter() {
            assert!(it.subnet.contains(it.private_ip), "{} in {:?}", it.private_ip, it.subnet);
            assert!(addresses.insert(it.private_ip), "{} twice", it.private_ip);
        }
    }
}

#[test]
fn volumes_and_instances_name_each_other() {
    let world = prepare(FLEET, &Overrides::default()).world;
    for region in regions(&world) {
        let attached: usize = region.instances.iter().map(|it| it.volumes.len()).sum();
        assert_eq!(region.volumes.len(), attached);
        for it in region.instances.iter() {
            for volume in &it.volumes {
                let found = region.volumes.get(&volume.volume).expect("the volume exists");
                assert_eq!(found.attachment.as_ref().map(|a| a.instance), Some(it.id));
                assert_eq!(found.zone.as_ref(), it.subnet.zone);
            }
        }
    }
}

#[test]
fn names_say_environment_application_tier_and_zone() {
    let world = prepare(FLEET, &Overrides::default()).world;
    let named = instances(&world).filter(|it| it.tags.get("aws:autoscaling:groupName").is_none());
    for it in named.filter(|it| !it.tags.is_empty()) {
        let tag = |key| it.tags.get(key).unwrap_or_default();
        let start = format!(
            "{}-{}-{}-{}-",
            tag("Environment"),
            tag("Application"),
            tag("Tier"),
            it.subnet.zone_letter()
        );
        assert!(tag("Name").starts_with(&start), "{} does not start with {start}", tag("Name"));
    }
}

#[test]
fn applications_span_all_zones() {
    let world = prepare(FLEET, &Overrides::default()).world;
    let mut zones: BTreeMap<(String, String), BTreeSet<char>> = BTreeMap::new();
    for it in instances(&world).filter(|it| !it.tags.is_empty()) {
        let key = (it.tags.get("Application").unwrap_or_default().to_owned(), it.subnet.zone.clone());
        zones
            .entry((key.0, key.1[..key.1.len() - 1].to_owned()))
            .or_default()
            .insert(it.subnet.zone_letter());
    }
    let spanning = zones.values().filter(|letters| letters.len() == 3).count();
    assert!(spanning * 10 > zones.len() * 9, "{spanning} of {}", zones.len());
}
