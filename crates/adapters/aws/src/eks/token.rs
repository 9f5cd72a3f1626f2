//! Tokens for a cluster's Kubernetes API: a presigned `GetCallerIdentity` that names the cluster.
//!
//! Source: AWS IAM Authenticator for Kubernetes, "API Authorization from Outside a Cluster".

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleetwright_model::{Cell, ErrorClass, Failure, Region, Zone, code};
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::kubernetes::{BearerToken, KubernetesTokens};
use jiff::{SignedDuration, Timestamp};

use crate::Aws;
use crate::clients::Connection;
use crate::operations::GET_CALLER_IDENTITY;
use crate::signed::Signer;

/// For how long the signature says that it holds.
const SIGNED_FOR: Duration = Duration::from_secs(60);
/// For how long a cluster takes it all the same, with a minute to spare: it looks at when it was signed.
const TAKEN_FOR: SignedDuration = SignedDuration::from_mins(14);
/// What says that a token is one of these.
const PREFIX: &str = "k8s-aws-v1.";
/// The header that names the cluster.
const CLUSTER: &str = "x-k8s-aws-id";

/// Makes tokens for one cluster, as whom the landing zone is entered.
#[derive(Debug)]
pub struct ClusterTokens {
    aws: Aws,
    zone: Zone,
    region: Region,
    name: ClusterName,
}

impl Aws {
    /// Tokens for the Kubernetes API of a cluster.
    pub fn cluster_tokens(&self, cell: &Cell<'_>, name: &ClusterName) -> ClusterTokens {
        ClusterTokens {
            aws: self.clone(),
            zone: cell.zone.clone(),
            region: cell.region.clone(),
            name: name.clone(),
        }
    }
}

#[async_trait]
impl KubernetesTokens for ClusterTokens {
    /// Nothing is called: what the token is worth, the cluster finds out.
    async fn token(&self) -> Result<(BearerToken, Timestamp), Failure> {
        let connection: Connection<'_, Signer> = self.aws.at(&self.zone, &self.region);
        let signer = connection.offline().await?;
        let header = (CLUSTER, self.name.as_str());
        let path = "/?Action=GetCallerIdentity&Version=2011-06-15";
        let signed = signer.presigned("sts", path, &[header], SIGNED_FOR).await;
        let (url, at) = signed.map_err(|error| {
            let message = format!("a token for cluster {} cannot be signed: {error}", self.name);
            Failure::new(ErrorClass::Permanent, &code::INTERNAL, GET_CALLER_IDENTITY.iam, &message)
        })?;
        let until = at.checked_add(TAKEN_FOR).unwrap_or(Timestamp::MAX);
        Ok((BearerToken::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url))), until))
    }
}
