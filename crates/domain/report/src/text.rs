//! The summary of a scan for people at a terminal.

use std::fmt::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use fleetwright_model::{Gap, Observed};
use fleetwright_patch::summary::agent_status;
use fleetwright_patch::{Host, Inventory, Listing, Summary, Verdict, Weight};
use jiff::Timestamp;

use crate::safe;

/// Hosts are listed one by one up to this many; more are counted, and the CSV has them all.
pub const LISTED_AT_MOST: usize = 40;

/// Writes the summary: verdicts, what stands in the way, gaps with their causes and next steps.
///
/// # Errors
/// What the writer says.
pub fn write_scan(out: &mut impl Write, inventory: &Inventory, summary: &Summary, width: u16) -> fmt::Result {
    let count = |verdict| summary.verdicts.get(&verdict).copied().unwrap_or_default();
    let unread = match summary.cells_incomplete {
        0 => String::new(),
        count => format!(", {} not read completely", number(count, "region")),
    };
    writeln!(
        out,
        "{} in {} of {}{unread}",
        number(summary.hosts, "instance"),
        number(summary.cells, "region"),
        number(summary.zones, "landing zone"),
    )?;
    writeln!(
        out,
        "  {} can be patched now, {} after a start, {} cannot, {} could not be judged",
        count(Verdict::Eligible),
        count(Verdict::AfterStart),
        count(Verdict::Blocked),
        count(Verdict::Unknown),
    )?;
    if summary.filtered > 0 {
        writeln!(
            out,
            "  {} left out by name, tag or platform filters",
            number(summary.filtered, "instance")
        )?;
    }
    write_patches(out, summary)?;
    if summary.hosts > 0 && summary.hosts <= LISTED_AT_MOST {
        writeln!(out, "\n{}", host_table(&inventory.hosts, width))?;
    }
    write_findings(out, summary, width)?;
    write_zones(out, inventory, width)?;
    for zone in &inventory.skipped {
        writeln!(out, "Skipped: {} ({}): {}", safe::line(zone.zone.as_str()), zone.account, zone.reason)?;
    }
    write_gaps(out, &inventory.gaps)
}

/// A time on a line for people, to the second.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// "1 region", "2 regions".
pub(crate) fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn write_patches(out: &mut impl Write, summary: &Summary) -> fmt::Result {
    let patches = &summary.patches;
    if patches.hosts_with_state > 0 {
        writeln!(
            out,
            "  {} of {} with a patch state miss patches ({} in all, {} critical, {} security); {} wait for a reboot",
            patches.hosts_missing_patches,
            patches.hosts_with_state,
            patches.missing,
            patches.critical_non_compliant,
            patches.security_non_compliant,
            patches.hosts_pending_reboot,
        )?;
    }
    if patches.hosts_never_scanned + patches.hosts_not_checked > 0 {
        writeln!(
            out,
            "  {} never scanned for patches, {} not checked",
            patches.hosts_never_scanned, patches.hosts_not_checked,
        )?;
    }
    Ok(())
}

pub(crate) fn table(width: u16, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    table.set_header(header.iter().copied());
    table
}

fn host_table(hosts: &[Host], width: u16) -> Table {
    let mut table =
        table(width, &["landing zone", "region", "instance", "name", "state", "agent", "missing", "verdict"]);
    for host in hosts {
        let missing = match &host.patches {
            Observed::Known(state) => state.missing.to_string(),
            Observed::Absent => "–".to_owned(),
            Observed::NotChecked => "not checked".to_owned(),
        };
        let deciding = host.judgement.findings.first().filter(|finding| finding.weight != Weight::Note);
        let verdict = match deciding {
            Some(finding) => format!("{}: {}", host.judgement.verdict.as_str(), finding.code.title),
            None => host.judgement.verdict.as_str().to_owned(),
        };
        table.add_row([
            safe::line(host.zone.as_str()).into_owned(),
            host.region.to_string(),
            host.instance.id.to_string(),
            safe::line(host.instance.name.as_deref().unwrap_or("–")).into_owned(),
            host.instance.state.to_string(),
            agent_status(host).to_owned(),
            missing,
            verdict,
        ]);
    }
    table
}

fn write_findings(out: &mut impl Write, summary: &Summary, width: u16) -> fmt::Result {
    if summary.findings.is_empty() {
        return Ok(());
    }
    let mut table = table(width, &["instances", "code", "what", "next step"]);
    let mut findings: Vec<_> = summary.findings.values().collect();
    findings.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.id.cmp(b.id)));
    for (code, count) in findings {
        table.add_row([
            count.to_string(),
            code.id.to_owned(),
            code.title.to_owned(),
            code.next_step.to_owned(),
        ]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "\n{table}")
}

fn write_zones(out: &mut impl Write, inventory: &Inventory, width: u16) -> fmt::Result {
    const ROWS_AT_MOST: usize = 40;
    if inventory.cells.is_empty() {
        return Ok(());
    }
    let mut table = table(width, &["landing zone", "account", "region", "instances", "filtered"]);
    for cell in inventory.cells.iter().take(ROWS_AT_MOST) {
        table.add_row([
            safe::line(cell.zone.as_str()).into_owned(),
            cell.account.to_string(),
            cell.region.to_string(),
            match cell.listing {
                Listing::Complete => cell.hosts.to_string(),
                Listing::Partial => format!("{} or more", cell.hosts),
                Listing::NotRead => "not read".to_owned(),
            },
            cell.filtered.to_string(),
        ]);
    }
    writeln!(out, "\n{table}")?;
    match inventory.cells.len().saturating_sub(ROWS_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more; summary.json has them all"),
    }
}

fn write_gaps(out: &mut impl Write, gaps: &[Gap]) -> fmt::Result {
    const LISTED: usize = 50;
    if gaps.is_empty() {
        return writeln!(out, "Nothing was left unread.");
    }
    writeln!(out, "\nCould not be read ({}):", number(gaps.len(), "gap"))?;
    for gap in gaps.iter().take(LISTED) {
        writeln!(out, "  {}", gap_line(gap))?;
    }
    if gaps.len() > LISTED {
        writeln!(out, "  … and {} more; summary.json has them all", gaps.len() - LISTED)?;
    }
    let mut causes: Vec<_> = gaps.iter().map(|gap| gap.failure.code).collect();
    causes.sort_by_key(|code| code.id);
    causes.dedup();
    for code in causes {
        writeln!(out, "  {} {}: {}", code.id, code.title, code.next_step)?;
    }
    Ok(())
}

/// A gap on one line.
pub fn gap_line(gap: &Gap) -> String {
    let mut line = String::new();
    if let Some(zone) = &gap.zone {
        line.push_str(&safe::line(zone.as_str()));
        line.push(' ');
    }
    if let Some(account) = &gap.account {
        line.push_str(&format!("({account}) "));
    }
    if let Some(region) = &gap.region {
        line.push_str(&format!("{region} "));
    }
    line.push_str(gap.subject.as_str());
    if let Some(count) = gap.instances {
        line.push_str(&format!(" of {}", number(count, "instance")));
    }
    line.push_str(": ");
    line.push_str(&safe::line(&gap.failure.to_string()));
    line
}
