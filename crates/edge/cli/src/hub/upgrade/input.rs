//! What an execution that upgrades a cluster is started with.

use std::collections::BTreeMap;

use fleetwright_config::settings::{AgentSettings, UpgradeSettings};
use fleetwright_eks::checks::find;
use fleetwright_eks::endpoint::Endpoint;
use fleetwright_eks::plan::{Approvals, PlanOptions, Strategy};
use fleetwright_eks::query::{Query, named_twice};
use fleetwright_eks::suite::{self, Suite};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{AccountId, Region};
use fleetwright_ports::RunId;
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::event_rules::BusName;
use serde::Deserialize;
use serde_json::Value;

use super::super::Fault;
use crate::upgrading::{EventBus, plan_options};

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
    queries: Vec<String>,
    #[serde(default)]
    metrics: Vec<String>,
    #[serde(default)]
    endpoints: Vec<String>,
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
    pub(super) resume: bool,
    strategy: Option<Strategy>,
    approvals: Option<Approvals>,
    accepted: BTreeMap<String, String>,
    alarms: Vec<String>,
    queries: Vec<Query>,
    endpoints: Vec<Endpoint>,
    pub(super) suites: Vec<Suite>,
    rollback: Option<bool>,
    events: Option<String>,
    event_source: Option<String>,
    run: Option<String>,
}

impl Input {
    /// Reads the input of an execution.
    ///
    /// # Errors
    /// Something of it means nothing; the fault names it.
    pub fn read(input: &Value) -> Result<Self, Fault> {
        let written = Written::deserialize(input).map_err(|error| wrong("input", &error))?;
        if let Some(unknown) = written.accept.keys().find(|check| find(check).is_none()) {
            return Err(wrong("input.accept", &format!("there is no check {unknown:?}")));
        }
        if let Some(bus) = &written.events {
            bus.parse::<BusName>().map_err(|error| wrong("input.events", &error))?;
        }
        let approvals = |each| if each { Approvals::EachHop } else { Approvals::Once };
        let (queries, endpoints, suites) = (queries(&written)?, endpoints(&written)?, suites(&written)?);
        Ok(Self {
            cluster: written.cluster_name.parse().map_err(|error| wrong("input.cluster_name", &error))?,
            to: written.target_version.parse().map_err(|error| wrong("input.target_version", &error))?,
            account: parsed("input.account", written.account, AccountId::new)?,
            region: parsed("input.region", written.region, Region::new)?,
            resume: written.resume,
            strategy: parsed("input.strategy", written.strategy, |text| text.parse::<Strategy>())?,
            approvals: written.approve_each_hop.map(approvals),
            accepted: written.accept,
            alarms: written.alarms,
            queries,
            endpoints,
            suites,
            rollback: written.rollback,
            events: written.events,
            event_source: written.event_source,
            run: written.run,
        })
    }

    /// How the upgrade is made: as the input says, and else as the configuration does.
    pub(super) fn options(&self, usual: &UpgradeSettings) -> PlanOptions {
        let usual = plan_options(usual);
        PlanOptions {
            strategy: self.strategy.unwrap_or(usual.strategy),
            approvals: self.approvals.unwrap_or(usual.approvals),
            accepted: self.accepted.clone(),
            alarms: if self.alarms.is_empty() { usual.alarms } else { self.alarms.clone() },
            queries: self.queries.clone(),
            endpoints: self.endpoints.clone(),
            suites: self.suites.clone(),
            ..usual
        }
    }

    /// Whether the last hop is taken back where the upgrade fails.
    pub(super) fn rollback(&self, usual: &UpgradeSettings) -> bool {
        self.rollback.unwrap_or(usual.rollback)
    }

