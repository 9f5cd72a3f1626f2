//! What the effects must not show of how a run goes through a fleet. What hosts belong to is read from
//! their tags and what was asked for, not from the budgets, edges and windows the planner made of it.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::{Direction, End, Event, Record, TargetId};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::roll_out::{PlannedWave, ZoneByZone};
use fleetwright_patch::plan::{Amount, RollOut, Windows, Work};
use fleetwright_testkit::{Effect, sample};
use jiff::Timestamp;

use crate::plans::Shape;
use crate::world::PatchWorld;

/// What a person asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The fleet, from host 1 on.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) roll_out: RollOut,
    pub(crate) windows: Windows,
}

/// What became of a host.
#[derive(Debug)]
struct Worked {
    target: TargetId,
    number: u64,
    shape: Shape,
    /// The first thing that was done to it, images left out; and the first that cannot be left half done.
    changed: Option<Timestamp>,
    committed: Option<Timestamp>,
    /// Since when it serves nobody, though it did.
    down: Option<Timestamp>,
    /// Since when it is known to be well again.
    proven: Option<Timestamp>,
    /// The last record of it, once it has come to its end.
    rested: Option<Timestamp>,
    done: bool,
}

impl Worked {
    fn is_down(&self, at: Timestamp) -> bool {
        self.down.is_some_and(|down| down <= at) && self.proven.is_none_or(|proven| at < proven)
    }

    fn is_unverified(&self, at: Timestamp) -> bool {
        self.changed.is_some_and(|changed| changed <= at) && self.proven.is_none_or(|proven| at < proven)
    }
}

/// Everything that is wrong with how the fleet was gone through.
pub(crate) fn judge(world: &PatchWorld, asked: &Asked) -> Vec<String> {
    let effects: Vec<Effect> = world.hosts.effects().into_iter().skip(world.before).collect();
    let records = world.witness.records();
    let worked: Vec<Worked> = (0u32..)
        .map(TargetId)
        .zip(&world.plan.work)
        .filter_map(|(target, work)| {
            let host = match work {
                Work::Host(host) => host,
                Work::Region | Work::Gate(_) => return None,
            };
            let number = (1..).zip(&asked.shapes).find(|(number, _)| sample::id(*number) == host.id);
            let (number, shape) = number.expect("a host of the fleet");
            Some(follow(world, &effects, &records, target, number, *shape))
        })
        .collect();
    let course = Course { world, asked, worked, records };
    let mut wrong = course.too_many_down();
    wrong.extend(course.zones_at_once());
    wrong.extend(course.sets_out_of_order());
    wrong.extend(course.without_waiver());
    wrong.extend(course.outside_windows());
    wrong.extend(course.ahead_of_gates());
    wrong
}

fn purpose(effect: &Effect) -> Option<&str> {
    (effect.action == "ssm:SendCommand").then(|| effect.mark.split(' ').nth(2)).flatten()
}

/// Taking it out of service, the installation: what is begun with them is taken to its end.
fn commits(effect: &Effect) -> bool {
    let drains = ["elasticloadbalancing:DeregisterTargets", "autoscaling:EnterStandby"];
    drains.contains(&effect.action) || purpose(effect) == Some(step::PATCH)
}

fn disrupts(effect: &Effect) -> bool {
    let stops = ["ec2:RebootInstances", "ec2:StopInstances", "ec2:CreateReplaceRootVolumeTask"];
    let drains = commits(effect) && purpose(effect).is_none();
    drains || stops.contains(&effect.action) || purpose(effect) == Some(step::REBOOT)
}

fn follow(
    world: &PatchWorld,
    effects: &[Effect],
    records: &[Record],
    target: TargetId,
    number: u64,
    shape: Shape,
) -> Worked {
    let id = sample::id(number);
    let first = |wanted: &dyn Fn(&Effect) -> bool| {
        effects.iter().find(|it| it.hosts.contains(&id) && wanted(it)).map(|it| it.at)
    };
    let recipe = world.plan.flow.recipe_of(target);
    let name = |step: fleetwright_flow::StepIndex, direction| match direction {
        Direction::Do => &*recipe.steps[step.index()].name,
        Direction::Undo => &*recipe.undo[step.index()].name,
    };
    let drained = recipe.steps.iter().any(|it| &*it.name == step::DRAIN);
    let proofs = if drained { &[step::RETURN][..] } else { &[step::VALIDATE, step::VALIDATE_RESTORED] };
    let (mut proven, mut last) = (None, None);
    for record in records {
        match &record.event {
            Event::Succeeded { target: of, step, direction, .. }
            | Event::Skipped { target: of, step, direction, .. }
                if *of == target =>
            {
                last = Some(record.at);
                if proofs.contains(&name(*step, *direction)) {
                    proven = Some(record.at);
                }
            }
            Event::Failed { target: of, .. } | Event::Started { target: of, .. } if *of == target => {
                last = Some(record.at);
            }
            _ => {}
        }
    }
    let end = world.witness.end(target);
    // Who is left where it was and serves again is well; who failed is not, wherever it stands.
    let served = drained && matches!(end, Some(End::Skipped { .. }));
    let well = served || matches!(end, Some(End::Done { .. } | End::Unwound { .. }));
    Worked {
        target,
        number,
        shape,
        changed: first(&|it| it.action == "ec2:StartInstances" || commits(it) || disrupts(it)),
        committed: first(&commits),
        // Who stood still served nobody.
        down: first(&disrupts).filter(|_| !shape.stopped),
        proven: proven.filter(|_| well),
        rested: last.filter(|_| end.is_some()),
        done: matches!(end, Some(End::Done { .. })),
    }
}

