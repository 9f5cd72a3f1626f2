use async_trait::async_trait;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use fleetwright_ports::ClusterChanges;
use fleetwright_ports::cluster_changes::{ClientToken, Conflicts, UpdateOf};
use fleetwright_ports::clusters::{ClusterName, Update, UpdateStatus};
use jiff::{SignedDuration, Timestamp};

use super::{Begun, FakeCluster, State, Subject, TAKES, Work, missing, refused};
use crate::hosts::Fault;

/// How long after an upgrade the way back is open. Source: EKS User Guide, "Roll back a cluster's Kubernetes version".
const BACK_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

fn for_good(action: &str, service_code: &str, words: &str) -> Failure {
    refused((ErrorClass::Permanent, &code::REQUEST_REFUSED), action, service_code, words)
}

fn invalid(action: &str, words: &str) -> Failure {
    for_good(action, "InvalidParameterException", words)
}

impl State {
    /// The kind of the update that sends the control plane to a version.
    fn way(&self, action: &str, to: Minor, now: Timestamp) -> Result<&'static str, Failure> {
        if to == self.version.next() {
            return Ok("VersionUpdate");
        }
        if to >= self.version {
            return Err(invalid(action, &format!("unsupported update from {} to {to}", self.version)));
        }
        match self.upgraded {
            Some((before, at)) if before == to && now.duration_since(at) <= BACK_WITHIN => {
                match self.groups.values().any(|nodes| *nodes > to) {
                    true => Err(for_good(action, "InvalidStateException", "nodes are newer")),
                    false => Ok("VersionRollback"),
                }
            }
            _ => Err(for_good(action, "InvalidRequestException", &format!("no way leads back to {to}"))),
        }
    }

    /// Whether an add-on can be put to a version.
    fn fits(&self, action: &str, name: &str, version: &str) -> Result<(), Failure> {
        let addon = self.addons.get(name).ok_or_else(|| missing(action, name))?;
        let fits = |(offered, span): &(String, std::ops::RangeInclusive<u16>)| {
            offered == version && span.contains(&self.version.number())
        };
        match addon.offers.iter().any(fits) {
            true => Ok(()),
            false => Err(invalid(action, &format!("{name} {version} does not go with {}", self.version))),
        }
    }

    /// Whether a node group's nodes can be of a version.
    fn can_be(&self, action: &str, group: &str, to: Minor) -> Result<(), Failure> {
        let nodes = *self.groups.get(group).ok_or_else(|| missing(action, group))?;
        let back = self.upgraded.is_some_and(|(before, _)| before == to);
        match to <= self.version && (to >= nodes || back) {
            true => Ok(()),
            false => Err(invalid(action, &format!("nodes of {nodes} cannot be of {to}"))),
        }
    }

    /// The kind of an update and how long it takes.
    fn judge(
        &self,
        action: &str,
        of: &Subject,
        work: &Work,
        now: Timestamp,
    ) -> Result<(&'static str, std::time::Duration), Failure> {
        match (of, work) {
            (_, Work::Version(to)) => self.way(action, *to, now).map(|kind| (kind, TAKES[0])),
            (Subject::Addon(name), Work::Addon { version, .. }) => {
                self.fits(action, name, version).map(|()| ("AddonUpdate", TAKES[1]))
            }
            (Subject::NodeGroup(name), Work::Nodes(to)) => {
                self.can_be(action, name, *to).map(|()| ("VersionUpdate", TAKES[2]))
            }
            _ => Err(invalid(action, "this cannot be asked of it")),
        }
    }

    fn begin(
        &mut self,
        action: &str,
        (of, work): (Subject, Work),
        token: &ClientToken,
        now: Timestamp,
    ) -> Result<Update, Failure> {
        if let Some(same) = self.updates.iter().find(|it| it.token == *token) {
            return match same.of == of && same.work == work {
                true => Ok(same.shown.clone()),
                false => Err(invalid(action, "the token was used with other parameters")),
            };
        }
        let judged = self.judge(action, &of, &work, now);
        if self.is_updating(&of) {
            let meaning = (ErrorClass::Conflict, &code::RESOURCE_STATE);
            return Err(refused(meaning, action, "ResourceInUseException", "another update goes on"));
        }
        let (kind, takes) = judged?;
        let shown = Update {
            id: format!("00000000-0000-4000-9000-{:012}", self.updates.len()),
            kind: kind.to_owned(),
            status: UpdateStatus::InProgress,
            created_at: now,
            errors: Vec::new(),
        };
        let ends_at = crate::hosts::after(now, takes);
        let fails = self.fails.pop_front();
        let begun = Begun { shown: shown.clone(), of, work, token: token.clone(), ends_at, fails };
        self.updates.push(begun);
        Ok(shown)
    }
}

