//! A cluster of which some objects were listed.

use std::collections::BTreeMap;

use fleetwright_eks::read::{ClusterObjects, Kind, Objects, read, requests};
use fleetwright_eks::{Fact, Unread, UnreadCause};
use fleetwright_kubernetes::{GroupVersionKind, Minor, Resource};
use serde_json::{Value, json};

/// What the server serves, as API version, kind and plural.
const SERVED: [(&str, &str, &str); 31] = [
    ("v1", "Pod", "pods"),
    ("v1", "Node", "nodes"),
    ("v1", "Namespace", "namespaces"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "Job", "jobs"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("v1", "ResourceQuota", "resourcequotas"),
    ("v1", "PersistentVolume", "persistentvolumes"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "ServiceAccount", "serviceaccounts"),
    ("v1", "Service", "services"),
    ("v1", "Endpoints", "endpoints"),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
    ("karpenter.sh/v1", "NodePool", "nodepools"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass", "ec2nodeclasses"),
    ("crd.k8s.amazonaws.com/v1alpha1", "ENIConfig", "eniconfigs"),
    ("velero.io/v1", "Backup", "backups"),
    ("kyverno.io/v1", "ClusterPolicy", "clusterpolicies"),
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "flowschemas"),
    ("storage.k8s.io/v1beta1", "VolumeAttributesClass", "volumeattributesclasses"),
];

pub(crate) fn served() -> Vec<Resource> {
    let resource = |(version, kind, plural): &(&str, &str, &str)| Resource {
        api: GroupVersionKind::new(version, *kind).expect("an API"),
        plural: (*plural).to_owned(),
        namespaced: true,
        verbs: ["get", "list", "watch"].map(str::to_owned).to_vec(),
    };
    SERVED.iter().map(resource).collect()
}

/// Lists by the kind of their objects; what is not given is empty.
#[derive(Default)]
pub(crate) struct Cluster {
    lists: BTreeMap<Kind, Result<Vec<Value>, Unread>>,
    others: BTreeMap<&'static str, Vec<Value>>,
    calls: Vec<String>,
}

pub(crate) fn cluster() -> Cluster {
    Cluster::default()
}

impl Cluster {
    pub(crate) fn with(mut self, kind: Kind, objects: impl IntoIterator<Item = Value>) -> Self {
        self.lists.insert(kind, Ok(objects.into_iter().collect()));
        self
    }

    /// Objects of which the metadata alone is listed, by their plural.
    pub(crate) fn with_others(
        mut self,
        plural: &'static str,
        objects: impl IntoIterator<Item = Value>,
    ) -> Self {
        self.others.insert(plural, objects.into_iter().collect());
        self
    }

    pub(crate) fn with_calls(mut self, lines: &[&str]) -> Self {
        self.calls = lines.iter().map(|&line| line.to_owned()).collect();
        self
    }

    pub(crate) fn denied(mut self, kind: Kind) -> Self {
        self.lists.insert(kind, Err(denied()));
        self
    }

    pub(crate) fn objects(self) -> Objects {
        let served = served();
        let mut objects = Objects::new(served.clone(), Vec::new());
        for request in requests(&served, Minor::new(31)) {
            let list = match request.kind {
                Some(kind) => self.lists.get(&kind).cloned().unwrap_or(Ok(Vec::new())),
                None => Ok(self.others.get(request.resource.plural.as_str()).cloned().unwrap_or_default()),
            };
            let api = &request.resource.api;
            let named = |mut object: Value| {
                object["apiVersion"] = api.api_version.to_string().into();
                object["kind"] = api.kind.as_str().into();
                object
            };
            objects.add(&request, list.map(|list| list.into_iter().map(named).collect()));
        }
        objects.add_calls(Ok(self.calls));
        objects
    }

    pub(crate) fn read(self) -> ClusterObjects {
        read(&self.objects())
    }
}

pub(crate) fn denied() -> Unread {
    Unread { cause: UnreadCause::Denied, detail: "it is forbidden".to_owned() }
}

pub(crate) fn known<T: std::fmt::Debug>(fact: Fact<T>) -> T {
    match fact {
        Fact::Known(value) => value,
        Fact::NotRead(why) => panic!("it was not read: {why:?}"),
    }
}

/// Why a fact is not known.
pub(crate) fn detail<T: std::fmt::Debug>(fact: Fact<T>) -> String {
    match fact {
        Fact::Known(value) => panic!("it is known: {value:?}"),
        Fact::NotRead(why) => {
            assert_eq!(why.cause, UnreadCause::Incomplete, "{}", why.detail);
            why.detail
        }
    }
}

/// An object with a name and what else is given.
pub(crate) fn object(namespace: &str, name: &str, rest: Value) -> Value {
    let mut object = rest;
    object["metadata"]["name"] = name.into();
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// A running pod of one container.
pub(crate) fn pod(name: &str, spec: Value) -> Value {
    let mut pod = json!({
        "spec": { "nodeName": "node-a", "containers": [{ "name": "main", "image": "shop/web:1.2.3" }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
    });
    for (key, value) in spec.as_object().expect("members") {
        pod["spec"][key] = value.clone();
    }
    object("shop", name, pod)
}

/// A controller of `kube-system` with one container.
pub(crate) fn controller(name: &str, container: Value) -> Value {
    let template =
        json!({ "metadata": { "labels": { "k8s-app": name } }, "spec": { "containers": [container] } });
    object("kube-system", name, json!({ "spec": { "template": template } }))
}
