//! The stages of a pipeline, the same on every platform: what is done in which order, for how long at most, and
//! what becomes of a failure.

use std::time::Duration;

use fleetwright_model::{Exit, Phase};

use crate::Workflow;
use crate::script::{Command, Part, Variable};

/// When a stage is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// When all before it went well.
    Good,
    /// When all before it went well, a run waits at its gate, and a person has approved.
    Approved,
    /// When something before it failed.
    Failed,
    /// At the end, however it went.
    Over,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// Its identifier: letters and _.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// When it is carried out.
    pub when: When,
    /// How long it may take.
    pub limit: Duration,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its identifier: letters and _.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it does.
    pub parts: Vec<Part>,
    /// Whether it may be carried out again after a failure: it changes nothing.
    pub repeats: bool,
}

const MINUTE: Duration = Duration::from_secs(60);

/// What a phase is called on the command line.
fn flag_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Scan => "scanner",
        Phase::Backup => "ami-backup",
        Phase::Start => "start",
        Phase::Precheck => "precheck",
        Phase::Patch => "patch-verify",
        Phase::Validate => "post-patch-validation",
        Phase::Report => "reporting",
    }
}

/// The whole pipeline.
pub(crate) fn all(workflow: &Workflow) -> Vec<Stage> {
    let mut stages = vec![check(workflow), plan(workflow), prepare(workflow)];
    stages.push(gate("approve", "Approve patching"));
    stages.push(patch(workflow));
    if workflow.has_waves() {
        stages.push(gate("promote", "Approve the further waves"));
        stages.push(waves(workflow));
    }
    stages.extend([verify(), undo(workflow), report(workflow)]);
    stages
}

fn check(workflow: &Workflow) -> Stage {
    let phases: Vec<&str> = workflow.phases.keys().map(|phase| flag_name(*phase)).collect();
    let doctor = Command::new("access", &[], "fleetwright doctor")
        .configured()
        .word(format!("--phases={}", phases.join(",")));
    Stage {
        id: "check",
        name: "Check configuration and access",
        when: When::Good,
        limit: 30 * MINUTE,
        steps: vec![configuration(), repeated("access", "Check roles, regions and permissions", doctor)],
    }
}

/// The step that reads configuration and landing zones.
pub(crate) fn configuration() -> Step {
    let command = Command::new("configuration", &[], "fleetwright config validate").configured();
    repeated("configuration", "Validate the configuration", command)
}

fn repeated(id: &'static str, name: &'static str, command: Command) -> Step {
    Step { id, name, parts: vec![Part::Attempt(command)], repeats: true }
}

fn plan(workflow: &Workflow) -> Stage {
    let scan = Command::new("scan", &[Exit::Partial, Exit::Nothing], "fleetwright scan").configured().below(
        "--output-dir",
        Variable::Reports,
        "/scan",
    );
    let check = Command::new("check of the plan", &[], "fleetwright plan check").value(Variable::Plan);
    let rehearse = Command::new("rehearsal", &[], "fleetwright rehearse --seeds=5")
        .below("--picture", Variable::Reports, "/rehearsal.svg")
        .value(Variable::Plan);
    let explain = Command::new("explanation", &[], "fleetwright plan explain --")
        .value(Variable::Plan)
        .value(Variable::Host);
    Stage {
        id: "plan",
        name: "Plan",
        when: When::Good,
        limit: workflow.limit(&[Phase::Scan]) + 30 * MINUTE,
        steps: vec![
            Step {
                id: "begin",
                name: "Take the environment",
                parts: vec![Part::Shell(BEGIN)],
                repeats: false,
            },
            Step {
                id: "scan",
                name: "Scan the inventory",
                parts: vec![Part::Shell(OWNED), Part::Attempt(scan), Part::Shell(NOTHING)],
                repeats: true,
            },
            plan_step(Command::new("plan", &[Exit::Partial, Exit::Nothing], "fleetwright plan").configured()),
            planned("plan_check", "Check the plan against the safety rules", vec![Part::Attempt(check)]),
            planned("rehearse", "Rehearse the plan", vec![Part::Attempt(rehearse)]),
            planned("explain", "Explain one host", vec![Part::Shell(IF_HOST), Part::Attempt(explain)]),
        ],
    }
}

/// The step that plans; every gate of the plan asks for a person, whatever the configuration says.
pub(crate) fn plan_step(command: Command) -> Step {
    let command = command
        .word("--set=safety.require_approval=true")
        .below("--output-dir", Variable::Reports, "/plan")
        .flag("--out", Variable::Plan);
    let parts =
        vec![Part::Shell(PLANNED), Part::Attempt(command), Part::Shell(NOTHING), Part::Shell(KEEP_PLAN)];
    Step { id: "plan", name: "Decide everything about the run", parts, repeats: true }
}

