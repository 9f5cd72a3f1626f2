//! Order in a plan: sets of hosts that depend on each other, who goes last, who cannot be spared.

use std::collections::BTreeMap;

use fleetwright_model::{Code, InstanceState, Text, code};
use jiff::Timestamp;

use super::make::Candidate;
use super::roll_out::{OrderMode, OrderRequest, Probe, RollOut, Waiver};
use crate::inventory::{Host, Inventory};
use crate::pattern::Patterns;

/// A set of the plan in the making; members are places in the list of candidates.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: Text,
    /// The name it was asked for by; sets cut by a tag share it.
    pub(super) base: Text,
    pub(super) mode: OrderMode,
    pub(super) size: u32,
    pub(super) down: u32,
    pub(super) members: Vec<usize>,
    pub(super) leaders: Vec<usize>,
    pub(super) after: Vec<Text>,
    pub(super) probe: Option<Probe>,
    pub(super) waiver: Option<Waiver>,
}

impl Set {
    /// Members that may be out of service at once; none where the set has no budget, 0 where nobody
    /// may be.
    pub(super) fn capacity(&self) -> Option<u32> {
        let spare = self.mode.capacity(self.size)?.saturating_sub(self.down);
        Some(if spare == 0 && self.waiver.is_some() { 1 } else { spare })
    }

    /// The waiver that lets its members be touched though nobody can take over.
    pub(super) fn stands_on(&self) -> Option<&Waiver> {
        let spare = self.mode.capacity(self.size)?.saturating_sub(self.down);
        self.waiver.as_ref().filter(|_| spare == 0)
    }

    /// The members that do not go last.
    pub(super) fn followers(&self) -> impl Iterator<Item = usize> {
        self.members.iter().copied().filter(|member| !self.leaders.contains(member))
    }
}

/// What a host belongs to by its tag or by a request.
struct Membership<'a> {
    base: &'a str,
    per: Vec<&'a str>,
    mode: OrderMode,
    leader: bool,
    request: Option<&'a OrderRequest>,
}

/// A set as the whole inventory shows it.
struct Seen<'a> {
    mode: OrderMode,
    request: Option<&'a OrderRequest>,
    size: u32,
    down: u32,
}

/// The sets of the candidates, in the order of their names, with places in the list as it is.
/// Candidates that nobody can spare are named with the reason.
pub(super) fn resolve(
    inventory: &Inventory,
    candidates: &[Candidate<'_>],
    roll_out: &RollOut,
    now: Timestamp,
) -> (Vec<Set>, BTreeMap<usize, &'static Code>) {
    let mut out = BTreeMap::new();
    let mut seen: BTreeMap<(&str, Vec<&str>), Seen<'_>> = BTreeMap::new();
    for host in &inventory.hosts {
        for member in memberships(host, roll_out).unwrap_or_default() {
            let set = seen.entry((member.base, member.per)).or_insert(Seen {
                mode: member.mode,
                request: member.request,
                size: 0,
                down: 0,
            });
            // Tags of members may disagree: the strictest holds for all.
            set.mode = strictest(set.mode, member.mode);
            set.size += 1;
            set.down += u32::from(!in_service(host));
        }
    }
    let mut sets: BTreeMap<(&str, Vec<&str>), Set> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let Ok(memberships) = memberships(candidate.host, roll_out) else {
            out.insert(index, &code::ORDER_UNUSABLE);
            continue;
        };
        for member in memberships {
            let key = (member.base, member.per);
            let Some(of_all) = seen.get(&key) else { continue };
            let set = sets.entry(key.clone()).or_insert_with(|| begin(&key, of_all, roll_out, now));
            set.members.push(index);
            if member.leader {
                set.leaders.push(index);
            }
        }
    }
    let mut kept: Vec<Set> = Vec::new();
    for set in sets.into_values() {
        match set.capacity() {
            Some(0) => out.extend(set.members.iter().map(|member| (*member, &code::NOBODY_TAKES_OVER))),
            _ => kept.push(set),
        }
    }
    (kept, out)
}

/// The names of the sets a host is in.
pub(super) fn sets_of(host: &Host, roll_out: &RollOut) -> Vec<Text> {
    let all = memberships(host, roll_out).unwrap_or_default();
    all.into_iter().map(|member| name_of(member.base, &member.per)).collect()
}

