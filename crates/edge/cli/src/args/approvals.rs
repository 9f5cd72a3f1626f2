//! Flags of approval links.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::StateArgs;

/// `fleetwright approvals …`.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// Write links with which the people named can decide at a gate that waits
    #[command(long_about = LINK_ABOUT)]
    Link(LinkArgs),
    /// Serve the page behind the links until Ctrl-C
    #[command(long_about = SERVE_ABOUT)]
    Serve(ApprovalPageArgs),
    /// Make, list and take out the keys that sign links
    #[command(subcommand)]
    Key(KeyCommand),
    /// Add a person who may decide with links, or give them a new passphrase
    Approver(ApproverArgs),
}

const LINK_ABOUT: &str = "\
Write links with which the people named can decide at a gate that waits, one a line. A link is for one
person, one stage of one run, and the state the run is in now: when the plan or what went before the
gate changes, it is void. It is used up by the decision. Opening it decides nothing; the page asks for
the person's passphrase.

Example:
  fleetwright approvals link run-20261101T020000Z-4f1a --for ann --for bob --expires 4h \\
    --base-url https://approvals.example.com";

const SERVE_ABOUT: &str = "\
Serve the page behind approval links until Ctrl-C, from the state directory of this machine. It speaks
plain HTTP on the loopback; put a proxy with TLS in front of it and give its address to
`fleetwright approvals link --base-url`.";

/// Where the keys are.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyringArgs {
    /// The file with keys and approvers [default: approvals.json in the state directory]
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Where runs are kept.
    #[command(flatten)]
    pub state: StateArgs,
}

/// What a link allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Allow {
    /// To approve.
    Approve,
    /// To reject.
    Reject,
    /// Either.
    Both,
}

/// `fleetwright approvals link`.
#[derive(Args, Clone, Debug)]
pub struct LinkArgs {
    /// The run; without one, the only unfinished run
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The stage whose gate waits, by name or number from 0 [default: the only one that waits]
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Who may decide with the link; once for each person
    #[arg(long = "for", value_name = "NAME", required = true)]
    pub approvers: Vec<String>,
    /// What the link allows
    #[arg(long, value_enum, default_value = "both")]
    pub allow: Allow,
    /// How long it is good for, from a minute to a week
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    pub expires: SignedDuration,
    /// Where the page is found, as those who open the link see it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8088")]
    pub base_url: String,
    /// Keys and runs.
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// `fleetwright approvals serve`.
#[derive(Args, Clone, Debug)]
pub struct ApprovalPageArgs {
    /// Address to listen on; loopback only, port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8088")]
    pub listen: SocketAddr,
    /// Keys and runs.
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// `fleetwright approvals key …`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key, which signs from now on; older ones verify until they are taken out
    New {
        /// Keys and runs.
        #[command(flatten)]
        keyring: KeyringArgs,
    },
    /// List the keys and the people; never a secret
    List {
        /// Keys and runs.
        #[command(flatten)]
        keyring: KeyringArgs,
    },
    /// Take a key out: links it signed are worth nothing from now on
    Remove {
        /// The key's name
        #[arg(value_name = "KEY")]
        id: String,
        /// Keys and runs.
        #[command(flatten)]
        keyring: KeyringArgs,
    },
}

/// `fleetwright approvals approver`.
#[derive(Args, Clone, Debug)]
pub struct ApproverArgs {
    /// The person's name, as decisions are recorded and as plans name approvers
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Read the passphrase from standard input instead of making one and writing it to standard output
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// Take the person out
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub remove: bool,
    /// Keys and runs.
    #[command(flatten)]
    pub keyring: KeyringArgs,
}
