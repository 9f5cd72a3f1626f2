//! What is to be done, complete: no meaningful choice is left to execution.

use std::fmt;
use std::ops::Range;

use fleetwright_model::{AccountId, Region, Text, ZoneName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of a format: a reader takes every minor of a major it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Format {
    /// Changes when old readers would misread new data.
    pub major: u16,
    /// Changes when something was added that old readers may pass over.
    pub minor: u16,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($width:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $width);

        impl $name {
            /// The place in the plan's list.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// A target's place in [`Plan::targets`].
    TargetId(u32)
);
index!(
    /// A place's place in [`Plan::places`].
    PlaceId(u16)
);
index!(
    /// A group's place in [`Plan::groups`].
    GroupId(u16)
);
index!(
    /// A recipe's place in [`Plan::recipes`].
    RecipeId(u16)
);
index!(
    /// A stage's place in [`Plan::stages`].
    StageId(u16)
);
index!(
    /// A window's place in [`Plan::windows`].
    WindowId(u16)
);
index!(
    /// A step's place in [`Recipe::steps`] or, on the way back, in [`Recipe::undo`].
    StepIndex(u8)
);

/// The plan the kernel walks. Recipes are shared: a target is a small row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this format.
    pub format: Format,
    /// What back-off jitter is drawn from.
    pub seed: u64,
    /// When the plan was made.
    pub created_at: Timestamp,
    /// Where targets live.
    pub places: Vec<Place>,
    /// Disruption budgets.
    pub groups: Vec<Group>,
    /// When targets may be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// What is done to a target.
    pub recipes: Vec<Recipe>,
    /// Stages, in the order they are walked.
    pub stages: Vec<Stage>,
    /// Every target, stage by stage.
    pub targets: Vec<Target>,
}

/// One region of one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The landing zone.
    pub zone: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// A disruption budget: how many of its members may be out of service at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What people call it.
    pub name: Text,
    /// Members out of service at once at most; at least 1.
    pub capacity: u32,
    /// Members out of service at once at first, at least 1: the limit grows by one with each member
    /// that is verified healthy, up to the capacity. None allows the capacity at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// What other runs, and who watches for outages nobody planned, call the same group; members that
    /// are down on their account leave less room here. None is of this run alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Text>,
}

/// When targets may be changed: the moments are made out when the plan is made, so that it can be
/// read and checked. Freezes are cut out of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What people call it.
    pub name: Text,
    /// When it is open: in order, apart from each other, none empty.
    pub open: Vec<Span>,
    /// The code under which targets are left as they are once it is over; none for the code of windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Text>,
}

/// A stretch of time; its end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// Targets that are walked together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What people call it.
    pub name: Text,
    /// What must be decided before its targets are changed.
    pub gate: Gate,
    /// The stage's part of [`Plan::targets`].
    pub targets: Range<u32>,
    /// More failures than this stop the run: nothing further is started. `None` never stops.
    pub max_failures: Option<u32>,
    /// Targets that must have ended well when all of the stage rest; fewer stop the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min_verified: u32,
    /// Who decides at the gate, and until when; none where any one person does, whenever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Who decides at a gate, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Different people who must approve; at least 1. One rejection is enough.
    pub needed: u16,
    /// Who may decide; empty is anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Text>,
    /// Seconds from when the gate is reached until the decision is due; none waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_seconds: Option<u32>,
    /// What happens when it was not made in time.
    pub on_expiry: OnExpiry,
}

/// What happens when a gate was not decided in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// As if somebody had rejected: the run ends after what is in flight.
    Reject,
    /// The stage's targets are left as they are; the next stage's gate is asked.
    Skip,
}

/// What must be decided before a stage goes past its [`Step::ahead_of_gate`] steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Nothing.
    Open,
    /// A person approves or rejects.
    Approval,
}

/// A short list of steps, and the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// What people call it.
    pub name: Text,
    /// Forward, in order.
    pub steps: Vec<Step>,
    /// What undoes it, in order; empty where there is no way back.
    pub undo: Vec<Step>,
    /// Seconds it takes at worst from the start of its first [`Step::in_window`] step to its end, the
    /// way back included: a target with a window is not admitted with less of it left.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reserve_seconds: u32,
}

/// One step of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step's name, which finds the code that carries it out.
    pub name: Text,
    /// Whether it changes anything outside.
    pub effect: Effect,
    /// Whether it runs before the stage's gate is decided.
    pub ahead_of_gate: bool,
    /// True where the target is changed from this step on: it is then taken to the recipe's end even
    /// when the run stops, because half a change is worse than either.
    pub commits: bool,
    /// Whether it may start only inside the target's window, with the recipe's reserve left, as long
    /// as the target is not changed. What is changed is taken to its end at any time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_window: bool,
    /// What the step does to the target's disruption budgets.
    pub charge: Charge,
    /// Whether it runs only while all is well, or also after failure and abort.
    pub when: When,
    /// How failures that may pass are tried again.
    pub retry: Retry,
    /// What a final failure leads to.
    pub on_failure: OnFailure,
    /// Targets of one place in flight at this step at most; `None` is unbounded.
    pub max_in_flight: Option<u32>,
    /// The longest the step may take, in seconds; what takes longer has failed with a time-out.
    pub timeout_seconds: u32,
    /// How long it usually takes, in seconds, for estimates.
    pub expected_seconds: u32,
}

