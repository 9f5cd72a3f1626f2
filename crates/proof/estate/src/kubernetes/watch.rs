//! Watches: what has changed since a version. Where a connection stays open, what happens next follows; else that is
//! the end, and clients watch on from the last version they saw.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Status};
use super::asked::Asked;
use super::discovery::{self, Served};
use super::reading::{formed, shown, target};
use super::selector::Selector;
use crate::estate::Estate;
use crate::world::eks::{self, Cluster};
use crate::world::kube::Happened;

/// What a watch is told now.
pub(super) fn answer(
    cluster: &Cluster,
    asked: &Asked,
    served: &Served,
    now: Timestamp,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let named = target.name.as_ref().map(|name| format!("metadata.name={name}"));
    let fields = asked.query.get("fieldSelector").or(named.as_ref());
    let selector = Selector::read(asked.query.get("labelSelector"), fields)?;
    let since = asked.query.get("resourceVersion").map_or("", String::as_str);
    let initial = asked.is_set("sendInitialEvents");
    let told = |kind: &str, object: &Value| {
        let object = formed(asked, target, shown(cluster, target, served, object), now);
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
            let annotations = json!({ "k8s.io/initial-events-end": "true" });
            body += &bookmark(cluster, target.api_version(), &served.kind, annotations);
        }
        return Ok(told_until(cluster, body, false));
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
        body = bookmark(cluster, target.api_version(), &served.kind, Value::Null);
    }
    Ok(told_until(cluster, body, waits))
}

/// Events up to the version that the cluster has now.
fn told_until(cluster: &Cluster, body: String, waits: bool) -> Answer {
    Answer { body, waits, goes_on: Some(cluster.kube.version()), ..Answer::document(&Value::Null) }
}

/// An event that only says how far the watch has come.
fn bookmark(cluster: &Cluster, api_version: String, kind: &str, annotations: Value) -> String {
    let mut metadata = json!({ "resourceVersion": cluster.kube.version().to_string() });
    if !annotations.is_null() {
        metadata["annotations"] = annotations;
    }
    let object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
    format!("{}\n", json!({ "type": "BOOKMARK", "object": object }))
}

/// A watch over a connection that stays open, after its first events.
#[derive(Debug)]
pub(crate) struct Watch {
    id: String,
    asked: Asked,
    ends: Option<Timestamp>,
}

impl Watch {
    /// The rest of a watch of the cluster with that id; none where its first answer was the end of it.
    pub(super) fn after(first: &Answer, id: &str, mut asked: Asked, now: Timestamp) -> Option<Self> {
        let version = first.goes_on?;
        // What is only for the beginning.
        for name in ["sendInitialEvents", "allowWatchBookmarks"] {
            asked.query.remove(name);
        }
        asked.query.insert("resourceVersion".to_owned(), version.to_string());
        let seconds = asked.query.get("timeoutSeconds").and_then(|it| it.parse().ok());
        let ends = seconds.and_then(|it| now.checked_add(SignedDuration::from_secs(it)).ok());
        Some(Self { id: id.to_owned(), asked, ends })
    }

    /// What has happened since the last time, which may be nothing; none at the end of the watch.
    pub(crate) fn next(&mut self, estate: &Estate) -> Option<String> {
        let mut guard = estate.lock();
        let inside = &mut *guard;
        let now = estate.now();
        if self.ends.is_some_and(|ends| now >= ends) {
            return None;
        }
        let found = super::find(inside, &self.id)?;
        inside.world.advance(&found.account, &found.region, now);
        let mut place = inside.world.place(&found.account, &found.region)?;
        let told = eks::with(&mut place, &found.name, now, |cluster, _, ground| {
            let served = discovery::of(cluster, target(&self.asked)?)?;
            answer(cluster, &self.asked, &served, ground.now)
        });
        let told = told?.ok()?;
        // Events of versions that are forgotten end a watch, with an event that says so.
        match told.goes_on {
            Some(version) => drop(self.asked.query.insert("resourceVersion".to_owned(), version.to_string())),
            None => self.ends = Some(now),
        }
        Some(told.body)
    }
}
