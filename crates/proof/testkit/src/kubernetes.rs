//! One cluster's API server in memory: its objects by their paths, patches, evictions, Jobs that are made. Nothing happens by
//! itself: every answer is worked out from the clock.

mod changes;
mod patch;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_kubernetes::{Depth, GroupVersionKind, Minor, Resource};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::kubernetes::{
    Access, Discovered, Listing, ResourceAttributes, ServerVersion, Traffic,
};
use fleetwright_ports::{Clock, Kubernetes, KubernetesApis, KubernetesChanges};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hosts::Fault;

/// What is served: version, kind, plural, whether it lies in namespaces, verbs.
const SERVED: [(&str, &str, &str, bool, &[&str]); 8] = [
    ("apps/v1", "Deployment", "deployments", true, OBJECTS),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", false, &["create"]),
    ("batch/v1", "CronJob", "cronjobs", true, OBJECTS),
    ("batch/v1", "Job", "jobs", true, OBJECTS),
    ("karpenter.sh/v1", "NodePool", "nodepools", false, OBJECTS),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true, OBJECTS),
    ("v1", "Node", "nodes", false, OBJECTS),
    ("v1", "Pod", "pods", true, OBJECTS),
];
const OBJECTS: &[&str] = &["create", "get", "list", "patch"];

/// One cluster's API server, of which clones are the same: implements `Kubernetes`, `KubernetesChanges` and
/// `KubernetesApis`, which reaches it by any address.
#[derive(Clone)]
pub struct FakeKubernetes {
    clock: Arc<dyn Clock>,
    minor: Minor,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By path.
    objects: BTreeMap<String, Value>,
    /// Budgets that let a pod not go, by the pod's path.
    held: BTreeMap<String, String>,
    /// When evicted pods are gone, by path.
    stops: BTreeMap<String, Timestamp>,
    /// How long Jobs take from when they are made, and the condition that they end with; they go on for ever where none.
    jobs: Option<(Duration, Value)>,
    /// When Jobs that were made end, and with which condition, by path.
    ends: BTreeMap<String, (Timestamp, Value)>,
    forbidden: Vec<ResourceAttributes>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    requests: u64,
    made: u64,
}

