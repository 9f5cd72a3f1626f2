//! The input of a single run, laid over its settings.

use std::path::Path;

use fleetwright_config::{Origin, RunInput, SourceText};

use crate::console::Console;
use crate::diagnosis::command_error;
use crate::failure::CommandError;
use crate::files;
use crate::settings::Loaded;

/// Reads the input, if there is one, and lays it over the settings.
///
/// # Errors
/// It cannot be read, or every mistake in it, each with its place.
pub fn lay(loaded: &mut Loaded, path: Option<&Path>, console: Console) -> Result<(), CommandError> {
    let Some(path) = path else { return Ok(()) };
    let text = SourceText::new(path.display().to_string(), files::read_text(path)?);
    lay_text(loaded, text, console)
}

/// Lays an input over the settings. What flags say is more explicit still, and stays: above all a dry
/// run that was asked for here is not turned off by a file from elsewhere.
///
/// # Errors
/// Every mistake in it, each with its place.
pub fn lay_text(loaded: &mut Loaded, text: SourceText, console: Console) -> Result<(), CommandError> {
    loaded.sources.insert(text.name.clone(), text.clone());
    let input =
        RunInput::read(&text).map_err(|errors| command_error(&errors, &loaded.sources, console.color))?;
    let flags = loaded.resolved.settings.clone();
    let mut settings = flags.clone();
    input.apply(&mut settings);
    let by_flag = |key: &str| matches!(loaded.resolved.origin(key), Some(Origin::Flag { .. }));
    if by_flag("safety.dry_run") {
        settings.safety.dry_run = flags.safety.dry_run;
    }
    if by_flag("safety.require_approval") {
        settings.safety.require_approval = flags.safety.require_approval;
    }
    if by_flag("safety.abort_on_issues") {
        settings.safety.abort_on_issues = flags.safety.abort_on_issues;
    }
    if by_flag("safety.bake") {
        settings.safety.bake = flags.safety.bake;
    }
    if by_flag("scan.instance_ids") {
        settings.scan.instance_ids = flags.scan.instance_ids;
    }
    if by_flag("scan.tags") {
        settings.scan.tags.extend(flags.scan.tags);
    }
    loaded.resolved.settings = settings;
    loaded.input = Some(text);
    Ok(())
}
