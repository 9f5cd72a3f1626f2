//! Harness: a pipeline of schema v0 with custom stages, and its trigger where there is a schedule.
//!
//! Commands run on the delegate that the selectors choose: the program is installed there, the record of runs is on its
//! disk, and its own identity enters the landing zones.
//!
//! What fields there are, which are required and what identifiers, names and time-outs look like is taken from the schema
//! that Harness publishes (harness/harness-schema, `v0/pipeline`). It has no licence that lets it lie in this tree, and no
//! package registry has it: the tests hold the documents against these rules instead.

use std::time::Duration;

use crate::script::{Part, PartialSuccess, Shell, library};
use crate::stages::{Stage, Step, When, all};
use crate::yaml::Yaml;
use crate::{File, Workflow};

/// The identifier of the pipeline.
const PIPELINE: &str = "fleetwright";

pub(crate) fn files(workflow: &Workflow) -> Vec<File> {
    let mut files = vec![File { path: ".harness/fleetwright.yaml".to_owned(), text: pipeline(workflow) }];
    files.extend(workflow.schedule.as_deref().map(|schedule| File {
        path: ".harness/fleetwright-schedule.yaml".to_owned(),
        text: trigger(workflow, schedule),
    }));
    files
}

const ABOUT: [&str; 2] = [
    "Patches an environment: plan, backups and prechecks, approval, first wave, approval, the rest.",
    "Written by `fleetwright pipeline harness`; edit the configuration it was written from.",
];

/// Where it belongs; what is not known is asked for.
fn placed(workflow: &Workflow, name: &str, identifier: &str) -> Yaml {
    let or_asked = |given: &Option<String>| Yaml::text(given.as_deref().unwrap_or("<+input>"));
    Yaml::map([
        ("name", Yaml::text(name)),
        ("identifier", Yaml::word(identifier)),
        ("orgIdentifier", or_asked(&workflow.harness.organization)),
        ("projectIdentifier", or_asked(&workflow.harness.project)),
        ("tags", Yaml::map::<&str, 0>([])),
    ])
}

fn pipeline(workflow: &Workflow) -> String {
    let stages = all(workflow);
    let undo = stages.iter().find(|stage| stage.when == When::Failed).expect("every pipeline has a way back");
    let written = stages.iter().filter(|stage| stage.when != When::Failed);
    let longest: Duration = stages.iter().map(|stage| stage.limit + waiting(workflow, stage)).sum();
    let pipeline = placed(workflow, "fleetwright", PIPELINE)
        .with("delegateSelectors", Yaml::texts(workflow.runners.iter().cloned()))
        .with("variables", variables(workflow))
        .with("stages", Yaml::List(written.map(|stage| stage_of(workflow, stage, undo)).collect()))
        .with_some("notificationRules", notified(workflow))
        .with("timeout", duration(longest));
    Yaml::map([("pipeline", pipeline)]).document(&ABOUT)
}

fn variables(workflow: &Workflow) -> Yaml {
    let names: Vec<&str> = workflow.environments.iter().map(|one| one.name.as_str()).collect();
    let one = |name: &str, about: &str, value: &str| {
        Yaml::map([
            ("name", Yaml::word(name)),
            ("type", Yaml::word("String")),
            ("description", Yaml::text(about)),
            ("required", Yaml::word(name == "environment")),
            ("value", Yaml::text(value)),
        ])
    };
    let chosen = format!("<+input>.allowedValues({})", names.join(","));
    let mut all = vec![
        one("environment", "The environment to work on", &chosen),
        one("explained_host", "A host whose place in the plan is explained, by id or name", "<+input>")
            .with("default", Yaml::text("")),
        one("configuration", "The configuration file, on the delegate", &workflow.configuration),
        one("reports", "The directory of reports, on the delegate", &workflow.reports.directory),
        one("state_directory", "The directory that holds the record of runs", &workflow.state_directory),
    ];
    all.extend(
        workflow
            .reports
            .address
            .iter()
            .map(|address| one("report_address", "Where reports are copied to", address)),
    );
    Yaml::List(all)
}

