//! Rows of DescribeImages and DescribeSnapshots in our terms.

use aws_sdk_ec2::types;
use fleetwright_ports::{Image, ImageState, Snapshot, SnapshotState};

use crate::ec2_terms::tags;
use crate::interner::Interner;
use crate::sdk_time::timestamp;

pub(super) fn image(row: types::Image, texts: &Interner) -> Result<Image, String> {
    let id = row.image_id.ok_or("a missing image id")?;
    let disks = row.block_device_mappings.unwrap_or_default();
    let snapshots = disks.into_iter().filter_map(|disk| disk.ebs?.snapshot_id);
    let reason = row.state_reason.and_then(|reason| reason.message).filter(|text| !text.is_empty());
    Ok(Image {
        id: id.into(),
        name: row.name.unwrap_or_default().into(),
        owner: texts.share(row.owner_id.as_deref().unwrap_or_default()),
        state: image_state(row.state.as_ref().map_or("", |state| state.as_str())),
        reason: reason.map(Into::into),
        created_at: row.creation_date.as_deref().and_then(|date| date.parse().ok()),
        snapshots: snapshots.map(Into::into).collect(),
        tags: tags(row.tags, texts),
    })
}

/// Source: EC2 API reference, Image, imageState.
fn image_state(name: &str) -> ImageState {
    match name {
        "pending" | "transient" => ImageState::Pending,
        "available" => ImageState::Available,
        "failed" | "invalid" | "error" => ImageState::Failed,
        "deregistered" | "disabled" => ImageState::Gone,
        _ => ImageState::Unknown,
    }
}

pub(super) fn snapshot(row: types::Snapshot, texts: &Interner) -> Result<Snapshot, String> {
    let id = row.snapshot_id.ok_or("a missing snapshot id")?;
    let archived = row.storage_tier.as_ref().is_some_and(|tier| tier.as_str() == "archive");
    let state = snapshot_state(row.state.as_ref().map_or("", |state| state.as_str()));
    Ok(Snapshot {
        id: id.into(),
        owner: texts.share(row.owner_id.as_deref().unwrap_or_default()),
        state: if archived { SnapshotState::Unknown } else { state },
        progress_percent: row.progress.as_deref().and_then(percent),
        encrypted: row.encrypted.unwrap_or(false),
        key: texts.share_if(row.kms_key_id.as_deref()),
        reason: row.state_message.filter(|text| !text.is_empty()).map(Into::into),
        started_at: row.start_time.as_ref().and_then(timestamp),
        tags: tags(row.tags, texts),
    })
}

/// Source: EC2 API reference, Snapshot, status.
fn snapshot_state(name: &str) -> SnapshotState {
    match name {
        "pending" => SnapshotState::Pending,
        "completed" => SnapshotState::Completed,
        "error" => SnapshotState::Failed,
        _ => SnapshotState::Unknown,
    }
}

/// `42%`, or nothing at first.
fn percent(progress: &str) -> Option<u8> {
    progress.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, SnapshotState as State, StorageTier};

    use super::*;

    #[test]
    fn an_image_is_only_available_when_the_service_says_so() {
        for (name, state) in [
            ("available", ImageState::Available),
            ("transient", ImageState::Pending),
            ("error", ImageState::Failed),
            ("disabled", ImageState::Gone),
            ("brand-new", ImageState::Unknown),
            ("", ImageState::Unknown),
        ] {
            assert_eq!(image_state(name), state, "{name}");
        }
    }

    #[test]
    fn disks_without_a_snapshot_are_not_behind_an_image() {
        let ebs = EbsBlockDevice::builder().snapshot_id("snap-1").build();
        let row = types::Image::builder()
            .image_id("ami-1")
            .creation_date("2026-11-01T02:00:00.000Z")
            .block_device_mappings(BlockDeviceMapping::builder().virtual_name("ephemeral0").build())
            .block_device_mappings(BlockDeviceMapping::builder().ebs(ebs).build());
        let image = image(row.build(), &Interner::default()).expect("usable");
        assert_eq!(image.snapshots, ["snap-1".into()]);
        assert_eq!(image.created_at.map(|at| at.to_string()).as_deref(), Some("2026-11-01T02:00:00Z"));
    }

    #[test]
    fn a_snapshot_in_the_archive_cannot_be_restored_from_at_once() {
        let row = types::Snapshot::builder().snapshot_id("snap-1").state(State::Completed).progress("100%");
        let there = snapshot(row.clone().build(), &Interner::default()).expect("usable");
        assert_eq!((there.state, there.progress_percent), (SnapshotState::Completed, Some(100)));
        let away = snapshot(row.storage_tier(StorageTier::Archive).build(), &Interner::default());
        assert_eq!(away.expect("usable").state, SnapshotState::Unknown);
    }
}
