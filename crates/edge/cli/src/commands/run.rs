//! `fleetwright run`: which phases a command line asks for, and whether this version has them.

use fleetwright_config::Settings;
use fleetwright_model::{Phase, code};

use crate::args::{PhaseName, RunArgs};
use crate::failure::CommandError;

/// The phases that `run` is to carry out, in order.
///
/// # Errors
/// A phase that this version does not have; `FW-G0003` names it and says how to leave it out.
pub fn phases(args: &RunArgs, settings: &Settings) -> Result<Vec<Phase>, CommandError> {
    let skipped: Vec<Phase> = args.skip_phases.iter().map(|name| Phase::from(*name)).collect();
    let asked: Vec<Phase> = match (args.scan.scanner_only, args.scan.phase) {
        (true, _) => vec![Phase::Scan, Phase::Report],
        // A phase on its own still reports.
        (false, Some(phase)) => vec![Phase::from(phase), Phase::Report],
        (false, None) => {
            let enabled =
                |phase: &Phase| settings.phases.limits.get(phase).is_none_or(|limits| limits.enabled);
            args.workflow.phases().iter().copied().filter(enabled).collect()
        }
    };
    let phases: Vec<Phase> = asked.into_iter().filter(|phase| !skipped.contains(phase)).collect();
    refuse_unavailable(&phases)?;
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

/// The phases the doctor is to examine for. What a phase will need is known when it is there: until
/// then nobody may call an account ready for it.
///
/// # Errors
/// A phase that this version does not have.
pub fn examinable(names: &[PhaseName]) -> Result<Vec<Phase>, CommandError> {
    let phases: Vec<Phase> = names.iter().map(|name| Phase::from(*name)).collect();
    refuse_unavailable(&phases)?;
    Ok(phases)
}

fn refuse_unavailable(phases: &[Phase]) -> Result<(), CommandError> {
    let missing: Vec<&str> =
        phases.iter().filter(|phase| !phase.is_available()).map(|phase| phase.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("this version does not carry out {}; nothing was done", missing.join(", "));
    Err(CommandError {
        hint: Some(format!(
            "Choose --workflow scan, or leave them out with --skip-phases {}.",
            missing.join(",")
        )),
        ..CommandError::new(&code::PHASE_UNAVAILABLE, message)
    })
}
