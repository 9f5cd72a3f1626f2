//! Auto Scaling groups of one's own: what they need, what stands in their way, what is not known of them.

use fleetwright_eks::facts::control_plane::Usage;
use fleetwright_eks::facts::nodes::{
    GroupTemplate, KubeletFlag, LaunchSource, Launched, MixedPolicy, SelfManagedGroup, TemplateVersion,
};
use fleetwright_eks::{Fact, Facts, Severity, Verdict};
use fleetwright_kubernetes::Minor;

use super::world::{healthy, node, own_group};
use super::{findings, hide, of, one_hop, verdict};

/// The only group of a cluster, and its template.
fn group(facts: &mut Facts) -> &mut SelfManagedGroup {
    &mut of(&mut facts.nodes.self_managed)[0]
}

fn template(facts: &mut Facts) -> &mut GroupTemplate {
    match &mut group(facts).source {
        LaunchSource::Template(template) => template,
        other => panic!("{other:?}"),
    }
}

fn versions(facts: &mut Facts) -> &mut Vec<TemplateVersion> {
    of(&mut template(facts).versions)
}

fn is_open(facts: &Facts, minor: u16, code: &str) -> bool {
    matches!(verdict(&one_hop(facts, minor), code), Verdict::NotEvaluated { .. })
}

#[test]
fn a_group_without_a_version_of_its_template_for_the_target_is_told_what_to_make() {
    let mut facts = healthy(33);
    versions(&mut facts).retain(|it| it.minor != Some(Minor::new(34)));
    let found = findings(&facts, 33, "EKS-N4");
    assert_eq!(
        (found[0].severity, found[0].subject.as_str()),
        (Severity::Blocking, "Auto Scaling group batch")
    );
    for words in ["no version of its launch template lt-batch has an image of 1.34", "--source-version 33"] {
        assert!(found[0].what.contains(words), "{found:?}");
    }
    assert!(found[0].evidence.starts_with("version 38: ami-38, of 1.38"), "{found:?}");
    // A group that makes no nodes needs none.
    group(&mut facts).instances.clear();
    assert_eq!(verdict(&one_hop(&facts, 33), "EKS-N4"), Verdict::Pass);
}

#[test]
fn an_image_that_does_not_tell_its_version_is_none_of_the_target() {
    let mut facts = healthy(33);
    versions(&mut facts).iter_mut().for_each(|it| it.minor = None);
    let found = findings(&facts, 33, "EKS-N4");
    assert!(found[0].evidence.contains("ami-34, which does not tell its version"), "{found:?}");
}

#[test]
fn nodes_tell_the_version_of_an_image_that_does_not() {
    let minor = Minor::new(33);
    let mut group = own_group("batch", &["node-a", "node-b"], minor);
    let LaunchSource::Template(template) = &mut group.source else { panic!("a template") };
    let Fact::Known(versions) = &mut template.versions else { panic!("versions") };
    versions.iter_mut().for_each(|it| it.minor = None);
    let nodes = |other: u16| vec![node("node-a", "1a", minor), node("node-b", "1b", Minor::new(other))];
    group.learn_from(&nodes(32));
    assert_eq!(group.version_for(minor), None, "they do not agree");
    group.learn_from(&nodes(33));
    assert_eq!(group.version_for(minor).map(|it| it.version), Some(33));
    assert_eq!(group.version_for(Minor::new(34)), None);
}

#[test]
fn what_instances_run_comes_before_what_is_newer() {
    let minor = Minor::new(33);
    let mut group = own_group("batch", &["node-a"], minor);
    let LaunchSource::Template(template) = &mut group.source else { panic!("a template") };
    let Fact::Known(versions) = &mut template.versions else { panic!("versions") };
    for number in [50, 51] {
        versions
            .insert(0, TemplateVersion { number, is_default: false, ..versions[versions.len() - 6].clone() });
    }
    assert_eq!(versions[0].minor, Some(minor), "as the test has it");
    assert_eq!(group.version_for(minor).map(|it| it.version), Some(33));
    group.instances[0].template_version = Some(50);
    assert_eq!(group.version_for(minor).map(|it| it.version), Some(50));
}

#[test]
fn versions_that_nobody_may_read_leave_the_checks_of_them_open() {
    let mut facts = healthy(33);
    hide(&mut template(&mut facts).versions);
    for code in ["EKS-N4", "EKS-N7"] {
        assert!(is_open(&facts, 33, code), "{code}");
    }
    let mut facts = healthy(33);
    hide(&mut facts.nodes.self_managed);
    for code in ["EKS-N4", "EKS-N7", "EKS-N8", "EKS-N14"] {
        assert!(is_open(&facts, 33, code), "{code}");
    }
}

