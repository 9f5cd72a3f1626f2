//! GitLab CI: one `.gitlab-ci.yml`.

use std::time::Duration;

use crate::script::{PartialSuccess, Shell, library_file, roles};
use crate::stages::{Stage, When, all, configuration};
use crate::yaml::Yaml;
use crate::{File, Program, Workflow};

pub(crate) fn files(workflow: &Workflow) -> Vec<File> {
    vec![File { path: ".gitlab-ci.yml".to_owned(), text: text(workflow) }, library_file()]
}

const ABOUT: [&str; 2] = [
    "Patches an environment: plan, backups and prechecks, approval, first wave, approval, the rest.",
    "Written by `fleetwright pipeline gitlab`; edit the configuration it was written from.",
];

/// Merge requests are checked, and nothing else is done for them.
const FOR_MERGE: &str = "$CI_PIPELINE_SOURCE == \"merge_request_event\"";
const FOR_RUN: &str = "$CI_PIPELINE_SOURCE =~ /^(web|schedule|api|trigger|pipeline)$/";

fn text(workflow: &Workflow) -> String {
    let stages = all(workflow);
    let mut document = vec![
        ("workflow".to_owned(), Yaml::map([("rules", Yaml::List(vec![rule(FOR_MERGE), rule(FOR_RUN)]))])),
        ("stages".to_owned(), Yaml::texts(stages.iter().map(|stage| stage.id))),
        ("variables".to_owned(), variables(workflow)),
        ("default".to_owned(), defaults(workflow)),
        ("validate".to_owned(), validate(workflow)),
    ];
    for stage in &stages {
        let jobs = if stage.when == When::Approved { workflow.approvals.needed } else { 1 };
        for number in 1..=jobs {
            let name = if jobs > 1 { format!("{} {number}", stage.name) } else { stage.name.to_owned() };
            document.push((name, job(workflow, stage)));
        }
    }
    Yaml::Map(document).document(&ABOUT)
}

fn rule(condition: &str) -> Yaml {
    Yaml::map([("if", Yaml::text(condition))])
}

/// A value that GitLab takes as it is, whatever `$` is in it.
fn fixed(value: &str) -> Yaml {
    Yaml::map([("value", Yaml::text(value)), ("expand", Yaml::word(false))])
}

fn variables(workflow: &Workflow) -> Yaml {
    let names = || workflow.environments.iter().map(|one| one.name.clone());
    let environment = Yaml::map([
        ("value", Yaml::text(names().next().unwrap_or_default())),
        ("options", Yaml::texts(names())),
        ("description", Yaml::text("The environment to work on")),
    ]);
    let host = Yaml::map([
        ("value", Yaml::text("")),
        ("description", Yaml::text("A host whose place in the plan is explained, by id or name")),
    ]);
    let mut all = Yaml::map([
        ("TARGET_ENVIRONMENT", environment),
        ("EXPLAINED_HOST", host),
        ("CONFIGURATION", fixed(&workflow.configuration)),
        ("REPORTS", fixed(&workflow.reports.directory)),
        ("STATE_DIRECTORY", fixed(&workflow.state_directory)),
        ("PIPELINE", Yaml::text("$CI_PIPELINE_URL")),
    ]);
    for (name, role) in roles(workflow).1 {
        all = all.with(&name, fixed(&role));
    }
    all.with_some("REPORT_ADDRESS", workflow.reports.address.as_deref().map(fixed))
}

fn defaults(workflow: &Workflow) -> Yaml {
    let token = Yaml::map([("AWS_ID_TOKEN", Yaml::map([("aud", Yaml::text("sts.amazonaws.com"))]))]);
    let image = match &workflow.program {
        Program::Installed => None,
        Program::Image(image) => {
            Some(Yaml::map([("name", Yaml::text(image)), ("entrypoint", Yaml::texts([""]))]))
        }
    };
    Yaml::map([
        ("tags", Yaml::texts(workflow.runners.iter().cloned())),
        ("interruptible", Yaml::word(false)),
        ("id_tokens", token),
    ])
    .with_some("image", image)
}

