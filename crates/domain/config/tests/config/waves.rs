//! Waves, budgets and ordering in the configuration.

use fleetwright_config::settings::{Amount, OrderMode, Waiver, ZoneByZone};
use fleetwright_config::{SourceText, explain};

use crate::{lines, resolve_file};

fn file(text: &str) -> SourceText {
    SourceText::new("config.yaml", text)
}

#[test]
fn waves_and_budgets_are_read_and_shown_as_written() {
    let resolved = resolve_file(file(
        "safety:\n  waves:\n    - {name: pilot, size: 5%, canary: true, bake: 1h, min_verified: 2}\n    \
         - name: rest\n      zone_by_zone: availability-zone\n      ssm: {max_errors: 0}\n  \
         budgets:\n    application: 1\n    zone: 20%\n",
    ))
    .unwrap_or_else(|errors| panic!("{errors}"));
    let safety = &resolved.settings.safety;
    assert_eq!(safety.waves.len(), 2);
    assert!(safety.waves[0].canary && safety.waves[0].size == Some(Amount::Percent(5)));
    assert_eq!(safety.waves[1].zone_by_zone, Some(ZoneByZone::AvailabilityZone));
    assert_eq!(safety.budgets.application, Some(Amount::Count(1)));
    assert_eq!(safety.budgets.zone, Some(Amount::Percent(20)));
    assert_eq!(safety.budgets.availability_zone, None, "without a word there is no such budget");
    let shown = resolved.values["safety.waves"].value.show();
    assert!(shown.contains(r#""size":"5%""#), "{shown}");
    explain(&resolved, "safety.waves").expect("a key");
}

#[test]
fn groups_and_waivers_are_read_and_a_day_ends_with_its_last_moment() {
    let resolved = resolve_file(file(
        "ordering:\n  groups:\n    - name: db\n      filters: {tags: {Role: [db]}}\n      mode: quorum\n      \
         leaders: {Part: primary}\n    - {name: web, filters: {tags: {Role: web}}, after: [db]}\n  \
         waivers: [{group: ledger, until: 2026-12-31, reason: agreed}]\n",
    ))
    .unwrap_or_else(|errors| panic!("{errors}"));
    let ordering = &resolved.settings.ordering;
    assert_eq!(ordering.groups[0].mode, OrderMode::Quorum);
    assert_eq!(ordering.groups[1].after, ["db"]);
    let waiver = Waiver {
        group: "ledger".to_owned(),
        until: "2027-01-01T00:00:00Z".parse().expect("a moment"),
        reason: "agreed".to_owned(),
    };
    assert_eq!(ordering.waivers, [waiver]);
}

#[test]
fn faults_in_waves_and_groups_name_their_place() {
    let refused = |text: &str| lines(&resolve_file(file(text)).expect_err("refused"));
    assert_eq!(
        refused("safety:\n  waves: [{nam: x}]\n"),
        ["2:12 FW-C0003 `safety.waves`: unknown key `[0].nam`; did you mean `[0].name`?"]
    );
    assert_eq!(
        refused("ordering:\n  groups: [{name: db, filters: {tags: {Role: db}}, after: [wbe]}]\n"),
        ["2:11 FW-C0014 `ordering.groups`: `db` comes after `wbe`, which is no group"]
    );
    assert_eq!(
        refused("ordering:\n  groups: [{name: everything}]\n"),
        [
            "2:12 FW-C0011 `ordering.groups`: the group `everything` takes every instance: say which by tags or ids"
        ]
    );
    let circle = refused(
        "ordering:\n  groups: [{name: a, filters: {tags: {R: a}}, after: [b]}, {name: b, filters: {tags: {R: b}}, after: [a]}]\n",
    );
    assert!(circle[0].contains("comes after itself"), "{circle:?}");
    let waiver = refused("ordering:\n  waivers: [{group: a, until: tomorrow, reason: x}]\n");
    assert!(waiver[0].contains("`[0].until` needs a day such as 2026-12-31"), "{waiver:?}");
}
