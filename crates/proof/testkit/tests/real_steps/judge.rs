//! What the effects must not show, whatever the records say.

use std::collections::BTreeMap;

use fleetwright_flow::{Direction, End, Event, Record, TargetId};
use fleetwright_model::{InstanceId, InstanceState};
use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::{Backup, PlannedHost, Work};
use fleetwright_testkit::Effect;
use jiff::{SignedDuration, Timestamp};

use crate::world::PatchWorld;

/// How long images take in these worlds.
const IMAGE_TAKES: SignedDuration = SignedDuration::from_secs(600);

/// Everything that is wrong; what only holds at the end is looked at where the run is over.
pub(crate) fn judge(world: &PatchWorld, over: bool) -> Vec<String> {
    let effects: Vec<Effect> = world.hosts.effects().into_iter().skip(world.before).collect();
    let evidence = Evidence { world, records: world.witness.records(), effects };
    let mut wrong = evidence.without_intent();
    wrong.extend(evidence.without_backup());
    wrong.extend(evidence.deleted_backups());
    wrong.extend(evidence.not_of_the_plan());
    if over {
        wrong.extend(evidence.left_running());
        wrong.extend(evidence.left_out_of_service());
    }
    wrong
}

struct Evidence<'a> {
    world: &'a PatchWorld,
    records: Vec<Record>,
    effects: Vec<Effect>,
}

/// When a step of a target was in flight.
#[derive(Default)]
struct Intents(BTreeMap<(TargetId, String), Vec<Span>>);

/// From when, and until when if it ended.
type Span = (Timestamp, Option<Timestamp>);

impl Intents {
    fn covers(&self, target: TargetId, steps: &[&str], at: Timestamp) -> bool {
        steps.iter().any(|step| {
            let times = self.0.get(&(target, (*step).to_owned())).into_iter().flatten();
            let mut times = times.filter(|(from, to)| *from <= at && to.is_none_or(|to| at <= to));
            times.next().is_some()
        })
    }
}

/// The steps an effect may come from; none for what anybody may do at any time.
fn steps_of(effect: &Effect) -> Option<Vec<&str>> {
    let steps = match effect.action {
        "ec2:CreateImage" => vec![step::BACKUP],
        "ec2:StartInstances" => vec![step::START],
        "ec2:StopInstances" => vec![step::STOP_AGAIN, step::RESTORE],
        "ec2:RebootInstances" => vec![step::REBOOT],
        "ec2:CreateReplaceRootVolumeTask" => vec![step::RESTORE],
        "ssm:SendCommand" => {
            let purpose = effect.mark.split(' ').nth(2)?;
            let known = [step::PATCH, step::REBOOT, step::VERIFY, step::VALIDATE, step::VALIDATE_RESTORED];
            known.into_iter().filter(|known| *known == purpose).collect::<Vec<_>>()
        }
        _ => return None,
    };
    Some(steps).filter(|steps| !steps.is_empty())
}

