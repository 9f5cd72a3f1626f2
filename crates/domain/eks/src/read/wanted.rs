//! What is listed of a cluster, and how much of it.

use fleetwright_kubernetes::{ApiTable, Depth, Minor, Resource, Verdict};

/// Kinds of objects that facts are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the kinds of Kubernetes, and of those who extend it")]
pub enum Kind {
    Pods,
    Nodes,
    Namespaces,
    Budgets,
    Deployments,
    StatefulSets,
    DaemonSets,
    Jobs,
    Autoscalers,
    Quotas,
    Volumes,
    Claims,
    /// ConfigMaps of `kube-system`: settings of kube-proxy and CoreDNS.
    SystemConfigMaps,
    /// Secrets that hold deployed releases of Helm; no others are read.
    HelmSecrets,
    /// ConfigMaps that do.
    HelmConfigMaps,
    ServiceAccounts,
    Services,
    Endpoints,
    EndpointSlices,
    MutatingWebhooks,
    ValidatingWebhooks,
    AdmissionPolicies,
    ApiServices,
    CustomResources,
    /// Karpenter's, and those of Auto Mode.
    NodePools,
    Ec2NodeClasses,
    /// Of the VPC CNI.
    EniConfigs,
    /// Velero's.
    Backups,
    /// Kyverno's.
    ClusterPolicies,
    /// Kyverno's.
    Policies,
}

/// How a kind is listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) kind: Kind,
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    depth: Depth,
    namespace: &'static str,
    labels: &'static str,
    page: u16,
    /// It is there only where somebody defined it.
    pub(super) custom: bool,
}

const fn built_in(kind: Kind, group: &'static str, plural: &'static str) -> Wanted {
    Wanted { kind, group, plural, depth: Depth::Whole, namespace: "", labels: "", page: 500, custom: false }
}

const fn metadata(kind: Kind, group: &'static str, plural: &'static str) -> Wanted {
    Wanted { depth: Depth::Metadata, ..built_in(kind, group, plural) }
}

const fn custom(kind: Kind, group: &'static str, plural: &'static str) -> Wanted {
    Wanted { custom: true, ..built_in(kind, group, plural) }
}

/// Labels of deployed releases. Source: Helm, storage drivers.
const RELEASES: &str = "owner=helm,status=deployed";
/// Releases of a page: each may have 1 MiB.
const RELEASES_PAGE: u16 = 20;

const WANTED: [Wanted; 30] = [
    built_in(Kind::Pods, "", "pods"),
    built_in(Kind::Nodes, "", "nodes"),
    metadata(Kind::Namespaces, "", "namespaces"),
    built_in(Kind::Budgets, "policy", "poddisruptionbudgets"),
    built_in(Kind::Deployments, "apps", "deployments"),
    built_in(Kind::StatefulSets, "apps", "statefulsets"),
    built_in(Kind::DaemonSets, "apps", "daemonsets"),
    built_in(Kind::Jobs, "batch", "jobs"),
    built_in(Kind::Autoscalers, "autoscaling", "horizontalpodautoscalers"),
    built_in(Kind::Quotas, "", "resourcequotas"),
    built_in(Kind::Volumes, "", "persistentvolumes"),
    built_in(Kind::Claims, "", "persistentvolumeclaims"),
    Wanted { namespace: "kube-system", page: 50, ..built_in(Kind::SystemConfigMaps, "", "configmaps") },
    Wanted { labels: RELEASES, page: RELEASES_PAGE, ..built_in(Kind::HelmSecrets, "", "secrets") },
    Wanted { labels: RELEASES, page: RELEASES_PAGE, ..built_in(Kind::HelmConfigMaps, "", "configmaps") },
    metadata(Kind::ServiceAccounts, "", "serviceaccounts"),
    built_in(Kind::Services, "", "services"),
    metadata(Kind::Endpoints, "", "endpoints"),
    built_in(Kind::EndpointSlices, "discovery.k8s.io", "endpointslices"),
    built_in(Kind::MutatingWebhooks, "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    built_in(Kind::ValidatingWebhooks, "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    built_in(Kind::AdmissionPolicies, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
    built_in(Kind::ApiServices, "apiregistration.k8s.io", "apiservices"),
    Wanted {
        page: 50,
        ..built_in(Kind::CustomResources, "apiextensions.k8s.io", "customresourcedefinitions")
    },
    custom(Kind::NodePools, "karpenter.sh", "nodepools"),
    custom(Kind::Ec2NodeClasses, "karpenter.k8s.aws", "ec2nodeclasses"),
    custom(Kind::EniConfigs, "crd.k8s.amazonaws.com", "eniconfigs"),
    custom(Kind::Backups, "velero.io", "backups"),
    custom(Kind::ClusterPolicies, "kyverno.io", "clusterpolicies"),
    custom(Kind::Policies, "kyverno.io", "policies"),
];

impl Kind {
    pub(super) fn wanted(self) -> &'static Wanted {
        // Each kind is in the table, which a test holds.
        WANTED.iter().find(|wanted| wanted.kind == self).unwrap_or(&WANTED[0])
    }
}

/// A list to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is read from it; `None` where it is the objects' API that matters.
    pub kind: Option<Kind>,
    /// The resource.
    pub resource: Resource,
    /// How much of each object.
    pub depth: Depth,
    /// The namespace; empty for all.
    pub namespace: &'static str,
    /// A label selector; empty for all objects.
    pub labels: &'static str,
    /// Objects of a page.
    pub page: u16,
}

