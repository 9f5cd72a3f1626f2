//! The adapter against the simulated estate, over TCP and in process, and against a scripted server.

mod changes;
mod estate;
mod recorded;
mod scripted;

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_cluster_api::{ClusterApis, Limits};
use fleetwright_model::Failure;
use fleetwright_ports::kubernetes::{Access, BearerToken, KubernetesTokens};
use fleetwright_ports::{Clock, Kubernetes, KubernetesApis, KubernetesChanges};
use jiff::{SignedDuration, Timestamp};

const AGENT: &str = "fleetwright-test";

fn start() -> Timestamp {
    "2026-08-10T00:00:00Z".parse().expect("a time")
}

/// Tokens that are told apart by a number, each good for a quarter of an hour.
struct Numbered {
    prefix: String,
    clock: Arc<dyn Clock>,
    made: std::sync::atomic::AtomicU64,
}

#[async_trait]
impl KubernetesTokens for Numbered {
    async fn token(&self) -> Result<(BearerToken, Timestamp), Failure> {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let until = self.clock.now().checked_add(SignedDuration::from_mins(15)).expect("a time");
        Ok((BearerToken::new(format!("{}{number}", self.prefix)), until))
    }
}

fn numbered(clock: &Arc<dyn Clock>) -> Arc<dyn KubernetesTokens> {
    Arc::new(Numbered { prefix: "token-".to_owned(), clock: Arc::clone(clock), made: 0.into() })
}

fn access(endpoint: &str, tokens: Arc<dyn KubernetesTokens>) -> Access {
    let (cluster, endpoint) = ("shop".to_owned(), endpoint.to_owned());
    Access { cluster, endpoint, certificate_authority: String::new(), tokens }
}

fn connect(apis: &ClusterApis, endpoint: &str, tokens: Arc<dyn KubernetesTokens>) -> Arc<dyn Kubernetes> {
    apis.connect(&access(endpoint, tokens)).expect("an address that can be used")
}

fn apis(clock: &Arc<dyn Clock>) -> ClusterApis {
    ClusterApis::new(Arc::clone(clock), Limits::default(), AGENT)
}
