//! `matrix.yml`: landing zones × regions, a run for each, so many at once.

use super::{begin, chosen, document, environment_input, job, json, keep, step, variables};
use crate::Workflow;
use crate::script::{Command, Part, Variable};
use crate::stages::{Step, configuration, plan_step};
use crate::yaml::Yaml;
use fleetwright_model::{Exit, Phase};

pub(super) fn text(workflow: &Workflow) -> String {
    let list = |what: &str, values: &[String]| {
        Yaml::map([
            ("description", Yaml::text(format!("{what}, as a list in JSON"))),
            ("type", Yaml::word("string")),
            ("required", Yaml::word(true)),
            ("default", Yaml::text(array(values))),
        ])
    };
    let inputs = Yaml::map([
        ("environment", environment_input(workflow)),
        ("zones", list("Landing zones", &workflow.matrix.zones)),
        ("regions", list("Regions", &workflow.matrix.regions)),
    ]);
    let on = Yaml::map([("workflow_dispatch", Yaml::map([("inputs", inputs)]))]);
    let environment = chosen(workflow);
    let group = format!("fleetwright-matrix-{environment}");
    document(
        "fleetwright matrix",
        ABOUT,
        on,
        &group,
        variables(workflow, &environment),
        jobs(workflow, &environment),
    )
}

const ABOUT: &str = "Patches landing zones and regions side by side, each with a run of its own, once somebody \
    approved. Give the environments of GitHub's that are named ENVIRONMENT-matrix required reviewers.";

fn array(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| json(value)).collect();
    format!("[{}]", values.join(", "))
}

fn jobs(workflow: &Workflow, environment: &str) -> Yaml {
    let limit = workflow.limit(&Phase::ALL) + workflow.patching(workflow.waves);
    let mut check = begin(workflow, workflow.limit(&[]));
    check.push(step(&configuration()));
    let approve = job(workflow, "Approve", workflow.limit(&[]))
        .with("environment", Yaml::text(format!("{environment}-matrix")))
        .with("steps", Yaml::List(check));
    let cells = Yaml::map([
        ("zone", Yaml::text("${{ fromJSON(inputs.zones) }}")),
        ("region", Yaml::text("${{ fromJSON(inputs.regions) }}")),
    ]);
    let strategy = Yaml::map([
        ("fail-fast", Yaml::word(false)),
        ("max-parallel", Yaml::word(workflow.matrix.most)),
        ("matrix", cells),
    ]);
    let mut steps = begin(workflow, limit);
    steps.extend(cell().iter().map(step));
    steps.push(keep(workflow, "cell-${{ strategy.job-index }}-${{ github.run_attempt }}"));
    // Runs side by side have records side by side.
    let state = format!("{}/cells/${{{{ strategy.job-index }}}}", workflow.state_directory);
    let env = Yaml::map([
        ("ZONE", Yaml::text("${{ matrix.zone }}")),
        ("REGION", Yaml::text("${{ matrix.region }}")),
        ("STATE_DIRECTORY", Yaml::text(state)),
    ]);
    let cell = job(workflow, "${{ matrix.zone }} ${{ matrix.region }}", limit)
        .with("needs", Yaml::texts(["approve"]))
        .with("strategy", strategy)
        .with("env", env)
        .with("steps", Yaml::List(steps));
    Yaml::map([("approve", approve), ("cell", cell)])
}

/// What is done in a cell; the person who started the workflow sees each plan among the artefacts, and the approval
/// before was for all of them.
fn cell() -> Vec<Step> {
    let here = |command: Command| {
        command.configured().flag("--landing-zones", Variable::Zone).flag("--regions", Variable::Region)
    };
    let plan = Command::new("plan", &[Exit::Partial, Exit::Nothing], "fleetwright plan");
    let apply = Command::new("patching", &[Exit::Partial], "fleetwright apply --auto-approve");
    let apply = here(apply).below("--output-dir", Variable::Reports, "/run").value(Variable::Plan);
    let check = Command::new("check of the plan", &[], "fleetwright plan check").value(Variable::Plan);
    let begin = Step { id: "begin", name: "Begin", parts: vec![Part::Shell(BEGIN)], repeats: false };
    let patch = vec![Part::Shell("planned\n"), Part::Attempt(check), Part::Attempt(apply)];
    let plan = plan_step(here(plan));
    vec![begin, plan, Step { id: "patch", name: "Patch", parts: patch, repeats: false }]
}

/// What is only in these workflows.
pub(super) fn steps() -> Vec<Step> {
    cell()
}

const BEGIN: &str = r#"mkdir -p "$work" "$REPORTS"
rm -f "$work/nothing" "$work/plan.json"
printf '%s' "$PIPELINE" > "$work/owner"
"#;
