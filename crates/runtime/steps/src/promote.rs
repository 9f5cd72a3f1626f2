//! `promote`: the exact patches of a wave are left for the later ones, one list per platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{End, PlaceId, TargetId};
use fleetwright_model::{Failure, InstanceId, OsFamily, PatchDetail, PatchStatus, Text};
use fleetwright_patch::plan::notes::{PromoteNote, PromotedList, step::PROMOTE};
use fleetwright_patch::plan::policy::Operation;
use fleetwright_patch::plan::{GateWork, PlannedHost};

use crate::command_wave::report;
use crate::context::Context;
use crate::step::{Outcome, Step, Turn};

/// The step.
pub(crate) struct Promote {
    context: Arc<Context>,
}

/// A patch as a list names it: its id, and on Linux its version.
/// Source: Systems Manager user guide, "AWS-RunPatchBaseline", parameter InstallOverrideList.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    id: Text,
    title: Text,
}

impl Listed {
    /// None for what is not installed, or not from the baseline.
    fn of(os: OsFamily, patch: &PatchDetail) -> Option<Self> {
        use PatchStatus::{Installed, InstalledPendingReboot};
        if !matches!(patch.state, Installed | InstalledPendingReboot) || patch.kb.is_empty() {
            return None;
        }
        // On Linux the title is the id, a colon and the version.
        let version = patch.title.strip_prefix(&*patch.kb).and_then(|rest| rest.strip_prefix(':'));
        let title = match os {
            OsFamily::Windows => patch.title.clone(),
            _ => version.map_or_else(|| patch.title.clone(), Text::from),
        };
        Some(Self { id: patch.kb.clone(), title })
    }
}

/// The patches of one platform's hosts together.
type Lists = BTreeMap<Text, BTreeSet<Listed>>;

impl Promote {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    async fn promote(&self, place: PlaceId, gate: &GateWork) -> Result<PromoteNote, Failure> {
        let Some(bucket) = &gate.patch_list_bucket else {
            return Ok(PromoteNote { bucket: "".into(), prefix: "".into(), lists: Vec::new() });
        };
        let lists = self.lists(place, gate).await?;
        let cell = self.context.cell(place);
        let prefix = format!("fleetwright/{}/{}/{}", self.context.run(), cell.zone.account, cell.region);
        let mut promoted = Vec::with_capacity(lists.len());
        for (platform, patches) in lists {
            let key = format!("{prefix}/{platform}.yaml");
            let content = written(&patches);
            self.context.ports().objects.put(&cell, bucket, &key, content.as_bytes()).await?;
            let patches = u32::try_from(patches.len()).unwrap_or(u32::MAX);
            promoted.push(PromotedList { platform, patches });
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
            let patches = self.installed(place, &host.id, host.os).await?;
            lists.entry(slug(host)).or_default().extend(patches);
        }
        // An empty list would install nothing at all on the later waves.
        lists.retain(|_, patches| !patches.is_empty());
        Ok(lists)
    }

    async fn installed(&self, place: PlaceId, id: &InstanceId, os: OsFamily) -> Result<Vec<Listed>, Failure> {
        let listing = self.context.ports().machines.patches(&self.context.cell(place), id).await;
        match listing.failure {
            // A list that lacks a patch would leave it out everywhere.
            Some(failure) => Err(failure),
            None => Ok(listing.items.iter().filter_map(|patch| Listed::of(os, patch)).collect()),
        }
    }
}

/// The list that an earlier wave has left for hosts of this platform in this place, where one has.
pub(crate) fn promoted_list(context: &Context, target: TargetId, host: &PlannedHost) -> Option<String> {
    let flow = &context.plan().flow;
    let place = flow.target(target).place;
    // A gate has a target for each place it judges, and only the first gates of a plan promote.
    let gates = context.promoting().iter().filter(|gate| **gate < target);
    let here = gates.filter(|gate| flow.target(**gate).place == place);
    let notes = here.filter_map(|gate| context.standing(*gate)?.read_note::<PromoteNote>(PROMOTE));
    notes.filter_map(|note| note.list(&slug(host))).next()
}

/// A host's platform in the name of a file.
pub(crate) fn slug(host: &PlannedHost) -> Text {
    let letters = host.platform.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    });
    letters.collect::<String>().into()
}

/// The list as the document reads it. Texts are untrusted: quoted as YAML quotes them.
fn written(patches: &BTreeSet<Listed>) -> String {
    let mut text = String::from("patches:\n");
    for Listed { id, title } in patches {
        text.push_str(&format!("  - id: {}\n    title: {}\n", quoted(id), quoted(title)));
    }
    text
}

fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("'{}'", line.replace('\'', "''"))
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
                Err(failure) => Outcome::Failed(failure),
            };
            report(&turn, slot, outcome);
        }
    }
}
