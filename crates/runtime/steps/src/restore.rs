//! `restore`: the host is put back to its image.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{ErrorClass, Failure, InstanceId, Tags, Text, code};
use fleetwright_patch::plan::notes::{BackupNote, RestoreNote, step};
use fleetwright_patch::plan::{Backup, PlannedHost, RollbackWay};
use fleetwright_ports::{Replacement, Restore as Task, RestoreState};

use crate::command_wave::report;
use crate::context::Context;
use crate::identity::identities;
use crate::image_proof::INSTANCE_TAG;
use crate::pace;
use crate::recovery::{Awaited, Condition, conditions};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn, not_begun};

const LATE: Late<'static> =
    Late { step: step::RESTORE, class: ErrorClass::Permanent, code: &code::RESTORE_FAILED };

/// The step.
pub(crate) struct Restore {
    context: Arc<Context>,
}

/// A restore that was begun.
struct Begun<'a> {
    slot: &'a Slot,
    host: &'a PlannedHost,
    image: Text,
    handle: Text,
}

impl Begun<'_> {
    /// The new instance, where the handle is one.
    fn replacement(&self) -> Option<InstanceId> {
        InstanceId::new(self.handle.clone()).ok()
    }

    fn failed(&self, words: &str) -> Outcome {
        let words = format!("{}: {words} (image {}, {})", self.slot.subject, self.image, self.handle);
        Outcome::failed(ErrorClass::Permanent, &code::RESTORE_FAILED, step::RESTORE, &words)
    }
}

impl Restore {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The image of this run, or of the earlier one that the plan names.
    fn image(&self, slot: &Slot, host: &PlannedHost) -> Option<Text> {
        let made: Option<BackupNote> = slot.read_note(step::BACKUP);
        match (made, &host.backup) {
            (Some(note), _) => Some(note.image),
            (None, Backup::Existing { image }) => Some(image.clone()),
            (None, Backup::Make | Backup::None { .. }) => None,
        }
    }

    /// The same for every attempt: repeating the call with it begins nothing new. At most 64
    /// characters.
    fn token(&self, host: &InstanceId) -> Text {
        let run = self.context.run().as_str();
        match run.len() {
            0..=36 => format!("fw-{run}-{host}").into(),
            _ => format!("fw-{}-{:016x}-{host}", &run[..19], digest(run)).into(),
        }
    }

    fn tags(&self, host: &PlannedHost, image: &str) -> Tags {
        let tags = [
            ("fleetwright:run", self.context.run().to_string()),
            (INSTANCE_TAG, host.id.to_string()),
            ("fleetwright:purpose", "restore".to_owned()),
            ("fleetwright:image", image.to_owned()),
        ];
        tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        for (slot, host, identity) in identities(&self.context, turn.place, &hosts).await {
            let late = not_begun(slot, self.context.now(), step::RESTORE);
            let outcome = match (identity.planned(), late, self.image(slot, host)) {
                (Err(outcome), ..) | (Ok(_), Some(outcome), _) => outcome,
                (Ok(_), None, None) => {
                    let words = format!("{}: this run has no image of it", slot.subject);
                    Outcome::failed(ErrorClass::Permanent, &code::NO_BACKUP, step::RESTORE, &words)
                }
                (Ok(_), None, Some(image)) => self.begin(turn.place, slot, host, &image).await,
            };
            report(turn, slot, outcome);
        }
    }

    async fn begin(&self, place: PlaceId, slot: &Slot, host: &PlannedHost, image: &str) -> Outcome {
        let (token, tags) = (self.token(&host.id), self.tags(host, image));
        let begun = match self.context.plan().policy.rollback.way {
            RollbackWay::ReplaceRoot => {
                let cell = self.context.cell(place);
                self.context.ports().power.restore(&cell, &host.id, image, &token, &tags).await
            }
            RollbackWay::NewInstance => {
                self.replace(
                    place,
                    host,
                    Replacement { like: host.id.clone(), image: image.into(), token, tags },
                )
                .await
            }
        };
        match begun {
            Ok(handle) => pace::POWER.accepted(slot, self.context.now(), &handle),
            Err(failure) => Outcome::Failed(restore_failure(failure)),
        }
    }

