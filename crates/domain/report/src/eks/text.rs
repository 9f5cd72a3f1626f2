//! An assessment for a terminal: the verdict, what to do, what nobody could see, and only then what is well.

use std::fmt::{self, Write};

use fleetwright_eks::{Suppression, Unread, UnreadCause};

use super::grouped::{Found, Gap, Grouped, by_check, hops};
use super::outline::{Section, sections};
use super::{Assessed, TableAge, headline};
use crate::safe;
use crate::text::{number, time};

/// Findings of one check are listed up to this many; the JSON has them all.
const LISTED_AT_MOST: usize = 12;

/// The assessment as text.
pub fn assessment(assessed: &Assessed<'_>) -> String {
    let mut text = String::new();
    write(&mut text, assessed).expect("writing to a string");
    text
}

fn write(out: &mut String, assessed: &Assessed<'_>) -> fmt::Result {
    let grouped = Grouped::of(assessed.assessment);
    let cluster = assessed.cluster;
    writeln!(out, "{}", headline::told(assessed, &grouped))?;
    writeln!(
        out,
        "  cluster {} in {} (account {}): {}",
        safe::line(cluster.name),
        cluster.region,
        cluster.account,
        assessed.way()
    )?;
    writeln!(out, "  read {}; {}", time(assessed.at), TableAge::bundled().told())?;
    if let Some(target) = assessed.beyond_table() {
        writeln!(out, "  the table does not reach {target}: what that version removes is not known here")?;
    }
    sections(assessed, &grouped).iter().try_for_each(|section| write_section(out, section))
}

fn write_section(out: &mut String, section: &Section<'_>) -> fmt::Result {
    match section {
        Section::Findings(title, list) => write_findings(out, title, list),
        Section::Gaps(title, gaps) => write_gaps(out, title, gaps),
        Section::Suppressions { title, meaning, list } => {
            writeln!(out, "\n{title}: {meaning} ({})", number(list.len(), "suppression"))?;
            list.iter().try_for_each(|it| writeln!(out, "  {}", suppression(it)))
        }
        Section::Checks(families) => {
            writeln!(out, "\nChecks")?;
            families
                .iter()
                .try_for_each(|(family, tally)| writeln!(out, "  {}: {}", family.title(), tally.told()))
        }
    }
}

fn write_findings(out: &mut String, title: &str, list: &[Found<'_>]) -> fmt::Result {
    writeln!(out, "\n{title} ({})", list.len())?;
    for (check, found) in by_check(list) {
        writeln!(out, "  {} {}", found[0].code, check.map_or("", |check| check.title))?;
        for one in found.iter().take(LISTED_AT_MOST) {
            write_finding(out, one)?;
        }
        if found.len() > LISTED_AT_MOST {
            writeln!(out, "    … and {} more; the JSON has them all", found.len() - LISTED_AT_MOST)?;
        }
        writeln!(out, "    → {}", safe::line(&found[0].finding.remedy))?;
    }
    Ok(())
}

fn write_finding(out: &mut String, found: &Found<'_>) -> fmt::Result {
    let finding = found.finding;
    write!(out, "    {}: {}", safe::line(&finding.subject), safe::line(&finding.what))?;
    if !finding.evidence.is_empty() {
        write!(out, " ({})", safe::line(&finding.evidence))?;
    }
    if let Some(hops) = hops(found) {
        write!(out, " [{hops}]")?;
    }
    match &finding.suppressed {
        Some(reason) => writeln!(out, "\n      suppressed: {}", safe::line(reason)),
        None => writeln!(out),
    }
}

fn write_gaps(out: &mut String, title: &str, gaps: &[Gap<'_>]) -> fmt::Result {
    writeln!(out, "\n{title} ({})", gaps.len())?;
    for gap in gaps {
        writeln!(out, "  {}", unread(gap.unread))?;
        writeln!(
            out,
            "    {} {}",
            if gap.codes.len() == 1 { "for" } else { "for each of" },
            gap.codes.join(", ")
        )?;
    }
    Ok(())
}

/// Why something is not known, on a line.
pub(super) fn unread(unread: &Unread) -> String {
    format!("{}: {}", cause(unread.cause), safe::line(&unread.detail))
}

/// A reason for not knowing in words.
pub(super) const fn cause(cause: UnreadCause) -> &'static str {
    match cause {
        UnreadCause::Denied => "access denied",
        UnreadCause::Unsupported => "not offered here",
        UnreadCause::Failed => "failed",
        UnreadCause::NotAsked => "not asked",
        UnreadCause::Incomplete => "not enough to judge by",
    }
}

/// A suppression on a line.
pub(super) fn suppression(it: &Suppression) -> String {
    let subject = it.subject.as_deref().unwrap_or("everything");
    format!(
        "{} {}, until {}: {}",
        safe::line(&it.code),
        safe::line(subject),
        time(it.expires_at),
        safe::line(&it.reason)
    )
}
