use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::KubernetesChanges;
use fleetwright_ports::kubernetes::{Created, Eviction, Patched};
use jiff::Timestamp;
use serde_json::Value;

use super::patch::{Refused, applied};
use super::{FakeKubernetes, State, failure, inapplicable, object_path, pod_path, served};
use crate::hosts::Fault;

/// From an eviction until the pod is gone.
const STOPS_AFTER: Duration = Duration::from_secs(30);

impl FakeKubernetes {
    /// Makes a request that changes something: it takes effect unless it is refused, and the reply may get lost.
    fn write<T>(
        &self,
        what: &str,
        work: impl FnOnce(&mut State, Timestamp) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (mut state, fault) = self.begin(what);
        if let Some(Fault::Refused(failure)) = fault {
            return Err(failure);
        }
        let done = work(&mut state, self.clock.now())?;
        match fault {
            None => Ok(done),
            Some(_) => Err(failure((ErrorClass::Ambiguous, &code::REPLY_LOST), what, "the reply was lost")),
        }
    }
}

#[async_trait]
impl KubernetesChanges for FakeKubernetes {
    async fn patch(&self, path: &str, operations: &Value) -> Result<Patched, Failure> {
        let what = &format!("patch {}", path.rsplit('/').nth(1).unwrap_or_default());
        object_path(path, what)?;
        self.write(what, |state, _| {
            let Some(object) = state.objects.get(path).cloned() else {
                return Err(failure(
                    (ErrorClass::NotFound, &code::NOT_FOUND),
                    what,
                    "there is no such object",
                ));
            };
            match applied(object, operations) {
                Err(Refused::Operation(operation)) => Err(inapplicable(what, &operation)),
                Err(Refused::Test(at, found)) => {
                    Ok(Patched::TestFailed { reason: format!("{at} is {found}") })
                }
                Ok(mut object) => {
                    state.made += 1;
                    object["metadata"]["resourceVersion"] = state.made.to_string().into();
                    state.objects.insert(path.to_owned(), object.clone());
                    Ok(Patched::Applied(object))
                }
            }
        })
    }

    async fn create(&self, path: &str, object: &Value) -> Result<Created, Failure> {
        let what = &format!("create {}", path.rsplit('/').next().unwrap_or_default());
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let made = format!("{path}/{name}");
        object_path(&made, what)?;
        self.write(what, |state, now| {
            let Some(served) = served(&made) else {
                return Err(failure((ErrorClass::NotFound, &code::NOT_FOUND), what, "nobody serves it"));
            };
            if state.objects.contains_key(&made) {
                return Ok(Created::There);
            }
            state.keep(&made, served, object.clone());
            if let (Some((after, condition)), "Job") = (&state.jobs, served.1) {
                let end = (crate::hosts::after(now, *after), condition.clone());
                state.ends.insert(made.clone(), end);
            }
            Ok(Created::Made(state.objects[&made].clone()))
        })
    }

    async fn evict(&self, namespace: &str, name: &str, uid: &str) -> Result<Eviction, Failure> {
        let path = pod_path(namespace, name);
        self.write("evict pods", |state, now| {
            let State { objects, held, stops, .. } = state;
            let Some(pod) = objects.get_mut(&path).filter(|pod| pod["metadata"]["uid"] == uid) else {
                return Ok(Eviction::Gone);
            };
            if let (Some(budget), false) = (held.get(&path), stops.contains_key(&path)) {
                return Ok(Eviction::Refused { reason: format!("the budget {budget} allows no disruption") });
            }
            stops.entry(path).or_insert_with(|| {
                pod["metadata"]["deletionTimestamp"] = now.to_string().into();
                crate::hosts::after(now, STOPS_AFTER)
            });
            Ok(Eviction::Accepted)
        })
    }
}
