//! Plans on the command line: explained, compared, checked, and made with the input of one run.

use std::fs;
use std::path::Path;

use fleetwright_patch::plan::PlanDocument;
use serde_json::Value;

use crate::{Served, fleetwright, run, scratch};

/// Plans the demo's fleet over the network.
fn planned(directory: &Path, served: &Served, more: &[&str]) -> (i32, String, String) {
    let arguments = ["plan", "--landing-zones", "lz.yaml", "--regions", "eu-central-1"];
    run(fleetwright(directory).envs(served.variables.clone()).args([&arguments, more].concat()))
}

fn document(path: &Path) -> PlanDocument {
    PlanDocument::read(&fs::read(path).expect("a plan")).expect("whole")
}

#[test]
fn a_plan_is_explained_compared_and_checked_without_aws() {
    let directory = scratch();
    let served = Served::start(directory.path(), serde_json::json!([]));
    let (exit, _, err) = planned(directory.path(), &served, &["--out", "a.json"]);
    assert!(matches!(exit, 0 | 20), "{exit} {err}");
    let input = r#"{"waves": [{"name": "rest"}], "approvalRequired": false}"#;
    fs::write(directory.path().join("input.json"), input).expect("writable");
    let (exit, _, err) = planned(directory.path(), &served, &["--out", "b.json", "--input", "input.json"]);
    assert!(matches!(exit, 0 | 20), "{exit} {err}");
    served.end();
    let plan = document(&directory.path().join("a.json")).into_plan();
    let host = plan.work.iter().find_map(|work| work.host()).expect("a host").id.to_string();

    let told = |arguments: &[&str]| run(fleetwright(directory.path()).arg("plan").args(arguments));
    let (exit, out, err) = told(&["explain", "a.json", &host]);
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains(&host) && out.contains("is worked on") && out.contains("way back"), "{out}");
    let (exit, out, _) = told(&["explain", "a.json", &host, "--output", "json"]);
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &rows[0]["id"]), (0, &Value::from(host)));
    let left_out = plan.left_out[0].id.as_str();
    let (exit, out, _) = told(&["explain", "a.json", left_out]);
    assert!(exit == 0 && out.contains("is left out") && out.contains("FW-P"), "{out}");
    let (exit, out, err) = told(&["explain", "a.json", "nobody"]);
    assert!(exit == 2 && out.is_empty() && err.contains("FW-R0023"), "{err}");

    let (exit, out, _) = told(&["diff", "a.json", "a.json"]);
    assert!(exit == 0 && out.contains("same hosts in the same way"), "{out}");
    let (exit, out, _) = told(&["diff", "a.json", "b.json"]);
    assert!(exit == 0 && out.contains("waves:") && out.contains("rest"), "{out}");
    assert_eq!(told(&["check", "a.json"]).0, 0);
    let (exit, out, _) = told(&["check", "b.json", "--output", "json"]);
    let checked: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &checked["safe"]), (0, &Value::Bool(true)));

    // Whole and with a digest that fits, but made by nobody who keeps the rules.
    let mut plan = plan;
    for recipe in &mut plan.flow.recipes {
        recipe.steps.retain(|step| &*step.name != "backup");
    }
    fs::write(directory.path().join("c.json"), PlanDocument::new(plan).write()).expect("writable");
    let (exit, out, err) = told(&["check", "c.json"]);
    assert!(exit == 15 && out.contains("I7 (way back)") && err.contains("FW-R0026"), "{out}{err}");
    let (exit, out, _) = told(&["check", "c.json", "--output", "json"]);
    let checked: Value = serde_json::from_str(&out).expect("JSON");
    let violations = checked["violations"].as_array().expect("a list");
    assert!(exit == 15 && violations.iter().any(|it| it["invariant"] == "I7"), "{out}");
}

#[test]
fn a_mistake_in_the_input_of_a_run_is_shown_in_its_line() {
    let directory = scratch();
    let config = "landing_zones:\n  inventory: [lz.yaml]\n";
    fs::write(directory.path().join("fleetwright.yaml"), config).expect("writable");
    fs::write(directory.path().join("input.json"), "{\n  \"wavePauseSecond\": 5\n}\n").expect("writable");
    for command in ["plan", "run"] {
        let (exit, out, err) = run(fleetwright(directory.path()).args([command, "--input", "input.json"]));
        assert_eq!((exit, out.as_str()), (10, ""), "{err}");
        assert!(err.contains("input.json:2:3") && err.contains("wavePauseSeconds"), "{err}");
    }
    let (exit, _, err) = run(fleetwright(directory.path()).args(["plan", "--input", "none.json"]));
    assert!(exit == 10 && err.contains("none.json"), "{exit} {err}");
}

#[test]
fn a_dry_run_asked_for_here_is_not_turned_off_by_an_input() {
    let directory = scratch();
    let served = Served::start(directory.path(), serde_json::json!([]));
    fs::write(directory.path().join("input.json"), r#"{"dryRun": false}"#).expect("writable");
    let arguments = ["run", "--landing-zones", "lz.yaml,shop-prod", "--regions", "eu-central-1"];
    let more = ["--input", "input.json", "--dry-run"];
    let (exit, _, err) = run(fleetwright(directory.path())
        .envs(served.variables.clone())
        .args([arguments.as_slice(), &more].concat()));
    assert!(matches!(exit, 0 | 20) && err.contains("nothing was changed"), "{exit} {err}");
    served.end();
}