fn stage_of(workflow: &Workflow, stage: &Stage, undo: &Stage) -> Yaml {
    let mut steps = Vec::new();
    if stage.id == "check" {
        steps.push(lock());
        steps.push(shell_step(workflow, "library", "Lay the library down", install(), duration(MINUTE)));
    }
    match stage.when {
        When::Approved => steps.extend(approval(workflow, stage)),
        _ => steps.extend(stage.steps.iter().map(|step| step_of(workflow, stage, step))),
    }
    if matches!(stage.id, "prepare" | "patch") {
        let waits = Yaml::map([
            ("name", Yaml::word("waits")),
            ("type", Yaml::word("String")),
            ("value", Yaml::word("waits")),
        ]);
        let look = shell().step(&[Part::Shell(LOOK)]);
        steps.push(shell_step_with(
            workflow,
            "gate",
            "See whether the run waits at a gate",
            look,
            duration(MINUTE),
            vec![waits],
        ));
    }
    let back: Vec<Yaml> = match stage.id {
        "check" | "plan" | "report" => Vec::new(),
        _ => undo.steps.iter().map(|step| step_of(workflow, undo, step)).collect(),
    };
    let execution = Yaml::map([
        ("steps", Yaml::List(steps.into_iter().map(wrapped).collect())),
        ("rollbackSteps", Yaml::List(back.into_iter().map(wrapped).collect())),
    ]);
    let inner = Yaml::map([
        ("name", Yaml::text(name(stage.name))),
        ("identifier", Yaml::word(stage.id)),
        ("description", Yaml::text("")),
        ("type", Yaml::word("Custom")),
        ("spec", Yaml::map([("execution", execution)])),
        ("when", when(stage)),
        ("failureStrategies", Yaml::List(vec![strategy(action(outcome(stage)))])),
        ("tags", Yaml::map::<&str, 0>([])),
    ]);
    Yaml::map([("stage", inner)])
}

fn wrapped(step: Yaml) -> Yaml {
    Yaml::map([("step", step)])
}

/// Only one pipeline works on an environment, from its first step to its last.
fn lock() -> Yaml {
    Yaml::map([
        ("type", Yaml::word("Queue")),
        ("name", Yaml::text("Wait for the environment")),
        ("identifier", Yaml::word("lock")),
        (
            "spec",
            Yaml::map([
                ("key", Yaml::text("fleetwright-<+pipeline.variables.environment>")),
                ("scope", Yaml::word("Pipeline")),
            ]),
        ),
        ("timeout", Yaml::word("1d")),
    ])
}

fn when(stage: &Stage) -> Yaml {
    let status = |status| Yaml::map([("pipelineStatus", Yaml::word(status))]);
    let told = if stage.id == "promote" { "patch" } else { "prepare" };
    match stage.when {
        When::Over => status("All"),
        When::Approved => status("Success").with(
            "condition",
            Yaml::text(format!(
                "<+pipeline.stages.{told}.spec.execution.steps.gate.output.outputVariables.waits> == \"true\""
            )),
        ),
        When::Good | When::Failed => status("Success"),
    }
}

/// What becomes of a stage whose step failed for good.
fn outcome(stage: &Stage) -> &'static str {
    match stage.id {
        "check" | "plan" => "Abort",
        "report" => "MarkAsFailure",
        _ => "StageRollback",
    }
}

fn action(kind: &str) -> Yaml {
    Yaml::map([("type", Yaml::word(kind))])
}

/// What happens on any error.
fn strategy(action: Yaml) -> Yaml {
    let failure = Yaml::map([("errors", Yaml::List(vec![Yaml::word("AllErrors")])), ("action", action)]);
    Yaml::map([("onFailure", failure)])
}

/// What becomes of a step that failed: what changes nothing is tried again; about what changes something a person is
/// asked first.
fn step_strategy(workflow: &Workflow, stage: &Stage, step: &Step) -> Yaml {
    let end = action(outcome(stage));
    let chosen = if step.repeats {
        let spec = Yaml::map([
            ("retryCount", Yaml::word(2)),
            ("retryIntervals", Yaml::List(vec![Yaml::word("10s"), Yaml::word("1m")])),
            ("onRetryFailure", Yaml::map([("action", end)])),
        ]);
        action("Retry").with("spec", spec)
    } else if matches!(stage.id, "patch" | "waves") {
        let spec = Yaml::map([
            ("timeout", duration(workflow.approvals.expires)),
            ("onTimeout", Yaml::map([("action", end)])),
        ]);
        action("ManualIntervention").with("spec", spec)
    } else if stage.when == When::Failed {
        action("MarkAsFailure")
    } else {
        end
    };
    strategy(chosen)
}

