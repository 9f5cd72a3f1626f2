//! `promote`: the exact patches of a wave are left for the later ones, one list per platform.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{End, PlaceId};
use fleetwright_model::{Failure, Text};
use fleetwright_patch::plan::GateWork;
use fleetwright_patch::plan::notes::{PromoteNote, PromotedList, step::PROMOTE};
use fleetwright_patch::plan::policy::Operation;

use crate::command_wave::report;
use crate::context::Context;
use crate::patch_list::{self, PatchList, slug};
use fleetwright_step::{Outcome, Step, Turn};

/// The step.
pub(crate) struct Promote {
    context: Arc<Context>,
}

/// The patches of one platform's hosts together.
type Lists = BTreeMap<Text, PatchList>;

impl Promote {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    async fn promote(&self, place: PlaceId, gate: &GateWork) -> Result<PromoteNote, Outcome> {
        let Some(bucket) = &gate.patch_list_bucket else {
            return Ok(PromoteNote { bucket: "".into(), prefix: "".into(), lists: Vec::new() });
        };
        let lists = self.lists(place, gate).await.map_err(Outcome::Failed)?;
        let cell = self.context.cell(place);
        let prefix = format!("fleetwright/{}/{}/{}", self.context.run(), cell.zone.account, cell.region);
        let mut promoted = Vec::with_capacity(lists.len());
        for (platform, list) in lists {
            let name = format!("{prefix}/{platform}.yaml");
            patch_list::keep(&self.context, place, &platform, &list).await?;
            let put = self.context.ports().objects.put(&cell, bucket, &name, list.written().as_bytes()).await;
            put.map_err(Outcome::Failed)?;
            promoted.push(PromotedList { platform, patches: list.len() });
        }
        Ok(PromoteNote { bucket: bucket.clone(), prefix: prefix.into(), lists: promoted })
    }

    /// What is installed on the hosts that the wave patched and that ended well.
    async fn lists(&self, place: PlaceId, gate: &GateWork) -> Result<Lists, Failure> {
        let mut lists = Lists::new();
        for (target, host) in self.context.judged(place, gate) {
            let well = self.context.standing(target).is_some_and(|it| matches!(it.end, End::Done { .. }));
            if !well || self.context.plan().operation_of(host) != Operation::Install {
                continue;
            }
            let listing = self.context.ports().machines.patches(&self.context.cell(place), &host.id).await;
            match listing.failure {
                // A list that lacks a patch would leave it out everywhere.
                Some(failure) => return Err(failure),
                None => lists.entry(slug(host)).or_default().add(host.os, &listing.items),
            }
        }
        // An empty list would install nothing at all on the later waves.
        lists.retain(|_, patches| !patches.is_empty());
        Ok(lists)
    }
}

#[async_trait]
impl Step for Promote {
    fn name(&self) -> &'static str {
        PROMOTE
    }

    async fn turn(&self, turn: Turn<'_>) {
        for (slot, gate) in self.context.gates(PROMOTE, &turn) {
            let outcome = match self.promote(turn.place, gate).await {
                Ok(note) => Outcome::done(&note),
                // The same content under the same name: doing it again does no harm.
                Err(outcome) => outcome,
            };
            report(&turn, slot, outcome);
        }
    }
}
