//! How a cluster is, to be compared with how it was.
//!
//! Only what got worse counts: a pod that crashed before an upgrade is no reason to stop it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fleetwright_kubernetes::pod::Phase;
use fleetwright_kubernetes::{Node, Pod};
use serde::{Deserialize, Serialize};

use crate::endpoint::Unwell;
use crate::facts::{Fact, Facts, Unread, UnreadCause, Workload};
use crate::query::Query;

/// How a cluster is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Nodes.
    pub nodes: u32,
    /// Nodes that are not ready, by name. Untrusted texts, as everything that follows.
    pub not_ready: BTreeSet<String>,
    /// Nodes that are cordoned, by name.
    pub cordoned: BTreeSet<String>,
    /// Deployments and StatefulSets, as `Deployment shop/web`.
    pub workloads: BTreeMap<String, Serving>,
    /// Webhooks whose requests fail because nothing answers them.
    pub unanswered_webhooks: BTreeSet<String>,
    /// Aggregated APIs that do not answer.
    pub unavailable_apis: BTreeSet<String>,
    /// Alarms of the plan that have gone off.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alarms: BTreeSet<String>,
    /// What the queries and metrics of the plan answered, by name; finite numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// Endpoints of the plan that do not answer as they should, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unwell: BTreeMap<String, Unwell>,
}

/// Its figures are finite.
impl Eq for Health {}

/// How a workload serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Replicas that are wanted.
    pub wanted: u32,
    /// Pods that are ready.
    pub ready: u32,
}

/// Something that is worse than it was. Names in it are untrusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worse {
    /// A node is not ready, and was not there or was ready before.
    NodeNotReady(String),
    /// A node is cordoned, and was not before.
    NodeCordoned(String),
    /// A workload serves with fewer pods.
    Workload {
        /// Which.
        name: String,
        /// Pods that were ready.
        before: u32,
        /// Pods that are ready.
        now: u32,
        /// Replicas that are wanted now.
        wanted: u32,
    },
    /// Nothing answers a webhook any more.
    Webhook(String),
    /// An aggregated API does not answer any more.
    Api(String),
    /// An alarm has gone off.
    Alarm(String),
    /// An endpoint that was well does not answer as it should.
    Endpoint {
        /// Which.
        name: String,
        /// How it answers.
        how: Unwell,
    },
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeNotReady(name) => write!(f, "node {name} is not ready"),
            Self::NodeCordoned(name) => write!(f, "node {name} is cordoned"),
            Self::Workload { name, before, now, wanted } => {
                write!(f, "{name}: {now} of {wanted} pods ready, {before} before")
            }
            Self::Webhook(name) => write!(f, "webhook {name} has no ready endpoint"),
            Self::Api(name) => write!(f, "API {name} does not answer"),
            Self::Alarm(name) => write!(f, "alarm {name} has gone off"),
            Self::Endpoint { name, how } => write!(f, "endpoint {name} {how}"),
        }
    }
}

impl Health {
    /// How a cluster is; alarms, queries, metrics and endpoints are looked at elsewhere.
    ///
    /// # Errors
    /// What it takes could not be read. APIs that the cluster does not offer have nothing that could be worse.
    pub fn of(facts: &Facts) -> Result<Self, Unread> {
        let nodes = read(&facts.nodes.nodes)?;
        let pods = read(&facts.workloads.pods)?;
        let named = |keep: &dyn Fn(&&Node) -> bool| -> BTreeSet<String> {
            nodes.iter().filter(keep).map(|node| node.metadata.name.clone()).collect()
        };
        let workloads = read(&facts.workloads.workloads)?;
        let webhooks = read(&facts.apis.webhooks)?;
        let unanswered = webhooks.iter().filter(|webhook| {
            webhook.fails_closed && webhook.endpoint_nodes.as_ref().is_some_and(Vec::is_empty)
        });
        let services = read(&facts.apis.api_services)?;
        Ok(Self {
            nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
            not_ready: named(&|node| !node.ready),
            cordoned: named(&|node| node.unschedulable),
            workloads: workloads.iter().map(|it| (name(it), serving(it, pods))).collect(),
            unanswered_webhooks: unanswered
                .map(|webhook| format!("{} of {}", webhook.name, webhook.configuration))
                .collect(),
            unavailable_apis: services
                .iter()
                .filter(|service| !service.available)
                .map(|service| service.name.clone())
                .collect(),
            alarms: BTreeSet::new(),
            figures: BTreeMap::new(),
            unwell: BTreeMap::new(),
        })
    }

