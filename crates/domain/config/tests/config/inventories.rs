//! Inventories in every shape give the same typed zones.

use fleetwright_config::landing_zones::{Sources, Wanted, choose, example, load};
use fleetwright_config::{Flag, Inventory, Layers, Listed, SourceText, ZoneDefaults, resolve};
use fleetwright_model::{Regions, Zone};

use crate::{fixture, load_file, open, zone_defaults};

/// A zone in one line.
fn line(zone: &Listed<Zone>) -> String {
    let zone = &zone.item;
    let regions = match &zone.regions {
        Regions::AllEnabled => "all".to_owned(),
        Regions::Listed(listed) => listed.iter().map(|region| region.as_str()).collect::<Vec<_>>().join(","),
    };
    let role = zone.access.role.as_ref().map_or("no role", |role| role.as_str());
    let enabled = if zone.enabled { "" } else { " disabled" };
    format!("{} {} {regions} {role}{enabled}", zone.name, zone.account)
}

fn zones(inventory: &Inventory) -> Vec<String> {
    inventory.zones.iter().map(line).collect()
}

#[test]
fn shape_a_takes_the_rest_from_the_configuration_and_restores_leading_zeros() {
    let inventory = load_file(fixture!("inventories/a-list.yaml")).expect("valid");
    assert_eq!(
        zones(&inventory),
        [
            "payments-dev 011122223333 eu-central-1 arn:aws:iam::011122223333:role/DefaultRole",
            "payments-test 222233334444 eu-central-1 arn:aws:iam::222233334444:role/DefaultRole disabled",
            "sandbox 333344445555 eu-central-1 arn:aws:iam::333344445555:role/DefaultRole",
        ]
    );
}

#[test]
fn shape_b_has_regions_roles_and_filters_of_its_own() {
    let inventory = load_file(fixture!("inventories/b-roles.yaml")).expect("valid");
    assert_eq!(
        zones(&inventory),
        [
            "web-prod 011122223333 eu-central-1 arn:aws:iam::011122223333:role/ops/Patching",
            "web-gov 444455556666 us-gov-west-1,us-gov-east-1 arn:aws-us-gov:iam::444455556666:role/Patching",
        ]
    );
    let [web, gov] = [&inventory.zones[0].item, &inventory.zones[1].item];
    assert_eq!(web.access.external_id.as_ref().map(|id| id.reveal()), Some("web-7f3a"));
    assert_eq!(web.environment.as_deref(), Some("prod"));
    assert_eq!(web.tags["Application"], ["web", "api"]);
    assert_eq!(web.tags["Patch"], ["yes"], "a tag's value is text, whatever it looks like");
    assert_eq!((gov.include.as_slice(), gov.exclude.len()), (["web-*".to_owned()].as_slice(), 2));
    assert_eq!(gov.access.profile.as_deref(), Some("gov"));
}

#[test]
fn shape_c_is_keyed_by_name_and_null_means_no_role() {
    let inventory = load_file(fixture!("inventories/c-keyed.yaml")).expect("valid");
    assert_eq!(
        zones(&inventory),
        [
            "payments-prod 011122223333 eu-central-1 arn:aws:iam::011122223333:role/Patching",
            "hub 999988887777 eu-west-1 no role",
        ]
    );
    assert_eq!(inventory.zones[0].item.description.as_deref(), Some("Payment services"));
    let place = &inventory.zones[1].place;
    assert_eq!((place.line, place.column), (7, 1));
}

#[test]
fn shape_d_takes_entries_of_the_file_it_names() {
    let inventory = load_file(fixture!("inventories/d-reference.yaml")).expect("valid");
    assert_eq!(
        zones(&inventory),
        ["web-prod 011122223333 eu-central-1 arn:aws:iam::011122223333:role/ops/Patching"]
    );
    assert_eq!(inventory.zones[0].place.to_string(), "inventories/b-roles.yaml:3:5");
}

