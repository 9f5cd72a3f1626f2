//! From the objects of a cluster's API server to facts.
//!
//! What cannot be understood is named and makes its fact unknown; it is never left out.

mod addons;
mod apis;
mod backups;
mod calls;
mod certificate;
mod helm;
mod network;
mod node_pools;
mod nodes;
mod placement;
mod pods;
mod trim;
mod user_data;
mod value;
mod volumes;
mod wanted;
mod webhooks;
mod workloads;

use std::collections::BTreeMap;

use fleetwright_kubernetes::{ApiVersion, Resource};
use serde_json::Value;

use crate::facts::control_plane::Backup;
use crate::facts::{ApiFacts, Fact, Unread, UnreadCause, WorkloadFacts};

pub use addons::AddonObjects;
pub use calls::clients;
pub use network::CniSettings;
pub use nodes::{NodeObjects, nodes};
pub use trim::trim;
pub use user_data::flags_of_user_data;
pub use wanted::{Kind, Request, requests};

/// The metric of the API server that tells who calls what is deprecated.
///
/// Source: Kubernetes metrics reference, stable metrics.
pub const DEPRECATED_CALLS: &str = "apiserver_requested_deprecated_apis";

/// A fact in the making.
type Read<T> = Result<T, Unread>;

fn fact<T>(read: Read<T>) -> Fact<T> {
    match read {
        Ok(value) => Fact::Known(value),
        Err(unread) => Fact::NotRead(unread),
    }
}

fn unread(cause: UnreadCause, detail: impl Into<String>) -> Unread {
    Unread { cause, detail: detail.into() }
}

/// What was listed of a cluster, as far as it could be.
#[derive(Clone, Debug)]
pub struct Objects {
    discovery: Read<Discovery>,
    lists: BTreeMap<Kind, Read<Vec<Value>>>,
    /// Lists of which only the metadata matters.
    others: Vec<(Resource, Read<Vec<Value>>)>,
    calls: Read<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Discovery {
    served: Vec<Resource>,
    gaps: Vec<(ApiVersion, Unread)>,
}

impl Objects {
    /// Nothing but what the server serves, and which groups could not be looked at.
    pub fn new(served: Vec<Resource>, gaps: Vec<(ApiVersion, Unread)>) -> Self {
        Self { discovery: Ok(Discovery { served, gaps }), ..Self::not_read(not_asked("the API server")) }
    }

    /// Nothing: the server could not be asked what it serves.
    pub fn not_read(why: Unread) -> Self {
        let calls = Err(not_asked(DEPRECATED_CALLS));
        Self { discovery: Err(why), lists: BTreeMap::new(), others: Vec::new(), calls }
    }

    /// Adds what a request was answered.
    pub fn add(&mut self, request: &Request, objects: Result<Vec<Value>, Unread>) {
        match request.kind {
            Some(kind) => drop(self.lists.insert(kind, objects)),
            None => self.others.push((request.resource.clone(), objects)),
        }
    }

    /// Adds the lines of [`DEPRECATED_CALLS`].
    pub fn add_calls(&mut self, lines: Result<Vec<String>, Unread>) {
        self.calls = lines;
    }

    fn served(&self) -> Read<&[Resource]> {
        self.discovery.as_ref().map(|found| found.served.as_slice()).map_err(Clone::clone)
    }

    /// The objects of a kind. A kind of custom resources that is not served has none.
    fn list(&self, kind: Kind) -> Read<&[Value]> {
        if let Some(objects) = self.lists.get(&kind) {
            return objects.as_deref().map_err(Clone::clone);
        }
        let found = self.discovery.as_ref().map_err(Clone::clone)?;
        let wanted = kind.wanted();
        let is_wanted = |of: &&Resource| {
            of.api.api_version.group == wanted.group && of.plural == wanted.plural && of.is_listed()
        };
        if found.served.iter().any(|of| is_wanted(&of)) {
            return Err(not_asked(wanted.plural));
        }
        if let Some((_, why)) = found.gaps.iter().find(|(version, _)| version.group == wanted.group) {
            return Err(why.clone());
        }
        match wanted.custom {
            true => Ok(&[]),
            false => {
                let detail =
                    format!("the server serves no {} of the group {:?}", wanted.plural, wanted.group);
                Err(unread(UnreadCause::Unsupported, detail))
            }
        }
    }
}

fn not_asked(what: &str) -> Unread {
    unread(UnreadCause::NotAsked, format!("{what} was not asked"))
}

/// What Kubernetes says of a cluster. The rest of the facts is AWS's.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterObjects {
    /// Who uses which API. Manifests are not among it, nor the client statistics of insights.
    pub apis: ApiFacts,
    /// What runs there.
    pub workloads: WorkloadFacts,
    /// Nodes and what makes them, as far as Kubernetes knows.
    pub nodes: NodeObjects,
    /// Add-ons and software, as far as Kubernetes knows.
    pub addons: AddonObjects,
    /// The newest backup that Velero finished; `None` where there is none.
    pub backup: Fact<Option<Backup>>,
}

/// Reads what was listed.
pub fn read(objects: &Objects) -> ClusterObjects {
    let workloads = workloads::read(objects);
    ClusterObjects {
        apis: apis::read(objects),
        nodes: nodes::read(objects, &workloads.pods),
        addons: addons::read(objects, &workloads.budgets),
        backup: fact(backups::newest(objects)),
        workloads,
    }
}
