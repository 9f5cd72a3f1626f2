//! `clean-up`: images and snapshots past their retention are deleted, in one region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{Failure, InstanceId, Tags, Text, code};
use fleetwright_patch::plan::notes::{CleanUpNote, step::CLEAN_UP};
use fleetwright_ports::{Image, ImageQuery, ImageState};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::backup::{DELETE_AFTER_TAG, PURPOSE, PURPOSE_TAG};
use crate::command_wave::report;
use crate::context::Context;
use crate::image_proof::INSTANCE_TAG;
use fleetwright_step::{Outcome, Step, Turn};

/// The step.
pub(crate) struct CleanUp {
    context: Arc<Context>,
}

/// What was done so far.
#[derive(Default)]
struct Done {
    images: u32,
    snapshots: u32,
    kept: u32,
    failures: Vec<Failure>,
}

impl CleanUp {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    fn query() -> ImageQuery {
        ImageQuery::Tag(PURPOSE_TAG.into(), PURPOSE.into())
    }

    /// Whether what carries these tags is past its retention, and its instance verified by this run.
    /// What cannot be told keeps it.
    fn is_dispensable(&self, tags: &Tags) -> bool {
        self.is_past(tags) && instance_of(tags).is_some_and(|instance| self.context.is_verified(&instance))
    }

    fn is_past(&self, tags: &Tags) -> bool {
        let today = self.context.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let until = tags.get(DELETE_AFTER_TAG).and_then(|text| text.parse::<Date>().ok());
        until.is_some_and(|until| until < today)
    }

    async fn clean(&self, place: PlaceId) -> Result<Done, Failure> {
        let cell = self.context.cell(place);
        let images = self.context.ports().images.images(&cell, &Self::query()).await;
        let snapshots = self.context.ports().images.snapshots(&cell, &Self::query()).await;
        // The newest image of an instance and what uses a snapshot are known from whole listings only.
        if let Some(failure) = images.failure.or(snapshots.failure) {
            return Err(failure);
        }
        let newest = newest(&images.items);
        let mut done = Done::default();
        let mut in_use: BTreeSet<Text> = BTreeSet::new();
        for image in &images.items {
            if !self.is_past(&image.tags) {
                in_use.extend(image.snapshots.iter().cloned());
            } else if newest.contains(&image.id) || !self.is_dispensable(&image.tags) {
                done.kept += 1;
                in_use.extend(image.snapshots.iter().cloned());
            } else if !self.deregister(place, image, &mut done).await {
                in_use.extend(image.snapshots.iter().cloned());
            }
        }
        // Of images deregistered just now, and of those where an earlier process got no further.
        for snapshot in &snapshots.items {
            if !in_use.contains(&snapshot.id) && self.is_dispensable(&snapshot.tags) {
                self.delete(place, &snapshot.id, &mut done).await;
            }
        }
        Ok(done)
    }

    async fn deregister(&self, place: PlaceId, image: &Image, done: &mut Done) -> bool {
        match self.context.ports().images.deregister(&self.context.cell(place), &image.id).await {
            Ok(()) => {
                done.images += 1;
                true
            }
            Err(failure) => {
                done.failures.push(failure);
                false
            }
        }
    }

    async fn delete(&self, place: PlaceId, snapshot: &str, done: &mut Done) {
        match self.context.ports().images.delete_snapshot(&self.context.cell(place), snapshot).await {
            Ok(()) => done.snapshots += 1,
            Err(failure) => done.failures.push(failure),
        }
    }
}

fn instance_of(tags: &Tags) -> Option<InstanceId> {
    InstanceId::new(tags.get(INSTANCE_TAG)?.clone()).ok()
}

/// The newest image of each instance that can be launched, or else the newest; it is kept whatever its
/// age.
fn newest(images: &[Image]) -> BTreeSet<Text> {
    let mut newest: BTreeMap<Text, (bool, Option<Timestamp>, Text)> = BTreeMap::new();
    for image in images {
        let Some(instance) = image.tags.get(INSTANCE_TAG) else { continue };
        let this = (image.state == ImageState::Available, image.created_at, image.id.clone());
        let known = newest.entry(instance.clone()).or_insert_with(|| this.clone());
        if this > *known {
            *known = this;
        }
    }
    newest.into_values().map(|(.., id)| id).collect()
}

#[async_trait]
impl Step for CleanUp {
    fn name(&self) -> &'static str {
        CLEAN_UP
    }

    async fn turn(&self, turn: Turn<'_>) {
        // One target per region, so the slots of a turn ask for the same.
        for slot in turn.slots {
            let outcome = match self.clean(turn.place).await {
                Err(failure) => Outcome::Failed(failure),
                Ok(done) => {
                    for failure in &done.failures {
                        tracing::warn!(%failure, "an old image or snapshot was not deleted");
                    }
                    let Done { images, snapshots, kept, failures } = done;
                    let finding = (!failures.is_empty()).then_some(&code::CLEANUP_INCOMPLETE);
                    Outcome::done(&CleanUpNote { images, snapshots, kept }).with_finding(finding)
                }
            };
            report(&turn, slot, outcome);
        }
    }
}
