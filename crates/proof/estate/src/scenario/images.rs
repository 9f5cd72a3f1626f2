//! Images that were made before a scenario starts.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::file::ImageSection;
use crate::generate::seed::Seed;
use crate::policy::pattern;
use crate::world::diary::Event;
use crate::world::ids::{ImageId, SnapshotId};
use crate::world::instance::{Instance, RootDevice};
use crate::world::storage::{Image, ImageDisk, ImageState, Snapshot, SnapshotState, Visibility};
use crate::world::tags::{Interner, Tags};
use crate::world::{Region, World};

/// Makes them, the oldest first.
///
/// # Errors
/// The number of the section that fits no instance, or two of whose images would have one name, and
/// what to do.
pub(super) fn make(
    world: &mut World,
    sections: &[ImageSection],
    (seed, start): (&Seed, Timestamp),
    interner: &mut Interner,
) -> Result<(), (usize, String)> {
    let mut order: Vec<(usize, &ImageSection)> = sections.iter().enumerate().collect();
    order.sort_by_key(|(_, section)| std::cmp::Reverse(section.days_old));
    for (nth, section) in order {
        let made_at = start
            .checked_sub(SignedDuration::from_hours(24 * i64::from(section.days_old)))
            .map_err(|_| (nth, "days_old: that is before all time; give less".to_owned()))?;
        let mut made = 0;
        for (account, content) in &mut world.accounts {
            for region in content.regions.values_mut() {
                let own = seed.child("images by hand").nth(nth);
                made += in_region(region, section, (account, &own, made_at), interner)
                    .map_err(|problem| (nth, problem))?;
            }
        }
        if made == 0 {
            return Err((
                nth,
                format!("no instance with a volume as its root is named {:?}", section.instance),
            ));
        }
    }
    Ok(())
}

fn in_region(
    region: &mut Region,
    section: &ImageSection,
    (account, seed, made_at): (&str, &Seed, Timestamp),
    interner: &mut Interner,
) -> Result<usize, String> {
    let fits = |it: &&Instance| {
        it.root_device == RootDevice::Ebs
            && it.tags.get("Name").is_some_and(|name| pattern::matches(&section.instance, name))
    };
    let chosen: Vec<Instance> = region.instances.iter().filter(fits).cloned().collect();
    for it in &chosen {
        let mut random = seed.child(&it.id.to_string()).stream();
        let id = ImageId(random.random());
        let mut tags = Tags::default();
        for (key, value) in &section.tags {
            tags.set(interner.share(key), interner.share(&value.replace("{instance}", &it.id.to_string())));
        }
        let software = Arc::new(region.host_software(it.id));
        let mut disks = Vec::new();
        for attached in &it.volumes {
            let Some(volume) = region.volumes.get(&attached.volume) else { continue };
            let snapshot = SnapshotId(random.random());
            disks.push(ImageDisk {
                device: attached.device.to_string().into(),
                snapshot,
                gib: volume.gib,
                volume_type: volume.volume_type,
                encryption: volume.encryption,
                delete_on_termination: attached.delete_on_termination,
            });
            let snapshot = Snapshot {
                id: snapshot,
                volume: volume.id,
                gib: volume.gib,
                encryption: volume.encryption,
                description: format!("Created by CreateImage({}) for {id}", it.id),
                started_at: made_at,
                state: SnapshotState::Completed(made_at),
                image: Some(id),
                source_instance: Some(it.id),
                software: (disks.len() == 1).then(|| software.clone()),
                tags: tags.clone(),
            };
            region.snapshots.insert(snapshot.id, snapshot);
        }
        let name = format!("{}{}", section.name, it.id);
        if region.image_names.insert(name.clone(), id).is_some() {
            return Err(format!("name: there is an image {name} already; give the others another"));
        }
        let snapshots = disks.iter().map(|disk| disk.snapshot).collect();
        region
            .diary
            .note(made_at, Event::ImageBegun { name: name.clone(), image: id, instance: it.id, snapshots });
        region.diary.note(made_at, Event::ImageAvailable(id));
        let image = Image {
            id,
            name,
            description: String::new(),
            owner: account.to_owned(),
            owner_alias: None,
            visibility: Visibility::Private,
            architecture: it.instance_type.architecture,
            platform: it.platform,
            created_at: made_at,
            deprecated_at: None,
            state: ImageState::Available,
            disks,
            source_instance: Some(it.id),
            software: Some(software),
            tags,
        };
        region.images.insert(id, image);
    }
    Ok(chosen.len())
}
