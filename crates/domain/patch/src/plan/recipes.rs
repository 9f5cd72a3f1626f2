//! The recipes of EC2 patching: which steps a host of a given shape goes through.

use fleetwright_flow::{Charge, Effect, OnFailure, Recipe, RecipeId, Retry, Step, StepIndex, When};
use fleetwright_model::{InstanceState, OsFamily, Phase};

use super::durations::{Learnt, Measure, Reserve, first_change};
use super::make::{Hold, Limits};
use super::notes::step;
use super::policy::{DrainPolicy, Operation, Policy, RebootStrategy};
use super::{Backup, PlannedHost, gates};

/// What decides about a host's recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Steps take longer on some families than on others.
    pub os: OsFamily,
    /// It is started first and stopped at the end.
    pub stopped: bool,
    /// It has an image, made or existing.
    pub image: bool,
    /// It serves behind a load balancer or in an Auto Scaling group.
    pub member: bool,
}

impl Variant {
    /// A scan installs nothing that could need a reboot.
    fn reboots(self, policy: &Policy) -> bool {
        let strategy = self.reboot.unwrap_or(policy.reboot.strategy);
        self.operation != Some(Operation::Scan) && strategy != RebootStrategy::Skip
    }

    /// What sets the recipe's name apart.
    fn suffix(self) -> String {
        let operation = match self.operation {
            None => "",
            Some(Operation::Scan) => ", scan only",
            Some(Operation::Install) => ", install",
        };
        let reboot = match self.reboot {
            None => "",
            Some(RebootStrategy::Skip) => ", no reboot",
            Some(RebootStrategy::Conditional) => ", reboot if needed",
            Some(RebootStrategy::Force) => ", reboot",
        };
        let window = if self.windowed { ", in a window" } else { "" };
        let probed = if self.probe_seconds.is_some() { ", probed" } else { "" };
        format!("{operation}{reboot}{window}{probed}")
    }
}

impl Shape {
    /// The shape of a planned host.
    pub fn of(host: &PlannedHost) -> Self {
        Self {
            os: host.os,
            stopped: host.state == InstanceState::Stopped,
            image: !matches!(host.backup, Backup::None { .. }),
            member: host.auto_scaling_group.is_some() || !host.target_groups.is_empty(),
        }
    }
}

/// What the host's wave and window make of its recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// It is changed in a window only.
    pub windowed: bool,
    /// What Patch Manager is asked to do, where that is not the policy's.
    pub operation: Option<Operation>,
    /// Whether it is rebooted, where that is not as the policy says.
    pub reboot: Option<RebootStrategy>,
    /// Seconds until its probes must pass, where it has any.
    pub probe_seconds: Option<u32>,
}

/// What a recipe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Host(Shape, Variant),
    Gate { bake_seconds: u32, promotes: bool },
    CleanUp,
}

/// The recipes of a plan, made as hosts ask for them.
pub struct Recipes<'a> {
    phases: &'a [Phase],
    policy: &'a Policy,
    limits: &'a Limits,
    learnt: &'a Learnt,
    measure: Measure,
    lead_seconds: u32,
    reserves: Vec<Reserve>,
    widest: Vec<(Shape, Option<Reserve>)>,
    made: Vec<(Purpose, Recipe)>,
}

impl<'a> Recipes<'a> {
    /// No recipes yet.
    pub fn new(phases: &'a [Phase], policy: &'a Policy, limits: &'a Limits, learnt: &'a Learnt) -> Self {
        let (measure, lead_seconds) = (Measure::default(), 0);
        let (reserves, widest, made) = Default::default();
        Self { phases, policy, limits, learnt, measure, lead_seconds, reserves, widest, made }
    }

    /// The same for windows whose reserve is measured so, and before which preparations start so many
    /// seconds ahead; 0 is at any time.
    #[must_use]
    pub fn within(self, measure: Measure, lead_seconds: u32) -> Self {
        Self { measure, lead_seconds, ..self }
    }

    /// The recipe of hosts of that shape; none where the phases leave nothing to do for them.
    pub fn of(&mut self, shape: Shape, variant: Variant) -> Option<RecipeId> {
        self.make(Purpose::Host(shape, variant), |this| this.host_recipe(shape, variant))
    }

    /// The recipe of a region's clean-up, where it is wanted.
    pub fn clean_up(&mut self) -> Option<RecipeId> {
        let wanted = self.policy.backup.clean_up && self.has(Phase::Backup);
        wanted.then(|| self.make(Purpose::CleanUp, Self::clean_up_recipe)).flatten()
    }

