//! Add-ons that EKS manages, and other software that follows the cluster's version.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{ImageRef, Minor};

use super::Fact;
use crate::schema;

/// Add-ons and software.
#[derive(Clone, Debug, PartialEq)]
pub struct AddonFacts {
    /// Managed add-ons (`DescribeAddon`, `DescribeAddonVersions`).
    pub addons: Fact<Vec<Addon>>,
    /// Software that others made, by its images.
    pub software: Fact<Vec<Software>>,
    /// The image of kube-proxy; `None` where the cluster has none.
    pub kube_proxy: Fact<Option<ImageRef>>,
    /// CoreDNS; `None` where the cluster has none.
    pub core_dns: Fact<Option<CoreDns>>,
    /// What a DaemonSet or Deployment of an add-on runs without being managed, by the add-on's name.
    pub self_managed: Fact<Vec<String>>,
}

/// A managed add-on.
#[derive(Clone, Debug, PartialEq)]
pub struct Addon {
    /// Its name, such as `vpc-cni`.
    pub name: String,
    /// Its version, such as `v1.20.4-eksbuild.2`.
    pub version: String,
    /// Its state, such as `ACTIVE`.
    pub status: String,
    /// Health issues, as code and message.
    pub health_issues: Vec<String>,
    /// Versions that it has for each version of Kubernetes, newest first.
    pub offers: Fact<BTreeMap<Minor, Vec<AddonVersion>>>,
    /// What its configuration has against the schemas of the versions to come (`DescribeAddonConfiguration`).
    pub configuration: Fact<schema::Verdict>,
    /// Fields of its objects that somebody else has changed (`managedFields`).
    pub changed_fields: Fact<Vec<String>>,
    /// It needs IAM permissions.
    pub needs_permissions: bool,
    /// It has a role: of its service account or by pod identity.
    pub has_role: bool,
}

/// A version of an add-on for one version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonVersion {
    /// The version.
    pub version: String,
    /// EKS chooses it where none is asked for.
    pub default: bool,
}

/// Software with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// What it is, such as `karpenter`, `cluster-autoscaler` or `ingress-nginx`.
    pub name: String,
    /// Its version: major, minor, patch.
    pub version: (u32, u32, u32),
}

/// CoreDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreDns {
    /// Replicas that are wanted.
    pub replicas: u32,
    /// A pod disruption budget covers it.
    pub has_budget: bool,
    /// Its Corefile can be read by the version to come, as far as its plugins go.
    pub plugins_known: bool,
}

impl Addon {
    /// The versions for a version of Kubernetes; `None` where they were not read.
    pub fn versions_for(&self, minor: Minor) -> Option<&[AddonVersion]> {
        Some(self.offers.known()?.get(&minor).map_or(&[], Vec::as_slice))
    }
}

/// Major and minor number of an add-on's version.
pub fn addon_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v').unwrap_or(version).split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
