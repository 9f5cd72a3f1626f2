//! Pipelines for Harness, GitHub Actions, GitLab CI and Jenkins, written from the configured workflow.
//!
//! One model, the stages (`stages.rs`): check, plan, prepare, a person's approval, the first wave, another approval,
//! the further waves, verify, roll back what failed, report. Each step is a script of one POSIX shell (`script.rs`)
//! whose commands are judged by their exit codes alike everywhere; each platform's file says how its stages, time-outs,
//! approvals, locks and artefacts are written.
//!
//! What holds on every platform:
//! - Every gate of a run asks for a person. The platform does the asking, and `fleetwright approve` records
//!   whom it says it asked; where it cannot say, nothing is approved.
//! - Two pipelines never work on one environment at once: the platform's lock keeps them apart, and the record of runs
//!   names the one that owns the environment.
//! - Values are never part of a script: they are its variables, quoted. Documents are written from trees ([`write()`]
//!   refuses the few texts that would be an expression of a platform whatever quotes stand around them).
//! - There are no secrets: credentials come from the platform's own token, exchanged for a role.

mod github;
mod gitlab;
mod harness;
mod jenkins;
mod refused;
mod script;
mod stages;
mod workflow;
mod yaml;

pub use refused::Refused;
pub use workflow::{Approvals, Environment, HarnessPlace, Matrix, Program, Reports, Workflow};

use script::{Part, Variable};

/// What runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// Harness, with pipelines of its schema v0.
    Harness,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Jenkins, with declarative pipelines.
    Jenkins,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 4] = [Self::Harness, Self::GitHub, Self::GitLab, Self::Jenkins];
}

/// A file of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it belongs, relative to the root of a repository, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The files of a workflow's pipeline. The same workflow gives the same files.
///
/// # Errors
/// Everything of the workflow that cannot be written.
pub fn write(workflow: &Workflow, platform: Platform) -> Result<Vec<File>, Vec<Refused>> {
    let refused = refused::check(workflow);
    if !refused.is_empty() {
        return Err(refused);
    }
    Ok(match platform {
        Platform::Harness => harness::files(workflow),
        Platform::GitHub => github::files(workflow),
        Platform::GitLab => gitlab::files(workflow),
        Platform::Jenkins => jenkins::files(workflow),
    })
}

/// Every command of ours that pipelines of the workflow carry out, as a process gets it: `fleetwright` first, then its
/// arguments, with the first environment and made-up values where only the platform knows one.
pub fn command_lines(workflow: &Workflow) -> Vec<Vec<String>> {
    let value = |variable: Variable| match variable {
        Variable::Configuration => workflow.configuration.clone(),
        Variable::Environment => {
            workflow.environments.first().map_or_else(String::new, |one| one.name.clone())
        }
        Variable::Reports => workflow.reports.directory.clone(),
        Variable::Address => workflow.reports.address.clone().unwrap_or_default(),
        Variable::Plan => "plan.json".to_owned(),
        Variable::Run => "run-20261101T020000Z-4f1a".to_owned(),
        Variable::Approver => "-ann".to_owned(),
        Variable::Pipeline => "https://ci.example.com/1".to_owned(),
        Variable::Host => "-i-0123456789abcdef0".to_owned(),
        Variable::Zone => "-payments".to_owned(),
        Variable::Region => "eu-central-1".to_owned(),
    };
    let steps = stages::all(workflow).into_iter().flat_map(|stage| stage.steps);
    let parts = steps.chain(github::steps()).flat_map(|step| step.parts);
    let lines = parts.filter_map(|part| match part {
        Part::Attempt(command) => Some(command.argv(value)),
        Part::Shell(_) => None,
    });
    // What else scripts ask, in their functions.
    let asked = ["fleetwright", "runs", "--output=jsonl"].map(str::to_owned).to_vec();
    lines.filter(|line| line[0] == "fleetwright").chain([asked]).collect()
}
