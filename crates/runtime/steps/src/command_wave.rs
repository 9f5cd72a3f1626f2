//! The life that every batched command shares: sent once for fifty hosts, found again by its mark,
//! looked at with one listing per tick, read when it has ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Partial, Text, code};
use fleetwright_ports::commands::COMMAND_BATCH;
use fleetwright_ports::{CommandRequest, CommandState, Invocation, InvocationStatus};
use jiff::{SignedDuration, Timestamp};

use crate::command_listing::Listing;
use crate::command_mark::Mark;
use crate::context::{CLOCK_TOLERANCE, Context};
use fleetwright_step::{Outcome, Pace, Reports, Slot, Turn, not_begun};

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) document: Text,
    pub(crate) parameters: Vec<(Text, Vec<String>)>,
    pub(crate) delivery: Duration,
}

/// A slot and the instance its command goes to.
pub(crate) type Addressed<'a> = (&'a Slot, InstanceId);

/// What a process remembers of its commands. Nothing here is needed after a crash: it saves calls.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// Hosts that had ended at the last tick, and at the last reading.
    counts: BTreeMap<Text, (u32, u32)>,
    /// Commands sent again for a slot, which the listing may not show yet.
    again: BTreeMap<(TargetId, u16), (Text, Timestamp)>,
}

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut Remembered) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn again(&self, slot: &Slot) -> Option<(Text, Timestamp)> {
        self.with(|it| it.again.get(&(slot.target, slot.attempt)).cloned())
    }
}

/// How long a command that was sent may be missing from the listing, with room for the call that sends it.
const LISTED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What may be done when a slot is in doubt and an *earlier* attempt's command is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The command only looks: sending it once more does no harm.
    Harmless,
    /// It is taken up unless it certainly never ran.
    OnlyIfNeverRan,
}

/// Where a command stands for one host.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// Not ended there.
    Running,
    /// Could not be looked at.
    Unseen(Failure),
    /// The command is there and reached nobody, or is not there at all.
    Nobody,
    /// Ended.
    Ended(Box<Answer>),
}

/// A slot of whose command something may have ended.
pub(crate) struct Moved<'s> {
    pub(crate) slot: &'s Slot,
    pub(crate) host: InstanceId,
    pub(crate) sent_at: Timestamp,
    /// Whether nothing more is to be expected of the command, or the slot's time is over.
    pub(crate) over: bool,
}

/// One host's part of a command that has ended there.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) command: Text,
    pub(crate) sent_at: Timestamp,
    pub(crate) invocation: Invocation,
}

/// One step's commands in one place.
pub(crate) struct Wave<'a> {
    pub(crate) context: &'a Context,
    /// The step as the kernel knows it.
    pub(crate) step: &'static str,
    /// The word of the mark; a step that sends two kinds of commands has two.
    pub(crate) purpose: &'static str,
    pub(crate) place: PlaceId,
    pub(crate) memory: &'a Memory,
    pub(crate) pace: Pace,
}

