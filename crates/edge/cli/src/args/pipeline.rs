//! Flags about pipelines of Harness, GitHub Actions, GitLab CI and Jenkins.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FleetArgs, OutputFormat};

/// Help of `fleetwright pipeline`.
pub(super) const PIPELINE_ABOUT: &str = "\
Write the pipeline of the configured workflow: check, plan, back up and precheck, a person's approval, the
first wave, another approval, the further waves, verify, roll back what failed, report. Time-outs come from
phases.*, approvals from safety.approvals, environments from --environment or the sections under
`environments`. Exit codes are judged as they are meant: 20 warns, 21 is well, 22 and 23 say what to do.

github writes four workflows: validate.yml, deploy.yml, canary.yml and matrix.yml. Approvals are the
required reviewers of GitHub's environments, of GitLab's manual jobs, of Jenkins' input, of Harness'
approval steps; who approved is recorded with the run. Credentials come from the platform's own token,
exchanged for a role; no file holds a secret.

Examples:
  fleetwright pipeline github --out . --role prod=arn:aws:iam::111122223333:role/fleetwright
  fleetwright pipeline gitlab --out . --environment prod --image registry.example.com/fleetwright:1.4
  fleetwright pipeline harness --out . --organization platform --project fleet --approver-group operators";

/// What runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlatformName {
    /// Harness, schema v0.
    Harness,
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Jenkins, declarative.
    Jenkins,
}

/// `fleetwright pipeline`.
#[derive(Args, Clone, Debug)]
pub struct PipelineArgs {
    /// The platform
    #[arg(value_enum)]
    pub platform: PlatformName,
    /// The fleet; the configuration file is named in the pipeline as it is here.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The root of the repository the files are written into
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Replace files that differ
    #[arg(long)]
    pub force: bool,
    /// A label of the runners, a tag, or a selector of the delegate; may be given several times, all must match
    /// [default: fleetwright]
    #[arg(long = "runner", value_name = "LABEL", help_heading = "Pipeline")]
    pub runners: Vec<String>,
    /// The container image that holds fleetwright; without one it is installed on the runners
    #[arg(long, value_name = "IMAGE", help_heading = "Pipeline")]
    pub image: Option<String>,
    /// The directory of the runners that holds the record of runs; it outlives jobs
    #[arg(long, value_name = "DIR", default_value = "/var/lib/fleetwright", help_heading = "Pipeline")]
    pub state_dir: String,
    /// The role of an environment that the platform's token is exchanged for; without one the platform's
    /// variable AWS_ROLE_ARN says it
    #[arg(long = "role", value_name = "ENVIRONMENT=ARN", help_heading = "Pipeline")]
    pub roles: Vec<String>,
    /// Where reports are copied to besides: s3://bucket/prefix
    #[arg(long, value_name = "ADDRESS", help_heading = "Pipeline")]
    pub reports_to: Option<String>,
    /// When a run of the first environment begins by itself, as five fields of cron in UTC
    #[arg(long, value_name = "CRON", help_heading = "Pipeline")]
    pub schedule: Option<String>,
    /// A group that may approve (Harness, Jenkins); may be given several times
    #[arg(long = "approver-group", value_name = "GROUP", help_heading = "Pipeline")]
    pub approver_groups: Vec<String>,
    /// An address that hears how pipelines end (Harness, Jenkins); may be given several times
    #[arg(long = "notify", value_name = "ADDRESS", help_heading = "Pipeline")]
    pub notified: Vec<String>,
    /// The commit an action of GitHub's is pinned to, for example actions/checkout=0123…; the others are
    /// pinned to their major version
    #[arg(long = "pin", value_name = "ACTION=COMMIT", help_heading = "Pipeline")]
    pub pins: Vec<String>,
    /// The identifier of the organisation (Harness) [default: asked for when the pipeline is run]
    #[arg(long, value_name = "ID", help_heading = "Pipeline")]
    pub organization: Option<String>,
    /// The identifier of the project (Harness) [default: asked for when the pipeline is run]
    #[arg(long, value_name = "ID", help_heading = "Pipeline")]
    pub project: Option<String>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}
