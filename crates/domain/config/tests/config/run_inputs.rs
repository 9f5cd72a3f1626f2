//! Inputs of single runs, in the shapes other systems hand over.

use std::time::Duration;

use fleetwright_config::settings::{AbortOnIssues, Amount, PatchOperation, Reboot, Tolerance};
use fleetwright_config::{Layers, RunInput, SourceText, resolve, run_input_schema};

use crate::lines;

fn read(text: &str) -> RunInput {
    RunInput::read(&SourceText::new("input.json", text)).unwrap_or_else(|errors| panic!("{errors}"))
}

fn refused(text: &str) -> Vec<String> {
    lines(&RunInput::read(&SourceText::new("input.json", text)).expect_err("refused"))
}

#[test]
fn waves_are_read_with_everything_they_may_say() {
    let input = read(
        r#"{
  "waves": [
    {"name": "pilot", "accounts": ["011122223333", 444455556666], "regions": ["eu-central-1"],
     "filters": {"tags": {"Patch": ["pilot", "early*"], "Stage": "test"}, "platforms": ["linux"]},
     "ssm": {"operation": "Install", "rebootOption": "NoReboot", "maxConcurrency": "10%", "maxErrors": "0"}},
    {"name": "rest", "ssm": {"operation": "Scan", "maxConcurrency": 5, "maxErrors": "5%"}}
  ],
  "wavePauseSeconds": 1800, "abortOnIssues": true, "preCollect": {"enabled": true},
  "dryRun": false, "instanceIds": ["i-0123456789abcdef0"], "approvalRequired": true
}"#,
    );
    let [pilot, rest] = input.waves.as_slice() else { panic!("two waves: {:?}", input.waves) };
    assert_eq!(pilot.name.as_deref(), Some("pilot"));
    assert_eq!(pilot.select.accounts[0].as_str(), "011122223333");
    assert_eq!(pilot.select.tags["Patch"], ["pilot", "early*"]);
    assert_eq!(pilot.select.platforms, ["linux"]);
    assert_eq!((pilot.operation, pilot.reboot), (Some(PatchOperation::Install), Some(Reboot::Skip)));
    assert_eq!(pilot.max_concurrent, Some(Amount::Percent(10)));
    assert_eq!(pilot.max_errors, Some(Tolerance::Count(0)));
    assert_eq!((rest.operation, rest.max_concurrent), (Some(PatchOperation::Scan), Some(Amount::Count(5))));
    assert_eq!(rest.max_errors, Some(Tolerance::Percent(5)));
    assert_eq!(input.wave_pause, Some(Duration::from_secs(1800)));
    assert_eq!((input.abort_on_issues, input.pre_collect), (Some(true), Some(true)));
    assert_eq!((input.dry_run, input.approval_required), (Some(false), Some(true)));
    assert_eq!(input.instance_ids.len(), 1);
}

#[test]
fn the_older_shape_has_waves_of_accounts_and_one_tag() {
    let input = read(
        r#"{"accountWaves": [
             {"name": "one", "accounts": ["111122223333"], "regions": ["eu-west-1"]},
             ["444455556666", "777788889999"], "011122223333"],
            "ec2": {"tagKey": "Patch Group", "tagValue": "prod"}, "wavePauseSeconds": 0}"#,
    );
    let accounts: Vec<usize> = input.waves.iter().map(|wave| wave.select.accounts.len()).collect();
    assert_eq!(accounts, [1, 2, 1]);
    assert_eq!(input.waves[0].select.regions[0].as_str(), "eu-west-1");
    assert_eq!(input.tag, Some(("Patch Group".to_owned(), "prod".to_owned())));
    assert_eq!(input.wave_pause, Some(Duration::ZERO));
}

#[test]
fn misspelt_keys_and_values_of_another_kind_name_their_place_and_the_nearest() {
    assert_eq!(
        refused(
            "{\n  \"wavs\": [],\n  \"dryRun\": \"yes\",\n  \"wavePauseSeconds\": \"soon\",\n  \"instanceIds\": [\"i-12\"]\n}"
        ),
        [
            "2:3 FW-C0003 unknown key `wavs`; did you mean `waves`?",
            "3:13 FW-C0004 `dryRun` needs true or false, found the text \"yes\"",
            "4:23 FW-C0004 `wavePauseSeconds` needs a duration such as 90s, 30m or 1h30m, found the text \"soon\"",
            "5:19 FW-C0004 `instanceIds`: `i-12` is not an EC2 instance id (i- and 8 or 17 hexadecimal digits)",
        ]
    );
    assert_eq!(
        refused(
            r#"{"waves": [{"name": "a", "region": ["eu-central-1"], "ssm": {"operation": "Instal", "maxErrors": "-1"}}, 7]}"#
        ),
        [
            "1:26 FW-C0003 unknown key `waves[0].region`; did you mean `waves[0].regions`?",
            "1:75 FW-C0004 `waves[0].ssm.operation`: `Instal` is not one of Install, Scan",
            "1:98 FW-C0004 `waves[0].ssm.maxErrors` needs a number from 0 on or a share from 0% to 100%, found the text \"-1\"",
            "1:106 FW-C0004 `waves[1]` needs a mapping, found a plain value",
        ]
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    assert_eq!(
        refused(r#"{"waves": [], "accountWaves": []}"#),
        ["1:31 FW-C0014 `accountWaves` is the older shape of `waves`: only one of them can stand"]
    );
    assert_eq!(
        refused(r#"{"ec2": {"tagKey": "Stage"}}"#),
        ["1:9 FW-C0011 `ec2.tagValue` is missing beside `ec2.tagKey`"]
    );
    assert_eq!(
        refused(r#"{"waves": [{"name": "a"}, {"name": "a"}]}"#),
        ["1:11 FW-C0006 two waves are called `a`"]
    );
    assert_eq!(refused("[1]"), ["1:1 FW-C0004 the input of a run needs a mapping, found a list"]);
    assert_eq!(refused(r#"{"dryRun": true, "dryRun": false}"#).len(), 1, "a key twice");
}

#[test]
fn an_empty_input_changes_nothing_and_a_full_one_lies_over_the_settings() {
    let mut settings = resolve(&Layers::default()).expect("defaults").settings;
    let defaults = settings.clone();
    read("{}").apply(&mut settings);
    assert_eq!(settings, defaults);
    read(
        r#"{"waves": [{"name": "only"}], "wavePauseSeconds": 60, "abortOnIssues": true, "dryRun": true,
            "approvalRequired": false}"#,
    )
    .apply(&mut settings);
    assert_eq!((settings.safety.waves.len(), settings.safety.canary), (1, 0));
    assert_eq!(settings.safety.bake, Duration::from_secs(60));
    assert_eq!(settings.safety.abort_on_issues, AbortOnIssues::Any);
    assert!(settings.safety.dry_run && !settings.safety.require_approval);
}

#[test]
fn the_schema_has_every_key_of_both_shapes() {
    let schema = run_input_schema();
    let properties = schema["properties"].as_object().expect("properties");
    for key in ["waves", "accountWaves", "ec2", "wavePauseSeconds", "abortOnIssues", "preCollect", "dryRun"] {
        assert!(properties.contains_key(key), "{key}");
    }
    let ssm = &schema["properties"]["waves"]["items"]["properties"]["ssm"];
    assert_eq!(ssm["additionalProperties"], false);
    assert!(ssm["properties"]["maxErrors"].is_object());
}
