//! Plans: built by hand for stories, drawn from a tape for laws.

use std::ops::Range;
use std::sync::Arc;

use fleetwright_flow::*;
use fleetwright_model::{AccountId, Region, ZoneName};
use jiff::Timestamp;

use crate::tape::Tape;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("in range")
}

pub(crate) fn step(name: &str) -> Step {
    Step {
        effect: Effect::Changes,
        retry: Retry { attempts: 1, base_seconds: 10, cap_seconds: 60 },
        expected_seconds: 60,
        ..Step::new(name)
    }
}

/// A plan of one stage in one place.
pub(crate) fn plan(steps: Vec<Step>, undo: Vec<Step>, targets: u32) -> Plan {
    Plan {
        format: Plan::FORMAT,
        seed: 7,
        created_at: at(0),
        places: vec![place("eu-central-1"), place("us-east-1")],
        groups: Vec::new(),
        windows: Vec::new(),
        recipes: vec![Recipe::new("patch", steps, undo)],
        stages: vec![stage("canary", 0..targets)],
        targets: (0..targets).map(target).collect(),
    }
}

pub(crate) fn place(region: &str) -> Place {
    Place {
        zone: ZoneName::new("prod").expect("a name"),
        account: AccountId::new("111122223333").expect("an account"),
        region: Region::new(region).expect("a region"),
    }
}

pub(crate) fn stage(name: &str, targets: Range<u32>) -> Stage {
    Stage::new(name, targets)
}

pub(crate) fn group(name: &str, capacity: u32) -> Group {
    Group::new(name, capacity)
}

pub(crate) fn target(number: u32) -> Target {
    Target::new(format!("i-{number:017x}"), PlaceId(0), RecipeId(0))
}

/// Every choice a plan can make, small.
pub(crate) fn drawn(tape: &mut Tape) -> Arc<Plan> {
    let recipes: Vec<Recipe> = (0..1 + tape.pick(2)).map(|index| drawn_recipe(tape, index)).collect();
    let windows: Vec<Window> = (0..tape.pick(3)).map(|_| drawn_window(tape)).collect();
    let groups: Vec<Group> = (0..tape.pick(4))
        .map(|index| Group {
            first: tape.rarely(3).then(|| 1 + tape.pick(2) as u32),
            shared: tape.rarely(2).then(|| format!("shared-{index}").into()),
            ..group(&format!("group-{index}"), 1 + tape.pick(3) as u32)
        })
        .collect();
    let mut stages = Vec::new();
    let mut targets = Vec::new();
    for index in 0..1 + tape.pick(3) {
        let from = targets.len() as u32;
        for _ in 0..tape.pick(6) {
            let mut drawn = drawn_target(tape, targets.len() as u32, recipes.len(), groups.len());
            let reserve = recipes[drawn.recipe.index()].reserve_seconds;
            if reserve > 0 && !windows.is_empty() && tape.rarely(2) {
                drawn.window = Some(WindowId(tape.pick(windows.len()) as u16));
            }
            targets.push(drawn);
        }
        let gate = if tape.rarely(3) { Gate::Approval } else { Gate::Open };
        let approval = (gate == Gate::Approval && tape.rarely(2)).then(|| drawn_rule(tape));
        stages.push(Stage {
            gate,
            approval,
            min_verified: if tape.rarely(4) {
                tape.pick(1 + targets.len() - from as usize) as u32
            } else {
                0
            },
            max_failures: tape.rarely(2).then(|| tape.pick(3) as u32),
            ..stage(&format!("wave-{index}"), from..targets.len() as u32)
        });
    }
    let plan = Plan {
        format: Plan::FORMAT,
        seed: tape.pick(256) as u64,
        created_at: at(0),
        places: vec![place("eu-central-1"), place("us-east-1")],
        groups,
        windows,
        recipes,
        stages,
        targets,
    };
    plan.check().expect("drawn plans can be walked");
    Arc::new(plan)
}

fn drawn_target(tape: &mut Tape, number: u32, recipes: usize, groups: usize) -> Target {
    let after =
        if number > 0 && tape.rarely(5) { vec![TargetId(tape.pick(number as usize) as u32)] } else { vec![] };
    Target {
        place: PlaceId(tape.pick(2) as u16),
        recipe: RecipeId(tape.pick(recipes) as u16),
        groups: (0..groups).filter(|_| tape.pick(2) == 1).map(|group| GroupId(group as u16)).collect(),
        after,
        ..target(number)
    }
}

/// Up to three spans of some minutes.
fn drawn_window(tape: &mut Tape) -> Window {
    let mut second = 0;
    let open = (0..1 + tape.pick(3))
        .map(|_| {
            let from = second + 1 + tape.pick(100) as i64;
            second = from + 20 + tape.pick(200) as i64;
            Span { from: at(from), until: at(second) }
        })
        .collect();
    Window {
        cutoff_seconds: if tape.rarely(3) { tape.pick(60) as u32 } else { 0 },
        ..Window::new("night", open)
    }
}

/// The people who decide.
pub(crate) const PEOPLE: [&str; 4] = ["ann", "bob", "cy", "ops"];

fn drawn_rule(tape: &mut Tape) -> ApprovalRule {
    ApprovalRule {
        needed: 1 + tape.pick(2) as u16,
        approvers: if tape.rarely(2) { vec!["bob".into(), "cy".into()] } else { vec![] },
        expires_seconds: tape.rarely(2).then(|| 20 + tape.pick(100) as u32),
        on_expiry: if tape.rarely(2) { OnExpiry::Skip } else { OnExpiry::Reject },
    }
}

fn drawn_recipe(tape: &mut Tape, index: usize) -> Recipe {
    let ahead = tape.pick(3);
    let window_from = tape.rarely(2).then(|| tape.pick(4));
    let length = tape.pick(7);
    let steps = (0..length)
        .map(|place| {
            let mut drawn = drawn_step(tape, &format!("step-{place}"));
            drawn.ahead_of_gate = place < ahead;
            if place > 0 && tape.rarely(4) {
                drawn.when = When::Finally { of: StepIndex(tape.pick(place) as u8) };
            }
            if drawn.ahead_of_gate {
                (drawn.charge, drawn.commits) = (Charge::None, false);
            }
            if drawn.when != When::InTurn && drawn.charge == Charge::Take {
                drawn.charge = Charge::None;
            }
            drawn.in_window = window_from.is_some_and(|from| drawn.commits || place >= from);
            drawn
        })
        .collect();
    let undo = (0..tape.pick(3))
        .map(|place| {
            let mut drawn = drawn_step(tape, &format!("undo-{place}"));
            drawn.on_failure = OnFailure::Fail;
            drawn
        })
        .collect();
    let reserve_seconds = if window_from.is_some() { 1 + tape.pick(60) as u32 } else { 0 };
    let lead_seconds = if window_from.is_some() && tape.rarely(2) { 1 + tape.pick(80) as u32 } else { 0 };
    Recipe { reserve_seconds, lead_seconds, ..Recipe::new(format!("recipe-{index}"), steps, undo) }
}

fn drawn_step(tape: &mut Tape, name: &str) -> Step {
    Step {
        commits: tape.rarely(4),
        charge: [Charge::None, Charge::Take, Charge::Release][tape.pick(3)],
        retry: Retry { attempts: 1 + tape.pick(3) as u16, base_seconds: 10, cap_seconds: 60 },
        on_failure: [OnFailure::Fail, OnFailure::Undo, OnFailure::Continue][tape.pick(3)],
        max_in_flight: tape.rarely(3).then(|| 1 + tape.pick(2) as u32),
        ..step(name)
    }
}
