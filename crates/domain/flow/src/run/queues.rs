//! Who is in which group, in which order groups are asked for their places, and whose turn it is.

use std::cmp::Reverse;
use std::mem::size_of;
use std::ops::Range;

use crate::plan::{GroupId, Plan, TargetId};

/// A target's turn in the queue of a group: less goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// What the smaller group with most left to do had left when the target came.
    left: Reverse<u32>,
    /// When it joined.
    pub(crate) ticket: u32,
    pub(crate) target: TargetId,
}

/// What is fixed of the groups, and what each waiting target came with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Queues {
    /// Per group, how many are smaller.
    size_ranks: Vec<u16>,
    /// The members of each group: rows of one long list.
    starts: Vec<u32>,
    members: Vec<TargetId>,
    /// Per target, what [`Turn::left`] is of it.
    left: Vec<u32>,
}

impl Queues {
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let mut starts = vec![0u32; plan.groups.len() + 1];
        for group in plan.targets.iter().flat_map(|target| &target.groups) {
            starts[group.index() + 1] += 1;
        }
        let mut by_size: Vec<usize> = (0..plan.groups.len()).collect();
        by_size.sort_by_key(|group| (starts[group + 1], *group));
        let mut size_ranks = vec![0; plan.groups.len()];
        for (rank, group) in by_size.into_iter().enumerate() {
            size_ranks[group] = rank as u16;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut free = starts.clone();
        let mut members = vec![TargetId(0); starts.last().map_or(0, |end| *end as usize)];
        for (target, row) in (0u32..).zip(&plan.targets) {
            for group in &row.groups {
                let place = &mut free[group.index()];
                members[*place as usize] = TargetId(target);
                *place += 1;
            }
        }
        Self { size_ranks, starts, members, left: vec![0; plan.targets.len()] }
    }

    /// A group's place among all by their size: small ones are asked first.
    pub(crate) fn size_rank(&self, group: GroupId) -> u16 {
        self.size_ranks[group.index()]
    }

    /// Where a group's members stand in the list.
    pub(crate) fn members_of(&self, group: GroupId) -> Range<usize> {
        self.starts[group.index()] as usize..self.starts[group.index() + 1] as usize
    }

    pub(crate) fn member(&self, place: usize) -> TargetId {
        self.members[place]
    }

    pub(crate) fn set_left(&mut self, id: TargetId, left: u32) {
        self.left[id.index()] = left;
    }

    pub(crate) fn turn(&self, id: TargetId, ticket: u32) -> Turn {
        Turn { left: Reverse(self.left[id.index()]), ticket, target: id }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        (self.starts.len() + self.members.len() + self.left.len()) * size_of::<u32>()
            + self.size_ranks.len() * size_of::<u16>()
    }
}
