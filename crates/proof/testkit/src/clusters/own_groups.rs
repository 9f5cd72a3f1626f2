//! Auto Scaling groups of one's own in memory. Their instances are ids; nodes are the business of the Kubernetes in memory.

use std::time::Duration;

use async_trait::async_trait;
use fleetwright_eks::facts::nodes::{GroupInstance, TemplateRef, TemplateVersion};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::self_managed::{GroupDescription, GroupSource, InstanceRefresh, RefreshStatus};
use fleetwright_ports::{InstanceRefreshes, SelfManagedGroups};
use jiff::Timestamp;

use super::{FakeCluster, State, refused};

/// How long a refresh takes.
const TAKES: Duration = Duration::from_secs(900);

const DESCRIBE: &str = "autoscaling:DescribeInstanceRefreshes";
const START: &str = "autoscaling:StartInstanceRefresh";
const CANCEL: &str = "autoscaling:CancelInstanceRefresh";
const GROUPS: &str = "autoscaling:DescribeAutoScalingGroups";
const VERSIONS: &str = "ec2:DescribeLaunchTemplateVersions";

/// A group of one's own, whose launch template is called after it.
#[derive(Clone, Debug)]
pub struct FakeOwnGroup {
    /// The ids of its instances, which have the first version of the template.
    pub instances: Vec<String>,
    /// The version of Kubernetes that each version of the template is for, from the first on.
    pub minors: Vec<Minor>,
}

/// The same with what became of it.
pub(super) struct OwnGroup {
    minors: Vec<Minor>,
    launches: u32,
    instances: Vec<(String, u32)>,
    /// The oldest first.
    refreshes: Vec<Refreshing>,
}

struct Refreshing {
    shown: InstanceRefresh,
    version: u32,
    ends_at: Timestamp,
    /// Why it will fail.
    fails: Option<String>,
}

impl From<FakeOwnGroup> for OwnGroup {
    fn from(group: FakeOwnGroup) -> Self {
        let instances = group.instances.into_iter().map(|id| (id, 1)).collect();
        Self { minors: group.minors, launches: 1, instances, refreshes: Vec::new() }
    }
}

fn template_of(name: &str) -> String {
    format!("lt-{name}")
}

impl OwnGroup {
    fn described(&self, cell: &Cell<'_>, name: &str) -> GroupDescription {
        let count = u32::try_from(self.instances.len()).unwrap_or(u32::MAX);
        let instance = |(id, version): &(String, u32)| GroupInstance {
            id: id.clone(),
            template_version: Some(*version),
            protected: false,
        };
        let (account, region) = (&cell.zone.account, &cell.region);
        let version = self.launches.to_string();
        GroupDescription {
            name: name.to_owned(),
            arn: format!(
                "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:0:autoScalingGroupName/{name}"
            ),
            size: (0, count, count.saturating_add(1)),
            subnet_ids: vec!["subnet-1".to_owned()],
            source: GroupSource::Template { id: template_of(name), version, mixed: None },
            suspended: Vec::new(),
            instances: self.instances.iter().map(instance).collect(),
        }
    }

    fn versions(&self) -> Vec<TemplateVersion> {
        let version = |(number, minor): (u32, &Minor)| TemplateVersion {
            number,
            is_default: number == 1,
            image: Some(format!("ami-{minor}")),
            minor: Some(*minor),
            instance_type: Some("m6i.large".to_owned()),
            spot: false,
            kubelet_flags: Some(Vec::new()),
        };
        let mut all: Vec<TemplateVersion> = (1..).zip(&self.minors).map(version).collect();
        all.reverse();
        all
    }

    fn settle(&mut self, now: Timestamp) {
        let Some(last) = self.refreshes.last_mut().filter(|it| it.shown.status.is_active()) else { return };
        if last.shown.status == RefreshStatus::Cancelling {
            (last.shown.status, last.shown.told) =
                (RefreshStatus::Cancelled, "Cancelled: by request".to_owned());
            return;
        }
        if last.ends_at > now {
            return;
        }
        if let Some(words) = &last.fails {
            (last.shown.status, last.shown.told) = (RefreshStatus::Failed, format!("Failed: {words}"));
            return;
        }
        (last.shown.status, last.shown.percent) = (RefreshStatus::Successful, 100);
        last.shown.told = "Successful".to_owned();
        self.launches = last.version;
        self.instances.iter_mut().for_each(|instance| instance.1 = last.version);
    }

