//! Maintenance windows on the command line, against an estate on the network.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Served, fleetwright, run, scratch};

fn window(directory: &Path, served: &Served, arguments: &[&str]) -> (i32, String, String) {
    let fleet = ["--landing-zones", "lz.yaml,shop-prod", "--regions", "eu-central-1,eu-west-1"];
    let arguments = [&["window"], arguments, &fleet].concat();
    run(fleetwright(directory).envs(served.variables.clone()).args(arguments))
}

fn create<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let window = ["create", name, "--schedule", "cron(0 2 ? * SUN *)", "--time-zone", "Europe/Berlin"];
    [window.as_slice(), &["--duration", "4", "--cutoff", "1"], more].concat()
}

fn rows(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("a JSON list")
}

#[test]
fn a_window_is_made_everywhere_listed_verified_and_deleted() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let window = |arguments: &[&str]| window(directory.path(), &served, arguments);
    let web = ["--target", "tag:Tier=web|mail"];

    let (exit, _, err) = window(&create("sunday-night", &["--duration", "4", "--target", "Tier"]));
    assert_eq!(exit, 2, "a flag given twice, a target without values: {err}");
    let impossible =
        ["create", "sunday-night", "--schedule", "rate(7 days)", "--duration", "25", "--target", "x=y"];
    let (exit, _, err) = window(&impossible);
    assert!(
        exit == 2 && err.contains("FW-M0001") && err.contains("1 to 24") && err.contains("tag:KEY"),
        "{err}"
    );

    let (exit, out, err) = window(&create("sunday-night", &[web.as_slice(), &["--dry-run"]].concat()));
    assert!(exit == 0 && out.contains("would be made"), "{out}{err}");
    assert_eq!(rows(&window(&["list", "--output", "json"]).1), Vec::<Value>::new());

    let (exit, out, err) = window(&create("sunday-night", &[web.as_slice(), &["--output", "json"]].concat()));
    assert_eq!((exit, rows(&out).len()), (0, 2), "{err}");
    let listed = rows(&window(&["list", "--output", "json"]).1);
    let regions: Vec<&Value> = listed.iter().map(|row| &row["region"]).collect();
    assert_eq!(regions, ["eu-central-1", "eu-west-1"]);
    assert!(listed.iter().all(|row| row["duration_hours"] == 4 && row["next"].is_string()), "{listed:?}");
    let (exit, out, err) = window(&["verify", "sunday-night"]);
    assert!(exit == 0 && out.matches("\n    fit").count() == 2, "{out}{err}");

    let (exit, _, err) = window(&create("sunday-night", &["--target", "tag:Tier=db", "--despite-conflicts"]));
    assert!(exit == 15 && err.contains("FW-M0002") && err.contains("same name"), "{err}");
    let (exit, _, err) = window(&create("web-too", &["--target", "tag:Stage=prod"]));
    assert!(exit == 15 && err.contains("open at") && err.contains("sunday-night"), "{err}");
    assert_eq!(window(&create("databases", &["--target", "tag:Tier=db"])).0, 0, "nobody is in both");
    let (exit, _, err) = window(&create("web-too", &["--target", "tag:Tier=web", "--despite-conflicts"]));
    assert!(exit == 0 && err.contains("in spite of"), "{err}");
    let (exit, out, err) = window(&["verify"]);
    assert!(exit == 15 && err.contains("FW-M0005") && out.contains("open at"), "{out}{err}");

    let (exit, out, _) = window(&["delete", "web-too", "--dry-run"]);
    assert!(exit == 0 && out.matches("would be deleted").count() == 2, "{out}");
    let (exit, out, _) = window(&["delete", "web-too"]);
    assert!(exit == 0 && out.matches(": deleted").count() == 2, "{out}");
    let (exit, _, err) = window(&["delete", "web-too"]);
    assert!(exit == 21 && err.contains("FW-M0004"), "{err}");
    assert_eq!(rows(&window(&["list", "--output", "json"]).1).len(), 4);
    served.end();
}

#[test]
fn a_window_that_cannot_be_finished_is_taken_away_again() {
    let directory = scratch();
    let denied = json!([{ "kind": "denied", "region": "eu-west-1", "action": "RegisterTask*" }]);
    let served = Served::start(directory.path(), denied);
    let window = |arguments: &[&str]| window(directory.path(), &served, arguments);
    let (exit, out, err) = window(&create("sunday-night", &["--target", "tag:Tier=web", "--output", "json"]));
    assert!(exit == 20 && err.contains("FW-M0007") && err.contains("eu-west-1"), "{exit} {err}");
    assert_eq!(rows(&out).len(), 1);
    let listed = rows(&window(&["list", "--output", "json"]).1);
    let regions: Vec<&Value> = listed.iter().map(|row| &row["region"]).collect();
    assert_eq!(regions, ["eu-central-1"], "nothing half made is left in the other");
    served.end();
}

#[test]
fn what_is_left_half_made_is_named_and_a_person_asked_for() {
    let directory = scratch();
    let denied = json!([
        { "kind": "denied", "region": "eu-west-1", "action": "RegisterTask*" },
        { "kind": "denied", "region": "eu-west-1", "action": "DeleteMaintenanceWindow" },
    ]);
    let served = Served::start(directory.path(), denied);
    let window = |arguments: &[&str]| window(directory.path(), &served, arguments);
    let (exit, _, err) = window(&create("sunday-night", &["--target", "tag:Tier=web"]));
    assert!(exit == 23 && err.contains("FW-M0003") && err.contains("mw-"), "{exit} {err}");
    let (exit, out, _) = window(&["verify", "sunday-night"]);
    assert!(exit == 15 && out.contains("patches nothing"), "{out}");
    served.end();
}