    /// The bus that is told of what happens.
    pub(super) fn events(&self, usual: &AgentSettings) -> Result<Option<EventBus>, Fault> {
        Ok(EventBus::chosen(self.events.as_deref(), self.event_source.as_deref(), usual)?)
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

/// Queries and metrics, each name once.
fn queries(written: &Written) -> Result<Vec<Query>, Fault> {
    let mut queries = each("input.queries", &written.queries, Query::of_prometheus)?;
    queries.extend(each("input.metrics", &written.metrics, Query::of_cloudwatch)?);
    once("input.queries and input.metrics", queries.iter().map(|query| query.name.as_str()))?;
    Ok(queries)
}

/// The endpoints, each name once.
fn endpoints(written: &Written) -> Result<Vec<Endpoint>, Fault> {
    let endpoints = each("input.endpoints", &written.endpoints, str::parse::<Endpoint>)?;
    once("input.endpoints", endpoints.iter().map(Endpoint::name))?;
    Ok(endpoints)
}

/// The test suites, each once.
fn suites(written: &Written) -> Result<Vec<Suite>, Fault> {
    let suites = each("input.suites", &written.suites, str::parse::<Suite>)?;
    match suite::named_twice(&suites) {
        None => Ok(suites),
        Some(twice) => Err(wrong("input.suites", &format!("{twice} is named twice"))),
    }
}

/// Every entry of a list; what is wrong with one names its number.
fn each<T, E: std::fmt::Display>(
    path: &str,
    list: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, Fault> {
    let read = |(index, text): (usize, &String)| {
        read(text).map_err(|error| wrong(&format!("{path}[{index}]"), &error))
    };
    list.iter().enumerate().map(read).collect()
}

fn once<'a>(path: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    match named_twice(names) {
        None => Ok(()),
        Some(name) => Err(wrong(path, &format!("there are two {name}; name them differently"))),
    }
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
    use fleetwright_config::settings::UpgradeApprovals;
    use fleetwright_config::{Layers, resolve};
    use serde_json::json;

    use super::*;

    fn refused(input: &Value) -> String {
        Input::read(input).err().map(|fault| fault.message).unwrap_or_default()
    }

    #[test]
    fn a_cluster_and_a_version_are_enough_and_the_run_has_the_execution_s_name() {
        let input =
            Input::read(&json!({ "cluster_name": "shop", "target_version": "1.36" })).expect("enough");
        assert!(!input.resume);
        let run =
            input.run("arn:aws:states:eu-central-1:123456789012:execution:fleetwright-prod-upgrade:nov");
        assert_eq!(run.expect("a name").as_str(), "nov");
    }

    #[test]
    fn what_the_input_leaves_open_is_as_the_configuration_says() {
        let mut settings = resolve(&Layers::default()).expect("defaults are valid").settings;
        let written = json!({ "cluster_name": "shop", "target_version": "1.36" });
        let input = Input::read(&written).expect("enough");
        assert!(input.rollback(&settings.upgrade));
        assert!(input.events(&settings.agent).expect("nothing is wrong").is_none());
        settings.upgrade.approvals = UpgradeApprovals::Once;
        settings.upgrade.alarms = vec!["errors".to_owned()];
        settings.upgrade.rollback = false;
        settings.agent.event_bus = Some("operations".to_owned());
        let options = input.options(&settings.upgrade);
        assert_eq!((options.approvals, options.alarms), (Approvals::Once, vec!["errors".to_owned()]));
        assert!(!input.rollback(&settings.upgrade));
        assert!(input.events(&settings.agent).expect("nothing is wrong").is_some());
        let mut more = written;
        for (name, value) in
            [("approve_each_hop", json!(true)), ("alarms", json!(["latency"])), ("rollback", json!(true))]
        {
            more[name] = value;
        }
        let input = Input::read(&more).expect("valid");
        let options = input.options(&settings.upgrade);
        assert_eq!((options.approvals, options.alarms), (Approvals::EachHop, vec!["latency".to_owned()]));
        assert!(input.rollback(&settings.upgrade));
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
            ("events", json!("a bus"), "input.events"),
            ("accept", json!({ "EKS-Q9": "no" }), "input.accept: there is no check \"EKS-Q9\""),
            (
                "suites",
                json!(["smoke"]),
                "input.suites[0]: \"smoke\" is no test suite: it names no namespace",
            ),
            ("suites", json!(["a/b", "a/b"]), "input.suites: a/b is named twice"),
            ("rolback", json!(true), "unknown field `rolback`"),
            ("queries", json!(["up=up >= 1", "up"]), "input.queries[1]: a query is NAME=PROMQL"),
            ("metrics", json!(["errors=Shop:errors sum <= 5"]), "input.metrics[0]: a metric is NAME="),
            ("metrics", json!(["up=a:b Sum <= 5", "up=a:c Sum <= 5"]), "there are two up"),
            (
                "endpoints",
                json!(["shop=shop.example.com?token=s3cr3t"]),
                "input.endpoints[0]: an endpoint is",
            ),
            ("endpoints", json!(["a=https://a.b", "a=https://b.c"]), "input.endpoints: there are two a"),
        ] {
            let mut input = whole.clone();
            input[name] = value;
            let message = refused(&input);
            assert!(message.contains(said) && !message.contains("s3cr3t"), "{name}: {message}");
        }
    }

    #[test]
    fn what_must_hold_is_taken_as_the_command_line_takes_it() {
        let input = json!({
            "cluster_name": "shop", "target_version": "1.36", "alarms": ["5xx"],
            "queries": ["up=count(up) >= 3"],
            "metrics": ["errors=Shop:errors{app=web} Sum or 0 <= before +10%"],
            "endpoints": ["shop=https://shop.example.com/health?token=a"],
        });
        let settings = resolve(&Layers::default()).expect("defaults are valid").settings;
        let options = Input::read(&input).expect("it is well").options(&settings.upgrade);
        let queries: Vec<String> = options.queries.iter().map(ToString::to_string).collect();
        assert_eq!(queries, ["up=count(up) >= 3", "errors=Shop:errors{app=web} Sum or 0 <= before +10%"]);
        assert_eq!(options.endpoints[0].url(), "https://shop.example.com/health?token=a");
    }
}