    /// The recipe of a gate that waits so long.
    pub fn gate(&mut self, bake_seconds: u32, promotes: bool) -> RecipeId {
        self.make(Purpose::Gate { bake_seconds, promotes }, |_| gates::recipe(bake_seconds, promotes))
            .expect("a gate always looks")
    }

    /// What hosts of that shape keep of a window at most, whatever their wave and their sets make of their
    /// recipe; none where the phases leave nothing to do for them.
    pub fn widest(&mut self, shape: Shape, variants: &[Variant]) -> Option<Reserve> {
        if let Some((_, known)) = self.widest.iter().find(|(known, _)| *known == shape) {
            return known.clone();
        }
        let recipes = variants.iter().map(|variant| self.host_recipe(shape, *variant));
        let reserves = recipes
            .filter(|recipe| !recipe.steps.is_empty())
            .map(|recipe| Reserve::of(RecipeId(0), &recipe, shape.os, self.measure, self.learnt));
        let widest = reserves.max_by_key(Reserve::seconds);
        self.widest.push((shape, widest.clone()));
        widest
    }

    /// The recipes in the order of their ids, and what those with a window keep of it.
    pub fn into_list(self) -> (Vec<Recipe>, Vec<Reserve>) {
        (self.made.into_iter().map(|(_, recipe)| recipe).collect(), self.reserves)
    }

    fn make(&mut self, key: Purpose, make: impl FnOnce(&Self) -> Recipe) -> Option<RecipeId> {
        let found = self.made.iter().position(|(known, _)| *known == key);
        let index = match found {
            Some(index) => index,
            None => {
                let mut recipe = make(self);
                if recipe.steps.is_empty() {
                    return None;
                }
                if let Purpose::Host(shape, variant) = key {
                    self.learn(&mut recipe, shape.os);
                    if variant.windowed {
                        self.keep_to_window(&mut recipe, shape.os);
                    }
                }
                self.made.push((key, recipe));
                self.made.len() - 1
            }
        };
        Some(small(index))
    }

    fn has(&self, phase: Phase) -> bool {
        self.phases.contains(&phase)
    }

    /// What steps took at earlier runs is what they usually take.
    fn learn(&self, recipe: &mut Recipe, os: OsFamily) {
        for step in recipe.steps.iter_mut().chain(&mut recipe.undo) {
            if let Some(seen) = self.learnt.get(os, &step.name) {
                step.expected_seconds = seen.usual_seconds;
            }
        }
    }

    /// What changes the host starts inside its window only, with as much of it left as everything from
    /// there on takes; what prepares for that starts when the window is near.
    fn keep_to_window(&mut self, recipe: &mut Recipe, os: OsFamily) {
        let Some(first) = first_change(recipe) else { return };
        let commits = recipe.steps.iter().position(|step| step.commits);
        for (index, step) in recipe.steps.iter_mut().enumerate() {
            step.in_window = index == first || commits.is_some_and(|commits| index >= commits);
        }
        let reserve = Reserve::of(small(self.made.len()), recipe, os, self.measure, self.learnt);
        recipe.reserve_seconds = reserve.seconds();
        recipe.lead_seconds = if first > 0 { self.lead_seconds } else { 0 };
        self.reserves.push(reserve);
    }

