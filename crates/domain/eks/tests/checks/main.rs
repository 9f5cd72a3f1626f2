//! Every check of the catalogue: failing, passing, and where it cannot be evaluated.

mod assessments;
mod own_groups;
mod special;
mod table;
mod world;

use fleetwright_eks::{Assessment, Fact, Facts, Finding, UnreadCause, Verdict, assess};
use fleetwright_kubernetes::Minor;

/// All checks about the hop from this minor to the next.
fn one_hop(facts: &Facts, from: u16) -> Assessment {
    let route = Minor::new(from).hops_to(Minor::new(from + 1)).expect("upwards");
    assess(facts, &route, world::now(), &[])
}

/// What a check said.
fn verdict(assessment: &Assessment, code: &str) -> Verdict {
    let result = assessment.results.iter().find(|result| result.code == code);
    result.unwrap_or_else(|| panic!("{code} was not asked")).verdict.clone()
}

/// What a check found about the hop from this minor.
fn findings(facts: &Facts, from: u16, code: &str) -> Vec<Finding> {
    match verdict(&one_hop(facts, from), code) {
        Verdict::Finding { findings, .. } => findings,
        Verdict::Pass | Verdict::NotEvaluated { .. } => Vec::new(),
    }
}

/// Makes a fact one that could not be read.
fn hide<T>(fact: &mut Fact<T>) {
    *fact = Fact::unread(UnreadCause::Denied, "hidden by the test");
}

/// The value of a fact.
fn of<T>(fact: &mut Fact<T>) -> &mut T {
    match fact {
        Fact::Known(value) => value,
        Fact::NotRead(unread) => panic!("known in a healthy world: {unread:?}"),
    }
}
