//! `errors.txt`: everything that went wrong, by code, with what to do next.

use std::fmt::{self, Write};

use crate::evidence::{ErrorSubject, RunRecord};
use crate::safe;
use crate::text::number;

/// Instances are named up to this many for each code; the tables have them all.
const NAMED_AT_MOST: usize = 10;

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut impl Write, record: &RunRecord<'_>) -> fmt::Result {
    let header = &record.header;
    let verdict = header.reason.unwrap_or("complete");
    writeln!(out, "Errors of {}: {verdict}; {}", header.run, number(record.hosts.len(), "instance"))?;
    if let (Some(code), Some(next)) = (header.code, header.next_step) {
        writeln!(out, "  {code}: {next}")?;
    }
    if record.errors.is_empty() {
        return writeln!(out, "\nNothing went wrong.");
    }
    let headings = [
        (ErrorSubject::Host, "On instances of the run"),
        (ErrorSubject::LeftOut, "Instances that were left out of it"),
        (ErrorSubject::Gap, "Parts of the fleet that could not be read"),
    ];
    for (subject, heading) in headings {
        let mut groups = record.errors.iter().filter(|group| group.subject == subject).peekable();
        if groups.peek().is_none() {
            continue;
        }
        writeln!(out, "\n{heading}")?;
        for group in groups {
            let class = group.class.map(|class| format!(" ({class})")).unwrap_or_default();
            writeln!(out, "\n  {} {}{class}", safe::line(&group.code), group.title)?;
            let (met, decided) = (group.hosts.len(), group.decided);
            match subject {
                ErrorSubject::Host => writeln!(
                    out,
                    "    {} met it, it decided about {decided}; {}",
                    number(met, "instance"),
                    number(group.attempts as usize, "failed attempt")
                )?,
                ErrorSubject::LeftOut => writeln!(out, "    {}", number(decided as usize, "instance"))?,
                ErrorSubject::Gap => writeln!(out, "    {}", number(group.attempts as usize, "part"))?,
            }
            if !group.meaning.is_empty() {
                writeln!(out, "    what it means: {}", group.meaning)?;
                writeln!(out, "    what to do:    {}", group.next_step)?;
            }
            if let Some(example) = &group.example {
                writeln!(out, "    for example:   {}", safe::line(example))?;
            }
            write_hosts(out, record, &group.hosts)?;
        }
    }
    Ok(())
}

fn write_hosts(out: &mut impl Write, record: &RunRecord<'_>, places: &[u32]) -> fmt::Result {
    for place in places.iter().take(NAMED_AT_MOST) {
        let Some(host) = record.hosts.get(*place as usize) else { continue };
        let name = host.name().map(|name| format!(" {}", safe::line(name))).unwrap_or_default();
        let (id, outcome) = (&host.planned.id, host.outcome.as_str().replace('_', " "));
        writeln!(out, "      {id}{name} ({} {}): {outcome}", safe::line(host.zone.as_str()), host.region)?;
    }
    match places.len().saturating_sub(NAMED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "      … and {more} more; csv/timeline.csv has them all"),
    }
}