impl<'a> Wave<'a> {
    fn cell(&self) -> Cell<'_> {
        self.context.cell(self.place)
    }

    fn mark(&self) -> Mark {
        Mark::new(self.context.run(), self.purpose)
    }

    /// Lists the commands that can be any of these slots': one call for fifty commands.
    pub(crate) async fn listing(&self, slots: &[Addressed<'_>]) -> Listing {
        let since = slots.iter().map(|(slot, _)| match slot.doubt {
            true => self.context.marks_since(self.step, slot),
            false => slot.started_at.checked_sub(CLOCK_TOLERANCE).unwrap_or(Timestamp::MIN),
        });
        let (mut commands, mut failure) = (Vec::new(), None);
        if let Some(since) = since.min() {
            let found = self.context.ports().commands.commands(&self.cell(), since).await;
            (commands, failure) = (found.items, found.failure);
        }
        Listing::new(&self.mark(), commands, failure)
    }

    /// Takes up what was sent already for slots in doubt, and hands back those for which nothing was.
    pub(crate) async fn take_up<'s>(
        &self,
        slots: Vec<Addressed<'s>>,
        repeat: Repeat,
        reports: &dyn Reports,
    ) -> Vec<Addressed<'s>> {
        let (doubtful, mut clear): (Vec<_>, Vec<_>) = slots.into_iter().partition(|(slot, _)| slot.doubt);
        clear.extend(self.take_up_doubtful(doubtful, repeat, reports).await);
        let now = self.context.now();
        clear.retain(|(slot, _)| match not_begun(slot, now, self.step) {
            None => true,
            Some(outcome) => {
                reports.report(slot.target, outcome);
                false
            }
        });
        clear
    }

    async fn take_up_doubtful<'s>(
        &self,
        doubtful: Vec<Addressed<'s>>,
        repeat: Repeat,
        reports: &dyn Reports,
    ) -> Vec<Addressed<'s>> {
        let mut clear = Vec::new();
        if doubtful.is_empty() {
            return clear;
        }
        let now = self.context.now();
        let listing = self.listing(&doubtful).await;
        let mut read = BTreeMap::new();
        for (slot, host) in doubtful {
            match self.sent_before(&listing, slot, &host, repeat, &mut read).await {
                Ok(Some(id)) => reports.report(slot.target, self.pace.accepted(slot, now, &id)),
                // Not listed does not mean not sent until listings have had time to catch up.
                Ok(None) if now.duration_since(slot.known_since) < LISTED_AFTER => {
                    let waiting_for = "commands sent before the interruption to be listed".into();
                    let at = slot.known_since + LISTED_AFTER;
                    reports.report(slot.target, Outcome::LookAgain { at, waiting_for });
                }
                Ok(None) => clear.push((slot, host)),
                Err(failure) => reports.report(slot.target, Outcome::Failed(failure)),
            }
        }
        clear
    }

    /// The command that was sent for the slot. An error where nobody can tell.
    async fn sent_before(
        &self,
        listing: &Listing,
        slot: &Slot,
        host: &InstanceId,
        repeat: Repeat,
        read: &mut BTreeMap<Text, Partial<Invocation>>,
    ) -> Result<Option<Text>, Failure> {
        for (attempt, command) in listing.possible(host, slot.attempt) {
            let earlier = attempt < slot.attempt;
            if earlier && repeat == Repeat::Harmless {
                continue;
            }
            if !earlier && command.hosts.contains(host) {
                return Ok(Some(command.id.clone()));
            }
            // A listing may leave the hosts out; only then, or to learn how it ended, are they asked for.
            if !read.contains_key(&command.id) {
                let parts = self.context.ports().commands.invocations(&self.cell(), &command.id).await;
                read.insert(command.id.clone(), parts);
            }
            let Some(parts) = read.get(&command.id) else { continue };
            match (parts.items.iter().find(|part| part.host == *host), &parts.failure) {
                (Some(part), _) if earlier && never_ran(part.status) => {}
                (Some(_), _) => return Ok(Some(command.id.clone())),
                (None, None) => {}
                (None, Some(failure)) => return Err(in_doubt(failure)),
            }
        }
        match &listing.failure {
            Some(failure) => Err(in_doubt(failure)),
            None => Ok(None),
        }
    }

    /// Sends an order to hosts, fifty at a time, and reports each as accepted or failed. One host that
    /// is unknown makes the service refuse the whole call: the batch is then halved until it is alone.
    pub(crate) async fn send(&self, order: &Order, hosts: Vec<Addressed<'_>>, reports: &dyn Reports) {
        self.each_sent(order, hosts, |slot, sent, now| {
            let outcome = match sent {
                Ok(id) => self.pace.accepted(slot, now, &id),
                Err(failure) => Outcome::Failed(failure),
            };
            reports.report(slot.target, outcome);
        })
        .await;
    }

    /// Sends an order once more to hosts that have been accepted before, and remembers the command.
    /// Slots for which that fails are tried again at the next look.
    pub(crate) async fn send_again(&self, order: &Order, hosts: Vec<Addressed<'_>>) {
        self.send_beside(order, hosts, |_, _| {}).await;
    }

    /// The same, and tells for which slots it failed and why.
    pub(crate) async fn send_beside(
        &self,
        order: &Order,
        hosts: Vec<Addressed<'_>>,
        refused: impl Fn(&Slot, Failure),
    ) {
        self.each_sent(order, hosts, |slot, sent, now| match sent {
            Ok(id) => {
                self.memory.with(|it| it.again.insert((slot.target, slot.attempt), (id, now)));
            }
            Err(failure) => refused(slot, failure),
        })
        .await;
    }

    async fn each_sent(
        &self,
        order: &Order,
        hosts: Vec<Addressed<'_>>,
        report: impl Fn(&Slot, Result<Text, Failure>, Timestamp),
    ) {
        // Attempts have marks of their own, so they do not share a command.
        let mut by_attempt: BTreeMap<u16, Vec<Addressed<'_>>> = BTreeMap::new();
        for host in hosts {
            by_attempt.entry(host.0.attempt).or_default().push(host);
        }
        let mut batches: Vec<Vec<Addressed<'_>>> = Vec::new();
        for hosts in by_attempt.into_values() {
            batches.extend(hosts.chunks(COMMAND_BATCH).map(<[_]>::to_vec));
        }
        batches.reverse();
        while let Some(mut batch) = batches.pop() {
            let Some((first, _)) = batch.first() else { continue };
            let request = CommandRequest {
                document: order.document.clone(),
                parameters: order.parameters.clone(),
                hosts: batch.iter().map(|(_, host)| host.clone()).collect(),
                mark: self.mark().text(first.attempt),
                delivery_timeout: order.delivery,
            };
            let sent = self.context.ports().commands.send(&self.cell(), &request).await;
            match sent {
                Err(failure) if failure.class == ErrorClass::NotFound && batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.extend([rest, batch]);
                }
                Err(failure) => {
                    let failure = unreachable_when_alone(failure);
                    let now = self.context.now();
                    batch.iter().for_each(|(slot, _)| report(slot, Err(failure.clone()), now));
                }
                Ok(id) => {
                    let now = self.context.now();
                    batch.iter().for_each(|(slot, _)| report(slot, Ok(id.clone()), now));
                }
            }
        }
    }

    /// The newest command of a slot: its handle, or what was sent again since.
    fn current(&self, listing: &Listing, slot: &Slot, host: &InstanceId) -> Option<Text> {
        if let Some((id, _)) = self.memory.again(slot) {
            return Some(id);
        }
        let newest = listing.sent(host, slot.attempt).next();
        newest.map(|command| command.id.clone()).or_else(|| slot.handle.clone())
    }

    /// Whether this attempt's command was sent to the host already.
    pub(crate) fn was_sent(&self, listing: &Listing, slot: &Slot, host: &InstanceId) -> bool {
        listing.sent(host, slot.attempt).next().is_some()
    }

    /// The same, or this process sent it beside the step's own and the listing need not show it yet.
    pub(crate) fn was_sent_beside(&self, listing: &Listing, slot: &Slot, host: &InstanceId) -> bool {
        self.memory.again(slot).is_some() || self.was_sent(listing, slot, host)
    }

    /// How often this attempt's command was sent to the host, and when last.
    pub(crate) fn sends(&self, listing: &Listing, slot: &Slot, host: &InstanceId) -> (usize, Timestamp) {
        let listed: Vec<_> = listing.sent(host, slot.attempt).collect();
        let newest =
            listed.iter().filter_map(|command| command.requested_at).max().unwrap_or(slot.started_at);
        match self.memory.again(slot) {
            None => (listed.len().max(1), newest),
            Some((id, at)) => {
                let unlisted = usize::from(!listed.iter().any(|command| command.id == id));
                ((listed.len() + unlisted).max(2), at.max(newest))
            }
        }
    }

    /// Looks where the slots' commands stand. Hosts are read only from commands that have ended, or
    /// in which a good part of the hosts has, or whose count stands still, or where a slot's time is
    /// over.
    pub(crate) async fn look<'s>(
        &self,
        listing: &Listing,
        slots: Vec<Addressed<'s>>,
    ) -> Vec<(&'s Slot, InstanceId, Progress)> {
        let mut seen = Vec::with_capacity(slots.len());
        for (command, slots) in self.by_command(listing, slots, &mut seen) {
            self.look_at(listing, &command, slots, &mut seen).await;
        }
        seen
    }

    /// Reads the slots' commands, whether or not anything seems to have ended.
    pub(crate) async fn read<'s>(
        &self,
        listing: &Listing,
        slots: Vec<Addressed<'s>>,
    ) -> Vec<(&'s Slot, InstanceId, Progress)> {
        let mut seen = Vec::with_capacity(slots.len());
        for (command, slots) in self.by_command(listing, slots, &mut seen) {
            self.read_parts(listing, &command, slots, &mut seen).await;
        }
        seen
    }

    /// Parts the slots of which something may have ended from those that go on.
    pub(crate) fn moved<'s>(
        &self,
        listing: &Listing,
        slots: Vec<Addressed<'s>>,
    ) -> (Vec<Moved<'s>>, Vec<Addressed<'s>>) {
        let mut without = Vec::new();
        let by_command = self.by_command(listing, slots, &mut without);
        let now = self.context.now();
        let nobody = without.into_iter().map(|(slot, host, _)| {
            let sent_at = self.sent_at(None, slot);
            Moved { slot, host, sent_at, over: true }
        });
        let (mut moved, mut resting): (Vec<_>, Vec<_>) = (nobody.collect(), Vec::new());
        for (command, slots) in by_command {
            let state = listing.command(&command);
            if !self.is_to_be_read(state, &slots) {
                resting.extend(slots);
                continue;
            }
            let ended = state.is_none_or(|state| state.ended);
            moved.extend(slots.into_iter().map(|(slot, host)| {
                let over = ended || now >= slot.deadline;
                Moved { sent_at: self.sent_at(state, slot), slot, host, over }
            }));
        }
        (moved, resting)
    }

    /// The slots by the command they wait for; those that have none are reported as such.
    fn by_command<'s>(
        &self,
        listing: &Listing,
        slots: Vec<Addressed<'s>>,
        seen: &mut Vec<(&'s Slot, InstanceId, Progress)>,
    ) -> BTreeMap<Text, Vec<Addressed<'s>>> {
        let mut by_command: BTreeMap<Text, Vec<Addressed<'s>>> = BTreeMap::new();
        for (slot, host) in slots {
            match self.current(listing, slot, &host) {
                Some(command) => by_command.entry(command).or_default().push((slot, host)),
                None => seen.push((slot, host, Progress::Nobody)),
            }
        }
        by_command
    }

    fn is_young(&self, state: Option<&CommandState>, slot: &Slot) -> bool {
        self.context.now().duration_since(self.sent_at(state, slot)) < LISTED_AFTER * 2
    }

    fn is_to_be_read(&self, state: Option<&CommandState>, slots: &[Addressed<'_>]) -> bool {
        let now = self.context.now();
        let late = slots.iter().any(|(slot, _)| now >= slot.deadline);
        match state {
            Some(state) => state.ended || late || self.is_worth_reading(state),
            None => late || !slots.iter().any(|(slot, _)| self.is_young(state, slot)),
        }
    }

    async fn look_at<'s>(
        &self,
        listing: &Listing,
        id: &Text,
        slots: Vec<Addressed<'s>>,
        seen: &mut Vec<(&'s Slot, InstanceId, Progress)>,
    ) {
        let state = listing.command(id);
        if self.is_to_be_read(state, &slots) {
            return self.read_parts(listing, id, slots, seen).await;
        }
        let progress = match (state, &listing.failure) {
            (None, Some(failure)) => Progress::Unseen(failure.clone()),
            _ => Progress::Running,
        };
        seen.extend(slots.into_iter().map(|(slot, host)| (slot, host, progress.clone())));
    }

    async fn read_parts<'s>(
        &self,
        listing: &Listing,
        id: &Text,
        slots: Vec<Addressed<'s>>,
        seen: &mut Vec<(&'s Slot, InstanceId, Progress)>,
    ) {
        let state = listing.command(id);
        if state.is_some_and(|state| state.ended && state.targets == 0) {
            seen.extend(slots.into_iter().map(|(slot, host)| (slot, host, Progress::Nobody)));
            return;
        }
        let parts = self.context.ports().commands.invocations(&self.cell(), id).await;
        let mut found: BTreeMap<InstanceId, Invocation> =
            parts.items.into_iter().map(|part| (part.host.clone(), part)).collect();
        for (slot, host) in slots {
            let progress = match (found.remove(&host), &parts.failure) {
                (Some(part), _) if part.status == InvocationStatus::InProgress => Progress::Running,
                (Some(invocation), _) => {
                    let sent_at = self.sent_at(state, slot);
                    Progress::Ended(Box::new(Answer { command: id.clone(), sent_at, invocation }))
                }
                (None, Some(failure)) => Progress::Unseen(failure.clone()),
                (None, None) if self.is_young(state, slot) => Progress::Running,
                (None, None) => Progress::Nobody,
            };
            seen.push((slot, host, progress));
        }
    }

    fn sent_at(&self, state: Option<&CommandState>, slot: &Slot) -> Timestamp {
        let again = self.memory.again(slot).map(|(_, at)| at);
        state.and_then(|state| state.requested_at).or(again).unwrap_or(slot.started_at)
    }

    /// True where enough hosts have ended since the last reading: a fifth of the command's, or as many as
    /// at the last tick, so that those who are done wait neither for the slowest nor for one call each.
    fn is_worth_reading(&self, state: &CommandState) -> bool {
        self.memory.with(|it| {
            let (last, read) = it.counts.entry(state.id.clone()).or_default();
            let new = state.completed.saturating_sub(*read);
            let worth = new > 0 && (new >= state.targets.div_ceil(5) || state.completed == *last);
            *last = state.completed;
            if worth {
                *read = state.completed;
            }
            worth
        })
    }

    /// Cancels the slots' commands, each once.
    pub(crate) async fn cancel(&self, slots: &[Slot]) {
        let mut ids: Vec<Text> = slots.iter().filter_map(|slot| slot.handle.clone()).collect();
        ids.extend(slots.iter().filter_map(|slot| self.memory.again(slot).map(|(id, _)| id)));
        ids.sort();
        ids.dedup();
        for id in ids {
            if let Err(failure) = self.context.ports().commands.cancel(&self.cell(), &id).await {
                tracing::warn!(command = &*id, %failure, "the command could not be cancelled");
            }
        }
    }
}

