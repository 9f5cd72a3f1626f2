//! The results of an assessment as people read them: what several hops have in common is said once.

use std::collections::BTreeMap;

use fleetwright_eks::check::Check;
use fleetwright_eks::checks::find;
use fleetwright_eks::{Assessment, Family, Finding, Severity, Unread, Verdict};
use fleetwright_kubernetes::Hop;

/// A finding, and the hops it is about.
pub(super) struct Found<'a> {
    pub(super) code: &'static str,
    pub(super) finding: &'a Finding,
    /// None where it is about the cluster as it is.
    pub(super) hops: Vec<Hop>,
}

/// Something that could not be looked at, and the checks that wanted to.
pub(super) struct Gap<'a> {
    pub(super) unread: &'a Unread,
    pub(super) codes: Vec<&'static str>,
}

/// How a family came off: numbers of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// That were asked.
    pub(super) asked: usize,
    /// That passed for every hop.
    pub(super) passed: usize,
    /// That found something, suppressed or not.
    pub(super) found: usize,
    /// That could not look at everything.
    pub(super) unread: usize,
}

/// Everything an assessment says, in the order it is told.
pub(super) struct Grouped<'a> {
    pub(super) blockers: Vec<Found<'a>>,
    pub(super) warnings: Vec<Found<'a>>,
    pub(super) suppressed: Vec<Found<'a>>,
    /// What could not be looked at, though it was asked.
    pub(super) gaps: Vec<Gap<'a>>,
    /// What somebody decided not to look at.
    pub(super) left_out: Vec<Gap<'a>>,
    pub(super) families: BTreeMap<Family, Tally>,
}

impl<'a> Grouped<'a> {
    pub(super) fn of(assessment: &'a Assessment) -> Self {
        let mut grouped = Self {
            blockers: Vec::new(),
            warnings: Vec::new(),
            suppressed: Vec::new(),
            gaps: Vec::new(),
            left_out: Vec::new(),
            families: families(assessment),
        };
        for result in &assessment.results {
            let Verdict::Finding { findings, .. } = &result.verdict else { continue };
            for finding in findings {
                grouped.list(finding).push_or_join(result.code, finding, result.hop);
            }
        }
        for (code, unread) in assessment.unread() {
            let list = if unread.was_left_out() { &mut grouped.left_out } else { &mut grouped.gaps };
            match list.iter_mut().find(|gap| gap.unread == unread) {
                Some(gap) if gap.codes.contains(&code) => {}
                Some(gap) => gap.codes.push(code),
                None => list.push(Gap { unread, codes: vec![code] }),
            }
        }
        grouped
    }

    fn list(&mut self, finding: &Finding) -> &mut Vec<Found<'a>> {
        match (&finding.suppressed, finding.severity) {
            (Some(_), _) => &mut self.suppressed,
            (None, Severity::Blocking) => &mut self.blockers,
            (None, Severity::Warning) => &mut self.warnings,
        }
    }

    /// Checks that could not look at everything, by code, each once.
    pub(super) fn checks_with_gaps(&self) -> usize {
        let mut codes: Vec<&str> = self.gaps.iter().flat_map(|gap| gap.codes.iter().copied()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.len()
    }
}

trait PushOrJoin<'a> {
    fn push_or_join(&mut self, code: &'static str, finding: &'a Finding, hop: Option<Hop>);
}

impl<'a> PushOrJoin<'a> for Vec<Found<'a>> {
    /// The same about the same of another hop is one finding: it is told as of the first of them.
    fn push_or_join(&mut self, code: &'static str, finding: &'a Finding, hop: Option<Hop>) {
        let same = |found: &&mut Found<'_>| {
            let (one, other) = (found.finding, finding);
            found.code == code
                && one.subject == other.subject
                && one.evidence == other.evidence
                && one.suppressed == other.suppressed
                && hop.is_some_and(|hop| !found.hops.contains(&hop))
        };
        match (self.iter_mut().find(same), hop) {
            (Some(found), Some(hop)) => found.hops.push(hop),
            _ => self.push(Found { code, finding, hops: hop.into_iter().collect() }),
        }
    }
}

fn families(assessment: &Assessment) -> BTreeMap<Family, Tally> {
    let mut checks: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for result in &assessment.results {
        let (found, unread) = checks.entry(result.code).or_default();
        match &result.verdict {
            Verdict::Pass => {}
            Verdict::NotEvaluated { .. } => *unread = true,
            Verdict::Finding { unread: gaps, .. } => {
                *found = true;
                *unread |= !gaps.is_empty();
            }
        }
    }
    let mut families: BTreeMap<Family, Tally> = BTreeMap::new();
    for (code, (found, unread)) in checks {
        let Some(family) = Family::of(code) else { continue };
        let tally = families.entry(family).or_default();
        tally.asked += 1;
        tally.passed += usize::from(!found && !unread);
        tally.found += usize::from(found);
        tally.unread += usize::from(unread);
    }
    families
}

/// The findings of each check, in their order, with the check.
pub(super) fn by_check<'f, 'a>(list: &'f [Found<'a>]) -> Vec<(Option<&'static Check>, &'f [Found<'a>])> {
    list.chunk_by(|one, other| one.code == other.code).map(|chunk| (find(chunk[0].code), chunk)).collect()
}

/// The hops of a finding on a line, such as `hops to 1.35, 1.36`; nothing for the cluster as it is.
pub(super) fn hops(found: &Found<'_>) -> Option<String> {
    let noun = if found.hops.len() == 1 { "hop" } else { "hops" };
    let to = found.hops.iter().map(|hop| hop.to.to_string()).collect::<Vec<_>>().join(", ");
    (!found.hops.is_empty()).then(|| format!("{noun} to {to}"))
}

impl Tally {
    /// On a line: `all 7 passed`, `5 of 7 passed, 1 found something, 1 could not look`.
    pub(super) fn told(self) -> String {
        if self.passed == self.asked {
            return format!("all {} passed", self.asked);
        }
        let mut parts = vec![format!("{} of {} passed", self.passed, self.asked)];
        if self.found > 0 {
            parts.push(format!("{} found something", self.found));
        }
        if self.unread > 0 {
            parts.push(format!("{} could not look at everything", self.unread));
        }
        parts.join(", ")
    }
}
