//! Lanes: what stands ready at one step in one place, and how much of it may be in flight.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{PlaceId, Plan, StepIndex, TargetId};
use crate::record::Direction;

/// A place and the name of a step; recipes that share the name share the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    pub(crate) place: PlaceId,
    pub(crate) name: u16,
}

/// Who goes first. Putting things right comes before changing more of them, and finishing what is
/// half changed before changing the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Undo,
    PutBack,
    Committed,
    /// Looks or prepares.
    Uncommitted,
    /// Would change the target: not while the run is frozen.
    Guarded,
}

/// One lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lane {
    pub(crate) in_flight: u32,
    pub(crate) ready: BTreeSet<(Rank, TargetId)>,
}

/// Every lane that has something in it, and those that may start something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lanes {
    /// Per recipe, the name of each step: forward, then the way back.
    names: Vec<[Vec<u16>; 2]>,
    /// Per name, the smallest limit any recipe gives it.
    limits: Vec<Option<u32>>,
    lanes: BTreeMap<LaneKey, Lane>,
    /// Lanes with something ready and room for it.
    open: BTreeSet<LaneKey>,
}

impl Lanes {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut known: BTreeMap<&str, u16> = BTreeMap::new();
        let mut limits: Vec<Option<u32>> = Vec::new();
        let mut names = Vec::with_capacity(plan.recipes.len());
        for recipe in &plan.recipes {
            names.push([&recipe.steps, &recipe.undo].map(|steps| {
                steps
                    .iter()
                    .map(|step| {
                        let name = *known.entry(&step.name).or_insert_with(|| {
                            limits.push(None);
                            (limits.len() - 1) as u16
                        });
                        let limit = &mut limits[usize::from(name)];
                        *limit = match (*limit, step.max_in_flight) {
                            (Some(one), Some(other)) => Some(one.min(other)),
                            (one, other) => one.or(other),
                        };
                        name
                    })
                    .collect()
            }));
        }
        Self { names, limits, lanes: BTreeMap::new(), open: BTreeSet::new() }
    }

    /// The lane of a step of a target.
    pub(crate) fn key(&self, plan: &Plan, id: TargetId, direction: Direction, step: StepIndex) -> LaneKey {
        let target = plan.target(id);
        let list = match direction {
            Direction::Do => 0,
            Direction::Undo => 1,
        };
        LaneKey { place: target.place, name: self.names[target.recipe.index()][list][step.index()] }
    }

    /// How many more may be in flight.
    pub(crate) fn room(&self, key: LaneKey) -> usize {
        let in_flight = self.lanes.get(&key).map_or(0, |lane| lane.in_flight);
        match self.limits[usize::from(key.name)] {
            None => usize::MAX,
            Some(limit) => limit.saturating_sub(in_flight) as usize,
        }
    }

    pub(crate) fn add_ready(&mut self, key: LaneKey, rank: Rank, id: TargetId) {
        self.lanes.entry(key).or_default().ready.insert((rank, id));
        self.review(key);
    }

    pub(crate) fn remove_ready(&mut self, key: LaneKey, rank: Rank, id: TargetId) {
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.ready.remove(&(rank, id));
        }
        self.review(key);
    }

    pub(crate) fn take_off(&mut self, key: LaneKey) {
        self.lanes.entry(key).or_default().in_flight += 1;
        self.review(key);
    }

    pub(crate) fn land(&mut self, key: LaneKey) {
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.in_flight -= 1;
        }
        self.review(key);
    }

    /// Keeps the list of open lanes true after a change of one.
    fn review(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get(&key) else { return };
        if lane.in_flight == 0 && lane.ready.is_empty() {
            self.lanes.remove(&key);
            self.open.remove(&key);
        } else if lane.ready.is_empty() || self.room(key) == 0 {
            self.open.remove(&key);
        } else {
            self.open.insert(key);
        }
    }

    /// Whether something stands ready in a lane that has no room for it.
    pub(crate) fn is_crowded(&self, key: LaneKey) -> bool {
        self.lanes.get(&key).is_some_and(|lane| !lane.ready.is_empty()) && self.room(key) == 0
    }

    /// Lanes with something ready and room for it.
    pub(crate) fn open(&self) -> impl Iterator<Item = LaneKey> + '_ {
        self.open.iter().copied()
    }

    /// What stands ready in a lane, first things first.
    pub(crate) fn ready(&self, key: LaneKey) -> impl Iterator<Item = (Rank, TargetId)> + '_ {
        self.lanes.get(&key).into_iter().flat_map(|lane| lane.ready.iter().copied())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        /// A key and its share of tree nodes.
        const ENTRY: usize = 24;
        self.lanes.values().map(|lane| size_of::<(LaneKey, Lane)>() + lane.ready.len() * ENTRY).sum::<usize>()
            + self.open.len() * ENTRY
    }
}
