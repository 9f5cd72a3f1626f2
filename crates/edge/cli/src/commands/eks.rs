//! `fleetwright eks …`: EKS clusters.

mod assess;
mod explain;
mod kubernetes;
mod list;
mod plan;
pub(crate) mod reading;
mod summary;
mod suppressions;

use fleetwright_clock::SystemClock;
use fleetwright_model::code;
use fleetwright_ports::clusters::ClusterName;

use crate::app::{App, Outcome, Time, form, in_runtime};
use crate::args::{EksCommand, StatusArgs};
use crate::commands::upgrades;
use crate::failure::CommandError;

impl App {
    /// `fleetwright eks …`.
    pub fn eks(&self, command: &EksCommand) -> Outcome {
        match command {
            EksCommand::List(args) => self.list_clusters(args),
            EksCommand::Assess(args) => self.assess_cluster(args),
            EksCommand::Plan(args) => self.plan_upgrade(args),
            EksCommand::Upgrade(args) => self.upgrade_clusters(args),
            EksCommand::Status(args) => self.upgrade_status(args),
            EksCommand::Rollback(args) => self.rollback_upgrade(args),
            EksCommand::Summary(args) => self.summarise_plan(args),
            EksCommand::Explain(args) => explain::explain(args.code.as_deref(), form(args.output)),
        }
    }
}

impl App {
    /// `fleetwright eks status`.
    fn upgrade_status(&self, args: &StatusArgs) -> Outcome {
        self.log_warnings();
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
            let found = state.find(args.run.as_deref()).await?;
            upgrades::status(&state, &found, &SystemClock, form(args.output)).await
        })
    }
}

/// A name of a cluster from the command line.
fn named(text: &str) -> Result<ClusterName, CommandError> {
    text.parse().map_err(|odd: fleetwright_ports::clusters::InvalidClusterName| {
        CommandError::new(&code::CLUSTER_NAME, odd.to_string())
    })
}
