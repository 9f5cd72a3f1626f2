//! `fleetwright eks …`: EKS clusters.

mod assess;
mod explain;
mod kubernetes;
mod list;
mod plan;
mod reading;
mod suppressions;

use fleetwright_model::code;
use fleetwright_ports::clusters::ClusterName;

use crate::app::{App, Outcome, form};
use crate::args::EksCommand;
use crate::failure::CommandError;

impl App {
    /// `fleetwright eks …`.
    pub fn eks(&self, command: &EksCommand) -> Outcome {
        match command {
            EksCommand::List(args) => self.list_clusters(args),
            EksCommand::Assess(args) => self.assess_cluster(args),
            EksCommand::Plan(args) => self.plan_upgrade(args),
            EksCommand::Explain(args) => explain::explain(args.code.as_deref(), form(args.output)),
        }
    }
}

/// A name of a cluster from the command line.
fn named(text: &str) -> Result<ClusterName, CommandError> {
    text.parse().map_err(|odd: fleetwright_ports::clusters::InvalidClusterName| {
        CommandError::new(&code::CLUSTER_NAME, odd.to_string())
    })
}
