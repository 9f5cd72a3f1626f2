//! Run Command: how commands reach hosts, what runs there, and what is told of it.

use fleetwright_estate::world::host::HostEventKind;
use fleetwright_estate::world::ids::InstanceId;
use serde_json::{Value, json};

use crate::code;
use crate::shift::Shift;

const INSTALL: [(&str, &str); 2] = [("Operation", "Install"), ("RebootOption", "NoReboot")];

#[test]
fn a_script_is_really_executed_and_its_output_told() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let text = "echo on $(uname -s) $(id -u); echo oops >&2; df -P / | tail -1 | awk '{ print $6 }'; exit 3";
    let answer = shift.script(&[&id], text, 30);
    assert_eq!(answer["Status"], "Failed");
    assert_eq!(answer["ResponseCode"], 3);
    assert_eq!(answer["StandardOutputContent"], "on Linux 0\n/\n");
    assert_eq!(answer["StandardErrorContent"], "oops\nfailed to run commands: exit status 3");
}

#[test]
fn an_invocation_is_unknown_right_after_the_command_was_sent() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let command = shift.send(json!({"InstanceIds": [id]}), "true");
    let ask = json!({"CommandId": command, "InstanceId": id});
    assert_eq!(code(shift.try_ssm("GetCommandInvocation", ask.clone())), "InvocationDoesNotExist");
    let listed = shift.ssm("ListCommandInvocations", json!({"CommandId": command}));
    assert_eq!(listed["CommandInvocations"], json!([]));
    shift.pass(60);
    assert_eq!(shift.ssm("GetCommandInvocation", ask)["Status"], "Success");
}

#[test]
fn a_tag_that_matches_nothing_gives_a_command_without_invocations() {
    let mut shift = Shift::new("");
    let command = shift.send(json!({"Targets": [{"Key": "tag:Nobody", "Values": ["has-it"]}]}), "true");
    shift.pass(5);
    let listed = shift.command(&command);
    assert_eq!(listed["StatusDetails"], "NoInstancesInTag");
    assert_eq!(listed["TargetCount"], 0);
}

#[test]
fn tags_choose_the_nodes_that_have_them() {
    let mut shift = Shift::new("");
    let command = shift.send(json!({"Targets": [{"Key": "tag:Tier", "Values": ["web"]}]}), "true");
    shift.pass(60);
    let listed = shift.command(&command);
    assert_eq!((listed["TargetCount"].clone(), listed["Status"].clone()), (json!(4), json!("Success")));
}

#[test]
fn the_comment_carries_a_mark_that_a_later_look_finds() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let before = shift.now().to_string();
    let parameters = json!({"commands": ["true"]});
    let sent = shift.ssm(
        "SendCommand",
        json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": [id], "Comment": "run-7/web/1", "Parameters": parameters}),
    );
    shift.send(json!({"InstanceIds": [id]}), "true");
    let filters = json!([{"key": "InvokedAfter", "value": before}, {"key": "DocumentName", "value": "AWS-RunShellScript"}]);
    let listed = shift.ssm("ListCommands", json!({"InstanceId": id, "Filters": filters}));
    let marks: Vec<&str> = listed["Commands"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| c["Comment"].as_str().expect("text"))
        .collect();
    assert_eq!(marks, ["", "run-7/web/1"], "the newest first");
    assert_eq!(sent["Command"]["Status"], "Pending");
}

#[test]
fn overrides_of_the_baseline_are_refused_rather_than_ignored_and_hooks_take_no_list() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let refused = [
        ("AWS-RunPatchBaseline", "BaselineOverride"),
        ("AWS-RunPatchBaselineWithHooks", "InstallOverrideList"),
    ];
    for (document, name) in refused {
        let parameters = json!({"Operation": ["Scan"], name: ["s3://lists/patches.yaml"]});
        let request = json!({"DocumentName": document, "InstanceIds": [id], "Parameters": parameters});
        let error = shift.try_ssm("SendCommand", request).expect_err("refused");
        assert_eq!(error.code, "InvalidParameters");
        assert!(error.message.contains(name), "{}", error.message);
    }
}

