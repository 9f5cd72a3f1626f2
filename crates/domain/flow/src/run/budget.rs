//! Disruption budgets: who holds a place, who has one set aside, who waits.
//!
//! A target that needs places in several groups waits for one after the other, the group with the
//! fewest members first; when the last has set a place aside, the target may start, and its `Started`
//! record charges all of them together. Every target takes its groups in the same order, so nobody
//! holds a place while waiting for another in a way that could lock. And because the places that many
//! want are asked for last, none of them stands idle for somebody whose own small group is full.
//!
//! Of those who wait for a group, the one whose smaller groups have most left to do for each place
//! goes first: the run is not over before they are. Among equals the one that joined first does.
//! Nobody starves: each that goes ahead of another does so once for each time its recipe takes its
//! places, and brings its own groups nearer to having as little left as the other's. Those who ask for
//! the same groups are served in the order in which they came.
//!
//! A group's limit is its capacity, less while it still grows with every member that is verified
//! healthy; members that are out of service on others' account leave less room below it. Room that
//! is lost is taken from those who joined last and have not started.

use std::collections::BTreeSet;

use super::queues::Turn;
use super::walk::{Course, SkipReason, Wait};
use super::{GateState, Run};
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
    /// Members that were out of service already and have not been worked on yet.
    pub(crate) down: BTreeSet<TargetId>,
    /// Of those, the ones of targets that rest without having ended well: gone for this run.
    pub(crate) kept: u32,
    /// Targets that wait for a place here or in another of their groups.
    pub(crate) waiting: u32,
    /// Members that do not rest yet.
    pub(crate) open: u32,
    /// Those with a place set aside, in the order they joined.
    aside: BTreeSet<(u32, TargetId)>,
    /// Those who wait for one here and have one in every smaller group of theirs.
    queue: BTreeSet<Turn>,
}

impl Ledger {
    pub(crate) fn new(group: &Group) -> Self {
        Self {
            capacity: group.capacity,
            first: group.first.unwrap_or(group.capacity),
            verified: 0,
            elsewhere: 0,
            held: 0,
            down: BTreeSet::new(),
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

    fn waits_for_others(&self) -> bool {
        self.elsewhere > 0 && self.waiting > 0
    }

    fn taken(&self) -> u64 {
        let ours = u64::from(self.held) + self.down.len() as u64 + self.aside.len() as u64;
        ours + u64::from(self.elsewhere)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken() >= u64::from(self.limit())
    }

    /// Whether no place will ever become free again: targets that did not end well hold them all.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.kept >= self.limit()
    }

    /// What a group has left to do for each place: how long it takes, in turns of one member.
    pub(crate) fn turns_left(&self) -> u32 {
        const PARTS: u64 = 1 << 10;
        let turns = u64::from(self.open) * PARTS / u64::from(self.limit().max(1));
        u32::try_from(turns).unwrap_or(u32::MAX)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        /// An entry of an ordered set with its share of the tree's nodes.
        const ENTRY: usize = 20;
        (self.aside.len() + self.queue.len() + self.down.len()) * ENTRY
    }
}

impl Run {
    pub(crate) fn is_exhausted_for(&self, id: TargetId) -> bool {
        self.plan.target(id).groups.iter().any(|group| self.waits_in_vain(id, *group))
    }

    /// Whether no place of a group will become free for a target: targets that did not end well hold
    /// them all, and those that are out of service already and cannot be worked on before it. What is
    /// out of service elsewhere may come back.
    fn waits_in_vain(&self, id: TargetId, group: GroupId) -> bool {
        let ledger = &self.ledgers[group.index()];
        if ledger.kept as usize + ledger.down.len() < ledger.limit() as usize || self.counts_in(id, group) {
            return false;
        }
        let stage = self.walk(id).stage;
        // Whoever wants a place ahead of the gate is on the way back, and the gate waits for it.
        let gated = self.stages[stage.index()].gate != GateState::Passed;
        let comes_later = |other: &&TargetId| {
            let other = self.walk(**other);
            other.stage > stage || other.before > 0 || (gated && other.stage == stage)
        };
        ledger.kept as usize + ledger.down.iter().filter(comes_later).count() >= ledger.limit() as usize
    }

    /// Whether the target was found out of service by [`Event::FoundDown`](crate::Event::FoundDown), and
    /// no step of this run has taken it out since.
    pub fn is_down(&self, id: TargetId) -> bool {
        self.walk(id).down
    }

    /// Whether a target that is out of service already counts in a group for that.
    fn counts_in(&self, id: TargetId, group: GroupId) -> bool {
        self.walk(id).down && self.plan.groups[group.index()].shared.is_some()
    }

