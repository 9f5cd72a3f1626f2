//! What earlier runs of a state directory teach about how long steps take.

use fleetwright_model::code;
use fleetwright_patch::PlanDocument;
use fleetwright_patch::plan::Learnt;
use fleetwright_patch::plan::durations::Observed;
use jiff::{SignedDuration, Timestamp};

use crate::console::Console;
use crate::failure::CommandError;
use crate::state::{State, is_closed};

/// As many runs are read at most, the newest that are over.
const RUNS: usize = 10;
/// Older runs say little of today's patches and machines.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 180);
/// Once a step was seen so often, older runs are not read any more.
const ENOUGH_HOSTS: usize = 5_000;

/// What the newest runs took that are over. A run that cannot be read teaches nothing, and keeps nobody
/// from planning.
///
/// # Errors
/// The state directory cannot be listed.
pub async fn learnt(state: &State, now: Timestamp, console: Console) -> Result<Learnt, CommandError> {
    let runs = state.runs().await?;
    let recent = |at: Timestamp| now.duration_since(at) <= OLDEST;
    let over = runs.iter().filter(|entry| is_closed(entry) && recent(entry.created_at));
    let mut observed = Observed::default();
    for entry in over.take(RUNS) {
        match state.find::<PlanDocument>(Some(entry.run.as_str())).await {
            Ok(found) => observed.add(found.plan.plan(), &found.loaded.records),
            // What upgrades of clusters take is another matter.
            Err(error) if error.code == &code::UPGRADE_RUN => {}
            Err(error) => console.note(&format!("nothing is learnt of {}: {}", entry.run, error.message)),
        }
        if observed.hosts() >= ENOUGH_HOSTS {
            break;
        }
    }
    Ok(observed.learnt())
}
