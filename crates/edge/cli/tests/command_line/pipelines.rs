//! Pipelines, written from the command line.

use std::fs;

use clap::Parser;
use fleetwright::args::Cli;
use fleetwright_pipeline::{Environment, Workflow, command_lines};
use serde_json::{Value, json};

use crate::{ONE_ZONE, fleetwright, run, scratch};

const CONFIGURATION: &str = "landing_zones: {inventory: [zones.yaml]}\nenvironments: {nonprod: {}, prod: {}}\n\
                             safety: {approvals: {needed: 2}}\n";

fn repository() -> tempfile::TempDir {
    let directory = scratch();
    fs::write(directory.path().join("fleetwright.yaml"), CONFIGURATION).expect("it can be written");
    fs::write(directory.path().join("zones.yaml"), ONE_ZONE).expect("it can be written");
    directory
}

#[test]
fn every_command_that_pipelines_carry_out_is_one_there_is() {
    let mut workflow = Workflow::new(vec![Environment { name: "prod".to_owned(), role: None }]);
    workflow.configuration = "-odd name $HOME.yaml".to_owned();
    workflow.change_records = true;
    workflow.waves = 3;
    workflow.reports.address = Some("s3://reports/fleet".to_owned());
    let lines = command_lines(&workflow);
    assert!(lines.len() > 20, "{}", lines.len());
    for line in lines {
        if let Err(error) = Cli::try_parse_from(&line) {
            panic!("{line:?}: {error}");
        }
    }
}

#[test]
fn files_are_written_once_and_not_replaced_without_being_told() {
    let directory = repository();
    let pipeline = |more: &[&str]| {
        let mut command = fleetwright(directory.path());
        command.args(["pipeline", "github"]).args(more);
        run(&mut command)
    };
    let (exit, out, err) = pipeline(&[]);
    assert_eq!(exit, 0, "{err}");
    assert!(out.starts_with("written .github/workflows/validate.yml\n"), "{out}");
    let path = directory.path().join(".github/workflows/canary.yml");
    let canary = fs::read_to_string(&path).expect("it is there");
    for told in ["approve_2:", "- \"nonprod\"", "- \"prod\""] {
        assert!(canary.contains(told), "{told}");
    }

    let (exit, out, _) = pipeline(&["--output", "json"]);
    assert_eq!(exit, 0);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(told[0], json!({ "path": ".github/workflows/validate.yml", "state": "unchanged" }));

    fs::write(&path, "name: mine\n").expect("it can be written");
    let (exit, _, err) = pipeline(&[]);
    assert_eq!(exit, 2);
    assert!(err.contains("canary.yml is there and differs"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "name: mine\n");
    assert_eq!(pipeline(&["--force"]).0, 0);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), canary);
}

#[test]
fn what_cannot_be_written_is_said_with_its_value() {
    let directory = repository();
    let refused = |more: &[&str]| {
        let mut command = fleetwright(directory.path());
        command.args(["pipeline", "jenkins"]).args(more);
        let (exit, _, err) = run(&mut command);
        assert_eq!(exit, 2, "{err}");
        assert!(!directory.path().join("Jenkinsfile").exists());
        err
    };
    assert!(refused(&["--image", "${{ secrets.IMAGE }}"]).contains("image \"${{ secrets.IMAGE }}\": holds"));
    assert!(refused(&["--role", "staging=arn"]).contains("the pipeline has no environment `staging`"));
    assert!(refused(&["--pin", "checkout"]).contains("--pin takes ACTION=COMMIT"));
}
