//! `fleetwright policy`.

use clap::Args;

use super::{FleetArgs, OutputFormat, PhaseName};

/// `fleetwright policy`.
#[derive(Args, Clone, Debug)]
pub struct PolicyArgs {
    /// The fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The phases that are meant to work, separated by commas: scan, backup, start, precheck, patch,
    /// validate [default: those the configuration enables]
    #[arg(long, value_name = "PHASE", value_delimiter = ',')]
    pub phases: Vec<PhaseName>,
    /// Also what the commands `window create`, `list`, `verify` and `delete` need
    #[arg(long, conflicts_with_all = ["caller", "trust"])]
    pub windows: bool,
    /// Also what `cloud param` needs below this prefix, for example /fleetwright/prod; may be given several times
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["caller", "trust"])]
    pub parameters: Vec<String>,
    /// Also what `cloud machine` and `cloud execution` need for state machines of this name, in which * and ? stand
    /// for anything; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["caller", "trust"])]
    pub machines: Vec<String>,
    /// Also what `eks` needs for clusters of this name, in which * and ? stand for anything; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["caller", "trust"])]
    pub clusters: Vec<String>,
    /// With --clusters: also what `eks upgrade` changes of them
    #[arg(long, requires = "clusters", conflicts_with_all = ["caller", "trust"])]
    pub upgrade: bool,
    /// Also what `cloud function` needs for functions of this name, in which * and ? stand for anything; may be given
    /// several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["caller", "trust"])]
    pub functions: Vec<String>,
    /// Also what `eks plan summary` needs for models of this id, in which * and ? stand for anything; may be given several
    /// times
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["caller", "trust"])]
    pub models: Vec<String>,
    /// Also what `cloud rule` needs for rules of this name, BUS/NAME on another bus than the default one, in which *
    /// and ? stand for anything; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with_all = ["caller", "trust"])]
    pub rules: Vec<String>,
    /// Also what `cloud logs` needs for the hub of this environment; may be given several times
    #[arg(long = "hub", value_name = "ENVIRONMENT", conflicts_with_all = ["caller", "trust"])]
    pub hubs: Vec<String>,
    /// Also what `cloud deploy`, `cloud destroy` and `cloud validate --hub` ask CloudFormation for, for the hub and the
    /// spoke of this environment; what is in the stack needs rights of its own. May be given several times
    #[arg(long = "stack", value_name = "ENVIRONMENT", conflicts_with_all = ["caller", "trust"])]
    pub stacks: Vec<String>,
    /// Also what `cloud deploy` needs for the bucket of the functions; may be given several times
    #[arg(long = "code-bucket", value_name = "BUCKET", requires = "stacks")]
    pub code_buckets: Vec<String>,
    /// Also what `cloud event` needs for the event bus of this ARN; may be given several times
    #[arg(long = "event-bus", value_name = "ARN", conflicts_with_all = ["caller", "trust"])]
    pub event_buses: Vec<String>,
    /// The policy of the credentials a command starts with, instead of the role's
    #[arg(long, conflicts_with = "trust")]
    pub caller: bool,
    /// The trust policy of the role instead, which lets this account or this user's or role's ARN in
    #[arg(long, value_name = "ACCOUNT|ARN")]
    pub trust: Option<String>,
    /// The form of what is written to standard output: text is indented, json is on one line
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}