#[test]
fn a_node_whose_group_has_a_version_for_the_target_comes_back_with_its_runtime() {
    let old = |facts: &mut Facts| {
        of(&mut facts.nodes.nodes)[0].container_runtime = "containerd://1.7.27".into();
    };
    let mut facts = healthy(35);
    old(&mut facts);
    assert_eq!(verdict(&one_hop(&facts, 35), "EKS-N5"), Verdict::Pass);
    versions(&mut facts).retain(|it| it.minor != Some(Minor::new(36)));
    assert_eq!(findings(&facts, 35, "EKS-N5")[0].subject, "node node-a");
}

#[test]
fn a_flag_of_the_templates_user_data_that_goes_is_found_and_user_data_that_is_not_read_is_not_passed() {
    let mut facts = healthy(34);
    let by = "version 35 of launch template lt-batch".to_owned();
    of(&mut facts.nodes.kubelet_flags)
        .push(KubeletFlag { flag: "--pod-infra-container-image".into(), by: by.clone() });
    assert_eq!(findings(&facts, 34, "EKS-N5")[0].subject, by);
    hide(&mut facts.nodes.kubelet_flags);
    assert!(is_open(&facts, 34, "EKS-N5"));
}

#[test]
fn a_change_of_the_template_that_waits_is_told_unless_it_is_the_target() {
    let with = |selected: &str| {
        let mut facts = healthy(33);
        template(&mut facts).selected = selected.into();
        facts
    };
    assert_eq!(verdict(&one_hop(&with("33"), 33), "EKS-N7"), Verdict::Pass);
    assert_eq!(verdict(&one_hop(&with("34"), 33), "EKS-N7"), Verdict::Pass, "that is the version to come");
    let found = findings(&with("$Latest"), 33, "EKS-N7");
    assert_eq!(found[0].evidence, "version 38 ($Latest), 2 instances have another");
}

#[test]
fn what_keeps_a_group_from_replacing_its_instances_is_found() {
    type Spoil = fn(&mut SelfManagedGroup);
    let cases: [(Spoil, &str); 3] = [
        (|it| it.suspended.push("InstanceRefresh".into()), "suspended"),
        (|it| it.refreshing = Fact::Known(true), "under way"),
        (|it| it.instances[0].protected = true, "protected"),
    ];
    for (spoil, what) in cases {
        let mut facts = healthy(33);
        spoil(group(&mut facts));
        assert!(findings(&facts, 33, "EKS-N14")[0].what.contains(what), "{what}");
    }
    let mut facts = healthy(33);
    hide(&mut group(&mut facts).refreshing);
    assert!(is_open(&facts, 33, "EKS-N14"));
}

/// What the checks of room say of the only group where it has so many nodes, and this is changed.
fn room(nodes: u32, spoil: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = healthy(33);
    of(&mut facts.nodes.managed).clear();
    group(&mut facts).desired = nodes;
    spoil(&mut facts);
    let codes = ["EKS-K1", "EKS-K2", "EKS-K3", "EKS-K5"].into_iter();
    let found = codes.filter(|code| verdict(&one_hop(&facts, 33), code) != Verdict::Pass);
    found.map(|code| format!("{code}: {}", findings(&facts, 33, code)[0].what)).collect()
}

#[test]
fn a_group_that_is_refreshed_needs_room_for_a_tenth_of_it() {
    let none: [&str; 0] = [];
    assert_eq!(room(220, |_| {}), none, "22 nodes of 45 addresses and 4 vCPUs");
    let crowded = room(230, |facts| of(&mut facts.nodes.vcpu_quotas)[0].1 = Usage { used: 40, quota: 128 });
    let words = [
        "EKS-K1: 23 new nodes take up to 1035 addresses, 1000 are free",
        "EKS-K3: new nodes take up to 92 vCPUs, 88 are left",
    ];
    assert_eq!(crowded, words);
    let own_subnets = room(20, |facts| {
        let mut subnet = of(&mut facts.nodes.subnets)[0].clone();
        subnet.free_addresses = 89;
        facts.nodes.pod_subnets = Fact::Known(vec![subnet]);
    });
    assert_eq!(own_subnets, ["EKS-K2: pods of new nodes take up to 90 addresses, 89 are free"]);
    let not_offered = room(2, |facts| {
        of(&mut group(facts).new_nodes.instance_types)[0].zones.pop();
    });
    assert_eq!(not_offered, ["EKS-K5: 1b offers none of the group's instance types"]);
}

