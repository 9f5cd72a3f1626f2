use async_trait::async_trait;
use fleetwright_model::code;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial, Tags, Text};
use fleetwright_ports::{Image, ImageQuery, ImageRequest, ImageState, Images, Snapshot, SnapshotState};
use jiff::{SignedDuration, Timestamp};

use super::{FakeHosts, after, malformed, missing, refused};

const CREATE: &str = "ec2:CreateImage";
const SNAPSHOTS: &str = "ec2:DescribeSnapshots";
const DELETE_SNAPSHOT: &str = "ec2:DeleteSnapshot";

/// An image and its one snapshot. Either may be gone.
pub(super) struct Made {
    image: Image,
    snapshot: Text,
    began: Timestamp,
    ends: Timestamp,
    fails: Option<Text>,
    deregistered: bool,
    deleted: bool,
}

impl Made {
    /// True where the image can be launched now; none where there is no such image.
    pub(super) fn is_usable(&self, id: &str, now: Timestamp) -> Option<bool> {
        let there = &*self.image.id == id && !self.deregistered;
        there.then(|| self.image_now(now).state == ImageState::Available)
    }

    fn image_now(&self, now: Timestamp) -> Image {
        let state = match &self.fails {
            _ if now < self.ends => ImageState::Pending,
            Some(_) => ImageState::Failed,
            None => ImageState::Available,
        };
        let reason = self.fails.clone().filter(|_| state == ImageState::Failed);
        Image { state, reason, ..self.image.clone() }
    }

    fn snapshot_now(&self, now: Timestamp) -> Snapshot {
        let image = self.image_now(now);
        let state = match image.state {
            ImageState::Pending => SnapshotState::Pending,
            ImageState::Available => SnapshotState::Completed,
            _ => SnapshotState::Failed,
        };
        Snapshot {
            id: self.snapshot.clone(),
            owner: image.owner,
            state,
            progress_percent: Some(progress(self.began, self.ends, now)),
            encrypted: false,
            key: None,
            reason: image.reason,
            started_at: Some(self.began),
            tags: image.tags,
        }
    }
}

fn progress(began: Timestamp, ends: Timestamp, now: Timestamp) -> u8 {
    let (whole, done) = (ends.duration_since(began), now.min(ends).duration_since(began));
    if whole <= SignedDuration::ZERO {
        return 100;
    }
    let percent = done.as_millis() * 100 / whole.as_millis().max(1);
    u8::try_from(percent.clamp(0, 100)).unwrap_or(100)
}

fn takes(query: &ImageQuery, id: &Text, name: Option<&Text>, tags: &Tags) -> bool {
    match query {
        ImageQuery::Ids(ids) => ids.contains(id),
        ImageQuery::Names(names) => name.is_some_and(|name| names.contains(name)),
        ImageQuery::Tag(key, value) => tags.get(key) == Some(value),
    }
}

#[async_trait]
impl Images for FakeHosts {
    async fn create(&self, cell: &Cell<'_>, request: &ImageRequest) -> Result<Text, Failure> {
        self.write(CREATE, |state, now| {
            if !(3..=128).contains(&request.name.chars().count()) {
                return Err(malformed(CREATE, "a name has 3 to 128 characters"));
            }
            let taken = |made: &Made| made.image.name == request.name && !made.deregistered;
            if state.cell(cell).images.iter().any(taken) {
                let words = format!("AMI name {} is already in use", request.name);
                let code = "InvalidAMIName.Duplicate";
                return Err(refused(ErrorClass::Conflict, &code::IMAGE_EXISTS, CREATE, code, &words));
            }
            let number = state.number();
            let place = state.cell(cell);
            let host = place.host(CREATE, "InvalidInstanceID.NotFound", &request.instance, now)?;
            let (ends, fails) = (after(now, host.script.image_takes), host.script.image_fails.clone());
            if request.reboot {
                host.boot(now);
            }
            let (id, snapshot): (Text, Text) =
                (format!("ami-{number:017x}").into(), format!("snap-{number:017x}").into());
            let image = Image {
                id: id.clone(),
                name: request.name.clone(),
                owner: cell.zone.account.as_str().into(),
                state: ImageState::Pending,
                reason: None,
                created_at: Some(now),
                snapshots: vec![snapshot.clone()],
                tags: request.tags.clone(),
            };
            place.images.push(Made {
                image,
                snapshot,
                began: now,
                ends,
                fails,
                deregistered: false,
                deleted: false,
            });
            state.took_effect(now, CREATE, std::slice::from_ref(&request.instance), &request.name);
            Ok(id)
        })
    }

    async fn images(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Image> {
        match self.read("ec2:DescribeImages") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let lag = state.lag;
                let made = state.cell(cell).images.iter();
                let made = made.filter(|made| !made.deregistered && after(made.began, lag) <= now);
                let images = made.map(|made| made.image_now(now));
                let taken = |image: &Image| takes(query, &image.id, Some(&image.name), &image.tags);
                Partial::complete(images.filter(taken).collect())
            }
        }
    }

    async fn snapshots(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Snapshot> {
        if matches!(query, ImageQuery::Names(_)) {
            return Partial::broken_off(Vec::new(), malformed(SNAPSHOTS, "snapshots have no names"));
        }
        match self.read(SNAPSHOTS) {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let lag = state.lag;
                let made = state.cell(cell).images.iter();
                let made = made.filter(|made| !made.deleted && after(made.began, lag) <= now);
                let snapshots = made.map(|made| made.snapshot_now(now));
                let taken = |snapshot: &Snapshot| takes(query, &snapshot.id, None, &snapshot.tags);
                Partial::complete(snapshots.filter(taken).collect())
            }
        }
    }

    async fn deregister(&self, cell: &Cell<'_>, image: &str) -> Result<(), Failure> {
        const ACTION: &str = "ec2:DeregisterImage";
        self.write(ACTION, |state, now| {
            let mut made = state.cell(cell).images.iter_mut();
            if let Some(made) = made.find(|made| &*made.image.id == image && !made.deregistered) {
                made.deregistered = true;
                state.took_effect(now, ACTION, &[], image);
            }
            Ok(())
        })
    }

    async fn delete_snapshot(&self, cell: &Cell<'_>, snapshot: &str) -> Result<(), Failure> {
        self.write(DELETE_SNAPSHOT, |state, now| {
            let mut made = state.cell(cell).images.iter_mut();
            match made.find(|made| &*made.snapshot == snapshot && !made.deleted) {
                None => Ok(()),
                Some(made) if !made.deregistered => {
                    let words = format!("{snapshot} is in use by {}", made.image.id);
                    let code = "InvalidSnapshot.InUse";
                    Err(refused(ErrorClass::Conflict, &code::RESOURCE_STATE, DELETE_SNAPSHOT, code, &words))
                }
                Some(made) => {
                    made.deleted = true;
                    state.took_effect(now, DELETE_SNAPSHOT, &[], snapshot);
                    Ok(())
                }
            }
        })
    }
}

/// The failure for an image that is not there.
pub(super) fn no_image(action: &str, image: &str) -> Failure {
    missing(action, "InvalidAMIID.NotFound", image)
}
