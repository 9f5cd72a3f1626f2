//! Places in groups that other runs share.
//!
//! A target's place is claimed before the record of its start is made, and given back once the record
//! that it is healthy is durable. A process that dies in between leaves more claimed than is out of
//! service, never less; whoever goes on with the run puts the claims right first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetwright_flow::{Command, Event, GroupId, Plan, Record, TargetId};
use fleetwright_model::Text;
use fleetwright_ports::Down;
use fleetwright_ports::budgets::{Holding, Place, Verdict, Wanted};
use jiff::Timestamp;

use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::later;

/// How often others are looked at while somebody waits for their room.
const WHILE_WAITING: Duration = Duration::from_secs(15);

/// How often they are looked at otherwise, as long as they have something out of service.
const AT_LEISURE: Duration = Duration::from_secs(60);

/// What the driver knows of shared groups.
pub(crate) struct Shared {
    /// Groups by what every run calls them.
    pub(crate) groups: BTreeMap<Text, GroupId>,
    /// Targets with a claim.
    claimed: BTreeSet<TargetId>,
    /// Targets that found no room; they are asked for again when others were looked at.
    refused: BTreeSet<TargetId>,
    /// When to look at others; none while they matter to nobody.
    next_look: Option<Timestamp>,
}

impl Shared {
    pub(crate) fn of(plan: &Plan) -> Self {
        let groups = (0u16..).map(GroupId).zip(&plan.groups);
        let groups = groups.filter_map(|(id, group)| Some((group.shared.clone()?, id))).collect();
        let (claimed, refused) = (BTreeSet::new(), BTreeSet::new());
        Self { groups, claimed, refused, next_look: None }
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
pub(crate) fn member(plan: &Plan, target: TargetId) -> Text {
    let place = plan.place_of(target);
    format!("{}/{}/{}", place.account, place.region, plan.target(target).subject).into()
}

/// The target's places in shared groups, with who is down in each; none where it is in none.
fn wanted(plan: &Plan, target: TargetId, down: impl Fn(&Text) -> Down) -> Option<Wanted> {
    let groups = plan.target(target).groups.iter().map(|group| &plan.groups[group.index()]);
    let place = |group: &fleetwright_flow::Group| {
        let key = group.shared.clone()?;
        Some(Place { down: down(&key), key, capacity: group.capacity })
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
        let mut holdings = Vec::new();
        for target in targets.filter(|target| self.run.holds(*target)) {
            let Some(held) = wanted(&plan, target, |_| Down::default()) else { continue };
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
        let mut without = self.on_old_news(commands);
        let Some(budgets) = self.shared_budgets() else { return Ok((without, false)) };
        let (plan, moved) = (self.run.plan().clone(), self.moved());
        let (mut targets, mut wishes) = (Vec::new(), Vec::new());
        for command in commands {
            let Command::Begin { target, .. } = command else { continue };
            let waits = without.contains(target);
            if self.shared.refused.contains(target) {
                without.insert(*target);
            } else if !waits && self.run.takes_charge(*target) && self.may_begin(*target) {
                let down = |key: &Text| self.down_in(key, &moved);
                let Some(wish) = wanted(&plan, *target, down) else { continue };
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
        let about: BTreeSet<TargetId> = records.iter().filter_map(|record| record.event.target()).collect();
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
        let left: BTreeSet<&Text> = others.iter().flat_map(|others| &others.kept).collect();
        self.take_over(&left)?;
        let held: BTreeSet<Text> = self.held().map(|target| member(&plan, target)).collect();
        let ahead: BTreeSet<Text> = self.unended().map(|target| member(&plan, target)).collect();
        let (moved, now) = (self.moved(), self.time.now());
        let mut any = false;
        for ((key, group), others) in keys.iter().zip(groups).zip(others) {
            let theirs: BTreeSet<Text> = others.members.difference(&ahead).cloned().collect();
            let theirs: BTreeSet<Text> = theirs.difference(&held).cloned().collect();
            let mut down = self.down_in(key, &moved);
            down.members.retain(|member| !held.contains(member));
            // Where others have less of a group, so much of it is not ours to take.
            let capacity = plan.groups[group.index()].capacity;
            let less = capacity - others.capacity.map_or(capacity, |theirs| theirs.min(capacity));
            let mut elsewhere = down.beyond(&theirs).saturating_add(less);
            if self.outlook.is_blind(key, now) {
                elsewhere = elsewhere.max(capacity);
            } else if self.outlook.is_unseen(key) {
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

    /// What earlier runs left in a bad way and this one is about to work on counts as out of service
    /// here, until it is verified healthy; the claim of the run that left it stays until then.
    fn take_over(&mut self, left: &BTreeSet<&Text>) -> Result<(), DriveError> {
        if left.is_empty() {
            return Ok(());
        }
        let plan = self.run.plan().clone();
        let counts = |target: &TargetId| self.run.holds(*target) || self.run.is_down(*target);
        let found: Vec<TargetId> =
            self.unended().filter(|it| !counts(it) && left.contains(&member(&plan, *it))).collect();
        found.into_iter().try_for_each(|target| self.record(Event::FoundDown { target }))
    }

    /// Targets that count as out of service on this run's account.
    fn held(&self) -> impl Iterator<Item = TargetId> + '_ {
        let all = (0u32..).map(TargetId).take(self.run.plan().targets.len());
        all.filter(|target| self.run.holds(*target) || self.run.is_down(*target))
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
