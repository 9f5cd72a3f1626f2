//! The verdict of an assessment in a sentence.

use fleetwright_eks::Readiness;

use super::Assessed;
use super::grouped::Grouped;
use crate::text::number;

/// The verdict, such as `Not ready: 3 blockers; 2 checks could not look.` It never says "ready" alone where something
/// could not be looked at.
pub fn headline(assessed: &Assessed<'_>) -> String {
    told(assessed, &Grouped::of(assessed.assessment))
}

pub(super) fn told(assessed: &Assessed<'_>, grouped: &Grouped<'_>) -> String {
    let gaps = grouped.checks_with_gaps();
    let could_not = format!("{} could not look", number(gaps, "check"));
    match assessed.assessment.readiness() {
        Readiness::NothingToDo => {
            format!("Nothing to do: the control plane has {} already.", assessed.version)
        }
        Readiness::NotReady => {
            let blockers = number(grouped.blockers.len(), "blocker");
            let more = if gaps == 0 { String::new() } else { format!("; {could_not}") };
            format!("Not ready: {blockers}{more}.")
        }
        Readiness::CannotSay => format!("Cannot say: {could_not}."),
        Readiness::Ready if gaps > 0 => {
            format!("Ready, as far as could be seen: {could_not}, which only warn.")
        }
        Readiness::Ready if !grouped.left_out.is_empty() => {
            format!("Ready, with {} left out.", number(grouped.left_out.len(), "source"))
        }
        Readiness::Ready => "Ready.".to_owned(),
    }
}