/// The token of the job, where the AWS SDK looks for it.
const TOKEN: &str = r#"umask 077
AWS_WEB_IDENTITY_TOKEN_FILE=$(mktemp)
trap 'rm -f "$AWS_WEB_IDENTITY_TOKEN_FILE"' EXIT
printf '%s' "$AWS_ID_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"
export AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_SESSION_NAME="fleetwright-$CI_PIPELINE_ID"
"#;

fn shell(workflow: &Workflow) -> Shell {
    Shell::in_repository(PartialSuccess::OwnCode, format!("{}{TOKEN}", roles(workflow).0))
}

fn validate(workflow: &Workflow) -> Yaml {
    let names = Yaml::texts(workflow.environments.iter().map(|one| one.name.clone()));
    let matrix = Yaml::List(vec![Yaml::map([("TARGET_ENVIRONMENT", names)])]);
    // No role: what somebody proposes is read, and nothing is asked of AWS.
    let shell = Shell::in_repository(PartialSuccess::OwnCode, String::new());
    Yaml::map([
        ("stage", Yaml::word("check")),
        ("rules", Yaml::List(vec![rule(FOR_MERGE)])),
        ("interruptible", Yaml::word(true)),
        ("inherit", Yaml::map([("default", Yaml::texts(["tags", "image"]))])),
        ("timeout", Yaml::text("20 minutes")),
        ("parallel", Yaml::map([("matrix", matrix)])),
        ("script", Yaml::List(vec![Yaml::Script(shell.steps(&[configuration()]))])),
    ])
}

fn job(workflow: &Workflow, stage: &Stage) -> Yaml {
    let when = match stage.when {
        When::Good => "on_success",
        When::Approved => "manual",
        When::Failed => "on_failure",
        When::Over => "always",
    };
    let mut rule = rule(FOR_RUN).with("when", Yaml::word(when));
    let mut job = Yaml::map([("stage", Yaml::word(stage.id))]);
    if stage.when == When::Approved {
        // What waits for a person is not over, and nothing behind it begins.
        rule = rule.with("allow_failure", Yaml::word(false));
        // Who started this job by hand.
        let approver = Yaml::map([("APPROVER", Yaml::text("$GITLAB_USER_LOGIN"))]);
        let environment =
            Yaml::map([("name", Yaml::text("$TARGET_ENVIRONMENT")), ("action", Yaml::word("verify"))]);
        job = job.with("variables", approver).with("environment", environment);
    } else {
        let codes = Yaml::map([("exit_codes", Yaml::List(vec![Yaml::word(20)]))]);
        job = job.with("allow_failure", codes);
    }
    if stage.steps.iter().all(|step| step.repeats) {
        let causes = Yaml::texts(["runner_system_failure", "stuck_or_timeout_failure"]);
        job = job.with("retry", Yaml::map([("max", Yaml::word(2)), ("when", causes)]));
    }
    job.with("rules", Yaml::List(vec![rule]))
        .with("resource_group", Yaml::text("fleetwright-$TARGET_ENVIRONMENT"))
        .with("timeout", Yaml::text(minutes(stage.limit)))
        .with("script", Yaml::List(vec![Yaml::Script(shell(workflow).steps(&stage.steps))]))
        .with("artifacts", artifacts(workflow))
}

fn artifacts(workflow: &Workflow) -> Yaml {
    let directory = &workflow.reports.directory;
    let junit = Yaml::map([("junit", Yaml::text(format!("{directory}/run/junit.xml")))]);
    Yaml::map([
        ("when", Yaml::word("always")),
        ("paths", Yaml::texts([format!("{directory}/")])),
        ("expire_in", Yaml::text("90 days")),
        ("reports", junit),
    ])
}

fn minutes(limit: Duration) -> String {
    format!("{} minutes", limit.as_secs().div_ceil(60).max(1))
}
