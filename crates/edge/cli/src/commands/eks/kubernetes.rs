//! The way to a cluster's own API.

use std::sync::Arc;

use fleetwright_cluster_api::{ClusterApis, Limits};
use fleetwright_model::Failure;
use fleetwright_ports::clusters::{ClusterDescription, ClusterName};
use fleetwright_ports::kubernetes::Access;
use fleetwright_ports::{Kubernetes, KubernetesApis};

use crate::one_place::OnePlace;
use crate::upgrading::AGENT;

/// The API of a cluster that was described: its address and the authority it is trusted by are those that EKS names,
/// and no context of kubectl is looked at.
///
/// # Errors
/// Its address or its certificate authority cannot be used.
pub(super) fn connect(
    at: &OnePlace,
    name: &ClusterName,
    described: &ClusterDescription,
) -> Result<Arc<dyn Kubernetes>, Failure> {
    let access = Access {
        cluster: name.to_string(),
        endpoint: described.cluster.endpoint.clone(),
        certificate_authority: described.certificate_authority.clone().unwrap_or_default(),
        tokens: Arc::new(at.aws.cluster_tokens(&at.place.cell(), name)),
    };
    ClusterApis::new(Arc::clone(&at.clock), Limits::default(), AGENT).connect(&access)
}
