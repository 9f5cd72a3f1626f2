//! Add-ons: what can be had for which version, and what a cluster has.
//!
//! Rules: EKS user guide, "Amazon EKS add-ons". The versions are of the estate's making, with the spans of
//! Kubernetes versions that real ones have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::update::{Problem, Subject, Work};
use super::version::{CALENDAR, Minor};
use super::{Cluster, Ground, What};
use crate::world::kube::seconds;

/// An add-on that can be had.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// What it is for: `networking`, `storage` …
    pub purpose: String,
    /// Who publishes it.
    pub publisher: String,
    /// The namespace it lives in.
    pub namespace: String,
    /// True where it needs permissions in AWS.
    pub needs_iam: bool,
    /// The keys that its configuration may have.
    pub settings: Vec<String>,
    /// Its versions, the newest first.
    pub versions: Vec<Version>,
}

/// A version of an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name, e.g. `v1.20.4-eksbuild.2`.
    pub name: String,
    /// The Kubernetes versions that it fits, first and last.
    pub fits: (Minor, Minor),
    /// Those of them for which it is the default, first and last; none where it is for none.
    pub default_for: Option<(Minor, Minor)>,
}

impl Version {
    /// Whether it fits a Kubernetes version.
    #[must_use]
    pub fn fits(&self, version: Minor) -> bool {
        (self.fits.0..=self.fits.1).contains(&version)
    }

    /// Whether it is the default for a Kubernetes version.
    #[must_use]
    pub fn is_default(&self, version: Minor) -> bool {
        self.default_for.is_some_and(|(first, last)| (first..=last).contains(&version))
    }
}

impl Kind {
    /// The versions that fit a Kubernetes version, the newest first.
    pub fn fitting(&self, version: Minor) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(move |it| it.fits(version))
    }

    /// The default for a Kubernetes version, or else the newest that fits.
    #[must_use]
    pub fn default_for(&self, version: Minor) -> Option<&Version> {
        self.fitting(version).find(|it| it.is_default(version)).or_else(|| self.fitting(version).next())
    }

    /// A version by its name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|it| it.name == name)
    }
}

/// An add-on of a cluster.
#[derive(Clone, Debug)]
pub struct Addon {
    /// Its version.
    pub version: String,
    /// The API's word for its status.
    pub status: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// ARN of the role of its service account.
    pub role: Option<String>,
    /// Its configuration, JSON.
    pub configuration: Option<String>,
    /// True where somebody has changed in the cluster what it manages.
    pub drifted: bool,
    /// What is wrong with it: code, message.
    pub issues: Vec<(String, String)>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The token that it was asked for with, and a digest of what else was asked.
    pub token: Option<(String, String)>,
}

/// What an add-on is to become; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The add-on's name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// ARN of the role of its service account.
    pub role: Option<String>,
    /// The configuration, JSON.
    pub configuration: Option<String>,
    /// What becomes of changes that others made in the cluster.
    pub conflicts: Conflicts,
}

/// What becomes of changes that others made in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflicts {
    /// They make the update fail.
    #[default]
    None,
    /// They are overwritten.
    Overwrite,
    /// They stay.
    Preserve,
}

fn kind(name: &str, purpose: &str, needs_iam: bool, settings: &[&str], versions: Vec<Version>) -> Kind {
    Kind {
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        publisher: "eks".to_owned(),
        namespace: "kube-system".to_owned(),
        needs_iam,
        settings: settings.iter().map(|it| (*it).to_owned()).collect(),
        versions,
    }
}

fn version(name: &str, fits: (u32, u32), default_for: Option<(u32, u32)>) -> Version {
    let span = |(first, last): (u32, u32)| (Minor(first), Minor(last));
    Version { name: name.to_owned(), fits: span(fits), default_for: default_for.map(span) }
}

