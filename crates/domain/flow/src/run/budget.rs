//! Disruption budgets: who holds a place, who has one set aside, who waits.
//!
//! A target that needs places in several groups joins all their waiting lists at once. A free place
//! is set aside for the first in the list; when every group has set one aside, the target may start,
//! and its `Started` record charges all of them together. Nobody holds one place while waiting for
//! another in a way that could lock: lists are joined in one order, so the target that waits longest
//! is always served next. Nobody starves, and a target that shares no group is never held back.

use std::collections::VecDeque;
use std::mem::size_of;

use super::Run;
use super::walk::{SkipReason, Wait};
use crate::plan::{GroupId, TargetId};

/// One group's account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) capacity: u32,
    /// Places charged.
    pub(crate) held: u32,
    /// Of those, the ones of targets that rest without having ended well: gone for this run.
    pub(crate) kept: u32,
    /// Places set aside.
    pub(crate) reserved: u32,
    /// Targets that wait for a place here or in another of their groups.
    pub(crate) waiting: u32,
    /// Members that do not rest yet.
    pub(crate) open: u32,
    /// Waiting list; an entry whose ticket is not the target's present one is void.
    queue: VecDeque<(TargetId, u32)>,
}

impl Ledger {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { capacity, held: 0, kept: 0, reserved: 0, waiting: 0, open: 0, queue: VecDeque::new() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.held + self.reserved >= self.capacity
    }

    /// Whether no place will ever become free again.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.kept >= self.capacity
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.queue.capacity() * size_of::<(TargetId, u32)>()
    }
}

impl Run {
    pub(crate) fn is_exhausted_for(&self, id: TargetId) -> bool {
        self.plan.target(id).groups.iter().any(|group| self.ledgers[group.index()].is_exhausted())
    }

    /// Joins the waiting lists of all groups. The target is put into [`Wait::Budget`]; it is
    /// [`Wait::Ready`] afterwards if there was room everywhere.
    pub(crate) fn join_queues(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        let ticket = self.walk(id).ticket.wrapping_add(1);
        self.walk_mut(id).ticket = ticket;
        self.enter(id, Wait::Budget);
        for group in &plan.target(id).groups {
            self.operations += 1;
            self.ledgers[group.index()].queue.push_back((id, ticket));
        }
        for group in &plan.target(id).groups {
            self.set_aside(*group);
        }
    }

    /// Sets free places of a group aside for those who wait longest.
    pub(crate) fn set_aside(&mut self, group: GroupId) {
        let plan = self.plan.clone();
        while !self.ledgers[group.index()].is_full() {
            let Some((id, ticket)) = self.ledgers[group.index()].queue.pop_front() else { return };
            self.operations += 1;
            if self.walk(id).wait != Wait::Budget || self.walk(id).ticket != ticket {
                continue;
            }
            let groups = &plan.target(id).groups;
            let place = groups.iter().position(|of| *of == group).expect("it joined the lists of its groups");
            self.ledgers[group.index()].reserved += 1;
            let walk = self.walk_mut(id);
            walk.reserved |= 1 << place;
            if walk.reserved.count_ones() as usize == groups.len() {
                self.leave_keeping_reservations(id);
                self.enter(id, Wait::Ready);
            }
        }
    }

    /// Gives back what was set aside for a target that does not start after all.
    pub(crate) fn give_up_reservations(&mut self, id: TargetId) {
        let reserved = std::mem::take(&mut self.walk_mut(id).reserved);
        if reserved == 0 {
            return;
        }
        let plan = self.plan.clone();
        let groups = &plan.target(id).groups;
        let given: Vec<GroupId> = groups
            .iter()
            .enumerate()
            .filter(|(place, _)| reserved & (1 << place) != 0)
            .map(|(_, g)| *g)
            .collect();
        for group in &given {
            self.ledgers[group.index()].reserved -= 1;
        }
        for group in given {
            self.set_aside(group);
        }
    }

    /// Turns what was set aside into a charge, in all groups at once.
    pub(crate) fn charge(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            ledger.reserved -= 1;
            ledger.held += 1;
        }
        let walk = self.walk_mut(id);
        walk.reserved = 0;
        walk.holds = true;
        walk.owes = false;
    }

    /// Gives the charge back: the target is verified healthy.
    pub(crate) fn discharge(&mut self, id: TargetId) {
        self.walk_mut(id).owes = false;
        if !std::mem::take(&mut self.walk_mut(id).holds) {
            return;
        }
        let plan = self.plan.clone();
        for group in &plan.target(id).groups {
            self.operations += 1;
            self.ledgers[group.index()].held -= 1;
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
            for (waiting, ticket) in std::mem::take(&mut ledger.queue) {
                self.operations += 1;
                if self.walk(waiting).wait == Wait::Budget && self.walk(waiting).ticket == ticket {
                    self.leave(waiting);
                    self.enter(waiting, Wait::Skip(SkipReason::Exhausted));
                }
            }
        }
    }
}