impl Evidence<'_> {
    fn planned(&self) -> impl Iterator<Item = (TargetId, &PlannedHost)> {
        let work = (0u32..).map(TargetId).zip(&self.world.plan.work);
        work.filter_map(|(target, work)| match work {
            Work::Host(host) => Some((target, &**host)),
            Work::Region | Work::Gate(_) => None,
        })
    }

    fn target_of(&self, host: &InstanceId) -> Option<TargetId> {
        self.planned().find(|(_, planned)| planned.id == *host).map(|(target, _)| target)
    }

    fn intents(&self) -> Intents {
        let mut intents = Intents::default();
        for record in &self.records {
            let (target, step, direction, starts) = match record.event {
                Event::Started { target, step, direction, .. } => (target, step, direction, true),
                Event::Succeeded { target, step, direction, .. }
                | Event::Failed { target, step, direction, .. }
                | Event::Skipped { target, step, direction, .. } => (target, step, direction, false),
                _ => continue,
            };
            let recipe = self.world.plan.flow.recipe_of(target);
            let steps = match direction {
                Direction::Do => &recipe.steps,
                Direction::Undo => &recipe.undo,
            };
            let times = intents.0.entry((target, steps[step.index()].name.to_string())).or_default();
            match (starts, times.last_mut()) {
                (true, _) => times.push((record.at, None)),
                (false, Some((_, to))) if to.is_none() => *to = Some(record.at),
                (false, _) => {}
            }
        }
        intents
    }

    /// I15, I18: nothing is done but under an intent that is in the record and not ended.
    fn without_intent(&self) -> Vec<String> {
        let intents = self.intents();
        let mut wrong = Vec::new();
        for effect in &self.effects {
            let Some(steps) = steps_of(effect) else { continue };
            for host in &effect.hosts {
                let Some(target) = self.target_of(host) else { continue };
                if !intents.covers(target, &steps, effect.at) {
                    let Effect { action, at, .. } = effect;
                    wrong.push(format!("{action} {host} at {at}: no intent of {steps:?} is open (I15, I18)"));
                }
            }
        }
        wrong
    }

    /// I7: an installation comes after an image of this run that is usable and still there.
    fn without_backup(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let installs = |effect: &&Effect| {
            effect.action == "ssm:SendCommand" && effect.mark.split(' ').nth(2) == Some(step::PATCH)
        };
        for install in self.effects.iter().filter(installs) {
            for host in &install.hosts {
                let needed = self.planned().any(|(_, it)| it.id == *host && it.backup == Backup::Make);
                let usable = self.effects.iter().any(|effect| {
                    effect.action == "ec2:CreateImage"
                        && effect.hosts.contains(host)
                        && effect.at + IMAGE_TAKES <= install.at
                });
                if needed && (!usable || self.world.unusable.contains(host)) {
                    wrong.push(format!("{host} installs at {} without a usable backup (I7)", install.at));
                }
            }
        }
        wrong
    }

    /// I8: only images of earlier runs go, and only after their hosts are verified.
    fn deleted_backups(&self) -> Vec<String> {
        let gone = self.effects.iter().filter(|effect| effect.action == "ec2:DeregisterImage");
        let wrongly = gone.filter(|effect| {
            let host = self.world.old.get(&effect.mark);
            let verified = host.and_then(|host| self.world.witness.verified_at(host));
            verified.is_none_or(|at| at > effect.at)
        });
        wrongly.map(|effect| format!("{} is deleted at {} (I8)", effect.mark, effect.at)).collect()
    }

    /// I21, I23: nothing is done to a host that the plan does not name, nor to one that took its place.
    fn not_of_the_plan(&self) -> Vec<String> {
        let replaced = self.world.replaced.lock().expect("no test panicked");
        let mut wrong = Vec::new();
        // What was taken out of service goes back into it under its name, whoever it is by now.
        let goes_back = ["autoscaling:ExitStandby", "elasticloadbalancing:RegisterTargets"];
        for effect in self.effects.iter().filter(|effect| !goes_back.contains(&effect.action)) {
            let purpose = effect.mark.split(' ').nth(2);
            let changes = effect.action != "ssm:SendCommand" || purpose == Some(step::PATCH);
            for host in effect.hosts.iter().filter(|_| changes && effect.action != "ssm:CancelCommand") {
                let Effect { action, at, .. } = effect;
                let new = *action == "ec2:RunInstances";
                if !new && self.target_of(host).is_none() {
                    wrong.push(format!("{action} {host} at {at}: the plan does not name it (I21, I23)"));
                }
                if replaced.get(host).is_some_and(|since| since < at) {
                    wrong.push(format!("{action} {host} at {at}: it is another one by now (I23)"));
                }
            }
        }
        wrong
    }

    /// Whether putting back has failed for good, or the target is stuck before it.
    fn could_not_stop(&self, target: TargetId) -> bool {
        let stuck = matches!(self.world.witness.end(target), Some(End::Stuck { .. }));
        self.could_not(step::STOP_AGAIN, target) || stuck
    }

    /// Whether a step of putting back failed for good.
    fn could_not(&self, name: &str, target: TargetId) -> bool {
        let steps = &self.world.plan.flow.recipe_of(target).steps;
        self.records.iter().any(|record| match &record.event {
            Event::Failed { target: whose, step, direction: Direction::Do, failure } => {
                *whose == target && failure.retry_at.is_none() && &*steps[step.index()].name == name
            }
            _ => false,
        })
    }

    /// I33: what this run has started stands still at its end, or a person is told.
    fn left_running(&self) -> Vec<String> {
        let started = self.effects.iter().filter(|effect| effect.action == "ec2:StartInstances");
        let hosts = started.flat_map(|effect| &effect.hosts);
        let replaced = self.world.replaced.lock().expect("no test panicked");
        let left = hosts.filter(|host| {
            let told = replaced.contains_key(*host)
                || self.target_of(host).is_some_and(|target| self.could_not_stop(target));
            let state = self.world.hosts.state_of(host);
            !told && matches!(state, Some(InstanceState::Running | InstanceState::Pending))
        });
        left.map(|host| format!("{host} was started and runs at the end (I33)")).collect()
    }

    /// I33: whoever was taken out of service is back in it, unless that was said to have failed, or
    /// there is nobody any more.
    fn left_out_of_service(&self) -> Vec<String> {
        let told = self.planned().any(|(target, _)| self.could_not(step::RETURN, target));
        let out = if told { Vec::new() } else { self.world.hosts.out_of_service() };
        let is_gone = |line: &str| {
            let id = line.split(' ').next().and_then(|id| InstanceId::new(id).ok());
            let state = id.and_then(|id| self.world.hosts.state_of(&id));
            matches!(state, Some(InstanceState::ShuttingDown | InstanceState::Terminated))
        };
        let ours = out.into_iter().filter(|it| !it.starts_with("ScheduledActions") && !is_gone(it));
        ours.map(|it| format!("{it} at the end (I33)")).collect()
    }
}