#[test]
fn what_the_service_refuses_about_commands_is_refused() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let run = |more: Value| {
        let mut all = json!({
            "DocumentName": "AWS-RunShellScript",
            "InstanceIds": [id],
            "Parameters": {"commands": ["true"]},
        });
        for (key, value) in more.as_object().expect("an object") {
            all[key] = value.clone();
        }
        all
    };
    let many: Vec<String> = (0..51).map(|n| format!("i-000000000000000{n:02}")).collect();
    let long = "x".repeat(101);
    for (document, expected) in [
        (run(json!({"InstanceIds": many})), "ValidationException"),
        (run(json!({"InstanceIds": []})), "ValidationException"),
        (run(json!({"InstanceIds": ["i-00123456789abcdef"]})), "InvalidInstanceId"),
        (run(json!({"InstanceIds": [id, id]})), "DuplicateInstanceId"),
        (run(json!({"InstanceIds": [id, "i-00123456789abcdef"]})), "InvalidInstanceId"),
        (run(json!({"Targets": [{"Key": "tag:A", "Values": ["b"]}]})), "ValidationException"),
        (run(json!({"DocumentName": "AWS-Nothing"})), "InvalidDocument"),
        (run(json!({"DocumentVersion": "99"})), "InvalidDocumentVersion"),
        (run(json!({"Comment": long})), "ValidationException"),
        (run(json!({"TimeoutSeconds": 29})), "ValidationException"),
        (run(json!({"MaxConcurrency": "0"})), "ValidationException"),
        (run(json!({"MaxErrors": "101%"})), "ValidationException"),
        (run(json!({"Parameters": {}})), "InvalidParameters"),
        (run(json!({"Parameters": {"commands": ["x"], "shell": ["zsh"]}})), "InvalidParameters"),
        (run(json!({"DocumentName": "AWS-RunPatchBaseline", "Parameters": {}})), "InvalidParameters"),
        (
            run(json!({"DocumentName": "AWS-RunPatchBaseline", "Parameters": {"Operation": ["Look"]}})),
            "InvalidParameters",
        ),
        (
            run(
                json!({"DocumentName": "AWS-RunPatchBaseline", "Parameters": {"Operation": ["Scan"], "SnapshotId": ["x"]}}),
            ),
            "InvalidParameters",
        ),
    ] {
        assert_eq!(code(shift.try_ssm("SendCommand", document.clone())), expected, "{document}");
    }
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (action, document) in [
        ("ListCommands", json!({"CommandId": unknown})),
        ("ListCommandInvocations", json!({"CommandId": unknown})),
        ("CancelCommand", json!({"CommandId": unknown})),
    ] {
        assert_eq!(code(shift.try_ssm(action, document)), "InvalidCommandId", "{action}");
    }
}

#[test]
fn a_document_for_another_platform_ends_with_the_reason_in_the_details_only() {
    let mut shift = Shift::new("");
    let id = shift.id("win-1");
    let answer = shift.script(&[&id], "true", 30);
    assert_eq!(
        (answer["Status"].clone(), answer["StatusDetails"].clone()),
        (json!("Failed"), json!("InvalidPlatform"))
    );
}

#[test]
fn windows_without_a_powershell_says_what_is_missing() {
    let mut shift = Shift::new("");
    let id = shift.id("win-1");
    let parameters = json!({"commands": ["Get-Date"]});
    let command = shift.run("AWS-RunPowerShellScript", json!({"InstanceIds": [id]}), parameters);
    shift.pass(60);
    let answer = shift.invocation(&command, &id);
    assert_eq!(answer["Status"], "Failed");
    let stderr = answer["StandardErrorContent"].as_str().expect("text").to_owned();
    assert!(stderr.contains("no PowerShell that knows this script"), "{stderr}");
}

#[test]
fn undeliverable_nodes_do_not_count_as_errors() {
    let mut shift = Shift::new("");
    let mut ids: Vec<String> = (1..=4).map(|n| shift.id(&format!("stopped-{n}"))).collect();
    ids.push(shift.id("web-1"));
    let command = shift.send(json!({"InstanceIds": ids, "MaxErrors": "0"}), "true");
    shift.pass(60);
    let listed = shift.command(&command);
    assert_eq!((listed["Status"].clone(), listed["ErrorCount"].clone()), (json!("Success"), json!(0)));
    assert_eq!(listed["CompletedCount"], 5);
    assert_eq!(shift.invocation(&command, &ids[0])["StatusDetails"], "Undeliverable");
}

#[test]
fn after_too_many_errors_nobody_else_gets_the_command_but_what_runs_goes_on() {
    let mut shift = Shift::new("");
    let ids: Vec<String> = (1..=4).map(|n| shift.id(&format!("web-{n}"))).collect();
    let targets = json!({"InstanceIds": ids, "MaxConcurrency": "2", "MaxErrors": "0"});
    let command = shift.send(targets, "sleep 20; exit 1");
    shift.pass(120);
    let details: Vec<Value> =
        ids.iter().map(|id| shift.invocation(&command, id)["StatusDetails"].clone()).collect();
    assert_eq!(details.iter().filter(|d| **d == "Failed").count(), 2, "{details:?}");
    assert_eq!(details.iter().filter(|d| **d == "Terminated").count(), 2, "{details:?}");
    assert_eq!(shift.command(&command)["StatusDetails"], "Failed");
}

