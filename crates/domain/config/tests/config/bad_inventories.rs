//! Bad inventories: every fault is found, at its place, with what to do.

use fleetwright_config::landing_zones::{Sources, load};
use fleetwright_config::{ConfigErrors, SourceText, ZoneDefaults};

use crate::{fixture, lines, load_file, open, zone_defaults};

fn faults(text: &str) -> ConfigErrors {
    load_file(SourceText::new("zones.yaml", text)).expect_err("faulty")
}

#[test]
fn every_fault_of_an_inventory_is_reported_at_its_place() {
    let errors = load_file(fixture!("inventories/faulty.yaml")).expect_err("faulty");
    assert!(!format!("{errors} {errors:?}").contains("planted"), "secrets are not shown");
    let expected = [
        "1:3 FW-C0011 landing zone a: `account_id` is missing",
        "2:3 FW-C0003 landing zone a: unknown key `acount_id`; did you mean `account_id`?",
        "4:15 FW-C0008 landing zone b: `account_id`: `1111222233334` is not a 12-digit AWS account id",
        "5:11 FW-C0010 landing zone b: `region`: `eu-central-1a` is not an AWS region code such as eu-central-1",
        "7:15 FW-C0008 landing zone c: `account_id`: \"1111-2222-3333\" is not a 12-digit AWS account id",
        "11:13 FW-C0009 landing zone d: `role_arn`: the role is in account 999999999999, the zone is 111122223333",
        "12:16 FW-C0016 landing zone d: `external_id`: is not an external id (2 to 1,224 letters, digits and _+=,.@:/-)",
        "13:13 FW-C0003 landing zone d: `filters`: unknown key `tag`; it takes `tags`",
        "16:12 FW-C0014 landing zone e: `regions`: names regions of different partitions; an account is in one",
        "18:18 FW-C0006 landing zone e: `patch_enabled`: is false, but `enabled` is true",
        "19:3 FW-C0004 a landing zone is a mapping or a name, found a list",
        "22:14 FW-C0009 landing zone f: `role_name`: `arn:aws:iam::011122223333:role/x` is not the name of an IAM role",
        "23:17 FW-C0004 `organization`: needs the id of an organisational unit (ou-…-…) or root (r-…)",
    ];
    assert_eq!(lines(&errors), expected);
    let hint = |line: u32| {
        let at = |error: &&fleetwright_config::ConfigError| {
            error.place.to_string().contains(&format!("faulty.yaml:{line}:"))
        };
        errors.iter().find(at).and_then(|error| error.hint.clone()).unwrap_or_default()
    };
    assert_eq!(hint(5), "`eu-central-1a` is an availability zone; its region is `eu-central-1`.");
    assert_eq!(hint(7), "Write \"111122223333\".");
}

#[test]
fn zones_that_would_be_patched_twice_are_found_with_both_places() {
    let errors = load_file(fixture!("inventories/overlaps.yaml")).expect_err("overlapping");
    assert_eq!(
        lines(&errors),
        [
            "3:3 FW-C0007 landing zone one stands here and at inventories/overlaps.yaml:1:3",
            "4:3 FW-C0007 landing zone three names eu-west-1 of account 111122223333, as one does at inventories/overlaps.yaml:1:3",
            "5:3 FW-C0007 landing zone four names all regions of account 111122223333, as one does at inventories/overlaps.yaml:1:3",
        ],
        "a disabled zone is in nobody's way"
    );
    assert_eq!(errors.first().related[0].line, 1);
}

#[test]
fn inventories_that_lead_back_to_themselves_are_refused() {
    let errors = load_file(fixture!("inventories/circle-a.yaml")).expect_err("circular");
    // The file the load begins with is known by the name it was given under.
    let text = errors.to_string();
    assert!(text.contains("FW-C0013"), "{text}");
    assert!(
        text.contains("inventories/circle-a.yaml → inventories/circle-b.yaml → inventories/circle-a.yaml"),
        "{text}"
    );
}

