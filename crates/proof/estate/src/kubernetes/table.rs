//! Tables, as the API server prints objects for kubectl: columns by resource, a row for each object.
//!
//! Form: Kubernetes documentation, "Kubernetes API Concepts", section "Receiving resources as Tables". Columns: the
//! server's own printers (`k8s.io/kubernetes/pkg/printers`); a resource that has none gets name and age, as custom
//! resources do.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::asked::Asked;
use crate::world::kube::{nodes, pods};

/// What a column shows of an object at a moment.
type Cell = fn(&Value, Timestamp) -> Value;

/// A column: its name, the type of its cells, whether only wide output shows it, its cell.
type Column = (&'static str, &'static str, bool, Cell);

const NAME: Column = ("Name", "string", false, |it, _| it["metadata"]["name"].clone());
const AGE: Column = ("Age", "string", false, |it, now| age(&it["metadata"]["creationTimestamp"], now).into());
const UP_TO_DATE: Column = ("Up-to-date", "integer", false, |it, _| number(&it["status"]["updatedReplicas"]));
const AVAILABLE: Column = ("Available", "integer", false, |it, _| number(&it["status"]["availableReplicas"]));
const OF_REPLICAS: Column =
    ("Ready", "string", false, |it, _| share(&it["status"]["readyReplicas"], &it["spec"]["replicas"]));
const STATUS: Column = ("Status", "string", false, |it, _| text(&it["status"]["phase"], "Active"));
const DATA: Column =
    ("Data", "integer", false, |it, _| it["data"].as_object().map_or(0, |it| it.len()).into());

const PODS: &[Column] = &[
    NAME,
    ("Ready", "string", false, |it, _| {
        let ready = statuses(it).filter(|it| it["ready"] == true).count();
        share(&ready.into(), &it["spec"]["containers"].as_array().map_or(0, Vec::len).into())
    }),
    ("Status", "string", false, |it, _| match it["metadata"]["deletionTimestamp"].is_null() {
        // How its containers ended says more than the phase.
        true => statuses(it)
            .find_map(|container| container["state"]["terminated"]["reason"].as_str())
            .map_or_else(|| text(&it["status"]["phase"], "Pending"), Value::from),
        false => "Terminating".into(),
    }),
    ("Restarts", "string", false, |it, _| {
        let restarts = statuses(it).filter_map(|it| it["restartCount"].as_u64()).sum::<u64>();
        restarts.to_string().into()
    }),
    AGE,
    ("IP", "string", true, |it, _| text(&it["status"]["podIP"], "<none>")),
    ("Node", "string", true, |it, _| pods::node_of(it).unwrap_or("<none>").into()),
    ("Nominated Node", "string", true, |it, _| text(&it["status"]["nominatedNodeName"], "<none>")),
    ("Readiness Gates", "string", true, |_, _| "<none>".into()),
];

const NODES: &[Column] = &[
    NAME,
    ("Status", "string", false, |it, _| {
        let ready = if nodes::is_ready(it) { "Ready" } else { "NotReady" };
        let closed = if it["spec"]["unschedulable"] == true { ",SchedulingDisabled" } else { "" };
        format!("{ready}{closed}").into()
    }),
    ("Roles", "string", false, |it, _| {
        let labels = it["metadata"]["labels"].as_object().into_iter().flatten();
        let roles = labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
        let roles = roles.collect::<Vec<_>>().join(",");
        if roles.is_empty() { "<none>".into() } else { roles.into() }
    }),
    AGE,
    ("Version", "string", false, |it, _| it["status"]["nodeInfo"]["kubeletVersion"].clone()),
    ("Internal-IP", "string", true, |it, _| address(it, "InternalIP")),
    ("External-IP", "string", true, |it, _| address(it, "ExternalIP")),
    ("OS-Image", "string", true, |it, _| text(&it["status"]["nodeInfo"]["osImage"], "<unknown>")),
    ("Kernel-Version", "string", true, |it, _| text(&it["status"]["nodeInfo"]["kernelVersion"], "<unknown>")),
    ("Container-Runtime", "string", true, |it, _| {
        text(&it["status"]["nodeInfo"]["containerRuntimeVersion"], "<unknown>")
    }),
];

const DAEMON_SETS: &[Column] = &[
    NAME,
    ("Desired", "integer", false, |it, _| number(&it["status"]["desiredNumberScheduled"])),
    ("Current", "integer", false, |it, _| number(&it["status"]["currentNumberScheduled"])),
    ("Ready", "integer", false, |it, _| number(&it["status"]["numberReady"])),
    ("Available", "integer", false, |it, _| number(&it["status"]["numberAvailable"])),
    AGE,
];

const REPLICA_SETS: &[Column] = &[
    NAME,
    ("Desired", "integer", false, |it, _| number(&it["spec"]["replicas"])),
    ("Current", "integer", false, |it, _| number(&it["status"]["replicas"])),
    ("Ready", "integer", false, |it, _| number(&it["status"]["readyReplicas"])),
    AGE,
];

const BUDGETS: &[Column] = &[
    NAME,
    ("Min Available", "string", false, |it, _| bound(&it["spec"]["minAvailable"])),
    ("Max Unavailable", "string", false, |it, _| bound(&it["spec"]["maxUnavailable"])),
    ("Allowed Disruptions", "integer", false, |it, _| number(&it["status"]["disruptionsAllowed"])),
    AGE,
];

