//! Events and rules of EventBridge on the command line, against an estate on the network.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Served, fleetwright, run, scratch};

const PLACE: [&str; 4] = ["--landing-zones", "lz.yaml,shop-prod", "--regions", "eu-central-1"];

fn cloud(directory: &Path, served: &Served, arguments: &[&str]) -> (i32, String, String) {
    let mut command = fleetwright(directory);
    command.envs(served.variables.clone()).stdin(Stdio::null());
    run(command.arg("cloud").args(arguments).args(PLACE))
}

#[test]
fn rules_are_put_switched_shown_and_deleted_with_their_targets() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let rule = |arguments: &[&str]| cloud(directory.path(), &served, &[&["rule"], arguments].concat());
    let topic = "arn:aws:sns:eu-central-1:111122223333:upgrades";
    let monitor = ["monitor", "shop", "--target", topic];
    let name = "fleetwright-shop-monitoring";
    let (exit, out, err) = rule(&[monitor.as_slice(), &["--dry-run"]].concat());
    assert_eq!((exit, out), (0, format!("would put {name}\n")), "{err}");
    assert_eq!(rule(&["list"]).1, "", "a dry run puts nothing");
    for _ in 0..2 {
        let (exit, out, err) = rule(&monitor);
        assert_eq!((exit, out), (0, format!("put {name}\n")), "{err}");
    }
    assert_eq!(rule(&["rollback-trigger", "shop"]).0, 0);
    let (exit, out, _) = rule(&["describe", name, "--output", "json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &shown[0]["targets"][0]["arn"]), (0, &json!(topic)));
    assert_eq!(shown[0]["pattern"]["detail"], json!({ "cluster": ["shop"] }));

    fs::write(directory.path().join("pattern.json"), r#"{"source": ["acme.shop"]}"#).expect("writable");
    let (exit, out, err) = rule(&["put", "orders", "--pattern", "pattern.json", "--disabled"]);
    assert_eq!((exit, out.as_str()), (0, "put orders\n"), "{err}");
    assert!(
        rule(&["list", "--prefix", "ord"]).1.starts_with("orders  DISABLED  {\"source\":[\"acme.shop\"]}")
    );
    assert_eq!(rule(&["enable", "orders"]).1, "enable orders\n");
    assert_eq!(rule(&["put-target", "orders", "--id", "t-1", "--target", topic]).1, "put target of orders\n");
    assert!(rule(&["describe", "orders"]).1.contains(&format!("\n  t-1  {topic}\n")));
    assert_eq!(rule(&["remove-targets", "orders", "t-1"]).1, "remove targets of orders\n");
    assert_eq!(rule(&["disable", "orders"]).1, "disable orders\n");
    for (said, name) in [("delete", "orders"), ("delete", name), ("unchanged", name)] {
        let (exit, out, err) = rule(&["delete", name]);
        assert_eq!((exit, out), (0, format!("{said} {name}\n")), "{err}");
    }

    fs::write(directory.path().join("bad.json"), r#"{"source": "acme"}"#).expect("writable");
    let (exit, _, err) = rule(&["put", "bad", "--pattern", "bad.json"]);
    assert!(exit == 15 && err.contains("FW-E0001") && err.contains("bad.json: /source: a field"), "{err}");
    let (exit, _, err) = rule(&["describe", "orders"]);
    assert!(exit != 0 && err.contains("ResourceNotFoundException"), "{err}");
    served.end();
}

#[test]
fn events_are_published_by_tens_and_those_that_could_never_be_are_told_with_their_lines() {
    let directory = scratch();
    let served = Served::start(directory.path(), json!([]));
    let event =
        |arguments: &[&str]| cloud(directory.path(), &served, &[&["event", "publish"], arguments].concat());
    let one = ["upgrade.started", "--cluster", "shop", "--upgrade", "2026-11"];
    let (exit, out, err) = event(&one);
    assert!(exit == 0 && out.starts_with("    1  fleetwright.upgrade  upgrade.started  "), "{out}{err}");
    assert!(event(&[one.as_slice(), &["--dry-run"]].concat()).1.contains("would be published"));

    let line = |number: u32| {
        format!(
            "{{\"kind\": \"phase.started\", \"cluster\": \"shop\", \"upgrade\": \"u\", \"detail\": {{\"n\": {number}}}}}\n"
        )
    };
    let mut lines: String = (0..23).map(line).collect();
    lines.push_str(
        "{\"source\": \"acme.shop\", \"detail_type\": \"order placed\", \"at\": \"2026-11-22T02:00:00Z\"}\n",
    );
    fs::write(directory.path().join("events.jsonl"), &lines).expect("writable");
    let (exit, out, err) = event(&["--file", "events.jsonl", "--output", "json"]);
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    let rows = rows.as_array().expect("rows");
    assert_eq!((exit, rows.len()), (0, 24), "{err}");
    assert!(rows.iter().all(|row| row["done"] == true && row["id"].is_string()), "{out}");

    let wrong = "{\"kind\": \"upgrade.begun\", \"cluster\": \"shop\", \"upgrade\": \"u\"}\n\n{\"source\": \"aws.ec2\", \"detail_type\": \"x\"}\n[]\n{\"colour\": 1}\n";
    fs::write(directory.path().join("wrong.jsonl"), wrong).expect("writable");
    let (exit, out, err) = event(&["--file", "wrong.jsonl"]);
    assert_eq!((exit, out.as_str()), (15, ""), "nothing is published: {err}");
    for place in [
        "wrong.jsonl:1: an upgrade tells of",
        "wrong.jsonl:3: its source",
        "wrong.jsonl:4: it is no JSON object",
        "wrong.jsonl:5: an event has no \"colour\"",
    ] {
        assert!(err.contains(place), "{place} in {err}");
    }
    let (exit, _, err) = event(&[one.as_slice(), &["--bus", "no bus"]].concat());
    assert!(exit == 15 && err.contains("FW-E0001") && err.contains("no name of an event bus"), "{err}");
    served.end();
}
