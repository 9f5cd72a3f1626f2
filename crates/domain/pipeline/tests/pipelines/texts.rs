//! Whatever is chosen for a workflow stays what it is where it is written.

use fleetwright_pipeline::{Platform, Program, Workflow, command_lines, write};
use proptest::prelude::*;

use crate::{files, text, workflow, yaml};

/// Texts that would mean something somewhere.
fn texts() -> impl Strategy<Value = String> {
    let meant = "(\\$\\(id\\)|`id`|\\$HOME|\\$\\$|\"|'|''|'''|\\\\|\\{\\{|\\}\\}|: |# |- |&a|\\*a|!!x|%|@|;|\\||é|☃|[a-z ]){1,8}";
    prop_oneof![meant, "\\PC{1,40}", any::<String>()]
}

fn with(value: &str) -> Workflow {
    let mut workflow = workflow();
    workflow.configuration = value.to_owned();
    workflow.runners = vec![value.to_owned()];
    workflow.reports.directory = value.to_owned();
    workflow.state_directory = value.to_owned();
    workflow.approvals.groups = vec![value.to_owned()];
    workflow.matrix.zones = vec![value.to_owned()];
    workflow.environments[1].role = Some(value.to_owned());
    workflow
}

/// The text that a literal of Groovy's in single quotes stands for.
fn groovy(literal: &str) -> String {
    let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).expect("a literal");
    let (mut text, mut rest) = (String::new(), inner.chars());
    while let Some(c) = rest.next() {
        assert_ne!(c, '\'', "the literal ends before its end: {literal}");
        text.push(if c == '\\' { rest.next().expect("something is escaped") } else { c });
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_text_is_refused_or_read_back_as_it_was(value in texts()) {
        let workflow = with(&value);
        let Ok(github) = write(&workflow, Platform::GitHub) else {
            let strange = value.is_empty() || value.contains("${{") || value.contains("<+");
            prop_assert!(strange || value.chars().any(char::is_control), "{value:?} is refused");
            return Ok(());
        };
        for file in github.iter().filter(|file| file.path.ends_with(".yml")) {
            let document = yaml(&file.text);
            prop_assert_eq!(&document["env"]["CONFIGURATION"], &value, "{}", file.path);
            for job in document["jobs"].as_object().expect("jobs").values() {
                prop_assert_eq!(&job["runs-on"][1], &value);
            }
        }
        let gitlab = yaml(&text(&workflow, Platform::GitLab, ".gitlab-ci.yml"));
        prop_assert_eq!(&gitlab["variables"]["CONFIGURATION"]["value"], &value);
        prop_assert_eq!(&gitlab["variables"]["ROLE_1"]["value"], &value);
        prop_assert_eq!(&gitlab["default"]["tags"][0], &value);
        let harness = yaml(&text(&workflow, Platform::Harness, ".harness/fleetwright.yaml"));
        prop_assert_eq!(&harness["pipeline"]["delegateSelectors"][0], &value);
        prop_assert_eq!(&harness["pipeline"]["variables"][2]["value"], &value);
        let jenkins = text(&workflow, Platform::Jenkins, "Jenkinsfile");
        let line = jenkins.lines().find_map(|line| line.trim().strip_prefix("CONFIGURATION = "));
        if value.is_ascii() {
            prop_assert_eq!(groovy(line.expect("it is there")), value.replace('$', "$$"));
        }
    }
}

#[test]
fn no_script_holds_a_value() {
    let marked = with("MARKED");
    for platform in Platform::ALL {
        for file in files(&marked, platform) {
            let commands = file.text.lines().filter(|line| line.contains("attempt") || line.contains("aws "));
            commands.for_each(|line| assert!(!line.contains("MARKED"), "{}: {line}", file.path));
        }
    }
}

#[test]
fn what_would_be_an_expression_of_a_platform_is_refused_with_its_place() {
    for value in ["${{ secrets.KEY }}", "a<+secrets.getValue(\"key\")>", "one\ntwo", ""] {
        let mut workflow = workflow();
        workflow.configuration = value.to_owned();
        let refused = write(&workflow, Platform::GitLab).expect_err(value);
        assert_eq!((refused.len(), refused[0].what), (1, "configuration file"), "{value:?}");
    }
}

#[test]
fn names_and_amounts_have_their_bounds() {
    let mut workflow = workflow();
    workflow.environments[0].name = "../prod".to_owned();
    workflow.schedule = Some("every sunday".to_owned());
    workflow.approvals.needed = 0;
    workflow.runners.clear();
    workflow.pins.insert("actions/checkout".to_owned(), "v5".to_owned());
    workflow.program = Program::Image(String::new());
    workflow.matrix.regions = vec!["eu-central-1".to_owned(); 300];
    let refused = write(&workflow, Platform::Harness).expect_err("much is wrong with it");
    let what: Vec<&str> = refused.iter().map(|one| one.what).collect();
    let expected = [
        "environment",
        "schedule",
        "commit of an action",
        "runners",
        "cells of the matrix",
        "approvals",
        "image",
    ];
    assert_eq!(what, expected);
    assert!(
        refused[0].to_string().starts_with("environment \"../prod\": is 1 to 64 letters"),
        "{}",
        refused[0]
    );
}

#[test]
fn command_lines_are_listed_with_values_as_one_argument_each() {
    let lines = command_lines(&with("a b'c\"$HOME"));
    assert!(lines.iter().all(|line| line[0] == "fleetwright"));
    let validate: Vec<&str> = lines[0].iter().map(String::as_str).collect();
    assert_eq!(
        validate,
        ["fleetwright", "config", "validate", "--config=a b'c\"$HOME", "--environment=nonprod"]
    );
    let verbs: std::collections::BTreeSet<&str> = lines.iter().map(|line| line[1].as_str()).collect();
    let expected = "abort apply approve audit change cloud config doctor export plan rehearse report resume \
                    rollback runs scan status verify";
    assert_eq!(verbs, expected.split(' ').collect());
}
