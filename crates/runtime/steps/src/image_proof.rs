//! Whether an image can really bring an instance back.

use std::collections::BTreeMap;

use fleetwright_flow::PlaceId;
use fleetwright_model::{Code, Failure, InstanceId, Text, code};
use fleetwright_ports::{Image, ImageQuery, ImageState, Snapshot, SnapshotState};
use jiff::Timestamp;

use crate::context::{CLOCK_TOLERANCE, Context};

/// The tag that says which instance an image is of.
pub(crate) const INSTANCE_TAG: &str = "fleetwright:instance";

/// What an image must be.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// Its id.
    pub(crate) image: Text,
    /// The instance it is of.
    pub(crate) instance: InstanceId,
    /// It is not older than this; none where an older run made it.
    pub(crate) not_before: Option<Timestamp>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Proof {
    /// It can be used, with so many snapshots.
    Usable { snapshots: u32 },
    /// The image is still being made, or its snapshots are.
    Pending,
    /// The listing does not have it.
    Missing,
    /// It will never be usable.
    Broken { code: &'static Code, why: String },
    /// It could not be looked at.
    Unchecked(Failure),
}

/// Judges images: one call for all of them, and one for the snapshots of those that are available.
pub(crate) async fn prove(context: &Context, place: PlaceId, claims: &[Claimed]) -> Vec<Proof> {
    if claims.is_empty() {
        return Vec::new();
    }
    let cell = context.cell(place);
    let ids = claims.iter().map(|claim| claim.image.clone()).collect();
    let listing = context.ports().images.images(&cell, &ImageQuery::Ids(ids)).await;
    let images: BTreeMap<Text, Image> = listing.items.into_iter().map(|it| (it.id.clone(), it)).collect();
    let available = images.values().filter(|image| image.state == ImageState::Available);
    let ids: Vec<Text> = available.flat_map(|image| image.snapshots.iter().cloned()).collect();
    let (mut snapshots, mut unread) = (BTreeMap::new(), None);
    if !ids.is_empty() {
        let listing = context.ports().images.snapshots(&cell, &ImageQuery::Ids(ids)).await;
        snapshots = listing.items.into_iter().map(|it| (it.id.clone(), it)).collect();
        unread = listing.failure;
    }
    let judge = |claim: &Claimed| match (images.get(&claim.image), &listing.failure) {
        (Some(image), _) => judged(claim, image, cell.zone.account.as_str(), &snapshots, unread.as_ref()),
        (None, Some(failure)) => Proof::Unchecked(failure.clone()),
        (None, None) => Proof::Missing,
    };
    claims.iter().map(judge).collect()
}

fn broken(code: &'static Code, why: String) -> Proof {
    Proof::Broken { code, why }
}

fn judged(
    claim: &Claimed,
    image: &Image,
    account: &str,
    snapshots: &BTreeMap<Text, Snapshot>,
    unread: Option<&Failure>,
) -> Proof {
    let reason = image.reason.as_deref().unwrap_or("AWS gives no reason");
    match image.state {
        ImageState::Pending | ImageState::Unknown => return Proof::Pending,
        ImageState::Failed => {
            return broken(&code::IMAGE_FAILED, format!("image {} failed: {reason}", image.id));
        }
        ImageState::Gone => {
            return broken(&code::IMAGE_UNPROVEN, format!("image {} was deregistered or disabled", image.id));
        }
        ImageState::Available => {}
    }
    if let Some(why) = wrong(claim, image, account) {
        return broken(&code::IMAGE_UNPROVEN, format!("image {} {why}", image.id));
    }
    for id in &image.snapshots {
        match (snapshots.get(id), unread) {
            (Some(snapshot), _) => match snapshot_proof(image, snapshot, account) {
                None => {}
                Some(proof) => return proof,
            },
            (None, Some(failure)) => return Proof::Unchecked(failure.clone()),
            // Listings are eventually consistent: a snapshot of an available image turns up.
            (None, None) => return Proof::Pending,
        }
    }
    Proof::Usable { snapshots: u32::try_from(image.snapshots.len()).unwrap_or(u32::MAX) }
}

fn wrong(claim: &Claimed, image: &Image, account: &str) -> Option<String> {
    if &*image.owner != account {
        return Some(format!("belongs to account {}, not to {account}", image.owner));
    }
    if image.snapshots.is_empty() {
        return Some("has no snapshots".to_owned());
    }
    match image.tags.get(INSTANCE_TAG) {
        Some(tag) if **tag == *claim.instance.as_str() => {}
        Some(tag) => return Some(format!("is of instance {tag}, not of {}", claim.instance)),
        None => return Some(format!("does not say by its tag {INSTANCE_TAG} which instance it is of")),
    }
    let earliest = claim.not_before?.checked_sub(CLOCK_TOLERANCE).unwrap_or(Timestamp::MIN);
    match image.created_at {
        Some(created) if created >= earliest => None,
        Some(created) => Some(format!("was made at {created}, before this run")),
        None => Some("does not say when it was made".to_owned()),
    }
}

/// None where the snapshot is as it should be.
fn snapshot_proof(image: &Image, snapshot: &Snapshot, account: &str) -> Option<Proof> {
    let named = |what: &str| format!("image {}: snapshot {} {what}", image.id, snapshot.id);
    let reason = snapshot.reason.as_deref().unwrap_or("AWS gives no reason");
    match snapshot.state {
        SnapshotState::Failed => Some(broken(&code::SNAPSHOT_FAILED, named(&format!("failed: {reason}")))),
        SnapshotState::Pending => Some(Proof::Pending),
        SnapshotState::Unknown => {
            Some(broken(&code::IMAGE_UNPROVEN, named("is in the archive or in a state that is not known")))
        }
        SnapshotState::Completed if &*snapshot.owner != account => {
            Some(broken(&code::IMAGE_UNPROVEN, named(&format!("belongs to account {}", snapshot.owner))))
        }
        SnapshotState::Completed if snapshot.encrypted && snapshot.key.is_none() => {
            Some(broken(&code::IMAGE_UNPROVEN, named("is encrypted, and its key is not known")))
        }
        SnapshotState::Completed => None,
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_model::Tags;

    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn claim() -> Claimed {
        let instance = InstanceId::new("i-00000001").unwrap();
        Claimed { image: "ami-1".into(), instance, not_before: Some(at("2026-11-01T02:00:00Z")) }
    }

    fn image() -> Image {
        Image {
            id: "ami-1".into(),
            name: "fw".into(),
            owner: ACCOUNT.into(),
            state: ImageState::Available,
            reason: None,
            created_at: Some(at("2026-11-01T02:05:00Z")),
            snapshots: vec!["snap-1".into()],
            tags: Tags::from([(INSTANCE_TAG.into(), "i-00000001".into())]),
        }
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            id: "snap-1".into(),
            owner: ACCOUNT.into(),
            state: SnapshotState::Completed,
            progress_percent: Some(100),
            encrypted: true,
            key: Some("arn:aws:kms:eu-central-1:111122223333:key/1".into()),
            reason: None,
            started_at: None,
            tags: Tags::new(),
        }
    }

    fn proof(image: impl FnOnce(&mut Image), snapshot: impl FnOnce(&mut Snapshot)) -> Proof {
        let (mut an_image, mut a_snapshot) = (self::image(), self::snapshot());
        image(&mut an_image);
        snapshot(&mut a_snapshot);
        let snapshots = BTreeMap::from([(a_snapshot.id.clone(), a_snapshot)]);
        judged(&claim(), &an_image, ACCOUNT, &snapshots, None)
    }

    fn code_of(proof: Proof) -> &'static str {
        match proof {
            Proof::Broken { code, .. } => code.id,
            other => panic!("not broken: {other:?}"),
        }
    }

    #[test]
    fn an_image_that_holds_everything_is_usable() {
        assert_eq!(proof(|_| {}, |_| {}), Proof::Usable { snapshots: 1 });
    }

    #[test]
    fn whatever_is_wrong_with_the_image_makes_it_unproven() {
        let changes: [fn(&mut Image); 6] = [
            |it| it.owner = "999999999999".into(),
            |it| it.snapshots.clear(),
            |it| it.tags.clear(),
            |it| it.created_at = None,
            |it| it.created_at = Some("2026-11-01T01:00:00Z".parse().unwrap()),
            |it| it.state = ImageState::Gone,
        ];
        for change in changes {
            assert_eq!(code_of(proof(change, |_| {})), "FW-B0004");
        }
        let another = |it: &mut Image| {
            it.tags.insert(INSTANCE_TAG.into(), "i-00000002".into());
        };
        assert_eq!(code_of(proof(another, |_| {})), "FW-B0004");
    }

    #[test]
    fn whatever_is_wrong_with_a_snapshot_makes_the_image_unproven() {
        let changes: [fn(&mut Snapshot); 3] = [
            |it| it.owner = "999999999999".into(),
            |it| it.key = None,
            |it| it.state = SnapshotState::Unknown,
        ];
        for change in changes {
            assert_eq!(code_of(proof(|_| {}, change)), "FW-B0004");
        }
        assert_eq!(code_of(proof(|_| {}, |it| it.state = SnapshotState::Failed)), "FW-B0005");
        assert_eq!(proof(|_| {}, |it| it.state = SnapshotState::Pending), Proof::Pending);
    }

    #[test]
    fn a_snapshot_that_is_not_listed_yet_is_waited_for() {
        assert_eq!(judged(&claim(), &image(), ACCOUNT, &BTreeMap::new(), None), Proof::Pending);
    }
}
