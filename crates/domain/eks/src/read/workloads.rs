//! What runs in a cluster, and what protects it.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{
    Budget, DisruptionStatus, IntOrPercent, Labels, PodDisruptionBudget, Quantity, Resources,
};
use serde_json::Value;

use super::value::{self, Fault, count, labels, member, metadata, needed, parsed, reference, text, time};
use super::{Kind, Objects, Read, fact, pods};
use crate::facts::workloads::{RunningJob, Workload};
use crate::facts::{Fact, UnreadCause, WorkloadFacts};

/// Reads pods and their controllers.
pub(super) fn read(objects: &Objects) -> WorkloadFacts {
    WorkloadFacts {
        pods: fact(pods::read(objects)),
        budgets: fact(objects.list(Kind::Budgets).and_then(|list| value::each(list, budget))),
        workloads: fact(workloads(objects)),
        namespaces: fact(namespaces(objects)),
        jobs: fact(jobs(objects)),
        tight: fact(tight(objects)),
        suites: Fact::unread(UnreadCause::NotAsked, "no test suites were asked about"),
    }
}

fn budget(of: &Value) -> Result<PodDisruptionBudget, Fault> {
    let amount = |pointer: &str| {
        let read =
            |value| IntOrPercent::read(value).ok_or_else(|| format!("{pointer} is neither number nor share"));
        member(of, pointer).map(read).transpose()
    };
    let most = amount("/spec/maxUnavailable")?.map(Budget::MaxUnavailable);
    let least = amount("/spec/minAvailable")?.map(Budget::MinAvailable);
    // A count that is absent is none: the controller has not looked yet.
    let counted = |pointer| parsed::<i32>(of, pointer).map(Option::unwrap_or_default);
    Ok(PodDisruptionBudget {
        metadata: metadata(of)?,
        selector: parsed(of, "/spec/selector")?,
        budget: most.or(least),
        unhealthy_pod_eviction_policy: parsed(of, "/spec/unhealthyPodEvictionPolicy")?.unwrap_or_default(),
        status: DisruptionStatus {
            current_healthy: counted("/status/currentHealthy")?,
            desired_healthy: counted("/status/desiredHealthy")?,
            expected_pods: counted("/status/expectedPods")?,
            disruptions_allowed: counted("/status/disruptionsAllowed")?,
        },
    })
}

fn workloads(objects: &Objects) -> Read<Vec<Workload>> {
    let mut found = value::each(objects.list(Kind::Deployments)?, workload)?;
    found.extend(value::each(objects.list(Kind::StatefulSets)?, workload)?);
    Ok(found)
}

fn workload(of: &Value) -> Result<Workload, Fault> {
    Ok(Workload {
        kind: needed(of, "/kind")?.to_owned(),
        metadata: metadata(of)?,
        replicas: count(of, "/spec/replicas")?.unwrap_or(1),
        recreates: text(of, "/spec/strategy/type")? == Some("Recreate"),
        pod_labels: pods::template_labels(of)?,
        min_ready_seconds: count(of, "/spec/minReadySeconds")?.unwrap_or_default(),
    })
}

/// Labels of namespaces.
pub(super) fn namespaces(objects: &Objects) -> Read<BTreeMap<String, Labels>> {
    let read = |of: &Value| Ok((needed(of, "/metadata/name")?.to_owned(), labels(of, "/metadata/labels")?));
    Ok(value::each(objects.list(Kind::Namespaces)?, read)?.into_iter().collect())
}

fn jobs(objects: &Objects) -> Read<Vec<RunningJob>> {
    let read = |of: &Value| {
        if count(of, "/status/active")?.unwrap_or_default() == 0 {
            return Ok(None);
        }
        let started_at = time(of, "/status/startTime")?.ok_or("status.startTime is missing")?;
        Ok(Some(RunningJob { metadata: metadata(of)?, started_at }))
    };
    Ok(value::each(objects.list(Kind::Jobs)?, read)?.into_iter().flatten().collect())
}

fn tight(objects: &Objects) -> Read<Vec<String>> {
    let mut found = value::each(objects.list(Kind::Autoscalers)?, full_autoscaler)?;
    found.extend(value::each(objects.list(Kind::Quotas)?, full_quota)?);
    Ok(found.into_iter().flatten().collect())
}

fn full_autoscaler(of: &Value) -> Result<Option<String>, Fault> {
    let most = count(of, "/spec/maxReplicas")?.ok_or("spec.maxReplicas is missing")?;
    let now = count(of, "/status/currentReplicas")?.unwrap_or_default();
    Ok((now >= most).then(|| format!("{}: {now} of {most} replicas", reference(of))))
}

/// Resources of a quota that every pod takes of.
const OF_PODS: [&str; 6] = ["pods", "count/pods", "cpu", "memory", "requests.cpu", "requests.memory"];

fn full_quota(of: &Value) -> Result<Option<String>, Fault> {
    let hard: Resources = parsed(of, "/status/hard")?.unwrap_or_default();
    let used: Resources = parsed(of, "/status/used")?.unwrap_or_default();
    let full = OF_PODS.iter().find_map(|name| {
        let (hard, used) = (hard.get(*name)?, used.get(*name)?);
        (*used >= *hard && *hard >= Quantity::ZERO)
            .then(|| format!("{}: {name} {used} of {hard}", reference(of)))
    });
    Ok(full)
}
