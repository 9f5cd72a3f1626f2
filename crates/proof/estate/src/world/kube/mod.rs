//! A cluster's Kubernetes objects, as its API server keeps them: documents by resource, namespace and name.
//!
//! Controllers and kubelets are what [`super::eks`] does as time passes; what they decide from is here.

pub mod admission;
pub mod budgets;
pub mod nodes;
pub mod pods;
pub mod workloads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::generate::seed::Seed;
use crate::world::command::uuid;
use pods::Load;
use rand::RngExt;

/// The resources that others are computed from: group and plural, the core group without one.
pub const PODS: &str = "pods";
/// Nodes.
pub const NODES: &str = "nodes";
/// Pod disruption budgets.
pub const BUDGETS: &str = "policy/poddisruptionbudgets";

/// Changes that a watch can still ask for.
const CHANGES_KEPT: usize = 5_000;

/// Namespace, empty for what has none, and name.
pub type Key = (String, String);

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It is new.
    Added,
    /// It is another than before.
    Modified,
    /// It is gone.
    Deleted,
}

/// A change that watches tell of.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The store's version after it.
    pub version: u64,
    /// The resource.
    pub resource: String,
    /// What happened.
    pub happened: Happened,
    /// The object: after the change, or as it last was.
    pub object: Value,
}

/// The objects of a cluster.
#[derive(Debug)]
pub struct Store {
    seed: Seed,
    objects: BTreeMap<String, BTreeMap<Key, Value>>,
    version: u64,
    changes: VecDeque<Changed>,
    /// Pods by node, with what they ask of it; kept beside the pods, of which there are many.
    pub(super) loads: BTreeMap<String, Load>,
    /// Pods without a node.
    pub(super) pending: BTreeSet<Key>,
}

impl Store {
    /// An empty store; the seed decides identifiers.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            objects: BTreeMap::new(),
            version: 1,
            changes: VecDeque::new(),
            loads: BTreeMap::new(),
            pending: BTreeSet::new(),
        }
    }

    /// The version of the whole store, which every change raises.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    #[must_use]
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(resource)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a resource in the order of namespaces and names; of one namespace where it is given.
    pub fn list<'s>(
        &'s self,
        resource: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = (&'s Key, &'s Value)> + use<'s> {
        let within = namespace.map(str::to_owned);
        let from = (within.clone().unwrap_or_default(), String::new());
        let all = self.objects.get(resource).into_iter();
        all.flat_map(move |all| all.range(from.clone()..))
            .take_while(move |(key, _)| within.as_ref().is_none_or(|namespace| key.0 == *namespace))
    }

    /// Resources of which there are objects.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(String::as_str)
    }

    /// Keeps an object under the namespace and name that its metadata say, and gives it what the API server
    /// gives: identity, age and version.
    pub fn put(&mut self, resource: &str, mut object: Value, now: Timestamp) -> Key {
        let key = key(&object);
        self.version += 1;
        let before = self.objects.get(resource).and_then(|all| all.get(&key));
        let (happened, uid, created) = match before.map(|it| &it["metadata"]) {
            Some(before) => (Happened::Modified, before["uid"].clone(), before["creationTimestamp"].clone()),
            None => (Happened::Added, self.uid(resource, &key).into(), seconds(now).into()),
        };
        let metadata = &mut object["metadata"];
        metadata["uid"] = uid;
        if metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = created;
        }
        metadata["resourceVersion"] = self.version.to_string().into();
        if resource == PODS {
            self.forget_load(&key);
            self.count_load(&key, &object);
        }
        self.tell(resource, happened, object.clone());
        self.objects.entry(resource.to_owned()).or_default().insert(key.clone(), object);
        key
    }

    /// Changes an object in place; false where there is none.
    pub fn change(
        &mut self,
        resource: &str,
        key: &Key,
        now: Timestamp,
        with: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(mut object) = self.objects.get(resource).and_then(|all| all.get(key)).cloned() else {
            return false;
        };
        with(&mut object);
        self.put(resource, object, now);
        true
    }

    /// Takes an object away.
    pub fn remove(&mut self, resource: &str, key: &Key) -> Option<Value> {
        if resource == PODS {
            self.forget_load(key);
        }
        let object = self.objects.get_mut(resource)?.remove(key)?;
        self.version += 1;
        let mut last = object.clone();
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.tell(resource, Happened::Deleted, last);
        Some(object)
    }

    /// The changes of a resource after a version; none where some of those are forgotten.
    #[must_use]
    pub fn changes_since(&self, resource: &str, version: u64) -> Option<Vec<&Changed>> {
        let oldest = self.changes.front().map_or(self.version, |it| it.version - 1);
        let known = version >= oldest && version <= self.version;
        known.then(|| {
            self.changes.iter().filter(|it| it.version > version && it.resource == resource).collect()
        })
    }

    fn tell(&mut self, resource: &str, happened: Happened, object: Value) {
        if self.changes.len() == CHANGES_KEPT {
            self.changes.pop_front();
        }
        let (version, resource) = (self.version, resource.to_owned());
        self.changes.push_back(Changed { version, resource, happened, object });
    }

    fn uid(&self, resource: &str, (namespace, name): &Key) -> String {
        let seed = self.seed.child(resource).child(namespace).child(name);
        uuid(seed.nth(self.version as usize).stream().random())
    }
}

