//! The organisation's own documents: what they accept, what they run, and as hooks around an install.

use std::fmt::Write as _;

use fleetwright_estate::scenario::{Overrides, ScenarioError, ScenarioFile};
use fleetwright_estate::world::host::HostEventKind;
use fleetwright_estate::world::ids::InstanceId;
use serde_json::{Value, json};

use crate::code;
use crate::shift::Shift;

const FLEET: &str = r#"
name = "documents"
seed = 12
[fleet]
regions = ["eu-central-1"]
instances_per_cell = 0
[[accounts]]
name = "one"
[[instances]]
account = "one"
platform = "amazon-linux-2023"
tags = { Name = "web-1" }
[[instances]]
account = "one"
platform = "amazon-linux-2023"
tags = { Name = "web-2" }
[[instances]]
account = "one"
platform = "windows-2022"
tags = { Name = "win-1" }
"#;

/// A region whose organisation has these documents.
fn with(documents: &str) -> Shift {
    Shift::of(&format!("{FLEET}{documents}"))
}

fn refused(documents: &str) -> ScenarioError {
    let text = format!("{FLEET}{documents}");
    match ScenarioFile::parse(&text, "bad.toml").and_then(|file| file.prepare(&Overrides::default())) {
        Ok(_) => panic!("accepted: {documents}"),
        Err(error) => error,
    }
}

/// A document with one step for a shell.
fn script(name: &str, lines: &str) -> String {
    format!(
        "[[documents]]\nname = \"{name}\"\n[documents.content]\nschemaVersion = \"2.2\"\n\
         [[documents.content.mainSteps]]\naction = \"aws:runShellScript\"\nname = \"only\"\n\
         inputs.runCommand = ['''{lines}''']\n"
    )
}

const GREETING: &str = r#"
[[documents]]
name = "Acme-Greet"
content = '''
{
  "schemaVersion": "2.2",
  "description": "Greets.",
  "parameters": {
    "Whom": { "type": "String", "default": "nobody", "interpolationType": "ENV_VAR" },
    "Tone": { "type": "String", "allowedValues": ["kind", "cool"], "default": "kind" },
    "More": { "type": "StringList", "default": [] }
  },
  "mainSteps": [
    { "action": "aws:runShellScript", "name": "greet",
      "inputs": { "runCommand": ["echo {{ Tone }} to ${SSM_Whom-unset}", "{{ More }}"], "timeoutSeconds": 60 } }
  ]
}
'''
"#;

/// Runs a document on one host to its end.
fn run(shift: &mut Shift, document: &str, host: &str, parameters: Value) -> Value {
    let id = shift.id(host);
    let command = shift.run(document, json!({"InstanceIds": [id]}), parameters);
    shift.pass(1_800);
    shift.invocation(&command, &id)
}

fn output(answer: &Value) -> (&str, &str) {
    let text = |name: &str| answer[name].as_str().expect("a text");
    (text("Status"), text("StandardOutputContent"))
}

fn set_agent(shift: &mut Shift, host: &str, version: &str) {
    let id = InstanceId::parse(&shift.id(host)).expect("an id");
    let (account, region) = (shift.stage.account.clone(), shift.stage.region.clone());
    let account = shift.stage.prepared.world.accounts.get_mut(&account).expect("the account");
    let region = account.regions.get_mut(&region).expect("the region");
    let agent = region.instances.get_mut(id).and_then(|it| it.agent.as_mut());
    agent.expect("an agent").version = version.into();
}

#[test]
fn the_exit_code_of_a_check_of_ones_own_decides() {
    let check = script("Acme-Check", "systemctl is-active --quiet sshd || { echo sshd is down; exit 7; }");
    let mut shift = with(&format!(
        "{check}[[hosts]]\nkind = \"service_down\"\nservice = \"sshd\"\ninstance = \"web-2\"\n"
    ));
    let (good, bad) = (shift.id("web-1"), shift.id("web-2"));
    let command = shift.run("Acme-Check", json!({"InstanceIds": [good, bad]}), json!({}));
    shift.pass(60);
    let well = shift.invocation(&command, &good);
    assert_eq!((output(&well), &well["ResponseCode"]), (("Success", ""), &json!(0)));
    let ill = shift.invocation(&command, &bad);
    assert_eq!((output(&ill), &ill["ResponseCode"]), (("Failed", "sshd is down\n"), &json!(7)));
    assert_eq!(ill["PluginName"], "only");
}

#[test]
fn parameters_reach_the_script_as_text_as_lines_and_as_environment_variables() {
    let mut shift = with(GREETING);
    let given = json!({"Whom": ["o'neil $(id); \"x\""], "Tone": ["cool"], "More": ["echo a", "echo b"]});
    let answer = run(&mut shift, "Acme-Greet", "web-1", given);
    assert_eq!(output(&answer), ("Success", "cool to o'neil $(id); \"x\"\na\nb\n"));
    let answer = run(&mut shift, "Acme-Greet", "web-1", json!({}));
    assert_eq!(output(&answer), ("Success", "kind to nobody\n"), "the defaults");
}

