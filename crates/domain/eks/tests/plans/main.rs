//! Plans of upgrades: what they do, in which order, and how far back they can be taken.

mod addons;
mod checked;
mod differences;
mod documents;
mod health;
mod held;
mod laws;
mod own_groups;
mod pools;
mod runs;
mod suites;
mod tables;
#[path = "../checks/world.rs"]
mod world;

use fleetwright_eks::plan::{PlanOptions, PlanRequest, Refused, UpgradePlan, plan};
use fleetwright_eks::{Fact, Facts};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{AccountId, Region};

/// Plans with these options.
fn planned_with(facts: &Facts, target: u16, options: &PlanOptions) -> Result<UpgradePlan, Refused> {
    let account = AccountId::new("111122223333").expect("an account");
    let region = Region::new("eu-central-1").expect("a region");
    plan(&PlanRequest {
        facts,
        account: &account,
        region: &region,
        target: Minor::new(target),
        options,
        suppressions: &[],
        program: "0.1.0",
        at: world::now(),
    })
}

/// Plans as anybody does who says nothing.
fn planned(facts: &Facts, target: u16) -> UpgradePlan {
    planned_with(facts, target, &PlanOptions::default()).expect("a plan")
}

/// The names of a plan's steps.
fn ids(plan: &UpgradePlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

/// The value of a fact.
fn of<T>(fact: &mut Fact<T>) -> &mut T {
    match fact {
        Fact::Known(value) => value,
        Fact::NotRead(unread) => panic!("known in a healthy world: {unread:?}"),
    }
}
