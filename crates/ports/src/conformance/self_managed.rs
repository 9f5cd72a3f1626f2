//! The contract of [`SelfManagedGroups`] and [`InstanceRefreshes`], over a group that nobody else changes meanwhile and
//! whose nodes are ready soon after they are launched.

use std::collections::BTreeSet;

use fleetwright_eks::facts::nodes::TemplateRef;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass};

use super::eventually;
use crate::clusters::ClusterName;
use crate::self_managed::{GroupDescription, GroupSource, InstanceRefresh, RefreshStatus};
use crate::{Clock, InstanceRefreshes, SelfManagedGroups};

/// What is under test.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Reading.
    pub groups: &'a dyn SelfManagedGroups,
    /// Changing.
    pub refreshes: &'a dyn InstanceRefreshes,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where.
    pub cell: &'a Cell<'a>,
}

/// What the suite is to find.
pub struct Expected {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its groups, by name; EKS may keep others.
    pub groups: BTreeSet<String>,
    /// One of them, with instances, no refresh so far, and nothing in the way of one.
    pub group: String,
    /// The versions of Kubernetes of the two versions of its template; its instances have the first.
    pub minors: [Minor; 2],
}

/// Runs the suite; at its end the instances have the first version again.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(subject: Subject<'_>, expected: &Expected) {
    finds_groups(subject, expected).await;
    let [before, after] = knows_versions(subject, expected).await;
    goes_on_until_it_is_called_off(subject, expected, &after).await;
    for template in [&after, &before] {
        replaces_instances(subject, expected, template).await;
    }
}

async fn group(subject: Subject<'_>, expected: &Expected) -> GroupDescription {
    let found = subject.groups.group(subject.cell, &expected.group).await.expect("an answer");
    found.expect("the group is there")
}

async fn finds_groups(subject: Subject<'_>, expected: &Expected) {
    let Subject { groups, cell, .. } = subject;
    let listed = groups.groups(cell, &expected.cluster).await.expect("groups");
    let names: Vec<&String> = listed.iter().map(|it| &it.name).collect();
    assert_eq!(
        names,
        expected.groups.iter().collect::<Vec<_>>(),
        "each once and by name, none that EKS keeps"
    );
    let one = group(subject, expected).await;
    assert!(listed.contains(&one), "listed or named, it is the same: {listed:?}");
    assert!(one.arn.ends_with(&format!("autoScalingGroupName/{}", one.name)), "{}", one.arn);
    let (min, desired, max) = one.size;
    assert!(min <= desired && desired <= max && !one.instances.is_empty(), "{one:?}");
    assert!(
        !one.subnet_ids.is_empty() && one.subnet_ids.iter().all(|it| it.starts_with("subnet-")),
        "{one:?}"
    );
    let nobody: ClusterName = "fleetwright-conformance-nobody".parse().expect("a name");
    assert_eq!(groups.groups(cell, &nobody).await, Ok(Vec::new()), "no groups of no cluster");
    assert_eq!(groups.group(cell, "fleetwright-conformance-nobody").await, Ok(None));
    assert_eq!(groups.refreshes(cell, &expected.group).await, Ok(Vec::new()), "none so far");
}

/// The versions of the template for each version of Kubernetes.
async fn knows_versions(subject: Subject<'_>, expected: &Expected) -> [TemplateRef; 2] {
    let one = group(subject, expected).await;
    let GroupSource::Template { id, .. } = &one.source else { panic!("made from a template: {one:?}") };
    let versions = subject.groups.template_versions(subject.cell, id).await.expect("versions");
    assert!(
        versions.windows(2).all(|pair| pair[0].number > pair[1].number),
        "the newest first: {versions:?}"
    );
    assert_eq!(versions.iter().filter(|it| it.is_default).count(), 1, "one is the default");
    assert!(versions.iter().all(|it| it.instance_type.is_some() && !it.spot), "{versions:?}");
    let of = |minor: Minor| {
        let found = versions.iter().find(|it| it.minor == Some(minor));
        let version = found.unwrap_or_else(|| panic!("a version of {minor}: {versions:?}")).number;
        TemplateRef { id: id.clone(), version }
    };
    let both = expected.minors.map(of);
    let runs = |version: u32| one.instances.iter().all(|it| it.template_version == Some(version));
    assert!(runs(both[0].version), "{one:?}");
    let missing = subject.groups.template_versions(subject.cell, "lt-0123456789abcdef0").await;
    assert_eq!(missing.expect_err("there is none").class, ErrorClass::NotFound);
    both
}

async fn latest(subject: Subject<'_>, expected: &Expected) -> InstanceRefresh {
    let known = subject.groups.refreshes(subject.cell, &expected.group).await.expect("refreshes");
    known.into_iter().next().expect("one was begun")
}

async fn goes_on_until_it_is_called_off(subject: Subject<'_>, expected: &Expected, template: &TemplateRef) {
    let Subject { refreshes, cell, clock, .. } = subject;
    let refused = refreshes.cancel_refresh(cell, &expected.group).await;
    assert_eq!(refused.expect_err("none goes on").class, ErrorClass::NotFound);
    let id = refreshes.start_refresh(cell, &expected.group, template).await.expect("a refresh");
    let now = latest(subject, expected).await;
    assert_eq!((now.id.as_str(), now.status), (id.as_str(), RefreshStatus::Active));
    assert!(now.launches(template) && now.began_at.is_some(), "{now:?}");
    let second = refreshes.start_refresh(cell, &expected.group, template).await;
    assert_eq!(second.expect_err("one goes on").class, ErrorClass::Conflict);
    refreshes.cancel_refresh(cell, &expected.group).await.expect("it goes on");
    let ended = ends(subject, expected, clock).await;
    assert_eq!((ended.id, ended.status), (id, RefreshStatus::Cancelled));
}

async fn ends(subject: Subject<'_>, expected: &Expected, clock: &dyn Clock) -> InstanceRefresh {
    eventually(clock, "the refresh comes to its end", async || {
        Some(latest(subject, expected).await).filter(|it| !it.status.is_active())
    })
    .await
}

async fn replaces_instances(subject: Subject<'_>, expected: &Expected, template: &TemplateRef) {
    let Subject { refreshes, cell, clock, .. } = subject;
    let id = refreshes.start_refresh(cell, &expected.group, template).await.expect("a refresh");
    let ended = ends(subject, expected, clock).await;
    assert_eq!(
        (ended.id, ended.status, ended.percent),
        (id, RefreshStatus::Successful, 100),
        "{}",
        ended.told
    );
    let now = group(subject, expected).await;
    let version = template.version.to_string();
    assert!(now.instances.iter().all(|it| it.template_version == Some(template.version)), "{now:?}");
    let launches = matches!(&now.source, GroupSource::Template { version: it, .. } if *it == version);
    assert!(launches, "it launches from {template} now: {now:?}");
}
