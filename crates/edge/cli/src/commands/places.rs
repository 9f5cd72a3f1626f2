//! Hosts that count as out of service in the groups runs share.

use fleetwright_model::{Exit, Text, code};
use fleetwright_ports::budgets::Taken;

use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::state::{State, refused};

/// Lists who is out of service on which run's account.
///
/// # Errors
/// The state directory cannot be read.
pub async fn list(state: &State, console: Console) -> Result<Exit, CommandError> {
    let taken = state.budgets.taken().await.map_err(|error| refused(&error))?;
    let line = |taken: &Taken| {
        let Taken { run, key, member, kept } = taken;
        let why = if *kept { "left in a bad way" } else { "at work" };
        format!("{run}  {key}  {member}  {why}\n")
    };
    console::write_text(&taken.iter().map(line).collect::<String>())?;
    if taken.is_empty() {
        console.note("no host counts as out of service on a run's account");
    }
    Ok(Exit::Success)
}

/// A person found that hosts of a run are in service: they take no places in shared budgets any more.
/// `instances` names them; none is all of the run.
///
/// # Errors
/// The run is being driven, or has no such hosts.
pub async fn clear(
    state: &State,
    name: &str,
    instances: &[String],
    console: Console,
) -> Result<Exit, CommandError> {
    let run = name.parse().map_err(|error| CommandError::new(&code::USAGE, format!("{error}")))?;
    let driven = state.runs().await?.into_iter().find(|entry| entry.run == run);
    if let Some(owner) = driven.and_then(|entry| entry.driven_by) {
        return Err(CommandError::new(&code::RUN_OWNED, format!("{run} is being driven by {owner}")));
    }
    let taken = state.budgets.taken().await.map_err(|error| refused(&error))?;
    let meant = |taken: &&Taken| {
        let id = taken.member.rsplit('/').next().unwrap_or_default();
        taken.run == run && (instances.is_empty() || instances.iter().any(|instance| instance == id))
    };
    let mut members: Vec<Text> = taken.iter().filter(meant).map(|taken| taken.member.clone()).collect();
    members.dedup();
    if members.is_empty() {
        let message = format!("no such host counts as out of service on account of {run}");
        return Err(CommandError::new(&code::NOTHING_TO_DO, message));
    }
    state.budgets.clear(&run, &members).await.map_err(|error| refused(&error))?;
    for member in members {
        console.note(&format!("{member} counts as in service again"));
    }
    Ok(Exit::Success)
}
