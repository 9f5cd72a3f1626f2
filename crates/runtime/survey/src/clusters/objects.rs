//! What a cluster's own API says: its version, and everything facts are read from.

use fleetwright_eks::facts::control_plane::{Cluster, Endpoint};
use fleetwright_eks::facts::{Fact, Unread, UnreadCause};
use fleetwright_eks::read::{self, ClusterObjects, DEPRECATED_CALLS, NodeObjects, Objects, Request};
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_model::Failure;
use fleetwright_ports::Kubernetes;
use fleetwright_ports::kubernetes::Listing;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, stream};

use super::{Api, why};

/// Lists asked for side by side; the adapter keeps fewer on their way.
const SIDE_BY_SIDE: usize = 8;

/// What the API said.
pub(super) struct Said {
    /// What it says of itself.
    pub(super) endpoint: Fact<Endpoint>,
    /// What it keeps.
    pub(super) objects: ClusterObjects,
}

/// Asks the API of a cluster.
pub(super) async fn ask(api: Api<'_>, cluster: &Cluster) -> Said {
    let server = match api {
        Api::Open(server) => server,
        Api::LeftOut => {
            let why = Unread {
                cause: UnreadCause::NotAsked,
                detail: "the cluster's own API was left out (--without-kubernetes)".to_owned(),
            };
            return nothing(why);
        }
        Api::Unreached(failure) => return nothing(why(failure)),
    };
    let version = match server.version().await {
        Ok(version) => version,
        // A server that does not say what it is need not be asked a hundred things more.
        Err(failure) => return nothing(why(&failure)),
    };
    let endpoint = Endpoint {
        // Nothing else is asked, and nothing else trusted, than what DescribeCluster names.
        address: cluster.endpoint.clone(),
        certificate_authority: cluster.certificate_authority.clone(),
        version: version.minor,
    };
    Said { endpoint: Fact::Known(endpoint), objects: read::read(&objects(server, version.minor).await) }
}

fn nothing(why: Unread) -> Said {
    let objects = read::read(&Objects::not_read(why.clone()));
    Said { endpoint: Fact::NotRead(why), objects }
}

async fn objects(server: &dyn Kubernetes, minor: Minor) -> Objects {
    let discovered = match server.resources().await {
        Ok(discovered) => discovered,
        Err(failure) => return Objects::not_read(why(&failure)),
    };
    let requests = read::requests(&discovered.resources, minor);
    let gaps = discovered.gaps.iter().map(|(version, failure)| (version.clone(), why(failure)));
    let mut objects = Objects::new(discovered.resources.clone(), gaps.collect());
    let lists: Vec<_> = requests.iter().map(|request| list(server, request)).collect();
    let mut lists = stream::iter(lists).buffer_unordered(SIDE_BY_SIDE);
    while let Some((request, listed)) = lists.next().await {
        objects.add(request, listed.map_err(|failure| why(&failure)));
    }
    drop(lists);
    objects.add_calls(server.metric(DEPRECATED_CALLS).await.map_err(|failure| why(&failure)));
    objects
}

/// What a request was answered.
type Listed<'a> = (&'a Request, Result<Vec<serde_json::Value>, Failure>);

fn list<'a>(server: &'a dyn Kubernetes, request: &'a Request) -> BoxFuture<'a, Listed<'a>> {
    let &Request { depth, namespace, labels, page, .. } = request;
    let listing = Listing { depth, namespace, labels, page, trim: read::trim };
    async move { (request, server.list(&request.resource, &listing).await) }.boxed()
}

/// Pods on the fullest of some nodes; none where there are no such nodes.
pub(super) fn pods_on_fullest(objects: &NodeObjects, is_its: impl Fn(&Node) -> bool) -> Fact<u32> {
    match (&objects.pods_on_nodes, &objects.nodes) {
        (Fact::Known(pods), Fact::Known(nodes)) => {
            let its = nodes.iter().filter(|node| is_its(node));
            Fact::Known(
                its.filter_map(|node| pods.get(&node.metadata.name)).copied().max().unwrap_or_default(),
            )
        }
        (Fact::NotRead(why), _) | (_, Fact::NotRead(why)) => Fact::NotRead(why.clone()),
    }
}
