//! What every platform is told: time-outs, locks, approvals, artefacts, what becomes of a failure.

use fleetwright_pipeline::Platform;
use serde_json::{Value, json};

use crate::{files, in_a_container, mappings, text, workflow, yaml};

const CANARY: &str = ".github/workflows/canary.yml";

fn jobs(document: &Value) -> Vec<(&String, &Value)> {
    document["jobs"].as_object().expect("jobs").iter().collect()
}

#[test]
fn the_same_workflow_gives_the_same_files() {
    for platform in Platform::ALL {
        assert_eq!(files(&workflow(), platform), files(&workflow(), platform));
    }
}

#[test]
fn every_job_of_github_ends_in_time_has_a_lock_and_no_more_rights_than_it_needs() {
    for workflow in [workflow(), in_a_container()] {
        for file in files(&workflow, Platform::GitHub).iter().filter(|file| file.path.ends_with(".yml")) {
            let document = yaml(&file.text);
            assert_eq!(document["permissions"], json!({ "contents": "read" }), "{}", file.path);
            assert_eq!(document["concurrency"]["cancel-in-progress"], false, "{}", file.path);
            for (name, job) in jobs(&document) {
                let minutes = job["timeout-minutes"].as_u64().expect("minutes");
                assert!((1..=7200).contains(&minutes), "{}: {name}: {minutes}", file.path);
                assert_eq!(job["permissions"]["contents"], "read");
                for step in job["steps"].as_array().expect("steps") {
                    let run = step["run"].as_str().unwrap_or_default();
                    assert!(
                        !run.contains("${{"),
                        "{}: {name}: what others choose is no part of a script",
                        file.path
                    );
                }
            }
        }
    }
}

#[test]
fn reports_are_kept_whatever_became_of_a_job() {
    let document = yaml(&text(&workflow(), Platform::GitHub, CANARY));
    for (name, job) in jobs(&document) {
        let last = job["steps"].as_array().expect("steps").last().expect("a step");
        assert_eq!(
            (&last["if"], last["uses"].as_str()),
            (&json!("${{ always() }}"), Some("actions/upload-artifact@v4")),
            "{name}"
        );
    }
    let gitlab = yaml(&text(&workflow(), Platform::GitLab, ".gitlab-ci.yml"));
    assert_eq!(gitlab["Plan"]["artifacts"]["when"], "always");
}

#[test]
fn nothing_is_patched_before_a_person_approved_and_each_approval_is_asked_for_by_itself() {
    let document = yaml(&text(&in_a_container(), Platform::GitHub, CANARY));
    let job = |name: &str| &document["jobs"][name];
    for number in [1, 2] {
        let gate = job(&format!("approve_{number}"));
        let environment = format!("${{{{ inputs.environment || 'nonprod' }}}}-approve-{number}");
        assert_eq!(gate["environment"], environment);
        let condition = "${{ !failure() && !cancelled() && needs.prepare.outputs.waits == 'true' }}";
        assert_eq!(gate["if"], condition);
    }
    assert_eq!(job("patch")["needs"], json!(["check", "plan", "prepare", "approve_1", "approve_2"]));
    assert!(job("promote").is_null(), "one wave has one gate");

    let gitlab = yaml(&text(&in_a_container(), Platform::GitLab, ".gitlab-ci.yml"));
    for number in [1, 2] {
        let gate = &gitlab[&format!("Approve patching {number}")];
        assert_eq!(
            (&gate["rules"][0]["when"], &gate["rules"][0]["allow_failure"]),
            (&json!("manual"), &json!(false))
        );
        assert_eq!(gate["variables"]["APPROVER"], "$GITLAB_USER_LOGIN");
    }
    let jenkins = text(&in_a_container(), Platform::Jenkins, "Jenkinsfile");
    assert_eq!(jenkins.matches("submitterParameter 'APPROVER'").count(), 2);
    let harness = yaml(&text(&in_a_container(), Platform::Harness, ".harness/fleetwright.yaml"));
    let steps = &harness["pipeline"]["stages"][3]["stage"]["spec"]["execution"]["steps"];
    let ask = &steps[0]["step"];
    assert_eq!(ask["type"], "HarnessApproval");
    let approvers =
        json!({ "userGroups": ["account.operators"], "minimumCount": 2, "disallowPipelineExecutor": true });
    assert_eq!(ask["spec"]["approvers"], approvers);
    assert_eq!(steps.as_array().expect("steps").len(), 3, "each answer is recorded");
}

