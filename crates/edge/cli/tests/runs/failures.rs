//! Failures that have one cause come in swarms: how many there are is decided before they are.

use std::collections::BTreeSet;

use fleetwright_patch::outcome::{HostOutcome, tally};

use crate::happenings::happenings;
use crate::invariants::invariants;
use crate::story::{approving, planned};

/// All but the canary are of the kind that fails.
const FLEET: &str = "run-waves-correlated-failures";

#[tokio::test(start_paused = true)]
async fn correlated_failures_never_exceed_the_threshold_and_what_was_in_flight() {
    for (threshold, at_once, ramp) in [
        (0, 1, None),
        (0, 6, None),
        (2, 4, None),
        (5, 5, None),
        (3, 20, None),
        (1, 8, Some(1)),
        (0, 10, Some(2)),
    ] {
        let (allowed, concurrent) = (threshold.to_string(), at_once.to_string());
        let ramp = ramp.map(|ramp: usize| ramp.to_string());
        let mut settings = vec![
            ("safety.max_failures", allowed.as_str()),
            ("safety.max_failure_percentage", "100"),
            ("safety.max_concurrent", concurrent.as_str()),
            ("safety.budgets.application", "100%"),
        ];
        settings.extend(ramp.as_deref().map(|ramp| ("safety.ramp", ramp)));
        let staged = planned(FLEET, &settings).await;
        let since = staged.stage.clock.now();
        staged.drive(&approving()).await.expect("driven to an end");
        let finished = staged.finished().await;
        let case = format!("{threshold} allowed, {at_once} at once, ramp {ramp:?}");

        let failing: BTreeSet<&str> = finished
            .results
            .iter()
            .filter(|result| result.host.name.as_deref() == Some("web"))
            .map(|result| result.host.id.as_str())
            .collect();
        let happened = staged.stage.world.estate.with_world(|world| happenings(world, since));
        let hurt: BTreeSet<&str> = happened
            .iter()
            .filter(|(what, who)| *what == "installs" && failing.contains(who.as_str()))
            .map(|(_, who)| who.as_str())
            .collect();
        // Who failed keeps its place, so that a small budget may be used up before the threshold is.
        assert!(hurt.len() > threshold.min(at_once - 1), "{case}: the failures stopped it, {}", hurt.len());
        assert!(hurt.len() <= threshold + at_once, "{case}: {} were hurt", hurt.len());
        if ramp.is_some() {
            // The canary proved one; nothing else has, so that no more were begun at once.
            assert!(hurt.len() <= threshold + 3, "{case}: {} were hurt", hurt.len());
        }
        let failed = tally(&finished.results).get(&HostOutcome::Failed).copied().unwrap_or(0);
        assert_eq!(failed, hurt.len(), "{case}: told is what happened");
        let mut wrong = Vec::new();
        invariants(&staged, since, &mut wrong);
        assert!(wrong.is_empty(), "{case}: {wrong:#?}");
    }
}
