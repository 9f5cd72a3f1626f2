//! Definitions of state machines, checked from the command line.

use std::fs;

use serde_json::{Value, json};

use crate::{fleetwright, run, scratch};

const GOOD: &str = r#"{"StartAt": "Look", "States": {"Look": {"Type": "Pass", "End": true}}}"#;
const DANGLING: &str =
    "StartAt: Look\nStates:\n  Look:\n    Type: Pass\n    Next: Dome\n  Done: {Type: Succeed}\n";

const VALIDATE: [&str; 3] = ["cloud", "machine", "validate"];

#[test]
fn what_is_wrong_is_shown_with_state_and_line_and_what_is_good_is_said() {
    let directory = scratch();
    fs::write(directory.path().join("good.json"), GOOD).expect("it can be written");
    fs::write(directory.path().join("bad.yaml"), DANGLING).expect("it can be written");
    let both = ["good.json", "bad.yaml"];
    let (exit, out, err) = run(fleetwright(directory.path()).args(VALIDATE).args(both));
    assert_eq!((exit, out.as_str()), (15, "good.json: valid, 1 state\n"));
    let expected =
        "bad.yaml:5:11: state `Look`: leads to `Dome`, which is not there; is `Done` meant? [FW-D0005]";
    assert!(err.contains(expected), "{err}");

    let (exit, out, _) =
        run(fleetwright(directory.path()).args(VALIDATE).args(both).args(["--output", "json"]));
    assert_eq!(exit, 15);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(told[0], json!({ "file": "good.json", "valid": true, "states": 1, "findings": [] }));
    let finding = &told[1]["findings"][0];
    let place = ["code", "state", "pointer", "line", "column"].map(|name| finding[name].clone());
    assert_eq!(json!(place), json!(["FW-D0005", "Look", "/States/Look/Next", 5, 11]));
}

#[test]
fn our_own_rules_ask_for_more() {
    let directory = scratch();
    fs::write(directory.path().join("good.json"), GOOD).expect("it can be written");
    let machine = || {
        let mut command = fleetwright(directory.path());
        command.args(VALIDATE).arg("good.json");
        command
    };
    assert_eq!(run(&mut machine()).0, 0);
    let (exit, _, err) = run(machine().args(["--rules", "ours"]));
    assert_eq!(exit, 15);
    assert!(err.contains("good.json:1:1: the machine has no `TimeoutSeconds`"), "{err}");
}

#[test]
fn what_cannot_be_read_is_said_in_every_form() {
    let directory = scratch();
    fs::write(directory.path().join("broken.json"), "{\n\"StartAt\": [}").expect("it can be written");
    let (exit, out, _) =
        run(fleetwright(directory.path()).args(VALIDATE).args(["broken.json", "--output", "jsonl"]));
    assert_eq!(exit, 15);
    let told: Value = serde_json::from_str(&out).expect("one line of JSON");
    assert_eq!((&told["valid"], &told["findings"][0]["code"]), (&json!(false), &json!("FW-C0002")));
    let (exit, _, err) = run(fleetwright(directory.path()).args(VALIDATE).arg("broken.json"));
    assert_eq!(exit, 10, "a file that is not YAML has the exit code of every such file");
    assert!(err.contains("broken.json:2:"), "{err}");
    assert_eq!(run(fleetwright(directory.path()).args(VALIDATE).arg("nowhere.json")).0, 10);
}

#[test]
fn no_machine_is_made_of_a_definition_that_is_wrong() {
    let directory = scratch();
    fs::write(directory.path().join("bad.yaml"), DANGLING).expect("it can be written");
    let create = ["create", "nightly", "--definition", "bad.yaml", "--role", "hub"];
    let update = ["update", "nightly", "--definition", "bad.yaml"];
    for arguments in [create.as_slice(), &update] {
        let (exit, out, err) = run(fleetwright(directory.path()).args(["cloud", "machine"]).args(arguments));
        assert_eq!((exit, out.as_str()), (15, ""), "{err}");
        assert!(err.contains("bad.yaml:5:11: state `Look`") && err.contains("FW-D0005"), "{err}");
    }
}