    /// Whether other runs count the target's groups, or one of them.
    pub(crate) fn shares_groups(&self, id: TargetId) -> bool {
        self.plan.target(id).groups.iter().any(|group| self.plan.groups[group.index()].shared.is_some())
    }

    /// The target's groups that it counts in because it was out of service already.
    fn groups_down(&self, id: TargetId) -> Vec<GroupId> {
        let groups = self.plan.target(id).groups.iter();
        groups.filter(|group| self.counts_in(id, **group)).copied().collect()
    }

    /// The target is out of service already. What was set aside for it goes back: it asks anew, and no
    /// longer where it counts.
    pub(crate) fn find_down(&mut self, id: TargetId) {
        let asked = self.walk(id).wait == Wait::Budget || self.walk(id).reserved != 0;
        if asked {
            self.leave(id);
        }
        self.walk_mut(id).down = true;
        for group in self.groups_down(id) {
            self.operations += 1;
            self.ledgers[group.index()].down.insert(id);
            self.take_back(group);
            self.skip_those_who_wait_for(group);
        }
        if asked {
            self.set_moving(id);
        }
    }

    /// A target that was out of service already rests, and nothing this run did made it healthy: its
    /// places are gone for this run.
    pub(crate) fn keep_down(&mut self, id: TargetId) {
        for group in self.groups_down(id) {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            ledger.down.remove(&id);
            ledger.held += 1;
            self.keep_place(group);
        }
    }

    /// Whether somebody waits for room in a group that has members out of service elsewhere: looking
    /// there again is what may move the run.
    pub fn waits_for_others(&self) -> bool {
        self.ledgers.iter().any(Ledger::waits_for_others)
    }

    /// As [`Run::waits_for_others`], in this group.
    pub fn waits_for_others_in(&self, group: GroupId) -> bool {
        self.ledgers[group.index()].waits_for_others()
    }

    /// Puts a target into [`Wait::Budget`] and sends it from group to group; it is [`Wait::Ready`]
    /// afterwards if there was room everywhere.
    pub(crate) fn join_queues(&mut self, id: TargetId) {
        self.tickets = self.tickets.wrapping_add(1);
        let counted = self.groups_down(id).into_iter().map(|group| self.bit(id, group)).sum();
        let ticket = self.tickets;
        let walk = self.walk_mut(id);
        (walk.ticket, walk.reserved) = (ticket, counted);
        self.enter(id, Wait::Budget);
        self.go_on(id);
    }

    /// The group a target asks next: the smallest of those that have set no place aside for it.
    pub(crate) fn next_group(&self, id: TargetId) -> Option<GroupId> {
        let reserved = self.walk(id).reserved;
        let groups = self.plan.target(id).groups.iter().enumerate();
        let missing = groups.filter(|(place, _)| reserved & (1 << place) == 0).map(|(_, group)| *group);
        missing.min_by_key(|group| self.queues.size_rank(*group))
    }

    /// Has a target ask its next group, or start where every group has set a place aside.
    fn go_on(&mut self, id: TargetId) {
        let Some(group) = self.next_group(id) else {
            self.leave_keeping_places(id);
            self.enter(id, Wait::Ready);
            return;
        };
        self.operations += 1;
        let counts = !self.groups_down(id).is_empty();
        let left = if counts { u32::MAX } else { self.turns_left(id) };
        self.queues.set_left(id, left);
        let turn = self.turn(id);
        self.ledgers[group.index()].queue.insert(turn);
        if counts {
            self.make_way(group);
        }
        self.set_aside(group);
    }

    /// For a target that counts somewhere because it is out of service already: it has that place before
    /// its turn, so that whoever waits there with one here would wait for it, and it for them. Who has not
    /// got all of its places gives this one back, the last to join first.
    fn make_way(&mut self, group: GroupId) {
        let ledger = &self.ledgers[group.index()];
        if !ledger.is_full() {
            return;
        }
        let gives = |(_, id): &&(u32, TargetId)| {
            self.walk(*id).wait == Wait::Budget && self.groups_down(*id).is_empty()
        };
        if let Some((ticket, id)) = ledger.aside.iter().rev().find(gives).copied() {
            self.revoke(group, ticket, id);
        }
    }

    /// What the smaller groups, which have set a place aside for the target, have left to do.
    fn turns_left(&self, id: TargetId) -> u32 {
        let reserved = self.walk(id).reserved;
        let groups = self.plan.target(id).groups.iter().enumerate();
        let held = groups.filter(|(place, _)| reserved & (1 << place) != 0);
        let turns = held.map(|(_, group)| self.ledgers[group.index()].turns_left());
        turns.max().unwrap_or_default()
    }

