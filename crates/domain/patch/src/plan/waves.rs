//! Who is in which wave, and in which stage of it.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::{OsFamily, Text};

use super::Backup;
use super::make::{Amount, Candidate, rank};
use super::ordering::Set;
use super::roll_out::{CANARY_FROM, RollOut, WaveRequest, ZoneByZone};
use crate::inventory::Host;

/// A wave of the plan in the making.
#[derive(Clone, Debug)]
pub(super) struct Wave {
    pub(super) name: Text,
    pub(super) canary: bool,
    pub(super) asked: WaveRequest,
}

/// A stage by its place in the order of all: wave, round, zone. Hosts that must wait for another
/// zone's hosts come in a later round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StageKey {
    pub(super) wave: usize,
    pub(super) round: usize,
    pub(super) zone: Text,
}

/// The waves, and the wave of each candidate; none where no wave takes it.
pub(super) fn assign(
    candidates: &[Candidate<'_>],
    sets: &[Set],
    roll_out: &RollOut,
    changes: bool,
) -> (Vec<Wave>, Vec<Option<usize>>) {
    let mut of = vec![None; candidates.len()];
    let mut waves = Vec::new();
    let asked_canary = roll_out.waves.iter().any(|wave| wave.canary);
    if changes && roll_out.canary > 0 && !asked_canary && candidates.len() >= CANARY_FROM {
        let taken = canaries(candidates, sets, &of, &WaveRequest::default(), roll_out.canary);
        take(&mut of, taken, waves.len());
        waves.push(Wave { name: "canary".into(), canary: true, asked: WaveRequest::default() });
    }
    let one = [WaveRequest { name: Some("fleet".into()), ..WaveRequest::default() }];
    let asked = if roll_out.waves.is_empty() { &one[..] } else { &roll_out.waves };
    let all = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    for request in asked {
        let taken = match (request.canary, request.size) {
            (true, size) => {
                let each = size.map_or(1, |size| per_family(size, all));
                canaries(candidates, sets, &of, request, each)
            }
            (false, size) => {
                let free = (0..candidates.len())
                    .filter(|index| of[*index].is_none() && request.select.takes(candidates[*index].host));
                free.take(size.map_or(usize::MAX, |size| size.of(all) as usize)).collect()
            }
        };
        take(&mut of, taken, waves.len());
        let name = request.name.clone().unwrap_or_else(|| format!("wave {}", waves.len() + 1).into());
        waves.push(Wave { name: unique(&waves, name), canary: request.canary, asked: request.clone() });
    }
    (waves, of)
}

/// A share is of the whole run, a number of each family.
fn per_family(size: Amount, all: u32) -> u32 {
    size.of(all)
}

fn take(of: &mut [Option<usize>], taken: Vec<usize>, wave: usize) {
    for index in taken {
        of[index] = Some(wave);
    }
}

fn unique(waves: &[Wave], name: Text) -> Text {
    let is_known = |name: &Text| waves.iter().any(|wave| wave.name == *name);
    if !is_known(&name) {
        return name;
    }
    (2..)
        .map(|number| Text::from(format!("{name} {number}")))
        .find(|name| !is_known(name))
        .expect("there are more numbers than waves")
}

/// The hosts whose loss is cheapest and whose result tells most, so many of each family. A canary
/// whose window opens next week would hold up everybody, so the soonest come first; then those that an
/// earlier run left in a bad way, because they are down already; then those with a way back, running,
/// least critical, where fewest of the canaries are already.
fn canaries(
    candidates: &[Candidate<'_>],
    sets: &[Set],
    of: &[Option<usize>],
    request: &WaveRequest,
    each: u32,
) -> Vec<usize> {
    let waits: BTreeSet<usize> = sets
        .iter()
        .flat_map(|set| if set.after.is_empty() { &set.leaders } else { &set.members })
        .copied()
        .collect();
    let mut chosen = Vec::new();
    for family in [OsFamily::Linux, OsFamily::Windows, OsFamily::MacOs] {
        let mut zones: BTreeMap<Text, u32> = BTreeMap::new();
        let mut applications: BTreeMap<Option<&Text>, u32> = BTreeMap::new();
        let mut free: Vec<usize> = (0..candidates.len())
            .filter(|index| of[*index].is_none() && !waits.contains(index))
            .filter(|index| candidates[*index].host.instance.os == family)
            .filter(|index| request.select.takes(candidates[*index].host))
            .collect();
        for _ in 0..each {
            let cost = |index: &usize| {
                let candidate = &candidates[*index];
                (
                    candidate.opens,
                    !candidate.again,
                    matches!(candidate.planned.backup, Backup::None { .. }),
                    candidate.shape.stopped,
                    rank(candidate.host),
                    zones.get(&zone_of(ZoneByZone::AvailabilityZone, candidate.host)).copied(),
                    applications.get(&candidate.host.labels.application.as_ref()).copied(),
                    *index,
                )
            };
            let Some(best) = free.iter().copied().min_by_key(cost) else { break };
            free.retain(|index| *index != best);
            let host = candidates[best].host;
            *zones.entry(zone_of(ZoneByZone::AvailabilityZone, host)).or_default() += 1;
            *applications.entry(host.labels.application.as_ref()).or_default() += 1;
            chosen.push(best);
        }
    }
    chosen
}

/// What a host's zone is called.
pub(super) fn zone_of(slices: ZoneByZone, host: &Host) -> Text {
    match slices {
        ZoneByZone::Off => "".into(),
        ZoneByZone::LandingZone => host.zone.as_str().into(),
        ZoneByZone::Region => format!("{}/{}", host.zone, host.region).into(),
        ZoneByZone::AvailabilityZone => {
            let zone = host.instance.availability_zone.as_deref().unwrap_or("unknown");
            format!("{}/{zone}", host.zone).into()
        }
    }
}

/// What each wave goes through one after another: zones, or several of them at once.
struct Slices {
    /// By wave: what a zone is, and the slice of each zone that the wave has.
    of_waves: Vec<(ZoneByZone, BTreeMap<Text, Text>)>,
}

impl Slices {
    fn of(candidates: &[Candidate<'_>], waves: &[Wave], of: &[Option<usize>], roll_out: &RollOut) -> Self {
        let at_once = roll_out.zones_at_once.max(1) as usize;
        let of_wave = |(number, wave): (usize, &Wave)| {
            let zones = wave.asked.zone_by_zone.unwrap_or(roll_out.zone_by_zone);
            let members = candidates.iter().zip(of).filter(|(_, of)| **of == Some(number));
            let names: BTreeSet<Text> = members.map(|(it, _)| zone_of(zones, it.host)).collect();
            let names: Vec<Text> = names.into_iter().collect();
            let slices = names.chunks(at_once).flat_map(|slice| {
                let called = slice_name(slice);
                slice.iter().map(move |zone| (zone.clone(), called.clone()))
            });
            (zones, slices.collect())
        };
        Self { of_waves: waves.iter().enumerate().map(of_wave).collect() }
    }

    /// A host's slice of a wave. One that is in it only because of others' order may be of a zone of its own.
    fn name(&self, wave: usize, host: &Host) -> Text {
        let (zones, slices) = &self.of_waves[wave];
        let zone = zone_of(*zones, host);
        slices.get(&zone).cloned().unwrap_or(zone)
    }
}

/// What a slice is called, in the order of its zones: slices are ordered by their names as zones are.
fn slice_name(zones: &[Text]) -> Text {
    match zones {
        [first, .., last] => format!("{first} to {last}").into(),
        [zone] => zone.clone(),
        [] => Text::default(),
    }
}

/// The stage of each candidate that is in a wave: raised where it must not come before another's.
/// None where hosts wait for each other in a circle.
pub(super) fn stages(
    candidates: &[Candidate<'_>],
    sets: &[Set],
    waves: &[Wave],
    of: &[Option<usize>],
    roll_out: &RollOut,
) -> Option<Vec<Option<StageKey>>> {
    let slices = Slices::of(candidates, waves, of, roll_out);
    let key = |index: usize| {
        let wave = of[index]?;
        Some(StageKey { wave, round: 0, zone: slices.name(wave, candidates[index].host) })
    };
    let mut keys: Vec<Option<StageKey>> = (0..candidates.len()).map(key).collect();
    // A chain of sets, each with leaders, settles in twice as many passes, unless it is a circle.
    for _ in 0..=2 * sets.len() + 2 {
        let before = keys.clone();
        for set in sets {
            let prerequisites = sets.iter().filter(|other| set.after.contains(&other.base));
            let latest =
                prerequisites.flat_map(|other| &other.members).filter_map(|it| keys[*it].clone()).max();
            raise(&mut keys, set.members.iter().copied(), latest.as_ref(), &slices, candidates);
            let followers = set.followers().filter_map(|it| keys[it].clone()).max();
            raise(&mut keys, set.leaders.iter().copied(), followers.as_ref(), &slices, candidates);
        }
        if keys == before {
            return Some(keys);
        }
    }
    None
}

fn raise(
    keys: &mut [Option<StageKey>],
    members: impl Iterator<Item = usize>,
    latest: Option<&StageKey>,
    slices: &Slices,
    candidates: &[Candidate<'_>],
) {
    let Some(latest) = latest else { return };
    for index in members {
        let Some(key) = &mut keys[index] else { continue };
        if *key >= *latest {
            continue;
        }
        let zone = slices.name(latest.wave, candidates[index].host);
        let round = latest.round + usize::from(zone < latest.zone);
        *key = StageKey { wave: latest.wave, round, zone };
    }
}
