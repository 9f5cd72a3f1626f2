//! Asking every check of the catalogue.

use fleetwright_kubernetes::Hop;
use jiff::Timestamp;
use serde::Serialize;

use super::{Check, Context, Examination, Finding, Scope, Severity, Suppression, Verdict};
use crate::checks::catalogue;
use crate::facts::{Facts, Unread};

/// What a check said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The check's code.
    pub code: &'static str,
    /// The hop it was asked about; `None` for the cluster as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<Hop>,
    /// What it said.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What all checks said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Results in the order of the catalogue, then of the hops. A check that is about no hop is not among them.
    pub results: Vec<CheckResult>,
    /// Suppressions that ended and would have covered a finding.
    pub expired: Vec<Suppression>,
    /// Suppressions that hold and cover nothing: they can go.
    pub unused: Vec<Suppression>,
}

/// Asks every check about a way of one or more hops. Without a hop there is nothing to be ready for, and no result.
pub fn assess(facts: &Facts, route: &[Hop], at: Timestamp, suppressions: &[Suppression]) -> Assessment {
    let mut results = Vec::new();
    for check in catalogue() {
        match check.scope {
            Scope::Cluster => {
                // It is asked once, if it is about any hop.
                if let (Some(&first), true) = (route.first(), route.iter().any(|hop| check.applies_to(*hop)))
                {
                    let context = Context { facts, hop: first, route, at };
                    results.push(CheckResult { code: check.code, hop: None, verdict: ask(check, &context) });
                }
            }
            Scope::Hop => {
                for &hop in route.iter().filter(|hop| check.applies_to(**hop)) {
                    let verdict = ask(check, &Context { facts, hop, route, at });
                    results.push(CheckResult { code: check.code, hop: Some(hop), verdict });
                }
            }
        }
    }
    suppress(results, at, suppressions)
}

fn ask(check: &Check, context: &Context<'_>) -> Verdict {
    let mut examination = Examination::new(check);
    (check.evaluate)(context, &mut examination);
    examination.verdict()
}

fn suppress(mut results: Vec<CheckResult>, at: Timestamp, suppressions: &[Suppression]) -> Assessment {
    let mut used = vec![false; suppressions.len()];
    for result in &mut results {
        let Verdict::Finding { findings, .. } = &mut result.verdict else { continue };
        for finding in findings {
            let covering = |(_, of): &(usize, &Suppression)| of.covers(result.code, &finding.subject);
            for (index, suppression) in suppressions.iter().enumerate().filter(covering) {
                used[index] = true;
                if suppression.holds(at) && finding.suppressed.is_none() {
                    finding.suppressed = Some(suppression.reason.clone());
                }
            }
        }
    }
    let pick = |wanted: fn(bool, bool) -> bool| {
        let of = suppressions.iter().zip(&used).filter(|(of, used)| wanted(of.holds(at), **used));
        of.map(|(suppression, _)| suppression.clone()).collect()
    };
    let expired = pick(|holds, used| !holds && used);
    let unused = pick(|holds, used| holds && !used);
    Assessment { results, expired, unused }
}

impl Assessment {
    /// Findings that are not suppressed, with the code of their check.
    pub fn open(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        self.results.iter().flat_map(|result| {
            let findings = match &result.verdict {
                Verdict::Finding { findings, .. } => findings.as_slice(),
                Verdict::Pass | Verdict::NotEvaluated { .. } => &[],
            };
            findings.iter().filter(|finding| finding.suppressed.is_none()).map(|of| (result.code, of))
        })
    }

    /// Open findings that the upgrade does not start over.
    pub fn blockers(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        self.open().filter(|(_, finding)| finding.severity == Severity::Blocking)
    }

    /// What could not be looked at, with the code of the check that wanted to.
    pub fn unread(&self) -> impl Iterator<Item = (&'static str, &Unread)> {
        self.results.iter().flat_map(|result| {
            let unread = match &result.verdict {
                Verdict::Finding { unread, .. } | Verdict::NotEvaluated { unread } => unread.as_slice(),
                Verdict::Pass => &[],
            };
            unread.iter().map(|of| (result.code, of))
        })
    }
}
