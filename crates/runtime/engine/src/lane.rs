//! One lane: the slots of one place at one step going one way, and when they are due.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_flow::{Direction, PlaceId, StepIndex, TargetId};
use fleetwright_model::Text;
use fleetwright_step::{Outcome, Slot, Step};
use futures::future::AbortHandle;
use jiff::{SignedDuration, Timestamp};

use crate::company::Company;

/// Slots one turn takes at most: it stays bounded, and so does what a crash leaves in doubt.
pub(crate) const LONGEST_TURN: usize = 1_000;

/// Recipes that share a step's name share its lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    pub(crate) place: PlaceId,
    pub(crate) step: Text,
    pub(crate) direction: Direction,
}

/// A slot that has not come to its end.
pub(crate) struct Open {
    pub(crate) slot: Slot,
    pub(crate) index: StepIndex,
    /// When the driver gives up on a step that should have given up itself.
    pub(crate) backstop: Timestamp,
    /// When to look; none while it is fresh or in a turn.
    look_at: Option<Timestamp>,
    waiting_for: Option<Text>,
}

/// A slot on its way into a lane.
pub(crate) struct NewSlot {
    pub(crate) slot: Slot,
    pub(crate) index: StepIndex,
    pub(crate) backstop: Timestamp,
    /// Until when it is in no turn.
    pub(crate) held_until: Option<Timestamp>,
}

/// A turn under way.
struct Running {
    serial: u64,
    abort: AbortHandle,
    /// Its slots, and of those the ones that have had no outcome in this turn.
    slots: BTreeSet<TargetId>,
    unanswered: BTreeSet<TargetId>,
}

/// One lane. One turn at a time.
pub(crate) struct Lane {
    pub(crate) key: LaneKey,
    pub(crate) step: Arc<dyn Step>,
    open: BTreeMap<TargetId, Open>,
    /// Slots that were never in a turn, in the order they came, and since when.
    fresh: VecDeque<(TargetId, Timestamp)>,
    /// Who may still join them.
    company: Company,
    /// Slots to look at again, by when.
    due: BTreeSet<(Timestamp, TargetId)>,
    running: Option<Running>,
}

impl Lane {
    pub(crate) fn new(key: LaneKey, step: Arc<dyn Step>) -> Self {
        Self {
            key,
            step,
            open: BTreeMap::new(),
            fresh: VecDeque::new(),
            company: Company::default(),
            due: BTreeSet::new(),
            running: None,
        }
    }

    /// Takes a slot in: fresh since that moment, or held back until it is due.
    pub(crate) fn admit(&mut self, new: NewSlot, since: Timestamp) {
        let NewSlot { slot, index, backstop, held_until } = new;
        let target = slot.target;
        match held_until {
            Some(at) => {
                self.due.insert((at, target));
            }
            None => self.fresh.push_back((target, since)),
        }
        self.open.insert(target, Open { slot, index, backstop, look_at: held_until, waiting_for: None });
    }

    pub(crate) fn get(&self, target: TargetId) -> Option<&Open> {
        self.open.get(&target)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    /// When the lane wants its next turn; none while one is under way or nothing is open.
    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        if self.running.is_some() {
            return None;
        }
        let enough = !self.fresh.is_empty() && self.is_enough();
        let fresh = if enough { Some(Timestamp::MIN) } else { self.gathers_until() };
        let due = self.due.first().map(|(at, _)| *at);
        fresh.into_iter().chain(due).min()
    }

    /// The slots of a turn now: fresh ones as far as they fill batches or have been held back long
    /// enough, and those that are due.
    pub(crate) fn take_turn(&mut self, now: Timestamp, longest: usize) -> Vec<Slot> {
        if self.running.is_some() {
            return Vec::new();
        }
        let mut targets = self.take_fresh(now, longest);
        while targets.len() < longest
            && let Some(&(at, target)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            targets.push(target);
        }
        targets.sort_unstable();
        let slots = targets.iter().filter_map(|target| {
            let open = self.open.get_mut(target)?;
            open.look_at = None;
            Some(open.slot.clone())
        });
        slots.collect()
    }

    fn take_fresh(&mut self, now: Timestamp, longest: usize) -> Vec<TargetId> {
        let held_long_enough = self.gathers_until().is_some_and(|until| until <= now);
        let whole = self.fresh.len() / self.batch() * self.batch();
        let rest_goes = held_long_enough || self.company.is_enough(self.fresh.len() - whole, self.batch());
        let ready = if rest_goes { self.fresh.len() } else { whole };
        self.fresh.drain(..ready.min(longest)).map(|(target, _)| target).collect()
    }

