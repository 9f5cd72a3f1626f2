use std::sync::Arc;

use fleetwright_patch::plan::Work;
use fleetwright_steps::Context;
use fleetwright_testkit::sample;

use crate::stage::{RUN, Stage, code};

#[tokio::test(start_paused = true)]
async fn a_zone_that_now_points_to_another_account_is_not_worked_in() {
    let stage = Stage::of(1);
    let moved = sample::zone("prod", "999999999999", &["eu-central-1"]);
    let run = RUN.parse().unwrap();
    let refused = Context::new(run, stage.plan.clone(), &[moved], stage.ports(), Arc::new(|_| false));
    let words = refused.err().expect("refused").to_string();
    assert!(words.contains("prod") && words.contains("111122223333"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_no_host_is_our_own_fault_and_said_so() {
    let stage = Stage::with(2, |_, plan| plan.work[1] = Work::Region);
    let failed = stage.drive_one("patch", stage.slot(2)).await;
    assert_eq!(code(&failed), "FW-G0001");
}

#[tokio::test(start_paused = true)]
async fn every_step_of_the_recipes_is_there_once() {
    let names = Stage::of(1).names();
    let expected = [
        "backup",
        "bake",
        "clean-up",
        "drain",
        "gate-checks",
        "patch",
        "precheck",
        "probe",
        "probe-restored",
        "promote",
        "reboot",
        "restore",
        "return",
        "start",
        "stop-again",
        "validate",
        "validate-restored",
        "verify",
    ];
    assert_eq!(names, expected);
}
