//! An assessment as Markdown, for a change record, a pull request or a wiki.

use std::fmt::{self, Write};

use super::grouped::{Found, Gap, Grouped, by_check, hops};
use super::outline::{Section, sections};
use super::{Assessed, TableAge, headline, text};
use crate::safe;
use crate::text::time;

/// The assessment as Markdown.
pub fn assessment(assessed: &Assessed<'_>) -> String {
    let mut text = String::new();
    write(&mut text, assessed).expect("writing to a string");
    text
}

fn write(out: &mut String, assessed: &Assessed<'_>) -> fmt::Result {
    let grouped = Grouped::of(assessed.assessment);
    let cluster = assessed.cluster;
    writeln!(out, "# Readiness of {} for {}\n", safe::markdown(cluster.name), assessed.target())?;
    writeln!(out, "**{}**\n", headline::told(assessed, &grouped))?;
    writeln!(
        out,
        "- Cluster: {}, {}, account {}",
        safe::code_span(cluster.name),
        cluster.region,
        cluster.account
    )?;
    writeln!(out, "- Way: {}", assessed.way())?;
    writeln!(out, "- Read: {}, by fleetwright {}", time(assessed.at), safe::markdown(assessed.program))?;
    writeln!(out, "- Judged by: {}", TableAge::bundled().told())?;
    if let Some(target) = assessed.beyond_table() {
        writeln!(out, "- The table does not reach {target}: what that version removes is not known here")?;
    }
    sections(assessed, &grouped).iter().try_for_each(|section| write_section(out, section))
}

fn write_section(out: &mut String, section: &Section<'_>) -> fmt::Result {
    match section {
        Section::Findings(title, list) => write_findings(out, title, list),
        Section::Gaps(title, gaps) => write_gaps(out, title, gaps),
        Section::Suppressions { title, meaning, list } => {
            writeln!(out, "\n## {title}: {meaning}\n")?;
            list.iter().try_for_each(|it| writeln!(out, "- {}", safe::markdown(&text::suppression(it))))
        }
        Section::Checks(families) => {
            writeln!(out, "\n## Checks\n\n| family | asked | passed | found something | could not look |")?;
            writeln!(out, "|---|---:|---:|---:|---:|")?;
            for (family, tally) in families.iter() {
                let (asked, passed, found, unread) = (tally.asked, tally.passed, tally.found, tally.unread);
                writeln!(out, "| {} | {asked} | {passed} | {found} | {unread} |", family.title())?;
            }
            Ok(())
        }
    }
}

fn write_findings(out: &mut String, title: &str, list: &[Found<'_>]) -> fmt::Result {
    writeln!(out, "\n## {title} ({})", list.len())?;
    for (check, found) in by_check(list) {
        let (about, why) = check.map_or(("", ""), |check| (check.title, check.why));
        writeln!(out, "\n### {}: {}\n\n{}\n", found[0].code, safe::markdown(about), safe::markdown(why))?;
        found.iter().try_for_each(|one| write_finding(out, one))?;
        writeln!(out, "\nWhat to do: {}", safe::markdown(&found[0].finding.remedy))?;
    }
    Ok(())
}

fn write_finding(out: &mut String, found: &Found<'_>) -> fmt::Result {
    let finding = found.finding;
    write!(out, "- {}: {}", safe::code_span(&finding.subject), safe::markdown(&finding.what))?;
    if !finding.evidence.is_empty() {
        write!(out, " ({})", safe::code_span(&finding.evidence))?;
    }
    if let Some(hops) = hops(found) {
        write!(out, ", {hops}")?;
    }
    match &finding.suppressed {
        Some(reason) => writeln!(out, "; suppressed: {}", safe::markdown(reason)),
        None => writeln!(out),
    }
}

fn write_gaps(out: &mut String, title: &str, gaps: &[Gap<'_>]) -> fmt::Result {
    writeln!(out, "\n## {title} ({})\n", gaps.len())?;
    for gap in gaps {
        let (cause, detail) = (text::cause(gap.unread.cause), safe::code_span(&gap.unread.detail));
        writeln!(out, "- {cause}: {detail}, for {}", gap.codes.join(", "))?;
    }
    Ok(())
}
