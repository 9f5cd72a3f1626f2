//! Watches: what has changed since a version, and then the end; clients watch on from the last version they saw.

use serde_json::{Value, json};

use super::answer::{Answer, Status};
use super::asked::Asked;
use super::discovery::Served;
use super::reading::{shown, target, trimmed};
use super::selector::Selector;
use crate::world::eks::Cluster;
use crate::world::kube::Happened;

/// What a watch is told now.
pub(super) fn answer(cluster: &Cluster, asked: &Asked, served: &Served) -> Result<Answer, Status> {
    let target = target(asked)?;
    let named = target.name.as_ref().map(|name| format!("metadata.name={name}"));
    let fields = asked.query.get("fieldSelector").or(named.as_ref());
    let selector = Selector::read(asked.query.get("labelSelector"), fields)?;
    let since = asked.query.get("resourceVersion").map_or("", String::as_str);
    let initial = asked.is_set("sendInitialEvents");
    let told = |kind: &str, object: &Value| {
        let object = trimmed(asked, shown(cluster, target, served, object));
        format!("{}\n", json!({ "type": kind, "object": object }))
    };
    let mut body = String::new();
    if initial || since.is_empty() || since == "0" {
        for (_, object) in cluster.kube.list(&target.resource(), target.namespace.as_deref()) {
            if selector.fits(object) {
                body += &told("ADDED", object);
            }
        }
        if initial {
            body += &format!("{}\n", bookmark(cluster, target.api_version(), &served.kind));
        }
        return Ok(Answer { body, waits: false, ..Answer::document(&Value::Null) });
    }
    let version = since.parse().map_err(|_| Status::bad(format!("invalid resource version {since:?}")))?;
    let Some(changes) = cluster.kube.changes_since(&target.resource(), version) else {
        let gone = json!({ "type": "ERROR", "object": Status::expired().document() });
        return Ok(Answer { body: format!("{gone}\n"), ..Answer::document(&Value::Null) });
    };
    let within = |object: &Value| {
        target.namespace.as_ref().is_none_or(|it| object["metadata"]["namespace"] == it.as_str())
    };
    for change in changes {
        if within(&change.object) && selector.fits(&change.object) {
            let kind = match change.happened {
                Happened::Added => "ADDED",
                Happened::Modified => "MODIFIED",
                Happened::Deleted => "DELETED",
            };
            body += &told(kind, &change.object);
        }
    }
    let waits = body.is_empty();
    if waits && asked.is_set("allowWatchBookmarks") {
        body = format!("{}\n", bookmark(cluster, target.api_version(), &served.kind));
    }
    Ok(Answer { body, waits, ..Answer::document(&Value::Null) })
}

fn bookmark(cluster: &Cluster, api_version: String, kind: &str) -> Value {
    let metadata = json!({
        "resourceVersion": cluster.kube.version().to_string(),
        "annotations": { "k8s.io/initial-events-end": "true" },
    });
    json!({ "type": "BOOKMARK", "object": { "apiVersion": api_version, "kind": kind, "metadata": metadata } })
}
