//! `verify`: a rescan, and what Patch Manager then says of each host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::PlaceId;
use fleetwright_model::{Code, ErrorClass, Failure, InstanceId, Partial, PatchDetail, PatchFacts, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{
    DriftNote, RebootNote, VerifyNote,
    step::{REBOOT, VERIFY},
};
use fleetwright_patch::plan::policy::Operation;
use fleetwright_ports::InvocationStatus;
use fleetwright_ports::commands::COMMAND_BATCH;
use jiff::Timestamp;

use crate::command_listing::Listing;
use crate::command_wave::{
    Addressed, Memory, Moved, Progress, Repeat, Wave, reached_nobody, report, unsuccessful,
};
use crate::context::{CLOCK_TOLERANCE, Context};
use crate::evidence::{Files, PATCHES, PatchList, Taken};
use crate::pace::{self, GATHERS_FOR};
use crate::patch::baseline_order;
use crate::patch_list::{self, promoted_list, slug};
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// The step.
pub(crate) struct Verify {
    context: Arc<Context>,
    memory: Memory,
}

const LATE: Late<'static> =
    Late { step: VERIFY, class: ErrorClass::Permanent, code: &code::COMPLIANCE_UNKNOWN };

/// How long Patch Manager's state may lag behind the end of a scan.
const STATE_LAGS: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

impl Verify {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, memory: Memory::default() }
    }

    fn wave(&self, place: PlaceId) -> Wave<'_> {
        Wave {
            context: &self.context,
            step: VERIFY,
            purpose: VERIFY,
            place,
            memory: &self.memory,
            pace: pace::COMMAND,
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let wave = self.wave(turn.place);
        let listing = wave.listing(&hosts).await;
        let now = self.context.now();
        let (moved, resting) = wave.moved(&listing, hosts);
        for (slot, _) in resting {
            report(turn, slot, pace::COMMAND.look(slot, now, "the rescan", LATE));
        }
        // A state that the rescan left says that it ended, and how; only where there is none yet, the
        // command itself is asked.
        let unsettled = self.settle_by_state(turn, &listing, moved).await;
        let mut scanned = Vec::new();
        for (slot, host, progress) in wave.read(&listing, unsettled).await {
            match progress {
                Progress::Ended(answer) => match answer.invocation.status {
                    InvocationStatus::Success => scanned.push((slot, host, answer.sent_at)),
                    // A scan that failed leaves no state; that is not a reason to undo anything.
                    InvocationStatus::Failed => report(turn, slot, unknown()),
                    _ => report(turn, slot, unsuccessful(VERIFY, &slot.subject, &answer)),
                },
                Progress::Nobody => report(turn, slot, reached_nobody(VERIFY, &slot.subject)),
                Progress::Running => report(turn, slot, pace::COMMAND.look(slot, now, "the rescan", LATE)),
                Progress::Unseen(failure) => {
                    let what = format!("the rescan to be readable ({failure})");
                    report(turn, slot, pace::COMMAND.look(slot, now, &what, LATE));
                }
            }
        }
        self.read_states(turn, scanned).await;
    }

    /// Reports those whose rescan has left its state; hands back the others whose command is to be asked.
    async fn settle_by_state<'s>(
        &self,
        turn: &Turn<'_>,
        listing: &Listing,
        moved: Vec<Moved<'s>>,
    ) -> Vec<Addressed<'s>> {
        let now = self.context.now();
        let ids = moved.iter().map(|it| it.host.clone()).collect();
        let found = self.states(turn.place, ids).await;
        let mut unsettled = Vec::new();
        for Moved { slot, host, sent_at, over } in moved {
            match found.newer(&host, sent_at) {
                Some(state) => report(turn, slot, self.verified(turn.place, slot, &host, state).await),
                None if over || listing.failure.is_some() => unsettled.push((slot, host)),
                None => report(turn, slot, pace::COMMAND.look(slot, now, "the rescan", LATE)),
            }
        }
        unsettled
    }

    async fn states(&self, place: PlaceId, ids: Vec<InstanceId>) -> States {
        if ids.is_empty() {
            return States::default();
        }
        let answers = self.context.ports().machines.patch_states(&self.context.cell(place), &ids).await;
        States { found: answers.found.into_iter().collect(), unread: answers.unchecked }
    }

    async fn read_states(&self, turn: &Turn<'_>, scanned: Vec<(&Slot, InstanceId, Timestamp)>) {
        let ids = scanned.iter().map(|(_, host, _)| host.clone()).collect();
        let states = self.states(turn.place, ids).await;
        for (slot, host, sent_at) in scanned {
            let outcome = match (states.newer(&host, sent_at), states.unread(&host)) {
                (Some(state), _) => self.verified(turn.place, slot, &host, state).await,
                (None, Some(failure)) => self.await_state(slot, sent_at, &failure.to_string()),
                (None, None) => self.await_state(slot, sent_at, "it is from before the rescan"),
            };
            report(turn, slot, outcome);
        }
    }

    /// The rescan succeeded, and its result is not to be seen yet.
    fn await_state(&self, slot: &Slot, sent_at: Timestamp, why: &str) -> Outcome {
        let now = self.context.now();
        if now >= slot.deadline || now.duration_since(sent_at) > STATE_LAGS {
            return unknown();
        }
        pace::COMMAND.look(slot, now, &format!("the patch state ({why})"), LATE)
    }

    async fn verified(&self, place: PlaceId, slot: &Slot, host: &InstanceId, state: &PatchFacts) -> Outcome {
        let mut note = VerifyNote {
            installed: state.installed,
            missing: state.missing,
            failed: state.failed,
            pending_reboot: state.installed_pending_reboot,
            rejected: state.installed_rejected,
            critical: state.critical_non_compliant,
            drift: None,
        };
        let Some(planned) = self.context.host(slot.target) else { return Outcome::done(&note) };
        let listed = promoted_list(&self.context, slot.target, planned).is_some();
        let told = !listed && finding(&note, slot).is_none();
        if told {
            return Outcome::done(&note);
        }
        // Which patches, for hosts that have something to say: one call for each such host.
        let listing = self.context.ports().machines.patches(&self.context.cell(place), host).await;
        if listed {
            match self.drift(place, planned, slot, &listing).await {
                Ok(drift) => note.drift = Some(drift),
                Err(outcome) => return outcome,
            }
        }
        let finding = finding(&note, slot);
        if finding.is_some() {
            let incomplete = listing.failure.map(|failure| failure.to_string());
            let list = PatchList { patches: listing.items, incomplete };
            let files = Files { context: &self.context, place, os: planned.os, instance: host };
            if let Err(outcome) = files.keep_json(Taken::After, PATCHES, &list).await {
                return outcome;
            }
        }
        Outcome::done(&note).with_finding(finding)
    }

    /// How the host differs from the list it installed from.
    async fn drift(
        &self,
        place: PlaceId,
        host: &PlannedHost,
        slot: &Slot,
        listing: &Partial<PatchDetail>,
    ) -> Result<DriftNote, Outcome> {
        if let Some(failure) = &listing.failure {
            let what = format!("its patches to be readable ({failure})");
            return Err(match failure.class.is_verdict() {
                true => unknown(),
                false => pace::COMMAND.look(slot, self.context.now(), &what, LATE),
            });
        }
        let list = patch_list::kept(&self.context, place, &slug(host)).await?;
        Ok(list.drift(host.os, &listing.items, self.context.plan().scanned.finished))
    }
}