fn step_of(workflow: &Workflow, stage: &Stage, step: &Step) -> Yaml {
    let limit = duration(stage.limit);
    shell_step(workflow, step.id, step.name, shell().step(&step.parts), limit)
        .with("failureStrategies", Yaml::List(vec![step_strategy(workflow, stage, step)]))
}

/// The question, and the recording of each person's answer.
fn approval(workflow: &Workflow, stage: &Stage) -> Vec<Yaml> {
    let approvers = Yaml::map([
        ("userGroups", Yaml::texts(groups(workflow))),
        ("minimumCount", Yaml::word(workflow.approvals.needed)),
        ("disallowPipelineExecutor", Yaml::word(true)),
    ]);
    let message =
        "Reports of the plan and of what was done so far are with the pipeline. Approve what they say?";
    let spec = Yaml::map([
        ("approvalMessage", Yaml::text(message)),
        ("includePipelineExecutionHistory", Yaml::word(true)),
        ("isAutoRejectEnabled", Yaml::word(false)),
        ("approvers", approvers),
        ("approverInputs", Yaml::List(Vec::new())),
    ]);
    let ask = Yaml::map([
        ("type", Yaml::word("HarnessApproval")),
        ("name", Yaml::text(name(stage.name))),
        ("identifier", Yaml::word("ask")),
        ("spec", spec),
        ("timeout", duration(workflow.approvals.expires)),
    ]);
    let record = |number: u32| {
        let answer = format!("approvalActivities[{}].user.email", number - 1);
        let person = format!("<+pipeline.stages.{}.spec.execution.steps.ask.output.{answer}>", stage.id);
        let approver = variable("APPROVER", &person);
        let parts = stage.steps.iter().flat_map(|step| step.parts.clone()).collect::<Vec<_>>();
        let named = format!("Record approval {number}");
        let script = shell().step(&parts);
        let mut step =
            shell_step(workflow, &format!("record_{number}"), &named, script, duration(stage.limit));
        add_variable(&mut step, approver);
        step
    };
    [ask].into_iter().chain((1..=workflow.approvals.needed).map(record)).collect()
}

/// Who may approve: without a group of their own, everybody of the project.
fn groups(workflow: &Workflow) -> Vec<String> {
    match workflow.approvals.groups.as_slice() {
        [] => vec!["_project_all_users".to_owned()],
        groups => groups.to_vec(),
    }
}

fn waiting(workflow: &Workflow, stage: &Stage) -> Duration {
    if stage.when == When::Approved { workflow.approvals.expires } else { Duration::ZERO }
}

fn shell() -> Shell {
    Shell {
        partial: PartialSuccess::Said,
        library: "\"$STATE_DIRECTORY/pipeline.sh\"",
        setup: HERE.to_owned(),
    }
}

/// The first step lays the library down where the others read it; it is whole before it is there.
fn install() -> String {
    let library = library();
    format!(
        "set -eu\nmkdir -p \"$STATE_DIRECTORY\"\ncat > \"$STATE_DIRECTORY/pipeline.sh.new\" <<'LIBRARY'\n\
         {library}LIBRARY\nmv \"$STATE_DIRECTORY/pipeline.sh.new\" \"$STATE_DIRECTORY/pipeline.sh\"\n"
    )
}

fn variable(name: &str, value: &str) -> Yaml {
    Yaml::map([("name", Yaml::word(name)), ("type", Yaml::word("String")), ("value", Yaml::text(value))])
}

fn shell_step(workflow: &Workflow, id: &str, title: &str, script: String, limit: Yaml) -> Yaml {
    shell_step_with(workflow, id, title, script, limit, Vec::new())
}

