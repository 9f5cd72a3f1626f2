//! Changing things: objects by JSON patches, pods by evictions; and making objects that have a name.
//!
//! Sources: RFC 6902; Kubernetes documentation, "API-initiated Eviction" and "Update API Objects in Place Using
//! kubectl patch"; `k8s.io/apiserver`, `pkg/endpoints/handlers/patch.go`.

use async_trait::async_trait;
use fleetwright_model::redaction::redact;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::KubernetesChanges;
use fleetwright_ports::kubernetes::{Created, Eviction, Patched};
use http::Method;
use serde_json::{Value, json};

use crate::answer::{Refused, failure, unexpected};
use crate::connection::{Body, Call, Connection, Effect, in_doubt};
use crate::list::encoded;

/// Characters of a value in a message.
const EXCERPT: usize = 80;

/// One cluster's API server, to be changed.
pub(crate) struct Changes(pub(crate) Connection);

/// The resource that a path of an object names, such as `nodes`.
///
/// # Errors
/// It is no path of an object: it would lead to somewhere else.
fn resource<'p>(connection: &Connection, path: &'p str, verb: &str) -> Result<&'p str, Failure> {
    let plain = |b: u8| b.is_ascii_graphic() && !b"?#\\".contains(&b);
    let parts: Vec<&str> = path.split('/').collect();
    let whole = parts[1..].iter().all(|part| !matches!(*part, "" | "." | ".."));
    match parts[..] {
        ["", "api" | "apis", _, .., resource, _] if whole && path.bytes().all(plain) => Ok(resource),
        _ => {
            let words = format!("{path:?} is no path of an object");
            Err(failure((ErrorClass::Permanent, &code::REQUEST_REFUSED), connection.of(verb), &words))
        }
    }
}

/// One object.
///
/// # Errors
/// The failure of the request; it is no object.
pub(crate) async fn object(connection: &Connection, path: &str) -> Result<Option<Value>, Failure> {
    let what = format!("get {}", resource(connection, path, "get")?);
    match connection.exchange(&Call::get(path, &what)).await {
        Err(refused) if refused.status == Some(404) => Ok(None),
        Err(refused) => Err(refused.failure),
        Ok(answer) => match answer.json(connection.of(&what))? {
            object if object.is_object() => Ok(Some(object)),
            _ => Err(unexpected(connection.of(&what), "the answer is no object")),
        },
    }
}

/// The first of the tests that a patch begins with which does not hold for an object, and what is there. A test for null
/// holds where nothing is, too: that is how the library that API servers patch with has it
/// (github.com/evanphx/json-patch).
fn broken_test(operations: &Value, object: &Value) -> Option<String> {
    let tests = operations.as_array().into_iter().flatten().take_while(|it| it["op"] == "test");
    tests
        .filter_map(|test| {
            let path = test["path"].as_str()?;
            let found = object.pointer(path).unwrap_or(&Value::Null);
            let short = |value: &Value| redact(&value.to_string()).chars().take(EXCERPT).collect::<String>();
            (*found != test["value"])
                .then(|| format!("{path} is {} and not {}", short(found), short(&test["value"])))
        })
        .next()
}

impl Changes {
    /// What a patch that could not be applied failed with. The server tells no test from another operation that cannot be
    /// done: it answers 422 and names nothing.
    async fn judged(&self, path: &str, operations: &Value, refused: Refused) -> Result<Patched, Failure> {
        let object = object(&self.0, path).await?;
        match object.and_then(|object| broken_test(operations, &object)) {
            Some(reason) => Ok(Patched::TestFailed { reason }),
            None => Err(refused.failure),
        }
    }

    /// Whether the pod of that uid is there. A refusal may be about another one that has its name by now: servers ask
    /// budgets before they look at the uid.
    async fn is_there(&self, pod: &str, uid: &str) -> Result<bool, Failure> {
        let found = object(&self.0, pod).await?;
        Ok(found.is_some_and(|found| found["metadata"]["uid"] == uid))
    }
}