/// The add-ons of EKS that the estate has.
#[must_use]
pub fn catalog() -> Vec<Kind> {
    // kube-proxy may be up to three minor versions older than the control plane, and never newer.
    let proxies = CALENDAR.iter().rev().map(|it| {
        let minor = it.version.0;
        let name = format!("v{}.{}-eksbuild.2", it.version, it.version.patch());
        version(&name, (minor, minor + 3), Some((minor, minor)))
    });
    vec![
        kind(
            "vpc-cni",
            "networking",
            true,
            &["env", "enableNetworkPolicy", "resources"],
            vec![
                version("v1.21.1-eksbuild.1", (32, 36), Some((35, 36))),
                version("v1.20.4-eksbuild.2", (30, 36), Some((33, 34))),
                version("v1.19.6-eksbuild.7", (29, 34), Some((31, 32))),
                version("v1.18.5-eksbuild.1", (28, 32), Some((30, 30))),
            ],
        ),
        kind(
            "coredns",
            "networking",
            false,
            &["replicaCount", "corefile", "resources", "autoScaling"],
            vec![
                version("v1.13.2-eksbuild.1", (34, 36), Some((35, 36))),
                version("v1.12.4-eksbuild.1", (32, 36), Some((33, 34))),
                version("v1.11.4-eksbuild.22", (29, 34), Some((30, 32))),
            ],
        ),
        kind("kube-proxy", "networking", false, &["mode", "resources"], proxies.collect()),
        kind(
            "aws-ebs-csi-driver",
            "storage",
            true,
            &["controller", "node", "defaultStorageClass"],
            vec![
                version("v1.51.1-eksbuild.1", (32, 36), Some((34, 36))),
                version("v1.44.0-eksbuild.1", (30, 35), Some((30, 33))),
            ],
        ),
        kind(
            "eks-pod-identity-agent",
            "security",
            false,
            &["agent", "resources"],
            vec![version("v1.3.10-eksbuild.1", (28, 36), Some((28, 36)))],
        ),
        kind(
            "metrics-server",
            "observability",
            false,
            &["replicas", "resources"],
            vec![
                version("v0.8.0-eksbuild.6", (30, 36), Some((33, 36))),
                version("v0.7.2-eksbuild.4", (29, 34), Some((29, 32))),
            ],
        ),
    ]
}

/// The minor version of an add-on's version.
fn minor_of(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').nth(1)?.parse().ok()
}

/// Whether an add-on may go from a version to another: the VPC CNI goes by single minor versions (EKS user guide,
/// "Update the Amazon VPC CNI").
#[must_use]
pub fn reachable(name: &str, from: &str, to: &str) -> bool {
    let step = || Some(minor_of(from)?.abs_diff(minor_of(to)?));
    name != "vpc-cni" || step().is_none_or(|it| it <= 1)
}

