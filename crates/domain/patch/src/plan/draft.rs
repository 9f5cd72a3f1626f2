//! The kernel's plan in the making: from hosts in stages to stages, groups, order and gates.

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::{InstanceId, InstanceState, Phase, Text};

use super::gates::GateWork;
use super::groups::{self, Census, Identity};
use super::make::{Candidate, Limits, PlanRequest, Refused};
use super::ordering::{self, Set, waiver};
use super::policy::Operation;
use super::recipes::{Recipes, Variant};
use super::roll_out::{GroupKind, Issues, PlannedGroup, PlannedRollOut, PlannedSet, PlannedWave};
use super::waves::{StageKey, Wave};
use super::{LeftOut, PlannedHost, Reserve, Work, windows};
use crate::inventory::{Host, Inventory};

/// Dependencies a plan may hold: beyond, sets are so large that they should be waves.
const MOST_DEPENDENCIES: usize = 1_000_000;

/// What the draft ends as.
pub(super) struct Drafted {
    pub(super) flow: flow::Plan,
    pub(super) work: Vec<Work>,
    pub(super) roll_out: PlannedRollOut,
    pub(super) reserves: Vec<Reserve>,
}

/// The kernel's plan in the making.
pub(super) struct Draft<'a> {
    request: &'a PlanRequest,
    recipes: Recipes<'a>,
    census: &'a BTreeMap<Identity, Census>,
    places: Vec<flow::Place>,
    groups: Vec<flow::Group>,
    stages: Vec<flow::Stage>,
    targets: Vec<flow::Target>,
    work: Vec<Work>,
    roll_out: PlannedRollOut,
    by_identity: BTreeMap<Identity, flow::GroupId>,
    dependencies: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        request: &'a PlanRequest,
        recipes: Recipes<'a>,
        census: &'a BTreeMap<Identity, Census>,
    ) -> Self {
        Self {
            request,
            recipes,
            census,
            places: Vec::new(),
            groups: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
            work: Vec::new(),
            roll_out: PlannedRollOut {
                budgets: request.roll_out.budgets,
                calendars: request.roll_out.calendars.clone(),
                ..PlannedRollOut::default()
            },
            by_identity: BTreeMap::new(),
            dependencies: 0,
        }
    }

    /// Puts the hosts into their stages, with gates between them.
    pub(super) fn place<'h>(
        &mut self,
        candidates: Vec<Candidate<'h>>,
        sets: &[Set],
        waves: &[Wave],
        keys: Vec<Option<StageKey>>,
        table: &mut windows::Table<'h>,
    ) -> Result<(), Refused> {
        let mut stages: BTreeMap<StageKey, Vec<usize>> = BTreeMap::new();
        for (index, key) in keys.into_iter().enumerate() {
            if let Some(key) = key {
                stages.entry(key).or_default().push(index);
            }
        }
        let hosts = count(stages.values().map(Vec::len).sum());
        let run = self.request.limits.out_of_service.of(hosts);
        let first = self.request.roll_out.ramp.map(|ramp| ramp.min(run).max(1));
        self.add_group(GroupKind::Run, hosts, flow::Group { first, ..flow::Group::new("fleet", run) })?;
        self.plan_waves(waves, &stages)?;
        let mut candidates: Vec<Option<Candidate<'h>>> = candidates.into_iter().map(Some).collect();
        let mut targets: BTreeMap<usize, flow::TargetId> = BTreeMap::new();
        let last = stages.keys().next_back().cloned();
        let probed = probed(sets);
        for (key, members) in &stages {
            let start = count(self.targets.len());
            let wave = &waves[key.wave];
            for index in members {
                let candidate = candidates[*index].take().expect("a host is in one stage");
                targets.insert(*index, flow::TargetId(count(self.targets.len())));
                let probed = probed.get(index).copied();
                self.add_host(candidate, key.wave, (wave, probed), table)?;
            }
            let is_last = last.as_ref() == Some(key);
            let stage = self.stage(key, wave, start, is_last);
            self.refuse_empty_groups(&stage)?;
            self.stages.push(stage);
            let id = flow::StageId(small(self.stages.len() - 1));
            self.roll_out.waves[key.wave].stages.push(id);
            self.sum_up_wave(key.wave, id);
            if !is_last && self.changes() {
                self.add_gate(key, id)?;
            }
        }
        self.add_sets(sets, &targets)
    }

    fn changes(&self) -> bool {
        self.request.phases.contains(&Phase::Patch)
    }

    /// The waves as the plan names them, each with its own budget where it has one.
    fn plan_waves(&mut self, waves: &[Wave], stages: &BTreeMap<StageKey, Vec<usize>>) -> Result<(), Refused> {
        let asked = &self.request.roll_out;
        for (index, wave) in waves.iter().enumerate() {
            let hosts = stages.iter().filter(|(key, _)| key.wave == index).map(|(_, it)| it.len()).sum();
            if let Some(most) = wave.asked.max_concurrent {
                let group = flow::Group::new(format!("wave {}", wave.name), most.of(count(hosts)));
                let id = self.add_group(GroupKind::Wave, count(hosts), group)?;
                self.by_identity.insert((GroupKind::Wave, wave.name.clone()), id);
            }
            self.roll_out.waves.push(PlannedWave {
                name: wave.name.clone(),
                stages: Vec::new(),
                canary: wave.canary,
                zone_by_zone: wave.asked.zone_by_zone.unwrap_or(asked.zone_by_zone),
                zones_at_once: asked.zones_at_once.max(1),
                bake_seconds: wave.asked.bake_seconds.unwrap_or(asked.bake_seconds),
                min_verified: 0,
                max_failures: 0,
            });
        }
        Ok(())
    }

    fn add_host(
        &mut self,
        candidate: Candidate<'_>,
        index: usize,
        (wave, probe_seconds): (&Wave, Option<u32>),
        table: &mut windows::Table<'_>,
    ) -> Result<(), Refused> {
        let Candidate { host, mut planned, shape, window, waiver, .. } = candidate;
        let policy = &self.request.policy;
        planned.operation = wave.asked.operation.filter(|it| *it != policy.patch.operation);
        planned.reboot = wave.asked.reboot.filter(|it| *it != policy.reboot.strategy);
        let variant = Variant {
            windowed: window.is_some() || waiver.is_some(),
            operation: planned.operation,
            reboot: planned.reboot,
            probe_seconds,
        };
        let recipe = self.recipes.of(shape, variant).expect("the host was chosen with such a recipe");
        let place = self.place_id(flow::Place {
            zone: host.zone.clone(),
            account: host.account.clone(),
            region: host.region.clone(),
        });
        let mut groups = vec![flow::GroupId(0)];
        let name = self.roll_out.waves[index].name.clone();
        groups.extend(self.by_identity.get(&(GroupKind::Wave, name)));
        for identity in groups::of_host(host) {
            groups.extend(self.budget(identity)?);
        }
        self.targets.push(flow::Target {
            groups,
            window: match waiver {
                Some(waiver) => Some(table.id_waived(window, &waiver)),
                None => window.map(|name| table.id(name)),
            },
            ..flow::Target::new(planned.id.as_str(), place, recipe)
        });
        self.work.push(Work::Host(Box::new(planned)));
        Ok(())
    }

    /// The budget of a group by what it is, where there is one.
    fn budget(&mut self, identity: Identity) -> Result<Option<flow::GroupId>, Refused> {
        let Some(budget) = self.request.roll_out.budgets.of(identity.0) else { return Ok(None) };
        if let Some(known) = self.by_identity.get(&identity) {
            return Ok(Some(*known));
        }
        let census = self.census.get(&identity).copied().unwrap_or_default();
        let name: Text = format!("{} {}", identity.0.as_str(), identity.1).into();
        let group =
            flow::Group { shared: Some(name.clone()), ..flow::Group::new(name, census.room(budget).max(1)) };
        let id = self.add_group(identity.0, census.members, group)?;
        self.roll_out.groups[id.index()].down = census.down;
        self.by_identity.insert(identity, id);
        Ok(Some(id))
    }

    fn add_group(
        &mut self,
        kind: GroupKind,
        members: u32,
        group: flow::Group,
    ) -> Result<flow::GroupId, Refused> {
        const MOST: usize = u16::MAX as usize;
        if self.groups.len() >= MOST {
            return Err(Refused::TooLarge { what: "budgets", count: self.groups.len() + 1, most: MOST });
        }
        self.groups.push(group);
        self.roll_out.groups.push(PlannedGroup { kind, members, down: 0 });
        Ok(flow::GroupId(small(self.groups.len() - 1)))
    }

    fn place_id(&mut self, place: flow::Place) -> flow::PlaceId {
        let found = self.places.iter().position(|known| *known == place);
        let index = found.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        flow::PlaceId(small(index))
    }

    fn stage(&self, key: &StageKey, wave: &Wave, start: u32, is_last: bool) -> flow::Stage {
        let (request, limits) = (&self.request.roll_out, &self.request.limits);
        let targets = start..count(self.targets.len());
        let hosts = targets.end - targets.start;
        let max_failures = match wave.asked.max_failures {
            Some(tolerance) => tolerance.of(hosts),
            // A canary is there to tell: the first failure is told by all of them.
            None if wave.canary => 0,
            None => max_failures(hosts, limits),
        };
        let asked = wave.asked.min_verified.map(|sample| sample.of(hosts).min(hosts));
        let min_verified = match asked {
            _ if !self.changes() => 0,
            Some(sample) => sample,
            None if request.issues == Issues::Any || wave.canary => hosts,
            None if is_last => 0,
            None => 1,
        };
        let approves = self.changes() && wave.asked.approval.unwrap_or(limits.approval);
        flow::Stage {
            gate: if approves { flow::Gate::Approval } else { flow::Gate::Open },
            max_failures: Some(max_failures),
            min_verified,
            approval: request.approval.clone().filter(|_| approves),
            ..flow::Stage::new(stage_name(key, wave), targets)
        }
    }

    fn sum_up_wave(&mut self, wave: usize, stage: flow::StageId) {
        let stage = &self.stages[stage.index()];
        let wave = &mut self.roll_out.waves[wave];
        wave.max_failures += stage.max_failures.unwrap_or(0);
        wave.min_verified += stage.min_verified;
    }

    /// A stage that could take every member in service of a group out of service at once is refused.
    fn refuse_empty_groups(&self, stage: &flow::Stage) -> Result<(), Refused> {
        if !self.changes() {
            return Ok(());
        }
        let mut taken: BTreeMap<Identity, (u32, u32)> = BTreeMap::new();
        for index in stage.targets.clone() {
            let Work::Host(host) = &self.work[index as usize] else { continue };
            let target = &self.targets[index as usize];
            let narrowest = target.groups.iter().map(|id| self.groups[id.index()].capacity).min();
            for identity in self.serving(host, target) {
                let (members, limit) = taken.entry(identity).or_insert((0, 0));
                *members += 1;
                *limit = (*limit).max(narrowest.unwrap_or(u32::MAX));
            }
        }
        for (identity, (members, limit)) in taken {
            let available = self.census.get(&identity).copied().unwrap_or_default().available();
            let together = members.min(limit);
            let name = &identity.1;
            let full = format!("{} {name}", identity.0.as_str());
            let waived = waiver(&self.request.roll_out, &[name, &full], self.request.now).is_some();
            if available >= 2 && together >= available && !waived {
                return Err(Refused::Empties {
                    kind: identity.0,
                    name: name.clone(),
                    stage: stage.name.clone(),
                    members: available,
                });
            }
        }
        Ok(())
    }

    /// The groups that somebody is served by, of a host that serves: it runs.
    fn serving(&self, host: &PlannedHost, target: &flow::Target) -> Vec<Identity> {
        let place = &self.places[target.place.index()];
        if host.state != InstanceState::Running {
            return Vec::new();
        }
        let application = host.application.iter().map(|name| match &host.environment {
            Some(environment) => (GroupKind::Application, format!("{name} ({environment})").into()),
            None => (GroupKind::Application, name.clone()),
        });
        let scaling = host.auto_scaling_group.iter().map(|name| {
            (GroupKind::AutoScalingGroup, format!("{}/{}/{name}", place.account, place.region).into())
        });
        let targets = host.target_groups.iter().map(|name| (GroupKind::TargetGroup, name.clone()));
        application.chain(scaling).chain(targets).collect()
    }

    /// One target for each place of the stage.
    fn add_gate(&mut self, key: &StageKey, judged: flow::StageId) -> Result<(), Refused> {
        let checks = &self.request.roll_out.gate;
        let wave = &self.roll_out.waves[key.wave];
        let (bake_seconds, name) = (wave.bake_seconds, self.stages[judged.index()].name.clone());
        let mut places: BTreeMap<flow::PlaceId, Vec<Text>> = BTreeMap::new();
        let mut installs = false;
        for index in self.stages[judged.index()].targets.clone() {
            let Work::Host(host) = &self.work[index as usize] else { continue };
            installs |= host.operation.unwrap_or(self.request.policy.patch.operation) == Operation::Install;
            let listed = places.entry(self.targets[index as usize].place).or_default();
            let wanted = host.target_groups.iter().filter(|_| checks.target_groups);
            listed.extend(wanted.cloned());
        }
        let first = judged.index() == 0 && installs;
        let bucket = checks.patch_list_bucket.clone().filter(|_| first);
        let recipe = self.recipes.gate(bake_seconds, bucket.is_some());
        let start = count(self.targets.len());
        for (place, mut target_groups) in places {
            target_groups.sort_unstable();
            target_groups.dedup();
            self.targets.push(flow::Target::new(format!("gate of {name}"), place, recipe));
            self.work.push(Work::Gate(GateWork {
                wave: small(key.wave),
                stage: judged,
                bake_seconds,
                alarms: checks.alarms.clone(),
                target_groups,
                compliance: checks.compliance,
                differences: checks.differences,
                patch_list_bucket: bucket.clone(),
            }));
        }
        let targets = start..count(self.targets.len());
        let max_failures = (self.request.roll_out.issues != Issues::Ignore).then_some(0);
        self.stages
            .push(flow::Stage { max_failures, ..flow::Stage::new(format!("gate of {name}"), targets) });
        Ok(())
    }

    /// Sets: a budget of their own, leaders after the others, later sets after earlier ones.
    fn add_sets(&mut self, sets: &[Set], targets: &BTreeMap<usize, flow::TargetId>) -> Result<(), Refused> {
        let ids = |members: &[usize]| -> Vec<flow::TargetId> {
            members.iter().filter_map(|member| targets.get(member).copied()).collect()
        };
        for set in sets {
            let (members, leaders) = (ids(&set.members), ids(&set.leaders));
            let group = match set.capacity() {
                None => None,
                Some(capacity) => {
                    let name: Text = format!("set {}", set.name).into();
                    let group =
                        flow::Group { shared: Some(name.clone()), ..flow::Group::new(name, capacity.max(1)) };
                    let id = self.add_group(GroupKind::Set, set.size, group)?;
                    self.roll_out.groups[id.index()].down = set.down;
                    Some(id)
                }
            };
            for member in &members {
                self.targets[member.index()].groups.extend(group);
            }
            let followers: Vec<flow::TargetId> =
                members.iter().copied().filter(|member| !leaders.contains(member)).collect();
            for (index, leader) in leaders.iter().enumerate() {
                self.wait(*leader, followers.iter().chain(&leaders[..index]))?;
            }
            let before = sets.iter().filter(|other| set.after.contains(&other.base));
            let before: Vec<flow::TargetId> = before.flat_map(|other| ids(&other.members)).collect();
            for member in &members {
                self.wait(*member, before.iter())?;
            }
            self.roll_out.sets.push(PlannedSet {
                name: set.name.clone(),
                mode: set.mode,
                size: set.size,
                members,
                leaders,
                after: set.after.clone(),
                probe: set.probe.clone(),
                group,
                waiver: set.waiver.clone(),
            });
        }
        self.roll_out.waivers.clone_from(&self.request.roll_out.waivers);
        Ok(())
    }

    /// Notes the budgets of hosts that are not worked on and count against them.
    pub(super) fn count_left_out(&self, inventory: &Inventory, left_out: &mut [LeftOut]) {
        let hosts: BTreeMap<&InstanceId, &Host> =
            inventory.hosts.iter().map(|host| (&host.instance.id, host)).collect();
        for left in left_out {
            let Some(host) = hosts.get(&left.id) else { continue };
            // A census counts who runs; a set, everybody who is in it.
            let runs = host.instance.state == InstanceState::Running;
            let counted = groups::of_host(host).filter(|_| runs);
            let mut ids: Vec<flow::GroupId> =
                counted.filter_map(|identity| self.by_identity.get(&identity)).copied().collect();
            let sets = ordering::sets_of(host, &self.request.roll_out);
            let group = |name: &Text| self.roll_out.sets.iter().find(|set| set.name == *name)?.group;
            ids.extend(sets.iter().filter_map(group));
            ids.sort_unstable();
            ids.dedup();
            left.groups = ids;
        }
    }

    fn wait<'t>(
        &mut self,
        target: flow::TargetId,
        before: impl Iterator<Item = &'t flow::TargetId>,
    ) -> Result<(), Refused> {
        let after = &mut self.targets[target.index()].after;
        let known = after.len();
        after.extend(before.filter(|before| **before != target));
        after.sort_unstable();
        after.dedup();
        self.dependencies += after.len() - known;
        if self.dependencies > MOST_DEPENDENCIES {
            let count = self.dependencies;
            return Err(Refused::TooLarge {
                what: "dependencies between hosts",
                count,
                most: MOST_DEPENDENCIES,
            });
        }
        Ok(())
    }

    pub(super) fn finish(mut self, windows: Vec<flow::Window>) -> Result<Drafted, Refused> {
        if self.stages.is_empty() {
            // A plan without hosts has a stage all the same.
            let limits = &self.request.limits;
            let approves = limits.approval && self.changes();
            let gate = if approves { flow::Gate::Approval } else { flow::Gate::Open };
            self.stages.push(flow::Stage { gate, max_failures: Some(0), ..flow::Stage::new("fleet", 0..0) });
        }
        if let Some(recipe) = self.recipes.clean_up().filter(|_| !self.targets.is_empty()) {
            self.add_clean_up(recipe);
        }
        let (recipes, reserves) = self.recipes.into_list();
        let flow = flow::Plan {
            format: flow::Plan::FORMAT,
            seed: self.request.seed,
            created_at: self.request.now,
            places: self.places,
            groups: self.groups,
            windows,
            recipes,
            stages: self.stages,
            targets: self.targets,
        };
        flow.check().map_err(|error| Refused::Order { what: error.to_string() })?;
        Ok(Drafted { flow, work: self.work, roll_out: self.roll_out, reserves })
    }

    fn add_clean_up(&mut self, recipe: flow::RecipeId) {
        let start = count(self.targets.len());
        for (index, place) in self.places.iter().enumerate() {
            let subject = format!("{}/{}", place.account, place.region);
            self.targets.push(flow::Target::new(subject, flow::PlaceId(small(index)), recipe));
            self.work.push(Work::Region);
        }
        self.stages.push(flow::Stage::new("clean-up", start..count(self.targets.len())));
    }
}

