//! GitHub Actions: four workflows under `.github/workflows`.

mod canary;
mod deploy;
mod matrix;
mod validate;

use std::time::Duration;

use crate::script::{Part, PartialSuccess, Shell, library_file};
use crate::stages::Step;
use crate::yaml::Yaml;
use crate::{File, Program, Workflow};

/// The actions that workflows use, each with the major version it is pinned to where no commit is given.
pub(crate) const ACTIONS: [(&str, &str); 3] = [
    ("actions/checkout", "v5"),
    ("actions/upload-artifact", "v4"),
    ("aws-actions/configure-aws-credentials", "v5"),
];

pub(crate) fn files(workflow: &Workflow) -> Vec<File> {
    let files = [
        ("validate", validate::text(workflow)),
        ("deploy", deploy::text(workflow)),
        ("canary", canary::text(workflow)),
        ("matrix", matrix::text(workflow)),
    ];
    let files = files.map(|(name, text)| File { path: format!(".github/workflows/{name}.yml"), text });
    files.into_iter().chain([library_file()]).collect()
}

/// Steps that are in no stage.
pub(crate) fn steps() -> Vec<Step> {
    [validate::steps(), matrix::steps()].concat()
}

const WRITTEN: &str = "Written by `fleetwright pipeline github`; edit the configuration it was written from.";

/// A whole workflow.
fn document(name: &str, about: &str, on: Yaml, concurrency: &str, env: Yaml, jobs: Yaml) -> String {
    let lock = Yaml::map([("group", Yaml::text(concurrency)), ("cancel-in-progress", Yaml::word(false))]);
    Yaml::map([
        ("name", Yaml::text(name)),
        ("on", on),
        ("permissions", Yaml::map([("contents", Yaml::word("read"))])),
        ("concurrency", lock),
        ("env", env),
        ("jobs", jobs),
    ])
    .document(&[about, WRITTEN])
}

/// An action, pinned.
fn action(workflow: &Workflow, name: &str) -> Yaml {
    let major = ACTIONS.iter().find(|(action, _)| *action == name).expect("it is in the table").1;
    let version = workflow.pins.get(name).map_or(major, String::as_str);
    Yaml::word(format!("{name}@{version}"))
}

/// A job on our runners: what it needs, what may be done in its name, how long it may take.
fn job(workflow: &Workflow, name: &str, limit: Duration) -> Yaml {
    let permissions = Yaml::map([
        ("actions", Yaml::word("read")),
        ("contents", Yaml::word("read")),
        ("id-token", Yaml::word("write")),
    ]);
    let mut job = Yaml::map([("name", Yaml::text(name)), ("runs-on", labels(workflow))]);
    if let Program::Image(image) = &workflow.program {
        let volume = format!("{0}:{0}", workflow.state_directory);
        job = job
            .with("container", Yaml::map([("image", Yaml::text(image)), ("volumes", Yaml::texts([volume]))]));
    }
    job.with("permissions", permissions).with("timeout-minutes", minutes(limit))
}

fn labels(workflow: &Workflow) -> Yaml {
    Yaml::texts(["self-hosted".to_owned()].into_iter().chain(workflow.runners.iter().cloned()))
}

/// Whole minutes, at least one, rounded up.
fn minutes(limit: Duration) -> Yaml {
    Yaml::word(limit.as_secs().div_ceil(60).max(1))
}

/// The variables that every workflow's scripts have; `environment` is an expression or a name.
fn variables(workflow: &Workflow, environment: &str) -> Yaml {
    let roles: Vec<String> = workflow
        .environments
        .iter()
        .filter_map(|one| Some(format!("{}:{}", json(&one.name), json(one.role.as_deref()?))))
        .collect();
    let env = Yaml::map([
        ("CONFIGURATION", Yaml::text(&workflow.configuration)),
        ("TARGET_ENVIRONMENT", Yaml::text(environment)),
        ("REPORTS", Yaml::text(&workflow.reports.directory)),
        ("STATE_DIRECTORY", Yaml::text(&workflow.state_directory)),
        ("ROLES", Yaml::text(format!("{{{}}}", roles.join(",")))),
        ("PIPELINE", Yaml::text(PIPELINE)),
    ]);
    env.with_some("REPORT_ADDRESS", workflow.reports.address.as_deref().map(Yaml::text))
}

const PIPELINE: &str = "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}";

/// The environment that was chosen, or the first one where nobody chose.
fn chosen(workflow: &Workflow) -> String {
    let first = workflow.environments.first().map_or("", |one| one.name.as_str());
    format!("${{{{ inputs.environment || '{first}' }}}}")
}

/// The input that chooses an environment.
fn environment_input(workflow: &Workflow) -> Yaml {
    Yaml::map([
        ("description", Yaml::text("The environment to work on")),
        ("type", Yaml::word("choice")),
        ("required", Yaml::word(true)),
        ("options", Yaml::texts(workflow.environments.iter().map(|one| one.name.clone()))),
    ])
}

/// The steps every job begins with: the files, and credentials for a role by the token of this job.
///
/// The session lasts as long as the job, as far as roles allow (IAM: `MaxSessionDuration`, 12 hours at most).
fn begin(workflow: &Workflow, limit: Duration) -> Vec<Yaml> {
    let session = limit.as_secs().clamp(900, 12 * 3600);
    let role = "${{ fromJSON(env.ROLES)[env.TARGET_ENVIRONMENT] || vars.AWS_ROLE_ARN }}";
    let with = Yaml::map([
        ("role-to-assume", Yaml::text(role)),
        ("role-session-name", Yaml::text("fleetwright-${{ github.run_id }}")),
        ("aws-region", Yaml::text("${{ vars.AWS_REGION || 'us-east-1' }}")),
        ("role-duration-seconds", Yaml::word(session)),
    ]);
    let checkout = Yaml::map([
        ("name", Yaml::text("Take the files")),
        ("uses", action(workflow, "actions/checkout")),
        ("with", Yaml::map([("persist-credentials", Yaml::word(false))])),
    ]);
    let credentials = Yaml::map([
        ("name", Yaml::text("Exchange this job's token for a role")),
        ("uses", action(workflow, "aws-actions/configure-aws-credentials")),
        ("with", with),
    ]);
    vec![checkout, credentials]
}

/// A step with its script.
fn step(step: &Step) -> Yaml {
    parts(step.name, &step.parts)
}

fn parts(name: &str, parts: &[Part]) -> Yaml {
    run(name, &Shell::in_repository(PartialSuccess::Said, String::new()).step(parts))
}

fn run(name: &str, script: &str) -> Yaml {
    Yaml::map([
        ("name", Yaml::text(name)),
        ("shell", Yaml::word("sh")),
        ("run", Yaml::Script(script.to_owned())),
    ])
}

/// Keeps the reports as an artefact, whatever became of the job.
fn keep(workflow: &Workflow, name: &str) -> Yaml {
    let with = Yaml::map([
        ("name", Yaml::text(name)),
        ("path", Yaml::text(format!("{}/", workflow.reports.directory))),
        ("if-no-files-found", Yaml::word("ignore")),
        ("retention-days", Yaml::word(90)),
    ]);
    Yaml::map([
        ("name", Yaml::text("Keep the reports")),
        ("if", Yaml::text("${{ always() }}")),
        ("uses", action(workflow, "actions/upload-artifact")),
        ("with", with),
    ])
}

/// A text as JSON.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