/// A step that looks at the plan.
fn planned(id: &'static str, name: &'static str, parts: Vec<Part>) -> Step {
    Step { id, name, parts: [vec![Part::Shell(PLANNED)], parts].concat(), repeats: true }
}

fn prepare(workflow: &Workflow) -> Stage {
    let apply = Command::new(
        "preparation",
        &[Exit::Partial, Exit::Nothing, Exit::Interrupted],
        "fleetwright apply --no-wait",
    )
    .configured()
    .below("--output-dir", Variable::Reports, "/prepare")
    .value(Variable::Plan);
    let parts = vec![Part::Shell(PLANNED), Part::Shell(BEFORE), Part::Attempt(apply), Part::Shell(WAITS)];
    let mut steps =
        vec![Step { id: "prepare", name: "Back up and precheck, up to the gate", parts, repeats: false }];
    if workflow.change_records {
        let open =
            Command::new("change record", &[], "fleetwright change open").configured().value(Variable::Run);
        steps.push(with_run("change_open", "Open the change record", vec![Part::Attempt(open)], true));
    }
    Stage {
        id: "prepare",
        name: "Prepare",
        when: When::Good,
        limit: workflow.limit(&[Phase::Backup, Phase::Start, Phase::Precheck]),
        steps,
    }
}

/// A step that does something with this pipeline's run, where there is one.
fn with_run(id: &'static str, name: &'static str, parts: Vec<Part>, repeats: bool) -> Step {
    Step { id, name, parts: [vec![Part::Shell(FIND_RUN)], parts].concat(), repeats }
}

/// A stage in which people approve; the platform asks them, and what they said is recorded with the run.
fn gate(id: &'static str, name: &'static str) -> Stage {
    let approve = Command::new("approval", &[], "fleetwright approve")
        .flag("--by", Variable::Approver)
        .flag("--reason", Variable::Pipeline)
        .value(Variable::Run);
    let parts = vec![Part::Shell(APPROVED), Part::Attempt(approve)];
    let step = Step { id: "record", name: "Record the approval", parts, repeats: false };
    Stage { id, name, when: When::Approved, limit: 15 * MINUTE, steps: vec![step] }
}

fn resume(also: &'static [Exit], words: &str, reports: &'static str) -> Command {
    Command::new("patching", also, words)
        .configured()
        .below("--output-dir", Variable::Reports, reports)
        .value(Variable::Run)
}

fn patch(workflow: &Workflow) -> Stage {
    let also = &[Exit::Partial, Exit::Interrupted];
    let resume = resume(also, "fleetwright resume --no-wait", "/patch");
    let parts = vec![Part::Shell(WAITING), Part::Attempt(resume), Part::Shell(WAITS)];
    let name = if workflow.has_waves() { "Patch the first wave" } else { "Patch" };
    Stage {
        id: "patch",
        name,
        when: When::Good,
        limit: workflow.patching(1),
        steps: vec![Step { id: "patch", name, parts, repeats: false }],
    }
}

fn waves(workflow: &Workflow) -> Stage {
    let resume = resume(&[Exit::Partial], "fleetwright resume --auto-approve", "/waves");
    let parts = vec![Part::Shell(WAITING), Part::Attempt(resume), Part::Shell(WAITS)];
    Stage {
        id: "waves",
        name: "Patch the further waves",
        when: When::Good,
        limit: workflow.patching(workflow.waves),
        steps: vec![Step { id: "waves", name: "Patch wave by wave", parts, repeats: false }],
    }
}

fn verify() -> Stage {
    let status = Command::new("verification", &[Exit::Partial], "fleetwright status").value(Variable::Run);
    let audit = Command::new("audit log", &[Exit::Nothing], "fleetwright audit verify").value(Variable::Run);
    Stage {
        id: "verify",
        name: "Verify",
        when: When::Good,
        limit: 30 * MINUTE,
        steps: vec![
            with_run("status", "See what became of every host", vec![Part::Attempt(status)], true),
            with_run("audit", "Verify the audit log", vec![Part::Attempt(audit)], true),
        ],
    }
}

