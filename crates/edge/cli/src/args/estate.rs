//! Flags of the simulated AWS.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputFormat;

/// `fleetwright estate …`.
#[derive(Debug, Subcommand)]
pub enum EstateCommand {
    /// Serve a simulated AWS on a port of this machine until Ctrl-C
    #[command(long_about = SERVE_ABOUT)]
    Serve(ServeArgs),
    /// List the AWS operations the estate answers
    Operations {
        /// The form of what is written to standard output: text or json
        #[arg(short, long, value_enum)]
        output: Option<OutputFormat>,
    },
}

const SERVE_ABOUT: &str = "\
Serve a simulated AWS on a port of this machine until Ctrl-C. It speaks the real protocols, verifies
signatures, enforces IAM policies and AWS's published rate limits, so fleetwright, the AWS CLI, boto3
and any other tool can work against it. Prints the lines to paste into a shell to point tools at it.

Beside AWS's paths it answers, on the same port:
  GET  /_estate/calls     every AWS call so far, one JSON object per line
  GET  /_estate/cloudtrail  the calls as a log file of CloudTrail's
  GET  /_estate/state     what the world holds, in numbers
  GET  /_estate/check     the invariants over the calls so far
  POST /_estate/advance   {\"seconds\": N}: move a virtual clock
  POST /_estate/faults    a fault rule, or a list of them

Example:
  fleetwright estate serve --scenario scenarios/demo.toml --listen 127.0.0.1:4599 --inventory-out lz.yaml";

/// Which simulated world.
#[derive(Args, Clone, Debug, Default)]
pub struct WorldArgs {
    /// Scenario file, or the name of an embedded one [default: demo]
    #[arg(long, value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// Seed of everything that is random in it [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of accounts that are generated [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub accounts: Option<usize>,
    /// Number of instances that are generated, over all accounts and regions [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub instances: Option<usize>,
}

/// `fleetwright estate serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// The world.
    #[command(flatten)]
    pub world: WorldArgs,
    /// Address to listen on; loopback only, port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4599")]
    pub listen: SocketAddr,
    /// Let estate time pass N times as fast as the wall clock
    #[arg(long, value_name = "N", conflicts_with = "virtual_time")]
    pub speed: Option<f64>,
    /// Let estate time stand still except for POST /_estate/advance
    #[arg(long)]
    pub virtual_time: bool,
    /// Write the landing-zone inventory of the estate's accounts to this file
    #[arg(long, value_name = "FILE")]
    pub inventory_out: Option<PathBuf>,
    /// Run this executable, which speaks Lambda's Runtime API, as the function of that name; repeatable
    #[arg(long = "function", value_name = "NAME=BOOTSTRAP", value_parser = function)]
    pub functions: Vec<(String, PathBuf)>,
}

/// Reads `NAME=BOOTSTRAP`.
fn function(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("give the function's name and its executable, as in turn=./bootstrap".to_owned()),
    }
}