    /// The old instance is stopped first and kept: two of them at work at once would do harm.
    async fn replace(
        &self,
        place: PlaceId,
        host: &PlannedHost,
        replacement: Replacement,
    ) -> Result<Text, Failure> {
        let cell = self.context.cell(place);
        match self.context.ports().power.stop(&cell, std::slice::from_ref(&host.id)).await {
            // It may be stopped already, which is what is wanted.
            Ok(()) => {}
            Err(failure) if failure.class == ErrorClass::Conflict => {}
            Err(failure) => return Err(failure),
        }
        let id = self.context.ports().power.replace(&cell, &replacement).await?;
        Ok(id.as_str().into())
    }

    async fn look(&self, turn: &Turn<'_>, begun: Vec<Begun<'_>>) {
        let (launched, tasks): (Vec<_>, Vec<_>) =
            begun.into_iter().partition(|it| it.replacement().is_some());
        let restored = self.tasks(turn, tasks).await;
        let back: Vec<Begun<'_>> = launched.into_iter().chain(restored).collect();
        let awaited: Vec<Awaited> = back
            .iter()
            .map(|it| Awaited {
                id: it.replacement().unwrap_or_else(|| it.host.id.clone()),
                ping_since: it.slot.started_at,
                has_answered: false,
            })
            .collect();
        let found = conditions(&self.context, turn.place, &awaited).await;
        let now = self.context.now();
        for (it, condition) in back.into_iter().zip(found) {
            let outcome = match condition {
                Condition::Up => Outcome::done(&RestoreNote {
                    image: it.image.clone(),
                    replacement: it.replacement().map(|id| id.as_str().into()),
                    seconds: u64::try_from(now.duration_since(it.slot.started_at).as_secs()).unwrap_or(0),
                }),
                // A new instance is unknown for some seconds.
                Condition::Gone if it.replacement().is_none() => it.failed("the instance is gone"),
                other => pace::POWER.look(it.slot, now, &other.waiting_for(), LATE),
            };
            report(turn, it.slot, outcome);
        }
    }

    /// Looks at replacements of root volumes, one call for all, and hands back those that are through.
    async fn tasks<'a>(&self, turn: &Turn<'_>, tasks: Vec<Begun<'a>>) -> Vec<Begun<'a>> {
        if tasks.is_empty() {
            return tasks;
        }
        let ids: Vec<Text> = tasks.iter().map(|it| it.handle.clone()).collect();
        let listing = self.context.ports().power.restores(&self.context.cell(turn.place), &ids).await;
        let found: BTreeMap<Text, Task> = listing.items.into_iter().map(|it| (it.id.clone(), it)).collect();
        let now = self.context.now();
        let mut through = Vec::new();
        for it in tasks {
            let state = found.get(&it.handle).map(|task| task.state);
            let outcome = match (state, &listing.failure) {
                (Some(RestoreState::Succeeded), _) => {
                    through.push(it);
                    continue;
                }
                (Some(RestoreState::Failed), _) => {
                    it.failed("AWS could not replace the root volume; the instance has its old one")
                }
                (Some(RestoreState::FailedDetached), _) => it.failed(
                    "AWS could not replace the root volume nor put the old one back; it has no root volume now",
                ),
                (None, Some(failure)) => {
                    let what = format!("the replacement to be readable ({failure})");
                    pace::POWER.look(it.slot, now, &what, LATE)
                }
                (Some(RestoreState::InProgress | RestoreState::Unknown) | None, _) => {
                    pace::POWER.look(it.slot, now, "the root volume to be replaced", LATE)
                }
            };
            report(turn, it.slot, outcome);
        }
        through
    }
}

/// What AWS refuses for good keeps its words and gets the code of a restore.
fn restore_failure(failure: Failure) -> Failure {
    match failure.class {
        ErrorClass::Permanent | ErrorClass::NotFound => Failure { code: &code::RESTORE_FAILED, ..failure },
        _ => failure,
    }
}

/// FNV-1a, 64 bits: tells long run names apart in a short token. It guards nothing.
fn digest(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[async_trait]
impl Step for Restore {
    fn name(&self) -> &'static str {
        step::RESTORE
    }

    async fn turn(&self, turn: Turn<'_>) {
        let (mut fresh, mut begun) = (Vec::new(), Vec::new());
        for (slot, host) in self.context.hosts(step::RESTORE, &turn) {
            match (&slot.handle, self.image(slot, host)) {
                (Some(handle), Some(image)) => {
                    begun.push(Begun { slot, host, image, handle: handle.clone() })
                }
                _ => fresh.push((slot, host)),
            }
        }
        self.act(&turn, fresh).await;
        self.look(&turn, begun).await;
    }
}