/// The resource of a group that is served in its most settled version.
fn newest<'r>(served: &'r [Resource], group: &str, plural: &str) -> Option<&'r Resource> {
    let of_it = |of: &&Resource| of.api.api_version.group == group && of.plural == plural && of.is_listed();
    served.iter().filter(of_it).max_by_key(|of| of.api.api_version.stability())
}

/// Whether Kubernetes has deprecated or removed a version of a kind that a server of this version has not lost yet.
fn goes(of: &Resource, server: Minor) -> bool {
    let table = ApiTable::bundled();
    let same = |row: &&fleetwright_kubernetes::lifecycle::Row| {
        row.api.kind == of.api.kind && row.api.api_version.group == of.api.api_version.group
    };
    table.rows().iter().filter(same).any(|row| match table.verdict(&row.api, table.newest_minor()) {
        Verdict::Removed { removed_in, .. } => removed_in > server,
        Verdict::Deprecated { .. } => true,
        Verdict::Served | Verdict::NotYet { .. } => row.removed_in(table.newest_minor()).is_some(),
        Verdict::Unknown => false,
    })
}

/// The lists that a server of this version is asked for, by what it serves. Kinds of which no version goes are asked
/// for only where facts are read from them.
pub fn requests(served: &[Resource], server: Minor) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for wanted in &WANTED {
        let Some(resource) = newest(served, wanted.group, wanted.plural) else { continue };
        let &Wanted { kind, depth, namespace, labels, page, .. } = wanted;
        requests.push(Request {
            kind: Some(kind),
            resource: resource.clone(),
            depth,
            namespace,
            labels,
            page,
        });
    }
    for resource in served {
        let (group, plural) = (&resource.api.api_version.group, &resource.plural);
        // What cannot be watched is not stored: its objects are made up when they are asked for.
        let is_stored = resource.verbs.iter().any(|verb| verb == "watch");
        let is_newest = newest(served, group, plural) == Some(resource);
        let is_asked =
            WANTED.iter().any(|of| of.group == group && of.plural == plural && of.labels.is_empty());
        if is_stored && is_newest && !is_asked && goes(resource, server) {
            let (depth, namespace, labels) = (Depth::Metadata, "", "");
            requests.push(Request {
                kind: None,
                resource: resource.clone(),
                depth,
                namespace,
                labels,
                page: 500,
            });
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use fleetwright_kubernetes::GroupVersionKind;

    use super::*;

    fn resource(api_version: &str, kind: &str, plural: &str, verbs: &[&str]) -> Resource {
        let api = GroupVersionKind::new(api_version, kind).expect("an API");
        let verbs = verbs.iter().map(|&verb| verb.to_owned()).collect();
        Resource { api, plural: plural.to_owned(), namespaced: false, verbs }
    }

    #[test]
    fn each_kind_is_in_the_table_once() {
        for (index, wanted) in WANTED.iter().enumerate() {
            assert_eq!(wanted.kind as usize, index, "{}", wanted.plural);
            assert_eq!(wanted.kind.wanted().plural, wanted.plural);
        }
    }

    #[test]
    fn the_newest_version_is_listed_and_what_goes_as_metadata() {
        let all = ["list", "watch"];
        let flows = |version| {
            let api_version = format!("flowcontrol.apiserver.k8s.io/{version}");
            resource(&api_version, "FlowSchema", "flowschemas", &all)
        };
        let served = [
            resource("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", &all),
            resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", &all),
            flows("v1"),
            flows("v1beta3"),
            resource("v1", "Secret", "secrets", &all),
            resource("v1", "ComponentStatus", "componentstatuses", &["list"]),
            resource("v1", "LimitRange", "limitranges", &all),
        ];
        let asked = |server| {
            let asked = requests(&served, Minor::new(server));
            asked
                .iter()
                .map(|of| format!("{} {:?} {}", of.resource.api, of.depth, of.labels))
                .collect::<Vec<_>>()
        };
        let scalers = "autoscaling/v2 HorizontalPodAutoscaler Whole ";
        let secrets = "v1 Secret Whole owner=helm,status=deployed";
        let flow = "flowcontrol.apiserver.k8s.io/v1 FlowSchema Metadata ";
        assert_eq!(asked(31), [scalers, secrets, flow]);
        assert_eq!(asked(32), [scalers, secrets], "from 1.32 on nothing of it goes any more");
    }
}
