//! The Kubernetes API of clusters, behind the ports [`Kubernetes`](fleetwright_ports::Kubernetes), which only reads, and
//! [`KubernetesChanges`](fleetwright_ports::KubernetesChanges).
//!
//! A cluster's server is trusted by the certificates of `DescribeCluster` alone, tokens are renewed
//! before they end, and one cluster is asked a few things at once at most. What fails says whether nobody may look or
//! nobody could, and holds no token. A change that may have been made is sent again only where the second one would find
//! what the first one did.

mod address;
mod answer;
mod audit;
mod changes;
mod connection;
mod discovery;
mod list;
mod network;
mod server;
mod session;
mod transport;

pub use audit::{Approvals, Behalf};
pub use connection::Limits;
pub use server::ClusterApis;
pub use transport::{Transport, Undelivered};
