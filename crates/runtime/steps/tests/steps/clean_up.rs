use fleetwright_flow as flow;
use fleetwright_model::Text;
use fleetwright_patch::plan::Work;
use fleetwright_patch::plan::notes::CleanUpNote;
use fleetwright_ports::{ImageQuery, ImageRequest, Images};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{Fault, sample};

use crate::stage::{Stage, code, note};

const DEREGISTER: &str = "ec2:DeregisterImage";
const DELETE: &str = "ec2:DeleteSnapshot";

/// One host and its region.
fn stage() -> Stage {
    Stage::with(2, |_, plan| {
        plan.work.push(Work::Region);
        let region = flow::Target { subject: "region".into(), ..plan.flow.targets[0].clone() };
        plan.flow.targets.push(region);
    })
}

fn region(stage: &Stage) -> Slot {
    stage.slot(3)
}

/// An image that may be deleted from that day on.
async fn image(stage: &Stage, host: u64, name: &str, until: &str) -> Text {
    let tags = [
        ("fleetwright:purpose", "pre-patch-backup".to_owned()),
        ("fleetwright:instance", sample::id(host).to_string()),
        ("fleetwright:delete-after", until.to_owned()),
    ];
    let request = ImageRequest {
        instance: sample::id(host),
        name: name.into(),
        description: "".into(),
        tags: tags.into_iter().map(|(key, value)| (Text::from(key), Text::from(value))).collect(),
        reboot: false,
    };
    let made = stage.hosts.create(&stage.cell(), &request).await.expect("made");
    stage.wait(700).await;
    made
}

async fn images(stage: &Stage) -> Vec<Text> {
    let query = ImageQuery::Tag("fleetwright:purpose".into(), "pre-patch-backup".into());
    stage.hosts.images(&stage.cell(), &query).await.items.into_iter().map(|image| image.id).collect()
}

fn verify(stage: &Stage, host: u64) {
    stage.verified.lock().expect("no test panicked").insert(sample::id(host));
}

#[tokio::test(start_paused = true)]
async fn images_past_their_retention_go_with_their_snapshots_and_the_newest_stays() {
    let stage = stage();
    image(&stage, 1, "old", "2026-10-01").await;
    let newest = image(&stage, 1, "newer, and past it too", "2026-10-15").await;
    verify(&stage, 1);
    let done = stage.drive_one("clean-up", region(&stage)).await;
    let CleanUpNote { images: gone, snapshots, kept } = note(&done);
    assert_eq!((gone, snapshots, kept), (1, 1, 1));
    assert_eq!(images(&stage).await, [newest]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_an_instance_that_is_not_verified_is_deleted() {
    let stage = stage();
    for name in ["first", "second", "third"] {
        image(&stage, 1, name, "2026-10-01").await;
    }
    verify(&stage, 2);
    let done = stage.drive_one("clean-up", region(&stage)).await;
    assert_eq!(note::<CleanUpNote>(&done).kept, 3);
    assert_eq!(stage.effects(DEREGISTER) + stage.effects(DELETE), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_within_its_retention_or_says_nothing_readable_of_it_stays() {
    let stage = stage();
    verify(&stage, 1);
    for (name, until) in
        [("today", "2026-11-01"), ("later", "2027-01-01"), ("odd", "soon"), ("past", "2026-10-01")]
    {
        image(&stage, 1, name, until).await;
    }
    image(&stage, 1, "newest", "2026-10-01").await;
    stage.drive_one("clean-up", region(&stage)).await;
    assert_eq!(images(&stage).await.len(), 4, "only one was past its retention and not the newest");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_left_behind_by_a_crash_is_deleted_next_time() {
    let stage = stage();
    let old = image(&stage, 1, "old", "2026-10-01").await;
    image(&stage, 1, "new", "2027-10-01").await;
    verify(&stage, 1);
    stage.hosts.deregister(&stage.cell(), &old).await.unwrap();
    let done = stage.drive_one("clean-up", Slot { doubt: true, ..region(&stage) }).await;
    let CleanUpNote { images, snapshots, .. } = note(&done);
    assert_eq!((images, snapshots), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deleted_is_a_finding_and_not_the_end_of_the_rest() {
    let stage = stage();
    image(&stage, 1, "image-a", "2026-10-01").await;
    image(&stage, 1, "image-b", "2026-10-01").await;
    image(&stage, 1, "image-c", "2027-10-01").await;
    verify(&stage, 1);
    stage.hosts.fail_next(DEREGISTER, Fault::Refused(sample::denied(DEREGISTER)));
    let done = stage.drive_one("clean-up", region(&stage)).await;
    assert_eq!(code(&done), "FW-B0007");
    assert_eq!(note::<CleanUpNote>(&done).images, 1);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_broke_off_deletes_nothing() {
    let stage = stage();
    image(&stage, 1, "image-a", "2026-10-01").await;
    image(&stage, 1, "image-b", "2026-10-01").await;
    verify(&stage, 1);
    stage.hosts.fail_next("ec2:DescribeSnapshots", Fault::LostReply);
    assert!(matches!(stage.drive_one("clean-up", region(&stage)).await, Outcome::Failed(_)));
    assert_eq!(stage.effects(DEREGISTER), 0);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_within_its_retention_stays_although_its_image_is_gone() {
    let stage = stage();
    let kept = image(&stage, 1, "kept", "2027-10-01").await;
    verify(&stage, 1);
    stage.hosts.deregister(&stage.cell(), &kept).await.expect("deregistered");
    stage.drive_one("clean-up", region(&stage)).await;
    assert_eq!(stage.effects(DELETE), 0);
}