    fn host_recipe(&self, shape: Shape, variant: Variant) -> Recipe {
        let mut steps = Vec::new();
        if shape.image && (self.has(Phase::Backup) || self.has(Phase::Patch)) {
            steps.push(self.backup());
        }
        let inside = self.has(Phase::Precheck) || self.has(Phase::Patch) || self.has(Phase::Validate);
        let started = shape.stopped && self.has(Phase::Start) && inside;
        let start = StepIndex(u8::try_from(steps.len()).expect("a dozen steps"));
        if started {
            steps.push(self.start());
        }
        if self.has(Phase::Precheck) || self.has(Phase::Patch) {
            steps.push(self.precheck());
        }
        let drains = self.drains(shape, variant);
        let drain = StepIndex(u8::try_from(steps.len()).expect("a dozen steps"));
        if let Some(policy) = drains {
            steps.push(self.drain(policy));
        }
        self.changes(shape, variant, &mut steps);
        if let Some(policy) = drains {
            // What serves nobody is in nobody's way: its place is free once it is back and healthy.
            for step in &mut steps[drain.index() + 1..] {
                step.charge = Charge::None;
            }
            steps.push(self.give_back(drain, policy));
        }
        if started {
            steps.push(self.stop_again(start));
        }
        let name = match (shape.stopped, shape.image) {
            (false, true) => "running",
            (false, false) => "running-without-image",
            (true, true) => "stopped",
            (true, false) => "stopped-without-image",
        };
        let drained = if drains.is_some() { ", drained" } else { "" };
        let family = if shape.os == OsFamily::Windows { ", Windows" } else { "" };
        let name = format!("{name}{family}{drained}{}", variant.suffix());
        let undo = match shape.image && self.has(Phase::Patch) {
            true => {
                // A host that is well again after its restoration gives its place back; a drained one
                // when it has returned.
                let charge = if drains.is_some() { Charge::None } else { Charge::Release };
                let mut undo = vec![self.restore(), self.validate(step::VALIDATE_RESTORED)];
                undo.extend(variant.probe_seconds.map(|it| self.probe(step::PROBE_RESTORED, it)));
                if let Some(last) = undo.last_mut() {
                    last.charge = charge;
                }
                undo
            }
            false => Vec::new(),
        };
        Recipe::new(name, steps, undo)
    }

    /// How hosts of that shape are drained, where they are.
    fn drains(&self, shape: Shape, variant: Variant) -> Option<DrainPolicy> {
        let operation = variant.operation.unwrap_or(self.policy.patch.operation);
        let installs = self.has(Phase::Patch) && operation == Operation::Install;
        self.policy.drain.filter(|_| shape.member && installs)
    }

    /// Installing, rebooting, and the proof of both.
    fn changes(&self, shape: Shape, variant: Variant, steps: &mut Vec<Step>) {
        let undo = match self.policy.rollback.automatic && shape.image {
            true => OnFailure::Undo,
            false => OnFailure::Fail,
        };
        let first = steps.len();
        if self.has(Phase::Patch) {
            let reboots = variant.reboots(self.policy);
            let hold = if reboots { self.limits.hold } else { Hold::Install };
            steps.push(Step { charge: take(hold == Hold::Install), ..self.patch() });
            if reboots {
                let charge = take(hold == Hold::Reboot);
                steps.push(Step { charge, on_failure: undo, ..self.reboot() });
            }
            steps.push(self.verify());
        }
        if self.has(Phase::Validate) {
            steps.push(Step { on_failure: undo, ..self.validate(step::VALIDATE) });
        }
        if let Some(seconds) = variant.probe_seconds.filter(|_| self.has(Phase::Patch)) {
            steps.push(Step { on_failure: undo, ..self.probe(step::PROBE, seconds) });
        }
        // Verified healthy is the last proof there is; in a set, that others can rely on the host.
        if let Some(last) = steps[first..].last_mut().filter(|_| self.has(Phase::Patch)) {
            last.charge = Charge::Release;
        }
    }

    fn seconds(&self, phase: Phase, usual: u32) -> u32 {
        self.limits.phase_seconds.get(&phase).map_or(usual, |most| usual.min(*most)).max(60)
    }

    fn backup(&self) -> Step {
        Step {
            effect: Effect::Changes,
            ahead_of_gate: true,
            retry: Retry { attempts: self.limits.image_attempts, base_seconds: 60, cap_seconds: 900 },
            max_in_flight: Some(self.limits.images_at_once),
            timeout_seconds: self.seconds(Phase::Backup, self.limits.image_seconds),
            expected_seconds: 600,
            ..plain(step::BACKUP)
        }
    }

    fn start(&self) -> Step {
        let policy = &self.policy.start;
        Step {
            effect: Effect::Changes,
            ahead_of_gate: true,
            retry: Retry { attempts: self.limits.start_attempts, base_seconds: 30, cap_seconds: 300 },
            max_in_flight: Some(self.limits.starts_at_once),
            timeout_seconds: self.seconds(Phase::Start, policy.wait_seconds + policy.agent_seconds),
            expected_seconds: 180,
            ..plain(step::START)
        }
    }

