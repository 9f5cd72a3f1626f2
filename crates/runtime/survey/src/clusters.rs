//! Reading an EKS cluster: what EKS, the services around it and its own API say, each part on its own.
//!
//! Nothing here fails as a whole: what cannot be read is a fact that is not known, with the reason, and the checks say
//! that they could not look.

mod addons;
mod control_plane;
mod ground;
mod nodes;
mod objects;
mod own_groups;
mod quotas;
mod rights;
mod suites;

use std::time::Duration;

use fleetwright_eks::facts::{Fact, Facts, Unread, UnreadCause};
use fleetwright_eks::suite::Suite;
use fleetwright_kubernetes::{Hop, Manifests};
use fleetwright_model::{Cell, ErrorClass, Failure};
use fleetwright_ports::clusters::{ClusterDescription, ClusterName};
use fleetwright_ports::{Clock, Clusters, Foundations, Kubernetes, Machines, SelfManagedGroups};
use futures::join;

/// What reading a cluster needs of the world.
#[derive(Clone, Copy)]
pub struct ClusterPorts<'a> {
    /// EKS.
    pub clusters: &'a dyn Clusters,
    /// What clusters stand on.
    pub foundations: &'a dyn Foundations,
    /// Instances and their types.
    pub machines: &'a dyn Machines,
    /// Auto Scaling groups of one's own.
    pub groups: &'a dyn SelfManagedGroups,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What is to be read of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct ClusterRequest<'a> {
    /// Where it is.
    pub cell: &'a Cell<'a>,
    /// Its name.
    pub name: &'a ClusterName,
    /// The hops that are to be judged.
    pub route: &'a [Hop],
    /// For how long EKS is given to look again before its insights are read; `None` reads those it has.
    pub refresh: Option<Duration>,
    /// Manifests that the user named.
    pub manifests: &'a Fact<Manifests>,
    /// The freeze of the configuration that holds, or begins soon.
    pub freeze: &'a Fact<Option<String>>,
    /// Test suites that are to be run.
    pub suites: &'a [Suite],
}

/// The cluster's own API.
#[derive(Clone, Copy)]
pub enum Api<'a> {
    /// It can be asked.
    Open(&'a dyn Kubernetes),
    /// It is left out on purpose.
    LeftOut,
    /// It cannot be reached.
    Unreached(&'a Failure),
}

/// Reads a cluster that was described: everything that the checks look at, each part known or with the reason why it
/// is not.
pub async fn read(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    api: Api<'_>,
    description: &ClusterDescription,
) -> Facts {
    let (mut control_plane, addons, groups, own, said) = join!(
        control_plane::read(ports, request, description),
        addons::read(ports, request),
        nodes::read(ports, request),
        own_groups::read(ports, request),
        objects::ask(api, &description.cluster),
    );
    control_plane.endpoint = said.endpoint;
    control_plane.backup = said.objects.backup;
    let mut apis = said.objects.apis;
    apis.manifests = request.manifests.clone();
    let mut workloads = said.objects.workloads;
    let insights = &control_plane.insights;
    let arns = own_groups::where_it_matters(own.arns, &said.objects.nodes.nodes);
    (apis.clients, control_plane.rights, control_plane.cluster_rights, workloads.suites) = join!(
        control_plane::clients(ports, request, insights),
        rights::in_aws(ports, request, (&addons, &groups.managed, &arns)),
        rights::in_cluster(api, request, &said.objects.nodes),
        suites::there(api, request.suites),
    );
    Facts {
        control_plane,
        apis,
        addons: addons::with_objects(addons, &said.objects.addons),
        nodes: nodes::with_objects(ports, request, (groups, own.groups), said.objects.nodes).await,
        workloads,
    }
}

/// A fact from an answer.
fn fact<T>(answer: Result<T, Failure>) -> Fact<T> {
    match answer {
        Ok(value) => Fact::Known(value),
        Err(failure) => unread(&failure),
    }
}

/// That something is not known because a call failed.
fn unread<T>(failure: &Failure) -> Fact<T> {
    Fact::NotRead(why(failure))
}

/// Why something is not known where a call failed.
fn why(failure: &Failure) -> Unread {
    let cause = match failure.class {
        ErrorClass::Denied => UnreadCause::Denied,
        ErrorClass::NotFound => UnreadCause::Unsupported,
        _ => UnreadCause::Failed,
    };
    Unread { cause, detail: failure.to_string() }
}

/// A fact made of another one.
fn map<T, U>(of: &Fact<T>, what: impl FnOnce(&T) -> U) -> Fact<U> {
    match of {
        Fact::Known(value) => Fact::Known(what(value)),
        Fact::NotRead(why) => Fact::NotRead(why.clone()),
    }
}