#[test]
fn a_later_wave_has_an_approval_of_its_own() {
    let document = yaml(&text(&workflow(), Platform::GitHub, CANARY));
    let promote = &document["jobs"]["promote"];
    assert_eq!(promote["if"], "${{ !failure() && !cancelled() && needs.patch.outputs.waits == 'true' }}");
    let names: Vec<&String> = jobs(&document).into_iter().map(|(name, _)| name).collect();
    for name in
        ["check", "plan", "prepare", "approve", "patch", "promote", "waves", "verify", "undo", "report"]
    {
        assert!(names.iter().any(|there| *there == name), "{name}");
    }
}

#[test]
fn gitlab_shows_a_partial_success_as_a_warning_and_keeps_pipelines_of_an_environment_apart() {
    let document = yaml(&text(&workflow(), Platform::GitLab, ".gitlab-ci.yml"));
    let stages = document["stages"].as_array().expect("stages");
    for (name, job) in
        document.as_object().expect("jobs").iter().filter(|(_, job)| job["artifacts"].is_object())
    {
        assert!(stages.contains(&job["stage"]), "{name}");
        assert_eq!(job["resource_group"], "fleetwright-$TARGET_ENVIRONMENT", "{name}");
        if job["rules"][0]["when"] != "manual" {
            assert_eq!(job["allow_failure"]["exit_codes"], json!([20]), "{name}");
        }
    }
    let undo = &document["Roll back what failed"];
    assert_eq!(
        (&undo["rules"][0]["when"], &document["Report"]["rules"][0]["when"]),
        (&json!("on_failure"), &json!("always"))
    );
    assert!(
        document["validate"]["inherit"]["default"] == json!(["tags", "image"]),
        "no token for what is proposed"
    );
}

/// What the documentation of Harness asks of identifiers, names and time-outs of schema v0.
#[test]
fn harness_takes_every_identifier_name_and_time_out() {
    for workflow in [workflow(), in_a_container()] {
        let document = yaml(&text(&workflow, Platform::Harness, ".harness/fleetwright.yaml"));
        let mut found = Vec::new();
        mappings(&document, "", &mut found);
        for (path, node) in found {
            if let Some(identifier) = node["identifier"].as_str() {
                let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let begins = identifier.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                assert!(
                    begins && identifier.chars().all(inner) && identifier.len() <= 128,
                    "{path}: {identifier}"
                );
                let name = node["name"].as_str().unwrap_or_else(|| panic!("{path} has a name"));
                let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
                assert!(name.chars().all(inner) && name.len() <= 128, "{path}: {name}");
            }
            if node["type"] == "ShellScript" || node["type"] == "HarnessApproval" {
                let timeout = node["timeout"].as_str().unwrap_or_default();
                assert!(
                    timeout.strip_suffix('m').is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n >= 1)),
                    "{path}"
                );
            }
        }
    }
}

#[test]
fn identifiers_of_harness_are_unique_where_they_are_looked_for() {
    let document = yaml(&text(&workflow(), Platform::Harness, ".harness/fleetwright.yaml"));
    let stages = document["pipeline"]["stages"].as_array().expect("stages");
    let unique = |mut names: Vec<&str>| {
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        names.len() == all
    };
    assert!(unique(stages.iter().filter_map(|stage| stage["stage"]["identifier"].as_str()).collect()));
    for stage in stages {
        let execution = &stage["stage"]["spec"]["execution"];
        let of = |list: &str| execution[list].as_array().expect("steps").clone();
        let steps = [of("steps"), of("rollbackSteps")].concat();
        assert!(unique(steps.iter().filter_map(|step| step["step"]["identifier"].as_str()).collect()));
    }
}

