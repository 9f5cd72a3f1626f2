//! Which phases a command line asks for.

use fleetwright_config::Settings;
use fleetwright_model::{Phase, code};

use crate::args::{PhaseName, WorkflowArgs};
use crate::failure::CommandError;

/// The phases that are to be carried out, in order.
///
/// # Errors
/// Nothing is left to do.
pub fn phases(
    scanner_only: bool,
    phase: Option<PhaseName>,
    args: &WorkflowArgs,
    settings: &Settings,
) -> Result<Vec<Phase>, CommandError> {
    let skipped: Vec<Phase> = args.skip_phases.iter().map(|name| Phase::from(*name)).collect();
    let asked: Vec<Phase> = match (scanner_only, phase) {
        (true, _) => vec![Phase::Scan, Phase::Report],
        // A phase on its own is still planned from a scan, and still reports.
        (false, Some(phase)) => {
            let phase = Phase::from(phase);
            Phase::ALL.into_iter().filter(|it| [Phase::Scan, phase, Phase::Report].contains(it)).collect()
        }
        (false, None) => {
            let enabled =
                |phase: &Phase| settings.phases.limits.get(phase).is_none_or(|limits| limits.enabled);
            args.workflow.phases().iter().copied().filter(enabled).collect()
        }
    };
    let phases: Vec<Phase> = asked.into_iter().filter(|phase| !skipped.contains(phase)).collect();
    if !phases.contains(&Phase::Scan) {
        let message =
            "nothing is left to do: the scan is skipped or not enabled, and everything else needs it";
        return Err(CommandError::new(&code::USAGE, message));
    }
    Ok(phases)
}

/// `scan` takes `--phase` for the sake of familiar command lines; it can only be the scan.
///
/// # Errors
/// Another phase.
pub fn only_scan(phase: Option<PhaseName>) -> Result<(), CommandError> {
    match phase.map(Phase::from) {
        None | Some(Phase::Scan) => Ok(()),
        Some(other) => {
            let message = format!("`fleetwright scan` carries out the phase scanner, not {other}");
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}
