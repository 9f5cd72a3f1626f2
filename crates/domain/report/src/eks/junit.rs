//! An assessment as `junit.xml`: a family is a suite, a check (for each hop it was asked about) a test case.
//!
//! A finding from the severity on that the caller names is a failure. What could not be looked at is an *error* where the
//! check could have found something as grave: a pipeline must not be green over something that nobody saw. It is *skipped*
//! where the check only warns below that severity, and where the source was left out on purpose. Suppressed findings are
//! skipped, with their reason; findings below the severity pass, and are told in the case's output.
//! Source: the Jenkins xUnit schema `junit-10.xsd`, as for runs.

use std::fmt::{self, Write};

use fleetwright_eks::check::CheckResult;
use fleetwright_eks::checks::find;
use fleetwright_eks::{Family, Finding, Severity, Unread, Verdict};

use super::{Assessed, text};
use crate::views::xml::content;

/// What a case comes to.
enum Case<'a> {
    Passed { told: Vec<&'a Finding> },
    Skipped { why: String },
    Failure { findings: Vec<&'a Finding>, unread: &'a [Unread] },
    Error { unread: &'a [Unread] },
}

/// The assessment as JUnit XML. Findings of at least this severity are failures.
pub fn assessment(assessed: &Assessed<'_>, failing: Severity) -> String {
    let mut text = String::new();
    write(&mut text, assessed, failing).expect("writing to a string");
    text
}

fn write(out: &mut String, assessed: &Assessed<'_>, failing: Severity) -> fmt::Result {
    let results = assessed.assessment.results.iter();
    let cases: Vec<(&CheckResult, Case<'_>)> =
        results.map(|result| (result, judge(result, failing))).collect();
    let name = format!("{} {}", assessed.cluster.name, assessed.way());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{}\"{}>", content(&name), numbers(cases.iter(), true))?;
    let at = assessed.at.strftime("%Y-%m-%dT%H:%M:%S");
    for family in Family::ALL {
        let of: Vec<_> = cases.iter().filter(|(it, _)| Family::of(it.code) == Some(family)).collect();
        if of.is_empty() {
            continue;
        }
        let counts = numbers(of.iter().copied(), false);
        writeln!(
            out,
            "<testsuite name=\"{}\"{counts} time=\"0\" timestamp=\"{at}\">",
            content(family.title())
        )?;
        of.into_iter().try_for_each(|(result, case)| write_case(out, assessed, result, case))?;
        writeln!(out, "</testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn judge(result: &CheckResult, failing: Severity) -> Case<'_> {
    let (findings, unread) = match &result.verdict {
        Verdict::Pass => (&[][..], &[][..]),
        Verdict::Finding { findings, unread } => (findings.as_slice(), unread.as_slice()),
        Verdict::NotEvaluated { unread } => (&[][..], unread.as_slice()),
    };
    let open: Vec<&Finding> = findings.iter().filter(|finding| finding.suppressed.is_none()).collect();
    let grave: Vec<&Finding> = open.iter().copied().filter(|finding| finding.severity >= failing).collect();
    if !grave.is_empty() {
        return Case::Failure { findings: grave, unread };
    }
    let could_fail = find(result.code).is_none_or(|check| check.severity >= failing);
    if could_fail && unread.iter().any(|unread| !unread.was_left_out()) {
        return Case::Error { unread };
    }
    let reasons = findings.iter().filter_map(|finding| finding.suppressed.as_deref());
    let reasons = reasons.map(|reason| format!("suppressed: {reason}"));
    let why: Vec<String> = reasons.chain(unread.iter().map(text::unread)).collect();
    match (open.is_empty(), why.is_empty()) {
        (true, false) => Case::Skipped { why: why.join("; ") },
        _ => Case::Passed { told: open },
    }
}

fn numbers<'a>(cases: impl Iterator<Item = &'a (&'a CheckResult, Case<'a>)>, outer: bool) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (_, case) in cases {
        tests += 1;
        match case {
            Case::Passed { .. } => {}
            Case::Skipped { .. } => skipped += 1,
            Case::Failure { .. } => failures += 1,
            Case::Error { .. } => errors += 1,
        }
    }
    let counts = format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    // The schema knows no `skipped` on the outermost element.
    if outer { counts } else { format!("{counts} skipped=\"{skipped}\"") }
}

fn write_case(
    out: &mut String,
    assessed: &Assessed<'_>,
    result: &CheckResult,
    case: &Case<'_>,
) -> fmt::Result {
    let cluster = assessed.cluster;
    let class = format!("{}.{}.{}", cluster.account, cluster.region, cluster.name);
    let title = find(result.code).map_or("", |check| check.title);
    let hop = result.hop.map(|hop| format!(" (hop to {})", hop.to)).unwrap_or_default();
    let name = format!("{} {title}{hop}", result.code);
    write!(out, "<testcase classname=\"{}\" name=\"{}\" time=\"0\">", content(&class), content(&name))?;
    let code = content(result.code);
    match case {
        Case::Passed { told } if told.is_empty() => {}
        Case::Passed { told } => write!(out, "<system-out>{}</system-out>", content(&lines(told, &[])))?,
        Case::Skipped { why } => write!(out, "<skipped message=\"{}\"/>", content(why))?,
        Case::Failure { findings, unread } => {
            let message = format!("{}: {}", findings[0].subject, findings[0].what);
            let details = lines(findings, unread);
            write!(out, "<failure type=\"{code}\" message=\"{}\">", content(&message))?;
            write!(out, "{}</failure>", content(&details))?;
        }
        Case::Error { unread } => {
            let details = lines(&[], unread);
            write!(
                out,
                "<error type=\"{code}\" message=\"could not be checked\">{}</error>",
                content(&details)
            )?;
        }
    }
    writeln!(out, "</testcase>")
}

fn lines(findings: &[&Finding], unread: &[Unread]) -> String {
    let found =
        findings.iter().map(|it| format!("{}: {} ({})\n  {}", it.subject, it.what, it.evidence, it.remedy));
    let gaps = unread.iter().map(|it| format!("could not be checked: {}", text::unread(it)));
    found.chain(gaps).collect::<Vec<_>>().join("\n")
}
