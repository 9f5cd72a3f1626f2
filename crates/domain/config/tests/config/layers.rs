//! Which layer wins, and what is remembered of the others.

use fleetwright_config::settings::Amount;
use fleetwright_config::{Flag, Layers, SourceText, explain, resolve};
use serde_json::json;

use crate::{fixture, lines, told};

fn environments() -> Layers {
    Layers { files: vec![fixture!("configurations/environments.yaml")], ..Layers::default() }
}

fn variable(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn a_value_is_won_by_flag_variable_environment_file_and_default_in_this_order() {
    let mut layers = environments();
    layers.variables = vec![variable("FLEETWRIGHT_AWS_REGION", "eu-north-1"), variable("HOME", "/root")];
    layers.flags = vec![
        Flag::new("--environment", "environment", "prod"),
        Flag::new("--region", "aws.region", "us-east-1"),
    ];
    let resolved = resolve(&layers).expect("valid");
    assert_eq!(told(&resolved, "aws.region"), ("us-east-1".into(), "from flag --region".into()));
    let explanation = explain(&resolved, "aws.region").expect("known");
    let overridden: Vec<String> =
        explanation.overridden.iter().map(|one| format!("{} {}", one.value, one.origin)).collect();
    assert_eq!(
        overridden,
        [
            "eu-north-1 from variable FLEETWRIGHT_AWS_REGION",
            "eu-west-1 from environment prod at configurations/environments.yaml:20:7",
            "eu-central-1 from configurations/environments.yaml:2:3",
            "(not set) default",
        ]
    );
}

#[test]
fn the_chosen_environment_is_laid_over_the_file_in_any_spelling() {
    let mut layers = environments();
    let nonprod = resolve(&layers).expect("valid");
    assert_eq!(
        (nonprod.settings.safety.max_concurrent, nonprod.settings.aws.max_attempts),
        (Amount::Count(50), 6)
    );

    layers.variables = vec![variable("FLEETWRIGHT_ENVIRONMENT", "preprod")];
    let preprod = resolve(&layers).expect("valid");
    assert_eq!(
        preprod.settings.safety.max_concurrent,
        Amount::Count(20),
        "its own value wins over the merged one"
    );
    assert!(!preprod.settings.safety.require_approval, "merged in");
    assert_eq!(preprod.settings.landing_zones.names, ["payments-preprod", "011122223333"]);

    layers.flags = vec![Flag::new("--environment", "environment", "prod")];
    let prod = resolve(&layers).expect("valid");
    assert_eq!(prod.settings.landing_zones.inventory, ["zones-prod.yaml"]);
    assert_eq!(prod.settings.aws.max_attempts, 3);
    let (value, origin) = told(&prod, "phases.backup.wait_timeout");
    assert_eq!(value, "3h");
    let expected = "from workflow.timeouts.ami_creation (older shape) in environment prod at configurations/environments.yaml:25:9";
    assert_eq!(origin, expected);
}

#[test]
fn a_later_file_wins_over_an_earlier_one() {
    let file = |name: &str, text: &str| SourceText::new(name, text);
    let files =
        vec![file("a.yaml", "scan:\n  platforms: [linux]\n"), file("b.yaml", "scan: {platforms: windows}\n")];
    let resolved = resolve(&Layers { files, ..Layers::default() }).expect("valid");
    assert_eq!(told(&resolved, "scan.platforms"), ("[windows]".into(), "from b.yaml:1:8".into()));
}

#[test]
fn unknown_variables_and_flags_are_errors_with_the_nearest_name() {
    let layers = Layers {
        variables: vec![
            variable("FLEETWRIGHT_AWS_REGON", "eu-central-1"),
            variable("FLEETWRIGHT_BIN", "target/debug/fleetwright"),
            variable("FLEETWRIGHT_PHASES_SCAN_TIMEOUT", "5s"),
            variable("FLEETWRIGHT_AWS_EXTERNAL_ID", "planted secret"),
        ],
        flags: vec![Flag::new("--set", "scan.platfroms", "linux")],
        ..Layers::default()
    };
    let errors = resolve(&layers).expect_err("four faults");
    assert!(!format!("{errors} {errors:?}").contains("planted"), "the secret is not shown");
    assert_eq!(
        lines(&errors),
        [
            "variable FLEETWRIGHT_AWS_EXTERNAL_ID FW-C0016 `aws.external_id`: is not an external id (2 to 1,224 letters, digits and _+=,.@:/-)",
            "variable FLEETWRIGHT_AWS_REGON FW-C0003 `FLEETWRIGHT_AWS_REGON` sets no key; did you mean `FLEETWRIGHT_AWS_REGION`?",
            "variable FLEETWRIGHT_PHASES_SCAN_TIMEOUT FW-C0005 `phases.scan.timeout`: must be 1m to 3d, found 5s",
            "flag --set FW-C0003 unknown key `scan.platfroms`; did you mean `scan.platforms`?",
        ]
    );
}

#[test]
fn settings_that_contradict_each_other_are_found_across_layers() {
    let layers = Layers {
        files: vec![SourceText::new(
            "a.yaml",
            "aws:\n  use_fips: true\n  rates:\n    ssm:*: {per_second: 2.5}\n",
        )],
        variables: vec![variable("FLEETWRIGHT_AWS_ENDPOINT_URL", "http://127.0.0.1:4566")],
        flags: vec![Flag::new("--regions", "landing_zones.regions", "all,eu-central-1")],
    };
    let errors = resolve(&layers).expect_err("three faults");
    assert_eq!(
        lines(&errors),
        [
            "2:3 FW-C0014 `aws.use_fips` cannot hold together with `aws.endpoint_url` (from variable FLEETWRIGHT_AWS_ENDPOINT_URL)",
            "4:13 FW-C0011 `aws.rates.ssm:*` has `per_second` but no `burst`",
            "flag --regions FW-C0014 `landing_zones.regions` names `all` next to single regions",
        ]
    );
}

#[test]
fn hooks_and_a_list_of_patches_cannot_both_hold() {
    let with = |more: &[(&str, &str)]| {
        let list = Flag::new("--set", "safety.gate.patch_list_bucket", "acme-lists");
        let more = more.iter().map(|(key, value)| Flag::new("--set", *key, *value));
        resolve(&Layers { flags: [list].into_iter().chain(more).collect(), ..Layers::default() })
    };
    for other in [
        ("phases.patch.pre_install_hook", "Acme-StopApplication"),
        ("phases.patch.on_exit_hook", "Acme-Start"),
        ("phases.patch.document", "AWS-RunPatchBaselineWithHooks"),
    ] {
        let errors = with(&[other]).expect_err("refused");
        let said = lines(&errors);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("FW-C0014") && said[0].contains(other.0), "{}", said[0]);
    }
    with(&[]).expect("a list alone is well");
    with(&[("phases.patch.document", "Acme-Patch")]).expect("whoever writes a document takes its parameters");
}