/// The candidates that are probed before the next of their set, with the longest time that may take.
fn probed(sets: &[Set]) -> BTreeMap<usize, u32> {
    let mut probed: BTreeMap<usize, u32> = BTreeMap::new();
    for set in sets {
        let Some(probe) = &set.probe else { continue };
        for member in &set.members {
            let seconds = probed.entry(*member).or_default();
            *seconds = (*seconds).max(probe.seconds);
        }
    }
    probed
}

/// "canary", "rest: payments/eu-central-1a", and where a zone comes again "… (2)".
fn stage_name(key: &StageKey, wave: &Wave) -> Text {
    let zone = if key.zone.is_empty() { String::new() } else { format!(": {}", key.zone) };
    let round = if key.round == 0 { String::new() } else { format!(" ({})", key.round + 1) };
    format!("{}{zone}{round}", wave.name).into()
}

/// Failures that may happen without stopping: a percentage of the hosts, rounded down, or fewer.
fn max_failures(hosts: u32, limits: &Limits) -> u32 {
    if !limits.continue_on_error {
        return 0;
    }
    // Percentages are 0 to 100, so the product fits.
    let share = (f64::from(hosts) * limits.failure_percent / 100.0).floor() as u32;
    limits.max_failures.map_or(share, |most| most.min(share))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than four billion")
}

fn small(index: usize) -> u16 {
    u16::try_from(index).expect("fewer than 65,536 places, stages and groups")
}
