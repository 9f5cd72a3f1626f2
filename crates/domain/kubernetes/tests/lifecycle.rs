//! The table of APIs against a list of removals that was made from the same markers by another hand.

use std::collections::BTreeSet;

use fleetwright_kubernetes::{ApiTable, GroupVersionKind, Minor, Verdict};

/// Removed in (in effect), removed in (marker), group and version, kinds, deprecated in (any of).
type Removal = (u16, u16, &'static str, &'static [&'static str], &'static [u16]);

#[rustfmt::skip]
const REMOVALS: &[Removal] = &[
    (16, 16, "apps/v1beta1", &["ControllerRevision", "Deployment", "DeploymentRollback", "Scale", "StatefulSet"], &[8]),
    (16, 16, "apps/v1beta2", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "Scale", "StatefulSet"], &[9]),
    (16, 16, "extensions/v1beta1", &["DaemonSet", "Deployment", "DeploymentRollback", "NetworkPolicy", "PodSecurityPolicy", "ReplicaSet", "Scale"], &[11, 2, 8, 9]),
    (21, 21, "flowcontrol.apiserver.k8s.io/v1alpha1", &["FlowSchema", "PriorityLevelConfiguration"], &[20]),
    (22, 22, "admission.k8s.io/v1beta1", &["AdmissionReview"], &[19]),
    (22, 22, "admissionregistration.k8s.io/v1beta1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"], &[16]),
    (22, 22, "authentication.k8s.io/v1beta1", &["TokenReview"], &[19]),
    (22, 22, "authorization.k8s.io/v1beta1", &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"], &[19]),
    (22, 22, "certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], &[19]),
    (22, 22, "coordination.k8s.io/v1beta1", &["Lease"], &[19]),
    (22, 22, "extensions/v1beta1", &["Ingress"], &[14]),
    (22, 22, "networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], &[19]),
    (22, 22, "rbac.authorization.k8s.io/v1beta1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"], &[17]),
    (22, 22, "scheduling.k8s.io/v1beta1", &["PriorityClass"], &[14]),
    (22, 22, "storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"], &[17, 19]),
    (24, 24, "storage.k8s.io/v1alpha1", &["CSIStorageCapacity", "VolumeAttachment"], &[21]),
    (25, 25, "autoscaling/v2beta1", &["HorizontalPodAutoscaler"], &[22]),
    (25, 25, "batch/v1beta1", &["CronJob", "JobTemplate"], &[21, 22]),
    (25, 25, "discovery.k8s.io/v1beta1", &["EndpointSlice"], &[21]),
    (25, 25, "events.k8s.io/v1beta1", &["Event"], &[22]),
    (25, 25, "node.k8s.io/v1beta1", &["RuntimeClass"], &[22]),
    (25, 25, "policy/v1beta1", &["Eviction", "PodDisruptionBudget", "PodSecurityPolicy"], &[21, 22]),
    (26, 26, "autoscaling/v2beta2", &["HorizontalPodAutoscaler"], &[23]),
    (26, 26, "flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema", "PriorityLevelConfiguration"], &[23]),
    (27, 27, "storage.k8s.io/v1beta1", &["CSIStorageCapacity"], &[24]),
    (29, 29, "flowcontrol.apiserver.k8s.io/v1beta2", &["FlowSchema", "PriorityLevelConfiguration"], &[26]),
    (29, 31, "networking.k8s.io/v1alpha1", &["ClusterCIDR"], &[28]),
    (32, 32, "admissionregistration.k8s.io/v1alpha1", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"], &[29]),
    (32, 32, "authentication.k8s.io/v1alpha1", &["SelfSubjectReview"], &[29]),
    (32, 32, "flowcontrol.apiserver.k8s.io/v1beta3", &["FlowSchema", "PriorityLevelConfiguration"], &[29]),
    (32, 37, "coordination.k8s.io/v1alpha1", &["LeaseCandidate"], &[34]),
    (33, 33, "authentication.k8s.io/v1beta1", &["SelfSubjectReview"], &[30]),
    (33, 33, "networking.k8s.io/v1alpha1", &["IPAddress", "ServiceCIDR"], &[30]),
    (34, 34, "admissionregistration.k8s.io/v1beta1", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"], &[31]),
    (34, 37, "resource.k8s.io/v1alpha3", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"], &[34]),
    (35, 35, "apidiscovery.k8s.io/v2beta1", &["APIGroupDiscovery"], &[32]),
    (35, 35, "storage.k8s.io/v1alpha1", &["VolumeAttributesClass"], &[32]),
    (35, 36, "storagemigration.k8s.io/v1alpha1", &["StorageVersionMigration"], &[33]),
    (35, 40, "certificates.k8s.io/v1alpha1", &["PodCertificateRequest"], &[37]),
    (37, 37, "certificates.k8s.io/v1alpha1", &["ClusterTrustBundle"], &[34]),
    (37, 37, "networking.k8s.io/v1beta1", &["IPAddress", "ServiceCIDR"], &[34]),
    (37, 37, "storage.k8s.io/v1beta1", &["VolumeAttributesClass"], &[34]),
    (38, 38, "admissionregistration.k8s.io/v1alpha1", &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"], &[35]),
    (38, 38, "coordination.k8s.io/v1alpha2", &["LeaseCandidate"], &[35]),
    (38, 38, "resource.k8s.io/v1beta1", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"], &[35]),
    (39, 39, "coordination.k8s.io/v1beta1", &["LeaseCandidate"], &[36]),
    (39, 39, "resource.k8s.io/v1alpha3", &["DeviceTaintRule"], &[36]),
    (39, 39, "resource.k8s.io/v1beta2", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"], &[36]),
    (40, 40, "admissionregistration.k8s.io/v1beta1", &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"], &[37]),
    (40, 40, "certificates.k8s.io/v1beta1", &["ClusterTrustBundle", "PodCertificateRequest"], &[37]),
    (40, 40, "storagemigration.k8s.io/v1beta1", &["StorageVersionMigration"], &[37]),
    (42, 42, "resource.k8s.io/v1alpha3", &["ResourcePoolStatusRequest"], &[39]),
    (42, 42, "resource.k8s.io/v1beta2", &["DeviceTaintRule"], &[39]),
    (43, 43, "lifecycle.k8s.io/v1alpha1", &["Eviction", "EvictionRequest"], &[40]),
    (43, 43, "scheduling.k8s.io/v1beta1", &["PodGroup", "Workload"], &[40]),
];

fn api(group_version: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::new(group_version, kind).expect("well formed")
}

fn verdict(group_version: &str, kind: &str, at: u16) -> Verdict {
    ApiTable::bundled().verdict(&api(group_version, kind), Minor::new(at))
}

#[test]
fn every_removal_takes_effect_at_its_minor_and_not_before() {
    for &(removed, _, group_version, kinds, deprecated) in REMOVALS {
        for kind in kinds {
            let name = format!("{group_version} {kind}");
            for at in removed..=43 {
                let found = verdict(group_version, kind, at);
                assert!(
                    matches!(&found, Verdict::Removed { removed_in, .. } if removed_in.number() == removed),
                    "{name} at 1.{at}: {found:?}"
                );
            }
            let before = verdict(group_version, kind, removed - 1);
            let fits = match &before {
                Verdict::Deprecated { since, removed_in, .. } => {
                    deprecated.contains(&since.number()) && *removed_in == Some(Minor::new(removed))
                }
                // Dropped before it was deprecated.
                Verdict::Served => deprecated.iter().all(|&since| since >= removed),
                _ => false,
            };
            assert!(fits, "{name} at 1.{}: {before:?}", removed - 1);
        }
    }
}

#[test]
fn markers_and_removals_are_the_same_apis() {
    let table = ApiTable::bundled();
    let mut listed = BTreeSet::new();
    for &(_, marker, group_version, kinds, _) in REMOVALS {
        for kind in kinds {
            let row = table.rows().iter().find(|row| row.api == api(group_version, kind));
            let found = row.and_then(|row| row.removed_marker);
            assert_eq!(found, Some(Minor::new(marker)), "{group_version} {kind}");
            listed.insert(api(group_version, kind));
        }
    }
    let elsewhere = ["apiextensions.k8s.io", "apiregistration.k8s.io", "audit.k8s.io"];
    for row in table.rows().iter().filter(|row| row.removed_in(table.newest_minor()).is_some()) {
        let known = listed.contains(&row.api) || elsewhere.contains(&row.api.api_version.group.as_str());
        assert!(known, "{} is removed and not in the list", row.api);
    }
}

#[test]
fn every_row_says_where_it_comes_from_and_is_there_once() {
    let table = ApiTable::bundled();
    let mut seen = BTreeSet::new();
    for row in table.rows() {
        assert!(seen.insert(&row.api), "{} is there twice", row.api);
        assert!(!row.source.is_empty() && row.read_on.len() == 10, "{}", row.api);
        assert_eq!(row.reference.is_empty(), row.source != "kubernetes/api", "{}", row.api);
        assert!(row.last_seen <= table.newest_minor(), "{}", row.api);
        assert!(row.deprecated.is_none_or(|deprecated| deprecated >= row.introduced), "{}", row.api);
    }
}

#[test]
fn a_replacement_is_one_that_is_served_at_that_minor() {
    let table = ApiTable::bundled();
    for row in table.rows() {
        for at in 16..=43 {
            let (Verdict::Removed { replacement, .. } | Verdict::Deprecated { replacement, .. }) =
                table.verdict(&row.api, Minor::new(at))
            else {
                continue;
            };
            let Some(replacement) = replacement else { continue };
            assert!(replacement.since <= Minor::new(at), "{} at 1.{at}", row.api);
            let removed = table.removed_in(&replacement.api);
            assert!(removed.is_none_or(|removed| removed > Minor::new(at)), "{} at 1.{at}", row.api);
        }
    }
}

#[test]
fn a_chain_of_replacements_is_followed_to_what_is_served() {
    let replaced = |group_version, kind, at| match verdict(group_version, kind, at) {
        Verdict::Removed { replacement, .. } => replacement.map(|to| to.api.to_string()),
        other => panic!("{other:?}"),
    };
    let flow = "flowcontrol.apiserver.k8s.io";
    let schema = |version: &str| Some(format!("{flow}/{version} FlowSchema"));
    assert_eq!(replaced("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema", 29), schema("v1beta3"));
    assert_eq!(replaced("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema", 32), schema("v1"));
    assert_eq!(replaced("events.k8s.io/v1beta1", "Event", 25), Some("events.k8s.io/v1 Event".into()));
    assert_eq!(replaced("policy/v1beta1", "PodSecurityPolicy", 25), None);
}

#[test]
fn what_the_table_does_not_hold_is_unknown() {
    assert_eq!(verdict("karpenter.sh/v1beta1", "NodePool", 33), Verdict::Unknown);
    assert_eq!(verdict("apps/v1", "Deployment", 38), Verdict::Unknown);
    assert_eq!(verdict("apps/v1", "Deployment", 37), Verdict::Served);
    assert_eq!(verdict("batch/v1", "CronJob", 20), Verdict::NotYet { introduced: Minor::new(21) });
    assert_eq!(ApiTable::bundled().newest_minor(), Minor::new(37));
}
