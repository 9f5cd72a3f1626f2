//! `fleetwright eks status`, and `status` and `watch` of runs that upgrade clusters.

use fleetwright_config::settings::OutputFormat;
use fleetwright_flow::Condition;
use fleetwright_model::{Exit, code};
use fleetwright_ports::Clock;

use crate::commands::runs::{Folded, Followed, fold, follow, is_driven};
use crate::failure::CommandError;
use crate::state::State;
use crate::upgrading::{FoundUpgrade, Told, tell};

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
    let why = match run.condition() {
        Condition::Ended(_) => None,
        _ if is_driven(state, found).await? => Some(&code::RUN_UNDER_WAY),
        Condition::AtGate(_) => Some(&code::APPROVAL_WAITS),
        _ => Some(&code::RUN_INTERRUPTED),
    };
    let told = Told { run: found.run.as_str(), document: &found.plan, state: &run, records: &records, why };
    let exit = tell(&told, format, clock.now())?;
    match damage {
        Some(damage) => Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run))),
        // Looking at an unfinished run is not an interruption.
        None if run.ending().is_none() => Ok(Exit::Success),
        None => Ok(exit),
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
