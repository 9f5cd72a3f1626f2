//! `fleetwright eks status`, and `status`, `watch` and `report` of runs that upgrade clusters.

use fleetwright_config::settings::OutputFormat;
use fleetwright_flow::{Condition, Run};
use fleetwright_model::{Code, Exit, code};
use fleetwright_ports::Clock;

use crate::args::{ReportFormat, RunReportArgs};
use crate::commands::report::{own_directory, show};
use crate::commands::runs::{Folded, Followed, fold, follow, is_driven};
use crate::console::Console;
use crate::failure::CommandError;
use crate::files;
use crate::state::State;
use crate::upgrading::{FoundUpgrade, Told, tell, write_reports};

/// Shows where a run stands.
///
/// # Errors
/// The journal is damaged (what is whole is shown), or standard output cannot be written.
pub async fn status(
    state: &State,
    found: &FoundUpgrade,
    clock: &dyn Clock,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let Folded { run, records, damage } = fold(found);
    let why = unfinished(state, found, &run).await?;
    let told = Told { run: found.run.as_str(), document: &found.plan, state: &run, records: &records, why };
    let exit = tell(&told, format, clock.now())?;
    match damage {
        Some(damage) => Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run))),
        // Looking at an unfinished run is not an interruption.
        None if run.ending().is_none() => Ok(Exit::Success),
        None => Ok(exit),
    }
}

/// Why a run is not over; none where it is.
async fn unfinished(
    state: &State,
    found: &FoundUpgrade,
    run: &Run,
) -> Result<Option<&'static Code>, CommandError> {
    Ok(match run.condition() {
        Condition::Ended(_) => None,
        _ if is_driven(state, found).await? => Some(&code::RUN_UNDER_WAY),
        Condition::AtGate(_) => Some(&code::APPROVAL_WAITS),
        _ => Some(&code::RUN_INTERRUPTED),
    })
}

/// Writes the reports that were asked for; needs no AWS.
///
/// # Errors
/// The journal is damaged (what is whole is reported), or a report cannot be written.
pub async fn report(
    state: &State,
    found: &FoundUpgrade,
    args: &RunReportArgs,
    clock: &dyn Clock,
    format: OutputFormat,
    console: Console,
) -> Result<Exit, CommandError> {
    let Folded { run, records, damage } = fold(found);
    let why = unfinished(state, found, &run).await?;
    let told = Told { run: found.run.as_str(), document: &found.plan, state: &run, records: &records, why };
    let directory = args.output_dir.clone().unwrap_or_else(|| own_directory(&found.run));
    files::make_directory(&directory)?;
    let formats: &[ReportFormat] = if args.format.is_empty() { &[ReportFormat::All] } else { &args.format };
    let written = write_reports(&directory, formats, &told, clock.now())?;
    show(&directory, &written, format, console)?;
    match damage {
        Some(damage) => Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run))),
        None => Ok(Exit::Success),
    }
}

/// Follows a run that another process drives, to its end.
///
/// # Errors
/// The journal cannot be read.
pub async fn watch(
    state: &State,
    found: &FoundUpgrade,
    clock: &dyn Clock,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let Followed { run, records } = follow(state, found, clock, format).await?;
    let told =
        Told { run: found.run.as_str(), document: &found.plan, state: &run, records: &records, why: None };
    tell(&told, format, clock.now())
}
