//! Members of objects. One that is absent is told from one that is something else.

use fleetwright_kubernetes::{Labels, ObjectMeta, OwnerReference};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Read, unread};
use crate::facts::UnreadCause;

/// Why an object cannot be understood.
pub(super) type Fault = String;

fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// What is there; `None` where it is absent or null.
pub(super) fn member<'v>(of: &'v Value, pointer: &str) -> Option<&'v Value> {
    of.pointer(pointer).filter(|value| !value.is_null())
}

/// A text, where there is one.
pub(super) fn text<'v>(of: &'v Value, pointer: &str) -> Result<Option<&'v str>, Fault> {
    let is = |value: &'v Value| value.as_str().ok_or_else(|| format!("{} is no text", name(pointer)));
    member(of, pointer).map(is).transpose()
}

/// A text that must be there.
pub(super) fn needed<'v>(of: &'v Value, pointer: &str) -> Result<&'v str, Fault> {
    text(of, pointer)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("{} is missing", name(pointer)))
}

/// A list; empty where there is none.
pub(super) fn items<'v>(of: &'v Value, pointer: &str) -> Result<&'v [Value], Fault> {
    match member(of, pointer) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{} is no list", name(pointer))),
    }
}

/// A list of texts; empty where there is none.
pub(super) fn texts(of: &Value, pointer: &str) -> Result<Vec<String>, Fault> {
    parsed(of, pointer).map(Option::unwrap_or_default)
}

/// Yes or no; no where nothing is said.
pub(super) fn flag(of: &Value, pointer: &str) -> Result<bool, Fault> {
    parsed(of, pointer).map(Option::unwrap_or_default)
}

/// A number that is not negative.
pub(super) fn count(of: &Value, pointer: &str) -> Result<Option<u32>, Fault> {
    parsed(of, pointer)
}

/// A moment.
pub(super) fn time(of: &Value, pointer: &str) -> Result<Option<Timestamp>, Fault> {
    let read = |text: &str| text.parse().map_err(|_| format!("{} is no time", name(pointer)));
    text(of, pointer)?.map(read).transpose()
}

/// Anything that its type reads; `None` where it is absent or null.
pub(super) fn parsed<T: DeserializeOwned>(of: &Value, pointer: &str) -> Result<Option<T>, Fault> {
    let read = |value: &Value| T::deserialize(value).map_err(|error| format!("{}: {error}", name(pointer)));
    member(of, pointer).map(read).transpose()
}

/// Labels or annotations.
pub(super) fn labels(of: &Value, pointer: &str) -> Result<Labels, Fault> {
    parsed(of, pointer).map(Option::unwrap_or_default)
}

/// An object's metadata.
pub(super) fn metadata(object: &Value) -> Result<ObjectMeta, Fault> {
    let mut owner_references = Vec::new();
    for owner in items(object, "/metadata/ownerReferences")? {
        owner_references.push(OwnerReference {
            kind: needed(owner, "/kind")?.to_owned(),
            name: needed(owner, "/name")?.to_owned(),
            controller: flag(owner, "/controller")?,
        });
    }
    Ok(ObjectMeta {
        namespace: text(object, "/metadata/namespace")?.unwrap_or_default().to_owned(),
        name: needed(object, "/metadata/name")?.to_owned(),
        labels: labels(object, "/metadata/labels")?,
        annotations: labels(object, "/metadata/annotations")?,
        owner_references,
        deleting: member(object, "/metadata/deletionTimestamp").is_some(),
    })
}

/// An object in a few words: kind, namespace, name, as far as it says them.
pub(super) fn reference(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}

/// Reads each object; the first that cannot be understood is named.
pub(super) fn each<T>(objects: &[Value], read: impl Fn(&Value) -> Result<T, Fault>) -> Read<Vec<T>> {
    objects.iter().map(|object| of(object, read(object))).collect()
}

/// What was read of an object, or that it cannot be understood.
pub(super) fn of<T>(object: &Value, read: Result<T, Fault>) -> Read<T> {
    let unclear = |fault: Fault| unread(UnreadCause::Incomplete, format!("{}: {fault}", reference(object)));
    read.map_err(unclear)
}

/// The object of that name, where there is one.
pub(super) fn named<'v>(objects: &'v [Value], namespace: &str, name: &str) -> Option<&'v Value> {
    objects.iter().find(|of| {
        of["metadata"]["name"] == name
            && of["metadata"]["namespace"].as_str().unwrap_or_default() == namespace
    })
}