#[async_trait]
impl KubernetesChanges for Changes {
    /// A patch that may have been applied is not sent again: its tests would fail because of itself.
    async fn patch(&self, path: &str, operations: &Value) -> Result<Patched, Failure> {
        let what = format!("patch {}", resource(&self.0, path, "patch")?);
        let body = Body { content_type: "application/json-patch+json", document: operations.clone() };
        let call = Call {
            method: Method::PATCH,
            body: Some(body),
            effect: Effect::Once,
            targets: vec![path.into()],
            ..Call::get(path, &what)
        };
        match self.0.exchange(&call).await {
            Ok(answer) => match answer.json(self.0.of(&what)) {
                Ok(object) if object.is_object() => Ok(Patched::Applied(object)),
                Ok(_) => Err(in_doubt(unexpected(self.0.of(&what), "the answer is no object"))),
                Err(failure) => Err(in_doubt(failure)),
            },
            Err(refused) if refused.status == Some(422) && refused.names_nothing() => {
                self.judged(path, operations, *refused).await
            }
            Err(refused) => Err(refused.failure),
        }
    }

    /// A second request for the same name finds what the first one made: it is sent again.
    async fn create(&self, path: &str, object: &Value) -> Result<Created, Failure> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let made = format!("{path}/{}", encoded(name));
        let what = format!("create {}", resource(&self.0, &made, "create")?);
        let call = Call {
            effect: Effect::ByState,
            targets: vec![made.as_str().into()],
            ..Call::post(path, &what, object.clone())
        };
        match self.0.exchange(&call).await {
            Ok(answer) => match answer.json(self.0.of(&what)) {
                Ok(object) if object.is_object() => Ok(Created::Made(object)),
                Ok(_) => Err(in_doubt(unexpected(self.0.of(&what), "the answer is no object"))),
                Err(failure) => Err(in_doubt(failure)),
            },
            Err(refused) if refused.status == Some(409) && refused.said["reason"] == "AlreadyExists" => {
                Ok(Created::There)
            }
            Err(refused) => Err(refused.failure),
        }
    }

    async fn evict(&self, namespace: &str, name: &str, uid: &str) -> Result<Eviction, Failure> {
        let pod = format!("/api/v1/namespaces/{}/pods/{}", encoded(namespace), encoded(name));
        resource(&self.0, &pod, "evict pods")?;
        let document = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "namespace": namespace, "name": name },
            "deleteOptions": { "preconditions": { "uid": uid } },
        });
        let call = Call {
            effect: Effect::ByState,
            targets: vec![pod.as_str().into(), uid.into()],
            ..Call::post(format!("{pod}/eviction"), "evict pods", document)
        };
        let refused = match self.0.exchange(&call).await {
            Ok(_) => return Ok(Eviction::Accepted),
            Err(refused) => *refused,
        };
        match (refused.by_budgets(), refused.status) {
            // Who may evict may not be allowed to look; the refusal stands then.
            (Some(reason), _) => match self.is_there(&pod, uid).await {
                Ok(false) => Ok(Eviction::Gone),
                Ok(true) | Err(_) => Ok(Eviction::Refused { reason }),
            },
            // A server that does not serve the path names no object.
            (None, Some(404)) if refused.said["details"]["name"] == name => Ok(Eviction::Gone),
            (None, Some(409)) if !self.is_there(&pod, uid).await? => Ok(Eviction::Gone),
            _ => Err(refused.failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_does_not_hold_is_named_with_what_is_there() {
        let object = json!({ "metadata": { "annotations": { "a/b": "1" } }, "spec": {} });
        let broken = |operations: Value| broken_test(&operations, &object);
        let test = |path: &str, value: Value| json!({ "op": "test", "path": path, "value": value });
        let holds = test("/metadata/annotations/a~1b", json!("1"));
        let absent = test("/spec/unschedulable", Value::Null);
        assert_eq!(broken(json!([holds, absent])), None);
        assert_eq!(
            broken(json!([holds, test("/spec/unschedulable", json!(true))])).as_deref(),
            Some("/spec/unschedulable is null and not true")
        );
        let later = json!([{ "op": "add", "path": "/spec/a", "value": 1 }, test("/spec/a", json!(1))]);
        assert_eq!(broken(later), None, "what a patch itself changes is not looked for");
    }
}
