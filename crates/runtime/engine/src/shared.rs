//! Places in groups that other runs share, and outages nobody planned in them.
//!
//! A target's place is claimed before the record of its start is made, and given back once the record
//! that it is healthy is durable. A process that dies in between leaves more claimed than is out of
//! service, never less; whoever goes on with the run puts the claims right first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetwright_flow::{Command, Event, GroupId, Plan, Record, TargetId};
use fleetwright_model::{Failure, Text};
use fleetwright_ports::budgets::{Holding, Place, Verdict, Wanted};
use futures::FutureExt;
use jiff::Timestamp;

use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::later;
use crate::surroundings::{Lookout, Surroundings};

/// How often others are looked at while somebody waits for their room.
const WHILE_WAITING: Duration = Duration::from_secs(15);

/// How often they are looked at otherwise, as long as they have something out of service.
const AT_LEISURE: Duration = Duration::from_secs(60);

/// How often somebody looks for outages nobody planned.
const OUTAGES_EVERY: Duration = Duration::from_secs(60);

/// What was seen of outages.
pub(crate) type Seen = Result<BTreeMap<Text, BTreeSet<Text>>, Failure>;

/// Looks for outages from now on, where somebody can.
pub(crate) fn lookout(around: &Surroundings, now: Timestamp) -> Lookout<Seen> {
    Lookout::new(around.outages.clone(), OUTAGES_EVERY, now, |port| async move { port.down().await }.boxed())
}

/// What the driver knows of shared groups.
pub(crate) struct Shared {
    /// Groups by what every run calls them.
    groups: BTreeMap<Text, GroupId>,
    /// Targets with a claim.
    claimed: BTreeSet<TargetId>,
    /// Targets that found no room; they are asked for again when others were looked at.
    refused: BTreeSet<TargetId>,
    /// When to look at others; none while they matter to nobody.
    next_look: Option<Timestamp>,
    /// Members that are down, by group; none before this process could look. Until then what is on
    /// record stands.
    down: Option<BTreeMap<Text, BTreeSet<Text>>>,
}

impl Shared {
    pub(crate) fn of(plan: &Plan, around: &Surroundings) -> Self {
        let groups = (0u16..).map(GroupId).zip(&plan.groups);
        let groups = groups.filter_map(|(id, group)| Some((group.shared.clone()?, id))).collect();
        let (claimed, refused) = (BTreeSet::new(), BTreeSet::new());
        let down = around.outages.is_none().then(BTreeMap::new);
        Self { groups, claimed, refused, next_look: None, down }
    }

    /// Whether somebody waits for room on others' account.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(crate) fn next_look(&self) -> Option<Timestamp> {
        self.next_look
    }
}

/// What other runs call a target.
fn member(plan: &Plan, target: TargetId) -> Text {
    let place = plan.place_of(target);
    format!("{}/{}/{}", place.account, place.region, plan.target(target).subject).into()
}

/// The target's places in shared groups; none where it is in none.
fn wanted(plan: &Plan, target: TargetId) -> Option<Wanted> {
    let groups = plan.target(target).groups.iter().map(|group| &plan.groups[group.index()]);
    let place = |group: &fleetwright_flow::Group| {
        Some(Place { key: group.shared.clone()?, capacity: group.capacity })
    };
    let places: Vec<Place> = groups.filter_map(place).collect();
    (!places.is_empty()).then(|| Wanted { member: member(plan, target), places })
}

