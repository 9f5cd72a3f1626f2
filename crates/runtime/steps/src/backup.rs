//! `backup`: an image of the instance, made once and proven usable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{ErrorClass, InstanceId, Tags, Text, code};
use fleetwright_patch::plan::notes::{BackupNote, step::BACKUP};
use fleetwright_patch::plan::{Backup as Way, PlannedHost};
use fleetwright_ports::{ImageQuery, ImageRequest, ImageState};
use futures::stream::{self, StreamExt};
use jiff::SignedDuration;

use crate::command_wave::report;
use crate::context::Context;
use crate::identity::identities;
use crate::image_proof::{Claimed, INSTANCE_TAG, Proof, prove};
use crate::pace;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn, not_begun};

/// Says what an image is for; clean-up looks for it.
pub(crate) const PURPOSE_TAG: &str = "fleetwright:purpose";
/// The purpose of images before patching.
pub(crate) const PURPOSE: &str = "pre-patch-backup";
/// The day from which on an image may be deleted, RFC 3339 full-date.
pub(crate) const DELETE_AFTER_TAG: &str = "fleetwright:delete-after";

const LATE: Late<'static> = Late { step: BACKUP, class: ErrorClass::Permanent, code: &code::IMAGE_LATE };

/// Calls that are under way at once at most; how fast they leave is the governor's matter.
const AT_ONCE: usize = 16;
/// How long a new image may be missing from listings.
const LISTED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The step.
pub(crate) struct Backup {
    context: Arc<Context>,
}

type Hosts<'a> = Vec<(&'a Slot, &'a PlannedHost)>;

impl Backup {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The name of this attempt's image: a later attempt must not collide with an image that failed.
    fn name(&self, host: &InstanceId, attempt: u16) -> Text {
        match attempt {
            0 | 1 => format!("fw-{}-{host}", self.context.run()).into(),
            later => format!("fw-{}-{host}-{later}", self.context.run()).into(),
        }
    }

