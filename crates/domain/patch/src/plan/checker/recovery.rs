//! I7: whoever is patched has a proven way back, or the plan says why not.

use fleetwright_model::code;

use super::{Invariant, Violation, hosts, violated};
use crate::plan::notes::step;
use crate::plan::{Backup, PatchPlan};

pub(super) fn check(plan: &PatchPlan, found: &mut Vec<Violation>) {
    for (_, target, host) in hosts(plan) {
        let recipe = &plan.flow.recipes[target.recipe.index()];
        let position = |name: &str| recipe.steps.iter().position(|step| &*step.name == name);
        let Some(patch) = position(step::PATCH) else { continue };
        let backup = position(step::BACKUP);
        let what = match &host.backup {
            Backup::Make | Backup::Existing { .. } if backup.is_none() => {
                "is patched without its image being made or proven"
            }
            Backup::Make | Backup::Existing { .. } if backup > Some(patch) => {
                "is patched before its image is proven"
            }
            Backup::None { code } if code::find(code).is_none() => {
                "has no way back, and the plan does not say why"
            }
            _ => continue,
        };
        violated(found, Invariant::I7, &host.id, what);
    }
}
