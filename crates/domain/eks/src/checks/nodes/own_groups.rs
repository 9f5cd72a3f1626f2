//! Auto Scaling groups of one's own.

use fleetwright_kubernetes::Node;

use crate::check::{Context, Examination};
use crate::facts::nodes::{LaunchSource, SelfManagedGroup};

/// Processes that an instance refresh needs of a group. Source: EC2 Auto Scaling User Guide, "Suspend and resume
/// processes".
const NEEDED: [&str; 5] = ["Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy", "InstanceRefresh"];

fn subject(group: &SelfManagedGroup) -> String {
    format!("Auto Scaling group {}", group.name)
}

fn groups<'f>(context: &Context<'f>, exam: &mut Examination) -> &'f [SelfManagedGroup] {
    exam.read(&context.facts.nodes.self_managed).map_or(&[], Vec::as_slice)
}

/// Each group with nodes has a version of its launch template for the version that it is to get.
pub(super) fn target_versions(context: &Context<'_>, exam: &mut Examination) {
    let to = context.hop.to;
    for group in groups(context, exam) {
        let Some(template) = group.template().filter(|_| !group.instances.is_empty()) else { continue };
        if exam.read(&template.versions).is_some() && group.version_for(to).is_none() {
            let (what, evidence) = group.missing_version(to);
            exam.find(subject(group), what, evidence);
        }
    }
}

/// Whether a node's group is refreshed with a version of its template for the version that it is to get.
pub(super) fn gets_a_new_image(context: &Context<'_>, node: &Node, exam: &mut Examination) -> bool {
    let Some(last) = context.route.last() else { return false };
    groups(context, exam).iter().any(|group| group.has(node) && group.version_for(last.to).is_some())
}

/// A change of the template that instances do not have yet, and that is not the one for the version to come.
pub(super) fn waiting_changes(context: &Context<'_>, exam: &mut Examination) {
    let Some(last) = context.route.last() else { return };
    for group in groups(context, exam) {
        let Some(template) = group.template() else { continue };
        if exam.read(&template.versions).is_none() {
            continue;
        }
        let Some(launches) = template.launches() else { continue };
        let is_the_target = template.version(launches).is_some_and(|it| it.minor == Some(last.to));
        let old = group.instances.iter().filter(|it| it.template_version != Some(launches)).count();
        if old > 0 && !is_the_target {
            let what =
                "the group launches from another version of its launch template than its instances have";
            let evidence =
                format!("version {launches} ({}), {old} instances have another", template.selected);
            exam.find(subject(group), what, evidence);
        }
    }
}

/// A launch configuration cannot be changed.
pub(super) fn launch_configurations(context: &Context<'_>, exam: &mut Examination) {
    for group in groups(context, exam) {
        if group.source == LaunchSource::Configuration {
            let what = "the group is made from a launch configuration, which cannot take a new image";
            exam.find(subject(group), what, "launchConfigurationName");
        }
    }
}

/// Nothing keeps a group from replacing its instances.
pub(super) fn free_to_replace(context: &Context<'_>, exam: &mut Examination) {
    for group in groups(context, exam) {
        let suspended: Vec<&str> =
            group.suspended.iter().map(String::as_str).filter(|process| NEEDED.contains(process)).collect();
        if !suspended.is_empty() {
            exam.find(subject(group), "processes that the upgrade needs are suspended", suspended.join(", "));
        }
        if exam.read(&group.refreshing) == Some(&true) {
            exam.find(subject(group), "an instance refresh is under way", "DescribeInstanceRefreshes");
        }
        let protected = group.protected_instances();
        if protected > 0 {
            let evidence = format!("{protected} instances");
            exam.find(subject(group), "instances are protected from scaling in", evidence);
        }
    }
}