#[test]
fn names_that_are_only_named_or_nowhere_described_are_refused() {
    let file = |name: &str, text: &str| SourceText::new(name, text);
    let files = [
        file("a.yaml", "[web, wbe-prod, web]"),
        file("b.yaml", "[web]"),
        fixture!("inventories/b-roles.yaml"),
    ];
    let errors = load(Sources { files: &files, catalogue: &[] }, &zone_defaults(), &mut |reference| {
        open(reference.path)
    })
    .expect_err("unknown names");
    let text = errors.to_string();
    for expected in [
        "a.yaml:1:2: landing zone web is only named here and at b.yaml:1:2, and described nowhere [FW-C0013]",
        "a.yaml:1:7: no inventory describes landing zone wbe-prod; did you mean `web-prod`? [FW-C0012]",
        "a.yaml:1:17: landing zone web is named here and at a.yaml:1:2 [FW-C0007]",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let alone = faults("[web]");
    assert_eq!(lines(&alone), ["1:2 FW-C0012 no inventory describes landing zone web"]);
    assert!(alone.first().hint.as_deref().is_some_and(|hint| hint.contains("landing_zones.inventory")));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_cause() {
    let errors = faults("inventory: [missing.yaml]\nzones: [a]\n");
    assert_eq!(lines(&errors), ["1:12 FW-C0001 the inventory missing.yaml cannot be read: no such file"]);
}

#[test]
fn a_zone_without_regions_needs_a_default() {
    let file = SourceText::new("zones.yaml", "- {name: a, account_id: 111122223333}");
    let errors =
        load(Sources { files: &[file], catalogue: &[] }, &ZoneDefaults::default(), &mut |reference| {
            open(reference.path)
        })
        .expect_err("no region");
    assert_eq!(lines(&errors), ["1:3 FW-C0011 landing zone a: `regions` is missing"]);
    assert!(errors.first().hint.as_deref().is_some_and(|hint| hint.contains("aws.region")));
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (text, place, code) in [
        ("{name: a, account_id: 1, region: eu-west-1, regions: [eu-central-1]}", "1:34", "FW-C0014"),
        (
            "{name: a, account_id: 1, role_arn: 'arn:aws:iam::000000000001:role/x', role_name: y}",
            "1:83",
            "FW-C0014",
        ),
        ("{name: a, account_id: 1, role_arn: 'arn:aws-cn:iam::000000000001:role/x'}", "1:36", "FW-C0009"),
        ("{name: a, account_id: 1, role_name: ~, external_id: abc}", "1:53", "FW-C0014"),
        ("a: {name: b, account_id: 1}", "1:11", "FW-C0014"),
        ("{name: a, account_id: 1, regions: [all, eu-west-1]}", "1:35", "FW-C0014"),
        ("{name: a, account_id: 1, regions: []}", "1:35", "FW-C0011"),
        ("a: {account_id: '11122223333'}", "1:17", "FW-C0008"),
        ("a: 5", "1:1", "FW-C0003"),
        ("landing_zone: [{name: a, account_id: 1}]", "1:1", "FW-C0003"),
        ("just text", "1:1", "FW-C0004"),
    ] {
        let errors = faults(text);
        let first = errors.first();
        assert_eq!(
            (first.place.to_string().as_str(), first.code.id),
            (format!("zones.yaml:{place}").as_str(), code),
            "{text}: {errors}"
        );
    }
}

#[test]
fn ten_thousand_names_that_nobody_describes_are_all_reported() {
    let names: String = (0..10_000).map(|n| format!("- zone-{n}\n")).collect();
    assert_eq!(faults(&names).len(), 10_000);
}

#[test]
fn a_snippet_cut_from_the_redacted_text_shows_no_secret() {
    let file = SourceText::new("zones.yaml", "- {name: a, acount_id: 1, external_id: planted, x: 1}\n");
    let redacted = file.redacted();
    assert!(!redacted.contains("planted"));
    assert!(
        redacted.starts_with("- {name: a, acount_id: 1, external_id:"),
        "the rest is left for the reader"
    );
}
