//! Flags about EKS clusters.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fleetwright_eks::query::Query;
use fleetwright_eks::suite::Suite;
use jiff::SignedDuration;

use super::eks_summary::SUMMARY_ABOUT;
use super::{DriveArgs, EksSummaryArgs, FleetArgs, OutputFormat, ReportArgs, StatusArgs};

/// `fleetwright eks …`.
#[derive(Debug, Subcommand)]
pub enum EksCommand {
    /// List the clusters of the landing zones: versions, ends of support, what extended support costs
    #[command(long_about = LIST_ABOUT)]
    List(Box<EksListArgs>),
    /// Check whether a cluster is ready for an upgrade; changes nothing of it
    #[command(long_about = ASSESS_ABOUT)]
    Assess(Box<EksAssessArgs>),
    /// Decide how a cluster is upgraded and write it down; changes nothing
    #[command(long_about = PLAN_ABOUT)]
    Plan(Box<EksPlanArgs>),
    /// Carry plans out: one cluster, or a fleet of them ring by ring
    #[command(long_about = UPGRADE_ABOUT)]
    Upgrade(Box<EksUpgradeArgs>),
    /// Show how a run of upgrades stands, and which way back is open
    Status(StatusArgs),
    /// Take the last hop of a run back, as long as EKS does
    #[command(long_about = ROLLBACK_ABOUT)]
    Rollback(Box<EksRollbackArgs>),
    /// Have a language model summarise a plan's findings and release notes, for people to read
    #[command(long_about = SUMMARY_ABOUT)]
    Summary(Box<EksSummaryArgs>),
    /// Explain a readiness check, or list all of them; needs no AWS
    Explain(EksExplainArgs),
}

const LIST_ABOUT: &str = "\
List the EKS clusters of the chosen landing zones and regions, those whose support ends first at the top: version,
state, when standard and extended support end, and what extended support costs a month. What could not be read is
named, and the exit code is 20: there may be clusters there.

Examples:
  fleetwright eks list --landing-zones landing-zones.yaml
  fleetwright eks list --environment prod --output jsonl | jq -r 'select(.support == \"extended\") | .name'";

const ASSESS_ABOUT: &str = "\
Ask every readiness check about a cluster, for every minor version on the way. Read are EKS, EC2, IAM, KMS, Service
Quotas, Systems Manager and the cluster's own API (as the landing zone's role, which needs an access entry that may
read, for example AmazonEKSAdminViewPolicy); manifests that are named are read as well: files, directories, what
`helm template` and `kustomize build` write. Nothing of the cluster is changed; with --refresh EKS is asked to look
at it again.