struct Course<'a> {
    world: &'a PatchWorld,
    asked: &'a Asked,
    worked: Vec<Worked>,
    records: Vec<Record>,
}

/// The mode of a set by its tag, and how many of so many may be down.
fn spare(tag: &str, members: usize) -> Option<usize> {
    match tag.split_once(':')?.0 {
        "quorum" => Some(members.saturating_sub(1) / 2),
        "one-at-a-time" => Some(1),
        "singleton" => Some(0),
        _ => None,
    }
}

impl Course<'_> {
    fn of_set<'s>(&'s self, tag: &'static str) -> impl Iterator<Item = &'s Shape> {
        self.asked.shapes.iter().filter(move |shape| shape.set == Some(tag))
    }

    fn sets(&self) -> BTreeSet<&'static str> {
        self.asked.shapes.iter().filter_map(|shape| shape.set).collect()
    }

    /// Members that may be taken out beside those that serve nobody anyway.
    fn spare_of(&self, tag: &'static str) -> Option<usize> {
        let still = self.of_set(tag).filter(|shape| shape.stopped).count();
        Some(spare(tag, self.of_set(tag).count())?.saturating_sub(still))
    }

    /// I1: never more members of an application, an availability zone or an Auto Scaling group down than
    /// was asked for.
    fn too_many_down(&self) -> Vec<String> {
        let budgets = &self.asked.roll_out.budgets;
        let of = |shape: &Shape| {
            let application = shape.application.map(|name| format!("application {name}"));
            let scaling = shape.served.then(|| "Auto Scaling group".to_owned());
            [
                (budgets.application, application),
                (budgets.availability_zone, Some(shape.availability_zone())),
                (budgets.auto_scaling_group, scaling),
            ]
        };
        let mut groups: BTreeMap<String, (usize, Amount)> = BTreeMap::new();
        for shape in self.asked.shapes.iter().filter(|shape| !shape.stopped) {
            for (budget, name) in of(shape) {
                if let (Some(budget), Some(name)) = (budget, name) {
                    groups.entry(name).or_insert((0, budget)).0 += 1;
                }
            }
        }
        let mut wrong = Vec::new();
        for (name, (members, budget)) in &groups {
            let most = match budget {
                Amount::Count(count) => *count as usize,
                Amount::Percent(percent) => members * *percent as usize / 100,
            };
            let belongs = |it: &&Worked| of(&it.shape).iter().any(|(_, of)| of.as_ref() == Some(name));
            wrong.extend(self.more_than(most.max(1), belongs).map(|(down, at)| {
                format!("{down} of {members} of {name} are down at {at}, {} may be (I1)", most.max(1))
            }));
        }
        wrong
    }

    /// The first moment at which more of those hosts were down.
    fn more_than(&self, most: usize, of: impl Fn(&&Worked) -> bool) -> Option<(usize, Timestamp)> {
        let moments = self.worked.iter().filter(&of).filter_map(|it| it.down);
        let count = |at: Timestamp| self.worked.iter().filter(&of).filter(|it| it.is_down(at)).count();
        moments.map(|at| (count(at), at)).find(|(down, _)| *down > most)
    }

    fn of_wave<'w>(&'w self, wave: &'w PlannedWave) -> impl Iterator<Item = &'w Worked> {
        let stages = wave.stages.iter().map(|stage| &self.world.plan.flow.stages[stage.index()].targets);
        let within = stages.cloned().collect::<Vec<_>>();
        self.worked.iter().filter(move |it| within.iter().any(|stage| stage.contains(&it.target.0)))
    }

    /// I2: never more zones changed at once within a wave than may be.
    fn zones_at_once(&self) -> Vec<String> {
        let zone = |shape: &Shape| match self.asked.roll_out.zone_by_zone {
            ZoneByZone::Off | ZoneByZone::LandingZone => String::new(),
            ZoneByZone::Region => shape.region.to_string(),
            ZoneByZone::AvailabilityZone => shape.availability_zone(),
        };
        let most = self.asked.roll_out.zones_at_once.max(1) as usize;
        let mut wrong = Vec::new();
        for wave in &self.world.plan.roll_out.waves {
            for one in self.of_wave(wave) {
                let Some(begun) = one.changed else { continue };
                let beside: BTreeMap<String, u64> = self
                    .of_wave(wave)
                    .filter(|other| {
                        zone(&other.shape) != zone(&one.shape)
                            && other.changed.is_some_and(|changed| changed <= begun)
                            && other.rested.is_none_or(|rested| begun < rested)
                    })
                    .map(|other| (zone(&other.shape), other.number))
                    .collect();
                if let Some(other) = beside.into_values().nth(most - 1) {
                    let one = one.number;
                    wrong.push(format!("host {one} is changed while host {other} of another zone is (I2)"));
                }
            }
        }
        wrong
    }

    /// I3: a set keeps its majority, and who leads it goes when nobody else of it is unverified.
    fn sets_out_of_order(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for tag in self.sets() {
            let of_set = |it: &&Worked| it.shape.set == Some(tag);
            if let Some(spare) = self.spare_of(tag) {
                let down = self.more_than(spare.max(1), of_set);
                wrong.extend(down.map(|(down, at)| {
                    let size = self.of_set(tag).count();
                    format!("{down} of {size} of {tag} are down at {at}, {} may be (I3)", spare.max(1))
                }));
            }
            for leader in self.worked.iter().filter(of_set).filter(|it| it.shape.leads) {
                let Some(at) = leader.changed else { continue };
                let mut others = self.worked.iter().filter(of_set).filter(|it| it.number != leader.number);
                if let Some(other) = others.find(|it| it.is_unverified(at)) {
                    let (leader, other) = (leader.number, other.number);
                    wrong.push(format!("{leader} leads {tag} and goes before {other} is verified (I3)"));
                }
            }
        }
        wrong
    }

    /// I4: nobody whom nobody can stand in for is touched without a waiver that still holds.
    fn without_waiver(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for tag in self.sets().into_iter().filter(|tag| self.spare_of(tag) == Some(0)) {
            let name = tag.split_once(':').map_or(tag, |(_, name)| name);
            for host in self.worked.iter().filter(|it| it.shape.set == Some(tag)) {
                let Some(at) = host.changed else { continue };
                let waived =
                    |it: &&fleetwright_patch::plan::roll_out::Waiver| *it.group == *name && at < it.until;
                if !self.asked.roll_out.waivers.iter().any(|it| waived(&it)) {
                    wrong.push(format!(
                        "host {} of {tag} is changed at {at} without a waiver (I4)",
                        host.number
                    ));
                }
            }
        }
        wrong
    }

    /// I11: nobody is begun with outside the window, or with less of it left than the worst takes.
    fn outside_windows(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for host in &self.worked {
            let Some(window) = host.shape.window else { continue };
            let reserve = i64::from(self.world.plan.flow.recipe_of(host.target).reserve_seconds);
            let spans = &self.asked.windows.spans[window];
            for at in host.changed.into_iter().chain(host.committed) {
                let inside = spans
                    .iter()
                    .any(|span| span.from <= at && span.until.as_second() - at.as_second() >= reserve.max(1));
                if !inside {
                    wrong.push(format!("host {} is begun with at {at}, outside {window} (I11)", host.number));
                }
            }
        }
        wrong
    }

    /// I12: a wave begins when the one before rests, has proven enough, lost no more than it may, and
    /// has baked.
    fn ahead_of_gates(&self) -> Vec<String> {
        let waves = &self.world.plan.roll_out.waves;
        let mut wrong = Vec::new();
        for (before, after) in waves.iter().zip(waves.iter().skip(1)) {
            let Some(begun) = self.of_wave(after).filter_map(|it| it.changed).min() else { continue };
            let mut fault = |what: String| {
                wrong.push(format!("{} begins at {begun}, and {}: {what} (I12)", after.name, before.name));
            };
            let resting = |it: &&Worked| it.rested.is_some_and(|rested| rested <= begun);
            if !self.of_wave(before).all(|it| resting(&it)) {
                fault("not all of it rests".to_owned());
            }
            let last = self.of_wave(before).filter_map(|it| it.rested).max();
            let baked = last.map_or(i64::MAX, |last| begun.as_second() - last.as_second());
            if baked < i64::from(self.asked.roll_out.bake_seconds) {
                fault(format!("it baked for {baked} s only"));
            }
            let well = self.of_wave(before).filter(|it| it.done).count();
            let expired = self.records.iter().any(|it| matches!(it.event, Event::GateExpired { .. }));
            if well < before.min_verified as usize && !expired {
                fault(format!("{well} of it are verified, {} must be", before.min_verified));
            }
            let failed = |it: &&Worked| {
                let end = self.world.witness.end(it.target);
                matches!(end, Some(End::Failed { .. } | End::Stuck { .. } | End::Unwound { .. }))
            };
            let failed = self.of_wave(before).filter(failed).count();
            if failed > before.max_failures as usize {
                fault(format!("{failed} of it failed, {} may", before.max_failures));
            }
        }
        wrong
    }
}
