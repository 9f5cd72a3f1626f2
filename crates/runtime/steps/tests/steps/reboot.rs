use fleetwright_host::Tri;
use fleetwright_patch::plan::Before;
use fleetwright_patch::plan::notes::{self, PrecheckNote, RebootNote, step};
use fleetwright_patch::plan::policy::RebootStrategy;
use fleetwright_ports::InvocationStatus;
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{CommandOutcome, Fault, sample};
use jiff::SignedDuration;

use crate::model::boot_id;
use crate::stage::{Stage, code, host, note};

const SEND: &str = "ssm:SendCommand";
const SCRIPT: &str = "AWS-RunShellScript";

fn boots(stage: &Stage) -> u32 {
    stage.models.hosts.lock().expect("no test panicked").get(&sample::id(1)).map_or(1, |model| model.boot)
}

#[tokio::test(start_paused = true)]
async fn a_host_that_needs_it_is_rebooted_once_and_waited_for() {
    let stage = Stage::of(1);
    let slot = stage.prepared(1);
    let done = stage.drive_one("reboot", slot.clone()).await;
    let RebootNote { before, after, .. } = note(&done);
    assert_eq!((&*before, &*after), (&*boot_id(&sample::id(1), 1), &*boot_id(&sample::id(1), 2)));
    assert_eq!(stage.effects(SEND), 1);
    let agent = stage.hosts.edit(|fleet| fleet.cells.values().next().unwrap().agents[&sample::id(1)].clone());
    assert!(agent.last_ping.is_some(), "the agent is known");
    let seconds = jiff::Timestamp::duration_since(clock(&stage), slot.started_at);
    assert!(seconds >= SignedDuration::from_secs(135), "script and agent take {seconds:?}");
}

fn clock(stage: &Stage) -> jiff::Timestamp {
    fleetwright_ports::Clock::now(&stage.clock)
}

#[tokio::test(start_paused = true)]
async fn a_host_that_needs_none_is_not_rebooted_unless_it_is_forced() {
    let stage = Stage::of(1);
    stage.models.change(&sample::id(1), |model| model.need = "no");
    let left: RebootNote = note(&stage.drive_one("reboot", stage.prepared(1)).await);
    assert!(!left.rebooted(), "{left:?}");
    assert_eq!(boots(&stage), 1);

    let stage = Stage::with(1, |_, plan| plan.policy.reboot.strategy = RebootStrategy::Force);
    stage.models.change(&sample::id(1), |model| model.need = "no");
    let done = stage.drive_one("reboot", stage.prepared(1)).await;
    assert!(note::<RebootNote>(&done).rebooted(), "{done:?}");
    assert_eq!(boots(&stage), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_counts_as_needed() {
    let stage = Stage::of(1);
    stage.models.change(&sample::id(1), |model| model.need = "unknown");
    assert!(matches!(stage.drive_one("reboot", stage.prepared(1)).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_strategy_skip_sends_nothing() {
    let stage = Stage::with(1, |_, plan| plan.policy.reboot.strategy = RebootStrategy::Skip);
    assert!(matches!(stage.drive_one("reboot", stage.prepared(1)).await, Outcome::NotNeeded { .. }));
    assert_eq!(stage.effects(SEND), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_boot_is_not_known_is_not_rebooted() {
    let stage = Stage::of(1);
    let unread = PrecheckNote { boot: None, reboot_pending: Tri::Unknown, warnings: Vec::new() };
    let notes = vec![(step::PRECHECK.into(), notes::write(&unread))];
    let refused = stage.drive_one("reboot", Slot { notes, ..stage.slot(1) }).await;
    assert_eq!(code(&refused), "FW-H0015");
    assert_eq!(stage.effects(SEND), 0);
}

#[tokio::test(start_paused = true)]
async fn the_boot_of_an_earlier_run_will_do() {
    let boot = Some(boot_id(&sample::id(1), 1).into());
    let stage = Stage::with(1, |_, plan| host(plan, 1).before = Some(Before { run: "run-1".into(), boot }));
    assert!(matches!(stage.drive_one("reboot", stage.slot(1)).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_report_lost_in_the_race_is_settled_by_the_boot_id_and_not_by_a_second_reboot() {
    let stage = Stage::of(1);
    stage.models.change(&sample::id(1), |model| model.reports = false);
    let done = stage.drive_one("reboot", stage.prepared(1)).await;
    assert_eq!(&*note::<RebootNote>(&done).after, boot_id(&sample::id(1), 2));
    assert_eq!(stage.effects(SEND), 2, "the guarded script was sent again");
    assert_eq!(boots(&stage), 2, "and the host rebooted once");
}

#[tokio::test(start_paused = true)]
async fn in_doubt_before_the_effect_it_is_rebooted_and_after_it_it_is_not_again() {
    let mut stage = Stage::of(1);
    let before = stage.drive_one("reboot", Slot { doubt: true, ..stage.prepared(1) }).await;
    assert!(matches!(before, Outcome::Done { .. }));
    assert_eq!((stage.effects(SEND), boots(&stage)), (1, 2));

    stage = Stage::of(1);
    stage.hosts.fail_next(SEND, Fault::LostReply);
    let slot = stage.prepared(1);
    stage.drive_one("reboot", slot.clone()).await;
    stage.restart();
    let after = stage.drive_one("reboot", Slot { doubt: true, attempt: 2, ..slot }).await;
    assert!(matches!(after, Outcome::Done { .. }), "{after:?}");
    assert_eq!((stage.effects(SEND), boots(&stage)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_begins_again_in_the_middle_re_attaches_to_the_command() {
    let mut stage = Stage::of(1);
    let slot = stage.prepared(1);
    let Outcome::Accepted { handle, .. } = stage.turn("reboot", std::slice::from_ref(&slot)).await.remove(0)
    else {
        panic!("accepted")
    };
    stage.wait(100).await;
    stage.restart();
    let done = stage.drive_one("reboot", Slot { handle: Some(handle), ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!((stage.effects(SEND), boots(&stage)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_come_back_fails_for_good() {
    let stage = Stage::of(1);
    stage.hosts.script(&sample::id(1), |script| script.agent_takes = std::time::Duration::from_secs(90_000));
    assert_eq!(code(&stage.drive_one("reboot", stage.prepared(1)).await), "FW-H0014");
    assert_eq!(boots(&stage), 2);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_says_whether_it_rebooted_is_asked_a_few_times_only() {
    let stage = Stage::of(1);
    let silent = CommandOutcome::not_run(InvocationStatus::Undeliverable);
    stage.hosts.script(&sample::id(1), |script| script.on(SCRIPT, silent));
    assert_eq!(code(&stage.drive_one("reboot", stage.prepared(1)).await), "FW-H0013");
    assert_eq!(stage.effects(SEND), 6);
}
