//! Flags about the CloudFormation templates of the hub and of its spokes.

use std::path::PathBuf;

use clap::Args;

use super::{FleetArgs, OutputFormat};

/// Help of `fleetwright cloud template`.
pub(super) const TEMPLATE_ABOUT: &str = "\
Write the CloudFormation templates of the hub and of its spokes, the definitions of the state machines (machine.asl.json
patches hosts, upgrade.asl.json upgrades clusters), and parameter files: one for each environment. The hub is the state
machines with their functions, journal, artefacts, approval page, schedule, alarms and dashboard; a spoke is the role in an account that is patched, which may do exactly what
`fleetwright policy` prints for this configuration. Neither names an account or a region. Needs no AWS.

The functions are one program, `bootstrap` of crates/edge/lambda, alone in an archive. `cargo xtask bench functions` builds it
for this machine's processor and packs it; `cloud function package` packs one that was built elsewhere. The template's
parameter Architecture (arm64 or x86_64) says what it was built for; `cloud deploy --functions` puts it into its bucket. The
configuration of a hub lies in its bucket of artefacts:
configuration/fleetwright.yaml, and beside it the inventories that it names. `cloud start` then begins runs, with
--upgrade of a cluster: spokes allow that for the clusters that --clusters names.

The external id is in no file: it is a parameter of the spoke that is given when it is deployed.

Examples:
  fleetwright cloud template --hub-account 111122223333 --code-bucket fleet-code --organization o-a1b2c3d4e5 \\
    --external-id-secret ARN --approval-key-secret ARN
  fleetwright cloud template --environment prod --definition machine.asl.json --out cloud --force";

/// `fleetwright cloud template`.
#[derive(Args, Clone, Debug)]
pub struct TemplateArgs {
    /// The fleet, for the policy of spokes.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The directory the files are written into
    #[arg(long, value_name = "DIR", default_value = "cloud")]
    pub out: PathBuf,
    /// Replace files that differ
    #[arg(long)]
    pub force: bool,
    /// Put this definition of the state machine into the template [default: it is an object beside the functions]
    #[arg(long, value_name = "FILE", help_heading = "Hub")]
    pub definition: Option<PathBuf>,
    /// The account of the hub
    #[arg(long, value_name = "ACCOUNT", help_heading = "Hub")]
    pub hub_account: String,
    /// The bucket with the archive of the functions
    #[arg(long, value_name = "BUCKET", help_heading = "Hub")]
    pub code_bucket: String,
    /// The archive of the functions in that bucket
    #[arg(long, value_name = "KEY", default_value = "fleetwright/functions.zip", help_heading = "Hub")]
    pub code_key: String,
    /// The definition of the state machine in that bucket
    #[arg(long, value_name = "KEY", default_value = "fleetwright/machine.asl.json", help_heading = "Hub")]
    pub definition_key: String,
    /// The definition of the state machine of upgrades in that bucket
    #[arg(long, value_name = "KEY", default_value = "fleetwright/upgrade.asl.json", help_heading = "Hub")]
    pub upgrade_definition_key: String,
    /// Spokes may upgrade clusters of this name, in which * and ? stand for anything; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Spokes")]
    pub clusters: Vec<String>,
    /// The organisation whose accounts are spokes
    #[arg(long, value_name = "ID", help_heading = "Hub")]
    pub organization: String,
    /// The secret with the external id of spokes
    #[arg(long, value_name = "ARN", help_heading = "Hub")]
    pub external_id_secret: String,
    /// The secret with the keys and approvers of approval links
    #[arg(long, value_name = "ARN", help_heading = "Hub")]
    pub approval_key_secret: String,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}