const JOBS: &[Column] = &[
    NAME,
    ("Status", "string", false, |it, _| {
        let conditions = it["status"]["conditions"].as_array().into_iter().flatten();
        let ends =
            conditions.filter_map(|it| it["type"].as_str()).find(|it| matches!(*it, "Complete" | "Failed"));
        ends.unwrap_or("Running").into()
    }),
    ("Completions", "string", false, |it, _| share(&it["status"]["succeeded"], &it["spec"]["completions"])),
    ("Duration", "string", false, |it, now| {
        let ended = it["status"]["completionTime"].as_str().and_then(|at| at.parse().ok());
        age(&it["status"]["startTime"], ended.unwrap_or(now)).into()
    }),
    AGE,
];

const CRON_JOBS: &[Column] = &[
    NAME,
    ("Schedule", "string", false, |it, _| text(&it["spec"]["schedule"], "")),
    ("Timezone", "string", false, |it, _| text(&it["spec"]["timeZone"], "<none>")),
    ("Suspend", "boolean", false, |it, _| it["spec"]["suspend"].as_bool().unwrap_or(false).into()),
    ("Active", "integer", false, |it, _| it["status"]["active"].as_array().map_or(0, Vec::len).into()),
    ("Last Schedule", "string", false, |_, _| "<none>".into()),
    AGE,
];

/// The columns of a resource.
const fn columns(resource: &str) -> &'static [Column] {
    match resource.as_bytes() {
        b"pods" => PODS,
        b"nodes" => NODES,
        b"namespaces" => &[NAME, STATUS, AGE],
        b"configmaps" => &[NAME, DATA, AGE],
        b"secrets" => &[NAME, ("Type", "string", false, |it, _| text(&it["type"], "Opaque")), DATA, AGE],
        b"apps/daemonsets" => DAEMON_SETS,
        b"apps/deployments" => &[NAME, OF_REPLICAS, UP_TO_DATE, AVAILABLE, AGE],
        b"apps/replicasets" => REPLICA_SETS,
        b"apps/statefulsets" => &[NAME, OF_REPLICAS, AGE],
        b"batch/cronjobs" => CRON_JOBS,
        b"batch/jobs" => JOBS,
        b"policy/poddisruptionbudgets" => BUDGETS,
        _ => &[NAME, AGE],
    }
}

/// Objects of a resource as a table; the list's own metadata go before them.
pub(super) fn of(asked: &Asked, resource: &str, objects: &[Value], metadata: Value, now: Timestamp) -> Value {
    let columns = columns(resource);
    let definitions = columns.iter().map(|(name, kind, wide, _)| {
        let format = if *name == "Name" { "name" } else { "" };
        json!({ "name": name, "type": kind, "format": format, "description": "", "priority": i32::from(*wide) })
    });
    let rows = objects.iter().map(|object| {
        let cells = columns.iter().map(|column| column.3(object, now));
        let mut row = json!({ "cells": cells.collect::<Vec<_>>() });
        match asked.query.get("includeObject").map_or("", String::as_str) {
            "None" => {}
            "Object" => row["object"] = object.clone(),
            _ => row["object"] = super::reading::metadata_only(object),
        }
        row
    });
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(),
    })
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten()
}

fn number(value: &Value) -> Value {
    value.as_u64().unwrap_or(0).into()
}

fn text(value: &Value, otherwise: &str) -> Value {
    value.as_str().unwrap_or(otherwise).into()
}

fn share(part: &Value, whole: &Value) -> Value {
    format!("{}/{}", part.as_u64().unwrap_or(0), whole.as_u64().unwrap_or(1)).into()
}

/// A bound of a budget, a number or a percentage.
fn bound(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::String(_) => value.clone(),
        number => number.to_string().into(),
    }
}

fn address(node: &Value, kind: &str) -> Value {
    let mut all = node["status"]["addresses"].as_array().into_iter().flatten();
    all.find(|it| it["type"] == kind).map_or_else(|| "<none>".into(), |it| it["address"].clone())
}

/// How long ago something was, in at most two units (`k8s.io/apimachinery/pkg/util/duration`, `HumanDuration`).
fn age(since: &Value, now: Timestamp) -> String {
    let Some(since) = since.as_str().and_then(|it| it.parse::<Timestamp>().ok()) else {
        return "<unknown>".to_owned();
    };
    let seconds = now.duration_since(since).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |large: i64, large_unit: char, small: i64, small_unit: char| match small {
        0 => format!("{large}{large_unit}"),
        small => format!("{large}{large_unit}{small}{small_unit}"),
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2_920 => pair(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_units_of_the_server() {
        let now: Timestamp = "2026-11-07T00:00:00Z".parse().expect("a moment");
        let told = |seconds: i64| {
            let since = now - jiff::SignedDuration::from_secs(seconds);
            age(&since.to_string().into(), now)
        };
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (150, "2m30s"),
            (3_599, "59m"),
            (10_860, "3h1m"),
            (36_000, "10h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (70_000_000, "2y80d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(told(seconds), expected, "{seconds} s");
        }
        assert_eq!(age(&Value::Null, now), "<unknown>");
    }

    #[test]
    fn a_row_has_as_many_cells_as_there_are_columns_and_names_its_object() {
        let object = json!({ "metadata": { "name": "n", "creationTimestamp": "2026-11-07T00:00:00Z" } });
        let now: Timestamp = "2026-11-07T00:01:00Z".parse().expect("a moment");
        for resource in [
            "pods",
            "nodes",
            "secrets",
            "apps/daemonsets",
            "apps/deployments",
            "batch/cronjobs",
            "batch/jobs",
            "example.com/things",
        ] {
            let columns = columns(resource);
            let cells: Vec<Value> = columns.iter().map(|column| column.3(&object, now)).collect();
            assert_eq!(cells[0], "n", "{resource}");
            assert!(cells.iter().all(|it| !it.is_object() && !it.is_array()), "{resource}: {cells:?}");
        }
    }
}