#[test]
fn an_explanation_can_be_read_by_machines_and_hides_secrets() {
    let layers = Layers {
        flags: vec![Flag::new("--external-id", "aws.external_id", "planted-secret")],
        ..Layers::default()
    };
    let resolved = resolve(&layers).expect("valid");
    let explanation = explain(&resolved, "aws.external_id").expect("known");
    let shown = serde_json::to_value(&explanation).expect("serializes");
    assert_eq!(shown["value"], json!("(hidden)"));
    assert_eq!(shown["origin"], json!({"kind": "flag", "name": "--external-id"}));
    assert!(!format!("{explanation} {shown} {:?}", resolved.settings).contains("planted"));

    let error = explain(&resolved, "aws.maxattempts").expect_err("misspelt");
    assert_eq!(error.first().message, "unknown key `aws.maxattempts`; did you mean `aws.max_attempts`?");
}

#[test]
fn landing_zones_may_be_written_short_as_names_or_as_files() {
    for (text, key, value) in [
        ("landing_zones: [a, b]", "landing_zones.names", "[a, b]"),
        ("landing_zones: a", "landing_zones.names", "[a]"),
        ("landing_zones: zones.yaml", "landing_zones.inventory", "[zones.yaml]"),
        ("landing_zones: [inventories/a, b.YML]", "landing_zones.inventory", "[inventories/a, b.YML]"),
    ] {
        let files = vec![SourceText::new("a.yaml", text)];
        let resolved = resolve(&Layers { files, ..Layers::default() }).expect("valid");
        assert_eq!(told(&resolved, key).0, value, "{text}");
    }
}