fn shell_step_with(
    workflow: &Workflow,
    id: &str,
    title: &str,
    script: String,
    limit: Yaml,
    outputs: Vec<Yaml>,
) -> Yaml {
    let mut variables = vec![
        variable("CONFIGURATION", "<+pipeline.variables.configuration>"),
        variable("TARGET_ENVIRONMENT", "<+pipeline.variables.environment>"),
        variable("REPORTS", "<+pipeline.variables.reports>/<+pipeline.sequenceId>"),
        variable("STATE_DIRECTORY", "<+pipeline.variables.state_directory>"),
        variable("EXPLAINED_HOST", "<+pipeline.variables.explained_host>"),
        variable("PIPELINE", "<+pipeline.executionUrl>"),
    ];
    if workflow.reports.address.is_some() {
        variables.push(variable("REPORT_ADDRESS", "<+pipeline.variables.report_address>"));
    }
    let source =
        Yaml::map([("type", Yaml::word("Inline")), ("spec", Yaml::map([("script", Yaml::Script(script))]))]);
    let spec = Yaml::map([
        ("shell", Yaml::word("Bash")),
        ("onDelegate", Yaml::word(true)),
        ("source", source),
        ("environmentVariables", Yaml::List(variables)),
        ("outputVariables", Yaml::List(outputs)),
    ]);
    Yaml::map([
        ("type", Yaml::word("ShellScript")),
        ("name", Yaml::text(name(title))),
        ("identifier", Yaml::word(id)),
        ("spec", spec),
        ("timeout", limit),
    ])
}

/// One more variable of a step's script.
fn add_variable(step: &mut Yaml, variable: Yaml) {
    let Yaml::Map(entries) = step else { return };
    let Some((_, Yaml::Map(spec))) = entries.iter_mut().find(|(key, _)| key == "spec") else { return };
    if let Some((_, Yaml::List(all))) = spec.iter_mut().find(|(key, _)| key == "environmentVariables") {
        all.push(variable);
    }
}

fn notified(workflow: &Workflow) -> Option<Yaml> {
    let events = ["PipelineFailed", "PipelineSuccess", "PipelinePaused"];
    let events = events.map(|event| Yaml::map([("type", Yaml::word(event))]));
    let spec = Yaml::map([
        ("userGroups", Yaml::List(Vec::new())),
        ("recipients", Yaml::texts(workflow.notified.iter().cloned())),
    ]);
    let rule = Yaml::map([
        ("name", Yaml::text("How it ended")),
        ("identifier", Yaml::word("how_it_ended")),
        ("pipelineEvents", Yaml::List(events.into())),
        ("notificationMethod", Yaml::map([("type", Yaml::word("Email")), ("spec", spec)])),
        ("enabled", Yaml::word(true)),
    ]);
    (!workflow.notified.is_empty()).then(|| Yaml::List(vec![rule]))
}

/// The schedule: the first environment, by cron of UNIX in UTC.
fn trigger(workflow: &Workflow, schedule: &str) -> String {
    let first = workflow.environments.first().map_or("", |one| one.name.as_str());
    let given = |name: &str, value: &str| variable(name, value);
    let input = Yaml::map([(
        "pipeline",
        Yaml::map([
            ("identifier", Yaml::word(PIPELINE)),
            ("variables", Yaml::List(vec![given("environment", first), given("explained_host", "")])),
        ]),
    )]);
    let cron = Yaml::map([("type", Yaml::word("UNIX")), ("expression", Yaml::text(schedule))]);
    let source = Yaml::map([
        ("type", Yaml::word("Scheduled")),
        ("spec", Yaml::map([("type", Yaml::word("Cron")), ("spec", cron)])),
    ]);
    let trigger = placed(workflow, "fleetwright schedule", "fleetwright_schedule")
        .with("enabled", Yaml::word(true))
        .with("pipelineIdentifier", Yaml::word(PIPELINE))
        .with("source", source)
        .with("inputYaml", Yaml::Script(input.document(&[]).trim_start_matches("---\n").to_owned()));
    Yaml::map([("trigger", trigger)]).document(&["When the pipeline begins by itself.", ABOUT[1]])
}

const MINUTE: Duration = Duration::from_secs(60);

/// A duration as Harness writes it, in whole minutes.
fn duration(of: Duration) -> Yaml {
    Yaml::word(format!("{}m", of.as_secs().div_ceil(60).max(1)))
}

/// A name as Harness takes it: letters, digits, spaces, - and _.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect()
}

/// Steps begin in a directory of their own each; what is relative is found beside the record of runs.
const HERE: &str = "cd \"$STATE_DIRECTORY\"\n";

const LOOK: &str = "if [ -e \"$work/waits\" ]; then export waits=true; else export waits=false; fi\n";
