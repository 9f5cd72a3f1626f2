use fleetwright_model::{ErrorClass, Text};
use fleetwright_patch::plan::Backup;
use fleetwright_patch::plan::notes::BackupNote;
use fleetwright_ports::{ImageQuery, ImageRequest, Images};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{Fault, sample};
use jiff::SignedDuration;

use crate::stage::{RUN, Stage, code, host, note};

const CREATE: &str = "ec2:CreateImage";

#[tokio::test(start_paused = true)]
async fn an_image_is_made_with_its_tags_proven_and_noted() {
    let stage = Stage::of(1);
    let done = stage.drive_one("backup", stage.slot(1)).await;
    let BackupNote { image, snapshots } = note(&done);
    assert_eq!(snapshots, 1);
    let found = stage.hosts.images(&stage.cell(), &ImageQuery::Ids(vec![image])).await.items.remove(0);
    assert_eq!(&*found.name, format!("fw-{RUN}-{}", sample::id(1)));
    let tag = |key: &str| found.tags.get(key).map(|value| value.to_string());
    assert_eq!(tag("fleetwright:run").as_deref(), Some(RUN));
    assert_eq!(tag("fleetwright:purpose").as_deref(), Some("pre-patch-backup"));
    assert_eq!(tag("fleetwright:created").as_deref(), Some("2026-11-01T02:00:00Z"));
    assert_eq!(tag("fleetwright:delete-after").as_deref(), Some("2026-11-08"));
    assert_eq!(tag("Name").as_deref(), Some("web-1 before patching"));
}

#[tokio::test(start_paused = true)]
async fn in_doubt_with_nothing_made_an_image_is_made() {
    let stage = Stage::of(1);
    let done = stage.drive_one("backup", Slot { doubt: true, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(CREATE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_does_not_make_a_second_image() {
    let mut stage = Stage::of(1);
    stage.hosts.fail_next(CREATE, Fault::LostReply);
    let slot = stage.slot(1);
    let lost = stage.drive_one("backup", slot.clone()).await;
    assert!(matches!(&lost, Outcome::Failed(failure) if failure.class == ErrorClass::Ambiguous), "{lost:?}");
    stage.restart();
    let done = stage.drive_one("backup", Slot { doubt: true, attempt: 2, ..slot }).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    assert_eq!(stage.effects(CREATE), 1, "the image of the first attempt is taken up");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_listings_do_not_show_yet_is_found_by_the_collision_of_names() {
    let stage = Stage::of(1);
    stage.hosts.set_lag(std::time::Duration::from_secs(20));
    stage.hosts.fail_next(CREATE, Fault::LostReply);
    let slot = stage.slot(1);
    stage.drive_one("backup", slot.clone()).await;
    let refused = stage.turn("backup", &[Slot { doubt: true, ..slot.clone() }]).await;
    assert!(matches!(refused[0], Outcome::LookAgain { .. }), "exists, and cannot be seen: {refused:?}");
    let done = stage.drive_one("backup", Slot { doubt: true, ..slot }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_eq!(stage.effects(CREATE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_image_fails_the_attempt_and_the_next_one_has_another_name() {
    let stage = Stage::of(1);
    stage.hosts.script(&sample::id(1), |script| script.image_fails = Some("KMS key disabled".into()));
    let failed = stage.drive_one("backup", stage.slot(1)).await;
    assert_eq!(code(&failed), "FW-B0001");
    assert!(
        matches!(&failed, Outcome::Failed(it) if it.class == ErrorClass::Transient && it.message.contains("KMS key disabled"))
    );
    stage.hosts.script(&sample::id(1), |script| script.image_fails = None);
    let done = stage.drive_one("backup", Slot { attempt: 2, ..stage.slot(1) }).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_ready_in_time_is_late() {
    let stage = Stage::of(1);
    let takes = std::time::Duration::from_secs(72_000);
    stage.hosts.script(&sample::id(1), |script| script.image_takes = takes);
    let late = stage.drive_one("backup", stage.slot(1)).await;
    assert_eq!(code(&late), "FW-B0003");
    let looks = stage.hosts.calls("ec2:DescribeImages");
    assert!(looks < 300, "{looks} looks in an hour");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_not_the_planned_one_is_left_alone() {
    let stage = Stage::with(2, |_, plan| {
        host(plan, 1).launch_time = Some(sample::now() - SignedDuration::from_hours(5));
    });
    stage.hosts.terminate(&sample::id(2));
    let left = stage.drive("backup", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(left.iter().map(code).collect::<Vec<_>>(), ["FW-H0018", "FW-H0018"]);
    assert_eq!(stage.effects(CREATE), 0);
}

#[tokio::test(start_paused = true)]
async fn an_image_of_that_name_from_before_the_run_is_no_backup() {
    let stage =
        Stage::with(1, |_, plan| plan.flow.created_at = sample::now() + SignedDuration::from_hours(2));
    let request = image_of(1, &format!("fw-{RUN}-{}", sample::id(1)));
    stage.hosts.create(&stage.cell(), &request).await.unwrap();
    stage.wait(3 * 3600).await;
    assert_eq!(code(&stage.drive_one("backup", stage.slot(1)).await), "FW-B0004");
}

/// A request for an image that says which instance it is of.
fn image_of(number: u64, name: &str) -> ImageRequest {
    let (key, of) = ("fleetwright:instance", sample::id(number));
    ImageRequest {
        tags: [(Text::from(key), Text::from(of.as_str()))].into(),
        instance: of,
        name: name.into(),
        description: "".into(),
        reboot: false,
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_image_is_proven_and_one_of_another_instance_refused() {
    let mut stage = Stage::of(2);
    let request = image_of(1, "earlier");
    let image = stage.hosts.create(&stage.cell(), &request).await.unwrap();
    let mut plan = (*stage.plan).clone();
    for number in 1..=2 {
        host(&mut plan, number).backup = Backup::Existing { image: image.clone() };
    }
    stage.plan = plan.into();
    stage.restart();
    let ends = stage.drive("backup", vec![stage.slot(1), stage.slot(2)]).await;
    assert_eq!(note::<BackupNote>(&ends[0]).image, image);
    assert_eq!(code(&ends[1]), "FW-B0004");
    assert_eq!(stage.effects(CREATE), 1, "no image was made for either");
}

#[tokio::test(start_paused = true)]
async fn a_host_without_backup_by_plan_needs_none() {
    let stage = Stage::with(1, |_, plan| host(plan, 1).backup = Backup::None { code: "FW-P0001".into() });
    let skipped = stage.drive_one("backup", stage.slot(1)).await;
    assert!(matches!(skipped, Outcome::NotNeeded { .. }));
}
