//! Disruption budgets: who holds a place, who has one set aside, who waits.
//!
//! A target that needs places in several groups joins all their waiting lists at once. A free place
//! is set aside for the first in the list; when every group has set one aside, the target may start,
//! and its `Started` record charges all of them together. Nobody holds one place while waiting for
//! another in a way that could lock: lists are joined in one order, and in every group those with a
//! place set aside joined before those who wait, so the target that waits longest is always served
//! next. Nobody starves, and a target that shares no group is never held back.
//!
//! A group's limit is its capacity, less while it still grows with every member that is verified
//! healthy; members that are out of service on others' account leave less room below it. Room that
//! is lost is taken from those who joined last and have not started.

use std::collections::BTreeSet;

use super::Run;
use super::walk::{Course, SkipReason, Wait};
use crate::plan::{Group, GroupId, TargetId};

/// One group's account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) capacity: u32,
    /// The limit before any member was verified healthy.
    first: u32,
    /// Members that were held and verified healthy.
    verified: u32,
    /// Members that are out of service on others' account.
    pub(crate) elsewhere: u32,
    /// Places charged.
    pub(crate) held: u32,
    /// Of those, the ones of targets that rest without having ended well: gone for this run.
    pub(crate) kept: u32,
    /// Targets that wait for a place here or in another of their groups.
    pub(crate) waiting: u32,
    /// Members that do not rest yet.
    pub(crate) open: u32,
    /// Those with a place set aside, and those who wait for one, in the order they joined.
    aside: BTreeSet<(u32, TargetId)>,
    queue: BTreeSet<(u32, TargetId)>,
}

impl Ledger {
    pub(crate) fn new(group: &Group) -> Self {
        Self {
            capacity: group.capacity,
            first: group.first.unwrap_or(group.capacity),
            verified: 0,
            elsewhere: 0,
            held: 0,
            kept: 0,
            waiting: 0,
            open: 0,
            aside: BTreeSet::new(),
            queue: BTreeSet::new(),
        }
    }

    /// Members out of service at once at most, as far as is known of the group.
    pub(crate) fn limit(&self) -> u32 {
        self.capacity.min(self.first.saturating_add(self.verified))
    }

    fn taken(&self) -> u64 {
        u64::from(self.held) + u64::from(self.elsewhere) + self.aside.len() as u64
    }

    fn is_full(&self) -> bool {
        self.taken() >= u64::from(self.limit())
    }

    /// Whether no place will ever become free again: targets that did not end well hold them all, and
    /// nobody is left who could raise the limit. What is out of service elsewhere may come back.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.kept >= self.limit()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        /// An entry of an ordered set with its share of the tree's nodes.
        const ENTRY: usize = 16;
        (self.aside.len() + self.queue.len()) * ENTRY
    }
}

impl Run {
    pub(crate) fn is_exhausted_for(&self, id: TargetId) -> bool {
        self.plan.target(id).groups.iter().any(|group| self.ledgers[group.index()].is_exhausted())
    }

    /// Whether somebody waits for room in a group that has members out of service elsewhere: looking
    /// there again is what may move the run.
    pub fn waits_for_others(&self) -> bool {
        self.ledgers.iter().any(|ledger| ledger.elsewhere > 0 && ledger.waiting > 0)
    }

    /// Joins the waiting lists of all groups. The target is put into [`Wait::Budget`]; it is
    /// [`Wait::Ready`] afterwards if there was room everywhere.
    pub(crate) fn join_queues(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        self.tickets = self.tickets.wrapping_add(1);
        let ticket = self.tickets;
        self.walk_mut(id).ticket = ticket;
        self.enter(id, Wait::Budget);
        for group in &plan.target(id).groups {
            self.operations += 1;
            self.ledgers[group.index()].queue.insert((ticket, id));
        }
        for group in &plan.target(id).groups {
            self.set_aside(*group);
        }
    }

    /// Sets free places of a group aside for those who wait longest.
    pub(crate) fn set_aside(&mut self, group: GroupId) {
        while !self.ledgers[group.index()].is_full() {
            let Some((ticket, id)) = self.ledgers[group.index()].queue.pop_first() else { return };
            self.operations += 1;
            self.ledgers[group.index()].aside.insert((ticket, id));
            let groups = self.plan.target(id).groups.len();
            let bit = self.bit(id, group);
            let walk = self.walk_mut(id);
            walk.reserved |= bit;
            if walk.reserved.count_ones() as usize == groups {
                self.leave_keeping_places(id);
                self.enter(id, Wait::Ready);
            }
        }
    }

    /// Takes places back from those who joined last, as long as more are taken than there are.
    fn take_back(&mut self, group: GroupId) {
        loop {
            let ledger = &mut self.ledgers[group.index()];
            if ledger.taken() <= u64::from(ledger.limit()) {
                return;
            }
            let Some((ticket, id)) = ledger.aside.pop_last() else { return };
            ledger.queue.insert((ticket, id));
            self.operations += 1;
            let bit = self.bit(id, group);
            self.walk_mut(id).reserved &= !bit;
            if self.walk(id).wait == Wait::Ready {
                self.leave_keeping_places(id);
                self.enter(id, Wait::Budget);
            }
        }
    }

    fn bit(&self, id: TargetId, group: GroupId) -> u16 {
        let groups = &self.plan.target(id).groups;
        let place = groups.iter().position(|of| *of == group);
        1 << place.expect("it joined the lists of its groups")
    }

    /// Somebody looked how many members are out of service on others' account.
    pub(crate) fn observe(&mut self, group: GroupId, elsewhere: u32) {
        self.ledgers[group.index()].elsewhere = elsewhere;
        self.take_back(group);
        self.set_aside(group);
    }

    /// Takes a target that does not start after all from every list, and gives others what was set
    /// aside for it.
    pub(crate) fn give_up_places(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        let ticket = self.walk(id).ticket;
        self.walk_mut(id).reserved = 0;
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            if !ledger.aside.remove(&(ticket, id)) {
                ledger.queue.remove(&(ticket, id));
            }
        }
        for group in &plan.target(id).groups {
            self.set_aside(*group);
        }
    }

    /// Turns what was set aside into a charge, in all groups at once.
    pub(crate) fn charge(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        let ticket = self.walk(id).ticket;
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            ledger.aside.remove(&(ticket, id));
            ledger.held += 1;
        }
        let walk = self.walk_mut(id);
        walk.reserved = 0;
        walk.holds = true;
        walk.owes = false;
    }

    /// Gives the charge back: the target is verified healthy. One that went its way so far is evidence
    /// that more may follow; one that had to be taken back is not.
    pub(crate) fn discharge(&mut self, id: TargetId) {
        let walk = self.walk_mut(id);
        walk.owes = false;
        if !std::mem::take(&mut walk.holds) {
            return;
        }
        let proves = walk.course == Course::Forward && walk.end().is_well() && !walk.proven;
        walk.proven |= proves;
        let plan = self.plan.clone();
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            ledger.held -= 1;
            ledger.verified += u32::from(proves);
        }
        for group in &plan.target(id).groups {
            self.set_aside(*group);
        }
    }

    /// Keeps the charge of a target that rests without having ended well, to the end of the run.
    /// Who waits for a place that can never become free is not taken further.
    pub(crate) fn keep_charge(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        for group in &plan.target(id).groups {
            let ledger = &mut self.ledgers[group.index()];
            ledger.kept += 1;
            if !ledger.is_exhausted() {
                continue;
            }
            for (_, waiting) in ledger.queue.clone() {
                self.leave(waiting);
                self.enter(waiting, Wait::Skip(SkipReason::Exhausted));
            }
        }
    }
}