#[test]
fn an_agent_before_3_3_2746_leaves_environment_variables_unset() {
    let demanding = r#"
[[documents]]
name = "Acme-Demanding"
[documents.content]
schemaVersion = "2.2"
[documents.content.parameters]
Mode = { type = "String", default = "check", interpolationType = "ENV_VAR" }
[[documents.content.mainSteps]]
action = "aws:runShellScript"
name = "only"
inputs.runCommand = ["set -u", "echo $SSM_Mode"]
"#;
    let mut shift = with(&format!("{GREETING}{demanding}"));
    set_agent(&mut shift, "web-1", "3.3.2746.0");
    set_agent(&mut shift, "web-2", "3.2.2303.0");
    let answer = run(&mut shift, "Acme-Demanding", "web-1", json!({}));
    assert_eq!(output(&answer), ("Success", "check\n"));
    let answer = run(&mut shift, "Acme-Demanding", "web-2", json!({}));
    assert_eq!(output(&answer), ("Failed", ""), "a script that insists on the variable fails");
    assert!(answer["StandardErrorContent"].as_str().expect("a text").contains("SSM_Mode"), "{answer}");
    let answer = run(&mut shift, "Acme-Greet", "web-2", json!({"Whom": ["you"]}));
    assert_eq!(output(&answer), ("Success", "kind to unset\n"), "one that does not goes on without");
}

#[test]
fn parameters_that_the_document_does_not_take_are_refused() {
    let mut shift = with(GREETING);
    let id = shift.id("web-1");
    for (parameters, said) in [
        (json!({"Nobody": ["x"]}), "\"Nobody\" is not defined"),
        (json!({"Tone": ["rude"]}), "[kind, cool]"),
        (json!({"Whom": ["a", "b"]}), "Whom"),
    ] {
        let request = json!({"DocumentName": "Acme-Greet", "InstanceIds": [id], "Parameters": parameters});
        let error = shift.try_ssm("SendCommand", request).expect_err("refused");
        assert_eq!(error.code, "InvalidParameters", "{parameters}");
        assert!(error.message.contains(said), "{}", error.message);
    }
}

#[test]
fn a_document_of_ones_own_is_described_as_it_was_written() {
    let mut shift = with(GREETING);
    let account = shift.stage.account.clone();
    let described = shift.ssm("DescribeDocument", json!({"Name": "Acme-Greet"}))["Document"].clone();
    assert_eq!(described["Owner"], account);
    assert_eq!(described["SchemaVersion"], "2.2");
    assert_eq!(described["PlatformTypes"], json!(["Linux", "MacOS"]));
    assert_eq!(described["Parameters"][0]["Type"], "StringList");
    assert_eq!(described["Parameters"][1]["DefaultValue"], "kind");
    let unknown = shift.try_ssm("DescribeDocument", json!({"Name": "Acme-Nothing"}));
    assert_eq!(code(unknown), "InvalidDocument");
    let hooks = shift.ssm("DescribeDocument", json!({"Name": "AWS-RunPatchBaselineWithHooks"}));
    let parameters = hooks["Document"]["Parameters"].as_array().expect("a list").clone();
    let noop = parameters.iter().filter(|parameter| parameter["DefaultValue"] == "AWS-Noop").count();
    assert_eq!(noop, 3, "{hooks}");
}

#[test]
fn a_document_for_another_platform_is_not_run() {
    let mut shift = with(&script("Acme-Linux", "true"));
    assert_eq!(run(&mut shift, "Acme-Linux", "win-1", json!({}))["StatusDetails"], "InvalidPlatform");
}

#[test]
fn each_step_sees_what_the_last_one_left_and_runs_though_it_failed() {
    let mut shift = with(
        r#"
[[documents]]
name = "Acme-Steps"
[documents.content]
schemaVersion = "2.2"
[[documents.content.mainSteps]]
action = "aws:runShellScript"
name = "write"
inputs.runCommand = ["echo kept >/var/tmp/note", "echo first", "exit 3"]
[[documents.content.mainSteps]]
action = "aws:runPowerShellScript"
name = "elsewhere"
inputs.runCommand = ["exit 9"]
[[documents.content.mainSteps]]
action = "aws:runShellScript"
name = "read"
precondition = { StringEquals = ["platformType", "Linux"] }
inputs.runCommand = ["cat /var/tmp/note"]
"#,
    );
    let answer = run(&mut shift, "Acme-Steps", "web-1", json!({}));
    assert_eq!((output(&answer), &answer["ResponseCode"]), (("Failed", "first\nkept\n"), &json!(3)));
}

/// Three hooks, of which the first ends with `code`. Each leaves its name on the host.
fn hooks(code: u8) -> Shift {
    hooks_with(code, "")
}

/// The same where something goes wrong on hosts.
fn hooks_with(code: u8, rule: &str) -> Shift {
    let mut text = rule.to_owned();
    for (name, code) in [("Acme-Before", code), ("Acme-After", 0), ("Acme-Exit", 0)] {
        let _ = write!(text, "{}", script(name, &format!("echo {name} >>/var/tmp/hooks; exit {code}")));
    }
    with(&text)
}

