//! `instances.json`, `summary.json` and the JSON Lines stream.

use std::collections::BTreeMap;
use std::io::{self, Write};

use fleetwright_model::Gap;
use fleetwright_patch::summary::PatchTotals;
use fleetwright_patch::{CellRead, Host, Inventory, SkippedZone, Summary};
use jiff::Timestamp;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use crate::FORMAT_VERSION;
use crate::record::HostRecord;

/// What happened around a scan, for its reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanFacts {
    /// The scan's id, e.g. `scan-20261101T020000Z`.
    pub scan_id: String,
    /// Version of fleetwright.
    pub fleetwright: String,
    /// Calls sent to AWS, by IAM action.
    pub calls: BTreeMap<String, CallCount>,
}

/// Calls of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Requests sent, retries included.
    pub sent: u64,
    /// Requests AWS throttled.
    pub throttled: u64,
}

/// Machine outputs carry 200 for complete, 206 for partial results and 500 where nothing could be
/// read (REQUIREMENTS RE-9).
fn status(inventory: &Inventory) -> u16 {
    match inventory.gaps.is_empty() {
        true => 200,
        false if inventory.is_blind() => 500,
        false => 206,
    }
}

#[derive(Serialize)]
struct InventoryDocument<'a> {
    format: String,
    scan: ScanHeader<'a>,
    #[serde(serialize_with = "hosts")]
    instances: &'a [Host],
    gaps: &'a [Gap],
}

#[derive(Serialize)]
struct ScanHeader<'a> {
    scan_id: &'a str,
    fleetwright: &'a str,
    started: Timestamp,
    finished: Timestamp,
    status: u16,
    exit_code: u8,
}

impl<'a> ScanHeader<'a> {
    fn of(inventory: &Inventory, facts: &'a ScanFacts) -> Self {
        Self {
            scan_id: &facts.scan_id,
            fleetwright: &facts.fleetwright,
            started: inventory.started,
            finished: inventory.finished,
            status: status(inventory),
            exit_code: inventory.outcome().exit.number(),
        }
    }
}

fn hosts<S: Serializer>(hosts: &[Host], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(hosts.len()))?;
    for host in hosts {
        sequence.serialize_element(&HostRecord::of(host))?;
    }
    sequence.end()
}

/// Writes `instances.json`: the whole inventory, host by host, never all of it in memory as text.
///
/// # Errors
/// What the writer says.
pub fn write_inventory(mut writer: impl Write, inventory: &Inventory, facts: &ScanFacts) -> io::Result<()> {
    let document = InventoryDocument {
        format: format!("fleetwright.inventory/{FORMAT_VERSION}"),
        scan: ScanHeader::of(inventory, facts),
        instances: &inventory.hosts,
        gaps: &inventory.gaps,
    };
    serde_json::to_writer(&mut writer, &document)?;
    writer.write_all(b"\n")
}

#[derive(Serialize)]
struct SummaryDocument<'a> {
    format: String,
    scan: ScanHeader<'a>,
    instances: usize,
    filtered: usize,
    landing_zones: usize,
    regions: usize,
    regions_incomplete: usize,
    eligibility: BTreeMap<&'static str, usize>,
    reasons: BTreeMap<&'static str, ReasonCount>,
    status: &'a BTreeMap<&'static str, usize>,
    platforms: &'a BTreeMap<&'static str, usize>,
    ssm_agents: &'a BTreeMap<&'static str, usize>,
    by_landing_zone: &'a BTreeMap<String, usize>,
    patches: &'a PatchTotals,
    cells: &'a [CellRead],
    skipped: &'a [SkippedZone],
    calls: &'a BTreeMap<String, CallCount>,
    gaps: &'a [Gap],
}

#[derive(Serialize)]
struct ReasonCount {
    title: &'static str,
    instances: usize,
}

fn summary_document<'a>(
    inventory: &'a Inventory,
    summary: &'a Summary,
    facts: &'a ScanFacts,
) -> SummaryDocument<'a> {
    SummaryDocument {
        format: format!("fleetwright.scan-summary/{FORMAT_VERSION}"),
        scan: ScanHeader::of(inventory, facts),
        instances: summary.hosts,
        filtered: summary.filtered,
        landing_zones: summary.zones,
        regions: summary.cells,
        regions_incomplete: summary.cells_incomplete,
        eligibility: summary.verdicts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect(),
        reasons: summary
            .findings
            .iter()
            .map(|(id, (code, count))| (*id, ReasonCount { title: code.title, instances: *count }))
            .collect(),
        status: &summary.states,
        platforms: &summary.platforms,
        ssm_agents: &summary.agents,
        by_landing_zone: &summary.by_zone,
        patches: &summary.patches,
        cells: &inventory.cells,
        skipped: &inventory.skipped,
        calls: &facts.calls,
        gaps: &inventory.gaps,
    }
}

/// Writes `summary.json`.
///
/// # Errors
/// What the writer says.
pub fn write_summary(
    mut writer: impl Write,
    inventory: &Inventory,
    summary: &Summary,
    facts: &ScanFacts,
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, &summary_document(inventory, summary, facts))?;
    writer.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Instance(&'a HostRecord),
    Gap(&'a Gap),
    Summary(Box<SummaryDocument<'a>>),
}

/// Writes the JSON Lines stream: a line per host, a line per gap, and the summary as the last line,
/// so that a reader that never sees it knows that the stream was cut off.
///
/// # Errors
/// What the writer says.
pub fn write_lines(
    mut writer: impl Write,
    inventory: &Inventory,
    summary: &Summary,
    facts: &ScanFacts,
) -> io::Result<()> {
    let mut line = |line: &Line<'_>| {
        serde_json::to_writer(&mut writer, line)?;
        writer.write_all(b"\n")
    };
    for host in &inventory.hosts {
        line(&Line::Instance(&HostRecord::of(host)))?;
    }
    for gap in &inventory.gaps {
        line(&Line::Gap(gap))?;
    }
    line(&Line::Summary(Box::new(summary_document(inventory, summary, facts))))
}
