//! What happens by itself as time passes: a region's queue of changes that are due later.
//!
//! Nothing polls: a call is answered after its region's due changes have been made, each at its own
//! moment, in the order of (moment, order of scheduling). Regions do not influence one another, so
//! that one that nobody asks costs nothing.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::buckets::Buckets;
use super::iam::Iam;
use super::ids::{ImageId, InstanceId, RootTaskId, SnapshotId};
use super::organization::Organization;
use super::pace::{Pace, Span};
use super::{Region, World, eks, events, host, images, life_cycle, root_tasks, scaling, stacks, tables};
use crate::fault::Mishaps;
use crate::generate::seed::Seed;

/// A change that is due at some moment. Each kind belongs to one module, whose `apply` makes it and
/// ignores one that something else has overtaken.
#[derive(Clone, Debug)]
pub enum Change {
    /// An image becomes available or fails: [`images`].
    Image(ImageId),
    /// A snapshot is complete or fails: [`images`].
    Snapshot(SnapshotId),
    /// An instance goes on to its next state: [`life_cycle`].
    Instance(InstanceId, life_cycle::Step),
    /// A root volume is replaced: [`root_tasks`].
    RootTask(RootTaskId),
    /// Something on a host, its agent, or a command: [`host`].
    Host(host::HostChange),
    /// Balancers and Auto Scaling groups look at an instance: [`balancing`](super::balancing) and
    /// [`scaling`].
    Observe(InstanceId),
    /// An Auto Scaling group, by its number, launches what it lacks: [`scaling`].
    Scaling(usize),
    /// An Auto Scaling group, by its number, goes on with an instance refresh: [`scaling`].
    Refresh(usize),
    /// An item of a table expires: [`tables`].
    Expiry(Box<tables::Expiry>),
    /// Something of a cluster of EKS: [`eks`].
    Cluster(Box<eks::Due>),
    /// A resource of a stack is done: [`stacks`].
    Stack(Box<stacks::Due>),
    /// A rule of EventBridge goes by the clock: [`events`].
    Rule(events::Firing),
}

#[derive(Debug)]
struct Due {
    at: Timestamp,
    /// Breaks ties: what was scheduled first comes first.
    number: u64,
    change: Change,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The changes of one region that are still to come.
#[derive(Debug, Default)]
pub struct Timeline {
    due: BinaryHeap<Reverse<Due>>,
    scheduled: u64,
    /// How far the region has come; none before its first call.
    now: Option<Timestamp>,
}

impl Timeline {
    fn next(&mut self, now: Timestamp) -> Option<(Timestamp, Change)> {
        self.due.peek().filter(|next| next.0.at <= now)?;
        self.due.pop().map(|Reverse(due)| (due.at, due.change))
    }

    /// The moment the region has come to; none before its first call.
    #[must_use]
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// When the next change is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.peek().map(|next| next.0.at)
    }
}

impl Region {
    /// Lets `change` happen at `at`; at once with the next call where that moment has passed.
    pub fn schedule(&mut self, at: Timestamp, change: Change) {
        let number = self.timeline.scheduled;
        self.timeline.scheduled += 1;
        self.timeline.due.push(Reverse(Due { at, number, change }));
    }
}

/// A region that something happens in, with all that the outcome depends on.
#[derive(Debug)]
pub struct Place<'w> {
    /// The account's id.
    pub account: &'w str,
    /// The region's code.
    pub code: &'w str,
    /// The region.
    pub region: &'w mut Region,
    /// What is to go wrong with resources.
    pub mishaps: &'w mut Mishaps,
    /// How long things take.
    pub pace: &'w Pace,
    /// What this account's region draws from.
    pub seed: Seed,
    /// What is not the region's own.
    pub outside: Outside<'w>,
}

/// What things in a region reach outside of it.
#[derive(Debug)]
pub struct Outside<'w> {
    /// S3's buckets.
    pub buckets: &'w mut Buckets,
    /// The account's roles, of which instances have some.
    pub iam: &'w Iam,
    /// The organisation, whose policies bind those roles as well.
    pub organization: Option<&'w Organization>,
}