/// Whether a step changes anything outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It only looks: it may be repeated freely.
    Reads,
    /// It changes something: whoever repeats it looks for its mark first.
    Changes,
}

/// What a step does to the target's disruption budgets ([`Target::groups`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Nothing.
    None,
    /// Waits for room in all of them before it starts, and takes it with its intent.
    Take,
    /// Gives it back when it has *succeeded*: the target is verified healthy. Nothing else gives a
    /// charge back, neither failure nor time-out nor crash; and no put-back of a target that failed and
    /// was not undone.
    Release,
}

/// When a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// In its turn, while all went well.
    InTurn,
    /// In its turn, and also after failure, rejection or abort if the named step of the same recipe
    /// was ever started: what was taken out is put back.
    Finally {
        /// The step whose effect this one puts back.
        of: StepIndex,
    },
}

/// How failures that may pass are tried again: after `base · 2^(attempt−1)` seconds with jitter, at
/// most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u16,
    /// Seconds before the second attempt.
    pub base_seconds: u32,
    /// Seconds between attempts at most.
    pub cap_seconds: u32,
}

/// What a step's final failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The target has failed; its remaining steps are not walked, but for the finally-steps.
    Fail,
    /// The way back is walked, then the finally-steps. Only where the failure says something of the
    /// target ([`fleetwright_model::ErrorClass::is_verdict`]); that nobody could look is no reason to
    /// put anything back, and the target has then failed.
    Undo,
    /// The target has failed, but the rest of the recipe still tells what became of it.
    Continue,
}

/// One thing that is worked on: an instance, a control plane, an add-on, a node group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its identifier, unique in its place.
    pub subject: Text,
    /// Where it lives.
    pub place: PlaceId,
    /// What is done to it.
    pub recipe: RecipeId,
    /// The budgets it counts against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Targets that must have ended well before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<TargetId>,
    /// When it may be changed; none is at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowId>,
}

impl Group {
    /// A budget of this run alone, its whole capacity open at once.
    pub fn new(name: impl Into<Text>, capacity: u32) -> Self {
        Self { name: name.into(), capacity, first: None, shared: None }
    }
}

impl Window {
    /// A window with the usual code for those it does not let in.
    pub fn new(name: impl Into<Text>, open: Vec<Span>) -> Self {
        Self { name: name.into(), open, over: None }
    }
}

impl Stage {
    /// A stage without gate, that no failure stops.
    pub fn new(name: impl Into<Text>, targets: Range<u32>) -> Self {
        Self {
            name: name.into(),
            gate: Gate::Open,
            targets,
            max_failures: None,
            min_verified: 0,
            approval: None,
        }
    }
}

impl Recipe {
    /// A recipe that needs no reserve of a window.
    pub fn new(name: impl Into<Text>, steps: Vec<Step>, undo: Vec<Step>) -> Self {
        Self { name: name.into(), steps, undo, reserve_seconds: 0 }
    }
}

impl Step {
    /// A step that only looks, in its turn, tried once, for ten minutes at most.
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            effect: Effect::Reads,
            ahead_of_gate: false,
            commits: false,
            in_window: false,
            charge: Charge::None,
            when: When::InTurn,
            retry: Retry { attempts: 1, base_seconds: 0, cap_seconds: 0 },
            on_failure: OnFailure::Fail,
            max_in_flight: None,
            timeout_seconds: 600,
            expected_seconds: 30,
        }
    }
}

impl Target {
    /// A target of no group, that waits for no other and for no window.
    pub fn new(subject: impl Into<Text>, place: PlaceId, recipe: RecipeId) -> Self {
        Self { subject: subject.into(), place, recipe, groups: Vec::new(), after: Vec::new(), window: None }
    }
}

impl Plan {
    /// The format this version writes.
    pub const FORMAT: Format = Format { major: 1, minor: 1 };

    /// The target with that id.
    pub fn target(&self, id: TargetId) -> &Target {
        &self.targets[id.index()]
    }

    /// The recipe a target follows.
    pub fn recipe_of(&self, id: TargetId) -> &Recipe {
        &self.recipes[self.target(id).recipe.index()]
    }

    /// Where a target lives.
    pub fn place_of(&self, id: TargetId) -> &Place {
        &self.places[self.target(id).place.index()]
    }

    /// The ids of a stage's targets.
    pub fn targets_of(&self, stage: StageId) -> impl Iterator<Item = TargetId> + use<> {
        self.stages[stage.index()].targets.clone().map(TargetId)
    }
}
