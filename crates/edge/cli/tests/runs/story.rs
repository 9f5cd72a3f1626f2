//! A scenario file carried through a whole run.

use fleetwright::args::WorldArgs;
use fleetwright::console::Console;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_engine::{AtGates, Control};
use fleetwright_model::{Exit, Phase};

pub(crate) const CONSOLE: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// A control that approves everything.
pub(crate) fn approving() -> Control {
    Control::new("a test", AtGates::Approve { by: "a test".into() })
}

/// The scenario of that name, planned in memory with these settings.
pub(crate) async fn planned(scenario: &str, settings: &[(&str, &str)]) -> StagedRun {
    planned_into(scenario, settings, State::in_memory()).await
}

/// As [`planned`], and kept there.
pub(crate) async fn planned_into(scenario: &str, settings: &[(&str, &str)], state: State) -> StagedRun {
    let path = format!("{}/../../../scenarios/{scenario}.toml", env!("CARGO_MANIFEST_DIR"));
    let args = WorldArgs { scenario: Some(path), seed: None, accounts: None, instances: None };
    let mut flags = Flags::default();
    for (key, value) in settings {
        flags.set("a test", key, *value);
    }
    let stage = Stage::set(&args, flags, CONSOLE).await.expect("a usable scenario");
    StagedRun::plan(stage, state, &Phase::ALL, CONSOLE).await.expect("the run can be made")
}

#[tokio::test(start_paused = true)]
async fn the_demo_fleet_comes_through_a_whole_run() {
    let staged = planned("demo", &[("safety.automatic_rollback", "true")]).await;
    staged.drive(&approving()).await.expect("driven");
    let finished = staged.finished().await;
    assert!(matches!(finished.outcome.exit, Exit::Success | Exit::Partial), "{:?}", finished.outcome);
    assert!(finished.results.iter().all(|result| result.ended_at.is_some()));
}