#[test]
fn a_cancelled_command_ends_where_it_waits_at_once_and_where_it_runs_soon() {
    let mut shift = Shift::new("");
    let ids: Vec<String> = (1..=2).map(|n| shift.id(&format!("web-{n}"))).collect();
    let command = shift.send(json!({"InstanceIds": ids, "MaxConcurrency": "1"}), "sleep 600");
    shift.pass(10);
    shift.ssm("CancelCommand", json!({"CommandId": command}));
    assert_eq!(shift.invocation(&command, &ids[0])["Status"], "Cancelling");
    assert_eq!(shift.invocation(&command, &ids[1])["Status"], "Cancelled");
    shift.pass(10);
    assert_eq!(shift.invocation(&command, &ids[0])["Status"], "Cancelled");
    assert_eq!(shift.command(&command)["Status"], "Cancelled");
}

#[test]
fn a_script_that_waits_too_long_times_out_by_the_estates_time() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let parameters = json!({"commands": ["while :; do sleep 30; done"], "executionTimeout": ["120"]});
    let command = shift.run("AWS-RunShellScript", json!({"InstanceIds": [id]}), parameters);
    shift.pass(100);
    assert_eq!(shift.invocation(&command, &id)["Status"], "InProgress");
    shift.pass(60);
    let answer = shift.invocation(&command, &id);
    assert_eq!(
        (answer["Status"].clone(), answer["StatusDetails"].clone()),
        (json!("TimedOut"), json!("ExecutionTimedOut"))
    );
}

#[test]
fn a_guarded_script_that_exits_with_194_reboots_once_and_ends_well() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let before = shift.boot_id(&id);
    let text = format!(
        "export EXPECTED='{before}'\n\
         now=$(cat /proc/sys/kernel/random/boot_id)\n\
         if [ \"$now\" = \"$EXPECTED\" ]; then exit 194; fi\n\
         echo \"rebooted from $EXPECTED to $now\""
    );
    let command = shift.send(json!({"InstanceIds": [id]}), &text);
    shift.pass(10);
    assert_eq!(shift.invocation(&command, &id)["Status"], "InProgress");
    shift.pass(300);
    let answer = shift.invocation(&command, &id);
    assert_eq!(answer["Status"], "Success", "{answer}");
    let after = shift.boot_id(&id);
    assert_ne!(before, after);
    assert_eq!(answer["StandardOutputContent"], format!("rebooted from {before} to {after}\n"));
    assert_eq!(shift.reboots(&id), 1);
}

#[test]
fn an_unguarded_script_that_exits_with_194_is_a_reboot_loop_until_its_time_is_over() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let parameters = json!({"commands": ["exit 194"], "executionTimeout": ["600"]});
    let command = shift.run("AWS-RunShellScript", json!({"InstanceIds": [id]}), parameters);
    shift.pass(1_000);
    assert_eq!(shift.invocation(&command, &id)["StatusDetails"], "ExecutionTimedOut");
    let reboots = shift.reboots(&id);
    assert!((3..=20).contains(&reboots), "{reboots}");
}

#[test]
fn after_a_reboot_the_old_ping_is_still_online_for_a_while_and_then_a_newer_one_comes() {
    let mut shift = Shift::new("kind = \"agent_late\"\ninstance = \"web-1\"\nminutes = 20");
    let id = shift.id("web-1");
    shift.send(json!({"InstanceIds": [id]}), "shutdown -r now");
    shift.pass(10);
    let (status, old) = shift.ping(&id);
    assert_eq!(status, "Online", "the service has not noticed yet");
    shift.pass(600);
    assert_eq!(shift.ping(&id), ("ConnectionLost".to_owned(), old));
    shift.pass(1_200);
    let (status, new) = shift.ping(&id);
    assert_eq!(status, "Online");
    assert!(new > old);
}

