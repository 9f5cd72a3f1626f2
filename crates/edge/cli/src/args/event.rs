//! Flags about events and rules of EventBridge.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{PlaceArgs, PlaceChangeArgs};

/// `fleetwright cloud event …`.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// Publish events on an event bus
    #[command(long_about = PUBLISH_ABOUT)]
    Publish(Box<EventPublishArgs>),
}

const PUBLISH_ABOUT: &str = "\
Publish events on an event bus: one of an upgrade, or as many as a file holds, one JSON object a line, ten
and 256 KiB to a call. Events that the bus does not take for a reason of the moment are sent again; those it
does not take at all are named. Nothing that may be on the bus is sent twice.

Kinds: upgrade.started, upgrade.completed, upgrade.failed, phase.started, phase.completed, phase.failed,
validation.success, validation.failure, rollback.triggered, rollback.completed, traffic.shifted,
cluster.provisioned, cluster.decommissioned. Their source is fleetwright.upgrade.

Lines of a file: {\"kind\": \"phase.started\", \"cluster\": \"shop\", \"upgrade\": \"2026-11\", \"detail\": {…}}, or any event
of yours: {\"source\": \"acme.shop\", \"detail_type\": \"order placed\", \"detail\": {…}}.

Examples:
  fleetwright cloud event publish upgrade.started --cluster shop --upgrade 2026-11 --landing-zones hub --regions eu-central-1
  fleetwright cloud event publish --file events.jsonl --bus upgrades --landing-zones hub --regions eu-central-1";

/// `fleetwright cloud event publish`.
#[derive(Args, Clone, Debug)]
pub struct EventPublishArgs {
    /// What an upgrade tells of
    #[arg(value_name = "KIND", requires_all = ["cluster", "upgrade"], required_unless_present = "file", conflicts_with = "file")]
    pub kind: Option<String>,
    /// The cluster that is upgraded
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Which upgrade of it
    #[arg(long, value_name = "ID")]
    pub upgrade: Option<String>,
    /// What else there is to say: a file with a JSON object
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub detail: Option<PathBuf>,
    /// Events, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud rule …`.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// Put a rule, new or over one that is there
    #[command(long_about = PUT_ABOUT)]
    Put(Box<RulePutArgs>),
    /// Put the rule that hears everything upgrades of a cluster tell of
    #[command(long_about = MONITOR_ABOUT)]
    Monitor(Box<RuleReadyArgs>),
    /// Put the rule that acts where an upgrade of a cluster has to be taken back
    #[command(long_about = ROLLBACK_ABOUT)]
    RollbackTrigger(Box<RuleReadyArgs>),
    /// Show a rule with its targets
    Describe(Box<RuleNamedArgs>),
    /// List the rules of an event bus
    List(Box<RuleListArgs>),
    /// Let a rule take events
    Enable(Box<RuleChangeArgs>),
    /// Keep a rule from taking events
    Disable(Box<RuleChangeArgs>),
    /// Delete a rule with its targets
    Delete(Box<RuleChangeArgs>),
    /// Put a target of a rule, new or over the one of its id
    #[command(long_about = TARGET_ABOUT)]
    PutTarget(Box<TargetPutArgs>),
    /// Remove targets of a rule
    RemoveTargets(Box<TargetRemoveArgs>),
}

const PUT_ABOUT: &str = "\
Put a rule: which events go to its targets. Its pattern is checked first; what is wrong with it is told with
its place. Targets stay as they are.

Examples:
  fleetwright cloud rule put failures --pattern failures.json --landing-zones hub --regions eu-central-1
  fleetwright cloud rule put nightly --schedule 'cron(0 2 * * ? *)' --landing-zones hub --regions eu-central-1
where failures.json holds {\"source\": [\"fleetwright.upgrade\"], \"detail-type\": [{\"suffix\": \".failed\"}]}";

const MONITOR_ABOUT: &str = "\
Put the rule fleetwright-CLUSTER-monitoring: it hears everything that upgrades of the cluster tell of, and
hands it to its target.

Example:
  fleetwright cloud rule monitor shop --target arn:aws:sns:eu-central-1:111122223333:upgrades \\
    --landing-zones hub --regions eu-central-1";

const ROLLBACK_ABOUT: &str = "\
Put the rule fleetwright-CLUSTER-rollback: it hears of upgrades of the cluster that failed (upgrade.failed)
and of validations that did (validation.failure), and starts its target: a function, or, with a role, a
state machine.

Example:
  fleetwright cloud rule rollback-trigger shop --role eventbridge-starts \\
    --target arn:aws:states:eu-central-1:111122223333:stateMachine:rollback --landing-zones hub --regions eu-central-1";

const TARGET_ABOUT: &str = "\
Put a target of a rule: a queue, a topic, a function, a state machine, a log group, by its ARN. State
machines and other accounts' event buses need a role.

Example:
  fleetwright cloud rule put-target failures --id topic --target arn:aws:sns:eu-central-1:111122223333:upgrades \\
    --landing-zones hub --regions eu-central-1";

/// `fleetwright cloud rule put`.
#[derive(Args, Clone, Debug)]
pub struct RulePutArgs {
    /// Its name
    pub name: String,
    /// A file with the pattern of the events it takes, JSON
    #[arg(long, value_name = "FILE", required_unless_present = "schedule", conflicts_with = "schedule")]
    pub pattern: Option<PathBuf>,
    /// When it acts instead: rate(5 minutes), cron(0 2 * * ? *)
    #[arg(long, value_name = "EXPRESSION")]
    pub schedule: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// Put it without letting it take events
    #[arg(long)]
    pub disabled: bool,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud rule monitor` and `rollback-trigger`.
#[derive(Args, Clone, Debug)]
pub struct RuleReadyArgs {
    /// The cluster
    pub cluster: String,
    /// The ARN of what gets the events
    #[arg(long, value_name = "ARN")]
    pub target: Option<String>,
    /// The role EventBridge takes for it: a name, or an ARN
    #[arg(long, value_name = "ROLE", requires = "target")]
    pub role: Option<String>,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud rule describe`.
#[derive(Args, Clone, Debug)]
pub struct RuleNamedArgs {
    /// Its name
    pub name: String,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud rule list`.
#[derive(Args, Clone, Debug)]
pub struct RuleListArgs {
    /// Those whose names begin so
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud rule enable`, `disable` and `delete`.
#[derive(Args, Clone, Debug)]
pub struct RuleChangeArgs {
    /// Its name
    pub name: String,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud rule put-target`.
#[derive(Args, Clone, Debug)]
pub struct TargetPutArgs {
    /// The rule
    pub name: String,
    /// The id of the target
    #[arg(long)]
    pub id: String,
    /// The ARN of what gets the events
    #[arg(long, value_name = "ARN")]
    pub target: String,
    /// The role EventBridge takes for it: a name, or an ARN
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// A file with JSON that the target gets instead of the event
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud rule remove-targets`.
#[derive(Args, Clone, Debug)]
pub struct TargetRemoveArgs {
    /// The rule
    pub name: String,
    /// The ids of the targets
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// The event bus: its name, or the ARN of another account's
    #[arg(long, default_value = "default")]
    pub bus: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

impl EventCommand {
    /// What is common, and the command's name.
    pub fn change(&self) -> (&PlaceChangeArgs, &'static str) {
        match self {
            Self::Publish(args) => (&args.change, "cloud event publish"),
        }
    }
}

impl RuleCommand {
    /// The place and the output.
    pub fn args(&self) -> &PlaceArgs {
        match self {
            Self::Describe(args) => &args.args,
            Self::List(args) => &args.args,
            Self::Put(args) => &args.change.args,
            Self::Monitor(args) | Self::RollbackTrigger(args) => &args.change.args,
            Self::Enable(args) | Self::Disable(args) | Self::Delete(args) => &args.change.args,
            Self::PutTarget(args) => &args.change.args,
            Self::RemoveTargets(args) => &args.change.args,
        }
    }

    /// What is common to a command that changes something, and the command's name.
    pub fn change(&self) -> Option<(&PlaceChangeArgs, &'static str)> {
        match self {
            Self::Describe(_) | Self::List(_) => None,
            Self::Put(args) => Some((&args.change, "cloud rule put")),
            Self::Monitor(args) => Some((&args.change, "cloud rule monitor")),
            Self::RollbackTrigger(args) => Some((&args.change, "cloud rule rollback-trigger")),
            Self::Enable(args) => Some((&args.change, "cloud rule enable")),
            Self::Disable(args) => Some((&args.change, "cloud rule disable")),
            Self::Delete(args) => Some((&args.change, "cloud rule delete")),
            Self::PutTarget(args) => Some((&args.change, "cloud rule put-target")),
            Self::RemoveTargets(args) => Some((&args.change, "cloud rule remove-targets")),
        }
    }
}
