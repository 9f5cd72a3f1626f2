//! Instance refreshes: a group's instances replaced a few at a time.
//!
//! Rules: Auto Scaling user guide, "How an instance refresh works" and "Understand the default values for an instance
//! refresh". Nodes of a cluster leave it as their instances do: with a hook on termination somebody drains them, for as
//! long as its heartbeat lasts; without one their pods end with them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Group, Lifecycle, Process, Source, life};
use crate::world::eks::{self, images, node_groups, running};
use crate::world::ids::{InstanceId, LaunchTemplateId};
use crate::world::instance::InstanceState;
use crate::world::timeline::{Change, Place};

/// How often a refresh goes on.
const LOOK: SignedDuration = SignedDuration::from_secs(10);
/// How long a refresh may go without progress. Source: the guide, "the instance refresh fails" after one hour.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// How a refresh goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Share of the capacity in service at least, in percent.
    pub min_healthy: usize,
    /// Share of the capacity that may be there at most, in percent.
    pub max_healthy: usize,
    /// True where instances of the template's version stay.
    pub skip_matching: bool,
    /// How long an instance in service has to be there before it counts; the group's grace period where absent.
    pub warmup: Option<SignedDuration>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { min_healthy: 90, max_healthy: 100, skip_matching: false, warmup: None }
    }
}

/// How a refresh stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It goes on.
    InProgress,
    /// Every instance has been replaced.
    Successful,
    /// It got nowhere.
    Failed,
    /// It is called off; what has begun is finished.
    Cancelling,
    /// It was called off.
    Cancelled,
}

impl Status {
    /// Auto Scaling's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
        }
    }

    /// True while it does something.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::InProgress | Self::Cancelling)
    }
}

/// What a group is made from once its refresh is successful; until then the refresh alone launches from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The launch template.
    pub id: LaunchTemplateId,
    /// The version: a number, `$Latest` or `$Default`.
    pub version: String,
}

/// An instance refresh.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Its id.
    pub id: u128,
    /// How it stands.
    pub status: Status,
    /// Why it stands so.
    pub reason: Option<String>,
    /// How it goes about it.
    pub preferences: Preferences,
    /// What it makes the group launch from, where that is another template or version.
    pub desired: Option<Desired>,
    /// When it began.
    pub began: Timestamp,
    /// When it came to its end.
    pub ended: Option<Timestamp>,
    /// Instances that were to be replaced when it began.
    pub all: usize,
    /// Those that still are.
    pub old: BTreeSet<InstanceId>,
    /// When something last went on.
    progress: Timestamp,
}

impl Refresh {
    /// How much of it is done, in percent.
    #[must_use]
    pub fn percent(&self) -> usize {
        match self.all {
            0 => 100,
            all => (all - self.old.len().min(all)) * 100 / all,
        }
    }
}

impl Group {
    /// The refresh that goes on.
    #[must_use]
    pub fn refreshing(&self) -> Option<&Refresh> {
        self.refreshes.last().filter(|it| it.status.is_active())
    }

    fn refreshing_mut(&mut self) -> Option<&mut Refresh> {
        self.refreshes.last_mut().filter(|it| it.status.is_active())
    }

    /// Members in service that are counted as healthy, after that time in service.
    fn healthy(&self, warmup: SignedDuration, at: Timestamp) -> usize {
        let counts = |it: &&super::Member| {
            it.lifecycle == Lifecycle::InService && it.since.checked_add(warmup).is_ok_and(|due| due <= at)
        };
        self.members.values().filter(counts).count()
    }

    /// Members in service at least, and members at most, while a refresh goes on.
    fn bounds(&self, preferences: Preferences) -> (usize, usize) {
        let share = |percent: usize| (self.desired * percent).div_ceil(100);
        let (least, most) = (share(preferences.min_healthy), share(preferences.max_healthy));
        match most > self.desired {
            true => (least, most),
            // With nobody above the capacity, and all of it in service, one comes before one goes.
            false if preferences.min_healthy >= 100 => (self.desired, self.desired + 1),
            // One goes at a time at least.
            false => (least.min(self.desired.saturating_sub(1)), self.desired),
        }
    }
}

/// The template and the number of the version that a group launches from.
fn launches_from(
    region: &crate::world::Region,
    group: &Group,
    desired: Option<&Desired>,
) -> Option<(LaunchTemplateId, usize)> {
    let (id, version) = match (desired, &group.source) {
        (Some(Desired { id, version }), _) | (None, Source::Template { id, version }) => (id, version),
        (None, Source::Unknown | Source::Configuration(_)) => return None,
    };
    Some((*id, region.launch_templates.get(id)?.number(version)?))
}

