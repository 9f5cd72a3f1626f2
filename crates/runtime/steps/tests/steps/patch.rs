use std::time::Duration;

use fleetwright_model::ErrorClass;
use fleetwright_patch::plan::notes::PatchNote;
use fleetwright_ports::InvocationStatus as S;
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, FakeHosts, Fault, sample};
use jiff::SignedDuration;

use crate::stage::{Stage, code, note};

const SEND: &str = "ssm:SendCommand";
const BASELINE: &str = "AWS-RunPatchBaseline";

fn on(hosts: &FakeHosts, number: u64, outcome: CommandOutcome) {
    hosts.script(&sample::id(number), |script| script.on(BASELINE, outcome));
}

fn class(outcome: &Outcome) -> ErrorClass {
    match outcome {
        Outcome::Failed(failure) => failure.class,
        other => panic!("not a failure: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn patches_are_installed_from_the_runs_snapshot_without_a_reboot() {
    let stage = Stage::of(1);
    let done = stage.drive_one("patch", stage.prepared(1)).await;
    assert!(!note::<PatchNote>(&done).report_lost);
    let requests = stage.models.requests.lock().expect("no test panicked");
    let value = |name: &str| {
        let found = requests[0].parameters.iter().find(|(key, _)| &**key == name);
        found.map(|(_, values)| values.join(","))
    };
    assert_eq!(&*requests[0].document, BASELINE);
    assert_eq!(value("Operation").as_deref(), Some("Install"));
    assert_eq!(value("RebootOption").as_deref(), Some("NoReboot"));
    assert_eq!(value("SnapshotId").as_deref(), Some("11111111-2222-4333-8444-555555555555"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_installed_without_a_proven_image() {
    let stage = Stage::of(1);
    let refused = stage.drive_one("patch", stage.slot(1)).await;
    assert_eq!(code(&refused), "FW-B0004");
    assert_eq!(stage.effects(SEND), 0);
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_command_is_told_apart() {
    let ends = [
        (CommandOutcome::failure(1, "dpkg was interrupted"), "FW-H0010", ErrorClass::Permanent),
        (CommandOutcome::not_run(S::DeliveryTimedOut), "FW-H0004", ErrorClass::Transient),
        (CommandOutcome::not_run(S::Undeliverable), "FW-H0003", ErrorClass::Transient),
        (CommandOutcome::not_run(S::ExecutionTimedOut), "FW-H0005", ErrorClass::Permanent),
        (CommandOutcome::not_run(S::Cancelled), "FW-H0006", ErrorClass::Permanent),
        (CommandOutcome::not_run(S::Terminated), "FW-H0008", ErrorClass::Transient),
        (CommandOutcome::not_run(S::InvalidPlatform), "FW-H0009", ErrorClass::Permanent),
        (CommandOutcome::not_run(S::AccessDenied), "FW-H0007", ErrorClass::Denied),
        (CommandOutcome::not_run(S::Unknown), "FW-H0020", ErrorClass::Permanent),
    ];
    let stage = Stage::with(9, |cell, _| cell.patches.clear());
    for (number, (outcome, ..)) in (1..).zip(&ends) {
        on(&stage.hosts, number, outcome.clone());
    }
    let outcomes = stage.drive("patch", (1..=9).map(|number| stage.prepared(number)).collect()).await;
    for (outcome, (_, expected, kind)) in outcomes.iter().zip(&ends) {
        assert_eq!((code(outcome), class(outcome)), (*expected, *kind));
    }
    assert_eq!(stage.effects(SEND), 1);
}

#[tokio::test(start_paused = true)]
async fn an_installation_whose_report_was_lost_is_told_by_patch_manager() {
    let stage = Stage::with(1, |cell, _| {
        let state = cell.patches.get_mut(&sample::id(1)).unwrap();
        state.operation = "Install".into();
        state.operation_end = Some(sample::now() + SignedDuration::from_mins(3));
    });
    on(&stage.hosts, 1, CommandOutcome::not_run(S::DeliveryTimedOut));
    let done = stage.drive_one("patch", stage.prepared(1)).await;
    assert_eq!(code(&done), "FW-H0012");
    assert!(note::<PatchNote>(&done).report_lost);
}

#[tokio::test(start_paused = true)]
async fn an_older_installation_is_not_taken_for_this_one() {
    let stage = Stage::with(1, |cell, _| {
        let state = cell.patches.get_mut(&sample::id(1)).unwrap();
        state.operation = "Install".into();
        state.operation_end = Some(sample::now() - SignedDuration::from_hours(30));
    });
    on(&stage.hosts, 1, CommandOutcome::not_run(S::Undeliverable));
    assert_eq!(code(&stage.drive_one("patch", stage.prepared(1)).await), "FW-H0003");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_end_in_time_is_given_up_with_its_host_named() {
    let stage = Stage::of(1);
    let endless = CommandOutcome { takes: Duration::from_secs(90_000), ..CommandOutcome::success("") };
    on(&stage.hosts, 1, endless);
    let late = stage.drive_one("patch", stage.prepared(1)).await;
    assert_eq!(code(&late), "FW-H0005");
    assert!(matches!(&late, Outcome::Failed(it) if it.message.contains(sample::id(1).as_str())));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_through_does_not_wait_for_one_that_is_slow() {
    let stage = Stage::of(2);
    on(&stage.hosts, 1, CommandOutcome { takes: Duration::from_secs(3_000), ..CommandOutcome::success("") });
    let mut slots = vec![stage.prepared(1), stage.prepared(2)];
    for (slot, outcome) in slots
        .clone()
        .iter_mut()
        .zip(stage.turn("patch", &slots).await)
        .enumerate()
        .map(|(index, it)| (index, it.1))
    {
        let Outcome::Accepted { handle, .. } = outcome else { panic!("{outcome:?}") };
        slots[slot].handle = Some(handle);
    }
    stage.wait(60).await;
    let looked = stage.turn("patch", &slots).await;
    assert!(looked[0].is_open() && !looked[1].is_open(), "{looked:?}");
    stage.wait(15).await;
    let reads = stage.hosts.calls("ssm:ListCommandInvocations");
    stage.turn("patch", &slots[..1]).await;
    assert_eq!(stage.hosts.calls("ssm:ListCommandInvocations"), reads, "nothing new to read");
}

#[tokio::test(start_paused = true)]
async fn in_doubt_with_nothing_sent_the_command_is_sent_once() {
    let stage = Stage::of(1);
    let done = stage.drive_one("patch", Slot { doubt: true, ..stage.prepared(1) }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 1);
}

#[tokio::test(start_paused = true)]
async fn in_doubt_the_command_that_was_sent_is_taken_up_however_hosts_are_grouped() {
    let mut stage = Stage::of(60);
    let slots: Vec<Slot> = (1..=60).map(|number| stage.prepared(number)).collect();
    stage.turn("patch", &slots).await;
    assert_eq!(stage.effects(SEND), 2);
    stage.restart();
    let mut again: Vec<Slot> = slots.into_iter().map(|slot| Slot { doubt: true, ..slot }).collect();
    again.reverse();
    let ends = stage.drive("patch", again).await;
    assert!(ends.iter().all(|end| matches!(end, Outcome::Done { finding: None, .. })));
    assert_eq!(stage.effects(SEND), 2, "no host is sent the command twice");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_looked_for_although_the_listing_lags() {
    let mut stage = Stage::of(1);
    stage.hosts.set_lag(Duration::from_secs(20));
    stage.hosts.fail_next(SEND, Fault::LostReply);
    let slot = stage.prepared(1);
    let lost = stage.drive_one("patch", slot.clone()).await;
    assert_eq!(class(&lost), ErrorClass::Ambiguous);
    stage.restart();
    let done = stage.drive_one("patch", Slot { doubt: true, attempt: 2, ..slot }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 1, "at most one installation");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_never_ran_may_be_sent_again_even_in_doubt() {
    let mut stage = Stage::with(1, |cell, _| cell.patches.clear());
    on(&stage.hosts, 1, CommandOutcome::not_run(S::Undeliverable));
    on(&stage.hosts, 1, CommandOutcome::success(""));
    let first = stage.drive_one("patch", stage.prepared(1)).await;
    assert_eq!(class(&first), ErrorClass::Transient);
    stage.restart();
    let done = stage.drive_one("patch", Slot { doubt: true, attempt: 2, ..stage.prepared(1) }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(SEND), 2);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_gone_does_not_keep_its_batch_from_being_patched() {
    let stage = Stage::of(5);
    stage.hosts.terminate(&sample::id(3));
    let ends = stage.drive("patch", (1..=5).map(|number| stage.prepared(number)).collect()).await;
    assert_eq!(code(&ends[2]), "FW-H0018");
    assert_eq!(ends.iter().filter(|end| matches!(end, Outcome::Done { .. })).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_before_its_time_was_over_is_not_begun_after_it() {
    let stage = Stage::of(1);
    let slot = Slot { doubt: true, ..stage.prepared(1) };
    stage.wait(5 * 3600).await;
    let failed = stage.drive_one("patch", slot).await;
    assert_eq!((code(&failed), class(&failed)), ("FW-H0028", ErrorClass::Ambiguous));
    assert_eq!(stage.effects(SEND), 0, "the next attempt has time to wait for the end");
}

#[tokio::test(start_paused = true)]
async fn what_ended_while_no_process_lived_is_read_however_late_it_is() {
    let mut stage = Stage::of(1);
    let slot = stage.prepared(1);
    let Outcome::Accepted { handle, .. } = stage.turn("patch", std::slice::from_ref(&slot)).await.remove(0)
    else {
        panic!("accepted")
    };
    stage.restart();
    stage.wait(5 * 3600).await;
    let done = stage.drive_one("patch", Slot { handle: Some(handle), ..slot }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_cancels_each_command_once_and_what_is_cancelled_is_told() {
    let stage = Stage::of(2);
    let endless = CommandOutcome { takes: Duration::from_secs(3_000), ..CommandOutcome::success("") };
    on(&stage.hosts, 1, endless.clone());
    on(&stage.hosts, 2, endless);
    let mut slots = vec![stage.prepared(1), stage.prepared(2)];
    let accepted = stage.turn("patch", &slots).await;
    for (slot, outcome) in slots.iter_mut().zip(accepted) {
        let Outcome::Accepted { handle, .. } = outcome else { panic!("{outcome:?}") };
        slot.handle = Some(handle);
    }
    stage.cancel("patch", &slots).await;
    assert_eq!(stage.hosts.calls("ssm:CancelCommand"), 1);
    let ends = stage.drive("patch", slots).await;
    assert_eq!(ends.iter().map(code).collect::<Vec<_>>(), ["FW-H0006", "FW-H0006"]);
}