/// Namespace and name of an object.
#[must_use]
pub fn key(object: &Value) -> Key {
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// A moment as Kubernetes writes it: RFC 3339, whole seconds.
#[must_use]
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The object's controller, as its metadata name it: kind and name.
#[must_use]
pub fn controller(object: &Value) -> Option<(&str, &str)> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|it| it["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

/// A reference to the controller of what it makes.
#[must_use]
pub fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

/// Whether a label selector (`matchLabels`, `matchExpressions`) is about an object with these labels. One that
/// says nothing is about every object; one that is absent about none.
#[must_use]
pub fn selects(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let mut equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    equal.all(|(key, value)| labels[key] == *value)
        && expressions.all(|it| {
            let found = it["key"].as_str().map_or(&Value::Null, |key| &labels[key]);
            let among = || it["values"].as_array().is_some_and(|values| values.contains(found));
            match it["operator"].as_str() {
                Some("In") => among(),
                Some("NotIn") => !among(),
                Some("Exists") => !found.is_null(),
                Some("DoesNotExist") => found.is_null(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_identity_and_age_and_raises_the_version() {
        let mut store = Store::new(Seed::root(1));
        let node = json!({ "metadata": { "name": "n" } });
        let key = store.put(NODES, node.clone(), Timestamp::UNIX_EPOCH);
        let first = store.get(NODES, "", "n").expect("kept").clone();
        store.put(NODES, node, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(5));
        let second = store.get(NODES, "", "n").expect("kept");
        assert_eq!(first["metadata"]["uid"], second["metadata"]["uid"]);
        assert_eq!(second["metadata"]["creationTimestamp"], "1970-01-01T00:00:00Z");
        assert_ne!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
        store.remove(NODES, &key);
        let told: Vec<Happened> =
            store.changes_since(NODES, 1).expect("known").iter().map(|it| it.happened).collect();
        assert_eq!(told, [Happened::Added, Happened::Modified, Happened::Deleted]);
    }

    #[test]
    fn selectors_follow_labels_and_expressions() {
        let labels = json!({ "app": "web", "tier": "front" });
        let cases = [
            (json!({}), true),
            (Value::Null, false),
            (json!({ "matchLabels": { "app": "web" } }), true),
            (json!({ "matchLabels": { "app": "api" } }), false),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["front"] }] }), true),
            (
                json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["front"] }] }),
                false,
            ),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "DoesNotExist" }] }), true),
        ];
        for (selector, expected) in cases {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
