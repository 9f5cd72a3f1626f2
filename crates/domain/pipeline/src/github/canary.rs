//! `canary.yml`: the whole pipeline; after the first wave it stops and asks.

use super::{begin, chosen, document, environment_input, job, keep, parts, run, step, variables};
use crate::Workflow;
use crate::script::Part;
use crate::stages::{Stage, When, all};
use crate::yaml::Yaml;

pub(super) fn text(workflow: &Workflow) -> String {
    let host = Yaml::map([
        ("description", Yaml::text("A host whose place in the plan is explained, by id or name")),
        ("type", Yaml::word("string")),
        ("required", Yaml::word(false)),
        ("default", Yaml::text("")),
    ]);
    let inputs = Yaml::map([("environment", environment_input(workflow)), ("explained_host", host)]);
    let schedule = |cron: &String| Yaml::List(vec![Yaml::map([("cron", Yaml::text(cron))])]);
    let on = Yaml::map([("workflow_dispatch", Yaml::map([("inputs", inputs)]))])
        .with_some("schedule", workflow.schedule.as_ref().map(schedule));
    let environment = chosen(workflow);
    let env =
        variables(workflow, &environment).with("EXPLAINED_HOST", Yaml::text("${{ inputs.explained_host }}"));
    document(
        "fleetwright canary",
        ABOUT,
        on,
        &format!("fleetwright-{environment}"),
        env,
        jobs(workflow, &environment),
    )
}

const ABOUT: &str = "Patches an environment: plan, backups and prechecks, approval, first wave, approval, the rest. \
    Give each environment ENVIRONMENT-approve-1 and ENVIRONMENT-promote-1 required reviewers.";

fn jobs(workflow: &Workflow, environment: &str) -> Yaml {
    let mut jobs: Vec<(String, Yaml)> = Vec::new();
    // Each job needs all before it, so that no failure is overlooked.
    let mut before: Vec<String> = Vec::new();
    // The job that says whether the run waits at a gate.
    let mut told = "";
    for stage in all(workflow) {
        for number in 1..=asked(workflow, &stage) {
            let id = if asked(workflow, &stage) > 1 {
                format!("{}_{number}", stage.id)
            } else {
                stage.id.to_owned()
            };
            let condition = condition(&stage, told);
            let job = stage_job(workflow, &stage, number, environment, condition.as_deref(), &before);
            jobs.push((id.clone(), job));
            before.push(id);
        }
        if matches!(stage.id, "prepare" | "patch") {
            told = stage.id;
        }
    }
    Yaml::Map(jobs)
}

/// How many jobs a stage is: one for each person who approves.
fn asked(workflow: &Workflow, stage: &Stage) -> u32 {
    if stage.when == When::Approved { workflow.approvals.needed } else { 1 }
}

fn condition(stage: &Stage, told: &str) -> Option<String> {
    let waits = format!("needs.{told}.outputs.waits == 'true'");
    // What is skipped because nothing waits must not skip what comes after it.
    let good = "!failure() && !cancelled()";
    let bad = "contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled')";
    match stage.when {
        When::Good if told.is_empty() => None,
        When::Good => Some(format!("${{{{ {good} }}}}")),
        When::Approved => Some(format!("${{{{ {good} && {waits} }}}}")),
        When::Failed => Some(format!("${{{{ always() && ({bad}) }}}}")),
        When::Over => Some("${{ always() }}".to_owned()),
    }
}

fn stage_job(
    workflow: &Workflow,
    stage: &Stage,
    number: u32,
    environment: &str,
    condition: Option<&str>,
    before: &[String],
) -> Yaml {
    let mut of = job(workflow, stage.name, stage.limit);
    if !before.is_empty() {
        of = of.with("needs", Yaml::texts(before.iter().cloned()));
    }
    of = of.with_some("if", condition.map(Yaml::text));
    let mut steps = begin(workflow, stage.limit);
    if stage.when == When::Approved {
        // Its protection is who approves. Each approval has one of its own, so that nobody is taken for another.
        let gate = format!("{environment}-{}-{number}", stage.id);
        of = of.with("environment", Yaml::text(&gate));
        steps.push(who(&gate));
    }
    steps.extend(stage.steps.iter().map(step));
    if matches!(stage.id, "prepare" | "patch") {
        let waits = Yaml::text("${{ steps.gate.outputs.waits }}");
        of = of.with("outputs", Yaml::map([("waits", waits)]));
        let look = parts("See whether the run waits at a gate", &[Part::Shell(LOOK)]);
        steps.push(look.with("id", Yaml::word("gate")));
    }
    steps.push(keep(workflow, &format!("{}-{number}-${{{{ github.run_attempt }}}}", stage.id)));
    of.with("steps", Yaml::List(steps))
}

/// Asks GitHub who approved; the one who started the workflow is somebody else.
fn who(gate: &str) -> Yaml {
    let env = Yaml::map([("GH_TOKEN", Yaml::text("${{ github.token }}")), ("GATE", Yaml::text(gate))]);
    run("See who approved", WHO).with("env", env)
}

const WHO: &str = r#"set -u
approvals="repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/approvals"
ours='.[] | select(.state == "approved" and any(.environments[]; .name == env.GATE)) | .user.login'
who=$(gh api "$approvals" --jq "$ours" | tail -n 1)
printf 'APPROVER=%s\n' "$who" >> "$GITHUB_ENV"
"#;

const LOOK: &str = "[ ! -e \"$work/waits\" ] || echo 'waits=true' >> \"$GITHUB_OUTPUT\"\n";