/// Begins to change an add-on.
pub fn change(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    wish: Wish,
    params: Vec<(&'static str, String)>,
    token: Option<(String, String)>,
) -> String {
    if let Some(addon) = cluster.addons.get_mut(&wish.name) {
        addon.status = "UPDATING";
    }
    let subject = Subject::Addon(wish.name.clone());
    let id = cluster.begin(ground, subject, ("AddonUpdate", params), token, Work::Addon(wish));
    let takes = ground.length(cluster, ground.pace.addon);
    ground.after(takes, What::Update(id.clone()));
    id
}

/// An add-on's change is over.
pub(super) fn updated(cluster: &mut Cluster, ground: &Ground<'_>, id: &str, wish: &Wish) {
    let Some(addon) = cluster.addons.get_mut(&wish.name) else { return };
    addon.modified = ground.now;
    if addon.drifted && wish.conflicts == Conflicts::None {
        addon.status = "UPDATE_FAILED";
        let message = format!(
            "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts: \
             {} - .spec.template",
            wish.name
        );
        let problem =
            Problem { code: "ConfigurationConflict".to_owned(), message, resources: vec![wish.name.clone()] };
        cluster.end(id, vec![problem]);
        return;
    }
    addon.drifted &= wish.conflicts != Conflicts::Overwrite;
    addon.status = "ACTIVE";
    for (given, kept) in [(&wish.role, &mut addon.role), (&wish.configuration, &mut addon.configuration)] {
        if given.is_some() {
            kept.clone_from(given);
        }
    }
    if let Some(version) = &wish.version {
        addon.version.clone_from(version);
    }
    tell_managers(cluster, &wish.name, ground.now);
    cluster.end(id, Vec::new());
}

/// What an add-on consists of in the cluster: resource and name in `kube-system`.
fn controller_of(addon: &str) -> Option<(&'static str, &'static str)> {
    match addon {
        "vpc-cni" => Some(("apps/daemonsets", "aws-node")),
        "kube-proxy" => Some(("apps/daemonsets", "kube-proxy")),
        "coredns" => Some(("apps/deployments", "coredns")),
        _ => None,
    }
}

/// Tells by an add-on's controller who has set its fields: EKS, and where it has drifted, somebody with kubectl.
///
/// Source: EKS user guide, "Determine fields you can customize for Amazon EKS add-ons".
pub fn tell_managers(cluster: &mut Cluster, name: &str, now: Timestamp) {
    let (Some(addon), Some((resource, controller))) = (cluster.addons.get(name), controller_of(name)) else {
        return;
    };
    let entry = |manager: &str, operation: &str, fields: Value| {
        json!({ "manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": seconds(now),
                "fieldsType": "FieldsV1", "fieldsV1": fields })
    };
    let template = |field: &str| json!({ "f:spec": { "f:template": { "f:spec": { field: {} } } } });
    let mut managers = vec![entry("eks", "Apply", template("f:containers"))];
    if addon.drifted {
        managers.push(entry("kubectl-edit", "Update", template("f:priorityClassName")));
    }
    let key = ("kube-system".to_owned(), controller.to_owned());
    cluster.kube.change(resource, &key, now, |object| {
        object["metadata"]["managedFields"] = managers.into();
    });
}

/// Lets a new add-on become active when its pods would be.
pub fn install(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str) {
    let takes = ground.length(cluster, ground.pace.addon);
    ground.after(takes, What::Installed(name.to_owned()));
}

/// A new add-on's pods are there.
pub(super) fn installed(cluster: &mut Cluster, name: &str) {
    if let Some(addon) = cluster.addons.get_mut(name).filter(|it| it.status == "CREATING") {
        addon.status = "ACTIVE";
    }
}

impl Addon {
    /// An add-on as it begins.
    #[must_use]
    pub fn new(version: String, status: &'static str, now: Timestamp) -> Self {
        Self {
            version,
            status,
            created: now,
            modified: now,
            role: None,
            configuration: None,
            drifted: false,
            issues: Vec::new(),
            tags: BTreeMap::new(),
            token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offered_version_of_kubernetes_has_one_default_of_every_add_on() {
        for kind in catalog() {
            for offered in CALENDAR {
                let defaults = kind.versions.iter().filter(|it| it.is_default(offered.version)).count();
                assert_eq!(defaults, 1, "{} for {}", kind.name, offered.version);
            }
            for version in &kind.versions {
                let (first, last) = version.default_for.unwrap_or(version.fits);
                assert!(version.fits(first) && version.fits(last), "{} {}", kind.name, version.name);
            }
        }
    }

    #[test]
    fn the_cni_goes_by_single_minor_versions() {
        assert!(reachable("vpc-cni", "v1.18.5-eksbuild.1", "v1.19.6-eksbuild.7"));
        assert!(!reachable("vpc-cni", "v1.18.5-eksbuild.1", "v1.20.4-eksbuild.2"));
        assert!(reachable("coredns", "v1.11.4-eksbuild.22", "v1.13.2-eksbuild.1"));
    }
}
