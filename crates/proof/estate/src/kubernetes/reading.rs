//! Reading objects: one, or lists in pages; whole, only their metadata, or as a table.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Status};
use super::asked::{Asked, Target};
use super::discovery::Served;
use super::selector::Selector;
use super::table;
use crate::world::eks::{Cluster, running};
use crate::world::kube::{BUDGETS, Key};

/// What a request is about; discovery has found it before.
pub(super) fn target(asked: &Asked) -> Result<&Target, Status> {
    asked.target.as_ref().ok_or_else(|| Status::bad("the request names no resource"))
}

/// The key of the object that a request names.
pub(super) fn key(target: &Target) -> Key {
    (target.namespace.clone().unwrap_or_default(), target.name.clone().unwrap_or_default())
}

/// An object as it goes out: in the version asked for, with what its controller says of it.
pub(super) fn shown(cluster: &Cluster, target: &Target, served: &Served, object: &Value) -> Value {
    let mut object = object.clone();
    object["apiVersion"] = target.api_version().into();
    object["kind"] = served.kind.as_str().into();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    match target.resource().as_str() {
        BUDGETS => {
            let standing = cluster.kube.standing(&namespace, &object);
            let generation = object["metadata"]["generation"].clone();
            object["status"] = standing.status(&generation);
        }
        "apps/deployments" | "apps/replicasets" | "apps/statefulsets" => {
            object["status"] = running::workload_status(cluster, &namespace, &object);
        }
        "apps/daemonsets" => {
            let status = running::workload_status(cluster, &namespace, &object);
            object["status"] = json!({
                "desiredNumberScheduled": status["replicas"], "currentNumberScheduled": status["replicas"],
                "numberReady": status["readyReplicas"], "numberAvailable": status["readyReplicas"],
                "numberMisscheduled": 0,
            });
        }
        _ => {}
    }
    object
}

/// The form in which a client wants objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Whole,
    /// Their metadata alone.
    Metadata,
    /// Rows of a table.
    Table,
}

impl Form {
    /// The first form of a request's `Accept` that there is.
    pub(super) fn of(asked: &Asked) -> Self {
        let forms = asked.accept.split(',').filter_map(|kind| {
            let mut parameters = kind.split(';').map(str::trim);
            (parameters.next() == Some("application/json")).then_some(())?;
            match parameters.find_map(|it| it.strip_prefix("as=")) {
                None => Some(Self::Whole),
                Some("Table") => Some(Self::Table),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(Self::Metadata),
                Some(_) => None,
            }
        });
        forms.into_iter().next().unwrap_or(Self::Whole)
    }

    /// A word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Metadata => "metadata",
            Self::Table => "table",
        }
    }
}

/// An object of which only the metadata is shown.
pub(super) fn metadata_only(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}

/// One object in the form that the client wants.
pub(super) fn formed(asked: &Asked, target: &Target, object: Value, now: Timestamp) -> Value {
    match Form::of(asked) {
        Form::Whole => object,
        Form::Metadata => metadata_only(&object),
        Form::Table => {
            let version = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
            table::of(asked, &target.resource(), &[object], version, now)
        }
    }
}

/// Reads one object.
pub(super) fn get(
    cluster: &Cluster,
    asked: &Asked,
    served: &Served,
    now: Timestamp,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let key = key(target);
    let found = cluster.kube.get(&target.resource(), &key.0, &key.1);
    let found = found.ok_or_else(|| Status::missing(&target.plural, &key.1))?;
    Ok(Answer::document(&formed(asked, target, shown(cluster, target, served, found), now)))
}

/// Where a list goes on: the version that it began with, and the last object that was shown.
fn continued(asked: &Asked) -> Result<Option<(String, Key)>, Status> {
    let Some(token) = asked.query.get("continue").filter(|it| !it.is_empty()) else { return Ok(None) };
    let read =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|it| serde_json::from_slice::<[String; 3]>(&it).ok());
    let [version, namespace, name] = read.ok_or_else(|| Status::bad("continue key is not valid"))?;
    Ok(Some((version, (namespace, name))))
}

/// Lists objects.
pub(super) fn list(
    cluster: &Cluster,
    asked: &Asked,
    served: &Served,
    now: Timestamp,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let selector = Selector::read(asked.query.get("labelSelector"), asked.query.get("fieldSelector"))?;
    let limit = asked.query.get("limit").and_then(|it| it.parse::<usize>().ok()).filter(|it| *it > 0);
    let from = continued(asked)?;
    let version = from.as_ref().map_or_else(|| cluster.kube.version().to_string(), |it| it.0.clone());
    let all = cluster.kube.list(&target.resource(), target.namespace.as_deref());
    let behind = all.filter(|(key, _)| from.as_ref().is_none_or(|(_, last)| *key > last));
    let mut found = behind.filter(|(_, object)| selector.fits(object)).peekable();
    let (mut items, mut last) = (Vec::new(), None);
    while items.len() < limit.unwrap_or(usize::MAX) {
        let Some((key, object)) = found.next() else { break };
        items.push(shown(cluster, target, served, object));
        last = Some(key.clone());
    }
    let mut metadata = json!({ "resourceVersion": version });
    if let (Some(_), Some((namespace, name))) = (found.peek(), last) {
        let token = json!([version, namespace, name]).to_string();
        metadata["continue"] = URL_SAFE_NO_PAD.encode(token).into();
        metadata["remainingItemCount"] = found.count().into();
    }
    let (kind, version) = match Form::of(asked) {
        Form::Table => {
            let table = table::of(asked, &target.resource(), &items, metadata, now);
            return Ok(Answer::document(&table));
        }
        Form::Metadata => {
            items = items.iter().map(metadata_only).collect();
            ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
        }
        Form::Whole => (format!("{}List", served.kind), target.api_version()),
    };
    Ok(Answer::document(
        &json!({ "kind": kind, "apiVersion": version, "metadata": metadata, "items": items }),
    ))
}