/// What a host has to say.
fn finding(note: &VerifyNote, slot: &Slot) -> Option<&'static Code> {
    let drifts = note.drift.as_ref().is_some_and(|drift| !drift.is_none());
    match note {
        it if it.failed > 0 => Some(&code::PATCH_FAILED),
        _ if drifts => Some(&code::PATCH_DRIFT),
        it if it.missed() > 0 => Some(&code::PATCHES_MISSING),
        it if it.pending_reboot > 0 && !said_unneeded(slot) => Some(&code::REBOOT_DUE),
        _ => None,
    }
}

/// What Patch Manager says of some hosts.
#[derive(Default)]
struct States {
    found: BTreeMap<InstanceId, PatchFacts>,
    unread: Vec<(Vec<InstanceId>, Failure)>,
}

impl States {
    /// Only what the rescan found speaks of the host as it is now; the installation just before it has
    /// a state as well.
    fn newer(&self, host: &InstanceId, sent_at: Timestamp) -> Option<&PatchFacts> {
        let newer = |state: &&PatchFacts| {
            let rescan = &*state.operation == "Scan";
            rescan && state.operation_end.is_some_and(|end| end >= earliest(sent_at))
        };
        self.found.get(host).filter(newer)
    }

    fn unread(&self, host: &InstanceId) -> Option<&Failure> {
        self.unread.iter().find(|(ids, _)| ids.contains(host)).map(|(_, failure)| failure)
    }
}

/// True where the operating system itself said that no reboot is needed. Patch Manager lists what was
/// installed without a reboot as waiting for one all the same, until there is one.
/// Source: Systems Manager user guide, "Understanding patch compliance state values".
fn said_unneeded(slot: &Slot) -> bool {
    slot.read_note::<RebootNote>(REBOOT).is_some_and(|note| !note.rebooted())
}

fn earliest(sent_at: Timestamp) -> Timestamp {
    sent_at.checked_sub(CLOCK_TOLERANCE / 4).unwrap_or(sent_at)
}

/// The host is patched, and nobody can say how completely.
fn unknown() -> Outcome {
    Outcome::Done { note: None, finding: Some(&code::COMPLIANCE_UNKNOWN) }
}

#[async_trait]
impl Step for Verify {
    fn name(&self) -> &'static str {
        VERIFY
    }

    fn gathers_for(&self) -> Duration {
        GATHERS_FOR
    }

    fn batch_size(&self) -> usize {
        COMMAND_BATCH
    }

    async fn turn(&self, turn: Turn<'_>) {
        let hosts = self.context.hosts(VERIFY, &turn);
        let addressed = hosts.into_iter().map(|(slot, host)| (slot, host.id.clone()));
        let (sent, fresh): (Vec<_>, Vec<_>) = addressed.partition(|(slot, _)| slot.handle.is_some());
        let wave = self.wave(turn.place);
        let fresh = wave.take_up(fresh, Repeat::Harmless, turn.reports).await;
        wave.send(&baseline_order(&self.context, Operation::Scan, None), fresh, turn.reports).await;
        self.look(&turn, sent).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
    }
}