#[test]
fn shape_d_without_a_file_looks_names_and_account_ids_up_in_the_catalogue() {
    let sources = Sources {
        files: &[fixture!("inventories/d-names.yaml")],
        catalogue: &[fixture!("inventories/b-roles.yaml")],
    };
    let inventory = load(sources, &zone_defaults(), &mut |reference| open(reference.path)).expect("valid");
    assert_eq!(zones(&inventory).len(), 2);
    assert_eq!(inventory.zones[1].item.name.as_str(), "web-gov");
}

#[test]
fn one_bare_entry_is_an_inventory_and_its_account_its_name() {
    let inventory = load_file(fixture!("inventories/bare.yaml")).expect("valid");
    assert_eq!(
        zones(&inventory),
        ["000000000123 000000000123 eu-central-1 arn:aws:iam::000000000123:role/DefaultRole"]
    );
}

#[test]
fn shapes_can_be_mixed_and_accounts_found_through_the_organisation() {
    let inventory = load_file(fixture!("inventories/mixed.yaml")).expect("valid");
    let names: Vec<&str> = inventory.zones.iter().map(|zone| zone.item.name.as_str()).collect();
    assert_eq!(names, ["web-prod", "web-gov", "tools"]);
    let [unit, rest] = [&inventory.scopes[0].item, &inventory.scopes[1].item];
    assert_eq!((unit.unit.as_deref(), &unit.regions), (Some("ou-ab12-34cd56ef"), &Regions::AllEnabled));
    assert_eq!(unit.role_name.as_deref(), Some("DefaultRole"));
    assert_eq!(rest.unit, None);
    assert_eq!(
        (rest.accounts_include.as_slice(), rest.accounts_exclude.as_slice()),
        (["team-*".to_owned()].as_slice(), ["*-sandbox".to_owned()].as_slice())
    );
    assert_eq!(rest.external_id.as_ref().map(|id| id.reveal()), Some("org-1"));
}

#[test]
fn the_example_that_init_writes_is_valid() {
    let inventory = load_file(SourceText::new("landing-zones.yaml", example())).expect("valid");
    assert_eq!(inventory.zones.len(), 3);
}

#[test]
fn ten_thousand_lines_load_without_comparing_each_with_each() {
    let text: String = (0..2_500)
        .map(|n| format!("- name: zone-{n}\n  account_id: {}\n  regions: [eu-central-1, eu-west-1]\n  role_name: Patching\n", 100_000_000_000_u64 + n))
        .collect();
    let inventory = load_file(SourceText::new("large.yaml", text)).expect("valid");
    assert_eq!(inventory.zones.len(), 2_500);
    assert_eq!(inventory.zones[2_499].place.line, 9_997);
}

#[test]
fn an_inventory_that_a_program_wrote_on_one_line_loads_as_well() {
    let zone = |n: u64| {
        let account = 100_000_000_000 + n;
        format!("{{\"name\": \"zöne-{n}\", \"account_id\": \"{account}\", \"regions\": [\"eu-central-1\"]}}")
    };
    let zones: Vec<String> = (0..2_500).map(zone).collect();
    let text = format!("{{\"landing_zones\": [{}]}}", zones.join(", "));
    let inventory = load_file(SourceText::new("zones.json", text.clone())).expect("valid");
    let last = &inventory.zones[2_499].place;
    assert_eq!(last.line, 1);
    assert!(
        text[last.offset..].starts_with("{\"name\": \"zöne-2499\""),
        "the offset counts bytes, not characters"
    );
}

/// Chooses by flags from a fixture.
fn chosen(flags: &[(&str, &str)], config: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let flags = flags.iter().map(|(key, text)| Flag::new("--flag", *key, *text)).collect();
    let files = vec![SourceText::new("config.yaml", config)];
    let resolved = resolve(&Layers { files, flags, ..Layers::default() }).expect("valid");
    let inventory = load_file(SourceText::new("zones.yaml", ZONES)).expect("valid");
    let names = |zones: Vec<Zone>| zones.into_iter().map(|zone| zone.name.to_string()).collect();
    match choose(&inventory, &Wanted::new(&resolved)) {
        Ok(chosen) => Ok((names(chosen.zones), names(chosen.disabled))),
        Err(errors) => Err(errors.to_string()),
    }
}

