//! What could not be listed is unknown, with the reason, and never empty.

use fleetwright_eks::read::{Kind, Objects, read, requests};
use fleetwright_eks::{Fact, Unread, UnreadCause};
use fleetwright_kubernetes::Minor;

use crate::cluster::{cluster, denied, object, pod, served};

fn cause<T>(fact: &Fact<T>) -> Option<UnreadCause> {
    match fact {
        Fact::Known(_) => None,
        Fact::NotRead(why) => Some(why.cause),
    }
}

#[test]
fn where_nothing_could_be_asked_nothing_is_known() {
    let why = Unread { cause: UnreadCause::Failed, detail: "no answer".to_owned() };
    let found = read(&Objects::not_read(why));
    let failed = Some(UnreadCause::Failed);
    let apis = &found.apis;
    for of in [&apis.live, &apis.managed_fields, &apis.last_applied, &apis.rules, &apis.policies] {
        assert_eq!(cause(of), failed);
    }
    assert_eq!(
        [cause(&apis.webhooks), cause(&apis.helm), cause(&apis.custom_resources)].as_slice(),
        [failed; 3]
    );
    assert_eq!([cause(&apis.api_services), cause(&apis.fields)], [failed; 2]);
    assert_eq!(cause(&apis.callers), Some(UnreadCause::NotAsked));
    let (nodes, addons, workloads) = (&found.nodes, &found.addons, &found.workloads);
    assert_eq!(
        [cause(&nodes.nodes), cause(&nodes.pools), cause(&nodes.cni), cause(&nodes.proxy_mode)],
        [failed; 4]
    );
    assert_eq!(
        [cause(&nodes.cgroup_v1), cause(&nodes.pod_subnet_ids), cause(&nodes.pods_on_nodes)],
        [failed; 3]
    );
    assert_eq!([cause(&addons.software), cause(&addons.kube_proxy), cause(&addons.core_dns)], [failed; 3]);
    assert_eq!([cause(&addons.present), cause(&addons.changed_fields), cause(&found.backup)], [failed; 3]);
    assert_eq!(cause(&addons.self_managed(&[])), failed);
    assert_eq!([cause(&workloads.pods), cause(&workloads.budgets), cause(&workloads.workloads)], [failed; 3]);
    assert_eq!([cause(&workloads.namespaces), cause(&workloads.jobs), cause(&workloads.tight)], [failed; 3]);
}

#[test]
fn a_list_that_was_refused_hides_what_is_read_from_it_and_nothing_else() {
    let found = cluster().denied(Kind::EndpointSlices).denied(Kind::Volumes).read();
    let refused = Some(UnreadCause::Denied);
    assert_eq!(cause(&found.apis.webhooks), refused, "endpoints of webhooks lie there");
    assert_eq!(cause(&found.apis.live), refused, "a list that nobody saw may hold old ones");
    assert_eq!(cause(&found.apis.custom_resources), None, "none of them has a webhook");
    assert_eq!(cause(&found.workloads.pods), None, "no pod has a claim");
    let claim =
        serde_json::json!({ "volumes": [{ "name": "a", "persistentVolumeClaim": { "claimName": "a" } }] });
    let found = cluster().denied(Kind::Volumes).with(Kind::Pods, [pod("web", claim)]).read();
    assert_eq!([cause(&found.workloads.pods), cause(&found.nodes.pods_on_nodes)], [refused; 2]);
}

#[test]
fn secrets_that_nobody_may_list_hide_helm_releases_and_no_use_of_an_api() {
    let found = cluster().denied(Kind::HelmSecrets).read();
    assert_eq!(cause(&found.apis.helm), Some(UnreadCause::Denied));
    let uses = [cause(&found.apis.live), cause(&found.apis.managed_fields), cause(&found.apis.last_applied)];
    assert_eq!(uses, [None; 3], "Secrets never had another version");
}

#[test]
fn custom_resources_that_are_not_served_are_none_unless_their_group_does_not_answer() {
    let without =
        |group: &str| served().into_iter().filter(|of| of.api.api_version.group != group).collect::<Vec<_>>();
    let backup = |gaps| {
        let resources = without("velero.io");
        let mut objects = Objects::new(resources.clone(), gaps);
        for request in requests(&resources, Minor::new(31)) {
            objects.add(&request, Ok(Vec::new()));
        }
        read(&objects).backup
    };
    assert_eq!(backup(Vec::new()), Fact::Known(None));
    let gap = ("velero.io/v1".parse().expect("a version"), denied());
    assert_eq!(cause(&backup(vec![gap])), Some(UnreadCause::Denied));
    let objects = Objects::new(without("policy"), Vec::new());
    assert_eq!(cause(&read(&objects).workloads.budgets), Some(UnreadCause::Unsupported));
}

#[test]
fn a_list_that_nobody_asked_for_is_not_empty() {
    let found = read(&Objects::new(served(), Vec::new()));
    assert_eq!(cause(&found.workloads.pods), Some(UnreadCause::NotAsked));
}

#[test]
fn a_pool_of_karpenter_needs_its_classes_and_one_of_auto_mode_does_not() {
    let pool = |group: &str| {
        let class = serde_json::json!({ "group": group, "name": "default" });
        object(
            "",
            "general",
            serde_json::json!({ "spec": { "template": { "spec": { "nodeClassRef": class } } } }),
        )
    };
    let pools =
        |group: &str| cluster().denied(Kind::Ec2NodeClasses).with(Kind::NodePools, [pool(group)]).read();
    assert_eq!(cause(&pools("karpenter.k8s.aws").nodes.pools), Some(UnreadCause::Denied));
    assert_eq!(cause(&pools("eks.amazonaws.com").nodes.pools), None);
}
