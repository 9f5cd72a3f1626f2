//! `fleetwright scan`: read landing zones, look at every instance, write the inventory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_aws::Aws;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Code, Exit, code};
use fleetwright_patch::{Inventory, Summary};
use fleetwright_ports::Clock;
use fleetwright_report::json::{CallCount, ScanFacts, write_inventory, write_lines, write_summary};
use fleetwright_report::{csv, text};
use fleetwright_survey::{Ports, ScanRequest, Stop, scan};
use jiff::Timestamp;

use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::files;
use crate::live::Live;

/// Everything a scan needs, put together.
pub struct Prepared {
    /// What to scan.
    pub request: ScanRequest,
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The user's wish to stop.
    pub stop: Stop,
    /// How long the scan may take.
    pub timeout: Duration,
    /// Where reports go.
    pub reports: Reports,
    /// The form of standard output.
    pub format: OutputFormat,
}

/// Where reports go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reports {
    /// Into this directory.
    Into(PathBuf),
    /// Into a directory of the scan's own under `reports`.
    Own,
    /// Nowhere: the phase is left out.
    None,
}

/// Scans, writes the reports, shows the result.
///
/// # Errors
/// Only what keeps the reports from being written; what could not be read is part of the result.
pub async fn carry_out(prepared: Prepared, console: Console) -> Result<Exit, CommandError> {
    let Prepared { request, aws, clock, stop, timeout, reports, format } = prepared;
    let scan_id = scan_id(clock.now());
    let directory = match reports {
        Reports::Into(directory) => Some(directory),
        Reports::Own => Some(Path::new("reports").join(&scan_id)),
        Reports::None => None,
    };
    if let Some(directory) = &directory {
        // A directory that cannot be written is found out before the work, not after it.
        files::make_directory(directory)?;
    }
    let stop = stop.or_on(time_out(Arc::clone(&clock), timeout));
    let live = Live::new(&console);
    let ports = Ports { accounts: &aws, machines: &aws, clock: clock.as_ref() };
    let inventory = scan(ports, &request, &stop, &|progress| live.tell(&progress)).await;
    live.finish();

    let summary = Summary::of(&inventory);
    let facts = ScanFacts { scan_id, fleetwright: env!("CARGO_PKG_VERSION").to_owned(), calls: calls(&aws) };
    if let Some(directory) = &directory {
        write_reports(directory, &inventory, &summary, &facts)?;
    }
    show(&inventory, &summary, &facts, format, console)?;
    if let Some(directory) = &directory {
        let directory = directory.display();
        console.note(&format!(
            "reports: {directory}/instances.csv, {directory}/instances.json, {directory}/summary.json"
        ));
    }
    Ok(concluded(&inventory, console))
}

/// Becomes ready when a scan has taken too long.
pub async fn time_out(clock: Arc<dyn Clock>, timeout: Duration) -> &'static Code {
    clock.sleep(timeout).await;
    &code::SCAN_TIMEOUT
}

/// `scan-20261101T020000Z`: sorts by time and is a good name of a directory.
fn scan_id(now: Timestamp) -> String {
    format!("scan-{}", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// Calls sent up to now, by IAM action.
pub fn calls(aws: &Aws) -> std::collections::BTreeMap<String, CallCount> {
    let usage = aws.usage();
    let count = |usage: &fleetwright_aws::OperationUsage| CallCount {
        sent: usage.attempts,
        throttled: usage.throttles,
    };
    usage.operations.iter().map(|(action, usage)| ((*action).to_owned(), count(usage))).collect()
}

fn write_reports(
    directory: &Path,
    inventory: &Inventory,
    summary: &Summary,
    facts: &ScanFacts,
) -> Result<(), CommandError> {
    files::write_atomically(&directory.join("instances.csv"), |file| {
        csv::write_instances(file, &inventory.hosts)
    })?;
    files::write_atomically(&directory.join("instances.json"), |file| {
        write_inventory(file, inventory, facts)
    })?;
    files::write_atomically(&directory.join("summary.json"), |file| {
        write_summary(file, inventory, summary, facts)
    })
}

fn show(
    inventory: &Inventory,
    summary: &Summary,
    facts: &ScanFacts,
    format: OutputFormat,
    console: Console,
) -> Result<(), CommandError> {
    match format {
        OutputFormat::Text => {
            let mut written = String::new();
            text::write_scan(&mut written, inventory, summary, console.width)
                .map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
            console::write_text(&written)
        }
        OutputFormat::Json => console::write_data(|out| write_inventory(out, inventory, facts)),
        OutputFormat::Jsonl => console::write_data(|out| write_lines(out, inventory, summary, facts)),
    }
}

/// The exit code, with a remark that says why where it is not success.
fn concluded(inventory: &Inventory, console: Console) -> Exit {
    let outcome = inventory.outcome();
    if let Some(why) = outcome.why {
        console.note(&format!("{} {}: {}", why.id, why.title, why.next_step));
    }
    outcome.exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_named_by_its_time() {
        let time: Timestamp = "2026-11-01T02:03:04.5Z".parse().expect("valid");
        assert_eq!(scan_id(time), "scan-20261101T020304Z");
    }
}