#[test]
fn every_quota_that_instances_may_count_against_needs_room() {
    let spot = ("Spot".to_owned(), Usage { used: 10, quota: 10 });
    let wants = |facts: &mut Facts| group(facts).new_nodes.vcpu_quotas.push("Spot".to_owned());
    let found = room(2, |facts| {
        wants(facts);
        of(&mut facts.nodes.vcpu_quotas).push(spot);
    });
    assert_eq!(found, ["EKS-K3: new nodes take up to 4 vCPUs, 0 are left"]);
    let mut facts = healthy(33);
    wants(&mut facts);
    assert!(is_open(&facts, 33, "EKS-K3"), "a quota that was not read is no room");
}

#[test]
fn groups_that_are_not_refreshed_need_no_room() {
    for source in [LaunchSource::Configuration, LaunchSource::SeveralTemplates] {
        assert!(room(1_000, |facts| group(facts).source = source.clone()).is_empty(), "{source:?}");
    }
    assert!(room(1_000, |facts| group(facts).instances.clear()).is_empty(), "it makes no nodes");
}

#[test]
fn groups_that_nobody_could_list_leave_room_open_but_where_all_nodes_come_from_elsewhere() {
    let mut facts = healthy(33);
    hide(&mut facts.nodes.self_managed);
    let codes = ["EKS-K1", "EKS-K3", "EKS-K5"];
    assert!(codes.iter().all(|code| is_open(&facts, 33, code)));
    for node in of(&mut facts.nodes.nodes) {
        node.metadata.labels.insert("eks.amazonaws.com/nodegroup".into(), "blue".into());
    }
    for code in codes {
        assert_eq!(verdict(&one_hop(&facts, 33), code), Verdict::Pass, "{code}");
    }
    let mut facts = healthy(33);
    hide(&mut group(&mut facts).new_nodes.vcpus);
    assert!(is_open(&facts, 33, "EKS-K3") && !is_open(&facts, 33, "EKS-K1"));
}

/// What the only group launches for 1.34 after this was changed, or why it cannot be told.
fn launched(change: impl FnOnce(&mut GroupTemplate)) -> Result<Option<Launched>, String> {
    let mut facts = healthy(33);
    change(template(&mut facts));
    group(&mut facts).launched(Some(Minor::new(34))).map_err(|unread| unread.detail)
}

fn of_types(types: &[&str], on_demand: bool, spot: bool) -> Result<Option<Launched>, String> {
    let instance_types = types.iter().map(|it| (*it).to_owned()).collect();
    Ok(Some(Launched { instance_types, on_demand, spot }))
}

#[test]
fn a_group_launches_what_the_version_to_come_or_its_policy_names() {
    let change = |what: fn(&mut TemplateVersion)| {
        launched(|template| {
            let to_come = of(&mut template.versions).iter_mut().find(|it| it.number == 34);
            what(to_come.expect("a version for 1.34"));
        })
    };
    assert_eq!(
        change(|it| it.instance_type = Some("c7i.large".into())),
        of_types(&["c7i.large"], true, false)
    );
    assert_eq!(change(|it| it.spot = true), of_types(&["m7i.xlarge"], false, true));
    let none = Err("Auto Scaling group batch: no instance types are named that it launches".to_owned());
    assert_eq!(change(|it| it.instance_type = None), none);
    let mixed = |types: &[&str], by_requirements, spot| MixedPolicy {
        instance_types: types.iter().map(|it| (*it).to_owned()).collect(),
        by_requirements,
        on_demand: true,
        spot,
    };
    let with = |policy: MixedPolicy| launched(|template| template.mixed = Some(policy));
    assert_eq!(
        with(mixed(&["r7i.large", "r6i.large"], false, true)),
        of_types(&["r7i.large", "r6i.large"], true, true)
    );
    assert_eq!(with(mixed(&[], false, false)), of_types(&["m7i.xlarge"], true, false));
    assert_eq!(with(mixed(&["r7i.large"], true, false)), none, "some are named, others chosen");
}

#[test]
fn without_a_version_for_the_target_a_group_launches_what_it_launches_now() {
    let change = |keep: &dyn Fn(u32) -> bool| {
        launched(|template| {
            let versions = of(&mut template.versions);
            versions.retain(|it| keep(it.number));
            versions.iter_mut().for_each(|it| it.instance_type = Some(format!("v{}.large", it.number)));
        })
    };
    assert_eq!(change(&|number| number != 34), of_types(&["v33.large"], true, false));
    let none = "Auto Scaling group batch: its launch template has no version to launch from";
    assert_eq!(change(&|number| number > 34), Err(none.to_owned()), "neither is there");
    assert_eq!(launched(|template| hide(&mut template.versions)), Err("hidden by the test".to_owned()));
    let mut facts = healthy(33);
    group(&mut facts).source = LaunchSource::Configuration;
    assert_eq!(group(&mut facts).launched(Some(Minor::new(34))), Ok(None), "it is not refreshed");
}
