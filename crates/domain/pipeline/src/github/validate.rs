//! `validate.yml`: configuration, state machines and templates, before they are merged.

use std::time::Duration;

use super::{document, job, run, step, variables};
use crate::Workflow;
use crate::script::{Command, Part};
use crate::stages::{Step, configuration};
use crate::yaml::Yaml;

const LIMIT: Duration = Duration::from_secs(20 * 60);

pub(super) fn text(workflow: &Workflow) -> String {
    let on = Yaml::map([
        ("pull_request", Yaml::map::<&str, 0>([])),
        ("workflow_dispatch", Yaml::map::<&str, 0>([])),
    ]);
    let env = variables(workflow, "none").with("EXPLAINED_HOST", Yaml::text(""));
    let group = "fleetwright-validate-${{ github.ref }}";
    document(
        "fleetwright validate",
        "Checks configuration, state machines and templates.",
        on,
        group,
        env,
        jobs(workflow),
    )
}

fn jobs(workflow: &Workflow) -> Yaml {
    let names = Yaml::texts(workflow.environments.iter().map(|one| one.name.clone()));
    let strategy =
        Yaml::map([("fail-fast", Yaml::word(false)), ("matrix", Yaml::map([("environment", names)]))]);
    let chosen = Yaml::map([("TARGET_ENVIRONMENT", Yaml::text("${{ matrix.environment }}"))]);
    let configuration = trusted(workflow, "Configuration")
        .with("strategy", strategy)
        .with("env", chosen)
        .with("steps", Yaml::List(vec![files(workflow), step(&configuration())]));
    let machines = trusted(workflow, "State machines")
        .with("steps", Yaml::List(vec![files(workflow), step(&machines())]));
    let templates = trusted(workflow, "Templates")
        .with("steps", Yaml::List(vec![files(workflow), run("Validate the templates", TEMPLATES)]));
    Yaml::map([("configuration", configuration), ("machines", machines), ("templates", templates)])
}

/// A job that somebody else's copy of the repository cannot start on our runners, and that gets no token for a role.
fn trusted(workflow: &Workflow, name: &str) -> Yaml {
    let ours = "${{ github.event_name != 'pull_request' \
                || github.event.pull_request.head.repo.full_name == github.repository }}";
    let Yaml::Map(mut entries) = job(workflow, name, LIMIT) else { unreachable!("a job is a mapping") };
    entries.retain(|(key, _)| key != "permissions");
    entries.push(("permissions".to_owned(), Yaml::map([("contents", Yaml::word("read"))])));
    Yaml::Map(entries).with("if", Yaml::text(ours))
}

fn files(workflow: &Workflow) -> Yaml {
    super::begin(workflow, LIMIT).swap_remove(0)
}

fn machines() -> Step {
    let command = Command::new(
        "state machines",
        &[],
        "fleetwright cloud machine validate --rules=ours cloud/*.asl.json",
    );
    let parts = vec![Part::Shell(IF_MACHINES), Part::Attempt(command)];
    Step { id: "machines", name: "Validate the state machines", parts, repeats: true }
}

/// What is validated here, besides the configuration.
pub(super) fn steps() -> Vec<Step> {
    vec![machines()]
}

const IF_MACHINES: &str = r#"set -- cloud/*.asl.json
if [ ! -e "$1" ]; then
  say notice 'there are no state machines under cloud/'
  exit 0
fi
"#;

/// The version is pinned, so that the verdict does not change by itself.
const TEMPLATES: &str = r#"set -eu
set -- cloud/*.template.json
if [ ! -e "$1" ]; then
  echo '::notice::there are no templates under cloud/'
  exit 0
fi
python3 -m venv "$RUNNER_TEMP/cfn-lint"
"$RUNNER_TEMP/cfn-lint/bin/pip" install --quiet cfn-lint==1.58.0
"$RUNNER_TEMP/cfn-lint/bin/cfn-lint" "$@"
"#;
