//! The Kubernetes API of clusters, behind the port [`Kubernetes`](fleetwright_ports::Kubernetes).
//!
//! Reads only. A cluster's server is trusted by the certificates of `DescribeCluster` alone, tokens are renewed
//! before they end, and one cluster is asked a few things at once at most. What fails says whether nobody may look or
//! nobody could, and holds no token.

mod address;
mod answer;
mod connection;
mod discovery;
mod list;
mod network;
mod server;
mod session;
mod transport;

pub use connection::Limits;
pub use server::ClusterApis;
pub use transport::{Transport, Undelivered};