Each check passes, finds something, or says why it could not look. A check that could not look has not passed.
Findings to live with are suppressed in a file, with a reason and an end:

  - code: EKS-P4
    subject: Deployment shop/*
    reason: runs twice in two clusters
    expires_at: 2027-03-31T00:00:00Z

Examples:
  fleetwright eks assess prod --to 1.36 --landing-zones payments-prod --regions eu-central-1
  fleetwright eks assess prod --to 1.36 --manifests deploy/ --suppressions suppressions.yaml
  fleetwright eks assess prod --to 1.36 --format sarif > readiness.sarif
Exit codes: 0 ready; 15 something blocks, or is found and --fail-on warning; 20 checks that may block could not look
at everything; 21 the cluster is there already.";

const PLAN_ABOUT: &str = "\
Read a cluster as `assess` does and decide how it is upgraded: the control plane one minor version at a time, add-ons
at versions that serve both ends of a hop, nodes replaced as seldom as the skew rules let them; with each step its
call, what must hold before and after, how long it takes, how it is taken back, and until when. Writes the plan with
its digest; changes nothing in AWS. A plan over which something blocks says so.

Test suites (--suite) are CronJobs of the cluster, which may be suspended: Jobs are made of them. In their namespaces
that takes `get` on cronjobs, `get` and `create` on jobs and `list` on pods; EKS-V7 says what is missing of it.

The runbook is the same plan for people who carry it out by hand, with every command of the AWS CLI and of kubectl.

Examples:
  fleetwright eks plan prod --to 1.36 --out upgrade.json
  fleetwright eks plan prod --to 1.36 --first canary --accept EKS-V7='the role is ours'
  fleetwright eks plan prod --endpoint shop=https://shop.example.com/health \\
    --metric 'errors=AWS/ApplicationELB:HTTPCode_Target_5XX_Count{LoadBalancer=app/shop/1} Sum or 0 <= before +10%'
  fleetwright eks plan prod --to 1.36 --suite shop/smoke --suite shop/checkout
  fleetwright eks plan show upgrade.json --format runbook > runbook.md
  fleetwright eks plan diff yesterday.json upgrade.json
  fleetwright eks plan check upgrade.json
Exit codes: 0 a plan that may be carried out once it is approved; 15 something blocks; 20 checks that may block could
not look at everything; 21 the cluster is there already.";

const UPGRADE_ABOUT: &str = "\
Carry out plans that `eks plan` wrote. Each step looks before it acts: what is so already is not done again, what must
hold before it is looked at, and what it was for is waited for. EKS is asked with tokens that make a repeated call the
same call, so that a run that was cut off goes on with `fleetwright resume` and does nothing twice. Readiness is judged
again before each hop, the cluster's health is compared with what it was before the run, and where nodes do not go the
pods and the budgets that hold them are named. A step that fails stops the run; nothing is forced.

People decide at gates, before each hop or once, as the plan says: `fleetwright approve`, `reject`, `pause`, `resume`
and `abort` work as on any run. Several clusters go ring by ring: the first ring is the canary; each ring asks for one
decision, proves itself for --soak, and a cluster that fails stops the run before the next one is touched.

Examples:
  fleetwright eks upgrade upgrade.json
  fleetwright eks upgrade upgrade.json --window 'sat 22:00-06:00 Europe/Berlin' --no-wait
  fleetwright eks upgrade --ring canary=dev.json --ring prod=shop.json,bank.json --soak 24h --at-once 2
Exit codes: 0 every cluster is where it was to be; 15 a plan is not to be carried out; 20 not every cluster is; 22 the
run was stopped; 130 it can be resumed.";

const ROLLBACK_ABOUT: &str = "\
Take the last hop that a run made back: nodes first, then add-ons that the older version does not serve, then the
control plane (EKS's version rollback, within seven days). What was written to etcd since, and versions in which objects
are stored, are not taken back. It is a run of its own, with its own gate.

Examples:
  fleetwright eks rollback run-20261121T220000Z-4f1a
  fleetwright eks rollback run-20261121T220000Z-4f1a --cluster shop --auto-approve
Exit codes: 0 it is back; 15 no way back is open; 22 the run was stopped; 130 it can be resumed.";

/// `fleetwright eks list`.
#[derive(Args, Clone, Debug, Default)]
pub struct EksListArgs {
    /// The landing zones.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
}

/// Forms of an assessment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AssessmentForm {
    /// For people at a terminal.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// For a ticket or a page.
    Markdown,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for pipelines.
    Junit,
}

/// From which severity on a finding fails the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only what blocks.
    #[default]
    Blocking,
    /// Warnings as well.
    Warning,
}

/// Which cluster is read, and what is read of it.
#[derive(Args, Clone, Debug, Default)]
pub struct EksReadArgs {
    /// The cluster's name
    #[arg(value_name = "CLUSTER", required = true)]
    pub cluster: Option<String>,
    /// The version to go to, for example 1.36 [default: the next minor version]
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// Manifests to look at: files, and directories with .yaml, .yml and .json files; may be given several times
    #[arg(long, value_name = "PATH")]
    pub manifests: Vec<PathBuf>,
    /// Findings to live with, each with a reason and an end (YAML or JSON)
    #[arg(long, value_name = "FILE")]
    pub suppressions: Option<PathBuf>,
    /// Have EKS look at the cluster again before its insights are read, and wait for it so long, for example 10m
    /// [default: upgrade.refresh]
    #[arg(long, value_name = "DURATION")]
    pub refresh: Option<SignedDuration>,
    /// Do not ask the cluster's own API: what only it knows is not checked
    #[arg(long)]
    pub without_kubernetes: bool,
    /// Where the cluster is.
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// `fleetwright eks assess`.
#[derive(Args, Clone, Debug, Default)]
pub struct EksAssessArgs {
    /// The cluster.
    #[command(flatten)]
    pub read: EksReadArgs,
    /// From which severity on a finding gives exit code 15
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// The form of what is written to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub format: AssessmentForm,
    /// Write all forms into this directory as well: readiness.txt, .json, .md, .sarif and .xml
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub output_dir: Option<PathBuf>,
}

/// Forms of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UpgradePlanForm {
    /// For people at a terminal.
    #[default]
    Text,
    /// The plan file itself.
    Json,
    /// Markdown with every command, for people who carry it out by hand.
    Runbook,
}

/// When people are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ApprovalsMode {
    /// Before each hop of the control plane.
    EachHop,
    /// Once, before the first change.
    Once,
}

/// Where add-ons are after the last hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AddonAim {
    /// At the newest version that serves both ends of the last hop.
    NewestReversible,
    /// Wherever the fewest updates lead.
    FewestUpdates,
}

/// `fleetwright eks plan`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EksPlanArgs {
    /// What is asked about plans that were made; without it, one is made.
    #[command(subcommand)]
    pub command: Option<EksPlanCommand>,
    /// The cluster.
    #[command(flatten)]
    pub read: EksReadArgs,
    /// How: in-place [default: upgrade.strategy]
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Option<String>,
    /// When people are asked [default: upgrade.approvals]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub approvals: Option<ApprovalsMode>,
    /// Where add-ons are after the last hop [default: upgrade.addons]
    #[arg(long, value_enum, value_name = "AIM")]
    pub addons: Option<AddonAim>,
    /// Node groups and pools that are replaced before the others, one after the other, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub first: Vec<String>,
    /// Node groups and pools that are replaced at once at most [default: upgrade.groups_at_once]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub groups_at_once: Option<u16>,
    /// A check that may block and could not look, and why that holds nothing up; may be given several times
    #[arg(long, value_name = "CODE=REASON")]
    pub accept: Vec<String>,
    /// A CloudWatch alarm of the cluster's account and region that may not go off while it is upgraded; several times
    /// [default: upgrade.alarms]
    #[arg(long = "alarm", value_name = "NAME")]
    pub alarms: Vec<String>,
    /// A query of Prometheus that must hold while the cluster is upgraded, with `<= NUMBER`, `>= NUMBER`,
    /// `<= before +PERCENT%` or `>= before -PERCENT%` at its end; several times
    #[arg(long = "query", value_name = "NAME=PROMQL", value_parser = Query::of_prometheus)]
    pub queries: Vec<Query>,
    /// A CloudWatch metric of the cluster's account and region that must hold while the cluster is upgraded, as
    /// NAME=NAMESPACE:METRIC{DIMENSION=VALUE,…} STATISTIC RULE with all its dimensions and a rule as for --query; it is
    /// looked at over 5 minutes. No data are no answer; with `or 0` behind the statistic they count as 0. Several times
    #[arg(long = "metric", value_name = "NAME=METRIC", value_parser = Query::of_cloudwatch)]
    pub metrics: Vec<Query>,
    /// An address (https, or http, which anybody on the way can read and answer) that must answer 2xx or 3xx within 10
    /// seconds while the cluster is upgraded; it is asked from where the upgrade runs. What is behind `?` is shown
    /// nowhere, but stands in the plan file. Several times
    #[arg(long = "endpoint", value_name = "NAME=URL")]
    pub endpoints: Vec<String>,
    /// A CronJob whose Job is a test suite: it is run before the first change, after each hop and after nodes were replaced,
    /// and stops the upgrade where it fails; several times
    #[arg(long = "suite", value_name = "NAMESPACE/CRONJOB")]
    pub suites: Vec<Suite>,
    /// The form of what is written to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub format: UpgradePlanForm,
    /// The file the plan is written to
    #[arg(long, value_name = "FILE", default_value = "upgrade.json", help_heading = "Output")]
    pub out: PathBuf,
}

/// `fleetwright eks plan …`.
#[derive(Clone, Debug, Subcommand)]
pub enum EksPlanCommand {
    /// Show a plan that was made
    Show {
        /// The plan file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        /// The form of what is written to standard output
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        format: UpgradePlanForm,
    },
    /// Show how a plan differs from an earlier one: steps, findings, what was read
    Diff {
        /// The earlier plan file
        #[arg(value_name = "EARLIER")]
        before: PathBuf,
        /// The later plan file
        #[arg(value_name = "LATER")]
        after: PathBuf,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
    /// Check a plan against its rules, from the plan alone and without the planner; exit code 15 where it breaks one
    Check {
        /// The plan file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
}

impl EksPlanArgs {
    /// The form of standard output, where it is asked for.
    fn output(&self) -> Option<OutputFormat> {
        match &self.command {
            None => (self.format == UpgradePlanForm::Json).then_some(OutputFormat::Json),
            Some(EksPlanCommand::Show { format, .. }) => {
                (*format == UpgradePlanForm::Json).then_some(OutputFormat::Json)
            }
            Some(EksPlanCommand::Diff { output, .. } | EksPlanCommand::Check { output, .. }) => *output,
        }
    }
}

/// `fleetwright eks upgrade`.
#[derive(Args, Clone, Debug)]
pub struct EksUpgradeArgs {
    /// The plan file of the cluster, or of several that make one ring
    #[arg(value_name = "PLAN", required_unless_present = "rings", conflicts_with = "rings")]
    pub plans: Vec<PathBuf>,
    /// A ring of clusters and their plan files; rings go in the order in which they are given, the first is the canary
    #[arg(long = "ring", value_name = "NAME=PLAN[,PLAN…]", help_heading = "Fleet")]
    pub rings: Vec<String>,
    /// How long a ring proves itself before the next begins [default: upgrade.soak]
    #[arg(long, value_name = "DURATION", help_heading = "Fleet")]
    pub soak: Option<SignedDuration>,
    /// Clusters of a ring that are worked on at once [default: upgrade.clusters_at_once]
    #[arg(long, value_name = "NUMBER", help_heading = "Fleet", value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: Option<u16>,
    /// When clusters may be changed: a window of the configuration, or one described like a tag [default: safety.window]
    #[arg(long, value_name = "WINDOW", help_heading = "Runs")]
    pub window: Option<String>,
    /// How the run is driven.
    #[command(flatten)]
    pub driven: UpgradeRunArgs,
}

/// What runs of upgrades and their ways back have in common.
#[derive(Args, Clone, Debug)]
pub struct UpgradeRunArgs {
    /// Where events go.
    #[command(flatten)]
    pub events: UpgradeEventArgs,
    /// The landing zones.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// What is shown and written.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Events of upgrades on event buses.
#[derive(Args, Clone, Debug, Default)]
pub struct UpgradeEventArgs {
    /// Put what happens on this event bus of each cluster's account and region: upgrade.started, phase.completed …
    /// [default: agent.event_bus]
    #[arg(long, value_name = "NAME", help_heading = "Events")]
    pub events: Option<String>,
    /// What events have as their source [default: agent.event_source]
    #[arg(long, value_name = "SOURCE", help_heading = "Events")]
    pub event_source: Option<String>,
}

/// `fleetwright eks rollback`.
#[derive(Args, Clone, Debug)]
pub struct EksRollbackArgs {
    /// The run whose last hop is taken back
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The cluster, where the run has several
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// How the run is driven.
    #[command(flatten)]
    pub driven: UpgradeRunArgs,
}

/// `fleetwright eks explain`.
#[derive(Args, Clone, Debug, Default)]
pub struct EksExplainArgs {
    /// The check's code, for example EKS-P1; without one all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum, help_heading = "Output")]
    pub output: Option<OutputFormat>,
}

impl EksCommand {
    /// The form of standard output, where it is asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::List(args) => args.output,
            Self::Explain(args) => args.output,
            Self::Status(args) => args.output,
            Self::Upgrade(args) => args.driven.report.output,
            Self::Rollback(args) => args.driven.report.output,
            Self::Summary(args) => args.change.args.output,
            Self::Plan(args) => args.output(),
            Self::Assess(args) => (args.format == AssessmentForm::Json).then_some(OutputFormat::Json),
        }
    }
}