/// What an install with those hooks comes to on web-1: the invocation, and the hooks that ran.
fn install(shift: &mut Shift, reboot: &str, operation: &str) -> (Value, String) {
    let parameters = json!({
        "Operation": [operation],
        "RebootOption": [reboot],
        "PreInstallHookDocName": ["Acme-Before"],
        "PostInstallHookDocName": ["Acme-After"],
        "OnExitHookDocName": ["Acme-Exit"],
    });
    let answer = run(shift, "AWS-RunPatchBaselineWithHooks", "web-1", parameters);
    let id = shift.id("web-1");
    let told = shift.script(&[&id], "cat /var/tmp/hooks 2>/dev/null | tr '\\n' ' '", 60);
    (answer, told["StandardOutputContent"].as_str().expect("a text").to_owned())
}

/// What happened on web-1, in words.
fn happened(shift: &mut Shift) -> Vec<&'static str> {
    let id = shift.id("web-1");
    let word = |kind: &HostEventKind| match kind {
        HostEventKind::RanScript { .. } => Some("script"),
        HostEventKind::Installed { patches, .. } if !patches.is_empty() => Some("install"),
        HostEventKind::Rebooted { .. } => Some("reboot"),
        HostEventKind::Scanned { .. } => Some("scan"),
        _ => None,
    };
    shift.history(&id).iter().filter_map(|event| word(&event.kind)).collect()
}

#[test]
fn hooks_run_before_and_after_the_install_and_at_the_end() {
    let mut shift = hooks(0);
    let (answer, ran) = install(&mut shift, "NoReboot", "Install");
    assert_eq!(answer["Status"], "Success", "{answer}");
    assert_eq!(ran, "Acme-Before Acme-After Acme-Exit ");
    assert_eq!(happened(&mut shift), ["script", "install", "script", "script", "script"]);
}

#[test]
fn the_last_hook_waits_for_the_reboot() {
    let mut shift = hooks(0);
    let (answer, ran) = install(&mut shift, "RebootIfNeeded", "Install");
    assert_eq!(answer["Status"], "Success", "{answer}");
    assert_eq!(ran, "Acme-Before Acme-After Acme-Exit ");
    assert_eq!(happened(&mut shift), ["script", "install", "script", "reboot", "script", "script"]);
}

#[test]
fn a_hook_that_fails_before_the_install_prevents_it_and_the_last_hook_still_runs() {
    let mut shift = hooks(5);
    let (answer, ran) = install(&mut shift, "NoReboot", "Install");
    assert_eq!((&answer["Status"], &answer["ResponseCode"]), (&json!("Failed"), &json!(5)), "{answer}");
    assert_eq!(ran, "Acme-Before Acme-Exit ");
    assert_eq!(happened(&mut shift), ["script", "script", "script"], "nothing was installed");
}

#[test]
fn an_install_that_fails_leaves_only_the_last_hook() {
    let mut shift = hooks_with(0, "[[hosts]]\nkind = \"patch_fails\"\npatch = \"*\"\n");
    let (answer, ran) = install(&mut shift, "RebootIfNeeded", "Install");
    assert_eq!(answer["Status"], "Failed", "{answer}");
    assert_eq!(ran, "Acme-Before Acme-Exit ");
    let id = shift.id("web-1");
    assert_eq!(shift.reboots(&id), 0, "nothing was installed that could need it");
}

#[test]
fn a_scan_runs_no_hooks() {
    let mut shift = hooks(5);
    let (answer, ran) = install(&mut shift, "NoReboot", "Scan");
    assert_eq!((&answer["Status"], ran.as_str()), (&json!("Success"), ""));
    assert_eq!(happened(&mut shift), ["scan", "script"]);
}

#[test]
fn a_hook_that_does_not_exist_fails_like_one_that_says_no() {
    let mut shift = with("");
    let parameters = json!({"Operation": ["Install"], "PreInstallHookDocName": ["Acme-Missing"]});
    let answer = run(&mut shift, "AWS-RunPatchBaselineWithHooks", "web-1", parameters);
    assert_eq!(answer["Status"], "Failed");
    assert!(answer["StandardErrorContent"].as_str().expect("a text").contains("Acme-Missing"), "{answer}");
    assert!(happened(&mut shift).iter().all(|event| *event != "install"));
}

#[test]
fn documents_that_cannot_be_used_are_refused_at_their_place() {
    let good = script("Acme-Check", "true");
    for (text, said) in [
        (good.replace("2.2", "0.3"), "schemaVersion"),
        (good.replace("Acme-Check", "AWS-Check"), "AWS's"),
        (good.replace("Acme-Check", "a b"), "3 to 128"),
        (good.replace("aws:runShellScript", "aws:runDocument"), "content is not valid"),
        (good.replace("'''true'''", "'echo {{ Missing }}'"), "Missing"),
        (good.replace("schemaVersion = \"2.2\"", "schemaVersion = \"2.2\"\nfiles = {}"), "files"),
        (format!("{good}{good}"), "unique"),
    ] {
        let error = refused(&text);
        assert!(error.problem.contains(said), "{error}");
        assert!(error.place.is_some(), "{error}");
    }
}
