//! Auto Scaling groups of one's own: what they need, what stands in their way, what is not known of them.

use fleetwright_eks::facts::nodes::{
    GroupTemplate, KubeletFlag, LaunchSource, SelfManagedGroup, TemplateVersion,
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