    fn turn(&self, id: TargetId) -> Turn {
        self.queues.turn(id, self.walk(id).ticket)
    }

    /// Sets free places of a group aside for those whose turn it is.
    pub(crate) fn set_aside(&mut self, group: GroupId) {
        while !self.ledgers[group.index()].is_full() {
            let Some(turn) = self.ledgers[group.index()].queue.pop_first() else { return };
            self.operations += 1;
            let id = turn.target;
            self.ledgers[group.index()].aside.insert((turn.ticket, id));
            let bit = self.bit(id, group);
            self.walk_mut(id).reserved |= bit;
            self.go_on(id);
        }
    }

    /// Sets places of several groups aside, the smallest first: who gets one there is then among those
    /// who ask the others.
    fn set_aside_in_turn(&mut self, groups: &[GroupId]) {
        let mut groups = groups.to_vec();
        groups.sort_unstable_by_key(|group| self.queues.size_rank(*group));
        for group in groups {
            self.set_aside(group);
        }
    }

    /// Takes places back from those who joined last, as long as more are taken than there are. Who
    /// loses one waits for it again, and loses those that were asked for after it.
    fn take_back(&mut self, group: GroupId) {
        loop {
            let ledger = &self.ledgers[group.index()];
            if ledger.taken() <= u64::from(ledger.limit()) {
                return;
            }
            let Some((ticket, id)) = ledger.aside.last().copied() else { return };
            self.revoke(group, ticket, id);
        }
    }

    /// Takes the place back that a group has set aside for a target that has not started.
    fn revoke(&mut self, group: GroupId, ticket: u32, id: TargetId) {
        let plan = self.plan.clone();
        if self.walk(id).wait == Wait::Ready {
            self.leave_keeping_places(id);
            self.enter(id, Wait::Budget);
        }
        let turn = self.turn(id);
        let from = self.queues.size_rank(group);
        let behind = |of: &&GroupId| self.queues.size_rank(**of) >= from && !self.counts_in(id, **of);
        let lost: Vec<GroupId> = plan.target(id).groups.iter().filter(behind).copied().collect();
        for of in &lost {
            self.operations += 1;
            let bit = self.bit(id, *of);
            self.walk_mut(id).reserved &= !bit;
            let ledger = &mut self.ledgers[of.index()];
            if !ledger.aside.remove(&(ticket, id)) {
                ledger.queue.remove(&turn);
            }
        }
        self.ledgers[group.index()].queue.insert(turn);
        let others: Vec<GroupId> = lost.into_iter().filter(|of| *of != group).collect();
        self.set_aside_in_turn(&others);
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
        let (ticket, turn) = (self.walk(id).ticket, self.turn(id));
        self.walk_mut(id).reserved = 0;
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            if !ledger.aside.remove(&(ticket, id)) {
                ledger.queue.remove(&turn);
            }
        }
        self.set_aside_in_turn(&plan.target(id).groups);
    }

    /// Turns what was set aside into a charge, in all groups at once.
    pub(crate) fn charge(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        let ticket = self.walk(id).ticket;
        for group in &plan.target(id).groups {
            self.operations += 1;
            let ledger = &mut self.ledgers[group.index()];
            ledger.aside.remove(&(ticket, id));
            ledger.down.remove(&id);
            ledger.held += 1;
        }
        let walk = self.walk_mut(id);
        walk.reserved = 0;
        walk.down = false;
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
        self.set_aside_in_turn(&plan.target(id).groups);
    }

    /// Keeps the charge of a target that rests without having ended well, to the end of the run.
    /// Who waits for a place that can never become free is not taken further.
    pub(crate) fn keep_charge(&mut self, id: TargetId) {
        let plan = self.plan.clone();
        for group in &plan.target(id).groups {
            self.keep_place(*group);
        }
    }

    fn keep_place(&mut self, group: GroupId) {
        self.ledgers[group.index()].kept += 1;
        self.skip_those_who_wait_for(group);
    }

    /// Whether they have come to the group or not: they would in vain.
    fn skip_those_who_wait_for(&mut self, group: GroupId) {
        let ledger = &self.ledgers[group.index()];
        if ledger.waiting == 0 || ledger.kept as usize + ledger.down.len() < ledger.limit() as usize {
            return;
        }
        for place in self.queues.members_of(group) {
            let id = self.queues.member(place);
            let has_place =
                self.walk(id).wait != Wait::Budget || self.walk(id).reserved & self.bit(id, group) != 0;
            if !has_place && self.waits_in_vain(id, group) {
                self.leave(id);
                self.enter(id, Wait::Skip(SkipReason::Exhausted));
            }
        }
    }
}
