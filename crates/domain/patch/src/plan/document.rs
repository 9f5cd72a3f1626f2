//! The plan as a file.

use fleetwright_flow::{Document, DocumentError, Format, Plan, Sealed};

use super::PatchPlan;

/// A plan with its digest: what is shown, approved and executed are the same bytes.
pub type PlanDocument = Document<PatchPlan>;

/// Why a file is not a plan that can be applied.
pub type PlanError = DocumentError;

impl Sealed for PatchPlan {
    const MEMBER: &'static str = "plan";
    const CALLED: &'static str = "a plan";
    const FORMAT: Format = Plan::FORMAT;

    /// One piece of work for each target, and a plan that can be walked.
    fn check(&self) -> Result<(), String> {
        let (targets, work) = (self.flow.targets.len(), self.work.len());
        if targets != work {
            return Err(format!("{targets} targets and {work} pieces of work"));
        }
        self.flow.check().map_err(|error| error.to_string())
    }
}