#[test]
fn an_install_without_a_reboot_leaves_the_node_non_compliant_until_it_was_rebooted_and_scanned() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    shift.patch(&id, &[("Operation", "Scan")], 600);
    let missing = shift.patch_state(&id)["MissingCount"].as_u64().expect("a count");
    assert!(missing > 0);
    shift.patch(&id, &INSTALL, 3_600);
    let state = shift.patch_state(&id);
    assert_eq!(state["MissingCount"], 0, "{state}");
    assert!(state["InstalledPendingRebootCount"].as_u64() >= Some(missing));
    assert_eq!(state["RebootOption"], "NoReboot");
    let rows = shift.ssm(
        "DescribeInstancePatches",
        json!({"InstanceId": id, "Filters": [{"Key": "State", "Values": ["InstalledPendingReboot"]}]}),
    );
    assert!(!rows["Patches"].as_array().expect("rows").is_empty());
    assert_eq!(shift.reboots(&id), 0);
    shift.send(json!({"InstanceIds": [id]}), "shutdown -r now");
    shift.pass(400);
    assert_eq!(shift.patch_state(&id), state, "no scan, no news");
    shift.patch(&id, &[("Operation", "Scan")], 600);
    let after = shift.patch_state(&id);
    assert_eq!(after["InstalledPendingRebootCount"], 0);
    assert_eq!(after["CriticalNonCompliantCount"], 0);
}

#[test]
fn an_install_reboots_whether_it_needs_to_or_not_unless_told_otherwise() {
    let mut shift = Shift::new("");
    let id = shift.id("web-2");
    let command = shift.patch(&id, &[("Operation", "Install")], 3_600);
    assert_eq!(shift.invocation(&command, &id)["Status"], "Success");
    assert_eq!(shift.reboots(&id), 1);
    let state = shift.patch_state(&id);
    assert_eq!(
        (state["MissingCount"].clone(), state["InstalledPendingRebootCount"].clone()),
        (json!(0), json!(0))
    );
    shift.patch(&id, &[("Operation", "Install")], 3_600);
    assert_eq!(shift.reboots(&id), 1, "nothing was installed");
    let installs =
        shift.history(&id).iter().filter(|e| matches!(e.kind, HostEventKind::Installed { .. })).count();
    assert_eq!(installs, 2);
}

#[test]
fn the_snapshot_named_is_the_snapshot_reported() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let snapshot = "0f0e0d0c-0b0a-4908-8706-050403020100";
    shift.patch(&id, &[("Operation", "Scan"), ("SnapshotId", snapshot)], 600);
    assert_eq!(shift.patch_state(&id)["SnapshotId"], snapshot);
}

#[test]
fn a_second_install_at_the_same_time_finds_the_package_manager_locked() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let parameters = json!({"Operation": ["Install"], "RebootOption": ["NoReboot"]});
    shift.run("AWS-RunPatchBaseline", json!({"InstanceIds": [id]}), parameters.clone());
    shift.pass(5);
    let second = shift.run("AWS-RunPatchBaseline", json!({"InstanceIds": [id]}), parameters);
    shift.pass(3_600);
    let answer = shift.invocation(&second, &id);
    assert_eq!(answer["Status"], "Failed");
    assert!(answer["StandardErrorContent"].as_str().expect("text").contains("lock"), "{answer}");
}

#[test]
fn long_output_is_cut_with_the_agents_mark() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    let answer = shift.script(&[&id], "seq 1 9000", 60);
    let stdout = answer["StandardOutputContent"].as_str().expect("text");
    assert_eq!(stdout.chars().count(), 24_000);
    assert!(stdout.ends_with("---Output truncated---"));
    let command = answer["CommandId"].clone();
    let listed = shift.ssm("ListCommandInvocations", json!({"CommandId": command, "Details": true}));
    let plugin = &listed["CommandInvocations"][0]["CommandPlugins"][0];
    assert_eq!(plugin["Output"].as_str().expect("text").chars().count(), 2_500);
    assert_eq!(plugin["Name"], "aws:runShellScript");
}

#[test]
fn invocations_page_without_loss() {
    let mut shift = Shift::new("");
    for _ in 0..3 {
        shift.send(json!({"Targets": [{"Key": "tag:Tier", "Values": ["web"]}]}), "true");
    }
    shift.pass(60);
    let mut seen = Vec::new();
    let mut document = json!({"MaxResults": 5});
    loop {
        let page = shift.ssm("ListCommandInvocations", document.clone());
        for one in page["CommandInvocations"].as_array().expect("a list") {
            seen.push((one["CommandId"].to_string(), one["InstanceId"].to_string()));
        }
        if page["NextToken"].is_null() {
            break;
        }
        document["NextToken"] = page["NextToken"].clone();
    }
    assert_eq!(seen.len(), 12);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 12);
}

#[test]
fn the_same_seed_gives_the_same_ids_times_and_outputs() {
    let story = || {
        let mut shift = Shift::new("");
        let id = shift.id("web-1");
        let command = shift.patch(&id, &[("Operation", "Install")], 3_600);
        (shift.invocation(&command, &id), shift.history(&InstanceId::parse(&id).expect("an id").to_string()))
    };
    assert_eq!(story(), story());
}