    /// When the slot that waits longest has waited long enough.
    fn gathers_until(&self) -> Option<Timestamp> {
        let patience = self.company.patience(self.step.gathers_for());
        self.fresh.front().map(|(_, since)| later(*since, patience))
    }

    fn is_enough(&self) -> bool {
        self.company.is_enough(self.fresh.len(), self.batch())
    }

    /// The slot that waits longest for company.
    pub(crate) fn gathering(&self) -> Option<TargetId> {
        self.fresh.front().map(|(target, _)| *target)
    }

    /// Takes note of who may still join the slots that wait for company.
    pub(crate) fn set_company(&mut self, company: Company) {
        self.company = company;
    }

    fn batch(&self) -> usize {
        self.step.batch_size().max(1)
    }

    /// Notes that a turn is under way.
    pub(crate) fn start(&mut self, serial: u64, abort: AbortHandle, slots: &[Slot]) {
        let slots: BTreeSet<TargetId> = slots.iter().map(|slot| slot.target).collect();
        self.running = Some(Running { serial, abort, unanswered: slots.clone(), slots });
    }

    /// Takes note of an outcome that leaves the slot open. Looking again is put off to the next whole
    /// second, so that slots of one tick share a turn and none is looked at without time passing.
    pub(crate) fn keep_open(
        &mut self,
        target: TargetId,
        outcome: &Outcome,
        company: Company,
        now: Timestamp,
    ) {
        self.answer(target);
        let others = self.open.len();
        let Some(open) = self.open.get_mut(&target) else { return };
        let look_at = match outcome {
            Outcome::Accepted { handle, look_at } => {
                open.slot.handle = Some(handle.clone());
                *look_at
            }
            Outcome::LookAgain { at, waiting_for } => {
                open.waiting_for = Some(waiting_for.clone());
                *at
            }
            _ => return,
        };
        let due = whole_second(look_at.max(later(now, Duration::from_secs(1))));
        // Its time is not let pass unnoticed for company's sake.
        let look_at = company.look_at(due, others).min(due.max(whole_second(open.slot.deadline)));
        if let Some(before) = open.look_at.replace(look_at) {
            self.due.remove(&(before, target));
        }
        self.due.insert((look_at, target));
    }

    /// Gives a slot its time; answers with the backstop it had.
    pub(crate) fn grant(
        &mut self,
        target: TargetId,
        deadline: Timestamp,
        backstop: Timestamp,
    ) -> Option<Timestamp> {
        let open = self.open.get_mut(&target)?;
        open.slot.deadline = deadline;
        Some(std::mem::replace(&mut open.backstop, backstop))
    }

    /// Lets go of a slot that has come to its end.
    pub(crate) fn release(&mut self, target: TargetId) -> Option<Open> {
        self.answer(target);
        let open = self.open.remove(&target)?;
        if let Some(at) = open.look_at {
            self.due.remove(&(at, target));
        }
        Some(open)
    }

    /// Lets go of a slot that nobody waits for any longer. A turn none of whose slots is open any more
    /// is broken off: a step that hangs does not hold up its lane for ever.
    pub(crate) fn give_up(&mut self, target: TargetId) -> Option<Open> {
        let open = self.release(target)?;
        self.fresh.retain(|(fresh, _)| *fresh != target);
        let idle = |running: &Running| !running.slots.iter().any(|slot| self.open.contains_key(slot));
        if self.running.as_ref().is_some_and(idle) {
            self.abort();
        }
        Some(open)
    }

    fn answer(&mut self, target: TargetId) {
        if let Some(running) = &mut self.running {
            running.unanswered.remove(&target);
        }
    }

    /// Ends the turn with that number; answers with the slots it said nothing of.
    pub(crate) fn end_turn(&mut self, serial: u64) -> Vec<TargetId> {
        if self.running.as_ref().is_none_or(|running| running.serial != serial) {
            return Vec::new();
        }
        self.running.take().map_or_else(Vec::new, |running| running.unanswered.into_iter().collect())
    }

    /// Breaks off a turn under way. Its slots stay open and are looked at no more.
    pub(crate) fn abort(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort.abort();
        }
    }

    /// What the open slots wait for, in the step's words, and how many for each.
    pub(crate) fn waits(&self) -> BTreeMap<Text, usize> {
        let mut waits = BTreeMap::new();
        for what in self.open.values().filter_map(|open| open.waiting_for.as_ref()) {
            *waits.entry(what.clone()).or_default() += 1;
        }
        waits
    }
}

/// That much later, or the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// The next whole second, or this one.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
