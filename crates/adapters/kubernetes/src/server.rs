//! The port's face.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::kubernetes::{
    Access, Discovered, Listing, Resource, ResourceAttributes, ServerVersion, Traffic,
};
use fleetwright_ports::{Clock, Kubernetes, KubernetesApis, KubernetesChanges};
use http::HeaderValue;
use rustls::RootCertStore;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::answer::{failure, unexpected};
use crate::audit::Behalf;
use crate::changes::{self, Changes};
use crate::connection::{Call, Connection, Limits};
use crate::discovery;
use crate::list;
use crate::network::{Network, certificates};
use crate::session::Session;
use crate::transport::Transport;

/// Reaches clusters, over the network or in this process.
#[derive(Clone)]
pub struct ClusterApis {
    clock: Arc<dyn Clock>,
    limits: Limits,
    agent: HeaderValue,
    transport: Option<Arc<dyn Transport>>,
    behalf: Option<Behalf>,
}

impl ClusterApis {
    /// Clusters over the network; `agent` is who we say we are.
    pub fn new(clock: Arc<dyn Clock>, limits: Limits, agent: &str) -> Self {
        let agent = HeaderValue::try_from(agent).unwrap_or(HeaderValue::from_static("fleetwright"));
        Self { clock, limits, agent, transport: None, behalf: None }
    }

    /// Clusters that this carries requests to, whatever their addresses and certificates are: a simulated AWS in the
    /// same process.
    #[must_use]
    pub fn through(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// The same, making changes on this behalf: each attempt is recorded before it is sent and after it was answered, and not
    /// sent where it cannot be.
    #[must_use]
    pub fn on_behalf(&self, behalf: Behalf) -> Self {
        Self { behalf: Some(behalf), ..self.clone() }
    }

    fn transport(&self, access: &Access, address: &Address) -> Result<Arc<dyn Transport>, String> {
        if let Some(transport) = &self.transport {
            return Ok(Arc::clone(transport));
        }
        let roots = match address.is_encrypted() {
            true => certificates(&access.certificate_authority)
                .map_err(|fault| format!("its certificates cannot be used: {fault}"))?,
            false => RootCertStore::empty(),
        };
        Ok(Arc::new(Network::trusting(roots)?))
    }

    fn connection(&self, access: &Access) -> Result<Connection, Failure> {
        let refused = |words: &str| {
            let meaning = (ErrorClass::Permanent, &code::UNREACHABLE);
            failure(meaning, (&access.cluster, "connect"), words)
        };
        let address = Address::read(&access.endpoint).map_err(|fault| {
            refused(&format!("its address {:?} cannot be used: {fault}", access.endpoint))
        })?;
        let transport = self.transport(access, &address).map_err(|words| refused(&words))?;
        Ok(Connection {
            cluster: access.cluster.clone(),
            address,
            agent: self.agent.clone(),
            transport,
            session: Session::new(Arc::clone(&access.tokens)),
            behalf: self.behalf.clone(),
            clock: Arc::clone(&self.clock),
            limits: self.limits,
            places: Semaphore::new(self.limits.concurrent.max(1)),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }
}

impl KubernetesApis for ClusterApis {
    fn connect(&self, access: &Access) -> Result<Arc<dyn Kubernetes>, Failure> {
        Ok(Arc::new(Server(self.connection(access)?)))
    }

    fn connect_for_changes(&self, access: &Access) -> Result<Arc<dyn KubernetesChanges>, Failure> {
        Ok(Arc::new(Changes(self.connection(access)?)))
    }
}

/// One cluster's API server.
struct Server(Connection);

#[async_trait]
impl Kubernetes for Server {
    async fn version(&self) -> Result<ServerVersion, Failure> {
        const WHAT: &str = "version";
        let of = self.0.of(WHAT);
        let document = self.0.send(&Call::get("/version", WHAT)).await?.json(of)?;
        let text = |name: &str| document[name].as_str().unwrap_or_default();
        let numbers = format!("{}.{}", text("major"), text("minor"));
        let git_version = text("gitVersion");
        let minor: Result<Minor, _> = git_version.parse().or_else(|_| numbers.parse());
        let minor = minor.map_err(|invalid| unexpected(of, &invalid.to_string()))?;
        Ok(ServerVersion { minor, git_version: git_version.chars().take(80).collect() })
    }

    async fn resources(&self) -> Result<Discovered, Failure> {
        discovery::discover(&self.0).await
    }

    async fn list(&self, resource: &Resource, listing: &Listing<'_>) -> Result<Vec<Value>, Failure> {
        list::list(&self.0, resource, listing).await
    }

    async fn object(&self, path: &str) -> Result<Option<Value>, Failure> {
        changes::object(&self.0, path).await
    }

    async fn metric(&self, name: &str) -> Result<Vec<String>, Failure> {
        const WHAT: &str = "metrics";
        let call = Call { accept: "text/plain", ..Call::get("/metrics", WHAT) };
        self.0.send(&call).await?.metric(name, self.0.of(WHAT))
    }

    async fn may(&self, what: &ResourceAttributes) -> Result<bool, Failure> {
        const WHAT: &str = "review access";
        let of = self.0.of(WHAT);
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": what.verb, "group": what.group, "resource": what.resource,
                "subresource": what.subresource, "namespace": what.namespace,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let call = Call::post(path, WHAT, body);
        let document = self.0.send(&call).await?.json(of)?;
        let allowed = document["status"]["allowed"].as_bool();
        allowed.ok_or_else(|| unexpected(of, "the review says neither yes nor no"))
    }

    fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}