    fn tags(&self, host: &PlannedHost) -> Tags {
        let now = self.context.now();
        let days = i64::from(self.context.plan().policy.backup.retention_days);
        let kept = SignedDuration::from_hours(24 * days.max(1));
        // A day more than asked for rather than a part of a day less.
        let until = now.checked_add(kept).unwrap_or(jiff::Timestamp::MAX);
        let name = host.name.as_deref().unwrap_or(host.id.as_str());
        // EC2 takes at most 256 characters in a tag's value.
        let name: String = format!("{name} before patching").chars().take(256).collect();
        let tags = [
            ("Name", name),
            ("fleetwright:run", self.context.run().to_string()),
            (INSTANCE_TAG, host.id.to_string()),
            (PURPOSE_TAG, PURPOSE.to_owned()),
            ("fleetwright:created", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            (DELETE_AFTER_TAG, until.strftime("%Y-%m-%d").to_string()),
        ];
        tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Hosts<'_>) {
        let (doubtful, mut fresh): (Hosts<'_>, Hosts<'_>) =
            hosts.into_iter().partition(|(slot, _)| slot.doubt);
        fresh.extend(self.take_up(turn, doubtful).await);
        let judged = identities(&self.context, turn.place, &fresh).await;
        stream::iter(judged)
            .for_each_concurrent(AT_ONCE, |(slot, host, identity)| async move {
                let late = not_begun(slot, self.context.now(), BACKUP);
                let outcome = match (identity.planned(), late) {
                    (Ok(_), None) => self.create(turn.place, slot, host).await,
                    (Ok(_), Some(outcome)) | (Err(outcome), _) => outcome,
                };
                report(turn, slot, outcome);
            })
            .await;
    }

    /// Takes up images that were begun before, by name; hands back the slots that have none.
    async fn take_up<'a>(&self, turn: &Turn<'_>, hosts: Hosts<'a>) -> Hosts<'a> {
        if hosts.is_empty() {
            return hosts;
        }
        let names = |(slot, host): &(&Slot, &PlannedHost)| -> Vec<Text> {
            (1..=slot.attempt).map(|attempt| self.name(&host.id, attempt)).collect()
        };
        let wanted = hosts.iter().flat_map(names).collect();
        let cell = self.context.cell(turn.place);
        let listing = self.context.ports().images.images(&cell, &ImageQuery::Names(wanted)).await;
        let begun: BTreeMap<Text, Text> = listing
            .items
            .into_iter()
            .filter(|image| !matches!(image.state, ImageState::Failed | ImageState::Gone))
            .map(|image| (image.name, image.id))
            .collect();
        let mut fresh = Vec::new();
        for host in hosts {
            let newest = names(&host).iter().rev().find_map(|name| begun.get(name).cloned());
            match (newest, &listing.failure) {
                (Some(image), _) => report(turn, host.0, self.accepted(host.0, &image)),
                (None, Some(failure)) => report(turn, host.0, Outcome::Failed(failure.clone())),
                // Begun but not listed yet is found by the collision of names.
                (None, None) => fresh.push(host),
            }
        }
        fresh
    }

    fn accepted(&self, slot: &Slot, image: &str) -> Outcome {
        pace::IMAGE.accepted(slot, self.context.now(), image)
    }

    async fn create(&self, place: PlaceId, slot: &Slot, host: &PlannedHost) -> Outcome {
        let request = ImageRequest {
            instance: host.id.clone(),
            name: self.name(&host.id, slot.attempt),
            description: format!("Before patching, fleetwright {}", self.context.run()).into(),
            tags: self.tags(host),
            reboot: self.context.plan().policy.backup.reboot,
        };
        match self.context.ports().images.create(&self.context.cell(place), &request).await {
            Ok(image) => self.accepted(slot, &image),
            Err(failure) if failure.code == &code::IMAGE_EXISTS => {
                self.existing(place, slot, request.name).await
            }
            Err(failure) if failure.class == ErrorClass::NotFound => {
                Outcome::LeaveTarget { code: &code::REPLACED }
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    /// The image of that name: an earlier process was here.
    async fn existing(&self, place: PlaceId, slot: &Slot, name: Text) -> Outcome {
        let query = ImageQuery::Names(vec![name.clone()]);
        let listing = self.context.ports().images.images(&self.context.cell(place), &query).await;
        match (listing.items.first(), listing.failure) {
            (Some(image), _) => self.accepted(slot, &image.id),
            // It exists and cannot be seen yet. The attempt must not fail: the next one would make
            // another image under another name.
            (None, failure) => {
                let why = failure.map_or_else(String::new, |failure| format!(" ({failure})"));
                pace::IMAGE.look(slot, self.context.now(), &format!("image {name} to be listed{why}"), LATE)
            }
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost, Text)>) {
        let begun = self.context.plan().flow.created_at;
        let claim = |(_, host, image): &(&Slot, &PlannedHost, Text)| Claimed {
            image: image.clone(),
            instance: host.id.clone(),
            not_before: (host.backup == Way::Make).then_some(begun),
        };
        let claims: Vec<Claimed> = hosts.iter().map(claim).collect();
        let proofs = prove(&self.context, turn.place, &claims).await;
        for ((slot, _, image), proof) in hosts.into_iter().zip(proofs) {
            report(turn, slot, self.judge(slot, image, proof));
        }
    }

    fn judge(&self, slot: &Slot, image: Text, proof: Proof) -> Outcome {
        let now = self.context.now();
        let waiting = |what: &str| pace::IMAGE.look(slot, now, what, LATE);
        match proof {
            Proof::Usable { snapshots } => Outcome::done(&BackupNote { image, snapshots }),
            Proof::Pending => waiting(&format!("image {image} to be usable")),
            Proof::Missing if now.duration_since(slot.started_at) < LISTED_AFTER => {
                waiting(&format!("image {image} to be listed"))
            }
            Proof::Missing => {
                let words = format!("{}: image {image} does not exist", slot.subject);
                Outcome::failed(ErrorClass::Transient, &code::IMAGE_UNPROVEN, BACKUP, &words)
            }
            // The instance is unchanged, so another attempt makes another image.
            Proof::Broken { code, why } => {
                Outcome::failed(ErrorClass::Transient, code, BACKUP, &format!("{}: {why}", slot.subject))
            }
            Proof::Unchecked(failure) => waiting(&format!("image {image} to be readable ({failure})")),
        }
    }
}

#[async_trait]
impl Step for Backup {
    fn name(&self) -> &'static str {
        BACKUP
    }

    fn gathers_for(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn batch_size(&self) -> usize {
        1_000
    }

    async fn turn(&self, turn: Turn<'_>) {
        let (mut fresh, mut begun) = (Vec::new(), Vec::new());
        for (slot, host) in self.context.hosts(BACKUP, &turn) {
            match (&host.backup, &slot.handle) {
                (Way::None { .. }, _) => report(&turn, slot, Outcome::NotNeeded { code: &code::NOT_NEEDED }),
                (Way::Existing { image }, _) => begun.push((slot, host, image.clone())),
                (Way::Make, Some(image)) => begun.push((slot, host, image.clone())),
                (Way::Make, None) => fresh.push((slot, host)),
            }
        }
        self.act(&turn, fresh).await;
        self.look(&turn, begun).await;
    }
}