    /// Queries and metrics whose values are not as they must be, and were before; one without a value is not as it must be.
    pub fn broken(&self, before: &Self, queries: &[Query]) -> Vec<String> {
        let broken = |query: &Query| {
            let Query { name, rule, .. } = query;
            let kind = query.kind();
            let was = before.figures.get(name);
            match (self.figures.get(name), was) {
                (None, _) => Some(format!("{kind} {name} has no value")),
                (Some(now), Some(was)) if rule.is_broken(*now, *was) => {
                    Some(format!("{kind} {name} is {now}, {was} before; it must be {rule}"))
                }
                (Some(now), None) if !rule.holds(*now, f64::NAN) => {
                    Some(format!("{kind} {name} is {now}, not known before; it must be {rule}"))
                }
                _ => None,
            }
        };
        queries.iter().filter_map(broken).collect()
    }

    /// What is worse than `before`, ordered. Workloads that are gone, or that want less, were changed by somebody.
    pub fn worse_than(&self, before: &Self) -> Vec<Worse> {
        let new = |now: &BTreeSet<String>, before: &BTreeSet<String>| -> Vec<String> {
            now.difference(before).cloned().collect()
        };
        let mut worse: Vec<Worse> =
            new(&self.not_ready, &before.not_ready).into_iter().map(Worse::NodeNotReady).collect();
        worse.extend(new(&self.cordoned, &before.cordoned).into_iter().map(Worse::NodeCordoned));
        for (name, was) in &before.workloads {
            if let Some(now) = self.workloads.get(name)
                && now.ready < was.ready.min(now.wanted)
            {
                let (name, before, wanted) = (name.clone(), was.ready, now.wanted);
                worse.push(Worse::Workload { name, before, now: now.ready, wanted });
            }
        }
        worse.extend(
            new(&self.unanswered_webhooks, &before.unanswered_webhooks).into_iter().map(Worse::Webhook),
        );
        worse.extend(new(&self.unavailable_apis, &before.unavailable_apis).into_iter().map(Worse::Api));
        worse.extend(new(&self.alarms, &before.alarms).into_iter().map(Worse::Alarm));
        let newly = self.unwell.iter().filter(|(name, _)| !before.unwell.contains_key(*name));
        worse.extend(newly.map(|(name, how)| Worse::Endpoint { name: name.clone(), how: how.clone() }));
        worse
    }
}

fn name(workload: &Workload) -> String {
    format!("{} {}/{}", workload.kind, workload.metadata.namespace, workload.metadata.name)
}

fn serving(workload: &Workload, pods: &[Pod]) -> Serving {
    let is_its = |pod: &&Pod| {
        pod.metadata.namespace == workload.metadata.namespace
            && workload.pod_labels.iter().all(|(key, value)| pod.metadata.labels.get(key) == Some(value))
    };
    let serves = |pod: &&Pod| pod.ready && !pod.metadata.deleting && pod.phase == Phase::Running;
    let ready = pods.iter().filter(is_its).filter(serves).count();
    Serving { wanted: workload.replicas, ready: u32::try_from(ready).unwrap_or(u32::MAX) }
}

fn read<T>(fact: &Fact<Vec<T>>) -> Result<&[T], Unread> {
    match fact {
        Fact::Known(list) => Ok(list),
        Fact::NotRead(why) if why.cause == UnreadCause::Unsupported => Ok(&[]),
        Fact::NotRead(why) => Err(why.clone()),
    }
}