impl Place<'_> {
    /// The stream of draws about one thing: the same whatever else happened before.
    #[must_use]
    pub fn draws(&self, purpose: &str, number: u64, at: Timestamp) -> rand_chacha::ChaCha8Rng {
        let moment = at.as_nanosecond().to_string();
        self.seed.child(purpose).nth(number as usize).child(&moment).stream()
    }

    /// A length of time within `span`, drawn for one thing.
    #[must_use]
    pub fn length(&self, span: Span, purpose: &str, number: u64, at: Timestamp) -> SignedDuration {
        let milliseconds = self.draws(purpose, number, at).random_range(span.milliseconds());
        SignedDuration::from_millis(milliseconds)
    }

    fn apply(&mut self, change: Change, at: Timestamp) {
        match change {
            Change::Image(id) => images::image_due(self, id, at),
            Change::Snapshot(id) => images::snapshot_due(self, id, at),
            Change::Instance(id, step) => life_cycle::apply(self, id, step, at),
            Change::RootTask(id) => root_tasks::apply(self, id, at),
            Change::Host(change) => host::apply(self, change, at),
            Change::Observe(id) => {
                self.region.check_target(id, at);
                scaling::life::observe(self, id, at);
            }
            Change::Scaling(number) => scaling::life::fill(self, number, at),
            Change::Refresh(number) => scaling::refresh::go_on(self, number, at),
            Change::Expiry(due) => tables::apply(self, &due, at),
            Change::Cluster(due) => eks::apply(self, *due, at),
            Change::Stack(due) => stacks::apply(self, &due, at),
            Change::Rule(firing) => events::apply(self, &firing, at),
        }
    }

    /// Makes every change that is due at `now`, those that follow from them included.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, change)) = self.region.timeline.next(now) {
            self.apply(change, at);
        }
        self.region.timeline.now = Some(self.region.timeline.now.map_or(now, |then| then.max(now)));
    }
}

impl World {
    /// One region of one account, to be changed; `None` where there is no such region.
    pub fn place(&mut self, account: &str, code: &str) -> Option<Place<'_>> {
        let seed = crate::generate::cell_seed(&Seed::root(self.seed), account, code).child("life");
        let (id, owner) = self
            .accounts
            .range_mut::<str, _>((std::ops::Bound::Included(account), std::ops::Bound::Included(account)))
            .next()?;
        let (code, region) = owner
            .regions
            .range_mut::<str, _>((std::ops::Bound::Included(code), std::ops::Bound::Included(code)))
            .next()?;
        let outside =
            Outside { buckets: &mut self.buckets, iam: &owner.iam, organization: self.organization.as_ref() };
        Some(Place { account: id, code, region, mishaps: &mut self.mishaps, pace: &self.pace, seed, outside })
    }

    /// Brings one region of one account to `now`.
    pub fn advance(&mut self, account: &str, code: &str, now: Timestamp) {
        if let Some(mut place) = self.place(account, code) {
            place.advance(now);
        }
    }

    /// Brings every region to `now`; for those who look at the whole world.
    pub fn advance_all(&mut self, now: Timestamp) {
        let late: Vec<(String, String)> = self
            .accounts
            .iter()
            .flat_map(|(id, account)| account.regions.iter().map(move |(code, region)| (id, code, region)))
            .filter(|(_, _, region)| region.timeline.next_due().is_some_and(|due| due <= now))
            .map(|(id, code, _)| (id.clone(), code.clone()))
            .collect();
        for (account, code) in late {
            self.advance(&account, &code, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_in_the_order_of_their_moments_and_then_of_their_scheduling() {
        let mut region = Region::default();
        let second = |n| Timestamp::from_second(n).expect("in range");
        for (at, image) in [(20, 1), (10, 2), (20, 3), (40, 4)] {
            region.schedule(second(at), Change::Image(ImageId(image)));
        }
        let mut seen = Vec::new();
        while let Some((at, Change::Image(id))) = region.timeline.next(second(30)) {
            seen.push((at.as_second(), id.0));
        }
        assert_eq!(seen, [(10, 2), (20, 1), (20, 3)]);
        assert_eq!(region.timeline.next_due(), Some(second(40)));
    }
}