    fn precheck(&self) -> Step {
        Step {
            ahead_of_gate: true,
            retry: Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 },
            timeout_seconds: self.seconds(Phase::Precheck, 1800),
            expected_seconds: 30,
            ..plain(step::PRECHECK)
        }
    }

    /// From here on the host is out of service: it is taken to the end and put back, whatever happens.
    fn drain(&self, policy: DrainPolicy) -> Step {
        Step {
            effect: Effect::Changes,
            commits: true,
            charge: Charge::Take,
            retry: Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 },
            timeout_seconds: policy.wait_seconds,
            expected_seconds: 300,
            ..plain(step::DRAIN)
        }
    }

    fn give_back(&self, drain: StepIndex, policy: DrainPolicy) -> Step {
        Step {
            effect: Effect::Changes,
            charge: Charge::Release,
            when: When::Finally { of: drain },
            retry: Retry { attempts: 5, base_seconds: 30, cap_seconds: 300 },
            on_failure: OnFailure::Continue,
            timeout_seconds: policy.return_seconds,
            expected_seconds: 60,
            ..plain(step::RETURN)
        }
    }

    fn patch(&self) -> Step {
        let policy = &self.policy.patch;
        Step {
            effect: Effect::Changes,
            commits: true,
            retry: Retry { attempts: 3, base_seconds: 60, cap_seconds: 600 },
            timeout_seconds: self
                .seconds(Phase::Patch, policy.execution_seconds + policy.delivery_seconds + 300),
            expected_seconds: 600,
            ..plain(step::PATCH)
        }
    }

    fn reboot(&self) -> Step {
        Step {
            effect: Effect::Changes,
            retry: Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 },
            max_in_flight: Some(self.limits.reboots_at_once),
            timeout_seconds: self.policy.reboot.wait_seconds,
            expected_seconds: 240,
            ..plain(step::REBOOT)
        }
    }

    fn verify(&self) -> Step {
        Step {
            retry: Retry { attempts: 3, base_seconds: 60, cap_seconds: 300 },
            on_failure: OnFailure::Continue,
            timeout_seconds: 1800,
            expected_seconds: 60,
            ..plain(step::VERIFY)
        }
    }

    fn validate(&self, name: &str) -> Step {
        let wait = self.policy.validate.wait_seconds + 600;
        Step {
            retry: Retry { attempts: 4, base_seconds: 30, cap_seconds: 300 },
            timeout_seconds: self.seconds(Phase::Validate, wait),
            expected_seconds: 30,
            ..plain(name)
        }
    }

    fn probe(&self, name: &str, seconds: u32) -> Step {
        Step {
            retry: Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 },
            timeout_seconds: seconds.saturating_add(600),
            expected_seconds: 30,
            ..plain(name)
        }
    }

    fn stop_again(&self, start: StepIndex) -> Step {
        Step {
            effect: Effect::Changes,
            when: When::Finally { of: start },
            retry: Retry { attempts: 5, base_seconds: 30, cap_seconds: 300 },
            on_failure: OnFailure::Continue,
            timeout_seconds: 900,
            expected_seconds: 90,
            ..plain(step::STOP_AGAIN)
        }
    }

    fn restore(&self) -> Step {
        Step {
            effect: Effect::Changes,
            retry: Retry { attempts: 3, base_seconds: 30, cap_seconds: 300 },
            timeout_seconds: self.policy.rollback.wait_seconds,
            expected_seconds: 420,
            ..plain(step::RESTORE)
        }
    }

    fn clean_up_recipe(&self) -> Recipe {
        let step = Step {
            effect: Effect::Changes,
            retry: Retry { attempts: 3, base_seconds: 60, cap_seconds: 600 },
            timeout_seconds: 3600,
            expected_seconds: 30,
            ..plain(step::CLEAN_UP)
        };
        Recipe::new("clean-up", vec![step], Vec::new())
    }

    /// The recipe that puts a host back to its image, by a person's decision.
    pub fn rollback(policy: &Policy, limits: &Limits) -> Recipe {
        let learnt = Learnt::default();
        let this = Recipes::new(&[], policy, limits, &learnt);
        let restore = Step { commits: true, charge: Charge::Take, ..this.restore() };
        let validate = Step { charge: Charge::Release, ..this.validate(step::VALIDATE_RESTORED) };
        Recipe::new("rollback", vec![restore, validate], Vec::new())
    }
}

fn small(index: usize) -> RecipeId {
    RecipeId(u16::try_from(index).expect("a handful of shapes"))
}

fn take(now: bool) -> Charge {
    if now { Charge::Take } else { Charge::None }
}

/// A step that only looks and fails when it fails.
fn plain(name: &str) -> Step {
    Step::new(name)
}
