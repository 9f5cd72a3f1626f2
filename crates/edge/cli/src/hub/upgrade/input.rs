//! What an execution that upgrades a cluster is started with.

use std::collections::BTreeMap;

use fleetwright_eks::checks::find;
use fleetwright_eks::plan::{Approvals, PlanOptions};
use fleetwright_eks::suite::Suite;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{AccountId, Region};
use fleetwright_ports::RunId;
use fleetwright_ports::clusters::ClusterName;
use serde::Deserialize;
use serde_json::Value;

use super::super::Fault;
use crate::upgrading::EventBus;

/// The input as it is written; the names are those that other programs know it by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cluster_name: String,
    target_version: String,
    #[serde(default)]
    strategy: Option<String>,
    #[serde(default)]
    run: Option<String>,
    #[serde(default)]
    resume: bool,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    rollback: Option<bool>,
    #[serde(default)]
    approve_each_hop: Option<bool>,
    #[serde(default)]
    accept: BTreeMap<String, String>,
    #[serde(default)]
    alarms: Vec<String>,
    #[serde(default)]
    suites: Vec<String>,
    #[serde(default)]
    events: Option<String>,
    #[serde(default)]
    event_source: Option<String>,
}

/// The input, checked.
pub struct Input {
    pub(super) cluster: ClusterName,
    pub(super) to: Minor,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
    pub(super) options: PlanOptions,
    pub(super) rollback: bool,
    pub(super) events: Option<EventBus>,
    pub(super) resume: bool,
    run: Option<String>,
}

impl Input {
    /// Reads the input of an execution.
    ///
    /// # Errors
    /// Something of it means nothing; the fault names it.
    pub fn read(input: &Value) -> Result<Self, Fault> {
        let written = Written::deserialize(input).map_err(|error| wrong("input", &error))?;
        let strategy = written.strategy.as_deref().unwrap_or("in-place");
        if let Some(unknown) = written.accept.keys().find(|check| find(check).is_none()) {
            return Err(wrong("input.accept", &format!("there is no check {unknown:?}")));
        }
        let each = written.approve_each_hop.unwrap_or(true);
        let options = PlanOptions {
            strategy: strategy.parse().map_err(|error| wrong("input.strategy", &error))?,
            approvals: if each { Approvals::EachHop } else { Approvals::Once },
            accepted: written.accept,
            alarms: written.alarms,
            suites: suites(&written.suites)?,
            ..PlanOptions::default()
        };
        let bus = |bus: &String| EventBus::new(bus, written.event_source.clone());
        Ok(Self {
            cluster: written.cluster_name.parse().map_err(|error| wrong("input.cluster_name", &error))?,
            to: written.target_version.parse().map_err(|error| wrong("input.target_version", &error))?,
            account: parsed("input.account", written.account, AccountId::new)?,
            region: parsed("input.region", written.region, Region::new)?,
            options,
            rollback: written.rollback.unwrap_or(true),
            events: written.events.as_ref().map(bus).transpose()?,
            resume: written.resume,
            run: written.run,
        })
    }

    /// The run's name: the one that is given, or that of the execution.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn run(&self, execution: &str) -> Result<RunId, Fault> {
        let of_execution = execution.rsplit(':').next().unwrap_or_default();
        let name = self.run.as_deref().unwrap_or(of_execution);
        name.parse().map_err(|error| wrong("input.run", &error))
    }
}

/// The test suites, each once.
fn suites(given: &[String]) -> Result<Vec<Suite>, Fault> {
    let mut suites: Vec<Suite> = Vec::with_capacity(given.len());
    for text in given {
        let suite: Suite = text.parse().map_err(|error| wrong("input.suites", &error))?;
        if suites.contains(&suite) {
            return Err(wrong("input.suites", &format!("{suite} is named twice")));
        }
        suites.push(suite);
    }
    Ok(suites)
}

fn wrong(path: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::unusable(format!("{path}: {why}"))
}

fn parsed<T, E: std::fmt::Display>(
    path: &str,
    text: Option<String>,
    parse: impl Fn(String) -> Result<T, E>,
) -> Result<Option<T>, Fault> {
    text.map(|text| parse(text).map_err(|error| wrong(path, &error))).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(input: &Value) -> String {
        Input::read(input).err().map(|fault| fault.message).unwrap_or_default()
    }

    #[test]
    fn a_cluster_and_a_version_are_enough_and_the_run_has_the_execution_s_name() {
        let input =
            Input::read(&json!({ "cluster_name": "shop", "target_version": "1.36" })).expect("enough");
        assert!(input.rollback && input.events.is_none() && !input.resume);
        let run =
            input.run("arn:aws:states:eu-central-1:123456789012:execution:fleetwright-prod-upgrade:nov");
        assert_eq!(run.expect("a name").as_str(), "nov");
    }

    #[test]
    fn what_means_nothing_is_refused_by_its_name() {
        let whole = json!({ "cluster_name": "shop", "target_version": "1.36" });
        for (name, value, said) in [
            ("cluster_name", json!("-"), "input.cluster_name"),
            ("target_version", json!("one"), "input.target_version"),
            ("strategy", json!("blue-green"), "input.strategy: upgrades by a second cluster"),
            ("account", json!("12"), "input.account"),
            ("region", json!("?"), "input.region"),
            ("accept", json!({ "EKS-Q9": "no" }), "input.accept: there is no check \"EKS-Q9\""),
            ("suites", json!(["smoke"]), "input.suites: \"smoke\" is no test suite: it names no namespace"),
            ("suites", json!(["a/b", "a/b"]), "input.suites: a/b is named twice"),
            ("rolback", json!(true), "unknown field `rolback`"),
        ] {
            let mut input = whole.clone();
            input[name] = value;
            let message = refused(&input);
            assert!(message.contains(said), "{name}: {message}");
        }
    }
}
