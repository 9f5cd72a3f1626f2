use std::time::Duration;

use fleetwright_patch::plan::notes::{self, BackupNote, RestoreNote, step};
use fleetwright_patch::plan::{Backup, RollbackWay};
use fleetwright_ports::RestoreState;
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{Fault, sample};

use crate::stage::{Stage, code, host, note};

const REPLACE_ROOT: &str = "ec2:CreateReplaceRootVolumeTask";
const RUN_INSTANCES: &str = "ec2:RunInstances";

/// A host with a backup of this run.
async fn backed_up(stage: &Stage) -> Slot {
    let done = stage.drive_one("backup", stage.slot(1)).await;
    let image: BackupNote = note(&done);
    Slot { notes: vec![(step::BACKUP.into(), notes::write(&image))], ..stage.slot(1) }
}

#[tokio::test(start_paused = true)]
async fn the_root_volume_is_replaced_and_the_host_waited_for_and_timed() {
    let stage = Stage::of(1);
    let slot = backed_up(&stage).await;
    let done = stage.drive_one("restore", slot).await;
    let found: RestoreNote = note(&done);
    assert!(found.replacement.is_none());
    assert!((300..420).contains(&found.seconds), "{} s", found.seconds);
    assert_eq!(stage.effects(REPLACE_ROOT), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_on_either_side_of_the_effect_it_is_restored_once() {
    for lost in [false, true] {
        let mut stage = Stage::of(1);
        let slot = backed_up(&stage).await;
        if lost {
            stage.hosts.fail_next(REPLACE_ROOT, Fault::LostReply);
            stage.drive_one("restore", slot.clone()).await;
            stage.wait(45).await;
        }
        stage.restart();
        let attempt = if lost { 2 } else { 1 };
        let done = stage.drive_one("restore", Slot { doubt: true, attempt, ..slot }).await;
        assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
        assert_eq!(stage.effects(REPLACE_ROOT), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_fails_says_in_which_state_the_instance_is_left() {
    for (state, words) in
        [(RestoreState::Failed, "has its old one"), (RestoreState::FailedDetached, "no root volume")]
    {
        let stage = Stage::of(1);
        stage.hosts.script(&sample::id(1), |script| script.restore_ends = state);
        let slot = backed_up(&stage).await;
        let failed = stage.drive_one("restore", slot).await;
        assert_eq!(code(&failed), "FW-H0021");
        assert!(matches!(&failed, Outcome::Failed(it) if it.message.contains(words)), "{failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restored_host_that_does_not_come_back_is_a_failed_restore() {
    let stage = Stage::of(1);
    let slot = backed_up(&stage).await;
    stage.hosts.script(&sample::id(1), |script| script.agent_takes = Duration::from_secs(90_000));
    assert_eq!(code(&stage.drive_one("restore", slot).await), "FW-H0021");
}

#[tokio::test(start_paused = true)]
async fn without_an_image_there_is_no_way_back() {
    let stage = Stage::of(1);
    assert_eq!(code(&stage.drive_one("restore", stage.slot(1)).await), "FW-B0008");
    assert_eq!(stage.effects(REPLACE_ROOT), 0);
}

#[tokio::test(start_paused = true)]
async fn an_image_of_an_earlier_run_will_do_and_one_that_is_gone_is_refused() {
    let mut stage = Stage::of(1);
    let image: BackupNote = note(&stage.drive_one("backup", stage.slot(1)).await);
    let mut plan = (*stage.plan).clone();
    host(&mut plan, 1).backup = Backup::Existing { image: image.image };
    stage.plan = plan.clone().into();
    stage.restart();
    assert!(matches!(stage.drive_one("restore", stage.slot(1)).await, Outcome::Done { .. }));

    let mut stage = Stage::of(1);
    host(&mut plan, 1).backup = Backup::Existing { image: "ami-00000000000000bad".into() };
    stage.plan = plan.into();
    stage.restart();
    assert_eq!(code(&stage.drive_one("restore", stage.slot(1)).await), "FW-H0021");
}

#[tokio::test(start_paused = true)]
async fn the_second_way_stops_the_old_instance_and_launches_one_in_its_place_once() {
    let mut stage = Stage::with(1, |_, plan| plan.policy.rollback.way = RollbackWay::NewInstance);
    let slot = backed_up(&stage).await;
    stage.hosts.fail_next(RUN_INSTANCES, Fault::LostReply);
    stage.drive_one("restore", slot.clone()).await;
    stage.restart();
    let done = stage.drive_one("restore", Slot { doubt: true, attempt: 2, ..slot }).await;
    let found: RestoreNote = note(&done);
    assert!(found.replacement.is_some_and(|id| *id != *sample::id(1).as_str()));
    assert_eq!((stage.effects("ec2:StopInstances"), stage.effects(RUN_INSTANCES)), (1, 1));
}