    fn begin(
        &mut self,
        template: &TemplateRef,
        (number, fails): (usize, Option<String>),
        now: Timestamp,
    ) -> Result<String, Failure> {
        if self.refreshes.last().is_some_and(|it| it.shown.status.is_active()) {
            let words = "An Instance Refresh is already in progress";
            let meaning = (ErrorClass::Conflict, &code::RESOURCE_STATE);
            return Err(refused(meaning, START, "InstanceRefreshInProgress", words));
        }
        let shown = InstanceRefresh {
            id: format!("00000000-0000-4000-a000-{number:012}"),
            status: RefreshStatus::Active,
            told: "InProgress".to_owned(),
            desired: Some((template.id.clone(), template.version.to_string())),
            began_at: Some(now),
            percent: 0,
        };
        let id = shown.id.clone();
        let ends_at = crate::hosts::after(now, TAKES);
        self.refreshes.push(Refreshing { shown, version: template.version, ends_at, fails });
        Ok(id)
    }
}

impl State {
    pub(super) fn settle_own_groups(&mut self, now: Timestamp) {
        self.own.values_mut().for_each(|group| group.settle(now));
    }

    fn own_group(&mut self, action: &str, name: &str) -> Result<&mut OwnGroup, Failure> {
        self.own.get_mut(name).ok_or_else(|| {
            let words = format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found");
            refused((ErrorClass::Permanent, &code::REQUEST_REFUSED), action, "ValidationError", &words)
        })
    }
}

impl FakeCluster {
    /// The same with an Auto Scaling group of one's own.
    #[must_use]
    pub fn with_own_group(self, name: &str, group: FakeOwnGroup) -> Self {
        self.lock().own.insert(name.to_owned(), group.into());
        self
    }

    /// Lets the next refresh that is begun fail at its end, with these words.
    pub fn fail_refresh(&self, words: &str) {
        self.lock().refresh_fails.push_back(words.to_owned());
    }

    /// Every refresh of a group that was ever begun, the first one first.
    pub fn refreshed(&self, group: &str) -> Vec<InstanceRefresh> {
        let state = self.settled();
        let of = state.own.get(group);
        of.into_iter().flat_map(|group| &group.refreshes).map(|it| it.shown.clone()).collect()
    }
}

#[async_trait]
impl SelfManagedGroups for FakeCluster {
    async fn groups(&self, cell: &Cell<'_>, cluster: &ClusterName) -> Result<Vec<GroupDescription>, Failure> {
        let state = self.read(GROUPS, &self.name)?;
        let own = state.own.iter().filter(|_| *cluster == self.name);
        Ok(own.map(|(name, group)| group.described(cell, name)).collect())
    }

    async fn group(&self, cell: &Cell<'_>, name: &str) -> Result<Option<GroupDescription>, Failure> {
        let state = self.read(GROUPS, &self.name)?;
        Ok(state.own.get(name).map(|group| group.described(cell, name)))
    }

    async fn template_versions(&self, _: &Cell<'_>, template: &str) -> Result<Vec<TemplateVersion>, Failure> {
        let state = self.read(VERSIONS, &self.name)?;
        let found = state.own.iter().find(|(name, _)| template_of(name) == template);
        found.map(|(_, group)| group.versions()).ok_or_else(|| {
            let words =
                format!("The specified launch template, with template ID {template}, does not exist.");
            let meaning = (ErrorClass::NotFound, &code::NOT_FOUND);
            refused(meaning, VERSIONS, "InvalidLaunchTemplateId.NotFound", &words)
        })
    }

    async fn refreshes(&self, _: &Cell<'_>, group: &str) -> Result<Vec<InstanceRefresh>, Failure> {
        let mut state = self.read(DESCRIBE, &self.name)?;
        let group = state.own_group(DESCRIBE, group)?;
        Ok(group.refreshes.iter().rev().map(|it| it.shown.clone()).collect())
    }
}

#[async_trait]
impl InstanceRefreshes for FakeCluster {
    async fn start_refresh(
        &self,
        _: &Cell<'_>,
        group: &str,
        template: &TemplateRef,
    ) -> Result<String, Failure> {
        self.write(START, &self.name, |state, now| {
            let number: usize = state.own.values().map(|group| group.refreshes.len()).sum();
            let is_free = state
                .own
                .get(group)
                .is_some_and(|it| it.refreshes.last().is_none_or(|it| !it.shown.status.is_active()));
            let fails = if is_free { state.refresh_fails.pop_front() } else { None };
            state.own_group(START, group)?.begin(template, (number, fails), now)
        })
    }

    async fn cancel_refresh(&self, _: &Cell<'_>, group: &str) -> Result<(), Failure> {
        self.write(CANCEL, &self.name, |state, _| {
            let last = state.own_group(CANCEL, group)?.refreshes.last_mut();
            let active = last.filter(|it| it.shown.status == RefreshStatus::Active).ok_or_else(|| {
                let words = "No in progress or pending Instance Refresh found for Auto Scaling group";
                let meaning = (ErrorClass::NotFound, &code::NOT_FOUND);
                refused(meaning, CANCEL, "ActiveInstanceRefreshNotFound", words)
            })?;
            active.shown.status = RefreshStatus::Cancelling;
            Ok(())
        })
    }
}
