//! The plan as a file.

use fleetwright_flow::{Document, DocumentError, Format, Sealed};

use super::{FORMAT, UpgradePlan, checker};

/// A plan with its digest: what is shown, approved and executed are the same bytes.
pub type PlanDocument = Document<UpgradePlan>;

/// Why a file is not a plan that can be followed.
pub type PlanError = DocumentError;

impl Sealed for UpgradePlan {
    const MEMBER: &'static str = "upgrade";
    const CALLED: &'static str = "a plan of an upgrade";
    const FORMAT: Format = FORMAT;

    /// The rules that a plan keeps, derived from the plan alone.
    fn check(&self) -> Result<(), String> {
        match checker::check(self).first() {
            Some(violation) => Err(violation.to_string()),
            None => Ok(()),
        }
    }
}