const ZONES: &str = "
- {name: web-prod, account_id: 111122223333, environment: prod}
- {name: web-test, account_id: 222233334444, environment: test}
- {name: old-prod, account_id: 333344445555, environment: prod, enabled: false}
- {name: tools, account_id: 444455556666}
- {name: payroll, account_id: 011122223333, environment: test}
";

#[test]
fn zones_are_chosen_by_name_account_and_environment_and_disabled_ones_are_named() {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        chosen(&[], ""),
        Ok((list(&["web-prod", "web-test", "tools", "payroll"]), list(&["old-prod"])))
    );
    assert_eq!(chosen(&[("environment", "prod")], ""), Ok((list(&["web-prod"]), list(&["old-prod"]))));
    assert_eq!(chosen(&[("landing_zones.names", "11122223333")], ""), Ok((list(&["payroll"]), Vec::new())));
    assert_eq!(
        chosen(&[("landing_zones.names", "444455556666,web-test")], ""),
        Ok((list(&["web-test", "tools"]), Vec::new()))
    );
}

#[test]
fn a_choice_that_cannot_be_met_says_why() {
    let error =
        |flags: &[(&str, &str)]| chosen(flags, "environments: {stage: {}}").expect_err("cannot be met");
    assert_eq!(
        error(&[("landing_zones.names", "web-prd,tools")]),
        "flag --flag: no landing zone is called web-prd; did you mean `web-prod`? [FW-C0012]"
    );
    assert_eq!(
        error(&[("environment", "prdo")]),
        "flag --flag: unknown environment prdo; did you mean `prod`? [FW-C0018]"
    );
    assert_eq!(
        error(&[("environment", "stage")]),
        "flag --landing-zones: no landing zone belongs to environment stage [FW-C0017]"
    );
    assert_eq!(
        error(&[("landing_zones.names", "old-prod")]),
        "flag --flag: every landing zone chosen is disabled: old-prod [FW-C0017]"
    );
    let both = error(&[("landing_zones.names", "web-test"), ("environment", "prod")]);
    assert!(both.contains("belongs to environment test (zones.yaml:3:3), not prod [FW-C0014]"), "{both}");
}

#[test]
fn an_inventory_without_environments_is_taken_whole_for_an_environment_of_the_configuration() {
    let inventory = load_file(fixture!("inventories/a-list.yaml")).expect("valid");
    let layers = Layers {
        files: vec![SourceText::new("config.yaml", "environments: {prod: {}}")],
        flags: vec![Flag::new("--environment", "environment", "prod")],
        ..Layers::default()
    };
    let resolved = resolve(&layers).expect("valid");
    let chosen = choose(&inventory, &Wanted::new(&resolved)).expect("two are enabled");
    assert_eq!((chosen.zones.len(), chosen.disabled.len()), (2, 1));
}

#[test]
fn names_that_no_zone_has_may_be_accounts_of_the_organisation() {
    let inventory = load_file(fixture!("inventories/mixed.yaml")).expect("valid");
    let layers = Layers {
        flags: vec![Flag::new("--landing-zones", "landing_zones.names", "tools,team-blue")],
        ..Layers::default()
    };
    let chosen = choose(&inventory, &Wanted::new(&resolve(&layers).expect("valid"))).expect("possible");
    assert_eq!(
        (chosen.zones.len(), chosen.scopes.len(), chosen.names_in_scopes),
        (1, 2, vec!["team-blue".to_owned()])
    );
}

#[test]
fn the_region_of_the_settings_wins_over_the_surroundings() {
    let layers =
        Layers { flags: vec![Flag::new("--region", "aws.region", "eu-west-1")], ..Layers::default() };
    let settings = resolve(&layers).expect("valid").settings;
    let ambient = "us-east-1".parse().ok();
    let defaults = ZoneDefaults::new(&settings, ambient);
    assert_eq!(defaults.home_region.as_ref().map(|region| region.as_str()), Some("eu-west-1"));
    assert!(matches!(defaults.regions, Some(Regions::Listed(listed)) if listed.len() == 1));
}
