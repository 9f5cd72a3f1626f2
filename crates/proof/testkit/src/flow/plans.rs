//! Small plans in the shape of the patching recipe.

use fleetwright_flow::{
    Charge, Effect, Group, GroupId, OnFailure, Place, PlaceId, Plan, Recipe, RecipeId, Retry, Stage, Step,
    StepIndex, Target, When,
};
use fleetwright_model::{AccountId, ZoneName};

use crate::sample;

/// A step that only looks, tried once, in its turn.
pub fn looks(name: &str) -> Step {
    Step {
        retry: Retry { attempts: 3, base_seconds: 10, cap_seconds: 120 },
        timeout_seconds: 3_600,
        expected_seconds: 60,
        ..Step::new(name)
    }
}

/// A step that changes something, tried up to three times, in its turn.
pub fn changes(name: &str) -> Step {
    Step { effect: Effect::Changes, ..looks(name) }
}

/// Every kind of step there is: ahead of the gate, taking, committing, releasing, a way back, and a
/// step that puts back what another took out.
pub fn patching() -> Recipe {
    Recipe::new(
        "patch",
        vec![
            Step { ahead_of_gate: true, ..changes("backup") },
            Step { ahead_of_gate: true, ..looks("precheck") },
            Step { charge: Charge::Take, ..changes("drain") },
            Step { commits: true, on_failure: OnFailure::Undo, ..changes("patch") },
            Step { on_failure: OnFailure::Undo, ..changes("reboot") },
            Step { on_failure: OnFailure::Undo, charge: Charge::Release, ..looks("verify") },
            Step { when: When::Finally { of: StepIndex(2) }, ..changes("return") },
        ],
        vec![changes("restore"), looks("validate")],
    )
}

/// That many targets that follow the recipe in one stage of one place, as many out of service at once
/// as `budget` says.
pub fn plan(recipe: Recipe, targets: u32, budget: u32) -> Plan {
    Plan {
        format: Plan::FORMAT,
        seed: 7,
        created_at: sample::now(),
        places: vec![place("production", "111122223333")],
        groups: vec![Group::new("web", budget)],
        windows: Vec::new(),
        recipes: vec![recipe],
        stages: vec![Stage::new("first", 0..targets)],
        targets: (0..targets).map(|number| target(number, PlaceId(0))).collect(),
    }
}

/// A place in Frankfurt.
pub fn place(zone: &str, account: &str) -> Place {
    Place {
        zone: ZoneName::new(zone).expect("a valid name"),
        account: AccountId::new(account).expect("a valid account id"),
        region: sample::region("eu-central-1"),
    }
}

/// A target that counts against the first group and follows the first recipe.
pub fn target(number: u32, place: PlaceId) -> Target {
    Target {
        groups: vec![GroupId(0)],
        ..Target::new(sample::id(u64::from(number)).to_string(), place, RecipeId(0))
    }
}
