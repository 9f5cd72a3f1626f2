//! Parameters of Systems Manager on the command line, against an estate on the network.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Served, fleetwright, run, scratch};

const PLACE: [&str; 4] = ["--landing-zones", "lz.yaml,shop-prod", "--regions", "eu-central-1"];

fn param(directory: &Path, served: &Served, arguments: &[&str]) -> (i32, String, String) {
    let arguments = [&["cloud", "param"], arguments, &PLACE].concat();
    let mut command = fleetwright(directory);
    run(command.envs(served.variables.clone()).stdin(Stdio::null()).args(arguments))
}

fn read(directory: &Path, name: &str) -> Value {
    let text = fs::read_to_string(directory.join(name)).expect("it was written");
    serde_json::from_str(&text).expect("JSON")
}

/// More than a page of them, in every type.
fn configuration() -> Value {
    let intervals: serde_json::Map<String, Value> =
        (0..15).map(|number| (format!("step{number:02}"), json!({ "percent": number }))).collect();
    json!({
        "agent": { "name": "fleetwright", "enabled": true, "version": "1.10", "threshold": 0.5 },
        "regions": ["eu-central-1", "us-east-1"],
        "jira": { "api_token": "canary-token" },
        "intervals": intervals,
        "empty": {},
    })
}

#[test]
fn a_configuration_comes_back_equal_and_only_what_differs_is_put() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let param = |arguments: &[&str]| param(directory.path(), &served, arguments);
    let mut wanted = configuration();
    let write = |value: &Value| {
        fs::write(directory.path().join("upgrade.json"), value.to_string()).expect("it can be written");
    };
    write(&wanted);
    let store = ["store", "upgrade.json", "--prefix", "/fleetwright/prod"];
    let restore = ["restore", "--prefix", "/fleetwright/prod", "--out", "back.json"];

    let (exit, out, err) = param(&[store.as_slice(), &["--dry-run"]].concat());
    assert!(exit == 0 && out.contains("would put /fleetwright/prod/agent/enabled\n"), "{out}{err}");
    assert_eq!(param(&restore).0, 21, "a dry run puts nothing");

    let (exit, out, err) = param(&[store.as_slice(), &["--param-tag", "Owner=ops"]].concat());
    assert!(exit == 0 && err.contains("22 changed, 0 as they were"), "{out}{err}");
    assert!(!format!("{out}{err}").contains("canary"), "{out}{err}");
    let (exit, _, err) = param(&restore);
    assert_eq!((exit, read(directory.path(), "back.json")), (0, wanted.clone()), "{err}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            fs::metadata(directory.path().join("back.json")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "secrets are in it");
    }
    assert!(param(&store).2.contains("0 changed, 22 as they were"));

    wanted["agent"]["enabled"] = json!(false);
    wanted["regions"] = json!("eu-central-1");
    wanted["jira"] = json!({});
    write(&wanted);
    let (exit, _, err) = param(&store);
    assert!(exit == 15 && err.contains("FW-T0004") && err.contains("/fleetwright/prod/jira"), "{err}");
    let (exit, out, err) = param(&[store.as_slice(), &["--prune"]].concat());
    assert_eq!(exit, 0, "{err}");
    let said: Vec<&str> = out.lines().collect();
    let expected = ["agent/enabled", "jira", "regions", "jira/api_token"];
    let verbs = ["replace", "put", "renew", "delete"];
    let expected: Vec<String> =
        verbs.iter().zip(expected).map(|(verb, name)| format!("{verb} /fleetwright/prod/{name}")).collect();
    assert_eq!(said, expected);
    assert_eq!((param(&restore).0, read(directory.path(), "back.json")), (0, wanted));
    served.end();
}

#[test]
fn single_parameters_are_put_shown_and_deleted_and_secrets_are_hidden() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let param = |arguments: &[&str]| param(directory.path(), &served, arguments);
    let (exit, out, err) = param(&["put", "/ops/name", "--value", "night shift", "--param-tag", "Owner=ops"]);
    assert_eq!((exit, out.as_str()), (0, "put /ops/name\n"), "{err}");
    assert_eq!(param(&["put", "/ops/name", "--value", "day shift"]).0, 0);
    let (exit, out, _) = param(&["versions", "/ops/name"]);
    assert!(exit == 0 && out.starts_with("/ops/name = night shift") && out.contains("version 2"), "{out}");

    let (exit, _, err) = param(&["put", "/ops/token", "--type", "secure-string", "--value", "canary"]);
    assert!(exit == 2 && err.contains("FW-T0006") && !err.contains("canary"), "{err}");
    fs::write(directory.path().join("token"), "canary\n").expect("it can be written");
    assert_eq!(param(&["put", "/ops/token", "--type", "secure-string", "--file", "token"]).0, 0);
    let (exit, out, _) = param(&["get", "/ops/name", "/ops/token", "--output", "json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &shown[1]["value"]), (0, &json!("(hidden)")));
    assert_eq!(shown[0]["tags"], json!([{ "key": "Owner", "value": "ops" }]));
    assert!(param(&["get", "/ops/token", "--with-secrets"]).1.contains("= canary"));

    let (exit, out, _) = param(&["list", "/ops"]);
    assert!(exit == 0 && out.lines().count() == 2 && !out.contains("shift"), "{out}");
    let (exit, out, err) = param(&["delete", "/ops/name", "/ops/never"]);
    assert!(exit == 21 && out == "delete /ops/name\n" && err.contains("/ops/never"), "{out}{err}");
    assert_eq!(param(&["list", "/nothing"]).0, 21);
    served.end();
}

#[test]
fn parameters_are_in_one_place_below_a_prefix_that_is_one() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let several = ["--landing-zones", "lz.yaml,shop-prod", "--regions", "eu-central-1,eu-west-1"];
    let arguments = [&["cloud", "param", "list", "/ops"], several.as_slice()].concat();
    let (exit, _, err) = run(fleetwright(directory.path()).envs(served.variables.clone()).args(arguments));
    assert!(exit == 2 && err.contains("FW-T0001"), "{err}");
    fs::write(directory.path().join("a.yaml"), "a: 1\n").expect("it can be written");
    let (exit, _, err) = param(directory.path(), &served, &["store", "a.yaml", "--prefix", "/aws/x"]);
    assert!(exit == 2 && err.contains("FW-T0002"), "{err}");
    fs::write(directory.path().join("big.yaml"), format!("note: {}\n", "x".repeat(9_000)))
        .expect("it can be written");
    let (exit, _, err) = param(directory.path(), &served, &["store", "big.yaml", "--prefix", "/ops"]);
    assert!(exit == 15 && err.contains("FW-T0003") && err.contains("/ops/note"), "{err}");
    served.end();
}