/// Begins a refresh of a group that has none; its id.
pub fn begin(
    place: &mut Place<'_>,
    number: usize,
    (preferences, desired): (Preferences, Option<Desired>),
    at: Timestamp,
) -> Option<u128> {
    let launched = launches_from(place.region, place.region.scaling.get(number)?, desired.as_ref());
    let wanted = launched.map(|(_, version)| version);
    let seed = place.seed.child("instance-refresh").nth(number).child(&at.to_string());
    let id = rand::RngExt::random(&mut seed.stream());
    let group = place.region.scaling.get_mut(number)?;
    let matches =
        |version: Option<usize>| preferences.skip_matching && version.is_some() && version == wanted;
    let old: BTreeSet<InstanceId> =
        group.members.iter().filter(|(_, it)| !matches(it.template_version)).map(|it| *it.0).collect();
    group.refreshes.push(Refresh {
        id,
        status: Status::InProgress,
        reason: None,
        preferences,
        desired,
        began: at,
        ended: None,
        all: old.len(),
        old,
        progress: at,
    });
    place.region.schedule(at, Change::Refresh(number));
    Some(id)
}

/// Calls the refresh off that goes on; its id. What has begun is finished.
pub fn cancel(place: &mut Place<'_>, number: usize) -> Option<u128> {
    let refresh = place.region.scaling.get_mut(number)?.refreshing_mut()?;
    refresh.status = Status::Cancelling;
    refresh.reason = Some("Cancelled due to user request.".to_owned());
    Some(refresh.id)
}

/// Goes on with the refresh of a group, where one goes on.
pub fn go_on(place: &mut Place<'_>, number: usize, at: Timestamp) {
    let Some(group) = place.region.scaling.get(number) else { return };
    let Some(refresh) = group.refreshing() else { return };
    let (preferences, before) = (refresh.preferences, refresh.old.len());
    let held = [Process::InstanceRefresh, Process::Launch, Process::Terminate];
    let goes_on = !held.iter().any(|process| group.is_suspended(*process));
    let called_off = refresh.status == Status::Cancelling;
    serve(place, number, at);
    let draining = end_drained(place, number, at);
    if goes_on && !called_off {
        add(place, number, preferences, at);
        take(place, number, preferences, at);
    }
    let Some(group) = place.region.scaling.get_mut(number) else { return };
    let healthy = group.healthy(preferences.warmup.unwrap_or(group.grace), at);
    let (desired, members) = (group.desired, group.members.keys().copied().collect::<BTreeSet<_>>());
    let Some(refresh) = group.refreshing_mut() else { return };
    refresh.old.retain(|id| members.contains(id));
    if refresh.old.len() < before || draining {
        refresh.progress = at;
    }
    let end = match (called_off, draining) {
        (_, true) => None,
        (true, false) => Some(Status::Cancelled),
        (false, false) if refresh.old.is_empty() && healthy >= desired => Some(Status::Successful),
        (false, false) if at.duration_since(refresh.progress) >= PATIENCE => Some(Status::Failed),
        (false, false) => None,
    };
    let Some(status) = end else {
        place.region.schedule(at + LOOK, Change::Refresh(number));
        return;
    };
    (refresh.status, refresh.ended) = (status, Some(at));
    if status == Status::Failed {
        refresh.reason = Some("The instance refresh made no progress for one hour.".to_owned());
    }
    let desired = refresh.desired.clone().filter(|_| status == Status::Successful);
    if let Some(Desired { id, version }) = desired {
        group.source = Source::Template { id, version };
    }
}

/// Nodes whose instances run come into service.
fn serve(place: &mut Place<'_>, number: usize, at: Timestamp) {
    let region = &mut *place.region;
    let instances = &region.instances;
    let Some(group) = region.scaling.get_mut(number).filter(|group| group.cluster.is_some()) else { return };
    for (id, member) in &mut group.members {
        let runs = instances.get(*id).is_some_and(|it| it.state == InstanceState::Running);
        if member.lifecycle == Lifecycle::Pending && runs && member.since + life::ENTRY <= at {
            (member.lifecycle, member.since) = (Lifecycle::InService, at);
        }
    }
}