impl Dispatcher<'_> {
    /// Makes the claims those of what is on record.
    pub(crate) async fn take_up_places(&mut self) -> Result<(), DriveError> {
        let Some(budgets) = self.shared_budgets() else { return Ok(()) };
        let plan = self.run.plan().clone();
        let targets = (0u32..).map(TargetId).take(plan.targets.len());
        // What earlier runs left in a bad way and this one is about to work on is now its own affair: the
        // plan was made with it as it is.
        let ahead = self.unended().filter(|target| !self.run.holds(*target));
        let ahead: Vec<Text> = ahead.map(|target| member(&plan, target)).collect();
        let adopted = budgets.release(&self.name, &ahead).await;
        adopted.map_err(|refusal| DriveError::journal("taking up the shared budgets", refusal))?;
        let mut holdings = Vec::new();
        for target in targets.filter(|target| self.run.holds(*target)) {
            let Some(held) = wanted(&plan, target) else { continue };
            holdings.push(Holding { held, kept: self.run.end(target).is_some() });
            self.shared.claimed.insert(target);
        }
        let restored = budgets.restore(&self.name, &holdings).await;
        restored.map_err(|refusal| DriveError::journal("taking up the shared budgets", refusal))?;
        self.shared.next_look = Some(self.time.now());
        Ok(())
    }

    /// Whether others share groups with this run.
    pub(crate) fn shares_groups(&self) -> bool {
        self.shared_budgets().is_some()
    }

    fn shared_budgets(&self) -> Option<std::sync::Arc<dyn fleetwright_ports::Budgets>> {
        let budgets = self.ports.around.budgets.as_ref()?;
        (!self.shared.groups.is_empty()).then(|| budgets.clone())
    }

    /// Claims places for targets that are about to take them; answers with those that have none, and
    /// whether some were refused just now.
    pub(crate) async fn claim_places(
        &mut self,
        commands: &[Command],
    ) -> Result<(BTreeSet<TargetId>, bool), DriveError> {
        let Some(budgets) = self.shared_budgets() else { return Ok((BTreeSet::new(), false)) };
        let plan = self.run.plan().clone();
        let mut without = BTreeSet::new();
        let (mut targets, mut wishes) = (Vec::new(), Vec::new());
        for command in commands {
            let Command::Begin { target, .. } = command else { continue };
            if self.shared.refused.contains(target) {
                without.insert(*target);
            } else if self.run.takes_charge(*target) && self.may_begin(*target) {
                let Some(wish) = wanted(&plan, *target) else { continue };
                targets.push(*target);
                wishes.push(wish);
            }
        }
        if wishes.is_empty() {
            return Ok((without, false));
        }
        let verdicts = budgets.claim(&self.name, &wishes).await;
        let verdicts =
            verdicts.map_err(|refusal| DriveError::journal("claiming places in shared budgets", refusal))?;
        let mut refused = false;
        for (target, verdict) in targets.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Granted => {
                    self.shared.claimed.insert(target);
                }
                Verdict::Full { key } => {
                    tracing::debug!(target = target.0, %key, "others leave no room in the group");
                    self.shared.refused.insert(target);
                    without.insert(target);
                    refused = true;
                }
            }
        }
        Ok((without, refused))
    }

    /// Gives back the places of targets that are healthy on record, and marks those of targets that
    /// ended otherwise. Called once the records are durable.
    pub(crate) async fn settle_places(&mut self, records: &[Record]) -> Result<(), DriveError> {
        let Some(budgets) = self.shared_budgets() else { return Ok(()) };
        let plan = self.run.plan().clone();
        let about: BTreeSet<TargetId> =
            records.iter().filter_map(|record| target_of(&record.event)).collect();
        let (mut healthy, mut bad) = (Vec::new(), Vec::new());
        for target in about.intersection(&self.shared.claimed) {
            if !self.run.holds(*target) {
                healthy.push(*target);
            } else if self.run.end(*target).is_some() {
                bad.push(*target);
            }
        }
        let failed = |refusal| DriveError::journal("giving back places in shared budgets", refusal);
        let names = |targets: &[TargetId]| -> Vec<Text> {
            targets.iter().map(|target| member(&plan, *target)).collect()
        };
        if !healthy.is_empty() {
            budgets.release(&self.name, &names(&healthy)).await.map_err(failed)?;
            healthy.iter().for_each(|target| {
                self.shared.claimed.remove(target);
            });
            if self.shared.is_waiting() {
                self.shared.next_look = Some(self.time.now());
            }
        }
        if !bad.is_empty() {
            budgets.keep(&self.name, &names(&bad)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Looks at others where it is time.
    pub(crate) async fn take_others(&mut self) -> Result<(), DriveError> {
        match self.shared.next_look {
            Some(at) if at <= self.time.now() => self.observe_others().await,
            _ => Ok(()),
        }
    }

    /// What an answer of whoever looks for outages changes.
    pub(crate) async fn take_outages(&mut self, seen: Seen) -> Result<(), DriveError> {
        match seen {
            Ok(down) if self.shared.down.as_ref() != Some(&down) => {
                self.shared.down = Some(down);
                self.observe_others().await
            }
            Ok(_) => Ok(()),
            Err(failure) => {
                tracing::warn!(code = failure.code.id, %failure.message, "nobody could look for outages");
                Ok(())
            }
        }
    }

    /// Records what is out of service on others' account, where that is news.
    pub(crate) async fn observe_others(&mut self) -> Result<(), DriveError> {
        self.shared.refused.clear();
        let (keys, groups): (Vec<Text>, Vec<GroupId>) =
            self.shared.groups.iter().map(|(key, group)| (key.clone(), *group)).unzip();
        let others = match self.shared_budgets() {
            None => vec![Default::default(); keys.len()],
            Some(budgets) => {
                let others = budgets.others(&self.name, &keys).await;
                others.map_err(|refusal| DriveError::journal("looking at shared budgets", refusal))?
            }
        };
        let plan = self.run.plan().clone();
        let held: BTreeSet<Text> = self.held().map(|target| member(&plan, target)).collect();
        let ahead: BTreeSet<Text> = self.unended().map(|target| member(&plan, target)).collect();
        let mut any = false;
        for ((key, group), others) in keys.iter().zip(groups).zip(others) {
            let mut members: BTreeSet<Text> = others.members.difference(&ahead).cloned().collect();
            let down = self.shared.down.as_ref();
            members.extend(down.and_then(|down| down.get(key)).into_iter().flatten().cloned());
            let members = members.difference(&held).count();
            // Where others have less of a group, so much of it is not ours to take.
            let capacity = plan.groups[group.index()].capacity;
            let less = capacity - others.capacity.map_or(capacity, |theirs| theirs.min(capacity));
            let mut elsewhere = u32::try_from(members).unwrap_or(u32::MAX).saturating_add(less);
            if down.is_none() {
                elsewhere = elsewhere.max(self.run.elsewhere(group));
            }
            any |= elsewhere > 0;
            if elsewhere != self.run.elsewhere(group) {
                self.record(Event::Observed { group, elsewhere })?;
            }
        }
        let pace = if self.run.waits_for_others() { WHILE_WAITING } else { AT_LEISURE };
        self.shared.next_look = any.then(|| later(self.time.now(), pace));
        Ok(())
    }

    /// Targets that count as out of service on this run's account.
    fn held(&self) -> impl Iterator<Item = TargetId> + '_ {
        let all = (0u32..).map(TargetId).take(self.run.plan().targets.len());
        all.filter(|target| self.run.holds(*target))
    }

    /// Targets that have not come to their end.
    fn unended(&self) -> impl Iterator<Item = TargetId> + '_ {
        let all = (0u32..).map(TargetId).take(self.run.plan().targets.len());
        all.filter(|target| self.run.end(*target).is_none())
    }

    /// Others were asked for room and had none: looks at them now, and again before long.
    pub(crate) async fn look_after_refusal(&mut self) -> Result<(), DriveError> {
        let refused = std::mem::take(&mut self.shared.refused);
        self.observe_others().await?;
        self.shared.refused = refused;
        self.shared.next_look = Some(later(self.time.now(), WHILE_WAITING));
        Ok(())
    }
}

/// The target a record is about.
fn target_of(event: &Event) -> Option<TargetId> {
    match event {
        Event::Started { target, .. }
        | Event::Accepted { target, .. }
        | Event::Succeeded { target, .. }
        | Event::Failed { target, .. }
        | Event::Skipped { target, .. } => Some(*target),
        _ => None,
    }
}