/// What a path is about: its version, kind and plural.
type Served = (&'static str, &'static str, &'static str);

impl State {
    /// Keeps an object under its path, as what it is.
    fn keep(&mut self, path: &str, served: Served, mut object: Value) {
        self.made += 1;
        let parts: Vec<&str> = path.split('/').collect();
        let place = parts.iter().position(|part| *part == "namespaces").map(|at| parts[at + 1]);
        (object["apiVersion"], object["kind"]) = (served.0.into(), served.1.into());
        let metadata = &mut object["metadata"];
        metadata["name"] = parts[parts.len() - 1].into();
        if let Some(namespace) = place {
            metadata["namespace"] = namespace.into();
        }
        if metadata["uid"].is_null() {
            metadata["uid"] = format!("00000000-0000-4000-9000-{:012}", self.made).into();
        }
        metadata["resourceVersion"] = self.made.to_string().into();
        self.objects.insert(path.to_owned(), object);
    }

    /// What has stopped by now is gone, and Jobs that have ended say so.
    fn settle(&mut self, now: Timestamp) {
        let Self { objects, stops, ends, .. } = self;
        stops.retain(|path, at| {
            let stopped = *at <= now;
            if stopped {
                objects.remove(path);
            }
            !stopped
        });
        ends.retain(|path, (at, condition)| {
            let ended = *at <= now;
            if let (true, Some(job)) = (ended, objects.get_mut(path)) {
                job["status"]["conditions"] = json!([condition]);
            }
            !ended
        });
    }
}

impl FakeKubernetes {
    /// A server without objects.
    pub fn new(minor: Minor, clock: Arc<dyn Clock>) -> Self {
        Self { clock, minor, state: Arc::default() }
    }

    /// Puts an object under its path, such as `/api/v1/nodes/a` or `/api/v1/namespaces/shop/pods/web-0`. It gets the name
    /// and the namespace of the path, a uid where it has none, and what it is.
    ///
    /// # Panics
    /// Where nobody serves the path.
    pub fn put(&self, path: &str, object: Value) {
        let served = served(path).unwrap_or_else(|| panic!("{path} is not served"));
        self.lock().keep(path, served, object);
    }

    /// Takes an object away.
    pub fn remove(&self, path: &str) {
        self.lock().objects.remove(path);
    }

    /// Lets a budget of that name not let a pod go, or no budget any more.
    pub fn hold(&self, pod: &str, budget: Option<&str>) {
        let mut state = self.lock();
        state.held.remove(pod);
        state.held.extend(budget.map(|budget| (pod.to_owned(), budget.to_owned())));
    }

    /// Lets Jobs that are made from now on end after a time with a condition, such as
    /// `{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}`.
    pub fn end_jobs(&self, after: Duration, condition: Value) {
        self.lock().jobs = Some((after, condition));
    }

    /// Objects that were put or made, by the beginning of their paths.
    pub fn count(&self, beginning: &str) -> usize {
        self.lock().objects.keys().filter(|path| path.starts_with(beginning)).count()
    }

    /// Forbids something to the caller, as far as it is asked.
    pub fn forbid(&self, what: ResourceAttributes) {
        self.lock().forbidden.push(what);
    }

    /// Lets the next request of that name (e.g. `kubernetes:evict pods`) fail; several are used in order.
    pub fn fail_next(&self, operation: &str, fault: Fault) {
        self.lock().faults.entry(operation.to_owned()).or_default().push_back(fault);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request.
    fn begin(&self, what: &str) -> (MutexGuard<'_, State>, Option<Fault>) {
        let (mut state, now) = (self.lock(), self.clock.now());
        state.requests += 1;
        state.settle(now);
        let fault = state.faults.get_mut(&format!("kubernetes:{what}")).and_then(VecDeque::pop_front);
        (state, fault)
    }

    /// Begins a request that reads.
    fn read(&self, what: &str) -> Result<MutexGuard<'_, State>, Failure> {
        match self.begin(what) {
            (state, None) => Ok(state),
            (_, Some(Fault::Refused(failure))) => Err(failure),
            (_, Some(Fault::LostReply)) => {
                Err(failure((ErrorClass::Transient, &code::SERVICE_FAULT), what, "the connection broke"))
            }
        }
    }
}

/// What a path is about, where it is served.
fn served(path: &str) -> Option<Served> {
    let plural = path.rsplit('/').nth(1)?;
    let root = |version: &str| {
        if version.contains('/') { format!("/apis/{version}/") } else { "/api/v1/".to_owned() }
    };
    let found = SERVED.iter().find(|it| it.2 == plural && path.starts_with(&root(it.0)));
    found.map(|it| (it.0, it.1, it.2))
}

fn failure((class, code): (ErrorClass, &'static code::Code), what: &str, words: &str) -> Failure {
    Failure::new(class, code, format!("kubernetes:{what}"), words)
}

/// Refuses what is no path of an object.
fn object_path(path: &str, what: &str) -> Result<(), Failure> {
    let parts = path.split('/').skip(1);
    let whole = parts.clone().all(|part| !matches!(part, "" | "." | "..")) && parts.count() >= 4;
    match whole && path.starts_with("/api") && !path.contains(['?', '#']) {
        true => Ok(()),
        false => {
            let words = format!("{path:?} is no path of an object");
            Err(failure((ErrorClass::Permanent, &code::REQUEST_REFUSED), what, &words))
        }
    }
}

/// Whether an object carries the labels `a=b,c=d`.
fn is_selected(object: &Value, labels: &str) -> bool {
    let mut wanted = labels.split(',').filter_map(|pair| pair.split_once('='));
    wanted.all(|(key, value)| object["metadata"]["labels"][key] == value)
}

impl KubernetesApis for FakeKubernetes {
    fn connect(&self, _: &Access) -> Result<Arc<dyn Kubernetes>, Failure> {
        Ok(Arc::new(self.clone()))
    }

    fn connect_for_changes(&self, _: &Access) -> Result<Arc<dyn KubernetesChanges>, Failure> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Kubernetes for FakeKubernetes {
    async fn version(&self) -> Result<ServerVersion, Failure> {
        drop(self.read("version")?);
        Ok(ServerVersion { minor: self.minor, git_version: format!("v{}.1", self.minor) })
    }

    async fn resources(&self) -> Result<Discovered, Failure> {
        drop(self.read("discover")?);
        let resource =
            |(version, kind, plural, namespaced, verbs): &(&str, &str, &str, bool, &[&str])| Resource {
                api: GroupVersionKind::new(version, *kind).expect("a version"),
                plural: (*plural).to_owned(),
                namespaced: *namespaced,
                verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            };
        let mut resources: Vec<Resource> = SERVED.iter().map(resource).collect();
        resources.sort();
        Ok(Discovered { resources, gaps: Vec::new() })
    }

    async fn list(&self, resource: &Resource, listing: &Listing<'_>) -> Result<Vec<Value>, Failure> {
        let what = format!("list {}", resource.plural);
        let state = self.read(&what)?;
        if !SERVED.iter().any(|it| it.2 == resource.plural) {
            return Err(failure((ErrorClass::NotFound, &code::NOT_FOUND), &what, "nobody serves it"));
        }
        let is_meant = |object: &&Value| {
            object["kind"] == resource.api.kind.as_str()
                && (listing.namespace.is_empty() || object["metadata"]["namespace"] == listing.namespace)
                && (listing.labels.is_empty() || is_selected(object, listing.labels))
        };
        let shown = |object: &Value| {
            let mut object = match listing.depth {
                Depth::Whole => object.clone(),
                Depth::Metadata => {
                    let Value::Object(members) = object else { return object.clone() };
                    let kept = ["apiVersion", "kind", "metadata"];
                    members
                        .iter()
                        .filter(|it| kept.contains(&it.0.as_str()))
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect()
                }
            };
            (listing.trim)(&mut object);
            object
        };
        Ok(state.objects.values().filter(is_meant).map(shown).collect())
    }

    async fn object(&self, path: &str) -> Result<Option<Value>, Failure> {
        object_path(path, "get")?;
        Ok(self.read("get")?.objects.get(path).cloned())
    }

    async fn metric(&self, name: &str) -> Result<Vec<String>, Failure> {
        let state = self.read("metrics")?;
        let line = format!("apiserver_request_total {}", state.requests);
        Ok(if name == "apiserver_request_total" { vec![line] } else { Vec::new() })
    }

    async fn may(&self, what: &ResourceAttributes) -> Result<bool, Failure> {
        Ok(!self.read("review access")?.forbidden.contains(what))
    }

    fn traffic(&self) -> Traffic {
        let requests = self.lock().requests;
        Traffic { requests, bytes: requests * 1024 }
    }
}

/// A pod's path.
fn pod_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

/// A refusal for good of a patch that cannot be applied.
fn inapplicable(what: &str, operation: &Value) -> Failure {
    let words = format!("{} cannot be done", json!(operation));
    failure((ErrorClass::Permanent, &code::REQUEST_REFUSED), what, &words)
}