/// Launches what may be there beside the instances that are to go.
fn add(place: &mut Place<'_>, number: usize, preferences: Preferences, at: Timestamp) {
    let Some(group) = place.region.scaling.get(number) else { return };
    let Some(refresh) = group.refreshing() else { return };
    let (_, most) = group.bounds(preferences);
    let active = group.active();
    let old = group.members.iter().filter(|(id, it)| {
        refresh.old.contains(id) && matches!(it.lifecycle, Lifecycle::Pending | Lifecycle::InService)
    });
    let fresh = active - old.count();
    let more = most.saturating_sub(active).min(group.desired.saturating_sub(fresh));
    for _ in 0..more {
        if launch(place, number, at).is_none() {
            return;
        }
    }
}

fn launch(place: &mut Place<'_>, number: usize, at: Timestamp) -> Option<InstanceId> {
    let group = place.region.scaling.get(number)?;
    let (Some(cluster), name) = (group.cluster.clone(), group.name.clone()) else {
        return life::launch_another(place, number, at);
    };
    let desired = group.refreshing().and_then(|it| it.desired.as_ref());
    let (id, from) = launches_from(place.region, group, desired)?;
    let image = place.region.launch_templates.get(&id)?.version(from)?.image?;
    let version = images::version_of(image, place.code)?;
    let before: BTreeSet<InstanceId> = group.members.keys().copied().collect();
    eks::with(place, &cluster, at, |cluster, _, ground| {
        if let Some(own) = cluster.own_groups.get_mut(&*name) {
            own.launches_from = from;
        }
        node_groups::launch(cluster, ground, &name, version)
    })??;
    let new = place.region.scaling.get(number)?.members.keys().copied().find(|id| !before.contains(id))?;
    life::launched(place, number, new, "an instance refresh", at);
    Some(new)
}

/// Takes instances that are to go out of service, as many as may be missing.
fn take(place: &mut Place<'_>, number: usize, preferences: Preferences, at: Timestamp) {
    let Some(group) = place.region.scaling.get(number) else { return };
    let Some(refresh) = group.refreshing() else { return };
    let (least, _) = group.bounds(preferences);
    let healthy = group.healthy(preferences.warmup.unwrap_or(group.grace), at);
    let hook = group.hooks.iter().map(|hook| hook.heartbeat).max();
    let in_service = |id: &&InstanceId| {
        group.members.get(id).is_some_and(|it| it.lifecycle == Lifecycle::InService)
            && !group.protected.contains(id)
    };
    let going: Vec<InstanceId> =
        refresh.old.iter().filter(in_service).take(healthy.saturating_sub(least)).copied().collect();
    let of_cluster = group.cluster.is_some();
    for id in going {
        match (of_cluster, hook) {
            (false, _) => life::replace_member(place, number, id, at),
            (true, None) => end_node(place, number, id, at),
            (true, Some(heartbeat)) => {
                life::terminating(place, number, id, at);
                let group = place.region.scaling.get_mut(number);
                if let Some(member) = group.and_then(|group| group.members.get_mut(&id)) {
                    let until = at + heartbeat;
                    (member.lifecycle, member.since) = (Lifecycle::TerminatingWait { until }, at);
                }
            }
        }
    }
}

/// Drains the nodes that a hook holds, and ends those that are empty or whose time is over. True while one is held.
fn end_drained(place: &mut Place<'_>, number: usize, at: Timestamp) -> bool {
    let Some(group) = place.region.scaling.get(number) else { return false };
    let Some(cluster) = group.cluster.clone() else { return false };
    let held = |it: (&InstanceId, &super::Member)| match it.1.lifecycle {
        Lifecycle::TerminatingWait { until } => Some((*it.0, until)),
        _ => None,
    };
    let waiting: Vec<(InstanceId, Timestamp)> = group.members.iter().filter_map(held).collect();
    let mut any = false;
    for (id, until) in waiting {
        let drained = eks::with(place, &cluster, at, |cluster, _, ground| {
            let Some(node) = eks::own_groups::node_of(cluster, id) else { return true };
            cluster.kube.cordon(&node, ground.now);
            running::evict_all(cluster, ground, &node)
        });
        match drained.unwrap_or(true) || until <= at {
            true => end_node(place, number, id, at),
            false => any = true,
        }
    }
    any
}

/// Ends an instance of a cluster with its node and what is left on it.
fn end_node(place: &mut Place<'_>, number: usize, id: InstanceId, at: Timestamp) {
    let Some(cluster) = place.region.scaling.get(number).and_then(|group| group.cluster.clone()) else {
        return;
    };
    eks::with(place, &cluster, at, |cluster, _, ground| {
        if let Some(node) = eks::own_groups::node_of(cluster, id) {
            running::end_node(cluster, ground, &node);
        }
    });
}
