//! Flags about parameters of Systems Manager.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{PlaceArgs, PlaceChangeArgs};

/// `fleetwright cloud param …`.
#[derive(Debug, Subcommand)]
pub enum ParamCommand {
    /// Keep a whole configuration, a JSON or YAML file, as parameters below a prefix
    #[command(long_about = STORE_ABOUT)]
    Store(Box<ParamStoreArgs>),
    /// Write the configuration that is kept below a prefix into a file
    #[command(long_about = RESTORE_ABOUT)]
    Restore(Box<ParamRestoreArgs>),
    /// List the parameters below a path: names, types, versions; no values
    List(Box<ParamListArgs>),
    /// Show parameters by their names
    Get(Box<ParamGetArgs>),
    /// Put one parameter, new or over one that is there
    #[command(long_about = PUT_ABOUT)]
    Put(Box<ParamPutArgs>),
    /// Show the versions of a parameter that are kept
    Versions(Box<ParamGetArgs>),
    /// Delete parameters by their names
    Delete(Box<ParamDeleteArgs>),
}

const STORE_ABOUT: &str = "\
Keep a whole configuration as parameters of Systems Manager: one for each value, named by its keys below
a prefix of its own, in the type it has. What is named as a secret (password, token, ...) becomes a
SecureString. Only what differs is put; what is there and not in the file is left alone, or deleted with
--prune. `restore` gives the file back, equal in every type.

Examples:
  fleetwright cloud param store upgrade.yaml --prefix /fleetwright/prod --landing-zones hub --regions eu-central-1
  fleetwright cloud param store upgrade.yaml --prefix /fleetwright/prod --prune --dry-run --landing-zones hub";

const RESTORE_ABOUT: &str = "\
Write the configuration that `store` kept below a prefix into a file, as JSON (which is YAML as well),
with its secrets: only its owner may read the file.

Example:
  fleetwright cloud param restore --prefix /fleetwright/prod --out upgrade.json --landing-zones hub";

const PUT_ABOUT: &str = "\
Put one parameter. The value comes from standard input, from --file, or, where it is no secret, from
--value.

Examples:
  fleetwright cloud param put /fleetwright/prod/agent/name --value upgrade --landing-zones hub
  pass show jira | fleetwright cloud param put /fleetwright/prod/jira/token --type secure-string --landing-zones hub";

/// `fleetwright cloud param store`.
#[derive(Args, Clone, Debug)]
pub struct ParamStoreArgs {
    /// The configuration
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What all its parameters begin with, for example /fleetwright/prod
    #[arg(long, value_name = "PATH")]
    pub prefix: String,
    /// Delete what is below the prefix and not in the file
    #[arg(long)]
    pub prune: bool,
    /// The key of KMS that secrets are encrypted with [default: the account's own, alias/aws/ssm]; for
    /// another, the role needs kms:Encrypt and kms:Decrypt on it, which `policy` does not grant
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    /// A tag for what is put new; may be given several times
    #[arg(long = "param-tag", value_name = "KEY=VALUE")]
    pub tags: Vec<String>,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud param restore`.
#[derive(Args, Clone, Debug)]
pub struct ParamRestoreArgs {
    /// What all its parameters begin with
    #[arg(long, value_name = "PATH")]
    pub prefix: String,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud param list`.
#[derive(Args, Clone, Debug)]
pub struct ParamListArgs {
    /// Everything below this path
    #[arg(value_name = "PATH")]
    pub path: String,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud param get` and `versions`.
#[derive(Args, Clone, Debug)]
pub struct ParamGetArgs {
    /// The names
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Show the values of SecureStrings as well
    #[arg(long)]
    pub with_secrets: bool,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ParamType {
    /// One value.
    #[default]
    String,
    /// Texts between commas.
    StringList,
    /// One value, encrypted.
    SecureString,
}

/// `fleetwright cloud param put`.
#[derive(Args, Clone, Debug)]
pub struct ParamPutArgs {
    /// Its name
    pub name: String,
    /// Its value, where it is no secret [default: standard input]
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub value: Option<String>,
    /// A file that holds its value, without the end of its last line
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What it is
    #[arg(long = "type", value_enum, default_value_t)]
    pub kind: ParamType,
    /// The key of KMS that a SecureString is encrypted with [default: the account's own, alias/aws/ssm];
    /// for another, the role needs kms:Encrypt and kms:Decrypt on it, which `policy` does not grant
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "param-tag", value_name = "KEY=VALUE")]
    pub tags: Vec<String>,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud param delete`.
#[derive(Args, Clone, Debug)]
pub struct ParamDeleteArgs {
    /// The names
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

impl ParamCommand {
    /// The place and the output.
    pub fn args(&self) -> &PlaceArgs {
        match self {
            Self::Store(args) => &args.change.args,
            Self::Restore(args) => &args.args,
            Self::List(args) => &args.args,
            Self::Get(args) | Self::Versions(args) => &args.args,
            Self::Put(args) => &args.change.args,
            Self::Delete(args) => &args.change.args,
        }
    }

    /// What is common to a command that changes something, and the command's name.
    pub fn change(&self) -> Option<(&PlaceChangeArgs, &'static str)> {
        match self {
            Self::Store(args) => Some((&args.change, "cloud param store")),
            Self::Put(args) => Some((&args.change, "cloud param put")),
            Self::Delete(args) => Some((&args.change, "cloud param delete")),
            Self::Restore(_) | Self::List(_) | Self::Get(_) | Self::Versions(_) => None,
        }
    }
}
