//! The least time a plan can take, whoever drives it, when its steps take what was drawn for them. Only
//! what the other side takes counts: a host holds its place as if nobody ever waited for a batch or
//! looked late.
//!
//! Stage after stage, each at least as long as the largest of:
//! - path: the host with the longest way, its image begun by the rate of images;
//! - budget, for each group of n members of the stage with room for b at once: head + ⌈n/b⌉·u of
//!   AWS's physical limits, for hosts that differ. The least time until one of them needs its place,
//!   and then the ⌈n/b⌉ that hold it shortest one after another; and what all of them hold it, spread
//!   over b places, none of which begins before somebody is there: on average the b earliest. The
//!   same of the later ones among them alone.

use std::collections::BTreeMap;

use fleetwright_flow::{Charge, StepIndex, TargetId};
use fleetwright_patch::plan::PatchPlan;

use super::simulation::{IMAGE_BURST, IMAGES_PER_SECOND, taken};

/// One target's seconds before it needs its places, and while it holds them.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    before: f64,
    held: f64,
    after: f64,
}

/// The least seconds of the plan.
pub(super) fn bound(plan: &PatchPlan, seed: u64) -> f64 {
    (0..plan.flow.stages.len()).map(|stage| of_stage(plan, seed, stage)).sum()
}

fn of_stage(plan: &PatchPlan, seed: u64, stage: usize) -> f64 {
    let targets = plan.flow.stages[stage].targets.clone().map(TargetId);
    let ways: Vec<(TargetId, Way)> = targets.map(|id| (id, way(plan, seed, id))).collect();
    let mut groups: BTreeMap<u16, Vec<Way>> = BTreeMap::new();
    let mut places: BTreeMap<u16, Vec<f64>> = BTreeMap::new();
    for (id, way) in &ways {
        let row = plan.flow.target(*id);
        for group in &row.groups {
            groups.entry(group.0).or_default().push(*way);
        }
        if plan.work[id.index()].host().is_some() {
            places.entry(row.place.0).or_default().push(way.before + way.held + way.after);
        }
    }
    let rooms =
        groups.into_iter().map(|(group, ways)| by_room(ways, plan.flow.groups[usize::from(group)].capacity));
    let rates = places.into_values().map(by_rate);
    let paths = ways.iter().map(|(_, way)| way.before + way.held + way.after);
    rooms.chain(rates).chain(paths).fold(0.0, f64::max)
}

fn way(plan: &PatchPlan, seed: u64, id: TargetId) -> Way {
    let mut way = Way::default();
    let (mut taking, mut released) = (false, false);
    for (index, step) in (0u8..).zip(&plan.flow.recipe_of(id).steps) {
        let seconds = taken(plan, seed, id, StepIndex(index));
        taking |= step.charge == Charge::Take;
        match (taking, released) {
            (_, true) => way.after += seconds,
            (true, false) => way.held += seconds,
            (false, false) => way.before += seconds,
        }
        released |= step.charge == Charge::Release;
    }
    way
}

fn by_room(mut ways: Vec<Way>, capacity: u32) -> f64 {
    let places = capacity as usize;
    let after = ways.iter().map(|way| way.after).fold(f64::INFINITY, f64::min);
    ways.sort_by(|a, b| a.before.total_cmp(&b.before));
    let mut shortest: Vec<f64> = ways.iter().map(|way| way.held).collect();
    shortest.sort_by(f64::total_cmp);
    let rounds = ways.first().map_or(0.0, |first| first.before)
        + shortest.iter().take(ways.len().div_ceil(places)).sum::<f64>();
    let mut left: f64 = ways.iter().map(|way| way.held).sum();
    let mut first: f64 = ways.iter().take(places).map(|way| way.before).sum();
    let mut most = rounds;
    // Of those who come last, as many as there are, no place begins before one of them is there.
    for (index, way) in ways.iter().enumerate() {
        let Some(next) = ways.get(index + places) else {
            most = most.max((first + left) / f64::from(capacity)).max(way.before + way.held);
            break;
        };
        most = most.max((first + left) / f64::from(capacity));
        left -= way.held;
        first += next.before - way.before;
    }
    most + after
}

/// Each begins with an image: when the last is over, the longest begun first.
fn by_rate(mut ways: Vec<f64>) -> f64 {
    ways.sort_by(|a, b| b.total_cmp(a));
    let begun = |k: usize| k.saturating_sub(IMAGE_BURST) as f64 / IMAGES_PER_SECOND;
    ways.iter().enumerate().map(|(k, way)| begun(k + 1) + way).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_needs_its_rounds_and_its_places_seconds() {
        let way = Way { before: 10.0, held: 100.0, after: 1.0 };
        assert_eq!(by_room(vec![way; 8], 4), 10.0 + 200.0 + 1.0);
        assert_eq!(by_room(vec![way; 9], 4), 10.0 + 300.0 + 1.0, "nine need a third round");
        let long = Way { held: 1_000.0, ..way };
        assert_eq!(by_room([vec![way; 8], vec![long]].concat(), 4), 10.0 + 450.0 + 1.0);
    }

    #[test]
    fn images_begin_at_their_rate() {
        assert_eq!(by_rate(vec![100.0; 50]), 100.0);
        assert_eq!(by_rate(vec![100.0; 150]), 120.0);
    }
}
