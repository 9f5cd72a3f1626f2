//! The fleet with random faults of AWS and of its resources, cut off at random points while people
//! interrupt, pause and abort.

use fleetwright_estate::fault::FaultRule;
use fleetwright_testkit::crash::{Draw, seeds};

use crate::world::{Adapter, EstateWorld};

/// Faults of calls: the chance is that of each call.
const OF_CALLS: [&str; 8] = [
    r#"{"kind": "throttle", "probability": 0.05}"#,
    r#"{"kind": "server_error", "probability": 0.03}"#,
    r#"{"kind": "server_error", "status": 503, "probability": 0.03}"#,
    r#"{"kind": "lost_reply", "probability": 0.05}"#,
    r#"{"kind": "malformed", "probability": 0.02}"#,
    r#"{"kind": "slow", "delay_ms": 20000, "probability": 0.1}"#,
    r#"{"kind": "stale_read", "seconds": 120, "probability": 0.3}"#,
    r#"{"kind": "denied", "action": "CreateImage", "nth": {"exactly": 2}}"#,
];

/// Mishaps of resources.
const OF_RESOURCES: [&str; 8] = [
    r#"{"kind": "image_fails", "instance": "web", "times": 1}"#,
    r#"{"kind": "snapshot_fails", "instance": "win", "times": 1}"#,
    r#"{"kind": "image_slow", "instance": "asleep", "seconds": 72000}"#,
    r#"{"kind": "boot_hangs", "instance": "win", "times": 1}"#,
    r#"{"kind": "start_fails", "instance": "asleep", "times": 1}"#,
    r#"{"kind": "root_task_fails", "instance": "broken", "times": 1}"#,
    r#"{"kind": "unknown_new_id", "instance": "*", "seconds": 60}"#,
    r#"{"kind": "instance_terminated", "instance": "web", "action": "SendCommand", "nth": {"exactly": 2}}"#,
];

fn rule(text: &str) -> FaultRule {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn random_world(seed: u64) -> EstateWorld {
    let mut draw = Draw::new(seed);
    let settings = [
        ("safety.max_failure_percentage", draw.one_of(&["0", "34", "100"]).to_owned()),
        ("safety.automatic_rollback", draw.one_of(&["true", "false"]).to_owned()),
        ("safety.continue_on_error", draw.one_of(&["true", "false"]).to_owned()),
    ];
    let adapter = draw.one_of(&[Adapter::New, Adapter::Kept]);
    let world = EstateWorld::of(Some(seed), &settings, adapter, &[]).await;
    let mut faults = Vec::new();
    for _ in 0..draw.below(3) {
        faults.push(rule(draw.one_of(&OF_CALLS)));
    }
    for _ in 0..draw.below(3) {
        faults.push(rule(draw.one_of(&OF_RESOURCES)));
    }
    world.add_faults(faults);
    world
}

#[expect(clippy::disallowed_methods, reason = "the seeds come from whoever starts the test")]
fn asked(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(start_paused = true)]
async fn no_random_crash_over_the_estate_breaks_an_invariant() {
    let (first, count) = (asked("FLEETWRIGHT_FIRST_SEED", 1), asked("FLEETWRIGHT_SEEDS", 50));
    let report = seeds(first, count, random_world).await;
    let report = report.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(40).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    println!("{report:?}");
    assert!(report.seeds < 10 || report.cuts * 2 > report.seeds, "crashes were tried: {report:?}");
}
