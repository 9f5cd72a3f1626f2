//! Why a host is where it is in a plan.

use fleetwright_flow as flow;
use fleetwright_model::{InstanceId, Text};
use jiff::{SignedDuration, Timestamp};

use super::roll_out::{OrderMode, Waiver};
use super::{Backup, LeftOut, PatchPlan, PlannedHost, Reserve, Work};

/// What a plan says of one host.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanation<'a> {
    /// It is worked on.
    Planned(Box<PlannedExplanation<'a>>),
    /// It is not; the reasons are its codes.
    LeftOut(&'a LeftOut),
}

/// Where a host stands, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedExplanation<'a> {
    /// The host.
    pub host: &'a PlannedHost,
    /// Where it lives.
    pub place: &'a flow::Place,
    /// Its wave; none where the plan says nothing of waves.
    pub wave: Option<&'a Text>,
    /// Whether that is the canary.
    pub canary: bool,
    /// Its stage.
    pub stage: &'a flow::Stage,
    /// Its turn in the stage, from 1; budgets and windows may let others go before.
    pub turn: u32,
    /// The stages before its own, gates included.
    pub behind: Vec<&'a Text>,
    /// What it counts against, the narrowest first.
    pub budgets: Vec<BudgetOf<'a>>,
    /// When it may be changed; none is at any time.
    pub window: Option<WindowOf<'a>>,
    /// Hosts that must have ended well before it.
    pub after: Vec<InstanceId>,
    /// Sets it belongs to.
    pub sets: Vec<SetOf<'a>>,
    /// What is done to it.
    pub recipe: &'a flow::Recipe,
    /// Its way back.
    pub backup: &'a Backup,
}

/// One budget of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetOf<'a> {
    /// Its name.
    pub name: &'a Text,
    /// Members out of service at once at most.
    pub capacity: u32,
    /// Its members, where the plan says.
    pub members: Option<u32>,
}

/// The window of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowOf<'a> {
    /// Its name.
    pub name: &'a Text,
    /// The first opening that is long enough.
    pub first: Option<flow::Span>,
    /// The last moment in that opening at which the host may be begun.
    pub last_start: Option<Timestamp>,
    /// Seconds that must be left of it.
    pub reserve_seconds: u32,
    /// What these seconds are for; none in plans that do not say.
    pub reserve: Option<&'a Reserve>,
    /// From when on the host is prepared for that opening: image, checks. None is at any time.
    pub prepared_from: Option<Timestamp>,
}

/// A set of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetOf<'a> {
    /// Its name.
    pub name: &'a Text,
    /// How many may be out of service at once.
    pub mode: OrderMode,
    /// Whether the host goes last.
    pub leads: bool,
    /// What allows it to be touched though nobody can take over.
    pub waiver: Option<&'a Waiver>,
}

/// What the plan says of every host with that id or name, in the plan's order; nothing where it has no
/// such host.
pub fn explain<'a>(plan: &'a PatchPlan, wanted: &str) -> Vec<Explanation<'a>> {
    let is_wanted = |id: &InstanceId, name: Option<&Text>| {
        id.as_str() == wanted || name.is_some_and(|it| **it == *wanted)
    };
    let planned = plan.work.iter().enumerate().filter_map(|(index, work)| match work {
        Work::Host(host) if is_wanted(&host.id, host.name.as_ref()) => planned(plan, index, host),
        _ => None,
    });
    let left_out = plan.left_out.iter().filter(|left| is_wanted(&left.id, left.name.as_ref()));
    planned.chain(left_out.map(Explanation::LeftOut)).collect()
}

fn planned<'a>(plan: &'a PatchPlan, index: usize, host: &'a PlannedHost) -> Option<Explanation<'a>> {
    let id = flow::TargetId(u32::try_from(index).ok()?);
    let target = plan.flow.target(id);
    let at = plan.flow.stages.iter().position(|stage| stage.targets.contains(&id.0))?;
    let stage_id = flow::StageId(u16::try_from(at).ok()?);
    let stage = &plan.flow.stages[at];
    let wave = plan.roll_out.waves.iter().find(|wave| wave.stages.contains(&stage_id));
    let recipe = plan.flow.recipe_of(id);
    let mut budgets: Vec<BudgetOf<'a>> = target
        .groups
        .iter()
        .map(|group| BudgetOf {
            name: &plan.flow.groups[group.index()].name,
            capacity: plan.flow.groups[group.index()].capacity,
            members: plan.roll_out.groups.get(group.index()).map(|group| group.members),
        })
        .collect();
    budgets.sort_by_key(|budget| budget.capacity);
    let subject = |id: &flow::TargetId| plan.work.get(id.index())?.host().map(|host| host.id.clone());
    let sets = plan.roll_out.sets.iter().filter(|set| set.members.contains(&id));
    Some(Explanation::Planned(Box::new(PlannedExplanation {
        host,
        place: plan.flow.place_of(id),
        wave: wave.map(|wave| &wave.name),
        canary: wave.is_some_and(|wave| wave.canary),
        stage,
        turn: id.0 - stage.targets.start + 1,
        behind: plan.flow.stages[..at].iter().map(|stage| &stage.name).collect(),
        budgets,
        window: target.window.map(|window| window_of(plan, window, target.recipe)),
        after: target.after.iter().filter_map(subject).collect(),
        sets: sets
            .map(|set| SetOf {
                name: &set.name,
                mode: set.mode,
                leads: set.leaders.contains(&id),
                waiver: set.waiver.as_ref(),
            })
            .collect(),
        recipe,
        backup: &host.backup,
    })))
}

fn window_of(plan: &PatchPlan, id: flow::WindowId, recipe: flow::RecipeId) -> WindowOf<'_> {
    let window = &plan.flow.windows[id.index()];
    let needs = &plan.flow.recipes[recipe.index()];
    let reserve_seconds = window.needed_seconds(needs.reserve_seconds);
    let reserve = SignedDuration::from_secs(reserve_seconds.into());
    let lead = SignedDuration::from_secs(needs.lead_seconds.into());
    let long = |span: &&flow::Span| {
        let from = span.from.max(plan.flow.created_at);
        span.until.duration_since(from) >= reserve
    };
    let first = window.open.iter().find(long).copied();
    WindowOf {
        name: &window.name,
        first,
        last_start: first.and_then(|span| span.until.checked_sub(reserve).ok()),
        reserve_seconds,
        reserve: plan.reserves.iter().find(|reserve| reserve.recipe == recipe),
        prepared_from: first
            .filter(|_| needs.lead_seconds > 0)
            .and_then(|span| span.from.checked_sub(lead).ok()),
    }
}
