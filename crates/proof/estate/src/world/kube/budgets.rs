//! Pod disruption budgets: how many pods may go, and whether one may.
//!
//! Rules: Kubernetes documentation, "Specifying a Disruption Budget for your Application" and "API-initiated
//! Eviction".

use serde_json::{Value, json};

use super::{BUDGETS, Key, PODS, Store, controller, pods, selects};

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Pods that ought to be there.
    pub expected: u64,
    /// Pods that are ready.
    pub healthy: u64,
    /// Pods that have to stay ready.
    pub desired: u64,
}

impl Standing {
    /// How many pods may go now.
    #[must_use]
    pub const fn allowed(self) -> u64 {
        if self.expected == 0 { 0 } else { self.healthy.saturating_sub(self.desired) }
    }

    /// The same as the API shows it.
    #[must_use]
    pub fn status(self, generation: &Value) -> Value {
        json!({
            "expectedPods": self.expected,
            "currentHealthy": self.healthy,
            "desiredHealthy": self.desired,
            "disruptionsAllowed": self.allowed(),
            "observedGeneration": generation,
        })
    }
}

/// Why a pod may not be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A budget allows no disruption.
    Budget {
        /// Its name.
        name: String,
        /// How it stands.
        standing: Standing,
    },
    /// Several budgets are about the pod.
    Several(Vec<String>),
    /// A webhook does not let it go.
    Webhook(String),
}

/// A number of pods: as such, or as a percentage of those expected, rounded up.
fn scaled(given: &Value, expected: u64) -> Option<u64> {
    match given.as_str().and_then(|text| text.strip_suffix('%')) {
        Some(percent) => Some((expected * percent.parse::<u64>().ok()?).div_ceil(100)),
        None => given.as_u64().or_else(|| given.as_str()?.parse().ok()),
    }
}

impl Store {
    /// How a budget stands.
    #[must_use]
    pub fn standing(&self, namespace: &str, budget: &Value) -> Standing {
        let selector = &budget["spec"]["selector"];
        let all = self.list(PODS, Some(namespace)).map(|(_, pod)| pod);
        let covered: Vec<&Value> = all
            .filter(|pod| selects(selector, &pod["metadata"]["labels"]) && !pods::has_ended(pod))
            .collect();
        let healthy = covered.iter().filter(|pod| pods::is_ready(pod)).count() as u64;
        let spec = &budget["spec"];
        // A plain number to be kept needs no controller; everything else goes by their sizes.
        let (expected, desired) = match (&spec["minAvailable"], &spec["maxUnavailable"]) {
            (least, _) if least.is_u64() => (covered.len() as u64, least.as_u64().unwrap_or(0)),
            (Value::Null, Value::Null) => {
                let expected = self.wanted(namespace, &covered);
                (expected, expected.saturating_sub(1))
            }
            (Value::Null, most) => {
                let expected = self.wanted(namespace, &covered);
                (expected, expected.saturating_sub(scaled(most, expected).unwrap_or(0)))
            }
            (least, _) => {
                let expected = self.wanted(namespace, &covered);
                (expected, scaled(least, expected).unwrap_or(expected))
            }
        };
        Standing { expected, healthy, desired }
    }

    /// The sizes of the controllers of these pods together.
    fn wanted(&self, namespace: &str, covered: &[&Value]) -> u64 {
        let mut owners: Vec<(&str, &str)> = covered.iter().filter_map(|pod| controller(pod)).collect();
        owners.sort_unstable();
        owners.dedup();
        let size = |(kind, name): &(&str, &str)| {
            let resource = match *kind {
                "ReplicaSet" => "apps/replicasets",
                "StatefulSet" => "apps/statefulsets",
                "ReplicationController" => "replicationcontrollers",
                _ => return None,
            };
            self.get(resource, namespace, name)?["spec"]["replicas"].as_u64()
        };
        owners.iter().filter_map(size).sum()
    }

