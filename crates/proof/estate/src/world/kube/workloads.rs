//! What controllers make: sets of pods from workloads, and a new pod for one that is gone.

use jiff::Timestamp;
use rand::RngExt;
use serde_json::{Value, json};

use super::{Key, NODES, PODS, Store, controller, nodes, owned_by};
use crate::world::eks::fargate::is_fargate;

/// Characters in names that Kubernetes makes up.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Store {
    /// Letters for a name that nobody chose.
    pub(in crate::world) fn letters(&self, purpose: &str, count: usize) -> String {
        let mut stream = self.seed.child("letters").child(purpose).nth(self.version as usize).stream();
        (0..count).map(|_| char::from(LETTERS[stream.random_range(0..LETTERS.len())])).collect()
    }

    /// Makes what a workload consists of: the set of a deployment, and the pods, which wait for nodes.
    pub fn roll_out(&mut self, resource: &str, key: &Key, now: Timestamp) {
        let Some(workload) = self.get(resource, &key.0, &key.1).cloned() else { return };
        match resource {
            "apps/deployments" => {
                let set = self.set_of(&workload, now);
                self.fill("apps/replicasets", &set, now);
            }
            "apps/replicasets" | "apps/statefulsets" | "apps/daemonsets" => self.fill(resource, key, now),
            _ => {}
        }
    }

    /// The replica set of a deployment.
    fn set_of(&mut self, deployment: &Value, now: Timestamp) -> Key {
        let metadata = &deployment["metadata"];
        let (namespace, name) = super::key(deployment);
        let letters = self.letters(&format!("{namespace}/{name}"), 10);
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"]["pod-template-hash"] = letters.clone().into();
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"]["pod-template-hash"] = letters.clone().into();
        let set = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{letters}"),
                "namespace": namespace,
                "labels": template["metadata"]["labels"],
                "annotations": metadata["annotations"],
                "ownerReferences": owned_by(deployment),
            },
            "spec": { "replicas": deployment["spec"]["replicas"], "selector": selector, "template": template },
        });
        self.put("apps/replicasets", set, now)
    }

    /// Makes the pods that a set lacks.
    fn fill(&mut self, resource: &str, key: &Key, now: Timestamp) {
        let Some(set) = self.get(resource, &key.0, &key.1).cloned() else { return };
        match resource {
            "apps/daemonsets" => {
                // Fargate takes no daemons.
                let own = self.list(NODES, None).filter(|(_, node)| !is_fargate(node));
                let names: Vec<String> = own.map(|((_, name), _)| name.clone()).collect();
                for node in names {
                    self.daemon(&set, &node, now);
                }
            }
            _ => self.fill_from(resource, key, 0, now),
        }
    }

    /// Makes the pods that a set lacks beside those that it has.
    pub fn fill_from(&mut self, resource: &str, key: &Key, has: u64, now: Timestamp) {
        let Some(set) = self.get(resource, &key.0, &key.1).cloned() else { return };
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(1);
        for number in has..wanted {
            let name = match resource {
                "apps/statefulsets" => format!("{}-{number}", key.1),
                _ => format!("{}-{}", key.1, self.letters(&key.1, 5)),
            };
            self.pod_of(&set, &name, None, now);
        }
    }

    /// A pod of a daemon set, which goes onto its node whatever keeps others off.
    fn daemon(&mut self, set: &Value, node: &str, now: Timestamp) -> Key {
        let name =
            format!("{}-{}", set["metadata"]["name"].as_str().unwrap_or_default(), self.letters(node, 5));
        self.pod_of(set, &name, Some(node), now)
    }

    /// The pods of daemon sets that a new node gets.
    pub fn daemons_for(&mut self, node: &str, now: Timestamp) -> Vec<Key> {
        let found = self.get(NODES, "", node).filter(|node| !is_fargate(node));
        let Some(found) = found else { return Vec::new() };
        let labels = found["metadata"]["labels"].clone();
        let fits = |set: &Value| {
            let wanted = set["spec"]["template"]["spec"]["nodeSelector"].as_object();
            wanted.into_iter().flatten().all(|(key, value)| labels[key] == *value)
        };
        let sets: Vec<Value> = self
            .list("apps/daemonsets", None)
            .filter(|(_, set)| fits(set))
            .map(|(_, set)| set.clone())
            .collect();
        sets.iter().map(|set| self.daemon(set, node, now)).collect()
    }

    /// A pod of a Job; none where there is no such Job.
    pub fn pod_of_job(&mut self, job: &Key, now: Timestamp) -> Option<Key> {
        let found = self.get("batch/jobs", &job.0, &job.1)?.clone();
        let name = format!("{}-{}", job.1, self.letters(&job.1, 5));
        Some(self.pod_of(&found, &name, None, now))
    }

    fn pod_of(&mut self, set: &Value, name: &str, node: Option<&str>, now: Timestamp) -> Key {
        let template = &set["spec"]["template"];
        let mut pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": set["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "annotations": template["metadata"]["annotations"],
                "ownerReferences": owned_by(set),
            },
            "spec": template["spec"],
            "status": { "phase": "Pending" },
        });
        if let Some(node) = node {
            pod["spec"]["nodeName"] = node.into();
        }
        self.put(PODS, pod, now)
    }

    /// Tells those who watch a workload that one of its pods has become ready or is gone: its status has changed.
    /// A deployment hears of it by its set.
    pub fn tell_owners(&mut self, pod: &Value, now: Timestamp) {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let mut owned = pod.clone();
        // A pod's set, and the set's deployment.
        for _ in 0..2 {
            let Some((kind, name)) = controller(&owned) else { return };
            let resource = match kind {
                "ReplicaSet" => "apps/replicasets",
                "Deployment" => "apps/deployments",
                "StatefulSet" => "apps/statefulsets",
                "DaemonSet" => "apps/daemonsets",
                _ => return,
            };
            let key = (namespace.to_owned(), name.to_owned());
            self.change(resource, &key, now, |_| ());
            let Some(owner) = self.get(resource, &key.0, &key.1) else { return };
            owned = owner.clone();
        }
    }

    /// What takes the place of a pod that is gone, where something wants it there; a daemon's place is its node.
    pub fn replace(&mut self, gone: &Value, now: Timestamp) -> Option<Key> {
        let (kind, owner) = controller(gone)?;
        let namespace = gone["metadata"]["namespace"].as_str().unwrap_or_default();
        match kind {
            "ReplicaSet" => {
                let set = self.get("apps/replicasets", namespace, owner)?.clone();
                let name = format!("{owner}-{}", self.letters(owner, 5));
                Some(self.pod_of(&set, &name, None, now))
            }
            "StatefulSet" => {
                let set = self.get("apps/statefulsets", namespace, owner)?.clone();
                let name = gone["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                Some(self.pod_of(&set, &name, None, now))
            }
            "DaemonSet" => {
                let set = self.get("apps/daemonsets", namespace, owner)?.clone();
                let node = gone["spec"]["nodeName"].as_str()?;
                let node = self.get(NODES, "", node).filter(|node| nodes::is_ready(node))?;
                let name = node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                Some(self.daemon(&set, &name, now))
            }
            _ => None,
        }
    }
}
