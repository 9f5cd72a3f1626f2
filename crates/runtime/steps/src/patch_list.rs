//! Lists of exact patches: what the first wave has, what later waves install, and how a host differs.

use std::collections::BTreeSet;

use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_model::{ErrorClass, OsFamily, PatchDetail, PatchStatus, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{DriftNote, PromoteNote, step::PROMOTE};
use fleetwright_patch::plan::policy::Operation;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::context::{Context, storage_failure};
use fleetwright_step::Outcome;

/// The document with hooks, the only one of AWS's that takes no list.
/// Source: Systems Manager user guide, "SSM Command document for patching:
/// AWS-RunPatchBaselineWithHooks", "No custom patch list support".
pub(crate) const WITHOUT_LISTS: &str = "AWS-RunPatchBaselineWithHooks";

/// So many patches are named in a note, with so many characters each: a note has at most 2 KiB.
const NOTED_MAX: usize = 6;
const NOTED_CHARACTERS: usize = 120;

/// A patch as a list names it: its id, and on Linux its version.
/// Source: Systems Manager user guide, "AWS-RunPatchBaseline", parameter InstallOverrideList.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Listed {
    id: Text,
    title: Text,
}

/// One platform's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PatchList {
    patches: BTreeSet<Listed>,
}

impl Listed {
    fn of(os: OsFamily, patch: &PatchDetail) -> Self {
        // On Linux the title is the id, a colon and the version.
        let version = patch.title.strip_prefix(&*patch.kb).and_then(|rest| rest.strip_prefix(':'));
        let title = match os {
            OsFamily::Windows => patch.title.clone(),
            _ => version.map_or_else(|| patch.title.clone(), Text::from),
        };
        Self { id: patch.kb.clone(), title }
    }

    fn named(&self, os: OsFamily) -> String {
        match os {
            OsFamily::Windows => self.id.to_string(),
            _ => format!("{}:{}", self.id, self.title),
        }
    }
}

/// Whether the patch is there, and from the baseline.
fn is_installed(patch: &PatchDetail) -> bool {
    matches!(patch.state, PatchStatus::Installed | PatchStatus::InstalledPendingReboot)
        && !patch.kb.is_empty()
}

impl PatchList {
    /// Adds what is installed on a host.
    pub(crate) fn add(&mut self, os: OsFamily, patches: &[PatchDetail]) {
        self.patches.extend(patches.iter().filter(|it| is_installed(it)).map(|it| Listed::of(os, it)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.patches.len()).unwrap_or(u32::MAX)
    }

    /// The list as the document reads it. Texts are untrusted: quoted as YAML quotes them.
    pub(crate) fn written(&self) -> String {
        let mut text = String::from("patches:\n");
        for Listed { id, title } in &self.patches {
            text.push_str(&format!("  - id: {}\n    title: {}\n", quoted(id), quoted(title)));
        }
        text
    }

    /// On Windows the article alone is the patch: its title is a note, and its versions are other ones.
    fn has(&self, os: OsFamily, listed: &Listed) -> bool {
        match os {
            OsFamily::Windows => self.patches.iter().any(|it| it.id == listed.id),
            _ => self.patches.contains(listed),
        }
    }

    /// How a host differs from the list, by what Patch Manager says of it: patches of the list that are
    /// still missing, and others that were installed since the fleet was read.
    pub(crate) fn drift(&self, os: OsFamily, patches: &[PatchDetail], since: Timestamp) -> DriftNote {
        let mut drift = DriftNote::default();
        let mut named = Vec::new();
        for patch in patches.iter().filter(|patch| !patch.kb.is_empty()) {
            let listed = Listed::of(os, patch);
            let wanted = self.has(os, &listed);
            let lacks = matches!(patch.state, PatchStatus::Missing | PatchStatus::Failed);
            match (lacks, wanted) {
                (true, true) => {
                    drift.lacking += 1;
                    named.push(format!("lacks {}", listed.named(os)));
                }
                (true, false) => drift.held_back += u32::from(patch.state == PatchStatus::Missing),
                (false, false) if came_since(patch, since) => {
                    drift.beyond += 1;
                    named.push(format!("beyond the list: {}", listed.named(os)));
                }
                (false, _) => {}
            }
        }
        let short = |text: &String| text.chars().take(NOTED_CHARACTERS).collect::<String>().into();
        drift.named = named.iter().take(NOTED_MAX).map(short).collect();
        drift
    }
}

/// Whether a patch is there since then, from the baseline or not. Windows often knows the day alone.
fn came_since(patch: &PatchDetail, since: Timestamp) -> bool {
    use PatchStatus::{Installed, InstalledOther, InstalledPendingReboot};
    let there = matches!(patch.state, Installed | InstalledOther | InstalledPendingReboot);
    let day = SignedDuration::from_hours(24);
    there
        && patch.installed_at.is_some_and(|at| match at.as_second().rem_euclid(day.as_secs()) {
            0 => at.checked_add(day).is_ok_and(|end| end > since),
            _ => at >= since,
        })
}

fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("'{}'", line.replace('\'', "''"))
}

/// A host's platform in the name of a file.
pub(crate) fn slug(host: &PlannedHost) -> Text {
    let letters = host.platform.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    });
    letters.collect::<String>().into()
}

/// The list that an earlier wave has left for hosts of this platform in this place, where one has and
/// the document that patches takes one.
pub(crate) fn promoted_list(context: &Context, target: TargetId, host: &PlannedHost) -> Option<String> {
    let installs = context.plan().operation_of(host) == Operation::Install;
    if !installs || &*context.plan().policy.patch.document == WITHOUT_LISTS {
        return None;
    }
    let flow = &context.plan().flow;
    let place = flow.target(target).place;
    // A gate has a target for each place it judges, and only the first gates of a plan promote.
    let gates = context.promoting().iter().filter(|gate| **gate < target);
    let here = gates.filter(|gate| flow.target(**gate).place == place);
    let notes = here.filter_map(|gate| context.standing(*gate)?.read_note::<PromoteNote>(PROMOTE));
    notes.filter_map(|note| note.list(&slug(host))).next()
}

/// Where the run keeps its own copy of a list.
fn key(context: &Context, place: PlaceId, platform: &str) -> String {
    let place = &context.plan().flow.places[place.index()];
    format!("patch-lists/account-{}/region-{}/{platform}.json", place.account, place.region)
}

/// Keeps the run's own copy of a list: hosts are compared with it, whatever becomes of the bucket's.
pub(crate) async fn keep(
    context: &Context,
    place: PlaceId,
    platform: &str,
    list: &PatchList,
) -> Result<(), Outcome> {
    let bytes = serde_json::to_vec(list).expect("a list is plain data");
    let kept = context.ports().artifacts.put(context.run(), &key(context, place, platform), &bytes).await;
    kept.map_err(|error| Outcome::Failed(storage_failure(&error)))
}

/// The run's own copy of the list for that platform.
pub(crate) async fn kept(context: &Context, place: PlaceId, platform: &str) -> Result<PatchList, Outcome> {
    let key = key(context, place, platform);
    let found = context.ports().artifacts.get(context.run(), &key).await;
    let bytes = found.map_err(|error| Outcome::Failed(storage_failure(&error)))?;
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
        let words = format!("{key} is not among this run's files, or cannot be read");
        Outcome::failed(ErrorClass::Permanent, &code::STATE_UNUSABLE, "artifacts", &words)
    })
}
