//! What every object has: names, labels, annotations, owners.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// The part of an object's metadata that upgrades are decided by. Every text in it is untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta {
    /// The namespace; empty for what lies in none.
    pub namespace: String,
    /// The name, unique in its namespace and kind.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Who owns it.
    pub owner_references: Vec<OwnerReference>,
    /// It is being deleted.
    pub deleting: bool,
}

/// One owner of an object, in the same namespace or in none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerReference {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// It manages the object; at most one owner does.
    pub controller: bool,
}

/// Which object: kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The kind.
    pub kind: String,
    /// The namespace; empty for what lies in none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectMeta {
    /// Metadata of an object with a name only.
    pub fn named(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    /// The owner that manages the object.
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }

    /// The object as one of this kind.
    pub fn reference(&self, kind: impl Into<String>) -> ObjectRef {
        ObjectRef { kind: kind.into(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return write!(f, "{} {}", self.kind, self.name);
        }
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// Owners that lead from one to the next, at most: a ring of them must end.
const OWNERS_MAX: usize = 10;

/// The controllers of an object from the nearest to the last that is known, for example the ReplicaSet and the
/// Deployment of a pod. `find` looks an object up; what it does not find ends the chain and is its last link.
pub fn owner_chain<'a>(
    meta: &ObjectMeta,
    find: impl Fn(&ObjectRef) -> Option<&'a ObjectMeta>,
) -> Vec<ObjectRef> {
    let mut chain: Vec<ObjectRef> = Vec::new();
    let mut controller = meta.controller().cloned();
    while let Some(owner) = controller.take() {
        let reference = ObjectRef { kind: owner.kind, namespace: meta.namespace.clone(), name: owner.name };
        if chain.len() == OWNERS_MAX || chain.contains(&reference) {
            break;
        }
        controller = find(&reference).and_then(|meta| meta.controller().cloned());
        chain.push(reference);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(kind: &str, name: &str) -> ObjectMeta {
        let owner = OwnerReference { kind: kind.into(), name: name.into(), controller: true };
        ObjectMeta { owner_references: vec![owner], ..ObjectMeta::named("shop", "x") }
    }

    #[test]
    fn a_pod_leads_over_its_replica_set_to_its_deployment() {
        let pod = owned("ReplicaSet", "web-1");
        let set = owned("Deployment", "web");
        let chain = owner_chain(&pod, |of| (of.kind == "ReplicaSet").then_some(&set));
        let names: Vec<_> = chain.iter().map(ObjectRef::to_string).collect();
        assert_eq!(names, ["ReplicaSet shop/web-1", "Deployment shop/web"]);
        assert_eq!(owner_chain(&ObjectMeta::named("shop", "bare"), |_| None), []);
    }

    #[test]
    fn a_ring_of_owners_ends() {
        let ring = owned("A", "a");
        assert_eq!(owner_chain(&ring, |_| Some(&ring)).len(), 1);
    }

    #[test]
    fn an_owner_that_is_no_controller_leads_nowhere() {
        let mut pod = owned("Node", "ip-10-0-0-1");
        pod.owner_references[0].controller = false;
        assert_eq!(owner_chain(&pod, |_| None), []);
    }
}
