//! `reboot`: the host reboots itself, at most once, and proves it by another boot id.
//!
//! The script reboots only from the boot it expects, so a second command is harmless by itself: it
//! finds another boot and answers "rebooted". That is why a report that was lost in the race with the
//! reboot is settled by sending the same script again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_host::{
    BootId, Reading, RebootReport, RebootRequest, RebootResult, Request, Strategy, reboot,
};
use fleetwright_model::{ErrorClass, InstanceId, OsFamily, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::notes::{PrecheckNote, RebootNote, step};
use fleetwright_patch::plan::policy::RebootStrategy;
use fleetwright_ports::InvocationStatus;
use fleetwright_ports::commands::COMMAND_BATCH;
use jiff::SignedDuration;

use crate::command_listing::Listing;
use crate::command_wave::{Addressed, Answer, Memory, Progress, Repeat, Wave, report, unsuccessful};
use crate::context::Context;
use crate::identity::identities;
use crate::pace::{self, GATHERS_FOR};
use crate::recovery::{Awaited, Condition, conditions};
use crate::survey_command::script_order;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// The step.
pub(crate) struct Reboot {
    context: Arc<Context>,
    memory: Memory,
    /// Reboots that are proven, of hosts that are not up yet. Saves calls; read again after a crash.
    proven: Mutex<BTreeMap<TargetId, RebootNote>>,
}

/// The script is asked again this often at most: the first time, and after lost reports.
const SENDS_MAX: usize = 6;
/// And not sooner after the last time than this.
const SEND_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

const LATE: Late<'static> = Late { step: step::REBOOT, class: ErrorClass::Permanent, code: &code::NOT_BACK };

/// What a host's answer leads to.
enum Verdict {
    Proven(RebootNote),
    Over(Outcome),
    /// Nobody knows: the boot id will tell.
    AskAgain(String),
}

impl Reboot {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, memory: Memory::default(), proven: Mutex::default() }
    }

    fn wave(&self, place: PlaceId) -> Wave<'_> {
        Wave {
            context: &self.context,
            step: step::REBOOT,
            purpose: step::REBOOT,
            place,
            memory: &self.memory,
            pace: pace::REBOOT,
        }
    }

    fn proven<T>(&self, work: impl FnOnce(&mut BTreeMap<TargetId, RebootNote>) -> T) -> T {
        work(&mut self.proven.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The boot the host must be in to be rebooted.
    fn expected(&self, slot: &Slot) -> Option<BootId> {
        let precheck: Option<PrecheckNote> = slot.read_note(step::PRECHECK);
        let before = || self.context.host(slot.target)?.before.as_ref()?.boot.clone();
        BootId::new(precheck.and_then(|note| note.boot).or_else(before)?.as_ref()).ok()
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let wave = self.wave(turn.place);
        let addressed = hosts.iter().map(|(slot, host)| (*slot, host.id.clone())).collect();
        let mut ready = Vec::new();
        for (slot, _) in wave.take_up(addressed, Repeat::OnlyIfNeverRan, turn.reports).await {
            let Some(host) = self.context.host(slot.target) else { continue };
            if self.expected(slot).is_some() {
                ready.push((slot, host));
            } else {
                let words = format!("{}: its boot id is not known from the precheck", slot.subject);
                let failed =
                    Outcome::failed(ErrorClass::Permanent, &code::IDENTITY_UNKNOWN, step::REBOOT, &words);
                report(turn, slot, failed);
            }
        }
        let mut send = Vec::new();
        for (slot, host, identity) in identities(&self.context, turn.place, &ready).await {
            match identity.planned() {
                Ok(_) => send.push((slot, host)),
                Err(outcome) => report(turn, slot, outcome),
            }
        }
        self.ask(turn, send, Ask::First).await;
    }

    /// Sends the script, fifty hosts with their expected boots at a time.
    async fn ask(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>, ask: Ask) {
        let mut by_kind: BTreeMap<(OsFamily, bool), Vec<Addressed<'_>>> = BTreeMap::new();
        for (slot, host) in hosts {
            let forced = self.context.plan().reboot_of(host) == RebootStrategy::Force;
            by_kind.entry((host.os, forced)).or_default().push((slot, host.id.clone()));
        }
        let wave = self.wave(turn.place);
        let mut batches = Vec::new();
        for (kind, hosts) in by_kind {
            batches
                .extend(hosts.chunks(COMMAND_BATCH).map(|batch| (kind, batch.to_vec())).collect::<Vec<_>>());
        }
        for ((os, forced), batch) in batches {
            let strategy = if forced { Strategy::Force } else { Strategy::Conditional };
            match self.order(os, strategy, &batch) {
                Ok(order) => match ask {
                    Ask::First => wave.send(&order, batch, turn.reports).await,
                    Ask::Again => wave.send_again(&order, batch).await,
                },
                Err(outcome) => batch.iter().for_each(|(slot, _)| report(turn, slot, outcome.clone())),
            }
        }
    }

    fn order(
        &self,
        os: OsFamily,
        strategy: Strategy,
        batch: &[Addressed<'_>],
    ) -> Result<crate::command_wave::Order, Outcome> {
        let policy = &self.context.plan().policy.reboot;
        let expected =
            batch.iter().filter_map(|(slot, host)| Some((host.clone(), self.expected(slot)?))).collect();
        let request = RebootRequest { strategy, expected, run: self.context.run().to_string() };
        let seconds = policy.wait_seconds.max(300);
        script_order(&self.context, step::REBOOT, os, seconds, &Request::Reboot(request))
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let (mut up, mut sent) = (Vec::new(), Vec::new());
        for (slot, host) in hosts {
            match self.proven(|it| it.get(&slot.target).cloned()) {
                Some(note) => up.push((slot, host.id.clone(), note)),
                None => sent.push((slot, host.id.clone())),
            }
        }
        if !sent.is_empty() {
            let wave = self.wave(turn.place);
            let listing = wave.listing(&sent).await;
            let mut again = Vec::new();
            for (slot, host, progress) in wave.look(&listing, sent).await {
                match self.verdict(turn, slot, progress) {
                    None => {}
                    Some(Verdict::Over(outcome)) => report(turn, slot, outcome),
                    Some(Verdict::Proven(note)) => {
                        self.proven(|it| it.insert(slot.target, note.clone()));
                        up.push((slot, host, note));
                    }
                    Some(Verdict::AskAgain(why)) => {
                        if self.may_ask_again(turn, &wave, &listing, slot, &host, &why)
                            && let Some(planned) = self.context.host(slot.target)
                        {
                            again.push((slot, planned));
                        }
                    }
                }
            }
            self.ask(turn, again, Ask::Again).await;
        }
        self.wait_until_up(turn, up).await;
    }

    /// None where it was reported already.
    fn verdict(&self, turn: &Turn<'_>, slot: &Slot, progress: Progress) -> Option<Verdict> {
        let now = self.context.now();
        match progress {
            Progress::Ended(answer) => Some(self.judge(slot, &answer)),
            Progress::Nobody => Some(Verdict::AskAgain("the command reached nobody".to_owned())),
            Progress::Running => {
                report(turn, slot, pace::REBOOT.look(slot, now, "the host to reboot", LATE));
                None
            }
            Progress::Unseen(failure) => {
                let what = format!("the reboot to be readable ({failure})");
                report(turn, slot, pace::REBOOT.look(slot, now, &what, LATE));
                None
            }
        }
    }

    fn judge(&self, slot: &Slot, answer: &Answer) -> Verdict {
        use InvocationStatus as S;
        let said = reboot::parse(&answer.invocation.output);
        match (said, answer.invocation.status) {
            (_, S::Cancelled | S::AccessDenied | S::InvalidPlatform) => {
                Verdict::Over(unsuccessful(step::REBOOT, &slot.subject, answer))
            }
            (Ok(reading), _) => said_so(slot, &reading),
            (Err(error), S::Success) => Verdict::AskAgain(error.to_string()),
            (Err(_), status) => Verdict::AskAgain(format!("the command ended as {status:?}")),
        }
    }

    /// Reports the slot, and says whether the script is to be sent to it once more now.
    fn may_ask_again(
        &self,
        turn: &Turn<'_>,
        wave: &Wave<'_>,
        listing: &Listing,
        slot: &Slot,
        host: &InstanceId,
        why: &str,
    ) -> bool {
        let now = self.context.now();
        let (sends, last) = wave.sends(listing, slot, host);
        let what = format!("the boot id to tell whether it rebooted ({why})");
        let outcome = pace::REBOOT.look(slot, now, &what, LATE);
        let open = outcome.is_open();
        if open && sends >= SENDS_MAX {
            let words = format!("{}: asked {sends} times, and still {why}", slot.subject);
            let failed = Outcome::failed(ErrorClass::Permanent, &code::REBOOT_UNPROVEN, step::REBOOT, &words);
            report(turn, slot, failed);
            return false;
        }
        report(turn, slot, outcome);
        open && now.duration_since(last) >= SEND_AGAIN_AFTER
    }

    /// Waits for hosts that have rebooted: status checks, and an agent that answered since.
    async fn wait_until_up(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, InstanceId, RebootNote)>) {
        let awaited: Vec<Awaited> = hosts
            .iter()
            .map(|(slot, host, _)| Awaited {
                id: host.clone(),
                ping_since: slot.started_at,
                has_answered: false,
            })
            .collect();
        let found = conditions(&self.context, turn.place, &awaited).await;
        let now = self.context.now();
        for ((slot, _, note), condition) in hosts.into_iter().zip(found) {
            let outcome = match condition {
                Condition::Up => Outcome::done(&note),
                Condition::Gone => Outcome::LeaveTarget { code: &code::REPLACED },
                other => pace::REBOOT.look(slot, now, &other.waiting_for(), LATE),
            };
            if !outcome.is_open() {
                self.proven(|it| it.remove(&slot.target));
            }
            report(turn, slot, outcome);
        }
    }
}

/// Whether the script is sent for the first time.
#[derive(Clone, Copy)]
enum Ask {
    First,
    Again,
}

fn said_so(slot: &Slot, reading: &Reading<RebootReport>) -> Verdict {
    let said = reading.report();
    match (said.result, &said.before, &said.boot_id) {
        (RebootResult::Rebooted, Some(before), Some(after)) => Verdict::Proven(RebootNote {
            before: before.as_str().into(),
            after: after.as_str().into(),
            evidence: said.evidence.as_deref().unwrap_or("boot id changed").into(),
        }),
        (RebootResult::NotNeeded, _, Some(boot)) => Verdict::Over(Outcome::done(&RebootNote {
            before: boot.as_str().into(),
            after: boot.as_str().into(),
            evidence: said.evidence.as_deref().unwrap_or("nothing asks for one").into(),
        })),
        (RebootResult::NotNeeded, _, None) => {
            Verdict::AskAgain("the host did not say which boot it is in".to_owned())
        }
        (RebootResult::Refused, ..) => {
            let words = format!("{}: the host refused: {said}", slot.subject);
            let code = match said.reason.as_deref() {
                Some("no-boot-id" | "not-expected-here") => &code::IDENTITY_UNKNOWN,
                _ => &code::REBOOT_UNPROVEN,
            };
            Verdict::Over(Outcome::failed(ErrorClass::Permanent, code, step::REBOOT, &words))
        }
        (RebootResult::Rebooted | RebootResult::Rebooting | RebootResult::Pending, ..) => {
            Verdict::AskAgain(format!("the host said {said}"))
        }
    }
}

#[async_trait]
impl Step for Reboot {
    fn name(&self) -> &'static str {
        step::REBOOT
    }

    fn gathers_for(&self) -> Duration {
        GATHERS_FOR
    }

    fn batch_size(&self) -> usize {
        COMMAND_BATCH
    }

    async fn turn(&self, turn: Turn<'_>) {
        let hosts = self.context.hosts(step::REBOOT, &turn);
        let plan = self.context.plan();
        let (left, hosts): (Vec<_>, Vec<_>) =
            hosts.into_iter().partition(|(_, host)| plan.reboot_of(host) == RebootStrategy::Skip);
        let skipped = Outcome::NotNeeded { code: &code::NOT_NEEDED };
        left.iter().for_each(|(slot, _)| report(&turn, slot, skipped.clone()));
        let (sent, fresh): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(slot, _)| slot.handle.is_some());
        self.act(&turn, fresh).await;
        self.look(&turn, sent).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
    }
}