    /// Whether a pod may be evicted now.
    ///
    /// # Errors
    /// What forbids it.
    pub fn may_evict(&self, key: &Key, pod: &Value) -> Result<(), Refused> {
        let waits = pod["status"]["phase"] == "Pending";
        if waits || pods::has_ended(pod) || !pod["metadata"]["deletionTimestamp"].is_null() {
            return Ok(());
        }
        let labels = &pod["metadata"]["labels"];
        let budgets = self.list(BUDGETS, Some(&key.0));
        let about: Vec<(&Key, &Value)> =
            budgets.filter(|(_, budget)| selects(&budget["spec"]["selector"], labels)).collect();
        let (name, budget) = match about[..] {
            [] => return Ok(()),
            [((_, name), budget)] => (name, budget),
            _ => return Err(Refused::Several(about.iter().map(|((_, name), _)| name.clone()).collect())),
        };
        let standing = self.standing(&key.0, budget);
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        let enough = standing.desired > 0 && standing.healthy >= standing.desired;
        let allowed = match pods::is_ready(pod) {
            true => standing.allowed() > 0,
            false => always || enough || standing.allowed() > 0,
        };
        if allowed { Ok(()) } else { Err(Refused::Budget { name: name.clone(), standing }) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::generate::seed::Seed;

    fn store(ready: u64, of: u64) -> Store {
        let mut store = Store::new(Seed::root(1));
        let now = Timestamp::UNIX_EPOCH;
        let set = json!({ "metadata": { "namespace": "n", "name": "web" }, "spec": { "replicas": of } });
        store.put("apps/replicasets", set, now);
        for number in 0..of {
            let status = if number < ready { "True" } else { "False" };
            let owner = json!([{ "kind": "ReplicaSet", "name": "web", "controller": true }]);
            let pod = json!({ "metadata": { "namespace": "n", "name": format!("web-{number}"),
                                            "labels": { "app": "web" }, "ownerReferences": owner },
                              "status": { "phase": "Running",
                                          "conditions": [{ "type": "Ready", "status": status }] } });
            store.put(PODS, pod, now);
        }
        store
    }

    fn budget(store: &mut Store, name: &str, mut spec: Value) {
        spec["selector"] = json!({ "matchLabels": { "app": "web" } });
        let budget = json!({ "metadata": { "namespace": "n", "name": name }, "spec": spec });
        store.put(BUDGETS, budget, Timestamp::UNIX_EPOCH);
    }

    fn evict(store: &Store, number: u64) -> Result<(), Refused> {
        let key = ("n".to_owned(), format!("web-{number}"));
        store.may_evict(&key, store.get(PODS, &key.0, &key.1).expect("a pod"))
    }

    #[test]
    fn a_budget_allows_what_its_numbers_leave() {
        let cases = [
            (json!({ "minAvailable": 2 }), (3, 3), 1),
            (json!({ "minAvailable": 3 }), (3, 3), 0),
            (json!({ "minAvailable": "50%" }), (3, 3), 1),
            (json!({ "maxUnavailable": 1 }), (3, 3), 1),
            (json!({ "maxUnavailable": 1 }), (2, 3), 0),
            (json!({ "maxUnavailable": "10%" }), (3, 3), 1),
            (json!({ "maxUnavailable": 0 }), (3, 3), 0),
        ];
        for (spec, (ready, of), allowed) in cases {
            let mut store = store(ready, of);
            budget(&mut store, "web", spec.clone());
            let found = store.get(BUDGETS, "n", "web").expect("kept");
            assert_eq!(store.standing("n", found).allowed(), allowed, "{spec} with {ready} of {of}");
        }
    }

    #[test]
    fn an_unready_pod_goes_where_the_budget_holds_without_it_or_does_not_mind() {
        let mut minds = store(1, 3);
        budget(&mut minds, "web", json!({ "maxUnavailable": 1 }));
        assert!(matches!(evict(&minds, 2), Err(Refused::Budget { name, .. }) if name == "web"));
        budget(
            &mut minds,
            "web",
            json!({ "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow" }),
        );
        assert_eq!(evict(&minds, 2), Ok(()));
        assert!(evict(&minds, 0).is_err(), "a ready one still counts");
        let mut holds = store(2, 3);
        budget(&mut holds, "web", json!({ "maxUnavailable": 1 }));
        assert_eq!(evict(&holds, 2), Ok(()));
    }

    #[test]
    fn a_pod_under_two_budgets_cannot_be_evicted_at_all() {
        let mut store = store(3, 3);
        budget(&mut store, "one", json!({ "maxUnavailable": 1 }));
        budget(&mut store, "two", json!({ "maxUnavailable": 1 }));
        assert_eq!(evict(&store, 0), Err(Refused::Several(vec!["one".to_owned(), "two".to_owned()])));
    }
}