/// Reports one slot's outcome.
pub(crate) fn report(turn: &Turn<'_>, slot: &Slot, outcome: Outcome) {
    turn.reports.report(slot.target, outcome);
}

/// True where the command certainly did nothing on the host.
pub(crate) fn never_ran(status: InvocationStatus) -> bool {
    use InvocationStatus as S;
    matches!(
        status,
        S::DeliveryTimedOut | S::Undeliverable | S::Terminated | S::InvalidPlatform | S::AccessDenied
    )
}

/// What an invocation means that did not end with success, wherever the step knows nothing better.
/// Only what certainly never ran may be tried again.
pub(crate) fn unsuccessful(step: &str, subject: &str, answer: &Answer) -> Outcome {
    use InvocationStatus as S;
    let (class, code, words) = match answer.invocation.status {
        S::DeliveryTimedOut => (ErrorClass::Transient, &code::DELIVERY_TIMED_OUT, "not received in time"),
        S::Undeliverable => (ErrorClass::Transient, &code::UNDELIVERABLE, "could not be delivered"),
        S::Terminated => (ErrorClass::Transient, &code::COMMAND_TERMINATED, "ended before this host"),
        S::ExecutionTimedOut => (ErrorClass::Permanent, &code::EXECUTION_TIMED_OUT, "ran too long"),
        S::Cancelled => (ErrorClass::Permanent, &code::CANCELLED, "was cancelled"),
        S::AccessDenied => (ErrorClass::Denied, &code::SEND_DENIED, "is not allowed on this host"),
        S::InvalidPlatform => (ErrorClass::Permanent, &code::PLATFORM_MISMATCH, "does not fit the platform"),
        S::InProgress | S::Success | S::Failed | S::Unknown => {
            (ErrorClass::Permanent, &code::UNREADABLE, "ended in a way that is not understood")
        }
    };
    let Answer { command, invocation, .. } = answer;
    let exit = invocation.exit_code.map_or_else(String::new, |exit| format!(", exit code {exit}"));
    let errors = invocation.errors.trim();
    let said = if errors.is_empty() { String::new() } else { format!(": {errors}") };
    let words = format!("{subject}: command {command} {words}{exit}{said}");
    Outcome::failed(class, code, step, &words)
}

/// A command that reached nobody is over: it is not waited for.
pub(crate) fn reached_nobody(step: &str, subject: &str) -> Outcome {
    let words = format!("{subject}: the command reached no host, or Systems Manager does not know it");
    Outcome::failed(ErrorClass::Ambiguous, &code::UNDELIVERABLE, step, &words)
}

fn unreachable_when_alone(failure: Failure) -> Failure {
    match failure.class {
        // The instance is there (identity was checked), so it is its agent that is not registered.
        ErrorClass::NotFound => {
            Failure { class: ErrorClass::Transient, code: &code::HOST_UNREACHABLE, ..failure }
        }
        _ => failure,
    }
}

/// While it is not known whether the step acted, a failure to look leaves it unknown.
fn in_doubt(failure: &Failure) -> Failure {
    match failure.class {
        ErrorClass::Throttled | ErrorClass::Transient => {
            Failure { class: ErrorClass::Ambiguous, ..failure.clone() }
        }
        _ => failure.clone(),
    }
}
