//! The contract of [`Images`](crate::Images), against an instance whose image can be made.

use std::collections::BTreeSet;

use fleetwright_model::code;
use fleetwright_model::{Cell, ErrorClass, InstanceId, Tags, Text};

use super::eventually;
use crate::{Clock, Image, ImageQuery, ImageRequest, ImageState, Images, SnapshotState};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// An instance on EBS whose images succeed.
    pub instance: InstanceId,
}

const NAME: &str = "fleetwright-conformance-image";
const TAG: (&str, &str) = ("fleetwright:conformance", "images");

/// Runs the whole suite; leaves nothing behind.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(images: &dyn Images, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    let request = ImageRequest {
        instance: expected.instance.clone(),
        name: NAME.into(),
        description: "made by a conformance suite".into(),
        tags: Tags::from([(TAG.0.into(), TAG.1.into())]),
        reboot: false,
    };
    let id = images.create(cell, &request).await.expect("an image can be made");
    let again = images.create(cell, &request).await.expect_err("the name is taken");
    assert_eq!((again.class, again.code), (ErrorClass::Conflict, &code::IMAGE_EXISTS), "{again}");
    let stranger = InstanceId::new("i-0ffffffffffffffff").expect("well formed");
    let nobody =
        ImageRequest { instance: stranger, name: "fleetwright-conformance-none".into(), ..request.clone() };
    let failure = images.create(cell, &nobody).await.expect_err("there is no such instance");
    assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");

    let image = becomes_available(images, cell, clock, &id).await;
    is_found_every_way(images, cell, &image).await;
    snapshots_are_complete(images, cell, &image).await;
    clears_away(images, cell, clock, &image).await;
}

async fn becomes_available(images: &dyn Images, cell: &Cell<'_>, clock: &dyn Clock, id: &Text) -> Image {
    let query = ImageQuery::Ids(vec![id.clone()]);
    let image = eventually(clock, "the image becomes available", async || {
        let listed = images.images(cell, &query).await;
        assert_eq!(listed.failure, None, "an id that is not known yet is no error");
        let image = listed.items.into_iter().next()?;
        assert!(matches!(image.state, ImageState::Pending | ImageState::Available), "{image:?}");
        (image.state == ImageState::Available).then_some(image)
    })
    .await;
    assert_eq!((&image.id, &*image.name), (id, NAME));
    assert_eq!(&*image.owner, cell.zone.account.as_str(), "own images have the own account");
    assert_eq!(image.tags.get(TAG.0).map(|value| &**value), Some(TAG.1), "tags come with the creating call");
    assert!(image.created_at.is_some() && !image.snapshots.is_empty(), "{image:?}");
    image
}

async fn is_found_every_way(images: &dyn Images, cell: &Cell<'_>, image: &Image) {
    let nowhere: Text = "ami-0ffffffffffffffff".into();
    let queries = [
        ImageQuery::Ids(vec![image.id.clone(), nowhere.clone()]),
        ImageQuery::Names(vec![NAME.into(), "fleetwright-conformance-other".into()]),
        ImageQuery::Tag(TAG.0.into(), TAG.1.into()),
    ];
    for query in queries {
        let listed = images.images(cell, &query).await;
        assert_eq!(listed.failure, None, "{query:?}");
        let ids: Vec<&Text> = listed.items.iter().map(|found| &found.id).collect();
        assert_eq!(ids, [&image.id], "{query:?}");
    }
    for query in [
        ImageQuery::Ids(vec![nowhere]),
        ImageQuery::Ids(Vec::new()),
        ImageQuery::Tag(TAG.0.into(), "other".into()),
    ] {
        let listed = images.images(cell, &query).await;
        assert_eq!((listed.items.len(), listed.failure), (0, None), "{query:?}");
    }
}

async fn snapshots_are_complete(images: &dyn Images, cell: &Cell<'_>, image: &Image) {
    let nowhere: Text = "snap-0ffffffffffffffff".into();
    let query = ImageQuery::Ids(image.snapshots.iter().cloned().chain([nowhere]).collect());
    let listed = images.snapshots(cell, &query).await;
    assert_eq!(listed.failure, None, "an id that does not exist is not an error");
    let ids: BTreeSet<&Text> = listed.items.iter().map(|snapshot| &snapshot.id).collect();
    assert_eq!(ids, image.snapshots.iter().collect::<BTreeSet<_>>());
    for snapshot in &listed.items {
        assert_eq!(snapshot.state, SnapshotState::Completed, "{snapshot:?}");
        assert_eq!(&*snapshot.owner, cell.zone.account.as_str());
        assert_eq!(snapshot.tags.get(TAG.0).map(|value| &**value), Some(TAG.1), "snapshots are tagged too");
    }
    let tagged = images.snapshots(cell, &ImageQuery::Tag(TAG.0.into(), TAG.1.into())).await;
    assert_eq!(tagged.items.len(), image.snapshots.len(), "the tag finds the same snapshots");
}

async fn clears_away(images: &dyn Images, cell: &Cell<'_>, clock: &dyn Clock, image: &Image) {
    for snapshot in &image.snapshots {
        let failure = images.delete_snapshot(cell, snapshot).await.expect_err("the image uses it");
        assert_eq!(failure.class, ErrorClass::Conflict, "{failure}");
    }
    images.deregister(cell, &image.id).await.expect("an image can be taken away");
    eventually(clock, "the image is gone", async || {
        let listed = images.images(cell, &ImageQuery::Ids(vec![image.id.clone()])).await;
        listed.items.iter().all(|image| image.state == ImageState::Gone).then_some(())
    })
    .await;
    images.deregister(cell, &image.id).await.expect("an image that is gone is no error");
    let query = ImageQuery::Ids(image.snapshots.clone());
    let left = images.snapshots(cell, &query).await;
    assert_eq!(left.items.len(), image.snapshots.len(), "its snapshots stay");
    for snapshot in &image.snapshots {
        images.delete_snapshot(cell, snapshot).await.expect("nothing uses it any more");
        images.delete_snapshot(cell, snapshot).await.expect("a snapshot that is gone is no error");
    }
    eventually(clock, "the snapshots are gone", async || {
        images.snapshots(cell, &query).await.items.is_empty().then_some(())
    })
    .await;
}