/// Ends a run that failed and puts back what did not end well.
fn undo(workflow: &Workflow) -> Stage {
    let abort = Command::new("abort", &[Exit::Nothing], "fleetwright abort")
        .flag("--reason", Variable::Pipeline)
        .value(Variable::Run);
    let also = &[Exit::Partial, Exit::Nothing, Exit::Halted];
    let end = resume(also, "fleetwright resume --auto-approve", "/undo");
    let rollback = Command::new("rollback", also, "fleetwright rollback --failed --auto-approve")
        .configured()
        .below("--output-dir", Variable::Reports, "/rollback")
        .value(Variable::Run);
    Stage {
        id: "undo",
        name: "Roll back what failed",
        when: When::Failed,
        limit: workflow.patching(1) + workflow.rollback,
        steps: vec![
            with_run("abort", "End the run", vec![Part::Attempt(abort), Part::Attempt(end)], false),
            with_run("rollback", "Put failed hosts back", vec![Part::Attempt(rollback)], false),
        ],
    }
}

fn report(workflow: &Workflow) -> Stage {
    let report = Command::new("reports", &ANY_ENDING, "fleetwright report --format=all")
        .below("--output-dir", Variable::Reports, "/run")
        .value(Variable::Run);
    let compliance =
        Command::new("compliance", &ANY_ENDING, "fleetwright report --format=compliance,executive")
            .below("--output-dir", Variable::Reports, "/compliance")
            .value(Variable::Run);
    let export = Command::new("evidence", &[], "fleetwright export")
        .below("--out", Variable::Reports, "/evidence.zip")
        .value(Variable::Run);
    let verify = Command::new("check of the evidence", &[], "fleetwright verify")
        .path(&[Variable::Reports], "/evidence.zip");
    let evidence = vec![Part::Attempt(export), Part::Attempt(verify)];
    let mut steps = vec![
        with_run("reports", "Write the reports", vec![Part::Attempt(report)], true),
        with_run("compliance", "Write compliance and its trend", vec![Part::Attempt(compliance)], true),
    ];
    if workflow.change_records {
        let close =
            Command::new("change record", &[], "fleetwright change close").configured().value(Variable::Run);
        steps.push(with_run("change_close", "Close the change record", vec![Part::Attempt(close)], true));
    }
    steps.push(with_run("evidence", "Export the evidence", evidence, true));
    if workflow.reports.address.is_some() {
        let copy = Command::new("copy of the reports", &[], "aws s3 cp --recursive --only-show-errors")
            .value(Variable::Reports)
            .path(&[Variable::Address, Variable::Environment, Variable::Run], "");
        steps.push(with_run("copy", "Keep the reports", vec![Part::Attempt(copy)], true));
    }
    steps.push(Step {
        id: "end",
        name: "Leave the environment",
        parts: vec![Part::Shell(END)],
        repeats: false,
    });
    Stage { id: "report", name: "Report", when: When::Over, limit: 60 * MINUTE, steps }
}

/// Reports of a run that did not end well are as welcome.
const ANY_ENDING: [Exit; 5] = [Exit::Partial, Exit::Nothing, Exit::Halted, Exit::Stuck, Exit::Interrupted];

/// Nobody else works on the environment, and no run of an earlier pipeline is unfinished.
const BEGIN: &str = r#"mkdir -p "$work" "$REPORTS"
runs=$(fleetwright runs --output=jsonl)
case $runs in
  *'"closed":false'*)
    say error 'a run is unfinished; fleetwright resume continues it, fleetwright abort ends it'
    exit 22
    ;;
esac
rm -f "$work/run" "$work/before" "$work/waits" "$work/nothing" "$work/plan.json"
printf '%s' "$PIPELINE" > "$work/owner"
"#;

/// Each name is a function of the scripts' library.
const OWNED: &str = "owned\n";
const PLANNED: &str = "planned\n";
const NOTHING: &str = "mark_nothing\n";
const FIND_RUN: &str = "find_run\n";
const WAITING: &str = "waiting\n";
const WAITS: &str = "mark_waits\n";
const APPROVED: &str = "approved\n";

const KEEP_PLAN: &str =
    "if [ -e \"$work/plan.json\" ]; then cp \"$work/plan.json\" \"$REPORTS/plan.json\"; fi\n";

const IF_HOST: &str = "if [ -z \"$EXPLAINED_HOST\" ]; then exit 0; fi\n";

/// What the newest run was before: the one that is newer is this pipeline's, even where its step was killed.
const BEFORE: &str = "rm -f \"$work/run\" \"$work/before\"\nnewest > \"$work/before.new\"\n\
    mv \"$work/before.new\" \"$work/before\"\n";

const END: &str = "owned\nrm -f \"$work/owner\"\n";