#[test]
fn harness_rolls_back_what_changed_something_and_tries_again_what_changed_nothing() {
    let document = yaml(&text(&workflow(), Platform::Harness, ".harness/fleetwright.yaml"));
    for stage in
        document["pipeline"]["stages"].as_array().expect("stages").iter().map(|stage| &stage["stage"])
    {
        let id = stage["identifier"].as_str().expect("an identifier");
        let action = &stage["failureStrategies"][0]["onFailure"]["action"]["type"];
        let back = stage["spec"]["execution"]["rollbackSteps"].as_array().expect("steps").len();
        match id {
            "check" | "plan" => assert_eq!((action.as_str(), back), (Some("Abort"), 0), "{id}"),
            "report" => {
                assert_eq!((action.as_str(), back), (Some("MarkAsFailure"), 0));
                assert_eq!(stage["when"]["pipelineStatus"], "All");
            }
            _ => assert_eq!((action.as_str(), back), (Some("StageRollback"), 2), "{id}"),
        }
        for step in stage["spec"]["execution"]["steps"].as_array().expect("steps") {
            let strategy = &step["step"]["failureStrategies"][0]["onFailure"]["action"];
            let expected = match step["step"]["identifier"].as_str().expect("an identifier") {
                "patch" | "waves" => "ManualIntervention",
                "scan" | "plan" | "status" | "reports" => "Retry",
                _ => continue,
            };
            assert_eq!(strategy["type"], expected, "{step}");
        }
    }
}

#[test]
fn a_schedule_begins_the_first_environment() {
    let document = yaml(&text(&workflow(), Platform::Harness, ".harness/fleetwright-schedule.yaml"));
    let trigger = &document["trigger"];
    assert_eq!(trigger["source"]["spec"]["spec"]["expression"], "0 2 * * 0");
    let input = yaml(trigger["inputYaml"].as_str().expect("a text"));
    assert_eq!(
        input["pipeline"]["variables"][0],
        json!({ "name": "environment", "type": "String", "value": "nonprod" })
    );
    let jenkins = text(&workflow(), Platform::Jenkins, "Jenkinsfile");
    assert!(jenkins.contains("cron('TZ=UTC\\n0 2 * * 0')"));
}

#[test]
fn actions_are_pinned_by_commit_where_one_is_given() {
    let mut workflow = workflow();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    workflow.pins.insert("actions/checkout".to_owned(), commit.to_owned());
    let document = yaml(&text(&workflow, Platform::GitHub, CANARY));
    assert_eq!(document["jobs"]["check"]["steps"][0]["uses"], format!("actions/checkout@{commit}"));
}

#[test]
fn every_block_of_the_jenkinsfile_ends() {
    for workflow in [workflow(), in_a_container()] {
        let text = text(&workflow, Platform::Jenkins, "Jenkinsfile");
        let (mut depth, mut quote, mut rest) = (0_i32, None, text.as_str());
        while let Some(c) = rest.chars().next() {
            let step = match (quote, c) {
                (Some(_), '\\') => 2,
                (Some(end), _) if rest.starts_with(end) => {
                    quote = None;
                    str::len(end)
                }
                (None, '/') if rest.starts_with("//") => rest.find('\n').expect("a line ends"),
                (None, '\'' | '"') => {
                    let begins = ["'''", "'", "\""].into_iter().find(|begin| rest.starts_with(begin));
                    quote = begins;
                    begins.map_or(1, str::len)
                }
                (None, '{' | '(' | '[') => {
                    depth += 1;
                    1
                }
                (None, '}' | ')' | ']') => {
                    depth -= 1;
                    assert!(depth >= 0, "too many ends");
                    1
                }
                _ => c.len_utf8(),
            };
            rest = &rest[step..];
        }
        assert_eq!((depth, quote), (0, None));
    }
}
