//! How registered instances become healthy, unhealthy, and drain.
//!
//! Checks are not made one by one: what an instance's application answers changes when something
//! happens to its host, and from then on it takes so many checks until the balancer believes it
//! (Elastic Load Balancing user guides, "Health checks for your target groups").

use jiff::Timestamp;

use super::{Finding, Kind, Phase, Target, TargetKey};
use crate::world::Region;
use crate::world::diary::{Event, Standing};
use crate::world::host::HostView;
use crate::world::ids::InstanceId;
use crate::world::instance::{InstanceState, StatusCheck};
use crate::world::timeline::Change;

/// The result of one check of an instance now; none where it is gone for good.
fn check(region: &Region, id: InstanceId, at: Timestamp) -> Option<Finding> {
    let it = region.instances.get(id)?;
    match it.state {
        InstanceState::ShuttingDown | InstanceState::Terminated => return None,
        InstanceState::Pending | InstanceState::Stopping | InstanceState::Stopped => {
            return Some(Finding::Off);
        }
        InstanceState::Running => {}
    }
    let impaired = matches!(it.checks.instance, StatusCheck::Impaired(_))
        || matches!(it.checks.system, StatusCheck::Impaired(_));
    let view = HostView::new(region, it, at);
    let answers = !impaired && view.is_up() && view.health_status() == Some(200);
    Some(if answers { Finding::Answers } else { Finding::Fails })
}

impl Target {
    /// How many checks in a row change the phase as things are; none where none does.
    fn checks_to_change(&self, kind: Kind, checks: super::Checks) -> Option<(u8, Phase)> {
        match (self.phase, self.finding) {
            // An application balancer is content with one (its user guide); a network balancer is not.
            (Phase::Initial, Finding::Answers) if kind == Kind::Application => Some((1, Phase::Healthy)),
            (Phase::Initial | Phase::Unhealthy, Finding::Answers) => Some((checks.healthy, Phase::Healthy)),
            (Phase::Initial | Phase::Healthy, Finding::Fails) => Some((checks.unhealthy, Phase::Unhealthy)),
            _ => None,
        }
    }

    /// True where requests reach it.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.phase == Phase::Healthy && self.finding != Finding::Off
    }

    /// True where it is registered and not draining.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        !matches!(self.phase, Phase::Draining { .. })
    }
}

impl Region {
    /// Tells balancers and groups that something happened to an instance: they look at it after all
    /// that happens at this moment.
    pub(in crate::world) fn touched(&mut self, id: InstanceId, at: Timestamp) {
        if self.balancing.knows(id) || self.scaling.knows(id) {
            self.schedule(at, Change::Observe(id));
        }
    }

    /// Lets the balancers of an instance look at it.
    pub fn check_target(&mut self, id: InstanceId, at: Timestamp) {
        let numbers = self.balancing.of(id);
        if numbers.is_empty() {
            return;
        }
        let found = check(self, id, at);
        for number in numbers {
            let Some(balancer) = self.balancing.balancers.get(number) else { continue };
            let keys: Vec<TargetKey> =
                balancer.pool.targets.range((id, 0)..=(id, u16::MAX)).map(|(key, _)| *key).collect();
            for key in keys {
                self.look(number, key, found, at);
            }
        }
    }

    fn look(&mut self, number: usize, key: TargetKey, found: Option<Finding>, at: Timestamp) {
        let Some(balancer) = self.balancing.balancers.get_mut(number) else { return };
        let (kind, checks) = (balancer.kind, balancer.pool.checks);
        let Some(target) = balancer.pool.targets.get_mut(&key) else { return };
        let served = target.serves();
        let over = matches!(target.phase, Phase::Draining { until } if until <= at);
        let Some(found) = found.filter(|_| !over) else {
            self.balancing.remove(number, key);
            self.note_standing(number, key.0, Standing::Left, at);
            return;
        };
        if target.finding != found {
            (target.finding, target.since) = (found, at);
            if found == Finding::Off && target.is_registered() {
                target.phase = Phase::Initial;
            }
        }
        let mut next = None;
        if let Some((count, phase)) = target.checks_to_change(kind, checks) {
            let due = target.since + checks.length(count);
            if due <= at {
                target.phase = phase;
            } else if target.due != Some(due) {
                target.due = Some(due);
                next = Some(due);
            }
        }
        let serves = target.serves();
        if let Some(due) = next {
            self.schedule(due, Change::Observe(key.0));
        }
        if served != serves {
            let standing = if serves { Standing::Serving } else { Standing::Out };
            self.note_standing(number, key.0, standing, at);
        }
    }

    fn note_standing(&mut self, number: usize, instance: InstanceId, standing: Standing, at: Timestamp) {
        let Some(balancer) = self.balancing.balancers.get(number) else { return };
        let group = balancer.pool.label.clone();
        self.diary.note(at, Event::Standing { group, instance, standing });
    }

    /// Registers an instance; one that is registered stays as it is, a draining one comes back.
    pub fn register_target(&mut self, number: usize, key: TargetKey, at: Timestamp) {
        let Some(balancer) = self.balancing.balancers.get_mut(number) else { return };
        let targets = &mut balancer.pool.targets;
        if targets.get(&key).is_some_and(Target::is_registered) {
            return;
        }
        targets.insert(key, Target { phase: Phase::Initial, finding: Finding::Fails, since: at, due: None });
        self.balancing.of_instance.entry(key.0).or_default().insert(number);
        self.note_standing(number, key.0, Standing::Out, at);
        self.check_target(key.0, at);
    }

    /// Deregisters an instance, which drains first; one that is not registered is left alone.
    pub fn deregister_target(&mut self, number: usize, key: TargetKey, at: Timestamp) {
        let Some(balancer) = self.balancing.balancers.get_mut(number) else { return };
        let until = at + balancer.pool.drain;
        let Some(target) = balancer.pool.targets.get_mut(&key).filter(|it| it.is_registered()) else {
            return;
        };
        let served = target.serves();
        target.phase = Phase::Draining { until };
        if served {
            self.note_standing(number, key.0, Standing::Aside, at);
        }
        self.schedule(until, Change::Observe(key.0));
    }

    /// Puts an instance into a pool as one that has been healthy for long, where its application
    /// answers; for what a scenario starts with.
    pub fn seat_target(&mut self, number: usize, key: TargetKey, at: Timestamp) {
        let Some(finding) = check(self, key.0, at) else { return };
        let Some(balancer) = self.balancing.balancers.get_mut(number) else { return };
        let phase = match finding {
            Finding::Answers => Phase::Healthy,
            Finding::Fails => Phase::Unhealthy,
            Finding::Off => Phase::Initial,
        };
        let since = balancer.created_at;
        balancer.pool.targets.insert(key, Target { phase, finding, since, due: None });
        self.balancing.of_instance.entry(key.0).or_default().insert(number);
        let standing = if finding == Finding::Answers { Standing::Serving } else { Standing::Out };
        self.note_standing(number, key.0, standing, at);
    }
}
