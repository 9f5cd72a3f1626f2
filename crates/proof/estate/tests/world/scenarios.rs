//! Scenario files: what they accept, what they refuse, and the ones that come along.

use std::path::Path;

use fleetwright_estate::landing_zones;
use fleetwright_estate::scenario::{Overrides, Prepared, ScenarioError, ScenarioFile};

use crate::prepare;

#[expect(clippy::disallowed_methods, reason = "the shipped scenarios are files")]
fn shipped(name: &str) -> ScenarioFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
    let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).expect("the scenario is there");
    match ScenarioFile::parse(&text, name) {
        Ok(file) => file,
        Err(error) => panic!("{error}"),
    }
}

fn count(prepared: &Prepared) -> usize {
    let accounts = prepared.world.accounts.values();
    accounts.flat_map(|account| account.regions.values()).map(|region| region.instances.len()).sum()
}

fn refused(text: &str) -> ScenarioError {
    match ScenarioFile::parse(text, "bad.toml").and_then(|file| file.prepare(&Overrides::default())) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    }
}

#[test]
fn every_shipped_scenario_makes_the_estate_it_promises() {
    for name in ["bad-input", "broken-page", "demo", "denied", "hidden-tenant", "throttled"] {
        let file = shipped(name);
        let prepared = file.prepare(&Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(prepared.name, name);
        let expected = |key: &str| file.scenario.expect.get(key).and_then(toml::Value::as_integer);
        assert_eq!(Some(prepared.landing_zones.len() as i64), expected("accounts"), "{name}");
        if let Some(instances) = expected("instances") {
            assert_eq!(count(&prepared) as i64, instances, "{name}");
        }
    }
}

#[test]
fn the_scale_scenario_takes_other_sizes() {
    let sizes = Overrides { accounts: Some(3), instances: Some(100), seed: Some(5), ..Overrides::default() };
    let prepared = shipped("scale").prepare(&sizes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((prepared.landing_zones.len(), count(&prepared), prepared.seed), (3, 100, 5));
}

#[test]
fn a_misspelt_key_is_refused_with_its_place() {
    let error = refused("name = \"x\"\n\n[fleet]\naccuonts = 3\n");
    assert_eq!(error.place, Some((4, 1)));
    assert!(error.problem.contains("accuonts") && error.problem.contains("`accounts`"), "{error}");
}

#[test]
fn values_that_make_no_sense_are_refused_with_what_to_write() {
    let cases = [
        ("name = \"x\"\n[fleet.shares]\nstopped = 1.5\n", Some((3, 1)), "between 0 and 1"),
        ("name = \"x\"\n[fleet.shares]\nstopped = 0.8\nterminated = 0.4\n", Some((3, 1)), "add up to"),
        ("name = \"x\"\n[fleet]\ninstances = 1\ninstances_per_cell = 1\n", Some((4, 1)), "keep one"),
        (
            "name = \"x\"\n[fleet]\naccounts = 1\nregions = [\"eu-middle-1\"]\n",
            Some((4, 1)),
            "is not a region",
        ),
        ("name = \"x\"\n[fleet]\naccounts = 1\ninstances = 50000\n", Some((4, 1)), "at most 40000 fit"),
        ("name = \"x\"\n[[accounts]]\nname = \"a\"\nid = \"123\"\n", Some((2, 1)), "is not 12 digits"),
        (
            "name = \"x\"\n[[accounts]]\nname = \"a\"\n[[accounts]]\nname = \"a\"\n",
            Some((4, 1)),
            "must be unique",
        ),
        (
            "name = \"x\"\n[[accounts]]\nname = \"a\"\n[[instances]]\naccount = \"b\"\n",
            Some((4, 1)),
            "no account \"b\"",
        ),
        (
            "name = \"x\"\n[[accounts]]\nname = \"a\"\n[[instances]]\naccount = \"a\"\ninstance_type = \"q1.big\"\n",
            Some((4, 1)),
            "no instance type \"q1.big\"",
        ),
        (
            "name = \"x\"\n[[accounts]]\nname = \"a\"\n[[access.exceptions]]\naccount = \"a\"\n\
             problem = \"region-not-enabled\"\nregions = [\"us-east-1\"]\n",
            Some((4, 1)),
            "cannot disable it",
        ),
    ];
    for (text, place, problem) in cases {
        let error = refused(text);
        assert!(error.problem.contains(problem), "{error}");
        assert_eq!(error.place, place, "{error}");
    }
}

#[test]
fn the_inventory_names_each_account_with_its_own_external_id() {
    let prepared = prepare("name = \"x\"\n[fleet]\naccounts = 3\n", &Overrides::default());
    let [one, two, three] = prepared.landing_zones.as_slice() else { panic!("three accounts") };
    assert!(one.external_id != two.external_id && two.external_id != three.external_id);
    let text = landing_zones::render(&prepared.landing_zones);
    assert_eq!(text.matches("role_arn: \"arn:aws:iam::").count(), 3);
    assert!(!prepared.landing_zones.iter().any(|zone| zone.account_id == prepared.hub.account));
}

#[test]
fn hand_made_tags_arrive_as_written() {
    let file = shipped("bad-input");
    let prepared = file.prepare(&Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let region = &prepared.world.accounts["000000000042"].regions["eu-central-1"];
    let named = |name: &str| region.instances.iter().find(|it| it.tags.get("Name") == Some(name));
    assert!(named("two\nlines, a comma and \"quotes\"").is_some());
    assert_eq!(named("fifty tags").map(|it| it.tags.len()), Some(50));
    assert!(region.instances.iter().any(|it| it.tags.is_empty()));
}

#[test]
fn every_way_to_refuse_is_in_the_world() {
    let prepared = shipped("denied").prepare(&Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let world = &prepared.world;
    let zone =
        |name: &str| prepared.landing_zones.iter().find(|zone| zone.name == name).expect("the account");
    let account = |name: &str| &world.accounts[&zone(name).account_id];
    let role = |name: &str| account(name).iam.roles.get("FleetwrightSpoke");
    let trusts = |name: &str, what: &str| role(name).is_some_and(|role| role.trust_text.contains(what));

    assert!(trusts("healthy", &prepared.hub.account) && trusts("healthy", &zone("healthy").external_id));
    assert!(role("role-missing").is_none());
    assert!(!trusts("external-id-rotated", &format!("\"{}\"", zone("external-id-rotated").external_id)));
    assert!(!trusts("other-hub", &prepared.hub.account));
    assert!(!account("not-enabled").regions["eu-south-1"].enabled);
    assert!(account("not-enabled").regions["eu-central-1"].enabled);
    let organization = world.organization.as_ref().expect("there is an organisation");
    assert_eq!(organization.management, prepared.hub.account);
    assert_eq!(organization.service_control.keys().collect::<Vec<_>>(), [&zone("guardrail").account_id]);
    assert_eq!(organization.members.len(), 9);
}

#[test]
fn the_hub_can_be_a_delegated_administrator_or_stand_alone() {
    let make = |hub: &str| {
        let text = format!("name = \"x\"\n[organization]\nhub = \"{hub}\"\n[fleet]\naccounts = 2\n");
        prepare(&text, &Overrides::default())
    };
    let delegated = make("delegated");
    let organization = delegated.world.organization.as_ref().expect("there is an organisation");
    assert!(organization.management != delegated.hub.account);
    assert!(organization.delegated.contains(&delegated.hub.account));
    assert!(delegated.world.accounts.contains_key(&organization.management));
    assert!(make("no-organization").world.organization.is_none());
}

#[test]
fn missing_patches_and_earlier_images_are_as_the_file_says() {
    let text = "name = \"x\"\n[[accounts]]\nname = \"a\"\ninstances_per_region = 0\nregions = [\"eu-central-1\"]\n\
                [[instances]]\naccount = \"a\"\ncount = 2\nmissing = [\"openssl\", \"kern*\"]\n\
                [instances.tags]\nName = \"web\"\n\
                [[images]]\ninstance = \"w*\"\ndays_old = 40\nname = \"old-\"\n\
                [images.tags]\nof = \"{instance}\"\n";
    let prepared = prepare(text, &Overrides::default());
    let region = &prepared.world.accounts[&prepared.landing_zones[0].account_id].regions["eu-central-1"];
    for it in region.instances.iter() {
        let state = it.patch_state.as_deref().expect("it was scanned");
        let titles: Vec<&str> = state.missing.iter().map(|patch| patch.title).collect();
        assert_eq!(titles, ["kernel", "openssl"]);
        let id = region.image_names[&format!("old-{}", it.id)];
        assert_eq!(region.images[&id].tags.get("of"), Some(it.id.to_string().as_str()));
        assert_eq!(region.images[&id].disks.len(), it.volumes.len());
    }

    let nobody = refused(&text.replace("instance = \"w*\"", "instance = \"db\""));
    assert!(nobody.problem.contains("no instance"), "{nobody}");
    let unknown = refused(&text.replace("openssl", "opnssl"));
    assert!(unknown.problem.contains("opnssl") && unknown.problem.contains("openssl"), "{unknown}");
}
