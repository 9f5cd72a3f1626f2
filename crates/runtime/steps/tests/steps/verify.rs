use fleetwright_patch::plan::notes::{self, RebootNote, VerifyNote, step};
use fleetwright_ports::InvocationStatus;
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, sample};
use jiff::SignedDuration;

use crate::stage::{Stage, code, note};

const SEND: &str = "ssm:SendCommand";

/// A host that no rescan has reached yet.
fn unscanned() -> Stage {
    rescanned(1, |_, state| state.operation_end = Some(sample::now() - SignedDuration::from_hours(1)))
}

/// Hosts whose patch state is from after the rescan.
fn rescanned(hosts: u64, change: impl Fn(u64, &mut fleetwright_model::PatchFacts)) -> Stage {
    Stage::with(hosts, |cell, _| {
        for number in 1..=hosts {
            let state = cell.patches.get_mut(&sample::id(number)).expect("a state");
            state.operation_end = Some(sample::now() + SignedDuration::from_mins(1));
            state.missing = 0;
            change(number, state);
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_host_with_every_patch_is_verified_without_a_finding() {
    let stage = rescanned(1, |_, _| {});
    let done = stage.drive_one("verify", stage.slot(1)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }));
    assert_eq!(note::<VerifyNote>(&done).installed, 400);
    let scan = &stage.models.requests.lock().expect("no test panicked")[0];
    assert!(scan.parameters.contains(&("Operation".into(), vec!["Scan".into()])));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_order_is_a_finding_with_its_patches_kept() {
    let stage = rescanned(3, |number, state| match number {
        1 => state.missing = 2,
        2 => (state.missing, state.failed) = (1, 1),
        _ => state.installed_pending_reboot = 1,
    });
    let ends = stage.drive("verify", (1..=3).map(|number| stage.slot(number)).collect()).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0011", "FW-H0010", "FW-H0024"]);
    assert!(stage.file("post", 1, "patches.json").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_patch_manager_lists_as_waiting_is_no_finding_where_the_system_needs_no_reboot() {
    let stage = rescanned(1, |_, state| state.installed_pending_reboot = 3);
    let boot = "00000000000000001-boot-1";
    let looked = RebootNote { before: boot.into(), after: boot.into(), evidence: "registry".into() };
    let notes = vec![(step::REBOOT.into(), notes::write(&looked))];
    let done = stage.drive_one("verify", Slot { notes, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(note::<VerifyNote>(&done).pending_reboot, 3);
}

#[tokio::test(start_paused = true)]
async fn a_state_from_before_the_rescan_says_nothing() {
    let stage = rescanned(1, |_, state| {
        state.operation_end = Some(sample::now() - SignedDuration::from_mins(10));
    });
    assert_eq!(code(&stage.drive_one("verify", stage.slot(1)).await), "FW-H0030");
}

#[tokio::test(start_paused = true)]
async fn a_rescan_that_fails_leaves_compliance_unknown() {
    let stage = unscanned();
    let failed = CommandOutcome::failure(1, "no repositories");
    stage.hosts.script(&sample::id(1), |script| script.on("AWS-RunPatchBaseline", failed));
    assert_eq!(code(&stage.drive_one("verify", stage.slot(1)).await), "FW-H0030");
}

#[tokio::test(start_paused = true)]
async fn a_rescan_that_was_not_received_is_tried_again_by_the_kernel() {
    let stage = unscanned();
    let lost = CommandOutcome::not_run(InvocationStatus::Undeliverable);
    stage.hosts.script(&sample::id(1), |script| script.on("AWS-RunPatchBaseline", lost));
    assert_eq!(code(&stage.drive_one("verify", stage.slot(1)).await), "FW-H0003");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_systems_manager_does_not_know_is_isolated_from_its_batch() {
    let stage = rescanned(20, |_, _| {});
    stage.hosts.terminate(&sample::id(7));
    let ends = stage.drive("verify", (1..=20).map(|number| stage.slot(number)).collect()).await;
    assert_eq!(code(&ends[6]), "FW-H0001");
    assert_eq!(ends.iter().filter(|end| matches!(end, Outcome::Done { .. })).count(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_sending_rescans_once() {
    let mut stage = rescanned(1, |_, _| {});
    let slot = stage.slot(1);
    stage.turn("verify", std::slice::from_ref(&slot)).await;
    stage.restart();
    let done = stage.drive_one("verify", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }));
    assert_eq!(stage.effects(SEND), 1);

    stage = rescanned(1, |_, _| {});
    let done = stage.drive_one("verify", Slot { doubt: true, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { .. } | Outcome::LookAgain { .. }));
    assert_eq!(stage.effects(SEND), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_an_installation_left_is_not_taken_for_that_of_the_rescan() {
    let stage = rescanned(1, |_, state| state.operation = "Install".into());
    assert_eq!(code(&stage.drive_one("verify", stage.slot(1)).await), "FW-H0030");
}
