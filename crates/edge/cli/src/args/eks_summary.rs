//! Flags about summaries that a model writes.

use std::path::PathBuf;

use clap::Args;

use super::PlaceChangeArgs;

/// Help of `fleetwright eks summary`.
pub(super) const SUMMARY_ABOUT: &str = "\
Have a language model of Amazon Bedrock summarise the findings of a plan and release notes that are named, for people to
read. The summary says that a model wrote it. It is no part of any decision: no command reads it, and the findings of the
plan hold whatever it says. Nothing asks a model by itself; this command alone does, once.

The model reads the cluster's name and versions, findings, what could not be looked at, names of steps, and the notes; no
account, no endpoint, no object beside those that findings name. It is asked in the account and region that are chosen,
with the right bedrock:InvokeModel (`fleetwright policy --models MODEL`).

What a call may cost is reckoned before it is made, from your prices and as if every byte were a token; it is not made where
that is more than --max-cost, or where the calls of this UTC day on this machine would come to more than --max-per-day or
--max-cost-per-day. What a call did cost is shown and kept.

Examples:
  fleetwright eks summary upgrade.json --model eu.amazon.nova-lite-v1:0 --read-price 0.06 --write-price 0.24 \\
    --landing-zones payments-prod --regions eu-central-1
  fleetwright eks summary upgrade.json --model MODEL --read-price 1 --write-price 5 --notes CHANGELOG-1.36.md --out summary.md";

/// `fleetwright eks summary`.
#[derive(Args, Clone, Debug)]
pub struct EksSummaryArgs {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// The model, or the inference profile, by its id
    #[arg(long, value_name = "ID")]
    pub model: String,
    /// Release notes that the model reads as well; may be given several times
    #[arg(long, value_name = "FILE")]
    pub notes: Vec<PathBuf>,
    /// The file the summary is written to, as Markdown
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Dollars for a million tokens that the model reads
    #[arg(long, value_name = "DOLLARS", help_heading = "Cost")]
    pub read_price: String,
    /// Dollars for a million tokens that the model writes
    #[arg(long, value_name = "DOLLARS", help_heading = "Cost")]
    pub write_price: String,
    /// Tokens that the model writes at most
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, help_heading = "Cost",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_tokens: u32,
    /// Dollars that the call may cost at most
    #[arg(long, value_name = "DOLLARS", default_value = "0.50", help_heading = "Cost")]
    pub max_cost: String,
    /// Dollars that all calls of a day may cost at most
    #[arg(long, value_name = "DOLLARS", default_value = "2", help_heading = "Cost")]
    pub max_cost_per_day: String,
    /// Calls of a day at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, help_heading = "Cost",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_per_day: u32,
    /// The account and region in which the model is asked, and where the audit log is kept.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}