/// What people call a set that a tag may have cut out of a larger one.
fn name_of(base: &str, per: &[&str]) -> Text {
    [base].into_iter().chain(per.iter().copied()).collect::<Vec<_>>().join("/").into()
}

fn begin(key: &(&str, Vec<&str>), seen: &Seen<'_>, roll_out: &RollOut, now: Timestamp) -> Set {
    let (base, per) = key;
    let name = name_of(base, per);
    let waiver = waiver(roll_out, &[&name, base], now).cloned();
    Set {
        name,
        base: (*base).into(),
        mode: seen.mode,
        size: seen.size,
        down: seen.down,
        members: Vec::new(),
        leaders: Vec::new(),
        after: seen.request.map(|request| request.after.clone()).unwrap_or_default(),
        probe: seen.request.and_then(|request| request.probe.clone()),
        waiver,
    }
}

/// The waiver for a group of one of these names that still holds.
pub(super) fn waiver<'a>(roll_out: &'a RollOut, names: &[&str], now: Timestamp) -> Option<&'a Waiver> {
    roll_out.waivers.iter().find(|it| names.contains(&&*it.group) && it.until > now)
}

/// A host that runs and whose status checks have not failed.
pub(super) fn in_service(host: &Host) -> bool {
    use fleetwright_model::HealthCheck::Impaired;
    let impaired =
        host.health.known().is_some_and(|health| [health.system, health.instance].contains(&Impaired));
    host.instance.state == InstanceState::Running && !impaired
}

fn strictest(one: OrderMode, other: OrderMode) -> OrderMode {
    let rank = |mode| match mode {
        OrderMode::Together => 0,
        OrderMode::Quorum => 1,
        OrderMode::OneAtATime => 2,
        OrderMode::Singleton => 3,
    };
    if rank(one) >= rank(other) { one } else { other }
}

/// The sets of a host.
///
/// # Errors
/// Its tag cannot be understood.
fn memberships<'a>(host: &'a Host, roll_out: &'a RollOut) -> Result<Vec<Membership<'a>>, ()> {
    let mut all: Vec<Membership<'a>> = Vec::new();
    let tag = host.labels.order_group.as_deref().map(str::trim);
    let mut add = |member: Membership<'a>| {
        if !all.iter().any(|known| known.base == member.base) {
            all.push(member);
        }
    };
    for request in &roll_out.ordering {
        if request.select.takes(host) || tag == Some(&*request.name) {
            add(asked(host, request));
        }
    }
    if let Some(tag) = tag.filter(|tag| !roll_out.ordering.iter().any(|request| *request.name == **tag)) {
        let (mode, name) = tag.split_once(':').ok_or(())?;
        let mode = match mode.trim() {
            "together" => OrderMode::Together,
            "one-at-a-time" => OrderMode::OneAtATime,
            "quorum" => OrderMode::Quorum,
            "singleton" => OrderMode::Singleton,
            _ => return Err(()),
        };
        let base = Some(name.trim()).filter(|name| !name.is_empty()).ok_or(())?;
        add(Membership { base, per: Vec::new(), mode, leader: leads(host), request: None });
    }
    Ok(all)
}

fn asked<'a>(host: &'a Host, request: &'a OrderRequest) -> Membership<'a> {
    let matches = |(key, values): &(String, Patterns)| {
        host.instance.tags.get(key.as_str()).is_some_and(|value| values.matches(value))
    };
    let leader = match request.leaders.as_slice() {
        [] => leads(host),
        leaders => leaders.iter().all(matches),
    };
    let value = |key: &String| host.instance.tags.get(key.as_str()).map_or("", |value| &**value);
    Membership {
        base: &request.name,
        per: request.per.iter().map(value).collect(),
        mode: request.mode,
        leader,
        request: Some(request),
    }
}

/// Whether the tag of its role says that it goes last.
fn leads(host: &Host) -> bool {
    let role = host.labels.order_role.as_deref().map(str::trim).unwrap_or_default();
    ["primary", "leader", "master", "writer"].iter().any(|word| role.eq_ignore_ascii_case(word))
}