impl FakeCluster {
    /// Makes a mutating call: it takes effect unless it is refused, and the reply may get lost.
    pub(super) fn write<T>(
        &self,
        action: &'static str,
        name: &ClusterName,
        work: impl FnOnce(&mut State, Timestamp) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut state = self.settled();
        let fault = state.fault(action);
        if let Some(Fault::Refused(failure)) = fault {
            return Err(failure);
        }
        if *name != self.name {
            return Err(missing(action, name.as_str()));
        }
        let done = work(&mut state, self.clock.now())?;
        match fault {
            None => Ok(done),
            Some(_) => {
                let words = "the reply was lost; the call may have taken effect";
                Err(Failure::new(ErrorClass::Ambiguous, &code::REPLY_LOST, action, words))
            }
        }
    }
}

#[async_trait]
impl ClusterChanges for FakeCluster {
    async fn update_version(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        const ACTION: &str = "eks:UpdateClusterVersion";
        let asked = (Subject::Cluster, Work::Version(to));
        self.write(ACTION, name, |state, now| state.begin(ACTION, asked, token, now))
    }

    async fn update_addon(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
        addon: &str,
        version: &str,
        conflicts: Conflicts,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        const ACTION: &str = "eks:UpdateAddon";
        let work = Work::Addon { version: version.to_owned(), conflicts: conflicts.as_str() };
        let asked = (Subject::Addon(addon.to_owned()), work);
        self.write(ACTION, name, |state, now| state.begin(ACTION, asked, token, now))
    }

    async fn update_node_group(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
        group: &str,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        const ACTION: &str = "eks:UpdateNodegroupVersion";
        let asked = (Subject::NodeGroup(group.to_owned()), Work::Nodes(to));
        self.write(ACTION, name, |state, now| state.begin(ACTION, asked, token, now))
    }

    async fn update(
        &self,
        _: &Cell<'_>,
        name: &ClusterName,
        of: UpdateOf<'_>,
        id: &str,
    ) -> Result<Update, Failure> {
        const ACTION: &str = "eks:DescribeUpdate";
        let of = match of {
            UpdateOf::Cluster => Subject::Cluster,
            UpdateOf::Addon(name) => Subject::Addon(name.to_owned()),
            UpdateOf::NodeGroup(name) => Subject::NodeGroup(name.to_owned()),
        };
        let state = self.read(ACTION, name)?;
        let found = state.updates.iter().find(|it| it.of == of && it.shown.id == id);
        found.map(|it| it.shown.clone()).ok_or_else(|| missing(ACTION, id))
    }

    /// No cluster here is in Auto Mode: nothing can be called off.
    async fn cancel_update(&self, _: &Cell<'_>, name: &ClusterName, id: &str) -> Result<(), Failure> {
        const ACTION: &str = "eks:CancelUpdate";
        self.write(ACTION, name, |state, _| match state.updates.iter().find(|it| it.shown.id == id) {
            None => Err(missing(ACTION, id)),
            Some(_) => Err(for_good(ACTION, "InvalidRequestException", "it cannot be cancelled")),
        })
    }
}
